"""What every chapter says in each shipped quarter, and in worlds that turned out otherwise."""

import re
import string
from dataclasses import replace

import pandas as pd
import pytest

from analysis.chapters import europe, evidence, outlook, southeast_asia, summary, temu, united_states
from analysis.facts.ledger import read_ledger
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.model.track_record import COLUMNS

from .reading import figures, sentences, texts

MODULES = (summary, southeast_asia, united_states, temu, europe, outlook, evidence)
QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
BAD_WORDS = re.compile(
    r"\bnan\b|\binf\b|not published|None|by −|\b1 months\b|  |\( ?\)|\{|\}| ,| \.| an order an order", re.I
)


@pytest.fixture(scope="module")
def ledger():
    return read_ledger()


@pytest.mark.parametrize("quarter", QUARTERS)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_chapter_speaks_in_every_quarter(ledger, module, quarter):
    told = texts(module.review(make_report(ledger, quarter=quarter)))
    for text in told:
        assert text, "an empty title"
        assert not BAD_WORDS.search(text), text
        assert text[0] not in string.ascii_lowercase, text


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_nothing_that_became_public_later_is_used(ledger, module):
    """The report as of a date is the same, whether or not later facts are in the ledger."""
    report = make_report(ledger, quarter="2024Q2")
    facts = ledger.facts[ledger.facts["known_on"] <= "2024-08-29"]
    without = make_report(replace(ledger, facts=facts), quarter="2024Q2")
    assert texts(module.review(report)) == texts(module.review(without))
    assert report.ledger.fingerprint == without.ledger.fingerprint


def with_values(ledger, **values):
    """The ledger with other values for some facts."""
    facts = ledger.facts.copy()
    for fact, value in values.items():
        facts.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=facts)


def test_a_year_that_is_over_has_a_verdict_in_the_past_tense(ledger):
    chapter = summary.review(make_report(ledger, quarter="2024Q4"))
    assert "fell short of its US$50 bn target for 2024" in chapter.headline.text
    assert "US$33.2 bn" in chapter.headline.text
    assert not any("needs" in text or "would take" in text for text in texts(chapter))


def test_a_quarter_without_a_us_target_says_so(ledger):
    chapter = united_states.review(make_report(ledger, quarter="2023Q4"))
    assert chapter.headline.text == "No target for the US in 2023 is on record"


def test_a_us_that_beats_its_target_is_told_as_such_everywhere(ledger):
    """US sales of 21 bn in 2024 against 17.5, and a world of 60 bn against 50."""
    better = with_values(ledger, P0024=21e9, P0025=60e9)
    us = texts(united_states.review(make_report(better, quarter="2024Q4")))
    world = texts(summary.review(make_report(better, quarter="2024Q4")))
    assert us[0] == "The US beat its US$17.5 bn target for 2024: it reached 120%"
    assert "beat its US$50 bn target for 2024: it reached US$60 bn" in world[0]
    for text in us + world:
        assert "short" not in text, text
        assert "is behind" not in text, text


def test_a_us_ahead_of_pace_in_mid_year_is_told_as_such(ledger):
    """2 bn a month for six months is 12 bn of 17.5, against an even pace of half."""
    chapter = united_states.review(make_report(with_values(ledger, A0024=2e9), quarter="2024Q2"))
    assert any("ahead of" in sentence.text for sentence in chapter.sentences)
    assert chapter.attainment_chart().title.text == "The US is ahead of an even pace"


def test_a_smaller_rival_is_told_as_smaller(ledger):
    smaller = with_values(ledger, P0134=6e9, A0026=6e9)
    told = texts(temu.review(make_report(smaller, quarter="2024Q2")))
    assert told[0] == "Temu sold less than TikTok Shop in the first half of 2024: about 0.4× as much"
    assert "Temu is behind TikTok Shop" in told


def test_falling_sales_are_told_as_falling(ledger):
    shrinking = with_values(ledger, A0006=-0.25, P0448=-0.25)
    told = texts(southeast_asia.review(make_report(shrinking, quarter="2024Q2")))
    assert "sales fell by 25%" in told[0]
    assert not any("grew" in text and "−" in text for text in told)


@pytest.fixture
def quick_model(monkeypatch):
    """The same model with a tenth of its draws, and no track record: for tests of words, not of numbers."""
    monkeypatch.setattr("analysis.model.market._BATCHES", 2)
    monkeypatch.setattr("analysis.model.estimates.FITTED", {})  # none with all draws beside one with few
    monkeypatch.setattr("analysis.chapters.outlook.record.track_record", lambda *_: pd.DataFrame(columns=COLUMNS))


@pytest.mark.parametrize("module", MODULES[:-1], ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_chapter_survives_the_absence_of_any_one_fact_it_uses(ledger, module, quick_model):
    report = make_report(ledger, quarter="2024Q2")
    used = sorted(set(_origins(module.review(report))) & set(ledger.facts.index))
    assert used
    for fact in used:
        poorer = replace(ledger, facts=ledger.facts.drop(index=fact))
        chapter = module.review(make_report(poorer, quarter="2024Q2"))
        for text in [sentence.text for sentence in sentences(chapter)]:
            assert not BAD_WORDS.search(text), f"without {fact}: {text}"


def _origins(chapter):
    for shown in figures(chapter):
        for column in shown.data.items():
            for value in column[1]:
                if isinstance(value, Quantity):
                    yield from (origin.id for origin in value.origins)
