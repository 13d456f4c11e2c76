"""Words against numbers: in worlds that never were, no sentence may contradict the numbers in it.

A world is the shipped ledger with some facts dropped and others made larger or smaller. What is checked is the text
itself, as a reader has it: amounts are read back from the words.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.chapters import europe, evidence, outlook, southeast_asia, summary, temu, united_states
from analysis.facts.report import ParameterError, make_report
from analysis.model.track_record import COLUMNS

from .reading import texts

MODULES = (summary, southeast_asia, united_states, temu, europe, outlook, evidence)
QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")

BROKEN = re.compile(
    r"\bnan\b|\binf\b|not published|(?-i:\bNone\b)|by −"
    r"|(?<![\d.,])1 (?:months|days|orders|scenarios|facts)\b|\( ?\)|\{|\}"
    r"|  | [,.;:](?!\d)|,,|\.\.|,\.|: ?\.|\band \.|\bof \.|\bthe the\b",
    re.IGNORECASE,
)
SCALES = {"": 1.0, "mn": 1e6, "bn": 1e9, "tn": 1e12}
HEDGE = r"(?:about |more than |less than |just over |up to )?"
AMOUNT = rf"{HEDGE}(?P<{{0}}>−?(?:US\$|€)?[\d,]+(?:\.\d+)?(?: (?:mn|bn|tn)|%|×)?)(?: an? \w+)?"


def pattern(text: str) -> re.Pattern[str]:
    """A pattern in which `<name>` stands for an amount."""
    return re.compile(re.sub(r"<(\w+)>", lambda match: AMOUNT.format(match[1]), text))


def number(text: str) -> float:
    sign = -1 if text.startswith("−") else 1
    digits, _, scale = text.lstrip("−").removeprefix("US$").removeprefix("€").rstrip("%×").partition(" ")
    return sign * float(digits.replace(",", "")) * SCALES[scale]


def holds(low: str, high: str) -> bool:
    """Whether one printed amount is at most another, as far as their rounding tells."""
    a, b = number(low), number(high)
    return a <= b + 0.01 * max(abs(a), abs(b))


RULES = [
    # what the words say, and the two amounts of which the first must be the smaller
    (pattern(r"<x> \(<low> to <high>\)"), [("low", "x"), ("x", "high")]),
    (pattern(r"between <low> and <high>"), [("low", "high")]),
    (pattern(r"fell by [^,;.]*, from <before> to <after>"), [("after", "before")]),
    (pattern(r"rose by [^,;.]*, from <before> to <after>"), [("before", "after")]),
    (pattern(r"fell short of its <target> target for \d+: it reached <x>(?!%)"), [("x", "target")]),
    (pattern(r"beat its <target> target for \d+: it reached <x>(?!%)"), [("target", "x")]),
    (pattern(r"<x> of the target; an even pace would have been <even>, so the US was behind"), [("x", "even")]),
    (pattern(r"<x> of the target; an even pace would have been <even>, so the US was ahead"), [("even", "x")]),
]


def contradictions(text: str) -> list[str]:
    """What is wrong with a text; nothing for a good one."""
    found = [f"broken: {match[0]!r}" for match in BROKEN.finditer(text)]
    if re.match("[a-z]", text):
        found.append("begins with a small letter")
    for rule, orders in RULES:
        for match in rule.finditer(text):
            same_kind = {re.sub(r"[\d,.−]|mn|bn|tn| ", "", value) for value in match.groupdict().values()}
            if len(same_kind) == 1:
                found += [f"{match[0]!r}: {a} above {b}" for a, b in orders if not holds(match[a], match[b])]
    return found


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("The estimate is US$2 bn (US$1.5 bn to US$3 bn).", True),
        ("The estimate is US$2 bn (US$1.5 bn to US$1.9 bn).", False),
        ("It fell by 10%, from US$900 mn to US$1 bn.", False),
        ("It rose by 10%, from US$900 mn to about US$1 bn.", True),
        ("TikTok Shop beat its US$50 bn target for 2024: it reached US$33.2 bn.", False),
        ("It has 1 months left.", False),
        ("It sold  more.", False),
        ("It sold US$1.5 bn , or less.", False),
        ("Sales fell by −3%.", False),
        ("in May it sold more.", False),
    ],
)
def test_the_checker_itself_can_fail(text, good):
    assert bool(contradictions(text)) != good


def another_world(ledger, seed: int):
    """The ledger with about one fact in eight dropped, and one in three larger or smaller."""
    rng, facts = np.random.default_rng(seed), ledger.facts
    facts = facts[rng.random(len(facts)) > 0.12].copy()
    factor = np.where(rng.random(len(facts)) < 0.33, np.exp(rng.normal(0, 0.7, len(facts))), 1.0)
    whole = facts["of"].isin(["yyyymm", "yyyymmdd", "o'clock", "day", "month", "year", ""])  # dates and counts
    factor[whole] = 1.0
    old = facts["value"].astype(float)
    new = np.where(factor == 1, old, [float(f"{value:.3g}") for value in old * factor])
    facts["number"] *= np.where(old == 0, 1, new / old.replace(0, 1))
    share = (facts["of"] == "%") & ~facts["metric"].str.contains("growth")
    facts.loc[share, "number"] = facts.loc[share, "number"].clip(upper=0.97)
    facts["value"] = [f"{value:g}" for value in new]
    return replace(ledger, facts=facts)


@pytest.fixture(autouse=True)
def quick_model(monkeypatch):
    """A tenth of the draws, and no track record: for tests of words, not of numbers."""
    monkeypatch.setattr("analysis.model.market._BATCHES", 2)
    monkeypatch.setattr("analysis.model.estimates.FITTED", {})  # none with all draws beside one with few
    monkeypatch.setattr("analysis.chapters.outlook.record.track_record", lambda *_: pd.DataFrame(columns=COLUMNS))


# The monkeypatching above is the same for every example.
@settings(max_examples=25, suppress_health_check=list(settings.default.suppress_health_check), print_blob=True)
@given(seed=st.integers(0, 10**6), quarter=st.sampled_from(QUARTERS), data=st.data())
def test_no_sentence_contradicts_its_numbers(ledger, seed, quarter, data):
    scenario = data.draw(st.sampled_from(list(ledger.assumptions.scenarios)))
    try:
        report = make_report(another_world(ledger, seed), quarter=quarter, scenario=scenario)
    except ParameterError:  # nothing is left about the quarter
        return
    for module in MODULES:
        for text in texts(module.review(report)):
            assert text, f"{module.__name__}: an empty title"
            assert not contradictions(text), f"{module.__name__}: {text}"


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_shipped_worlds_hold_in_every_scenario(ledger, quarter):
    for scenario in ledger.assumptions.scenarios:
        report = make_report(ledger, quarter=quarter, scenario=scenario)
        for module in MODULES[:-1]:
            for text in texts(module.review(report)):
                assert not contradictions(text), f"{scenario}, {module.__name__}: {text}"
