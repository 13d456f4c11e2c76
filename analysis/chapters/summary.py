"""Summary: the verdict, the numbers that carry it, and one sentence from each of the other chapters' questions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.launches import SITES, planned_launch
from analysis.pace import Pace, pace
from analysis.page import Figure, Table, Tile
from analysis.prose import Sentence, against_pace, against_target, listing, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span


@dataclass(frozen=True)
class Summary:
    """The state of the platform's target for the year, from what was public by the report's date.

    Attributes
    ----------
    world, us : Pace
    rival_gmv, rival_ratio : Quantity
        GMV of the rival over the span of the world's figure, money, and as a multiple of the platform's.
    planned : Span or None
        Month for which new European sites are planned.
    growth : list of (str, Span, Quantity)
        Growth over a year earlier of each market in Southeast Asia, fastest first, as far as published.
    """

    report: Report
    world: Pace
    us: Pace
    rival_gmv: Quantity
    rival_ratio: Quantity
    growth: list[tuple[str, Span, Quantity]]
    planned: Span | None

    @property
    def headline(self) -> Sentence:
        world, report = self.world, self.report
        names = {"platform": report.platform, "target": world.target, "year": report.year}
        if report.year_is_over and world.reading:
            return say("{platform} {verb} its {target} target for {year}: it reached {gmv}", gmv=world.reached,
                       verb=against_target(world.reached, world.target) if world.target else "", **names)  # fmt: skip
        return say("{platform} reached {share} of its {target} target in {span}: it is {where} the pace", share=world.attained,
                   span=world.reading.span if world.reading else "",
                   where=against_pace(world.attained, world.even) if world.attained else "", **names) or say(
            "{platform} aims for {target} in {year}; how much of it is reached was not public by {day}",
            day=report.as_of_label, **names) or say(
            "{platform} has no target on record for {year}", platform=report.platform, year=report.year)  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        report, world, us = self.report, self.world, self.us
        over = report.year_is_over
        span = world.reading.span if world.reading else ""
        fastest = self.growth[0] if self.growth else ("", "", "")
        return [
            say("{platform} sold {gmv} in {span}, {share} of the {target} it set out to sell in {year}.", gmv=world.reached,
                platform=report.platform, span=span if over else "", share=world.attained, target=world.target, year=report.year)
            or say("{platform} set out to sell {target} in {year}; in {span} it reached {share}, {gmv}. An even pace would have "
                   "reached {even}, one that follows the seasons of online retail {seasonal}.", platform=report.platform,
                   target=world.target, year=report.year, span=span, share=world.attained, gmv=world.reached, even=world.even,
                   seasonal=world.seasonal)
            or say("{platform} set out to sell {target} in {year}; by {day} no published figure told how far it had come.",
                   platform=report.platform, target=world.target, year=report.year, day=report.as_of_label),
            say("Missing: {gap}. That takes {required} in each of the {months} after it, {stretch} the mean month so far "
                "({achieved}).", gap=world.gap, required=world.required.amount, stretch=world.stretch,
                months=Quantity.counted(world.rest.months, "month", f"of {world.rest.label}") if world.rest and world.rest.months
                else "", achieved=world.achieved.amount),
            say("The US {verb} its own target of {target}: {gmv} in {span}, {share}.", target=us.target, gmv=us.reached,
                verb=against_target(us.reached, us.target) if over and us.target and us.reading else "",
                span=us.reading.span if us.reading else "", share=us.attained)
            or say("The widest gap is in the US: {gmv} in {span}, {share} of a target of {target}; the rest of the year needs "
                   "{stretch} that pace.", gmv=us.reached, span=us.reading.span if us.reading else "", share=us.attained,
                   target=us.target, stretch=us.stretch)
            or say("For the US a target of {target} is on record, but no sales yet.", target=us.target)
            or say("No target for the US in {year} is on record.", year=report.year),
            say("Southeast Asia carries the growth: {market} grew by {growth} in {span}.", market=fastest[0], span=fastest[1],
                growth=fastest[2]) if self.growth and self.growth[0][2] > 0 else Sentence(),
            say("{rival} sold {ratio} as much in the same time, {gmv}.", rival=report.rival, ratio=self.rival_ratio,
                gmv=self.rival_gmv),
            say("New sites in {sites} are planned for {planned}.", sites=report.call(SITES),
                planned=self.planned if self.planned and not over and report.as_of < self.planned.end else ""),
        ]  # fmt: skip

    @property
    def tiles(self) -> list[Tile]:
        world, us = self.world, self.us
        fastest = self.growth[0] if self.growth else ("", "", Quantity.unknown("growth of a market"))
        of_target = phrase("of {target}", target=world.target)
        return [
            Tile("Target reached", world.attained, of_target),
            Tile("GMV so far" if not self.report.year_is_over else "GMV of the year", world.reached,
                 phrase("in {span}", span=world.reading.span if world.reading else "")),
            Tile("Needed a month", world.required.amount, phrase("{stretch} the pace so far", stretch=world.stretch)),
            Tile("US target reached", us.attained, phrase("of {target}", target=us.target)),
            Tile(f"{self.report.rival} against it", self.rival_ratio, phrase("{gmv} in the same time", gmv=self.rival_gmv)),
            Tile("Fastest growth", fastest[2], phrase("{market} in {span}", market=fastest[0], span=fastest[1])),
        ]  # fmt: skip

    def attainment_chart(self) -> Figure:
        rows = [
            (name, p.attained, p.even, p.target.text)
            for name, p in (("World", self.world), ("US", self.us), ("Southeast Asia", pace(self.report, "SEA")))
            if p.attained
        ]
        data = pd.DataFrame(rows, columns=["label", "reached", "pace", "target"]).assign(pace_note="even pace")
        title = say(
            "The US {verb} {distance} its target than the world", verb="ended" if self.report.year_is_over else "is",
            distance=than(self.us.attained, self.world.attained, "closer to", "further from", "no further from")
            if self.us.attained and self.world.attained else "",
        )  # fmt: skip
        span = self.world.reading.span.label if self.world.reading else self.report.year.label
        return Figure("summary_attainment", title or say("How much of each target is reached"),
                      f"Share of the annual GMV target reached in {span}; orange: an even pace", charts.bullets(data), data)  # fmt: skip

    def pace_chart(self) -> Figure:
        rows = [("World: needed for the rest of the year", self.world.required, True),
                ("World: mean so far", self.world.achieved, False),
                ("US: needed for the rest of the year", self.us.required, True), ("US: mean so far", self.us.achieved, False)]  # fmt: skip
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The rest of the year needs {stretch} the pace so far", stretch=self.world.stretch) or say(
            "GMV a month, so far and needed")  # fmt: skip
        return Figure("summary_pace", title, f"GMV a month, {self.report.currency}, {self.report.year.label}",
                      charts.bars(data), data)  # fmt: skip

    def table(self) -> Table:
        rows = []
        for name, p in (("World", self.world), ("US", self.us)):
            rows += [
                (f"{name}: target", p.target), (f"{name}: GMV so far", p.reached), (f"{name}: share reached", p.attained),
                (f"{name}: missing", p.gap), (f"{name}: needed", p.required), (f"{name}: mean so far", p.achieved),
            ]  # fmt: skip
        data = pd.DataFrame([row for row in rows if row[1]], columns=["What", "Figure"])
        data["Worked out as"] = [q.formula for q in data["Figure"]]
        return Table("summary_numbers", say("The numbers behind the verdict"), data)


def review(report: Report) -> Summary:
    """Everything the chapter says, from the facts of the report's view."""
    world = pace(report, "Global")
    rival = report.gmv("Global", world.reading.span, report.rival) if world.reading else Quantity.unknown("a world figure")
    growth = []
    for market in report.ledger.vocabulary.regions["SEA"]:
        rows = report.rows(market, "gmv_growth_yoy", within=report.quarter.to_date).sort_values("end", kind="stable")
        if len(rows):
            span = rows.iloc[-1]["span"]
            growth.append((report.call(market), span, report.fact(market, "gmv_growth_yoy", span)))
    return Summary(
        report=report,
        world=world,
        us=pace(report, "US"),
        rival_gmv=rival,
        rival_ratio=rival / world.reached,
        growth=sorted(growth, key=lambda g: -g[2].value),
        planned=planned_launch(report),
    )
