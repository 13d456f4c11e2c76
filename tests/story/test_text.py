"""Texts: what is said, what is left out, and what a mistake in a text file is answered with."""

import re

import pandas as pd
import pytest

from analysis.facts.quantity import Band, Quantity
from analysis.facts.span import Span
from analysis.story.chapter import Chapter, said
from analysis.story.text import TEXT, TextError, environment, first, read, read_text

UNKNOWN = Quantity.unknown("nobody said so")
HALF = Quantity(0.5, "%", "a half")


def sentences(text, **names):
    return [sentence.text for sentence in read_text("test.md", text)["opening"].said(names)]


def rows(text, **names):
    return read_text("test.md", f"### t: table\n{text}")["opening"].blocks[0].table(names).map(str).values.tolist()


def test_the_first_alternative_whose_numbers_are_known_is_said():
    text = "- Both are {{ a }} and {{ b }}.\n  or One is {{ a }}.\n  or None is known."
    assert sentences(text, a=HALF, b=HALF) == ["Both are 50% and 50%."]
    assert sentences(text, a=HALF, b=UNKNOWN) == [f"One is {HALF.text}."]
    assert sentences(text, a=UNKNOWN, b=HALF) == ["None is known."]


def test_a_sentence_without_alternative_is_left_out_and_an_optional_part_leaves_no_gap():
    assert sentences("- It was {{ a }}.", a=UNKNOWN) == []
    text = "- It was {{ a }} {% if b %}and {{ b }}{% endif %}, so far."
    assert sentences(text, a=HALF, b=UNKNOWN) == [f"It was {HALF.text}, so far."]


def test_none_takes_its_sentence_with_it_and_an_empty_word_does_not():
    assert sentences("- A{{ word }}.", word=None) == []
    assert sentences("- A{{ word }}.", word="") == ["A."]


def test_an_attribute_of_nothing_is_unknown_wherever_it_stands():
    text = "- {% if month.gmv > 0 %}More{% else %}Less{% endif %} than nothing{{ month.gmv.text }}.\n  or No month."
    assert sentences(text, month=None) == ["No month."]


def test_a_sentence_begins_with_a_capital_and_a_cell_as_it_stands():
    assert sentences("- {{ span }} it was.", span=Span.parse("2024H1")) == ["The first half of 2024 it was."]
    assert rows("| a |\n| in {{ span }} |", span=Span.parse("2024H1")) == [["in the first half of 2024"]]


def test_a_row_for_each_item_that_meets_its_condition_and_has_its_first_number():
    items = pd.DataFrame({"name": ["x", "y", "z"], "value": [HALF, UNKNOWN, HALF], "late": [False, False, True]})
    text = (
        "| name | value |\n| for i in items if not i.late | {{ i.name }} | {{ i.value }} |\n"
        "| if many | all | {{ half }} |"
    )
    assert rows(text, items=items, many=True, half=HALF) == [["x", HALF.text], ["all", HALF.text]]
    assert rows(text, items=items, many=False, half=HALF) == [["x", HALF.text]]


def test_a_bar_inside_braces_is_a_filter_and_no_cell():
    assert rows("| a | b |\n| {{ q|abs }} | {{ 'x' | upper }} |", q=-HALF) == [[HALF.text, "X"]]


def test_an_estimate_prints_with_its_band_and_keeps_its_numbers():
    band = Band(*(Quantity(number, "USD", str(number)) for number in (2e9, 1e9, 3e9)))
    (sentence,) = read_text("test.md", "- It is {{ b }}.")["opening"].said({"b": band})
    assert sentence.text == "It is US$2 bn (US$1 bn to US$3 bn)."
    assert [number.value for number in sentence.quantities] == [2e9, 1e9, 3e9]


def test_words_of_the_data_cannot_become_mark_up():
    (sentence,) = read_text("test.md", "- {{ a }} {{ a|cited }} {{ a|quoted }}")["opening"].said({"a": "<script>&"})
    assert "<script" not in sentence.html
    assert sentence.html.count("&lt;script&gt;&amp;") == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {{ montth }}", "test.md, line 1: montth is no name of this section. Did you mean month?"),
        ("\n- fine\n- {{ month.gnv }}", "test.md, line 3: nothing is named gnv"),
        ("- {{ month", "test.md, line 1: "),
        ("- {{ month | nofilter }}", "test.md, line 1: No filter named 'nofilter'"),
        ("- {{ month + 1 }}", "test.md, line 1: "),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text, told):
    with pytest.raises(TextError, match=re.escape(told)):
        read_text("test.md", text)["opening"].said({"month": Span.parse("2024-05")})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loose words", "test.md, line 1: 'loose words'. Allowed at its start"),
        ("### t: table\n| a | b |\n| one |", "test.md, line 3: 1 cells. Allowed: 2"),
        ("### t: table\n- T\n- It sold.", "test.md, line 3: a second title of t. Allowed: one title"),
    ],
)
def test_a_line_that_is_none_of_its_kinds_is_refused(text, told):
    with pytest.raises(TextError, match=re.escape(told)):
        read_text("test.md", text)


def test_a_chapter_without_a_text_is_named():
    with pytest.raises(TextError, match=r"nowhere.md: a text file in UTF-8 is needed"):
        read("nowhere")


def test_a_section_that_does_not_exist_is_answered_with_those_that_do(report):
    with pytest.raises(TextError, match=r"has no section 'mnths'\. Allowed: opening, months"):
        Chapter("united_states", report()).told("mnths")


def test_a_block_without_rows_is_not_shown():
    section = read_text(
        "test.md", "- said\n### t: table\n- T\n| a |\n| {{ a }} |\n### b: bars\n- B\n| label | value |\n| x | {{ a }} |"
    )
    assert len(said(section["opening"], {"a": HALF}, environment("en").globals)) == 3
    (only,) = said(section["opening"], {"a": UNKNOWN}, environment("en").globals)
    assert [sentence.text for sentence in only] == ["Said"]


def test_no_digit_is_typed_into_a_shipped_text():
    """Numbers come from the facts; what Jinja itself needs (a bound, a position) stands inside its braces."""
    for path in TEXT.glob("*/*.md"):
        outside = re.sub(r"(?s){[{%].*?[%}]}|\| (?:for|if) [^|]*", "", path.read_text("utf-8"))
        assert not re.search(r"\d", outside), path


def test_the_headline_falls_to_what_can_be_said():
    words = read_text("test.md", "# Known: {{ a }}\n  or Nothing is known")["opening"].headline
    assert first(words, {"a": UNKNOWN}).text == "Nothing is known"
