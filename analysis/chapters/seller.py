"""What an order leaves its seller, for the chapter on its market and for the brief."""

from __future__ import annotations

from typing import NamedTuple

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span

MARKET = "US"
# Order values that are shown, US dollars: from where sellers share the cost of free shipping.
ORDER_VALUES = (30, 40, 60, 80, 100)
# What a seller pays besides the platform: levers that are shares of the order value, and one that is money an order.
SHARES, HANDLING = ("goods_cost", "creator_commission", "advertising"), "handling_cost"


class Change(NamedTuple):
    """A rule or price before and after its last change; `day` is the first on which the new one holds."""

    day: Span | None
    before: Quantity
    after: Quantity


class Order(NamedTuple):
    """What an order leaves its seller, money, under the old terms and the new; `cut` is the share that these take.

    `low` and `high` are what the new terms leave with every assumed cost at its high and at its low end.
    """

    value: Quantity
    before: Quantity
    after: Quantity
    low: Quantity
    high: Quantity
    cut: Quantity


def steps(report: Report, metric: str, within: Span | None = None) -> list[tuple[Span, Quantity]]:
    """The leading figure of each span, oldest first."""
    spans = sorted(set(report.rows(MARKET, metric, within=within)["span"]))
    return [(span, report.fact(MARKET, metric, span)) for span in spans]


def change(report: Report, metric: str, within: Span | None = None) -> Change:
    """The last two steps of a rule or price; unknown before the first."""
    day, before = None, Quantity.unknown(report.ledger.vocabulary.call_metric(metric))
    after = before
    for span, step in steps(report, metric, within):
        day, before, after = Span(span.start, span.start), after, step
    return Change(day, before, after)


def orders(report: Report) -> list[Order]:
    """Orders of the values that are shown, from where shipping is free, in the report's currency."""
    fee, shipping = change(report, "referral_fee"), change(report, "seller_shipping_margin_per_order")
    old_fee = fee.before or fee.after  # the first on record was the fee before, too
    threshold = change(report, "free_shipping_threshold").after
    shown = [Quantity.counted(dollars, "USD/order", "order value shown") for dollars in ORDER_VALUES]
    values, orders = [report.convert(value, report.quarter) for value in shown], []
    for value in [value for value in values if not value < threshold] or values[-1:]:
        before = left(report, value, old_fee, shipping.before)
        after, low, high = (left(report, value, fee.after, shipping.after, end) for end in (None, "high", "low"))
        cut = (1 - after / before).percent() if before > 0 else Quantity.unknown("an order that left something")
        orders.append(Order(value, before, after, low, high, cut))
    return orders


def left(report: Report, value: Quantity, fee: Quantity, shipping: Quantity, end: str | None = None) -> Quantity:
    """An order's value less all that is a share of it, less handling, with the result on shipping."""
    return (value * kept(report, fee, end) + shipping - report.assumption(HANDLING, end)).amount


def kept(report: Report, fee: Quantity, end: str | None) -> Quantity:
    """Share of an order's value that is left once all that is a share of it is paid."""
    goods, creator, advertising = (report.assumption(lever, end) for lever in SHARES)
    return 1 - (goods + creator + advertising + fee)


def assumed(report: Report, lever: str, value: Quantity) -> dict[str, Quantity]:
    """An assumption with its range, and what it makes of an order of one value, money."""
    base, low, high = (report.assumption(lever, end) for end in (None, "low", "high"))
    amount = base if lever == HANDLING else value * base
    return {"amount": amount.amount, "base": base.amount, "low": low.amount, "high": high.amount}
