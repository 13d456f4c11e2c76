"""From executed notebooks to what is read: one self-contained HTML page, and the table behind each chart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert import TemplateExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from analysis.errors import InputError
from analysis.report import Report

TEMPLATE = Path(__file__).parent / "template"


class ExportError(InputError):
    """An executed notebook lacks what the page is made of."""


@dataclass(frozen=True)
class Chapter:
    """An executed notebook and what the page needs to know of it."""

    slug: str
    name: str
    headline: str
    notebook: NotebookNode


def render(report: Report, chapters: list[Chapter]) -> str:
    """One self-contained page from executed notebooks: no script, no network, a note for every number."""
    cells = []
    for position, chapter in enumerate(chapters, start=1):
        first, *rest = (cell.copy() for cell in chapter.notebook.cells)
        first.metadata = NotebookNode(opens=position, slug=chapter.slug)
        cells += [first, *rest]
    merged = nbformat.v4.new_notebook(cells=cells)
    # Not HTMLExporter: it parses and rewrites the whole page after the template has made it.
    exporter = TemplateExporter(
        template_name=TEMPLATE.name,
        template_file="index.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        filters={"demote": _demote, "markdown": _markdown},
    )
    about = {
        "platform": report.platform,
        "quarter": report.quarter.short,
        "as_of": report.as_of_label.label,
        "verdict": chapters[0].headline,
        "chapters": chapters,
        "facts": len(report.ledger.facts),
        "css": (TEMPLATE / "report.css").read_text(encoding="utf-8"),
    }
    page, _ = exporter.from_notebook_node(merged, resources={"report": about})
    return _with_notes(page)


_HEADING = re.compile(r"<(/?)h([1-4])\b[^>]*")
_QUANTITY = re.compile(r'<span class="quantity" tabindex="0" title="([^"]*)">(.*?)</span>')


def _demote(markup: str) -> str:
    """A notebook's headings one level down and without ids, since chapters share a page and have like headings."""
    return _HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) + 1}", markup)


def _markdown(text: str) -> str:
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(text)


def _with_notes(page: str) -> str:
    """Turn each quantity into a link to a numbered note with its provenance; the same provenance has one note."""
    numbers: dict[str, int] = {}

    def link(match: re.Match[str]) -> str:
        why, shown = match.groups()
        number = numbers.setdefault(why, len(numbers) + 1)
        return f'<a class="quantity" href="#note-{number}" data-why="{why}">{shown}<sup>{number}</sup></a>'

    page = _QUANTITY.sub(link, page)
    notes = "".join(f'<li id="note-{number}">{why}</li>\n' for why, number in numbers.items())
    return page.replace("<!--notes-->", f"<ol>\n{notes}</ol>")


def chapter(stem: str, notebook: NotebookNode) -> Chapter:
    name = re.match(r"# (.*)", notebook.cells[0].source)[1]
    for output in _outputs([notebook]):
        if output.get("data", {}).get("text/html", "").partition("<h1>")[1]:
            return Chapter(stem.partition("_")[2], name, output.data["text/plain"], notebook)
    raise ExportError(f"{stem}.ipynb shows no headline: no cell calls show() with a sentence of its own")


def _outputs(notebooks: Iterable[NotebookNode]) -> Iterable[NotebookNode]:
    for notebook in notebooks:
        for cell in notebook.cells:
            yield from cell.get("outputs", [])


def tables_of(chapters: list[Chapter]) -> Iterable[tuple[str, str]]:
    """Name and CSV text of the table behind each chart and of each table shown."""
    for output in _outputs(chapter.notebook for chapter in chapters):
        about = output.get("metadata", {}).get("report", {})
        if "csv" in about:
            yield about["name"], about["csv"]
