"""United States: the largest single target, how far it is away, and what new rules ask of its sellers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.estimates import estimates
from analysis.model.pace import Pace, pace
from analysis.story import charts
from analysis.story.prose import Sentence, against_pace, frequency, maybe, odds, phrase, say
from analysis.story.show import Figure

from .fees import Fees, fees_and_shipping
from .months import Months, month_by_month
from .orders import ORDER_VALUE, Orders, order_value, what_orders_leave
from .prizes import Prizes, livestream_prizes
from .rulebook import MARKET
from .shops import NewShops, new_shops
from .streams import Streams, livestreams


@dataclass(frozen=True)
class UnitedStates:
    """What is known of the platform in the United States by the report's date.

    Attributes
    ----------
    report : Report
    pace : Pace
    chance : Quantity
        Probability that the target is reached, per cent.
    months : Months
    streams : Streams
    shops : NewShops
    fees : Fees
    orders : Orders
    prizes : Prizes
    """

    report: Report
    pace: Pace
    chance: Quantity
    months: Months
    streams: Streams
    shops: NewShops
    fees: Fees
    orders: Orders
    prizes: Prizes

    @property
    def headline(self) -> Sentence:
        reached = Sentence()
        if self.months.is_reached:
            reached = say(
                "The US has reached its {pace.target} target for {report.year} already: "
                "{pace.attained} of it in {pace.reading.span}",
                self,
            )
        return (
            reached
            or say("The US {pace.verdict} its {pace.target} target for {report.year}: it reached {pace.attained}", self)
            or say(
                "The US reached {pace.attained} of its target in {pace.reading.span}; "
                "the rest of {report.year} needs {months.only}{pace.stretch} that pace",
                self,
            )
            or say(
                "The US has a target of {pace.target} for {report.year}, "
                "and no published figure yet to hold it against",
                self,
            )
            or say("No target for the US in {report.year} is on record", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [
            Sentence() if self.pace.reading else self.months.target_sentence,
            self._reached_sentence(),
            self._needed_sentence(),
            self._expected_sentence(),
            self.shops.verdict,
            self.orders.verdict,
        ]

    def _reached_sentence(self) -> Sentence:
        p = self.pace
        if p.verdict:
            ends = {"fell short of": "short of it", "beat": "more than it asked for"}
            by = maybe(" and {gap} {end}", gap=abs(p.gap), end=ends.get(p.verdict))
            return say("GMV in {reading.span} was {reached}, {attained} of the target{by}.", p, by=by)
        second = against_pace(p.attained, p.seasonal)
        standing = phrase("{standing} the first and {second} the second", p, second=second or None)
        if p.standing == second:
            standing = phrase("{standing} both", p)
        return (
            say(
                "GMV in {reading.span} was {reached}, {attained} of the target; an even pace would have been {even}"
                "{seasons}, so the US was {standing}.",
                p,
                seasons=maybe(" and last year’s seasons {seasonal}", p),
                standing=standing or phrase("{standing} it", p),
            )
            or say("GMV in {reading.span} was {reached}.", p)
            or say(
                "No GMV of the US for {report.year} as a whole had been published by {report.as_of_label}; "
                "{months.month.span} brought {months.month.gmv}.",
                self,
            )
            or say("By {report.as_of_label} no GMV of the US for {report.year} had been published.", self)
        )

    def _needed_sentence(self) -> Sentence:
        if self.months.is_reached:
            return say("Nothing more is needed: GMV is {over} above the target already.", over=abs(self.pace.gap))
        if self.pace.verdict:
            words = "A month brought {pace.achieved.amount} on average; the target asked for {months.asked.amount}."
            return say(words, self)
        return say(
            "To reach the target, {pace.rest} needs {pace.required.amount} a month on average, "
            "{months.only}{pace.stretch} the mean so far{and_month}.",
            self,
            and_month=maybe(" and {to_month} {month.span}", self.months),
        )

    def _expected_sentence(self) -> Sentence:
        """What all figures together make of the year, under the scenario if there are months still to come."""
        if self.pace.verdict:
            return Sentence()
        m, scenario = self.months, self.report.scenario
        year = phrase("{expected.median} for {report.year} ({expected.low} to {expected.high})", m)
        if not m.estimate_agrees:
            return say("Other figures do not agree with that: all together point to {year}.", year=year)
        chance = maybe(
            ": the US {odds} reach its target, which it meets in {frequency} simulated years",
            odds=odds(self.chance),
            frequency=frequency(self.chance),
        )
        means = "" if scenario.id == BASE or self.report.year_is_over else scenario.means
        told = say(
            "{under}all published figures together point to {year}{chance}.",
            under=maybe("if {means}, ", means=means),
            year=year,
            chance=chance,
        )
        growth = m.required.median
        if growth > 0:
            return told + say(
                "It would take growth of {required.median} in every month after {report.quarter} ({required.low} to "
                "{required.high}).",
                m,
            )
        words = "It would be met even if sales fell by {fall} in every month after {report.quarter}."
        return told + say(words, self, fall=abs(growth))

    def attainment_chart(self) -> Figure:
        p = self.pace
        span, short = (p.reading.span, p.reading.span.short) if p.reading else (self.report.year, "")
        paths = [("an even pace", p.even), ("last year’s seasons", p.seasonal)]
        rows = [
            (f"Against {name}", p.attained, share, p.target.text, short, name)
            for name, share in paths[: 1 if p.verdict else None]
        ]
        data = pd.DataFrame(rows, columns=["label", "reached", "pace", "target", "span", "pace_note"])
        title = (
            say("The US {months.outcome} its target", self)
            or say("The US is {standing} an even pace", p)
            or say("Attainment of the US target is not known")
        )
        subtitle = f"Share of the target for {self.report.year.label} reached, {span.label}"
        return Figure("us_attainment", title, subtitle, charts.bullets(data), data)


def review(report: Report) -> UnitedStates:
    """Everything the chapter says, from the facts of the report's view."""
    p, model, order = pace(report, MARKET), estimates(report), order_value(report, ORDER_VALUE)
    months = month_by_month(report, p, model)
    fees = fees_and_shipping(report, order)
    return UnitedStates(
        report=report,
        pace=p,
        chance=model.chance(MARKET, p.target),
        months=months,
        streams=livestreams(report, p, months.gap),
        shops=new_shops(report, order),
        fees=fees,
        orders=what_orders_leave(report, order, fees.launch, fees.old, fees.new, fees.unaided),
        prizes=livestream_prizes(report, months.month, fees.new.fee, fees.old.fee),
    )
