"""One report: its parameters, checked, and the published figures as its readers could know them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NoReturn

import pandas as pd

from analysis.facts.assumptions import Scenario
from analysis.facts.errors import InputError
from analysis.facts.language import languages
from analysis.facts.ledger import Ledger, read_ledger
from analysis.facts.parameters import DATA, PARAMETERS
from analysis.facts.quantity import Origin, Quantity, total
from analysis.facts.span import Span

# A quarter's figures go on coming out for about two months after its end.
PUBLICATION_LAG = timedelta(days=60)


class ParameterError(InputError):
    """A report was asked for with a parameter that does not exist, or a value that is not allowed."""


@dataclass(frozen=True)
class Reading:
    """GMV of a market over a span, as published or by arithmetic on what is published."""

    span: Span
    gmv: Quantity

    @property
    def monthly(self) -> Quantity:
        """Mean GMV a month; a span that cuts through a month counts by its days."""
        return self.gmv / Quantity.counted(self.span.length_in_months, "month")


@dataclass(frozen=True)
class Report:
    """The subject of a report and the view of the ledger that it may use."""

    quarter: Span
    as_of: date  # nothing that became public later is used
    platform: str
    rival: str
    currency: str  # amounts are converted to it at the average rate of their period
    scenario: Scenario  # what is assumed of the time after the quarter
    lang: str  # a folder of analysis/text
    ledger: Ledger  # the view as of `as_of`
    beside: tuple[str, ...] = ()  # other languages in which the report is built with this one

    def __hash__(self) -> int:
        return hash((self.quarter, self.as_of, self.lang, self.ledger))

    @property
    def name(self) -> str:
        """The report's own among those of a folder: its quarter; scenario and language unless they are the first."""
        parts = {"scenario": self.scenario.id, "lang": self.lang}
        return "-".join([self.quarter.code, *(part for name, part in parts.items() if part != PARAMETERS[name])])

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that make this report again."""
        given = {name: getattr(self, name) for name in PARAMETERS}
        return given | {"quarter": self.quarter.code, "as_of": str(self.as_of), "scenario": self.scenario.id}

    @property
    def year(self) -> Span:
        return self.quarter.year

    @property
    def year_is_over(self) -> bool:
        """Whether the quarter closes the year, so that the verdict on its target is final."""
        return self.quarter.end == self.year.end

    @property
    def horizon(self) -> Span:
        """The twelve months after the quarter."""
        return self.quarter.year_ahead

    @property
    def as_of_label(self) -> Span:
        return Span(self.as_of, self.as_of)

    @cached_property
    def before(self) -> Report:
        """The report of the quarter before, with what was public on its own date."""
        quarter = self.quarter.previous_quarter
        as_of = quarter.end + PUBLICATION_LAG
        return replace(self, quarter=quarter, as_of=as_of, ledger=self.ledger.known_by(as_of))

    def call(self, market: str) -> str:
        return self.ledger.vocabulary.call(market)

    def under(self, scenario: str) -> Report:
        """The same report under another scenario."""
        return replace(self, scenario=self.ledger.assumptions.scenarios[scenario])

    def assumption(self, lever: str, setting: str | None = None) -> Quantity:
        """An assumption as the report's scenario sets it, or at the `low`, `base` or `high` end of its range."""
        return self.convert(self.ledger.assumptions.get(lever, self.scenario, setting), self.quarter)

    def fact(self, market: str, metric: str, span: Span, platform: str | None = None) -> Quantity:
        """The leading published figure of a cell, in the report's currency; unknown if there is none."""
        cell = self.ledger.cell(platform or self.platform, market, metric, span)
        if cell.empty:
            words = self.ledger.vocabulary.call_metric(metric)
            return Quantity.unknown(f"{words} of {platform or self.platform} in {self.call(market)}, {span.short}")
        return self.quantity(cell.iloc[0])

    def rows(self, market: str, metric: str, platform: str | None = None, within: Span | None = None) -> pd.DataFrame:
        """All facts of a metric, in the order in which they lead; those of `within`, if given."""
        facts = self.ledger.series(platform or self.platform, market, metric)
        return facts if within is None else facts.loc[[span in within for span in facts["span"]]]

    def by_id(self, fact_id: str) -> Quantity:
        """The figure of one row of facts.csv; unknown if it is not in this view."""
        facts = self.ledger.facts
        return self.quantity(facts.loc[fact_id]) if fact_id in facts.index else Quantity.unknown(f"fact {fact_id}")

    def by_ids(self, fact_ids: Iterable[str]) -> tuple[Origin, ...]:
        """Where several rows of facts.csv were printed."""
        return tuple(self.ledger.origin(fact) for fact in fact_ids)

    def quantity(self, fact: pd.Series) -> Quantity:
        """One row of the ledger as a quantity in the report's currency."""
        return self.convert(self.ledger.printed(fact), fact["span"])

    def convert(self, figure: Quantity, span: Span, currency: str | None = None) -> Quantity:
        """An amount of money in the report's currency (or another), at the average rate of `span`."""
        return self.ledger.convert(figure, span, currency or self.currency)

    def gmv(self, market: str, span: Span, platform: str | None = None) -> Quantity:
        """GMV over a span: the published figure, or arithmetic on published figures of one basis.

        In this order: the figure itself; a monthly or daily average times months or days; a completed share of the
        year's target; the sum of the two halves of the span; the span around it less its other half; the sum of the
        markets of a region. Trackers count less than leaks do: unlike bases are not added.
        """
        if stated := self._stated_gmv(market, span, platform):
            return stated
        for spans, combine in ((_halves(span), Quantity.__add__), (_around(span), Quantity.__sub__)):
            found = [self._stated_gmv(market, part, platform) for part in spans]
            if found and all(found) and found[0].bases == found[1].bases:
                return combine(*found)
        parts = [self._stated_gmv(member, span, platform) for member in self.ledger.vocabulary.members(market)]
        if len(parts) > 1 and all(parts) and len({part.bases for part in parts}) == 1:
            return total(parts)
        return Quantity.unknown(f"GMV of {platform or self.platform} in {self.call(market)}, {span.short}")

    def _stated_gmv(self, market: str, span: Span, platform: str | None) -> Quantity:
        direct = self.fact(market, "gmv", span, platform)
        if direct:
            return direct
        if span.months and (monthly := self.fact(market, "gmv_monthly_average", span, platform)):
            return monthly * Quantity.counted(span.months, "month")
        if daily := self.fact(market, "gmv_daily_average", span, platform):
            return daily * Quantity.counted(span.days, "day")
        if completed := self.fact(market, "target_completion", span, platform):
            targets = self.ledger.targets(platform or self.platform, market, span)
            return completed * self.quantity(targets.iloc[0]) if len(targets) else direct
        return direct

    def year_to_date(self, market: str, platform: str | None = None) -> Reading | None:
        """The published figure that covers most of the year up to the end of the quarter, from 1 January on."""
        whole = {Span.months_of(self.year.end.year, 1, month) for month in range(1, self.quarter.end.month + 1)}
        stated = {span for span in self.rows(market, "gmv", platform)["span"] if span.start == self.year.start}
        for span in sorted(whole | stated, reverse=True):
            if span in self.quarter.to_date and (gmv := self.gmv(market, span, platform)):
                return Reading(span, gmv)
        return None

    def latest_month(self, market: str) -> Reading | None:
        """The last month of the year, up to the end of the quarter, with a published figure."""
        for month in range(self.quarter.end.month, 0, -1):
            span = Span.months_of(self.year.end.year, month, 1)
            if gmv := self.gmv(market, span):
                return Reading(span, gmv)
        return None

    def seasonal_share(self, span: Span) -> Quantity:
        """Share of last year's official online retail that fell into the same months; the seasonal path of a target."""
        start, end = span.start, span.end
        if span.months not in (3, 6, 9, 12) or start.month != 1:
            return Quantity.unknown("whole quarters of the official retail series")
        quarters = [Span.months_of(start.year - 1, month, 3) for month in (1, 4, 7, 10)]
        sales = [self.fact("US", "gmv", quarter, "All retail") for quarter in quarters]
        part = sales[: end.month // 3]
        return (sum(part[1:], part[0]) / sum(sales[1:], sales[0])).percent()


def open_report(namespace: Mapping[str, object]) -> Report:
    """The report of a notebook, from the parameters that its cells have set in its `globals()`.

    ParameterError if the notebook, or the one who runs it, set one that does not exist or a value that is not allowed.
    """
    # papermill's injected cell and the notebook's own begin with this comment; an unknown name in either would
    # otherwise be ignored in silence.
    for cell in (cell for cell in namespace.get("In", []) if cell.startswith("# Parameters")):
        code = "\n".join(line for line in cell.splitlines() if not line.startswith(("%", "!")))  # IPython's own
        for node in ast.walk(ast.parse(code)):
            named = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            if named and not node.id.startswith("PAPERMILL_"):  # its --inject-paths
                _refuse_unknown(node.id)
    given = {name: namespace[name] for name in PARAMETERS if name in namespace}
    return make_report(read_ledger(Path(os.environ.get("ANALYSIS_DATA", DATA))), **given)


def _refuse(what: str, allowed: str) -> NoReturn:
    raise ParameterError(f"{what}. Allowed: {allowed}")


def _refuse_unknown(name: str) -> None:
    if name not in PARAMETERS:
        _refuse(f"There is no parameter {name!r}", ", ".join(PARAMETERS))


def make_report(ledger: Ledger, **parameters: object) -> Report:
    """A report on a ledger; parameters not given take the values of `PARAMETERS`.

    ParameterError if one is unknown, has the wrong type, or a value for which there is nothing to report.
    """
    given = PARAMETERS | parameters
    for name, value in given.items():
        _refuse_unknown(name)
        if not isinstance(value, str) and (name, value) != ("as_of", None):
            example = PARAMETERS[name] or "2024-08-29"
            _refuse(f"{name} is {value!r} ({type(value).__name__})", f"text, such as {example!r}")
    quarter, as_of, platform, rival, currency, scenario, lang = given.values()
    for name, allowed in (
        ("platform", ledger.vocabulary.platforms),
        ("rival", [name for name in ledger.vocabulary.platforms if name != platform]),
        ("currency", sorted({"USD", *ledger.fx["currency"]})),
        ("scenario", ledger.assumptions.scenarios),
        ("lang", languages()),
    ):
        if given[name] not in allowed:
            _refuse(f"{name} is {given[name]!r}", ", ".join(allowed))
    quarters = {span.code: span for span in quarters_with_facts(ledger, platform)}
    if quarter not in quarters:
        codes = f"{min(quarters)} to {max(quarters)}, written like 2024Q2" if quarters else "none"
        why = f"of others no figure of {platform} became public in the two months after their end"
        _refuse(f"quarter is {quarter!r}", f"{codes}; {why}")
    span = quarters[quarter]
    try:
        day = span.end + PUBLICATION_LAG if as_of is None else datetime.strptime(as_of, "%Y-%m-%d").date()
    except ValueError:
        _refuse(f"as_of is {as_of!r}", "a day written like 2024-08-29")
    if day < span.end:
        _refuse(f"as_of is {day}", f"{span.end} or later for {quarter}")
    view = ledger.known_by(day)
    return Report(span, day, platform, rival, currency, view.assumptions.scenarios[scenario], lang, view)


@lru_cache(maxsize=64)
def quarters_with_facts(ledger: Ledger, platform: str) -> tuple[Span, ...]:
    """Quarters about whose year something is known two months after their end, and after which something came out.

    Where nothing at all became public after a quarter's end, its data are not there yet.
    """
    facts, found = ledger.facts[ledger.facts["platform"] == platform], []
    first, last = (facts[end].map(lambda day: day.year) for end in ("start", "end"))
    years = range(first.min(), last.max() + 1) if len(facts) else ()
    for quarter in (Span.months_of(year, month, 3) for year in years for month in (1, 4, 7, 10)):
        about = (first <= quarter.end.year) & (last >= quarter.end.year)
        end, as_of = quarter.end.isoformat(), (quarter.end + PUBLICATION_LAG).isoformat()
        if (facts["known_on"][about] <= as_of).any() and ledger.facts["known_on"].between(end, as_of).any():
            found.append(quarter)
    return tuple(found)


def _halves(span: Span) -> tuple[Span, ...]:
    """The two halves of a year or a half-year of the calendar."""
    year, month = span.start.year, span.start.month
    if span.months not in (6, 12) or (month - 1) % span.months:
        return ()
    half = span.months // 2
    return Span.months_of(year, month, half), Span.months_of(year, month + half, half)


def _around(span: Span) -> tuple[Span, ...]:
    """The half-year around a quarter, or the year around a half, and the part of it that is not the span."""
    for whole in (Span.months_of(span.start.year, *part) for part in ((1, 6), (7, 6), (1, 12))):
        if span in (halves := _halves(whole)):
            return whole, halves[span == halves[0]]
    return ()
