"""The ramp of the launches on record, against the draws of the model and the published sizes of markets."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.launches import new_sites_gmv, plan_of_the_year, sites_online_sales
from analysis.model.ramp import online_sales, ramp

YEAR = Span.parse("2024")


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return estimates(make_report(ledger, quarter="2024Q2"))


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
        ("2024Q2", "Indonesia", "2021-04", 62e9 / 12),  # P0549: 2023, the nearest year there is
        ("2024Q3", "Vietnam", "2022-02", 22e9 / 12),  # P0576
    ],
)
def test_size_of_a_market_by_the_figure_nearest_in_time(ledger, quarter, market, month, value):
    size = online_sales(make_report(ledger, quarter=quarter), market, Span.parse(month))
    assert size.value == pytest.approx(value)
    assert size.unit == "USD/month"


def test_a_market_without_a_figure_is_its_share_of_the_region(ledger):
    """47 % (P0087) of 114.6 bn (P0082) in 2023."""
    report = make_report(replace(ledger, facts=ledger.facts.drop(index=["P0549"])), quarter="2024Q2")
    assert online_sales(report, "Indonesia", YEAR).value == pytest.approx(0.47 * 114.6e9 / 12)


def test_spain_is_as_published_once_that_is_public(ledger):
    """25,742 mn euros in the fourth quarter (P0571), public in July 2025; assumed before: 90 bn dollars a year."""
    early = make_report(ledger, quarter="2024Q2")
    plan = plan_of_the_year(early)
    assert not online_sales(early, "Spain", YEAR)
    assert sites_online_sales(early, plan).value == pytest.approx(90e9 / 12)
    late = make_report(ledger, quarter="2024Q4", as_of="2025-07-02", currency="EUR")
    assert sites_online_sales(late, plan).value == pytest.approx(25_742e6 / 3)


# Ramp -------------------------------------------------------------------------------------------------


def test_the_ramp_holds_launches_with_a_month_a_figure_and_a_size(launches):
    """The UK (2021) and Singapore (first half of 2022) have no month, the others of Southeast Asia no size."""
    assert [vintage.market for vintage in launches.vintages] == ["Indonesia", "US"]
    assert {"E003", "P0549"} <= {origin.id for origin in launches.vintages[0].origins}
    assert {"E016", "P0196"} <= {origin.id for origin in launches.vintages[1].origins}


def test_the_ramp_against_the_draws_of_the_model(mid_2024, launches):
    """Indonesia opened in April 2021, the US in September 2023."""
    indonesia, us = launches.vintages
    assert indonesia.shares[12] == pytest.approx(median(mid_2024, "Indonesia", "2022-04") / (62e9 / 12))
    assert us.shares[0] == pytest.approx(median(mid_2024, "US", "2023-09") / (264_675e6 / 3))  # P0193
    assert us.shares[9] == pytest.approx(median(mid_2024, "US", "2024-06") / (278_255e6 / 3))  # P0196
    low, middle, high = launches.spread(9)
    shares = [us.shares[9], (us.shares[9] + indonesia.shares[9]) / 2, indonesia.shares[9]]
    assert [low.value, middle.value, high.value] == pytest.approx(shares, rel=1e-5)


def test_a_closed_market_ends_and_its_reopening_is_no_launch(launches):
    """April 2021 to September 2023, the month before the closure: 9 + 12 + 9 months; the US to June 2024: 10."""
    assert [len(vintage.shares) for vintage in launches.vintages] == [30, 10]


def test_a_young_launch_goes_on_as_the_older_ones_did(launches):
    indonesia, us = launches.completed
    assert us[10] == pytest.approx(us[9] * indonesia[10] / indonesia[9])
    assert us[29] == pytest.approx(us[9] * indonesia[29] / indonesia[9])
    assert np.array_equal(indonesia, launches.vintages[0].shares)


def test_the_ramp_is_the_same_under_every_scenario(mid_2024, launches):
    banned = estimates(mid_2024.report.under("us_ban"))
    assert ramp(banned.report, banned.market) is launches


def test_without_the_size_of_any_market_there_is_no_ramp(ledger):
    sizes = ledger.facts.index[ledger.facts["platform"].isin(["All platforms", "All retail"])]
    model = estimates(make_report(replace(ledger, facts=ledger.facts.drop(index=sizes)), quarter="2024Q2"))
    assert ramp(model.report, model.market) is None
    assert not new_sites_gmv(model.report, model.market, YEAR)
