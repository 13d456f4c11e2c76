"""Published figures as the market model reads them: amounts and ratios of GMV, in US dollars.

The model (market.py) knows no ledger; this module is the only bridge between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from analysis.ledger import Ledger
from analysis.market import REST, Observations
from analysis.span import Span

# The world is every market; so is the series from which the seasonal profile is taken.
WORLD, SEASON_PLATFORM, SEASON_MARKET = "Global", "All retail", "US"
_DAYS_PER_MONTH = 365.25 / 12
# Forecasts, goals and rules say what somebody expected, not what was sold.
_KINDS = ("actual", "estimate")
# A market sells from its first test on, if only to a few.
_OPENINGS = ("launch", "test")


@dataclass(frozen=True)
class _Reading:
    """What one fact says: the GMV of a cell is `factor` (US dollars, or times the GMV of the `base` cell)."""

    factor: float
    measure: str = "amount"
    base: tuple[str, Span] | None = None


def observe(ledger: Ledger, platform: str) -> Observations:
    """What the figures of a ledger's view say about a platform's GMV.

    Used are facts of kind `actual` or `estimate`, known only after their period had ended, about a market or a
    region with members, of a metric in `_READERS`. A value that has no logarithm (no GMV, or all of it lost) and a
    ratio to a figure that nobody published are left out.

    Parameters
    ----------
    ledger : Ledger
        Seen as of a date with `Ledger.known_by`, or whole.
    platform : str
        Any platform of the vocabulary.

    Returns
    -------
    Observations
        Without rows if the view has no usable fact of the platform.

    Raises
    ------
    ValueError
        If the vocabulary has no such platform.
    LedgerError
        If no exchange rate of a fact's currency had been published.
    """
    if platform not in ledger.vocabulary.platforms:
        raise ValueError(f"{platform!r} is no platform; allowed: {', '.join(ledger.vocabulary.platforms)}")
    facts = ledger.facts
    ended = facts["known_on"] >= facts["end"].astype(str)
    used = facts[(facts["platform"] == platform) & ended & facts["kind"].isin(_KINDS) & facts["metric"].isin(_READERS)]
    rows = []
    for fact in used.itertuples():
        span = fact.span
        reading = _READERS[fact.metric](ledger, fact, span)
        if reading is None or reading.factor <= 0 or not ledger.vocabulary.members(fact.market):
            continue
        base_market, base_span = reading.base or (None, None)
        rows.append({
            "fact": fact.Index, "measure": reading.measure, "market": fact.market, "start": span.start,
            "end": span.end, "base_market": base_market, "base_start": base_span and base_span.start,
            "base_end": base_span and base_span.end, "log_value": math.log(reading.factor),
            "qualifier": fact.qualifier, "basis": fact.basis, "confidence": fact.confidence,
        })  # fmt: skip
    table = pd.DataFrame(rows, columns=Observations.COLUMNS).set_index("fact").sort_index()
    regions = _regions(ledger, platform, table)
    return Observations(
        facts=table,
        calendar=_calendar(ledger, platform, table, regions),
        regions=regions,
        shares=_shares(ledger, regions),
        season=_season_series(ledger),
    )


# Reading one fact ------------------------------------------------------------------------------------


def _dollars(ledger: Ledger, fact, span: Span) -> float:
    return fact.number if fact.of == "USD" else fact.number / ledger.rate(fact.of, span).value


def _amount(periods: Callable[[Span], float]) -> Callable:
    """GMV of the whole period, from its mean over `periods` of it."""
    return lambda ledger, fact, span: _Reading(_dollars(ledger, fact, span) * periods(span))


def _months(span: Span) -> float:
    return span.months or span.days / _DAYS_PER_MONTH


def _growth(added: float, earlier: Callable[[Span], Span]) -> Callable:
    """A ratio to the same market in an earlier period; `added` turns growth into that ratio."""
    return lambda ledger, fact, span: _Reading(fact.number + added, "growth", (fact.market, earlier(span)))


def _year_earlier(span: Span) -> Span:
    def back(day: date) -> date:
        return date(day.year - 1, day.month, min(day.day, 28 if day.month == 2 else day.day))

    return span.year_earlier() if span.months else Span(back(span.start), back(span.end))


def _month_earlier(span: Span) -> Span:
    last = span.start.replace(day=1) - timedelta(days=1)
    return Span.months_of(last.year, last.month, 1)


def _share_of_platform(ledger: Ledger, fact, span: Span) -> _Reading:
    return _Reading(fact.number, "share", (WORLD, span))


def _share_of_region(ledger: Ledger, fact, span: Span) -> _Reading | None:
    region = _region_of(ledger, fact.market)
    return region and _Reading(fact.number, "share", (region, span))


def _share_of_market(ledger: Ledger, fact, span: Span) -> _Reading | None:
    """The leading figure for the GMV of all platforms together, of the same basis, makes a share of it an amount."""
    for platform in (name for name in ledger.vocabulary.platforms if name.endswith("platforms")):
        wholes = ledger.cell(platform, fact.market, "gmv", span)
        for whole in wholes[wholes["basis"] == fact.basis].itertuples():
            return _Reading(fact.number * _dollars(ledger, whole, span))
    return None


def _completion(ledger: Ledger, fact, span: Span) -> _Reading | None:
    """The leading target of the year turns a share of it into an amount."""
    target = ledger.cell(fact.platform, fact.market, "gmv_target", span.year)
    return None if target.empty else _Reading(fact.number * _dollars(ledger, next(target.itertuples()), span.year))


_READERS: dict[str, Callable[[Ledger, tuple, Span], _Reading | None]] = {
    "gmv": _amount(lambda span: 1),
    "gmv_monthly_average": _amount(_months),
    "gmv_daily_average": _amount(lambda span: span.days),
    "gmv_growth_yoy": _growth(1, _year_earlier),
    "gmv_growth_mom": _growth(1, _month_earlier),
    "gmv_multiple_of_prior_year": _growth(0, _year_earlier),
    "share_of_platform_gmv": _share_of_platform,
    "share_of_region_gmv": _share_of_region,
    "share_of_market_gmv": _share_of_market,
    "target_completion": _completion,
}


# Markets, their regions and the days on which they were open -------------------------------------------


def _region_of(ledger: Ledger, market: str) -> str | None:
    """The smallest region, short of the world, that a market belongs to."""
    regions = {name: members for name, members in ledger.vocabulary.regions.items() if market in members}
    regions.pop(WORLD, None)
    return min(regions, key=lambda name: (-len(regions[name]), name), default=None)


def _regions(ledger: Ledger, platform: str, table: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Every name of a fact, a market and a region -> the markets of the model that it sums up.

    Modelled one by one are the markets that an opening names, and those that facts name, alone or in a region.
    What a figure for the world holds beyond these is one market more, `REST`.
    """
    vocabulary = ledger.vocabulary
    named = set(table["market"]) | set(table["base_market"].dropna())
    opened = {m for names in ledger.events_of(platform, *_OPENINGS)["market"] for m in vocabulary.members(names)}
    known = opened | {m for name in named - {WORLD} for m in vocabulary.members(name)}
    markets = [m for m in vocabulary.markets if m in known]
    regions = {name: tuple(m for m in markets if m in vocabulary.members(name))
               for name in [*markets, *vocabulary.regions, *sorted(named)]}  # fmt: skip
    if WORLD in named:
        regions[REST] = (REST,)
        regions[WORLD] += (REST,)
    return {name: members for name, members in regions.items() if members}


def _calendar(ledger: Ledger, platform: str, table: pd.DataFrame, regions: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Spans of days on which each market was open: columns market, start, end (none: still open)."""
    rows = []
    for (market,) in [members for name, members in regions.items() if members == (name,)]:
        start, closed = _first_day(ledger, platform, market, table, regions), False
        for event in _events_in(ledger, platform, market, "closure", "reopening", "merger").itertuples():
            if event.kind == "closure" and not closed:
                # The day of the closure still counts: Indonesia's shop stopped at 17:00.
                rows.append((market, start, event.start))
                closed = True
            elif event.kind != "closure" and closed:
                start, closed = event.start, False
        if not closed:
            rows.append((market, start, None))
    return pd.DataFrame(rows, columns=["market", "start", "end"])


def _events_in(ledger: Ledger, platform: str, market: str, *kinds: str) -> pd.DataFrame:
    events = ledger.events_of(platform, *kinds)
    return events[[market in ledger.vocabulary.members(names) for names in events["market"]]]


def _first_day(ledger: Ledger, platform: str, market: str, table: pd.DataFrame, regions: dict) -> date:
    """The first day of trade: its opening, or else its earliest own fact, or else that of a region.

    A fact whose period ended before the opening proves that the market sold earlier.
    """
    starts = pd.concat([table[["market", "start", "end"]],
                        table[["base_market", "base_start", "base_end"]].dropna().set_axis(
                            ["market", "start", "end"], axis=1)])  # fmt: skip
    own = starts[starts["market"] == market]
    openings = _events_in(ledger, platform, market, *_OPENINGS)
    if len(openings):
        # Of a launch dated `2021` and a test dated `2021-04`, the one that is sure to have happened first.
        opening = openings.sort_values("end", kind="stable")["start"].iloc[0]
        return min([opening, *own.loc[own["end"] < opening, "start"]])
    if own.empty:
        own = starts[[market in regions[name] for name in starts["market"]]]
    return own["start"].min()


def _shares(ledger: Ledger, regions: dict[str, tuple[str, ...]]) -> pd.Series:
    """Each market's share of its region's online retail, times the number of markets there; 1 is a typical market.

    The published share where there is one; the markets without share what is left equally.
    """
    facts = ledger.facts
    published = facts[(facts["platform"] == "All platforms") & (facts["metric"] == "share_of_region_gmv")]
    share = published[~published["market"].duplicated()].set_index("market")["number"]
    typical = pd.Series(1.0, index=sorted({m for members in regions.values() for m in members}))
    for market in typical.index:
        members = ledger.vocabulary.regions.get(_region_of(ledger, market), ())
        known = share[share.index.isin(members)]
        if known.sum() < 1 and len(known) < len(members):
            left = (1 - known.sum()) / (len(members) - len(known))
            typical[market] = known.get(market, left) * len(members)
    return typical


def _season_series(ledger: Ledger) -> pd.DataFrame:
    """The official quarterly series, one row a quarter: start, end, value (its own currency)."""
    facts = ledger.facts
    series = facts[
        (facts["platform"] == SEASON_PLATFORM) & (facts["market"] == SEASON_MARKET) & (facts["metric"] == "gmv")
        & (facts["basis"] == "official") & facts["period"].str.contains("Q")
    ]  # fmt: skip
    series = series[~series["period"].duplicated()].sort_values("start")
    return series[["start", "end", "number"]].rename(columns={"number": "value"}).reset_index(drop=True)
