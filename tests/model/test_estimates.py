"""The market model's answers as quantities: their provenance, currency and silence."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.launches import new_sites_gmv
from analysis.model.market import fit
from analysis.model.observations import observe

YEAR = Span.parse("2024")


@pytest.fixture
def model(mid_2024):
    return mid_2024


def test_a_band_is_in_order_and_leads_back_to_facts_of_the_view(model):
    band = model.gmv("US", YEAR)
    assert 0 < band.low.value < band.median.value < band.high.value
    facts = [origin.id for origin in band.median.origins]
    assert facts
    assert set(facts) <= set(model.report.ledger.facts.index)
    assert "median of GMV of TikTok Shop in the US, 2024" in band.median.formula


def test_an_estimate_in_euros_is_the_dollar_estimate_at_the_year_s_rate(ledger, model):
    euros = estimates(make_report(ledger, quarter="2024Q2", currency="EUR")).gmv("US", YEAR)
    rate = model.report.ledger.rate("EUR", YEAR).value
    assert euros.median.value == pytest.approx(model.gmv("US", YEAR).median.value * rate)
    assert euros.median.unit == "EUR"


def test_the_chance_is_the_share_of_draws_that_reach_the_target(model):
    target = model.report.fact("Global", "gmv_target", YEAR)
    draws = model.market.draws("Global", YEAR)
    planned = new_sites_gmv(model.report, model.market, YEAR).value  # the model itself knows no site before its launch
    assert model.chance("Global", target).value == pytest.approx((draws + planned >= 50e9).mean())
    assert planned > 0


def test_required_growth_carries_the_last_month_to_the_target(model):
    """Draw by draw: the months left, each grown by the answer, bring what is missing."""
    target = model.report.fact("US", "gmv_target", YEAR)
    draws = model.market.draws("US", Span.parse("2024H1"))
    june = model.market.draws("US", Span.parse("2024-06"))
    needed = (17.5e9 - draws) / june
    growth = model.required_growth("US", target).median.value
    brought = sum((1 + growth) ** month for month in range(1, 7))
    assert brought == pytest.approx(np.median(needed), rel=0.01)


@pytest.mark.parametrize("platform", ["ShopTokopedia Mall", "TikTok"])
def test_a_platform_without_figures_has_no_estimate(model, platform):
    nothing = estimates(model.report, platform)
    assert not nothing.gmv("US", YEAR)
    assert not nothing.chance("US", Quantity(1e9, "USD"))
    assert not nothing.required_growth("US", Quantity(1e9, "USD")).median


def test_without_a_fact_the_model_says_what_a_ledger_without_it_says(model):
    """P0097 is a day of the US in December 2023, 14 mn."""
    report = model.report
    other = fit(
        observe(replace(report.ledger, facts=report.ledger.facts.drop(index=["P0097"])), report.platform),
        report.horizon.end,
    ).total_at_mode("Global", YEAR)
    without = model.without(["P0097"])
    assert without.market.total_at_mode("Global", YEAR) == pytest.approx(other, rel=1e-6)
    assert "P0097" not in without.market.facts.index
    assert without.market.total_at_mode("Global", YEAR) != pytest.approx(model.market.total_at_mode("Global", YEAR))


@pytest.mark.parametrize("span", ["2023", "2024", "2024Q4"])
def test_a_table_by_market_names_every_market_and_adds_up(model, span):
    span = Span.parse(span)
    parts, world = model.parts(span), model.gmv("Global", span).median.value
    assert sum(band.median.value for band in parts["band"]) == pytest.approx(world, rel=0.001)
    named = {"US", "Indonesia", "Thailand", "Vietnam", "Philippines", "Malaysia", "Singapore", "UK"}
    assert named <= set(parts["market"]) and "Rest of the world" not in set(parts["market"])
    asia = sum(model.gmv(market, span).median.value for market in named - {"US", "UK"})
    assert model.gmv("SEA", span).median.value == pytest.approx(asia, rel=0.02)
    for band in parts["band"]:
        assert band.low.value <= band.median.value <= band.high.value


def test_no_market_without_a_figure_has_more_than_its_size_supports(model):
    """As of 29 August 2024: of each dollar spent online, no more in Malaysia, the Philippines and Singapore than twice
    what Thailand, Vietnam and Indonesia have in the middle."""
    sizes = {"Indonesia": 62, "Thailand": 22, "Vietnam": 16, "Philippines": 16, "Malaysia": 13, "Singapore": 8}
    shares = {market: model.gmv(market, YEAR).median.value / size for market, size in sizes.items()}
    middle = np.median([shares[market] for market in ("Indonesia", "Thailand", "Vietnam")])
    assert all(shares[market] < 1.5 * middle for market in ("Philippines", "Malaysia", "Singapore"))


def test_a_model_is_fitted_again_only_if_what_it_reads_has_changed(ledger, model):
    titled = ledger.sources.assign(title="Another title")
    counted = ledger.facts.copy()
    counted.loc["A0025", "number"] *= 1.2  # the US in June 2024
    other, changed = (replace(ledger, **view) for view in ({"sources": titled}, {"facts": counted}))
    same, fresh = (estimates(make_report(view, quarter="2024Q2")) for view in (other, changed))
    assert same.market is model.market
    assert fresh.market is not model.market
    cited = same.gmv("Europe", YEAR).median.origins  # the ramp of planned sites, with its launches
    assert {origin.source.partition("” (")[0] for origin in cited if origin.source} == {"“Another title"}
