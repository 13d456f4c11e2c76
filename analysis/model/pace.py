"""How far a market is on the way to its target for the year."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.story.prose import against_pace, against_target


@dataclass(frozen=True)
class Pace:
    """Attainment of an annual GMV target at the last published figure of the year.

    Attributes
    ----------
    market : str
    target : Quantity
        GMV target of the year, money.
    reading : Reading or None
        The published figure that covers most of the year so far.
    reached, gap : Quantity
        GMV of the reading, and what it leaves of the target, money.
    attained, even, seasonal : Quantity
        Share of the target reached; shares that an even pace and last year's seasonal pattern would have reached.
    rest : Span or None
        The part of the year that the reading leaves.
    achieved, required : Quantity
        Money a month: so far, and over the rest of the year to reach the target.
    stretch : Quantity
        `required` as a multiple of `achieved`.
    """

    market: str
    target: Quantity
    reading: Reading | None
    reached: Quantity
    gap: Quantity
    attained: Quantity
    even: Quantity
    seasonal: Quantity
    rest: Span | None
    achieved: Quantity
    required: Quantity
    stretch: Quantity

    @property
    def verdict(self) -> str:
        """What the year did to its target, once a figure of the whole year is published; empty before."""
        final = self.reading is not None and self.rest is None
        return against_target(self.reached, self.target) if final else ""

    @property
    def standing(self) -> str:
        """Where the share of the target stands against an even pace: `behind`, `level with`, `ahead of`."""
        return against_pace(self.attained, self.even)


def pace(report: Report, market: str) -> Pace:
    """The pace of a market in the report's year; quantities that nothing published supports are unknown."""
    target = report.fact(market, "gmv_target", report.year)
    reading = report.year_to_date(market)
    if reading is None:
        none = report.gmv(market, report.quarter.to_date)
        return Pace(market, target, None, *[none] * 5, None, *[none] * 3)
    span = reading.span
    stated = report.fact(market, "target_completion", span)
    # Where the GMV itself comes from a published completion, that is the figure to quote.
    attained = stated if stated and stated.origins[0] in reading.gmv.origins else (reading.gmv / target).percent()
    gap = target - reading.gmv
    rest = span.rest_of_year
    required = stretch = Quantity.unknown("a part of the year still to come")
    if rest:
        required = gap / Quantity.counted(rest.length_in_months, "month")
        stretch = required / reading.monthly
    even = Quantity.counted(span.days, "day", f"of {span.label}") / Quantity.counted(span.year.days, "day")
    if span.months:
        even = Quantity.counted(span.months, "month", f"of {span.label}") / Quantity.counted(12, "month")
    return Pace(
        market,
        target,
        reading,
        reading.gmv,
        gap,
        attained,
        even.percent(),
        report.seasonal_share(span),
        rest,
        reading.monthly,
        required,
        stretch,
    )
