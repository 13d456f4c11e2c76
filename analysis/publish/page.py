"""From executed notebooks to what is read: one self-contained HTML page, and what stands beside it in its folder."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbconvert import TemplateExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from analysis.facts.errors import InputError
from analysis.facts.report import Report
from analysis.facts.span import dated
from analysis.publish.notes import with_notes

TEMPLATE = Path(__file__).parent / "template"
SUMMARY = "summary.json"  # of a report, for the list of all of them


class ExportError(InputError):
    """An executed notebook lacks what the page is made of."""


@dataclass(frozen=True)
class Chapter:
    """An executed notebook and what the page needs to know of it.

    Attributes
    ----------
    stem, slug : str
        Name of its file, and the same without its number.
    name, question : str
        Title of the chapter and the words under it, the latter as HTML.
    headline, finding : str
        What it found, as text and as HTML with links to the numbers.
    notebook : NotebookNode
    """

    stem: str
    slug: str
    name: str
    question: str
    headline: str
    finding: str
    notebook: NotebookNode

    @property
    def body(self) -> list[NotebookNode]:
        """Its cells without title, question and headline."""
        cells = [cell.copy() for cell in self.notebook.cells[1:]]
        for cell in cells:
            if "outputs" in cell:
                cell.outputs = [output for output in cell.outputs if not _is_headline(output)]
        return cells


def chapter(stem: str, notebook: NotebookNode) -> Chapter:
    """What the page needs to know of an executed notebook.

    Raises
    ------
    ExportError
        If it shows no headline.
    """
    title, _, question = notebook.cells[0].source.partition("\n")
    for output in _outputs([notebook]):
        if _is_headline(output):
            finding = re.search("<h1>(.*)</h1>", output.data["text/html"], re.DOTALL)[1]
            return Chapter(
                stem=stem,
                slug=stem.partition("_")[2],
                name=title.removeprefix("# "),
                question=_markdown(question.strip()),
                headline=output.data["text/plain"],
                finding=finding,
                notebook=notebook,
            )
    raise ExportError(f"{stem}.ipynb shows no headline: no cell calls show() with a sentence of its own")


def _is_headline(output: NotebookNode) -> bool:
    return "<h1>" in output.get("data", {}).get("text/html", "")


def _outputs(notebooks: Iterable[NotebookNode]) -> Iterable[NotebookNode]:
    for notebook in notebooks:
        for cell in notebook.cells:
            yield from cell.get("outputs", [])


def tables_of(chapters: list[Chapter]) -> Iterable[tuple[str, str]]:
    """Name and CSV text of the table behind each chart and of each table shown."""
    for about in _shown(chapters):
        if "csv" in about:
            yield about["name"], about["csv"]


def _shown(chapters: list[Chapter]) -> Iterable[dict]:
    """What each output says of itself."""
    for output in _outputs(chapter.notebook for chapter in chapters):
        yield output.get("metadata", {}).get("report", {})


# Pages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """The report as HTML, and its numbers for machines as `provenance.with_notes` lists them."""

    html: str
    numbers: list[dict]


def render(report: Report, chapters: list[Chapter]) -> Page:
    """One self-contained page: nothing from a network, a note for every number, and no script needed to read it."""
    cells = []
    for position, told in enumerate(chapters):
        opening = nbformat.v4.new_markdown_cell(metadata=NotebookNode(opens=position))
        cells += [opening, *told.body]
    merged = nbformat.v4.new_notebook(cells=cells)
    levers = [about for about in _shown(chapters) if about.get("part") == "lever"]
    page = _fill("report", merged, _about(report, chapters=chapters, lever=bool(levers)))
    page, numbers = with_notes(_in_order(page), report.ledger)
    return Page(_secured(page), numbers)


def chapter_page(report: Report, told: Chapter) -> str:
    """One chapter with its code, for analysts."""
    return _secured(_fill("chapter", told.notebook, _about(report, told=told)))


def on_paper(page: str) -> str:
    """The report for A4, the paper of a PDF; in the report itself the reader's printer says what it has."""
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)[1]
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "<!--policy-->", page, count=1)
    return _secured(page.replace(style, style + "@page{size:A4}", 1))


@cache  # it compiles its templates once
def _exporter(template: str) -> TemplateExporter:
    # Not HTMLExporter: it parses and rewrites the whole page after the template has made it.
    return TemplateExporter(
        template_name=TEMPLATE.name,
        template_file=f"{template}.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        default_preprocessors=[],
        filters={
            "demote": _demote,
            "markdown": _markdown,
            "data_uri": _data_uri,
            "dated": dated,
            "css_text": _css_text,
            "lean": _lean,
        },
    )


def load_templates() -> None:
    """Have the templates of a report compiled before they are needed."""
    for name in ("report", "chapter"):
        _ = _exporter(name).template


def _fill(template: str, notebook: NotebookNode, about: dict) -> str:
    page, _ = _exporter(template).from_notebook_node(notebook, resources={"report": about | {"asset": _asset}})
    return page


def _about(report: Report, **more: object) -> dict:
    """What the pages of a report say of it."""
    return {
        "platform": report.platform,
        "quarter": report.quarter,
        "as_of": report.as_of_label.label,
        "scenario": "" if report.name == report.quarter.code else report.scenario.name,
        "currency": report.currency,
        "facts": len(report.ledger.facts),
        "sources": len(report.ledger.sources),
        "glossary": tomllib.loads(_asset("glossary.toml")),
        **more,
    }


@cache
def _asset(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


_HEADING = re.compile(r"<(/?)h([1-4])\b[^>]*")


def _demote(markup: str) -> str:
    """A notebook's headings one level down and without ids, since chapters share a page and have like headings."""
    return _HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) + 1}", markup)


def _in_order(page: str) -> str:
    """The page with no level of heading left out: what stands under a chapter's title itself is a level higher."""
    above, closing = 1, {}

    def level(match: re.Match[str]) -> str:
        nonlocal above
        slash, wanted = match[1], int(match[2])
        if not slash:
            above = closing[wanted] = min(wanted, above + 1)
        return f"<{slash}h{closing[wanted]}"

    return re.sub(r"<(/?)h([1-4])\b", level, page)


_NOT_SEEN = re.compile(
    r' (?:role|aria-\w+|font-family)="[^"]*"| text-anchor="start"| fill="currentColor"|<path class="background"[^>]*/>'
)


def _lean(svg: str) -> str:
    """A drawing without what the page's style sheet gives it."""
    opening, rest = svg.split(">", 1)
    return f"{opening}>{_NOT_SEEN.sub('', rest)}"


def _markdown(text: str) -> str:
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(text)


def _css_text(text: str) -> str:
    """A text as a string of CSS that cannot end the string or the style sheet."""
    return '"' + "".join(c if c.isalnum() or c in " ." else f"\\{ord(c):x} " for c in text) + '"'


def _data_uri(table: str) -> str:
    """A CSV as an address of itself, without the columns that only say how its numbers are worked out."""
    head, *rows = csv.reader(io.StringIO(table, newline=""))
    kept = [n for n, name in enumerate(head) if not name.endswith((" formula", " facts"))]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([row[n] for n in kept] for row in [head, *rows])
    return "data:text/csv;charset=utf-8," + quote(out.getvalue(), safe=" ,:;/()")


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


# All reports ----------------------------------------------------------------------------------------


def summary_of(report: Report, chapters: list[Chapter]) -> str:
    """The verdict and the key numbers of a report, as JSON."""
    tiles = next((about["tiles"] for about in _shown(chapters) if about.get("part") == "tiles"), [])
    about = {
        "platform": report.platform,
        "quarter": report.quarter.short,
        "scenario": "" if report.name == report.quarter.code else report.scenario.name,
        "as_of": report.as_of_label.label,
        "end": report.quarter.end.isoformat(),
        "verdict": chapters[0].headline,
        "tiles": tiles,
        "chapters": {told.stem: told.name for told in chapters},
    }
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


def write_index(out: Path) -> Path:
    """Write index.html, a page that lists all reports of a folder, newest first."""
    page = out / "index.html"
    beside = page.with_suffix(".new")
    beside.write_text(_index(out), encoding="utf-8", newline="\n")
    return beside.replace(page)


def _index(out: Path) -> str:
    reports = []
    for path in out.glob(f"*/{SUMMARY}"):
        about = json.loads(path.read_text(encoding="utf-8"))
        pdf = (path.parent / "report.pdf").is_file()
        reports.append(about | {"folder": path.parent.name, "address": quote(path.parent.name), "pdf": pdf})
    reports.sort(key=lambda about: about["folder"])  # the base before its scenarios
    reports.sort(key=lambda about: about["end"], reverse=True)
    return _secured(_fill("list", nbformat.v4.new_notebook(), {"reports": reports}))
