"""The model's own forecasts of earlier quarters, scored against what was published afterwards.

A forecast is made from what was public on the quarter's default date, for the quarters, halves and years that end in
the twelve months after it. It is scored in the count in which the figure came, on the log scale, so that a market of
0.4 bn counts as much as the world, with the interval score of [1]_: the width of the 80 % band, and ten times the
distance by which the figure lies outside. Three baselines need no model: the latest published figure in a straight
line, the same by last year's seasonal shares in official online retail, and the same with the growth since the figure
before it. Each has a band from its own errors that were known by then, of its platform or else of all.

.. [1] Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007, section 6.2.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.quantity import BOUNDS, rounded
from analysis.facts.report import PUBLICATION_LAG
from analysis.facts.span import Span
from analysis.model.estimates import fitted
from analysis.model.observations import official_sales, read_facts

_OUTSIDE = 0.2  # the share of figures that an 80 % band may miss
BASELINES = ("run_rate", "seasonal", "drift")
LENGTHS = {3: "quarter", 6: "half", 12: "year"}
FEW = 10  # errors, or forecasts, below which a share or a mean says little
SCORES = [f"{name}_score" for name in ("model", *BASELINES)]
FORECAST = ["quarter", "as_of", "platform", "market", "span", "length", "median", "p10", "p90"]
COLUMNS = [*FORECAST, "published", "fact", "counter", "inside"]


def track_record(ledger: Ledger, platform: str, quarters: list[Span]) -> pd.DataFrame:
    """As `forecasts`, with the columns `SCORES`: of baselines NaN where nothing had been published about the market."""
    found, rows = forecasts(ledger, platform, quarters), []
    for row in found.itertuples():
        bands, span = [np.log([row.p10, row.p90])], Span.parse(row.span)
        for name, point in baselines(ledger, platform, row.market, row.counter, span, row.as_of).items():
            bands.append(np.log(point) + _errors(ledger, platform, name, row.as_of))
        rows.append([rounded(interval_score(low, high, np.log(row.published))) for low, high in bands])
    return found.join(pd.DataFrame(rows, columns=SCORES, dtype=float))


def forecasts(ledger: Ledger, platform: str, quarters: list[Span]) -> pd.DataFrame:
    """Forecasts made in each quarter, of each market, region and period whose figure was published later.

    The figure is the leading one of those published after the forecast that is no bound and not of low confidence;
    the forecast is what its counter would publish. Amounts are in US dollars, columns in `COLUMNS`.
    """
    rows = []
    for quarter in quarters:
        later, (view, _, until) = _published_later(ledger, platform, quarter), _asked(ledger, platform, quarter)
        market = fitted(view, platform, until) if later else None
        for fact in later if market else ():  # else nothing had been published by then
            if not {*market.observations.regions.get(fact.market, ("",))} <= {*market.grid.markets}:
                continue
            span, value = Span(fact.start, fact.end), np.exp(fact.log_value)
            draws = market.figure(fact.market, span, fact.basis, fact.counter, fact.confidence)
            p10, median, p90 = map(rounded, np.quantile(draws, [0.1, 0.5, 0.9]))
            if not p10:  # a market that was not known to open
                continue
            made = quarter.code, view.as_of, platform, fact.market, span.code, LENGTHS[span.months], median, p10, p90
            rows.append((*made, value, fact.Index, fact.counter, p10 <= value <= p90))
    return pd.DataFrame(rows, columns=COLUMNS)


def asked(ledger: Ledger, platform: str, quarters: list[Span]) -> list[tuple[Ledger, str, date]]:
    """The models that `track_record` asks `fitted` for: view, platform and last day."""
    return [_asked(ledger, platform, q) for q in quarters if _published_later(ledger, platform, q)]


def _asked(ledger: Ledger, platform: str, quarter: Span) -> tuple[Ledger, str, date]:
    return ledger.known_by(quarter.end + PUBLICATION_LAG), platform, quarter.year_ahead.end


def earlier_quarters(quarter: Span) -> list[Span]:
    """The four quarters before one, oldest first: those whose forecasts its report scores."""
    found = [quarter]
    while len(found) <= 4:
        found.insert(0, found[0].previous_quarter)
    return found[:-1]


def scores(record: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The track record by group: how often the band held the figure, and mean interval scores (less is better).

    The scores are those of the `compared` forecasts for which the baselines had a published figure to start from;
    `ratio` is the median of what came over what was forecast, `few` where there are less than ten forecasts.
    """
    rows = []
    for key, found in record.groupby(by, sort=False):
        compared, ratio = found[SCORES].dropna(), float((found["published"] / found["median"]).median())
        counts = len(found), int(found["inside"].sum()), len(compared)
        rows.append((*key, *counts, *compared.mean(), ratio, len(found) < FEW))
    return pd.DataFrame(rows, columns=[*by, "forecasts", "inside", "compared", "model", *BASELINES, "ratio", "few"])


def interval_score(low: float, high: float, value: float) -> float:
    """Interval score of an 80 % band; all three on one scale, here log."""
    return high - low + 2 / _OUTSIDE * (max(low - value, 0) + max(value - high, 0))


def _published_later(ledger: Ledger, platform: str, quarter: Span) -> list:
    """The leading figure of each market and period that ends within twelve months after a quarter."""
    as_of, horizon, found = (quarter.end + PUBLICATION_LAG).isoformat(), quarter.year_ahead.end, {}
    for fact in _figures(ledger, platform):
        if fact.known_on > as_of and quarter.end < fact.end <= horizon:
            found.setdefault((fact.market, fact.start, fact.end), fact)
    return list(found.values())


def _stated(ledger: Ledger, platform: str) -> pd.DataFrame:
    facts = read_facts(ledger, platform)
    return facts[(facts["measure"] == "amount") & ~facts["qualifier"].isin(BOUNDS)]


@lru_cache(maxsize=32)
def _figures(ledger: Ledger, platform: str) -> list:
    """Amounts of calendar quarters, halves and years that an outcome may be, in the order in which they lead."""
    facts = _stated(ledger, platform)
    facts = facts[~facts["derived"] & (facts["confidence"] != "low")]
    months = [Span(start, end).months for start, end in zip(facts["start"], facts["end"], strict=True)]
    whole = [m in LENGTHS and (start.month - 1) % m == 0 for m, start in zip(months, facts["start"], strict=True)]
    leading = ledger.facts.index[ledger.facts.index.isin(facts.index[whole])]
    return list(facts.loc[leading].itertuples())


# Baselines ----------------------------------------------------------------------------------------------


def baselines(ledger, platform: str, market: str, counter: str, span: Span, as_of: date) -> dict[str, float]:
    """GMV of a span from the latest amounts of a market public by a day, of the same counter if any, else NaN."""
    known = [row for row in _amounts(ledger, platform).get(market, ()) if row.known_on <= as_of.isoformat()]
    rows = [row for row in known if row.counter == counter] or known
    if not rows:
        return dict.fromkeys(BASELINES, np.nan)
    # Of the figures that end last the one over the longest period; of those before it the last.
    last, first = rows[-1], [row for row in rows if row.end < rows[-1].start and row.counter == rows[-1].counter]
    season, now, gmv = _season(ledger, as_of), Span(last.start, last.end), np.exp(last.log_value)
    seasonal = gmv / _seasonal_share(season, now) * _seasonal_share(season, span)
    run_rate = drift = gmv / now.days * span.days
    if first:
        then = Span(first[-1].start, first[-1].end)
        growth = np.log(gmv / now.days * then.days) - first[-1].log_value
        start, middle, end = (at.start.toordinal() + at.days / 2 for at in (then, now, span))
        drift = run_rate * np.exp(growth * (end - middle) / (middle - start))
    return {"run_rate": run_rate, "seasonal": seasonal, "drift": drift}


@lru_cache(maxsize=32)
def _amounts(ledger: Ledger, platform: str) -> dict[str, list]:
    """Market -> its published amounts that are no bounds, in the order in which they end, the longest last."""
    facts = _stated(ledger, platform).sort_values(["end", "start"], ascending=[True, False], kind="stable")
    return {market: list(rows.itertuples()) for market, rows in facts.groupby("market")}


@lru_cache(maxsize=64)
def _season(ledger: Ledger, as_of: date) -> list[tuple[Span, float]]:
    """The quarters of the last whole year of official sales that was public by a day."""
    series = official_sales(ledger)
    public = series[series["known_on"] <= as_of.isoformat()]
    quarters = [(Span(row.start, row.end), row.value) for row in public.itertuples()]
    years = [quarter.start.year for quarter, _ in quarters]
    last = max((year for year in years if years.count(year) == 4), default=None)
    return [(quarter, value) for quarter, value in quarters if quarter.start.year == last]


def _seasonal_share(season: list[tuple[Span, float]], span: Span) -> float:
    """Part of a year's official sales that fell into the months of a span; by days where it is no part of one year."""
    part = 0.0
    if season and span.months and span.start.year == span.end.year:
        same = Span.months_of(season[0][0].start.year, span.start.month, span.months)
        part = sum(value * quarter.overlap(same) / quarter.days for quarter, value in season)
    return part / sum(value for _, value in season) if part else span.days / span.year.days


@lru_cache(maxsize=256)
def _errors(ledger: Ledger, platform: str, baseline: str, as_of: date) -> np.ndarray:
    """10th and 90th percentile of the log errors of a baseline that were known by a day: of its platform, or else of
    all platforms; in the first years, which have too few, of all days."""
    errors = _baseline_errors(ledger)
    known = errors[errors["known_on"] <= as_of.isoformat()]
    for found in (known[known["platform"] == platform], known, errors):
        if len(found) >= FEW:
            break
    return np.quantile(found[baseline], [0.1, 0.9])


def quarters_with_figures(ledger: Ledger, platform: str) -> list[Span]:
    """The quarters from the first to the last of which there are figures."""
    days = [day for fact in _figures(ledger, platform) for day in (fact.start, fact.end)]
    return [Span.parse(str(q)) for q in pd.period_range(min(days), max(days), freq="Q")] if days else []


@lru_cache(maxsize=4)
def _baseline_errors(ledger: Ledger) -> pd.DataFrame:
    """Log of what came over each baseline, by platform, quarter, market and period, and the day it was known."""
    rows = []
    for platform in ledger.vocabulary.platforms:
        for quarter in quarters_with_figures(ledger, platform):
            for fact in _published_later(ledger, platform, quarter):
                of, as_of = Span(fact.start, fact.end), quarter.end + PUBLICATION_LAG
                points = baselines(ledger, platform, fact.market, fact.counter, of, as_of)
                rows.append((platform, fact.known_on, *(fact.log_value - np.log(points[name]) for name in BASELINES)))
    return pd.DataFrame(rows, columns=["platform", "known_on", *BASELINES]).dropna()
