"""The US chapter: its numbers by hand from the facts, its words in worlds that turned out otherwise."""

from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
from worlds import said, shown, table, with_values, without

from analysis.facts.report import make_report
from analysis.story.chapter import Chapter


def chapter(ledger, quarter="2024Q2", **parameters) -> Chapter:
    return Chapter("united_states", make_report(ledger, quarter=quarter, **parameters))


def told(ledger, section, quarter="2024Q2", **parameters) -> str:
    return said(chapter(ledger, quarter, **parameters), section)


# Numbers, each worked out from the printed figures ----------------------------------------------------


def test_progress_is_told_on_the_estimate(ledger):
    us = chapter(ledger).names("opening")["us"]
    assert us.target.value == 17.5e9
    assert us.attained.value == pytest.approx(us.reached.median.value / 17.5e9)
    assert us.required.value == pytest.approx((17.5e9 - us.reached.median.value) / 6)
    assert us.stretch.value == pytest.approx(us.required.value / (us.reached.median.value / 6))
    assert us.published.gmv.value == pytest.approx(0.49e9 * 6)  # A0024


def test_the_steady_path_meets_the_target(ledger):
    names = chapter(ledger).names("months")
    path = names["path"].set_index("span")
    steady = [quantity.value for quantity in path["asked"] if quantity]
    assert len(steady) == 7  # June, where it starts, and the six months that are left
    assert all(b / a == pytest.approx(1 + names["us"].growth.median.value) for a, b in pairwise(steady))
    assert sum(steady[1:]) == pytest.approx(names["us"].gap.value, rel=0.03)
    assert [q.text for q in path["published"] if q] == ["US$660 mn"]  # A0025


def test_a_year_that_is_over_is_held_against_the_target_in_even_parts(ledger):
    path = chapter(ledger, "2024Q4").names("months")["path"]
    assert {quantity.value for quantity in path["asked"]} == {17.5e9 / 12}
    assert not path["ahead"].any()


def test_a_bound_is_no_mark_on_the_path(ledger):
    facts = ledger.facts.copy()
    facts.loc["A0025", "qualifier"] = "more than"
    bounded = chapter(replace(ledger, facts=facts))
    assert not any(bounded.names("months")["path"]["published"])


def test_streams(ledger):
    names = chapter(ledger).names("streams")
    assert (names["first"].gmv.value, names["record"].gmv.value) == (665_000, 1_048_100)  # A0029, A0030
    assert names["daily"].value == pytest.approx(1_048_100 * 184)  # July to December
    assert names["of_gap"].value == pytest.approx(1_048_100 * 184 / names["us"].gap.value)


def test_an_order(ledger):
    small, *_, large = chapter(ledger).names("orders")["orders"].itertuples()
    assert small.value.value == 30 and large.value.value == 100
    assert small.before.value == pytest.approx(30 * (1 - 0.40 - 0.15 - 0.10 - 0.06) + 2 - 3)  # 7.70
    assert small.after.value == pytest.approx(30 * (1 - 0.40 - 0.15 - 0.10 - 0.08) - 1 - 3)  # 4.10
    assert small.cut.value == pytest.approx(1 - 4.10 / 7.70)
    assert large.cut.value == pytest.approx(1 - 23 / 28)
    assert small.low.value == pytest.approx(30 * (1 - 0.50 - 0.20 - 0.15 - 0.08) - 1 - 4)
    assert small.high.value == pytest.approx(30 * (1 - 0.30 - 0.10 - 0.05 - 0.08) - 1 - 2)
    assert chapter(ledger).names("orders")["even"].value == pytest.approx(5 / 0.07)  # 71.43


def test_the_lines_of_an_order_add_up(ledger):
    lines = table(chapter(ledger), "us_order")
    for terms in ("Old terms", "New terms"):
        *costs, shipping, left = [cell.value for cell in lines[terms]]
        assert left == pytest.approx(30 - sum(costs) + shipping)


def test_orders_begin_where_shipping_is_free(ledger):
    dearer = with_values(ledger, P0126=60)
    assert [o.value for o in chapter(dearer, "2024Q3").names("orders")["orders"]["value"]] == [60, 80, 100]


def test_prizes(ledger):
    names = chapter(ledger).names("prizes")
    assert (names["contest"].value, names["ranking"].value) == (5 * 6000, 50 * 3000)
    assert names["share"].value == pytest.approx(0.06)
    assert names["income"].value == pytest.approx(0.02 * chapter(ledger).names("months")["latest"].median.value)


# Words --------------------------------------------------------------------------------------------------


def test_a_quarter_of_which_little_was_known_has_no_empty_sections(ledger):
    things = shown(chapter(ledger, "2024Q1"))
    assert not any(things[section] for section in ("streams", "rules", "orders", "prizes"))


def test_only_the_limit_on_bad_reviews_tightened(ledger):
    rules = table(chapter(ledger), "us_new_shop_rules")
    assert [str(cell) for cell in rules["It got"]] == ["easier", "easier", "harder"]
    other = with_values(ledger, A0037=2000, P0118=2000)
    assert [str(cell) for cell in table(chapter(other), "us_new_shop_rules")["It got"]] == [
        "harder",
        "easier",
        "harder",
    ]
    assert "6 orders" in told(ledger, "rules")


def test_the_fee_turns_with_its_steps(ledger):
    assert "was 6% from April 2024 on and has been 8% since July 2024" in told(ledger, "orders")
    assert "has been 8% since July 2024" in told(without(ledger, "P0113"), "orders")
    assert "referral fee" not in told(without(ledger, "P0113", "P0114"), "orders")
    assert "less than the 8%" in told(ledger, "prizes")
    assert "more than the 4%" in told(with_values(ledger, P0114=0.04), "prizes")


def test_a_loss_is_called_one(ledger):
    worse = with_values(ledger, A0042=-8)
    assert "leaves its seller a loss of US$2.90" in told(worse, "opening")
    assert "into a loss of US$8" in told(worse, "orders")
    assert "−" not in told(worse, "orders")


def test_the_target_missed_beaten_and_absent(ledger):
    assert "missed its US$17.5 bn target" in told(ledger, "opening", "2024Q4")
    assert "short of its target" in told(ledger, "streams", "2024Q4")
    low = with_values(ledger, A0004=2e9, P0093=2e9)
    assert "beat its US$2 bn target" in told(low, "opening", "2024Q4")
    assert "reached its US$2 bn target for 2024 ahead of time" in told(low, "opening")
    assert "target" not in told(low, "streams")
    for quarter in ("2024Q2", "2024Q4"):
        no_target = without(ledger, "A0004", "P0093")
        assert "no target for 2024 is in our data" in told(no_target, "opening", quarter)
        assert "target" not in told(no_target, "months", quarter)


def test_a_scenario_is_named_where_it_is_assumed(ledger):
    assert "If the rival takes growth away in the US, all published figures" in told(
        ledger, "opening", scenario="price_war"
    )
    assert "If" not in told(ledger, "opening", "2024Q4", scenario="price_war")


def test_another_currency(ledger):
    words = told(ledger, "orders", currency="CNY")
    assert "CN¥" in words and "US$" not in words


def test_a_multiple_and_a_denial_belong_to_the_target_that_stood(ledger):
    """Bloomberg's 17.5 bn were ten times the year before, and TikTok disputed them; a later target is neither."""
    before = told(ledger, "months")
    assert "as 10× the GMV of the year before; TikTok disputed it" in before
    row = ledger.facts.loc["A0004"].copy()
    row[["value", "number", "basis", "known_on"]] = "25", 25e9, "company", "2024-08-20"
    later = replace(ledger, facts=pd.concat([row.to_frame("X0001").T.astype(ledger.facts.dtypes), ledger.facts]))
    text = told(later, "months") + told(later, "opening")
    assert "US$25 bn" in text and "10×" not in text and "disputed" not in text
