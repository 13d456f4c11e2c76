"""United States: the largest single target, how far it is away, and what new rules ask of its sellers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, against_pace, against_target, listing, maybe, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

BEFORE, AFTER = Span.parse("2024-07-09"), Span.parse("2024-07-10")  # the new-shop rule took effect in between
UNSHARED, SHARED = Span.parse("2024-08-25"), Span.parse("2024-08-26")  # so did the sharing of shipping costs
CONTEST = Span.parse("2024-07..2024-08")
MARKET = "US"


@dataclass(frozen=True)
class Rule:
    """One line of a rule before and after its change; `harder` says whether it asks more of a new shop."""

    label: str
    before: Quantity
    after: Quantity
    harder: bool

    @property
    def effect(self) -> str:
        if not (self.before and self.after):
            return "not published"
        return "harder" if self.harder else "unchanged" if self.before.value == self.after.value else "easier"


@dataclass(frozen=True)
class UnitedStates:
    """What is known of the platform in the United States by the report's date.

    Attributes
    ----------
    pace : Pace
    prior_year : Quantity
        GMV of the year before that the target's multiple implies, money.
    month : Reading or None
        The last month with a published figure.
    before_month : Quantity
        Monthly mean of the months before it, implied by the figure to date.
    to_month, growth : Quantity
        The required run-rate as a multiple of that month, and that month against the mean before it.
    rules : list of Rule
        The lines of the new-shop rule.
    daily : list of (Quantity, Rule)
        The orders a day that the rule comes to, for each period that a source gives for the old rule.
    shipping_before, shipping_after : Quantity
        What a seller earns on shipping an order, money an order.
    contest_cost, contest_required, ranking_cost, ranking_share : Quantity
        Prizes of the two livestream programmes: money in all, and as a share of GMV.
    """

    report: Report
    pace: Pace
    prior_year: Quantity
    month: Reading | None
    before_month: Quantity
    to_month: Quantity
    growth: Quantity
    rules: list[Rule]
    daily: list[tuple[Quantity, Rule]]
    shipping_before: Quantity
    shipping_after: Quantity
    contest_cost: Quantity
    contest_share: Quantity
    ranking_cost: Quantity
    ranking_share: Quantity

    @property
    def headline(self) -> Sentence:
        p, year = self.pace, self.report.year
        if not p.target:
            return say("No target for the US in {year} is on record", year=year)
        if self.report.year_is_over and p.reading:
            verb = against_target(p.reached, p.target)
            return say("The US {verb} its {target} target for {year}: it reached {share}",
                       verb=verb, target=p.target, year=year, share=p.attained)  # fmt: skip
        return say(
            "The US reached {share} of its target in {span}; the rest of {year} needs {stretch} that pace",
            share=p.attained, span=p.reading.span if p.reading else "", year=year, stretch=p.stretch,
        ) or say(
            "The US has a target of {target} for {year}, and no published figure yet to hold it against",
            target=p.target, year=year,
        )  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        p, report, month = self.pace, self.report, self.month
        span = p.reading.span if p.reading else ""
        over = report.year_is_over
        return [
            say("The target for {year} is {target}, {multiple} the GMV of the year before, which implies {base} for {last}.",
                year=report.year, target=p.target, multiple=report.fact(MARKET, "target_multiple_of_prior_year", report.year),
                base=self.prior_year, last=Span.months_of(report.year.end.year - 1, 1, 12)),
            say("GMV in {span} was {gmv}, {share} of the target and {gap} short of it.",
                span=span if over else "", gmv=p.reached, share=p.attained, gap=p.gap if p.gap > 0 else "")
            or say("GMV in {span} was {gmv}, {share} of the target; an even pace would have been {even}, so the US was {where} it.",
                   span=span, gmv=p.reached, share=p.attained, even=p.even,
                   where=against_pace(p.attained, p.even) if p.attained else "")
            or say("GMV in {span} was {gmv}.", span=span, gmv=p.reached)
            or say("By {day} no GMV of the US for {year} had been published.", day=report.as_of_label, year=report.year),
            say("To reach the target, {rest} needs {required} a month on average, {stretch} the mean so far{and_month}.",
                rest=p.rest or "", required=p.required.amount, stretch=p.stretch,
                and_month=maybe(" and {multiple} {month}", multiple=self.to_month, month=month.span if month else "")),
            say("{month} alone brought {gmv}, {multiple} the mean of the months before it ({mean}).",
                month=month.span if month else "", gmv=month.gmv if month else "", multiple=self.growth, mean=self.before_month)
            or say("The last single month with a published figure is {month}, with {gmv}.",
                   month=month.span if month else "", gmv=month.gmv if month else ""),
            self._rules_sentence(),
            self._daily_sentence(),
            say("Sharing the cost of shipping turned a seller’s result on shipping from {before} into {after}, "
                "by that seller’s account.",
                before=self.shipping_before, after=self.shipping_after),
            say("The two livestream prize programmes pay {contest} and {ranking} in all: at most {share} of the GMV that the "
                "first one asks for, and {of_month} of the GMV of {month} for the second.",
                contest=self.contest_cost, ranking=self.ranking_cost, share=self.contest_share,
                of_month=self.ranking_share, month=month.span if month else ""),
        ]  # fmt: skip

    def _rules_sentence(self) -> Sentence:
        def lines(effect: str) -> Sentence:
            return listing([phrase("{label} ({before} to {after})", label=r.label.lower(), before=r.before, after=r.after)
                            for r in self.rules if r.effect == effect])  # fmt: skip

        return say("The new-shop rule from {day} eased {easier}, but tightened {harder}.",
                   day=AFTER, easier=lines("easier"), harder=lines("harder"))  # fmt: skip

    def _daily_sentence(self) -> Sentence:
        parts = [phrase("{before} under the {days} that one source gives for the old rule", before=rate.before, days=days)
                 for days, rate in self.daily]  # fmt: skip
        after = self.daily[0][1].after if self.daily else ""
        return say("It now asks for {after}; before, it was {parts}.", after=after, parts=listing(parts, "or"))

    @property
    def _all_rules(self) -> list[Rule]:
        return self.rules + [rule for _, rule in self.daily]

    def pace_chart(self) -> Figure:
        p, month = self.pace, self.month
        rows = [("Needed, rest of year", p.required, True), ("Mean so far", p.achieved, False)]
        if month:
            rows += [(month.span.short, month.monthly, False), (f"Mean before {month.span.short}", self.before_month, False)]
        if self.report.year_is_over and p.reading:
            rows[0] = ("Needed on average", p.target / Quantity.counted(12, "month"), True)
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = (
            say("The US needs {stretch} its pace so far", stretch=p.stretch)
            or p.target and say("The US sold {verb} each month than its target asked for",
                   verb=than(p.reached, p.target, "more", "less", "no less") if p.reached else "")
            or say("No pace to a target can be told for the US")
        )  # fmt: skip
        return Figure("us_pace", title, f"GMV a month, {self.report.currency}, {self.report.year.label}", charts.bars(data), data)

    def attainment_chart(self) -> Figure:
        p = self.pace
        rows = [("United States", p.attained, p.even, p.target.text, p.reading.span.short if p.reading else "")]
        data = pd.DataFrame(rows, columns=["label", "reached", "pace", "target", "span"]).assign(pace_note="even pace")
        title = say("The US is {where} an even pace", where=against_pace(p.attained, p.even) if p.attained else "") or say(
            "Attainment of the US target is not known"
        )
        if self.report.year_is_over and p.attained:
            title = say("The US {verb} its target", verb=against_target(p.reached, p.target))
        period = p.reading.span.label if p.reading else self.report.year.label
        return Figure("us_attainment", title, f"Share of the target for {self.report.year.label} reached, {period}",
                      charts.bullets(data), data)  # fmt: skip

    def rules_chart(self) -> Figure:
        data = pd.DataFrame([(r.label, r.before, r.after) for r in self._all_rules], columns=["label", "before", "after"])
        known = [r for r in self._all_rules if r.before and r.after]
        harder = Quantity.counted(sum(r.effect == "harder" for r in known), "line")
        title = say("New shops: {harder} of the rule became harder", harder=harder if known and harder > 0 else "") or say(
            "New shops: no line of the rule became harder" if known else "New-shop rules")  # fmt: skip
        subtitle = f"Before (grey) and from {AFTER.label} on (blue); each line on its own scale"
        return Figure("us_new_shop_rules_chart", title, subtitle, charts.changes(data), data)

    def rules_table(self) -> Table:
        rows = [(r.label, r.before, r.after, r.effect) for r in self._all_rules if r.before or r.after]
        data = pd.DataFrame(rows, columns=["What a new shop must do", f"Until {BEFORE.label}", f"From {AFTER.label}", "It got"])
        return Table("us_new_shop_rules", say("What the new-shop rule asks, before and after"), data)

    def costs_table(self) -> Table:
        fact, report = self.report.fact, self.report
        fees = [(f"Referral fee, {row['span'].short}", report.quantity(row), "share of the order value")
                for _, row in report.rows(MARKET, "referral_fee").sort_values("start").iterrows()]  # fmt: skip
        rows = [
            *fees,
            ("Seller’s result on shipping before cost sharing", self.shipping_before, "one seller’s account"),
            ("Seller’s result on shipping since", self.shipping_after, "one seller’s account"),
            ("Order value from which shipping is free", fact(MARKET, "free_shipping_threshold", SHARED), "for the buyer"),
            ("Best-livestream contest, all prizes", self.contest_cost, "if every prize is won"),
            ("… for each dollar of GMV it asks for", self.contest_share, "at most: a stream may sell more"),
            ("Livestream ranking, all prizes", self.ranking_cost, "no GMV threshold is published"),
            ("… for each dollar of the month’s GMV", self.ranking_share, self.month.span.label if self.month else ""),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["What", "Amount", "Remark"])
        return Table("us_seller_costs", say("What selling costs, and what the platform pays for growth"), data)


def review(report: Report) -> UnitedStates:
    """Everything the chapter says, from the facts of the report's view."""
    fact = report.fact
    p, month = pace(report, MARKET), report.latest_month(MARKET)
    nothing = Quantity.unknown("GMV of a single month")
    before_month = growth = to_month = nothing
    if month:
        to_month = p.required / month.monthly if p.rest else nothing
        if p.reading and p.reading.span.end == month.span.end and (p.reading.span.months or 0) > 1:
            months = Quantity.counted(p.reading.span.months - 1, "month")
            before_month = (p.reading.gmv - month.gmv) / months
            growth = month.monthly / before_month
    prizes = {
        name: fact(MARKET, f"live_contest_{name}_winners", CONTEST) * fact(MARKET, f"live_contest_{name}_prize", CONTEST)
        for name in ("top5", "top50")
    }
    asked = fact(MARKET, "live_contest_top5_gmv_required", CONTEST)
    return UnitedStates(
        report=report,
        pace=p,
        prior_year=p.target / fact(MARKET, "target_multiple_of_prior_year", report.year),
        month=month,
        before_month=before_month,
        to_month=to_month,
        growth=growth,
        rules=new_shop_rules(report),
        daily=orders_a_day(report),
        shipping_before=fact(MARKET, "seller_shipping_margin_per_order", UNSHARED),
        shipping_after=fact(MARKET, "seller_shipping_margin_per_order", SHARED),
        contest_cost=prizes["top5"],
        contest_share=(fact(MARKET, "live_contest_top5_prize", CONTEST) / asked).percent(),
        ranking_cost=prizes["top50"],
        ranking_share=(prizes["top50"] / month.gmv).percent() if month else nothing,
    )


def new_shop_rules(report: Report) -> list[Rule]:
    """The new-shop rule line by line, before and after."""
    return [
        # A lower limit on negative reviews is harder to keep; the other lines are easier when they ask for less.
        _rule("Orders to complete", *_pair(report, "new_shop_orders_required"), more_is_harder=True),
        _rule("Days before the review", *_pair(report, "new_shop_minimum_days"), more_is_harder=True),
        _rule("Negative reviews allowed", *_pair(report, "new_shop_negative_review_rate_max"), more_is_harder=False),
    ]


def orders_a_day(report: Report) -> list[tuple[Quantity, Rule]]:
    """What the rule asks for a day, under each length that a source gives for the review period before the change."""
    orders, days = _pair(report, "new_shop_orders_required"), _pair(report, "new_shop_minimum_days")
    stated = [report.quantity(row) for _, row in report.rows(MARKET, "new_shop_minimum_days", within=BEFORE).iterrows()]
    return [
        (earlier, _rule(f"Orders a day, if {earlier} before", orders[0] / earlier, orders[1] / days[1], more_is_harder=True))
        for earlier in stated
    ]


def _pair(report: Report, metric: str) -> tuple[Quantity, Quantity]:
    return report.fact(MARKET, metric, BEFORE), report.fact(MARKET, metric, AFTER)


def _rule(label: str, before: Quantity, after: Quantity, more_is_harder: bool) -> Rule:
    changed = bool(before and after) and before.value != after.value
    return Rule(label, before, after, harder=changed and (after > before) == more_is_harder)
