"""What an order leaves a merchant: worked out by hand, and by what must hold for any terms."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.facts.quantity import Quantity, total
from analysis.model.merchant import Costs, Terms, break_even, contribution, lines, margin


def share(value: float) -> Quantity:
    return Quantity(value, "%", "s")


def money(value: float) -> Quantity:
    return Quantity(value, "USD/order", "m")


COSTS = Costs(share(0.40), share(0.15), share(0.10), money(3))
OLD, NEW = Terms("old", share(0.06), money(2)), Terms("new", share(0.08), money(-1))

shares = st.floats(0, 0.6).map(share)
amounts = st.floats(-10, 10).map(money)
costs = st.builds(Costs, shares, shares, shares, st.floats(0, 10).map(money))
terms = st.builds(Terms, st.just("terms"), shares, amounts)


def test_an_order_of_30_dollars_line_by_line():
    parts = {name: amount.value for name, amount in lines(money(30), NEW, COSTS).items()}
    # 40, 15, 10 and 8 % of 30; 3 for handling; a loss of 1 on shipping is a cost of 1.
    assert parts == pytest.approx(
        {"goods": 12, "creator": 4.5, "advertising": 3, "referral fee": 2.4, "handling": 3, "shipping": 1}
    )
    assert contribution(money(30), NEW, COSTS).value == pytest.approx(4.1)  # 30 − 25.9
    assert contribution(money(30), OLD, COSTS).value == pytest.approx(7.7)  # 30 − 12 − 4.5 − 3 − 1.8 − 3 + 2
    assert contribution(money(30), NEW, COSTS).unit == "USD/order"


def test_order_value_that_breaks_even():
    assert margin(OLD, COSTS).text == "29%"  # 100 − 40 − 15 − 10 − 6
    assert break_even(OLD, COSTS).value == pytest.approx((3 - 2) / 0.29)  # 3.45
    assert break_even(NEW, COSTS).value == pytest.approx((3 + 1) / 0.27)  # 14.81


@pytest.mark.parametrize("fee", [0.35, 0.5])
def test_where_the_shares_take_all_no_order_value_breaks_even_and_that_is_said(fee):
    even = break_even(Terms("dear", share(fee), money(5)), COSTS)
    assert not even
    assert "shares alone take all" in even.missing[0]


def test_where_shipping_pays_for_handling_any_order_leaves_something():
    assert not break_even(Terms("kind", share(0.06), money(4)), COSTS) > 0
    assert contribution(money(0.01), Terms("kind", share(0.06), money(4)), COSTS) > 0


def test_what_is_not_published_is_not_reckoned():
    unknown = Terms("unknown", Quantity.unknown("the fee"), money(1))
    assert break_even(unknown, COSTS).missing == ("the fee",)
    assert contribution(money(30), unknown, COSTS).missing == ("the fee",)


@given(st.floats(1, 500).map(money), terms, costs)
def test_the_lines_and_what_is_left_add_up_to_the_order(value, terms, costs):
    left = contribution(value, terms, costs)
    assert (total(lines(value, terms, costs).values()) + left).value == pytest.approx(value.value)


@given(terms, costs)
def test_an_order_that_breaks_even_leaves_nothing_and_a_larger_one_something(terms, costs):
    assume(abs(margin(terms, costs).value) > 1e-3)
    even = break_even(terms, costs)
    assert even.known == (margin(terms, costs).value > 0)
    if even:
        assert contribution(even, terms, costs).value == pytest.approx(0, abs=1e-6)
        assert contribution(even + money(1), terms, costs) > 0
