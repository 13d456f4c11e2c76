"""Processes that work for this one: what it has in memory they have, and when it is gone they are."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.managers import BaseManager
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from uuid import uuid4

from analysis.facts.errors import InputError

CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


def way() -> str:
    """How to start a process: on Linux by a fork, while there is no second thread, whose locks would stay locked."""
    return "fork" if sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1 else "spawn"


def side_by_side(work: Callable, jobs: Mapping, scratch: Path, limit: float) -> Iterator[tuple[object, object]]:
    """Run notebooks, each in a process of its own, as many at a time as there are cores; all end with the iteration.

    A job is the arguments of `work`, of which the first is the notebook's path. Before them `work` gets a function to
    call with the number of each cell that begins; none may take longer than `limit` seconds. Temporary files go to
    `scratch`. A pool of `concurrent.futures` would be lost with the first process that is killed, and ends none that
    takes too long.

    Yields
    ------
    tuple
        The name of a job that is done, and its result: a text, which names the cell, if something went wrong.
    """
    how, waiting, running = multiprocessing.get_context(way()), iter(jobs.items()), {}

    def start(many: int) -> None:
        for name, arguments in islice(waiting, many):
            ours, theirs = how.Pipe(duplex=False)
            process = how.Process(target=_work, args=(theirs, str(scratch), limit, work, arguments))
            process.start()
            theirs.close()
            running[ours] = name, process, arguments[0].name

    try:
        start(CORES)
        while running:
            for pipe in wait(list(running)):
                name, process, place = running[pipe]
                try:
                    kind, content = pipe.recv()
                except (EOFError, OSError):
                    kind, content = "problem", _end_of(process, limit)
                if kind == "cell":
                    running[pipe] = name, process, f"{jobs[name][0].name}, cell {content}"
                    continue
                del running[pipe]
                _end(process)
                start(1)
                yield name, f"{place}: {content}" if kind == "problem" else content
    finally:
        for _, process, _ in running.values():
            _end(process)


def _end_of(process: BaseProcess, limit: float) -> str:
    process.join(1)  # it may take a moment from the end of its pipe to its own
    code = process.exitcode or 0
    if code == -signal.SIGALRM:
        return f"the cell ran longer than its limit of {limit:g} s"
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"the notebook's process {how}" + ("; is there enough memory?" if code == -signal.SIGKILL else "")


def _end(process: BaseProcess) -> None:
    with suppress(ProcessLookupError):  # its group, with all that it started: not there yet, or no more
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def belong_to_parent() -> None:
    """Have this process end when its parent is gone, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()  # a group of its own, so that it can be ended with all that it started
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if (parent := multiprocessing.parent_process()) and os.getppid() != parent.pid:
            os._exit(1)  # it was gone before this could be told
    gc.freeze()  # a search of what there is now would find no garbage and copy the pages that are shared
    gc.enable()


def _work(pipe: Connection, scratch: str, limit: float, work: Callable, arguments: tuple) -> None:
    belong_to_parent()
    tempfile.tempdir = scratch
    os.nice(5)  # who waits for the results, or has work of its own to do with them, goes first

    def begin(cell: int) -> None:
        pipe.send(("cell", cell))
        signal.setitimer(signal.ITIMER_REAL, limit)  # its signal ends the process, whatever that is busy with

    try:
        answer = "result", work(begin, *arguments)
    except Exception as error:
        answer = "problem", said(error)
    signal.setitimer(signal.ITIMER_REAL, 0)
    pipe.send(answer)


def said(error: Exception) -> str:
    """What went wrong; of a mistake of ours, all that is known."""
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'} cannot be read or written: {error.strerror or error}"
    return str(error) if isinstance(error, InputError) else "".join(traceback.format_exception(error))


class Charts:
    """The converter of charts: it takes 0.7 s to start, and who has used it must not fork."""

    def __init__(self):
        first = {"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": "0"}}}
        Thread(target=self.draw, args=(first,), daemon=True).start()  # to warm up, fonts and all

    def draw(self, spec: dict) -> str:
        from analysis.story.svg import to_svg

        return to_svg(spec)


class DrawingProcess(BaseManager):
    """A process that draws while others compute: `with DrawingProcess() as charts: ...`."""

    def __init__(self):
        address = f"\0{uuid4()}" if sys.platform == "linux" else None  # no file, which would stay if this is killed
        super().__init__(address, ctx=multiprocessing.get_context(way()))

    def __enter__(self) -> Charts:
        self.start(belong_to_parent)
        return self.Charts()


DrawingProcess.register("Charts", Charts)
