"""What it would take to reach the target: growth, a ban and the new sites, moved by hand.

The page computes the same in the reader's browser, from the numbers of a `Path`; tests/test_browser.py holds the two
together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from operator import mul

import numpy as np
import pandas as pd

from analysis.facts.quantity import SYMBOLS, Quantity, rounded, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.launches import is_open, plan_gmv, plans, ramp
from analysis.story import charts
from analysis.story.prose import Sentence, say
from analysis.story.show import Figure

US = "US"
STEP = 0.005  # of growth a month, between two places of its slider
FASTEST = 1.0  # growth a month beyond which nothing is looked for


@dataclass(frozen=True)
class Path:
    """What the year's GMV is worked out from.

    Attributes
    ----------
    year : Span
    months : tuple of Span
        Those of the year after the quarter.
    so_far : Quantity
        GMV of the world from 1 January to the end of the quarter, money.
    us, rest : Quantity
        GMV of the US and of all other markets in the last month of the quarter, money.
    europe : tuple of Quantity
        What sites that are planned would add in each of `months` if they ramp like the middle of earlier launches,
        money.
    expected : Quantity
        What the market model expects of the year, money.
    target : Quantity
        GMV target of the year, money.
    """

    year: Span
    months: tuple[Span, ...]
    so_far: Quantity
    us: Quantity
    rest: Quantity
    europe: tuple[Quantity, ...]
    expected: Quantity
    target: Quantity


@dataclass(frozen=True)
class Outcome:
    """GMV since 1 January by the end of each month after the quarter, that of the year, and what the target lacks."""

    by_month: tuple[Quantity, ...]
    year: Quantity
    gap: Quantity


def path(report: Report) -> Path | None:
    """The numbers behind the lever; None once the year is over, without a target, or if too little is known."""
    ahead = report.quarter.rest_of_year
    target = report.fact("Global", "gmv_target", report.year)
    if ahead is None or not target:
        return None
    model, year = estimates(report), report.year.end.year
    last = Span.months_of(year, report.quarter.end.month, 1)
    world, us = model.gmv("Global", last).median, model.gmv(US, last).median
    so_far = model.gmv("Global", report.quarter.to_date).median
    if not (world and us and so_far):
        return None
    months = tuple(Span.months_of(year, month, 1) for month in range(report.quarter.end.month + 1, 13))
    expected = model.gmv("Global", report.year).median
    europe = tuple(_new_sites(report, model.market, month) for month in months)
    return Path(report.year, months, so_far, us, world - us, europe, expected, target)


def _new_sites(report: Report, market, month: Span) -> Quantity:
    pending = [plan for plan in plans(report) if not is_open(report, plan)]
    known = [
        gmv
        for plan in pending
        if (gmv := plan_gmv(report, ramp(report, market), plan, month, settings={"europe_ramp": "base"}))
    ]
    return total(known) if known else Quantity(0.0, report.currency, "no sites that are planned and have not opened")


def what_if(path: Path, growth: float, ban_month: int, europe: float) -> Outcome:
    """The year if sales grow evenly after the quarter.

    Parameters
    ----------
    path : Path
    growth : float
        A month, as a fraction, of the US and of all other markets that are open.
    ban_month : int
        Place in `path.months` of the first month without sales in the US; `len(path.months)` for no ban.
    europe : float
        Sales of the new sites as a multiple of the middle of earlier launches.
    """
    grown = accumulate([1 + growth] * len(path.months), mul)  # a power has other last digits on another processor
    values = [
        level * (path.rest.value + (path.us.value if n < ban_month else 0.0)) + europe * path.europe[n].value
        for n, level in enumerate(grown)
    ]
    chosen = f"{Quantity(growth, '%').bare} growth a month"
    if ban_month < len(path.months):
        chosen += f", none in the US from {path.months[ban_month].short} on"
    base = total([path.so_far, path.us, path.rest, *path.europe])

    def told(value: float, span: Span) -> Quantity:
        formula = f"{path.so_far.formula} + the months after it up to {span.short}, with {chosen}"
        return replace(base, value=value, formula=formula)

    sums = list(accumulate(values, initial=path.so_far.value))[1:]
    by_month = tuple(told(value, month) for value, month in zip(sums, path.months, strict=True))
    return Outcome(by_month, by_month[-1], path.target - by_month[-1])


def growth_to(path: Path, amount: Quantity) -> Quantity:
    """Growth a month, per cent, with which the year comes to an amount without a ban and with Europe as expected."""
    low, high = -FASTEST, FASTEST
    if (
        not what_if(path, low, len(path.months), 1.0).year.value
        < amount.value
        < what_if(path, high, len(path.months), 1.0).year.value
    ):
        return Quantity.unknown("growth that comes to the amount")
    for _ in range(60):  # halvings: down to the last digit
        middle = (low + high) / 2
        low, high = (
            (middle, high) if what_if(path, middle, len(path.months), 1.0).year.value < amount.value else (low, middle)
        )
    words = f"growth a month after {path.months[0].short} with which {path.year.short} comes to {amount.bare}"
    return Quantity(rounded(low), "%", words, total([path.so_far, path.us, path.rest, amount]).origins)


def lever(report: Report) -> Figure | list[Sentence]:
    """What it would take, as a chart that a reader can move; a sentence where there is nothing to move any more."""
    found = path(report)
    if report.year_is_over:
        return [say("{report.year} is over: no growth, ban or launch changes it any more.", report=report)]
    if found is None:
        return [say("Without a target and an estimate there is nothing to say.")]
    never = len(found.months)
    expected, needed = growth_to(found, found.expected), growth_to(found, found.target)
    cases = [
        ("As expected", expected, never),
        ("Target met", needed, never),
        ("US shut, else as expected", expected, 0),
    ]
    rows = [
        (month.end, name, gmv)
        for name, growth, ban in cases
        if growth
        for month, gmv in zip(found.months, what_if(found, growth.value, ban, 1.0).by_month, strict=True)
    ]
    start = [(report.quarter.end, name, found.so_far) for name, growth, _ in cases if growth]
    data = pd.DataFrame(start + rows, columns=["x", "series", "value"])
    title = _title(needed, expected) or say("Even growth alone does not come to the target of {year}", year=found.year)
    subtitle = f"GMV since 1 January, {report.currency}, {report.year.label}; every market at the same growth a month"
    chart = charts.lines(data)
    return Figure("summary_what_if", title, subtitle, chart, data, lever=_live(report, found, expected, needed))


def _title(needed: Quantity, expected: Quantity) -> Sentence:
    if needed < 0:
        return say("The target is met even if sales shrink by {needed} a month", needed=abs(needed))
    return say(
        "The target takes sales that grow by {needed} a month; expected is {expected}", needed=needed, expected=expected
    ) or say("The target takes sales that grow by {needed} a month", needed=needed)


def _live(report: Report, found: Path, expected: Quantity, needed: Quantity) -> dict:
    """What the page's own script needs: numbers, names, and where each slider begins and ends."""
    known = [growth.value for growth in (expected, needed) if growth] or [0.0]
    least = np.floor(min(0.0, *known) / STEP) * STEP - 10 * STEP
    most = np.ceil(max(known) / STEP) * STEP + 10 * STEP
    start = round(known[0] / STEP) * STEP
    opens = any(gmv.value for gmv in found.europe)
    return {
        "symbol": SYMBOLS.get(report.currency, f"{report.currency} "),
        "months": [month.short for month in found.months],
        "year": found.year.short,
        "soFar": found.so_far.value,
        "us": found.us.value,
        "rest": found.rest.value,
        "europe": [gmv.value for gmv in found.europe],
        "target": found.target.value,
        "growth": {
            "least": round(float(least), 3),
            "most": round(float(most), 3),
            "step": STEP,
            "start": round(float(start), 3),
        },
        "ramp": {"least": 0, "most": report.assumption("europe_ramp", "high").value, "step": 0.1, "start": 1}
        if opens
        else None,
    }
