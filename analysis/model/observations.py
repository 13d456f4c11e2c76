"""Published figures as the market model reads them: amounts and ratios of GMV, in US dollars.

The model (market.py) knows no ledger; this module is the only bridge between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.span import Span
from analysis.model.market import REST, Observations

# The world is every market; so is the series from which the seasonal profile is taken.
WORLD, SEASON_PLATFORM, SEASON_MARKET = "Global", "All retail", "US"
# Forecasts, goals and rules say what somebody expected, not what was sold.
SOLD = ("actual", "estimate")
# A market sells from its first test on, if only to a few.
_OPENINGS = ("launch", "test")


@dataclass(frozen=True)
class _Reading:
    """How to read the facts of one metric, market and period: value = (number + added) * scale.

    The value is the GMV of the cell in US dollars or, where `base` is filled, as a multiple of the GMV of that cell.
    """

    measure: str
    scale: float = 1.0
    added: float = 0.0
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
    facts = ledger.facts[ledger.facts["platform"] == platform]
    used = facts[facts["kind"].isin(SOLD) & ~facts["forecast"].astype(bool) & facts["metric"].isin(_READERS)]
    # Facts that differ in their number alone are read alike; of a hundred thousand, most are.
    keys = list(zip(used["metric"], used["market"], used["span"], used["of"], used["basis"], strict=True))
    readings = {key: _READERS[key[0]](ledger, platform, *key[1:]) for key in dict.fromkeys(keys)
                if ledger.vocabulary.members(key[1])}  # fmt: skip
    rows = []
    for key, fact in zip(keys, used.itertuples(), strict=True):
        reading = readings.get(key)
        value = reading and (fact.number + reading.added) * reading.scale
        if value is None or value <= 0:
            continue
        base_market, base_span = reading.base or (None, None)
        rows.append((
            fact.Index, reading.measure, fact.market, fact.start, fact.end, base_market, base_span and base_span.start,
            base_span and base_span.end, math.log(value), fact.qualifier, fact.basis, fact.confidence,
        ))  # fmt: skip
    table = pd.DataFrame(rows, columns=Observations.COLUMNS).set_index("fact").sort_index()
    regions = _regions(ledger, platform, table)
    calendar = _calendar(ledger, platform, table, regions)
    return Observations(
        facts=table,
        calendar=calendar,
        regions=regions,
        places=_places(ledger, list(calendar["market"].unique())),
        season=_season_series(ledger),
    )


# Reading facts ---------------------------------------------------------------------------------------

_Reader = Callable[[Ledger, str, str, Span, str, str], _Reading | None]


def _amount(periods: Callable[[Span], float]) -> _Reader:
    """GMV of the whole period, from its mean over `periods` of it."""
    return lambda ledger, platform, market, span, unit, basis: _Reading(
        "amount", periods(span) * _dollars(ledger, unit, span)
    )


def _dollars(ledger: Ledger, unit: str, span: Span) -> float:
    """US dollars for one unit of a currency."""
    return 1.0 if unit == "USD" else 1 / ledger.rate(unit, span).value


def _growth(added: float, earlier: Callable[[Span], Span]) -> _Reader:
    """A ratio to the same market in an earlier period; `added` turns growth into that ratio."""
    return lambda ledger, platform, market, span, unit, basis: _Reading(
        "growth", added=added, base=(market, earlier(span))
    )


def year_earlier(span: Span) -> Span:
    """The same days one year before."""

    def back(day: date) -> date:
        return date(day.year - 1, day.month, min(day.day, 28 if day.month == 2 else day.day))

    return span.year_earlier() if span.months else Span(back(span.start), back(span.end))


def _month_earlier(span: Span) -> Span:
    last = span.start.replace(day=1) - timedelta(days=1)
    return Span.months_of(last.year, last.month, 1)


def _share_of_platform(ledger, platform, market, span, unit, basis) -> _Reading | None:
    # The world's share of itself says nothing.
    return None if market == WORLD else _Reading("share", base=(WORLD, span))


def _share_of_region(ledger, platform, market, span, unit, basis) -> _Reading | None:
    region = _region_of(ledger, market)
    return region and _Reading("share", base=(region, span))


def _share_of_market(ledger, platform, market, span, unit, basis) -> _Reading | None:
    """The leading figure for the GMV of all platforms together, of the same basis, makes a share of it an amount."""
    for counted in (name for name in ledger.vocabulary.platforms if name.endswith("platforms")):
        wholes = ledger.cell(counted, market, "gmv", span)
        for number, unit, counted_by in zip(wholes["number"], wholes["of"], wholes["basis"], strict=True):
            if counted_by == basis:
                return _Reading("amount", number * _dollars(ledger, unit, span))
    return None


def _completion(ledger, platform, market, span, unit, basis) -> _Reading | None:
    """The leading target of the year makes a share of it an amount."""
    targets = ledger.cell(platform, market, "gmv_target", span.year)
    if targets.empty:
        return None
    target = targets.iloc[0]
    return _Reading("amount", target["number"] * _dollars(ledger, target["of"], span.year))


_READERS: dict[str, _Reader] = {
    "gmv": _amount(lambda span: 1),
    "gmv_monthly_average": _amount(lambda span: span.length_in_months),
    "gmv_daily_average": _amount(lambda span: span.days),
    "gmv_growth_yoy": _growth(1, year_earlier),
    "gmv_growth_mom": _growth(1, _month_earlier),
    "gmv_multiple_of_prior_year": _growth(0, year_earlier),
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
    cells = {cell for prefix in ("", "base_")
             for cell in table[[prefix + name for name in ("market", "start", "end")]].dropna().itertuples(
                 index=False, name=None)}  # fmt: skip
    events = ledger.events_of(platform, *_OPENINGS, "closure", "reopening", "merger")
    events = list(zip(events["market"].map(ledger.vocabulary.members), events["kind"], events["span"], strict=True))
    rows = []
    for (market,) in [members for name, members in regions.items() if members == (name,)]:
        happened = [(kind, span) for markets, kind, span in events if market in markets]
        openings = [span for kind, span in happened if kind in _OPENINGS]
        start, closed = _first_day(market, openings, cells, regions), False
        for kind, span in happened:
            if kind == "closure" and not closed:
                # The day of the closure still counts: Indonesia's shop stopped at 17:00.
                rows.append((market, start, span.start))
                closed = True
            elif kind in ("reopening", "merger") and closed:
                start, closed = span.start, False
        if not closed:
            rows.append((market, start, None))
    return pd.DataFrame(rows, columns=["market", "start", "end"])


def _first_day(market: str, openings: list[Span], cells: set[tuple[str, date, date]], regions: dict) -> date:
    """The first day of trade: its opening, or else its earliest own fact, or else that of a region.

    A fact whose period ended before the opening proves that the market sold earlier.
    """
    own = [(start, end) for name, start, end in cells if name == market]
    if openings:
        # Of a launch dated `2021` and a test dated `2021-04`, the one that is sure to have happened first.
        opening = min(openings, key=lambda span: span.end).start
        return min([opening, *(start for start, end in own if end < opening)])
    return min(start for start, _ in own) if own else min(start for name, start, _ in cells if market in regions[name])


def _places(ledger: Ledger, markets: list[str]) -> pd.DataFrame:
    """Region of each market, and its share of online retail there times the number of markets; 1 is a typical market.

    The published share where there is one; the markets without share what is left equally.
    """
    facts = ledger.facts
    facts = facts[(facts["platform"] == "All platforms") & (facts["metric"] == "share_of_region_gmv")]
    published = dict(zip(facts["market"][::-1], facts["number"][::-1], strict=True))  # the first of a market leads
    rows = []
    for market in markets:
        region = _region_of(ledger, market) or market
        members = ledger.vocabulary.regions.get(region, ())
        known = {name: share for name, share in published.items() if name in members}
        left = 1 - math.fsum(known.values())
        if left > 0 and len(known) < len(members):
            equal = left / (len(members) - len(known))
            rows.append((region, known.get(market, equal) * len(members)))
        else:
            rows.append((region, 1.0))
    return pd.DataFrame(rows, index=markets, columns=["region", "share"])


def _season_series(ledger: Ledger) -> pd.DataFrame:
    """The official quarterly series, one row a quarter: start, end, value (its own currency)."""
    facts = ledger.facts
    facts = facts[(facts["platform"] == SEASON_PLATFORM) & (facts["market"] == SEASON_MARKET)
                  & (facts["metric"] == "gmv") & (facts["basis"] == "official")]  # fmt: skip
    quarters = facts[facts["period"].str.contains("Q")].drop_duplicates("period").sort_values("start")
    return quarters[["start", "end", "number"]].rename(columns={"number": "value"}).reset_index(drop=True)
