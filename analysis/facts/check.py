"""The state of the data for one quarter: what its report asks for and what of it is there, and what needs a look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span

SHOWN = 80  # of one list; nobody reads on


@dataclass(frozen=True, eq=False)
class Recorder(Report):
    """A report that notes what it is asked for, and whether it could answer."""

    notes: dict[str, bool] = field(default_factory=dict, repr=False)
    __eq__, __hash__ = object.__eq__, object.__hash__  # each has notes of its own

    @classmethod
    def of(cls, report: Report) -> "Recorder":
        return cls(**{f.name: getattr(report, f.name) for f in fields(Report)})

    @property
    def _plain(self) -> Report:  # what its own arithmetic asks for on the way is not noted
        return Report(**{f.name: getattr(self, f.name) for f in fields(Report)})

    def _noted(self, found, what: str, market: str, span: Span | None, platform: str | None = None):
        asked = f"{platform or self.platform}, {self.call(market)}: {what}" + (f", {span.short}" if span else "")
        there = not found.empty if isinstance(found, pd.DataFrame) else bool(found)
        self.notes[asked] = self.notes.get(asked, False) or there
        return found

    def fact(self, market: str, metric: str, span: Span, platform: str | None = None) -> Quantity:
        found = super().fact(market, metric, span, platform)
        return self._noted(found, self.ledger.vocabulary.call_metric(metric), market, span, platform)

    def rows(self, market: str, metric: str, platform: str | None = None, within: Span | None = None) -> pd.DataFrame:
        found = super().rows(market, metric, platform, within)
        return self._noted(found, self.ledger.vocabulary.call_metric(metric), market, within, platform)

    def gmv(self, market: str, span: Span, platform: str | None = None) -> Quantity:
        found = self._plain.gmv(market, span, platform)
        return self._noted(found, "GMV, or what it can be worked out from", market, span, platform)

    def year_to_date(self, market: str, platform: str | None = None) -> Reading | None:
        found = self._plain.year_to_date(market, platform)
        return self._noted(found, "GMV from January on", market, self.quarter.to_date, platform)

    def latest_month(self, market: str) -> Reading | None:
        return self._noted(self._plain.latest_month(market), "GMV of a single month", market, self.quarter.to_date)

    def seasonal_share(self, span: Span) -> Quantity:
        found = self._plain.seasonal_share(span)
        return self._noted(found, "GMV of each quarter", "US", span.year_earlier().year, "All retail")


def readiness(ledger: Ledger, report: Report, chapters: Mapping[str, Recorder]) -> str:
    """What an analyst wants to know of the data before the report of a quarter is built, in lines.

    The report has a view of the whole `ledger`; `chapters` are names, each with the report that it has asked.
    """
    asked: dict[str, list[str]] = {}  # and the chapters that did not find it
    for name, recorder in chapters.items():
        for what, there in recorder.notes.items():
            asked.setdefault(what, []).extend([] if there else [name])
    missing, facts = {what: names for what, names in asked.items() if names}, report.ledger.facts
    public, known = (rows[rows["span"].map(report.year.overlap) > 0] for rows in (facts, ledger.facts))
    conflicting = list(report.ledger.conflicts(public))
    lines = [
        f"{report.quarter.code} as of {report.as_of}: {count(len(facts), 'fact')} public, {len(public)} about the year",
        f"asked for by the chapters: {len(asked)}; there: {len(asked) - len(missing)}; not there: {len(missing)}",
        *(f"    {what}  ({', '.join(names)})" for what, names in missing.items()),
        f"cells with figures in conflict: {len(conflicting)}",
    ]
    for cell in conflicting[:SHOWN]:
        figures = ", ".join(f"{fact} {report.ledger.origin(fact).printed}" for fact in cell.index[:SHOWN])
        lines.append(f"    {report.ledger.cell_name(cell.iloc[0])}: {figures}")
    for words, rows in (
        ("day of publication inferred", public[public["known_on_basis"] == "inferred"]),
        ("added by a later date", known[~known.index.isin(public.index)]),
    ):
        lines += [f"{words}: {count(len(rows), 'fact')}", *by_day(rows)]
    return "\n".join(lines)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def by_day(facts: pd.DataFrame) -> Iterator[str]:
    """A line for each day on which some facts became public, with their ids."""
    for day, group in facts.sort_index().groupby("known_on"):
        more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
        yield f"    {day}: {', '.join(group.index[:SHOWN])}{more}"
