"""Plans, and what the ramp makes of the sites that they name, against the draws of the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model import launches
from analysis.model.estimates import estimates
from analysis.model.ramp import ramp

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
    assert launches.planned_launch(mid_2024.report) == plan.month
    assert launches.planned_sites(mid_2024.report) == ("Spain", "Ireland")


def test_nothing_is_planned_before_the_plan_is_public(ledger):
    report = make_report(ledger, quarter="2024Q1")
    assert launches.plans(report) == ()
    assert launches.planned_launch(report) is None
    assert not launches.new_sites_gmv(report, estimates(report).market, YEAR)


def test_a_later_plan_for_the_same_sites_replaces_the_first(ledger):
    report = make_report(with_plan(ledger, "X1", "Spain, Ireland", "2024-12", "2024-08-20"), quarter="2024Q2")
    assert launches.planned_launch(report) == Span.parse("2024-12")
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
    assert launches.told_by_ramp(late_2024.report, late_2024.market) == []
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
