"""Rules and prices that the platform sets in the US, each with the days for which it holds."""

from __future__ import annotations

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span

MARKET = "US"


def day_of_change(report: Report, effective: str, metric: str) -> Span | None:
    """Day of the last change of a rule: as a source dates it, or from which the last of several figures holds."""
    dated = [*report.rows(MARKET, effective)["start"]]
    day = max([*dated, *sorted(set(report.rows(MARKET, metric)["start"]))[1:]], default=None)
    return day and Span(day, day)


def in_force(report: Report, day: Span | None) -> bool:
    """Whether a rule that holds from a day on does so by the report's date."""
    return day is not None and day.start <= report.as_of


def change(report: Report, metric: str, day: Span | None) -> tuple[Quantity, Quantity]:
    """The leading figures of the last days before a day, and of that day."""
    before = after = Quantity.unknown(f"{report.ledger.vocabulary.call_metric(metric)} before and after a change")
    if day is None:
        return before, after
    spans = report.rows(MARKET, metric)["span"]
    old = max((span for span in spans if span.end < day.start), key=lambda span: span.end, default=None)
    new = min((span for span in spans if day in span), default=None)
    return report.fact(MARKET, metric, old) if old else before, report.fact(MARKET, metric, new) if new else after


def steps(report: Report, metric: str, within: Span | None = None) -> list[tuple[Span, Quantity]]:
    """The leading figure of each span, oldest first."""
    spans = sorted(set(report.rows(MARKET, metric, within=within)["span"]))
    return [(span, report.fact(MARKET, metric, span)) for span in spans]


def latest(report: Report, metric: str, within: Span | None = None) -> tuple[Span | None, Quantity]:
    """The leading figure of the last span for which there is one."""
    known = steps(report, metric, within)
    return known[-1] if known else (None, Quantity.unknown(report.ledger.vocabulary.call_metric(metric)))
