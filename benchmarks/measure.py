"""Time, processor time and memory of a command with everything that it starts."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Wall-clock seconds, processor seconds of user code, and the most memory held at a time, MB."""

    wall: float
    user: float
    memory: float


class Command:
    """Run commands one after another; their output is dropped unless one fails."""

    def __init__(self, *commands: Sequence[object], **options: object):
        self.commands, self.options = commands, options

    def __call__(self, watch: Callable[[subprocess.Popen], None] = subprocess.Popen.wait) -> None:
        for command in self.commands:
            arguments = [str(part) for part in command]
            with subprocess.Popen(
                arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.options
            ) as process:
                watch(process)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, arguments)

    def peak(self) -> float:
        """The most memory that is held at a time, MB. To ask for it takes time, so that such a run is not timed."""
        held = [0.0]

        def watch(process: subprocess.Popen) -> None:
            while process.poll() is None:
                held.append(_held_by(process.pid))
                time.sleep(0.1)

        self(watch)
        return max(held)


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Wall-clock seconds, and processor seconds of user code, of a function that runs commands and waits for them."""
    before, start = os.times().children_user, time.perf_counter()
    run()
    return time.perf_counter() - start, os.times().children_user - before


def _held_by(pid: int | str) -> float:
    """Memory of a process and all under it, MB; pages that they share are counted once."""
    folder, held = Path(f"/proc/{pid}"), 0.0
    with suppress(OSError):  # it has just ended
        held += int(re.search(r"^Pss: +(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)[1]) / 1024
        for children in folder.glob("task/*/children"):
            held += sum(map(_held_by, children.read_text().split()))
    return held


def rounds(ways: dict[str, Command], times: dict[str, int]) -> dict[str, Cost]:
    """Median costs of several ways, run in turn, so that whatever else the machine does falls on all alike."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(max(times.values())):
        for name, run in ways.items():
            if number < times[name]:
                seconds[name].append(timed(run))
                print(f"{name}: {seconds[name][-1][0]:.1f} s", flush=True)
    medians = {name: map(statistics.median, zip(*found, strict=True)) for name, found in seconds.items()}
    return {name: Cost(*medians[name], run.peak()) for name, run in ways.items()}
