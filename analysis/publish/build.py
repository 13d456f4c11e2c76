"""From notebooks to reports: papermill runs them, `export` makes the page, and a manifest says what went in.

Notebooks and reports are made side by side, each in a process of its own, so that one that fails does so alone. A
report is built beside its place and moved there when it is whole.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

# The notebooks' packages are imported where they are needed: before that, the models can be fitted meanwhile.
from analysis import chapters
from analysis.facts.errors import InputError
from analysis.facts.ledger import Ledger, shared_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import Report
from analysis.model.estimates import FITTED, fitted
from analysis.model.track_record import earlier_quarters, told_later
from analysis.publish import cluster as elsewhere
from analysis.publish import drawing, forks, manifest

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 120.0  # seconds; the slowest cell takes about one
_AT_ONCE = 16  # reports; what they have in common is kept in memory while they are built


class BuildError(InputError):
    """A report could not be built; the message names each notebook that failed, its cell and the error."""


def build(report: Report, data: Path, out: Path) -> Path:
    """Run all notebooks for one report and write it as a folder of `out` with the report's name.

    Returns
    -------
    Path
        The report's HTML file. The folder also has the executed notebooks, as such and as pages with their code, the
        table behind each chart as CSV, summary.json and manifest.json.

    Raises
    ------
    BuildError
        If a notebook fails. What stood in `out` before is still there, and nothing else.
    """
    ((_, result),) = build_many([report], data, out)
    if isinstance(result, BuildError):
        raise result
    return result


def build_many(
    reports: Sequence[Report],
    data: Path,
    out: Path,
    executor: Executor | None = None,
    timeout: float = CELL_TIMEOUT,
    progress: Callable[[Report, str], None] = lambda report, notebook: None,
    draughtsman: drawing.Draughtsman | None = None,
) -> Iterator[tuple[Report, Path | BuildError]]:
    """Build several reports side by side; one that fails leaves the others, and what stood in its place, as they are.

    Parameters
    ----------
    reports : sequence of Report
    data : Path
        The data folder that the reports were made from.
    out : Path
        Folder of reports; created if missing.
    executor : Executor, optional
        Has each report built where its workers are. By default all cores of this machine are used, and what reports
        have in common is worked out once.
    timeout : float
        Seconds that a cell may take.
    progress : callable
        Called with the report and the name of a notebook that is done; not while an executor builds.
    draughtsman : Draughtsman, optional
        Draws the charts, if one is at work already.

    Yields
    ------
    Report, Path or BuildError
        Each report when it is done, with its HTML file or with what went wrong.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=out) as scratch, ExitStack() as stack:
        folders = [Path(scratch) / str(number) / report.name for number, report in enumerate(reports)]
        if executor is None:
            draughtsman = draughtsman or stack.enter_context(drawing.Draughtsman())
            built = _build_here(reports, data, folders, draughtsman, timeout, progress)
        else:
            built = elsewhere.build_with(executor, reports, data, folders, timeout)
        for number, problems in built:
            report, folder = reports[number], folders[number]
            if problems:
                named = (text if text.startswith(report.name) else f"{report.name}: {text}" for text in problems)
                yield report, BuildError("\n".join(named))
                continue
            folder.chmod(0o755)
            _replace(out / report.name, folder, folder.parent / "previous")
            yield report, out / report.name / "report.html"


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


# Here -----------------------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A report in the making: its notebooks so far, and what is wrong with the others."""

    report: Report
    folder: Path
    notebooks: dict[str, NotebookNode] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _build_here(
    reports, data: Path, folders: list[Path], draughtsman: drawing.Draughtsman, timeout: float, progress
) -> Iterator[tuple[int, list[str]]]:
    """Numbers of reports that are done, each with its problems."""
    for first in range(0, len(reports), _AT_ONCE):
        last = min(first + _AT_ONCE, len(reports))
        drafts = {number: _Draft(reports[number], folders[number]) for number in range(first, last)}
        yield from _build_together(drafts, data, draughtsman, timeout, progress)


def _build_together(
    drafts: dict[int, _Draft], data: Path, draughtsman: drawing.Draughtsman, timeout: float, progress
) -> Iterator[tuple[int, list[str]]]:
    sources = manifest.notebooks()
    with forks.Tasks() as tasks:
        _prepare([draft.report for draft in drafts.values()], data, tasks)
        for number, draft in drafts.items():
            for source in sources:
                run = partial(execute, source, draft.report.parameters, data, timeout, draw=False)
                tasks.add((number, source), run)
        from analysis.publish.page import load_templates

        load_templates()  # meanwhile, for all who write
        for (number, source), result in tasks:
            draft = drafts[number]
            if source is None:  # the folder is written
                yield number, [str(result)] if isinstance(result, forks.TaskError) else []
                continue
            if isinstance(result, forks.TaskError):
                draft.problems.append(_named(source, result))
            else:
                draft.notebooks[source.stem] = result
                for chart in drawing.charts(result):
                    draughtsman.ask(chart[drawing.SVG])
            progress(draft.report, source.stem)
            if len(draft.notebooks) + len(draft.problems) < len(sources):
                continue
            if not draft.problems:
                draft.problems += _draw(draft, draughtsman)
            if draft.problems:
                yield number, sorted(draft.problems)
            else:
                # Before other notebooks, so that few reports are half done at a time.
                tasks.add((number, None), partial(_write, draft), first=True)


def _prepare(reports: Sequence[Report], data: Path, tasks: forks.Tasks) -> None:
    """Do once, and have in memory, what the notebooks have in common: the data, the models, the imports."""
    if not forks.possible():  # a kernel would not have it
        return
    shared_ledger(data)
    FITTED.clear()  # of reports that are done
    asked = {(view.fingerprint, *rest): (view, *rest) for report in reports for view, *rest in _asked_by(report)}
    models = list(asked.values())
    for part in range(tasks.at_once):
        tasks.add(part, partial(_fit, models[part :: tasks.at_once]))
    _warm_up()  # meanwhile
    for _, found in tasks:
        if not isinstance(found, forks.TaskError):  # else the notebook that needs it will fail, and say where
            FITTED.update(found)


def _asked_by(report: Report) -> Iterator[tuple[Ledger, str, date]]:
    """What several notebooks of a report ask of `fitted`: the view, the platform and the last day of each model."""
    for seen, platform in ((report, report.platform), (report, report.rival), (report.before, report.platform)):
        yield seen.ledger, platform, seen.horizon.end
    for quarter, view, _ in told_later(report.ledger, report.platform, earlier_quarters(report.quarter)):
        yield view, report.platform, quarter.year.end


def _fit(models: list[tuple[Ledger, str, date]]) -> dict:
    """Models with their draws, by what `FITTED` knows them by."""
    for market in [fitted(*asked) for asked in models]:
        if market is not None:
            _ = market.posterior.rates  # they stay with the model
    return FITTED


def _warm_up() -> None:
    """Import what notebooks need, and have looked up what is looked up once, so that what is forked has it already."""
    import altair
    import nbformat
    import papermill  # noqa: F401

    for module in pkgutil.iter_modules(chapters.__path__, "analysis.chapters."):
        with suppress(Exception):  # the notebook that needs it will fail, and say where
            importlib.import_module(module.name)
    nbformat.validate(nbformat.v4.new_notebook())  # compiles the schema
    altair.layer(altair.Chart().mark_point()).to_json(validate=False)


def _named(source: Path, error: forks.TaskError) -> str:
    text = str(error)
    return text if text.startswith(source.name) else f"{source.name}: {text}"


def _draw(draft: _Draft, draughtsman: drawing.Draughtsman) -> list[str]:
    """Put the charts into the notebooks of a report; what went wrong."""
    problems = []
    for stem, notebook in draft.notebooks.items():
        for data in drawing.charts(notebook):
            try:
                data[drawing.SVG] = draughtsman.take(data[drawing.SVG])
            except drawing.DrawingError as error:
                problems.append(f"{stem}.ipynb: a chart cannot be drawn: {error}")
    return problems


def _write(draft: _Draft) -> None:
    """Write the files of a report."""
    import nbformat

    from analysis.publish.page import SUMMARY, chapter, chapter_page, render, summary_of, tables_of

    for name in ("notebooks", "tables", "chapters"):
        (draft.folder / name).mkdir(parents=True)
    for stem, notebook in draft.notebooks.items():
        nbformat.write(notebook, draft.folder / "notebooks" / f"{stem}.ipynb")
    told = [chapter(stem, notebook) for stem, notebook in sorted(draft.notebooks.items())]
    files = {f"tables/{name}.csv": text for name, text in tables_of(told)}
    files |= {f"chapters/{one.stem}.html": chapter_page(draft.report, one) for one in told}
    page = render(draft.report, told)
    numbers = ",\n".join(json.dumps(number, ensure_ascii=False) for number in page.numbers)
    files |= {"report.html": page.html, "numbers.json": f"[\n{numbers}\n]\n", SUMMARY: summary_of(draft.report, told)}
    for name, text in files.items():
        (draft.folder / name).write_text(text, encoding="utf-8", newline="\n")
    about = json.dumps(manifest.describe(draft.report, draft.folder), indent=2, ensure_ascii=False)
    (draft.folder / manifest.NAME).write_text(about + "\n", encoding="utf-8", newline="\n")


# Notebooks ------------------------------------------------------------------------------------------


def execute(
    source: Path, parameters: dict[str, str], data: Path = DATA, timeout: float = CELL_TIMEOUT, draw: bool = True
) -> NotebookNode:
    """Run one notebook with parameters, and leave nothing in it that differs from run to run.

    Its charts are drawn unless somebody else is to `draw` them.

    Raises
    ------
    BuildError
        If a cell fails, runs longer than `timeout` seconds, or ends its process.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    drawing.later = not draw and forks.possible()  # else a kernel draws them
    with tempfile.TemporaryDirectory() as scratch, _environment(ANALYSIS_DATA=str(data.resolve())):
        try:
            notebook = papermill.execute_notebook(
                source,
                None,
                parameters,
                engine_name="forked",
                kernel_name="python3",
                progress_bar=False,
                cwd=scratch,
                execution_timeout=timeout,
                # Kernels, where there is no fork, that talk over files need no ports and so never race for one.
                config=Config(KernelManager={"transport": "ipc"} if os.name == "posix" else {}),
            )
        except papermill.PapermillExecutionError as error:
            message = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            raise BuildError(f"{source.name}, cell {error.exec_count}: {message}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{source.name}: {type(error).__name__}: {error}") from None
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
    from nbformat import NotebookNode

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
