"""The rule for new shops: what got easier, what got harder, and what it comes to by the day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story.prose import Sentence, listing, maybe, phrase, say
from analysis.story.show import Table

from .rulebook import MARKET, change, day_of_change, in_force, latest


@dataclass(frozen=True)
class Rule:
    """One line of the rule, before and after its change."""

    label: str | Sentence
    before: Quantity
    after: Quantity
    more_is_harder: bool = True

    @property
    def effect(self) -> str:
        """What the change did to a new shop."""
        if not (self.before and self.after):
            return "not published"
        if math.isclose(self.before.value, self.after.value):
            return "unchanged"
        return "harder" if (self.after > self.before) == self.more_is_harder else "easier"

    @property
    def change(self) -> Quantity:
        """Growth of what is asked for, per cent."""
        return (self.after / self.before).growth()


@dataclass(frozen=True)
class NewShops:
    """The rule for new shops before and after its last change.

    Attributes
    ----------
    report : Report
    order : Quantity
        Order value that the sentences speak of, money an order.
    day : Span or None
        Day from which the new rule holds.
    lines : list of Rule
        Orders to complete before the review, days before it, and the share of negative reviews allowed.
    daily : list of (Quantity, Rule)
        The orders a day that the rule comes to, for each period that a source gives for the old rule.
    observed, cap : Quantity
        Days of observation after the review; orders a day that a new shop may take at first.
    domestic_day : Span or None
        Day from which domestic shops have a rule of their own.
    domestic_days : Quantity
        The days before the review under it.
    """

    report: Report
    order: Quantity
    day: Span | None
    lines: list[Rule]
    daily: list[tuple[Quantity, Rule]]
    observed: Quantity
    cap: Quantity
    domestic_day: Span | None
    domestic_days: Quantity

    @property
    def reviews(self) -> Rule:
        """Orders with a negative review that a shop may have if it takes just the orders asked for."""
        orders, _, share = self.lines
        before, after = orders.before * share.before, orders.after * share.after
        return Rule("Orders that may draw a negative review", before, after, more_is_harder=False)

    @property
    def _holds(self) -> bool:
        return in_force(self.report, self.day)

    @property
    def verdict(self) -> Sentence:
        """What got easier and what harder, line by line and by the day."""

        def part(verb: str, effect: str) -> Sentence:
            rules = [rule for rule in self.lines if rule.effect == effect]
            changes = listing([phrase("{label} ({before} to {after})", r, label=r.label.lower()) for r in rules])
            return phrase("{verb} {changes}", verb=verb, changes=changes)

        eased, tightened = ("eased", "tightened") if self._holds else ("ease", "tighten")
        return (
            say(
                "The new-shop rule from {day} {will}{changes}.",
                self,
                will=maybe("{word} ", word="" if self._holds else "will"),
                changes=listing([part(eased, "easier"), part(tightened, "harder")], "but"),
            )
            + self._daily_sentence()
        )

    def _daily_sentence(self) -> Sentence:
        """Whether a day's work got easier, under each source's reading of the old rule."""
        if not self.daily:
            return Sentence()
        more = {
            ("harder",): "more",
            ("harder", "unchanged"): "no less",
            ("unchanged",): "as much",
            ("easier", "unchanged"): "no more",
            ("easier",): "less",
        }.get(tuple(sorted({rule.effect for _, rule in self.daily})), "more or less")
        old = sorted((rule.before.amount for _, rule in self.daily), key=lambda orders: orders.value)
        return say(
            "By the day it {asks} for {more}: {after}, against {old} before{sources}.",
            asks="asks" if self._holds else "will ask",
            more=more,
            after=self.daily[0][1].after.amount,
            old=listing([phrase("{orders}", orders=orders) for orders in old], "or"),
            sources=maybe("{words}", words=", depending on the source" if len(old) > 1 else ""),
        )

    @property
    def details(self) -> list[Sentence]:
        """What the rule comes to for a shop at its minimum."""
        if not any(rule.before or rule.after for rule in self.lines):
            return [say("No rule for new shops of the US was on record by {report.as_of_label}.", self)]
        orders, days = (rule.after for rule in self.lines[:2])
        sales = (orders * self.order).amount
        return [
            say(
                "A shop that takes just the orders asked for may draw negative reviews on {reviews.after}, before "
                "the change on {reviews.before}.",
                self,
            ),
            say(
                "At {order.amount} an order such a shop sells {daily} a day, {sales} by its review.",
                self,
                daily=(sales / days).amount,
                sales=sales,
            ),
            say(
                "One source caps a new shop at {cap} a day at first, {times} what the rule asks for.",
                self,
                times=self.cap / (orders / days).amount,
            ),
            say(
                "After the review a shop {stays} under observation for {observed}.",
                self,
                stays="is" if self._holds else "will be",
            ),
            say("For domestic shops one source gives {domestic_days} before the review from {domestic_day} on.", self),
        ]

    def table(self) -> Table:
        lines = [*self.lines, *(rule for _, rule in self.daily), self.reviews]
        rows = [(r.label, r.before, r.after, r.effect, r.change) for r in lines if r.before or r.after]
        before, after = "Before", "After"
        if self.day:
            last = self.day.start - timedelta(days=1)
            before, after = f"Until {Span(last, last).label}", f"From {self.day.label}"
        columns = ["What a new shop must do", before, after, "It got" if self._holds else "It will be", "Change"]
        title = say("The rule for new shops")
        if any(r.change for r in self.lines):
            harder = Quantity.counted(sum(r.effect == "harder" for r in self.lines), "line")
            title = say(
                "New shops: {lines} of the rule {became} harder",
                lines=harder if harder > 0 else "no line",
                became="became" if self._holds else "will become",
            )
        return Table("us_new_shop_rules", title, pd.DataFrame(rows, columns=columns))


def new_shops(report: Report, order: Quantity) -> NewShops:
    """The rule for new shops; a lower limit on negative reviews is harder to keep."""
    day = day_of_change(report, "new_shop_rule_effective_date", "new_shop_orders_required")
    orders = Rule("Orders to complete", *change(report, "new_shop_orders_required", day))
    days = Rule("Days before the review", *change(report, "new_shop_minimum_days", day))
    reviews = Rule(
        "Negative reviews allowed", *change(report, "new_shop_negative_review_rate_max", day), more_is_harder=False
    )
    return NewShops(
        report,
        order,
        day,
        [orders, days, reviews],
        _orders_a_day(report, orders, days, day),
        change(report, "new_shop_observation_days", day)[1],
        latest(report, "new_shop_daily_order_cap")[1],
        *latest(report, "new_domestic_shop_minimum_days"),
    )


def _orders_a_day(report: Report, orders: Rule, days: Rule, day: Span | None) -> list[tuple[Quantity, Rule]]:
    """What the rule asks for a day, under each length that a source gives for the review period before the change."""
    if not days.before:
        return []
    rows = report.rows(MARKET, "new_shop_minimum_days")
    last = max(rows["end"][rows["end"] < day.start])
    lengths = [report.quantity(row) for _, row in rows[rows["end"] == last].drop_duplicates("number").iterrows()]
    return [
        (
            length,
            Rule(
                phrase("Orders a day, if {days} before", days=length), orders.before / length, orders.after / days.after
            ),
        )
        for length in lengths
    ]
