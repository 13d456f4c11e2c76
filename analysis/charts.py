"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

Every mark carries its number beside it, so no chart needs an axis, a legend or a grid to be read. Text takes the
page's own colour, so that a chart is legible on a light page, a dark one and on paper.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import altair as alt
import pandas as pd

from analysis.quantity import Quantity

# After Okabe and Ito, told apart by colour-blind readers; each has a contrast of 3:1 on white and on near-black.
BLUE, ORANGE, GREEN, GREY = "#2f7fbf", "#d0601a", "#1f9470", "#858585"
_SERIES = [BLUE, ORANGE, GREEN, GREY]
TEXT = "currentColor"
# Narrow enough for a phone without shrinking its letters much; a wide page puts two side by side.
WIDTH = 440
_ROW = 46
# Measured by the fonts that the SVG converter carries, so a layout is the same on every machine.
FONT = "Liberation Sans, Arial, sans-serif"


def _finish(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    return (
        chart.configure(
            font=FONT, background="transparent", padding=2, autosize={"type": "fit-x", "contains": "padding"}
        )
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, grid=False, labelColor=TEXT, titleColor=TEXT, labelFontSize=13)
        .configure_text(color=TEXT, fontSize=13)
    )


def _drawn(data: pd.DataFrame, *columns: str) -> pd.DataFrame | None:
    """Rows whose quantities are known, with a number and a text column for each; None if none is."""
    known = data[[all(row[column].known for column in columns) for _, row in data.iterrows()]]
    if known.empty:
        return None
    drawn = known.drop(columns=[name for name in known if name in columns])
    for column in columns:
        drawn[column] = [quantity.value for quantity in known[column]]
        # The subtitle says what the amounts are for (a month, a day); beside every mark it would only take room.
        drawn[f"{column}_text"] = [quantity.amount.text for quantity in known[column]]
    return drawn


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


def changes(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """From `before` to `after`, one line a row under its `label`; units differ, so each row has its own scale."""
    drawn = _drawn(data, "before", "after")
    if drawn is None:
        return None
    largest = drawn[["before", "after"]].abs().max(axis=1).replace(0, 1)
    drawn["from"], drawn["to"] = drawn["before"] / largest, drawn["after"] / largest
    drawn["row"] = range(len(drawn))
    low = min(0.0, float(drawn[["from", "to"]].min().min()))
    scale = alt.Scale(domain=[low - 0.45, 1.45])
    base = alt.Chart(drawn, width=WIDTH, height=52 * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    layers = base.mark_text(align="left", dy=-14, fontWeight="bold").encode(x=alt.value(0), text="label:N")
    layers += base.mark_rule(strokeWidth=2, color=GREY, yOffset=8).encode(
        x=alt.X("from:Q", axis=None, scale=scale), x2="to:Q"
    )
    for end, column, colour in (("from", "before", GREY), ("to", "after", BLUE)):
        at = alt.X(f"{end}:Q", axis=None, scale=scale)
        layers += base.mark_point(filled=True, size=100, color=colour, opacity=1, yOffset=8).encode(x=at)
        for rising in ("true", "false"):
            outward = "left" if (end == "to") == (rising == "true") else "right"
            words = base.transform_filter(f"(datum.to >= datum.from) == {rising}")
            layers += words.mark_text(align=outward, dx=9 if outward == "left" else -9, dy=8, fontSize=12).encode(
                x=at, text=f"{column}_text:N"
            )
    return _finish(layers)


def timeline(events: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Dated events (`day`, `label`), oldest first: the words on a line of their own, the day as a dot under them."""
    if events.empty:
        return None
    drawn = events.assign(row=range(len(events)), day=[day.isoformat() for day in events["day"]])
    axis = alt.Axis(format="%b %Y", tickCount=4, orient="top", labelFlush=True)
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
    base = alt.Chart(drawn, width=WIDTH, height=52 * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    layers = base.mark_bar(height=10, color=BLUE, opacity=0.4, yOffset=12).encode(
        x=alt.X("low:Q", axis=None, scale=scale), x2="high:Q"
    )
    layers += base.mark_point(filled=True, size=90, color=BLUE, opacity=1, yOffset=12).encode(
        x=alt.X("median:Q", axis=None, scale=scale)
    )
    layers += base.mark_text(align="left", dy=-10).encode(x=alt.value(0), text="label:N")
    layers += base.mark_text(align="right", dy=-10, fontSize=12).encode(x=alt.value(WIDTH - 8), text="words:N")
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
        "day:T", title=None, scale=reach, axis=alt.Axis(format="%b", values=list(drawn["day"]), labelOverlap=True)
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
