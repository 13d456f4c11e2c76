"""The rival: both platforms over the same months, whether their lines cross, and the disputed share of the US."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.prose import Sentence, level, say

from .lines import Lines, lines_of
from .merchants import Merchants, merchants_of, stocked
from .side_by_side import SideBySide, side_by_side_of
from .targets import Targets, targets_of
from .us_share import MARKET, UsShare, us_share_of


@dataclass(frozen=True)
class Rival:
    """The platform and its rival side by side, from what was public by the report's date."""

    report: Report
    periods: SideBySide
    lines: Lines
    targets: Targets
    us: UsShare
    merchants: Merchants

    @property
    def headline(self) -> Sentence:
        ratio = self.periods.ratio
        if ratio and level(self.periods.rival, self.periods.own):
            return say("{report.rival} was level with {report.platform} in {periods.shared}", self)
        if ratio < 1:
            return say(
                "{report.rival} sold less than {report.platform} in {periods.shared}: {periods.ratio} as much", self
            )
        return say("{report.rival} sold {periods.ratio} as much as {report.platform} in {periods.shared}", self) or say(
            "No period is published for both {report.rival} and {report.platform} by {report.as_of_label}", self
        )

    @property
    def sentences(self) -> list[Sentence]:
        only = "All that is published of {report.rival} is the US: {us.us_quarter.gmv} in {us.us_quarter.span}."
        return [
            self.periods.published or say(only, self),
            self.periods.estimated,
            self.lines.finding,
            self.us.finding,
            self.targets.finding,
        ]


def review(report: Report) -> Rival:
    """Everything the chapter says, from the facts of the report's view."""
    own, rival = estimates(report), estimates(report, report.rival)
    quarter, us_quarter = (_last_quarter(report, market) for market in ("Global", MARKET))
    share = stocked(report)
    us = us_share_of(report, own, rival, quarter, us_quarter, share.share)
    periods = side_by_side_of(report, own, rival, quarter, us.both.span)
    ratio = periods.now.ratio.median if periods.now else Quantity.unknown("a quarter of both")
    return Rival(
        report=report,
        periods=periods,
        lines=lines_of(report, own, rival, ratio),
        targets=targets_of(report, own, rival),
        us=us,
        merchants=merchants_of(
            report, share, [s.implied for s in us.shares], Reading(us.both.span, us.both.own.median)
        ),
    )


def _last_quarter(report: Report, market: str) -> Reading | None:
    """The rival's last published quarter of the year in a market."""
    quarters = [Span.months_of(report.year.end.year, month, 3) for month in range(1, report.quarter.end.month, 3)]
    readings = [Reading(span, report.gmv(market, span, report.rival)) for span in quarters]
    return next((reading for reading in reversed(readings) if reading.gmv), None)
