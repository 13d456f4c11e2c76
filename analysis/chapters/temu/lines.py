"""Where the lines of both platforms cross, in each scenario."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.crossing import Crossing, Growth, catch_up, crossings, growth, meeting
from analysis.model.estimates import Band, Estimates
from analysis.story import charts
from analysis.story.prose import Sentence, banded, frequency, listing, phrase, say
from analysis.story.show import Figure, Table


@dataclass(frozen=True)
class Lines:
    """The months of both platforms up to a year after the quarter.

    Attributes
    ----------
    report : Report
    path : dict
        Platform -> estimates of each month from the start of the year to the end of the horizon, money.
    crossings : list of Crossing
        One a scenario that changes something; the report's own first.
    ratio : Quantity
        The rival's GMV of the quarter as a multiple of the platform's, estimated.
    catch_up : Quantity
        What the smaller must gain on the larger each month to be level after twelve, per cent.
    growths : list of Growth
        Of the platform and of the rival, where both are published.
    meeting : Quantity
        Months after the quarter until both sell the same at `growths`; negative if that lies behind.
    """

    report: Report
    path: dict[str, list[tuple[Span, Band]]]
    crossings: list[Crossing]
    ratio: Quantity
    catch_up: Quantity
    growths: list[Growth]
    meeting: Quantity

    @property
    def end(self) -> Span:
        """The last month of the twelve after the quarter."""
        return self.report.horizon.each_month[-1]

    @property
    def crossing(self) -> Crossing | None:
        """That of the report's own scenario."""
        return next(iter(self.crossings), None)

    @property
    def finding(self) -> Sentence:
        """What the chapter opens with."""
        if not self.crossing:
            return Sentence()
        paths = phrase("as the figures point,")
        if self.report.scenario.id != BASE:
            paths = phrase("in the scenario “{report.scenario.name}”", self)
        where = phrase("cross in {crossing.month}", self) or phrase("do not cross by {end}", self)
        return say(
            "{paths} the two lines {where}; in {outcomes} outcomes {report.platform} sells more in {end}.",
            self,
            paths=paths,
            where=where,
            outcomes=frequency(self.crossing.ahead),
        )

    @property
    def details(self) -> list[Sentence]:
        apart = self.crossing and self.crossing.month is None
        names = [self.report.platform, self.report.rival]
        smaller, larger = reversed(names) if self.ratio < 1 else names
        return [
            self._scenarios_sentence(),
            say(
                "To be level in twelve months {smaller} would have to gain {gain} on {larger} every month.",
                smaller=smaller,
                larger=larger,
                gain=self.catch_up if apart else None,
            ),
            self._arithmetic_sentence(),
        ]

    def _scenarios_sentence(self) -> Sentence:
        if not self.crossings:
            return say("Too little is published of both platforms to draw their lines.")
        crossed = [phrase("“{c.scenario.name}” ({c.month})", c=c) for c in self.crossings if c.month]
        count = Quantity.counted(len(self.crossings), "scenario", "that change either line")
        return say(
            "Of the {count} the lines cross by {end} in {crossed}.", self, count=count, crossed=listing(crossed)
        ) or say("The lines do not cross by {end} in any of the {count}.", self, count=count)

    def _arithmetic_sentence(self) -> Sentence:
        """The check by hand: each goes on at its last published growth."""
        if len(self.growths) < 2:
            return Sentence()
        own, rival = self.growths
        outcome = phrase("this rate the gap stays as it is")
        if self.meeting:
            outcome = phrase("these rates the lines meet {meeting} after {report.quarter}", self)
        if self.meeting < 0:
            outcome = phrase("these rates the lines draw apart")
        return say(
            "As a check, by arithmetic on published figures alone: {rival}, and {own}; at {outcome}.",
            rival=_told(rival),
            own=_told(own),
            outcome=outcome,
        )

    def path_chart(self) -> Figure:
        report, crossed = self.report, self.crossing and self.crossing.month
        rows = [
            (month.start, name, *band, month.end > report.quarter.end)
            for name, path in self.path.items()
            for month, band in path
        ]
        data = pd.DataFrame(rows, columns=["x", "series", "value", "low", "high", "projected"])
        title = say("The months ahead of both platforms")
        if self.crossing:
            title = say("The lines cross in {month}", month=crossed) or say("The lines do not cross by {end}", self)
        subtitle = f"Estimated GMV by month, {report.currency}; dashed after {report.quarter.label}"
        if report.scenario.id != BASE:
            subtitle += f", in the scenario “{report.scenario.name}”"
        events = [(crossed.start, "the lines cross")] if crossed else []
        return Figure("rival_path", title, subtitle, charts.lines(data, events=events), data)

    def scenario_chart(self) -> Figure:
        rows = [(c.scenario.name, *c.ratio) for c in self.crossings]
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("The ratio under each scenario")
        if self.crossings:
            medians = sorted((c.ratio.median for c in self.crossings), key=lambda ratio: ratio.value)
            title = say(
                "{report.rival} at {low} to {high} {report.platform}’s sales in {end}, by scenario",
                self,
                low=medians[0],
                high=medians[-1],
            )
        subtitle = f"GMV of {self.report.rival} as a multiple of {self.report.platform}’s, {self.end.label}"
        return Figure("rival_scenarios", title, subtitle, charts.bands(data), data)

    def table(self) -> Table:
        end, report = self.end.short, self.report
        rows = [
            (c.scenario.name, c.month.short if c.month else f"not by {end}", banded(c.ratio), c.ahead)
            for c in self.crossings
        ]
        columns = ["Scenario", "The lines cross", f"{report.rival} as a multiple, {end}"]
        columns.append(f"Outcomes with {report.platform} ahead, {end}")
        title = say("When the lines cross, by scenario")
        return Table("rival_crossings", title, pd.DataFrame(rows, columns=columns))


def lines_of(report: Report, own: Estimates, rival: Estimates, ratio: Quantity) -> Lines:
    """The months ahead of both platforms, from their estimates and the estimated ratio of the quarter."""
    growths = [found for found in (growth(report, name) for name in (report.platform, report.rival)) if found]
    return Lines(
        report=report,
        path={of.platform: of.monthly("Global", Span(report.year.start, report.horizon.end)) for of in (own, rival)},
        crossings=crossings(report),
        ratio=ratio,
        catch_up=catch_up(ratio),
        growths=growths,
        meeting=meeting(*growths) if len(growths) > 1 else Quantity.unknown("growth of both"),
    )


def _told(growth: Growth) -> Sentence:
    return phrase(
        "{growth.platform} {grew} by {size} a month from {growth.before.span} to {growth.last.span}",
        growth=growth,
        grew="grew" if growth.monthly > 0 else "shrank",
        size=abs(growth.monthly),
    )
