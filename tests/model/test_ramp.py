"""The ramp of the launches on record, against the draws of the model and the published sizes of markets."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.launches import new_sites_gmv
from analysis.model.ramp import online_sales, ramp

YEAR = Span.parse("2024")


@pytest.fixture(scope="module")
def launches(mid_2024):
    return ramp(mid_2024.report, mid_2024.market)


def median(model, market, month):
    return np.median(model.market.draws(market, Span.parse(month)))


# Size of a market ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quarter", "market", "month", "value"),
    [
        ("2024Q2", "US", "2024-05", 278_255e6 / 3),  # P0196: the second quarter, by the Census Bureau
        ("2024Q2", "US", "2023-11", 317_892e6 / 3),  # P0194: the fourth quarter of 2023
        ("2024Q2", "Indonesia", "2021-04", 48e9 / 12),  # Q0371: 2021, restated in November 2023
        ("2024Q3", "Vietnam", "2022-02", 15e9 / 12),  # Q0411: 2022, restated in November 2024
    ],
)
def test_size_of_a_market_by_the_figure_nearest_in_time(ledger, quarter, market, month, value):
    size = online_sales(make_report(ledger, quarter=quarter), market, Span.parse(month))
    assert size.value == pytest.approx(value)
    assert size.unit == "USD/month"


# Ramp -------------------------------------------------------------------------------------------------


def by_market(launches):
    return {vintage.market: (number, vintage) for number, vintage in enumerate(launches.vintages)}


def test_the_ramp_holds_every_launch_with_a_figure_and_a_size(launches):
    """The UK is known to the year 2021 only: it sold from its test in April on. Malaysia and others have no figure."""
    assert set(by_market(launches)) == {"Indonesia", "Thailand", "Vietnam", "UK", "US"}
    assert "E016" in {origin.id for origin in by_market(launches)["US"][1].origins}


def test_the_ramp_against_the_draws_of_the_model(mid_2024, launches):
    found = by_market(launches)
    _, us = found["US"]
    assert us.shares[0] == pytest.approx(median(mid_2024, "US", "2023-09") / (264_675e6 / 3))  # P0193
    assert us.shares[9] == pytest.approx(median(mid_2024, "US", "2024-06") / (278_255e6 / 3))  # P0196
    low, middle, high = launches.spread(9)
    shares = launches.completed[:, 9]
    assert [low.value, high.value] == pytest.approx([shares.min(), shares.max()], rel=1e-5)
    assert low.value < middle.value < high.value


def test_a_closed_market_ends_and_its_reopening_is_no_launch(launches):
    """April 2021 to September 2023, the month before the closure: 9 + 12 + 9 months; the US to June 2024: 10."""
    found = by_market(launches)
    assert [len(found[market][1].shares) for market in ("Indonesia", "US")] == [30, 10]


def test_a_young_launch_goes_on_at_the_middle_growth_of_older_ones(launches):
    number, us = by_market(launches)["US"]
    others = np.delete(launches.completed, number, axis=0)
    growth = np.median(others[:, 10] / others[:, 9])
    assert launches.completed[number, 10] == pytest.approx(us.shares[9] * growth)


def test_a_launch_of_the_region_tells_most_of_the_planned_sites(launches):
    """Spain and Ireland are planned: the UK is the only launch of their region. The weights of a best linear
    prediction add up to one."""
    number, _ = by_market(launches)["UK"]
    assert launches.weights.sum() == pytest.approx(1) and launches.weights[number] > 0.7


def test_the_ramp_is_the_same_under_every_scenario(mid_2024, launches):
    banned = estimates(mid_2024.report.under("us_ban"))
    np.testing.assert_array_equal(ramp(banned.report, banned.market).completed, launches.completed)


def test_without_the_size_of_any_market_there_is_no_ramp(ledger):
    sizes = ledger.facts.index[ledger.facts["platform"].isin(["All platforms", "All retail"])]
    model = estimates(make_report(replace(ledger, facts=ledger.facts.drop(index=sizes)), quarter="2024Q2"))
    assert ramp(model.report, model.market) is None
    assert not new_sites_gmv(model.report, model.market, YEAR)
