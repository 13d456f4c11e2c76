"""The record livestreams, and how many like them the target would take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.model.pace import Pace
from analysis.story import charts
from analysis.story.prose import Sentence, phrase, say
from analysis.story.show import Figure

from .rulebook import latest, steps


@dataclass(frozen=True)
class Streams:
    """Livestreams of the year that broke the record.

    Attributes
    ----------
    report : Report
    pace : Pace
    gap : Quantity
        What a mean month is short of the run-rate that the target needs, money a month.
    records : list of Reading
        Livestreams that each sold more than all before them, oldest first.
    milestone : Quantity
        The first round sum that a livestream passed, money.
    """

    report: Report
    pace: Pace
    gap: Quantity
    records: list[Reading]
    milestone: Quantity

    @property
    def record(self) -> Quantity:
        """The record livestream, money."""
        return self.records[-1].gmv if self.records else Quantity.unknown("GMV of a livestream")

    @property
    def record_share(self) -> Quantity:
        """The record livestream as a share of a mean month, per cent."""
        return (self.record / self.pace.achieved.amount).percent()

    @property
    def needed(self) -> Quantity:
        """Livestreams like the record one that would close the gap, streams a month."""
        return self.gap / replace(self.record, unit=f"{self.report.currency}/stream")

    @property
    def needed_daily(self) -> Quantity:
        """The same, streams a day."""
        span = self.pace.rest or self.report.year
        return self.needed * Quantity.counted(span.length_in_months, "month") / Quantity.counted(span.days, "day")

    @property
    def details(self) -> list[Sentence]:
        """The records, and what they are worth against the gap."""
        if not self.records:
            return [say("No GMV of a livestream of {report.year} had been published by {report.as_of_label}.", self)]
        return [self._records_sentence(), self._needed_sentence()]

    def _records_sentence(self) -> Sentence:
        """From the year's first record to the one that passed the milestone, or else to the last; then to the last."""
        first, *later = self.records
        if not later:
            return say("The largest livestream on record sold {record}.", self)
        passed = [stream for stream in later if self.milestone and not stream.gmv < self.milestone]
        last = passed[0] if passed else later[-1]
        between = "days between the two livestreams"
        shortest = Quantity.counted((last.span.start - first.span.end).days, "day", between)
        longest = Quantity.counted((last.span.end - first.span.start).days, "day", between)
        days = phrase("{longest}", longest=longest)
        if shortest.value < longest.value:
            days = phrase("{shortest} to {longest}", shortest=replace(shortest, unit=""), longest=longest)
        told = say(
            "The record of a single livestream rose from {first.gmv} ({first.span.short}) to {last.gmv} "
            "({last.span.short}), {times} as much, {days} later.",
            first=first,
            last=last,
            times=last.gmv / first.gmv,
            days=days,
        )
        if passed:
            told += say("It was the first of {milestone}.", self)
        if last is not later[-1]:
            told += say("It has since risen to {last.gmv} ({last.span.short}).", last=later[-1])
        return told

    def _needed_sentence(self) -> Sentence:
        asks = "asked" if self.pace.verdict else "asks"
        share = phrase("The record stream sold {record_share} of what a mean month brings", self)
        if self.gap and not self.gap > 0:
            return say("{share}; the target {asks} for no more than the pace so far.", share=share, asks=asks)
        return say(
            "{share}; to close the gap of {gap.amount} a month it would {take} {needed.amount} like it every month, "
            "{needed_daily.amount} a day.",
            self,
            share=share,
            take="have taken" if self.pace.verdict else "take",
        )

    def records_chart(self) -> Figure:
        data = pd.DataFrame([(stream.span.short, stream.gmv) for stream in self.records], columns=["label", "value"])
        title = Sentence()
        if self.gap > 0:
            title = say(
                "Closing the gap {takes} {needed.amount} like the record one every month",
                self,
                takes="would have taken" if self.pace.verdict else "would take",
            )
        title = title or say("The largest livestream on record sold {record}", self) or say("Livestream records")
        subtitle = f"GMV of each livestream that broke the record, {self.report.currency}, {self.report.year.label}"
        return Figure("us_streams", title, subtitle, charts.bars(data), data)


def livestreams(report: Report, pace: Pace, gap: Quantity) -> Streams:
    """The records of the report's year, and what is said of them."""
    records: list[Reading] = []
    for span, gmv in steps(report, "single_livestream_gmv", report.year):
        if not records or gmv > records[-1].gmv:
            records.append(Reading(span, gmv))
    return Streams(report, pace, gap, records, latest(report, "livestream_milestone", report.year)[1])
