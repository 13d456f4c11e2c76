"""Two platforms against each other: how much the rival sells of the platform's GMV, and when their paths cross.

Draws of one platform belong together; the models of two platforms are independent of each other, so that the n-th draw
of the one can be set against the n-th of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.facts.assumptions import Scenario
from analysis.facts.quantity import LEVEL, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.observations import BOUNDS
from analysis.model.scenarios import offered

# Ratios, draw by draw ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pair:
    """Estimated GMV of both over one span, the rival's as a multiple of the platform's, and draws of that multiple."""

    span: Span
    own: Band
    rival: Band
    ratio: Band
    ratios: np.ndarray = field(repr=False)

    def since(self, then: Pair | None) -> Band:
        """The ratio as a multiple of that of an earlier span; unknown where the rival sold nothing then."""
        if then is None or not then.ratio.median > 0 or not self.ratio:
            return Band.unknown("an earlier period of both")
        what = f"the ratio in {self.span.short} ÷ the ratio in {then.span.short}"
        return ratio_band(self.ratio.median / then.ratio.median, self.ratios / then.ratios, what)


def pair(own: Estimates, rival: Estimates, market: str, span: Span) -> Pair:
    """Both platforms over one span; the ratio is unknown where the platform had not opened yet."""
    ours, theirs = own.gmv(market, span), rival.gmv(market, span)
    ratio = theirs.median / ours.median
    ratios = rival.draws(market, span) / own.draws(market, span) if ratio else np.empty(0)
    what = f"GMV of {rival.platform} ÷ GMV of {own.platform}, {own.report.call(market)}, {span.short}"
    return Pair(span, ours, theirs, ratio_band(ratio, ratios, what), ratios)


def share(model: Estimates, market: str, span: Span) -> Band:
    """Share of a market in the platform's GMV of the world, per cent."""
    part, whole = model.gmv(market, span).median, model.gmv("Global", span).median
    ratio = (part / whole).percent()
    ratios = model.draws(market, span) / model.draws("Global", span) if ratio else np.empty(0)
    return ratio_band(
        ratio, ratios, f"GMV of {model.platform} in {model.report.call(market)} ÷ in the world, {span.short}"
    )


def ratio_band(ratio: Quantity, draws: np.ndarray, what: str) -> Band:
    """The band of a ratio taken draw by draw; `ratio`, that of the medians, lends its unit and origins."""
    if not ratio:
        return Band(ratio, ratio, ratio)
    percentiles = np.quantile(draws, [0.5, 0.1, 0.9])
    return Band.of(percentiles, lambda v, name: replace(ratio, value=v, formula=f"market model, {name} of {what}"))


# Where the paths cross --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crossing:
    """Whether the two paths meet in one scenario, within the twelve months after the quarter."""

    scenario: Scenario
    month: Span | None  # from which on the medians stand the other way round than in the quarter's last
    ahead: Quantity  # share of the draws in which the platform sells more in the last month, per cent
    ratio: Band  # the rival's GMV of that month as a multiple of the platform's


def crossings(report: Report) -> list[Crossing]:
    """The report's own scenario, then the others that can be told by its date and that change either path."""
    told = dict.fromkeys([report.scenario.id, *offered(report)])
    months = Span(report.quarter.end.replace(day=1), report.horizon.end).each_month
    found, seen = [], set()
    for name in told:
        there = report.under(name)
        own, rival = estimates(there), estimates(there, report.rival)
        end = pair(own, rival, "Global", months[-1])
        if not end.ratio:
            return []
        outcome = (end.own.median.value, end.rival.median.value)
        if outcome in seen:
            continue
        seen.add(outcome)
        ahead = own.draws("Global", months[-1]) > rival.draws("Global", months[-1])
        formula = f"share of {len(ahead):,} draws with {report.platform} ahead of {report.rival} in {months[-1].short}"
        chance = replace(end.ratio.median, value=rounded(ahead.mean()), unit="%", formula=formula)

        def larger(month: Span, own: Estimates = own, rival: Estimates = rival) -> bool:
            return bool(np.median(rival.draws("Global", month)) > np.median(own.draws("Global", month)))

        found.append(Crossing(there.scenario, crossed(months, larger), chance, end.ratio))
    return found


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


def catch_up(ratio: Quantity) -> Quantity:
    """What the smaller must gain on the larger each month to be level after twelve, per cent: ratio^(1/12) − 1."""
    if not ratio > 0 or abs(ratio.value - 1) <= LEVEL:
        return Quantity.unknown("two platforms apart")
    multiple = max(ratio.value, 1 / ratio.value)
    formula = f"({multiple:.3g})^(1 ÷ 12 months) − 1, of: {ratio.formula}"
    return replace(ratio, value=rounded(multiple ** (1 / 12) - 1), unit="%", formula=formula)


def published(report: Report, span: Span, platform: str) -> Quantity:
    """GMV of the world that is no bound; what a half-year leaves for a quarter is no figure if the two contradict."""
    gmv = report.gmv("Global", span, platform)
    return gmv if gmv > 0 and gmv.hedge not in BOUNDS else Quantity.unknown(f"GMV of {platform} in {span.short}")
