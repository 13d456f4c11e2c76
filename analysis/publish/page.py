"""From executed notebooks to what is read: one self-contained HTML page, a page a chapter, and the list of reports."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import quote

import mistune
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbformat import NotebookNode

from analysis.facts import language
from analysis.facts.errors import InputError
from analysis.facts.parameters import BASE, PARAMETERS
from analysis.facts.report import Report
from analysis.facts.span import dated
from analysis.publish.notes import with_notes
from analysis.story.text import environment

TEMPLATE = Path(__file__).parent / "template"
SUMMARY = "summary.json"  # of a report, for the list of all of them


class Chapter:
    """An executed notebook as the page shows it; an InputError if it shows no headline.

    What it found is its `headline`, as text, and its `finding`, as HTML. A section is a heading, as HTML, and the
    outputs that stand under it; `about` is what each output says of itself, and so are `tables`, if it has one.
    """

    def __init__(self, stem: str, notebook: NotebookNode):
        self.stem, self.slug, self.notebook, self.about = stem, stem.partition("_")[2], notebook, []
        self.name = notebook.cells[0].source.removeprefix("# ")
        sections, self.headline = [("", [])], None
        for cell in notebook.cells[1:]:
            if cell.cell_type == "markdown":
                sections.append((mistune.html(cell.source), []))
            for output in cell.get("outputs", []):
                it = about(output)
                self.about.append(it)
                if it.get("part") == "headline":
                    self.headline = output.data["text/plain"]
                    self.finding = re.search("<h1>(.*)</h1>", output.data["text/html"], re.DOTALL)[1]
                elif it.get("part") != "around" and it.get("kind") != "workbook":  # what a notebook alone shows
                    sections[-1][1].append(output)
        self.sections = [(heading, under) for heading, under in sections if under]
        self.tables = [it for it in self.about if "csv" in it]
        if self.headline is None:
            raise InputError(f"{stem}.ipynb shows no headline: no cell shows the opening of a chapter")


def about(output: NotebookNode) -> dict:
    """What an output says of itself."""
    return output.get("metadata", {}).get("report", {})


def render(report: Report, chapters: list[Chapter]) -> tuple[str, dict]:
    """One self-contained page of some chapters: nothing from a network, a note for every number, and no script needed
    to read it. Beside it, its numbers for machines, as `notes.with_notes` lists them.
    """
    others = report.beside if len(chapters) > 1 else ()  # a chapter may be sent alone
    beside = {lang: (replace(report, lang=lang).name, words(lang)["own_name"]) for lang in others}
    scenario = _scenario(report)
    page = _fill("report.html.j2", report.lang, report=report, chapters=chapters, scenario=scenario, beside=beside)
    page, numbers = with_notes(page, [it for chapter in chapters for it in chapter.about], words(report.lang))
    return _secured(page), numbers


def notebook_page(report: Report, chapter: Chapter) -> str:
    """One chapter with its code, for analysts."""
    return _secured(_fill("notebook.html.j2", report.lang, report=report, told=chapter))


def on_paper(page: str) -> str:
    """The report for A4, the paper of a PDF; in the report itself the reader's printer says what it has."""
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "<!--policy-->", page, count=1)
    return _secured(page.replace("</style>", "@page{size:A4}</style>", 1))


@cache
def words(lang: str) -> dict:
    """The words of the page around its chapters."""
    return language.page(lang) | {"language": lang, "say": environment(lang).globals["say"]}


@cache
def templates(language: str) -> Environment:
    in_words = words(language)["say"]
    jinja = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    jinja.filters |= {
        "dated": lambda text: Markup(dated(in_words(str(text)))),
        "css_text": _css_text,
        "data_uri": _data_uri,
    }
    jinja.filters |= {"about": about, "html": _html, "svg": _svg, "markdown": lambda text: Markup(mistune.html(text))}
    jinja.globals |= {"asset": lambda name: Markup((TEMPLATE / name).read_text("utf-8")), "words": words(language)}
    return jinja


def _fill(template: str, language: str, **names: object) -> str:
    return templates(language).get_template(template).render(names)


def _scenario(report: Report) -> str:
    return "" if report.scenario.id == BASE else words(report.lang)["say"](report.scenario.name)


def _html(output: NotebookNode) -> Markup:
    """An output as it is; titles of charts and tables are a level below those of sections, and a table has a name."""
    data, place = output.get("data", {}), f'<div class="table" id="{about(output).get("name")}">'
    if "text/html" in data:
        html = data["text/html"].replace('<div class="table">', place, 1)
        return Markup(html.replace("<h3>", "<h4>").replace("</h3>", "</h4>"))
    return Markup(f"<pre>{escape(data.get('text/plain', output.get('text', '')))}</pre>")


def _svg(output: NotebookNode) -> Markup:
    """A drawing without what the page's style sheet gives it."""
    given = r' (?:role|aria-\w+|font-family)="[^"]*"| text-anchor="start"|<path class="background"[^>]*/>'
    return Markup(re.sub(given, "", output.data["image/svg+xml"]))


def _css_text(text: str) -> Markup:
    """A text as a string of CSS that cannot end the string or the style sheet."""
    return Markup('"' + "".join(c if c.isalnum() or c in " ." else f"\\{ord(c):x} " for c in text) + '"')


def _data_uri(table: str) -> str:
    """A CSV as an address of itself."""
    return "data:text/csv;charset=utf-8," + quote(for_spreadsheets(table), safe=" ,:;/()")


def for_spreadsheets(table: str) -> str:
    """A CSV as Excel opens it by a double click: with the mark by which it knows UTF-8, and its own line ends."""
    return "\ufeff" + table.replace("\n", "\r\n")


def _secured(page: str) -> str:
    """The page with a policy that lets its own styles and scripts work and nothing else, wherever it comes from.

    Whatever stands in the data is text by then; the policy is for the day on which it is not.
    """
    head, body = page.split("</head>", 1)
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    # Scripts stand at the very end, where nothing of the data follows.
    for kind, content in re.findall("<(style|script)>(.*?)</\\1>", head + body.rpartition("</footer>")[2], re.DOTALL):
        rules.append(f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'")
    return page.replace("<!--policy-->", f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">', 1)


def summary_of(report: Report, chapters: list[Chapter]) -> dict:
    """The verdict and the chapters of a report, for the list of all."""
    return {
        "lang": report.lang,
        "platform": report.platform,
        "quarter": report.quarter.short,
        "scenario": _scenario(report),
        "as_of": report.as_of_label.label,
        "end": report.quarter.end.isoformat(),
        "verdict": chapters[0].headline,
        "chapters": {chapter.stem: chapter.name for chapter in chapters},
    }


def write_index(out: Path) -> None:
    """Write index.html, a page that lists all reports of a folder, newest first."""
    reports = []
    for path in sorted(out.glob(f"*/{SUMMARY}")):  # the base before its scenarios
        folder, pdf = path.parent.name, path.with_name("report.pdf").is_file()
        told = json.loads(path.read_text(encoding="utf-8"))
        reports.append(told | {"address": quote(folder), "pdf": pdf, "words": words(told["lang"])})
    reports.sort(key=lambda told: told["end"], reverse=True)
    beside = out / "index.new"
    beside.write_text(
        _secured(_fill("list.html.j2", PARAMETERS["lang"], reports=reports)), encoding="utf-8", newline="\n"
    )
    beside.replace(out / "index.html")
