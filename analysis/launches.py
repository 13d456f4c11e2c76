"""Launches of the platform: those that are planned, and those on record."""

from __future__ import annotations

from analysis.market import Market
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span

SITES = "Spain, Ireland"  # the European launch of the year, as the plan named it


def planned_launch(report: Report) -> Span | None:
    """Month for which the launch of `SITES` is planned, or None if no plan is public."""
    plan = report.rows(SITES, "planned_launch_month", within=report.year)
    return None if plan.empty else plan.iloc[0]["span"]


def new_sites_gmv(report: Report, market: Market, span: Span) -> Quantity:
    """GMV of the planned sites over a span, money; unknown where none is planned, or where they have opened."""
    return Quantity.unknown("a planned launch")
