"""From notebooks to a report: papermill runs, one HTML file, the tables behind it and a manifest.

The only module that knows Jupyter. A report is built beside its place and moved there when it is whole.
"""

from __future__ import annotations

import json
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from nbconvert import TemplateExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from analysis.errors import InputError
from analysis.ledger import DATA
from analysis.report import Report

NOTEBOOKS = DATA.parent / "notebooks"
TEMPLATE = Path(__file__).parent / "template"
# What decides the bytes of a report, besides the data, the parameters and our own code.
PACKAGES = ("altair", "nbconvert", "numpy", "pandas", "papermill", "vl-convert-python")
CELL_TIMEOUT = 120  # seconds; the slowest cell takes about one
# Kernels that talk over files need no ports, so that two of them never race for one; Windows has no such sockets.
_PRIVATE = Config(KernelManager={"transport": "ipc"} if os.name == "posix" else {})


class BuildError(InputError):
    """A notebook failed; the message names the notebook, the cell and the error."""


@dataclass(frozen=True)
class Chapter:
    """An executed notebook and what the page needs to know of it."""

    slug: str
    name: str
    headline: str
    notebook: NotebookNode


def build(report: Report, data: Path, out: Path, progress: Callable[[str], None] = lambda notebook: None) -> Path:
    """Run all notebooks for one report and write it as a folder of `out`, named by its quarter.

    Parameters
    ----------
    report : Report
    data : Path
        The data folder that the report was made from.
    out : Path
        Folder of reports; created if missing.
    progress : callable
        Called with the name of each notebook when it is done.

    Returns
    -------
    Path
        The report's HTML file. The folder also has the executed notebooks, the table behind each chart as CSV
        and manifest.json.

    Raises
    ------
    BuildError
        If a notebook fails. What stood in `out` before is still there, and nothing else.
    """
    out.mkdir(parents=True, exist_ok=True)
    final = out / report.quarter.code
    with tempfile.TemporaryDirectory(prefix=".building-", dir=out) as scratch:
        folder = Path(scratch) / final.name
        (folder / "notebooks").mkdir(parents=True)
        (folder / "tables").mkdir()
        chapters = []
        for source in sorted(NOTEBOOKS.glob("*.ipynb")):
            notebook = execute(source, report.parameters, data)
            nbformat.write(notebook, folder / "notebooks" / source.name)
            chapters.append(_chapter(source.stem, notebook))
            progress(source.stem)
        tables = dict(_tables(chapters))
        for name, text in tables.items():
            (folder / "tables" / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
        page = render(report, chapters)
        (folder / "report.html").write_text(page, encoding="utf-8", newline="\n")
        manifest = _manifest(report, sorted(tables))
        (folder / "manifest.json").write_text(
            json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
        folder.chmod(0o755)
        _replace(final, folder, Path(scratch) / "previous")
    return final / "report.html"


def _replace(final: Path, folder: Path, aside: Path) -> None:
    """Put a folder in the place of another, which stays if that fails."""
    if not final.exists():
        folder.rename(final)
        return
    final.rename(aside)
    try:
        folder.rename(final)
    except BaseException:
        aside.rename(final)
        raise


def execute(source: Path, parameters: dict[str, str], data: Path = DATA) -> NotebookNode:
    """Run one notebook with parameters, and leave nothing in it that differs from run to run."""
    with tempfile.TemporaryDirectory() as scratch, _environment(ANALYSIS_DATA=str(data.resolve())):
        try:
            notebook = papermill.execute_notebook(
                source,
                Path(scratch) / source.name,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                cwd=scratch,
                execution_timeout=CELL_TIMEOUT,
                config=_PRIVATE,
            )
        except PapermillExecutionError as error:
            message = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            raise BuildError(f"{source.name}, cell {error.exec_count}: {message}") from None
    return clean(notebook)


@contextmanager
def _environment(**variables: str):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook without timings, paths and random ids; its parameters cell holds the values it ran with."""
    cells = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            opening = "# Parameters: as this run was given them"
            cells[-1].source = "\n".join([opening, *cell.source.splitlines()[1:]])
            continue
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        cells.append(cell)
    kernel = NotebookNode(display_name="Python 3 (ipykernel)", language="python", name="python3")
    metadata = NotebookNode(kernelspec=kernel, language_info=NotebookNode(name="python"))
    return NotebookNode(
        cells=cells, metadata=metadata, nbformat=notebook.nbformat, nbformat_minor=notebook.nbformat_minor
    )


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


def _chapter(stem: str, notebook: NotebookNode) -> Chapter:
    name = re.match(r"# (.*)", notebook.cells[0].source)[1]
    for output in _outputs([notebook]):
        if output.get("data", {}).get("text/html", "").partition("<h1>")[1]:
            return Chapter(stem.partition("_")[2], name, output.data["text/plain"], notebook)
    raise BuildError(f"{stem}.ipynb shows no headline: no cell calls show() with a sentence of its own")


def _outputs(notebooks: Iterable[NotebookNode]) -> Iterable[NotebookNode]:
    for notebook in notebooks:
        for cell in notebook.cells:
            yield from cell.get("outputs", [])


def _tables(chapters: list[Chapter]) -> Iterable[tuple[str, str]]:
    """Name and CSV text of the table behind each chart and of each table shown."""
    for output in _outputs(chapter.notebook for chapter in chapters):
        about = output.get("metadata", {}).get("report", {})
        if "csv" in about:
            yield about["name"], about["csv"]


def _manifest(report: Report, tables: list[str]) -> dict:
    return {
        "parameters": report.parameters,
        "data": {"facts": len(report.ledger.facts), "sha256": report.ledger.fingerprint},
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "tables": [f"tables/{name}.csv" for name in tables],
    }
