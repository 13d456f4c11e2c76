"""What an order leaves its seller under each set of terms, by its value and by what is assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.merchant import Costs, Terms, break_even, contribution, lines
from analysis.story import charts
from analysis.story.prose import Sentence, listing, maybe, phrase, say
from analysis.story.show import Figure, Table

from .rulebook import latest

# Order values that are shown, US dollars, and the one that sentences speak of.
ORDER_VALUES = (15, 20, 30, 40, 60, 80, 100)
ORDER_VALUE = 30
# Levers of what a seller pays besides the platform, as a chart names them, and the field of `Costs` that each sets.
LEVERS = {
    "goods_cost": ("Goods", "goods"),
    "creator_commission": ("Commission for creators", "creator"),
    "advertising": ("Own advertising", "advertising"),
    "handling_cost": ("Handling", "handling"),
}


@dataclass(frozen=True)
class Orders:
    """A seller's account of one order.

    Attributes
    ----------
    report : Report
    order : Quantity
        Order value that the sentences speak of, money an order.
    launch, old, new, unaided : Terms
        At launch, before the last changes of fee and shipping, after them, and without what the platform pays towards
        shipping.
    costs : dict of str to Costs
        What a seller pays besides, at the `low`, `base` and `high` ends of the assumptions.
    claimed_cut : Quantity
        Fall of a seller's profit, as a source words it.
    """

    report: Report
    order: Quantity
    launch: Terms
    old: Terms
    new: Terms
    unaided: Terms
    costs: dict[str, Costs]
    claimed_cut: Quantity

    @property
    def left_before(self) -> Quantity:
        return self._left(self.order, self.old)

    @property
    def left_after(self) -> Quantity:
        return self._left(self.order, self.new)

    @property
    def break_even_before(self) -> Quantity:
        return break_even(self.old, self.costs["base"])

    @property
    def break_even_after(self) -> Quantity:
        return break_even(self.new, self.costs["base"])

    @property
    def unaided_break_even(self) -> Quantity:
        return break_even(self.unaided, self.costs["base"])

    def _left(self, value: Quantity, terms: Terms, end: str = "base") -> Quantity:
        return contribution(value, terms, self.costs[end])

    def _lost(self, value: Quantity) -> Quantity:
        """Share of what an order leaves that the new terms take, per cent; unknown where it left nothing."""
        before, after = self._left(value, self.old), self._left(value, self.new)
        return (1 - after / before).percent() if before > 0 else Quantity.unknown("an order that left something before")

    @property
    def _breaks_even(self) -> bool:
        """Whether an order value above zero breaks even, before and after."""
        return self.break_even_before > 0 and self.break_even_after > 0

    @property
    def verdict(self) -> Sentence:
        """What the last changes do to an order."""
        if self._breaks_even:
            even = maybe(
                ", and the order value that breaks even from {break_even_before.amount} to {break_even_after.amount}",
                self,
            )
        elif not self.break_even_after:
            even = maybe("; under them no order value breaks even")
        else:
            any_value = "" if self.break_even_after > 0 else "an order of any value"
            even = maybe("; under them {any_value} leaves something", any_value=any_value)
        after = _kept(self.left_after)
        return say(
            "On our assumptions, the new terms for fee and shipping {took} what an order of {order.amount} leaves its "
            "seller from {before} to {after}{even}.",
            self,
            took="took" if self.new.name == "After" else "will take",
            before=_kept(self.left_before),
            after=after,
            even=even,
        ) or say("On our assumptions an order of {order.amount} leaves its seller {after}.", self, after=after)

    @property
    def details(self) -> list[Sentence]:
        """The assumptions, and how what is left depends on them and on the order value."""
        if not self.left_after:
            return [say("Without a published fee and result on shipping no order can be reckoned.")]
        lost = self._lost(self.order)
        return [
            self._assumptions_sentence(),
            self._ends_sentence(),
            say(
                "A source reports a fall of profit by {claimed_cut}; on an order of {order.amount} it is {lost}.",
                self,
                lost=lost if lost > 0 else None,
            ),
            say(
                "If the seller’s account of shipping counts what the platform pays, an order without that would have "
                "to be worth {unaided_break_even.amount} to leave anything.",
                self,
            ),
        ]

    def _assumptions_sentence(self) -> Sentence:
        def part(words: str, name: str) -> Sentence:
            base, low, high = (getattr(self.costs[end], name).amount for end in ("base", "low", "high"))
            return phrase("{words} {base} ({low} to {high})", words=words.lower(), base=base, low=low, high=high)

        parts = listing([part(*lever) for lever in LEVERS.values()])
        return say("We assume, as shares of the order value or as money an order: {parts}.", parts=parts)

    def _ends_sentence(self) -> Sentence:
        cheap, costly = (break_even(self.new, self.costs[end]) for end in ("low", "high"))
        start = phrase("an order breaks even at {cheap}", cheap=cheap.amount)
        if cheap and not cheap > 0:
            start = phrase("an order of any value leaves something")
        end = phrase("at {costly}", costly=costly.amount) if costly > 0 else phrase("no order does")
        return say("With all of these at their cheap end {start}, at their costly end {end}.", start=start, end=end)

    def _order_values(self) -> list[Quantity]:
        return [order_value(self.report, dollars) for dollars in ORDER_VALUES]

    def value_chart(self) -> Figure:
        rows = [
            (value.value, terms.name, *(self._left(value, terms, end) for end in ("base", "high", "low")))
            for terms in (self.old, self.new)
            for value in self._order_values()
        ]
        data = pd.DataFrame(rows, columns=["x", "series", "value", "low", "high"])
        title = Sentence()
        if self._breaks_even:
            title = say("An order breaks even at {break_even_after.amount}, {break_even_before.amount} before", self)
        currency = self.report.currency
        subtitle = f"Left of an order by its value, {currency}; the bands are the ends of all assumptions"
        drawn = charts.lines(data, x_title=f"Order value, {currency}")
        return Figure("us_orders", title or say("What an order leaves its seller"), subtitle, drawn, data)

    def parts_chart(self) -> Figure:
        rows = []
        for terms in (self.old, self.new):
            if left := self._left(self.order, terms):
                parts = lines(self.order, terms, self.costs["base"])
                parts |= {"handling and shipping": parts.pop("handling") + parts.pop("shipping"), "left": left}
                rows += [(terms.name, part.capitalize(), amount) for part, amount in parts.items()]
        data = pd.DataFrame(rows, columns=["label", "part", "value"])
        title = say(
            "An order of {order.amount} leaves its seller {after}, {before} before",
            self,
            after=_kept(self.left_after),
            before=_kept(self.left_before),
        )
        title = title or say("Where an order’s money goes")
        currency = self.report.currency
        subtitle = f"Where the money of one order goes, {currency}; fee and shipping published, others assumed"
        return Figure("us_order_costs", title, subtitle, charts.stacked(data), data)

    def levers_chart(self) -> Figure:
        rows = []
        for words, name in LEVERS.values():
            ends = [getattr(self.costs[end], name) for end in ("low", "high")]
            left = [contribution(self.order, self.new, replace(self.costs["base"], **{name: end})) for end in ends]
            rows.append((words, *left, *(end.amount.text for end in ends)))
        rows = [row for row in rows if row[1] and row[2]]
        data = pd.DataFrame(rows, columns=["label", "low", "high", "low_word", "high_word"])
        title = say("What the assumptions do to an order")
        if rows:
            words, *ends = max(rows, key=lambda row: abs(row[1].value - row[2].value))[:3]
            worst, best = sorted(ends, key=lambda left: left.value)
            title = say(
                "The widest lever is {words}: {worst} to {best} left of {order.amount}",
                self,
                words=words.lower(),
                worst=_kept(worst),
                best=_kept(best),
            )
        subtitle = f"Left of an order, {self.report.currency}, with one assumption at its low or high end"
        return Figure("us_levers", title, subtitle, charts.tornado(data, self.left_after), data)

    def terms_table(self) -> Table:
        rows = []
        for terms in (self.launch, self.old, self.new, self.unaided):
            even = break_even(terms, self.costs["base"])
            shown = "none" if not even else even.amount if even > 0 else "any"
            if left := self._left(self.order, terms):
                rows.append((terms.name, terms.fee, terms.shipping.amount, left.amount, shown))
        columns = ["Terms", "Referral fee", "Result on shipping", "Left of the order", "Order value that breaks even"]
        title = say("What each change does to an order of {order.amount}", self)
        return Table("us_terms", title, pd.DataFrame(rows, columns=columns))

    def values_table(self) -> Table:
        rows = []
        for value in self._order_values():
            now, left = lines(value, self.new, self.costs["base"]), self._left(value, self.new)
            if left:
                parts = (value, *now.values(), left, self._left(value, self.old))
                rows.append([*(part.amount for part in parts), self._lost(value)])
        names = [name.capitalize() for name in lines(self.order, self.new, self.costs["base"])]
        columns = ["Order value", *names, f"Left: {self.new.name.lower()}", "Left: before", "Lost"]
        data = pd.DataFrame(rows, columns=columns)
        return Table("us_order_values", say("One order, line by line, by its value"), data)


def what_orders_leave(report: Report, order: Quantity, launch: Terms, old: Terms, new: Terms, unaided: Terms) -> Orders:
    """An order under each set of terms, with the assumptions as the scenario sets them and at both of their ends."""
    costs = {
        end: Costs(**{name: report.assumption(lever, setting) for lever, (_, name) in LEVERS.items()})
        for end, setting in (("low", "low"), ("base", None), ("high", "high"))
    }
    return Orders(report, order, launch, old, new, unaided, costs, latest(report, "seller_profit_cut")[1])


def order_value(report: Report, dollars: int) -> Quantity:
    """An order value in the report's currency, money an order."""
    return report.convert(Quantity.counted(dollars, "USD/order", "order value shown"), report.quarter)


def _kept(left: Quantity) -> Sentence:
    """What is left of an order, or lost on it."""
    return phrase("a loss of {size}" if left < 0 else "{size}", size=abs(left).amount)
