"""A chapter of a report: each section a function of analysis/chapters, said by a text file of the same name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

from analysis.facts.report import Report, open_report
from analysis.story import charts
from analysis.story.show import Figure, Table, show
from analysis.story.text import COMMON, Block, Sentence, TextError, environment, first, read

LANGUAGE = "en"
# What a table is for: to be read, to be looked up in, or to be seen at a glance.
TABLES = ("table", "reference", "tiles")


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
        self.module = importlib.import_module(f"analysis.chapters.{name}")
        self.shared = importlib.import_module(f"analysis.chapters.{COMMON}")
        self.sections, self.words = read(name, LANGUAGE), environment(LANGUAGE).globals

    def show(self, *sections: str) -> None:
        """Display sections as a cell shows them: sentences, then charts and tables."""
        for section in sections:
            show(self.told(section), self.words)

    def told(self, section: str) -> list[Sentence | list[Sentence] | Figure | Table]:
        """What a section shows: a headline if it has one, its sentences, its charts and tables; what is empty is not.

        Raises
        ------
        TextError
            If the text has no such section, or names what the chapter does not return.
        """
        if section not in self.sections:
            raise TextError(f"{self.name} has no section {section!r}. Allowed: {', '.join(self.sections)}")
        text, names = self.sections[section], self.names(section)
        shown = [first(text.headline, names), text.said(names), *(self._made(block, names) for block in text.blocks)]
        return [thing for thing in shown if thing]

    @cache  # noqa: B019 - a chapter lives as long as its notebook
    def names(self, section: str) -> dict[str, object]:
        """What the text of a section may name: what its function returns, and what every section may name."""
        report = self.report
        common = {name: getattr(report, name) for name in ("platform", "rival", "year", "quarter", "currency")}
        common |= {"report": report, "as_of": report.as_of_label}
        if function := getattr(self.module, section, None):
            return common | function(report)
        if function := getattr(self.shared, section, None):
            return common | function(report, self.name)
        return common

    def _made(self, block: Block, names: Mapping[str, object]) -> Figure | Table | None:
        """A chart or a table; None if there is nothing in it."""
        data = block.table(names)
        if data.empty:
            return None
        title = (block.said(names) or [Sentence()])[0]
        if block.kind in TABLES:
            return Table(block.name, title, data, block.kind)
        chart = getattr(charts, block.kind)(data)
        return chart and Figure(block.name, title, first(block.subtitle, names), chart, data)


def open_chapter(name: str, namespace: Mapping[str, object]) -> Chapter:
    """A chapter of the report that a notebook's parameters ask for.

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
    return Chapter(name, open_report(namespace))
