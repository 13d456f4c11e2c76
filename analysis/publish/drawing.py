"""Charts as SVG. The converter takes a while to warm up, and a process that has used it must not fork; so the builder
of reports keeps one in a process of its own, and the notebooks that it forks leave their charts to that."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import vl_convert

from analysis.publish import forks

if TYPE_CHECKING:
    from nbformat import NotebookNode

SVG = "image/svg+xml"
_FINE = re.compile(r"-?\d*\.\d{3,}(?:e[+-]?\d+)?|-?\d+(?:\.\d+)?e-\d+")

# Whether this process, and what it forks, leaves charts to a `Draughtsman`.
later = False


def draw(spec: str) -> str:
    """A Vega-Lite specification as SVG: the same bytes on every machine, drawn without a script or a network.

    The specification itself if it is to be drawn `later`.
    """
    return spec if later else _coarse(vl_convert.vegalite_to_svg(json.loads(spec)))


def _coarse(svg: str) -> str:
    """A drawing with its coordinates to the hundredth of a pixel; what a reader reads stays as it is."""

    def shorter(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), 2) + 0.0:.10g}"  # + 0.0: zero has no sign

    return re.sub("<[^>]*>", lambda tag: _FINE.sub(shorter, tag[0]), svg)


def charts(notebook: NotebookNode) -> Iterator[dict[str, str]]:
    """The MIME bundles of a notebook's outputs whose charts are still to be drawn."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("data", {}).get(SVG, "").startswith("{"):
                yield output.data


class DrawingError(Exception):
    """A chart cannot be drawn; the message says why."""


class Draughtsman:
    """A process that draws while others compute."""

    def __enter__(self) -> Draughtsman:
        command = [sys.executable, "-m", "analysis.publish.drawing"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._asked: dict[str, None] = {}
        self._drawn: dict[str, dict[str, str]] = {}
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, spec: str) -> None:
        """Have a chart drawn, soon; the same chart is drawn once."""
        if spec not in self._drawn and spec not in self._asked:
            self._asked[spec] = None
            self._process.stdin.write(json.dumps(spec).encode() + b"\n")
            self._process.stdin.flush()

    def take(self, spec: str) -> str:
        """The drawing of a chart that was asked for.

        Raises
        ------
        DrawingError
        """
        while spec not in self._drawn:
            line = self._process.stdout.readline()
            if not line:
                raise DrawingError(f"the process that draws charts ended with exit code {self._process.wait()}")
            first = next(iter(self._asked))  # they are drawn in the order in which they were asked for
            del self._asked[first]
            self._drawn[first] = json.loads(line)
        drawn = self._drawn[spec]
        if "error" in drawn:
            raise DrawingError(drawn["error"])
        return drawn["svg"]


def _serve() -> None:
    """Draw each line of standard input, until there is no more of it."""
    forks.die_with_parent()
    asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    answers: queue.SimpleQueue[dict[str, str] | None] = queue.SimpleQueue()

    def read() -> None:  # at once, so that who asks never waits
        for line in sys.stdin.buffer:
            asked.put(json.loads(line))
        asked.put(None)

    def write() -> None:  # when it is taken, so that drawing never waits
        while (answer := answers.get()) is not None:
            print(json.dumps(answer), flush=True)

    threading.Thread(target=read, daemon=True).start()
    writer = threading.Thread(target=write)
    writer.start()
    # To warm up, fonts and all, before the first is asked for.
    draw('{"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": "0"}}}')
    while (spec := asked.get()) is not None:
        try:
            answers.put({"svg": draw(spec)})
        except Exception as error:
            answers.put({"error": str(error)})
    answers.put(None)
    writer.join()


if __name__ == "__main__":
    _serve()
