"""From notebooks to a report: papermill runs them, `export` makes the page, and a manifest says what went in.

A report is built beside its place and moved there when it is whole.
"""

from __future__ import annotations

import json
import os
import platform
import re
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from analysis.errors import InputError
from analysis.export import chapter, render, tables_of
from analysis.ledger import DATA
from analysis.report import Report

NOTEBOOKS = DATA.parent / "notebooks"
# What decides the bytes of a report, besides the data, the parameters and our own code.
PACKAGES = ("altair", "nbconvert", "numpy", "pandas", "papermill", "vl-convert-python")
CELL_TIMEOUT = 120  # seconds; the slowest cell takes about one
# Kernels that talk over files need no ports, so that two of them never race for one; Windows has no such sockets.
_PRIVATE = Config(KernelManager={"transport": "ipc"} if os.name == "posix" else {})


class BuildError(InputError):
    """A notebook failed; the message names the notebook, the cell and the error."""


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
            chapters.append(chapter(source.stem, notebook))
            progress(source.stem)
        tables = dict(tables_of(chapters))
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


def _manifest(report: Report, tables: list[str]) -> dict:
    return {
        "parameters": report.parameters,
        "data": {"facts": len(report.ledger.facts), "sha256": report.ledger.fingerprint},
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "tables": [f"tables/{name}.csv" for name in tables],
    }
