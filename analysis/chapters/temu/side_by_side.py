"""Both platforms over the same periods, as published and as estimated."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.crossing import Pair, pair, published
from analysis.model.estimates import Band, Estimates
from analysis.story import charts
from analysis.story.prose import Sentence, banded, beside, listing, maybe, moved, phrase, say, than
from analysis.story.show import Figure, Table


@dataclass(frozen=True)
class Period:
    """GMV of the platform and of its rival over one span, money, as published (or unknown) and as estimated."""

    span: Span
    own: Quantity
    rival: Quantity
    estimate: Pair


@dataclass(frozen=True)
class SideBySide:
    """What both sold, and what the rival sold for each dollar of the platform.

    Attributes
    ----------
    report : Report
    periods : list of Period
        Quarters of the year before and of this one, years and halves, up to the report's quarter.
    shared : Span or None
        The last span in which both are published.
    own, rival, ratio : Quantity
        GMV of both in `shared`, money, and the rival's as a multiple of the platform's.
    quarter : Reading or None
        The rival's last published quarter of the year.
    quarter_before, quarter_growth : Quantity
        The rival's GMV of the quarter before it, money, and growth from one to the other.
    modelled : Span
        That quarter, or else the last with a figure of the US, or else the report's.
    model_growth : Band
        The growth to `modelled` as the market model sees it.
    now, year_before : Pair or None
        Estimates of the report's quarter, and of the same a year before, if both were open.
    since_year : Band
        The ratio of the one as a multiple of that of the other.
    year : Pair
        Estimates of the whole year.
    """

    report: Report
    periods: list[Period]
    shared: Span | None
    own: Quantity
    rival: Quantity
    ratio: Quantity
    quarter: Reading | None
    quarter_before: Quantity
    quarter_growth: Quantity
    modelled: Span
    model_growth: Band
    now: Pair | None
    year_before: Pair | None
    since_year: Band
    year: Pair

    @property
    def published(self) -> Sentence:
        """What the chapter opens with: the last period in which both are published."""
        ours, theirs = self.own.bases, self.rival.bases
        rough = bool(ours and theirs) and not ours & theirs
        return say("In {shared} {report.rival} sold {rival} and {report.platform} {own}.", self) + say(
            "The two are counted differently, {report.rival} by {theirs} and {report.platform} by {ours}, "
            "so the ratio is a rough one.",
            self,
            theirs=" and ".join(sorted(theirs)) if rough else None,
            ours=" and ".join(sorted(ours)),
        )

    @property
    def estimated(self) -> Sentence:
        """What all figures together make of the report's quarter."""
        opening = phrase(
            "in {report.quarter} all published figures together put {report.rival} at {now.ratio.median} "
            "{report.platform}’s sales ({now.ratio.low} to {now.ratio.high})",
            self,
        )
        before = phrase("{opening}, after {year_before.ratio.median} a year before", self, opening=opening)
        went = _certainly(self.since_year, "the ratio has risen", "the ratio has fallen")
        return (
            say("{before}: {went}.", before=before, went=went)
            or say("{before}; the bands leave open whether the ratio has moved.", before=before)
            or say("{opening}.", opening=opening)
        )

    @property
    def details(self) -> list[Sentence]:
        report = self.report
        scenario = "" if report.scenario.id == BASE or report.year_is_over else report.scenario.name
        return [
            self._growth_sentence(),
            self._outside_sentence(),
            say(
                "For the whole of {report.year} all published figures together point to {year.rival.median} for "
                "{report.rival} ({year.rival.low} to {year.rival.high}) and {year.own.median} for {report.platform} "
                "({year.own.low} to {year.own.high}), counted as the companies count{scenario}.",
                self,
                scenario=maybe(", in the scenario “{name}”", name=scenario),
            ),
        ]

    def _growth_sentence(self) -> Sentence:
        """The rival's growth from one quarter to the next, as published and as the model sees it."""
        derived = None if self.quarter_before.is_printed or self.quarter is None else self.quarter.span.previous_quarter
        told = say(
            "By the published figures {report.rival}’s GMV {moved} in a single quarter, from {quarter_before} to "
            "{quarter.gmv} in {quarter.span}{rest}.",
            self,
            moved=moved(self.quarter_growth),
            rest=maybe("; {derived} is what the half-year leaves", derived=derived),
        )
        return told + say(
            "The market model, which weighs all figures at once, puts {growth} at {band}.",
            self,
            growth="that growth" if told else phrase("the growth of {report.rival}’s GMV in {modelled}", self),
            band=banded(self.model_growth),
        )

    def _outside_sentence(self) -> Sentence:
        """Which of the published figures the model's bands do not hold."""
        names = (self.report.platform, self.report.rival)
        found = [
            (figure, name, period.span, beside(figure, band))
            for period in self.periods
            for name, figure, band in zip(
                names, (period.own, period.rival), (period.estimate.own, period.estimate.rival), strict=True
            )
            if figure and band
        ]
        if len(found) < 2:
            return Sentence()
        outside = [
            phrase("{figure} of {name} in {span} ({where})", figure=figure, name=name, span=span, where=where)
            for figure, name, span, where in found
            if not where.startswith("within")
        ]
        count = Quantity.counted(len(found), "published figure", "with an estimate of the same period")
        return say(
            "The model’s bands hold all of the {count} in the table{but}.",
            count=count,
            but=maybe(" except {outside}", outside=listing(outside)),
        )

    def comparison_chart(self) -> Figure:
        report = self.report
        rows = [
            (period.span.short, name, gmv)
            for period in self.periods
            if period.own or period.rival
            for name, gmv in ((report.platform, period.own), (report.rival, period.rival))
        ]
        data = pd.DataFrame(rows, columns=["label", "series", "value"])
        where = than(self.rival, self.own, "ahead of", "behind", "level with")
        over = report.year_is_over or (self.shared and self.shared not in report.year)
        title = say(
            "{report.rival} was {where} {report.platform} in {shared}"
            if over
            else "{report.rival} is {where} {report.platform}",
            self,
            where=where,
        ) or say("{report.rival} and {report.platform}", self)
        subtitle = f"GMV in the period named, {report.currency}, as published"
        return Figure("rival_gmv", title, subtitle, charts.pairs(data), data)

    @property
    def _quarters(self) -> list[Pair]:
        """Estimates of each quarter, oldest first, from the first in which both were open."""
        return [p.estimate for p in self.periods if p.span.months == 3 and p.estimate.ratio.median > 0]

    def quarter_chart(self) -> Figure:
        report = self.report
        rows = [(pair.span.end, report.platform, *pair.own) for pair in self._quarters]
        rows += [(pair.span.end, report.rival, *pair.rival) for pair in self._quarters]
        data = pd.DataFrame(rows, columns=["x", "series", "value", "low", "high"])
        title = say("Both platforms by quarter, estimated")
        if self.now:
            standing = _certainly(self.now.ratio, "was ahead of", "was behind") or "cannot be told apart from"
            title = say("{report.rival} {standing} {report.platform} in {report.quarter}", self, standing=standing)
        subtitle = f"Estimated GMV of each quarter, {report.currency}; the band holds four chances in five"
        return Figure("rival_quarters", title, subtitle, charts.lines(data), data)

    def table(self) -> Table:
        report, how = self.report, ("published", "estimated")
        rows = []
        for p in self.periods:
            own, rival, ratio = (banded(band) for band in (p.estimate.own, p.estimate.rival, p.estimate.ratio))
            rows.append((p.span.short, p.own, own, p.rival, rival, p.rival / p.own, ratio))
        columns = ["Period", *(f"{name}, {word}" for name in (report.platform, report.rival) for word in how)]
        columns += [f"{report.rival} as a multiple, {word}" for word in how]
        return Table("rival_periods", say("Both platforms, period by period"), pd.DataFrame(rows, columns=columns))


def side_by_side_of(
    report: Report, own: Estimates, rival: Estimates, quarter: Reading | None, modelled: Span
) -> SideBySide:
    """Both platforms over the periods of the report's year and of the one before.

    Parameters
    ----------
    report : Report
    own, rival : Estimates
    quarter : Reading or None
        The rival's last published quarter of the year.
    modelled : Span
        The quarter whose growth the market model is asked for.
    """
    nothing = Quantity.unknown(f"a period with figures of both {report.platform} and {report.rival}")
    periods = _periods(report, own, rival)
    both = [period for period in periods if period.own and period.rival]
    shared = max(both, key=lambda p: (p.span.end, p.span.days), default=None)
    before = published(report, quarter.span.previous_quarter, report.rival) if quarter else nothing
    open_then = {period.span: period.estimate for period in periods if period.estimate.ratio.median > 0}
    now, year_before = open_then.get(report.quarter), open_then.get(report.quarter.year_earlier())
    return SideBySide(
        report=report,
        periods=periods,
        shared=shared and shared.span,
        own=shared.own if shared else nothing,
        rival=shared.rival if shared else nothing,
        ratio=shared.rival / shared.own if shared else nothing,
        quarter=quarter,
        quarter_before=before,
        quarter_growth=(quarter.gmv / before).growth() if quarter else nothing,
        modelled=modelled,
        model_growth=rival.growth("Global", modelled, modelled.previous_quarter),
        now=now,
        year_before=year_before,
        since_year=now.since(year_before) if now else Band.unknown("a quarter of both"),
        year=pair(own, rival, "Global", report.year),
    )


def _periods(report: Report, own: Estimates, rival: Estimates) -> list[Period]:
    """The quarters of the year before and that year, then the quarters, the halves and, once it is over, the year."""
    earlier, year = report.year.year_earlier(), report.year.end.year
    before, quarters = ([Span.months_of(y, month, 3) for month in (1, 4, 7, 10)] for y in (year - 1, year))
    halves = [Span.months_of(year, month, 6) for month in (1, 7)]
    return [
        Period(
            span,
            published(report, span, report.platform),
            published(report, span, report.rival),
            pair(own, rival, "Global", span),
        )
        for span in (*before, earlier, *quarters, *halves, report.year)
        if span.end <= report.quarter.end
    ]


def _certainly(multiple: Band, more: str, less: str) -> str:
    """A word for a multiple whose whole band lies on one side of one; empty where it does not."""
    return more if multiple.low > 1 else less if multiple.high < 1 else ""
