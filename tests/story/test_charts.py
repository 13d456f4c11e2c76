"""Every kind of chart, drawn: its numbers stand in the drawing, hostile text is text, nothing known is no chart."""

import json
import math
import re
import xml.etree.ElementTree as ET
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts.quantity import Quantity
from analysis.publish.page import TEMPLATE
from analysis.story import charts
from analysis.story.show import to_svg

UNKNOWN = Quantity.unknown("sales")
SVG = "{http://www.w3.org/2000/svg}"


def usd(value: float, unit: str = "USD", hedge: str = "") -> Quantity:
    return Quantity(value, unit, "A", hedge=hedge)


def share(value: float) -> Quantity:
    return Quantity(value, "%", "A ÷ B")


# A table for each kind of chart, and the words that its drawing must have.
TABLES = {
    "bars": (
        pd.DataFrame(
            {
                "label": ["needed", "so far", "loss"],
                "lead": [True, False, False],
                "value": [usd(2.43e9, "USD/month"), usd(0.49e9, "USD/month", "about"), usd(-1e9, "USD/month")],
            }
        ),
        ["needed", "so far", "loss", "US$2.43 bn", "about US$490 mn", "−US$1 bn"],
    ),
    "dots": (
        pd.DataFrame({"label": ["36Kr", "press"], "value": [share(0.45), share(0.7)], "lead": [True, False]}),
        ["36Kr", "press", "45%", "70%"],
    ),
    "pairs": (
        pd.DataFrame(
            {
                "label": ["Q1", "Q1", "Q2"],
                "series": ["Temu", "Shopee", "Temu"],
                "value": [usd(8e9, hedge="about"), usd(22e9), usd(12e9)],
            }
        ),
        ["Q1", "Q2", "Temu: about US$8 bn", "Shopee: US$22 bn", "Temu: US$12 bn"],
    ),
    "bullets": (
        pd.DataFrame(
            {
                "label": ["World", "US"],
                "reached": [share(0.3), share(1.2)],
                "pace": [share(0.5), share(1.0)],
                "target": ["US$50 bn", "US$17.5 bn"],
                "pace_note": "even pace",
            }
        ),
        ["World: 30% of US$50 bn", "US: 120% of US$17.5 bn", "even pace"],
    ),
    "ranges": (
        pd.DataFrame(
            {
                "label": ["US share", "Sales"],
                "leads": [share(0.45), usd(12e9)],
                "low": [share(0.4), usd(1e9)],
                "high": [share(0.7), usd(90e9)],
            }
        ),
        ["US share", "Sales", "40% to 70%", "US$1 bn to US$90 bn"],
    ),
    "bands": (
        pd.DataFrame(
            {
                "label": ["US", "World"],
                "median": [usd(9e9), usd(33e9)],
                "low": [usd(7e9), usd(25e9)],
                "high": [usd(12e9), usd(42e9)],
            }
        ),
        ["US", "World", "US$9 bn (US$7 bn to US$12 bn)", "US$33 bn (US$25 bn to US$42 bn)"],
    ),
    "bridge": (
        pd.DataFrame(
            {"label": ["So far", "US", "Year"], "value": [usd(15e9), usd(6e9), usd(21e9)], "total": [True, False, True]}
        ),
        ["So far", "US", "Year", "US$15 bn", "US$6 bn", "US$21 bn"],
    ),
    "fan": (
        pd.DataFrame(
            {
                "day": [date(2024, 10, 31), date(2024, 11, 30), date(2024, 12, 31)],
                "median": [usd(25e9), usd(29e9), usd(33e9)],
                "low": [usd(22e9), usd(24e9), usd(26e9)],
                "high": [usd(28e9), usd(34e9), usd(41e9)],
            }
        ),
        ["US$33 bn", "US$26 bn", "US$41 bn", "target US$50 bn", "published: about US$15 bn"],
    ),
    "lines": (
        pd.DataFrame(
            {
                "x": [0, 1, 2, 0, 1, 2],
                "series": ["UK", "UK", "UK", "US", "US", "US"],
                "value": [usd(1e9), usd(2e9), usd(4e9), usd(1e9), usd(3e9), usd(4.1e9)],
                "low": [usd(0.5e9), usd(1e9), usd(2e9), UNKNOWN, UNKNOWN, UNKNOWN],
                "high": [usd(2e9), usd(3e9), usd(5e9), UNKNOWN, UNKNOWN, UNKNOWN],
                "projected": [False, False, True] * 2,
            }
        ),
        ["UK", "US", "US$4 bn", "US$4.1 bn", "0", "1", "2"],
    ),
    "slopes": (
        pd.DataFrame(
            {"label": ["36Kr", "press"], "before": [share(0.4), share(0.41)], "after": [share(0.45), share(0.7)]}
        ),
        ["36Kr", "press", "40%", "41%", "45%", "70%", "first quarter", "second quarter"],
    ),
    "tornado": (
        pd.DataFrame(
            {
                "label": ["Europe", "Growth"],
                "low": [usd(32e9), usd(30e9)],
                "high": [usd(34e9), usd(41e9)],
                "low_word": ["slow", "1% a month"],
                "high_word": ["fast", "6% a month"],
            }
        ),
        ["Growth", "Europe", "US$30 bn", "US$41 bn", "slow", "6% a month", "base: US$33 bn"],
    ),
    "stacked": (
        pd.DataFrame(
            {
                "label": ["before", "before", "after", "after"],
                "part": ["Goods", "Left", "Goods", "Left"],
                "value": [usd(16), usd(4), usd(22), usd(-2)],
            }
        ),
        ["before", "after", "Goods US$16", "Left US$4", "Goods US$22", "Left −US$2"],
    ),
    "timeline": (
        pd.DataFrame({"day": [date(2024, 3, 1), date(2024, 9, 2)], "label": ["Launch in Spain", "Fee goes up"]}),
        ["Launch in Spain", "Fee goes up"],
    ),
    "grid": (
        pd.DataFrame(
            {
                "row": ["US", "US", "World"],
                "column": ["Q1", "Q2", "Q1"],
                "status": ["published", "none", "around it"],
                "rank": [0, 2, 1],
                "count": ["2", "", "1"],
            }
        ),
        ["US", "World", "Q1", "Q2", "2", "1"],
    ),
}
QUANTITIES = {
    "bars": ["value"],
    "dots": ["value"],
    "pairs": ["value"],
    "bullets": ["reached", "pace"],
    "ranges": ["leads", "low", "high"],
    "bands": ["median", "low", "high"],
    "bridge": ["value"],
    "fan": ["median", "low", "high"],
    "lines": ["value"],
    "slopes": ["before", "after"],
    "tornado": ["low", "high"],
    "stacked": ["value"],
}
WORDS = {
    "bars": "label",
    "dots": "label",
    "pairs": "series",
    "bullets": "label",
    "ranges": "label",
    "bands": "label",
    "bridge": "label",
    "lines": "series",
    "slopes": "label",
    "tornado": "label",
    "stacked": "part",
    "timeline": "label",
    "grid": "row",
}


def chart(kind: str, data: pd.DataFrame):
    given = {
        "fan": (usd(50e9), (date(2024, 11, 30), usd(15e9, hedge="about"))),
        "slopes": ("first quarter", "second quarter"),
        "tornado": (usd(33e9),),
    }
    return getattr(charts, kind)(data, *given.get(kind, ()))


def drawn(kind: str, data: pd.DataFrame) -> ET.Element:
    return ET.fromstring(to_svg(chart(kind, data)))  # parsed as XML, so the drawing is well-formed


def texts(svg: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in svg.iter(f"{SVG}text")]


def test_every_kind_of_chart_is_tested():
    made_here = {
        name
        for name, thing in vars(charts).items()
        if callable(thing) and not name.startswith("_") and getattr(thing, "__module__", "") == charts.__name__
    }
    assert made_here == set(TABLES)


@pytest.mark.parametrize("kind", TABLES)
def test_every_number_and_name_stands_in_the_drawing(kind):
    data, words = TABLES[kind]
    found = texts(drawn(kind, data))
    for word in words:
        assert word in found


@pytest.mark.parametrize("kind", TABLES)
def test_a_chart_is_the_same_bytes_each_time(kind):
    data, _ = TABLES[kind]
    assert to_svg(chart(kind, data)) == to_svg(chart(kind, data.copy()))


@pytest.mark.parametrize("kind", TABLES)
def test_drawing_leaves_the_table_alone(kind):
    data, _ = TABLES[kind]
    before = data.copy()
    to_svg(chart(kind, data))
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize("kind", TABLES)
def test_no_rows_are_no_chart(kind):
    assert chart(kind, TABLES[kind][0].iloc[:0]) is None


@pytest.mark.parametrize(
    ("kind", "column"), [(kind, column) for kind, columns in QUANTITIES.items() for column in columns]
)
def test_nothing_known_in_any_one_column_is_no_chart(kind, column):
    data, _ = TABLES[kind]
    assert chart(kind, data.assign(**{column: [UNKNOWN] * len(data)})) is None


@pytest.mark.parametrize("kind", QUANTITIES)
def test_a_row_with_an_unknown_number_is_left_out_and_the_others_are_drawn(kind):
    data, _ = TABLES[kind]
    column = QUANTITIES[kind][0]
    # Of a curve it is the last point that is named.
    curve = kind == "lines"
    gap = len(data) - 1 if curve else 0
    partly = data.assign(**{column: [UNKNOWN if row == gap else data[column][row] for row in range(len(data))]})
    found = texts(drawn(kind, partly))
    assert not any("not published" in text or "NaN" in text for text in found)
    assert data[column][gap].amount.text not in found
    assert curve or len(found) < len(texts(drawn(kind, data)))


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"/><img src=x>', "a & b &lt; c", "]]>", "US$1 | $2", "datum.value"]
)
@pytest.mark.parametrize("kind", WORDS)
def test_hostile_words_are_drawn_as_words(kind, hostile):
    data, _ = TABLES[kind]
    svg = drawn(kind, data.assign(**{WORDS[kind]: [hostile, *data[WORDS[kind]].iloc[1:]]}))
    assert any(hostile in text for text in texts(svg))
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "tspan",
        "line",
        "rect",
        "defs",
        "clipPath",
        "style",
        "title",
        "desc",
    }


@pytest.mark.parametrize("kind", TABLES)
def test_a_chart_fits_its_width_and_takes_the_colour_of_the_page(kind):
    svg = drawn(kind, TABLES[kind][0])
    assert 0 < float(svg.attrib["width"]) <= charts.WIDTH + 10
    assert any(element.attrib.get("fill") == "currentColor" for element in svg.iter(f"{SVG}text"))


# What is drawn is to scale ------------------------------------------------------------------------


def marks(svg: ET.Element, kind: str) -> list[ET.Element]:
    """The marks of a kind, as Vega calls it: `rect`, `symbol`, `area`, `line`, `rule`."""
    groups = (g for g in svg.iter(f"{SVG}g") if f"mark-{kind} " in g.attrib.get("class", ""))
    return [mark for group in groups for mark in group]


def bar_paths(svg: ET.Element) -> list[tuple[float, float]]:
    """Where each bar begins and how far it goes, as drawn: `M10,0h30v15…`."""
    bars = (e.attrib["d"] for e in marks(svg, "rect"))
    return [tuple(map(float, re.match(r"M(-?[\d.]+),-?[\d.]+h(-?[\d.]+)", path).groups())) for path in bars]


def widths(svg: ET.Element) -> list[float]:
    return [abs(width) for _, width in bar_paths(svg)]


def lefts(svg: ET.Element) -> list[float]:
    return [min(start, start + width) for start, width in bar_paths(svg)]


def test_bars_are_as_long_as_their_values():
    data = pd.DataFrame({"label": ["a", "b", "c"], "value": [usd(4e9), usd(1e9), usd(2e9)]})
    one, two, three = widths(drawn("bars", data))
    assert one == pytest.approx(4 * two, abs=0.05)
    assert three == pytest.approx(2 * two, abs=0.05)


def test_bullets_are_as_long_as_the_share_reached_of_the_whole():
    data = TABLES["bullets"][0].iloc[:1].assign(reached=[share(0.168)])
    whole, reached, _ = widths(drawn("bullets", data))  # and the tick of the pace
    assert reached == pytest.approx(0.168 * whole, abs=0.02)


def test_steps_of_a_bridge_begin_where_the_one_before_ended():
    steps = pd.DataFrame({"label": list("abcd"), "value": [usd(15e9), usd(-5e9), usd(6e9), usd(16e9)]})
    svg = drawn("bridge", steps.assign(total=[True, False, False, True]))
    one, down, up, whole = ((left, left + width) for left, width in zip(lefts(svg), widths(svg), strict=True))
    scale = one[1] / 15
    assert one == pytest.approx((0, 15 * scale), abs=0.05)
    assert down == pytest.approx((10 * scale, 15 * scale), abs=0.05)
    assert up == pytest.approx((10 * scale, 16 * scale), abs=0.05)
    assert whole == pytest.approx((0, 16 * scale), abs=0.05)


def test_a_fan_without_target_and_published_figure_is_drawn():
    svg = ET.fromstring(to_svg(charts.fan(TABLES["fan"][0], UNKNOWN, None)))
    assert "US$33 bn" in texts(svg)
    assert not any(text.startswith(("target", "published")) for text in texts(svg))


def test_a_bar_of_nothing_is_drawn_too():
    assert "US$0" in texts(drawn("bars", pd.DataFrame({"label": ["a"], "value": [usd(0.0)]})))


def test_one_row_leads_unless_told_otherwise():
    def colours(data):
        return [mark.attrib["fill"] for mark in marks(drawn("bars", data), "rect")]

    data = pd.DataFrame({"label": ["a", "b"], "value": [usd(1), usd(2)]})
    assert colours(data) == [charts.BLUE, charts.BLUE]
    assert colours(data.assign(lead=[False, True])) == [charts.GREY, charts.BLUE]
    assert colours(data.assign(lead=[False, False])) == [charts.GREY, charts.GREY]


@pytest.mark.parametrize("count", [1, 3, 4, 5])
def test_any_number_of_series_is_drawn_to_one_scale(count):
    data = pd.DataFrame(
        {"label": "Q1", "series": [f"Platform {n}" for n in range(count)], "value": [usd(n + 1) for n in range(count)]}
    )
    svg = drawn("pairs", data)
    assert {f"Platform {n}: US${n + 1}" for n in range(count)} <= set(texts(svg))
    assert [width / widths(svg)[0] for width in widths(svg)] == pytest.approx(list(range(1, count + 1)), rel=1e-3)


def test_each_label_of_pairs_stands_once_above_its_bars():
    data, _ = TABLES["pairs"]
    found = texts(drawn("pairs", data))
    assert [found.count(label) for label in ("Q1", "Q2")] == [1, 1]


def test_an_empty_cell_beside_the_numbers_is_left_out_of_the_specification():
    data = TABLES["bars"][0].assign(remark=[math.nan, "of 31 May", math.nan])
    spec = json.loads(charts.bars(data).to_json(), parse_constant=pytest.fail)
    (rows,) = spec["datasets"].values()
    assert ["remark" in row for row in rows] == [False, True, False]


def test_rows_keep_their_order_though_labels_repeat():
    data = pd.DataFrame({"label": ["b", "a", "b"], "value": [usd(1), usd(2), usd(3)]})
    assert [text for text in texts(drawn("bars", data)) if len(text) == 1] == ["b", "a", "b"]


# Charts laid out in pixels ------------------------------------------------------------------------


def places(svg: ET.Element) -> dict[str, tuple[float, float]]:
    """Where each text stands, as drawn."""
    found = {}
    for text in svg.iter(f"{SVG}text"):
        x, y = re.match(r"translate\((-?[\d.]+),(-?[\d.]+)\)", text.attrib["transform"]).groups()
        found["".join(text.itertext())] = float(x), float(y)
    return found


def runs(svg: ET.Element, kind: str = "line") -> list[list[tuple[float, float]]]:
    """The points of each path, as drawn."""
    drawn = (re.findall(r"(-?[\d.]+),(-?[\d.]+)", mark.attrib["d"]) for mark in marks(svg, kind))
    return [[(float(x), float(y)) for x, y in path] for path in drawn]


def curve(values: list[float], series: str = "a", **columns) -> pd.DataFrame:
    rows = {"x": range(len(values)), "series": series, "panel": series, "value": [usd(value) for value in values]}
    return pd.DataFrame(rows | columns)


def test_a_curve_is_to_scale_from_zero():
    svg = drawn("lines", curve([0, 1, 4]))
    ((x0, y0), (x1, y1), (x2, y2)) = runs(svg)[0]
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.01)
    assert y0 - y2 == pytest.approx(4 * (y0 - y1), abs=0.01)


def test_dates_lie_on_their_days():
    # January has 31 days, February 2024 29.
    days = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    ((x0, _), (x1, _), (x2, _)) = runs(drawn("lines", curve([1, 1, 1]).assign(x=days)))[0]
    assert (x1 - x0) / (x2 - x1) == pytest.approx(31 / 29, abs=0.001)


def test_what_is_projected_is_dashed_and_begins_where_the_rest_ends():
    svg = drawn("lines", curve([1, 2, 3, 5], projected=[False, False, True, True]))
    solid, dashed = marks(svg, "line")
    assert "," in dashed.attrib["stroke-dasharray"] and "0" in solid.attrib["stroke-dasharray"].split(",")
    first, second = runs(svg)
    assert len(first) == 2 and len(second) == 3
    assert first[-1] == second[0]


def test_a_curve_that_is_projected_from_its_first_point_is_dashed_alone():
    data = pd.concat([curve([1, 2]), curve([2, 3], "b", projected=[True, True])], ignore_index=True)
    assert len(runs(drawn("lines", data.fillna({"projected": False})))) == 2


def test_a_band_is_drawn_where_both_of_its_ends_are_known():
    svg = drawn("lines", curve([2, 3], low=[usd(1), usd(2)], high=[usd(3), usd(4)]))
    assert len(marks(svg, "area")) == 1
    assert len(marks(drawn("lines", curve([2, 3], low=[usd(1), UNKNOWN], high=[UNKNOWN, usd(4)])), "area")) == 0


@pytest.mark.parametrize("values", [[5.0, 5.0, 5.0, 5.0], [0.0, 0.01, 9.99, 10.0], [1.0, 2.0, 3.0]])
def test_names_at_the_ends_of_curves_stand_apart_in_the_order_of_their_values(values):
    data = pd.concat([curve([0, value], f"s{n}") for n, value in enumerate(values)], ignore_index=True)
    at = places(drawn("lines", data))
    ys = [at[f"s{n}"][1] for n in range(len(values))]
    assert all(abs(a - b) >= 28 for n, a in enumerate(ys) for b in ys[:n])
    strictly = [n for n in range(1, len(values)) if values[n] > values[n - 1]]
    assert all(ys[n] < ys[n - 1] for n in strictly)


def test_words_in_a_column_of_numbers_are_not_drawn():
    svg = drawn("lines", curve([2, 3], low=["", usd(2)], high=[usd(3), "none"]))
    assert len(marks(svg, "area")) == 0 and len(marks(svg, "line")) == 1


def test_an_event_is_marked_where_it_falls_and_left_out_beside_the_axis():
    days = [date(2024, 1, 1), date(2024, 12, 31)]
    svg = ET.fromstring(
        to_svg(
            charts.lines(
                curve([1, 2]).assign(x=days), events=[(date(2024, 7, 1), "ban law"), (date(2025, 7, 1), "later")]
            )
        )
    )
    assert "ban law" in texts(svg) and "later" not in texts(svg)
    (start, _), (end, _) = runs(svg)[0]
    # 1 July is day 182 after 1 January of a leap year, of 365 to its last day.
    assert places(svg)["ban law"][0] == pytest.approx(start + (end - start) * 182 / 365 + 4, abs=0.5)


def test_slopes_have_one_scale_for_both_sides():
    data = pd.DataFrame({"label": list("ab"), "before": [usd(1), usd(3)], "after": [usd(3), usd(2)]})
    svg = drawn("slopes", data)
    lines = [mark.attrib for mark in marks(svg, "rule")]
    starts = [float(re.match(r"translate\([\d.]+,([\d.]+)\)", line["transform"])[1]) for line in lines]
    ends = [start + float(line["y2"]) for start, line in zip(starts, lines, strict=True)]
    assert starts[1] == pytest.approx(ends[0])  # both are 3
    assert ends[1] == pytest.approx((starts[0] + starts[1]) / 2)  # 2 lies between 1 and 3


def test_slopes_that_meet_keep_their_names_apart():
    data = pd.DataFrame({"label": list("abc"), "before": [usd(2)] * 3, "after": [usd(1), usd(2), usd(3)]})
    svg = drawn("slopes", data)
    left = [
        float(re.match(r"translate\([\d.]+,([\d.]+)\)", text.attrib["transform"])[1])
        for text in svg.iter(f"{SVG}text")
        if text.attrib["text-anchor"] == "end" and "".join(text.itertext()) in list("abc")
    ]
    assert all(abs(a - b) >= 28 for n, a in enumerate(left) for b in left[:n])


def test_levers_stand_in_the_order_of_their_spread_and_to_scale_around_the_base():
    svg = drawn("tornado", TABLES["tornado"][0])
    at = places(svg)
    assert at["Growth"][1] < at["Europe"][1]
    # Growth goes from 30 to 41 around 33: 3 down and 8 up; Europe from 32 to 34.
    down, up, less, more = widths(svg)
    assert down / up == pytest.approx(3 / 8)
    assert less == pytest.approx(more) == pytest.approx(down / 3)


def test_a_lever_whose_high_end_lowers_the_outcome_says_so_on_the_left():
    data = TABLES["tornado"][0].iloc[:1].assign(low=[usd(34e9)], high=[usd(32e9)])
    at = places(drawn("tornado", data))
    assert at["fast"][0] < at["slow"][0]
    assert at["US$32 bn"][0] < at["US$34 bn"][0]


def test_a_lever_with_both_ends_on_one_side_of_the_base_is_labelled_outside_its_bar():
    data = TABLES["tornado"][0].iloc[:1].assign(low=[usd(20e9)], high=[usd(30e9)])  # the base is 33
    svg = drawn("tornado", data)
    base = max(start + width for start, width in bar_paths(svg))
    at = places(svg)
    assert at["US$20 bn"][0] < at["US$30 bn"][0]
    assert at["US$30 bn"][0] > base


def test_a_long_name_of_a_lever_takes_more_lines():
    data = TABLES["tornado"][0].assign(label=["sales of the new sites, " * 6, "Growth"])
    assert any(text.startswith("sales of the new sites,") and len(text) < 90 for text in texts(drawn("tornado", data)))
    assert float(drawn("tornado", data).attrib["width"]) <= charts.WIDTH + 1


def test_a_label_and_its_numbers_that_do_not_fit_on_a_line_have_two():
    data = TABLES["bands"][0].assign(label=["the rival comes to the whole of Southeast Asia", "World"])
    svg = drawn("bands", data)
    at = places(svg)
    numbers = at["US$9 bn (US$7 bn to US$12 bn)"]
    assert numbers[1] >= at["the rival comes to the whole of Southeast Asia"][1] + 14


def test_without_a_base_there_is_no_tornado():
    assert charts.tornado(TABLES["tornado"][0], UNKNOWN) is None


def test_parts_follow_each_other_and_a_loss_goes_left_of_zero():
    svg = drawn("stacked", TABLES["stacked"][0])
    goods, left, more, loss = ((start, start + width) for start, width in zip(lefts(svg), widths(svg), strict=True))
    assert left[0] == pytest.approx(goods[1])
    assert loss[1] == pytest.approx(more[0]) == pytest.approx(goods[0])
    assert (loss[1] - loss[0]) / (more[1] - more[0]) == pytest.approx(2 / 22, rel=1e-3)


@given(st.lists(st.floats(-50, 250), min_size=1, max_size=7))
def test_labels_are_spread_within_their_range(wanted):
    placed = charts._spread(wanted, 28, 0, 200)
    assert all(0 <= place <= 200.001 for place in placed)
    assert all(abs(a - b) >= 27.999 for n, a in enumerate(placed) for b in placed[:n])
    in_order = sorted(range(len(wanted)), key=lambda n: (wanted[n], n))
    assert [placed[n] for n in in_order] == sorted(placed)


def test_labels_that_do_not_meet_stay_where_they_belong():
    assert charts._spread([10, 100, 60], 28, 0, 200) == pytest.approx([10, 100, 60])


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, by the formula of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_marks_stand_out_from_the_page_and_its_words_can_be_read_on_it():
    css = (TEMPLATE / "report.css").read_text(encoding="utf-8")
    pages = [dict(re.findall(r"--(\w+):(#\w{6})", line)) for line in css.splitlines() if "--page:#" in line]
    for page in pages[:2]:  # light and dark; paper is white, and its marks are the same
        for mark in (charts.BLUE, charts.ORANGE, charts.GREEN, charts.GREY, charts.PURPLE, charts.GOLD):
            assert contrast(mark, page["page"]) >= 3
        for words in ("ink", "soft", "link", "accent"):
            assert contrast(page[words], page["page"]) >= 4.5
            assert contrast(page[words], page["tint"]) >= 4.5


def test_coordinates_are_no_finer_than_a_screen_and_words_stay_as_they_are():
    data = pd.DataFrame({"label": ["1.23456 of them"], "value": [usd(1 / 3)]})
    svg = to_svg(charts.bars(data))
    assert not re.search(r"\.\d{3}", re.sub(r">[^<]+<", "><", svg))
    assert "1.23456 of them" in svg
