"""What the team for the new sites has to earn."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.launches import months_from
from analysis.model.outcomes import most, one_at_a_time
from analysis.story import charts
from analysis.story.citation import cited
from analysis.story.prose import Sentence, maybe, phrase, say, than
from analysis.story.show import Figure, Table

from .launch import FIRST_YEAR, RAMP, REGION, TWELVE, Launch

COSTS = {"subsidy": "vouchers and shipping, share of GMV", "staff_cost": "cost of one employee a year"}


@dataclass(frozen=True)
class Team:
    """When the platform's income from the new sites pays for the team there.

    Attributes
    ----------
    launch : Launch
    cost : Quantity
        Of the team, money a month.
    market : str
        A European market that is open, whose commissions stand in; empty without any.
    rates : list of (Sentence, Quantity)
        What each commission is for, and its share of the order value, the last last.
    subsidy : Quantity
        What the platform pays for orders, as a share of GMV.
    twelfth : Quantity
        GMV of the new sites in their twelfth month, money.
    result : Quantity
        What that month leaves after the team, money, at the last of the rates.
    levers : DataFrame
        `result` with one lever at a time at either end; see `one_at_a_time`.
    """

    launch: Launch
    cost: Quantity
    market: str
    rates: list[tuple[Sentence, Quantity]]
    subsidy: Quantity
    twelfth: Quantity
    result: Quantity
    levers: pd.DataFrame

    @property
    def commission(self) -> Quantity:
        """The last commission."""
        return _last(self.rates)

    def net(self, commission: Quantity) -> Quantity:
        """What a commission leaves of the order value after the subsidy."""
        return commission - self.subsidy

    def gmv(self, commission: Quantity) -> Quantity:
        """GMV that pays for the team, money a month; unknown where no volume does."""
        net = self.net(commission)
        return self.cost / net if net > 0 else Quantity.unknown("a commission above the subsidy")

    @property
    def required(self) -> Quantity:
        """The commission at which the twelfth month just pays for the team."""
        return self.subsidy + (self.cost.amount / self.twelfth).percent()

    @property
    def finding(self) -> Sentence:
        """Whether a commission as elsewhere would pay for the team, and when."""
        where = self.launch.call([self.market] if self.market else [])
        if self.commission and not self.net(self.commission) > 0:
            return say(
                "No volume breaks even on what is public: {where} takes {commission} ({what}), {than} the {subsidy} of "
                "GMV that we assume goes into vouchers and shipping.",
                self,
                where=where,
                what=self.rates[-1][0],
                than=than(self.commission, self.subsidy, same="no more than"),
            )
        return say(
            "With the commission of {where} ({commission}) less {subsidy} for vouchers and shipping, the team "
            "({cost.amount} a month) breaks even at {gmv.amount} of GMV a month{reached}.",
            self,
            where=where,
            gmv=self.gmv(self.commission),
            reached=self._reached,
        )

    @property
    def _reached(self) -> Sentence:
        """When the ramp gives as much as breaks even."""
        needed = self.gmv(self.commission).value
        if not self.twelfth:
            return maybe("")
        enough = (month for month in range(FIRST_YEAR) if self.launch.gmv_of_month(month).value >= needed)
        month = next(enough, None)
        if month is None:
            return phrase("; the ramp does not reach that within {months}", months=TWELVE)
        if month == 0:
            return phrase("; the ramp gives that from the first month on")
        return phrase("; the ramp reaches that in {span}", span=months_from(self.launch.start, month))

    @property
    def details(self) -> list[Sentence]:
        """What the team costs, and what would have to be true for it to pay."""
        if not self.launch.plan:
            return [say("No team for a launch is on record.")]
        return [
            say("A team of {staff} costs {cost} on our assumptions.", self.launch, cost=self.cost),
            say(
                "In the twelfth month the ramp gives {twelfth}; after vouchers, shipping and the team that leaves a "
                "{kind} of {size}.",
                self,
                kind="loss" if self.result < 0 else "surplus",
                size=abs(self.result),
            ),
            say("That month would break even at a commission of {required}.", self),
        ]

    def table(self) -> Table:
        """The break-even of each commission."""
        rows = []
        for what, rate in self.rates if self.launch.plan else []:
            gmv = self.gmv(rate)
            rows.append(
                (say("{what}", what=what), rate, self.net(rate), gmv.amount if gmv else "no volume breaks even")
            )
        columns = ["Commission", "Share of the order", "Less vouchers and shipping", "Break-even GMV a month"]
        data = pd.DataFrame(rows, columns=columns)
        return Table("europe_break_even", say("What each commission would need to pay for the team"), data)

    def chart(self) -> Figure:
        """The result of the twelfth month, one lever at a time."""
        report, title = self.launch.report, say("What moves the result{most}", most=most(self.levers))
        subtitle = f"Commission less subsidy and team in the twelfth month, {report.currency}, one assumption at a time"
        return Figure("europe_result", title, subtitle, charts.tornado(self.levers, self.result), self.levers)


def team_of(launch: Launch) -> Team:
    """Income and cost of the twelfth month, with the commissions of the first European market that publishes any."""
    report = launch.report
    market, rates = _commissions(report, launch.markets)

    def month(settings: dict[str, str]) -> tuple[Quantity, Quantity, Quantity, Quantity]:
        """Cost, subsidy, GMV and result."""
        salary, subsidy = (report.assumption(name, settings.get(name)) for name in ("staff_cost", "subsidy"))
        cost = launch.staff * salary / TWELVE
        gmv = launch.gmv_of_month(FIRST_YEAR - 1, settings)
        return cost, subsidy, gmv, gmv * (_last(rates) - subsidy) - cost.amount

    levers = one_at_a_time(report, COSTS | RAMP, lambda settings: month(settings)[-1])
    return Team(launch, month({})[0], market, rates, *month({})[1:], levers)


def _last(rates: list[tuple[Sentence, Quantity]]) -> Quantity:
    return rates[-1][1] if rates else Quantity.unknown("a commission in Europe")


def _commissions(report: Report, sites: tuple[str, ...]) -> tuple[str, list[tuple[Sentence, Quantity]]]:
    """The first European market with a published commission, those of the plan first, and its rates."""
    vocabulary = report.ledger.vocabulary
    for market in dict.fromkeys((*sites, *vocabulary.regions[REGION])):
        rates = [
            (
                phrase(
                    "{what}, {day}", what=cited(vocabulary.call_metric(metric)), day=Span(row["start"], row["start"])
                ),
                row,
            )
            for metric in ("commission_first_90_days", "commission")
            for _, row in report.rows(market, metric).sort_values("start", kind="stable").iterrows()
        ]
        if rates:
            return market, [(what, report.quantity(row)) for what, row in rates]
    return "", []
