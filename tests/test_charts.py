"""Every kind of chart, drawn: its numbers stand in the drawing, hostile text is text, nothing known is no chart."""

import re
import xml.etree.ElementTree as ET
from datetime import date

import pandas as pd
import pytest

from analysis import charts
from analysis.page import to_svg
from analysis.quantity import Quantity

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
    "changes": (
        pd.DataFrame(
            {
                "label": ["Shipping", "Orders a day"],
                "before": [usd(2, "USD/order"), Quantity(11.1, "order/day")],
                "after": [usd(-1, "USD/order"), Quantity(16.7, "order/day")],
            }
        ),
        ["Shipping", "Orders a day", "US$2", "−US$1", "11.1 orders", "16.7 orders"],
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
    "changes": ["before", "after"],
    "ranges": ["leads", "low", "high"],
    "bands": ["median", "low", "high"],
    "bridge": ["value"],
    "fan": ["median", "low", "high"],
}
WORDS = {
    "bars": "label",
    "dots": "label",
    "pairs": "series",
    "bullets": "label",
    "changes": "label",
    "ranges": "label",
    "bands": "label",
    "bridge": "label",
    "timeline": "label",
    "grid": "row",
}


def chart(kind: str, data: pd.DataFrame):
    given = (usd(50e9), (date(2024, 11, 30), usd(15e9, hedge="about"))) if kind == "fan" else ()
    return getattr(charts, kind)(data, *given)


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
    partly = data.assign(**{column: [UNKNOWN, *data[column].iloc[1:]]})
    found = " ".join(texts(drawn(kind, partly)))
    assert "not published" not in found and "NaN" not in found
    assert len(texts(drawn(kind, partly))) < len(texts(drawn(kind, data)))


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


def bar_paths(svg: ET.Element) -> list[tuple[float, float]]:
    """Where each bar begins and how far it goes, as drawn: `M10,0h30v15…`."""
    bars = (e.attrib["d"] for e in svg.iter(f"{SVG}path") if e.attrib.get("aria-roledescription") == "bar")
    return [tuple(map(float, re.match(r"M(-?[\d.]+),-?[\d.]+h(-?[\d.]+)", path).groups())) for path in bars]


def widths(svg: ET.Element) -> list[float]:
    return [abs(width) for _, width in bar_paths(svg)]


def lefts(svg: ET.Element) -> list[float]:
    return [min(start, start + width) for start, width in bar_paths(svg)]


def test_bars_are_as_long_as_their_values():
    data = pd.DataFrame({"label": ["a", "b", "c"], "value": [usd(4e9), usd(1e9), usd(2e9)]})
    one, two, three = widths(drawn("bars", data))
    assert one == pytest.approx(4 * two)
    assert three == pytest.approx(2 * two)


def test_bullets_are_as_long_as_the_share_reached_of_the_whole():
    data = TABLES["bullets"][0].iloc[:1].assign(reached=[share(0.168)])
    whole, reached = widths(drawn("bullets", data))
    assert reached == pytest.approx(0.168 * whole)


def test_steps_of_a_bridge_begin_where_the_one_before_ended():
    steps = pd.DataFrame({"label": list("abcd"), "value": [usd(15e9), usd(-5e9), usd(6e9), usd(16e9)]})
    svg = drawn("bridge", steps.assign(total=[True, False, False, True]))
    one, down, up, whole = ((left, left + width) for left, width in zip(lefts(svg), widths(svg), strict=True))
    scale = one[1] / 15
    assert one == pytest.approx((0, 15 * scale))
    assert down == pytest.approx((10 * scale, 15 * scale))
    assert up == pytest.approx((10 * scale, 16 * scale))
    assert whole == pytest.approx((0, 16 * scale))


def test_a_fan_without_target_and_published_figure_is_drawn():
    svg = ET.fromstring(to_svg(charts.fan(TABLES["fan"][0], UNKNOWN, None)))
    assert "US$33 bn" in texts(svg)
    assert not any(text.startswith(("target", "published")) for text in texts(svg))


def test_a_bar_of_nothing_is_drawn_too():
    assert "US$0" in texts(drawn("bars", pd.DataFrame({"label": ["a"], "value": [usd(0.0)]})))


def test_one_row_leads_unless_told_otherwise():
    def colours(data):
        return [
            e.attrib["fill"]
            for e in drawn("bars", data).iter(f"{SVG}path")
            if e.attrib.get("aria-roledescription") == "bar"
        ]

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
    assert [width / widths(svg)[0] for width in widths(svg)] == pytest.approx(list(range(1, count + 1)))


def test_each_label_of_pairs_stands_once_above_its_bars():
    data, _ = TABLES["pairs"]
    found = texts(drawn("pairs", data))
    assert [found.count(label) for label in ("Q1", "Q2")] == [1, 1]


def test_rows_keep_their_order_though_labels_repeat():
    data = pd.DataFrame({"label": ["b", "a", "b"], "value": [usd(1), usd(2), usd(3)]})
    assert [text for text in texts(drawn("bars", data)) if len(text) == 1] == ["b", "a", "b"]
