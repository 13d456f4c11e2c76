"""Two platforms against each other: how much the rival sells of the platform's GMV, and when their paths cross.

Draws of one platform belong together; the models of two platforms are independent of each other, so that the n-th draw
of the one can be set against the n-th of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.facts.assumptions import Scenario
from analysis.facts.quantity import Quantity, rounded
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.outcomes import tellable
from analysis.story.prose import LEVEL

# Ratios, draw by draw ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pair:
    """Estimated GMV of both over one span.

    Attributes
    ----------
    span : Span
    own, rival : Band
        GMV of the platform and of its rival, money.
    ratio : Band
        The rival's as a multiple of the platform's.
    ratios : ndarray, shape (draws,)
        Its draws; none where the ratio is unknown.
    """

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
    """Whether the two paths meet in one scenario, within the twelve months after the quarter.

    Attributes
    ----------
    scenario : Scenario
    month : Span or None
        The month from which on the medians stand the other way round than in the quarter's last.
    ahead : Quantity
        Share of the draws in which the platform sells more than the rival in the last month, per cent.
    ratio : Band
        The rival's GMV of that month as a multiple of the platform's.
    """

    scenario: Scenario
    month: Span | None
    ahead: Quantity
    ratio: Band


def crossings(report: Report) -> list[Crossing]:
    """The report's own scenario, then the others that can be told by its date and that change either path."""
    told = [report.scenario, *(scenario for scenario in tellable(report) if scenario.id != report.scenario.id)]
    months = Span(report.quarter.end.replace(day=1), report.horizon.end).each_month
    found, seen = [], set()
    for scenario in told:
        there = report.under(scenario.id)
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

        found.append(Crossing(scenario, crossed(months, larger), chance, end.ratio))
    return found


def crossed(months: list[Span], larger: Callable[[Span], bool]) -> Span | None:
    """The month from which an order is other than in the first, to the last one; None if it is not.

    A month that turns the order for a while only (a sales day) is no crossing.

    Parameters
    ----------
    months : list of Span
    larger : callable
        Whether the rival is the larger in a month. Asked for the first and from the last backwards, as far as needed.
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


# By arithmetic on published figures -------------------------------------------------------------------


@dataclass(frozen=True)
class Growth:
    """The last published growth of one platform: between its last two published periods that do not overlap.

    Attributes
    ----------
    platform : str
    before, last : Reading
    monthly : Quantity
        Constant growth a month that leads from the one to the other, per cent.
    level : Quantity
        GMV a month at the end of the quarter if it goes on like that, money a month.
    """

    platform: str
    before: Reading
    last: Reading
    monthly: Quantity
    level: Quantity


def published(report: Report, span: Span, platform: str) -> Quantity:
    """GMV of the world; what a half-year leaves for a quarter is no figure if the two contradict each other."""
    gmv = report.gmv("Global", span, platform)
    return gmv if gmv > 0 else Quantity.unknown(f"GMV of {platform} in {span.short}")


def growth(report: Report, platform: str) -> Growth | None:
    """Growth between the last published period and the last one that ended before it began; else that of a year."""
    known = _readings(report, platform)
    recent = [reading for reading in known if reading.span.end > report.quarter.year_earlier().end]
    if not recent:
        return None
    last = max(recent, key=lambda r: (r.span.end, -r.span.days))
    earlier = [reading for reading in known if reading.span.end < last.span.start]
    if earlier:  # of those that end together the one of the same length, whose season is more alike
        before = max(earlier, key=lambda r: (r.span.end, r.span.months == last.span.months, -r.span.days))
    else:
        rate = report.fact("Global", "gmv_growth_yoy", last.span, platform)
        before = Reading(last.span.year_earlier(), last.gmv / (1 + rate))
    multiple = last.monthly / before.monthly
    if not multiple:
        return None
    apart, to_end = _middle(last.span) - _middle(before.span), _end(report.quarter) - _middle(last.span)
    factor, told = multiple.value ** (1 / apart), f"({multiple.formula})"
    return Growth(
        platform,
        before,
        last,
        replace(multiple, value=rounded(factor - 1), unit="%", formula=f"{told}^(1 ÷ {apart:g} months) − 1"),
        replace(
            last.monthly * multiple,
            value=rounded(last.monthly.value * factor**to_end),
            unit=last.monthly.unit,
            formula=f"{last.monthly.formula} × {told}^({to_end:g} ÷ {apart:g} months)",
        ),
    )


def _readings(report: Report, platform: str) -> list[Reading]:
    """What is published of the quarters, halves and years of the report's year and the one before."""
    spans = [
        Span.months_of(year, month, length)
        for length in (12, 6, 3)
        for year in (report.year.end.year, report.year.end.year - 1)
        for month in range(1, 13, length)
    ]
    found = [Reading(span, published(report, span, platform)) for span in spans if span.end <= report.quarter.end]
    return [reading for reading in found if reading.gmv]


def _end(span: Span) -> int:
    """Months from the year 0 to the end of a span."""
    return span.end.year * 12 + span.end.month


def _middle(span: Span) -> float:
    return _end(span) - span.months / 2


def meeting(own: Growth, rival: Growth) -> Quantity:
    """Months after the quarter until both sell the same if each keeps its growth; negative if that lies behind.

    ln(ratio of levels) ÷ ln(ratio of growth factors).
    """
    gap = rival.level / own.level
    closing = math.log((1 + own.monthly.value) / (1 + rival.monthly.value))
    if not gap or abs(closing) < 1e-9:
        return Quantity.unknown("growth that differs")
    formula = f"ln({gap.formula}) ÷ ln((1 + {own.monthly.bare}) ÷ (1 + {rival.monthly.bare}))"
    return replace(gap, value=rounded(math.log(gap.value) / closing), unit="month", formula=formula)
