"""Attainment, run-rate and stretch; every expected number is worked out from fact ids in a comment."""

import pytest

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.pace import pace

BN = 1e9


def test_us_after_the_first_half_of_2024(report):
    us = pace(report(), "US")
    assert us.reading.span == Span.parse("2024H1")
    assert us.reached.value == pytest.approx(2.94 * BN)  # A0024: 0.49 × 6
    assert (us.target.value, us.target.formula) == (
        pytest.approx(17.5 * BN),
        "P0093",
    )  # a leak leads A0004 of the press
    assert us.gap.value == pytest.approx(14.56 * BN)  # 17.5 − 2.94
    assert us.attained.value == pytest.approx(0.168)  # 2.94 ÷ 17.5
    assert us.even.value == 0.5  # 6 of 12 months
    assert us.seasonal.value == pytest.approx(504_450 / 1_087_017)  # P0191 + P0192 of P0191 to P0194
    assert us.rest == Span.parse("2024H2")
    assert us.achieved.value == pytest.approx(0.49 * BN)
    assert us.required.value == pytest.approx(2.426667 * BN, rel=1e-6)  # 14.56 ÷ 6
    assert us.stretch.value == pytest.approx(4.952381, rel=1e-6)  # 2.426667 ÷ 0.49
    printed = [q.text for q in (us.reached, us.attained, us.even, us.required, us.stretch)]
    assert printed == ["US$2.94 bn", "16.8%", "50%", "US$2.43 bn a month", "5.0×"]


def test_world_after_the_first_half_of_2024_quotes_the_published_completion(report):
    world = pace(report(), "Global")
    assert world.target.formula == "P0541"  # 50 bn; a leak leads A0001 of the press
    assert (world.attained.text, world.attained.formula) == ("just over 30%", "A0003")
    assert world.reached.value == pytest.approx(15 * BN)  # 30 % of 50
    assert world.gap.value == pytest.approx(35 * BN)
    assert world.achieved.value == pytest.approx(2.5 * BN)  # 15 ÷ 6
    assert world.required.value == pytest.approx(35 / 6 * BN)
    assert world.stretch.value == pytest.approx(35 / 15)  # as much time left as gone: 35 to go for 15 reached
    assert world.stretch.hedge == "about"


def test_each_number_of_the_us_goes_back_to_the_same_two_figures(report):
    us = pace(report(), "US")
    for quantity in (us.gap, us.attained, us.required, us.stretch):
        assert {origin.id for origin in quantity.origins} == {"A0024", "P0093"}


def test_a_reading_that_ends_inside_a_month_counts_days(report):
    sea = pace(report("2023Q4"), "SEA")
    # P0071: 15 bn; P0543: 13 bn from 1 January to 20 December, day 354 of 365; a mean month has 30.4375 days.
    assert sea.attained.value == pytest.approx(13 / 15)
    assert sea.even.value == pytest.approx(354 / 365)
    assert sea.rest == Span.parse("2023-12-21..2023-12-31")
    assert sea.required.value == pytest.approx(2 * BN / (11 / 30.4375))
    assert sea.achieved.value == pytest.approx(13 * BN / (354 / 30.4375))
    assert sea.stretch.value == pytest.approx((2 / 11) / (13 / 354))
    assert not sea.seasonal  # the retail series has quarters only


def test_a_year_that_is_over_has_no_rest_and_needs_nothing_more(report):
    us = pace(report("2024Q4"), "US")
    assert us.reached.value == pytest.approx(9 * BN)  # P0024
    # The reading is P0024, so its own share is quoted and not the "half" of P0503.
    assert us.attained.value == pytest.approx(9 / 17.5)
    assert us.even.value == 1
    assert us.seasonal.value == pytest.approx(1)
    assert us.rest is None
    assert not us.required and not us.stretch
    assert us.required.missing == ("a part of the year still to come",)


def test_an_older_reading_leaves_the_longer_rest(report):
    us = pace(report("2024Q3"), "US")
    assert us.reading.span == Span.parse("2024H1")
    assert us.rest == Span.parse("2024H2")  # what the reading leaves, not what the quarter leaves


def test_five_months_leave_seven(report):
    us = pace(report(as_of="2024-07-15"), "US")  # P0098: less than 2.0 bn in January to May
    assert us.even.value == pytest.approx(5 / 12)
    assert us.required.value == pytest.approx(15.5 / 7 * BN)  # 17.5 − 2.0
    assert us.stretch.value == pytest.approx((15.5 / 7) / (2.0 / 5))
    assert not us.seasonal


def test_without_a_reading_only_the_target_is_known(report):
    us = pace(report("2024Q1"), "US")
    assert us.target.value == pytest.approx(17.5 * BN)
    assert us.reading is None and us.rest is None
    quantities = (us.reached, us.gap, us.attained, us.even, us.seasonal, us.achieved, us.required, us.stretch)
    assert not any(quantities)
    assert us.attained.missing == ("GMV of TikTok Shop in the US, Q1 2024",)


def test_without_a_target_only_the_sales_are_known(report):
    indonesia = pace(report(), "Indonesia")
    assert indonesia.reached.value == pytest.approx(2.76 * BN)  # A0016: 0.46 × 6
    assert indonesia.achieved.value == pytest.approx(0.46 * BN)
    assert not any((indonesia.target, indonesia.attained, indonesia.gap, indonesia.required, indonesia.stretch))


def test_a_target_already_beaten_needs_less_than_nothing(data_copy):
    data_copy.put("facts.csv", "A0024", "value", "3")  # 18 bn in six months, of 17.5
    us = pace(make_report(data_copy.read()), "US")
    assert us.attained.value == pytest.approx(18 / 17.5)
    assert us.required < 0
    assert us.required.text == "−US$83.3 mn a month"  # −0.5 bn ÷ 6
