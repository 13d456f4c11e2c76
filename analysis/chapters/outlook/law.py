"""The law that would ban the platform in the US, step by step, and what else happened."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.scenarios import next_law_day
from analysis.story import charts
from analysis.story.citation import cited
from analysis.story.prose import Sentence, phrase, say
from analysis.story.show import Figure, Table


@dataclass(frozen=True)
class Law:
    """Where the divest-or-ban law stands on the report's date.

    Attributes
    ----------
    report : Report
    events : DataFrame
        Its events, oldest first, as in `Ledger.events`.
    deadline : Span or None
        The next of them that is still ahead.
    days_to_deadline : Quantity
        Days from the report's date to it.
    """

    report: Report
    events: pd.DataFrame
    deadline: Span | None
    days_to_deadline: Quantity

    @property
    def details(self) -> list[Sentence]:
        """Where the law that would ban the platform stands."""
        past = self.events[self.events["start"] <= self.report.as_of]
        steps = [phrase("{event} ({day})", event=cited(step.event), day=step.span) for step in past.itertuples()]
        return [
            say(
                "The last step of the law that would ban the platform unless it is sold: {step}.",
                step=steps[-1] if steps else None,
            ),
            say("The next date is {deadline}, {days_to_deadline} after that of this report.", self),
        ]

    def chart(self) -> Figure:
        data = pd.DataFrame(
            {
                "day": self.events["start"],
                "label": self.events["event"].map(cited),
                "source": self.events["source"].map(cited),
            }
        )
        title = say("The divest-or-ban law")
        if len(data) > 1:
            days = (data["day"].iloc[-1] - data["day"].iloc[0]).days
            title = say(
                "{days} from the first vote to the last date on record",
                days=Quantity.counted(days, "day", "first to last event"),
            )
        subtitle = "Events that were public by the report’s date"
        return Figure("outlook_law", title, subtitle, charts.timeline(data), data)

    def events_table(self) -> Table:
        kinds = "law", "closure", "reopening", "merger", "launch", "rule", "fee"
        events = self.report.ledger.events_of(self.report.platform, *kinds)
        recent = events[events["start"] >= self.report.year.start]
        rows = [
            (e.span.short, self.report.call(e.market), cited(e.event), cited(e.source)) for e in recent.itertuples()
        ]
        data = pd.DataFrame(rows, columns=["When", "Where", "What", "Source"])
        return Table("outlook_events", say("What happened in {report.year}", self), data)


def law_so_far(report: Report) -> Law:
    """The events of the law that were public by the report's date."""
    events = report.ledger.events_of(report.platform, "law")
    deadline = next_law_day(report)
    if deadline is None:
        return Law(report, events, None, Quantity.unknown("a deadline"))
    days = Quantity.counted((deadline.start - report.as_of).days, "day", f"from {report.as_of_label.label}")
    return Law(report, events, deadline, days)
