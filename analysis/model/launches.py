"""Launches that were announced ahead, and what the ramp of earlier launches makes of them until they open.

The expected share of the ramp, applied to the online sales of the sites of a plan, is what these may sell at that age.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.market import Market
from analysis.model.ramp import Ramp, launch_origin, online_sales, opening, ramp

LEVERS = ("europe_ramp", "europe_delay", "new_sites_market")


class Plan(NamedTuple):
    """A launch that was announced ahead: sites that open together, the planned month, and the figure that says so."""

    markets: tuple[str, ...]
    month: Span
    figure: Quantity


def plans(report: Report) -> tuple[Plan, ...]:
    """Every launch that was planned, the earliest month first; of several plans for a site the one made public last."""
    return _plans(report.ledger, report.platform)


@lru_cache(maxsize=32)
def _plans(ledger: Ledger, platform: str) -> tuple[Plan, ...]:
    facts, found, taken = ledger.facts, [], set()
    rows = facts[(facts["platform"] == platform) & (facts["metric"] == "planned_launch_month")]
    for _, row in rows.sort_values("known_on", ascending=False, kind="stable").iterrows():
        markets = tuple(m for m in ledger.vocabulary.members(row["market"]) if m not in taken)
        taken.update(markets)
        if markets:
            found.append(Plan(markets, row["span"], ledger.printed(row)))
    return tuple(sorted(found, key=lambda plan: plan.month))


def planned_launch(report: Report) -> Span | None:
    """Period of the earliest launch planned for the report's year or after it, or None if no plan is public."""
    return next((plan.month for plan in plans(report) if plan.month.end >= report.year.start), None)


def planned_sites(report: Report) -> tuple[str, ...]:
    """The markets of every plan that is public, open or not."""
    return tuple(market for plan in plans(report) for market in plan.markets)


def told_by_ramp(report: Report, market: Market | None) -> list[Plan]:
    """Plans of which no site has opened: from then on the market model has the sites, by the size of their markets."""
    return [plan for plan in plans(report) if not any(opening(report, m) for m in plan.markets)] if market else []


def new_sites_gmv(report: Report, market: Market, span: Span) -> Quantity:
    """GMV over a span of the sites that the ramp tells, money; up to the report's quarter as the base has it.

    Unknown where there are none, where no launch on record tells a ramp, and where the span ends before they open.
    """
    last, ahead = report.quarter.end, report.horizon.start
    parts = [(report, span)]
    if span.start <= last:  # what was sold by then is the same in every scenario
        parts = [(report.under(BASE), Span(span.start, min(span.end, last)))]
        parts += [(report, Span(ahead, span.end))] if span.end > last else []
    told, curve = told_by_ramp(report, market), ramp(report, market)
    found = [plan_gmv(seen, curve, plan, part) for plan in told for seen, part in parts]
    known = [gmv for gmv in found if gmv > 0]
    return total(known) if known else Quantity.unknown("a planned launch")


def plan_gmv(
    report: Report, ramp: Ramp | None, plan: Plan, span: Span, settings: dict[str, str] | None = None
) -> Quantity:
    """GMV over a span of the sites of a plan, money: share of the ramp at each age × online sales of the sites.

    It is zero before they open: when the first did, or else in the planned month and the assumed delay after it.
    `settings` sets levers to `low`, `base` or `high`; the others are as the report's scenario has them.
    """
    if ramp is None:
        return Quantity.unknown("a launch on record with a market of known size")
    scale, delay, size = (report.assumption(name, (settings or {}).get(name)) for name in LEVERS)
    month, reasons = _start(report, plan, delay)
    published = [sold for market in plan.markets if (sold := online_sales(report, market, report.quarter))]
    sales = total(published) if published else size / Quantity.counted(12, "month")
    # Months since the launch -> part of each that lies within the span.
    ages = {(pd.Period(one.start, "M") - month).n: span.overlap(one) / one.days for one in span.each_month}
    gmv = ramp.shares({age: part for age, part in ages.items() if age >= 0} or {0: 0.0}) * scale * sales
    words = f"{plan.figure.formula}, open from {Span.months_of(month.year, month.month, 1).short} on"
    return replace(gmv, formula=f"{gmv.formula} ({words})", origins=(*plan.figure.origins, *reasons, *gmv.origins))


def _start(report: Report, plan: Plan, delay: Quantity) -> tuple[pd.Period, tuple[Origin, ...]]:
    """When the first site of a plan opened, or else the month as planned and delayed but not in the past; and why."""
    opened = [(day, market) for market in plan.markets if (day := opening(report, market))]
    if opened:
        day, market = min(opened)
        return pd.Period(day.start, "M"), (launch_origin(report, market),)
    month = pd.Period(plan.month.start, "M") + round(delay.value)
    if report.as_of > plan.month.end:
        month = max(month, pd.Period(report.as_of, "M") + 1)
    return month, delay.origins
