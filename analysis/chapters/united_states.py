"""United States: the largest single target, how far it is away, and what new rules ask of its sellers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.estimates import Band, estimates
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, frequency, listing, maybe, odds, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

BEFORE, AFTER = Span.parse("2024-07-09"), Span.parse("2024-07-10")  # the new-shop rule took effect in between
UNSHARED, SHARED = Span.parse("2024-08-25"), Span.parse("2024-08-26")  # so did the sharing of shipping costs
CONTEST = Span.parse("2024-07..2024-08")
MARKET = "US"


@dataclass(frozen=True)
class Rule:
    """One line of a rule for new shops, before and after its change."""

    label: str
    before: Quantity
    after: Quantity
    more_is_harder: bool = True

    @property
    def effect(self) -> str:
        """What the change did to a new shop."""
        if not (self.before and self.after):
            return "not published"
        if self.before.value == self.after.value:
            return "unchanged"
        return "harder" if (self.after > self.before) == self.more_is_harder else "easier"


@dataclass(frozen=True)
class UnitedStates:
    """What is known of the platform in the United States by the report's date.

    Attributes
    ----------
    report : Report
    pace : Pace
    multiple, prior_year : Quantity
        The target as a multiple of the GMV of the year before, and the GMV that this implies, money.
    month : Reading or None
        The last month with a published figure.
    before_month : Quantity
        Mean of the months before it, implied by the figure to date, money a month.
    to_month, growth : Quantity
        The required run-rate as a multiple of that month, and that month against the mean before it.
    rules : list of Rule
        The lines of the new-shop rule.
    daily : list of (Quantity, Rule)
        The orders a day that the rule comes to, for each period that a source gives for the old rule.
    expected, nowcast : Band
        What the market model makes of the whole year, and of the quarter, money.
    chance : Quantity
        Probability that the target is reached, per cent.
    required : Band
        Growth a month after the quarter that would meet the target, per cent.
    shipping_before, shipping_after : Quantity
        What a seller earns on shipping an order, money an order.
    contest_cost, contest_share, ranking_cost, ranking_share : Quantity
        Prizes of the two livestream programmes: money in all, and as a share of GMV.
    """

    report: Report
    pace: Pace
    multiple: Quantity
    prior_year: Quantity
    month: Reading | None
    before_month: Quantity
    to_month: Quantity
    growth: Quantity
    rules: list[Rule]
    daily: list[tuple[Quantity, Rule]]
    expected: Band
    chance: Quantity
    required: Band
    nowcast: Band
    shipping_before: Quantity
    shipping_after: Quantity
    contest_cost: Quantity
    contest_share: Quantity
    ranking_cost: Quantity
    ranking_share: Quantity

    @property
    def odds(self) -> str:
        return odds(self.chance)

    @property
    def headline(self) -> Sentence:
        return (
            say("The US {pace.verdict} its {pace.target} target for {report.year}: it reached {pace.attained}", self)
            or say(
                "The US reached {pace.attained} of its target in {pace.reading.span}; "
                "the rest of {report.year} needs {pace.stretch} that pace",
                self,
            )
            or say(
                "The US has a target of {pace.target} for {report.year}, "
                "and no published figure yet to hold it against",
                self,
            )
            or say("No target for the US in {report.year} is on record", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [
            say(
                "The target for {report.year} is {pace.target}, {multiple} the GMV of the year before, "
                "which implies {prior_year} for {last}.",
                self,
                last=self.report.year.year_earlier(),
            ),
            self._reached_sentence(),
            say(
                "To reach the target, {pace.rest} needs {pace.required.amount} a month on average, "
                "{pace.stretch} the mean so far{and_month}.",
                self,
                and_month=maybe(" and {to_month} {month.span}", self),
            ),
            say(
                "{month.span} alone brought {month.gmv}, {growth} the mean of the months before it ({before_month}).",
                self,
            )
            or say("The last single month with a published figure is {month.span}, with {month.gmv}.", self),
            self._expected_sentence(),
            self._rules_sentence(),
            self._daily_sentence(),
            say(
                "Sharing the cost of shipping turned a seller’s result on shipping "
                "from {shipping_before} into {shipping_after}, by that seller’s account.",
                self,
            ),
            say(
                "The two livestream prize programmes pay {contest_cost} and {ranking_cost} in all: at most "
                "{contest_share} of the GMV that the first one asks for, "
                "and {ranking_share} of the GMV of {month.span} for the second.",
                self,
            ),
        ]

    def _reached_sentence(self) -> Sentence:
        p = self.pace
        if p.verdict == "fell short of":
            return say("GMV in {reading.span} was {reached}, {attained} of the target and {gap} short of it.", p)
        return (
            say(
                "GMV in {reading.span} was {reached}, {attained} of the target; "
                "an even pace would have been {even}, so the US was {standing} it.",
                p,
            )
            or say("GMV in {reading.span} was {reached}.", p)
            or say("By {report.as_of_label} no GMV of the US for {report.year} had been published.", self)
        )

    def _expected_sentence(self) -> Sentence:
        if self.pace.verdict:
            return Sentence()
        told = say(
            "All published figures together point to {expected.median} for {report.year} ({expected.low} to "
            "{expected.high}): the US {odds} reach its target, which it meets in {frequency} simulated years.",
            self,
            frequency=frequency(self.chance),
        ) or say(
            "All published figures together point to {expected.median} for {report.year} ({expected.low} to "
            "{expected.high}).",
            self,
        )
        return told + say(
            "It would take growth of {required.median} in every month left ({required.low} to {required.high}).", self
        )

    def _rules_sentence(self) -> Sentence:
        def lines(effect: str) -> Sentence:
            rules = [rule for rule in self.rules if rule.effect == effect]
            return listing([phrase("{label} ({before} to {after})", r, label=r.label.lower()) for r in rules])

        return say(
            "The new-shop rule from {day} eased {easier}, but tightened {harder}.",
            day=AFTER,
            easier=lines("easier"),
            harder=lines("harder"),
        )

    def _daily_sentence(self) -> Sentence:
        old = "{before} under the {days} that one source gives for the old rule"
        parts = listing([phrase(old, rule, days=days) for days, rule in self.daily], "or")
        after = self.daily[0][1].after if self.daily else None
        return say("It now asks for {after}; before, it was {parts}.", after=after, parts=parts)

    @property
    def _all_rules(self) -> list[Rule]:
        return self.rules + [rule for _, rule in self.daily]

    def pace_chart(self) -> Figure:
        p, month = self.pace, self.month
        rows = [("Needed, rest of year", p.required, True), ("Mean so far", p.achieved, False)]
        if p.verdict:
            rows[0] = ("Needed on average", p.target / Quantity.counted(12, "month"), True)
        if month:
            rows.append((month.span.short, month.monthly, False))
            rows.append((f"Mean before {month.span.short}", self.before_month, False))
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The US needs {pace.stretch} its pace so far", self)
        if not title and p.target and p.reached:
            verb = than(p.reached, p.target, "more", "less", "no less")
            title = say("The US sold {verb} each month than its target asked for", verb=verb)
        title = title or say("No pace to a target can be told for the US")
        subtitle = f"GMV a month, {self.report.currency}, {self.report.year.label}"
        return Figure("us_pace", title, subtitle, charts.bars(data), data)

    def estimate_chart(self) -> Figure:
        rows = [(self.report.quarter.short, *self.nowcast), (self.report.year.label, *self.expected)]
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("{report.quarter} is put at {nowcast.median}", self) or say("What the figures point to")
        subtitle = f"Estimated GMV in the US, {self.report.currency}, with the band of four chances in five"
        return Figure("us_estimate", title, subtitle, charts.bands(data), data)

    def attainment_chart(self) -> Figure:
        p = self.pace
        span = p.reading.span if p.reading else None
        row = ("United States", p.attained, p.even, p.target.text, span.short if span else "", "even pace")
        data = pd.DataFrame([row], columns=["label", "reached", "pace", "target", "span", "pace_note"])
        title = (
            say("The US {verdict} its target", p)
            or say("The US is {standing} an even pace", p)
            or say("Attainment of the US target is not known")
        )
        year = self.report.year
        subtitle = f"Share of the target for {year.label} reached, {(span or year).label}"
        return Figure("us_attainment", title, subtitle, charts.bullets(data), data)

    def rules_chart(self) -> Figure:
        rows = [(r.label, r.before, r.after) for r in self._all_rules]
        data = pd.DataFrame(rows, columns=["label", "before", "after"])
        effects = {r.effect for r in self.rules}
        title = say("New-shop rules")
        if "harder" in effects:
            harder = Quantity.counted(sum(r.effect == "harder" for r in self.rules), "line")
            title = say("New shops: {harder} of the rule became harder", harder=harder)
        elif effects - {"not published"}:
            title = say("New shops: no line of the rule became harder")
        subtitle = f"Before (grey) and from {AFTER.label} on (blue); each line on its own scale"
        return Figure("us_new_shop_rules_chart", title, subtitle, charts.changes(data), data)

    def rules_table(self) -> Table:
        rows = [(r.label, r.before, r.after, r.effect) for r in self._all_rules if r.before or r.after]
        columns = ["What a new shop must do", f"Until {BEFORE.label}", f"From {AFTER.label}", "It got"]
        data = pd.DataFrame(rows, columns=columns)
        return Table("us_new_shop_rules", say("What the new-shop rule asks, before and after"), data)

    def costs_table(self) -> Table:
        report = self.report
        fees = report.rows(MARKET, "referral_fee").sort_values("start")
        free_from = report.fact(MARKET, "free_shipping_threshold", SHARED)
        month = self.month.span.label if self.month else ""
        rows = [
            (f"Referral fee, {fee['span'].short}", report.quantity(fee), "share of the order value")
            for _, fee in fees.iterrows()
        ]
        rows += [
            ("Seller’s result on shipping before cost sharing", self.shipping_before, "one seller’s account"),
            ("Seller’s result on shipping since", self.shipping_after, "one seller’s account"),
            ("Order value from which shipping is free", free_from, "for the buyer"),
            ("Best-livestream contest, all prizes", self.contest_cost, "if every prize is won"),
            ("… for each dollar of GMV it asks for", self.contest_share, "at most: a stream may sell more"),
            ("Livestream ranking, all prizes", self.ranking_cost, "no GMV threshold is published"),
            ("… for each dollar of the month’s GMV", self.ranking_share, month),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["What", "Amount", "Remark"])
        return Table("us_seller_costs", say("What selling costs, and what the platform pays for growth"), data)


def review(report: Report) -> UnitedStates:
    """Everything the chapter says, from the facts of the report's view."""

    def contest(what: str) -> Quantity:
        return report.fact(MARKET, f"live_contest_{what}", CONTEST)

    p, month, model = pace(report, MARKET), report.latest_month(MARKET), estimates(report)
    nothing = Quantity.unknown("GMV of a single month")
    multiple = report.fact(MARKET, "target_multiple_of_prior_year", report.year)
    before_month = _mean_before(p, month) if month else nothing
    ranking_cost = contest("top50_winners") * contest("top50_prize")
    return UnitedStates(
        report=report,
        pace=p,
        multiple=multiple,
        prior_year=p.target / multiple,
        month=month,
        before_month=before_month,
        to_month=p.required / month.monthly if month else nothing,
        growth=month.monthly / before_month if month else nothing,
        rules=_new_shop_rules(report),
        daily=_orders_a_day(report),
        expected=model.gmv(MARKET, report.year),
        chance=model.chance(MARKET, p.target),
        required=model.required_growth(MARKET, p.target),
        nowcast=model.gmv(MARKET, report.quarter),
        shipping_before=report.fact(MARKET, "seller_shipping_margin_per_order", UNSHARED),
        shipping_after=report.fact(MARKET, "seller_shipping_margin_per_order", SHARED),
        contest_cost=contest("top5_winners") * contest("top5_prize"),
        contest_share=(contest("top5_prize") / contest("top5_gmv_required")).percent(),
        ranking_cost=ranking_cost,
        ranking_share=(ranking_cost / month.gmv).percent() if month else nothing,
    )


def _mean_before(p: Pace, month: Reading) -> Quantity:
    """Mean GMV of the months before one, where the figure to date ends with it."""
    to_date = p.reading
    if not (to_date and to_date.span.end == month.span.end and (to_date.span.months or 0) > 1):
        return Quantity.unknown("GMV up to a single month")
    return (to_date.gmv - month.gmv) / Quantity.counted(to_date.span.months - 1, "month")


def _new_shop_rules(report: Report) -> list[Rule]:
    """The new-shop rule line by line; a lower limit on negative reviews is harder to keep."""
    return [
        Rule("Orders to complete", *_change(report, "new_shop_orders_required")),
        Rule("Days before the review", *_change(report, "new_shop_minimum_days")),
        Rule("Negative reviews allowed", *_change(report, "new_shop_negative_review_rate_max"), more_is_harder=False),
    ]


def _orders_a_day(report: Report) -> list[tuple[Quantity, Rule]]:
    """What the rule asks for a day, under each length that a source gives for the review period before the change."""
    orders_before, orders = _change(report, "new_shop_orders_required")
    _, days = _change(report, "new_shop_minimum_days")
    stated = report.rows(MARKET, "new_shop_minimum_days", within=BEFORE)
    lengths = [report.quantity(row) for _, row in stated.iterrows()]
    return [
        (length, Rule(f"Orders a day, if {length} before", orders_before / length, orders / days)) for length in lengths
    ]


def _change(report: Report, metric: str) -> tuple[Quantity, Quantity]:
    return report.fact(MARKET, metric, BEFORE), report.fact(MARKET, metric, AFTER)
