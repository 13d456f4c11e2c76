"""The ramp of the launches on record: what a market sells by months since its launch there.

A vintage is the GMV of a market by months since its launch, as a share of all online sales there. The GMV is as the
company counts it, the size of a market as analysts and statistics offices do: the shares tell launches apart and carry
one over to another market; they are no market shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.ledger import Ledger
from analysis.market import Market, Posterior
from analysis.quantity import Origin, Quantity
from analysis.report import Report
from analysis.span import Span, day_label

# Where the online sales of a whole market are published, the widest and most official first.
_WHOLE = ("All retail", "All platforms")
_METRICS = (
    "gmv",
    "e_commerce_market_size",
    "e_commerce_turnover",
    "b2c_e_commerce_turnover",
    "online_goods_sales_gross",
    "retail_e_commerce_sales",
)
_WHOLE_MONTHS = 3  # a size of less than a quarter is that of a sales day


# Size of a market ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Size:
    """A published size of a market: the row itself, or a share of the region's row."""

    span: Span
    whole: pd.Series
    share: pd.Series | None = None

    def a_month(self, report: Report, currency: str | None) -> Quantity:
        amount = report.convert(report.ledger.printed(self.whole), self.span, currency)
        monthly = amount / Quantity.counted(self.span.months, "month", f"of {self.span.short}")
        return monthly if self.share is None else report.quantity(self.share) * monthly


def online_sales(report: Report, market: str, at: Span) -> Quantity:
    """Online sales of all retailers of a market, money a month, by the published figure nearest to `at`.

    A market without a figure of its own is its published share of its region's. Sources differ in what they count:
    goods alone, or services and travel, too.
    """
    size = _nearest(_sizes(report.ledger, market), at)
    return size.a_month(report, None) if size else Quantity.unknown(f"online sales of {report.call(market)}")


@lru_cache(maxsize=128)
def _sizes(ledger: Ledger, market: str) -> tuple[_Size, ...]:
    own = tuple(_Size(row["span"], row) for _, row in _published(ledger, market).iterrows())
    if own:
        return own
    facts, found = ledger.facts, []
    of_market = facts["platform"].isin(_WHOLE) & (facts["market"] == market)
    shares = facts[of_market & (facts["metric"] == "share_of_region_gmv")].drop_duplicates("span")
    regions = [name for name, members in ledger.vocabulary.regions.items() if market in members]
    for _, share in shares.iterrows():
        for region in regions:
            whole = _published(ledger, region)
            found += [_Size(share["span"], row, share) for _, row in whole[whole["span"] == share["span"]].iterrows()]
    return tuple(found)


@lru_cache(maxsize=64)
def _published(ledger: Ledger, market: str) -> pd.DataFrame:
    """Sizes of a market or region as one kind of source counts them, in the order in which they lead."""
    facts = ledger.facts[ledger.facts["market"] == market]
    facts = facts[facts["span"].map(lambda span: (span.months or 0) >= _WHOLE_MONTHS).astype(bool)]
    for platform in _WHOLE:
        for metric in _METRICS:
            rows = facts[(facts["platform"] == platform) & (facts["metric"] == metric)]
            if len(rows):
                return rows.drop_duplicates("span")
    return facts.iloc[:0]


def _nearest(sizes: tuple[_Size, ...], at: Span) -> _Size | None:
    """The size whose period is the least days away, of these the one of the shortest period."""

    def distance(size: _Size) -> tuple[int, int]:
        return max((size.span.start - at.end).days, (at.start - size.span.end).days, 0), size.span.days

    return min(sizes, key=distance, default=None)


# Ramps of the launches on record ------------------------------------------------------------------------


def opening(report: Report, market: str) -> Span | None:
    """Day, month or year of a market's first launch, as far as it is told."""
    return _openings(report.ledger, report.platform).get(market)


@lru_cache(maxsize=32)
def _openings(ledger: Ledger, platform: str) -> dict[str, Span]:
    """Market -> its first launch."""
    launches = ledger.events_of(platform, "launch")
    return {name: row.span for row in launches[::-1].itertuples() for name in row.market.split(", ")}


@dataclass(frozen=True, eq=False)
class Vintage:
    """One launch on record.

    Attributes
    ----------
    market : str
    opened : Span
        Day or month of the launch.
    shares : ndarray, shape (months,)
        GMV as a share of the market's online sales, by months since the launch: those on record up to the report's
        quarter, or up to the month before the market was closed.
    origins : tuple of Origin
        The launch, and the facts that tell most of its GMV and the size of its market.
    """

    market: str
    opened: Span
    shares: np.ndarray
    origins: tuple[Origin, ...]


@dataclass(frozen=True, eq=False)
class Ramp:
    """What the launches on record sold by months since launch.

    Attributes
    ----------
    vintages : tuple of Vintage
    completed : ndarray, shape (vintages, months)
        Their shares of online sales; a launch that is younger than the oldest goes on at the middle of the monthly
        growth of those that are older, so that the middle of all does not jump where one of them ends.
    """

    vintages: tuple[Vintage, ...]
    completed: np.ndarray

    @property
    def months(self) -> int:
        """Months since launch that the oldest vintage has on record."""
        return self.completed.shape[1]

    @property
    def origins(self) -> tuple[Origin, ...]:
        return tuple({origin.id: origin for v in self.vintages for origin in v.origins}.values())

    def spread(self, month: int) -> tuple[Quantity, Quantity, Quantity]:
        """The lowest, the middle and the highest share of online sales in a month since launch; the first is 0."""
        at = self.completed[:, min(month, self.months - 1)]
        return tuple(
            self._share(value, f"{word} share of online sales in the month {month} after launch")
            for word, value in (("lowest", at.min()), ("middle", np.median(at)), ("highest", at.max()))
        )

    def of(self, vintage: int, month: int) -> Quantity:
        """Share of online sales of one launch in a month since it, continued where it is younger."""
        chosen = self.vintages[vintage]
        words = f"share of online sales of {chosen.market} in the month {month} after launch"
        if month >= len(chosen.shares):
            words += ", continued at the middle growth of older launches"
        return Quantity(float(self.completed[vintage, month]), "%", words, chosen.origins)

    def shares(self, weights: dict[int, float]) -> Quantity:
        """The middle of the launches over some months since launch, each with its weight, in months of online sales.

        Months beyond the oldest launch are taken to be as its last.
        """
        middle = np.median(self.completed, axis=0)
        value = sum(weight * float(middle[min(month, self.months - 1)]) for month, weight in weights.items())
        first, last = min(weights), max(weights)
        when = f"month {first}" if first == last else f"the months {first} to {last}"
        share = self._share(value, f"shares of a month’s online sales, middle of the launches, {when} after launch")
        return replace(share, unit="month")

    def _share(self, value: float, formula: str) -> Quantity:
        names = ", ".join(vintage.market for vintage in self.vintages)
        return Quantity(float(value), "%", f"{formula} ({names})", self.origins)


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
    """The launches of the platform with a known month, a figure of their own and a market of known size; None for none.

    The reopening of a closed market is no launch: it had its buyers already.
    """
    if market is None:
        return None
    return _ramp(_Asked(report.ledger, report.platform, report.quarter, market.posterior, report, market))


def with_own_figure(report: Report, market: Market | None) -> frozenset[str]:
    """Markets of which any month up to the report's quarter rests on a figure of their own."""
    if market is None:
        return frozenset()
    known = market.status[market.status["month"] <= pd.Period(report.quarter.end, "M")]
    return frozenset(known["market"][known["status"] == "reported"])


@lru_cache(maxsize=32)
def _monthly(asked: _Asked) -> pd.DataFrame:
    """GMV of each market and month up to the report's quarter."""
    monthly = asked.market.monthly()
    return monthly[monthly["month"] <= pd.Period(asked.quarter.end, "M")]


@lru_cache(maxsize=32)
def _ramp(asked: _Asked) -> Ramp | None:
    ledger, monthly, vintages = asked.ledger, _monthly(asked), []
    own = set(monthly["market"][monthly["status"] == "reported"])
    for market in ledger.vocabulary.markets:
        opened = opening(asked.report, market)
        if market in own and opened and (opened.days == 1 or opened.months == 1):
            vintage = _vintage(asked, market, opened, monthly[monthly["market"] == market])
            if vintage:
                vintages.append(vintage)
    return Ramp(tuple(vintages), _completed([vintage.shares for vintage in vintages])) if vintages else None


def _vintage(asked: _Asked, market: str, opened: Span, monthly: pd.DataFrame) -> Vintage | None:
    report = asked.report
    closure = report.ledger.event(asked.platform, market, "closure")
    since = monthly["month"] >= pd.Period(opened.start, "M")
    if closure is not None:
        since &= monthly["month"] < pd.Period(closure["start"], "M")
    rows = monthly[since]
    months = [Span.months_of(month.year, month.month, 1) for month in rows["month"]]
    nearest = [_nearest(_sizes(report.ledger, market), month) for month in months]
    if not months or None in nearest:
        return None
    sizes = {size: size.a_month(report, "USD") for size in dict.fromkeys(nearest)}
    drivers = asked.market.drivers(market, Span(months[0].start, months[-1].end))
    origins = (launch_origin(report.ledger, market, asked.platform), *report.by_ids(drivers))
    origins += tuple(origin for size in sizes.values() for origin in size.origins)
    shares = rows["median"].to_numpy() / np.array([sizes[size].value for size in nearest])
    return Vintage(market, opened, shares, tuple({origin.id: origin for origin in origins}.values()))


def launch_origin(ledger: Ledger, market: str, platform: str) -> Origin:
    """Where a launch was told."""
    event = ledger.event(platform, market, "launch")
    source = ledger.sources.loc[event["source"]]
    publisher = source["publisher"] or source["title"]
    return Origin(
        id=event.name,
        printed=event["event"],
        what=f"launch, {platform}, {market}",
        period=event["span"].short,
        source=f"“{source['title']}”, {publisher} ({event['source']})",
        publisher=publisher,
        url=source["url"],
        known_on=day_label(event["public"]),
    )


def _completed(shares: list[np.ndarray]) -> np.ndarray:
    """Shares of all vintages over the months of the oldest: each goes on at the middle growth of older ones."""
    months = max(len(path) for path in shares)
    completed = np.full((len(shares), months), np.nan)
    for row, path in enumerate(shares):
        completed[row, : len(path)] = path
    recorded = completed.copy()
    for month in range(1, months):
        growth = np.nanmedian(recorded[:, month] / recorded[:, month - 1])
        missing = np.isnan(completed[:, month])
        completed[missing, month] = completed[missing, month - 1] * growth
    return completed
