"""Two platforms against each other: how much the rival sells of the platform's GMV, and when their paths cross.

Draws of one platform belong together; the models of two platforms are independent of each other, so that the n-th draw
of the one can be set against the n-th of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.facts.quantity import Band, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.market import PERCENTILES
from analysis.model.observations import WORLD


class Pair(NamedTuple):
    """Estimated GMV of both over one span, the rival's as a multiple of the platform's, and draws of that multiple."""

    span: Span
    own: Band
    rival: Band
    ratio: Band
    ratios: np.ndarray

    def since(self, then: Pair | None) -> Band:
        """The ratio as a multiple of that of an earlier span; unknown where the rival sold nothing then."""
        if then is None or not then.ratio.median > 0 or not self.ratio:
            return Band.unknown("an earlier period of both")
        what = f"the ratio in {self.span.short} ÷ the ratio in {then.span.short}"
        return ratio_band(self.ratio.median / then.ratio.median, self.ratios / then.ratios, what)


def pair(report: Report, span: Span, market: str = WORLD) -> Pair:
    """Both platforms over one span; the ratio is unknown where the platform had not opened yet."""
    own, rival = estimates(report), estimates(report, report.rival)
    ours, theirs = own.gmv(market, span), rival.gmv(market, span)
    ratio = theirs.median / ours.median
    ratios = rival.draws(market, span) / own.draws(market, span) if ratio else np.empty(0)
    what = f"GMV of {rival.platform} ÷ GMV of {own.platform}, {report.call(market)}, {span.short}"
    return Pair(span, ours, theirs, ratio_band(ratio, ratios, what), ratios)


def ratio_band(ratio: Quantity, draws: np.ndarray, what: str) -> Band:
    """The band of a ratio taken draw by draw; `ratio`, that of the medians, lends its unit and origins."""
    if not ratio:
        return Band(ratio, ratio, ratio)
    percentiles = np.quantile(draws, PERCENTILES)
    return Band.of(percentiles, lambda v, name: replace(ratio, value=v, formula=f"market model, {name} of {what}"))


class Crossing(NamedTuple):
    """Whether the order of the two changes in the twelve months after the quarter, and who is ahead at their end."""

    month: Span | None  # from which on the medians stand the other way round than in the quarter's last
    end: Span
    larger: str  # by the median of that last month
    smaller: str
    chance: Quantity  # share of the draws in which it is the larger, per cent


def crossing(report: Report) -> Crossing | None:
    """Where the two paths go under the report's scenario; None where one of them is unknown."""
    own, rival = estimates(report), estimates(report, report.rival)
    months = Span(report.quarter.end.replace(day=1), report.horizon.end).each_month
    first, end = (pair(report, month) for month in (months[0], months[-1]))
    if not (first.ratio and end.ratio):
        return None
    month = crossed(months, lambda month: rival.gmv(WORLD, month).median > own.gmv(WORLD, month).median)
    behind = end.ratio.median > 1
    larger, smaller = (rival.platform, own.platform) if behind else (own.platform, rival.platform)
    share = rounded(float(np.mean(end.ratios > 1 if behind else end.ratios < 1)))
    formula = f"share of {len(end.ratios):,} draws with {larger} ahead of {smaller} in {end.span.short}"
    return Crossing(month, end.span, larger, smaller, replace(end.ratio.median, value=share, unit="%", formula=formula))


def crossed(months: list[Span], larger: Callable[[Span], bool]) -> Span | None:
    """The month from which an order is other than in the first, to the last one; None if it is not.

    A month that turns the order for a while only (a sales day) is no crossing. `larger`, whether the rival is the
    larger in a month, is asked for the first and from the last backwards, as far as needed.
    """
    before, found = larger(months[0]), None
    for month in reversed(months):
        if larger(month) == before:
            break
        found = month
    return found
