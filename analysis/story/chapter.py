"""A chapter of a report: each section a function of analysis/chapters, said by a text file of the same name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache, lru_cache

from IPython import get_ipython

from analysis.chapters import CHAPTERS
from analysis.facts.language import languages, names
from analysis.facts.report import Report, open_report
from analysis.story import charts
from analysis.story.show import Figure, Table, show
from analysis.story.text import COMMON, Block, Sentence, TextError, environment, first, in_all, read, read_text

# What a table is for: to be read, looked up in, taken along, seen at a glance, or moved by hand.
TABLES = ("table", "reference", "workbook", "tiles", "sliders")

Shown = Sentence | list[Sentence] | Figure | Table


class Chapter:
    """One chapter of one report.

    Parameters
    ----------
    name : str
        Of the module in analysis/chapters and of the file in analysis/text.
    report : Report
    """

    def __init__(self, name: str, report: Report):
        self.name, self.report = name, report
        self.module, self.shared = (importlib.import_module(f"analysis.chapters.{module}") for module in (name, COMMON))
        self.words = environment(report.lang).globals

    @property
    def sections(self) -> dict[str, Block]:
        """The text of each, as its file has it now."""
        return read(self.name, self.report.lang)

    def show(self, *sections: str) -> None:
        """Display sections as a cell shows them: sentences, then charts and tables."""
        for section in sections:
            show(self.told(section), self.words)

    def told(self, section: str) -> list[Shown]:
        """What a section shows: a headline if it has one, its sentences, its charts and tables; what is empty is not.

        Raises
        ------
        TextError
            If the text has no such section, or names what the chapter does not return.
        """
        if section not in self.sections:
            raise TextError(f"{self.name} has no section {section!r}. Allowed: {', '.join(self.sections)}")
        return said(self.sections[section], self.names(section), self.words)

    @cache  # noqa: B019 - a chapter lives as long as its notebook
    def names(self, section: str) -> dict[str, object]:
        """What the text of a section may name: what its function returns, and what every section may name."""
        report = self.report
        common = {
            name: getattr(report, name) for name in ("platform", "rival", "year", "quarter", "currency", "horizon")
        }
        common |= {"report": report, "as_of": report.as_of_label, "over": report.year_is_over}
        common |= {"to_date": report.quarter.to_date}
        if function := getattr(self.module, section, None):
            return common | function(report)
        function = getattr(self.shared, section, None)
        return common | function(report, self.name) if function else common


@lru_cache(maxsize=16)
def chapter_of(name: str, report: Report) -> Chapter:
    """A chapter that is opened once: what its sections have found it keeps."""
    return Chapter(name, report)


def said(text: Block, names: Mapping[str, object], words: Mapping[str, object]) -> list[Shown]:
    """What a section shows by the names of its words: headline, sentences, charts and tables, unless they are empty."""
    shown = [first(text.headline, names), text.said(names), *(_made(block, names, words) for block in text.blocks)]
    return [thing for thing in shown if thing]


def _made(block: Block, names: Mapping[str, object], words: Mapping[str, object]) -> Figure | Table | None:
    data = block.table(names).map(words["printed"]) if block.of else block.table(names)
    if data.empty:
        return None
    title = (block.said(names) or [Sentence()])[0]
    if block.kind in TABLES:
        lever = in_all(names["lever"], words["say"]) if block.kind == "sliders" else None
        return Table(block.name, title, data, block.kind, lever)
    chart = getattr(charts, block.kind)(data)
    return chart and Figure(block.name, title, first(block.subtitle, names), chart, data)


def open_chapter(name: str, namespace: Mapping[str, object]) -> Chapter:
    """A chapter of the report that a notebook's parameters ask for, and the `%%story` cell to try its words in.

    Parameters
    ----------
    name : str
    namespace : mapping
        The notebook's `globals()`.

    Raises
    ------
    ParameterError, LedgerError
        As `open_report` does.
    """
    chapter = chapter_of(name, open_report(namespace))
    if shell := get_ipython():

        def story(section: str, text: str) -> None:
            known = namespace | chapter.names(section.strip() or "opening")
            show(said(read_text("%%story", text, chapter.report.lang)["opening"], known, chapter.words), chapter.words)

        shell.register_magic_function(story, "cell")
    return chapter


def chapters() -> list[str]:
    """The names of the chapters, in their order."""
    return [name.partition("_")[2] for name in CHAPTERS]


def mistakes(reports: Mapping[str, Report]) -> list[str]:
    """A line for each mistake in the texts of all languages, with file and line; each chapter asks its own report."""
    found = []
    for chapter in (Chapter(name, report) for name, report in reports.items()):
        for language in languages():
            _ = names(language), environment(language)  # reads them, also where it has no text of this chapter
            told, file = read(chapter.name, language), f"text/{language}/{chapter.name}.md"
            found += [f"{file}: section {name} is missing" for name in chapter.sections if name not in told]
            found += [line for name, text in told.items() for line in text.mistakes(set(chapter.names(name)))]
    return list(dict.fromkeys(found))


def headlines(report: Report) -> dict[str, str]:
    """The headline of each chapter."""
    opened = [Chapter(name, report) for name in chapters()]
    return {one.name: first(one.sections["opening"].headline, one.names("opening")).text for one in opened}
