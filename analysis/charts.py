"""One theme and one function a kind of chart: a table of quantities in, an Altair chart out.

Every mark carries its number beside it, so no chart needs an axis, a legend or a grid to be read. Text takes the
page's own colour, so that a chart is legible on a light page, a dark one and on paper.
"""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd

# Okabe and Ito's palette, told apart by colour-blind readers; each has a contrast of 3:1 on white and on near-black.
BLUE, ORANGE, GREEN, GREY = "#2f7fbf", "#d0601a", "#1f9470", "#858585"
TEXT = "currentColor"
# Narrow enough for a phone without shrinking its letters much; a wide page puts two side by side.
WIDTH = 440
_ROW = 44
# Measured by the fonts that the SVG converter carries, so a layout is the same on every machine.
FONT = "Liberation Sans, Arial, sans-serif"


def _finish(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    return (
        chart.configure(font=FONT, background="transparent", padding=2, autosize={"type": "fit-x", "contains": "padding"})
        .configure_view(stroke=None)
        .configure_axis(
            domain=False, ticks=False, grid=False, labelColor=TEXT, titleColor=TEXT, labelFontSize=12, labelLimit=170
        )
        .configure_text(color=TEXT, fontSize=12)
    )


def _drawn(data: pd.DataFrame, *columns: str) -> pd.DataFrame | None:
    """Rows whose quantities are known, with a number and a text column for each; None if none is."""
    known = data[[all(row[column].known for column in columns) for _, row in data.iterrows()]]
    if known.empty:
        return None
    drawn = known.drop(columns=[name for name in known if name in columns])
    for column in columns:
        drawn[column] = [quantity.value for quantity in known[column]]
        drawn[f"{column}_text"] = [quantity.text for quantity in known[column]]
    return drawn


def bars(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """One bar a row, as long as its value, under its `label`; rows with `lead` true stand out."""
    return _rows(data, value, lambda base: base.mark_bar(height=15, yOffset=9), dx=5)


def dots(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """One dot a row under its `label`: what each source says of the same thing; the leading figure (`lead`) stands out."""
    return _rows(data, value, lambda base: base.mark_point(filled=True, size=120, opacity=1, yOffset=9), dx=10)


def _rows(data: pd.DataFrame, value: str, mark: Callable, dx: int) -> alt.TopLevelMixin | None:
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    drawn["lead"] = drawn["lead"] if "lead" in drawn else True
    drawn["row"] = range(len(drawn))
    scale = alt.Scale(domain=_room(drawn[value], 0.5))
    base = alt.Chart(drawn, width=WIDTH, height=_ROW * len(drawn)).encode(y=alt.Y("row:O", axis=None))
    across = base.encode(x=alt.X(f"{value}:Q", axis=None, scale=scale))
    colour = alt.Color("lead:N", scale=alt.Scale(domain=[True, False], range=[BLUE, GREY]), legend=None)
    names = base.mark_text(align="left", dy=-10).encode(x=alt.value(0), text="label:N")
    numbers = across.transform_calculate(end=f"max(datum.{value}, 0)").mark_text(
        align="left", dx=dx, dy=9, fontWeight="bold"
    ).encode(x=alt.X("end:Q", axis=None, scale=scale), text=f"{value}_text:N")  # fmt: skip
    return _finish(mark(across).encode(color=colour) + names + numbers)


def _room(values: pd.Series, share: float) -> list[float]:
    """A scale from zero that leaves a share of its width free for the numbers beside the marks."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return [float(low), float(high + share * ((high - low) or 1.0))]


def columns(data: pd.DataFrame, value: str = "value") -> alt.TopLevelMixin | None:
    """Upright bars by `label` (a period), side by side for each `series`, which the first bar of each names."""
    drawn = _drawn(data, value)
    if drawn is None:
        return None
    series = list(dict.fromkeys(drawn["series"]))
    labels = list(dict.fromkeys(drawn["label"]))
    base = alt.Chart(drawn, width=WIDTH, height=210).encode(
        x=alt.X("label:N", sort=labels, title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(paddingInner=0.25)),
        xOffset=alt.XOffset("series:N", sort=series, scale=alt.Scale(paddingInner=0.08)),
        y=alt.Y(f"{value}:Q", axis=None, scale=alt.Scale(domain=_room(drawn[value], 0.22))),
    )
    colour = alt.Color("series:N", scale=alt.Scale(domain=series, range=[BLUE, ORANGE, GREEN, GREY]), legend=None)
    numbers = base.mark_text(baseline="bottom", dy=-3, fontSize=11).encode(text=f"{value}_text:N")
    layers = base.mark_bar().encode(color=colour) + numbers
    if len(series) > 1:
        first = drawn.groupby("series", sort=False).head(1)
        names = base.mark_text(baseline="bottom", dy=-18, fontWeight="bold", fontSize=11)
        names = names.encode(text="series:N", color=colour).properties(data=first)
        layers = layers + names
    return _finish(layers)


def bullets(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Share of a target reached (`reached`), against the share that an even pace would have reached (`pace`)."""
    drawn = _drawn(data, "reached", "pace")
    if drawn is None:
        return None
    drawn["note"] = [f"{reached} of {target}" for reached, target in zip(drawn["reached_text"], drawn["target"], strict=True)]
    top = max(1.0, drawn["reached"].max())
    base = alt.Chart(drawn, width=WIDTH, height=58 * len(drawn)).encode(y=alt.Y("label:N", sort=None, title=None))
    scale = alt.Scale(domain=[0, top])
    whole = base.transform_calculate(whole="1").mark_bar(height=20, color=GREY, opacity=0.25)
    done = base.mark_bar(height=20, color=BLUE).encode(x=alt.X("reached:Q", axis=None, scale=scale))
    pace = base.mark_tick(color=ORANGE, thickness=3, height=30).encode(x=alt.X("pace:Q", scale=scale))
    words = base.mark_text(align="left", dy=-20, fontSize=11).encode(x=alt.value(0), text="note:N")
    paces = base.mark_text(align="center", dy=24, fontSize=11, color=TEXT).encode(
        x=alt.X("pace:Q", scale=scale), text=alt.Text("pace_label:N")
    )
    return _finish(whole.encode(x=alt.X("whole:Q", axis=None, scale=scale)) + done + pace + words + paces)


def changes(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """From `before` to `after`, one line a row of `label`; rows may have unlike units, so each has its own scale."""
    drawn = _drawn(data, "before", "after")
    if drawn is None:
        return None
    largest = drawn[["before", "after"]].abs().max(axis=1).replace(0, 1)
    drawn["from"], drawn["to"] = drawn["before"] / largest, drawn["after"] / largest
    drawn["rising"] = drawn["to"] >= drawn["from"]
    base = alt.Chart(drawn, width=WIDTH, height=48 * len(drawn)).encode(y=alt.Y("label:N", sort=None, title=None))
    low = min(0.0, drawn[["from", "to"]].min().min())
    scale = alt.Scale(domain=[low - 0.35, 1.35])
    line = base.mark_rule(strokeWidth=2, color=GREY).encode(x=alt.X("from:Q", axis=None, scale=scale), x2="to:Q")
    layers = line
    for end, column, colour in (("from", "before", GREY), ("to", "after", BLUE)):
        layers += base.mark_point(filled=True, size=90, color=colour, opacity=1).encode(x=alt.X(f"{end}:Q", scale=scale))
        for rising in (True, False):
            outward = "left" if (end == "to") == rising else "right"
            layers += (
                base.transform_filter(alt.datum.rising == rising)
                .mark_text(align=outward, dx=9 if outward == "left" else -9, fontSize=11)
                .encode(x=alt.X(f"{end}:Q", scale=scale), text=f"{column}_text:N")
            )
    return _finish(layers)


def timeline(events: pd.DataFrame) -> alt.TopLevelMixin | None:
    """Dated events (`day`, `label`) in a row each, newest last; an event after `cut` is drawn hollow."""
    if events.empty:
        return None
    drawn = events.assign(order=range(len(events)), day=[day.isoformat() for day in events["day"]])
    middle = drawn["day"].iloc[0], drawn["day"].iloc[-1]
    half = pd.Timestamp(middle[0]) + (pd.Timestamp(middle[1]) - pd.Timestamp(middle[0])) / 2
    drawn["late"] = [pd.Timestamp(day) > half for day in drawn["day"]]
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=4, labelFontSize=11, orient="top"))
    base = alt.Chart(drawn, width=WIDTH, height=26 * len(drawn)).encode(x=x, y=alt.Y("order:O", axis=None))
    points = base.mark_point(filled=True, size=70, color=BLUE, opacity=1)
    early = base.transform_filter(~alt.datum.late).mark_text(align="left", dx=9, fontSize=11, limit=300)
    late = base.transform_filter(alt.datum.late).mark_text(align="right", dx=-9, fontSize=11, limit=300)
    return _finish(points + early.encode(text="label:N") + late.encode(text="label:N"))


def grid(data: pd.DataFrame) -> alt.TopLevelMixin | None:
    """A cell for each `row` and `column`, shaded by `status` and marked with `count`."""
    if data.empty:
        return None
    statuses = list(dict.fromkeys(data.sort_values("rank")["status"]))
    rows, across = list(dict.fromkeys(data["row"])), list(dict.fromkeys(data["column"]))
    base = alt.Chart(data, width=WIDTH, height=26 * len(rows)).encode(
        x=alt.X("column:N", sort=across, title=None, axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=10)),
        y=alt.Y("row:N", sort=rows, title=None),
    )
    opacity = alt.Opacity("status:N", scale=alt.Scale(domain=statuses, range=[0.95, 0.45, 0.06][: len(statuses)]), legend=None)
    return _finish(base.mark_rect(color=BLUE, stroke=None, cornerRadius=2).encode(opacity=opacity)
                   + base.mark_text(fontSize=11).encode(text="count:N"))  # fmt: skip
