"""Sentences: nothing is said with a part missing, words follow the numbers, and text is never taken for HTML."""

from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts.quantity import Quantity
from analysis.facts.span import Span
from analysis.model.estimates import Band
from analysis.story.prose import (
    LEVEL,
    Sentence,
    against_pace,
    against_target,
    banded,
    beside,
    level,
    listing,
    maybe,
    moved,
    phrase,
    say,
    than,
    when,
)

GMV = Quantity(2.94e9, "USD", "A0024 × 6 months")
SHARE = Quantity(0.3, "%", "A0003", hedge="just over")
UNKNOWN = Quantity.unknown("the US target")
HALF = Span.parse("2024H1")


class Page(HTMLParser):
    """The elements of a piece of HTML and the text that a reader sees."""

    def __init__(self, markup: str):
        super().__init__(convert_charrefs=True)
        self.elements, self.text = [], ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def seen(markup: str) -> str:
    return Page(markup).text.replace("\xa0", " ")


def test_a_template_is_filled_with_numbers_spans_and_words():
    said = say("{platform} sold {gmv} in {span}.", platform="Temu", gmv=GMV, span=HALF)
    assert str(said) == said.text == "Temu sold US$2.94 bn in the first half of 2024."
    page = Page(said.html)
    assert [tag for tag, _ in page.elements] == ["span", "time"]
    assert page.elements[0][1]["title"] == "US$2.94 bn = A0024 × 6 months"
    assert page.elements[1][1] == {"datetime": "2024-01-01"}


@pytest.mark.parametrize(
    "part",
    [UNKNOWN, "", None, Sentence(), say("{x}", x=UNKNOWN)],
    ids=["number", "words", "nothing", "sentence", "unsaid sentence"],
)
@pytest.mark.parametrize("template", ["{part} sold {gmv}.", "Sold: {gmv}, {part}.", "{gmv}{part}"])
def test_nothing_is_said_with_a_part_missing(template, part):
    said = say(template, part=part, gmv=GMV)
    assert not said
    assert (said.text, said.html) == ("", "")


def test_the_first_thing_that_can_be_said_is_said():
    assert (say("Target: {x}.", x=UNKNOWN) or say("Sales: {x}.", x=GMV) or say("Nothing.")).text == "Sales: US$2.94 bn."


def test_a_field_may_lead_to_an_attribute():
    pace = SimpleNamespace(reached=GMV, reading=SimpleNamespace(span=HALF), rest=None)
    found = SimpleNamespace(pace=pace, name="Temu")
    assert (
        say("{name}: {pace.reached} in {pace.reading.span}.", found).text
        == "Temu: US$2.94 bn in the first half of 2024."
    )
    assert say("{name}: {pace.reached}.", found, name="The US").text == "The US: US$2.94 bn."  # a part goes first
    assert not say("{pace.rest.label} is left.", found)


@pytest.mark.parametrize("template", ["{gvm} in all.", "{gmv.valu} in all.", "In all {pace.gmv}."])
def test_a_misspelt_field_is_an_error_and_not_a_silence(template):
    with pytest.raises(AttributeError):
        say(template, SimpleNamespace(pace=GMV), gmv=GMV)


def test_zero_is_something_to_say():
    assert say("It moved by {x}.", x=Quantity(0.0, "%")).text == "It moved by 0%."


@pytest.mark.parametrize(
    ("template", "begins"),
    [
        ("{share} of it.", "Just over 30% of it."),
        ("{span} was good.", "The first half of 2024 was good."),
        ("the US led.", "The US led."),
        ("{place} led.", "The US led."),
        ("{words} led.", "The US led."),
    ],
)
def test_a_sentence_begins_with_a_capital_for_the_eye_and_on_the_page(template, begins):
    said = say(template, share=SHARE, span=HALF, place=phrase("the US"), words="the US")
    assert said.text == begins
    assert seen(said.html) == begins


def test_a_phrase_keeps_its_small_letter():
    assert phrase("{share} of it", share=SHARE).text == "just over 30% of it"


def test_an_optional_part_is_left_out_without_harm():
    assert say("It grew{more}.", more=maybe(" by {x}", x=UNKNOWN)).text == "It grew."
    assert say("It grew{more}.", more=maybe(" by {x}", x=SHARE)).text == "It grew by just over 30%."


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from([GMV, SHARE, Quantity(-1.0, "USD/order", "A0042")]))
def test_the_page_shows_what_the_text_says(words, more, quantity):
    said = say("We say {a}, {b} & {c} < {d}.", a=words, b=phrase("{x}", x=more), c=quantity, d=HALF)
    assert seen(said.html) == said.text.replace("\xa0", " ")
    assert [tag for tag, _ in Page(said.html).elements] == ["span", "time"]


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "<b>", "a & b &lt;", '" onclick="x', "US$1 | $2", "{gmv} {0}"]
)
def test_hostile_words_stay_words(hostile):
    for said in (
        say("By {name}: {gmv}.", name=hostile, gmv=GMV),
        say("Sold by {name}.", name=phrase("{n}", n=hostile)),
    ):
        assert hostile in said.text
        assert hostile in seen(said.html)
        assert {tag for tag, _ in Page(said.html).elements} <= {"span"}


def test_sentences_are_joined_by_a_space_and_empty_ones_by_nothing():
    a, b = say("One."), say("Two <.")
    assert ((a + b).text, (a + b).html) == ("One. Two <.", "One. Two &lt;.")
    assert a + Sentence() == a == Sentence() + a
    assert not Sentence() + Sentence()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["", "b", "c"], "b and c"),
        (["", ""], ""),
    ],
)
def test_a_listing_leaves_out_what_is_empty(parts, text):
    listed = listing([phrase(part) for part in parts])
    assert listed.text == listed.html == text


def test_a_listing_takes_another_word():
    assert listing([phrase("a"), phrase("b")], "or").text == "a or b"


# Words that follow from numbers -------------------------------------------------------------------

# Published figures are rounded to about 2 %: within that band two of them say the same.
BAND = [
    (1 - 2 * LEVEL, "below"),
    (1 - LEVEL * 0.9, "level"),
    (1.0, "level"),
    (1 + LEVEL * 0.9, "level"),
    (1 + 2 * LEVEL, "above"),
]
WORDS = {
    against_target: {"below": "fell short of", "level": "met", "above": "beat"},
    against_pace: {"below": "behind", "level": "level with", "above": "ahead of"},
    than: {"below": "less than", "level": "as much as", "above": "more than"},
}


@pytest.mark.parametrize(("ratio", "side"), BAND)
@pytest.mark.parametrize("compare", WORDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("of", "unit"), [(17.5e9, "USD"), (0.5, "%")])
def test_a_comparison_has_a_word_for_each_side_and_one_for_the_band(compare, ratio, side, of, unit):
    assert compare(Quantity(of * ratio, unit), Quantity(of, unit)) == WORDS[compare][side]


def test_the_band_is_two_per_cent_of_the_second_figure():
    assert level(Quantity(101.9), Quantity(100.0)) and level(Quantity(98.1), Quantity(100.0))
    assert not level(Quantity(102.1), Quantity(100.0)) and not level(Quantity(97.9), Quantity(100.0))
    assert not level(Quantity(1.0), Quantity(0.0))


def test_a_comparison_takes_its_own_words():
    assert than(Quantity(2.0), Quantity(1.0), "closer to", "further from", "no further from") == "closer to"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (0.05, "rose by 5%"),
        (-0.05, "fell by 5%"),
        (LEVEL, "hardly moved"),
        (-LEVEL, "hardly moved"),
        (0.0, "hardly moved"),
        (1.5054, "rose by 151%"),
    ],
)
def test_a_growth_rate_as_a_verb(change, text):
    assert moved(Quantity(change, "%")).text == text


def test_an_unknown_growth_rate_has_no_verb():
    assert not moved(UNKNOWN)


def test_a_published_fall_is_quoted_with_its_provenance():
    fall = Quantity(-0.4381, "%", "P0450 growth")
    assert Page(moved(fall).html).elements[0][1]["title"].endswith("P0450 growth")


@pytest.mark.parametrize(
    ("gmv", "words"),
    [(17e9, "below the band"), (18e9, "within the band"), (22e9, "within the band"), (23e9, "above the band")],
)
def test_a_figure_beside_an_estimate_from_18_to_22(gmv, words):
    band = Band(*(Quantity(value, "USD") for value in (20e9, 18e9, 22e9)))
    assert beside(Quantity(gmv, "USD"), band) == words
    assert beside(UNKNOWN, band) == beside(Quantity(gmv, "USD"), Band.unknown("a fit")) == ""


def test_an_estimate_with_its_band_or_nothing():
    band = Band(*(Quantity(value, "USD") for value in (20e9, 18e9, 22e9)))
    assert str(banded(band)) == "US$20 bn (US$18 bn to US$22 bn)"
    assert not banded(Band.unknown("a fit"))


def test_a_day_is_a_time_on_and_a_month_a_time_in():
    assert str(when(Span.parse("2024-06-08"))) == "on 8 June 2024"
    assert str(when(Span.parse("2024-05"))) == "in May 2024"
    assert say("It sold {gmv} {when}.", gmv=GMV, when=when(HALF)).text.endswith("in the first half of 2024.")
