"""What the shipped figures, and a few made ones, say to the market model."""

import random
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.facts.ledger import Ledger
from analysis.facts.span import Span
from analysis.model.market import REST, Observations, fit
from analysis.model.observations import observe, read_facts


@pytest.fixture(scope="module")
def seen(ledger) -> Observations:
    return observe(ledger, "TikTok Shop")


def with_fact(ledger: Ledger, like: str, **cells) -> Ledger:
    """The ledger with one more fact, `made`, like another but for some cells."""
    fact = ledger.facts.loc[like].copy()
    for name, value in cells.items():
        fact[name] = value
    if "period" in cells:
        fact["span"] = Span.parse(cells["period"])
        fact["start"], fact["end"] = fact["span"].start, fact["span"].end
    return replace(ledger, facts=pd.concat([ledger.facts, fact.to_frame("made").T]))


def test_amounts_are_dollars_of_the_whole_period(ledger, seen):
    value = np.exp(seen.facts["log_value"])
    assert value["P0024"] == pytest.approx(9.0e9)  # 9.0 bn of 2024
    assert value["A0024"] == pytest.approx(6 * 0.49e9)  # a month of 2024H1
    assert value["P0097"] == pytest.approx(31 * 14e6)  # a day of December 2023
    assert value["A0020"] == pytest.approx(16e9 / ledger.rate("THB", Span.parse("2024-05")).value)
    assert value["P0099"] == pytest.approx(0.11 * 17.5e9)  # 11 % of the target of 17.5 bn
    assert value["P0468"] == pytest.approx(0.29 * 318.9e12 / ledger.rate("VND", Span.parse("2024")).value)  # of P0466


def test_a_share_is_one_of_the_market_as_it_stood(ledger):
    """P0468 is a share of the 318.9 tn dong of P0466; the market, restated since, leaves what was sold alone."""
    before = read_facts(ledger, "TikTok Shop").loc["P0468", "log_value"]
    for value in (100.0, 900.0):
        restated = with_fact(ledger, "P0466", value=str(value), number=value * 1e12, known_on="2025-11-01")
        leading = ["made", *ledger.facts.index]
        restated = replace(restated, facts=restated.facts.loc[leading].astype(ledger.facts.dtypes))
        assert read_facts(restated, "TikTok Shop").loc["P0468", "log_value"] == before


def test_repeated_counts_are_left_out_and_who_counted_is_named(ledger, seen):
    """P0085 is the share of Momentum Works' market that its P0069 makes; P0481 and P0025 are digests of one report."""
    assert "P0069" in seen.facts.index and "P0085" not in seen.facts.index
    assert len({"P0481", "P0025"} & set(seen.facts.index)) == 1
    assert seen.facts.loc["P0069", ["counter", "basis"]].tolist() == ["Momentum Works", "tracker"]
    unnamed = ledger.facts.index[ledger.facts["counter"].isin(["", "unstated"])].intersection(seen.facts.index)
    assert (seen.facts.loc[unnamed, "counter"] == ledger.facts.loc[unnamed, "source"]).all()  # the page itself
    assert not {"P0073", "P0168", "Q0272"} & set(seen.facts.index)  # withdrawn


def test_markets_have_the_sizes_of_one_survey(ledger):
    """e-Conomy SEA of November 2023, as of August 2024; US dollars a day."""
    places = observe(ledger.known_by(date(2024, 8, 29)), "TikTok Shop").places
    sizes = {"Indonesia": 62, "Thailand": 22, "Vietnam": 16, "Philippines": 16, "Malaysia": 13, "Singapore": 8}
    for market, size in sizes.items():
        assert places.loc[market, "size"] == pytest.approx(size * 1e9 / 365)
    assert places.loc["UK", "size"] * 365 == pytest.approx(160e9, rel=0.15)  # the official weekly series


def test_launches_of_other_platforms_tell_the_ramp(ledger):
    views = (ledger.known_by(day) for day in (date(2022, 6, 1), date(2024, 8, 29)))
    exponents = [observe(view, "TikTok Shop").ramp_exponent for view in views]
    assert exponents[0] == 2.5 and 1 < exponents[1] < 4 and exponents[1] != 2.5


def test_ratios_name_what_they_are_a_ratio_to(seen):
    share, yoy, mom = (seen.facts.loc[i] for i in ("P0035", "P0506", "A0022"))
    base = ["base_market", "base_start", "base_end"]
    assert share[base].tolist() == ["Global", date(2024, 10, 1), date(2024, 12, 31)]
    assert yoy[base].tolist() == ["UK", date(2023, 1, 1), date(2023, 12, 31)]
    assert np.exp(yoy["log_value"]) == pytest.approx(2.8)  # +180 %
    assert (mom["base_start"], mom["base_end"]) == (date(2024, 4, 1), date(2024, 4, 30))
    assert np.exp(mom["log_value"]) == pytest.approx(1.0988)  # +9.88 %


def test_forecasts_targets_rules_and_single_livestreams_are_no_observations(ledger, seen):
    used = ledger.facts.loc[seen.facts.index]
    assert (used["known_on"] >= used["end"].astype(str)).all()
    assert set(used["kind"]) <= {"actual", "estimate"}
    assert "single_livestream_gmv" not in set(used["metric"])
    assert "P0497" not in seen.facts.index  # the share for 2023 as it was projected in August 2023


@pytest.mark.parametrize("value", [0.0, -1e9])
def test_a_value_without_logarithm_is_left_out(ledger, value):
    assert "made" not in observe(with_fact(ledger, "P0024", number=value), "TikTok Shop").facts.index


def test_indonesia_is_closed_from_the_evening_of_4_october_to_december_2023(seen):
    spans = seen.calendar[seen.calendar["market"] == "Indonesia"]
    assert spans["end"].iloc[0] == date(2023, 10, 4)
    assert date(2023, 12, 11) <= spans["start"].iloc[1] <= date(2023, 12, 12)
    assert pd.isna(spans["end"].iloc[1])


def test_a_closed_market_stays_closed_while_its_reopening_is_not_known(ledger):
    calendar = observe(ledger.known_by(date(2023, 11, 30)), "TikTok Shop").calendar
    assert (calendar["market"] == "Indonesia").sum() == 1


def test_a_market_opens_with_its_first_test_its_launch_or_else_its_first_fact(ledger, seen):
    first = seen.calendar.groupby("market")["start"].first()
    assert first["US"] <= date(2023, 7, 1)  # sold 0.7 mn a day before the full launch in September 2023
    assert first["Spain"] == ledger.event("TikTok Shop", "Spain", "launch")["start"]
    no_events = replace(ledger, events=ledger.events.iloc[:0])
    first = observe(no_events, "TikTok Shop").calendar.groupby("market")["start"].first()
    assert first["Thailand"] == date(2023, 1, 1)  # P0545
    assert first["Singapore"] == date(2023, 1, 1)  # the year that P0016 compares 2024 with


def test_what_the_world_holds_beyond_named_markets_is_one_more_market(ledger, seen):
    """TikTok Shop's nine markets of August 2023 are nearly all on record; those of Temu and Shopee are not."""
    assert REST not in seen.regions
    assert observe(ledger, "Temu").regions["Global"][-1] == REST
    assert observe(ledger, "Shopee").regions["Global"][-1] == REST


@pytest.mark.parametrize("platform", ["TikTok Shop", "Temu", "Shopee"])
@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2025, 11, 29)])
def test_every_shipped_quarter_of_every_platform_fits(ledger, platform, day):
    market = fit(observe(ledger.known_by(day), platform), Span.parse("2024").end, draws=100)
    assert np.isfinite(market.posterior.sample[0]).all()
    assert market.drivers("Global", Span.parse("2024"))


@pytest.mark.parametrize(("platform", "fact"), [("TikTok Shop", "P0034"), ("Temu", "A0028")],
                         ids=["UK 0.4 %", "Temu US 70 %"])  # fmt: skip
def test_the_known_misfits_stand_out(ledger, platform, fact):
    residuals = fit(observe(ledger.known_by(date(2025, 3, 1)), platform), Span.parse("2024").end).residuals()
    assert fact in residuals.index[: len(residuals) // 5]


def test_platforms_without_usable_facts_say_so(ledger):
    with pytest.raises(ValueError, match="nothing is published"):
        fit(observe(ledger, "ShopTokopedia Mall"), Span.parse("2024").end)
    with pytest.raises(ValueError, match="nothing is published"):
        fit(observe(ledger.known_by(date(2021, 1, 1)), "TikTok Shop"), Span.parse("2021").end)


def test_facts_of_later_periods_only_give_a_wide_answer_for_the_earlier_one(ledger):
    only = replace(ledger, facts=ledger.facts.loc[["P0025"]])  # 33.2 bn for 2024
    market = fit(observe(only, "TikTok Shop"), Span.parse("2024").end, draws=400)
    half, year = (np.quantile(market.draws("Global", Span.parse(code)), [0.1, 0.5, 0.9]) for code in ("2024H1", "2024"))
    assert 0 < half[0] < half[1] < year[1]
    assert year[2] / year[0] < half[2] / half[0]


@pytest.mark.parametrize("world", range(2))
def test_a_ledger_of_which_two_fifths_are_lost_still_has_a_finite_estimate(ledger, world):
    rng = random.Random(world + 1)
    facts = [fact for fact in ledger.facts.index if rng.random() < 0.6]
    events = [event for event in ledger.events.index if rng.random() < 0.7]
    poor = replace(ledger, facts=ledger.facts.loc[facts], events=ledger.events.loc[events]).known_by(date(2024, 8, 29))
    market = fit(observe(poor, "TikTok Shop"), Span.parse("2024").end, draws=100)
    assert np.isfinite(market.posterior.sample[0]).all()
