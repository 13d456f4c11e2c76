"""Functions in processes forked from this one: each has all that is in memory, keeps nothing, and dies alone."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait

from analysis.facts.errors import InputError

GRACE = 1.0  # seconds between the end of a process's pipe and its own, which says more
_NICE = 5  # who waits for the results, or has work of its own to do with them, goes first
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


class TaskError(Exception):
    """A task failed, or its process died; the message says how."""


def possible() -> bool:
    """Whether this process may fork: on Linux, and while it has no second thread, native ones (V8, BLAS) counted.

    A thread does not live on in the child, and a lock that it held stays locked there. The system libraries of macOS
    do not bear a fork at all.
    """
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A forked process that runs `function(inbox, outbox)`, and this side of its two pipes.

    Attributes
    ----------
    inbox, outbox : Connection
        What it sends, and what it is sent. Reading raises EOFError once it is dead.
    """

    def __init__(self, function: Callable[[Connection, Connection], None]):
        self.inbox, outbox = Pipe(duplex=False)
        inbox, self.outbox = Pipe(duplex=False)
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid: int | None = os.fork()
        if self.pid == 0:
            self.inbox.close()
            self.outbox.close()
            _live(parent, function, inbox, outbox)
        inbox.close()
        outbox.close()

    def end(self, grace: float = 0.0) -> str:
        """Kill it with all that it started, unless it ends by itself within `grace` seconds; say how it ended."""
        self.inbox.close()
        self.outbox.close()
        if self.pid is None:
            return "has ended"
        until = time.monotonic() + grace
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT  # not reaped yet, it keeps its number from being given away
        while not (alone := os.waitid(os.P_PID, self.pid, options)) and time.monotonic() < until:
            time.sleep(0.001)
        with suppress(ProcessLookupError):  # its group is not there yet
            os.killpg(self.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        if not alone:
            return "was stopped"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _live(parent: int, function: Callable[[Connection, Connection], None], *pipes: Connection) -> None:
    """The whole life of a forked process."""
    code = 1
    # What there is now stays: a search of it for garbage would find none and copy the pages that are shared.
    gc.freeze()
    gc.enable()
    try:
        # A group of its own: it is ended with all that it started, and Ctrl-C is for the parent to handle.
        os.setsid()
        die_with_parent()
        if os.getppid() == parent:  # else the parent was gone before that
            function(*pipes)
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # what the parent registered to be done at its exit is not for us to do


class Tasks:
    """Functions to be run side by side, a process each; where that is not possible, one after another in this one.

    Iterating gives (key, result) as each is done, in no promised order, with a TaskError for a result where it failed;
    more can be added meanwhile. Leaving the `with` block ends what still runs.

    Attributes
    ----------
    at_once : int
        How many run at a time: as many as there are cores that this process may use.
    """

    def __init__(self):
        self.at_once = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        self._waiting: deque[tuple[Hashable, Callable[[], object]]] = deque()
        self._running: dict[Connection, tuple[Hashable, Child]] = {}

    def __enter__(self) -> Tasks:
        return self

    def __exit__(self, *_) -> None:
        for _, child in self._running.values():
            child.end()
        self._running.clear()

    def add(self, key: Hashable, function: Callable[[], object], first: bool = False) -> None:
        """Run a function as soon as there is room, before all others if it is to be the `first`."""
        (self._waiting.appendleft if first else self._waiting.append)((key, function))
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._running) < self.at_once and possible():
            key, function = self._waiting.popleft()
            child = Child(lambda _, outbox, function=function: outbox.send(_outcome(function)))
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
            self._running[child.inbox] = key, child

    def __iter__(self) -> Iterator[tuple[Hashable, object]]:
        while self._running or self._waiting:
            if not self._running:
                key, function = self._waiting.popleft()
                yield key, _result(_outcome(function))
                continue
            for inbox in wait(list(self._running)):
                key, child = self._running.pop(inbox)
                try:
                    outcome = inbox.recv()
                except EOFError:
                    outcome = None
                ended = child.end(GRACE if outcome is None else 0)
                self._start()
                yield key, _result(outcome) if outcome else TaskError(f"its process {ended}")


def _outcome(function: Callable[[], object]) -> tuple[bool, object]:
    """Whether a function succeeded, and its result or what there is to say of its failure."""
    try:
        return True, function()
    except InputError as error:
        return False, str(error)
    except Exception:
        return False, traceback.format_exc()


def _result(outcome: tuple[bool, object]) -> object:
    succeeded, value = outcome
    return value if succeeded else TaskError(value)
