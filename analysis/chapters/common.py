"""What several chapters need, and sections that all may have, in the words of analysis/text/<language>/common.md."""

from __future__ import annotations

import pandas as pd

from analysis.facts.claims import argued
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.outcomes import outcomes


def arguments(report: Report, chapter: str) -> dict:
    """What is argued in the matter of a chapter, and what the facts say to it."""
    return {"arguments": argued(report, chapter)}


def disputed_by(report: Report, market: str) -> str:
    """Who disputed, in the report's year, what was reported of a market; ``""`` if nobody did."""
    events = report.ledger.events
    found = events[(events["kind"] == "denial") & (events["market"] == market)]
    return ", ".join(found["platform"][[span.start.year == report.year.start.year for span in found["span"]]].unique())


def latest(report: Report, rows: pd.DataFrame) -> tuple[Span | None, Quantity]:
    """Span and figure of the row that ends last; of several the first, which leads."""
    if rows.empty:
        return None, Quantity.unknown("a figure")
    row = rows.sort_values("end", ascending=False, kind="stable").iloc[0]
    return row["span"], report.quantity(row)


def effects(report: Report) -> pd.DataFrame:
    """Each scenario, the base first, with what it changes of the year and of the twelve months ahead, money."""
    rows, found = [], outcomes(report)
    for one in found:
        on_year, on_ahead = one.year.median - found[0].year.median, one.ahead.median - found[0].ahead.median
        rows.append((one.scenario, one.weight, one.starts, one.ahead, on_year, on_ahead))
    return pd.DataFrame(rows, columns=["scenario", "weight", "starts", "ahead", "on_year", "on_ahead"])
