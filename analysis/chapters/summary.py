"""Summary: the brief, which stands alone: the verdict, how sure it is, what moved, what could go wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.chapters import seller
from analysis.chapters.common import disputed_by, progress
from analysis.chapters.crossing import crossing, pair
from analysis.chapters.futures import chance, expected, futures
from analysis.facts.parameters import BASE
from analysis.facts.quantity import LEVEL, SYMBOLS, Quantity, rounded, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.changes import changes
from analysis.model.estimates import estimates
from analysis.model.launches import plans
from analysis.model.market import REST, constant_growth
from analysis.model.scenarios import next_law_day
from analysis.model.track_record import earlier_quarters, forecasts

WORLD, US = "Global", "US"
RISKS, MARKETS = 5, 9  # that a reader remembers, or finds at a glance


def opening(report: Report) -> dict:
    """Where the year stands against its target, and who says what."""
    world, us = progress(report, WORLD), progress(report, US)
    places = {*report.ledger.vocabulary.markets, *report.ledger.vocabulary.regions} - {WORLD, US}
    others = [progress(report, place).share for place in places if report.fact(place, "gmv_target", report.year)]
    scenario = None if report.scenario.id == BASE or report.year_is_over else report.scenario
    return {
        "world": world,
        "us": us,
        "disputed_by": disputed_by(report, US),
        "furthest": bool(others) and all(us.share < share for share in others),
        "chance": world.chance if scenario or report.year_is_over or world.claimed else chance(futures(report)),
        "missing": world.target - world.year.median,
        "rival_ratio": pair(report, report.quarter.to_date).ratio,
        "scenario": scenario,
    }


def year(report: Report) -> dict:
    """GMV since 1 January, month by month, against the target; `path` has a row for each month."""
    model, target = estimates(report), report.fact(WORLD, "gmv_target", report.year)
    published, rows = report.year_to_date(WORLD), []
    for month in report.year.each_month:
        so_far = Span(report.year.start, month.end)
        known = published.gmv if published and published.span == so_far else None
        rows.append((month.end, model.gmv(WORLD, so_far), known, month.start > report.quarter.end))
    path = pd.DataFrame(rows, columns=["day", "estimate", "published", "ahead"])
    return {"path": path, "target": target, "end": model.gmv(WORLD, report.year)}


def markets(report: Report) -> dict:
    """The largest markets by name, the others as one, and the world to which they add up."""
    model, to_date = estimates(report), report.quarter.to_date
    parts, whole, so_far = model.parts(report.year), model.gmv(WORLD, report.year), model.gmv(WORLD, to_date)
    rows = [
        (report.call(part.market), progress(report, part.market), model.gmv(part.market, to_date).median, part.band)
        for part in parts[parts["market"] != REST][:MARKETS].itertuples()
    ]
    named, named_so_far = [row[3].median for row in rows], [row[2] for row in rows if row[2]]
    return {
        "table": pd.DataFrame(rows, columns=["name", "progress", "so_far", "estimate"]),
        "others": Quantity.counted(len(parts) - len(rows), "smaller market"),
        "unnamed": REST in set(parts["market"]),
        "others_so_far": so_far.median - total(named_so_far) if named_so_far else so_far.median,
        "left": whole.median - total(named) if named else whole.median,
        "whole": whole,
        "so_far": so_far,
    }


def moved(report: Report) -> dict:
    """What the estimate of the year was a quarter ago, what it is now and what changed it most; earlier forecasts."""
    found = changes(report.before, report)
    change = (found.expected.median / found.expected_before.median).growth()
    largest = max(found.parts.itertuples(), key=lambda part: abs(part.value.value), default=None)
    record = forecasts(report.ledger, report.platform, earlier_quarters(report.quarter))
    return {
        "before": found.before.as_of_label,
        "then": found.expected_before,
        "now": found.expected,
        "change": change,
        "largest": largest if abs(change.value) > LEVEL else None,
        "forecasts": Quantity.counted(len(record), "forecast") if len(record) else None,
        "inside": Quantity.counted(int(record["inside"].sum()), ""),
    }


def risks(report: Report) -> dict:
    """The scenarios that take most off the twelve months to come, by probability times effect."""
    found = futures(report)[["scenario", "weight", "on_year", "on_ahead", "starts"]]
    lost = found.loc[[effect < 0 for effect in found["on_ahead"]]]
    weighed = (lost["weight"] * lost["on_ahead"]).map(lambda expected: expected.value).sort_values(kind="stable")
    return {"risks": lost.loc[weighed.index[:RISKS]].rename(columns={"on_year": "year", "on_ahead": "ahead"})}


def what_if(report: Report) -> dict:
    """What even growth after the quarter makes of the year, and a ban; `lever` has the numbers for the sliders."""
    world, rest = progress(report, WORLD), report.quarter.rest_of_year
    model, last = estimates(report), report.quarter.each_month[-1]
    us, so_far = model.gmv(US, last).median, world.reached.median
    if rest is None or not world.gap > 0 or not us > 0:  # over, without a target, or reached; not open in the US
        return {"cases": pd.DataFrame(), "lever": None, "first": None}
    months, others = rest.each_month, model.gmv(WORLD, last).median - us
    expected, needed = (
        _growth_to(goal, so_far, us + others, len(months)) for goal in (world.year.median, world.target)
    )
    multiple = sum((1 + expected.value) ** n for n in range(1, len(months) + 1))
    shut = so_far + others * Quantity.counted(rounded(multiple), "", "months of that growth")
    amounts = {"soFar": so_far, "us": us, "rest": others, "target": world.target}
    lever = {
        "symbol": SYMBOLS.get(report.currency, f"{report.currency} "),
        "year": report.year.short,
        "months": [month.short for month in months],
        "expected": expected.value,
        "needed": needed.value,
        **{name: amount.in_unit for name, amount in amounts.items()},
    }
    cases = [("expected", expected, world.year.median), ("met", needed, world.target), ("shut", expected, shut)]
    return {"cases": pd.DataFrame(cases, columns=["case", "growth", "gmv"]), "lever": lever, "first": months[0]}


def _growth_to(goal: Quantity, so_far: Quantity, month: Quantity, count: int) -> Quantity:
    """Growth a month, per cent, with which `count` months after one of GMV `month` bring the year to a goal."""
    growth = constant_growth(np.array([(goal.value - so_far.value) / month.value]), count).item()
    origins = total([goal, so_far, month]).origins
    return Quantity(rounded(growth), "%", f"growth a month that leads from {so_far.bare} to {goal.bare}", origins)


def meaning(report: Report) -> dict:
    """What the numbers mean for a seller, for a rival and for an investor."""
    found = futures(report)
    order = seller.orders(report)[0]
    return {
        "order": order if order.before and order.after else None,
        "market": report.call(seller.MARKET),
        "expected": expected(found),
        "crossing": crossing(report),
        "worst": min(found.itertuples(), key=lambda future: future.ahead.median.value, default=None),
    }


def dates(report: Report) -> dict:
    """Days after the report's own that could move it: of the law, and of launches that are planned."""
    ahead = [plan for plan in plans(report) if plan.month.start > report.as_of]
    planned = [(report.call(", ".join(plan.markets)), plan.month) for plan in ahead]
    return {"law": next_law_day(report), "planned": planned}
