"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

A mark carries its number beside it, or the chart has a scale. Colours have one meaning each: blue is our estimate of
the platform, orange what it is held against (a target, a path, a rival), grey the rest.
A chart draws its words in a grey of its own that can be read on white and on black; a page may give them its colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import cycle

import altair as alt
import numpy as np
import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.story.svg import to_svg
from analysis.story.text import Sentence

# After Okabe and Ito, told apart by colour-blind readers; each has a contrast of 3:1 on white and on near-black.
BLUE, ORANGE, GREY = "#2f7fbf", "#d0601a", "#858585"
SERIES = [BLUE, ORANGE, "#b3569b", "#9a7a10", "#1f9470", GREY]
TEXT = "#767676"
# Narrow enough for a phone without shrinking its letters much; a wide page puts two side by side.
WIDTH = 440
# Measured by the fonts that the SVG converter carries, so a layout is the same on every machine.
FONT = "Liberation Sans, Arial, sans-serif"
_THEME = {
    "aria": False,  # the figure around a chart says in words what it shows; its marks have nothing to add
    "font": FONT,
    "background": "transparent",
    "padding": 2,
    "autosize": {"type": "fit-x", "contains": "padding"},
    "view": {"stroke": None},
    "axis": {"domain": False, "ticks": False, "grid": False, "labelColor": TEXT, "labelFontSize": 13},
    "text": {"align": "left", "color": TEXT, "fontSize": 13},
    "point": {"filled": True, "opacity": 1},
}
_ROWS = alt.Y("row:O", axis=None)
_LABEL = alt.XValue(0), alt.Text("label:N")
_LINE = 14  # from one line of a label to the next
_EMS = {**dict.fromkeys("iljtfrI.,:;'|!() ", 0.33), **dict.fromkeys("mwMW%@", 0.9)}


@dataclass(frozen=True)
class Drawing:
    """A Vega-Lite specification with the words that stand for it; drawn when something asks for its SVG."""

    spec: dict
    title: str

    def __repr__(self) -> str:
        return self.title

    def _repr_svg_(self) -> str:
        return to_svg(self.spec)


def _layer(mark: str, *channels: alt.SchemaBase, data: list[dict] | None = None, **style: object) -> alt.Chart:
    """A mark for each row of the chart's data or of its own, or a line through them."""
    values = alt.Undefined if data is None else {"values": data}
    return alt.Chart(values, mark={"type": mark, **style}).encode(*channels)


def _chart(layers: list[alt.Chart], x: alt.X, y: alt.Y, height: float, data: list[dict] = ()) -> alt.LayerChart:
    """Layers on each other; where one has another `x` or `y`, it is on the same scale."""
    values = {"values": data} if data else alt.Undefined
    return alt.layer(*layers, data=values, encoding={"x": x, "y": y}, width=WIDTH, height=height, config=_THEME)


def _across(column: str, domain: list[float], **scale: bool) -> alt.X:
    """Along the width of the chart, without an axis: its marks have their numbers beside them."""
    return alt.X(f"{column}:Q", axis=None, scale=alt.Scale(domain=domain, **scale))


def _room(values: pd.Series, share: float) -> list[float]:
    """A scale from zero that leaves a share of its width free for the numbers beside the marks."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return [float(low), float(high + share * ((high - low) or 1.0))]


def _colours(column: str, colours: dict[object, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{column}:N", scale=scale, legend=None)


def _numbers(data: pd.DataFrame, column: str) -> pd.Series:
    """The values of a column, NaN where a cell is unknown or in words, or the table has no such column."""
    cells = data.get(column, [None] * len(data))
    return pd.Series(
        [cell.value if isinstance(cell, Quantity) else math.nan for cell in cells], data.index, dtype=float
    )


def _drawn(data: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose quantities are known, with a number and a text for each of these; every label as its text."""
    numbers = pd.DataFrame({column: _numbers(data, column) for column in columns}).dropna()
    known = data.loc[numbers.index]
    # The subtitle says what the amounts are for (a month, a day); beside every mark it would only take room.
    texts = {f"{column}_text": [cell.amount.text for cell in known.get(column, [])] for column in columns}
    return _in_words(known).assign(row=range(len(known)), **numbers, **texts)


def _in_words(data: pd.DataFrame) -> pd.DataFrame:
    """With the text of what is a sentence or a quantity, for its provenance in the table."""
    return data.map(lambda cell: cell.text if isinstance(cell, (Quantity, Sentence)) else cell)


def _width(text: str, size: int = 12) -> float:
    """Width of a text in pixels, rather too wide than too narrow: four classes of the letters of Arial, in ems."""
    return size * math.fsum(_EMS.get(c, 0.74 if c.isupper() else 0.57 if ord(c) < 0x2E7F else 1.0) for c in text)


def bars(data: pd.DataFrame) -> alt.LayerChart | None:
    """One bar a row, as long as its `value`, under its `label`; rows with `lead` true stand out."""
    drawn = _drawn(data, "value")
    if drawn.empty:
        return None
    rows = drawn.assign(lead=drawn.get("lead", True), end=drawn["value"].clip(lower=0)).to_dict("records")
    layers = [
        _layer("bar", _colours("lead", {True: BLUE, False: GREY}), yOffset=9, height=15),
        _layer("text", *_LABEL, dy=-10),
        _layer("text", alt.X("end:Q"), alt.Text("value_text:N"), dx=5, dy=9, fontWeight="bold"),
    ]
    return _chart(layers, _across("value", _room(drawn["value"], 0.3)), _ROWS, 46 * len(rows), rows)


def pairs(data: pd.DataFrame) -> alt.LayerChart | None:
    """Bars of several `series` under each `label` (a period), each with its series and its number at its end."""
    drawn = _drawn(data, "value")
    if drawn.empty:
        return None
    drawn["words"] = drawn["series"] + ": " + drawn["value_text"]
    # Rows lie on pixels: a line for each label, then one for each of its bars.
    drawn["y"] = drawn["label"].ne(drawn["label"].shift()).map({True: 44, False: 20}).cumsum()
    titles, height = drawn.drop_duplicates("label").to_dict("records"), int(drawn["y"].iloc[-1]) + 10
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    layers = [
        _layer("bar", _colours("series", _series(drawn)), size=14, orient="horizontal"),
        _layer("text", alt.Text("words:N"), dx=5, fontSize=12),
        _layer("text", *_LABEL, data=titles, dy=-19, fontWeight="bold"),
    ]
    return _chart(layers, _across("value", _room(drawn["value"], 0.8)), y, height, drawn.to_dict("records"))


def _series(drawn: pd.DataFrame) -> dict[str, str]:
    """The `series` of a table, each with its colour."""
    return dict(zip(dict.fromkeys(drawn["series"]), cycle(SERIES), strict=False))


def bands(data: pd.DataFrame) -> alt.LayerChart | None:
    """Estimates: from `low` to `high` with a dot at `median`, one a row under its `label`, on one scale from zero.

    Where the column is there, an open ring marks the figure that is `published`.
    """
    drawn = _drawn(data, "median", "low", "high")
    if drawn.empty:
        return None
    drawn["words"] = drawn["median_text"] + " (" + drawn["low_text"] + "–" + drawn["high_text"] + ")"
    rings = drawn.assign(published=_numbers(data, "published")).dropna(subset="published").to_dict("records")
    # Where a label and its numbers do not fit on a line, all have two.
    meet = any(_width(row.label, 13) + _width(row.words) > WIDTH - 20 for row in drawn.itertuples())
    row, down, up, line = (68, 17, -21, -5) if meet else (52, 12, -10, -10)
    numbers, align = (alt.XValue(0), "left") if meet else (alt.XValue(WIDTH - 8), "right")
    layers = [
        _layer("bar", alt.X("low:Q"), alt.X2("high:Q"), height=10, color=BLUE, opacity=0.5, yOffset=down),
        _layer("point", size=90, color=BLUE, yOffset=down),
        _layer(
            "point", alt.X("published:Q"), data=rings, size=110, filled=False, color=TEXT, strokeWidth=2, yOffset=down
        ),
        _layer("text", *_LABEL, dy=up),
        _layer("text", numbers, alt.Text("words:N"), align=align, dy=line, fontSize=12),
    ]
    x = _across("median", [0, max([*drawn["high"], *(ring["published"] for ring in rings)])])
    return _chart(layers, x, _ROWS, row * len(drawn), drawn.to_dict("records"))


def grid(data: pd.DataFrame) -> alt.LayerChart | None:
    """A cell for each `row` and `column`, shaded by `status` and marked with `count`."""
    if data.empty:
        return None
    drawn = _in_words(data).assign(strength=data["rank"].map({0: 0.9, 1: 0.4, 2: 0.06}))
    # A name in two lines, of which the lower one would else stand in the first row.
    halves = "split(datum.label, ' ')"
    axis = alt.Axis(orient="top", labelAngle=0, labelFontSize=12, labelExpr=halves, labelPadding=18)
    x = alt.X("column:N", sort=None, title=None, axis=axis)
    layers = [
        _layer("rect", alt.Opacity("strength:Q", scale=None, legend=None), color=BLUE, cornerRadius=2),
        _layer("text", alt.Text("count:N"), align="center", fontSize=12),
    ]
    y, height = alt.Y("row:N", sort=None, title=None), 26 * drawn["row"].nunique()
    return _chart(layers, x, y, height, drawn.to_dict("records"))


def fan(data: pd.DataFrame) -> alt.LayerChart | None:
    """GMV since 1 January by `day`: `median`, its band from `low` to `high`, the `target` and what is `published`."""
    return lines(data.rename(columns={"day": "x", "median": "value"}).assign(series=""))


def lines(data: pd.DataFrame) -> alt.LayerChart | None:
    """A curve for each `series` of `value` over `x`, a number or a day, with its name and last value at its end.

    A band goes from `low` to `high` where both are known; rows with `projected` true are dashed; `published` figures
    are marked by rings; a `target` is a line across. It is laid out here, in pixels, so that no two labels meet.
    """
    drawn = _drawn(data, "value")
    if drawn.empty:
        return None
    drawn, more = drawn.sort_values("x", kind="stable"), ["low", "high", "published", "target"]
    drawn = drawn.assign(**{name: _numbers(data.loc[drawn.index], name) for name in more})
    last, colour = drawn.drop_duplicates("series", keep="last"), _colours("series", _series(drawn))
    left, right = 4, WIDTH - 16 - max(_width(text) for text in [*last["series"], *last["value_text"]])
    top, plot = 20, max(178, 2.4 * _LINE * len(last))
    numbers = drawn[["value", *more]].to_numpy()
    low, high = min(0.0, float(np.nanmin(numbers))), max(0.0, float(np.nanmax(numbers)))
    high = high if high > low else low + 1

    def down(value: pd.Series) -> pd.Series:
        return top + plot * (high - value) / (high - low)

    def put(mark: str, rows: pd.DataFrame, *channels: alt.SchemaBase, **style: object) -> alt.Chart | None:
        columns = ["px", "py", *(channel.shorthand.split(":")[0] for channel in channels)]  # no more than is drawn
        return None if rows.empty else _layer(mark, *channels, data=rows[columns].to_dict("records"), **style)

    def write(rows: pd.DataFrame, column: str, up: float, **style: object) -> alt.Chart | None:
        rows = rows.assign(py=rows["py"] - up)
        return put("text", rows, alt.Text(f"{column}:N"), baseline="middle", fontSize=12, **style)

    x = drawn["x"].map(lambda at: at.toordinal() if isinstance(at, date) else float(at))
    drawn["px"] = left + (right - left) * (x - x.min()) / ((x.max() - x.min()) or 1)
    drawn["py"], drawn["low_y"], drawn["high_y"] = (down(drawn[name]) for name in ("value", "low", "high"))
    unit = data.at[drawn.index[0], "value"].amount
    lines = pd.DataFrame({"value": _scale(low, high), "px": left, "to": right})
    lines["py"], lines["words"] = down(lines["value"]), [replace(unit, value=v, hedge="").text for v in lines["value"]]
    ahead = drawn["projected"].astype(bool) if "projected" in drawn else pd.Series(False, drawn.index)
    onward = ahead.groupby(drawn["series"]).shift(-1, fill_value=False)  # a dashed part begins where a line ends
    target = _drawn(data, "target")[:1]
    target = target.assign(px=left, to=right, py=down(target["target"]))
    rings = drawn.assign(py=down(drawn["published"])).dropna(subset="py")
    ends = drawn.loc[last.index]
    names = ends.assign(px=right + 12, py=_spread(ends["py"] - _LINE / 2, 2.2 * _LINE, _LINE / 2, top + plot - _LINE))
    joints = ends.assign(label=names["py"] + _LINE / 2, px=ends["px"] + 4, to=right + 9)
    ticks = pd.DataFrame(_ticks(drawn), columns=["px", "words"]).assign(py=top + plot + _LINE)
    across = alt.X2("to:Q")
    layers = [
        put("rule", lines, across, color=GREY, opacity=0.35),
        write(lines[lines["value"] != 0], "words", 6),
        put("area", drawn[drawn["low"].notna()], alt.Y("low_y:Q"), alt.Y2("high_y:Q"), colour, opacity=0.3),
        put("line", drawn[~ahead], colour, strokeWidth=2.5, strokeDash=[1, 0]),
        put("line", drawn[ahead | onward], colour, strokeWidth=2.5, strokeDash=[4, 3]),
        put("rule", target, across, color=ORANGE, strokeWidth=2),
        write(target.assign(px=right), "target_text", 9, align="right", fontWeight="bold", color=ORANGE),
        put("point", rings, size=100, filled=False, color=TEXT, strokeWidth=2),
        put("point", ends, colour, size=55),
        put("rule", joints, across, alt.Y2("label:Q"), colour, strokeWidth=1),
        write(names, "series", 0, fontWeight="bold"),
        write(names, "value_text", -_LINE, fontWeight="normal"),
        write(ticks, "words", 0, align="center", lineBreak="\n", lineHeight=_LINE),
    ]
    height = top + plot + 3 * _LINE
    y = alt.Y("py:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False, zero=False))
    drawn_layers = [layer for layer in layers if layer is not None]
    return _chart(drawn_layers, _across("px", [0, WIDTH], nice=False, zero=False), y, height)


def _scale(low: float, high: float) -> list[float]:
    """Three to six round values from low to high, zero among them if it lies between."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= max(factor for factor in (1, 2, 5) if (high - low) / (factor * step) >= 2.5)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _ticks(drawn: pd.DataFrame) -> Iterator[tuple[float, str]]:
    """Words for some points along the axis, far enough apart: months or quarters, the year as it begins."""
    points, before, year = drawn.drop_duplicates("x"), -math.inf, None
    quarters = all(isinstance(at, date) and at.month % 3 == 0 and at.day >= 30 for at in points["x"])
    for px, at in zip(points["px"], points["x"], strict=True):
        if px - before < 56:
            continue
        before, words = px, f"{at:g}" if not isinstance(at, date) else f"Q{at.month // 3}" if quarters else f"{at:%b}"
        if isinstance(at, date) and at.year != year:
            words, year = f"{words}\n{at.year}", at.year
        yield px, words


def _spread(wanted: pd.Series, gap: float, low: float, high: float) -> np.ndarray:
    """Positions at least `gap` apart within a range, as near to the wanted ones as may be, in their order."""
    order, steps = np.argsort(wanted.to_numpy(), kind="stable"), gap * np.arange(len(wanted))
    y = wanted.to_numpy()[order] - steps
    # Isotonic regression by its max-min formula: labels that would meet share the mean of what they want.
    fit = [max(min(y[a : b + 1].mean() for b in range(n, len(y))) for a in range(n + 1)) for n in range(len(y))]
    placed = np.empty(len(y))
    placed[order] = np.clip(fit, low, high - steps[-1]) + steps
    return placed
