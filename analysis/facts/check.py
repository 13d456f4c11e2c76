"""The state of the data for one quarter: what its report asks for and what of it is there, and what needs a look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields

import pandas as pd

from analysis.facts.claims import LEVEL
from analysis.facts.ledger import Ledger
from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span

CELL = ["platform", "market", "metric", "span"]
SHOWN = 80  # of one list; nobody reads on


@dataclass(frozen=True)
class Asked:
    """What a section asked the ledger for: one cell, or all facts of a metric, within a span or at any time."""

    platform: str
    market: str
    what: str
    span: Span | None = None

    def describe(self, report: Report) -> str:
        when = f", {self.span.short}" if self.span else ""
        return f"{self.platform}, {report.call(self.market)}: {self.what}{when}"


@dataclass(frozen=True, eq=False)
class Recorder(Report):
    """A report that notes what it is asked for, and whether it could answer."""

    notes: dict[Asked, bool] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, report: Report) -> Recorder:
        return cls(**{f.name: getattr(report, f.name) for f in fields(Report)})

    @property
    def _plain(self) -> Report:
        """The report itself: what its own arithmetic asks for on the way is not noted."""
        return Report(**{f.name: getattr(self, f.name) for f in fields(Report)})

    def _noted(self, found, what: str, market: str, span: Span | None, platform: str | None = None):
        asked = Asked(platform or self.platform, market, what, span)
        there = not found.empty if isinstance(found, pd.DataFrame) else bool(found)
        self.notes[asked] = self.notes.get(asked, False) or there
        return found

    def fact(self, market: str, metric: str, span: Span, platform: str | None = None) -> Quantity:
        words = self.ledger.vocabulary.call_metric(metric)
        return self._noted(super().fact(market, metric, span, platform), words, market, span, platform)

    def rows(self, market: str, metric: str, platform: str | None = None, within: Span | None = None) -> pd.DataFrame:
        words = self.ledger.vocabulary.call_metric(metric)
        return self._noted(super().rows(market, metric, platform, within), words, market, within, platform)

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


def readiness(ledger: Ledger, report: Report, sections: Iterable[tuple[str, Callable[[Report], object]]]) -> str:
    """What an analyst wants to know of the data before the report of a quarter is built, in lines.

    The report has a view of the whole `ledger`; `sections` are names, each with what asks a report for its figures.
    """
    asked, facts = asked_by(report, sections), report.ledger.facts
    missing = {what: names for what, names in asked.items() if names}
    public, known = _about(report, facts), _about(report, ledger.facts)
    conflicting = list(conflicts(report, public))
    lines = [
        f"{report.quarter.code} as of {report.as_of}: {count(len(facts), 'fact')} public, {len(public)} about the year",
        f"asked for by the chapters: {len(asked)}; there: {len(asked) - len(missing)}; not there: {len(missing)}",
        *(f"    {what.describe(report)}  ({', '.join(names)})" for what, names in missing.items()),
        f"cells with figures in conflict: {len(conflicting)}",
    ]
    for cell in conflicting[:SHOWN]:
        figures = ", ".join(f"{fact} {report.ledger.origin(fact).printed}" for fact in cell.index[:SHOWN])
        lines.append(f"    {report.cell_name(cell.iloc[0])}: {figures}")
    for words, rows in (
        ("day of publication inferred", public[public["known_on_basis"] == "inferred"]),
        ("added by a later date", known[~known.index.isin(public.index)]),
    ):
        lines += [f"{words}: {count(len(rows), 'fact')}", *by_day(rows)]
    return "\n".join(lines)


def asked_by(report: Report, sections: Iterable[tuple[str, Callable]]) -> dict[Asked, list[str]]:
    """All that the sections ask a report for, and the names of those that do not find it."""
    found: dict[Asked, list[str]] = {}
    for name, section in sections:
        recorder = Recorder.of(report)
        section(recorder)
        for asked, there in recorder.notes.items():
            found.setdefault(asked, []).extend([] if there else [name])
    return found


def conflicts(report: Report, facts: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cells whose figures differ by more than rounding; a target that was revised is not in conflict."""
    shared = facts[(facts["kind"] != "target") & facts.duplicated(CELL, keep=False)]
    # Of a hundred thousand facts most share their unit and period.
    pairs = list(zip(shared["of"], shared["span"], strict=True))
    worth = {pair: report.convert(Quantity(1.0, pair[0]), pair[1]).value for pair in dict.fromkeys(pairs)}
    value = shared["number"] * [worth[pair] for pair in pairs]
    cells = value.groupby([shared[column] for column in CELL], sort=False)
    low, high = cells.transform("min"), cells.transform("max")
    for _, cell in shared[high - low > LEVEL * high.abs()].groupby(CELL, sort=False):
        yield cell


def _about(report: Report, facts: pd.DataFrame) -> pd.DataFrame:
    return facts[facts["span"].map(report.year.overlap) > 0]


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def by_day(facts: pd.DataFrame) -> Iterator[str]:
    """A line for each day on which some facts became public, with their ids."""
    for day, group in facts.sort_index().groupby("known_on"):
        more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
        yield f"    {day}: {', '.join(group.index[:SHOWN])}{more}"
