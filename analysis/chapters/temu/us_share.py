"""How much of the rival is sold in the United States, on which sources disagree, and what each share implies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.crossing import Pair, pair, share
from analysis.model.estimates import Band, Estimates
from analysis.story import charts
from analysis.story.citation import cite
from analysis.story.prose import Sentence, banded, listing, phrase, say
from analysis.story.show import Figure, Table

MARKET = "US"


@dataclass(frozen=True)
class Share:
    """One source's share of the United States in the rival's GMV, and what it implies.

    Attributes
    ----------
    who : Sentence
    span : Span
    share : Quantity
    implied : Quantity
        The rival's GMV a month there, money a month.
    multiple : Band
        The same as a multiple of the platform's estimated GMV there in the same quarter.
    """

    who: Sentence
    span: Span
    share: Quantity
    implied: Quantity
    multiple: Band

    @property
    def label(self) -> Sentence:
        return phrase("{who}, {when}", self, when=self.span.short)


@dataclass(frozen=True)
class UsShare:
    """The rival's share of the United States by source, and both platforms there.

    Attributes
    ----------
    report : Report
    quarter, us_quarter : Reading or None
        The rival's last published quarter of the year, in the world and in the United States.
    shares : list of Share
        By source, largest first.
    before : Reading or None
        What was said of the share last before the year.
    both : Pair
        Estimates of the United States in that quarter.
    modelled : Band
        The rival's share of the United States in it as the market model sees it.
    stocked : Quantity
        Share of the rival's GMV there that merchants with stock in the country sell.
    """

    report: Report
    quarter: Reading | None
    us_quarter: Reading | None
    shares: list[Share]
    before: Reading | None
    both: Pair
    modelled: Band
    stocked: Quantity

    @property
    def finding(self) -> Sentence:
        """What the chapter opens with, where sources disagree."""
        if len(self.shares) < 2:
            return Sentence()
        told = phrase(
            "sources put the share of the US in {report.rival}’s sales at {shares}",
            self,
            shares=listing([phrase("{share} ({label})", share) for share in self.shares]),
        )
        return say(
            "{told}: {low.implied.amount} to {high.implied.amount} a month in {quarter.span}, "
            "{low.multiple.median} to {high.multiple.median} what {report.platform} is estimated to have sold there.",
            self,
            told=told,
            low=self.shares[-1],
            high=self.shares[0],
        ) or say("{told}.", told=told)

    @property
    def details(self) -> list[Sentence]:
        low = self.shares[-1] if self.shares else None
        known = self.us_quarter if self.us_quarter and self.us_quarter.span == self.both.span else None
        by_model = say(
            "The market model, which weighs every source, comes to {modelled.median} in {both.span} ({modelled.low} to "
            "{modelled.high}), and so to {both.ratio.median} {report.platform}’s US sales ({both.ratio.low} to "
            "{both.ratio.high}).",
            self,
        )
        return [
            Sentence()
            if low
            else say("No source gives the share of the US in {report.rival}’s sales of {report.year}.", self),
            say(
                "{report.rival} sold {known.gmv} in the US in {known.span}, {multiple} what {report.platform} is "
                "estimated to have sold there.",
                self,
                known=known,
                multiple=known and known.gmv / self.both.own.median,
            ),
            say(
                "For {before.span} {who} had put the share of the US at {before.gmv}.",
                self,
                who=self.before and _who(self.before.gmv),
            ),
            by_model if low else Sentence(),
            say(
                "{report.platform}’s own US sales of {both.span} are an estimate, {own}: at the lowest share "
                "{report.rival} sold {low.multiple.low} to {low.multiple.high} as much.",
                self,
                own=banded(self.both.own),
                low=low,
            ),
        ]

    def chart(self) -> Figure:
        used = self._used.formula
        rows = [(s.label, s.share, s.share.formula == used) for s in self.shares]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The US share of {report.rival}", self)
        if len(rows) > 1:
            low, high = self.shares[-1].share, self.shares[0].share
            title = say("Sources disagree on the US share: {low} to {high}", low=low, high=high)
        subtitle = f"Share of {self.report.rival}’s GMV sold in the US, per cent, by source; the figure used in blue"
        return Figure("rival_us_share", title, subtitle, charts.dots(data), data)

    @property
    def _used(self) -> Quantity:
        """The leading figure of the last period."""
        last = max((s.span for s in self.shares), key=lambda span: span.end, default=self.report.quarter)
        return self.report.fact(MARKET, "share_of_platform_gmv", last, self.report.rival)

    def multiple_chart(self) -> Figure:
        report = self.report
        rows = [(phrase("At {share} ({who})", s), *s.multiple) for s in self.shares]
        rows.append(("By the market model of both", *self.both.ratio))
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        low, high = (self.shares[i].multiple.median if len(self.shares) > 1 else None for i in (-1, 0))
        title = say(
            "In the US {report.rival} sold {low} to {high} what {report.platform} did", self, low=low, high=high
        ) or say("{report.rival} against {report.platform} in the US", self)
        subtitle = f"GMV of {report.rival} in the US as a multiple of {report.platform}’s estimated one"
        return Figure("rival_us_multiple", title, f"{subtitle}, {self.both.span.short}", charts.bands(data), data)

    def table(self) -> Table:
        platform, model = self.report.platform, _a_month(self.both.rival.median)
        rows = [(s.label, s.share, s.implied, banded(s.multiple), self.stocked * s.implied) for s in self.shares]
        if self.modelled:
            ratio = banded(self.both.ratio)
            rows.append(("Market model", self.modelled.median, model, ratio, self.stocked * model))
        columns = ["Source", "US share", "US GMV a month", f"As a multiple of {platform}"]
        columns.append("Of it by merchants with stock in the country")
        title = say("What each US share implies for {both.span}", self)
        return Table("rival_us_shares", title, pd.DataFrame(rows, columns=columns))


def us_share_of(
    report: Report,
    own: Estimates,
    rival: Estimates,
    quarter: Reading | None,
    us_quarter: Reading | None,
    stocked: Quantity,
) -> UsShare:
    """The rival's share of the United States, by source and by the market models.

    Parameters
    ----------
    report : Report
    own, rival : Estimates
    quarter, us_quarter : Reading or None
        The rival's last published quarter of the year, in the world and in the United States.
    stocked : Quantity
        Share of the rival's GMV there that merchants with stock in the country sell.
    """
    held = quarter or us_quarter
    span = held.span if held else report.quarter
    both = pair(own, rival, MARKET, span)
    return UsShare(
        report=report,
        quarter=quarter,
        us_quarter=us_quarter,
        shares=_shares(report, quarter.gmv if quarter else Quantity.unknown("a quarter of the rival"), both.own),
        before=_before(report),
        both=both,
        modelled=share(rival, MARKET, span),
        stocked=stocked,
    )


def _shares(report: Report, gmv: Quantity, us: Band) -> list[Share]:
    """What each source says in the report's year, and what it implies for a quarter of that GMV."""
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival, report.quarter.to_date)
    found = []
    for _, row in rows.iterrows():
        stated = report.quantity(row)
        middle, *ends = (stated * gmv / part for part in (us.median, us.high, us.low))
        multiple = Band(middle, *(replace(end, hedge="") for end in ends))  # the middle hedges for all three
        found.append(Share(_who(stated), row["span"], stated, stated * _a_month(gmv), multiple))
    return sorted(found, key=lambda s: -s.share.value)


def _before(report: Report) -> Reading | None:
    """The last share that was put on a period before the year."""
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival)
    rows = rows[rows["end"] < report.year.start].sort_values("end", kind="stable")
    return None if rows.empty else Reading(rows.iloc[-1]["span"], report.quantity(rows.iloc[-1]))


def _who(figure: Quantity) -> Sentence:
    """The one who says so, not the page that quotes: `NSN Asia (SCMP copy citing 36Kr)` is 36Kr."""
    publisher = figure.origins[0].publisher
    for mark in (" citing ", "copy of "):
        if mark in publisher:
            return cite([publisher.split(mark)[1].rstrip(")")])
    return cite([publisher.split(" via ")[0].split(" (")[0]])


def _a_month(quarter: Quantity) -> Quantity:
    """Mean of a quarter's three months."""
    return quarter / Quantity.counted(3, "month")
