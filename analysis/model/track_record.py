"""The model's own forecasts of earlier quarters, scored against what was published afterwards.

A forecast is made from what was public on the quarter's default date. It is scored on the log scale, so that a market
of 0.4 bn counts as much as the world, with the interval score of [1]_: the width of the 80 % band, and ten times the
distance by which the figure lies outside. Two baselines need no model: the latest published figure of the market in a
straight line, and the same divided by the share that its days had of the year before in official online retail. As
neither knows its own error, each is given a band as wide as the model's; what is compared is where the bands lie.

.. [1] Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007, section 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.facts.ledger import CONFIDENCE, Ledger
from analysis.facts.quantity import rounded
from analysis.facts.report import PUBLICATION_LAG
from analysis.facts.span import Span
from analysis.model.estimates import fitted
from analysis.model.market import Market, Observations
from analysis.model.observations import SOLD, year_earlier

_OUTSIDE = 0.2  # the share of figures that an 80 % band may miss

COLUMNS = (
    "quarter", "as_of", "market", "year", "median", "p10", "p90", "published", "fact", "basis", "inside",
    "drivers", "model_score", "run_rate", "run_rate_score", "seasonal", "seasonal_score",
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """How often the band held the figure, and mean interval scores (log units, less is better).

    The scores are those of the `compared` forecasts for which the baselines had a published figure to start from.
    """

    forecasts: int
    inside: int
    compared: int
    model: float
    run_rate: float
    seasonal: float


def track_record(ledger: Ledger, platform: str, quarters: list[Span]) -> pd.DataFrame:
    """Forecast of the year, made in each quarter, for each market whose figure for that year was published later.

    The figure is the leading one of those published after the forecast; the forecast is what the figure's basis would
    count. Amounts are in US dollars.

    Returns
    -------
    DataFrame
        Columns in `COLUMNS`, a row for each quarter and market; without rows if nothing can be scored yet. Baselines
        are NaN where nothing had been published about the market.
    """
    rows = []
    for quarter, view, later in told_later(ledger, platform, quarters):
        year = quarter.year
        market = fitted(view, platform, year.end)
        if market is None:  # nothing had been published by then
            continue
        for fact in later.itertuples():
            if not all(m in market.grid.markets for m in market.observations.regions.get(fact.market, ("",))):
                continue
            rows.append((quarter.code, view.as_of, fact.market, year.code, *_scored(ledger, market, fact)))
    return pd.DataFrame(rows, columns=COLUMNS)


def told_later(ledger: Ledger, platform: str, quarters: list[Span]) -> Iterator[tuple[Span, Ledger, pd.DataFrame]]:
    """Quarters whose forecasts can be scored: what was public then, and the year's figures published afterwards."""
    for quarter in quarters:
        as_of = quarter.end + PUBLICATION_LAG
        later = _published_later(ledger, platform, quarter.year, as_of)
        if not later.empty:
            yield quarter, ledger.known_by(as_of), later


def earlier_quarters(quarter: Span) -> list[Span]:
    """The four quarters before one, oldest first: those whose forecasts its report scores."""
    found = [quarter]
    while len(found) <= 4:
        found.insert(0, found[0].previous_quarter)
    return found[:-1]


def score(record: pd.DataFrame) -> Score:
    """The track record in one line."""
    compared = record.dropna(subset="run_rate_score")
    means = compared[["model_score", "run_rate_score", "seasonal_score"]].mean()
    return Score(len(record), int(record["inside"].sum()), len(compared), *means)


def interval_score(low: float, high: float, value: float) -> float:
    """Interval score of an 80 % band; all three on one scale, here log."""
    return high - low + 2 / _OUTSIDE * (max(low - value, 0) + max(value - high, 0))


def _published_later(ledger: Ledger, platform: str, year: Span, as_of: date) -> pd.DataFrame:
    facts = ledger.facts
    later = facts[
        (facts["platform"] == platform) & (facts["metric"] == "gmv") & (facts["span"] == year)
        & facts["kind"].isin(SOLD) & (facts["known_on"] > as_of.isoformat())
    ]  # fmt: skip
    return later[~later["market"].duplicated()]


def _scored(ledger: Ledger, market: Market, fact) -> tuple:
    year = fact.span
    rate = 1.0 if fact.of == "USD" else ledger.rate(fact.of, year).value
    p10, median, p90 = map(rounded, np.quantile(market.draws(fact.market, year, fact.basis), [0.1, 0.5, 0.9]))
    published = fact.number / rate
    row = [median, p10, p90, published, fact.Index, fact.basis, p10 <= published <= p90]
    row.append(market.drivers(fact.market, year))
    row.append(rounded(interval_score(np.log(p10), np.log(p90), np.log(published))))
    for point in _baselines(market.observations, fact.market, year):
        centred = np.log([p10, p90]) - np.log(median) + np.log(point)
        row += [rounded(point), rounded(interval_score(*centred, np.log(published)))]
    return tuple(row)


def _baselines(observations: Observations, market: str, year: Span) -> tuple[float, float]:
    """The year's GMV by straight line and by last year's seasonal share, from the latest amount published of it."""
    facts = observations.facts
    amounts = facts[(facts["market"] == market) & (facts["measure"] == "amount")].itertuples()
    # A line from an earlier year would leave the growth of whole years to the baselines. Of the latest the one over
    # the longest period, of these the one best known.
    latest = min(
        (fact for fact in amounts if fact.start >= year.start),
        key=lambda fact: (year.end - fact.end, fact.start, CONFIDENCE.index(fact.confidence)),
        default=None,
    )
    if latest is None:
        return np.nan, np.nan
    span, value = Span(latest.start, latest.end), np.exp(latest.log_value)
    return value / span.days * year.days, value / _seasonal_share(observations.season, span)


def _seasonal_share(season: pd.DataFrame, span: Span) -> float:
    """Part of the official sales of the year before the span that fell into the same days; by days if not published."""
    quarters = [
        (Span(row.start, row.end), row.value) for row in season.itertuples() if row.start.year == span.end.year - 1
    ]
    if len(quarters) < 4:
        return span.days / span.year.days
    before = year_earlier(span)
    return sum(v * q.overlap(before) / q.days for q, v in quarters) / sum(v for _, v in quarters)
