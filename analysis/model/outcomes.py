"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.assumptions import Assumption, Scenario
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.observations import WORLD
from analysis.model.scenarios import is_offered, offered, starts
from analysis.story.prose import Sentence, maybe

ENDS = ("low", "high")  # of a lever


@dataclass(frozen=True)
class Outcome:
    """What one scenario comes to: GMV of the report's year and of the twelve months after the quarter, money."""

    scenario: Scenario
    weight: Quantity  # its probability among all, per cent
    starts: Span | None  # day or month from which it differs from the base; None for the base itself
    year: Band
    ahead: Band
    chance: Quantity  # that the year's target is reached if it comes to pass, per cent


def outcomes(report: Report, market: str = WORLD) -> list[Outcome]:
    """The scenarios that can still happen on the report's date, in the order of their file; their weights add up to 1.

    The base takes over the weight of those that change nothing (a launch that nobody has announced).
    """
    weights = offered(report)
    models = {name: estimates(report.under(name)) for name in weights}
    ahead = {name: model.gmv(market, report.horizon) for name, model in models.items()}
    base = ahead[BASE].median
    if not base:
        return []
    told = [name for name in weights if name == BASE or ahead[name].median.value != base.value]
    weights[BASE] = 1 - sum(weights[name] for name in told if name != BASE)
    target, scenarios = report.fact(market, "gmv_target", report.year), report.ledger.assumptions.scenarios
    return [
        Outcome(
            scenario=scenarios[name],
            weight=_weight(scenarios[name], weights[name]),
            starts=starts(report, scenarios[name]),
            year=models[name].gmv(market, report.year),
            ahead=ahead[name],
            chance=models[name].chance(market, target),
        )
        for name in told
    ]


def tellable(report: Report) -> list[Scenario]:
    """The scenarios that can still happen on the report's date, in the order of their file."""
    return [report.ledger.assumptions.scenarios[name] for name in offered(report)]


def chance(told: list[Outcome]) -> Quantity:
    """Probability that the year's target is reached, over all scenarios by their weights, per cent."""
    if not told or not all(outcome.chance for outcome in told):
        return Quantity.unknown("a chance of the target in each scenario")
    return total(outcome.weight * outcome.chance for outcome in told).percent()


def expected(weighted: list[tuple[Quantity, Quantity]]) -> Quantity:
    """Mean of amounts by their weights, money; unknown if there are none."""
    return total(weight * amount for weight, amount in weighted) if weighted else Quantity.unknown("a scenario")


def sensitivity(report: Report, market: str = WORLD) -> pd.DataFrame:
    """GMV of the twelve months after the quarter, base but for one lever at a time; see `one_at_a_time`.

    Told are the levers that some scenario moves and that can still happen.
    """
    levers, scenarios = report.ledger.assumptions.levers, report.ledger.assumptions.scenarios
    moved = {name for scenario in scenarios.values() for name in scenario.settings}

    def ahead(settings: dict[str, str]) -> Quantity:
        name = " ".join(*settings.items())
        alone = scenarios[BASE].model_copy(update={"settings": settings, "name": name, "id": name})
        return estimates(replace(report, scenario=alone)).gmv(market, report.horizon).median

    labels = {name: lever.means for name, lever in levers.items() if name in moved and is_offered(report, lever)}
    return one_at_a_time(report, labels, ahead)


def one_at_a_time(report: Report, labels: dict[str, str], at: Callable[[dict[str, str]], Quantity]) -> pd.DataFrame:
    """What comes of one lever at a time at its low and at its high end.

    `labels` are levers and what a chart calls each; `at` goes from a lever and its end, as in `Scenario.settings`, to
    what comes of it. Columns label, low, high, low_word, high_word (the lever's setting), widest first; levers that
    make a difference.
    """
    rows = []
    for name, label in labels.items():
        low, high = (at({name: end}) for end in ENDS)
        if low and high and low.value != high.value:
            rows.append((label, low, high, *(report.assumption(name, end).bare for end in ENDS)))
    rows.sort(key=lambda row: -abs(row[1].value - row[2].value))
    return pd.DataFrame(rows, columns=["label", "low", "high", "low_word", "high_word"])


def most(levers: pd.DataFrame) -> Sentence:  # goes when the outlook and Europe are converted
    """The end of a title of such a table: the lever that moves most; empty if none makes a difference."""
    return maybe(" most: {widest}", widest=levers["label"].iloc[0] if len(levers) else None)


def _weight(scenario: Scenario, share: float) -> Quantity:
    name = f"probability of “{scenario.name}”"
    told = Assumption(name, Quantity(share, "%").bare, scenario.means, scenario.reason)
    return Quantity(share, "%", name, (told,))
