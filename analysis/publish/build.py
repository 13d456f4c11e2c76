"""From notebooks to reports: papermill runs them, `page` makes the page, and a manifest says what went in.

Notebooks run side by side, each in a process of its own, so that one that fails does so alone. A report is built beside
its place and moved there when it is whole.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING

# The notebooks' packages are imported where they are needed: before that, the models can be fitted meanwhile.
from analysis import chapters
from analysis.facts.errors import InputError
from analysis.facts.ledger import Ledger, shared_ledger
from analysis.facts.report import Report
from analysis.model.estimates import FITTED, fitted
from analysis.model.track_record import earlier_quarters, told_later
from analysis.publish import cluster, manifest, workers
from analysis.publish.drawing import SPEC, SVG, Charts, DrawingProcess, undrawn

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 120.0  # seconds; the slowest cell takes about one
_AT_ONCE = 16  # reports; what they have in common is kept in memory while they are built


class BuildError(InputError):
    """A report could not be built; the message names each notebook that failed, its cell and the error."""


def build(report: Report, data: Path, out: Path) -> Path:
    """Build one report as `build_many` does; its HTML file.

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
    charts: Charts | None = None,
) -> Iterator[tuple[Report, Path | BuildError]]:
    """Build several reports side by side; one that fails leaves the others, and what stood in its place, as they are.

    Parameters
    ----------
    reports : sequence of Report
    data : Path
        The data folder that the reports were made from.
    out : Path
        Folder of reports; created if missing. Each is a folder in it, with the page, the executed notebooks, as such
        and as pages with their code, the table behind each chart as CSV, summary.json and manifest.json.
    executor : Executor, optional
        Has each report built where its workers are. By default all cores of this machine are used, and what reports
        have in common is worked out once.
    timeout : float
        Seconds that a cell may take.
    progress : callable
        Called with the report and the name of a notebook that is done; not while an executor builds.
    charts : Charts, optional
        Of a `DrawingProcess`, if one is at work already.

    Yields
    ------
    Report, Path or BuildError
        Each report when it is done, with its HTML file or with what went wrong.
    """
    manifest.notebooks()  # if they cannot be read, nothing is touched
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = stack.enter_context(_scratch(out))
        if executor is None:
            charts = charts or stack.enter_context(DrawingProcess()).Charts()
            built = _build_here(reports, data, scratch, charts, timeout, progress)
        else:
            built = cluster.build_with(executor, reports, data, scratch, timeout)
        for report, problems in built:
            final = out / report.name
            try:
                if not problems:
                    _replace(final, scratch / report.name, scratch / f"{report.name}.before")
            except OSError as error:
                problems = [f"{final} cannot be replaced: {error.strerror}; what stood there before is still there"]
            if problems:
                named = (text if text.startswith(report.name) else f"{report.name}: {text}" for text in problems)
                yield report, BuildError("\n".join(named))
            else:
                yield report, final / "report.html"


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """A folder for what is half done; such folders of builds that were killed are cleared away."""
    for left in out.glob(".building-*"):
        with suppress(OSError), _locked(left):  # else its build is still running, or it is another user's
            shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=out, ignore_cleanup_errors=True) as scratch:
        with _locked(Path(scratch)):
            yield Path(scratch)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """With a lock on a folder that no other process can have at a time, and that ends with this one.

    Raises
    ------
    OSError
        If another process has it.
    """
    if os.name != "posix":
        yield
        return
    import fcntl

    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)


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


def _build_here(
    reports: Sequence[Report], data: Path, scratch: Path, charts: Charts, timeout: float, progress
) -> Iterator[tuple[Report, list[str]]]:
    """Reports that are done, each with its problems."""
    how = workers.context()
    for first in range(0, len(reports), _AT_ONCE):
        waiting = {report.name: report for report in reports[first : first + _AT_ONCE]}
        if how.get_start_method() == "fork":
            _prepare(list(waiting.values()), data, how, scratch)
        # A worker that dies takes the others along: what is not done by then is tried again, each report alone.
        for some in ([*waiting.values()], *([report] for report in waiting.values())):
            again = [report for report in some if report.name in waiting]
            for report, problems in _build_together(again, how, data, scratch, charts, timeout, progress):
                del waiting[report.name]
                yield report, problems
        for report in waiting.values():
            yield report, ["a process that ran its notebooks was killed; is there enough memory?"]


def _build_together(
    reports: Sequence[Report], how: BaseContext, data: Path, scratch: Path, charts: Charts, timeout: float, progress
) -> Iterator[tuple[Report, list[str]]]:
    """Reports that are done, each with its problems; fewer than asked for if a worker died, which ends the pool."""
    sources = list(manifest.notebooks())
    done: dict[str, dict[str, NotebookNode | Exception]] = {report.name: {} for report in reports}
    with workers.pool(how, workers.cores(), scratch, ANALYSIS_DATA=str(data.resolve())) as pool:
        running = {
            pool.submit(execute, source, report.parameters, timeout, draw=False): (report, source)
            for report in reports
            for source in sources
        }
        from analysis.publish.page import load_templates

        load_templates()  # meanwhile
        for future in as_completed(running):
            report, source = running[future]
            notebooks = done[report.name]
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                return
            notebooks[source.name] = error or future.result()
            if not error:
                charts.ask([json.dumps(bundle[SPEC]) for bundle in undrawn(future.result())])
            progress(report, source.stem)
            if len(notebooks) == len(sources):
                yield report, _finish(report, done.pop(report.name), charts, scratch / report.name)


def _prepare(reports: Sequence[Report], data: Path, how: BaseContext, scratch: Path) -> None:
    """Do once, and have in memory, what the notebooks have in common: the data, the models, the imports."""
    shared_ledger(data)
    FITTED.clear()  # of reports that are done
    asked = {(view.fingerprint, *rest): (view, *rest) for report in reports for view, *rest in _asked_by(report)}
    models, size = list(asked.values()), workers.cores()
    with workers.pool(how, size, scratch) as pool:
        parts = [pool.submit(_fit, models[part::size]) for part in range(size)]
        _warm_up()  # meanwhile
        for part in parts:
            with suppress(Exception):  # the notebook that needs it will fail, and say where
                FITTED.update(part.result())


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
    altair.layer(altair.Chart().mark_point()).to_dict(validate=False)


def _finish(report: Report, notebooks: dict[str, NotebookNode | Exception], charts: Charts, folder: Path) -> list[str]:
    """Write the files of a report whose notebooks have run; what is wrong with them."""
    failed = {name: error for name, error in notebooks.items() if isinstance(error, Exception)}
    try:
        if not failed:
            for notebook in notebooks.values():
                bundles = list(undrawn(notebook))
                for bundle, drawn in zip(bundles, charts.take([json.dumps(one[SPEC]) for one in bundles]), strict=True):
                    del bundle[SPEC]
                    bundle[SVG] = drawn
            _write(report, notebooks, folder)
    except Exception as error:
        failed[report.name] = error
    return [_said(name, error) for name, error in sorted(failed.items())]


def _said(name: str, error: Exception) -> str:
    """What went wrong with something; of a mistake of ours, all that is known."""
    known = isinstance(error, (InputError, OSError))
    text = str(error) if known else "".join(traceback.format_exception(error))
    return text if text.startswith(name) else f"{name}: {text}"


def _write(report: Report, notebooks: dict[str, NotebookNode], folder: Path) -> None:
    import nbformat

    from analysis.publish.page import SUMMARY, chapter, chapter_page, render, summary_of, tables_of

    for name in ("notebooks", "tables", "chapters"):
        (folder / name).mkdir(parents=True)
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / "notebooks" / name)
    shown = [chapter(Path(name).stem, notebook) for name, notebook in sorted(notebooks.items())]
    files = {f"tables/{name}.csv": text for name, text in tables_of(shown)}
    files |= {f"chapters/{one.stem}.html": chapter_page(report, one) for one in shown}
    page = render(report, shown)
    numbers = ",\n".join(json.dumps(number, ensure_ascii=False) for number in page.numbers)
    files |= {"report.html": page.html, "numbers.json": f"[\n{numbers}\n]\n", SUMMARY: summary_of(report, shown)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    about = json.dumps(manifest.describe(report, folder), indent=2, ensure_ascii=False)
    (folder / manifest.NAME).write_text(about + "\n", encoding="utf-8", newline="\n")


# Notebooks ------------------------------------------------------------------------------------------


def execute(source: Path, parameters: dict[str, str], timeout: float = CELL_TIMEOUT, draw: bool = True) -> NotebookNode:
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

    with tempfile.TemporaryDirectory() as scratch:
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
                draw=draw,
                # Kernels, where there is no fork, that talk over files need no ports and so never race for one.
                config=Config(KernelManager={"transport": "ipc"} if os.name == "posix" else {}),
            )
        except papermill.PapermillExecutionError as error:
            message = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            raise BuildError(f"{source.name}, cell {error.exec_count}: {message}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{source.name}: {type(error).__name__}: {error}") from None
    return clean(notebook)


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
