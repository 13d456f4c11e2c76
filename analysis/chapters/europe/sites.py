"""What the new sites would have to bring, and what a ramp like those on record brings."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates
from analysis.model.launches import months_from
from analysis.model.outcomes import most, one_at_a_time
from analysis.model.pace import Pace, pace
from analysis.model.ramp import opening
from analysis.story import charts
from analysis.story.prose import Sentence, maybe, phrase, say, than
from analysis.story.show import Figure, Table

from .launch import FIRST_YEAR, RAMP, TWELVE, Launch

SHOWN = 24  # months of a ramp that its chart shows


@dataclass(frozen=True)
class Case:
    """What the new sites bring if they open at a given time.

    Attributes
    ----------
    opened : Span
    year_end, twelve : Band
        GMV by the end of the report's year and over their first twelve months, money: with the levers as the report's
        scenario has them, and with the ramp and the market both at their low and both at their high end.
    """

    opened: Span
    year_end: Band
    twelve: Band

    @property
    def month(self) -> Span:
        return months_from(self.opened, 0)


@dataclass(frozen=True)
class Sites:
    """What is asked of the new sites, and what they bring at the ramp of earlier launches.

    Attributes
    ----------
    launch : Launch
    world : Pace
    expected : Quantity
        Estimate of the world's GMV in the year, money, new sites included.
    months_left : Quantity
        Months from the planned launch to the end of the year.
    planned, actual : Case or None
        From the planned month on; and from their opening, or the earliest that is still possible, where that is in
        another month.
    ahead : Quantity
        What they bring in the twelve months after the quarter, money.
    levers : DataFrame
        `ahead` with one lever at a time at either end; see `one_at_a_time`.
    left_out : list of str
        Markets that had opened by the end of the quarter and are not in the ramp.
    """

    launch: Launch
    world: Pace
    expected: Quantity
    months_left: Quantity
    planned: Case | None
    actual: Case | None
    ahead: Quantity
    levers: pd.DataFrame
    left_out: list[str]

    @property
    def gap(self) -> Quantity:
        """What the year's target lacks, money; unknown if it is reached."""
        return self.world.gap if self.world.gap > 0 else Quantity.unknown("a gap to the target")

    @property
    def needed(self) -> Quantity:
        """What the new sites would need from the planned month on to close that gap, money a month."""
        return self.gap / self.months_left

    @property
    def stretch(self) -> Quantity:
        """The same as a multiple of what the whole platform sells a month so far."""
        return self.needed / self.world.achieved

    @property
    def case(self) -> Case | None:
        """What the sites bring as far as is known by now."""
        return self.actual or self.planned

    @property
    def brought(self) -> Quantity:
        """The same by the end of the year, money."""
        return self.case.year_end.median if self.case else Quantity.unknown("a planned launch")

    @property
    def factor(self) -> Quantity:
        """The gap as a multiple of what they bring by the end of the year."""
        return self.gap / self.brought

    @property
    def missing(self) -> Quantity:
        """What the year's target lacks beyond the estimate of the year without them, money."""
        return self.world.target - self.expected + self.brought

    @property
    def asked(self) -> Sentence:
        """What the target would ask of them."""
        report, lapsed = self.launch.report, self.launch.lapsed
        if self.world.gap and not self.gap:
            return say("The target of {report.year} was reached without them.", self.launch)
        return say(
            "That {leaves} {months_left} of the year: to close the gap of {gap} alone the new sites would {need} "
            "{needed.amount} a month, {stretch} the mean month of the whole platform{so_far}.",
            self,
            leaves="left" if lapsed else "leaves",
            need="have needed" if lapsed else "need",
            so_far=maybe("" if report.year_is_over else " so far"),
        )

    @property
    def finding(self) -> Sentence:
        """What the ramp gives, as planned and as it happened, or as it still can."""
        launch, case = self.launch, self.case
        if case is None:
            return Sentence()
        year_end = phrase("{median} by the end of {year} ({low} to {high})", case.year_end, year=launch.report.year)
        if self.brought.value == 0:
            year_end = phrase("nothing in {report.year}", launch)
        brings = phrase("bring {year_end} and {twelve.median} in their first {t}", case, year_end=year_end, t=TWELVE)
        if self.actual is None:
            return say("At {at_ramp} they would {brings}.", launch, brings=brings)
        return say(
            "At {at_ramp} they would {bring} {planned} in {report.year} if they {kept} as planned; {opened} in "
            "{case.month}, they {brings}.",
            launch,
            bring="have brought" if launch.lapsed else "bring",
            planned=self.planned.year_end.median,
            kept="had opened" if launch.lapsed else "opened",
            opened="opened" if launch.is_open else "open",
            case=case,
            brings=brings,
        )

    @property
    def details(self) -> list[Sentence]:
        """What the target lacks besides, and what the ramp leaves open."""
        return [
            self._missing(),
            say(
                "Left out of the ramp, for want of the month of the launch, a figure of their own or the size of the "
                "market: {markets}.",
                markets=self.launch.call(self.left_out),
            ),
        ]

    def _missing(self) -> Sentence:
        """What is missing once the markets that are open have sold what is expected of them."""
        if self.launch.report.year_is_over or not self.missing:
            return Sentence()
        if not self.missing > 0:
            return say("The other markets are expected to reach the target without them.")
        return say(
            "Even after what the other markets are expected to sell, {missing} is missing, {multiple} what the new "
            "sites give.",
            self,
            multiple=self.missing / self.brought,
        )

    def needed_chart(self) -> Figure:
        """What is needed a month, beside what is sold."""
        launch, report = self.launch, self.launch.report
        rows = [
            (f"Needed from {launch.names}", self.needed, True),
            (f"All of {report.platform} so far", self.world.achieved, False),
            (f"{launch.names} in the twelfth month, by the ramp", launch.gmv_of_month(FIRST_YEAR - 1), False),
            *((f"{market}, {reading.span.short}", reading.monthly, False) for market, reading in launch.readings),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["label", "value", "lead"])
        title = say(
            "New sites would {need} {verb} the whole platform {sells}",
            need="have needed" if launch.lapsed else "need",
            verb=than(self.needed, self.world.achieved, same="what"),
            sells="sold" if report.year_is_over else "sells now",
        )
        title = title or say("What the platform sells a month")
        return Figure("europe_needed", title, f"GMV a month, {report.currency}", charts.bars(data), data)

    def ramp_chart(self) -> Figure:
        """Every launch on record by months since launch, and the middle of them."""
        data = pd.DataFrame(self._ramp_rows(), columns=["x", "series", "value", "low", "high", "projected"])
        title = say("No launch on record tells a ramp")
        if self.launch.ramp:
            low, middle, high = self.launch.ramp.spread(FIRST_YEAR)
            told = "{low} to {high} of a market’s" if len(self.launch.vintages) > 1 else "{middle} of"
            title = say("A year after launch: " + told + " online sales", low=low, middle=middle, high=high)
        subtitle = "GMV as a share of the market’s online sales, per cent, by months since launch; dashed: continued"
        chart = charts.lines(data, x_title="months since launch")
        return Figure("europe_ramp", title, subtitle, chart, data)

    def _ramp_rows(self) -> list[tuple]:
        ramp, none = self.launch.ramp, Quantity.unknown("a band")
        if ramp is None:
            return []
        rows, shown = [], range(min(SHOWN + 1, ramp.months))
        for number, vintage in enumerate(ramp.vintages):
            rows += [(x, vintage.market, ramp.of(number, x), none, none, x >= len(vintage.shares)) for x in shown]
        if len(ramp.vintages) > 1:
            shortest = min(len(vintage.shares) for vintage in ramp.vintages)
            for x in shown:
                low, middle, high = ramp.spread(x)
                rows.append((x, "Middle", middle, low, high, x >= shortest))
        return rows

    def table(self) -> Table:
        """What the sites bring, as planned and as it happened."""
        rows, year = [], self.launch.report.year.label
        now = "As it happened" if self.launch.is_open else "As of now"
        for words, case in (("As planned", self.planned), (now, self.actual)):
            if case:
                label = f"{words}, from {case.month.short}"
                rows.append((f"{label}: by the end of {year}", *case.year_end))
                rows.append((f"{label}: first twelve months", *case.twelve))
        data = pd.DataFrame(rows, columns=["Opening", "By the ramp", "Levers low", "Levers high"])
        return Table("europe_contribution", say("What the new sites bring at the ramp of earlier launches"), data)

    def levers_chart(self) -> Figure:
        """GMV of the twelve months after the quarter, one lever at a time."""
        report, title = self.launch.report, say("What moves the new sites’ sales{most}", most=most(self.levers))
        subtitle = f"GMV of the new sites in {report.horizon.label}, {report.currency}, one assumption at a time"
        return Figure("europe_levers", title, subtitle, charts.tornado(self.levers, self.ahead), self.levers)


def sites_of(launch: Launch, model: Estimates) -> Sites:
    """The world's gap, and what the ramp gives the new sites as planned and as far as is known by now."""
    report = launch.report
    planned = actual = None
    if launch.plan and launch.ramp:
        planned, now = _case(launch, launch.plan.month), _case(launch)
        actual = None if now.month == planned.month else now
    used = {*launch.markets, *(vintage.market for vintage in launch.vintages)}
    since = {market: opening(report, market) for market in report.ledger.vocabulary.markets if market not in used}
    labels = RAMP | {"europe_delay": "delay after the planned month"}
    return Sites(
        launch=launch,
        world=pace(report, "Global"),
        expected=model.gmv("Global", report.year).median,
        months_left=_months_left(launch),
        planned=planned,
        actual=actual,
        ahead=launch.gmv(report.horizon),
        levers=one_at_a_time(report, labels, lambda settings: launch.gmv(report.horizon, settings=settings)),
        left_out=[market for market, opened in since.items() if opened and opened.start <= report.quarter.end],
    )


def _case(launch: Launch, opened: Span | None = None) -> Case:
    """What the sites bring from a month on; where none is given, from their own."""
    start = opened or launch.start

    def band(span: Span) -> Band:
        ends = [dict.fromkeys(RAMP, end) for end in ("low", "high")]
        return Band(*(launch.gmv(span, opened, settings) for settings in (None, *ends)))

    return Case(start, band(launch.report.year), band(months_from(start, 0, FIRST_YEAR)))


def _months_left(launch: Launch) -> Quantity:
    """Months from the planned launch to the end of the year."""
    plan, end = launch.plan, launch.report.year.end
    if plan is None or plan.month.start > end:
        return Quantity.unknown("a launch planned for the year")
    count = pd.Period(end, "M").ordinal - pd.Period(plan.month.start, "M").ordinal + 1
    how = f"months from {plan.month.label} on ({plan.figure.formula})"
    return Quantity(float(count), "month", how, plan.figure.origins)
