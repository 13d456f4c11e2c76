"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

from typing import NamedTuple

from analysis.facts.assumptions import Scenario
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.observations import WORLD
from analysis.model.scenarios import offered, starts


class Outcome(NamedTuple):
    """What one scenario comes to: GMV of the report's year and of the twelve months after the quarter, money."""

    scenario: Scenario
    weight: Quantity  # its probability among all, per cent
    starts: Span | None  # day or month from which it differs from the base; None for the base itself
    year: Band
    ahead: Band
    chance: Quantity  # that the year's target is reached if it comes to pass, per cent


def outcomes(report: Report) -> list[Outcome]:
    """The scenarios that can still happen on the report's date, in the order of their file; their weights add up to 1.

    The base takes over the weight of those that change nothing (a launch that nobody has announced).
    """
    weights = offered(report)
    models = {name: estimates(report.under(name)) for name in weights}
    ahead = {name: model.gmv(WORLD, report.horizon) for name, model in models.items()}
    if not ahead[BASE]:
        return []
    told = [name for name in weights if name == BASE or ahead[name].median.value != ahead[BASE].median.value]
    weights[BASE] = 1 - sum(weights[name] for name in told if name != BASE)
    target, rows = report.fact(WORLD, "gmv_target", report.year), []
    for name in told:
        scenario, model = report.ledger.assumptions.scenarios[name], models[name]
        judged = f"probability of “{scenario.name}”"
        printed = Quantity(weights[name], "%").bare
        origin = Origin(judged, printed, scenario.means, reason=scenario.reason)
        weight = Quantity(weights[name], "%", judged, (origin,))
        year, chance = model.gmv(WORLD, report.year), model.chance(WORLD, target)
        rows.append(Outcome(scenario, weight, starts(report, scenario), year, ahead[name], chance))
    return rows


def chance(told: list[Outcome]) -> Quantity:
    """Probability that the year's target is reached, over all scenarios by their weights, per cent."""
    if not told or not all(outcome.chance for outcome in told):
        return Quantity.unknown("a chance of the target in each scenario")
    return total(outcome.weight * outcome.chance for outcome in told).percent()


def expected(weighted: list[tuple[Quantity, Quantity]]) -> Quantity:
    """Mean of amounts by their weights, money; unknown if there are none."""
    return total(weight * amount for weight, amount in weighted) if weighted else Quantity.unknown("a scenario")
