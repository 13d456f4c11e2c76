"""From notebooks to reports, each built beside its place and moved there when it is whole."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path

# The notebooks' packages are imported where they are needed: before that, the models can be fitted meanwhile.
from analysis.chapters.futures import futures
from analysis.facts.errors import InputError
from analysis.facts.ledger import Ledger, read_ledger
from analysis.facts.report import Report
from analysis.model.estimates import FITTED, fitted
from analysis.model.observations import read_facts
from analysis.model.track_record import asked, earlier_quarters
from analysis.publish import manifest, workers
from analysis.publish.cluster import build_with
from analysis.publish.workers import Charts

TIMEOUT = 120.0  # seconds; the slowest cell takes about one
_AT_ONCE = 16  # reports; what they have in common is kept in memory while they are built


def build_many(
    reports: Sequence[Report],
    data: Path,
    out: Path,
    charts: Charts | None = None,
    *,
    executor: Executor | None = None,
    timeout: float = TIMEOUT,
    progress: Callable[[str, str], None] = lambda report, notebook: None,
) -> Iterator[tuple[Report, Path | InputError]]:
    """Build reports side by side, each as a folder of `out`; each when it is done, with its page or with what is wrong.

    One that fails leaves the others, and what stood in its place, as they are. All cores of this machine are used, with
    the `charts` of a `DrawingProcess`, or an `executor` has each report built where its workers are. A cell may take
    `timeout` seconds. `progress` is called with the names of a report and of a notebook that is done here.
    """
    manifest.notebooks()  # if they cannot be read, nothing is touched
    out.mkdir(parents=True, exist_ok=True)
    with scratch_folder(out) as scratch:
        if executor:
            built = build_with(executor, reports, data, scratch, timeout)
        else:
            built = _build_here(reports, data.resolve(), scratch, charts, timeout, progress)
        for report, problems in built:
            final, new, aside = out / report.name, scratch / report.name, scratch / f"{report.name}.before"
            try:
                if not problems:
                    if final.exists():
                        final.rename(aside)
                    new.rename(final)
            except OSError as error:
                problems = [f"{final} cannot be replaced: {error.strerror}; what stood there is still there"]
            finally:  # also when stopped
                if aside.exists() and not final.exists():
                    aside.rename(final)
            named = (text if text.startswith(report.name) else f"{report.name}: {text}" for text in problems)
            yield report, InputError("\n".join(named)) if problems else final / "report.html"


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """A folder for what is half done; such folders of builds that were killed, are cleared away."""
    for left in out.glob(".building-*"):
        with suppress(OSError), open(left / "lock") as lock:  # else it is another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for aside in left.glob("*.before"):  # killed between the two moves that replace a report
                if not (out / aside.stem).exists():
                    aside.rename(out / aside.stem)
            shutil.rmtree(left)
    folder = tempfile.TemporaryDirectory(prefix=".building-", dir=out.resolve(), ignore_cleanup_errors=True)
    with folder as scratch, open(Path(scratch) / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(scratch)


def _build_here(reports: Sequence[Report], data: Path, scratch: Path, charts: Charts, timeout: float, progress):
    """As `build_with`, by processes of this machine."""
    sources = manifest.longest_first()
    for first in range(0, len(reports), _AT_ONCE):
        batch = {report.name: report for report in reports[first : first + _AT_ONCE]}
        if workers.way() == "fork":
            prepare(batch.values(), data)
        from analysis.publish.execute import execute

        jobs = {
            (name, source): (source, data, report.parameters, charts)
            for name, report in batch.items()
            for source in sources
        }
        done = {name: {} for name in batch}
        for (name, source), result in workers.side_by_side(execute, jobs, scratch, timeout):
            done[name][source.name] = result
            progress(name, source.stem)
            if len(done[name]) == len(manifest.CHAPTERS):
                notebooks = dict(sorted(done.pop(name).items()))
                problems = [result for result in notebooks.values() if isinstance(result, str)]
                try:
                    if not problems:
                        _write(batch[name], notebooks, scratch / name)
                except Exception as error:
                    problems = [workers.said(error)]
                yield batch[name], problems


def prepare(reports: Collection[Report], data: Path) -> None:
    """Do once, and have in memory, what the notebooks have in common: the data, the models, the imports."""
    models = {}  # by view: what the platforms of one have in common is read in one process
    for view, *rest in (model for report in reports for model in _models_of(report)):
        models.setdefault(view.as_of, {})[view.fingerprint, *rest] = rest
    missing = {day: asked for day, asked in models.items() if asked.keys() - FITTED.keys()}
    with ProcessPoolExecutor(workers.CORES, multiprocessing.get_context("fork"), workers.belong_to_parent) as pool:
        fits = pool.map(partial(_fit, data), missing, missing.values())
        import IPython.core.completerlib  # meanwhile, what a shell loads as it begins
        import IPython.core.magics
        import IPython.core.oinspect  # noqa: F401
        import nbformat
        import pandas as pd
        from altair import Chart

        from analysis.publish import execute, page, workbook  # noqa: F401
        from analysis.story import text
        from analysis.story.chapter import chapters

        nbformat.validate(nbformat.v4.new_notebook())  # compiles the schema
        Chart(pd.DataFrame({"x": [0]})).mark_point().encode(x="x:Q").to_dict()  # and this, the patterns of channels
        for report in reports:
            read_facts(report.ledger, report.platform)
        for language in {report.lang for report in reports}:
            text.environment(language)
            for name in chapters():
                text.read(name, language)
        with suppress(Exception):  # the notebook that needs the model will fail, and say where
            for name, market in (fit for found in fits for fit in found.items()):
                FITTED[name] = FITTED[market] if isinstance(market, tuple) else market
            for report in reports:
                futures(report)
    for done in FITTED.keys() - set().union(*models.values()):  # of reports that are built, or of data before an edit
        del FITTED[done]


def _models_of(report: Report) -> Iterator[tuple[Ledger, str, date]]:
    """What several notebooks of a report ask of `fitted`: the view, the platform and the last day of each model."""
    for seen, platform in ((report, report.platform), (report, report.rival), (report.before, report.platform)):
        yield seen.ledger, platform, seen.horizon.end
    for platform in (report.platform, report.rival):
        yield from asked(report.ledger, platform, earlier_quarters(report.quarter))


def _fit(data: Path, as_of: date, models: dict[tuple, tuple[str, date]]) -> dict:
    """Models of a view with their draws; for one that is the same as one in `FITTED`, which need not be sent, its name
    there."""
    there, view = {id(market): name for name, market in FITTED.items() if market}, read_ledger(data).known_by(as_of)
    found = {name: fitted(view, *asked) for name, asked in models.items()}
    for market in (market for market in found.values() if market and id(market) not in there):
        _ = market.posterior.sample  # draws, which stay with the model
    return {name: there.get(id(market), market) for name, market in found.items()}


def _write(report: Report, notebooks: dict, folder: Path) -> None:
    """Write all files of a report whose notebooks have run."""
    import nbformat

    from analysis.publish import page, workbook

    def put(name: str, content: str | dict) -> None:
        text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")

    shown = [page.Chapter(Path(name).stem, notebook) for name, notebook in notebooks.items()]
    html, numbers = page.render(report, shown)
    put("report.html", html)
    put("numbers.json", numbers)
    put(page.SUMMARY, page.summary_of(report, shown))
    for chapter in shown:
        put(f"notebooks/{chapter.stem}.ipynb", nbformat.writes(chapter.notebook) + "\n")
        put(f"notebooks/{chapter.stem}.html", page.notebook_page(report, chapter))
        put(f"chapters/{chapter.stem}.html", page.render(report, [chapter])[0])
        for table in chapter.tables:
            put(f"tables/{table['name']}.csv", page.for_spreadsheets(table["csv"]))
    workbook.write_workbook(folder / workbook.NAME, report, shown)
    put(manifest.NAME, manifest.describe(report, folder))
