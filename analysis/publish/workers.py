"""Processes that work for this one: what it has in memory they have, and when it is gone they are."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Thread
from uuid import uuid4

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


def way() -> str:
    """How to start a process: on Linux by a fork, while there is no second thread, whose locks would stay locked."""
    return "fork" if sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1 else "spawn"


@contextmanager
def pool(scratch: Path, **environment: str) -> Iterator[ProcessPoolExecutor]:
    """Workers with their temporary files in a folder; they are ended at once if the block is left by an exception."""
    how = multiprocessing.get_context(way())
    executor = ProcessPoolExecutor(CORES, how, _begin, (str(scratch), environment))
    try:
        yield executor
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def belong_to_parent() -> None:
    """Have this process end when its parent is gone, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        os.setsid()  # a group of its own, so that it can be ended with all that it started
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    gc.freeze()  # a search of what there is now would find no garbage and copy the pages that are shared
    gc.enable()


def _begin(scratch: str, environment: dict[str, str]) -> None:
    belong_to_parent()
    os.environ.update(environment)
    tempfile.tempdir = scratch
    if hasattr(os, "nice"):
        os.nice(5)  # who waits for the results, or has work of its own to do with them, goes first


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
