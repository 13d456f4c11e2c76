"""United States: the largest single target, how far it is away, and what new rules ask of its sellers."""

from __future__ import annotations

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.model.estimates import Band, estimates
from analysis.model.pace import pace

MARKET = "US"


def opening(report: Report) -> dict:
    """How far the target is, and what the rest of the year would take."""
    us, model = pace(report, MARKET), estimates(report)
    expected = model.gmv(MARKET, report.year)
    return {
        "pace": us,
        "expected": expected,
        "chance": model.chance(MARKET, us.target),
        "growth": model.required_growth(MARKET, us.target),
        "agrees": not us.reached > expected.median,
    }


def months(report: Report) -> dict:
    """The year month by month; `path` has a row for each month."""
    us, model = pace(report, MARKET), estimates(report)
    month = report.latest_month(MARKET)
    before = _mean_before(us.reading, month)
    return {
        "pace": us,
        "month": month,
        "before": before,
        "multiple": month.monthly / before if month else Quantity.unknown("GMV of a single month"),
        "path": _path(report, model.required_growth(MARKET, us.target)),
    }


def _mean_before(to_date: Reading | None, month: Reading | None) -> Quantity:
    """Mean GMV of the months before one, where the figure to date ends with it."""
    if not (month and to_date and to_date.span.end == month.span.end and (to_date.span.months or 0) > 1):
        return Quantity.unknown("GMV up to a single month")
    return (to_date.gmv - month.gmv) / Quantity.counted(to_date.span.months - 1, "month")


def _path(report: Report, needed: Band) -> pd.DataFrame:
    """Each month as published and estimated; the steady path grows from the quarter on at the median of what is needed."""
    model, steady, rows = estimates(report), Quantity.unknown("growth that meets the target"), []
    for span in report.year.each_month:
        estimate = model.gmv(MARKET, span)
        if needed and span.end == report.quarter.end:
            steady = estimate.median
        elif steady:
            steady = steady * (1 + needed.median)
        rows.append((span, report.gmv(MARKET, span), estimate, steady, span.start > report.quarter.end))
    return pd.DataFrame(rows, columns=["span", "published", "estimate", "steady", "ahead"])
