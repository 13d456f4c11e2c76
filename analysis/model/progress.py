"""How far a market is on the way to its target for the year, all on one base: the estimate, as the company counts."""

from __future__ import annotations

from types import SimpleNamespace

from analysis.facts.quantity import Quantity, level
from analysis.facts.report import Report
from analysis.model.estimates import estimates


class Progress(SimpleNamespace):
    """What is estimated of a market's year against its target; amounts are money.

    `reached` is GMV from 1 January to the end of the quarter, `attained` its share of the target, `gap` what it leaves;
    `achieved` and `required` are a month, so far and over `rest` of the year, `stretch` the one as a multiple of the
    other. `published` is the figure that covers most of the year so far, and never enters the others. `outcome` says
    what became of the target: `beat`, `met` or `missed` once the year is over, `reached` before that, else ``""``.
    """


def progress(report: Report, market: str) -> Progress:
    """The progress of a market in the report's year; what no published figure supports is unknown."""
    model, year, to_date, rest = estimates(report), report.year, report.quarter.to_date, report.quarter.rest_of_year
    target, reached, whole = (
        report.fact(market, "gmv_target", year),
        model.gmv(market, to_date),
        model.gmv(market, year),
    )
    passed = Quantity.counted(to_date.months, "month", f"of {to_date.label}")
    gap, achieved = target - reached.median, reached.median / passed
    required = Quantity.unknown("a part of the year still to come")
    if rest:
        required = gap / Quantity.counted(rest.months, "month", f"of {rest.label}")
    outcome = ""
    if reached.median and target:
        more = reached.median > target
        outcome = "reached" if more and rest else "" if rest else "beat" if more else "missed"
        outcome = "met" if not rest and level(reached.median, target) else outcome
    return Progress(
        market=market,
        target=target,
        published=report.year_to_date(market),
        reached=reached,
        year=whole,
        share=(whole.median / target).percent(),
        attained=(reached.median / target).percent(),
        even=(passed / Quantity.counted(12, "month")).percent(),
        seasonal=report.seasonal_share(to_date),
        gap=gap,
        rest=rest,
        achieved=achieved,
        required=required,
        stretch=required / achieved,
        growth=model.required_growth(market, target),
        chance=model.chance(market, target),
        outcome=outcome,
    )
