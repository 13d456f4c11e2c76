"""Record livestreams: in one currency, and beside a month of their market."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story.prose import Sentence, level, say, when
from analysis.story.show import Table

from .market import REGION

LITTLE, SOMETHING = 0.05, 0.15  # of a mean month; up to these, that much hangs on one stream


@dataclass(frozen=True)
class Stream:
    """One livestream.

    Attributes
    ----------
    place : str
        Its market, as sentences call it.
    span : Span
    printed, gmv : Quantity
        What it sold, as printed and in the report's currency.
    quarter : Span
        The quarter in which it ended.
    market_gmv : Quantity
        GMV of its market in that quarter, money.
    hours : Quantity
        How long it lasted.
    """

    place: str
    span: Span
    printed: Quantity
    gmv: Quantity
    quarter: Span
    market_gmv: Quantity
    hours: Quantity

    @property
    def is_dated(self) -> bool:
        """Whether this is a stream with a date; a longer stretch is a speaker's example."""
        return self.span.days <= 31

    @property
    def when(self) -> Sentence:
        return when(self.span)

    @property
    def month(self) -> Quantity:
        """GMV of a mean month of its market in the same quarter."""
        return (self.market_gmv / Quantity.counted(3, "month")).amount

    @property
    def share(self) -> Quantity:
        """Of such a month; unknown without a date."""
        return (self.gmv / self.month).percent() if self.is_dated else Quantity.unknown("the date of a livestream")

    @property
    def without(self) -> Quantity:
        """What the month would have come to without it."""
        return self.month - self.gmv

    @property
    def like_it(self) -> Quantity:
        """Streams of this size that would fill the month."""
        ratio = self.month / self.gmv
        return replace(ratio, value=float(round(ratio.value)), unit="stream") if ratio else ratio


@dataclass(frozen=True)
class Streams:
    """How much hangs on single events.

    Attributes
    ----------
    report : Report
    streams : list of Stream
        Livestreams of the year, oldest first; one entry for each source's figure.
    """

    report: Report
    streams: list[Stream]

    @property
    def records(self) -> list[Stream]:
        """Streams with a date, oldest first."""
        return [stream for stream in self.streams if stream.is_dated]

    @property
    def largest(self) -> Stream | None:
        """The largest figure of a dated stream."""
        return max(self.records, key=lambda stream: stream.gmv.value, default=None)

    @property
    def brief(self) -> Sentence:
        if self.largest is None:
            return Sentence()
        share = self.largest.share.value
        return say(
            "{weight} hangs on single events: the largest figure of a record livestream, {gmv} {when} in {place}, is "
            "{share} of a mean month there.",
            self.largest,
            weight="Little" if share < LITTLE else "Something" if share < SOMETHING else "Much",
        )

    @property
    def details(self) -> list[Sentence]:
        if self.largest is None:
            return [say("No record livestream of {report.year} was public by {report.as_of_label}.", self)]
        return [
            self._disputed_sentence(),
            say(
                "Without the largest, {when}, the month would have come to {without} instead of {month}, a mean month "
                "of its quarter; {like_it} like it would fill the month.",
                self.largest,
            ),
            self._quarter_sentence(),
            self._hours_sentence(),
            *(
                say("A figure without a date, {gmv} ({printed}), is a speaker’s example.", stream)
                for stream in self.streams
                if not stream.is_dated
            ),
        ]

    def _disputed_sentence(self) -> Sentence:
        """How far the sources of one stream are apart."""
        figures = [stream.gmv for stream in self.records if stream.span == self.largest.span]
        low, high = min(figures, key=lambda q: q.value), max(figures, key=lambda q: q.value)
        if level(low, high):
            return Sentence()
        return say(
            "Two sources of the stream {when} disagree: one has {apart} the other. Shares are of the larger.",
            self.largest,
            apart=high / low,
        )

    def _quarter_sentence(self) -> Sentence:
        """All dated streams of the largest one's quarter and market, each by its leading figure."""
        largest = self.largest
        # Of several figures of one stream the first leads.
        leading = {
            s.span: s.gmv for s in reversed(self.records) if s.span in largest.quarter and s.place == largest.place
        }
        if len(leading) < 2:
            return Sentence()
        together = total(leading[span] for span in sorted(leading))
        return say(
            "All record streams of {quarter} together come to {together}, {of_all} of the GMV of {place} in it.",
            largest,
            together=together,
            of_all=(together / largest.market_gmv).percent(),
        )

    def _hours_sentence(self) -> Sentence:
        stream = self.largest
        an_hour = stream.gmv / stream.hours
        hours = Quantity.counted(24 * stream.quarter.days, "hour", f"of {stream.quarter.label}")
        return say(
            "It lasted {hours} and sold {an_hour.amount} an hour, {times} what the market sells in a mean hour.",
            stream,
            an_hour=an_hour,
            times=an_hour / (stream.market_gmv / hours),
        )

    def table(self) -> Table:
        rows = [(s.place, s.span.short, s.printed, s.gmv, s.share or "–", s.hours or "–") for s in self.streams]
        columns = ["Market", "When", "As printed", f"In {self.report.currency}", "Of a mean month", "Length"]
        title = say("Livestreams in one currency and beside a month of their market")
        return Table("sea_streams", title, pd.DataFrame(rows, columns=columns))


def review(report: Report) -> Streams:
    members = report.ledger.vocabulary.regions[REGION]
    return Streams(report, [stream for market in members for stream in _of_market(report, market)])


def _of_market(report: Report, market: str) -> list[Stream]:
    """The year's livestreams of a market, oldest first, with every figure that is published of each."""
    rows = report.rows(market, "single_livestream_gmv").sort_values("start", kind="stable")
    found = []
    for _, row in rows[[span.overlap(report.quarter.to_date) > 0 for span in rows["span"]]].iterrows():
        quarter = Span.parse(str(pd.Period(row["end"], "Q")))
        stream = Stream(
            place=report.call(market),
            span=row["span"],
            printed=report.ledger.printed(row),
            gmv=report.quantity(row),
            quarter=quarter,
            market_gmv=report.gmv(market, quarter),
            hours=report.fact(market, "livestream_duration", row["span"]),
        )
        found.append(stream)
    return found
