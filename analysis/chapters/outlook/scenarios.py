"""Other futures: what each scenario comes to, how probable we hold it, and which assumption moves most."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.assumptions import SETTINGS
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.outcomes import Outcome, expected, most, outcomes, sensitivity
from analysis.story import charts
from analysis.story.prose import Sentence, frequency, maybe, phrase, say
from analysis.story.show import Figure, Table


@dataclass(frozen=True)
class Scenarios:
    """The scenarios that can be told by the report's date, side by side.

    Attributes
    ----------
    report : Report
    outcomes : list of Outcome
        The base first; none if the model knows too little.
    weighted : Quantity
        GMV of the twelve months after the quarter, as the mean of the scenarios by their probabilities, money.
    levers : DataFrame
        The same in the base with one lever at a time at either end, as `sensitivity` gives it.
    """

    report: Report
    outcomes: list[Outcome]
    weighted: Quantity
    levers: pd.DataFrame

    @property
    def base(self) -> Outcome | None:
        return self.outcomes[0] if self.outcomes else None

    @property
    def ban(self) -> Outcome | None:
        """The scenario of a ban in the US, once a law is public."""
        return next((o for o in self.outcomes if "us_ban_loss" in o.scenario.settings), None)

    @property
    def costliest(self) -> Outcome | None:
        """The scenario with the least GMV ahead."""
        return min(self.outcomes, key=lambda outcome: outcome.ahead.median.value, default=None)

    def cost(self, outcome: Outcome) -> Quantity:
        """GMV of the twelve months after the quarter that a scenario costs against the base, money."""
        return self.base.ahead.median - outcome.ahead.median

    @property
    def ban_sentence(self) -> Sentence:
        """What a ban in the US would cost, for the opening of the chapter."""
        ban = self.ban
        if ban is None:
            return say("No law that would ban the platform in the US was public by {report.as_of_label}.", self)
        return say(
            "A US ban from {ban.starts} on would cost {cost} of the {base.ahead.median} expected in {report.horizon}; "
            "we give it a chance of {ban.weight}.",
            self,
            cost=self.cost(ban),
        )

    @property
    def details(self) -> list[Sentence]:
        """The scenarios together: their mean, the worst of them, and what they make of the target."""
        if len(self.outcomes) < 2:
            return []
        told = Quantity.counted(len(self.outcomes), "scenario")
        by_chance = sorted((o for o in self.outcomes if o.chance), key=lambda outcome: outcome.chance.value)
        chances = Sentence()
        if by_chance and not self.report.year_is_over:
            least, most = by_chance[0], by_chance[-1]
            chances = say(
                "The target of {report.year} is met in {few} simulated years of the scenario “{least.scenario.name}”, "
                "in {many} of “{most.scenario.name}”.",
                self,
                few=frequency(least.chance),
                many=frequency(most.chance),
                least=least,
                most=most,
            )
        return [
            say(
                "Weighted by their probabilities, the {told} put {report.horizon} at {weighted}; the base alone at "
                "{base.ahead.median} ({base.ahead.low} to {base.ahead.high}).",
                self,
                told=told,
            ),
            say(
                "“{costliest.scenario.name}” costs most: {cost}, or {share} of the base.",
                self,
                cost=self.cost(self.costliest),
                share=(self.cost(self.costliest) / self.base.ahead.median).percent(),
            ),
            chances,
            say(
                "A ban from {ban.starts} on would leave {report.year} as it is; its loss falls into the year after.",
                self,
            )
            if self.ban and self.ban.starts.start > self.report.year.end and not self.report.year_is_over
            else Sentence(),
        ]

    def chart(self) -> Figure:
        rows = [(self._branch(o), *o.ahead) for o in self.outcomes]
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("“{costliest.scenario.name}” would cost most of all", self)
        if len(rows) < 2:
            title = say("The year ahead, if sales go on as the figures point")
        measure = f"GMV in {self.report.horizon.label}, {self.report.currency}, with the band of four chances in five"
        subtitle = f"{measure}; in brackets how probable we hold each"
        return Figure("outlook_scenarios", title, subtitle, charts.bands(data), data)

    @staticmethod
    def _branch(outcome: Outcome) -> Sentence:
        """A scenario with its weight and the date from which it differs from the base."""
        return phrase("{scenario.name} ({weight}){since}", outcome, since=maybe(", from {starts}", outcome))

    def table(self) -> Table:
        rows = [
            (
                o.scenario.name,
                phrase("{means}", o.scenario),
                o.weight,
                o.starts.label if o.starts else "–",
                o.ahead.median,
                o.ahead.median - self.base.ahead.median if o is not self.base else "–",
                o.chance if not self.report.year_is_over else "–",
            )
            for o in self.outcomes
        ]
        columns = [
            "Scenario",
            "What happens",
            "Probability",
            "From",
            self.report.horizon.short,
            "Against the base",
            "Chance of the target",
        ]
        data = pd.DataFrame(rows, columns=columns)
        if self.report.year_is_over:
            data = data.drop(columns="Chance of the target")
        return Table("outlook_scenarios_compared", say("The scenarios compared"), data)

    def levers_chart(self) -> Figure:
        title = say("What would move the year ahead{most}", most=most(self.levers))
        subtitle = (
            f"GMV in {self.report.horizon.label}, {self.report.currency}, with one assumption at a time at either end"
        )
        base = self.base.ahead.median if self.base else Quantity.unknown("an estimate")
        chart = charts.tornado(self.levers, base) if self.base else None
        return Figure("outlook_levers", title, subtitle, chart, self.levers)

    def assumptions_table(self) -> Table:
        report = self.report
        rows = [
            (lever.means, *(report.assumption(name, end) for end in SETTINGS), lever.reason)
            for name, lever in report.ledger.assumptions.levers.items()
        ]
        columns = ["Assumption", "Low", "Base", "High", "Why"]
        return Table(
            "outlook_assumptions",
            say("Every assumption of this report, with its range and reason"),
            pd.DataFrame(rows, columns=columns),
            reference=True,
        )


def all_scenarios(report: Report) -> Scenarios:
    """All scenarios of the ledger, and the levers that move them."""
    told = outcomes(report)
    weighted = expected([(outcome.weight, outcome.ahead.median) for outcome in told])
    return Scenarios(report, told, weighted, sensitivity(report))
