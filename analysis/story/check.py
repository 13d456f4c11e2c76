"""The state of the data for one quarter: what its report asks for and lacks, what feeds nothing, what needs a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.facts.claims import names_of
from analysis.facts.ledger import CELL, Ledger
from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.observations import WORLD, read_facts, sizes

SHOWN = 80  # of one list; nobody reads on


class Asked(NamedTuple):
    """What a chapter asked a report for; `sold` if that is GMV over the span."""

    platform: str
    market: str
    what: str
    span: Span | None
    sold: bool = False


@dataclass(frozen=True, eq=False)
class Recorder(Report):
    """A report that notes what it is asked for, and the facts that answer."""

    notes: dict[Asked, set[str]] = field(default_factory=dict, repr=False)
    __eq__, __hash__ = object.__eq__, object.__hash__  # each has notes of its own

    @classmethod
    def of(cls, report: Report) -> Recorder:
        return cls(**{f.name: getattr(report, f.name) for f in fields(Report)})

    @property
    def _plain(self) -> Report:  # what its own arithmetic asks for on the way is not noted
        return Report(**{f.name: getattr(self, f.name) for f in fields(Report)})

    def _noted(self, found, what: str, market: str, span: Span | None, platform: str | None = None, sold: bool = False):
        figure = found.gmv if isinstance(found, Reading) else found
        ids = figure.index if isinstance(found, pd.DataFrame) else [o.id for o in figure.origins] if figure else ()
        self.notes.setdefault(Asked(platform or self.platform, market, what, span, sold), set()).update(ids)
        return found

    def fact(self, market: str, metric: str, span: Span, platform: str | None = None) -> Quantity:
        found = super().fact(market, metric, span, platform)
        return self._noted(found, self.ledger.vocabulary.call_metric(metric), market, span, platform, metric == "gmv")

    def rows(self, market: str, metric: str, platform: str | None = None, within: Span | None = None) -> pd.DataFrame:
        found = super().rows(market, metric, platform, within)
        return self._noted(found, self.ledger.vocabulary.call_metric(metric), market, within, platform)

    def gmv(self, market: str, span: Span, platform: str | None = None) -> Quantity:
        found = self._plain.gmv(market, span, platform)
        return self._noted(found, "GMV, or what it can be worked out from", market, span, platform, True)

    def year_to_date(self, market: str, platform: str | None = None) -> Reading | None:
        found = self._plain.year_to_date(market, platform)
        return self._noted(found, "GMV from January on", market, self.quarter.to_date, platform, True)

    def latest_month(self, market: str) -> Reading | None:
        return self._noted(self._plain.latest_month(market), "GMV of a single month", market, self.quarter.to_date)

    def seasonal_share(self, span: Span) -> Quantity:
        found = self._plain.seasonal_share(span)
        return self._noted(found, "GMV of each quarter", "US", span.year_earlier().year, "All retail")


def readiness(ledger: Ledger, report: Report, chapters: Mapping[str, Recorder]) -> str:
    """What an analyst wants to know of the data before the report of a quarter is built, in lines.

    The report has a view of the whole `ledger`; `chapters` are names, each with the report that it has asked.
    """
    asked: dict[Asked, list[str]] = {}  # and the chapters that did not find it
    for name, recorder in chapters.items():
        for what, ids in recorder.notes.items():
            if not (what.sold and what.span.end > report.quarter.end):  # nobody can know what is still to be sold
                asked.setdefault(what, []).extend([] if ids else [name])
    missing = sorted([(_narrowing(report, what), what) for what in asked if asked[what]], key=lambda row: -row[0])
    facts, fed = report.ledger.facts, set().union(*(ids for one in chapters.values() for ids in one.notes.values()))
    public, known = (rows[rows["span"].map(report.year.overlap) > 0] for rows in (facts, ledger.facts))
    conflicting, idle = list(report.ledger.conflicts(public)), list(_idle(report, fed, {what.what for what in asked}))
    lines = [
        f"{report.quarter.code} as of {report.as_of}: {count(len(facts), 'fact')} public, {len(public)} about the year",
        f"asked for by the chapters: {len(asked)}; there: {len(asked) - len(missing)}; not there: {len(missing)}",
    ]
    for narrowing, what in missing:
        named = f"{what.platform}, {report.call(what.market)}: {what.what}"
        named += f", {what.span.short}" if what.span else ""
        would = f"; it would narrow {report.year.short} by {narrowing:.0%}" if narrowing >= 0.005 else ""
        lines.append(f"    {named}  ({', '.join(asked[what])}){would}")
    lines.append(f"new since {report.before.as_of} and used for nothing: {count(len(idle), 'fact')}")
    lines += [f"    {line}" for line in idle[:SHOWN]]
    lines.append(f"cells with figures in conflict: {len(conflicting)}")
    for cell in conflicting[:SHOWN]:
        figures = ", ".join(f"{fact} {report.ledger.origin(fact).printed}" for fact in cell.index[:SHOWN])
        lines.append(f"    {report.ledger.cell_name(cell.iloc[0])}: {figures}")
    for words, rows in (
        ("day of publication inferred", public[public["known_on_basis"] == "inferred"]),
        ("added by a later date", known[~known.index.isin(public.index)]),
    ):
        lines += [f"{words}: {count(len(rows), 'fact')}", *by_day(rows)]
    return "\n".join(lines)


def _narrowing(report: Report, asked: Asked) -> float:
    """The part of the band of a platform's year that would go if what was asked for were known, by draws of both."""
    model = estimates(report, asked.platform)
    cell, year = (model.draws(*of) if asked.sold else () for of in ((asked.market, asked.span), (WORLD, report.year)))
    if not len(cell) or not len(year) or not min(cell.std(), year.std()) > 0:
        return 0.0
    return 1 - np.sqrt(max(1 - np.corrcoef(cell, year)[0, 1] ** 2, 0.0))


def _idle(report: Report, fed: set[str], asked: set[str]) -> Iterator[str]:
    """Facts that became public since the report before and that neither a chapter nor the model uses, each with why."""
    ledger, read = report.ledger, set()
    for platform in ledger.vocabulary.platforms:
        facts = read_facts(ledger, platform).index  # launches and figures of all platforms teach the model
        model = estimates(report, platform).market if platform in (report.platform, report.rival) else None
        fed, read = fed.union(model.facts.index if model else facts), read.union(facts)
    fed = fed.union(*(sizes(ledger, market).index for market in ledger.vocabulary.markets))
    fed = fed.union(*(claim.told | claim.names for claim in ledger.claims))
    fed = fed.union(*(names_of(one.test).union(one.facts.split()) for one in ledger.arguments.itertuples()))
    new = ledger.facts[ledger.facts["known_on"] > report.before.as_of.isoformat()]
    for _, fact in new[~new.index.isin(fed)].sort_index().iterrows():
        lead = ledger.cell(*fact[CELL]).index[0]
        metric = ledger.vocabulary.call_metric(fact["metric"])
        why = f"no chapter asks for {metric}" if metric not in asked else "no chapter asks for it there and then"
        why = "it was public before its period was over" if fact["forecast"] else why
        why = f"{lead} leads" if lead != fact.name else why
        why = "its counter gives the same in other rows" if fact.name in read else why
        yield f"{fact.name} ({ledger.cell_name(fact)}): {why}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def by_day(facts: pd.DataFrame) -> Iterator[str]:
    """A line for each day on which some facts became public, with their ids."""
    for day, group in facts.sort_index().groupby("known_on"):
        more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
        yield f"    {day}: {', '.join(group.index[:SHOWN])}{more}"
