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


def cost(run: Callable[[], None]) -> Cost:
    """What a function costs that runs commands and waits for them."""
    before, start = os.times().children_user, time.perf_counter()
    run()
    return Cost(time.perf_counter() - start, os.times().children_user - before, run.memory)


class Command:
    """Run commands one after another; their output is dropped unless one fails."""

    def __init__(self, *commands: Sequence[object], **options: object):
        self.commands, self.options, self.memory = commands, options, 0.0

    def __call__(self) -> None:
        for command in self.commands:
            arguments = [str(part) for part in command]
            with subprocess.Popen(
                arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.options
            ) as process:
                while process.poll() is None:
                    self.memory = max(self.memory, _held_by(process.pid))
                    time.sleep(0.1)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, arguments)


def _held_by(pid: int | str) -> float:
    """Memory of a process and all under it, MB; pages that they share are counted once."""
    folder, held = Path(f"/proc/{pid}"), 0.0
    with suppress(OSError):  # it has just ended
        held += int(re.search(r"^Pss: +(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)[1]) / 1024
        for children in folder.glob("task/*/children"):
            held += sum(map(_held_by, children.read_text().split()))
    return held


def rounds(ways: dict[str, Callable[[], None]], times: dict[str, int]) -> dict[str, Cost]:
    """Median costs of several ways, run in turn, so that whatever else the machine does falls on all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(max(times.values())):
        for name, run in ways.items():
            if number < times[name]:
                costs[name].append(cost(run))
                print(f"{name}: {costs[name][-1].wall:.1f} s", flush=True)
    return {
        name: Cost(
            statistics.median(each.wall for each in all_),
            statistics.median(each.user for each in all_),
            max(each.memory for each in all_),
        )
        for name, all_ in costs.items()
    }
