"""Charts are drawn in a process of their own: the converter takes 0.7 s to start, and who has used it must not fork."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.managers import BaseManager
from typing import TYPE_CHECKING

from analysis.publish import workers

if TYPE_CHECKING:
    from nbformat import NotebookNode

SVG = "image/svg+xml"
SPEC = "application/vnd.vegalite.v6+json"  # what the engine leaves in a notebook instead of a drawing


def undrawn(notebook: NotebookNode) -> Iterator[dict]:
    """The MIME bundles of a notebook's outputs whose charts are still to be drawn."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if SPEC in output.get("data", {}):
                yield output.data


class Charts:
    """Charts that are drawn one after another; the same chart is drawn once."""

    def __init__(self):
        self._drawn: dict[str, Future[str]] = {}
        self._thread = ThreadPoolExecutor(1)
        # To warm up, fonts and all, before the first is asked for.
        self.ask(['{"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": "0"}}}'])

    def ask(self, specs: list[str]) -> None:
        """Have charts drawn, soon."""
        for spec in specs:
            if spec not in self._drawn:
                self._drawn[spec] = self._thread.submit(_draw, spec)

    def take(self, specs: list[str]) -> list[str]:
        """The drawings of charts that were asked for, when they are done."""
        return [self._drawn[spec].result() for spec in specs]


def _draw(spec: str) -> str:
    from analysis.story.svg import to_svg

    return to_svg(json.loads(spec))


class DrawingProcess(BaseManager):
    """A process that draws while others compute: `with DrawingProcess(...) as process: charts = process.Charts()`."""

    def __init__(self):
        super().__init__(ctx=workers.context())

    def __enter__(self) -> DrawingProcess:
        self.start(workers.belong_to_parent)
        return self


DrawingProcess.register("Charts", Charts)
