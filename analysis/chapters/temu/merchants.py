"""Merchants that sell on the rival from stock of their own in the country."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.story import charts
from analysis.story.prose import Sentence, maybe, say, when
from analysis.story.show import Figure

MARKET = "US"
SEMI_MANAGED = "semi-managed"  # how events name the model in which merchants hold their own stock


@dataclass(frozen=True)
class Stocked:
    """Share of the rival's GMV in the United States that such merchants sell, per cent, in the period `span`."""

    span: Span | None
    share: Quantity


@dataclass(frozen=True)
class Merchants:
    """The model for merchants with stock of their own.

    Attributes
    ----------
    report : Report
    stocked : Stocked
    started : Span or None
        The day on which such merchants were let in.
    sold : list of Quantity
        What they sell a month under each source's share of the United States, largest first, money a month.
    own : Reading
        GMV of the platform in the United States, estimated.
    events : DataFrame
        Launches and announcements of the rival that are on record to the day or the month, oldest first.
    """

    report: Report
    stocked: Stocked
    started: Span | None
    sold: list[Quantity]
    own: Reading
    events: pd.DataFrame

    @property
    def details(self) -> list[Sentence]:
        share, started, span = self.stocked.share, self.started, self.stocked.span
        days = None
        if span and started and started.end < span.start:
            days = Quantity.counted((span.start - started.end).days, "day", f"from {started.label}")
        low, high = (self.sold[-1].amount, self.sold[0].amount) if len(self.sold) > 1 else (None, None)
        none = "No figure tells how {report.rival}’s US sales divide by kind of merchant."
        return [
            say(
                "{report.rival}’s semi-managed model, in which merchants hold stock of their own in the country, "
                "started in the US {when}.",
                self,
                when=started and when(started),
            ),
            say(
                "About {share} of {report.rival}’s US sales in {span} came from merchants with stock of their own "
                "there{since}; the other {rest} did not.",
                self,
                share=replace(share, hedge=""),  # the sentence hedges in its own words
                span=span,
                since=maybe(", {days} after the start", days=days),
                rest=replace((1 - share).percent(), hedge=""),
            ),
            say(
                "By the shares of the US that sources give, that is {low} to {high} a month; "
                "{report.platform} as a whole is estimated to have sold {own} a month there in {span}.",
                self,
                low=low,
                high=high,
                own=self.own.monthly.amount,
                span=self.own.span,
            ),
            say(
                "Stock that a merchant holds in the country can be sold on either platform, so that "
                "{report.rival} and {report.platform} compete there for merchants as well as for buyers.",
                self,
            )
            if share
            else say(none, self),
        ]

    def chart(self) -> Figure:
        labels = [f"{event.event}, {event.span.short}" for event in self.events.itertuples()]
        data = pd.DataFrame({"day": list(self.events["start"]), "label": labels})
        title = say("Latest on record: {event}", event=labels[-1] if labels else "") or say(
            "Launches of {report.rival}", self
        )
        subtitle = "Launches and announcements that are on record to the month or the day"
        return Figure("rival_events", title, subtitle, charts.timeline(data), data)


def stocked(report: Report) -> Stocked:
    """The leading figure of the share."""
    rows = report.rows(MARKET, "semi_managed_share_of_gmv", report.rival)
    if rows.empty:
        return Stocked(None, Quantity.unknown("a share of the semi-managed model"))
    return Stocked(rows.iloc[0]["span"], report.quantity(rows.iloc[0]))


def merchants_of(report: Report, share: Stocked, implied: list[Quantity], own: Reading) -> Merchants:
    """The semi-managed model, from its share and from what each share of the United States implies.

    Parameters
    ----------
    report : Report
    share : Stocked
    implied : list of Quantity
        The rival's GMV in the United States by source, largest first, money a month.
    own : Reading
        GMV of the platform in the United States, estimated.
    """
    named = report.ledger.events_of(report.rival, "announcement")
    named = named[(named["market"] == MARKET) & named["event"].str.contains(SEMI_MANAGED, regex=False)]
    events = report.ledger.events_of(report.rival, "launch", "announcement", "closure")
    return Merchants(
        report=report,
        stocked=share,
        started=None if named.empty else named.iloc[0]["span"],
        sold=[sold for sold in (share.share * amount for amount in implied) if sold],
        own=own,
        # A chart would put those whose month is not on record on 1 January.
        events=events.loc[[name for name, span in events["span"].items() if span.days <= 31]],
    )
