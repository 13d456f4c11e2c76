"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pandas as pd

from analysis.facts.assumptions import Assumption, Scenario
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.launches import planned_launch
from analysis.model.scenarios import ban_day
from analysis.story.prose import Sentence, maybe

ENDS = ("low", "high")  # of a lever


@dataclass(frozen=True)
class Outcome:
    """What one scenario comes to.

    Attributes
    ----------
    scenario : Scenario
    weight : Quantity
        Its probability among all, per cent.
    starts : Span or None
        Day or month from which it differs from the base; None for the base itself.
    year, ahead : Band
        GMV of the report's year, and of the twelve months after the quarter, money.
    chance : Quantity
        Probability that the year's target is reached if it comes to pass, per cent.
    """

    scenario: Scenario
    weight: Quantity
    starts: Span | None
    year: Band
    ahead: Band
    chance: Quantity


def outcomes(report: Report, market: str = "Global") -> list[Outcome]:
    """The scenarios that can be told by the report's date, in the order of their file; their weights add up to one.

    The base takes over the weight of those that change nothing (a launch that nobody has announced) or that need a
    kind of event of which none is public.
    """
    scenarios = tellable(report)
    models = {scenario.id: estimates(report.under(scenario.id)) for scenario in scenarios}
    ahead = {name: model.gmv(market, report.horizon) for name, model in models.items()}
    base = ahead[BASE].median
    if not base:
        return []
    told = [s for s in scenarios if s.id == BASE or ahead[s.id].median.value != base.value]
    target = report.fact(market, "gmv_target", report.year)
    rest = 1 - math.fsum(scenario.probability for scenario in told)  # sum() rounds otherwise from Python 3.12 on
    return [
        Outcome(
            scenario=scenario,
            weight=_weight(scenario, scenario.probability + (rest if scenario.id == BASE else 0.0)),
            starts=_starts(report, scenario),
            year=models[scenario.id].gmv(market, report.year),
            ahead=ahead[scenario.id],
            chance=models[scenario.id].chance(market, target),
        )
        for scenario in told
    ]


def tellable(report: Report) -> list[Scenario]:
    """The scenarios that can be told by the report's date, in the order of their file.

    Left out are those that need a kind of event of which none is public.
    """
    events = report.ledger.events
    public = {"", *events["kind"][events["platform"] == report.platform]}
    return [s for s in report.ledger.assumptions.scenarios.values() if s.needs in public]


def expected(weighted: list[tuple[Quantity, Quantity]]) -> Quantity:
    """Mean of amounts by their weights, money; unknown if there are none."""
    return total(weight * amount for weight, amount in weighted) if weighted else Quantity.unknown("a scenario")


def sensitivity(report: Report, market: str = "Global") -> pd.DataFrame:
    """GMV of the twelve months after the quarter, base but for one lever at a time; see `one_at_a_time`.

    Told are the levers that some scenario moves.
    """
    levers, scenarios = report.ledger.assumptions.levers, report.ledger.assumptions.scenarios
    moved = {name for scenario in scenarios.values() for name in scenario.settings}

    def ahead(settings: dict[str, str]) -> Quantity:
        name = " ".join(*settings.items())
        alone = replace(scenarios[BASE], settings=settings, name=name, id=name)
        return estimates(replace(report, scenario=alone)).gmv(market, report.horizon).median

    return one_at_a_time(report, {name: lever.means for name, lever in levers.items() if name in moved}, ahead)


def one_at_a_time(report: Report, labels: dict[str, str], at: Callable[[dict[str, str]], Quantity]) -> pd.DataFrame:
    """What comes of one lever at a time at its low and at its high end.

    Parameters
    ----------
    report : Report
    labels : dict of str to str
        Lever -> what a chart calls it.
    at : callable
        From a lever and its end, as in `Scenario.settings`, to what comes of it.

    Returns
    -------
    DataFrame
        Columns label, low, high, low_word, high_word (the lever's setting), widest first; levers that make a
        difference.
    """
    rows = []
    for name, label in labels.items():
        low, high = (at({name: end}) for end in ENDS)
        if low and high and low.value != high.value:
            rows.append((label, low, high, *(report.assumption(name, end).bare for end in ENDS)))
    rows.sort(key=lambda row: -abs(row[1].value - row[2].value))
    return pd.DataFrame(rows, columns=["label", "low", "high", "low_word", "high_word"])


def most(levers: pd.DataFrame) -> Sentence:
    """The end of a title of such a table: the lever that moves most; empty if none makes a difference."""
    return maybe(" most: {widest}", widest=levers["label"].iloc[0] if len(levers) else None)


def _weight(scenario: Scenario, share: float) -> Quantity:
    name = f"probability of “{scenario.name}”"
    told = Assumption(name, Quantity(share, "%").bare, scenario.means, scenario.reason)
    return Quantity(share, "%", name, (told,))


def _starts(report: Report, scenario: Scenario) -> Span | None:
    if not scenario.settings:
        return None
    if "us_ban_loss" in scenario.settings:
        return Span(ban_day(report), ban_day(report))
    first = report.quarter.end + timedelta(days=1)
    planned = planned_launch(report)
    if "europe_ramp" in scenario.settings and planned and planned.start > first:
        first = planned.start
    return Span.months_of(first.year, first.month, 1)
