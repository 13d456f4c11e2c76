"""From the specification of a chart to its drawing; without Altair, which only makes specifications."""

from __future__ import annotations

import json

import vl_convert


def to_svg(spec: dict) -> str:
    """A Vega-Lite specification as SVG: the same bytes on every machine, drawn without a script or a network."""
    return vl_convert.vegalite_to_svg(json.loads(json.dumps(spec, sort_keys=True)))
