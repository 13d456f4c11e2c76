"""What a cell shows: in a notebook, on a code host and for the report; and the CSV of each table."""

import csv
import io

import altair as alt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from analysis.facts.quantity import Origin, Quantity
from analysis.story.show import Figure, Table, provenance, show, to_csv
from analysis.story.text import Sentence, environment, joined

WORDS = environment("en").globals
HOSTILE = "<script>alert(1)</script>"


def origin(name: str, publisher: str) -> Origin:
    return Origin(
        name, "5 USD bn", "GMV, TikTok Shop, US", "2024", f"“T”, {publisher} (S1)", publisher, "", "1 May 2024"
    )


A, B = origin("A1", "36Kr"), origin("B2", "LatePost")
FIVE = Quantity(5e9, "USD", "A1", (A,))
SHARE = Quantity(0.168, "%", "A1 ÷ B2", (A, B))
UNKNOWN = Quantity.unknown("sales")


@pytest.fixture
def displayed():
    """What things display, as (data, metadata of the report) of each output."""
    InteractiveShell.instance()

    def run(*things):
        with capture_output() as captured:
            show(things, WORDS)
        return [(output.data, output.metadata["report"]) for output in captured.outputs]

    return run


def said(*parts) -> Sentence:
    return joined(list(parts))


def test_a_sentence_is_a_heading_and_a_list_has_an_item_for_each_sentence(displayed):
    (head, about), (items, _) = displayed(said("It sold ", FIVE, "."), [said("One."), said("Two.")])
    assert (head["text/plain"], about["part"]) == ("It sold US$5 bn.", "headline")
    assert "<h1>It sold <span" in head["text/html"]
    assert items["text/plain"] == "- One.\n- Two."
    assert items["text/html"].count("<li>") == 2


def test_dollars_are_not_typeset_as_maths(displayed):
    assert all("tex2jax_ignore" in data["text/html"] for data, _ in displayed(said("US$1 and US$2")))


def test_a_number_leads_to_its_value_formula_and_origins(displayed):
    ((data, about),) = displayed(said("A share of ", SHARE))
    key = SHARE.key
    assert f'data-key="{key}"' in data["text/html"]
    assert about["numbers"][key] == {"value": 16.8, "unit": "%", "formula": "A1 ÷ B2", "from": ["A1", "B2"]}
    assert about["origins"]["B2"]["source"] == "“T”, LatePost (S1)"


def test_like_numbers_of_one_provenance_have_one_key_and_others_have_not():
    assert SHARE.key == Quantity(0.168, "%", "A1 ÷ B2", (A, B)).key
    assert (
        len({q.key for q in (SHARE, FIVE, Quantity(0.168, "%", "A1", (A, B)), Quantity(0.169, "%", "A1 ÷ B2", (A, B)))})
        == 4
    )


def test_a_figure_is_a_heading_a_drawing_and_its_sources(displayed):
    data = pd.DataFrame({"label": ["US"], "value": [FIVE], "lead": [True]})
    figure = Figure("us", said("The US sold ", FIVE), said("GMV"), alt.Chart().mark_bar(), data)
    (heading, _), (drawing, about), (source, _) = displayed(figure)
    assert heading["text/plain"] == drawing["text/plain"] == "The US sold US$5 bn"
    assert drawing["image/svg+xml"].startswith("<svg")
    assert source["text/plain"] == "Source: 36Kr"
    assert about["alt"] == "The US sold US$5 bn. GMV"
    assert ("US$5 bn" in about["table"], "yes" in about["table"]) == (True, False)  # what only steers is left out


@pytest.mark.parametrize(
    ("kind", "opening"), [("table", "<h3>T"), ("reference", "<details><summary>T"), ("tiles", '<table class="tiles"')]
)
def test_a_table_by_its_kind(displayed, kind, opening):
    rows = {"What": ["US", "UK"], "Figure": [FIVE, FIVE], "Other": [UNKNOWN, FIVE], "Nothing known": [UNKNOWN, ""]}
    table = Table("t", said("T"), pd.DataFrame(rows), kind)
    ((data, about),) = displayed(table)
    assert opening in data["text/html"]
    assert '<td data-column="Other">not in our data</td>' in data["text/html"]
    assert "Nothing known" not in data["text/html"]
    assert data["text/plain"].splitlines()[1].startswith("US | US$5 bn")
    assert (about["name"], about["kind"]) == ("t", kind)


def test_hostile_words_stay_words_wherever_they_stand(displayed):
    table = Table(HOSTILE, said(HOSTILE), pd.DataFrame({HOSTILE: [HOSTILE, said(HOSTILE)]}))
    figure = Figure("f", said(HOSTILE), said(HOSTILE), alt.Chart().mark_bar(), pd.DataFrame({"label": [HOSTILE]}))
    for data, about in displayed(said(HOSTILE), [said(HOSTILE)], table, figure):
        assert "<script" not in data.get("text/html", "") + data.get("image/svg+xml", "") + about.get("table", "")


def rows(data: dict) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(pd.DataFrame(data), WORDS), newline="")))


def test_a_number_is_exported_as_its_unit_counts_it_with_its_facts():
    assert rows({"Share": [SHARE, UNKNOWN]}) == [
        ["Share", "Share unit", "Share facts"],
        ["16.8", "%", "A1 B2"],
        ["", "", ""],
    ]


def test_an_estimate_is_exported_with_the_ends_of_its_band():
    band = said(FIVE, " (", Quantity(4e9, "USD", "l"), " to ", Quantity(6e9, "USD", "h"), ")")
    head, row = rows({"GMV": [band]})
    assert head == ["GMV", "GMV low", "GMV high", "GMV unit", "GMV facts"]
    assert [float(cell) for cell in row[:3]] == [5e9, 4e9, 6e9]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=1))
def test_any_text_comes_back_from_the_csv_and_none_begins_a_formula(words):
    for (cell,), word in zip(rows({"a": words})[1:], words, strict=True) if all(words) else []:
        assert cell.removeprefix("'") == word or cell == word
        assert not cell.startswith(("=", "+", "-", "@", "\t"))


def test_many_publishers_are_named_up_to_a_few(displayed):
    numbers = [Quantity(1.0, "USD", f"F{n}", (origin(f"F{n}", f"P{n}"),)) for n in range(6)]
    ((data, _),) = displayed(Table("t", said("T"), pd.DataFrame({"a": numbers})))
    assert "Sources: <cite>P0</cite>; <cite>P1</cite>; <cite>P2</cite>; <cite>P3</cite> and others" in data["text/html"]


def test_unknown_numbers_have_no_provenance():
    assert provenance([UNKNOWN, "words", None]) == {"numbers": {}, "origins": {}}
