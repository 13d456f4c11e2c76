"""What a scenario does to GMV, month by month and in sums."""

from datetime import date

import pandas as pd
import pytest

from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.scenarios import ban_day, effect

MONTHS = pd.period_range("2024-05", "2025-03", freq="M")


def factors(report, market, platform="TikTok Shop"):
    return dict(zip(map(str, MONTHS), effect(report, platform)(market, MONTHS), strict=True))


def test_the_base_changes_nothing(report):
    for market in ("US", "Vietnam", "UK"):
        assert set(factors(report(), market).values()) == {1.0}


def test_a_ban_stops_us_sales_from_its_day_on(report):
    """The law of April 2024 bans from 19 January 2025 on (E044): 18 of 31 days of that month are left."""
    us = factors(report(scenario="us_ban"), "US")
    assert us["2024-12"] == 1
    assert us["2025-01"] == pytest.approx(18 / 31)
    assert us["2025-02"] == 0
    assert set(factors(report(scenario="us_ban"), "Vietnam").values()) == {1.0}


def test_the_ban_day_follows_what_is_public(report):
    assert ban_day(report("2024Q2")) == date(2025, 1, 19)  # E044, announced on 24 April 2024
    assert ban_day(report("2024Q4")) == date(2025, 4, 5)  # E051: 75 days after 20 January 2025
    assert ban_day(report("2023Q4")) == date(2024, 10, 1)  # no law yet: nine months after the quarter, as assumed


def test_a_price_war_compounds_month_by_month_after_the_quarter(report):
    us = factors(report(scenario="price_war"), "US")
    assert us["2024-06"] == 1
    assert us["2024-07"] == pytest.approx(0.97)
    assert us["2025-03"] == pytest.approx(0.97**9)


@pytest.mark.parametrize("quarter", ["2024Q2", "2024Q4"])
def test_what_was_sold_up_to_the_quarter_is_the_same_in_every_scenario(report, quarter):
    base = estimates(report(quarter)).gmv("Global", report(quarter).quarter.to_date).median.value
    for scenario in report().ledger.assumptions.scenarios:
        found = estimates(report(quarter, scenario=scenario)).gmv("Global", report(quarter).quarter.to_date)
        assert found.median.value == pytest.approx(base, rel=1e-12)


def test_a_ban_costs_what_the_us_would_have_sold_after_it(report):
    """Worked out from the base's own months of the US: 13 of 31 days of January, then all of February to June 2025."""
    base, ban = report(), report(scenario="us_ban")
    model = estimates(base)
    lost = model.gmv("US", Span.parse("2025-01")).median.value * 13 / 31
    lost += sum(model.gmv("US", Span.parse(f"2025-0{month}")).median.value for month in range(2, 7))
    found = estimates(base).gmv("US", base.horizon).median.value - estimates(ban).gmv("US", base.horizon).median.value
    assert found == pytest.approx(lost, rel=0.06)  # a median of sums is not the sum of medians


def test_an_estimate_in_a_scenario_names_it_and_its_assumption(report):
    band = estimates(report(scenario="us_ban")).gmv("Global", report().horizon)
    assert "in the scenario “US ban”" in band.median.formula
    assert "us_ban_loss_high" in {origin.id for origin in band.median.origins}
    quarter = estimates(report(scenario="us_ban")).gmv("Global", report().quarter)
    assert "scenario" not in quarter.median.formula
