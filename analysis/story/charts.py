"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

A mark carries its number beside it, or the chart has a scale. Colours have one meaning each: blue is our estimate of
the platform, orange what it is held against (a target, a path, a rival), grey the rest.
A chart draws its words in a grey of its own that can be read on white and on black; a page may give them its colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
_ROW = 46
# Measured by the fonts that the SVG converter carries, so a layout is the same on every machine.
FONT = "Liberation Sans, Arial, sans-serif"
_THEME = {
    "aria": False,  # the figure around a chart says in words what it shows; its marks have nothing to add
    "font": FONT,
    "background": "transparent",
    "padding": 2,
    "autosize": {"type": "fit-x", "contains": "padding"},
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": False,
        "labelColor": TEXT,
        "titleColor": TEXT,
        "labelFontSize": 13,
    },
    "text": {"align": "left", "color": TEXT, "fontSize": 13},
    "point": {"filled": True, "opacity": 1},
}
_ROWS = alt.Y("row:O", axis=None)
_LABEL = alt.XValue(0), alt.Text("label:N")


@dataclass(frozen=True)
class Drawing:
    """A Vega-Lite specification with the words that stand for it; drawn when something asks for its SVG."""

    spec: dict
    title: str

    def __repr__(self) -> str:
        return self.title

    def _repr_svg_(self) -> str:
        return to_svg(self.spec)


def _layer(mark: str, *channels: alt.SchemaBase, data: pd.DataFrame | list[dict] | None = None, **style) -> alt.Chart:
    """A mark for each row, or a line through the rows, of data of its own or of the chart's."""
    return alt.Chart(_values(data), mark={"type": mark, **style}).encode(*channels)


def _chart(
    layers: Iterable[alt.Chart], x: alt.X, y: alt.Y, height: float, data: pd.DataFrame | None = None
) -> alt.LayerChart:
    """Layers on each other; where one has another `x` or `y`, it is on the same scale."""
    return alt.layer(*layers, data=_values(data), encoding={"x": x, "y": y}, width=WIDTH, height=height, config=_THEME)


def _values(data: pd.DataFrame | list[dict] | None) -> alt.typing.Optional[dict]:
    """Rows without their unknown cells. Altair would make the same of a table, but takes four times as long."""
    if data is None:
        return alt.Undefined
    rows = data.to_dict("records") if isinstance(data, pd.DataFrame) else data
    return {"values": [{name: value for name, value in row.items() if value == value} for row in rows]}


def _across(column: str, domain: list[float], **scale) -> alt.X:
    """Along the width of the chart, without an axis: its marks have their numbers beside them."""
    return alt.X(f"{column}:Q", axis=None, scale=alt.Scale(domain=domain, **scale))


def _colour(column: str, colours: dict[object, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{column}:N", scale=scale, legend=None)


def _colours(names: Iterable[str]) -> alt.Color:
    """A colour for each of the `series`."""
    return _colour("series", dict(zip(dict.fromkeys(names), cycle(SERIES), strict=False)))


def _known(value: object) -> bool:
    """Whether a cell is a number that can be drawn; tables may have words in the same column."""
    return isinstance(value, Quantity) and value.known


def _drawn(data: pd.DataFrame, *columns: str) -> pd.DataFrame | None:
    """Rows whose quantities are known, in order of `row`, with a number and a text for each; None if there is none."""
    drawn = [
        {name: _in_words(cell) for name, cell in row.items()}
        | {column: row[column].value for column in columns}
        # The subtitle says what the amounts are for (a month, a day); beside every mark it would only take room.
        | {f"{column}_text": row[column].amount.text for column in columns}
        | {"row": number, "at": data.index[number]}
        for number, row in enumerate(data.to_dict("records"))
        if all(_known(row[column]) for column in columns)
    ]
    return pd.DataFrame(drawn) if drawn else None


def _in_words(cell: object) -> object:
    """A label that is a sentence or a quantity, for its provenance in the table, as the text that is drawn."""
    return cell.text if isinstance(cell, (Quantity, Sentence)) else cell


def bars(data: pd.DataFrame) -> alt.LayerChart | None:
    """One bar a row, as long as its `value`, under its `label`; rows with `lead` true stand out."""
    drawn = _drawn(data, "value")
    if drawn is None:
        return None
    drawn["lead"] = drawn.get("lead", True)
    drawn["end"] = drawn["value"].clip(lower=0)
    layers = [
        _layer("bar", _colour("lead", {True: BLUE, False: GREY}), yOffset=9, height=15),
        _layer("text", *_LABEL, dy=-10),
        _layer("text", alt.X("end:Q"), alt.Text("value_text:N"), dx=5, dy=9, fontWeight="bold"),
    ]
    return _chart(layers, _across("value", _room(drawn["value"], 0.3)), _ROWS, _ROW * len(drawn), drawn)


def _room(values: pd.Series, share: float) -> list[float]:
    """A scale from zero that leaves a share of its width free for the numbers beside the marks."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return [float(low), float(high + share * ((high - low) or 1.0))]


def pairs(data: pd.DataFrame) -> alt.LayerChart | None:
    """Bars of several `series` under each `label` (a period), each with its series and its number at its end."""
    drawn = _drawn(data, "value")
    if drawn is None:
        return None
    drawn["words"] = drawn["series"] + ": " + drawn["value_text"]
    # Rows lie on pixels: a line for each label, then one for each of its bars.
    drawn["y"] = drawn["label"].ne(drawn["label"].shift()).map({True: 44, False: 20}).cumsum()
    height = int(drawn["y"].iloc[-1]) + 10
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    layers = [
        _layer("bar", _colours(drawn["series"]), size=14, orient="horizontal"),
        _layer("text", alt.Text("words:N"), dx=5, fontSize=12),
        _layer("text", *_LABEL, data=drawn.drop_duplicates("label"), dy=-19, fontWeight="bold"),
    ]
    return _chart(layers, _across("value", _room(drawn["value"], 0.8)), y, height, drawn)


def bands(data: pd.DataFrame) -> alt.LayerChart | None:
    """Estimates: from `low` to `high` with a dot at `median`, one a row under its `label`, on one scale from zero.

    Where the column is there, an open ring marks the figure that is `published`.
    """
    drawn = _drawn(data, "median", "low", "high")
    if drawn is None:
        return None
    drawn["words"] = [f"{row.median_text} ({row.low_text}–{row.high_text})" for row in drawn.itertuples()]
    drawn["ring"] = [
        cell.value if _known(cell) else math.nan for cell in data.loc[drawn["at"]].get("published", [])
    ] or math.nan
    # Where a label and its numbers do not fit on a line, all have two.
    meet = any(_width(row.label, 13) + _width(row.words) > WIDTH - 20 for row in drawn.itertuples())
    row, down, up, line = (68, 17, -21, -5) if meet else (52, 12, -10, -10)
    numbers, align = (alt.XValue(0), "left") if meet else (alt.XValue(WIDTH - 8), "right")
    layers = [
        _layer("bar", alt.X("low:Q"), alt.X2("high:Q"), height=10, color=BLUE, opacity=0.5, yOffset=down),
        _layer("point", size=90, color=BLUE, yOffset=down),
        _layer("point", alt.X("ring:Q"), size=110, filled=False, color=TEXT, strokeWidth=2, yOffset=down),
        _layer("text", *_LABEL, dy=up),
        _layer("text", numbers, alt.Text("words:N"), align=align, dy=line, fontSize=12),
    ]
    return _chart(
        layers,
        _across("median", [0, float(max(drawn["high"].max(), drawn["ring"].max(skipna=True) or 0))]),
        _ROWS,
        row * len(drawn),
        drawn,
    )


def grid(data: pd.DataFrame) -> alt.LayerChart | None:
    """A cell for each `row` and `column`, shaded by `status` and marked with `count`."""
    if data.empty:
        return None
    drawn = data.map(_in_words).assign(strength=data["rank"].map({0: 0.9, 1: 0.4, 2: 0.06}))
    rows, across = list(dict.fromkeys(drawn["row"])), list(dict.fromkeys(drawn["column"]))
    x = alt.X("column:N", sort=across, title=None, axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=10))
    layers = [
        _layer("rect", alt.Opacity("strength:Q", scale=None, legend=None), color=BLUE, cornerRadius=2),
        _layer("text", alt.Text("count:N"), align="center", fontSize=12),
    ]
    return _chart(layers, x, alt.Y("row:N", sort=rows, title=None), 26 * len(rows), drawn)


# Charts with words on several sides are laid out here, in pixels, so that no two of their labels meet -----------------

_LINE = 14  # from one line of a label to the next
_SMALL = 11  # size of words that explain rather than tell
_EMS = {**dict.fromkeys("iljtfrI.,:;'|!() ", 0.33), **dict.fromkeys("mwMW%@", 0.9)}
_X = _across("px", [0, WIDTH], nice=False, zero=False)


class _Canvas:
    """Layers whose places are pixels, from the top left."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.layers: list[alt.Chart] = []

    def put(self, mark: str, rows: pd.DataFrame | list[dict], *channels: alt.SchemaBase, **style: object) -> None:
        """Add a mark for each row, or a line through the rows; nothing if there is no row."""
        if isinstance(rows, pd.DataFrame):  # no more of it than is drawn
            rows = rows[["px", "py", *(channel.shorthand.split(":")[0] for channel in channels)]]
        if len(rows):
            self.layers.append(_layer(mark, *channels, data=rows, **style))

    def write(self, words: list[tuple[float, float, str]], align: str = "left", size: int = 12, **style: str) -> None:
        """Write words at their places; `y` is the middle of the line."""
        rows = [{"px": x, "py": y, "words": text} for x, y, text in words]
        self.put("text", rows, alt.Text("words:N"), align=align, baseline="middle", fontSize=size, **style)

    def chart(self) -> alt.LayerChart:
        y = alt.Y("py:Q", axis=None, scale=alt.Scale(domain=[self.height, 0], nice=False, zero=False))
        return _chart(self.layers, _X, y, self.height)


def _width(text: str, size: int = 12) -> float:
    """Width of a text in pixels, rather too wide than too narrow: four classes of the letters of Arial, in ems."""
    return size * math.fsum(_EMS.get(c, 0.74 if c.isupper() else 0.57 if ord(c) < 0x2E7F else 1.0) for c in text)


def _spread(wanted: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart within a range, as near to the wanted ones as may be, in their order."""
    wanted = np.asarray(list(wanted), dtype=float)
    order = np.argsort(wanted, kind="stable")
    groups: list[tuple[int, float]] = []  # labels that touch, as their number and the middle they want

    def first(count: int, middle: float) -> float:
        start = middle - gap * (count - 1) / 2
        return max(low, min(start, high - gap * (count - 1)))

    for position in wanted[order]:
        groups.append((1, float(position)))
        while len(groups) > 1 and first(*groups[-1]) < first(*groups[-2]) + gap * groups[-2][0]:
            (after, lower), (before, upper) = groups.pop(), groups.pop()
            groups.append((before + after, (before * upper + after * lower) / (before + after)))
    placed = np.empty(len(wanted))
    placed[order] = [first(*group) + gap * n for group in groups for n in range(group[0])]
    return placed.tolist()


def _extent(drawn: pd.DataFrame, columns: Iterable[str], zero: bool = True) -> tuple[float, float]:
    """The smallest and the largest value of some columns, never the same; with zero where asked."""
    values = pd.concat([drawn[column] for column in columns if column in drawn]).dropna().astype(float)
    low, high = values.min(), values.max()
    low, high = (min(0.0, low), max(0.0, high)) if zero else (low, high)
    return float(low), float(high if high > low else low + 1)


def _along(x: Iterable[float | date], left: float, right: float) -> Callable[[float | date], float]:
    """Where a number or a date lies if the first and the last lie on two pixels."""

    def number(at: float | date) -> float:
        return at.toordinal() if isinstance(at, date) else float(at)

    first = number(min(x))
    span = (number(max(x)) - first) or 1
    return lambda at: left + (right - left) * (number(at) - first) / span


def _ticks(x: Iterable[float | date], place: Callable, space: float) -> list[tuple[float, str]]:
    """Words for some points along an axis, `space` pixels apart at least: months or quarters, the year as it begins."""
    ticks, year, points = [], None, sorted(set(x))
    quarters = all(isinstance(at, date) and at.month % 3 == 0 and at.day >= 30 for at in points)
    for at in points:
        if ticks and place(at) - ticks[-1][0] < space:
            continue
        if isinstance(at, date):
            name = f"Q{at.month // 3}" if quarters else f"{at:%b}"
            words, year = name if at.year == year else f"{name} {at.year}", at.year
        else:
            words = f"{at:g}"
        ticks.append((place(at), words))
    return ticks


def _projected(drawn: pd.DataFrame) -> list[tuple[list[int], pd.DataFrame]]:
    """What is drawn solid and what is dashed; a dashed part begins where the line before it ends."""
    ahead = drawn["projected"].astype(bool) if "projected" in drawn else pd.Series(False, index=drawn.index)
    joined = ahead.groupby(drawn["series"]).shift(-1, fill_value=False)
    return [([1, 0], drawn[~ahead]), ([4, 3], drawn[ahead | joined])]


def fan(data: pd.DataFrame) -> alt.LayerChart | None:
    """GMV since 1 January by `day`: `median`, its band from `low` to `high`, the `target` and what is `published`."""
    return lines(data.rename(columns={"day": "x", "median": "value"}).assign(series=""))


def lines(data: pd.DataFrame) -> alt.LayerChart | None:
    """A curve for each `series` of `value` over `x`, a number or a day, with its name and last value at its end.

    A band goes from `low` to `high` where both are known; rows with `projected` true are dashed; `published` figures
    are marked by rings; a `target` is a line across.
    """
    ends = zip(*(data.get(end, [None] * len(data)) for end in ("low", "high")), strict=True)
    banded = [(low.value, high.value) if _known(low) and _known(high) else (math.nan, math.nan) for low, high in ends]
    drawn = _drawn(data.assign(low=[low for low, _ in banded], high=[high for _, high in banded]), "value")
    if drawn is None:
        return None
    targets, rings = (
        [(at, cell) for at, cell in zip(data["x"], data.get(name, []), strict=False) if _known(cell)]
        for name in ("target", "published")
    )
    drawn = drawn.sort_values("x", kind="stable")
    series = list(dict.fromkeys(drawn["series"]))
    last = drawn.drop_duplicates("series", keep="last")
    left, right = 4, WIDTH - 16 - max(_width(text) for text in [*last["series"], *last["value_text"]])
    place = _along(drawn["x"], left, right)
    top, plot = 20, max(190, 2.4 * _LINE * len(series))
    canvas = _Canvas(top + plot + 2 * _LINE)
    low, high = _extent(drawn, ("value", "low", "high"))
    high = max([high, *(figure.value for _, figure in [*targets, *rings])])
    unit = next(cell for cell in data["value"] if _known(cell)).amount

    def down(value: float | pd.Series) -> float | pd.Series:
        return top + plot * (high - value) / (high - low)

    scale = _scale(low, high)
    canvas.put(
        "rule", [{"px": left, "py": down(at), "to": right} for at in scale], alt.X2("to:Q"), color=GREY, opacity=0.35
    )
    canvas.write([(left, down(at) - 6, replace(unit, value=at, hedge="").text) for at in scale if at], size=_SMALL)
    drawn["px"], drawn["py"] = drawn["x"].map(place), down(drawn["value"])
    drawn["low_y"], drawn["high_y"] = down(drawn["low"]), down(drawn["high"])
    colour = _colours(series)
    canvas.put("area", drawn[drawn["low"].notna()], alt.Y("low_y:Q"), alt.Y2("high_y:Q"), colour, opacity=0.3)
    for dash, part in _projected(drawn):
        canvas.put("line", part, colour, strokeWidth=2.5, strokeDash=dash)
    for _, figure in targets:
        canvas.put(
            "rule", [{"px": left, "py": down(figure.value), "to": right}], alt.X2("to:Q"), color=ORANGE, strokeWidth=2
        )
        canvas.write([(right, down(figure.value) - 9, figure.amount.text)], "right", fontWeight="bold", color=ORANGE)
    marks = [{"px": place(at), "py": down(figure.value)} for at, figure in rings]
    canvas.put("point", marks, size=100, filled=False, color=TEXT, strokeWidth=2)
    ends = drawn.loc[last.index]
    canvas.put("point", ends, colour, size=55)
    names = _spread(ends["py"] - _LINE / 2, 2.2 * _LINE, _LINE / 2, top + plot - _LINE)
    joints = ends.assign(label=[y + _LINE / 2 for y in names], px=ends["px"] + 4, to=right + 9)
    canvas.put("rule", joints, alt.X2("to:Q"), alt.Y2("label:Q"), colour, strokeWidth=1)
    for column, line, weight in (("series", 0, "bold"), ("value_text", _LINE, "normal")):
        words = [(right + 12, y + line, text) for y, text in zip(names, ends[column], strict=True)]
        canvas.write(words, fontWeight=weight)
    canvas.write([(px, top + plot + _LINE, words) for px, words in _ticks(drawn["x"], place, 56)], "center")
    return canvas.chart()


def _scale(low: float, high: float) -> list[float]:
    """Three to six round values from low to high, zero among them if it lies between."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= max(factor for factor in (1, 2, 5) if (high - low) / (factor * step) >= 2.5)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
