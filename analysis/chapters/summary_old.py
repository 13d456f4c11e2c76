"""Summary: the verdict, the numbers that carry it, and one sentence from each of the other chapters' questions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.changes import Changes, changes
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.launches import Plan, plan_of_the_year
from analysis.model.pace import Pace, pace
from analysis.model.scenarios import next_law_day
from analysis.story import charts
from analysis.story.citation import formula
from analysis.story.prose import Sentence, beside, frequency, level, listing, odds, phrase, say, than
from analysis.story.show import Figure, Table, Tile

SMALL = 0.05  # share of the region below which a market's growth says little


@dataclass(frozen=True)
class Growth:
    """Growth of a market over a year earlier."""

    market: str
    span: Span
    rate: Quantity


@dataclass(frozen=True)
class Tipping:
    """What the next quarter would have to bring for the year to be as likely as not to reach its target.

    Attributes
    ----------
    span : Span
        The next quarter.
    needed : Quantity
        GMV of it, money.
    expected : Band
        What the market model expects of it, money.
    ratio : Quantity
        `needed` as a multiple of the expected median.
    """

    span: Span
    needed: Quantity
    expected: Band

    @property
    def ratio(self) -> Quantity:
        return self.needed / self.expected.median


@dataclass(frozen=True)
class Summary:
    """The state of the platform's target for the year, from what was public by the report's date.

    Attributes
    ----------
    report : Report
    world, us : Pace
    rival_gmv, rival_ratio : Quantity
        GMV of the rival over the span of the world's figure, money, and as a multiple of the platform's.
    fastest : Growth or None
        The market of Southeast Asia that grew most over a year earlier, as far as published.
    planned : Plan or None
        The launch of new sites that is planned for the year or after it.
    expected, us_expected : Band
        What the market model makes of all figures for the whole year: the world and the US, money.
    nowcast : Band or None
        The same for the quarter in the world, money; None where its GMV is published.
    chance : Quantity
        Probability that the world target is reached, per cent.
    parts : DataFrame
        Steps of the bridge from the markets to the target: `label`, `value`, `total`.
    since : Changes
        What changed since the report of the quarter before.
    tipping, us_tipping : Tipping or None
        What would turn the verdict on the world and on the US; None once the year is over.
    deadline : Span or None
        The next date of a law that would ban the platform, where one is ahead.
    """

    report: Report
    world: Pace
    us: Pace
    rival_gmv: Quantity
    rival_ratio: Quantity
    fastest: Growth | None
    planned: Plan | None
    expected: Band
    chance: Quantity
    us_expected: Band
    nowcast: Band | None
    parts: pd.DataFrame
    since: Changes
    tipping: Tipping | None
    us_tipping: Tipping | None
    deadline: Span | None

    @property
    def odds(self) -> str:
        return odds(self.chance)

    @property
    def headline(self) -> Sentence:
        return (
            say(
                "{report.platform} {world.verdict} its {world.target} target for {report.year}: "
                "it reached {world.reached}",
                self,
            )
            or say(
                "{report.platform} {odds} reach its {world.target} target for {report.year}: "
                "{world.attained} was done in {world.reading.span}",
                self,
            )
            or say(
                "{report.platform} {odds} reach its {world.target} target for {report.year}, "
                "but no figure of the year is public yet",
                self,
            )
            or say("{report.platform} has no target on record for {report.year}", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        rest = self.world.rest
        return [
            say("This report assumes the scenario “{report.scenario.name}”: {report.scenario.means}.", self)
            if self.report.scenario.id != BASE
            else Sentence(),
            self._world_sentence(),
            self._expected_sentence()
            + say(
                "For {report.quarter} alone, of which no figure is published, the estimate is {nowcast.median} "
                "({nowcast.low} to {nowcast.high}).",
                self,
            ),
            say(
                "Missing: {world.gap}. That takes {world.required.amount} in each of the {months} after it, "
                "{world.stretch} the mean month so far ({world.achieved.amount}).",
                self,
                months=Quantity.counted(rest.months, "month", f"of {rest.label}") if rest and rest.months else None,
            ),
            self._us_sentence(),
            (
                say("In Southeast Asia {fastest.market} grew fastest, by {fastest.rate} in {fastest.span}.", self)
                if self.fastest and self.fastest.rate > 0
                else Sentence()
            )
            + say("{report.rival} sold {rival_ratio} as much in the same time, {rival_gmv}.", self),
        ]

    @property
    def mind_sentences(self) -> list[Sentence]:
        """What would turn the verdict: a figure of the next quarter, an error in the last one, an event."""
        if self.world.verdict:
            return [self._error_sentence()]
        planned, sites = self.planned, None
        if planned and self.report.as_of < planned.month.end:
            sites = phrase("the launch in {sites}, planned for {month}", planned, sites=self.report.call(planned.sites))
        law = phrase("the next date of the law that would ban the platform in the US, {deadline}", self)
        return [
            self._tipping_sentence("the world", self.tipping),
            self._tipping_sentence("the US", self.us_tipping),
            say("Dates to watch: {ahead}.", ahead=listing([sites or Sentence(), law])),
        ]

    def _error_sentence(self) -> Sentence:
        """How wrong the figure of a year that is over would have to be."""
        world = self.world
        if level(world.reached, world.target):
            return say(
                "The year is over, and so close to its target that any revision of {world.reached} decides.", self
            )
        error = (world.target / world.reached).growth()
        return say(
            "The year is over: the verdict turns only if the published {world.reached} is too {side} by {error}.",
            self,
            side="low" if error > 0 else "high",
            error=abs(error),
        )

    def _tipping_sentence(self, where: str, tipping: Tipping | None) -> Sentence:
        return say(
            "{where} would be as likely as not to reach the target if {tipping.span} brought {tipping.needed}, "
            "{tipping.ratio} what we expect, {beside} of {tipping.expected.low} to {tipping.expected.high}.",
            where=where,
            tipping=tipping,
            beside=tipping and beside(tipping.needed, tipping.expected),
        )

    def _world_sentence(self) -> Sentence:
        if self.world.verdict:
            return say(
                "{report.platform} sold {world.reached} in {world.reading.span}, "
                "{world.attained} of the {world.target} it set out to sell in {report.year}.",
                self,
            )
        return say(
            "{report.platform} set out to sell {world.target} in {report.year}; in {world.reading.span} it reached "
            "{world.attained}, {world.reached}. An even pace would have reached {world.even}, "
            "one that follows the seasons of online retail {world.seasonal}.",
            self,
        ) or say(
            "{report.platform} set out to sell {world.target} in {report.year}; "
            "by {report.as_of_label} no published figure told how far it had come.",
            self,
        )

    def _expected_sentence(self) -> Sentence:
        if self.world.verdict:
            return say(
                "Counted as the company counts, all published figures together put the year at {expected.median}, "
                "with four chances in five of {expected.low} to {expected.high}.",
                self,
            )
        return say(
            "All published figures together point to {expected.median} for the whole of {report.year}, with four "
            "chances in five of {expected.low} to {expected.high}; "
            "in {frequency} simulated years the target is reached.",
            self,
            frequency=frequency(self.chance),
        )

    def _us_sentence(self) -> Sentence:
        us = self.us
        return (
            say("The US {verdict} its own target of {target}: {reached} in {reading.span}, {attained}.", us)
            or say(
                "The widest gap is in the US: {reached} in {reading.span}, {attained} of a target of {target}; "
                "the rest of the year needs {stretch} that pace.",
                us,
            )
            or say("For the US a target of {target} is on record, but no published sales yet.", us)
            or say("No target for the US in {report.year} is on record.", self)
        )

    @property
    def tiles(self) -> list[Tile]:
        world, us, fastest = self.world, self.us, self.fastest
        sold = "GMV of the year" if world.verdict else "GMV so far"
        outcome = phrase("{expected.low} to {expected.high}", self)
        chance = self.chance if not world.verdict else Quantity.unknown("a year that is not over")
        counted = phrase("{frequency} simulated years", frequency=frequency(chance))
        growth = fastest.rate if fastest else Quantity.unknown("growth of a market")
        return [
            Tile("Target reached", world.attained, phrase("of {world.target}", self)),
            Tile(sold, world.reached, phrase("in {world.reading.span}", self)),
            Tile("Estimate for the year", self.expected.median, outcome),
            Tile("Chance of the target", chance, counted),
            Tile("Needed a month", world.required.amount, phrase("{world.stretch} the pace so far", self)),
            Tile("US target reached", us.attained, phrase("of {us.target}", self)),
            Tile(f"{self.report.rival} against it", self.rival_ratio, phrase("{rival_gmv} in the same time", self)),
            Tile("Fastest growth", growth, phrase("{fastest.market} in {fastest.span}", self)),
        ]

    def attainment_chart(self) -> Figure:
        world, us, report = self.world, self.us, self.report
        paces = [("World", world), ("US", us), ("Southeast Asia", pace(report, "SEA"))]
        rows = [(name, p.attained, p.even, p.target, "even pace") for name, p in paces if p.attained]
        data = pd.DataFrame(rows, columns=["label", "reached", "pace", "target", "pace_note"])
        title = say("How much of each target is reached")
        if us.attained and world.attained:
            title = say(
                "The US {verb} {distance} its target than the world",
                verb="ended" if world.verdict else "is",
                distance=than(us.attained, world.attained, "closer to", "further from", "no further from"),
            )
        span = world.reading.span if world.reading else report.year
        subtitle = f"Share of the annual GMV target reached in {span.label}; orange: an even pace"
        return Figure("summary_attainment", title, subtitle, charts.bullets(data), data)

    def pace_chart(self) -> Figure:
        rows = [
            ("World: needed for the rest of the year", self.world.required, True),
            ("World: mean so far", self.world.achieved, False),
            ("US: needed for the rest of the year", self.us.required, True),
            ("US: mean so far", self.us.achieved, False),
        ]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The rest of the year needs {world.stretch} the pace so far", self)
        subtitle = f"GMV a month, {self.report.currency}, {self.report.year.label}"
        fallback = say("GMV a month, so far and needed")
        return Figure("summary_pace", title or fallback, subtitle, charts.bars(data), data)

    def bridge_chart(self) -> Figure:
        title = say(
            "The US is {share} of the estimate for the year",
            share=(self.us_expected.median / self.expected.median).percent(),
        )
        year, currency = self.report.year.label, self.report.currency
        subtitle = f"Estimated GMV of {year} by market, {currency}, as the company would count it, and the target"
        fallback = say("From market to market to the year")
        return Figure("summary_bridge", title or fallback, subtitle, charts.bridge(self.parts), self.parts)

    def changes_chart(self) -> Figure:
        steps = self.since.steps.drop(columns="chance")
        title = say(
            "Since {since.before.quarter} the estimate {verb}",
            self,
            verb=than(self.expected.median, self.since.expected_before.median, "rose", "fell", "hardly moved"),
        ) or say("No estimate was made a quarter before")
        subtitle = (
            f"Estimated GMV of {self.report.year.label}, {self.report.currency}, and what the new figures did to it"
        )
        return Figure("summary_changes", title, subtitle, charts.bridge(steps), steps)

    def table(self) -> Table:
        rows = []
        for name, p in (("World", self.world), ("US", self.us)):
            rows += [
                (f"{name}: target", p.target),
                (f"{name}: GMV so far", p.reached),
                (f"{name}: share reached", p.attained),
                (f"{name}: missing", p.gap),
                (f"{name}: needed", p.required),
                (f"{name}: mean so far", p.achieved),
            ]
        rows = [(what, figure, formula(figure)) for what, figure in rows if figure]
        data = pd.DataFrame(rows, columns=["What", "Figure", "Worked out as"])
        return Table("summary_numbers", say("The numbers behind the verdict"), data)


def review(report: Report) -> Summary:
    """Everything the chapter says, from the facts of the report's view."""
    world = pace(report, "Global")
    rival = (
        report.gmv("Global", world.reading.span, report.rival) if world.reading else Quantity.unknown("a world figure")
    )
    model = estimates(report)
    expected = model.gmv("Global", report.year)
    us = pace(report, "US")
    return Summary(
        report=report,
        world=world,
        us=us,
        rival_gmv=rival,
        rival_ratio=rival / world.reached,
        fastest=_fastest(report),
        planned=plan_of_the_year(report),
        expected=expected,
        chance=model.chance("Global", world.target),
        us_expected=model.gmv("US", report.year),
        nowcast=None if report.gmv("Global", report.quarter) else model.gmv("Global", report.quarter),
        parts=_bridge(model, expected, world.target),
        since=changes(report.before, report),
        tipping=_tipping(model, "Global", world.target),
        us_tipping=_tipping(model, "US", us.target),
        deadline=next_law_day(report),
    )


def _tipping(model: Estimates, market: str, target: Quantity) -> Tipping | None:
    rest = model.report.quarter.rest_of_year
    if rest is None:
        return None
    span = Span.months_of(rest.start.year, rest.start.month, 3)
    return Tipping(span, model.tipping_point(market, target, span), model.gmv(market, span))


def _bridge(model: Estimates, whole: Band, target: Quantity) -> pd.DataFrame:
    """Estimates of the year market by market, what they leave of the world's, and what that leaves of the target."""
    vocabulary, year = model.report.ledger.vocabulary, model.report.year
    # A market without a figure of its own is in the sum, but its band is too wide for a bar.
    markets = [m for m in (*vocabulary.regions["SEA"], "US", "UK") if model.has_own_figure(m, year)]
    own = [(market, model.gmv(market, year).median) for market in markets]
    own = sorted((part for part in own if part[1]), key=lambda part: -part[1].value)
    rows = [(market, gmv, False) for market, gmv in own]
    if rows and whole:
        rows.append(("Others, and the difference between medians", whole.median - total(gmv for _, gmv in own), False))
    missing = target - whole.median
    rows.append(("Estimated for the world", whole.median, True))
    rows.append(("Beyond the target" if missing < 0 else "Missing to the target", missing, False))
    rows.append(("Target", target, True))
    return pd.DataFrame(rows, columns=["label", "value", "total"])


def _fastest(report: Report) -> Growth | None:
    """The fastest growth of a market that is at least a twentieth of those with a figure: small ones always lead."""
    found, sizes = [], {}
    for market in report.ledger.vocabulary.regions["SEA"]:
        reading = report.year_to_date(market) or report.latest_month(market)
        sizes[market] = reading.monthly.value if reading else 0.0
        rows = report.rows(market, "gmv_growth_yoy", within=report.quarter.to_date).sort_values("end", kind="stable")
        if len(rows):
            span = rows.iloc[-1]["span"]
            found.append((market, Growth(report.call(market), span, report.fact(market, "gmv_growth_yoy", span))))
    large = [growth for market, growth in found if sizes[market] >= SMALL * sum(sizes.values())]
    return max(large, key=lambda growth: growth.rate.value, default=None)
