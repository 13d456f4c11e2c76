"""Southeast Asia: who grows, who leads, what single events amount to, and how much of the target the region carries."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.estimates import estimates
from analysis.model.pace import Pace, pace
from analysis.story.prose import Sentence, maybe, say

from . import entry, growth, indonesia, load, streams, thailand, vietnam
from .market import REGION, read_market

OPENING = 5  # sentences that a reader with two minutes takes in


@dataclass(frozen=True)
class SoutheastAsia:
    """What is known of the platform in Southeast Asia by the report's date.

    Attributes
    ----------
    report : Report
    region : Pace
        The region as a whole; its target, where there is one.
    region_share : Quantity
        The region's share of the platform's GMV over the same span, or the one that a source states.
    growth, load, vietnam, streams, indonesia, thailand, entry
        The sections, in the order of the notebook.
    """

    report: Report
    region: Pace
    region_share: Quantity
    growth: growth.Growth
    load: load.Load
    vietnam: vietnam.Vietnam
    streams: streams.Streams
    indonesia: indonesia.Indonesia
    thailand: thailand.Thailand
    entry: entry.Entry

    @property
    def headline(self) -> Sentence:
        fastest = self.growth.fastest
        verb = "leads Southeast Asia" if fastest and fastest.growth > 0 else "does best in Southeast Asia"
        return (
            say(
                "Southeast Asia brought in {region.reached} in {region.reading.span}{share}",
                self,
                share=maybe(", {region_share} of all that {report.platform} sold", self),
            )
            or say(
                "{fastest.name} {verb}: sales {fastest.moved} in {fastest.growth_span}",
                fastest=fastest,
                verb=verb if len(self.growth.grown) > 1 else None,
            )
            or say(
                "{fastest.name}’s sales {fastest.moved} in {fastest.growth_span}, "
                "the one growth figure published in Southeast Asia",
                fastest=fastest,
            )
            or say(
                "Southeast Asia is estimated at {growth.region_estimate.median} for {report.quarter}; "
                "no growth of its markets was public by {report.as_of_label}",
                self,
            )
            or say("No growth of Southeast Asia in {report.year} was public by {report.as_of_label}", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        """The chapter in brief."""
        told = [
            say("Of its own target of {region.target} for {report.year} it had reached {region.attained}.", self),
            *(part.brief for part in (self.growth, self.load, self.vietnam, self.indonesia, self.streams)),
        ]
        return [sentence for sentence in told if sentence][:OPENING]


def review(report: Report) -> SoutheastAsia:
    """Everything the chapter says, from the facts of the report's view."""
    region, model = pace(report, REGION), estimates(report)
    members = {name: read_market(report, model, name) for name in report.ledger.vocabulary.regions[REGION]}
    grown = growth.review(report, model, region, list(members.values()))
    return SoutheastAsia(
        report=report,
        region=region,
        region_share=_region_share(report, region),
        growth=grown,
        load=load.review(report, model, region),
        vietnam=vietnam.review(report, members["Vietnam"].growth_span),
        streams=streams.review(report),
        indonesia=indonesia.review(report, model, members["Indonesia"]),
        thailand=thailand.review(report, members["Thailand"]),
        entry=entry.review(report, model, grown.markets),
    )


def _region_share(report: Report, region: Pace) -> Quantity:
    if region.reading is None:
        return Quantity.unknown("GMV of the region")
    whole = report.gmv("Global", region.reading.span)
    return (region.reached / whole).percent() if whole else report.fact(REGION, "share_of_platform_gmv", report.quarter)
