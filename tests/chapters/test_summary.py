"""The summary: its bridge, what would turn its verdict, and what changed since the report before."""

import re

import numpy as np
import pytest

from analysis.chapters import summary
from analysis.facts.span import Span
from analysis.model.estimates import estimates

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_bridge_adds_up_from_the_markets_to_the_world_to_the_target(report, quarter):
    parts = summary.review(report(quarter)).parts
    totals = parts[parts["total"]]
    world, target = (row.value.value for row in totals.itertuples())
    markets = parts.loc[: totals.index[0] - 1, "value"].map(lambda q: q.value)
    assert markets.sum() == pytest.approx(world)
    missing = parts.loc[totals.index[0] + 1, "value"].value
    assert world + missing == pytest.approx(target)


@pytest.mark.parametrize("market", ["Global", "US"])
def test_at_the_tipping_point_about_half_of_the_simulated_years_reach_the_target(report, market):
    """A second method: of the draws whose next quarter lies near the point, the share that reaches the target.

    For the US no draw may come near 17.5 bn (A0004); then the point lies above nearly all of them.
    """
    view = report("2024Q2")
    found = summary.review(view)
    tipping, target = {"Global": (found.tipping, 50e9), "US": (found.us_tipping, 17.5e9)}[market]
    assert tipping.span == Span.parse("2024Q3")
    model = estimates(view).market
    quarter, year = (model.draws(market, span) for span in (tipping.span, view.year))
    near = np.abs(np.log(quarter / tipping.needed.value)) < 0.05
    if near.sum() >= 50:
        assert 0.3 < (year[near] >= target).mean() < 0.7
    else:
        assert (quarter >= tipping.needed.value).mean() < 0.05
        assert (year >= target).mean() < 0.05


def test_a_needed_figure_is_placed_in_its_band(report):
    found = summary.review(report("2024Q2"))
    for tipping, told in zip((found.tipping, found.us_tipping), found.mind_sentences, strict=False):
        low, high = tipping.expected.low.value, tipping.expected.high.value
        words = "above" if tipping.needed.value > high else "below" if tipping.needed.value < low else "within"
        assert f"we expect, {words} the band of {tipping.expected.low.text} to" in told.text


def test_a_year_that_is_over_turns_only_with_its_figure(report):
    """33.2 bn (P0025) of 50 bn (P0541): 50 / 33.2 = 1.506 too low."""
    (told,) = summary.review(report("2024Q4")).mind_sentences
    assert "US$33.2 bn is too low by 50.6%" in told.text


def test_a_year_that_ended_level_with_its_target_is_told_as_close(report):
    """2023: about 20 bn (P0091) of about 20 bn."""
    (told,) = summary.review(report("2023Q4")).mind_sentences
    assert "any revision" in told.text


def test_dates_to_watch_lie_ahead(report):
    texts = {q: " ".join(s.text for s in summary.review(report(q)).mind_sentences) for q in ("2024Q1", "2024Q2")}
    assert "planned for October 2024" in texts["2024Q2"]  # A0050
    assert "19 January 2025" in texts["2024Q2"]  # E044
    assert "October 2024" not in texts["2024Q1"]  # the plan became public on 23 July 2024 (E030)


def test_another_scenario_says_so_first(report):
    found = summary.review(report("2024Q2", scenario="price_war"))
    assert found.sentences[0].text.startswith("This report assumes the scenario “Price war”")
    base = summary.review(report("2024Q2"))
    assert not base.sentences[0]
    assert found.expected.median.value < base.expected.median.value


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_opening_is_short(report, quarter):
    told = [sentence for sentence in summary.review(report(quarter)).sentences if sentence]
    assert 1 <= len(told) <= 5
    assert all(re.search(r"[.!]$", sentence.text) for sentence in told)
