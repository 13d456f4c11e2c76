"""The ramp of the launches on record: what a market sells by months since its launch there.

A vintage is the GMV of a market by months since its launch, as a share of all online sales there. The GMV is as the
company counts it, the size of a market as analysts and statistics offices do: the shares tell launches apart and carry
one over to another market; they are no market shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.quantity import Origin, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.market import Market, Posterior

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
    facts = ledger.facts
    facts = facts[(facts["market"] == market) & facts["platform"].isin(_WHOLE) & facts["metric"].isin(_METRICS)]
    facts = facts.loc[[(span.months or 0) >= _WHOLE_MONTHS for span in facts["span"]]]
    kinds = [(_WHOLE.index(fact.platform), _METRICS.index(fact.metric)) for fact in facts.itertuples()]
    leading = min(kinds, default=None)
    return facts.loc[[kind == leading for kind in kinds]].drop_duplicates("span")


def _nearest(sizes: tuple[_Size, ...], at: Span) -> _Size | None:
    """The size whose period is the least days away, of these the one of the shortest period."""

    def distance(size: _Size) -> tuple[int, int]:
        return max((size.span.start - at.end).days, (at.start - size.span.end).days, 0), size.span.days

    return min(sizes, key=distance, default=None)


# Ramps of the launches on record ------------------------------------------------------------------------


def opening(report: Report, market: str) -> Span | None:
    """Day, month or year of a market's first launch, as far as it is told."""
    return _first(report.ledger, report.platform, "launch").get(market)


@lru_cache(maxsize=32)
def _first(ledger: Ledger, platform: str, kind: str) -> dict[str, Span]:
    """Market -> its first event of a kind."""
    events = ledger.events_of(platform, kind)
    return {name: row.span for row in events[::-1].itertuples() for name in row.market.split(", ")}


@dataclass(frozen=True, eq=False)
class Vintage:
    """One launch on record.

    Attributes
    ----------
    report : Report
    model : Market
        The market model, whose draws only `shares` asks for.
    market : str
    sizes : dict of Span to _Size
        Published size of the market nearest to each month on record: from the launch up to the report's quarter, or up
        to the month before the market was closed.
    """

    report: Report
    model: Market
    market: str
    sizes: dict[Span, _Size]

    @cached_property
    def _sales(self) -> dict[_Size, Quantity]:
        """Online sales of the market by each size, US dollars a month."""
        return {size: size.a_month(self.report, "USD") for size in self.sizes.values()}

    @cached_property
    def shares(self) -> np.ndarray:
        """GMV as a share of the market's online sales, by months since the launch, shape (months,)."""
        gmv = [np.median(self.model.draws(self.market, month)) for month in self.sizes]
        return np.array(gmv) / [self._sales[size].value for size in self.sizes.values()]

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """The launch, and the facts that tell most of its GMV and the size of its market."""
        months = list(self.sizes)
        facts = self.report.by_ids(self.model.drivers(self.market, Span(months[0].start, months[-1].end)))
        sizes = (origin for sales in self._sales.values() for origin in sales.origins)
        origins = (launch_origin(self.report, self.market), *facts, *sizes)
        return tuple({origin.id: origin for origin in origins}.values())


@dataclass(frozen=True, eq=False)
class Ramp:
    """What the launches on record sold by months since launch.

    Attributes
    ----------
    vintages : tuple of Vintage
    own : frozenset of str
        Markets of which any month up to the report's quarter rests on a figure of their own.
    """

    vintages: tuple[Vintage, ...]
    own: frozenset[str]

    @cached_property
    def completed(self) -> np.ndarray:
        """Shares of all vintages over the months of the oldest, shape (vintages, months).

        A launch that is younger than the oldest goes on at the middle of the monthly growth of those that are older, so
        that the middle of all does not jump where one of them ends.
        """
        months = max(len(vintage.sizes) for vintage in self.vintages)
        recorded = np.full((len(self.vintages), months), np.nan)
        for row, vintage in zip(recorded, self.vintages, strict=True):
            row[: len(vintage.sizes)] = vintage.shares
        completed = recorded.copy()
        for month in range(1, months):
            growth = np.nanmedian(recorded[:, month] / recorded[:, month - 1])
            missing = np.isnan(completed[:, month])
            completed[missing, month] = completed[missing, month - 1] * growth
        return completed

    @property
    def months(self) -> int:
        """Months since launch that the oldest vintage has on record."""
        return self.completed.shape[1]

    @cached_property
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
        return Quantity(rounded(self.completed[vintage, month]), "%", words, chosen.origins)

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
    """The launches of the platform with a known month, a figure of their own and a market of known size; None for none.

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
    markets = [market for market in asked.ledger.vocabulary.markets if market in own]
    vintages = tuple(filter(None, (_vintage(asked, market, known) for market in markets)))
    return Ramp(vintages, own) if vintages else None


def _vintage(asked: _Asked, market: str, known: pd.DataFrame) -> Vintage | None:
    report, ledger = asked.report, asked.ledger
    opened = opening(report, market)
    if not opened or (opened.days > 1 and opened.months != 1):
        return None
    months = known["month"][(known["market"] == market) & (known["month"] >= pd.Period(opened.start, "M"))]
    if closure := _first(ledger, asked.platform, "closure").get(market):
        months = months[months < pd.Period(closure.start, "M")]
    spans = [Span.months_of(month.year, month.month, 1) for month in months]
    sizes = {span: _nearest(_sizes(ledger, market), span) for span in spans}
    return Vintage(report, asked.market, market, sizes) if sizes and all(sizes.values()) else None


def launch_origin(report: Report, market: str) -> Origin:
    """Where the platform's first launch in a market was told."""
    return report.ledger.event_origin(report.ledger.event(report.platform, market, "launch").name)
