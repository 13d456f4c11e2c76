"""From notebooks to reports: papermill runs them, `page` makes the page, and a manifest says what went in.

Notebooks run side by side, each in a process of its own, so that one that fails does so alone. A report is built beside
its place and moved there when it is whole.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import pkgutil
import re
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

# The notebooks' packages are imported where they are needed: before that, the models can be fitted meanwhile.
from analysis import chapters
from analysis.facts.errors import InputError
from analysis.facts.ledger import Ledger, read_ledger
from analysis.facts.report import Report
from analysis.model.estimates import FITTED, fitted
from analysis.model.track_record import asked, earlier_quarters
from analysis.publish import manifest, workers
from analysis.publish.cluster import build_with
from analysis.publish.workers import Charts, DrawingProcess

if TYPE_CHECKING:
    from nbformat import NotebookNode

TIMEOUT = 120.0  # seconds; the slowest cell takes about one
_AT_ONCE = 16  # reports; what they have in common is kept in memory while they are built


class BuildError(InputError):
    """A report could not be built; the message names each notebook that failed, its cell and the error."""


def build(report: Report, data: Path, out: Path) -> Path:
    """Build one report as `build_many` does; its HTML file, or a BuildError is raised."""
    with DrawingProcess() as charts:
        ((_, result),) = build_many([report], data, out, charts)
    if isinstance(result, BuildError):
        raise result
    return result


def build_many(
    reports: Sequence[Report],
    data: Path,
    out: Path,
    charts: Charts | None = None,
    *,
    executor: Executor | None = None,
    timeout: float = TIMEOUT,
    progress: Callable[[str, str], None] = lambda report, notebook: None,
) -> Iterator[tuple[Report, Path | BuildError]]:
    """Build reports side by side, each as a folder of `out`; each when it is done, with its page or with what is wrong.

    One that fails leaves the others, and what stood in its place, as they are. All cores of this machine are used, with
    the `charts` of a `DrawingProcess`, or an `executor` has each report built where its workers are. A cell may take
    `timeout` seconds. `progress` is called with the names of a report and of a notebook that is done here.
    """
    manifest.notebooks()  # if they cannot be read, nothing is touched
    out.mkdir(parents=True, exist_ok=True)
    with _scratch(out) as scratch:
        if executor:
            built = build_with(executor, reports, data, scratch, timeout)
        else:
            built = _build_here(reports, data, scratch, charts, timeout, progress)
        for report, problems in built:
            final, new, aside = out / report.name, scratch / report.name, scratch / f"{report.name}.before"
            try:
                if not problems:
                    if final.exists():
                        final.rename(aside)
                    new.rename(final)
            except BaseException as error:  # also when stopped
                if aside.exists() and not final.exists():
                    aside.rename(final)
                if not isinstance(error, OSError):
                    raise
                problems = [f"{final} cannot be replaced: {error.strerror}; what stood there is still there"]
            named = (text if text.startswith(report.name) else f"{report.name}: {text}" for text in problems)
            yield report, BuildError("\n".join(named)) if problems else final / "report.html"


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """A folder for what is half done; such folders of builds that were killed, are cleared away."""
    for left in out.glob(".building-*"):
        with suppress(OSError), open(left / "lock") as lock:  # else it is another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
    folder = tempfile.TemporaryDirectory(prefix=".building-", dir=out.resolve(), ignore_cleanup_errors=True)
    with folder as scratch, open(Path(scratch) / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(scratch)


# Here -----------------------------------------------------------------------------------------------


def _build_here(reports: Sequence[Report], data: Path, scratch: Path, charts: Charts, timeout: float, progress):
    """As `build_with`, by processes of this machine."""
    for first in range(0, len(reports), _AT_ONCE):
        waiting = {report.name: report for report in reports[first : first + _AT_ONCE]}
        if workers.way() == "fork":
            prepare([*waiting.values()], data, scratch)
        for _ in range(2):  # a worker that dies takes the others along: once more
            with workers.pool(scratch, ANALYSIS_DATA=str(data.resolve())) as pool:
                for report, notebooks in run([*waiting.values()], pool, charts, timeout, progress):
                    del waiting[report.name]
                    yield report, _finish(report, notebooks, scratch / report.name)
        for report in waiting.values():
            yield report, ["a process that ran its notebooks was killed twice; is there enough memory?"]


def run(reports: Sequence[Report], pool: Executor, charts: Charts, timeout: float, progress):
    """Reports with what their notebooks came to; fewer than asked for if a worker died, which ends the pool."""
    done = {report.name: {} for report in reports}
    running = {
        pool.submit(execute, source, report.parameters, timeout, charts): (report, source)
        for report in reports
        for source in manifest.notebooks()
    }
    for future in as_completed(running):
        report, source = running[future]
        result = done[report.name][source.name] = future.exception() or future.result()
        if isinstance(result, BrokenProcessPool):
            return
        progress(report.name, source.stem)
        if len(done[report.name]) == len(manifest.CHAPTERS):
            yield report, dict(sorted(done.pop(report.name).items()))


def prepare(reports: list[Report], data: Path, scratch: Path) -> None:
    """Do once, and have in memory, what the notebooks have in common: the data, the models, the imports."""
    read_ledger(data)
    FITTED.clear()  # of reports that are done
    asked = {(view.fingerprint, *rest): (view, *rest) for report in reports for view, *rest in _models_of(report)}
    with workers.pool(scratch) as pool:
        fits = [pool.submit(_fit, *model) for model in asked.values()]
        with suppress(Exception):  # meanwhile; the notebook that needs it will fail, and say where
            _import_all()
        for fit in fits:
            with suppress(Exception):
                FITTED.update(fit.result())


def _models_of(report: Report) -> Iterator[tuple[Ledger, str, date]]:
    """What several notebooks of a report ask of `fitted`: the view, the platform and the last day of each model."""
    for seen, platform in ((report, report.platform), (report, report.rival), (report.before, report.platform)):
        yield seen.ledger, platform, seen.horizon.end
    for platform in (report.platform, report.rival):
        yield from asked(report.ledger, platform, earlier_quarters(report.quarter))


def _fit(view: Ledger, platform: str, until: date) -> dict:
    """A model with its draws, by what `FITTED` knows it by."""
    market = fitted(view, platform, until)
    if market is not None:
        _ = market.posterior.rates  # they stay with the model
    return {(view.fingerprint, platform, until): market}


def _import_all() -> None:
    """Import what notebooks and pages need, and look up what is looked up once, so that a fork has it."""
    import altair
    import nbformat
    import papermill  # noqa: F401

    from analysis.publish import page

    nbformat.validate(nbformat.v4.new_notebook())  # compiles the schema
    altair.layer(altair.Chart().mark_point()).to_dict(validate=False)
    page.templates().get_template("report.html.j2")
    for module in pkgutil.iter_modules(chapters.__path__, "analysis.chapters."):
        importlib.import_module(module.name)


def _finish(report: Report, results: dict[str, NotebookNode | Exception], folder: Path) -> list[str]:
    """Write the files of a report whose notebooks have run; what is wrong with them."""
    failed = {name: error for name, error in results.items() if isinstance(error, Exception)}
    try:
        if not failed:
            _write(report, results, folder)
    except Exception as error:
        failed[report.name] = error
    return [_said(name, error) for name, error in failed.items()]


def _said(name: str, error: Exception) -> str:
    """What went wrong with something; of a mistake of ours, all that is known."""
    if isinstance(error, OSError):
        return f"{name}: {error.filename or 'a file'} cannot be read or written: {error.strerror or error}"
    text = str(error) if isinstance(error, InputError) else "".join(traceback.format_exception(error))
    return text if text.startswith(name) else f"{name}: {text}"


def _write(report: Report, notebooks: dict[str, NotebookNode], folder: Path) -> None:
    import nbformat

    from analysis.publish import page, workbook

    shown = [page.chapter(Path(name).stem, notebook) for name, notebook in notebooks.items()]
    html, numbers = page.render(report, shown)
    files = {f"notebooks/{name}": nbformat.writes(notebook) + "\n" for name, notebook in notebooks.items()}
    files |= {f"chapters/{one.stem}.html": page.chapter_page(report, one) for one in shown}
    told = [page.about(output) for notebook in notebooks.values() for output in page.outputs(notebook.cells)]
    files |= {f"tables/{it['name']}.csv": it["csv"] for it in told if "csv" in it}
    files |= {"report.html": html, "numbers.json": _json(numbers), page.SUMMARY: _json(page.summary_of(report, shown))}
    for name in ("notebooks", "chapters", "tables"):
        (folder / name).mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    workbook.write_workbook(folder / workbook.NAME, report, shown)
    about = _json(manifest.describe(report, folder))
    (folder / manifest.NAME).write_text(about, encoding="utf-8", newline="\n")


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


# Notebooks ------------------------------------------------------------------------------------------


def execute(
    source: Path, parameters: dict[str, str], timeout: float = TIMEOUT, charts: Charts | None = None
) -> NotebookNode:
    """Run one notebook with parameters, and leave nothing in it that differs from run to run.

    Its charts are drawn by `charts` if there are any, else where it runs.

    Raises
    ------
    BuildError
        If a cell fails, runs longer than `timeout` seconds, or ends its process.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    options = {"engine_name": "forked", "kernel_name": "python3", "progress_bar": False, "execution_timeout": timeout}
    # Kernels, where there is no fork, that talk over files need no ports and so never race for one.
    options["config"] = Config(KernelManager={"transport": "ipc"})
    with tempfile.TemporaryDirectory() as scratch:
        try:
            notebook = papermill.execute_notebook(source, None, parameters, cwd=scratch, charts=charts, **options)
        except papermill.PapermillExecutionError as error:
            message = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            raise BuildError(f"{source.name}, cell {error.exec_count}: {message}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{source.name}: {type(error).__name__}: {error}") from None
    return clean(notebook)


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook without timings, paths and random ids; its parameters cell holds the values it ran with."""
    cells = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            opening = "# Parameters: as this run was given them"
            cells[-1].source = "\n".join([opening, *cell.source.splitlines()[1:]])
        else:
            cell.metadata = {"tags": tags} if tags else {}
            cells.append(cell)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.cells = cells
    return notebook
