"""Ban risk and outlook: the dated chain of events, what hangs on the United States, and what the rest would need."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, against_target, say
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span


@dataclass(frozen=True)
class Outlook:
    """What stands between now and the target, and what a ban in the United States would put at risk.

    Attributes
    ----------
    world, us : Pace
    us_share : Quantity
        Share of the United States in GMV so far; from both GMV figures over one span, or as a source states it.
    us_target_share : Quantity
        Share of the United States in the world target.
    rest_target, rest_reached, rest_required, rest_achieved, rest_stretch : Quantity
        Target and GMV of the world without the United States, money, and its run-rates, money a month.
    law : DataFrame
        Events of the divest-or-ban law, oldest first.
    deadline : Span or None
        Day from which the law bans the platform, where it is still ahead.
    days_to_deadline : Quantity
    """

    report: Report
    world: Pace
    us: Pace
    us_share: Quantity
    us_target_share: Quantity
    rest_reached: Quantity
    rest_required: Quantity
    rest_achieved: Quantity
    rest_stretch: Quantity
    law: pd.DataFrame
    deadline: Span | None
    days_to_deadline: Quantity

    @property
    def headline(self) -> Sentence:
        world, report = self.world, self.report
        if report.year_is_over and world.reading:
            verb = against_target(world.reached, world.target) if world.target else ""
            return say("{year} {verb} its target of {target}; the US, under threat of a ban, brought {share} of sales",
                       year=report.year, verb=verb, target=world.target, share=self.us_share) or say(
                "{year} {verb} its target of {target}", year=report.year, verb=verb, target=world.target)  # fmt: skip
        return say(
            "The rest of {year} has to run at {stretch} the pace so far, and {share} of sales hang on the US",
            year=report.year, stretch=world.stretch, share=self.us_share,
        ) or say("{share} of the target hangs on the US", share=self.us_target_share) or say(
            "No figure tells by {day} how much of the target is within reach", day=report.as_of_label)  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        world, report = self.world, self.report
        past = self.law[self.law["start"] <= report.as_of]
        last = past.iloc[-1] if len(past) else None
        over = report.year_is_over
        return [
            say("The year closed {gap} short of its target of {target}.", gap=world.gap if over and world.gap > 0 else "",
                target=world.target)
            or say("The year {verb} its target of {target}.", target=world.target,
                   verb=against_target(world.reached, world.target) if over and world.reading else "")
            or say("What is left is {gap} in {rest}: {required} a month, {stretch} the pace so far.", gap=world.gap,
                   rest=world.rest or "", required=world.required.amount, stretch=world.stretch),
            say("The US was to bring {share} of the world target and has brought {actual} of GMV so far.",
                share=self.us_target_share, actual=self.us_share)
            or say("The US was to bring {share} of the world target.", share=self.us_target_share),
            say("The other markets need {required} a month to reach their own part of the target, {stretch} what they sell now.",
                required=self.rest_required.amount, stretch=self.rest_stretch),
            say("The last step of the law that would ban the platform unless it is sold: {event} ({day}).",
                event=_lower_first(last["event"]) if last is not None else "", day=last["span"] if last is not None else ""),
            say("The law’s deadline is {deadline}, {days} after the date of this report.", deadline=self.deadline or "",
                days=self.days_to_deadline),
        ]  # fmt: skip

    def required_chart(self) -> Figure:
        rows = [
            ("World: needed", self.world.required, True), ("World: so far", self.world.achieved, False),
            ("US: needed", self.us.required, True), ("US: so far", self.us.achieved, False),
            ("Without US: needed", self.rest_required, True), ("Without US: so far", self.rest_achieved, False),
        ]  # fmt: skip
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The world needs {world} its pace, the US {us}", world=self.world.stretch, us=self.us.stretch) or say(
            "What each part sells a month")  # fmt: skip
        return Figure("outlook_required", title, f"GMV a month, {self.report.currency}: needed for the rest of the year, and so far",
                      charts.bars(data), data)  # fmt: skip

    def exposure_chart(self) -> Figure:
        rows = [("Share of the target", self.us_target_share), ("Share of GMV so far", self.us_share)]
        data = pd.DataFrame(rows, columns=["label", "value"])
        title = say("{share} of GMV would be at risk from a US ban", share=self.us_share) or say("What hangs on the US")
        return Figure("outlook_exposure", title, "The US in the platform’s target and in its GMV, per cent",
                      charts.bars(data), data)  # fmt: skip

    def law_chart(self) -> Figure:
        data = pd.DataFrame({"day": self.law["start"], "label": self.law["event"], "source": self.law["source"]})
        title = say("From bill to deadline in {days}", days=Quantity.counted(
            (data["day"].iloc[-1] - data["day"].iloc[0]).days, "day", "first to last event") if len(data) > 1 else "")  # fmt: skip
        return Figure("outlook_law", title or say("The divest-or-ban law"), "Events that were public by the report’s date",
                      charts.timeline(data), data)  # fmt: skip

    def events_table(self) -> Table:
        events = self.report.ledger.events_of(self.report.platform, "law", "closure", "reopening", "merger", "launch", "rule", "fee")
        recent = events[events["start"] >= self.report.year.start]
        data = pd.DataFrame({
            "When": [span.short for span in recent["span"]],
            "Where": [self.report.call(market) for market in recent["market"]],
            "What": recent["event"],
            "Source": recent["source"],
        })  # fmt: skip
        return Table("outlook_events", say("What happened in {year}", year=self.report.year), data)


def review(report: Report) -> Outlook:
    """Everything the chapter says, from the facts of the report's view."""
    world, us = pace(report, "Global"), pace(report, "US")
    unknown = Quantity.unknown("GMV of the world and the US over one span")
    share = unknown
    if us.reading:
        whole = report.gmv("Global", us.reading.span)
        share = (us.reached / whole).percent()
    same = world.reading and us.reading and world.reading.span == us.reading.span
    reached = world.reached - us.reached if same else unknown
    months = Quantity.counted(world.rest.months, "month") if same and world.rest and world.rest.months else unknown
    required = (world.target - us.target - reached) / months
    achieved = reached / Quantity.counted(world.reading.span.months, "month") if same and world.reading.span.months else unknown
    law = report.ledger.events_of(report.platform, "law")
    ahead = law[law["start"] > report.as_of]
    deadline = ahead.iloc[0]["span"] if len(ahead) else None
    days = unknown
    if deadline:
        days = Quantity.counted((deadline.start - report.as_of).days, "day", f"from {report.as_of_label.label}")
    return Outlook(
        report=report,
        world=world,
        us=us,
        us_share=share,
        us_target_share=(us.target / world.target).percent(),
        rest_reached=reached,
        rest_required=required,
        rest_achieved=achieved,
        rest_stretch=required / achieved,
        law=law,
        deadline=deadline,
        days_to_deadline=days,
    )



def _lower_first(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
