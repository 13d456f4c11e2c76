"""Ban risk and outlook: the year as far as it can be seen, what other futures would cost, and what hangs on the US."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.pace import Pace, pace
from analysis.story import charts
from analysis.story.prose import Sentence, maybe, say
from analysis.story.show import Figure

from .law import Law, law_so_far
from .record import Record, forecasts_so_far
from .scenarios import Scenarios, all_scenarios


@dataclass(frozen=True)
class Outlook:
    """What stands between now and the target, and what a ban in the United States would put at risk.

    Attributes
    ----------
    report : Report
    world, us : Pace
    us_share : Quantity
        Share of the United States in GMV so far; from both GMV figures over one span, or as a source states it.
    us_target_share : Quantity
        Share of the United States in the world target.
    rest_required, rest_achieved : Quantity
        Run-rates of the world without the United States, money a month: needed for the rest of the year, and so far.
    rest_stretch : Quantity
        `rest_required` as a multiple of `rest_achieved`.
    expected, growth : Band
        What the market model makes of the whole year, money; growth a month that would meet the target, per cent.
    path : list of (Span, Band)
        GMV from 1 January to the end of each month, money.
    scenarios : Scenarios
    record : Record
    law : Law
    """

    report: Report
    world: Pace
    us: Pace
    us_share: Quantity
    us_target_share: Quantity
    rest_required: Quantity
    rest_achieved: Quantity
    rest_stretch: Quantity
    expected: Band
    growth: Band
    path: list[tuple[Span, Band]]
    scenarios: Scenarios
    record: Record
    law: Law

    @property
    def headline(self) -> Sentence:
        return (
            say(
                "{report.year} {world.verdict} its target of {world.target}; "
                "the US, under threat of a ban, brought {us_share} of sales",
                self,
            )
            or say("{report.year} {world.verdict} its target of {world.target}", self)
            or say(
                "The rest of {report.year} has to run at {world.stretch} the pace so far, "
                "and {us_share} of sales hang on the US",
                self,
            )
            or say("{us_target_share} of the target hangs on the US", self)
            or say("No figure tells by {report.as_of_label} how much of the target is within reach", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [
            self._target_sentence(),
            self._expected_sentence(),
            say(
                "The US was to bring {us_target_share} of the world target and has brought {us_share} of GMV so far.",
                self,
            )
            or say("The US was to bring {us_target_share} of the world target.", self),
            say(
                "The other markets need {rest_required.amount} a month to reach their own part of the target, "
                "{rest_stretch} what they sell now.",
                self,
            ),
            self.scenarios.ban_sentence,
        ]

    def _target_sentence(self) -> Sentence:
        if self.world.verdict == "fell short of":
            return say("The year closed {world.gap} short of its target of {world.target}.", self)
        return say("The year {world.verdict} its target of {world.target}.", self) or say(
            "What is left is {world.gap} in {world.rest}: "
            "{world.required.amount} a month, {world.stretch} the pace so far.",
            self,
        )

    def _expected_sentence(self) -> Sentence:
        if self.world.verdict:
            return Sentence()
        growth = self.growth.median
        condition = "; it would meet the target {verb} {size} each month after {report.quarter}"
        return say(
            "The year is expected to end at {expected.median}, between {expected.low} and {expected.high} in four "
            "cases of five{condition}.",
            self,
            condition=maybe(
                condition, self, verb="if sales grew by" if growth > 0 else "even if sales fell by", size=abs(growth)
            ),
        )

    def fan_chart(self) -> Figure:
        rows = [(span.end, band.median, band.low, band.high) for span, band in self.path if band]
        data = pd.DataFrame(rows, columns=["day", "median", "low", "high"])
        reading = self.world.reading
        published = (reading.span.end, reading.gmv) if reading else None
        title = say("{expected.low} to {expected.high} by the year’s end", self) or say("Path to the year’s end")
        subtitle = f"GMV since 1 January, {self.report.currency}: estimate, with the band of four chances in five"
        return Figure("outlook_fan", title, subtitle, charts.fan(data, self.world.target, published), data)

    def required_chart(self) -> Figure:
        rows = [
            ("World: needed", self.world.required, True),
            ("World: so far", self.world.achieved, False),
            ("US: needed", self.us.required, True),
            ("US: so far", self.us.achieved, False),
            ("Without US: needed", self.rest_required, True),
            ("Without US: so far", self.rest_achieved, False),
        ]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The world needs {world.stretch} its pace, the US {us.stretch}", self)
        subtitle = f"GMV a month, {self.report.currency}: needed for the rest of the year, and so far"
        fallback = say("What each part sells a month")
        return Figure("outlook_required", title or fallback, subtitle, charts.bars(data), data)

    def exposure_chart(self) -> Figure:
        rows = [("Share of the target", self.us_target_share), ("Share of GMV so far", self.us_share)]
        data = pd.DataFrame(rows, columns=["label", "value"])
        title = say("{us_share} of GMV would be at risk from a US ban", self) or say("What hangs on the US")
        subtitle = "The US in the platform’s target and in its GMV, per cent"
        return Figure("outlook_exposure", title, subtitle, charts.bars(data), data)


def review(report: Report) -> Outlook:
    """Everything the chapter says, from the facts of the report's view."""
    world, us = pace(report, "Global"), pace(report, "US")
    unknown = Quantity.unknown("GMV of the US")
    required, achieved = _without_us(world, us)
    model = estimates(report)
    return Outlook(
        report=report,
        world=world,
        us=us,
        us_share=(us.reached / report.gmv("Global", us.reading.span)).percent() if us.reading else unknown,
        us_target_share=(us.target / world.target).percent(),
        rest_required=required,
        rest_achieved=achieved,
        rest_stretch=required / achieved,
        expected=model.gmv("Global", report.year),
        growth=model.required_growth("Global", world.target),
        path=model.cumulative,
        scenarios=all_scenarios(report),
        record=forecasts_so_far(report),
        law=law_so_far(report),
    )


def _without_us(world: Pace, us: Pace) -> tuple[Quantity, Quantity]:
    """Run-rates of the other markets, needed and so far; known if one span has GMV of both world and US."""
    nothing = Quantity.unknown("GMV of the world and the US over one span")
    if not (world.reading and us.reading and world.reading.span == us.reading.span):
        return nothing, nothing
    reached, past, rest = world.reached - us.reached, world.reading.span, world.rest
    missing = world.target - us.target - reached
    return (
        missing / Quantity.counted(rest.months, "month") if rest and rest.months else nothing,
        reached / Quantity.counted(past.months, "month") if past.months else nothing,
    )
