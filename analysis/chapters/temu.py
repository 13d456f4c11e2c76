"""The rival: both platforms over the same months, and the disputed share of the United States."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis import charts
from analysis.estimates import Band, estimates
from analysis.page import Figure, Table
from analysis.prose import Sentence, against_target, level, listing, moved, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

MARKET = "US"  # where the rivals meet, and the source of the dispute


@dataclass(frozen=True)
class Period:
    """GMV of the platform and of its rival over one span, money; unknown where nothing is published."""

    span: Span | None
    own: Quantity
    rival: Quantity


@dataclass(frozen=True)
class Share:
    """One source's share of a market in the rival's GMV, and the GMV a month that it implies there."""

    label: str
    span: Span
    share: Quantity
    implied: Quantity


@dataclass(frozen=True)
class Rival:
    """The platform and its rival side by side, from what was public by the report's date.

    Attributes
    ----------
    report : Report
    periods : list of Period
        Quarters, halves and years, oldest first, with a figure of at least one of the two.
    shared : Span or None
        The last span in which both are known.
    shared_own, shared_rival, ratio : Quantity
        GMV of both in `shared`, money, and the rival's as a multiple of the platform's.
    quarter : Reading or None
        The rival's last published quarter of the year.
    quarter_before, quarter_growth : Quantity
        The rival's GMV of the quarter before it, money, and growth from one to the other.
    targets : list of Quantity
        The rival's targets for the year, oldest first, money.
    shares : list of Share
        The rival's share of the United States by source, largest first.
    us_quarter : Reading or None
        The rival's last published quarter in the United States.
    us_own : Reading or None
        The platform's own GMV in the United States, in the latest period published.
    semi_managed : Quantity
        Share of the rival's GMV in the United States that comes from merchants with stock of their own there.
    semi_managed_span : Span or None
        The period of that share.
    own_quarter, rival_quarter, own_year, rival_year : Band
        What the market model makes of the quarter and of the whole year for both platforms, money.
    """

    report: Report
    periods: list[Period]
    shared: Span | None
    shared_own: Quantity
    shared_rival: Quantity
    ratio: Quantity
    quarter: Reading | None
    quarter_before: Quantity
    quarter_growth: Quantity
    targets: list[Quantity]
    shares: list[Share]
    us_quarter: Reading | None
    us_own: Reading | None
    semi_managed: Quantity
    semi_managed_span: Span | None
    own_quarter: Band
    rival_quarter: Band
    own_year: Band
    rival_year: Band

    @property
    def headline(self) -> Sentence:
        if self.ratio and level(self.shared_rival, self.shared_own):
            return say("{report.rival} was level with {report.platform} in {shared}", self)
        if self.shared_rival < self.shared_own:
            return say("{report.rival} sold less than {report.platform} in {shared}: {ratio} as much", self)
        return say("{report.rival} sold {ratio} as much as {report.platform} in {shared}", self) or say(
            "No period is published for both {report.rival} and {report.platform} by {report.as_of_label}", self
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [
            say("In {shared} {report.rival} sold {shared_rival} and {report.platform} {shared_own}.", self)
            + self._bases_sentence()
            or say("All that is known of {report.rival} is the US: {us_quarter.gmv} in {us_quarter.span}.", self),
            say(
                "{report.rival}’s GMV {moved} in a single quarter, "
                "from {quarter_before} to {quarter.gmv} in {quarter.span}.",
                self,
                moved=moved(self.quarter_growth),
            ),
            self._target_sentence(),
            say(
                "For the whole of {report.year} all published figures together point to {rival_year.median} for "
                "{report.rival} ({rival_year.low} to {rival_year.high}) and {own_year.median} for {report.platform} "
                "({own_year.low} to {own_year.high}).",
                self,
            ),
            *self._share_sentences(),
            say(
                "About {share} of its US sales in {semi_managed_span} came from merchants "
                "with stock of their own in the country.",
                self,
                share=replace(self.semi_managed, hedge=""),  # the sentence hedges in its own words
            ),
        ]

    def _bases_sentence(self) -> Sentence:
        own, rival = self.shared_own.bases, self.shared_rival.bases
        if not own or not rival or own & rival:
            return Sentence()
        return say(
            "The two are counted differently, {report.rival} by {theirs} and {report.platform} by {ours}, "
            "so the ratio is a rough one.",
            self,
            theirs=" and ".join(sorted(rival)),
            ours=" and ".join(sorted(own)),
        )

    def _target_sentence(self) -> Sentence:
        if len(self.targets) < 2:
            return Sentence()
        first, last = self.targets[0], self.targets[-1]
        opening = phrase("Its target for {report.year} went from {first} to {last}", self, first=first, last=last)
        gmv = {period.span: period.rival for period in self.periods if period.rival}
        if self.report.year in gmv:
            verb = against_target(gmv[self.report.year], last)
            return say("{opening}; it {verb} that.", opening=opening, verb=verb)
        half = next((amount for span, amount in gmv.items() if span.months == 6), None)
        if half is None:
            return say("{opening}.", opening=opening)
        verb = {"beat": "beat", "met": "meet", "fell short of": "fall short of"}[against_target(half * 2, last)]
        return say("{opening}; a second half like the first would {verb} that.", opening=opening, verb=verb)

    def _share_sentences(self) -> list[Sentence]:
        if len(self.shares) < 2:
            return []
        shares = [phrase("{share} ({label})", share) for share in self.shares]
        high, low = self.shares[0], self.shares[-1]
        matters = say(
            "For {report.platform} the difference matters: {report.rival} sold between {low.implied} and "
            "{high.implied} in the US, {report.platform} {us_own.monthly} in {us_own.span}.",
            self,
            low=low,
            high=high,
        )
        return [
            say("Sources put the share of the US at {shares}.", shares=listing(shares)),
            matters if high.implied > low.implied else Sentence(),
        ]

    def comparison_chart(self) -> Figure:
        report = self.report
        rows = []
        for period in self.periods:
            rows.append((period.span.short, report.platform, period.own))
            rows.append((period.span.short, report.rival, period.rival))
        data = pd.DataFrame(rows, columns=["label", "series", "value"])
        title = say("{report.rival} and {report.platform}", self)
        if self.ratio:
            where = than(self.shared_rival, self.shared_own, "ahead of", "behind", "level with")
            title = say("{report.rival} is {where} {report.platform}", self, where=where)
        subtitle = f"GMV in the period named, {report.currency}, as published"
        return Figure("rival_gmv", title, subtitle, charts.pairs(data), data)

    def estimate_chart(self) -> Figure:
        quarter, year = self.report.quarter.short, self.report.year.label
        rows = [
            (f"{self.report.rival}, {quarter}", *self.rival_quarter),
            (f"{self.report.platform}, {quarter}", *self.own_quarter),
            (f"{self.report.rival}, {year}", *self.rival_year),
            (f"{self.report.platform}, {year}", *self.own_year),
        ]
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("{report.year}: {rival_year.median} against {own_year.median}", self) or say("The year, estimated")
        subtitle = f"Estimated GMV, {self.report.currency}, with the band of four chances in five"
        return Figure("rival_estimate", title, subtitle, charts.bands(data), data)

    def share_chart(self) -> Figure:
        used = self._used_share.formula
        rows = [(s.label, s.share, s.share.formula == used) for s in self.shares]
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("The US share of {report.rival}", self)
        if len(rows) > 1:
            low, high = self.shares[-1].share, self.shares[0].share
            title = say("Sources disagree on the US share: {low} to {high}", low=low, high=high)
        subtitle = f"Share of {self.report.rival}’s GMV sold in the US, per cent, by source; the figure used in blue"
        return Figure("rival_us_share", title, subtitle, charts.dots(data), data)

    @property
    def _used_share(self) -> Quantity:
        """The leading figure of the last period."""
        last = max((s.span for s in self.shares), key=lambda span: span.end, default=self.report.quarter)
        return self.report.fact(MARKET, "share_of_platform_gmv", last, self.report.rival)

    def implied_chart(self) -> Figure:
        report, own = self.report, self.us_own
        rows = [(f"{report.rival} at {s.share}", s.implied, False) for s in self.shares]
        multiples = []
        if own:
            multiples = [s.implied / own.monthly for s in self.shares if s.implied]
            rows.append((f"{report.platform}, {own.span.short}", own.monthly, True))
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("What the US shares imply")
        if len(multiples) > 1:
            low, high = multiples[-1], multiples[0]
            title = say("In the US, {report.rival} sells {low} to {high} as much", self, low=low, high=high)
        subtitle = f"GMV a month in the US, {report.currency}, under each source’s share"
        if self.quarter:
            subtitle += f" of {self.quarter.span.short}"
        return Figure("rival_us_gmv", title, subtitle, charts.bars(data), data)

    def table(self) -> Table:
        report = self.report
        rows = [(p.span.short, p.own, p.rival, p.rival / p.own) for p in self.periods]
        columns = ["Period", report.platform, report.rival, f"{report.rival} as a multiple"]
        return Table("rival_periods", say("Both platforms, period by period"), pd.DataFrame(rows, columns=columns))


def review(report: Report) -> Rival:
    """Everything the chapter says, from the facts of the report's view."""
    nothing = Quantity.unknown(f"a period with figures of both {report.platform} and {report.rival}")
    own, rival = estimates(report), estimates(report, report.rival)
    periods = _periods(report)
    both = [period for period in periods if period.own and period.rival]
    shared = max(both, key=lambda p: (p.span.end, p.span.days), default=Period(None, nothing, nothing))
    quarter = _last_quarter(report, "Global")
    last = quarter.gmv if quarter else nothing
    before = report.gmv("Global", quarter.span.previous_quarter, report.rival) if quarter else nothing
    targets = report.rows("Global", "gmv_target", report.rival, report.year).sort_values("known_on", kind="stable")
    semi = report.rows(MARKET, "semi_managed_share_of_gmv", report.rival)
    return Rival(
        report=report,
        periods=periods,
        shared=shared.span,
        shared_own=shared.own,
        shared_rival=shared.rival,
        ratio=shared.rival / shared.own,
        quarter=quarter,
        quarter_before=before,
        quarter_growth=(last / before).growth(),
        targets=[report.quantity(row) for _, row in targets.iterrows()],
        shares=_shares(report, last),
        us_quarter=_last_quarter(report, MARKET),
        us_own=report.latest_month(MARKET) or report.year_to_date(MARKET),
        semi_managed=report.quantity(semi.iloc[0]) if len(semi) else nothing,
        semi_managed_span=semi.iloc[0]["span"] if len(semi) else None,
        own_quarter=own.gmv("Global", report.quarter),
        rival_quarter=rival.gmv("Global", report.quarter),
        own_year=own.gmv("Global", report.year),
        rival_year=rival.gmv("Global", report.year),
    )


def _quarters(report: Report) -> list[Span]:
    return [Span.months_of(report.year.end.year, month, 3) for month in range(1, report.quarter.end.month, 3)]


def _periods(report: Report) -> list[Period]:
    """The year before, then the quarters, the halves and, once it is over, the year."""
    halves = [Span.months_of(report.year.end.year, month, 6) for month in (1, 7)]
    spans = [report.year.year_earlier(), *_quarters(report), *halves, report.year]
    ended = [span for span in spans if span.end <= report.quarter.end]
    periods = [Period(span, report.gmv("Global", span), report.gmv("Global", span, report.rival)) for span in ended]
    return [period for period in periods if period.own or period.rival]


def _last_quarter(report: Report, market: str) -> Reading | None:
    """The rival's last published quarter of the year in a market."""
    readings = [Reading(span, report.gmv(market, span, report.rival)) for span in _quarters(report)]
    return next((reading for reading in reversed(readings) if reading.gmv), None)


def _shares(report: Report, quarter_gmv: Quantity) -> list[Share]:
    """What each source says of the rival's US share in the report's year, and what it implies for the last quarter."""
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival, report.quarter.to_date)
    month = quarter_gmv / Quantity.counted(3, "month")
    found = []
    for _, row in rows.iterrows():
        share = report.quantity(row)
        label = f"{_who(share.origins[0].publisher)}, {row['span'].short}"
        found.append(Share(label, row["span"], share, share * month))
    return sorted(found, key=lambda s: -s.share.value)


def _who(publisher: str) -> str:
    """The one who says so, not the page that quotes: `NSN Asia (SCMP copy citing 36Kr)` is 36Kr."""
    for mark in (" citing ", "copy of "):
        if mark in publisher:
            return publisher.split(mark)[1].rstrip(")")
    return publisher.split(" via ")[0].split(" (")[0]
