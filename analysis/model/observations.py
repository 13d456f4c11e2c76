"""Published figures as the market model reads them: amounts and ratios of GMV, in US dollars, each counted once.

The model (market.py) knows no ledger; this module is the only bridge between the two.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.facts.ledger import CELL as CELL_OF_FACT
from analysis.facts.ledger import CONFIDENCE, Ledger
from analysis.facts.quantity import BOUNDS
from analysis.facts.span import DAYS_PER_MONTH, Span
from analysis.model.market import BASE, CELL, COLUMNS, REST, Observations, Prior, cells_of

# The world is every market; so is the series from which the seasonal profile is taken.
WORLD, SEASON_PLATFORM, SEASON_MARKET = "Global", "All retail", "US"
# Forecasts, goals and rules say what somebody expected, not what was sold.
SOLD = ("actual", "estimate")
# A market sells from its first test on, if only to a few.
_OPENINGS = ("launch", "test")
_NAMED = 0.8  # of the markets in which a platform says that it is open: so many on record, and the rest is small
_EXPONENT_NOISE = 0.5  # of the exponent of the ramp between two figures: a tenth of noise over a doubled age


def observe(ledger: Ledger, platform: str) -> Observations:
    """What the figures of a ledger's view say about a platform's GMV; `platform` is any of the vocabulary.

    Used are facts of kind `actual` or `estimate`, known only after their period had ended, about a market or a region
    with members, of a metric that `_reading` knows; a count that is given twice is used once. Left out are values that
    have no logarithm, and ratios to a figure that nobody published.
    """
    read = read_facts(ledger, platform)
    regions = _regions(ledger, platform, read)
    calendar = _calendar(ledger, platform, read, regions)
    markets = list(calendar["market"].unique())
    places = [(region_of(ledger, market) or market, _size(ledger, market)) for market in markets]
    places = pd.DataFrame(places, index=markets, columns=["region", "size"])
    exponent = _ramp_exponent(ledger, platform)
    return Observations(once(read, regions)[[*COLUMNS]], calendar, regions, places, official_sales(ledger), exponent)


def read_facts(ledger: Ledger, platform: str) -> pd.DataFrame:
    """Every usable fact of a platform: the columns of `COLUMNS`, known_on and derived."""
    return _read(ledger)[platform]


@lru_cache(maxsize=64)
def _read(ledger: Ledger) -> dict[str, pd.DataFrame]:
    """What `read_facts` gives, by platform: the facts that say what was sold, each once."""
    facts = ledger.counted[ledger.facts["kind"].isin(SOLD) & ~ledger.facts["forecast"].astype(bool)]
    # Other countries' statistics are no parts of the series of seasons, and move with their currencies.
    facts = facts[(facts["platform"] != SEASON_PLATFORM) | (facts["market"] == SEASON_MARKET)]
    same = [*CELL_OF_FACT, "of", "counter", "number", "qualifier", "basis", "confidence", "publication", "known_on"]
    facts = facts.sort_index().drop_duplicates(same)  # of a hundred thousand rows most are copies
    alike = [*CELL_OF_FACT, "of", "counter"]  # facts that differ in their number alone are read alike
    keys = list(facts[alike].itertuples(index=False, name=None))
    readings = {key: _reading(ledger, *key) for key in dict.fromkeys(keys)}
    rows = []
    for fact, number, key in zip(facts.index, facts["number"], keys, strict=True):
        reading = readings[key]
        value = reading and (number + reading.added) * reading.scale
        if value is not None and value > 0:
            market, span = reading.base or (None, None)
            base = (market, span.start, span.end) if span else (None, None, None)
            rows.append((fact, reading.measure, *base, math.log(value), reading.derived))
    read = pd.DataFrame(rows, columns=["id", "measure", *BASE, "log_value", "derived"], dtype=object).set_index("id")
    found = facts.loc[read.index].join(read.astype({"log_value": float, "derived": bool})).rename_axis("fact")
    platforms, found = found["platform"], found[[*COLUMNS, "known_on", "derived"]]
    return dict.fromkeys(ledger.vocabulary.platforms, found[:0]) | dict(list(found.groupby(platforms)))


# A count that is given twice ----------------------------------------------------------------------------


def once(facts: pd.DataFrame, regions: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Facts without those that repeat a count: a second digest of it, or what follows from others by arithmetic.

    Of one counter's figures for a cell one stays: the best known, stated rather than worked out from a share, the last
    (a counter that restates takes its first figure back). A bound gives way to a figure, a ratio to the two amounts
    that make it, a total to its parts, if all are of one counter.
    """
    rank, side = facts["confidence"].map(CONFIDENCE.index), facts["qualifier"].map(BOUNDS).fillna("value")
    ranked = facts.assign(rank=rank, side=side).sort_values(
        ["rank", "derived", "known_on"], ascending=[True, True, False], kind="stable"
    )
    cell = ["counter", "basis", *CELL, *BASE]
    kept = ranked[~ranked.duplicated([*cell, "side"])]
    valued = kept[kept["side"] == "value"]
    kept = kept[(kept["side"] == "value") | ~_keys(kept, cell).isin(_keys(valued, cell))]
    amounts = valued[valued["base_market"].isna()]
    own, of = ["counter", *CELL], ["counter", *BASE]
    known = set(_keys(amounts, own))
    repeats = _keys(kept, own).isin(known) & _keys(kept, of).isin(known)
    totals = [fact for _, group in amounts.groupby("counter") for fact in _totals(group, regions)]
    return kept[~repeats].drop(index=totals).sort_index()


def _keys(facts: pd.DataFrame, columns: list[str]) -> pd.Series:
    return pd.Series(list(zip(*(facts[name] for name in columns), strict=True)), facts.index, dtype=object)


def _totals(amounts: pd.DataFrame, regions: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Amounts of one counter that others of its amounts add up to: by market, or by time."""
    rows = sorted(zip(amounts["start"], amounts["end"], amounts["market"], amounts.index, strict=True))
    for start, end, market, name in rows:
        whole, reached = set(regions.get(market, ())), start
        parts = [set(regions.get(m, ())) for first, last, m, _ in rows if (first, last) == (start, end) and m != market]
        left = set(whole)
        for part in sorted(parts, key=len, reverse=True):
            left = left - part if part <= left and part < whole else left
        for first, last, m, other in rows:
            if m == market and other != name and first == reached and last <= end:
                reached = last + timedelta(days=1)
        if (len(whole) > 1 and not left) or reached > end:
            yield name


# Reading facts ---------------------------------------------------------------------------------------

_PERIODS = {  # in a span, of which a metric gives the mean
    "gmv": lambda span: 1,
    "gmv_monthly_average": lambda span: span.length_in_months,
    "gmv_weekly_average": lambda span: span.days / 7,
    "gmv_daily_average": lambda span: span.days,
}
_GROWN_BY = {"gmv_growth_yoy": 1, "gmv_growth_mom": 1, "gmv_multiple_of_prior_year": 0}  # what makes a ratio of it


class _Reading(NamedTuple):
    """How to read the facts of one metric, market and period: value = (number + added) * scale.

    The value is the GMV of the cell in US dollars or, where `base` is filled, as a multiple of the GMV of that cell.
    `derived` is an amount that the source gives as a share of another.
    """

    measure: str
    scale: float = 1.0
    added: float = 0.0
    base: tuple[str, Span] | None = None
    derived: bool = False


def _reading(
    ledger: Ledger, platform: str, market: str, metric: str, span: Span, unit: str, counter: str
) -> _Reading | None:
    """How to read a fact; None if it says nothing of GMV, or is a share of what nobody published."""
    if not ledger.vocabulary.members(market):
        return None
    if metric in _PERIODS:
        return _Reading("amount", _PERIODS[metric](span) * dollars(ledger, unit, span))
    if metric in _GROWN_BY:
        month_before = Span.parse(str(pd.Period(span.start, "M") - 1))
        earlier = month_before if metric == "gmv_growth_mom" else span.year_earlier()
        return _Reading("growth", added=_GROWN_BY[metric], base=(market, earlier))
    if metric == "share_of_platform_gmv" and market != WORLD:  # the world's share of itself says nothing
        return _Reading("share", base=(WORLD, span))
    if metric == "share_of_region_gmv" and (region := region_of(ledger, market)):
        return _Reading("share", base=(region, span))
    # A share of an amount that is known is an amount: of all platforms together, as the same counter has it, or of
    # the target of the year.
    of, wholes = span.year if metric == "target_completion" else span, ledger.facts[:0]
    if metric == "share_of_market_gmv":
        wholes = ledger.market_gmv(platform, market, span, counter)
    elif metric == "target_completion":
        wholes = ledger.targets(platform, market, span)
    wholes = wholes[~wholes["qualifier"].isin(BOUNDS)]
    if wholes.empty:
        return None
    return _Reading("amount", wholes["number"].iloc[0] * dollars(ledger, wholes["of"].iloc[0], of), derived=True)


def dollars(ledger: Ledger, unit: str, span: Span) -> float:
    """US dollars for one unit of a currency."""
    return 1 / ledger.rate(unit, span).value


# Markets, their regions and the days on which they were open -------------------------------------------


def region_of(ledger: Ledger, market: str) -> str | None:
    """The smallest region, short of the world, that a market belongs to."""
    regions = {name: members for name, members in ledger.vocabulary.regions.items() if market in members}
    return min(regions.keys() - {WORLD}, key=lambda name: (-len(regions[name]), name), default=None)


def _regions(ledger: Ledger, platform: str, table: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Every name of a fact, a market and a region -> the markets of the model that it sums up.

    Modelled one by one are the markets that an opening names, and those that facts name, alone or in a region.
    What a figure for the world holds beyond these is one market more, `REST`, unless nearly all are on record.
    """
    vocabulary = ledger.vocabulary
    named = set(table["market"]) | set(table["base_market"].dropna())
    opened = {m for names in ledger.events_of(platform, *_OPENINGS)["market"] for m in vocabulary.members(names)}
    known = opened | {m for name in named - {WORLD} for m in vocabulary.members(name)}
    markets = [m for m in vocabulary.markets if m in known]
    names = [*markets, *vocabulary.regions, *sorted(named)]
    regions = {name: tuple(m for m in markets if m in vocabulary.members(name)) for name in names}
    live = ledger.facts[(ledger.facts["platform"] == platform) & (ledger.facts["metric"] == "markets_live")]
    if WORLD in named and (live.empty or len(opened) < _NAMED * live["number"].max()):
        regions[REST] = (REST,)
        regions[WORLD] += (REST,)
    return {name: members for name, members in regions.items() if members}


def _calendar(ledger: Ledger, platform: str, table: pd.DataFrame, regions: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Spans of days on which each market was open: columns market, start, end (none: still open), and launched: whether
    its opening is on record."""
    cells = {cell for pair in cells_of(table) for cell in pair if cell}
    events = ledger.events_of(platform, *_OPENINGS, "closure", "reopening", "merger")
    events = list(zip(events["market"].map(ledger.vocabulary.members), events["kind"], events["span"], strict=True))
    rows = []
    for (market,) in [members for name, members in regions.items() if members == (name,)]:
        happened = [(kind, span) for markets, kind, span in events if market in markets]
        openings = [span for kind, span in happened if kind in _OPENINGS]
        start, closed = _first_day(market, openings, cells, regions), False
        launched = bool(openings or (market == REST and events))
        for kind, span in happened:
            if kind == "closure" and not closed:
                # The day of the closure still counts: Indonesia's shop stopped at 17:00.
                rows.append((market, start, span.start, launched))
                closed = True
            elif kind in ("reopening", "merger") and closed:
                start, closed = span.start, False
        if not closed:
            rows.append((market, start, None, launched))
    return pd.DataFrame(rows, columns=["market", "start", "end", "launched"])


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


# Sizes of markets, the ramp of other platforms, and seasons -----------------------------------------------

_WHOLE = ("All retail", "All platforms")  # where the online sales of a whole market are published, the widest first
# The most official first.
_METRICS = ("gmv", "gmv_weekly_average", "e_commerce_market_size", "e_commerce_turnover", "b2c_e_commerce_turnover")
_METRICS += ("online_goods_sales_gross", "retail_e_commerce_sales")


@lru_cache(maxsize=16)
def _sizes(ledger: Ledger) -> dict[str, pd.DataFrame]:
    facts = ledger.counted[ledger.facts["platform"].isin(_WHOLE) & ledger.facts["metric"].isin(_METRICS)]
    past = facts["known_on"].str[:4].astype(int) >= [end.year for end in facts["end"]]  # no year to come
    whole = np.array([bool(span.months) for span in facts["span"]], dtype=bool)  # less is a sales day
    facts = facts[past & whole & ~facts["qualifier"].isin(BOUNDS)]
    widest, official = facts["platform"].map(_WHOLE.index), ~facts["basis"].isin(["official", "analyst"])
    kinds = list(zip(widest, official, facts["metric"].map(_METRICS.index), facts["counter"], strict=True))
    leading = pd.Series(kinds, facts.index, dtype=object).groupby(facts["market"]).agg(min)
    leads = [kind == leading[market] for kind, market in zip(kinds, facts["market"], strict=True)]
    facts = facts[np.array(leads, dtype=bool)]
    facts = facts.sort_values("known_on", ascending=False, kind="stable").drop_duplicates(["market", "span"])
    return dict(list(facts.sort_values("end", kind="stable").groupby("market")))


def sizes(ledger: Ledger, market: str) -> pd.DataFrame:
    """Published online sales of all retailers of a market, as one kind of source counts them, the latest print of each
    period; forecasts of years to come are left out. Rows of `Ledger.facts`, oldest first."""
    found = _sizes(ledger)
    return found[market] if market in found else ledger.facts[:0]


@lru_cache(maxsize=512)
def _size(ledger: Ledger, market: str) -> float:
    """US dollars a day of the last published year of a market's online sales; NaN if none is public."""
    rows = sizes(ledger, market)
    rows = list(zip(rows["number"], rows["of"], rows["metric"], rows["span"], strict=True))
    amounts = [
        number * dollars(ledger, unit, span) / (7 if "weekly" in metric else span.days)
        for number, unit, metric, span in rows
        if (rows[-1][-1].end - span.end).days < 365
    ]
    return float(np.mean(amounts)) if amounts else np.nan


_DATED = ["measure", *CELL, "base_start", "base_end", "log_value", "counter"]


def _ramp_exponent(ledger: Ledger, platform: str) -> float:
    """Centre of the exponent of the ramp, from the launches of all other platforms; its own tell it in the model."""
    between = Prior.ramp_exponent_sd**2
    weights, means = [1 / between], [Prior.ramp_exponent]
    for other in sorted(set(ledger.events["platform"][ledger.events["kind"] == "launch"]) - {platform}):
        if each := _launched(ledger, other):
            weights.append(1 / (between + (Prior.own_exponent_sd**2 + _EXPONENT_NOISE**2) / len(each)))
            means.append(np.mean(each))
    return float(np.average(means, weights=weights))


@lru_cache(maxsize=256)
def _launched(ledger: Ledger, platform: str) -> list[float]:
    """The exponent of the ramp of each launch of a platform that has figures to tell it."""
    launched = {m for names in ledger.events_of(platform, "launch")["market"] for m in names.split(", ")}
    if (read := read_facts(ledger, platform)).empty:
        return []
    opened = _calendar(ledger, platform, read, _regions(ledger, platform, read)).groupby("market")["start"].min()
    figures = read.loc[read["market"].isin(launched & {*opened.index}) & ~read["qualifier"].isin(BOUNDS), _DATED]
    each = [_exponents(own, opened[market]) for market, own in figures.groupby("market")]
    return [np.mean(found) for found in each if found]


def _exponents(figures: pd.DataFrame, opened: date) -> list[float]:
    """The exponent of the ramp between figures of one counter for a market, and from its growth over a year."""

    def age(start: date, end: date) -> float:
        months = ((start - opened).days + (end - start).days / 2) / DAYS_PER_MONTH
        return math.log(max(months, 0) + Prior.ramp_delay)

    def rate(fact) -> float:
        return fact.log_value - math.log((fact.end - max(fact.start, opened)).days + 1)

    grown, amounts = [], defaultdict(list)
    for fact in figures[figures["end"] > opened].sort_values("start", kind="stable").itertuples():
        if fact.measure == "amount":
            amounts[fact.counter].append(fact)
        elif fact.measure == "growth" and fact.base_start >= opened:
            grown.append((fact.log_value, age(fact.base_start, fact.base_end), age(fact.start, fact.end)))
    for a, b in (pair for counted in amounts.values() for pair in pairwise(counted)):
        if a.end < b.start:
            grown.append((rate(b) - rate(a), age(a.start, a.end), age(b.start, b.end)))
    return [log / (later - earlier) for log, earlier, later in grown if later - earlier > 0.2]  # else all is noise


@lru_cache(maxsize=16)
def official_sales(ledger: Ledger) -> pd.DataFrame:
    """The official quarterly series, one row a quarter: start, end, value (its own currency), known_on."""
    facts = ledger.facts
    of = (facts["platform"] == SEASON_PLATFORM) & (facts["market"] == SEASON_MARKET) & (facts["metric"] == "gmv")
    facts = facts[of & (facts["basis"] == "official") & facts["period"].str.contains("Q")]
    quarters = facts.drop_duplicates("period").sort_values("start")[["start", "end", "number", "known_on"]]
    return quarters.rename(columns={"number": "value"}).reset_index(drop=True)
