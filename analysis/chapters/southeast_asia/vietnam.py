"""Vietnam: the platform's growth lead, and the size of the market leader."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story import charts
from analysis.story.prose import Sentence, listing, maybe, moved, phrase, say, than
from analysis.story.show import Figure

from .market import REGION

_NO_GROWTH = Quantity.unknown("growth in Vietnam")


@dataclass(frozen=True)
class Contender:
    """A platform in Vietnam: its growth, and its GMV at the end of it as one counter has it for all, money."""

    platform: str
    growth: Quantity
    after: Quantity

    @property
    def before(self) -> Quantity:
        return self.after / (1 + self.growth)

    @property
    def added(self) -> Quantity:
        return self.after - self.before

    @property
    def moved(self) -> Sentence:
        return moved(self.growth)

    @property
    def gained(self) -> Sentence:
        return phrase("added {size}" if self.added > 0 else "lost {size}", size=abs(self.added))


@dataclass(frozen=True)
class Vietnam:
    """Growth and size of the platform beside the market leader.

    Attributes
    ----------
    report : Report
    growth_span : Span or None
        The span of the platform's latest published growth over a year earlier.
    contenders : list of Contender
        Platforms over that span: the platform itself; the largest other one of the region, without a name if no share
        of the market is published; the others.
    own_gmv, leader_gmv : Quantity
        GMV of the platform and of the market leader, in the latest period with both, money.
    size_span : Span or None
        That period.
    own_step, leader_step : Quantity
        Growth of the same over the quarter before, in the currency in which they were printed.
    """

    report: Report
    growth_span: Span | None
    contenders: list[Contender]
    own_gmv: Quantity
    leader_gmv: Quantity
    size_span: Span | None
    own_step: Quantity
    leader_step: Quantity

    @property
    def leader(self) -> str:
        """The largest other platform of the region."""
        return self.contenders[1].platform

    @property
    def multiple(self) -> Quantity:
        """GMV of the leader as a multiple of the platform's."""
        return self.leader_gmv / self.own_gmv

    @property
    def _more_from_slower(self) -> bool:
        """Whether the one of the two that grew faster is not the one that added more."""
        own, leader = self.contenders[:2]
        return (own.growth > leader.growth) != (own.added > leader.added)

    @property
    def brief(self) -> Sentence:
        own, leader = self.contenders[:2]
        ahead = own.growth > leader.growth and self.multiple > 1
        size = phrase(
            "{leader} {sold} {multiple} as much{when}",
            self,
            sold="still sold" if ahead else "sold",
            when=maybe(" in {span}", span=self.size_span if self.size_span != self.growth_span else None),
        )
        return (
            say(
                "In Vietnam sales of {own.platform} {own.moved} in {growth_span}, those of {other.platform} "
                "{other.moved}; {size}.",
                self,
                own=own,
                other=leader,
                size=size,
            )
            or say(
                "In Vietnam {leader} sold {multiple} as much as {report.platform} in {size_span}: "
                "{leader_gmv} against {own_gmv}.",
                self,
            )
            or say("In Vietnam sales of {own.platform} {own.moved} in {growth_span}.", self, own=own)
        )

    @property
    def details(self) -> list[Sentence]:
        own, leader = self.contenders[:2]
        told = [phrase("{platform} {moved}", contender) for contender in self.contenders]
        return [
            say("Against a year earlier, {told} in {growth_span}.", self, told=listing(told))
            or say("No growth in Vietnam was public by {report.as_of_label}.", self),
            say(
                "The faster is not the one that adds more: {own.platform} {own.gained}, {leader.platform} "
                "{leader.gained}."
                if self._more_from_slower
                else "{own.platform} {own.gained}, {leader.platform} {leader.gained}.",
                own=own,
                leader=leader,
            ),
            self._gap_sentence(),
            say(
                "From the quarter before to {size_span}, in local currency, sales of {report.platform} {own} and those "
                "of {leader} {theirs}.",
                self,
                own=moved(self.own_step),
                theirs=moved(self.leader_step),
            ),
        ]

    def _gap_sentence(self) -> Sentence:
        own, leader = self.contenders[:2]
        before, after = leader.before - own.before, leader.after - own.after
        if not (before > 0 and after > 0):
            return Sentence()
        return say(
            "The gap between the two {moves} from {before} to {after}{years}.",
            moves="widened" if after > before else "narrowed",
            before=before,
            after=after,
            years=maybe(
                "; if both went on growing like that, they would be level after {years}",
                years=_years_to_meet(own, leader),
            ),
        )

    def size_chart(self) -> Figure:
        report, rows = self.report, []
        for month in range(1, report.quarter.end.month + 1, 3):
            quarter = Span.months_of(report.year.end.year, month, 3)
            for platform in (report.platform, self.leader):
                rows.append((quarter.short, platform, report.gmv("Vietnam", quarter, platform)))
        if self.size_span and self.size_span.months != 3:
            span = self.size_span.short
            rows += [(span, report.platform, self.own_gmv), (span, self.leader, self.leader_gmv)]
        data = pd.DataFrame([row for row in rows if row[2]], columns=["label", "series", "value"])
        title = say("{leader} sold {multiple} as much in Vietnam", self)
        title = title or say("Size against the market leader in Vietnam")
        return Figure("vietnam_leader", title, f"GMV in the period named, {report.currency}", charts.pairs(data), data)

    def lead_chart(self) -> Figure:
        rows = [(c.platform, c.before, c.after) for c in self.contenders if c.before]
        data = pd.DataFrame(rows, columns=["label", "before", "after"])
        own, leader = self.contenders[:2]
        title = say(
            "{own.platform} {grew} {word} {added}",
            own=own,
            grew=than(1 + own.growth, 1 + leader.growth, "grew faster", "grew slower", "grew as fast"),
            word="but" if self._more_from_slower else "and",
            added=than(own.added, leader.added, "added more", "added less", "added as much"),
        )
        span = self.growth_span or self.report.quarter.to_date
        subtitle = f"GMV in Vietnam, {self.report.currency} at the rate of {span.short}; the year before by its growth"
        drawing = charts.slopes(data, span.year_earlier().short, span.short)
        return Figure("vietnam_lead", title or say("Who grew and who added, in Vietnam"), subtitle, drawing, data)


def _years_to_meet(own: Contender, leader: Contender) -> Quantity:
    """How long until the sizes meet if both go on growing as they do: arithmetic."""
    if not (own.growth > leader.growth > -1 and leader.after > own.after):
        return Quantity.unknown("a platform that catches up")
    ratio, pace = leader.after / own.after, (1 + own.growth) / (1 + leader.growth)
    formula = f"log({ratio.formula}) ÷ log({pace.formula})"
    return Quantity(round(math.log(ratio.value) / math.log(pace.value), 1), "year", formula, (ratio + pace).origins)


def review(report: Report, growth_span: Span | None) -> Vietnam:
    platforms = [report.platform, *_rivals(report)]
    size_span = _latest_count(report, platforms)
    own_gmv, leader_gmv = _count(report, platforms, size_span)[:2]
    steps = [_step(report, platform, size_span) for platform in platforms[:2]]
    own_step, leader_step = (*steps, Quantity.unknown("a market leader"))[:2]
    return Vietnam(
        report=report,
        growth_span=growth_span,
        contenders=_contenders(report, platforms, growth_span),
        own_gmv=own_gmv,
        leader_gmv=leader_gmv,
        size_span=size_span,
        own_step=own_step,
        leader_step=leader_step,
    )


def _rivals(report: Report) -> list[str]:
    """Other platforms of which a share of the region's market is published, the largest of the last period first."""
    facts = report.ledger.facts
    rows = facts[(facts["market"] == REGION) & (facts["metric"] == "share_of_market_gmv")]
    rows = rows[rows["platform"] != report.platform]
    latest = rows.sort_values("end", ascending=False, kind="stable").drop_duplicates("platform")
    return list(latest.sort_values(["end", "number"], ascending=False, kind="stable")["platform"])


def _contenders(report: Report, platforms: list[str], span: Span | None) -> list[Contender]:
    found = [Contender(platform, _NO_GROWTH, _NO_GROWTH) for platform in (*platforms, "")]
    if span is not None:
        sizes = _count(report, platforms, span)
        growths = [report.fact("Vietnam", "gmv_growth_yoy", span, platform) for platform in platforms]
        found = [Contender(*each) for each in zip(platforms, growths, sizes, strict=False)] + found[-1:]
    return found[:2] + [contender for contender in found[2:] if contender.growth]


def _count(report: Report, platforms: list[str], span: Span | None) -> list[Quantity]:
    """GMV of each platform over a span, as one counter has it for the first two; else unknown."""
    unknown = [Quantity.unknown("GMV in Vietnam of both platforms by one counter")] * max(2, len(platforms))
    if span is None or len(platforms) < 2:
        return unknown
    for sizes in (
        [report.gmv("Vietnam", span, platform) for platform in platforms],
        [_by_share(report, platform, span) for platform in platforms],
    ):
        if sizes[0] and sizes[1] and _counters(sizes[0]) == _counters(sizes[1]):
            return sizes
    return unknown


def _by_share(report: Report, platform: str, span: Span) -> Quantity:
    """A published share of the market, of the market's GMV in the same source."""
    facts = report.ledger.facts
    for _, share in report.ledger.cell(platform, "Vietnam", "share_of_market_gmv", span).iterrows():
        alike = (facts["source"] == share["source"]) & (facts["span"] == span)
        whole = facts[alike & (facts["market"] == "Vietnam") & (facts["metric"] == "gmv")]
        if len(whole):
            return report.quantity(share) * report.quantity(whole.iloc[0])
    return Quantity.unknown(f"share of {platform} in Vietnam, {span.short}")


def _counters(figure: Quantity) -> set[str]:
    """Sources of a figure, but for those of exchange rates."""
    return {origin.source for origin in figure.origins if origin.basis}


def _latest_count(report: Report, platforms: list[str]) -> Span | None:
    """The last span of the year, up to the quarter, for which one counter has the first two platforms."""
    spans = {
        span
        for metric in ("gmv", "share_of_market_gmv")
        for platform in platforms[1:2]
        for span in report.rows("Vietnam", metric, platform, report.quarter.to_date)["span"]
    }
    counted = [span for span in spans if _count(report, platforms, span)[0]]
    return max(counted, key=lambda span: (span.end, span.days), default=None)


def _step(report: Report, platform: str, span: Span | None) -> Quantity:
    """Growth over the quarter before, in the currency in which both were printed."""
    unknown = Quantity.unknown("two quarters in a row in one currency")
    if span is None or span.months != 3:
        return unknown
    cells = [report.ledger.cell(platform, "Vietnam", "gmv", s) for s in (span, span.previous_quarter)]
    if any(cell.empty for cell in cells):
        return unknown
    now, before = (report.ledger.printed(cell.iloc[0]) for cell in cells)
    return (now / before).growth() if now.unit == before.unit else unknown
