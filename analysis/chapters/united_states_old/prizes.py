"""What the two livestream programmes cost the platform, against the fee that it takes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.story.prose import Sentence, maybe, phrase, say, than
from analysis.story.show import Table

from .rulebook import MARKET

# Prizes of the contest and the GMV it asks for, then the prizes of the ranking.
PROGRAMMES = (
    "live_contest_top5_winners",
    "live_contest_top5_prize",
    "live_contest_top5_gmv_required",
    "live_contest_top50_winners",
    "live_contest_top50_prize",
)


@dataclass(frozen=True)
class Prizes:
    """The contest for the best livestream, and the ranking of livestreams.

    Attributes
    ----------
    report : Report
    month : Reading or None
        The last month with a published figure.
    fee, fee_before : Quantity
        The last step of the referral fee, and the one before it.
    span : Span or None
        The days of the programmes.
    contest_cost, ranking_cost : Quantity
        All prizes of each, money.
    contest_prize, contest_gmv, ranking_prize : Quantity
        What a winner of each gets, and the GMV that the first one asks for, money.
    """

    report: Report
    month: Reading | None
    fee: Quantity
    fee_before: Quantity
    span: Span | None
    contest_cost: Quantity
    contest_prize: Quantity
    contest_gmv: Quantity
    ranking_cost: Quantity
    ranking_prize: Quantity

    @property
    def contest_share(self) -> Quantity:
        """The prize as a share of the GMV that the contest asks for, per cent."""
        return (self.contest_prize / self.contest_gmv).percent()

    @property
    def ranking_share(self) -> Quantity:
        """All prizes of the ranking as a share of the month's GMV, per cent."""
        gmv = self.month.gmv if self.month else Quantity.unknown("GMV of a single month")
        return (self.ranking_cost / gmv).percent()

    @property
    def details(self) -> list[Sentence]:
        """The contest against the fee on its GMV, and all prizes against what the last step of the fee brings."""
        if self.span is None:
            return [say("No prizes for livestreams in the US were on record by {report.as_of_label}.", self)]
        pays, asks = ("paid", "asked") if self.span.end < self.report.as_of else ("pays", "asks")
        return [
            say(
                "The contest for the best livestream {pays} {contest_cost} in all, at most {contest_share} of the GMV "
                "that it {asks} for{fee}.",
                self,
                pays=pays,
                asks=asks,
                fee=maybe(
                    ", {verdict} the {fee} that the fee takes of it", self, verdict=than(self.contest_share, self.fee)
                ),
            ),
            self._income_sentence(),
        ]

    def _income_sentence(self) -> Sentence:
        step = self.fee - self.fee_before
        if self.month is None or not step > 0:
            return Sentence()
        income = self.month.gmv * step
        return say(
            "On the GMV of {month.span} the last step of the fee is worth {income} a month to the platform{prizes}.",
            self,
            income=income,
            prizes=maybe(
                ", {times} all the prizes of its two livestream programmes",
                times=income / (self.contest_cost + self.ranking_cost),
            ),
        )

    def table(self) -> Table:
        month = self.month.span.label if self.month else ""
        asked = phrase("for one winner, who must sell {contest_gmv}", self)
        rows = [
            ("Best-livestream contest, all prizes", self.contest_cost, "if every prize is won"),
            ("… for each dollar of GMV it asks for", self.contest_share, "at most: a stream may sell more"),
            ("… as a multiple of the fee on it", self.contest_share / self.fee, "the same GMV"),
            ("… sales at which the fee earns a prize back", self.contest_prize / self.fee, asked),
            ("Livestream ranking, all prizes", self.ranking_cost, "no GMV threshold is published"),
            ("… for each dollar of the month’s GMV", self.ranking_share, month),
            ("… sales at which the fee earns a prize back", self.ranking_prize / self.fee, "for one winner"),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["What", "Amount", "Remark"])
        costs = than(self.contest_share, self.fee, "more than", "less than", "as much as")
        title = say("The contest costs {costs} the fee on its GMV", costs=costs)
        return Table("us_prizes", title or say("What the platform pays for growth"), data)


def livestream_prizes(report: Report, month: Reading | None, fee: Quantity, fee_before: Quantity) -> Prizes:
    """The two programmes in the last days for which a prize is published."""
    span = max((span for what in PROGRAMMES for span in report.rows(MARKET, what)["span"]), default=None)
    winners, prize, asked, ranked, ranking_prize = (
        report.fact(MARKET, what, span) if span else Quantity.unknown("a livestream programme") for what in PROGRAMMES
    )
    return Prizes(
        report=report,
        month=month,
        fee=fee,
        fee_before=fee_before,
        span=span,
        contest_cost=winners * prize,
        contest_prize=prize,
        contest_gmv=asked,
        ranking_cost=ranked * ranking_prize,
        ranking_prize=ranking_prize,
    )
