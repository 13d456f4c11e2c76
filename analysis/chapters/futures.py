"""All scenarios side by side: their weight, the day from which they differ, and the GMV that each comes to."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity, total
from analysis.facts.report import Report
from analysis.model.estimates import estimates
from analysis.model.observations import WORLD
from analysis.model.scenarios import offered, starts


def futures(report: Report) -> pd.DataFrame:
    """The scenarios that can still happen on the report's date, the base first; none where nothing is estimated.

    Returns
    -------
    DataFrame
        Columns scenario; weight, its probability among all, per cent; starts, the day or month from which it differs
        from the base; year and ahead, bands of GMV in the report's year and in the twelve months after the quarter;
        chance, per cent, that the target is reached if it comes to pass; on_year and on_ahead, what it changes, money.
        The base has the weight of those that change nothing, such as a launch that nobody has announced.
    """
    weights, scenarios = offered(report), report.ledger.assumptions.scenarios
    models = {name: estimates(report.under(name)) for name in weights}
    ahead = {name: model.gmv(WORLD, report.horizon) for name, model in models.items()}
    shown = [name for name in weights if name == BASE or ahead[name].median.value != ahead[BASE].median.value]
    weights[BASE] = 1 - sum(weights[name] for name in shown if name != BASE)
    target, base, rows = report.fact(WORLD, "gmv_target", report.year), models[BASE].gmv(WORLD, report.year), []
    for name in shown if ahead[BASE] else ():
        scenario, year = scenarios[name], models[name].gmv(WORLD, report.year)
        weight = Quantity(weights[name], "%", f"probability of “{scenario.name}”")
        weight = replace(weight, origins=(Origin(weight.formula, weight.bare, scenario.means, reason=scenario.reason),))
        on_year, on_ahead = year.median - base.median, ahead[name].median - ahead[BASE].median
        chance = models[name].chance(WORLD, target)
        rows.append((scenario, weight, starts(report, scenario), year, ahead[name], chance, on_year, on_ahead))
    columns = ["scenario", "weight", "starts", "year", "ahead", "chance", "on_year", "on_ahead"]
    return pd.DataFrame(rows, columns=columns)


def chance(futures: pd.DataFrame) -> Quantity:
    """Probability that the year's target is reached, over all scenarios by their weights, per cent."""
    if not len(futures) or not all(futures["chance"]):
        return Quantity.unknown("a chance of the target in each scenario")
    return total(futures["weight"] * futures["chance"]).percent()


def expected(futures: pd.DataFrame) -> Quantity:
    """Mean GMV of the twelve months ahead over all scenarios by their weights, money."""
    medians = [band.median for band in futures["ahead"]]
    return total(futures["weight"] * medians) if medians else Quantity.unknown("a scenario")
