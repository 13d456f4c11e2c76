"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

Every mark carries its number beside it, so no chart needs an axis, a legend or a grid to be read. Text takes the
page's own colour, so that a chart is legible on a light page, a dark one and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import cycle

import altair as alt
import numpy as np
import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.story import text
from analysis.story.prose import Sentence

# After Okabe and Ito, told apart by colour-blind readers; each has a contrast of 3:1 on white and on near-black.
BLUE, ORANGE, GREEN, GREY = "#2f7fbf", "#d0601a", "#1f9470", "#858585"
PURPLE, GOLD = "#b3569b", "#9a7a10"
_SERIES = [BLUE, ORANGE, GREEN, PURPLE, GOLD, GREY]
TEXT = "currentColor"
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
    return _colour("series", dict(zip(dict.fromkeys(names), cycle(_SERIES), strict=False)))


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
        | {"row": number}
        for number, row in enumerate(data.to_dict("records"))
        if all(_known(row[column]) for column in columns)
    ]
    return pd.DataFrame(drawn) if drawn else None


def _in_words(cell: object) -> object:
    """A label that is a sentence or a quantity, for its provenance in the table, as the text that is drawn."""
    return cell.text if isinstance(cell, (Quantity, Sentence, text.Sentence)) else cell


def bars(data: pd.DataFrame, value: str = "value") -> alt.LayerChart | None:
    """One bar a row, as long as its value, under its `label`; rows with `lead` true stand out."""
    return _measured(data, value, 5, "bar", height=15)


def dots(data: pd.DataFrame, value: str = "value") -> alt.LayerChart | None:
    """One dot a row under its `label`: what each source says; the leading figure (`lead`) stands out."""
    return _measured(data, value, 10, "point", size=120)


def _measured(data: pd.DataFrame, value: str, dx: int, mark: str, **style) -> alt.LayerChart | None:
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    drawn["lead"] = drawn.get("lead", True)
    drawn["end"] = drawn[value].clip(lower=0)
    layers = [
        _layer(mark, _colour("lead", {True: BLUE, False: GREY}), yOffset=9, **style),
        _layer("text", *_LABEL, dy=-10),
        _layer("text", alt.X("end:Q"), alt.Text(f"{value}_text:N"), dx=dx, dy=9, fontWeight="bold"),
    ]
    return _chart(layers, _across(value, _room(drawn[value], 0.5)), _ROWS, _ROW * len(drawn), drawn)


def _room(values: pd.Series, share: float) -> list[float]:
    """A scale from zero that leaves a share of its width free for the numbers beside the marks."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return [float(low), float(high + share * ((high - low) or 1.0))]


def pairs(data: pd.DataFrame, value: str = "value") -> alt.LayerChart | None:
    """Bars of several `series` under each `label` (a period), each with its series and its number at its end."""
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    drawn["words"] = drawn["series"] + ": " + drawn[f"{value}_text"]
    # Rows lie on pixels: a line for each label, then one for each of its bars.
    drawn["y"] = drawn["label"].ne(drawn["label"].shift()).map({True: 44, False: 20}).cumsum()
    height = int(drawn["y"].iloc[-1]) + 10
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    layers = [
        _layer("bar", _colours(data["series"]), size=14, orient="horizontal"),
        _layer("text", alt.Text("words:N"), dx=5, fontSize=12),
        _layer("text", *_LABEL, data=drawn.drop_duplicates("label"), dy=-19, fontWeight="bold"),
    ]
    return _chart(layers, _across(value, _room(drawn[value], 0.8)), y, height, drawn)


def bullets(data: pd.DataFrame) -> alt.LayerChart | None:
    """Share of a target reached (`reached`), against the share that an even pace would have reached (`pace`)."""
    drawn = _drawn(data, "reached", "pace")
    if drawn is None:
        return None
    drawn["note"] = [f"{row.label}: {row.reached_text} of {row.target}" for row in drawn.itertuples()]
    drawn["whole"] = 1
    longest = float(max(1.0, drawn["reached"].max(), drawn["pace"].max()))
    layers = [
        _layer("bar", alt.X("whole:Q"), height=18, color=GREY, opacity=0.25),
        _layer("bar", alt.X("reached:Q"), height=18, color=BLUE),
        _layer("tick", color=ORANGE, thickness=3, height=28),
        _layer("text", alt.XValue(0), alt.Text("note:N"), dy=-20, fontWeight="bold"),
    ]
    # The words under the tick must not run out of the chart on its right.
    for align, ticks in (("left", drawn[drawn["pace"] <= 0.6]), ("right", drawn[drawn["pace"] > 0.6])):
        layers.append(_layer("text", alt.Text("pace_note:N"), data=ticks, align=align, dy=22, fontSize=12))
    return _chart(layers, _across("pace", [0, longest]), _ROWS, 70 * len(drawn), drawn)


def timeline(events: pd.DataFrame) -> alt.LayerChart | None:
    """Dated events (`day`, `label`), oldest first: the words on a line of their own, the day as a dot under them."""
    if events.empty:
        return None
    days = [day.isoformat() for day in events["day"]]
    drawn = events.map(_in_words).assign(row=range(len(events)), day=days)
    axis = alt.Axis(format="%b %Y", tickCount=3, orient="top", labelFlush=True, labelOverlap=True)
    layers = [
        _layer("rule", alt.XValue(0), alt.X2Value(WIDTH), color=GREY, opacity=0.4, yOffset=9),
        _layer("point", size=90, color=BLUE, yOffset=9),
        _layer("text", *_LABEL, dy=-7, fontSize=12, limit=WIDTH),
    ]
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=axis)
    return _chart(layers, x, _ROWS, 40 * len(drawn), drawn)


def ranges(data: pd.DataFrame) -> alt.LayerChart | None:
    """From `low` to `high`, one range a row under its `label`, each as a ratio to the figure that `leads`.

    The scale is cut at three times; a range that goes further is drawn to the edge and its numbers tell.
    """
    drawn = _drawn(data, "leads", "low", "high")
    if drawn is None:
        return None
    for column in ("low", "high"):
        drawn[f"{column}_ratio"] = (drawn[column] / drawn["leads"]).clip(1 / 3, 3)
    drawn["one"] = 1.0
    drawn["words"] = drawn["low_text"] + " to " + drawn["high_text"]
    layers = [
        _layer("text", *_LABEL, dy=-16),
        _layer("text", alt.XValue(WIDTH - 8), alt.Text("words:N"), align="right", dy=2, fontSize=12),
        _layer("bar", alt.X("low_ratio:Q"), alt.X2("high_ratio:Q"), height=8, color=GREY, yOffset=14),
        _layer("point", size=90, color=BLUE, yOffset=14),
    ]
    return _chart(layers, _across("one", [1 / 3, 3], type="log"), _ROWS, 52 * len(drawn), drawn)


def bands(data: pd.DataFrame) -> alt.LayerChart | None:
    """Estimates: from `low` to `high` with a dot at `median`, one a row under its `label`, on one scale from zero."""
    drawn = _drawn(data, "median", "low", "high")
    if drawn is None:
        return None
    drawn["words"] = [f"{row.median_text} ({row.low_text} to {row.high_text})" for row in drawn.itertuples()]
    # Where a label and its numbers do not fit on a line, all have two.
    meet = any(_width(row.label, 13) + _width(row.words) > WIDTH - 20 for row in drawn.itertuples())
    row, down, up, line = (68, 17, -21, -5) if meet else (52, 12, -10, -10)
    numbers, align = (alt.XValue(0), "left") if meet else (alt.XValue(WIDTH - 8), "right")
    layers = [
        _layer("bar", alt.X("low:Q"), alt.X2("high:Q"), height=10, color=BLUE, opacity=0.4, yOffset=down),
        _layer("point", size=90, color=BLUE, yOffset=down),
        _layer("text", *_LABEL, dy=up),
        _layer("text", numbers, alt.Text("words:N"), align=align, dy=line, fontSize=12),
    ]
    return _chart(layers, _across("median", [0, float(drawn["high"].max())]), _ROWS, row * len(drawn), drawn)


def bridge(data: pd.DataFrame, value: str = "value") -> alt.LayerChart | None:
    """Steps that add up: each row under its `label` begins where the one before ended; a `total` begins at zero."""
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    ends, end = [], 0.0
    for amount, total in zip(drawn[value], drawn["total"], strict=True):
        start, end = (0.0, amount) if total else (end, end + amount)
        ends.append((start, end))
    drawn["start"], drawn["end"] = zip(*ends, strict=True)
    drawn["right"] = drawn[["start", "end"]].max(axis=1)
    layers = [
        _layer("bar", alt.X2("end:Q"), _colour("total", {True: GREY, False: BLUE}), height=15, yOffset=9),
        _layer("text", *_LABEL, dy=-10),
        _layer("text", alt.X("right:Q"), alt.Text(f"{value}_text:N"), dx=5, dy=9, fontWeight="bold"),
    ]
    return _chart(layers, _across("start", _room(drawn["right"], 0.3)), _ROWS, _ROW * len(drawn), drawn)


def fan(data: pd.DataFrame, target: Quantity, published: tuple[date, Quantity] | None) -> alt.LayerChart | None:
    """GMV since 1 January by month (`day`): `median` with a band from `low` to `high`, against the year's target.

    `published` is the last published figure of the same, with its day.
    """
    drawn = _drawn(data, "median", "low", "high")
    if drawn is None:
        return None
    first, last = drawn["day"].iloc[0], drawn["day"].iloc[-1]
    room = last + (last - first) / 4  # for the numbers at the year's end
    drawn["day"] = days = [day.isoformat() for day in drawn["day"]]
    top = max(float(drawn["high"].max()), target.value if target else 0.0)
    reach = alt.Scale(type="utc", domain=[days[0], room.isoformat()])
    axis = alt.Axis(format="%b", values=days, labelOverlap=True, labelFontSize=11)
    layers = [
        _layer("area", alt.Y("low:Q"), alt.Y2("high:Q"), color=BLUE, opacity=0.25),
        _layer("line", color=BLUE, strokeWidth=2.5),
    ]
    for column, weight in (("median", "bold"), ("low", "normal"), ("high", "normal")):
        at = alt.Y(f"{column}:Q"), alt.Text(f"{column}_text:N")
        layers.append(_layer("text", *at, data=drawn.tail(1), dx=6, fontSize=12, fontWeight=weight))
    if target:
        goal = [{"median": target.value, "words": f"target {target.bare}"}]
        across = alt.XValue("width"), alt.X2Value(0)
        layers.append(_layer("rule", *across, data=goal, color=ORANGE, strokeWidth=2))
        layers.append(_layer("text", alt.XValue(4), alt.Text("words:N"), data=goal, dy=-8, fontSize=12))
    if published:
        day, figure = published
        point = [{"day": day.isoformat(), "median": figure.value, "words": f"published: {figure.text}"}]
        # Early in the year there is room on the right of the point, at its end only below the path.
        align, dx, dy = ("left", 8, 12) if day.month <= 9 else ("center", 8, 36)
        layers.append(_layer("point", data=point, size=90, color=ORANGE))
        layers.append(_layer("text", alt.Text("words:N"), data=point, align=align, dx=dx, dy=dy, fontSize=12))
    x = alt.X("day:T", title=None, scale=reach, axis=axis)
    y = alt.Y("median:Q", axis=None, scale=alt.Scale(domain=[0, 1.12 * top], nice=True))
    return _chart(layers, x, y, 240, drawn)


def grid(data: pd.DataFrame) -> alt.LayerChart | None:
    """A cell for each `row` and `column`, shaded by `status` and marked with `count`."""
    if data.empty:
        return None
    drawn = data.assign(strength=data["rank"].map({0: 0.9, 1: 0.4, 2: 0.06}))
    rows, across = list(dict.fromkeys(data["row"])), list(dict.fromkeys(data["column"]))
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


def _wrapped(text: str, width: float, size: int = 12) -> list[str]:
    """Lines of a text that are no wider than a number of pixels, as far as its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


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
    """Words for some of the points along an axis, `space` pixels apart at least: months, with the year as it begins."""
    ticks, year = [], None
    for at in sorted(set(x)):
        if ticks and place(at) - ticks[-1][0] < space:
            continue
        if isinstance(at, date):
            words, year = f"{at:%b}" if at.year == year else f"{at:%b %Y}", at.year
        else:
            words = f"{at:g}"
        ticks.append((place(at), words))
    return ticks


def _projected(drawn: pd.DataFrame) -> list[tuple[list[int], pd.DataFrame]]:
    """What is drawn solid and what is dashed; a dashed part begins where the line before it ends."""
    ahead = drawn["projected"].astype(bool) if "projected" in drawn else pd.Series(False, index=drawn.index)
    joined = ahead.groupby(drawn["series"]).shift(-1, fill_value=False)
    return [([1, 0], drawn[~ahead]), ([4, 3], drawn[ahead | joined])]


def lines(
    data: pd.DataFrame, x_title: str = "", events: Sequence[tuple[float | date, str]] = ()
) -> alt.LayerChart | None:
    """A curve for each `series` of `value` over `x`, a number or a date, with its name and last value at its end.

    A band goes from `low` to `high` where both are known; rows with `projected` true are dashed. Each of the `events`
    is marked where it falls on the axis, and left out where it falls beside it.
    """
    ends = zip(*(data.get(end, [None] * len(data)) for end in ("low", "high")), strict=True)
    banded = [(low.value, high.value) if _known(low) and _known(high) else (math.nan, math.nan) for low, high in ends]
    drawn = _drawn(data.assign(low=[low for low, _ in banded], high=[high for _, high in banded]), "value")
    if drawn is None:
        return None
    drawn = drawn.sort_values("x", kind="stable")
    series = list(dict.fromkeys(drawn["series"]))
    last = drawn.drop_duplicates("series", keep="last")
    right = WIDTH - 16 - max(_width(text) for text in [*last["series"], *last["value_text"]])
    place = _along(drawn["x"], 4, right)
    marked = [(at, words) for at, words in sorted(events) if drawn["x"].iloc[0] <= at <= drawn["x"].iloc[-1]]
    top = 6 + _LINE * len(marked)
    plot = max(190, 2.4 * _LINE * len(series))
    canvas = _Canvas(top + plot + 2 * _LINE + (_LINE if x_title else 0))
    low, high = _extent(drawn, ("value", "low", "high"))

    def down(value: float | pd.Series) -> float | pd.Series:
        return top + plot * (high - value) / (high - low)

    drawn["px"], drawn["py"] = drawn["x"].map(place), down(drawn["value"])
    drawn["low_y"], drawn["high_y"] = down(drawn["low"]), down(drawn["high"])
    colour = _colours(series)
    canvas.put("rule", [{"px": 4, "py": down(0.0), "to": right}], alt.X2("to:Q"), color=GREY, opacity=0.6)
    for line, (at, words) in enumerate(marked):
        px = place(at)
        mark = {"px": px, "py": _LINE * (line + 1), "to": top + plot}
        canvas.put("rule", [mark], alt.Y2("to:Q"), color=GREY, strokeDash=[2, 2])
        align = "left" if px + _width(words, _SMALL) < WIDTH else "right"
        canvas.write([(px + (4 if align == "left" else -4), _LINE * (line + 0.5) + 4, words)], align, _SMALL)
    canvas.put("area", drawn[drawn["low"].notna()], alt.Y("low_y:Q"), alt.Y2("high_y:Q"), colour, opacity=0.2)
    for dash, part in _projected(drawn):
        canvas.put("line", part, colour, strokeWidth=2.5, strokeDash=dash)
    ends = drawn.loc[last.index]
    canvas.put("point", ends, colour, size=55)
    names = _spread(ends["py"] - _LINE / 2, 2.2 * _LINE, _LINE / 2, top + plot - _LINE)
    joints = ends.assign(label=[y + _LINE / 2 for y in names], px=ends["px"] + 4, to=right + 9)
    canvas.put("rule", joints, alt.X2("to:Q"), alt.Y2("label:Q"), colour, strokeWidth=1)
    for column, line, weight in (("series", 0, "bold"), ("value_text", _LINE, "normal")):
        words = [(right + 12, y + line, text) for y, text in zip(names, ends[column], strict=True)]
        canvas.write(words, fontWeight=weight)
    canvas.write([(px, top + plot + _LINE, words) for px, words in _ticks(drawn["x"], place, 56)], "center")
    if x_title:
        canvas.write([(4, canvas.height - _LINE / 2, x_title)], size=_SMALL)
    return canvas.chart()


def slopes(data: pd.DataFrame, before_name: str, after_name: str) -> alt.LayerChart | None:
    """From `before` to `after` on one scale, a line for each `label`, named with its value at both ends."""
    drawn = _drawn(data, "before", "after")
    if drawn is None:
        return None
    columns = (("before", before_name), ("after", after_name))
    room = {c: 12 + max(_width(text) for text in [*drawn["label"], *drawn[f"{c}_text"], name]) for c, name in columns}
    left, right, top = room["before"], WIDTH - room["after"], 2.2 * _LINE
    plot = max(150, 2.4 * _LINE * len(drawn))
    canvas = _Canvas(top + plot + _LINE)
    low, high = _extent(drawn, ("before", "after"), zero=False)
    drawn["series"] = drawn["label"]
    ends = {c: top + plot * (high - drawn[c]) / (high - low) for c, _ in columns}
    colour = _colours(drawn["label"])
    slopes = drawn.assign(px=left, py=ends["before"], to=right, to_y=ends["after"])
    canvas.put("rule", slopes, alt.X2("to:Q"), alt.Y2("to_y:Q"), colour, strokeWidth=2.5)
    for (column, name), at, align, out in zip(columns, (left, right), ("right", "left"), (-1, 1), strict=True):
        canvas.put("point", drawn.assign(px=at, py=ends[column]), colour, size=70)
        lines = _spread(ends[column] - _LINE / 2, 2.2 * _LINE, top - _LINE / 2, top + plot)
        canvas.write([(at + 8 * out, y, text) for y, text in zip(lines, drawn["label"], strict=True)], align)
        values = zip(lines, drawn[f"{column}_text"], strict=True)
        canvas.write([(at + 8 * out, y + _LINE, text) for y, text in values], align, fontWeight="bold")
        canvas.write([(at + 8 * out, _LINE / 2, name)], align, _SMALL)
    return canvas.chart()


def tornado(data: pd.DataFrame, base: Quantity) -> alt.LayerChart | None:
    """What each lever (`label`) does to an outcome: from `low` to `high`, around the outcome at `base`, widest first.

    `low_word` and `high_word`, where given, say what the lever is set to at that end.
    """
    drawn = _drawn(data, "low", "high")
    if drawn is None or not base.known:
        return None
    drawn = drawn.iloc[(drawn["low"] - drawn["high"]).abs().mul(-1).argsort(kind="stable")]
    room = 10 + max(_width(text) for text in [*drawn["low_text"], *drawn["high_text"]])
    least = min(base.value, _extent(drawn, ("low", "high"), zero=False)[0])
    most = max(base.value, _extent(drawn, ("low", "high"), zero=False)[1])
    scale = (WIDTH - 2 * room) / (most - least)
    middle = room + scale * (base.value - least)
    bars, rules, y = [], [], 1.6 * _LINE
    heads, words = [], {"left": [], "right": []}
    values = {"left": [], "right": []}
    for lever in drawn.itertuples():
        for line in _wrapped(lever.label, WIDTH - 8):
            heads.append((0, y + _LINE / 2, line))
            y += _LINE
        bar, below = y + 0.9 * _LINE, [0]
        rules.append({"px": middle, "py": bar - 0.75 * _LINE, "to": bar + 0.75 * _LINE})
        ends = sorted((room + scale * (getattr(lever, end) - least), end) for end in ("low", "high"))
        for (at, end), side in zip(ends, ("left", "right"), strict=True):
            bars.append({"px": middle, "py": bar, "to": at, "series": end})
            # Beside the base where an end lies on the other side of it.
            beyond = min(at, middle) - 5 if side == "left" else max(at, middle) + 5
            values[side].append((beyond, bar, getattr(lever, f"{end}_text")))
            lines = _wrapped(getattr(lever, f"{end}_word", ""), WIDTH / 2 - 12, _SMALL)
            edge = 0 if side == "left" else WIDTH - 2
            words[side] += [(edge, bar + (1.2 + n) * _LINE, line) for n, line in enumerate(lines) if line]
            below.append(len([line for line in lines if line]))
        y = bar + (1.6 + max(below)) * _LINE
    canvas = _Canvas(y)
    colour = _colour("series", {"low": ORANGE, "high": BLUE})
    canvas.put("bar", bars, alt.X2("to:Q"), colour, size=14, orient="horizontal")
    canvas.put("rule", rules, alt.Y2("to:Q"), color=TEXT, strokeWidth=1.5)
    lead = f"base: {base.amount.text}"
    start = min(max(0, middle - _width(lead, _SMALL) / 2), WIDTH - _width(lead, _SMALL))
    canvas.write([(start, _LINE / 2, lead)], size=_SMALL)
    canvas.write(heads, fontWeight="bold")
    for side, outward in (("left", "right"), ("right", "left")):
        canvas.write(values[side], outward)
        canvas.write(words[side], side, _SMALL)
    return canvas.chart()


def stacked(data: pd.DataFrame) -> alt.LayerChart | None:
    """One bar a `label`, split into the `value` of each `part`, all named under it; what is below zero goes left."""
    drawn = _drawn(data, "value")
    if drawn is None:
        return None
    drawn["left"] = drawn["value"].clip(upper=0).groupby(drawn["label"]).cumsum()
    drawn["start"] = drawn["value"].clip(lower=0).groupby(drawn["label"]).cumsum() - drawn["value"]
    drawn.loc[drawn["value"] < 0, "start"] = drawn["left"]
    low, high = _extent(drawn.assign(end=drawn["start"] + drawn["value"].abs()), ("start", "end"))
    scale = WIDTH / (high - low)
    drawn["px"], drawn["to"] = (drawn["start"] - low) * scale, (drawn["start"] + drawn["value"].abs() - low) * scale
    top, bars, keys, names, heads = 0.0, [], [], [], []
    for label, bar in drawn.groupby("label", sort=False):
        heads.append((0, top + _LINE / 2, label))
        y, free = top + 1.9 * _LINE, 0.0
        bars += [{"px": b.px, "py": y, "to": b.to, "series": b.part} for b in bar.itertuples()]
        y += 1.5 * _LINE
        for b in bar.itertuples():
            words = f"{b.part} {b.value_text}"
            # Under its piece of the bar, or where the name before it ends; where that is too far right, a line below.
            place, most = max(b.px, free), WIDTH - 14 - _width(words)
            if free and place > most:
                y, place = y + 1.2 * _LINE, b.px
            place = max(0.0, min(place, most))
            keys.append({"px": place + 5, "py": y, "series": b.part})
            names.append((place + 14, y, words))
            free = place + 14 + _width(words) + 12
        top = y + 1.6 * _LINE
    canvas = _Canvas(top)
    colour = _colours(data["part"])
    canvas.put("bar", bars, alt.X2("to:Q"), colour, size=20, orient="horizontal")
    canvas.put("square", keys, colour, size=80, opacity=1)
    zero = [{"px": -low * scale, "py": bar["py"] - 13, "to": bar["py"] + 13} for bar in bars]
    canvas.put("rule", pd.DataFrame(zero).drop_duplicates(), alt.Y2("to:Q"), color=TEXT)
    canvas.write(heads, fontWeight="bold")
    canvas.write(names)
    return canvas.chart()
