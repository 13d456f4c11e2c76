"""The launch that the chapter is about: its sites, its month, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.launches import Plan, months_from, plan_gmv, plan_of_the_year, plans, start_of
from analysis.model.market import Market
from analysis.model.ramp import Ramp, Vintage, opening, ramp
from analysis.story.prose import Sentence, listing, maybe, phrase, say, when

REGION = "Europe"
FIRST_YEAR = 12  # months over which a launch is judged
TWELVE = Quantity.counted(FIRST_YEAR, "month")
RAMP = {"europe_ramp": "ramp, against earlier launches", "new_sites_market": "online sales of the sites in a year"}


@dataclass(frozen=True)
class Launch:
    """The launch that was planned for the report's year, or after it.

    Attributes
    ----------
    report : Report
    plan : Plan or None
    opened : dict of str to Span
        Day or month on which each market opened that was planned, or that opened in the year.
    present : dict of str to Span
        The same of the European markets that were open before.
    ramp : Ramp or None
        Launches on record.
    sites, staff : Quantity
        Sites of the launch; people hired for it.
    """

    report: Report
    plan: Plan | None
    opened: dict[str, Span]
    present: dict[str, Span]
    ramp: Ramp | None
    sites: Quantity
    staff: Quantity

    @property
    def markets(self) -> tuple[str, ...]:
        """The new sites."""
        return self.plan.markets if self.plan else ()

    @property
    def names(self) -> str:
        """The new sites, as a sentence calls them."""
        return self.call(self.markets or self.opened)

    def call(self, markets) -> str:
        return self.report.call(", ".join(markets)) if markets else ""

    @property
    def vintages(self) -> tuple[Vintage, ...]:
        """Launches on record that tell the ramp."""
        return self.ramp.vintages if self.ramp else ()

    @property
    def is_open(self) -> bool:
        """Whether any planned site has opened."""
        return not self.opened.keys().isdisjoint(self.markets)

    @property
    def lapsed(self) -> bool:
        """Whether the planned month is over, or the sites are open."""
        return self.plan is not None and (self.is_open or self.report.as_of > self.plan.month.end)

    @property
    def start(self) -> Span | None:
        """When the sites opened, or the month in which they open as far as is known by now."""
        return self.plan and start_of(self.report, self.plan)

    @property
    def late(self) -> Quantity:
        """Months from the planned launch to the first opening; negative if it came early."""
        if not self.is_open:
            return Quantity.unknown("an opening")
        months = pd.Period(self.start.start, "M").ordinal - pd.Period(self.plan.month.start, "M").ordinal
        how = f"from {self.plan.figure.formula} to the opening"
        return Quantity(float(months), "month", how, self.plan.figure.origins)

    def gmv(self, span: Span, opened: Span | None = None, settings: dict[str, str] | None = None) -> Quantity:
        """What the ramp gives the new sites over a span, money; see `plan_gmv`."""
        if self.plan is None:
            return Quantity.unknown("a planned launch")
        return plan_gmv(self.report, self.ramp, self.plan, span, opened, settings)

    def gmv_of_month(self, month: int, settings: dict[str, str] | None = None) -> Quantity:
        """What the ramp gives the new sites in a month after their opening, money; the first is 0."""
        span = months_from(self.start, month) if self.start else self.report.year
        return self.gmv(span, settings=settings)

    @cached_property
    def readings(self) -> list[tuple[str, Reading]]:
        """GMV to date of each European market with a figure of the year, most first."""
        found = [(m, reading) for m in (*self.present, *self.opened) if (reading := self.report.year_to_date(m))]
        return sorted(found, key=lambda pair: -pair[1].gmv.value)

    # Words for it ----------------------------------------------------------------------------------------

    @property
    def at_ramp(self) -> Sentence:
        """The ramp that the report's scenario takes."""
        times = self.report.assumption("europe_ramp")
        words = "the ramp of earlier launches"
        return phrase(words if times.value == 1 else "{times} " + words, times=times)

    @property
    def openings(self) -> Sentence:
        """Which site opened when; empty if none has."""
        days = [(self.report.call(market), when(span)) for market, span in self.opened.items()]
        first = [phrase("{name} opened {day}", name=name, day=day) for name, day in days[:1]]
        return listing(first + [phrase("{name} {day}", name=name, day=day) for name, day in days[1:]])

    @property
    def finding(self) -> Sentence:
        """The plan, and whether it was kept."""
        told = say(
            "The plan {was} to open {sites}{names} in {plan.month}{staff}.",
            self,
            was="was" if self.lapsed else "is",
            sites=self.sites or phrase("in {names}", self),
            names=maybe(", {names},", self) if self.sites else maybe(""),
            staff=maybe(", with {staff} hired for it", self),
        )
        if self.opened:
            return told + say("{openings}.", self)
        return told + (say("No site had opened by {report.as_of_label}.", self) if self.lapsed else Sentence())

    @property
    def also(self) -> list[Sentence]:
        """Other plans, for later months."""
        later = [plan for plan in plans(self.report) if self.plan and plan.month > self.plan.month]
        return [say("Also planned: {sites} {month}.", sites=self.call(p.markets), month=when(p.month)) for p in later]


def launch_of(report: Report, market: Market | None) -> Launch:
    """The plan of the report's year and every opening in Europe."""
    plan = plan_of_the_year(report)
    planned = plan.markets if plan else ()
    since = {m: span for m in report.ledger.vocabulary.regions[REGION] if (span := opening(report, m))}
    opened = {m: span for m, span in since.items() if m in planned or span.start >= report.year.start}

    def told(metric: str, span: Span | None = None) -> Quantity:
        """The leading figure of any site of the plan."""
        rows = (report.rows(site, metric, within=span) for site in planned)
        first = next((found.iloc[0] for found in rows if len(found)), None)
        return Quantity.unknown(f"{metric} of a planned launch") if first is None else report.quantity(first)

    return Launch(
        report=report,
        plan=plan,
        opened=opened,
        present={m: span for m, span in since.items() if m not in opened},
        ramp=ramp(report, market),
        sites=told("sites_in_launch", plan and plan.month),
        staff=told("staff"),
    )
