"""Launches on record and ahead: what a market sells by months since its launch, and what planned sites may sell.

The path of a launch is the GMV of its market as a share of all online sales there. The GMV is as the company counts it,
the size of a market as analysts and statistics offices do: the shares carry one launch over to another market; they are
no market shares. What is expected of planned sites is their share at each age × the online sales of their markets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity, rounded, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.market import Market, Prior
from analysis.model.observations import region_of, sizes

LEVERS = ("europe_ramp", "europe_delay", "new_sites_market")


class Plan(NamedTuple):
    """A launch that was announced ahead: sites that open together, the planned month, and the figure that says so."""

    markets: tuple[str, ...]
    month: Span
    figure: Quantity


@lru_cache(maxsize=32)
def plans(report: Report) -> tuple[Plan, ...]:
    """Every launch that was planned, the earliest month first; of several plans for a site the one made public last."""
    facts, found, taken = report.ledger.facts, [], set()
    rows = facts[(facts["platform"] == report.platform) & (facts["metric"] == "planned_launch_month")]
    for _, row in rows.sort_values("known_on", ascending=False, kind="stable").iterrows():
        if markets := tuple(m for m in report.ledger.vocabulary.members(row["market"]) if m not in taken):
            taken.update(markets)
            found.append(Plan(markets, row["span"], report.ledger.printed(row)))
    return tuple(sorted(found, key=lambda plan: plan.month))


def next_plan(report: Report) -> Plan | None:
    """The earliest launch planned for the report's year or after it, or None if no plan is public."""
    return next((plan for plan in plans(report) if plan.month.end >= report.year.start), None)


def planned_sites(report: Report) -> list[str]:
    """The markets of every plan that is public, open or not."""
    return [market for plan in plans(report) for market in plan.markets]


def pending(report: Report) -> list[Plan]:
    """Plans of which no site has opened: from then on the market model has the sites, by the size of their markets."""
    return [plan for plan in plans(report) if not any(opening(report, market) for market in plan.markets)]


@lru_cache(maxsize=512)
def opening(report: Report, market: str) -> Span | None:
    """Day, month or year of a market's first launch, as far as it is told."""
    event = report.ledger.event(report.platform, market, "launch")
    return None if event is None else event["span"]


# Size of a market ---------------------------------------------------------------------------------------


def online_sales(report: Report, market: str, at: Span, currency: str | None = None) -> Quantity:
    """Online sales of all retailers of a market, money a month, by the published figure nearest to `at`, the shortest
    of those that touch it.

    Sources differ in what they count: goods alone, or services and travel, too.
    """
    distance = {
        fact: (max((span.start - at.end).days, (at.start - span.end).days, 0), span.days)
        for fact, span in sizes(report.ledger, market)["span"].items()
    }
    if not distance:
        return Quantity.unknown(f"online sales of {report.call(market)}")
    return _a_month(report, min(distance, key=distance.get), currency or report.currency)


@lru_cache(maxsize=512)
def _a_month(report: Report, fact: str, currency: str) -> Quantity:
    figure = report.ledger.facts.loc[fact]
    span = figure["span"]
    amount = report.convert(report.ledger.printed(figure), span, currency)
    if "weekly" in figure["metric"]:
        amount = amount * Quantity.counted(span.days / 7, "week", f"of {span.short}")
    return replace(amount / Quantity.counted(span.months, "month", f"of {span.short}"), unit=f"{currency}/month")


# The ramp of the launches on record ---------------------------------------------------------------------


class Launch(NamedTuple):
    """A launch on record, up to the report's quarter, or to the month before the market was closed."""

    market: str
    shares: np.ndarray  # GMV as a share of the market's online sales, by months since the launch
    origins: tuple[Origin, ...]  # the launch, and the facts that say most of its GMV and the size of its market


@dataclass(frozen=True, eq=False)
class Ramp:
    """What the launches on record sold by months since launch, up to the age of the oldest."""

    launches: tuple[Launch, ...]
    completed: np.ndarray  # their shares, shape (launches, months); younger ones go on as older ones did
    weights: np.ndarray  # how much each tells of the sites that are planned; they add up to one

    @property
    def middle(self) -> np.ndarray:
        """The expected share of the planned sites, by months since launch."""
        return np.exp(self.weights @ np.log(self.completed))

    def spread(self, month: int) -> tuple[Quantity, Quantity, Quantity]:
        """The lowest, the expected and the highest share of online sales in a month since launch; the first is 0."""
        found = self.completed[:, month].min(), self.middle[month], self.completed[:, month].max()
        when = f"share of online sales in the month {month} after launch"
        words = ("lowest", "expected", "highest")
        return tuple(self._told(value, "%", f"{word} {when}") for word, value in zip(words, found, strict=True))

    def of(self, launch: int, month: int) -> Quantity:
        """Share of online sales of one launch in a month since it, continued where it is younger."""
        chosen = self.launches[launch]
        words = f"share of online sales of {chosen.market} in the month {month} after launch"
        if month >= len(chosen.shares):
            words += ", continued at the middle growth of older launches"
        return Quantity(rounded(self.completed[launch, month]), "%", words, chosen.origins)

    def shares(self, weights: dict[int, float]) -> Quantity:
        """What is expected over some months since launch, each with its weight, in months of online sales; what comes
        after the oldest launch's last month is taken to be as that."""
        middle, first, last = self.middle, min(weights), max(weights)
        value = sum(weight * float(middle[min(month, len(middle) - 1)]) for month, weight in weights.items())
        when = f"month {first}" if first == last else f"the months {first} to {last}"
        words = f"shares of a month’s online sales, {when} after launch, by the launches on record"
        return self._told(value, "month", words)

    def _told(self, value: float, unit: str, formula: str) -> Quantity:
        names = ", ".join(launch.market for launch in self.launches)
        origins = _distinct(origin for launch in self.launches for origin in launch.origins)
        return Quantity(rounded(value), unit, f"{formula} ({names})", origins)


def ramp(report: Report, market: Market | None) -> Ramp | None:
    """The launches of the platform with a figure of their own and a market of known size; None for none. A reopening is
    no launch: it had its buyers already. All scenarios share one ramp: they change a model after the quarter only."""
    return market and market.once((report.ledger.fingerprint, report.quarter), lambda: _ramp(report, market))


def _ramp(report: Report, market: Market) -> Ramp | None:
    ledger, known = report.ledger, market.status[market.status["month"] <= pd.Period(report.quarter.end, "M")]
    own = set(known["market"][known["status"] == "reported"])
    launched = [name for name in ledger.vocabulary.markets if name in own and opening(report, name)]
    months = {name: known["month"][known["market"] == name] for name in launched}
    launches = tuple(filter(None, (_launch(report, market, name, months[name]) for name in launched)))
    if not launches:
        return None
    completed = pd.DataFrame({n: pd.Series(launch.shares) for n, launch in enumerate(launches)}).to_numpy(copy=True).T
    # A launch that is younger than the oldest goes on at the middle of the monthly growth of those that are older, so
    # that the middle of all does not jump where one of them ends.
    growth = np.nanmedian(completed[:, 1:] / completed[:, :-1], axis=0)
    for month, grown in enumerate(growth, 1):
        young = np.isnan(completed[:, month])
        completed[young, month] = completed[young, month - 1] * grown
    # The best linear prediction of a log share, where launches of one region have more in common, by the spreads of
    # the market model.
    sites = planned_sites(report)
    regions = np.array([region_of(ledger, launch.market) or launch.market for launch in launches])
    alike = Prior.region_sd**2 * (regions == (region_of(ledger, sites[0]) if sites else None))
    covariance = Prior.region_sd**2 * np.equal.outer(regions, regions) + Prior.share_sd**2 * np.eye(len(regions))
    weights, mean = np.linalg.solve(covariance, alike), np.linalg.solve(covariance, np.ones(len(regions)))
    return Ramp(launches, completed, weights + (1 - weights.sum()) * mean / mean.sum())


def _launch(report: Report, model: Market, market: str, months: pd.Series) -> Launch | None:
    opened, calendar = opening(report, market), model.observations.calendar
    first = opened.start
    if opened.days > 1 and opened.months != 1:  # told to the year: the first day of trade that is on record
        first = calendar["start"][calendar["market"] == market].min()
    months = months[months >= pd.Period(first, "M")]
    if (closure := report.ledger.event(report.platform, market, "closure")) is not None:
        months = months[months < pd.Period(closure["start"], "M")]
    spans = [Span.months_of(month.year, month.month, 1) for month in months]
    sales = [online_sales(report, market, span, "USD") for span in spans]
    if not (sales and all(sales)):
        return None
    shares = np.array([np.median(model.draws(market, span)) for span in spans]) / [sold.value for sold in sales]
    facts = report.by_ids(model.drivers(market, Span(spans[0].start, spans[-1].end)))
    return Launch(market, shares, _distinct((_origin(report, market), *facts, *sales[-1].origins)))


def _origin(report: Report, market: str) -> Origin:
    return report.ledger.origin(report.ledger.event(report.platform, market, "launch").name)


def _distinct(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    return tuple({origin.id: origin for origin in origins}.values())


# Planned sites ------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def new_sites_gmv(report: Report, market: Market, span: Span) -> Quantity:
    """GMV over a span of the sites of pending plans, money; up to the report's quarter as the base has it.

    Unknown where there are none, where no launch on record tells a ramp, and where the span ends before they open.
    """
    last, ahead = report.quarter.end, report.horizon.start
    parts = [(report, span)]
    if span.start <= last:  # what was sold by then is the same in every scenario
        parts = [(report.under(BASE), Span(span.start, min(span.end, last)))]
        parts += [(report, Span(ahead, span.end))] if span.end > last else []
    curve = ramp(report, market) if pending(report) else None
    found = [plan_gmv(seen, curve, plan, part) for plan in pending(report) for seen, part in parts]
    known = [gmv for gmv in found if gmv > 0]
    return total(known) if known else Quantity.unknown("a planned launch")


def plan_gmv(
    report: Report, ramp: Ramp | None, plan: Plan, span: Span, settings: dict[str, str] | None = None
) -> Quantity:
    """GMV over a span of the sites of a plan, money: share of the ramp at each age × online sales of the sites.

    It is zero before they open: when the first did, or else in the planned month and the assumed delay after it.
    `settings` sets levers to `low`, `base` or `high`; the others are as the report's scenario has them.
    """
    if ramp is None:
        return Quantity.unknown("a launch on record with a market of known size")
    scale, delay, size = (report.assumption(name, (settings or {}).get(name)) for name in LEVERS)
    month, reasons = _start(report, plan, delay)
    published = [sold for market in plan.markets if (sold := online_sales(report, market, report.quarter))]
    sales = total(published) if published else size / Quantity.counted(12, "month")
    # Months since the launch -> part of each that lies within the span.
    ages = {(pd.Period(one.start, "M") - month).n: span.overlap(one) / one.days for one in span.each_month}
    gmv = ramp.shares({age: part for age, part in ages.items() if age >= 0} or {0: 0.0}) * scale * sales
    words = f"{plan.figure.formula}, open from {Span.months_of(month.year, month.month, 1).short} on"
    return replace(gmv, formula=f"{gmv.formula} ({words})", origins=(*plan.figure.origins, *reasons, *gmv.origins))


def _start(report: Report, plan: Plan, delay: Quantity) -> tuple[pd.Period, tuple[Origin, ...]]:
    """When the first site of a plan opened, or else the month as planned and delayed but not in the past; and why."""
    if opened := [(day, market) for market in plan.markets if (day := opening(report, market))]:
        day, market = min(opened)
        return pd.Period(day.start, "M"), (_origin(report, market),)
    month = pd.Period(plan.month.start, "M") + round(delay.value)
    if report.as_of > plan.month.end:
        month = max(month, pd.Period(report.as_of, "M") + 1)
    return month, delay.origins
