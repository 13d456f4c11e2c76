"""The state of the data for one quarter: what the chapters ask for and what of it is there, and what needs a look."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import pandas as pd

from analysis import chapters
from analysis.facts.ledger import Ledger
from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.story.prose import LEVEL

CELL = ["platform", "market", "metric", "span"]
SHOWN = 80  # of one list; nobody reads on


@dataclass(frozen=True)
class Asked:
    """What a chapter asked the ledger for: one cell, or all facts of a metric, within a span or at any time."""

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

    def _note(self, market: str, what: str, span: Span | None, platform: str | None, found: bool) -> None:
        asked = Asked(platform or self.platform, market, what, span)
        self.notes[asked] = self.notes.get(asked, False) or found

    def _call(self, metric: str) -> str:
        return self.ledger.vocabulary.call_metric(metric)

    def fact(self, market: str, metric: str, span: Span, platform: str | None = None) -> Quantity:
        found = super().fact(market, metric, span, platform)
        self._note(market, self._call(metric), span, platform, bool(found))
        return found

    def rows(self, market: str, metric: str, platform: str | None = None, within: Span | None = None) -> pd.DataFrame:
        found = super().rows(market, metric, platform, within)
        self._note(market, self._call(metric), within, platform, not found.empty)
        return found

    def gmv(self, market: str, span: Span, platform: str | None = None) -> Quantity:
        found = self._plain.gmv(market, span, platform)
        self._note(market, "GMV, or what it can be worked out from", span, platform, bool(found))
        return found

    def year_to_date(self, market: str, platform: str | None = None) -> Reading | None:
        found = self._plain.year_to_date(market, platform)
        self._note(market, "GMV from January on", self.quarter.to_date, platform, found is not None)
        return found

    def latest_month(self, market: str) -> Reading | None:
        found = self._plain.latest_month(market)
        self._note(market, "GMV of a single month", self.quarter.to_date, None, found is not None)
        return found

    def seasonal_share(self, span: Span) -> Quantity:
        found = self._plain.seasonal_share(span)
        self._note("US", "GMV of each quarter", span.year_earlier().year, "All retail", bool(found))
        return found


@dataclass(frozen=True)
class Readiness:
    """What an analyst wants to know of the data before the report of a quarter is built.

    Attributes
    ----------
    report : Report
    asked : dict of str to dict
        Chapter -> what it asks for -> whether it is there.
    conflicts : list of DataFrame
        The facts of each cell of the report's year that gives unlike figures, the leading one first.
    inferred, later : DataFrame
        Facts about the report's year: those whose day of publication is a judgement, and those not yet public on the
        report's date.
    """

    report: Report
    asked: dict[str, dict[Asked, bool]]
    conflicts: list[pd.DataFrame]
    inferred: pd.DataFrame
    later: pd.DataFrame

    @property
    def missing(self) -> dict[Asked, list[str]]:
        """What is asked for and not there, and the chapters that ask."""
        chapters_of: dict[Asked, list[str]] = {}
        for name, notes in self.asked.items():
            for asked, found in notes.items():
                if not found:
                    chapters_of.setdefault(asked, []).append(name)
        return chapters_of

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        report, facts, missing = self.report, self.report.ledger.facts, self.missing
        wanted = len({asked for notes in self.asked.values() for asked in notes})
        about = int((facts["span"].map(report.year.overlap) > 0).sum())
        yield f"{report.quarter.code} as of {report.as_of}: {count(len(facts), 'fact')} public, {about} about the year"
        yield f"asked for by the chapters: {wanted}; there: {wanted - len(missing)}; not there: {len(missing)}"
        for asked, names in missing.items():
            yield f"    {asked.describe(report)}  ({', '.join(names)})"
        yield f"cells with figures in conflict: {len(self.conflicts)}"
        for cell in self.conflicts[:SHOWN]:
            first = cell.iloc[0]
            name = Asked(first["platform"], first["market"], self._call(first["metric"]), first["span"])
            figures = [f"{fact} {report.ledger.origin(fact).printed}" for fact in cell.index[:SHOWN]]
            yield f"    {name.describe(report)}: {', '.join(figures)}"
        yield f"day of publication inferred: {count(len(self.inferred), 'fact')}"
        yield from by_day(self.inferred)
        yield f"added by a later date: {count(len(self.later), 'fact')}"
        yield from by_day(self.later)

    def _call(self, metric: str) -> str:
        return self.report.ledger.vocabulary.call_metric(metric)


def reviews(report: Report) -> Iterator[tuple[str, object]]:
    """What each chapter makes of a report, under the chapter's name."""
    for module in pkgutil.iter_modules(chapters.__path__):
        yield module.name, importlib.import_module(f"{chapters.__name__}.{module.name}").review(report)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def by_day(facts: pd.DataFrame) -> Iterator[str]:
    """A line for each day on which some facts became public, with their ids."""
    for day, group in facts.sort_index().groupby("known_on"):
        more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
        yield f"    {day}: {', '.join(group.index[:SHOWN])}{more}"


def readiness(ledger: Ledger, report: Report) -> Readiness:
    """Ask every chapter for its review of the report, and note what it looks for.

    Parameters
    ----------
    ledger : Ledger
        The whole ledger, of which the report has a view.
    report : Report
    """
    recorder, asked, about = Recorder.of(report), {}, {}
    for name, _ in reviews(recorder):
        asked[name] = dict(recorder.notes)
        recorder.notes.clear()
    for name, view in (("whole", ledger), ("public", report.ledger)):
        about[name] = view.facts[view.facts["span"].map(report.year.overlap) > 0]
    public = about["public"]
    return Readiness(
        report=report,
        asked=asked,
        conflicts=list(_conflicts(report, public)),
        inferred=public[public["known_on_basis"] == "inferred"],
        later=about["whole"][~about["whole"].index.isin(public.index)],
    )


def _conflicts(report: Report, facts: pd.DataFrame) -> Iterator[pd.DataFrame]:
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
