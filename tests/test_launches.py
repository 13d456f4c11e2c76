"""Plans, the ramp of the launches on record and what it makes of planned sites, against the draws of the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import launches
from analysis.estimates import estimates
from analysis.ledger import read_ledger
from analysis.report import make_report
from analysis.span import Span

YEAR = Span.parse("2024")


@pytest.fixture(scope="module")
def ledger():
    return read_ledger()


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return estimates(make_report(ledger, quarter="2024Q2"))


@pytest.fixture(scope="module")
def ramp(mid_2024):
    return launches.ramp(mid_2024.report, mid_2024.market)


def with_plan(ledger, fact, market, period, known_on):
    """The ledger with one more planned launch."""
    span = Span.parse(period)
    row = ledger.facts.loc["A0050"].copy()
    row[["market", "period", "span", "start", "end", "known_on"]] = market, period, span, span.start, span.end, known_on
    facts = pd.concat([ledger.facts, row.to_frame(fact).T.astype(ledger.facts.dtypes)])
    return replace(ledger, facts=facts, _rates={})


def median(model, market, month):
    return np.median(model.market.draws(market, Span.parse(month)))


# Plans ------------------------------------------------------------------------------------------------


def test_the_plan_names_its_sites_and_its_month(mid_2024):
    """A0050: Spain and Ireland in October 2024."""
    (plan,) = launches.plans(mid_2024.report)
    assert plan.markets == ("Spain", "Ireland")
    assert plan.month == Span.parse("2024-10")
    assert [origin.id for origin in plan.figure.origins] == ["A0050"]
    assert launches.planned_launch(mid_2024.report) == plan.month
    assert launches.planned_sites(mid_2024.report) == ("Spain", "Ireland")


def test_nothing_is_planned_before_the_plan_is_public(ledger):
    report = make_report(ledger, quarter="2024Q1")
    assert launches.plans(report) == []
    assert launches.planned_launch(report) is None
    assert not launches.new_sites_gmv(report, estimates(report).market, YEAR)


def test_a_plan_for_other_sites_needs_no_change_of_code(ledger):
    report = make_report(with_plan(ledger, "X1", "Germany", "2025-03", "2024-08-01"), quarter="2024Q2")
    assert [plan.sites for plan in launches.plans(report)] == ["Spain, Ireland", "Germany"]
    assert launches.planned_sites(report) == ("Spain", "Ireland", "Germany")
    model, march = estimates(report), Span.parse("2025-03")
    both = launches.new_sites_gmv(report, model.market, march)
    first = launches.plan_gmv(report, launches.ramp(report, model.market), launches.plans(report)[0], march)
    ramp = launches.ramp(report, model.market)
    # Germany sold 79.7 bn euros of goods online in 2023 (P0573), its ramp is in its first month.
    germany = np.median(ramp.completed[:, 0]) * report.convert(report.by_id("P0573"), Span.parse("2023")).value / 12
    assert (both - first).value == pytest.approx(germany)
    assert {"X1", "A0050", "P0573"} <= {origin.id for origin in both.origins}


def test_a_later_plan_for_the_same_sites_replaces_the_first(ledger):
    report = make_report(with_plan(ledger, "X1", "Spain, Ireland", "2024-12", "2024-08-20"), quarter="2024Q2")
    assert launches.planned_launch(report) == Span.parse("2024-12")
    assert len(launches.plans(report)) == 1


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
    size = launches.online_sales(make_report(ledger, quarter=quarter), market, Span.parse(month))
    assert size.value == pytest.approx(value)
    assert size.unit == "USD/month"


def test_a_market_without_a_figure_is_its_share_of_the_region(ledger):
    """47 % (P0087) of 114.6 bn (P0082) in 2023."""
    report = make_report(ledger.without(["P0549"]), quarter="2024Q2")
    assert launches.online_sales(report, "Indonesia", YEAR).value == pytest.approx(0.47 * 114.6e9 / 12)


def test_spain_is_as_published_once_that_is_public(ledger):
    """25,742 mn euros in the fourth quarter (P0571), public in July 2025; assumed before: 90 bn dollars a year."""
    early = make_report(ledger, quarter="2024Q2")
    plan = launches.plan_of_the_year(early)
    assert not launches.online_sales(early, "Spain", YEAR)
    assert launches.sites_online_sales(early, plan).value == pytest.approx(90e9 / 12)
    late = make_report(ledger, quarter="2024Q4", as_of="2025-07-02", currency="EUR")
    assert launches.sites_online_sales(late, plan).value == pytest.approx(25_742e6 / 3)


# Ramp -------------------------------------------------------------------------------------------------


def test_the_ramp_holds_launches_with_a_month_a_figure_and_a_size(ramp):
    """The UK (2021) and Singapore (first half of 2022) have no month, the others of Southeast Asia no size."""
    assert [vintage.market for vintage in ramp.vintages] == ["Indonesia", "US"]
    assert {"E003", "P0549"} <= {origin.id for origin in ramp.vintages[0].origins}
    assert {"E016", "P0196"} <= {origin.id for origin in ramp.vintages[1].origins}


def test_the_ramp_against_the_draws_of_the_model(mid_2024, ramp):
    """Indonesia opened in April 2021, the US in September 2023."""
    indonesia, us = ramp.vintages
    assert indonesia.shares[12] == pytest.approx(median(mid_2024, "Indonesia", "2022-04") / (62e9 / 12))
    assert us.shares[0] == pytest.approx(median(mid_2024, "US", "2023-09") / (264_675e6 / 3))  # P0193
    assert us.shares[9] == pytest.approx(median(mid_2024, "US", "2024-06") / (278_255e6 / 3))  # P0196
    low, middle, high = ramp.spread(9)
    assert low.value == pytest.approx(us.shares[9])
    assert high.value == pytest.approx(indonesia.shares[9])
    assert middle.value == pytest.approx((us.shares[9] + indonesia.shares[9]) / 2)


def test_a_closed_market_ends_and_its_reopening_is_no_launch(ramp):
    """April 2021 to September 2023, the month before the closure: 9 + 12 + 9 months; the US to June 2024: 10."""
    assert [len(vintage.shares) for vintage in ramp.vintages] == [30, 10]


def test_a_young_launch_goes_on_as_the_older_ones_did(ramp):
    indonesia, us = ramp.completed
    assert us[10] == pytest.approx(us[9] * indonesia[10] / indonesia[9])
    assert us[29] == pytest.approx(us[9] * indonesia[29] / indonesia[9])
    assert np.array_equal(indonesia, ramp.vintages[0].shares)


def test_the_ramp_is_the_same_under_every_scenario(mid_2024, ramp):
    banned = estimates(mid_2024.report.under("us_ban"))
    assert launches.ramp(banned.report, banned.market) is ramp


def test_without_the_size_of_any_market_there_is_no_ramp(ledger):
    sizes = ledger.facts.index[ledger.facts["platform"].isin(["All platforms", "All retail"])]
    model = estimates(make_report(ledger.without(sizes), quarter="2024Q2"))
    assert launches.ramp(model.report, model.market) is None
    assert not launches.new_sites_gmv(model.report, model.market, YEAR)


# New sites --------------------------------------------------------------------------------------------


def new_sites(model, span, scenario="base"):
    return launches.new_sites_gmv(model.report.under(scenario), model.market, Span.parse(span))


def test_new_sites_by_the_end_of_the_year(mid_2024):
    """Months 0 to 2, October to December: the mean of both launches, of 90 bn a year, which is assumed."""
    indonesia = [median(mid_2024, "Indonesia", m) / (62e9 / 12) for m in ("2021-04", "2021-05", "2021-06")]
    us_sales = (264_675e6 / 3, 317_892e6 / 3, 317_892e6 / 3)  # P0193, P0194
    us_months = zip(("2023-09", "2023-10", "2023-11"), us_sales, strict=True)
    us = [median(mid_2024, "US", month) / size for month, size in us_months]
    expected = (sum(indonesia) + sum(us)) / 2 * 90e9 / 12
    gmv = new_sites(mid_2024, "2024")
    assert gmv.value == pytest.approx(expected)
    assert gmv.unit == "USD"
    named = {origin.id for origin in gmv.origins}
    assert {"A0050", "E003", "E016", "P0549", "P0194"} <= named
    assert {"europe_ramp", "europe_delay", "new_sites_market"} <= named


def test_months_add_up_to_the_year_and_levers_scale_it(mid_2024):
    months = [new_sites(mid_2024, month).value for month in ("2024-10", "2024-11", "2024-12")]
    assert sum(months) == pytest.approx(new_sites(mid_2024, "2024").value)
    assert new_sites(mid_2024, "2024", "europe_fast").value == pytest.approx(2.5 * sum(months))
    assert new_sites(mid_2024, "2024", "us_ban").value == pytest.approx(sum(months))


def test_before_they_open_they_sell_nothing(mid_2024):
    assert not new_sites(mid_2024, "2024-09")
    assert not new_sites(mid_2024, "2024", "europe_slow")  # three months late, in January
    # Then it is the first month at 0.4 of the middle.
    slow = new_sites(mid_2024, "2025-01", "europe_slow").value
    assert slow == pytest.approx(0.4 * new_sites(mid_2024, "2024-10").value)


def test_half_a_month_counts_by_its_days(mid_2024):
    assert new_sites(mid_2024, "2024-10-01..2024-10-10").value == pytest.approx(
        10 / 31 * new_sites(mid_2024, "2024-10").value
    )


def test_a_plan_that_has_passed_begins_after_the_date_of_the_report(ledger):
    """On 29 November 2024 neither site had opened."""
    model = estimates(make_report(ledger, quarter="2024Q3"))
    assert not new_sites(model, "2024-11")
    assert new_sites(model, "2024-12")


def test_sites_that_have_opened_are_known_to_the_model(ledger):
    model = estimates(make_report(ledger, quarter="2024Q4"))
    assert not new_sites(model, "2025")
    assert model.gmv("Spain", Span.parse("2025"))


def test_the_estimate_of_the_world_and_of_europe_includes_them(mid_2024):
    extra = new_sites(mid_2024, "2024").value
    for region in ("Global", "Europe"):
        model_alone = np.median(mid_2024.market.draws(region, YEAR))
        assert mid_2024.gmv(region, YEAR).median.value == pytest.approx(model_alone + extra)
    assert mid_2024.gmv("SEA", YEAR).median.value == pytest.approx(np.median(mid_2024.market.draws("SEA", YEAR)))


def test_no_other_platform_has_them(ledger):
    model = estimates(make_report(ledger, quarter="2024Q2"), "Temu")
    assert model.gmv("Global", YEAR).median.value == pytest.approx(np.median(model.market.draws("Global", YEAR)))
