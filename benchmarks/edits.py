"""Time from an edit to the page, of a preview of a copy of the project."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

LIMIT = 300  # seconds to wait for a page
REST = 5  # seconds between edits: who writes pauses, and the preview works ahead meanwhile
EDITED = {
    "an edited sentence": ("analysis/text/en/europe.md", "\n- ", "\n- Try {}.\n- "),
    "an edited fact": (
        "data/facts.csv",
        "P0093,TikTok Shop,US,gmv_target,2024,17.5",
        "P0093,TikTok Shop,US,gmv_target,2024,17.5{}",
    ),
}


def seconds(project: Path, quarter: str, scratch: Path, times: int) -> dict[str, float]:
    """The median of so many edits of each kind."""
    for name in ("analysis", "notebooks", "data"):
        shutil.copytree(project / name, scratch / name, ignore=shutil.ignore_patterns("__pycache__"))
    found = {}
    with _preview(quarter, scratch) as address:
        version = _page(address, 0)
        for kind, (name, old, new) in EDITED.items():
            path, took = scratch / name, []
            before = path.read_text(encoding="utf-8")
            if old not in before:
                raise ValueError(f"{name} has no {old!r} any more")
            for number in range(1, times + 1):
                time.sleep(REST)
                start = time.perf_counter()
                path.write_text(before.replace(old, new.format(number), 1), encoding="utf-8")
                version = _page(address, version)
                took.append(time.perf_counter() - start)
                print(f"{kind}: {took[-1]:.1f} s", flush=True)
            found[kind] = statistics.median(took)
    return found


@contextmanager
def _preview(quarter: str, folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "analysis", "preview", quarter]
    silent = os.environ | {"BROWSER": "true"}  # the program that does nothing, as the browser
    with subprocess.Popen(command, cwd=folder, env=silent, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _page(address: str, before: int) -> int:
    """The version of the page, once it is a later one."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            with urlopen(f"{address}state.json") as answer:
                state = json.load(answer)
        except HTTPError as missing:  # the first page is not built yet
            missing.close()
            state = {"version": 0, "problem": ""}
        if state["problem"]:
            raise ValueError(state["problem"])
        if state["version"] > before:
            return state["version"]
        time.sleep(0.05)  # the page itself asks every 0.1 s; who asks more often slows what is measured
    raise TimeoutError(f"no page after {LIMIT} s")
