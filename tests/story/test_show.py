"""What a cell displays and exports: hostile text stays text, formulas of spreadsheets are disarmed, gaps are told."""

import csv
import io
from datetime import date
from html.parser import HTMLParser

import altair as alt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts.quantity import Origin, Quantity
from analysis.story import charts
from analysis.story import show as page
from analysis.story.prose import Sentence, phrase, say
from analysis.story.show import Figure, Table, Tile, show

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table>",
    "a & b &lt; c",
    "US$1 | $2",
    "' x '",
]


def fact(value: float, unit: str = "USD", fact_id: str = "A1", publisher: str = "A paper") -> Quantity:
    origin = Origin(fact_id, "1 USD", "GMV", "H1 2024", f"“A page”, {publisher} (S001)", publisher, "", "31 July 2024")
    return Quantity(value, unit, fact_id, (origin,))


UNKNOWN = Quantity.unknown("US sales")


class Page(HTMLParser):
    """The elements of a piece of HTML with their attributes, and the text inside each kind of element."""

    def __init__(self, markup: str):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.inside = [], [], {}
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)
        self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "elements are closed in the order in which they were opened"

    def handle_data(self, data):
        for tag in set(self.open):
            self.inside[tag][-1] += data.replace("\xa0", " ")


@pytest.fixture
def displayed(monkeypatch):
    """The bundles that `show` displays, with their metadata."""
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw, metadata: shown.append((bundle, metadata)))
    return shown


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# Sentences and tiles ------------------------------------------------------------------------------


def test_a_sentence_is_a_heading_and_a_list_has_an_item_for_each_thing_said(displayed):
    show(say("A title < b"), [say("One."), Sentence(), say("Two: {x}.", x=fact(1e9))])
    heading, findings = (Page(bundle["text/html"]) for bundle, _ in displayed)
    assert heading.inside["h1"] == ["A title < b"]
    assert findings.inside["li"] == ["One.", "Two: US$1 bn."]
    assert displayed[1][0]["text/plain"] == "One.\nTwo: US$1 bn."


def test_dollars_are_not_typeset_as_maths(displayed):
    show(say("From US$1 to US$2"))
    ((tag, attributes), *_) = Page(displayed[0][0]["text/html"]).elements
    assert tag == "div"
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(attributes["class"].split())


def test_a_tile_without_its_number_is_left_out(displayed):
    show([Tile("So far", fact(2.94e9), phrase("in <May>")), Tile("Needed", UNKNOWN, phrase("a month"))])
    tiles = Page(displayed[0][0]["text/html"])
    assert tiles.inside["dt"] == ["So far"]
    assert tiles.inside["strong"] == ["US$2.94 bn"]
    assert tiles.inside["dd"][1] == "in <May>"


# Tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_in_any_part_of_a_table_stays_text(displayed, hostile):
    data = pd.DataFrame({hostile: [hostile, "plain"], "GMV": [fact(1e9, publisher=hostile), UNKNOWN]})
    show(Table("name", say("{x}", x=hostile), data))
    table = Page(displayed[0][0]["text/html"])
    assert {tag for tag, _ in table.elements} <= {
        "div",
        "h3",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "p",
        "small",
    }
    assert table.inside["h3"] == [hostile[:1].upper() + hostile[1:]]
    assert table.inside["th"] == [hostile, "GMV"]
    assert table.inside["td"] == [hostile, "US$1 bn", "plain", "not published"]
    assert table.inside["small"] == [f"Source: {hostile} (A1)"]
    assert {a["data-column"] for tag, a in table.elements if tag == "td"} == {hostile, "GMV"}


def test_a_table_with_nothing_published_says_so(displayed):
    show(Table("name", say("A title"), pd.DataFrame(columns=["what", "GMV"])))
    bundle, metadata = displayed[0]
    table = Page(bundle["text/html"])
    assert table.inside["p"] == ["Nothing had been published."]
    assert "table" not in table.inside and "small" not in table.inside
    assert metadata["report"]["csv"].strip() == "what,GMV"


def test_a_reference_table_is_folded_away(displayed):
    show(Table("name", say("All facts"), pd.DataFrame({"what": ["a"]}), reference=True))
    table = Page(displayed[0][0]["text/html"])
    assert table.inside["summary"] == ["All facts"]
    assert table.inside["td"] == ["a"]


def test_a_table_hands_its_name_and_numbers_to_the_report(displayed):
    table = Table("us_pace", say("A title"), pd.DataFrame({"GMV": [fact(1e9)]}))
    show(table)
    assert displayed[0][1]["report"] == {"part": "table", "name": "us_pace", "csv": table.to_csv()}


# Figures ------------------------------------------------------------------------------------------


def figure(data: pd.DataFrame, title: str = "A title") -> Figure:
    return Figure("name", say("{x}", x=title), "GMV <of> May", charts.bars(data), data)


def test_a_figure_is_a_heading_a_drawing_and_its_sources(displayed):
    data = pd.DataFrame({"label": ["US", "World"], "value": [fact(1e9), fact(2e9, fact_id="P2", publisher="B paper")]})
    show(figure(data))
    (heading, _), (drawing, metadata), (source, _) = displayed
    assert Page(heading["text/html"]).inside["p"] == ["GMV <of> May"]
    assert drawing["image/svg+xml"].startswith("<svg")
    assert Page(source["text/html"]).inside["small"] == ["Sources: A paper, B paper (A1, P2)"]
    about = metadata["report"]
    assert (about["part"], about["name"], about["alt"]) == ("figure", "name", "A title. GMV <of> May")
    assert about["source"] == "Sources: A paper, B paper (A1, P2)"
    assert len(read_csv(about["csv"])) == 2


def test_the_table_behind_a_chart_has_its_words_and_numbers_and_nothing_that_only_steers_the_drawing():
    data = pd.DataFrame(
        {
            "label": ["US <b>", "World"],
            "lead": [True, False],
            "value": [fact(1e9), UNKNOWN],
            "day": [date(2024, 6, 8), date(2024, 6, 9)],
            "rank": [0.5, float("nan")],
            "said": [say("so"), Sentence()],
            "pace_note": "even pace of 2024",
        }
    )
    table = Page(Table("name", say("A title"), data).to_html())
    assert table.inside["th"] == ["Label", "Value", "Day", "Rank", "Said", "Pace note"]
    first, second = table.inside["td"][:6], table.inside["td"][6:]
    assert first == ["US <b>", "US$1 bn", "8 June 2024", "0.5", "So", "even pace of 2024"]
    assert second == ["World", "not published", "9 June 2024", "", "not published", "even pace of 2024"]
    # What has a digit says that it is data.
    marked = [a["value"] for tag, a in table.elements if tag == "data"]
    assert marked == ["1e+09", "0.5", "even pace of 2024", "even pace of 2024"]


def test_many_publishers_are_counted_rather_than_named():
    figures = [fact(1.0, fact_id=f"P{n}", publisher=f"Paper {n}") for n in range(page.NAMED + 2)]
    line = Table("name", say("A title"), pd.DataFrame({"GMV": figures})).sources
    assert line.startswith("Sources: Paper 0, Paper 1")
    assert f"Paper {page.NAMED - 1} and 2 more" in line
    assert f"Paper {page.NAMED}," not in line


def test_a_lever_goes_with_its_figure(displayed):
    data = pd.DataFrame({"label": ["US"], "value": [fact(1e9)]})
    show(Figure("name", say("A title"), "GMV", charts.bars(data), data, lever={"target": 1.0}))
    about = displayed[1][1]["report"]
    assert (about["part"], about["lever"]) == ("lever", {"target": 1.0})


def test_tiles_are_told_for_the_list_of_reports(displayed):
    show([Tile("So far", fact(2.94e9), phrase("in May")), Tile("Needed", UNKNOWN, phrase("a month"))])
    assert displayed[0][1]["report"] == {
        "part": "tiles",
        "tiles": [{"label": "So far", "number": "US$2.94 bn", "remark": "in May"}],
    }


@pytest.mark.parametrize(
    "data",
    [pd.DataFrame({"label": ["US"], "value": [UNKNOWN]}), pd.DataFrame(columns=["label", "value"])],
    ids=["nothing known", "no rows"],
)
def test_a_figure_with_nothing_published_says_so_and_draws_nothing(displayed, data):
    show(figure(data))
    ((bundle, metadata),) = displayed
    assert Page(bundle["text/html"]).inside["em"] == ["No figure had been published."]
    assert "image/svg+xml" not in bundle
    assert metadata == {}
    assert figure(data).sources == ""


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_around_a_figure_stays_text(displayed, hostile):
    show(figure(pd.DataFrame({"label": [hostile], "value": [fact(1e9, publisher=hostile)]}), hostile))
    for bundle, _ in (displayed[0], displayed[2]):
        assert {tag for tag, _ in Page(bundle["text/html"]).elements} <= {"div", "h3", "p", "small", "span"}
    assert "<script" not in displayed[1][0]["image/svg+xml"] and "<img" not in displayed[1][0]["image/svg+xml"]


def test_a_source_is_cited_once_and_unknown_numbers_cite_nothing():
    data = pd.DataFrame({"a": [fact(1), fact(1), UNKNOWN], "b": [fact(2, fact_id="A0"), UNKNOWN, UNKNOWN]})
    assert Table("name", say("A title"), data).sources == "Source: A paper (A0, A1)"


def test_a_drawing_is_the_same_bytes_each_time():
    chart = alt.Chart(pd.DataFrame({"a": [1, 2]})).mark_bar().encode(x="a:Q")
    assert page.to_svg(chart) == page.to_svg(chart)


# Export -------------------------------------------------------------------------------------------


def exported(**columns) -> list[dict[str, str]]:
    return read_csv(Table("name", say("A title"), pd.DataFrame(columns)).to_csv())


def test_a_quantity_is_exported_with_unit_formula_and_facts():
    share = (fact(2.94e9, fact_id="A0024") / fact(17.5e9, fact_id="A0004")).percent()
    (row,) = exported(share=[share])
    assert float(row["share"]) == pytest.approx(0.168)
    assert (row["share unit"], row["share formula"], row["share facts"]) == ("%", "A0024 ÷ A0004", "A0024 A0004")


def test_an_unknown_quantity_is_an_empty_cell():
    assert [row["GMV"] for row in exported(GMV=[fact(1.0), UNKNOWN])] == ["1.0", ""]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://a","b")', "=cmd|' /C calc'!A0"]
)
@pytest.mark.parametrize("wrap", [str, lambda t: phrase("{x}", x=t)], ids=["text", "sentence"])
def test_a_formula_is_disarmed_in_a_spreadsheet(wrap, text):
    assert [row["what"] for row in exported(what=[wrap(text), wrap("US")])] == [f"'{text}", "US"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")), min_size=1))
def test_any_text_comes_back_from_the_csv_and_none_begins_a_formula(texts):
    for before, after in zip(texts, exported(what=texts, n=range(len(texts))), strict=True):
        assert after["what"].removeprefix("'") == before.removeprefix("'")
        assert not after["what"].startswith(("=", "+", "-", "@"))


def test_a_negative_number_stays_a_number():
    assert exported(margin=[fact(-1.0, "USD/order")], n=[-2])[0] == {
        "margin": "-1.0",
        "margin unit": "USD/order",
        "margin formula": "A1",
        "margin facts": "A1",
        "n": "-2",
    }


def test_hostile_text_does_not_break_a_row():
    hostile = 'a,"b"\nc;<script>|$'
    rows = exported(what=[hostile, "next"])
    assert [row["what"] for row in rows] == [hostile, "next"]
