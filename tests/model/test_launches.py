"""Plans, the ramp of the launches on record, and what it makes of planned sites, against the draws of the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model import launches
from analysis.model.estimates import estimates
from analysis.model.launches import online_sales, ramp

YEAR = Span.parse("2024")


def with_plan(ledger, fact, market, period, known_on):
    """The ledger with one more planned launch."""
    span = Span.parse(period)
    row = ledger.facts.loc["A0050"].copy()
    row[["market", "period", "span", "start", "end", "known_on"]] = market, period, span, span.start, span.end, known_on
    facts = pd.concat([ledger.facts, row.to_frame(fact).T.astype(ledger.facts.dtypes)])
    return replace(ledger, facts=facts)


def median(model, market, month):
    return np.median(model.market.draws(market, Span.parse(month)))


# Plans ------------------------------------------------------------------------------------------------


def test_the_plan_names_its_sites_and_its_month(mid_2024):
    """A0050: Spain and Ireland in October 2024."""
    (plan,) = launches.plans(mid_2024.report)
    assert plan.markets == ("Spain", "Ireland")
    assert plan.month == Span.parse("2024-10")
    assert [origin.id for origin in plan.figure.origins] == ["A0050"]
    assert launches.next_plan(mid_2024.report) == plan
    assert launches.planned_sites(mid_2024.report) == ["Spain", "Ireland"]


def test_nothing_is_planned_before_the_plan_is_public(ledger):
    report = make_report(ledger, quarter="2024Q1")
    assert launches.plans(report) == ()
    assert launches.next_plan(report) is None
    assert not launches.new_sites_gmv(report, estimates(report).market, YEAR)


def test_a_later_plan_for_the_same_sites_replaces_the_first(ledger):
    report = make_report(with_plan(ledger, "X1", "Spain, Ireland", "2024-12", "2024-08-20"), quarter="2024Q2")
    assert launches.next_plan(report).month == Span.parse("2024-12")
    assert len(launches.plans(report)) == 1


# New sites --------------------------------------------------------------------------------------------


def new_sites(model, span, scenario="base"):
    return launches.new_sites_gmv(model.report.under(scenario), model.market, Span.parse(span))


def test_months_add_up_to_the_year_and_levers_scale_it(mid_2024):
    months = [new_sites(mid_2024, month).value for month in ("2024-10", "2024-11", "2024-12")]
    assert sum(months) == pytest.approx(new_sites(mid_2024, "2024").value, rel=1e-5)
    assert new_sites(mid_2024, "2024", "europe_fast").value == pytest.approx(2.5 * sum(months), rel=1e-5)
    assert new_sites(mid_2024, "2024", "us_ban").value == pytest.approx(sum(months), rel=1e-5)


def test_before_they_open_they_sell_nothing(mid_2024):
    assert not new_sites(mid_2024, "2024-09")
    assert not new_sites(mid_2024, "2024", "europe_slow")  # three months late, in January
    # Then it is the first month at 0.4 of the middle.
    slow = new_sites(mid_2024, "2025-01", "europe_slow").value
    assert slow == pytest.approx(0.4 * new_sites(mid_2024, "2024-10").value)


def test_a_plan_that_has_passed_begins_after_the_date_of_the_report(ledger):
    """On 29 November 2024 neither site had opened."""
    model = estimates(make_report(ledger, quarter="2024Q3"))
    assert not new_sites(model, "2024-11")
    assert new_sites(model, "2024-12")


@pytest.fixture(scope="module")
def late_2024(ledger):
    """Ireland (E038) and Spain (E040) opened in December 2024; no figure of their own is public."""
    return estimates(make_report(ledger, quarter="2024Q4"))


def test_a_plan_for_other_sites_needs_no_change_of_code(ledger):
    report = make_report(with_plan(ledger, "X1", "Germany", "2025-03", "2024-08-01"), quarter="2024Q2")
    assert [plan.markets for plan in launches.plans(report)] == [("Spain", "Ireland"), ("Germany",)]
    model, march = estimates(report), Span.parse("2025-03")
    both = launches.new_sites_gmv(report, model.market, march)
    known = ramp(report, model.market)
    first, second = (launches.plan_gmv(report, known, plan, march) for plan in launches.plans(report))
    assert both.value == pytest.approx((first + second).value)
    # Germany sold 79.7 bn euros of goods online in 2023 (P0573), its ramp is in its first month.
    germany = known.middle[0] * report.convert(report.by_id("P0573"), Span.parse("2023")).value / 12
    assert second.value == pytest.approx(germany, rel=1e-5)
    assert {"X1", "A0050", "P0573"} <= {origin.id for origin in both.origins}


def test_new_sites_by_the_end_of_the_year(mid_2024):
    """Months 0 to 2 of the ramp, October to December, of the sizes that are published or assumed."""
    gmv, known = new_sites(mid_2024, "2024"), ramp(mid_2024.report, mid_2024.market)
    first = new_sites(mid_2024, "2024-10").value / known.middle[0]
    assert gmv.value == pytest.approx(known.middle[:3].sum() * first, rel=1e-4)
    assert gmv.unit == "USD" and {"A0050", "europe_ramp", "europe_delay"} <= {origin.id for origin in gmv.origins}


def test_sites_that_have_opened_are_the_market_model_s(late_2024):
    assert launches.pending(late_2024.report) == []
    assert not new_sites(late_2024, "2025")
    year = Span.parse("2025")
    for site in ("Spain", "Ireland"):
        assert 0 < late_2024.gmv(site, year).median < late_2024.gmv("UK", year).median / 5
        assert not late_2024.has_own_figure(site, year)


def test_a_scenario_changes_what_opened_sites_sell_after_the_quarter_only(late_2024):
    fast = estimates(late_2024.report.under("europe_fast"))
    for span, factor in (("2024-12", 1.0), ("2025-01", 2.5)):
        sold = [model.market.draws("Spain", Span.parse(span)) for model in (late_2024, fast)]
        np.testing.assert_allclose(sold[1], factor * sold[0])


def test_the_estimate_of_the_world_and_of_europe_includes_them(mid_2024):
    extra = new_sites(mid_2024, "2024").value
    alone = np.median(mid_2024.market.draws("Global", YEAR))
    assert mid_2024.gmv("Global", YEAR).median.value == pytest.approx(alone + extra, rel=1e-5)
    assert mid_2024.gmv("Europe", YEAR).median.value > mid_2024.gmv("UK", YEAR).median.value + 0.99 * extra


@pytest.fixture(scope="module")
def record(mid_2024):
    return ramp(mid_2024.report, mid_2024.market)


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


def by_market(record):
    return {launch.market: (number, launch) for number, launch in enumerate(record.launches)}


def test_the_ramp_holds_every_launch_with_a_figure_and_a_size(record):
    """The UK is known to the year 2021 only: it sold from its test in April on. Malaysia and others have no figure."""
    assert set(by_market(record)) == {"Indonesia", "Thailand", "Vietnam", "UK", "US"}
    assert "E016" in {origin.id for origin in by_market(record)["US"][1].origins}


def test_the_ramp_against_the_draws_of_the_model(mid_2024, record):
    found = by_market(record)
    _, us = found["US"]
    assert us.shares[0] == pytest.approx(median(mid_2024, "US", "2023-09") / (264_675e6 / 3))  # P0193
    assert us.shares[9] == pytest.approx(median(mid_2024, "US", "2024-06") / (278_255e6 / 3))  # P0196
    low, middle, high = record.spread(9)
    shares = record.completed[:, 9]
    assert [low.value, high.value] == pytest.approx([shares.min(), shares.max()], rel=1e-5)
    assert low.value < middle.value < high.value


def test_a_closed_market_ends_and_its_reopening_is_no_launch(record):
    """April 2021 to September 2023, the month before the closure: 9 + 12 + 9 months; the US to June 2024: 10."""
    found = by_market(record)
    assert [len(found[market][1].shares) for market in ("Indonesia", "US")] == [30, 10]


def test_a_young_launch_goes_on_at_the_middle_growth_of_older_ones(record):
    number, us = by_market(record)["US"]
    others = np.delete(record.completed, number, axis=0)
    growth = np.median(others[:, 10] / others[:, 9])
    assert record.completed[number, 10] == pytest.approx(us.shares[9] * growth)


def test_a_launch_of_the_region_tells_most_of_the_planned_sites(record):
    """Spain and Ireland are planned: the UK is the only launch of their region. The weights of a best linear
    prediction add up to one."""
    number, _ = by_market(record)["UK"]
    assert record.weights.sum() == pytest.approx(1) and record.weights[number] > 0.7


def test_the_ramp_is_the_same_under_every_scenario(mid_2024, record):
    banned = estimates(mid_2024.report.under("us_ban"))
    np.testing.assert_array_equal(ramp(banned.report, banned.market).completed, record.completed)


def test_without_the_size_of_any_market_there_is_no_ramp(ledger):
    sizes = ledger.facts.index[ledger.facts["platform"].isin(["All platforms", "All retail"])]
    model = estimates(make_report(replace(ledger, facts=ledger.facts.drop(index=sizes)), quarter="2024Q2"))
    assert ramp(model.report, model.market) is None
    assert not launches.new_sites_gmv(model.report, model.market, YEAR)
