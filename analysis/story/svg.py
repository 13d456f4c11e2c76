"""From the specification of a chart to its drawing; without Altair, which only makes specifications."""

from __future__ import annotations

import json
import re

import vl_convert

_DECIMALS = re.compile(r"(\.\d{2})\d+(?!\d*e)")


def to_svg(spec: dict) -> str:
    """A Vega-Lite specification as SVG: the same bytes on every machine, drawn without a script or a network.

    Coordinates have two decimals: finer than a screen shows, coarser than what one processor adds otherwise.
    """
    svg = vl_convert.vegalite_to_svg(json.loads(json.dumps(spec, sort_keys=True)))
    pieces = re.split("(<text[^>]*>|</text>)", svg)
    for place in range(len(pieces)):
        if place == 0 or pieces[place - 1][:5] != "<text":  # what a reader reads stays as it is
            pieces[place] = _DECIMALS.sub(r"\1", pieces[place])
    return "".join(pieces)
