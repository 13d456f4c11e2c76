"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pandas as pd

from analysis.assumptions import BASE, SETTINGS, Assumption, Scenario
from analysis.estimates import Band, estimates
from analysis.launches import planned_launch
from analysis.quantity import Quantity, total
from analysis.report import Report
from analysis.scenarios import ban_day
from analysis.span import Span


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
    scenarios = report.ledger.assumptions.scenarios
    models = {name: estimates(report.under(name)) for name in scenarios}
    ahead = {name: model.gmv(market, report.horizon) for name, model in models.items()}
    told = [
        scenario
        for name, scenario in scenarios.items()
        if name == BASE
        or (
            ahead[name].median.value != ahead[BASE].median.value
            and (not scenario.needs or len(report.ledger.events_of(report.platform, scenario.needs)))
        )
    ]
    if not ahead[BASE]:
        return []
    target = report.fact(market, "gmv_target", report.year)
    rest = 1 - sum(scenario.probability for scenario in told)
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


def expected(weighted: list[tuple[Quantity, Quantity]]) -> Quantity:
    """Mean of amounts by their weights, money; unknown if there are none."""
    return total(weight * amount for weight, amount in weighted) if weighted else Quantity.unknown("a scenario")


def sensitivity(report: Report, market: str = "Global") -> pd.DataFrame:
    """GMV of the twelve months after the quarter with one lever at a time at its low and at its high end.

    Returns
    -------
    DataFrame
        Columns label, low, high (money), low_word, high_word (the lever's setting), widest first; levers that some
        scenario moves and that make a difference.
    """
    levers, rows = report.ledger.assumptions.levers, []
    base = report.ledger.assumptions.scenarios[BASE]
    moved = {name for scenario in report.ledger.assumptions.scenarios.values() for name in scenario.settings}
    for name in (name for name in levers if name in moved):
        ends = []
        for setting in (SETTINGS[0], SETTINGS[-1]):
            alone = replace(base, settings={name: setting}, name=f"{name} {setting}", id=f"{name} {setting}")
            ends.append(estimates(replace(report, scenario=alone)).gmv(market, report.horizon).median)
        words = (levers[name].low.bare, levers[name].high.bare)
        if all(ends) and ends[0].value != ends[1].value:
            rows.append((levers[name].means, *ends, *words))
    rows.sort(key=lambda row: -abs(row[1].value - row[2].value))
    return pd.DataFrame(rows, columns=["label", "low", "high", "low_word", "high_word"])


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
