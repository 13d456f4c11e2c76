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
from multiprocessing.context import BaseContext
from pathlib import Path

_NICE = 5  # who waits for the results, or has work of its own to do with them, goes first
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


def can_fork() -> bool:
    """Whether this process may fork: on Linux, and while it has no second thread, native ones (V8, BLAS) counted.

    A thread does not live on in the child, and a lock that it held stays locked there. The system libraries of macOS
    do not bear a fork at all.
    """
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


def context() -> BaseContext:
    """How processes are started: forked where that is possible, with all that this one has imported."""
    return multiprocessing.get_context("fork" if can_fork() else "spawn")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def pool(how: BaseContext, size: int, scratch: Path, **environment: str) -> Iterator[ProcessPoolExecutor]:
    """Workers with their temporary files in a folder; they are ended at once if the block is left by an exception."""
    executor = ProcessPoolExecutor(size, how, _begin, (str(scratch), environment))
    try:
        yield executor
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def belong_to_parent() -> None:
    """Have this process ended when its parent is gone, and Ctrl-C left to the parent."""
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own, so that it can be ended with all that it started
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # What there is now stays: a search of it for garbage would find none and copy the pages that are shared.
    gc.freeze()
    gc.enable()


def _begin(scratch: str, environment: dict[str, str]) -> None:
    belong_to_parent()
    os.environ.update(environment)
    tempfile.tempdir = scratch
    if hasattr(os, "nice"):
        os.nice(_NICE)
