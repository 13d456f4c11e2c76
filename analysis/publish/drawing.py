"""Charts are drawn in a process of their own: the converter takes 0.7 s to start, and who has used it must not fork."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from threading import Thread
from uuid import uuid4

from analysis.publish import workers


class Charts:
    """`draw` gives the SVG of a chart's specification; whoever has this object may call it, from any process."""

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
        super().__init__(address, ctx=get_context(workers.way()))

    def __enter__(self) -> Charts:
        self.start(workers.belong_to_parent)
        return self.Charts()


DrawingProcess.register("Charts", Charts)
