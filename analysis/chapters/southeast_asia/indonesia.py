"""Indonesia before, during and after the closure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import DAYS_PER_MONTH, Span
from analysis.model.estimates import Band, Estimates
from analysis.story import charts
from analysis.story.prose import Sentence, maybe, phrase, say
from analysis.story.show import Figure

from .market import Market, latest

BUYER, BOUGHT = "TikTok", "Tokopedia"  # the company, under whose name the ledger has what it paid, and for what
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Closure:
    """The closure and what came after.

    Attributes
    ----------
    span : Span
        Days without sales.
    before : Span
        The last whole quarter that was open.
    before_gmv, lost : Band
        Its GMV, and what the closed days would have sold at its pace, money.
    stated_loss, loss_span : Quantity, Span or None
        What a source says was lost, and when.
    restart, restart_span : Band, Span
        GMV of the first whole quarter after the reopening, as growth over `before`.
    now : Band
        The same for the report's quarter.
    """

    span: Span
    before: Span
    before_gmv: Band
    lost: Band
    stated_loss: Quantity
    loss_span: Span | None
    restart: Band
    restart_span: Span
    now: Band

    @property
    def days(self) -> Quantity:
        return Quantity.counted(self.span.days, "day", "closure to reopening")

    @property
    def reopened(self) -> Span:
        return Span(self.span.end + A_DAY, self.span.end + A_DAY)

    def monthly(self, reading: Reading) -> Quantity:
        """Mean GMV a month that the market was open."""
        days = reading.span.days - self.span.overlap(reading.span)
        return reading.gmv / Quantity.counted(days / DAYS_PER_MONTH, "month", f"{days} open days")


@dataclass(frozen=True)
class Indonesia:
    """The closure, the merger that ended it, and sales around both.

    Attributes
    ----------
    report : Report
    market : Market
    closed : Closure or None
        The closure, once the market was open again.
    path : list of (Span, Band)
        Estimated GMV by month, money.
    stake_price, bought_gmv, bought_span : Quantity, Quantity, Span or None
        Price of the majority of Tokopedia, and its own GMV, money.
    """

    report: Report
    market: Market
    closed: Closure | None
    path: list[tuple[Span, Band]]
    stake_price: Quantity
    bought_gmv: Quantity
    bought_span: Span | None

    @property
    def shut_since(self) -> Span | None:
        """The first day of a closure that still lasts."""
        closure = self.report.ledger.event(self.report.platform, "Indonesia", "closure")
        return closure["span"] if closure is not None and self.closed is None else None

    @property
    def brief(self) -> Sentence:
        closed, reading = self.closed, self.market.reading
        if closed is None:
            return say("Indonesia has been shut since {shut_since}.", self)
        shut = phrase("shut for {days} until {reopened}", closed)
        if reading and reading.span.start > closed.span.end:
            return say(
                "Indonesia, {shut}, sold {reading.monthly} in {reading.span}{after}.",
                self.market,
                shut=shut,
                after=maybe(
                    "; by our estimate it sold {apart} in {quarter} than in the last quarter before",
                    apart=_apart(closed.now),
                    quarter=self.report.quarter,
                ),
            )
        return say(
            "Indonesia was {shut}{cost}{way_back}.",
            shut=shut,
            cost=maybe("; by our estimate that cost {lost.median} of sales", closed),
            way_back=maybe("; the way back cost {stake_price} for a majority of Tokopedia", self),
        )

    @property
    def details(self) -> list[Sentence]:
        return [
            *(self._closure_sentences() if self.closed else [self._sales_sentence()]),
            say(
                "The merger: {stake_price} for a majority of Tokopedia{size}.",
                self,
                size=maybe(", which sold {bought_gmv} in {bought_span}", self),
            ),
        ]

    def _sales_sentence(self) -> Sentence:
        """All that is to be told of a market that was not closed, or still is."""
        return say("Indonesia sold {reading.gmv} in {reading.span}.", self.market) or say(
            "No figure of Indonesia in {report.year} was public by {report.as_of_label}.", self
        )

    def _closure_sentences(self) -> list[Sentence]:
        closed, reading = self.closed, self.market.reading
        cut = reading if reading and closed.span.overlap(reading.span) else None
        return [
            say(
                "Before: {before_gmv.median} in {before}, by our estimate, between {before_gmv.low} and "
                "{before_gmv.high}.",
                closed,
            ),
            say(
                "Closed: at that pace, the {days} shut would have sold {lost.median}, between {lost.low} and "
                "{lost.high}{stated}.",
                closed,
                stated=maybe("; published for {loss_span}: {stated_loss}", closed),
            ),
            say(
                "After: in {restart_span}, the first whole quarter, it sold {apart} than in the last one before.",
                closed,
                apart=_apart(closed.restart),
            )
            if closed.restart_span.end <= self.report.quarter.end
            else say("After: no whole quarter had passed by the end of {report.quarter}.", self),
            say(
                "Published: {monthly} in {span}, counting open days only.",
                monthly=cut and closed.monthly(cut),
                span=cut and cut.span,
            ),
            self._low_base_sentence(),
        ]

    def _low_base_sentence(self) -> Sentence:
        """Growth over a stretch in which the market was shut flatters."""
        span = self.market.growth_span
        shut = self.closed.span.overlap(span.year_earlier()) if span else 0
        return say(
            "Its growth of {growth} in {growth_span} flatters: the year before lacks {days}.",
            self.market,
            days=Quantity.counted(shut, "day", "of the closure") if shut else None,
        )

    def chart(self) -> Figure:
        rows = [(span.start.replace(day=15), "Estimate", *band) for span, band in self.path if band]
        reading = self.market.reading
        if reading and reading.span.months:
            ends = (reading.span.start.replace(day=15), reading.span.end.replace(day=15))
            unknown = Quantity.unknown("a band of a published figure")
            rows += [(day, "Published mean", reading.monthly.amount, unknown, unknown) for day in ends]
        data = pd.DataFrame(rows, columns=["x", "series", "value", "low", "high"])
        events = self.report.ledger.events_of(self.report.platform, "closure", "merger", "reopening")
        here = events[events["market"] == "Indonesia"].drop_duplicates("start")
        marks = [(event.start, f"{event.kind}, {Span(event.start, event.start).short}") for event in here.itertuples()]
        title = say("The closure cost Indonesia an estimated {closed.lost.median} of sales", self)
        title = title or say("Indonesia, month by month")
        subtitle = f"GMV a month, {self.report.currency}: estimate with the band of four chances in five, and published"
        return Figure("indonesia_path", title, subtitle, charts.lines(data, events=marks), data)


def _apart(growth: Band) -> Sentence:
    """A growth as a comparison: one-sided only where the whole band is, as in `9.8% less (5% to 15%)`."""
    if growth.low > 0 or growth.high < 0:
        near, far = sorted((abs(growth.low), abs(growth.high)), key=lambda end: end.value)
        word = "more" if growth.low > 0 else "less"
        return phrase("{middle} {word} ({near} to {far})", middle=abs(growth.median), word=word, near=near, far=far)
    return phrase("between {low} less and {high} more", low=abs(growth.low), high=growth.high)


def review(report: Report, model: Estimates, market: Market) -> Indonesia:
    closed = _closed(report, model)
    first = date(closed.span.start.year, 1, 1) if closed else report.year.start
    bought_gmv, bought_span = _joined(report, "gmv", BOUGHT)
    return Indonesia(
        report=report,
        market=market,
        closed=closed,
        path=model.monthly("Indonesia", Span(first, report.quarter.end)),
        stake_price=_joined(report, "acquisition_price", BUYER)[0],
        bought_gmv=bought_gmv,
        bought_span=bought_span,
    )


def _joined(report: Report, metric: str, platform: str) -> tuple[Quantity, Span | None]:
    """A figure of those who joined the platform; unknown for a platform that has joined nobody."""
    if report.ledger.event(report.platform, "Indonesia", "merger") is None:
        return Quantity.unknown(f"a merger of {report.platform}"), None
    return latest(report, "Indonesia", metric, platform)


def _closed(report: Report, model: Estimates) -> Closure | None:
    """The closure, once the market was open again."""
    closure, reopening = (report.ledger.event(report.platform, "Indonesia", kind) for kind in ("closure", "reopening"))
    if closure is None or reopening is None:
        return None
    span = Span(closure["start"], reopening["start"] - A_DAY)
    before = Span.parse(str(pd.Period(span.start, "Q") - 1))
    restart = Span.parse(str(pd.Period(reopening["start"], "Q") + 1))
    gmv = model.gmv("Indonesia", before)
    shut = Quantity.counted(span.days, "day", "shut") / Quantity.counted(before.days, "day", f"of {before.label}")
    loss, loss_span = latest(report, "Indonesia", "gmv_lost_to_closure", during=span)
    now = Band.unknown(f"a quarter after {span.label}")
    if report.quarter.start > span.end:
        now = model.growth("Indonesia", report.quarter, before)
    return Closure(
        span=span,
        before=before,
        before_gmv=gmv,
        lost=Band(*(part * shut for part in gmv)),
        stated_loss=loss,
        loss_span=loss_span,
        restart=model.growth("Indonesia", restart, before),
        restart_span=restart,
        now=now,
    )
