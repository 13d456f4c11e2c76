"""The targets of both platforms for the year, and how far each is."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.model.estimates import Estimates
from analysis.story import charts
from analysis.story.prose import Sentence, against_pace, against_target, frequency, maybe, phrase, say, than
from analysis.story.show import Figure


@dataclass(frozen=True)
class Goal:
    """One target of the year: what is published as reached, the share of an even pace, the chance to reach it.

    `change` is what it did to the target before it of the same platform: `raised`, `lowered` or `renewed`.
    """

    platform: str
    target: Quantity
    change: str
    reading: Reading | None
    attained: Quantity
    even: Quantity
    chance: Quantity

    @property
    def verdict(self) -> str:
        """What the year did to the target, once a figure of the whole year is published; empty before."""
        final = self.reading and self.reading.span == self.reading.span.year
        return against_target(self.reading.gmv, self.target) if final else ""


@dataclass(frozen=True)
class Targets:
    """The targets of the platform, then those of the rival in the order in which they became known."""

    report: Report
    goals: list[Goal]

    @property
    def finding(self) -> Sentence:
        """What the chapter opens with, where the rival changed its target."""
        rivals = [goal for goal in self.goals if goal.platform == self.report.rival]
        if len(rivals) < 2:
            return Sentence()
        first, last = rivals[0], rivals[-1]
        told = phrase(
            "{report.rival}’s target for {report.year} went from {first.target} to {last.target}",
            self,
            first=first,
            last=last,
        )
        return (
            say("{told}; it {last.verdict} that.", told=told, last=last)
            or say("{told}; {outcomes}.", told=told, outcomes=self._outcomes(last))
            or say("{told}.", told=told)
        )

    @property
    def details(self) -> list[Sentence]:
        none = say("No target of {report.platform} or {report.rival} for {report.year} is on record.", self)
        return [self._sentence(goal) for goal in self.goals] or [none]

    def _sentence(self, goal: Goal) -> Sentence:
        target = phrase("{change}target of {goal.target}", goal=goal, change=maybe("{goal.change} ", goal=goal))
        return (
            say(
                "{goal.platform} {goal.verdict} its {target} for {report.year}: it reached {goal.reading.gmv}, "
                "{goal.attained}.",
                self,
                goal=goal,
                target=target,
            )
            or say(
                "{goal.platform} sold {goal.reading.gmv} in {goal.reading.span}, {goal.attained} of its {target} and "
                "{standing} an even pace; {outcomes}.",
                goal=goal,
                target=target,
                standing=against_pace(goal.attained, goal.even),
                outcomes=self._outcomes(goal),
            )
            or say(
                "No figure of {report.year} tells how much of its {target} {goal.platform} has reached; {outcomes}.",
                self,
                goal=goal,
                target=target,
                outcomes=self._outcomes(goal),
            )
        )

    def _outcomes(self, goal: Goal) -> Sentence:
        reaches = "the year reached it" if self.report.year_is_over else "the year reaches it"
        return phrase("in {count} outcomes {reaches}", count=frequency(goal.chance), reaches=reaches)

    def chart(self) -> Figure:
        rows = [(goal.platform, goal.attained, goal.even, goal.target.text, "even pace") for goal in self.goals]
        data = pd.DataFrame(rows, columns=["label", "reached", "pace", "target", "pace_note"])
        title = say("Targets for {report.year}", self)
        reached = [goal for goal in self.goals if goal.attained]
        if reached:
            title = say("{goal.platform} at {goal.attained} of its target of {goal.target}", goal=reached[-1])
        subtitle = f"Share of the target for {self.report.year.label} that is published as reached"
        return Figure("rival_targets", title, subtitle, charts.bullets(data), data)


def targets_of(report: Report, own: Estimates, rival: Estimates) -> Targets:
    """The published targets of both for the report's year."""
    rows = report.rows("Global", "gmv_target", report.rival, report.year).sort_values("known_on", kind="stable")
    known = [(own, report.fact("Global", "gmv_target", report.year))]
    known += [(rival, report.quantity(row)) for _, row in rows.iterrows()]
    goals = []
    for model, target in known:
        if target:
            before = next((goal.target for goal in reversed(goals) if goal.platform == model.platform), None)
            goals.append(_goal(report, model, target, before))
    return Targets(report, goals)


def _goal(report: Report, model: Estimates, target: Quantity, before: Quantity | None) -> Goal:
    change = than(target, before, "raised", "lowered", "renewed") if before else ""
    chance, reading = model.chance("Global", target), report.year_to_date("Global", model.platform)
    if reading is None:
        unknown = Quantity.unknown(f"GMV of {model.platform} in {report.year.short}")
        return Goal(model.platform, target, change, None, unknown, unknown, chance)
    even = Quantity.counted(reading.span.length_in_months, "month") / Quantity.counted(12, "month")
    attained = (reading.gmv / target).percent()
    return Goal(model.platform, target, change, reading, attained, even.percent(), chance)
