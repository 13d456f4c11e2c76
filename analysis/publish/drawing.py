"""Charts are drawn in a process of their own: the converter takes 0.7 s to start, and who has used it must not fork."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from uuid import uuid4

from analysis.publish import workers

SVG = "image/svg+xml"
SPEC = "application/vnd.vegalite.v6+json"  # what the engine leaves in a notebook instead of a drawing
_FIRST = '{"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": "0"}}}'  # to warm up, fonts and all


class Charts:
    """Charts, each drawn once, one after another; `ask` returns at once, `take` when they are drawn."""

    def __init__(self):
        self._drawn = {}
        self._thread = ThreadPoolExecutor(1)
        self.ask([_FIRST])

    def ask(self, specs: list[str]) -> None:
        for spec in specs:
            if spec not in self._drawn:
                self._drawn[spec] = self._thread.submit(_draw, spec)

    def take(self, spec: str) -> str:
        return self._drawn[spec].result()


def _draw(spec: str) -> str:
    from analysis.story.svg import to_svg

    return to_svg(json.loads(spec))


class DrawingProcess(BaseManager):
    """A process that draws while others compute: `with DrawingProcess() as charts: ...`."""

    def __init__(self):
        address = f"\0{uuid4()}" if sys.platform == "linux" else None  # no file, which would stay if this is killed
        super().__init__(address, ctx=get_context("fork" if workers.can_fork() else "spawn"))

    def __enter__(self) -> Charts:
        self.start(workers.belong_to_parent)
        return self.Charts()


DrawingProcess.register("Charts", Charts)
