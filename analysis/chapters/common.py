"""What several chapters need, and sections that all may have, in the words of analysis/text/<language>/common.md."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import pandas as pd

from analysis.facts.claims import argued
from analysis.facts.quantity import Quantity, level
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates


def arguments(report: Report, chapter: str) -> dict:
    """What is argued in the matter of a chapter, and what the facts say to it."""
    return {"arguments": argued(report, chapter)}


def disputed_by(report: Report, market: str) -> str:
    """Who disputed, in the report's year, the target of a market that leads; ``""`` if nobody did."""
    events, targets = report.ledger.events, report.ledger.cell(report.platform, market, "gmv_target", report.year)
    figures = [report.quantity(row) for _, row in targets.iterrows()]
    known = [day for day, figure in zip(targets["known_on"], figures, strict=True) if level(figure, figures[0])]
    denials = events[(events["kind"] == "denial") & (events["market"] == market)].itertuples()
    found = [one for one in denials if one.start.year == report.year.start.year]
    return ", ".join(dict.fromkeys(one.platform for one in found if known and min(known) <= one.public.isoformat()))


def latest(report: Report, rows: pd.DataFrame) -> tuple[Span | None, Quantity]:
    """Span and figure of the row that ends last; of several the first, which leads."""
    if rows.empty:
        return None, Quantity.unknown("a figure")
    row = rows.sort_values("end", ascending=False, kind="stable").iloc[0]
    return row["span"], report.quantity(row)


@lru_cache(maxsize=128)  # sections ask for the same few markets again
def progress(report: Report, market: str) -> SimpleNamespace:
    """How far a market is on the way to its target for the year, all on one base: the estimate, as the company counts.

    Amounts are money, and unknown where nothing published supports them. `reached` is GMV from 1 January to the end of
    the quarter, `attained` its share of the target, `gap` what it leaves; `achieved` and `required` are a month, so far
    and over `rest` of the year, `stretch` the one as a multiple of the other. `published`, the figure that covers most
    of the year so far, never enters the others. `outcome` says what became of the target: `beat`, `met` or `missed`
    once the year is over, `reached` before that, else ``""``. Where what is published has passed the target and the
    estimate has not, it is `claimed`, and the estimate is not held against the target.
    """
    model, year, to_date, rest = estimates(report), report.year, report.quarter.to_date, report.quarter.rest_of_year
    target, reached = report.fact(market, "gmv_target", year), model.gmv(market, to_date)
    published = report.year_to_date(market)
    passed = Quantity.counted(to_date.months, "month", f"of {to_date.label}")
    above = published and not published.gmv.is_bound and published.gmv > target and not level(published.gmv, target)
    claimed = published if above and not reached.median > target else None
    held = Quantity.unknown("a target that no figure has passed") if claimed else target
    gap, achieved, outcome = held - reached.median, reached.median / passed, "claimed" if claimed else ""
    required = Quantity.unknown("a part of the year still to come")
    if rest:
        required = gap / Quantity.counted(rest.months, "month", f"of {rest.label}")
    if reached.median and held:
        more = reached.median > held
        outcome = "reached" if more and rest else "" if rest else "beat" if more else "missed"
        outcome = "met" if not rest and level(reached.median, held) else outcome
    return SimpleNamespace(
        market=market,
        target=target,
        published=published,
        claimed=claimed,
        reached=reached,
        year=model.gmv(market, year),
        share=(model.gmv(market, year).median / held).percent(),
        attained=(reached.median / held).percent(),
        even=(passed / Quantity.counted(12, "month")).percent(),
        seasonal=report.seasonal_share(to_date),
        gap=gap,
        rest=rest,
        achieved=achieved,
        required=required,
        stretch=required / achieved,
        growth=model.required_growth(market, held),
        chance=model.chance(market, held),
        outcome=outcome,
    )
