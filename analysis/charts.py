"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

Every mark carries its number beside it, so no chart needs an axis, a legend or a grid to be read. Text takes the
page's own colour, so that a chart is legible on a light page, a dark one and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import altair as alt
import numpy as np
import pandas as pd

from analysis.prose import Sentence
from analysis.quantity import Quantity

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


def _finish(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    return (
        chart.configure(
            aria=False,  # the figure around a chart says in words what it shows; its marks have nothing to add
            font=FONT,
            background="transparent",
            padding=2,
            autosize={"type": "fit-x", "contains": "padding"},
        )
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, grid=False, labelColor=TEXT, titleColor=TEXT, labelFontSize=13)
        .configure_text(color=TEXT, fontSize=13)
    )


def _known(value: object) -> bool:
    """Whether a cell is a number that can be drawn; tables may have words in the same column."""
    return isinstance(value, Quantity) and value.known


def _drawn(data: pd.DataFrame, *columns: str) -> pd.DataFrame | None:
    """Rows whose quantities are known, with a number and a text column for each; None if none is."""
    known = data[[all(_known(row[column]) for column in columns) for _, row in data.iterrows()]]
    if known.empty:
        return None
    drawn = known.drop(columns=[name for name in known if name in columns])
    for column in columns:
        drawn[column] = [quantity.value for quantity in known[column]]
        # The subtitle says what the amounts are for (a month, a day); beside every mark it would only take room.
        drawn[f"{column}_text"] = [quantity.amount.text for quantity in known[column]]
    return _in_words(drawn)


def _in_words(data: pd.DataFrame) -> pd.DataFrame:
    """Labels that are sentences or quantities, for their provenance in the table, as the text that is drawn."""
    labels = data.columns.difference(["low", "high"], sort=False)  # the ends of a band are numbers yet to be drawn
    words = data[labels].map(lambda value: value.text if isinstance(value, (Quantity, Sentence)) else value)
    return data.assign(**words)


def bars(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """One bar a row, as long as its value, under its `label`; rows with `lead` true stand out."""
    return _rows(data, value, lambda base: base.mark_bar(height=15, yOffset=9), dx=5)


def dots(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """One dot a row under its `label`: what each source says; the leading figure (`lead`) stands out."""
    return _rows(data, value, lambda base: base.mark_point(filled=True, size=120, opacity=1, yOffset=9), dx=10)


def _rows(data: pd.DataFrame, value: str, mark: Callable, dx: int) -> alt.TopLevelMixin | None:
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    drawn["lead"] = drawn.get("lead", True)
    drawn["row"] = range(len(drawn))
    scale = alt.Scale(domain=_room(drawn[value], 0.5))
    base = alt.Chart(drawn, width=WIDTH, height=_ROW * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    across = base.encode(x=alt.X(f"{value}:Q", axis=None, scale=scale))
    colour = alt.Color("lead:N", scale=alt.Scale(domain=[True, False], range=[BLUE, GREY]), legend=None)
    names = base.mark_text(align="left", dy=-10).encode(x=alt.value(0), text="label:N")
    numbers = (
        across.transform_calculate(end=f"max(datum.{value}, 0)")
        .mark_text(align="left", dx=dx, dy=9, fontWeight="bold")
        .encode(x=alt.X("end:Q", axis=None, scale=scale), text=f"{value}_text:N")
    )
    return _finish(mark(across).encode(color=colour) + names + numbers)


def _room(values: pd.Series, share: float) -> list[float]:
    """A scale from zero that leaves a share of its width free for the numbers beside the marks."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return [float(low), float(high + share * ((high - low) or 1.0))]


def pairs(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """Bars of several `series` under each `label` (a period), each with its series and its number at its end."""
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    series = list(dict.fromkeys(data["series"]))
    drawn["words"] = drawn["series"] + ": " + drawn[f"{value}_text"]
    # Rows lie on pixels: a line for each label, then one for each of its bars.
    heights = drawn["label"].ne(drawn["label"].shift()).map({True: 44, False: 20}).cumsum()
    height = int(heights.iloc[-1]) + 10
    drawn["y"] = heights
    down = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    base = alt.Chart(drawn, width=WIDTH, height=height).encode(y=down)
    across = base.encode(x=alt.X(f"{value}:Q", axis=None, scale=alt.Scale(domain=_room(drawn[value], 0.8))))
    colour = alt.Color("series:N", scale=alt.Scale(domain=series, range=_SERIES[: len(series)]), legend=None)
    layers = across.mark_bar(size=14, orient="horizontal").encode(color=colour)
    layers += across.mark_text(align="left", dx=5, fontSize=12).encode(text="words:N")
    heads = base.properties(data=drawn.drop_duplicates("label"))
    layers += heads.mark_text(align="left", dy=-19, fontWeight="bold").encode(x=alt.value(0), text="label:N")
    return _finish(layers)


def bullets(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Share of a target reached (`reached`), against the share that an even pace would have reached (`pace`)."""
    drawn = _drawn(data, "reached", "pace")
    if drawn is None:
        return None
    drawn["row"] = range(len(drawn))
    drawn["note"] = [f"{row.label}: {row.reached_text} of {row.target}" for row in drawn.itertuples()]
    drawn["whole"] = 1
    scale = alt.Scale(domain=[0, max(1.0, drawn["reached"].max(), drawn["pace"].max())])
    base = alt.Chart(drawn, width=WIDTH, height=70 * len(drawn)).encode(y=alt.Y("row:O", axis=None))

    def along(column: str) -> alt.X:
        return alt.X(f"{column}:Q", axis=None, scale=scale)

    layers = base.mark_bar(height=18, color=GREY, opacity=0.25).encode(x=along("whole"))
    layers += base.mark_bar(height=18, color=BLUE).encode(x=along("reached"))
    layers += base.mark_tick(color=ORANGE, thickness=3, height=28).encode(x=along("pace"))
    layers += base.mark_text(align="left", dy=-20, fontWeight="bold").encode(x=alt.value(0), text="note:N")
    # The words under the tick must not run out of the chart on its right.
    for late, align in ((False, "left"), (True, "right")):
        words = base.transform_filter(f"(datum.pace > 0.6) == {str(late).lower()}")
        layers += words.mark_text(align=align, dy=22, fontSize=12).encode(x=along("pace"), text="pace_note:N")
    return _finish(layers)


def timeline(events: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Dated events (`day`, `label`), oldest first: the words on a line of their own, the day as a dot under them."""
    if events.empty:
        return None
    drawn = _in_words(events).assign(row=range(len(events)), day=[day.isoformat() for day in events["day"]])
    axis = alt.Axis(format="%b %Y", tickCount=3, orient="top", labelFlush=True, labelOverlap=True)
    base = alt.Chart(drawn, width=WIDTH, height=40 * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    lines = base.mark_rule(color=GREY, opacity=0.4, yOffset=9).encode(x=alt.value(0), x2=alt.value(WIDTH))
    points = base.mark_point(filled=True, size=90, color=BLUE, opacity=1, yOffset=9)
    words = base.mark_text(align="left", dy=-7, fontSize=12, limit=WIDTH).encode(x=alt.value(0), text="label:N")
    return _finish(lines + points.encode(x=alt.X("day:T", title=None, axis=axis)) + words)


def ranges(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """From `low` to `high`, one range a row under its `label`, each as a ratio to the figure that `leads`.

    The scale is cut at three times; a range that goes further is drawn to the edge and its numbers tell.
    """
    drawn = _drawn(data, "leads", "low", "high")
    if drawn is None:
        return None
    for column in ("low", "high"):
        drawn[f"{column}_ratio"] = (drawn[column] / drawn["leads"]).clip(1 / 3, 3)
    drawn["one"], drawn["row"] = 1.0, range(len(drawn))
    drawn["words"] = drawn["low_text"] + " to " + drawn["high_text"]
    scale = alt.Scale(type="log", domain=[1 / 3, 3])
    base = alt.Chart(drawn, width=WIDTH, height=52 * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    layers = base.mark_text(align="left", dy=-16).encode(x=alt.value(0), text="label:N")
    layers += base.mark_text(align="right", dy=-16 + 18, fontSize=12).encode(x=alt.value(WIDTH - 8), text="words:N")
    layers += base.mark_bar(height=8, color=GREY, yOffset=14).encode(
        x=alt.X("low_ratio:Q", axis=None, scale=scale), x2="high_ratio:Q"
    )
    layers += base.mark_point(filled=True, size=90, color=BLUE, opacity=1, yOffset=14).encode(
        x=alt.X("one:Q", axis=None, scale=scale)
    )
    return _finish(layers)


def bands(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Estimates: from `low` to `high` with a dot at `median`, one a row under its `label`, on one scale from zero."""
    drawn = _drawn(data, "median", "low", "high")
    if drawn is None:
        return None
    drawn["row"] = range(len(drawn))
    drawn["words"] = [f"{row.median_text} ({row.low_text} to {row.high_text})" for row in drawn.itertuples()]
    scale = alt.Scale(domain=[0, float(drawn["high"].max())])
    # Where a label and its numbers do not fit on a line, all have two.
    meet = any(_width(row.label, 13) + _width(row.words) > WIDTH - 20 for row in drawn.itertuples())
    row, down, up, line = (68, 17, -21, -5) if meet else (52, 12, -10, -10)
    base = alt.Chart(drawn, width=WIDTH, height=row * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    layers = base.mark_bar(height=10, color=BLUE, opacity=0.4, yOffset=down).encode(
        x=alt.X("low:Q", axis=None, scale=scale), x2="high:Q"
    )
    layers += base.mark_point(filled=True, size=90, color=BLUE, opacity=1, yOffset=down).encode(
        x=alt.X("median:Q", axis=None, scale=scale)
    )
    layers += base.mark_text(align="left", dy=up).encode(x=alt.value(0), text="label:N")
    numbers = base.mark_text(align="left" if meet else "right", dy=line, fontSize=12)
    layers += numbers.encode(x=alt.value(0 if meet else WIDTH - 8), text="words:N")
    return _finish(layers)


def bridge(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """Steps that add up: each row under its `label` begins where the one before ended; a `total` begins at zero."""
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    ends, end = [], 0.0
    for amount, total in zip(drawn[value], drawn["total"], strict=True):
        start, end = (0.0, amount) if total else (end, end + amount)
        ends.append((start, end))
    drawn["start"], drawn["end"] = zip(*ends, strict=True)
    drawn["right"], drawn["row"] = drawn[["start", "end"]].max(axis=1), range(len(drawn))
    scale = alt.Scale(domain=_room(drawn["right"], 0.3))
    base = alt.Chart(drawn, width=WIDTH, height=_ROW * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    colour = alt.Color("total:N", scale=alt.Scale(domain=[True, False], range=[GREY, BLUE]), legend=None)
    layers = base.mark_bar(height=15, yOffset=9).encode(
        x=alt.X("start:Q", axis=None, scale=scale), x2="end:Q", color=colour
    )
    layers += base.mark_text(align="left", dy=-10).encode(x=alt.value(0), text="label:N")
    layers += base.mark_text(align="left", dx=5, dy=9, fontWeight="bold").encode(
        x=alt.X("right:Q", axis=None, scale=scale), text=f"{value}_text:N"
    )
    return _finish(layers)


def fan(data: pd.DataFrame, target: Quantity, published: tuple[date, Quantity] | None) -> alt.TopLevelMixin | None:
    """GMV since 1 January by month (`day`): `median` with a band from `low` to `high`, against the year's target.

    `published` is the last published figure of the same, with its day.
    """
    drawn = _drawn(data, "median", "low", "high")
    if drawn is None:
        return None
    drawn["day"] = [day.isoformat() for day in drawn["day"]]
    top = max(float(drawn["high"].max()), target.value if target else 0.0)
    start, end = pd.Timestamp(drawn["day"].iloc[0]), pd.Timestamp(drawn["day"].iloc[-1])
    room = end + (end - start) / 4  # for the numbers at the year's end
    reach = alt.Scale(domain=[start.isoformat(), room.isoformat()])
    x = alt.X(
        "day:T",
        title=None,
        scale=reach,
        axis=alt.Axis(format="%b", values=list(drawn["day"]), labelOverlap=True, labelFontSize=11),
    )
    y = alt.Y("median:Q", axis=None, scale=alt.Scale(domain=[0, 1.12 * top]))
    base = alt.Chart(drawn, width=WIDTH, height=240).encode(x=x)
    layers = base.mark_area(color=BLUE, opacity=0.25).encode(y=alt.Y("low:Q", axis=None), y2="high:Q")
    layers += base.mark_line(color=BLUE, strokeWidth=2.5).encode(y=y)
    last = base.properties(data=drawn.tail(1))
    for column, weight in (("median", "bold"), ("low", "normal"), ("high", "normal")):
        words = last.mark_text(align="left", dx=6, fontSize=12, fontWeight=weight)
        layers += words.encode(y=alt.Y(f"{column}:Q", axis=None), text=f"{column}_text:N")
    if target:
        goal = pd.DataFrame({"value": [target.value], "words": [f"target {target.bare}"]})
        rule = alt.Chart(goal).encode(y=alt.Y("value:Q", axis=None))
        layers += rule.mark_rule(color=ORANGE, strokeWidth=2)
        layers += rule.mark_text(align="left", dy=-8, fontSize=12).encode(x=alt.value(4), text="words:N")
    if published:
        day, figure = published
        point = pd.DataFrame({"day": [day.isoformat()], "value": [figure.value]})
        mark = alt.Chart(point).encode(x=x, y=alt.Y("value:Q", axis=None))
        layers += mark.mark_point(filled=True, size=90, color=ORANGE, opacity=1)
        # Early in the year there is room on the right of the point, at its end only below the path.
        align, dx, dy = ("left", 8, 12) if day.month <= 9 else ("center", 8, 36)
        words = mark.mark_text(align=align, dx=dx, dy=dy, fontSize=12)
        layers += words.encode(text=alt.value(f"published: {figure.text}"))
    return _finish(layers)


def grid(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """A cell for each `row` and `column`, shaded by `status` and marked with `count`."""
    if data.empty:
        return None
    data = data.assign(strength=data["rank"].map({0: 0.9, 1: 0.4, 2: 0.06}))
    rows, across = list(dict.fromkeys(data["row"])), list(dict.fromkeys(data["column"]))
    base = alt.Chart(data, width=WIDTH, height=26 * len(rows)).encode(
        x=alt.X("column:N", sort=across, title=None, axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=10)),
        y=alt.Y("row:N", sort=rows, title=None),
    )
    opacity = alt.Opacity("strength:Q", scale=None, legend=None)
    cells = base.mark_rect(color=BLUE, cornerRadius=2).encode(opacity=opacity)
    return _finish(cells + base.mark_text(fontSize=12).encode(text="count:N"))


# Charts with words on several sides are laid out here, in pixels, so that no two of their labels meet -----------------

_LINE = 14  # from one line of a label to the next
_SMALL = 11  # size of words that explain rather than tell
_X = alt.X("px:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False, zero=False))


class _Canvas:
    """Layers whose places are pixels, from the top left."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.layers: list[alt.Chart] = []

    def y(self, column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", axis=None, scale=alt.Scale(domain=[self.height, 0], nice=False, zero=False))

    def put(self, frame: pd.DataFrame | list[dict], mark: Callable[[alt.Chart], alt.Chart], **channels: object) -> None:
        """Add a mark for each row, or a line through its rows; nothing if there is no row."""
        frame = pd.DataFrame(frame).drop(columns="x", errors="ignore")
        if len(frame):
            chart = mark(alt.Chart(frame, width=WIDTH, height=self.height))
            self.layers.append(chart.encode(**({"x": _X, "y": self.y("py")} | channels)))

    def write(self, words: list[tuple[float, float, str]], align: str = "left", size: int = 12, **style: str) -> None:
        """Write words at their places; `y` is the middle of the line."""
        frame = pd.DataFrame(words, columns=["px", "py", "words"])
        self.put(
            frame,
            lambda base: base.mark_text(align=align, baseline="middle", fontSize=size, **style),
            text="words:N",
        )

    def chart(self) -> alt.TopLevelMixin:
        return _finish(alt.layer(*self.layers))


def _colours(names: Sequence[str]) -> alt.Color:
    colours = [_SERIES[n % len(_SERIES)] for n in range(len(names))]
    return alt.Color("series:N", scale=alt.Scale(domain=list(names), range=colours), legend=None)


def _width(text: str, size: int = 12) -> float:
    """Width of a text in pixels, rather too wide than too narrow: four classes of the letters of Arial, in ems."""
    ems = {**dict.fromkeys("iljtfrI.,:;'|!() ", 0.33), **dict.fromkeys("mwMW%@", 0.9)}
    return size * sum(ems.get(c, 0.74 if c.isupper() else 0.57 if ord(c) < 0x2E7F else 1.0) for c in text)


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


def _banded(drawn: pd.DataFrame) -> pd.DataFrame:
    """With `low` and `high` as numbers, where both are known."""
    if not {"low", "high"} <= set(drawn):
        return drawn.assign(low=math.nan, high=math.nan)
    known = [_known(low) and _known(high) for low, high in zip(drawn["low"], drawn["high"], strict=True)]
    numbers = {
        column: [quantity.value if both else math.nan for quantity, both in zip(drawn[column], known, strict=True)]
        for column in ("low", "high")
    }
    return drawn.assign(**numbers)


def _positions(x: pd.Series, left: float, right: float) -> pd.Series:
    """Places of numbers or dates between two pixels."""
    numbers = x.map(lambda at: at.toordinal() if isinstance(at, date) else float(at))
    span = (numbers.max() - numbers.min()) or 1
    return left + (right - left) * (numbers - numbers.min()) / span


def _ticks(x: pd.Series, px: pd.Series, space: float) -> list[tuple[float, str]]:
    """Words for some of the points along an axis, `space` pixels apart at least: months, with the year as it begins."""
    points = sorted(dict(zip(x, px, strict=True)).items())
    ticks, year = [], None
    for at, place in points:
        if ticks and place - ticks[-1][0] < space:
            continue
        if isinstance(at, date):
            words, year = f"{at:%b}" if at.year == year else f"{at:%b %Y}", at.year
        else:
            words = f"{at:g}"
        ticks.append((place, words))
    return ticks


def _projected(drawn: pd.DataFrame, by: str) -> list[tuple[list[int], pd.DataFrame]]:
    """What is drawn solid and what is dashed; a dashed part begins where the line before it ends."""
    ahead = drawn["projected"].astype(bool) if "projected" in drawn else pd.Series(False, index=drawn.index)
    joined = ahead.groupby(drawn[by]).shift(-1, fill_value=False)
    return [([1, 0], drawn[~ahead]), ([4, 3], drawn[ahead | joined])]


def lines(
    data: pd.DataFrame, x_title: str = "", events: Sequence[tuple[float | date, str]] = ()
) -> alt.TopLevelMixin | None:
    """A curve for each `series` of `value` over `x`, a number or a date, with its name and last value at its end.

    A band goes from `low` to `high` where both are known; rows with `projected` true are dashed. Each of the `events`
    is marked where it falls on the axis, and left out where it falls beside it.
    """
    drawn = _drawn(data, "value")
    if drawn is None:
        return None
    drawn = _banded(drawn.sort_values("x", kind="stable"))
    series = [name for name in dict.fromkeys(data["series"]) if name in set(drawn["series"])]
    ends = drawn.groupby("series", sort=False).tail(1)
    right = WIDTH - 16 - max(_width(text) for text in [*ends["series"], *ends["value_text"]])
    drawn["px"] = _positions(drawn["x"], 4, right)
    spots = dict(zip(drawn["x"], drawn["px"], strict=True))
    marked = [(day, words) for day, words in events if min(spots) <= day <= max(spots)]
    top = 6 + _LINE * len(marked)
    plot = max(190, 2.4 * _LINE * len(series))
    canvas = _Canvas(top + plot + 2 * _LINE + (_LINE if x_title else 0))
    low, high = _extent(drawn, ("value", "low", "high"))

    def down(values: pd.Series) -> pd.Series:
        return top + plot * (high - values) / (high - low)

    drawn = drawn.assign(py=down(drawn["value"]), low_y=down(drawn["low"]), high_y=down(drawn["high"]))
    colour, zero = _colours(series), float(down(pd.Series([0.0]))[0])
    canvas.put([{"px": 4, "py": zero, "to": right}], lambda b: b.mark_rule(color=GREY, opacity=0.6), x2="to:Q")
    for line, (day, words) in enumerate(sorted(marked)):
        at = float(_positions(pd.Series([min(spots), day, max(spots)]), 4, right)[1])
        mark = {"px": at, "py": _LINE * (line + 1), "to": top + plot}
        canvas.put([mark], lambda b: b.mark_rule(color=GREY, strokeDash=[2, 2]), y2="to:Q")
        align = "left" if at + _width(words, _SMALL) < WIDTH else "right"
        canvas.write([(at + (4 if align == "left" else -4), _LINE * (line + 0.5) + 4, words)], align, _SMALL)
    canvas.put(
        drawn[drawn["low"].notna()],
        lambda b: b.mark_area(opacity=0.2),
        y=canvas.y("low_y"),
        y2="high_y:Q",
        color=colour,
    )
    for dash, part in _projected(drawn, "series"):
        canvas.put(part, lambda b, dash=dash: b.mark_line(strokeWidth=2.5, strokeDash=dash), color=colour)
    ends = drawn.groupby("series", sort=False).tail(1)
    canvas.put(ends, lambda b: b.mark_point(filled=True, size=55, opacity=1), color=colour)
    names = _spread(ends["py"] - _LINE / 2, 2.2 * _LINE, _LINE / 2, top + plot - _LINE)
    joints = ends.assign(label=[y + _LINE / 2 for y in names], px=ends["px"] + 4, to=right + 9)
    canvas.put(joints, lambda b: b.mark_rule(strokeWidth=1), x2="to:Q", y2="label:Q", color=colour)
    for column, line, weight in (("series", 0, "bold"), ("value_text", _LINE, "normal")):
        words = [(right + 12, y + line, text) for y, text in zip(names, ends[column], strict=True)]
        canvas.write(words, fontWeight=weight)
    canvas.write([(at, top + plot + _LINE, words) for at, words in _ticks(drawn["x"], drawn["px"], 56)], "center")
    if x_title:
        canvas.write([(4, canvas.height - _LINE / 2, x_title)], size=_SMALL)
    return canvas.chart()


def multiples(data: pd.DataFrame, shared: bool = True) -> alt.TopLevelMixin | None:
    """A small curve for each `panel`: `value` over `x`, a number or a date, with its last value at its end.

    The panels share their `x`, and their scale of values unless `shared` is false; a band goes from `low` to `high`
    where both are known, and rows with `projected` true are dashed.
    """
    drawn = _drawn(data, "value")
    if drawn is None:
        return None
    drawn = _banded(drawn.sort_values("x", kind="stable"))
    panels = [name for name in dict.fromkeys(data["panel"]) if name in set(drawn["panel"])]
    last = drawn.groupby("panel", sort=False).tail(1)
    across = 2 if len(panels) in (2, 4) else min(3, len(panels))
    cell, plot, row = WIDTH / across, 76, 76 + 4 * _LINE
    room = 12 + max(_width(text, _SMALL) for text in last["value_text"])
    canvas = _Canvas(row * math.ceil(len(panels) / across))
    whole, along = _extent(drawn, ("value", "low", "high")), _positions(drawn["x"], 6, cell - room)
    for number, panel in enumerate(panels):
        left, top = cell * (number % across), row * (number // across) + 1.6 * _LINE
        part = drawn[drawn["panel"] == panel]
        low, high = whole if shared else _extent(part, ("value", "low", "high"))

        def down(values: pd.Series, top=top, low=low, high=high) -> pd.Series:
            return top + plot * (high - values) / (high - low)

        part = part.assign(
            px=left + along[part.index], py=down(part["value"]), low_y=down(part["low"]), high_y=down(part["high"])
        )
        zero = {"px": left + 6, "py": float(down(pd.Series([0.0]))[0]), "to": left + cell - room}
        canvas.put([zero], lambda b: b.mark_rule(color=GREY, opacity=0.6), x2="to:Q")
        canvas.put(
            part[part["low"].notna()],
            lambda b: b.mark_area(opacity=0.25, color=BLUE),
            y=canvas.y("low_y"),
            y2="high_y:Q",
        )
        for dash, piece in _projected(part, "panel"):
            canvas.put(piece, lambda b, dash=dash: b.mark_line(color=BLUE, strokeWidth=2, strokeDash=dash))
        end = part.tail(1)
        canvas.put(end, lambda b: b.mark_point(filled=True, size=40, color=BLUE, opacity=1))
        at = float(np.clip(end["py"].iloc[0], top + 4, top + plot - 4))
        canvas.write([(float(end["px"].iloc[0]) + 6, at, end["value_text"].iloc[0])], size=_SMALL)
        canvas.write([(left + 6, top - _LINE, panel)], fontWeight="bold")
        first, *_, final = sorted(zip(drawn["x"], along, strict=True)) * 2
        ends = pd.Series([first[0], final[0]]), pd.Series([first[1], final[1]])
        for (place, words), align in zip(_ticks(*ends, 40), ("left", "center"), strict=False):
            canvas.write([(left + place, top + plot + _LINE, words)], align, _SMALL)
    return canvas.chart()


def slopes(data: pd.DataFrame, before_name: str, after_name: str) -> alt.TopLevelMixin | None:
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
    colour = _colours(list(dict.fromkeys(drawn["label"])))
    canvas.put(
        drawn.assign(px=left, py=ends["before"], to=right, to_y=ends["after"]),
        lambda b: b.mark_rule(strokeWidth=2.5),
        x2="to:Q",
        y2="to_y:Q",
        color=colour,
    )
    for (column, name), at, align, out in zip(columns, (left, right), ("right", "left"), (-1, 1), strict=True):
        canvas.put(
            drawn.assign(px=at, py=ends[column]),
            lambda b: b.mark_point(filled=True, size=70, opacity=1),
            color=colour,
        )
        lines = _spread(ends[column] - _LINE / 2, 2.2 * _LINE, top - _LINE / 2, top + plot)
        canvas.write([(at + 8 * out, y, text) for y, text in zip(lines, drawn["label"], strict=True)], align)
        values = zip(lines, drawn[f"{column}_text"], strict=True)
        canvas.write([(at + 8 * out, y + _LINE, text) for y, text in values], align, fontWeight="bold")
        canvas.write([(at + 8 * out, _LINE / 2, name)], align, _SMALL)
    return canvas.chart()


def tornado(data: pd.DataFrame, base: Quantity) -> alt.TopLevelMixin | None:
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
    colour = alt.Color("series:N", scale=alt.Scale(domain=["low", "high"], range=[ORANGE, BLUE]), legend=None)
    canvas.put(bars, lambda b: b.mark_bar(size=14, orient="horizontal"), x2="to:Q", color=colour)
    canvas.put(rules, lambda b: b.mark_rule(color=TEXT, strokeWidth=1.5), y2="to:Q")
    lead = f"base: {base.amount.text}"
    start = min(max(0, middle - _width(lead, _SMALL) / 2), WIDTH - _width(lead, _SMALL))
    canvas.write([(start, _LINE / 2, lead)], size=_SMALL)
    canvas.write(heads, fontWeight="bold")
    for side, outward in (("left", "right"), ("right", "left")):
        canvas.write(values[side], outward)
        canvas.write(words[side], side, _SMALL)
    return canvas.chart()


def stacked(data: pd.DataFrame) -> alt.TopLevelMixin | None:
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
    parts, top = list(dict.fromkeys(data["part"])), 0.0
    bars, keys, names, heads = [], [], [], []
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
    colour = _colours(parts)
    canvas.put(bars, lambda b: b.mark_bar(size=20, orient="horizontal"), x2="to:Q", color=colour)
    canvas.put(keys, lambda b: b.mark_square(size=80, opacity=1), color=colour)
    zero = [{"px": -low * scale, "py": bar["py"] - 13, "to": bar["py"] + 13} for bar in bars]
    canvas.put(pd.DataFrame(zero).drop_duplicates(), lambda b: b.mark_rule(color=TEXT), y2="to:Q")
    canvas.write(heads, fontWeight="bold")
    canvas.write(names)
    return canvas.chart()
