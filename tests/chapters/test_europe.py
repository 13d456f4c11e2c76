"""The chapter on Europe: numbers worked out by hand from named facts, and worlds that turned out otherwise."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.chapters import europe
from analysis.facts.ledger import read_ledger
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates

from .reading import texts

BROKEN = re.compile(r"\bnan\b|not published|\bNone\b|by −|\b1 months\b|  |\( ?\)| [,.]|US\$0\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def ledger():
    return read_ledger()


@pytest.fixture(scope="module")
def chapters(ledger):
    quarters = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
    return {quarter: europe.review(make_report(ledger, quarter=quarter)) for quarter in quarters}


def facts(quantity):
    """Ids of the facts behind a quantity and of those that agree with them."""
    return {name for origin in quantity.origins for name in (origin.id, *getattr(origin, "agrees", ()))}


def with_values(ledger, **values):
    facts = ledger.facts.copy()
    for fact, value in values.items():
        facts.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=facts)


# By hand ----------------------------------------------------------------------------------------------

NUMBERS = [
    ("2024Q2", "sites.months_left", 3, "A0050"),  # October, November, December
    ("2024Q3", "team.cost", 40 * 90_000 / 12, "P0498"),  # 40 people at 90,000 a year, which is assumed
    ("2024Q2", "team.commission", 0.018, "P0596"),  # the later rates became public on 31 August
    ("2024Q3", "team.commission", 0.09, "P0594"),
    ("2024Q4", "launch.late", 2, "A0050"),  # October to December (E038, E040)
    ("2024Q4", "sites.gap", 50e9 - 33.2e9, "P0025"),
    ("2024Q4", "sites.needed", (50e9 - 33.2e9) / 3, "P0025"),
    ("2024Q4", "sites.stretch", 16.8 / 3 / (33.2 / 12), "P0025"),
    ("2024Q4", "launch.readings.0.1.monthly", 1.548e9 / 12, "P0013"),
    ("2024Q4", "rivals.parcels.0.1", 1.4e9, "P0536"),
    ("2024Q4", "rivals.parcels.2.1", 4.6e9, "P0538"),
    ("2024Q4", "markets.growth.0", 1.36, "P0014"),
    ("2024Q4", "markets.growth.1", 1.80, "P0506"),
    ("2024Q2", "rivals.users.0.1", 108e6, "P0560"),
    ("2024Q2", "rivals.users.1.1", 75e6, "P0559"),
]


@pytest.mark.parametrize(("quarter", "path", "value", "fact"), NUMBERS, ids=[f"{q}-{p}" for q, p, _, _ in NUMBERS])
def test_number_and_its_fact(chapters, quarter, path, value, fact):
    quantity = chapters[quarter]
    for name in path.split("."):
        quantity = quantity[int(name)] if name.isdigit() else getattr(quantity, name)
    assert quantity.value == pytest.approx(value)
    assert fact in facts(quantity)


def test_break_even_for_each_commission(chapters):
    """300,000 a month over what is left of 1.8 % (P0596), 5 % (P0593) and 9 % (P0594) after 5 %, which is assumed."""
    at = chapters["2024Q3"].team
    assert [rate.value for _, rate in at.rates] == pytest.approx([0.018, 0.05, 0.09])
    assert [at.net(rate).value for _, rate in at.rates] == pytest.approx([-0.032, 0, 0.04])
    assert [bool(at.gmv(rate)) for _, rate in at.rates] == [False, False, True]
    assert at.gmv(at.commission).value == pytest.approx(7.5e6)
    assert at.result.value == pytest.approx(0.04 * at.twelfth.value - 300_000)
    # At the commission that it asks for, the twelfth month pays for the team and no more.
    assert (at.required.value - 0.05) * at.twelfth.value == pytest.approx(300_000)


def test_market_sizes_in_euros_are_as_printed(ledger):
    """France 146.9 bn (P0574) and Germany 79.7 bn (P0573), euros."""
    table = europe.review(make_report(ledger, quarter="2024Q2", currency="EUR")).markets.sizes
    assert dict(zip(table["Market"], [q.value for q in table["Online sales"]], strict=True)) == pytest.approx(
        {"France": 146.9e9, "Germany": 79.7e9}
    )


def test_contributions_add_up_month_by_month(chapters):
    """The first twelve months do not depend on when they begin; the year's end does."""
    sites = chapters["2024Q3"].sites
    middle = np.median(sites.launch.ramp.completed, axis=0) * 90e9 / 12  # online sales a month, assumed
    assert sites.planned.year_end.median.value == pytest.approx(middle[:3].sum())
    assert sites.actual.year_end.median.value == pytest.approx(middle[0])
    assert sites.actual.twelve.median.value == pytest.approx(middle[:12].sum())
    assert sites.planned.twelve.median.value == pytest.approx(middle[:12].sum())
    # 0.4 of it in a market of 60 bn, and 2.5 of it in one of 120 bn.
    assert sites.planned.twelve.low.value == pytest.approx(middle[:12].sum() * 0.4 * 60 / 90)
    assert sites.planned.twelve.high.value == pytest.approx(middle[:12].sum() * 2.5 * 120 / 90)
    assert sites.factor.value == pytest.approx(35e9 / middle[0])


def test_levers_stand_around_the_base(chapters):
    chapter = chapters["2024Q2"]
    sites, team = chapter.sites, chapter.team
    for frame, base in ((sites.levers, sites.ahead), (team.levers, team.result)):
        assert len(frame) >= 3
        for row in frame.itertuples():
            assert min(row.low.value, row.high.value) <= base.value * (1 + 1e-12) + 1e-6
            assert max(row.low.value, row.high.value) >= base.value * (1 - 1e-12) - 1e-6
    spans = [abs(row.low.value - row.high.value) for row in sites.levers.itertuples()]
    assert spans == sorted(spans, reverse=True)


def test_concentration_by_the_draws(chapters, ledger):
    """The sum of the squared shares, draw by draw; with the new sites as one market more."""
    chapter = chapters["2024Q2"]
    model = estimates(chapter.report)
    span = chapter.report.horizon
    amounts = np.array([model.market.draws(market, span) for market in model.market.grid.markets])
    shares = amounts / amounts.sum(axis=0)
    without, with_sites = chapter.ban.concentration
    assert without.median.value == pytest.approx(np.median((shares**2).sum(axis=0)))
    assert 1 / len(amounts) < without.low.value < without.median.value < without.high.value < 1
    more = np.vstack([amounts, np.full(amounts.shape[1], chapter.sites.ahead.value)])
    assert with_sites.median.value == pytest.approx(np.median(((more / more.sum(axis=0)) ** 2).sum(axis=0)))


def test_cost_of_a_ban_by_the_draws(chapters):
    """The world with and without the US from 19 January 2025 (E044) to June."""
    chapter = chapters["2024Q2"]
    model = estimates(chapter.report)
    world = model.market.draws("Global", chapter.report.horizon)
    banned = model.market.draws("US", Span.parse("2025-01-19..2025-06-30"))
    lost = np.median(world) - np.median(world - banned)
    assert chapter.ban.lost.value == pytest.approx(lost, rel=0.01)
    assert chapter.ban.made_up.value == pytest.approx(chapter.sites.ahead.value / lost, rel=0.01)
    before, after = chapter.ban.at_risk
    assert before.value == pytest.approx(lost / np.median(world), rel=0.01)
    assert after.value == pytest.approx(lost / (np.median(world) + chapter.sites.ahead.value), rel=0.01)


# Words ------------------------------------------------------------------------------------------------


def test_an_opening_list_that_a_director_reads(chapters):
    for chapter in chapters.values():
        assert 2 <= len([sentence for sentence in chapter.sentences if sentence]) <= 5


def test_before_any_plan_there_is_no_launch(chapters):
    assert chapters["2024Q1"].headline.text == "No launch in Europe beyond the UK was announced by 30 May 2024"
    assert not any("Spain" in text for text in texts(chapters["2024Q1"])[:1])


def test_a_plan_that_has_passed_is_told_as_such(chapters):
    told = texts(chapters["2024Q3"])
    assert told[0].startswith("Spain and Ireland, planned for October 2024, had not opened by 29 November 2024")
    assert any("would have needed" in text for text in told)
    assert not any("The plan is" in text for text in told)


def test_a_late_opening_is_told_with_both_days(chapters):
    told = texts(chapters["2024Q4"])
    assert told[0].startswith("Spain and Ireland opened 2 months late")
    assert any("Spain opened on 9 December 2024 and Ireland in December 2024." in text for text in told)


def test_a_commission_below_the_subsidy_never_breaks_even(chapters):
    assert any(text.startswith("No volume breaks even") for text in texts(chapters["2024Q2"]))
    assert not any("No volume breaks even on" in text for text in texts(chapters["2024Q3"]))


def test_a_ramp_that_never_pays_for_the_team_says_so(ledger):
    """40 million people cost 300 bn a month."""
    chapter = europe.review(make_report(with_values(ledger, P0498=40e6, A0051=40e6), quarter="2024Q3"))
    assert any("the ramp does not reach that within 12 months" in text for text in texts(chapter))


def test_a_target_that_is_met_needs_no_new_sites(ledger):
    chapter = europe.review(make_report(with_values(ledger, P0025=60e9), quarter="2024Q4"))
    told = texts(chapter)
    assert "The target of 2024 was reached without them." in told
    assert not any("close the gap" in text or "Closing the gap" in text or "missing" in text for text in told)


def test_a_europe_that_outsells_southeast_asia_is_told_as_such_everywhere(ledger):
    """The UK at 90 bn in 2024 (P0013, P0022), against 22.6 bn of the six markets of Southeast Asia."""
    chapter = europe.review(make_report(with_values(ledger, P0013=90e9, P0022=90e9), quarter="2024Q4"))
    told = texts(chapter)
    assert chapter.markets.chart().title.text == "Europe sells more than Southeast Asia"
    assert any(", more than Southeast Asia’s " in text for text in told)
    assert not any("less than Southeast Asia" in text or "% of Southeast Asia’s" in text for text in told)


def test_europe_against_southeast_asia_as_one_source_counts_both(chapters):
    """1.548 bn (P0013) against the sum of the six markets by the same tracker (P0003 to P0015)."""
    own, other = chapters["2024Q4"].markets.compared
    assert own.value == pytest.approx(1.548e9)
    assert other.value == pytest.approx((6.198 + 5.743 + 4.454 + 3.12 + 2.724 + 0.391) * 1e9)
    assert own.bases == other.bases


def test_a_plan_for_another_site_is_told_without_a_change_of_code(ledger):
    facts = ledger.facts.copy()
    span = Span.parse("2024-11")
    columns = ["market", "period", "span", "start", "end"]
    facts.loc["A0050", columns] = pd.Series(["Germany", "2024-11", span, span.start, span.end], index=columns)
    chapter = europe.review(make_report(replace(ledger, facts=facts), quarter="2024Q2"))
    told = texts(chapter)
    assert "Germany" in told[0]
    assert not any("Spain" in text for text in told if "puts off" not in text)
    assert chapter.sites.months_left.value == 2


@pytest.mark.parametrize("scenario", ["base", "europe_fast", "europe_slow", "us_ban"])
@pytest.mark.parametrize("quarter", ["2024Q2", "2024Q3", "2024Q4"])
def test_the_words_hold_in_every_scenario(ledger, quarter, scenario):
    for text in texts(europe.review(make_report(ledger, quarter=quarter, scenario=scenario))):
        assert text
        assert not BROKEN.search(text), text


MID_YEAR = ("A0001", "A0003", "A0050", "A0052", "P0549", "P0596", "P0559")
YEAR_END = ("P0013", "P0025", "P0498", "P0536", "P0594")


@pytest.mark.parametrize(
    ("quarter", "fact"), [("2024Q2", fact) for fact in MID_YEAR] + [("2024Q4", fact) for fact in YEAR_END]
)
def test_the_chapter_survives_the_absence_of_a_fact(ledger, quarter, fact, monkeypatch):
    monkeypatch.setattr("analysis.model.market._BATCHES", 2)
    for text in texts(
        europe.review(make_report(replace(ledger, facts=ledger.facts.drop(index=[fact])), quarter=quarter))
    ):
        assert text
        assert not BROKEN.search(text), text
