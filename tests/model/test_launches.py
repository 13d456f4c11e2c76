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


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return estimates(make_report(ledger, quarter="2024Q2"))


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


def test_a_plan_for_other_sites_needs_no_change_of_code(ledger):
    report = make_report(with_plan(ledger, "X1", "Germany", "2025-03", "2024-08-01"), quarter="2024Q2")
    assert [plan.sites for plan in launches.plans(report)] == ["Spain, Ireland", "Germany"]
    assert launches.planned_sites(report) == ("Spain", "Ireland", "Germany")
    model, march = estimates(report), Span.parse("2025-03")
    both = launches.new_sites_gmv(report, model.market, march)
    known = ramp(report, model.market)
    first = launches.plan_gmv(report, known, launches.plans(report)[0], march)
    # Germany sold 79.7 bn euros of goods online in 2023 (P0573), its ramp is in its first month.
    germany = np.median(known.completed[:, 0]) * report.convert(report.by_id("P0573"), Span.parse("2023")).value / 12
    assert (both - first).value == pytest.approx(germany)
    assert {"X1", "A0050", "P0573"} <= {origin.id for origin in both.origins}


def test_a_later_plan_for_the_same_sites_replaces_the_first(ledger):
    report = make_report(with_plan(ledger, "X1", "Spain, Ireland", "2024-12", "2024-08-20"), quarter="2024Q2")
    assert launches.planned_launch(report) == Span.parse("2024-12")
    assert len(launches.plans(report)) == 1


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
    assert gmv.value == pytest.approx(expected, rel=1e-5)
    assert gmv.unit == "USD"
    named = {origin.id for origin in gmv.origins}
    assert {"A0050", "E003", "E016", "P0549", "P0194"} <= named
    assert {"europe_ramp", "europe_delay", "new_sites_market"} <= named


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


def test_half_a_month_counts_by_its_days(mid_2024):
    assert new_sites(mid_2024, "2024-10-01..2024-10-10").value == pytest.approx(
        10 / 31 * new_sites(mid_2024, "2024-10").value
    )


def test_a_plan_that_has_passed_begins_after_the_date_of_the_report(ledger):
    """On 29 November 2024 neither site had opened."""
    model = estimates(make_report(ledger, quarter="2024Q3"))
    assert not new_sites(model, "2024-11")
    assert new_sites(model, "2024-12")


@pytest.fixture(scope="module")
def late_2024(ledger):
    """Ireland (E038) and Spain (E040) opened in December 2024; no figure of their own is public."""
    return estimates(make_report(ledger, quarter="2024Q4"))


def test_sites_that_have_opened_are_told_by_the_ramp_until_a_figure_of_their_own(late_2024):
    """Twelve months of 2025 are those after the first, December, of a market of 90 bn a year, which is assumed."""
    middle = np.median(ramp(late_2024.report, late_2024.market).completed, axis=0)
    gmv = new_sites(late_2024, "2025")
    assert gmv.value == pytest.approx(middle[1:13].sum() * 90e9 / 12, rel=1e-5)
    assert "E038" in {origin.id for origin in gmv.origins}
    assert "europe_delay" not in {origin.id for origin in gmv.origins}


def test_the_model_counts_no_site_that_the_ramp_tells(late_2024):
    span = Span.parse("2025")
    uk = late_2024.market.draws("UK", span)
    europe = late_2024.gmv("Europe", span)
    assert europe.median.value == pytest.approx(np.median(uk) + new_sites(late_2024, "2025").value)
    for site in ("Spain", "Ireland", "Spain, Ireland"):
        assert not late_2024.gmv(site, span)


def test_a_scenario_changes_what_opened_sites_sell_after_the_quarter_only(late_2024):
    base, fast = (new_sites(late_2024, "2024-12..2025-01", scenario).value for scenario in ("base", "europe_fast"))
    december, january = (new_sites(late_2024, month).value for month in ("2024-12", "2025-01"))
    assert base == pytest.approx(december + january)
    assert fast == pytest.approx(december + 2.5 * january)


def test_a_figure_of_its_own_hands_a_site_over_to_the_model(ledger):
    """20 million dollars of Spain in December 2024, which nobody published."""
    row = ledger.facts.loc["P0013"].copy()
    span = Span.parse("2024-12")
    row[["market", "period", "span", "start", "end"]] = "Spain", "2024-12", span, span.start, span.end
    row[["value", "number", "unit", "of"]] = "20", 20e6, "USD mn", "USD"
    facts = pd.concat([ledger.facts, row.to_frame("X1").T.astype(ledger.facts.dtypes)])
    model = estimates(make_report(replace(ledger, facts=facts), quarter="2024Q4"))
    assert launches.told_by_ramp(model.report, model.market) == []
    assert not new_sites(model, "2025")
    assert model.gmv("Spain", span).low.value < 20e6 < model.gmv("Spain", span).high.value


def test_the_estimate_of_the_world_and_of_europe_includes_them(mid_2024):
    extra = new_sites(mid_2024, "2024").value
    for region in ("Global", "Europe"):
        model_alone = np.median(mid_2024.market.draws(region, YEAR))
        assert mid_2024.gmv(region, YEAR).median.value == pytest.approx(model_alone + extra, rel=1e-5)
    assert mid_2024.gmv("SEA", YEAR).median.value == pytest.approx(np.median(mid_2024.market.draws("SEA", YEAR)))


def test_no_other_platform_has_them(ledger):
    model = estimates(make_report(ledger, quarter="2024Q2"), "Temu")
    assert model.gmv("Global", YEAR).median.value == pytest.approx(np.median(model.market.draws("Global", YEAR)))
