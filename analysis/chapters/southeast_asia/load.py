"""What the region carries of the world target in the report's year."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.estimates import Band, Estimates
from analysis.model.pace import Pace
from analysis.story import charts
from analysis.story.prose import Sentence, beside, maybe, say
from analysis.story.show import Figure

from .market import REGION


@dataclass(frozen=True)
class Load:
    """What the region carries of the world target; all amounts are money, as the market model puts them.

    Attributes
    ----------
    report : Report
    region : Pace
        What is published of the region.
    target, us_target : Quantity
        Of the world and of the United States.
    expected, share : Band
        GMV of the region in the year, and as a share of the world target.
    us, others : Quantity
        GMV of the United States, and of all that is neither there nor in the region.
    so_far : Quantity
        GMV of the region up to the end of the quarter.
    """

    report: Report
    region: Pace
    target: Quantity
    us_target: Quantity
    expected: Band
    share: Band
    us: Quantity
    others: Quantity
    so_far: Quantity

    @property
    def needed(self) -> Quantity:
        """What the region has to sell for the world to reach its target, with all others as expected."""
        return self.target - self.us - self.others

    @property
    def needed_beside_target(self) -> Quantity:
        """The same, with the United States at its own target."""
        return self.target - self.us_target - self.others

    @property
    def achieved(self) -> Quantity:
        """Money a month, so far."""
        return self.so_far / Quantity.counted(self.report.quarter.to_date.months, "month")

    @property
    def required(self) -> Quantity:
        """Money a month over the rest of the year; unknown where nothing is left of it."""
        rest = self.report.quarter.rest_of_year
        if rest is None:
            return Quantity.unknown("a part of the year still to come")
        return (self.needed - self.so_far) / Quantity.counted(rest.months, "month")

    @property
    def stretch(self) -> Quantity:
        return self.required / self.achieved

    @property
    def brief(self) -> Sentence:
        over, reading = self.report.year_is_over, self.region.reading
        # Beside a published figure of the same year a reader must know why the two differ.
        ours = ", brought to the company’s own count," if reading and reading.span == self.report.year else None
        part = maybe(
            ", {share.median} of the world target of {target}{needed}",
            self,
            needed=maybe(
                "; the other markets, as {expected}, {leave} {needed} of it to the region",
                expected="estimated" if over else "expected",
                leave="left" if over else "leave",
                needed=self.needed if self.needed > 0 else None,
            ),
        )
        return say(
            "By our estimate{ours} the region {sells} {expected.median} in {report.year} ({expected.low} to "
            "{expected.high}){part}.",
            self,
            ours=maybe("{ours}", ours=ours),
            sells="sold" if over else "sells",
            part=part,
        )

    @property
    def details(self) -> list[Sentence]:
        over = self.report.year_is_over
        if not self.target:
            return [say("No world target for {report.year} was public by {report.as_of_label}.", self)]
        return [
            say(
                "The region {carries} {share.median} of the world target of {target}, between {share.low} and "
                "{share.high} in four cases of five.",
                self,
                carries="carried" if over else "is expected to carry",
            )
            or say("No estimate of the region’s year is possible yet."),
            say(
                "With {us} from the US and {others} from all other markets, the target {asks} nothing of the region.",
                self,
                asks="asked" if over else "asks",
            )
            if self.needed < 0
            else say(
                "With {us} from the US and {others} from all other markets, the target {leaves} {needed} to the "
                "region, {beside} of its estimate.",
                self,
                leaves="left" if over else "leaves",
                beside=beside(self.needed, self.expected),
            ),
            say(
                "With the US at its own target of {us_target}, it {word} {part}, {beside}.",
                self,
                part=self.needed_beside_target if self.needed_beside_target > 0 else None,
                word="would have been" if over else "would be",
                beside=beside(self.needed_beside_target, self.expected),
            ),
            say(
                "For the rest of the year its part comes to {required.amount} a month, {stretch} the "
                "{achieved.amount} that it is estimated to have sold so far.",
                self,
            )
            if self.required > 0
            else Sentence(),
        ]

    def chart(self) -> Figure:
        over = self.report.year_is_over
        word = "Estimated" if over else "Expected"
        rows = [
            (f"{word}, {self.expected.low} to {self.expected.high}", self.expected.median, True),
            (f"Needed, with the US as {word.lower()}", self.needed, False),
            ("Needed, with the US at its own target", self.needed_beside_target, False),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["label", "value", "lead"])
        title = say(
            "The region {carries} {share.median} of the world target", self, carries="carried" if over else "carries"
        )
        subtitle = (
            f"GMV of the region in {self.report.year.short}, {self.report.currency}: estimate, and what is needed"
        )
        return Figure("sea_target", title or say("What the region carries"), subtitle, charts.bars(data), data)


def review(report: Report, model: Estimates, region: Pace) -> Load:
    target = report.fact("Global", "gmv_target", report.year)
    world, expected, us = (model.gmv(name, report.year) for name in ("Global", REGION, "US"))
    return Load(
        report=report,
        region=region,
        target=target,
        us_target=report.fact("US", "gmv_target", report.year),
        expected=expected,
        share=Band(*((part / target).percent() for part in expected)),
        us=us.median,
        others=world.median - expected.median - us.median,
        so_far=model.gmv(REGION, report.quarter.to_date).median,
    )
