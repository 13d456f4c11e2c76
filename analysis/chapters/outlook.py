"""Ban risk and outlook: the year as far as it can be seen, what other futures would cost, and what hangs on the US."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.assumptions import SETTINGS
from analysis.estimates import Band, estimates
from analysis.outcomes import Outcome, expected, outcomes, sensitivity
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, frequency, maybe, phrase, say
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span
from analysis.track_record import earlier_quarters, score, track_record


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
    law : DataFrame
        Events of the divest-or-ban law, oldest first.
    deadline : Span or None
        Day from which the law bans the platform, where it is still ahead.
    days_to_deadline : Quantity
        Days from the report's date to it.
    expected, growth : Band
        What the market model makes of the whole year, money; growth a month that would meet the target, per cent.
    path : list of (Span, Band)
        GMV from 1 January to the end of each month, money.
    scenarios : list of Outcome
        What can be told of other futures, the base first; none if the model knows too little.
    weighted : Quantity
        GMV of the twelve months after the quarter, as the mean of the scenarios by their probabilities, money.
    levers : DataFrame
        The same in the base with one lever at a time at either end, as `sensitivity` gives it.
    record : DataFrame
        Forecasts of earlier quarters against what was published later, as `track_record` gives it.
    """

    report: Report
    world: Pace
    us: Pace
    us_share: Quantity
    us_target_share: Quantity
    rest_required: Quantity
    rest_achieved: Quantity
    rest_stretch: Quantity
    law: pd.DataFrame
    deadline: Span | None
    days_to_deadline: Quantity
    expected: Band
    growth: Band
    path: list[tuple[Span, Band]]
    scenarios: list[Outcome]
    weighted: Quantity
    levers: pd.DataFrame
    record: pd.DataFrame

    @property
    def base(self) -> Outcome | None:
        return self.scenarios[0] if self.scenarios else None

    @property
    def ban(self) -> Outcome | None:
        """The scenario of a ban in the US, once a law is public."""
        return next((o for o in self.scenarios if "us_ban_loss" in o.scenario.settings), None)

    @property
    def costliest(self) -> Outcome | None:
        """The scenario with the least GMV ahead."""
        return min(self.scenarios, key=lambda outcome: outcome.ahead.median.value, default=None)

    def cost(self, outcome: Outcome) -> Quantity:
        """GMV of the twelve months after the quarter that a scenario costs against the base, money."""
        return self.base.ahead.median - outcome.ahead.median

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
            self._ban_sentence(),
        ]

    def _ban_sentence(self) -> Sentence:
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
    def scenario_sentences(self) -> list[Sentence]:
        """The scenarios together: their mean, the worst of them, and what they make of the target."""
        if len(self.scenarios) < 2:
            return []
        told = Quantity.counted(len(self.scenarios), "scenario")
        by_chance = sorted((o for o in self.scenarios if o.chance), key=lambda outcome: outcome.chance.value)
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

    @property
    def law_sentences(self) -> list[Sentence]:
        """Where the law that would ban the platform stands."""
        past = self.law[self.law["start"] <= self.report.as_of]
        steps = [phrase("{event} ({day})", event=_lower_first(step.event), day=step.span) for step in past.itertuples()]
        return [
            say(
                "The last step of the law that would ban the platform unless it is sold: {step}.",
                step=steps[-1] if steps else None,
            ),
            say("The next date is {deadline}, {days_to_deadline} after that of this report.", self),
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

    @property
    def record_sentences(self) -> list[Sentence]:
        """How earlier forecasts did, with the smallness of the sample."""
        record = self.record
        if record.empty:
            return [say("No earlier forecast can be scored yet: nothing has been published since about its year.")]
        world, counted = record[record["market"] == "Global"], Quantity.counted
        above = int((world["median"] > world["published"]).sum())
        return [
            say(
                "Of {forecasts} of a year, made in earlier quarters, {inside} held the figure published later in their "
                "band; {expected} should. They are few, and those of one year are not independent.",
                forecasts=counted(len(record), "forecast", "markets times quarters"),
                inside=counted(int(record["inside"].sum()), "", "figures inside the band"),
                expected=counted(round(0.8 * len(record)), "", "four fifths of the forecasts"),
            ),
            _score_sentence("all markets", record),
            _score_sentence("the world", world) if len(world) < len(record) else Sentence(),
            say(
                "Of those for the world, {above} of {all} stood above the figure that came.",
                above=counted(above, "", "medians above the figure") if len(world) else None,
                all=counted(len(world), "forecast"),
            ),
        ]

    def fan_chart(self) -> Figure:
        rows = [(span.end, band.median, band.low, band.high) for span, band in self.path if band]
        data = pd.DataFrame(rows, columns=["day", "median", "low", "high"])
        reading = self.world.reading
        published = (reading.span.end, reading.gmv) if reading else None
        title = say("{expected.low} to {expected.high} by the year’s end", self) or say("Path to the year’s end")
        subtitle = f"GMV since 1 January, {self.report.currency}: estimate, with the band of four chances in five"
        return Figure("outlook_fan", title, subtitle, charts.fan(data, self.world.target, published), data)

    def scenarios_chart(self) -> Figure:
        rows = [(self._branch(o).text, *o.ahead) for o in self.scenarios]
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

    def scenarios_table(self) -> Table:
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
            for o in self.scenarios
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
        title = (
            say("What would move the year ahead most: {widest}", widest=self.levers["label"].iloc[0])
            if len(self.levers)
            else say("What would move the year ahead")
        )
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

    def record_table(self) -> Table:
        convert, call = self.report.convert, self.report.call
        rows = [
            (
                r.quarter,
                call(r.market),
                *(
                    convert(Quantity(v, "USD", f"forecast of {r.quarter}, {what}"), Span.parse(r.year))
                    for v, what in ((r.median, "median"), (r.p10, "10th percentile"), (r.p90, "90th percentile"))
                ),
                self.report.by_id(r.fact),
                "yes" if r.inside else "no",
            )
            for r in self.record.itertuples()
        ]
        columns = ["Made in", "Of", "Forecast", "Low", "High", "Published later", "Inside"]
        title = say("Earlier forecasts of the year, and what came")
        return Table("outlook_track_record", title, pd.DataFrame(rows, columns=columns), reference=len(rows) > 12)

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

    def law_chart(self) -> Figure:
        data = pd.DataFrame({"day": self.law["start"], "label": self.law["event"], "source": self.law["source"]})
        title = say("The divest-or-ban law")
        if len(data) > 1:
            days = (data["day"].iloc[-1] - data["day"].iloc[0]).days
            title = say(
                "{days} from the first vote to the last date on record",
                days=Quantity.counted(days, "day", "first to last event"),
            )
        subtitle = "Events that were public by the report’s date"
        return Figure("outlook_law", title, subtitle, charts.timeline(data), data)

    def events_table(self) -> Table:
        kinds = "law", "closure", "reopening", "merger", "launch", "rule", "fee"
        events = self.report.ledger.events_of(self.report.platform, *kinds)
        recent = events[events["start"] >= self.report.year.start]
        rows = [(e.span.short, self.report.call(e.market), e.event, e.source) for e in recent.itertuples()]
        data = pd.DataFrame(rows, columns=["When", "Where", "What", "Source"])
        return Table("outlook_events", say("What happened in {report.year}", self), data)


def review(report: Report) -> Outlook:
    """Everything the chapter says, from the facts of the report's view."""
    world, us = pace(report, "Global"), pace(report, "US")
    unknown = Quantity.unknown("GMV of the US, or a deadline")
    law = report.ledger.events_of(report.platform, "law")
    ahead = law[law["start"] > report.as_of]
    deadline = ahead.iloc[0]["span"] if len(ahead) else None
    days = unknown
    if deadline:
        days = Quantity.counted((deadline.start - report.as_of).days, "day", f"from {report.as_of_label.label}")
    required, achieved = _without_us(world, us)
    model, scenarios = estimates(report), outcomes(report)
    return Outlook(
        report=report,
        world=world,
        us=us,
        us_share=(us.reached / report.gmv("Global", us.reading.span)).percent() if us.reading else unknown,
        us_target_share=(us.target / world.target).percent(),
        rest_required=required,
        rest_achieved=achieved,
        rest_stretch=required / achieved,
        law=law,
        deadline=deadline,
        days_to_deadline=days,
        expected=model.gmv("Global", report.year),
        growth=model.required_growth("Global", world.target),
        path=model.cumulative,
        scenarios=scenarios,
        weighted=expected([(o.weight, o.ahead.median) for o in scenarios]),
        levers=sensitivity(report),
        record=track_record(report.ledger, report.platform, earlier_quarters(report.quarter)),
    )


def _score_sentence(what: str, record: pd.DataFrame) -> Sentence:
    """Mean interval scores of the model and the two baselines, and where the model went wrong if one was closer."""
    compared = record.dropna(subset="run_rate_score")
    if compared.empty:
        return Sentence()
    scored = score(compared)
    figures = {"a straight line": scored.run_rate, "last year’s seasons": scored.seasonal}
    closer = [name for name, value in figures.items() if value < scored.model]
    means = [
        Quantity.counted(round(value, 2), "", "mean interval score") for value in (scored.model, *figures.values())
    ]
    above = (compared["median"] > compared["published"]).mean() > 0.5
    told = say(
        "By the interval score (less is better) the model has {model} for {forecasts} of {what} that a baseline can be "
        "made for, a straight line {line}, last year’s seasonal path {season}.",
        what=what,
        forecasts=Quantity.counted(len(compared), "forecast", "with a figure of the year to start from"),
        **dict(zip(("model", "line", "season"), means, strict=True)),
    )
    return told + say(
        "So {closer} did better; most of the model’s medians were too {side}.",
        closer=" and ".join(closer),
        side="high: it lets young markets grow on as others did, and brakes too late" if above else "low",
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


def _lower_first(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
