"""What an order leaves a merchant, line by line, and the order value from which it leaves anything."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.quantity import Quantity, total


@dataclass(frozen=True)
class Terms:
    """What the platform sets.

    Attributes
    ----------
    name : str
    fee : Quantity
        Referral fee as a share of the order value.
    shipping : Quantity
        What the merchant earns on shipping an order, money an order; a loss is negative.
    """

    name: str
    fee: Quantity
    shipping: Quantity


@dataclass(frozen=True)
class Costs:
    """What else a sale costs.

    Attributes
    ----------
    goods, creator, advertising : Quantity
        Shares of the order value.
    handling : Quantity
        Picking, packing and returns, money an order.
    """

    goods: Quantity
    creator: Quantity
    advertising: Quantity
    handling: Quantity


def lines(value: Quantity, terms: Terms, costs: Costs) -> dict[str, Quantity]:
    """Each cost of an order of one value, money an order; what is earned on shipping is a cost below zero."""
    return {
        "goods": value * costs.goods,
        "creator": value * costs.creator,
        "advertising": value * costs.advertising,
        "referral fee": value * terms.fee,
        "handling": costs.handling,
        "shipping": -terms.shipping,
    }


def contribution(value: Quantity, terms: Terms, costs: Costs) -> Quantity:
    """What is left of an order once each of its `lines` is paid, money an order."""
    return value - total(lines(value, terms, costs).values())


def margin(terms: Terms, costs: Costs) -> Quantity:
    """Share of the order value that is left once all that is a share of it is paid."""
    return (1 - (costs.goods + costs.creator + costs.advertising + terms.fee)).percent()


def break_even(terms: Terms, costs: Costs) -> Quantity:
    """Order value that leaves nothing: value × margin + shipping − handling = 0, money an order.

    Zero or less where an order of any value leaves something; unknown where the shares take all of the value, so that
    no order value is large enough.
    """
    kept = margin(terms, costs)
    if kept and not kept > 0:
        return Quantity.unknown("an order value that breaks even: the shares alone take all of it")
    return (costs.handling - terms.shipping) / kept
