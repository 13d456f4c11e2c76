"""The year month by month: what is published, what is estimated, and the paths that meet the target."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates
from analysis.model.pace import Pace
from analysis.story import charts
from analysis.story.prose import Sentence, level, maybe, phrase, say, than
from analysis.story.show import Figure

from .rulebook import MARKET


@dataclass(frozen=True)
class Month:
    """GMV of one month of the year, money: published, estimated, and as a path to the target would have it.

    Attributes
    ----------
    span : Span
    published : Quantity
    estimate : Band
    even, steady : Quantity
        On the even run-rate that meets the target, and on growth at one rate from the quarter's end on.
    ahead : bool
        Whether the month lies after the quarter.
    """

    span: Span
    published: Quantity
    estimate: Band
    even: Quantity
    steady: Quantity
    ahead: bool


@dataclass(frozen=True)
class Months:
    """The pace so far against the pace that the target takes.

    Attributes
    ----------
    report : Report
    pace : Pace
    multiple : Quantity
        The target as a multiple of the GMV of the year before.
    month : Reading or None
        The last month with a published figure.
    before_month : Quantity
        Mean of the months before it, implied by the figure to date, money a month.
    expected, nowcast : Band
        What the market model makes of the whole year, and of the quarter, money.
    required : Band
        Growth a month after the quarter that would meet the target, per cent.
    path : list of Month
        January to December.
    """

    report: Report
    pace: Pace
    multiple: Quantity
    month: Reading | None
    before_month: Quantity
    expected: Band
    nowcast: Band
    required: Band
    path: list[Month]

    @property
    def is_reached(self) -> bool:
        """Whether published GMV has reached the target before the year's end."""
        return self.pace.rest is not None and bool(self.pace.gap) and not self.pace.gap > 0

    @property
    def outcome(self) -> str:
        """What became of the target, if that is settled: `fell short of`, `has reached`."""
        return self.pace.verdict or ("has reached" if self.is_reached else "")

    @property
    def prior_year(self) -> Quantity:
        """GMV of the year before, as the multiple implies it, money."""
        return self.pace.target / self.multiple

    @property
    def asked(self) -> Quantity:
        """The target as an even run-rate over the whole year, money a month."""
        return self.pace.target / Quantity.counted(12, "month")

    @property
    def gap(self) -> Quantity:
        """What a mean month is short of the run-rate that the target needs, money a month."""
        return (self.pace.required if self.pace.rest else self.asked) - self.pace.achieved

    @property
    def monthly(self) -> Quantity:
        """GMV of the last published month, money a month."""
        return self.month.monthly if self.month else Quantity.unknown("GMV of a single month")

    @property
    def growth(self) -> Quantity:
        """That month as a multiple of the mean before it."""
        return self.monthly / self.before_month

    @property
    def to_month(self) -> Quantity:
        """The required run-rate as a multiple of that month."""
        return self.pace.required / self.monthly

    @property
    def estimate_agrees(self) -> bool:
        """Whether the estimate of the year leaves room for what is published of it."""
        return not self.pace.reached > self.expected.median

    @property
    def only(self) -> Sentence:
        """`only`, before a multiple of the pace so far that is less than one."""
        less = self.pace.stretch < 1 and not level(self.pace.required, self.pace.achieved)
        return maybe("{word} ", word="only" if less else "")

    @property
    def target_sentence(self) -> Sentence:
        return say(
            "The target for {report.year} is {pace.target}, {multiple} the GMV of the year before, "
            "which implies {prior_year} for {last}.",
            self,
            last=self.report.year.year_earlier(),
        )

    @property
    def details(self) -> list[Sentence]:
        """The target and what it asks of the months."""
        p = self.pace
        estimate = say(
            "GMV of {report.quarter} is estimated at {nowcast.median} ({nowcast.low} to {nowcast.high}).", self
        )
        if not p.target:
            return [
                say("Without a target for {report.year} there is no path to hold the months against.", self),
                estimate,
            ]
        month = say(
            "{month.span} alone brought {month.gmv}, {growth} the mean of the months before it ({before_month}).", self
        ) or say("The last single month with a published figure is {month.span}, with {month.gmv}.", self)
        target = self.target_sentence if p.reading else Sentence()  # the chapter opens with it otherwise
        return [target, self._paths_sentence(), month, estimate, self._last_month_sentence()]

    def _paths_sentence(self) -> Sentence:
        p = self.pace
        if p.verdict:
            return Sentence()
        even, seasonal = (_against(p.reached, p.target * share) for share in (p.even, p.seasonal))
        return say(
            "GMV of {reading.span} was {even} an even pace had asked for{seasonal}.",
            p,
            even=even,
            seasonal=maybe(", and {amount} last year’s seasons had", amount=seasonal),
        )

    def _last_month_sentence(self) -> Sentence:
        last = self.path[-1]
        if not (last.ahead and self.estimate_agrees):
            return Sentence()
        return say(
            "On a path of steady growth {span} would have to bring {steady}; {estimate.median} is expected of it "
            "({estimate.low} to {estimate.high}).",
            last,
        )

    def path_chart(self) -> Figure:
        asked = "Even path" if self.pace.rest and not self.is_reached else "Asked for"
        unknown = Quantity.unknown("a band, or a figure of its own")
        rows = [(m.span.start, "Estimate", *m.estimate, m.ahead, m.published) for m in self.path]
        for name, path in (("Steady path", "steady"), (asked, "even")):
            rows += [(m.span.start, name, getattr(m, path), unknown, unknown, m.ahead, unknown) for m in self.path]
        columns = ["x", "series", "value", "low", "high", "projected", "published"]
        data = pd.DataFrame([row for row in rows if row[2]], columns=columns)
        published = [(m.span.start, m.published.text) for m in self.path if m.published]
        last = self.path[-1]
        title = (
            say("The US {pace.verdict} the {asked.amount} a month that its target asked for", self)
            or say("The US {outcome} its target", self)
            or say(
                "{month} needs {steady} on a steady path, and {estimate.median} is expected",
                last,
                month=last.span if last.ahead and self.estimate_agrees else None,
            )
            or say("GMV of the US month by month, as estimated")
        )
        subtitle = f"GMV a month, {self.report.currency}; band: four chances in five; dotted: what was published"
        drawn = data.drop(columns="published")
        return Figure("us_path", title, subtitle, charts.lines(drawn, events=published), data)

    def pace_chart(self) -> Figure:
        p = self.pace
        needed = ("Needed on average", self.asked) if self.outcome else ("Needed, rest of year", p.required)
        rows = [(*needed, True), ("Mean so far", p.achieved, False)]
        if self.month:
            month = self.month.span.short
            rows += [(month, self.monthly, False), (f"Mean before {month}", self.before_month, False)]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        if self.outcome:
            verb = than(p.achieved, self.asked, "more", "less", "no less")
            title = say("The US sold {verb} each month than its target asked for", verb=verb)
        else:
            title = say("The US needs {only}{pace.stretch} its pace so far", self)
        title = title or say("No pace to a target can be told for the US")
        subtitle = f"GMV a month, {self.report.currency}, {self.report.year.label}"
        return Figure("us_pace", title, subtitle, charts.bars(data), data)


def month_by_month(report: Report, p: Pace, model: Estimates) -> Months:
    """The months of the report's year, and the last of them that is published."""
    month, required = report.latest_month(MARKET), model.required_growth(MARKET, p.target)
    return Months(
        report=report,
        pace=p,
        multiple=report.fact(MARKET, "target_multiple_of_prior_year", report.year),
        month=month,
        before_month=_mean_before(p, month),
        expected=model.gmv(MARKET, report.year),
        nowcast=model.gmv(MARKET, report.quarter),
        required=required,
        path=_path(report, p, model, required),
    )


def _mean_before(p: Pace, month: Reading | None) -> Quantity:
    """Mean GMV of the months before one, where the figure to date ends with it."""
    to_date = p.reading
    if not (month and to_date and to_date.span.end == month.span.end and (to_date.span.months or 0) > 1):
        return Quantity.unknown("GMV up to a single month")
    return (to_date.gmv - month.gmv) / Quantity.counted(to_date.span.months - 1, "month")


def _path(report: Report, p: Pace, model: Estimates, required: Band) -> list[Month]:
    """The year month by month; the steady path grows at the median of the required growth from the quarter's end on."""
    to_come = p.target.known and not p.verdict and not p.gap < 0
    steady, months = Quantity.unknown("growth that meets the target"), []
    for number in range(1, 13):
        span = Span.months_of(report.year.end.year, number, 1)
        even = p.target / Quantity.counted(12, "month")
        if to_come and p.rest:
            even = p.required if span.end >= p.rest.start else Quantity.unknown("a month still to come")
        estimate = model.gmv(MARKET, span)
        if to_come and span.end == report.quarter.end:
            steady = estimate.median
        elif steady:
            steady = steady * (1 + required.median)
        ahead = span.start > report.quarter.end
        months.append(Month(span, report.gmv(MARKET, span), estimate, even.amount, steady, ahead))
    return months


def _against(reached: Quantity, path: Quantity) -> Sentence:
    """How far a sum is from another: `US$5 bn less than`, `as much as`."""
    if not (reached and path):
        return Sentence()
    if level(reached, path):
        return phrase("as much as")
    return phrase("{gap} {word}", gap=abs(reached - path), word=than(reached, path))
