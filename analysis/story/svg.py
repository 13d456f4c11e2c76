"""From the specification of a chart to its drawing; without Altair, which only makes specifications."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import vl_convert

_FINE = re.compile(r"-?\d*\.\d{3,}(?:e[+-]?\d+)?|-?\d+(?:\.\d+)?e-\d+")


def to_svg(spec: dict) -> str:
    """A Vega-Lite specification as SVG: the same bytes on every machine, drawn without a script or a network.

    Coordinates are to the hundredth of a pixel; what a reader reads stays as it is.
    """
    return _svg(json.dumps(spec, sort_keys=True))


@lru_cache(maxsize=256)
def _svg(spec: str) -> str:
    svg = vl_convert.vegalite_to_svg(json.loads(spec))

    def shorter(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), 2) + 0.0:.10g}"  # + 0.0: zero has no sign

    return re.sub("<[^>]*>", lambda tag: _FINE.sub(shorter, tag[0]), svg)
