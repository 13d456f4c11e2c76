"""Numbers with unit, provenance and formula: unit algebra, formulas, printing, against arithmetic done another way."""

import html
import re
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.facts.quantity import Origin, Quantity, UnitError, rounded, total


def origin(fact_id: str, **given) -> Origin:
    return Origin(fact_id, "1 USD bn", "GMV", **given)


def fact(value: float, unit: str = "USD", fact_id: str = "A", hedge: str = "", **given) -> Quantity:
    """A published figure."""
    return Quantity(value, unit, fact_id, (origin(fact_id, **given),), hedge)


@pytest.mark.parametrize(
    ("a", "b", "unit"),
    [
        ("USD/month", "month", "USD"), ("THB/day", "day", "THB"), ("USD", "THB/USD", "THB"), ("%", "USD", "USD"),
        ("×", "USD", "USD"), ("", "USD", "USD"), ("%", "%", "%"), ("%", "×", "×"),
        ("USD/order", "order/day", "USD/day"), ("USD", "month", "USD·month"),
    ],
)  # fmt: skip
def test_unit_of_a_product(a, b, unit):
    assert (Quantity(2.0, a) * Quantity(3.0, b)).unit == (Quantity(3.0, b) * Quantity(2.0, a)).unit == unit
    assert (Quantity(2.0, a) * Quantity(3.0, b)).value == 6


@pytest.mark.parametrize(
    ("a", "b", "unit"),
    [
        ("THB", "THB/USD", "USD"), ("order", "day", "order/day"), ("USD", "USD", "×"), ("USD", "USD/month", "month"),
        ("USD", "%", "USD"), ("%", "%", "×"), ("USD", "month", "USD/month"),
        ("USD/month", "order/month", "USD/order"), ("USD/day", "USD/month", "month/day"),
    ],
)  # fmt: skip
def test_unit_of_a_ratio(a, b, unit):
    ratio = Quantity(3.0, a) / Quantity(2.0, b)
    assert (ratio.value, ratio.unit) == (1.5, unit)


@pytest.mark.parametrize(
    ("a", "b"), [("USD", "THB"), ("USD", "USD/month"), ("USD", "%"), ("order", ""), ("day", "month")]
)
@pytest.mark.parametrize(
    "operate",
    [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a > b],
    ids=["+", "−", "<", ">"],
)
def test_unlike_units_are_neither_added_nor_compared(operate, a, b):
    with pytest.raises(UnitError):
        operate(Quantity(1.0, a), Quantity(2.0, b))


def test_percentages_and_multiples_are_both_plain_ratios():
    assert (Quantity(0.5, "%") + Quantity(1.5, "×")).value == 2
    assert Quantity(0.5, "%") < Quantity(0.6, "×")
    assert Quantity(1.25, "×").growth().value == 0.25
    assert Quantity(1.25, "×").growth().unit == "%"


def test_plain_numbers_stand_on_either_side():
    q = fact(4.0, "×", "A")
    assert [r.value for r in (1 + q, q + 1, 10 - q, q - 10, 2 * q, q * 2, q / 2)] == [5, 5, 6, -6, 8, 8, 2]
    assert (10 - q).formula == "10 − A"


def test_total_adds_what_has_one_unit():
    parts = [fact(float(n), "USD", f"P{n}") for n in (1, 2, 3)]
    assert (total(parts).value, total(parts).formula) == (6, "P1 + P2 + P3")
    assert total(parts[:1]) is parts[0]


A, B, C = (Quantity(v, "", name) for v, name in ((7.0, "A"), (3.0, "B"), (2.0, "C")))


@pytest.mark.parametrize(
    ("quantity", "formula"),
    [
        (A + B + C, "A + B + C"), (A - B - C, "A − B − C"), (A - (B - C), "A − (B − C)"),
        (A - (B + C), "A − (B + C)"), (A + (B - C), "A + B − C"), ((A - B) / C, "(A − B) ÷ C"),
        (A / (B - C), "A ÷ (B − C)"), (A / B / C, "A ÷ B ÷ C"), (A / (B / C), "A ÷ (B ÷ C)"),
        (A / (B * C), "A ÷ (B × C)"), (A * (B / C), "A × B ÷ C"), (A * B + C, "A × B + C"),
        (A * (B + C), "A × (B + C)"), ((A / B).percent() * C, "A ÷ B × C"), (A - -B, "A − −(B)"),
    ],
)  # fmt: skip
def test_formula_has_the_brackets_it_needs_and_no_others(quantity, formula):
    assert quantity.formula == formula


ATOMS = {name: Fraction(n, d) for name, n, d in (("a", 7, 2), ("b", 3, 1), ("c", 2, 5), ("d", 11, 4), ("e", 1, 9))}
OPERATIONS = {"+": Quantity.__add__, "−": Quantity.__sub__, "×": Quantity.__mul__, "÷": Quantity.__truediv__}


def combine(inner):
    two = st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner).map(lambda t: OPERATIONS[t[0]](t[1], t[2]))
    return two | inner.map(Quantity.__neg__)


@given(
    st.recursive(
        st.sampled_from(sorted(ATOMS)).map(lambda name: Quantity(ATOMS[name], "", name)), combine, max_leaves=12
    )
)
def test_whoever_types_the_formula_into_a_calculator_gets_the_value(quantity):
    assume(quantity.known)  # a division by zero has no value to check
    typed = quantity.formula.translate(str.maketrans("−×÷", "-*/"))
    assert eval(typed, {"__builtins__": {}}, ATOMS) == quantity.value  # exact: the atoms are fractions


def test_a_number_counted_by_hand_says_how_and_has_no_origin():
    months = Quantity.counted(6, "month", "of the first half of 2024")
    assert (months.formula, months.origins) == ("6 months (of the first half of 2024)", ())


@pytest.mark.parametrize(
    ("left", "right", "hedge"),
    [("", "", ""), ("just over", "", "about"), ("", "up to", "about"), ("more than", "less than", "about")],
)
def test_arithmetic_on_a_hedged_figure_is_only_about_right(left, right, hedge):
    a, b = fact(1.0, hedge=left), fact(2.0, fact_id="B", hedge=right)
    assert {q.hedge for q in (a + b, a - b, a * b, a / b)} == {hedge}


def test_bases_are_those_of_all_figures_behind_a_number():
    tracker, leak = fact(9.0, fact_id="P0024", basis="tracker"), fact(17.5, fact_id="P0093", basis="leak")
    rate = fact(36.7, "THB/USD", "THB 2024")  # an exchange rate has no basis
    assert (tracker * rate).bases == {"tracker"}
    assert (tracker / leak).bases == {"tracker", "leak"}


@pytest.mark.parametrize("operate", list(OPERATIONS.values()))
def test_what_is_unknown_stays_unknown_and_says_all_that_is_missing(operate):
    x, y = Quantity.unknown("the US target"), Quantity.unknown("US sales", "the US target")
    assert not operate(x, fact(1.0, "×")) and not operate(fact(1.0, "×"), x)
    assert operate(x, y).missing == ("the US target", "US sales")
    assert operate(fact(1.0, "×"), x).missing == ("the US target",)


def test_an_unknown_number_prints_words_and_its_reason():
    x = Quantity.unknown("the US target").percent()
    assert (x.text, str(x), x.missing) == ("not published", "not published", ("the US target",))
    assert not x.growth() and not -x and not abs(x)


def test_a_division_by_zero_is_unknown_and_names_the_divisor():
    ratio = fact(1.0) / fact(0.0, fact_id="A0099")
    assert not ratio
    assert "A0099" in ratio.missing[0]
    assert not (ratio * 2 + 1)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.94e9, "USD", "US$2.94 bn"), (2.4266667e9, "USD/month", "US$2.43 bn a month"),
        (33.2e9, "USD", "US$33.2 bn"), (128.4e9, "USD", "US$128 bn"), (999.7e6, "USD", "US$1 bn"),
        (999.4e6, "USD", "US$999 mn"), (143.9e12, "VND", "VND 144 tn"), (16e9, "THB", "THB 16 bn"),
        (33e6, "CNY", "CN¥33 mn"), (478_979, "USD", "US$479,000"),
        (864e9, "EUR", "€864 bn"), (1.5e6, "GBP", "£1.5 mn"), (6000, "USD", "US$6,000"),
        (100_000, "USD", "US$100,000"), (2, "USD/order", "US$2 an order"), (-1, "USD/order", "−US$1 an order"),
        (-2.5e9, "USD", "−US$2.5 bn"), (0.06, "USD", "US$0.06"), (9.9999, "USD", "US$10"), (2.5, "USD", "US$2.50"),
        (0, "USD", "US$0"), (5.88e6, "USD/hour", "US$5.88 mn an hour"), (0.168, "%", "17%"), (0.006, "%", "0.6%"),
        (1.5054, "%", "151%"), (-0.4381, "%", "−44%"), (0.4999, "%", "50%"), (12.3456, "%", "1,235%"), (0, "%", "0%"),
        (2.42667 / 0.66, "×", "3.7×"), (2.42667 / 0.49, "×", "5.0×"), (0.168, "×", "0.17×"), (0.95, "×", "0.95×"),
        (25.4, "×", "25×"), (1247.4, "×", "1,247×"), (-1.5, "×", "−1.5×"), (1000, "order", "1,000 orders"),
        (1, "order", "1 order"), (1000 / 90, "order/day", "11.1 orders a day"),
        (500 / 30, "order/day", "16.7 orders a day"), (40, "person", "40 people"),
        (2.4e6, "seller", "2.4 mn sellers"), (12, "", "12"),
    ],
)  # fmt: skip
def test_a_calculated_number_as_a_sentence_prints_it(value, unit, text):
    assert Quantity(value, unit, "A + B").text == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5054, "%", "150.54%"), (0.0988, "%", "9.88%"), (2.28, "×", "2.28×"), (10, "×", "10×"),
        (1247, "×", "1,247×"), (-0.4381, "%", "−43.81%"), (0.004, "%", "0.4%"),
    ],
)  # fmt: skip
def test_a_published_ratio_keeps_the_digits_of_its_source(value, unit, text):
    assert fact(value, unit).bare == text


@given(st.floats(1, 9e14) | st.floats(-9e14, -1), st.sampled_from(["USD", "THB"]))
def test_a_printed_amount_is_within_half_a_per_cent(value, unit):
    text = Quantity(value, unit).text
    minus, number, scale = re.fullmatch(r"(−?)(?:US\$|THB )([\d,.]+)(?: (mn|bn|tn))?", text).groups()
    read = float(number.replace(",", "")) * {"mn": 1e6, "bn": 1e9, "tn": 1e12, None: 1}[scale]
    assert (-read if minus else read) == pytest.approx(value, rel=0.005001)


@pytest.mark.parametrize(("value", "told"), [(8613528.649, 8613530.0), (-0.1234567, -0.123457), (0.0, 0.0)])
def test_a_number_of_the_model_has_six_digits(value, told):
    assert rounded(value) == rounded(value * (1 + 1e-10)) == told


@given(st.text() | st.sampled_from(["<script>alert(1)</script>", '" onmouseover="x', "$x$ | `y` &lt; ' \\"]))
def test_html_shows_the_text_whatever_it_is_and_leads_to_its_note(hostile):
    share = fact(2.94e9, "USD", hostile) / fact(17.5e9, "USD", "A0004", hedge="about")
    for words in (None, hostile):
        whole = re.fullmatch('<span class="quantity" data-key="([0-9a-f]{12})" title="([^"<]*)">([^<]*)</span>',
                             share.html(words))  # fmt: skip
        assert (whole[1], html.unescape(whole[2])) == (share.key, share.formula)
        shown = share.text if words is None else words
        assert whole[3] == html.escape(shown).replace(" ", "&nbsp;")


def test_a_number_and_its_provenance_have_one_key():
    a, b = fact(1.0, fact_id="A0001"), fact(2.0, fact_id="P0093")
    assert [o.id for o in ((a + b) / a).origins] == ["A0001", "P0093"]
    assert (a + b).key == (a + b).key
    assert len({(a + b).key, (b + a).key, a.key, Quantity(1.0, "%").key}) == 4
    assert (Quantity(0.168, "%").in_unit, Quantity(0.3, "USD").in_unit) == (16.8, 0.3)
