"""The ramp of the launches on record: what a market sells by months since its launch there.

A vintage is the GMV of a market by months since its launch, as a share of all online sales there. The GMV is as the
company counts it, the size of a market as analysts and statistics offices do: the shares tell launches apart and carry
one over to another market; they are no market shares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.quantity import Origin, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.market import Market, Posterior, Prior
from analysis.model.observations import region_of, sizes


def online_sales(report: Report, market: str, at: Span, currency: str | None = None) -> Quantity:
    """Online sales of all retailers of a market, money a month, by the published figure nearest to `at`.

    Sources differ in what they count: goods alone, or services and travel, too.
    """
    known = sizes(report.ledger, market)
    if known.empty:
        return Quantity.unknown(f"online sales of {report.call(market)}")

    def distance(span: Span) -> tuple[int, int]:
        return max((span.start - at.end).days, (at.start - span.end).days, 0), span.days

    row = known.iloc[min(range(len(known)), key=lambda n: distance(known["span"].iat[n]))]
    amount, span = report.convert(report.ledger.printed(row), row["span"], currency), row["span"]
    if "weekly" in row["metric"]:
        amount = amount * Quantity.counted(span.days / 7, "week", f"of {span.short}")
    return replace(
        amount / Quantity.counted(span.months, "month", f"of {span.short}"), unit=f"{currency or report.currency}/month"
    )


def opening(report: Report, market: str) -> Span | None:
    """Day, month or year of a market's first launch, as far as it is told."""
    return _first(report.ledger, report.platform, "launch").get(market)


@lru_cache(maxsize=32)
def _first(ledger: Ledger, platform: str, kind: str) -> dict[str, Span]:
    """Market -> its first event of a kind."""
    events = ledger.events_of(platform, kind)
    return {name: row.span for row in events[::-1].itertuples() for name in row.market.split(", ")}


def launch_origin(report: Report, market: str) -> Origin:
    """Where the platform's first launch in a market was told."""
    return report.ledger.origin(report.ledger.event(report.platform, market, "launch").name)


@dataclass(frozen=True, eq=False)
class Vintage:
    """One launch on record, up to the report's quarter, or to the month before the market was closed."""

    market: str
    region: str
    shares: np.ndarray  # GMV as a share of the market's online sales, by months since the launch
    origins: tuple[Origin, ...]  # the launch, and the facts that say most of its GMV and the size of its market


@dataclass(frozen=True, eq=False)
class Ramp:
    """What the launches on record sold by months since launch.

    `own` are markets of which any month up to the report's quarter rests on a figure of their own; `region` is that of
    the sites that are planned: what a launch tells of them depends on whether it is one of their region.
    """

    vintages: tuple[Vintage, ...]
    own: frozenset[str]
    region: str | None = None

    @cached_property
    def completed(self) -> np.ndarray:
        """Shares of all vintages over the months of the oldest, shape (vintages, months).

        A launch that is younger than the oldest goes on at the middle of the monthly growth of those that are older, so
        that the middle of all does not jump where one of them ends.
        """
        recorded = pd.DataFrame([vintage.shares for vintage in self.vintages])
        growth = (recorded / recorded.shift(axis=1)).median()
        completed = recorded.copy()
        for month in completed.columns[1:]:
            completed[month] = completed[month].fillna(completed[month - 1] * growth[month])
        return completed.to_numpy()

    @cached_property
    def weights(self) -> np.ndarray:
        """How much each launch tells of the planned sites: the best linear prediction of a log share, where launches
        of one region have more in common, by the spreads of the market model; they add up to one."""
        regions = np.array([vintage.region for vintage in self.vintages])
        covariance = Prior.region_sd**2 * np.equal.outer(regions, regions) + Prior.share_sd**2 * np.eye(len(regions))
        alike = np.linalg.solve(covariance, Prior.region_sd**2 * (regions == self.region))
        mean = np.linalg.solve(covariance, np.ones(len(regions)))
        return alike + (1 - alike.sum()) * mean / mean.sum()

    @property
    def months(self) -> int:
        """Months since launch that the oldest vintage has on record; what comes later is taken to be as the last."""
        return self.completed.shape[1]

    @cached_property
    def middle(self) -> np.ndarray:
        """The expected share of the planned sites, by months since launch."""
        return np.exp(self.weights @ np.log(self.completed))

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        return _distinct(origin for vintage in self.vintages for origin in vintage.origins)

    def spread(self, month: int) -> tuple[Quantity, Quantity, Quantity]:
        """The lowest, the expected and the highest share of online sales in a month since launch; the first is 0."""
        at = min(month, self.months - 1)
        found = self.completed[:, at].min(), self.middle[at], self.completed[:, at].max()
        return tuple(self._share(value, f"{word} share of online sales in the month {month} after launch")
                     for word, value in zip(("lowest", "expected", "highest"), found, strict=True))  # fmt: skip

    def of(self, vintage: int, month: int) -> Quantity:
        """Share of online sales of one launch in a month since it, continued where it is younger."""
        chosen = self.vintages[vintage]
        words = f"share of online sales of {chosen.market} in the month {month} after launch"
        if month >= len(chosen.shares):
            words += ", continued at the middle growth of older launches"
        return Quantity(rounded(self.completed[vintage, month]), "%", words, chosen.origins)

    def shares(self, weights: dict[int, float]) -> Quantity:
        """What is expected over some months since launch, each with its weight, in months of online sales."""
        value = sum(weight * float(self.middle[min(month, self.months - 1)]) for month, weight in weights.items())
        first, last = min(weights), max(weights)
        when = f"month {first}" if first == last else f"the months {first} to {last}"
        share = self._share(value, f"shares of a month’s online sales, {when} after launch, by the launches on record")
        return replace(share, unit="month")

    def _share(self, value: float, formula: str) -> Quantity:
        names = ", ".join(vintage.market for vintage in self.vintages)
        return Quantity(rounded(value), "%", f"{formula} ({names})", self.origins)


@dataclass(frozen=True)
class _Asked:
    """What a ramp depends on: scenarios change a posterior after the quarter only, where no ramp looks."""

    ledger: Ledger
    platform: str
    quarter: Span
    posterior: Posterior
    report: Report = field(compare=False)
    market: Market = field(compare=False)


def ramp(report: Report, market: Market | None) -> Ramp | None:
    """The launches of the platform with a figure of their own and a market of known size; None for none.

    The reopening of a closed market is no launch: it had its buyers already.
    """
    if market is None:
        return None
    return _ramp(_Asked(report.ledger, report.platform, report.quarter, market.posterior, report, market))


@lru_cache(maxsize=32)
def _ramp(asked: _Asked) -> Ramp | None:
    status = asked.market.status
    known = status[status["month"] <= pd.Period(asked.quarter.end, "M")]
    own = frozenset(known["market"][known["status"] == "reported"])
    launched = [market for market in asked.ledger.vocabulary.markets if market in own and opening(asked.report, market)]
    vintages = tuple(filter(None, (_vintage(asked, market, known) for market in launched)))
    facts = asked.ledger.facts
    planned = facts["market"][(facts["platform"] == asked.platform) & (facts["metric"] == "planned_launch_month")]
    sites = [site for name in planned for site in asked.ledger.vocabulary.members(name)]
    region = region_of(asked.ledger, sites[0]) if sites else None
    return Ramp(vintages, own, region) if vintages else None


def _vintage(asked: _Asked, market: str, known: pd.DataFrame) -> Vintage | None:
    opened, calendar = opening(asked.report, market), asked.market.observations.calendar
    first = opened.start
    if opened.days > 1 and opened.months != 1:  # told to the year: the first day of trade that is on record
        first = calendar["start"][calendar["market"] == market].min()
    months = known["month"][(known["market"] == market) & (known["month"] >= pd.Period(first, "M"))]
    if closure := _first(asked.ledger, asked.platform, "closure").get(market):
        months = months[months < pd.Period(closure.start, "M")]
    spans = tuple(Span.months_of(month.year, month.month, 1) for month in months)
    sales = [online_sales(asked.report, market, span, "USD") for span in spans]
    if not sales or not all(sales):
        return None
    gmv = np.array([np.median(asked.market.draws(market, span)) for span in spans])
    facts = asked.report.by_ids(asked.market.drivers(market, Span(spans[0].start, spans[-1].end)))
    origins = (launch_origin(asked.report, market), *facts, *sales[-1].origins)
    region = region_of(asked.ledger, market) or market
    return Vintage(market, region, gmv / [size.value for size in sales], _distinct(origins))


def _distinct(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    return tuple({origin.id: origin for origin in origins}.values())
