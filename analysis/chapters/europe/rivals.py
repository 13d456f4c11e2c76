"""Rivals in the EU, and the rules that they meet there."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story import charts
from analysis.story.prose import Sentence, listing, moved, phrase, say
from analysis.story.show import Figure

from .launch import REGION

UNION = "EU"


@dataclass(frozen=True)
class Rivals:
    """Who is in the EU already, what comes in from abroad, and what happened there.

    Attributes
    ----------
    report : Report
    users : list of (str, Quantity)
        Monthly users of rivals in the EU, most first.
    parcels : list of (Span, Quantity)
        Parcels that came into the EU below the duty-free limit, oldest first.
    events : DataFrame
        Events in Europe, rules among them, oldest first.
    """

    report: Report
    users: list[tuple[str, Quantity]]
    parcels: list[tuple[Span, Quantity]]
    events: pd.DataFrame

    @property
    def finding(self) -> Sentence:
        users = [phrase("{platform} has {users}", platform=platform, users=users) for platform, users in self.users]
        return say("Rivals are there already: in an average month {users} in the EU.", users=listing(users))

    @property
    def details(self) -> list[Sentence]:
        """Rivals' users, and how much comes in from abroad."""
        told = [self.finding]
        if len(self.parcels) > 1:
            (first, before), (last, after) = self.parcels[0], self.parcels[-1]
            told.append(
                say(
                    "What entered the EU below the duty-free limit {moved} between {first} and {last}, from {before} "
                    "to {after}.",
                    moved=moved((after / before).growth()),
                    before=before,
                    after=after,
                    first=first,
                    last=last,
                )
            )
        nothing = say("No figure of rivals in the EU was public by {report.as_of_label}.", self)
        return told if any(told) else [nothing]

    def users_chart(self) -> Figure:
        data = pd.DataFrame(self.users, columns=["label", "value"])
        title = say("Rivals’ users in the EU")
        if len(self.users) > 1:
            names = listing([phrase("{name}", name=name) for name, _ in self.users])
            title = say("{names} have the users already", names=names)
        subtitle = "Average monthly users in the EU, as disclosed under the Digital Services Act"
        return Figure("eu_users", title, subtitle, charts.bars(data), data)

    def events_chart(self) -> Figure:
        data = self.events.rename(columns={"start": "day", "event": "label"})[["day", "label", "source"]]
        subtitle = "Events that were public by the report’s date"
        return Figure("europe_events", say("Europe, step by step"), subtitle, charts.timeline(data), data)


def rivals_of(report: Report) -> Rivals:
    ledger, facts = report.ledger, report.ledger.facts
    users = facts[(facts["market"] == UNION) & (facts["metric"] == "average_monthly_active_users")]
    users = users[users["platform"] != report.platform].sort_values("end", ascending=False, kind="stable")
    known = [(row["platform"], report.quantity(row)) for _, row in users.drop_duplicates("platform").iterrows()]
    parcels = report.rows(UNION, "duty_free_parcels_below_150_eur", "All platforms").sort_values("start")
    members = {*ledger.vocabulary.regions[REGION], UNION, REGION}
    here = ledger.events["market"].map(lambda names: not members.isdisjoint(names.split(", ")))
    return Rivals(
        report=report,
        users=sorted(known, key=lambda pair: -pair[1].value),
        parcels=[(row["span"], report.quantity(row)) for _, row in parcels.iterrows()],
        events=ledger.events[here.astype(bool)],
    )
