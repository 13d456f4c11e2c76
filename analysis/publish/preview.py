"""The desk: a report in the browser that follows what is edited, for this machine alone."""

from __future__ import annotations

import gc
import importlib.util
import json
import multiprocessing
import secrets
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

from analysis.facts import language
from analysis.facts.errors import InputError
from analysis.facts.ledger import read_ledger
from analysis.facts.report import Report, make_report
from analysis.publish import manifest, workers
from analysis.publish.build import TIMEOUT, prepare
from analysis.story import text
from analysis.story.chapter import chapter_of, chapters

PACKAGE = Path(__file__).resolve().parent.parent
WATCHED = (PACKAGE / "text", PACKAGE / "chapters")


def preview(quarter: str, data: Path, say: Callable[[str], None]) -> None:
    """Serve the report of a quarter on 127.0.0.1 until Ctrl-C, and refresh it when a file behind it changes.

    What an edited file concerns runs again, in processes that have all packages and models already: the notebook of a
    chapter's words or module, all of them for the data and what chapters share. A mistake is shown above the last page
    that was whole. Only who knows the token in the address can read it.
    """
    if not importlib.util.find_spec("watchfiles"):
        raise InputError("preview needs the extra `lab`: make preview, or pip install --editable .[lab]")
    make_report(read_ledger(data), quarter=quarter)  # what cannot be built at all is said before anything starts
    with tempfile.TemporaryDirectory() as folder, workers.DrawingProcess() as charts:
        ours, theirs = multiprocessing.Pipe()
        # A process of its own serves and watches, since one with threads must not fork.
        server = multiprocessing.get_context(workers.way()).Process(
            target=_serve, args=(theirs, Path(folder), (data, manifest.NOTEBOOKS, *WATCHED)), daemon=True
        )
        server.start()
        say(address := ours.recv())
        webbrowser.open(address)
        notebooks, stale, version = {}, set(), 0
        changed = {str(data)}  # at first, everything has
        while True:
            problem = ""
            try:
                report = make_report(read_ledger(data), quarter=quarter)
                notebooks |= _rerun(report, data, changed, stale, folder, charts)
                _put(Path(folder, "report.html"), _page(report, notebooks))
                version, changed = version + 1, set()
            except InputError as error:  # what has changed is still to be run
                problem = str(error)
            _put(Path(folder, "state.json"), json.dumps({"version": version, "problem": problem}))
            if not problem:
                _work_ahead(report, until=ours.poll)
            changed |= ours.recv()
            while ours.poll():
                changed |= ours.recv()


def _rerun(
    report: Report, data: Path, changed: set[str], stale: set[str], scratch: str, charts: workers.Charts
) -> dict[Path, object]:
    """The notebooks that the changed files concern, run again; `stale` gets the modules that are no longer as read."""
    from analysis.publish.execute import execute

    paths = [Path(path) for path in changed]
    text.read.cache_clear()
    if any(path.suffix in (".jinja", ".toml") for path in paths):
        from analysis.publish import page

        for cached in (text.environment, chapter_of, language.page, page.words, page.templates):
            cached.cache_clear()
    stale |= {f"analysis.chapters.{path.stem}" for path in paths if path.suffix == ".py"}
    if any(path == data or data in path.parents for path in paths):
        prepare([report], data)
    sources = {path.stem.partition("_")[2]: path for path in manifest.longest_first()}
    named = {sources.get(path.stem.partition("_")[2] if path.suffix == ".ipynb" else path.stem) for path in paths}
    concerned = [path for path in sources.values() if path in named or None in named]
    jobs = {path: (path, data, report.parameters, charts) for path in concerned}
    done = dict(workers.side_by_side(partial(_fresh, execute, stale), jobs, Path(scratch), TIMEOUT))
    if problems := [result for result in done.values() if isinstance(result, str)]:
        raise InputError("\n".join(problems))
    return done


def _work_ahead(report: Report, until: Callable[[], bool]) -> None:
    """Have in memory what every chapter says, so that an edited sentence need not wait for it."""
    for chapter in [chapter_of(name, report) for name in chapters()]:
        for section in chapter.sections:
            if until():
                return
            chapter.told(section)
    gc.collect()  # else never done


def _fresh(execute: Callable, stale: set[str], step: Callable[[str], None], *arguments: object):
    """As `execute`, with the modules that were edited read anew."""
    for name in stale:
        sys.modules.pop(name, None)
        chapter_of.cache_clear()
    return execute(step, *arguments)


def _page(report: Report, notebooks: dict[Path, object]) -> str:
    """The page, with the words of its frame as they are now."""
    from analysis.publish import page

    try:
        return page.render(report, [page.Chapter(path.stem, notebooks[path]) for path in sorted(notebooks)])[0]
    except Exception as error:
        raise InputError(workers.said(error)) from error


def _put(place: Path, text: str) -> None:
    beside = place.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(place)


# The server -------------------------------------------------------------------------------------------


class _Handler(SimpleHTTPRequestHandler):
    """The files of a folder under a token, and the frame that shows them."""

    token = secrets.token_urlsafe(16)

    def translate_path(self, path: str) -> str:
        place, _, name = path.removeprefix("/").partition("?")[0].partition("/")
        if place != self.token or name not in ("", "report.html", "state.json"):
            return str(Path(self.directory) / "nothing")
        return str(Path(self.directory) / name) if name else str(PACKAGE / "publish" / "template" / "preview.html")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _serve(pipe: Connection, folder: Path, watched: tuple[Path, ...]) -> None:
    from watchfiles import watch

    workers.belong_to_parent()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(f"http://127.0.0.1:{server.server_address[1]}/{_Handler.token}/")
    for changes in watch(*watched, watch_filter=_is_edited, debounce=100, step=20):
        pipe.send({path for _, path in changes})


def _is_edited(_: object, path: str) -> bool:
    """Whether a file is one that people edit; editors and JupyterLab put others beside it."""
    return Path(path).suffix in (".csv", ".toml", ".md", ".jinja", ".py", ".ipynb") and "/." not in path
