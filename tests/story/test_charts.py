"""Every kind of chart, drawn: numbers stand in the drawing, to scale; hostile text is text; nothing known: no chart."""

import itertools
import json
import re
import xml.etree.ElementTree as ET
from datetime import date

import pandas as pd
import pytest

from analysis.facts.quantity import Quantity
from analysis.publish.page import TEMPLATE
from analysis.story import charts
from analysis.story.svg import to_svg

UNKNOWN = Quantity.unknown("sales")
SVG = "{http://www.w3.org/2000/svg}"


def usd(value: float, unit: str = "USD", hedge: str = "") -> Quantity:
    return Quantity(value, unit, "A", hedge=hedge)


DAYS = [date(2024, 10, 31), date(2024, 11, 30), date(2024, 12, 31)]
# A table for each kind of chart, and the words that its drawing must have.
TABLES = {
    "bars": (
        {"label": ["needed", "so far"], "lead": [True, False], "value": [usd(2.43e9, "USD/month"), usd(0.49e9)]},
        ["needed", "so far", "US$2.43 bn", "US$490 mn"],
    ),
    "pairs": (
        {"label": ["Q1", "Q1", "Q2"], "series": ["Temu", "Shopee", "Temu"], "value": [usd(8e9), usd(22e9), usd(12e9)]},
        ["Q1", "Q2", "Temu: US$8 bn", "Shopee: US$22 bn", "Temu: US$12 bn"],
    ),
    "bands": (
        {"label": ["US", "World"], "median": [usd(9e9), usd(33e9)], "low": [usd(7e9), usd(25e9)],
         "high": [usd(12e9), usd(42e9)], "published": [UNKNOWN, usd(30e9)]},
        ["US", "World", "US$9 bn (US$7 bn–US$12 bn)", "US$33 bn (US$25 bn–US$42 bn)"],
    ),
    "fan": (
        {"day": DAYS, "median": [usd(25e9), usd(29e9), usd(33e9)], "low": [usd(22e9), usd(24e9), usd(26e9)],
         "high": [usd(28e9), usd(34e9), usd(41e9)], "target": [usd(50e9), UNKNOWN, UNKNOWN],
         "published": [UNKNOWN, usd(28e9), UNKNOWN]},
        ["US$33 bn", "US$50 bn", "US$20 bn", "US$40 bn", "Oct2024"],
    ),
    "lines": (
        {"x": [0, 1, 2] * 2, "series": ["UK"] * 3 + ["US"] * 3,
         "value": [usd(1e9), usd(2e9), usd(4e9), usd(1e9), usd(3e9), usd(4.1e9)],
         "low": [usd(0.5e9), usd(1e9), usd(2e9), *[UNKNOWN] * 3],
         "high": [usd(2e9), usd(3e9), usd(5e9), *[UNKNOWN] * 3], "projected": [False, False, True] * 2},
        ["UK", "US", "US$4 bn", "US$4.10 bn", "0", "1", "2"],
    ),
    "grid": (
        {"row": ["US", "UK"], "column": ["Q1", "Q1"], "count": [3, 0], "status": ["known", "unknown"], "rank": [0, 2]},
        ["US", "UK", "Q1", "3", "0"],
    ),
}  # fmt: skip
MEASURED = {"bars": ["value"], "pairs": ["value"], "bands": ["median", "low"], "fan": ["median"], "lines": ["value"]}


def drawn(kind: str, data: pd.DataFrame) -> ET.Element:
    return ET.fromstring(to_svg(getattr(charts, kind)(data).to_dict(validate=True)))


def texts(svg: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in svg.iter(f"{SVG}text")]


def marks(svg: ET.Element, kind: str) -> list[ET.Element]:
    """The marks of a kind, as Vega calls it: `rect`, `symbol`, `area`, `line`, `rule`."""
    groups = (g for g in svg.iter(f"{SVG}g") if f"mark-{kind} " in g.attrib.get("class", ""))
    return [mark for group in groups for mark in group]


@pytest.fixture(params=TABLES)
def kind(request):
    return request.param


@pytest.fixture
def data(kind):
    return pd.DataFrame(TABLES[kind][0])


def test_every_kind_of_chart_is_tested():
    public = {name for name, thing in vars(charts).items() if callable(thing) and not name.startswith("_")}
    made_here = {name for name in public if getattr(charts, name).__module__ == charts.__name__}
    assert made_here - {"Drawing"} == set(TABLES)


def test_every_number_and_name_stands_in_the_drawing_and_the_table_is_left_alone(kind, data):
    before = data.map(str)
    found = [text.replace("4.1 bn", "4.10 bn") for text in texts(drawn(kind, data))]
    assert set(TABLES[kind][1]) <= set(found)
    assert data.map(str).equals(before)


def test_a_chart_is_the_same_bytes_each_time_whatever_the_order_of_its_keys(kind, data):
    spec = getattr(charts, kind)(data).to_dict()
    assert to_svg(spec) == to_svg(dict(reversed(json.loads(json.dumps(spec)).items())))


@pytest.mark.parametrize(
    ("kind", "column"), [(kind, column) for kind, columns in MEASURED.items() for column in columns]
)
def test_nothing_known_in_a_column_of_numbers_is_no_chart(kind, column):
    data = pd.DataFrame(TABLES[kind][0])
    assert getattr(charts, kind)(data.iloc[:0]) is None
    assert getattr(charts, kind)(data.assign(**{column: [UNKNOWN] * len(data)})) is None


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"/><img src=x>', "]]>", "US$1 | $2", "datum.value"])
@pytest.mark.parametrize(
    ("kind", "column"), [("bars", "label"), ("pairs", "series"), ("bands", "label"), ("lines", "series")]
)
def test_hostile_words_are_drawn_as_words(kind, column, hostile):
    data = pd.DataFrame(TABLES[kind][0])
    svg = drawn(kind, data.assign(**{column: [*data[column].iloc[:-1], hostile]}))
    assert any(hostile in text for text in texts(svg))
    tags = ["svg", "g", "path", "text", "tspan", "line", "rect", "defs", "clipPath", "style", "title", "desc"]
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= set(tags)


def test_a_chart_fits_its_width_and_can_be_read_on_white_and_on_black(kind, data):
    svg = drawn(kind, data)
    assert 0 < float(svg.attrib["width"]) <= charts.WIDTH + 10
    fills = {element.attrib["fill"] for element in svg.iter(f"{SVG}text")}
    assert all(contrast(fill, page) >= 3 for fill in fills for page in ("#ffffff", "#000000"))


def test_bars_are_as_long_as_their_values():
    svg = drawn("bars", pd.DataFrame({"label": ["a", "b", "c"], "value": [usd(4e9), usd(1e9), usd(2e9)]}))
    paths = [re.match(r"M-?[\d.]+,-?[\d.]+h(-?[\d.]+)", mark.attrib["d"]) for mark in marks(svg, "rect")]
    one, two, three = (float(path[1]) for path in paths)
    assert (one, three) == (pytest.approx(4 * two, abs=0.05), pytest.approx(2 * two, abs=0.05))


def points(svg: ET.Element, kind: str = "line") -> list[list[tuple[float, float]]]:
    paths = [mark.attrib["d"] for mark in marks(svg, kind)]
    return [[tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)] for path in paths]


def test_a_curve_is_to_scale_from_zero_and_days_lie_on_their_days():
    days = [date(2024, 1, 1), date(2024, 1, 11), date(2024, 1, 31)]
    curve = pd.DataFrame({"x": days, "series": "US", "value": [usd(1e9), usd(2e9), usd(4e9)]})
    ((first, second, third),) = points(drawn("lines", curve))
    assert third[1] - second[1] == pytest.approx(2 * (second[1] - first[1]), abs=0.05)
    assert third[0] - second[0] == pytest.approx(2 * (second[0] - first[0]), abs=0.05)


def test_what_is_projected_is_dashed_and_begins_where_the_rest_ends():
    values = {"value": [usd(1e9), usd(2e9), usd(4e9)], "projected": [False, False, True]}
    svg = drawn("lines", pd.DataFrame({"x": [0, 1, 2], "series": "US", **values}))
    solid, dashed = points(svg)
    assert solid[-1] == dashed[0]
    assert [mark.attrib.get("stroke-dasharray") for mark in marks(svg, "line")] == ["1,0", "4,3"]


def test_names_at_the_ends_of_curves_stand_apart():
    ends = [usd(4e9), usd(4.01e9), usd(4.02e9)]
    data = pd.DataFrame(
        {"x": [0, 1] * 3, "series": list("aabbcc"), "value": [v for end in ends for v in (usd(1e9), end)]}
    )
    svg = drawn("lines", data)
    names = [e for e in svg.iter(f"{SVG}text") if e.text in {"a", "b", "c"}]
    heights = sorted(float(re.search(r"translate\([\d.]+,([\d.]+)\)", e.attrib["transform"])[1]) for e in names)
    assert all(after - before >= 28 for before, after in itertools.pairwise(heights))


def test_a_scale_has_round_values():
    assert charts._scale(0, 50e9) == [0, 20e9, 40e9]
    assert charts._scale(-1, 4) == [0, 2, 4]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, after WCAG 2."""

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
        assert all(contrast(mark, page["page"]) >= 3 for mark in charts.SERIES)
        for words in ("ink", "soft", "link", "accent"):
            assert contrast(page[words], page["page"]) >= 4.5
            assert contrast(page[words], page["tint"]) >= 4.5


def test_coordinates_are_no_finer_than_a_screen_and_words_stay_as_they_are():
    svg = to_svg(charts.bars(pd.DataFrame({"label": ["1.23456 of them"], "value": [usd(1 / 3)]})).to_dict())
    assert not re.search(r"\.\d{3}", re.sub(r">[^<]+<", "><", svg))
    assert "1.23456 of them" in svg
