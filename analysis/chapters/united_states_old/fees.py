"""The referral fee and the shipping plan: their steps, and what each asks of a seller."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.merchant import Terms
from analysis.story import charts
from analysis.story.prose import Sentence, maybe, phrase, say, than
from analysis.story.show import Figure

from .rulebook import change, day_of_change, in_force, latest, steps


@dataclass(frozen=True)
class Fees:
    """What the platform asks of a seller for a sale.

    Attributes
    ----------
    report : Report
    order : Quantity
        Order value that the sentences speak of, money an order.
    steps : list of (Span, Quantity)
        Steps of the referral fee, oldest first.
    plan_day : Span or None
        Day from which sellers share the cost of shipping.
    launch, old, new, unaided : Terms
        At launch, where the fee is assumed; before the last step of the fee and before shipping was shared; after both;
        and these without what the platform pays towards shipping.
    threshold, co_fund : Quantity
        Order value from which shipping is free, and what the platform pays towards it, money an order.
    co_fund_span : Span or None
        The days for which it pays that.
    """

    report: Report
    order: Quantity
    steps: list[tuple[Span, Quantity]]
    plan_day: Span | None
    launch: Terms
    old: Terms
    new: Terms
    unaided: Terms
    threshold: Quantity
    co_fund: Quantity
    co_fund_span: Span | None

    @property
    def details(self) -> list[Sentence]:
        """The steps of the fee, then the shipping plan."""
        told = [self._steps_sentence(), self._plan_sentence(), self._threshold_sentence()]
        if not any(told):
            return [say("No fee and no shipping plan of the US was on record by {report.as_of_label}.", self)]
        return told

    def _steps_sentence(self) -> Sentence:
        if len(self.steps) < 2:
            return say("The referral fee on record is {new.fee}.", self)
        return say(
            "The referral fee {verb} from {old.fee} ({before.short}) to {new.fee} ({after.short}): {asked} on an "
            "order of {order.amount}, in place of {asked_before}.",
            self,
            verb=self._fee_verb,
            before=self.steps[-2][0],
            after=self.steps[-1][0],
            asked=(self.order * self.new.fee).amount,
            asked_before=(self.order * self.old.fee).amount,
        ) + say("Before these steps no source prints a fee; we assume {launch.fee}.", self)

    @property
    def _fee_verb(self) -> str:
        """What the last step did to the fee, or will do."""
        if in_force(self.report, self.steps[-1][0]):
            return than(self.new.fee, self.old.fee, "rose", "fell", "went")
        return than(self.new.fee, self.old.fee, "will rise", "will fall", "will go")

    def _plan_sentence(self) -> Sentence:
        return say(
            "Sharing the cost of shipping from {plan_day} on {turns} {before} an order into {after}, {swing} {less}, "
            "by one seller’s account.",
            self,
            turns="turned" if in_force(self.report, self.plan_day) else "will turn",
            before=_result(self.old.shipping),
            after=_result(self.new.shipping),
            swing=abs(self.new.shipping - self.old.shipping).amount,
            less=than(self.new.shipping, self.old.shipping, "more", "less", "more or less"),
        )

    def _threshold_sentence(self) -> Sentence:
        span = self.co_fund_span
        return say("Shipping is free for the buyer from {threshold.amount} on.", self) + say(
            "The platform {pays} {co_fund.amount} an order towards it until {last}{share}.",
            self,
            pays="paid" if span and span.end < self.report.as_of else "pays",
            last=span and Span(span.end, span.end),
            share=maybe(", {share} of such an order", share=(self.co_fund / self.threshold).percent()),
        )

    def chart(self) -> Figure:
        rows = [("At launch (assumed)", self.launch.fee, False)] if self.steps else []
        rows += [(span.short, fee, True) for span, fee in self.steps]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The referral fee")
        if len(self.steps) > 1:
            title = say("The referral fee {verb} from {old.fee} to {new.fee}", self, verb=self._fee_verb)
        subtitle = "Platform’s fee as a share of the order value; grey is an assumption"
        return Figure("us_fees", title, subtitle, charts.bars(data), data)


def fees_and_shipping(report: Report, order: Quantity) -> Fees:
    """The fee step by step, and shipping before and after the plan to share its cost."""
    plan_day = day_of_change(report, "co_funded_free_shipping_start_date", "seller_shipping_margin_per_order")
    shipping_before, shipping = change(report, "seller_shipping_margin_per_order", plan_day)
    known = steps(report, "referral_fee")
    fee_day, fee = known[-1] if known else (None, Quantity.unknown("the referral fee"))
    fee_before = known[-2][1] if len(known) > 1 else fee  # a single step on record was the fee before, too
    at_launch = report.assumption("referral_fee_at_launch")
    name = "After" if in_force(report, fee_day) and in_force(report, plan_day) else "As announced"
    co_fund_span, co_fund = latest(report, "shipping_co_fund_per_order")
    return Fees(
        report=report,
        order=order,
        steps=known,
        plan_day=plan_day,
        launch=Terms("At launch (fee assumed), shipping as before", at_launch, shipping_before),
        old=Terms("Before", fee_before, shipping_before),
        new=Terms(name, fee, shipping),
        unaided=Terms("Without the platform’s part of shipping", fee, shipping - co_fund),
        threshold=latest(report, "free_shipping_threshold")[1],
        co_fund=co_fund,
        co_fund_span=co_fund_span,
    )


def _result(earned: Quantity) -> Sentence:
    """A result as a gain or a loss and its size."""
    return phrase("a gain of {size}" if earned > 0 else "a loss of {size}", size=abs(earned).amount)
