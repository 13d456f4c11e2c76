"""From executed notebooks to what is read: one self-contained HTML page, a page a chapter, and the list of reports."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import quote

import mistune
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbformat import NotebookNode

from analysis.facts.errors import InputError
from analysis.facts.report import Report
from analysis.facts.span import dated
from analysis.publish.notes import with_notes
from analysis.story.text import FOLDER

TEMPLATE = Path(__file__).parent / "template"
SUMMARY = "summary.json"  # of a report, for the list of all of them


class PageError(InputError):
    """An executed notebook lacks what the page is made of."""


@dataclass(frozen=True)
class Section:
    """What stands under one heading of a notebook: its cells, and what their outputs show."""

    heading: str  # as HTML; empty for the opening
    cells: list[NotebookNode]

    @property
    def shown(self) -> list[NotebookNode]:
        """Outputs of its cells, without the headline and what stands around a chart in a notebook."""
        return [output for output in outputs(self.cells) if about(output).get("part") not in ("headline", "around")]


@dataclass(frozen=True)
class Chapter:
    """An executed notebook: its `name` and `question`, what it found (`headline`, text; `finding`, HTML), its sections."""

    stem: str
    name: str
    question: str
    headline: str
    finding: str
    sections: list[Section]
    notebook: NotebookNode

    @property
    def slug(self) -> str:
        return self.stem.partition("_")[2]


def chapter(stem: str, notebook: NotebookNode) -> Chapter:
    """What the page needs to know of an executed notebook.

    Raises
    ------
    PageError
        If it shows no headline.
    """
    title, _, question = notebook.cells[0].source.partition("\n")
    for output in outputs(notebook.cells):
        if about(output).get("part") == "headline":
            finding = re.search("<h1>(.*)</h1>", output.data["text/html"], re.DOTALL)[1]
            sections = [section for section in _sections(notebook.cells[1:]) if section.shown]
            name, question = title.removeprefix("# "), mistune.html(question.strip())
            return Chapter(stem, name, question, output.data["text/plain"], finding, sections, notebook)
    raise PageError(f"{stem}.ipynb shows no headline: no cell shows the opening of a chapter")


def _sections(cells: list[NotebookNode]) -> Iterator[Section]:
    """Cells by their headings; a heading under which nothing is shown is dropped with them."""
    heading, under = "", []
    for cell in cells:
        if cell.cell_type == "markdown":
            yield Section(heading, under)
            heading, under = mistune.html(cell.source), []
        else:
            under.append(cell)
    yield Section(heading, under)


def outputs(cells: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    for cell in cells:
        yield from cell.get("outputs", [])


def about(output: NotebookNode) -> dict:
    """What an output says of itself."""
    return output.get("metadata", {}).get("report", {})


def tables_of(chapters: list[Chapter]) -> Iterator[tuple[str, str]]:
    """Name and CSV text of the table behind each chart and of each table shown."""
    for each in _shown(chapters):
        if "csv" in each:
            yield each["name"], each["csv"]


def _shown(chapters: list[Chapter]) -> Iterator[dict]:
    for told in chapters:
        for output in outputs(told.notebook.cells):
            yield about(output)


# Pages ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """The report as HTML, and its numbers for machines as `notes.with_notes` lists them."""

    html: str
    numbers: dict


def render(report: Report, chapters: list[Chapter]) -> Page:
    """One self-contained page: nothing from a network, a note for every number, and no script needed to read it."""
    words = page_words()
    page = _fill("report.html.j2", report=report, chapters=chapters, scenario=_scenario(report))
    page, numbers = with_notes(page, _shown(chapters), words)
    return Page(_secured(page), numbers)


def chapter_page(report: Report, told: Chapter) -> str:
    """One chapter with its code, for analysts."""
    return _secured(_fill("chapter.html.j2", report=report, told=told))


def on_paper(page: str) -> str:
    """The report for A4, the paper of a PDF; in the report itself the reader's printer says what it has."""
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)[1]
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "<!--policy-->", page, count=1)
    return _secured(page.replace(style, style + "@page{size:A4}", 1))


@cache
def page_words(language: str = "en") -> dict:
    """The words of the page around its chapters."""
    return tomllib.loads((FOLDER / language / "page.toml").read_text("utf-8"))


@cache
def _templates() -> Environment:
    jinja = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    jinja.filters |= {"dated": lambda text: Markup(dated(str(text))), "css_text": _css_text, "data_uri": _data_uri}
    jinja.filters |= {"about": about, "html": _html, "svg": _svg, "markdown": lambda text: Markup(mistune.html(text))}
    jinja.globals |= {"asset": lambda name: Markup((TEMPLATE / name).read_text("utf-8")), "words": page_words()}
    return jinja


def load_templates() -> None:
    """Have the templates of a report compiled before they are needed."""
    for name in ("report.html.j2", "chapter.html.j2"):
        _templates().get_template(name)


def _fill(template: str, **names: object) -> str:
    return _templates().get_template(template).render(names)


def _scenario(report: Report) -> str:
    return "" if report.name == report.quarter.code else report.scenario.name


def _html(output: NotebookNode) -> Markup:
    """An output as it is; the titles of charts and tables are a level below those of sections."""
    data = output.get("data", {})
    if "text/html" in data:
        return Markup(data["text/html"].replace("<h3>", "<h4>").replace("</h3>", "</h4>"))
    return Markup(f"<pre>{escape(data.get('text/plain', output.get('text', '')))}</pre>")


_NOT_SEEN = re.compile(r' (?:role|aria-\w+|font-family)="[^"]*"| text-anchor="start"|<path class="background"[^>]*/>')


def _svg(output: NotebookNode) -> Markup:
    """A drawing without what the page's style sheet gives it."""
    return Markup(_NOT_SEEN.sub("", output.data["image/svg+xml"]))


def _css_text(text: str) -> Markup:
    """A text as a string of CSS that cannot end the string or the style sheet."""
    return Markup('"' + "".join(c if c.isalnum() or c in " ." else f"\\{ord(c):x} " for c in text) + '"')


def _data_uri(table: str) -> str:
    """A CSV as an address of itself."""
    return "data:text/csv;charset=utf-8," + quote("\ufeff" + table.replace("\n", "\r\n"), safe=" ,:;/()")


_INLINE = re.compile("<(style|script)>(.*?)</\\1>", re.DOTALL)


def _secured(page: str) -> str:
    """The page with a policy that lets its own styles and scripts work and nothing else, wherever it comes from.

    Whatever stands in the data is text by then; the policy is for the day on which it is not.
    """
    head, body = page.split("</head>", 1)
    hashes = {"style": [], "script": []}
    # Scripts stand at the very end, where nothing of the data follows.
    for kind, content in _INLINE.findall(head) + _INLINE.findall(body.rpartition("</footer>")[2]):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    rules += [f"{kind}-src {' '.join(found)}" for kind, found in hashes.items() if found]
    return page.replace("<!--policy-->", f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">', 1)


# All reports ------------------------------------------------------------------------------------------


def summary_of(report: Report, chapters: list[Chapter]) -> str:
    """The verdict and the chapters of a report, as JSON, for the list of all."""
    summary = {
        "platform": report.platform,
        "quarter": report.quarter.short,
        "scenario": _scenario(report),
        "as_of": report.as_of_label.label,
        "end": report.quarter.end.isoformat(),
        "verdict": chapters[0].headline,
        "chapters": {told.stem: told.name for told in chapters},
    }
    return json.dumps(summary, indent=2, ensure_ascii=False) + "\n"


def write_index(out: Path) -> Path:
    """Write index.html, a page that lists all reports of a folder, newest first."""
    page = out / "index.html"
    beside = page.with_suffix(".new")
    beside.write_text(_index(out), encoding="utf-8", newline="\n")
    return beside.replace(page)


def _index(out: Path) -> str:
    reports = []
    for path in out.glob(f"*/{SUMMARY}"):
        told = json.loads(path.read_text(encoding="utf-8"))
        pdf = (path.parent / "report.pdf").is_file()
        reports.append(told | {"folder": path.parent.name, "address": quote(path.parent.name), "pdf": pdf})
    reports.sort(key=lambda told: told["folder"])  # the base before its scenarios
    reports.sort(key=lambda told: told["end"], reverse=True)
    return _secured(_fill("list.html.j2", reports=reports))
