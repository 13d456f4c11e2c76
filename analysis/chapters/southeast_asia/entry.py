"""If the rival takes hold in the region."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates
from analysis.story.prose import Sentence, listing, maybe, phrase, say
from analysis.story.show import Table

from .market import REGION, Market, latest


@dataclass(frozen=True)
class Entry:
    """The rival in the region, and what it could take.

    Attributes
    ----------
    report : Report
    launches : list of (str, Span)
        Markets in which it had opened, oldest first.
    gmv, gmv_span : Quantity, Span or None
        Its latest published GMV in the region, money.
    ahead : Span
        The rest of the year; twelve months where the year is over.
    loss : Quantity
        Share of GMV lost to it, at the cautious end of the assumption.
    markets : list of (Market, Band)
        Markets with a figure of their own, and their GMV estimated for `ahead` without any loss to it, money.
    region : Band
        The same for the whole region.
    """

    report: Report
    launches: list[tuple[str, Span]]
    gmv: Quantity
    gmv_span: Span | None
    ahead: Span
    loss: Quantity
    markets: list[tuple[Market, Band]]
    region: Band

    @property
    def at_risk(self) -> Quantity:
        return self.region.median * self.loss

    @property
    def details(self) -> list[Sentence]:
        launches = [
            phrase("{name} ({span})", name=self.report.call(market), span=span) for market, span in self.launches
        ]
        assumed = self.report.assumption("rival_entry")
        own = self.report.gmv(REGION, self.gmv_span) if self.gmv_span else None
        return [
            say("{report.rival} had opened in {launches} by {report.as_of_label}.", self, launches=listing(launches))
            or say("No launch of {report.rival} in the region was public by {report.as_of_label}.", self),
            say(
                "It sold {gmv} in the region in {gmv_span}{against}.",
                self,
                against=maybe(", against {own} of {report.platform}", self, own=own),
            ),
            say(
                "Were it to take {loss} of the region’s sales, the cautious end of our assumption, {at_risk} of the "
                "{region.median} estimated for {ahead} would be at risk.",
                self,
            ),
            say(
                "This report’s scenario assumes that it takes {assumed}: the estimates above leave that out already.",
                assumed=assumed if assumed > 0 else None,
            ),
        ]

    def table(self) -> Table:
        opened = dict(self.launches)
        rows = [
            (market.title, opened[market.market].short if market.market in opened else "not public", band.median)
            for market, band in self.markets
        ]
        rows.append(("The region", "–", self.region.median))
        data = pd.DataFrame(
            [(*row, row[-1] * self.loss) for row in rows if row[-1]],
            columns=["Market", "Rival opened", f"Estimated, {self.ahead.short}", "At risk"],
        )
        return Table("sea_rival_entry", say("What a loss of {loss} of the sales to come would cost", self), data)


def review(report: Report, model: Estimates, markets: list[Market]) -> Entry:
    members = set(report.ledger.vocabulary.regions[REGION])
    events = report.ledger.events_of(report.rival, "launch")
    ahead = report.quarter.rest_of_year or report.horizon
    # The scenario's own loss to the rival is in the estimates already.
    kept = 1 - report.assumption("rival_entry")

    def untouched(market: str) -> Band:
        band = model.gmv(market, ahead)
        return Band(*(part / kept for part in band)) if kept < 1 else band

    gmv, gmv_span = latest(report, REGION, "gmv", report.rival)
    return Entry(
        report=report,
        launches=[(m, e.span) for e in events.itertuples() for m in e.market.split(", ") if m in members],
        gmv=gmv,
        gmv_span=gmv_span,
        ahead=ahead,
        loss=report.assumption("rival_entry", "high"),
        markets=[(m, untouched(m.market)) for m in markets if m.estimate],
        region=untouched(REGION),
    )
