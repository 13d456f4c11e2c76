"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.assumptions import Scenario
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.observations import WORLD
from analysis.model.scenarios import offered, starts


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


def chance(told: list[Outcome]) -> Quantity:
    """Probability that the year's target is reached, over all scenarios by their weights, per cent."""
    if not told or not all(outcome.chance for outcome in told):
        return Quantity.unknown("a chance of the target in each scenario")
    return total(outcome.weight * outcome.chance for outcome in told).percent()


def expected(weighted: list[tuple[Quantity, Quantity]]) -> Quantity:
    """Mean of amounts by their weights, money; unknown if there are none."""
    return total(weight * amount for weight, amount in weighted) if weighted else Quantity.unknown("a scenario")


def _weight(scenario: Scenario, share: float) -> Quantity:
    name = f"probability of “{scenario.name}”"
    told = Origin(name, Quantity(share, "%").bare, scenario.means, reason=scenario.reason)
    return Quantity(share, "%", name, (told,))
