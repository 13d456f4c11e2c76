"""The rival: both platforms over the same months, and the disputed share of the United States."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis import charts
from analysis.page import Figure, Table
from analysis.prose import Sentence, against_target, level, listing, moved, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span

MARKET = "US"  # where the rivals meet, and the source of the dispute


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
    spans : list of Span
        Quarters, halves and years, oldest first, with a figure of at least one of the two.
    own, rival : list of Quantity
        GMV of both in each span, money; unknown where nothing is published.
    shared : Span or None
        The last span in which both are known.
    shared_own, shared_rival, ratio : Quantity
        GMV of both in `shared`, and the rival's as a multiple of the platform's.
    last_quarter, quarter_before, quarter_growth : Quantity
        The rival's last two quarters of the year, and growth from one to the other.
    targets : list of Quantity
        The rival's targets for the year, oldest first, money.
    shares : list of Share
        The rival's share of the United States by source, largest first.
    us_quarter : Quantity
        The rival's last published quarter in the United States, money.
    own_month : Quantity
        The platform's own GMV a month in the United States, in the latest period published.
    """

    report: Report
    spans: list[Span]
    own: list[Quantity]
    rival: list[Quantity]
    shared: Span | None
    shared_own: Quantity
    shared_rival: Quantity
    ratio: Quantity
    last_quarter: Quantity
    quarter_before: Quantity
    quarter_span: Span | None
    quarter_growth: Quantity
    targets: list[Quantity]
    shares: list[Share]
    us_quarter: Quantity
    us_span: Span | None
    own_month: Quantity
    own_month_span: Span | None
    semi_managed: Quantity
    semi_managed_span: Span | None

    @property
    def headline(self) -> Sentence:
        report = self.report
        names = {"rival": report.rival, "platform": report.platform, "span": self.shared or ""}
        if self.ratio and level(self.shared_rival, self.shared_own):
            return say("{rival} was level with {platform} in {span}", **names)
        if self.ratio and self.shared_rival < self.shared_own:
            return say("{rival} sold less than {platform} in {span}: {ratio} as much", ratio=self.ratio, **names)
        return say("{rival} sold {ratio} as much as {platform} in {span}", ratio=self.ratio, **names) or say(
            "No period is published for both {rival} and {platform} by {day}",
            rival=report.rival, platform=report.platform, day=report.as_of_label,
        )  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        report = self.report
        shares = [phrase("{share} ({label})", share=s.share, label=s.label) for s in self.shares]
        high, low = (self.shares[0], self.shares[-1]) if self.shares else (None, None)
        return [
            say("In {span} {rival} sold {theirs} and {platform} {ours}.", span=self.shared or "", rival=report.rival,
                theirs=self.shared_rival, platform=report.platform, ours=self.shared_own)
            + self._bases_sentence()
            or say("All that is known of {rival} is the US: {gmv} in {span}.", rival=report.rival,
                   gmv=self.us_quarter, span=self.us_span or ""),
            say("{rival}’s GMV {moved} in a single quarter, from {before} to {last} in {span}.", rival=report.rival,
                moved=moved(self.quarter_growth), before=self.quarter_before, last=self.last_quarter,
                span=self.quarter_span or ""),
            self._target_sentence(),
            say("Sources put the share of the US at {shares}.", shares=listing(shares)) if len(shares) > 1 else Sentence(),
            say("For {platform} the difference matters: {rival} sold between {low} and {high} in the US, {platform} {own} in "
                "{span}.", platform=report.platform, rival=report.rival, low=low.implied if low else "",
                high=high.implied if high else "", own=self.own_month, span=self.own_month_span or "")
            if low and low.implied.known and high.implied > low.implied else Sentence(),
            say("About {share} of its US sales in {span} came from merchants with stock of their own in the country.",
                share=_unhedged(self.semi_managed), span=self.semi_managed_span or ""),
        ]  # fmt: skip

    def _bases_sentence(self) -> Sentence:
        own, rival = self.shared_own.bases, self.shared_rival.bases
        if not own or not rival or own & rival:
            return Sentence()
        return say("The two are counted differently, {rival} by {theirs} and {platform} by {ours}, so the ratio is a rough one.",
                   rival=self.report.rival, theirs=" and ".join(sorted(rival)), platform=self.report.platform,
                   ours=" and ".join(sorted(own)))  # fmt: skip

    def _target_sentence(self) -> Sentence:
        targets, year = self.targets, self.report.year
        if len(targets) < 2:
            return Sentence()
        first, last = targets[0], targets[-1]
        opening = phrase("Its target for {year} went from {first} to {last}", year=year, first=first, last=last)
        gmv = dict(zip(self.spans, self.rival, strict=True))
        if self.report.year_is_over and gmv.get(year):
            return say("{opening}; it {verb} that.", opening=opening, verb=against_target(gmv[year], last))
        half = next((amount for span, amount in gmv.items() if span.months == 6 and amount), None)
        if half is None:
            return say("{opening}.", opening=opening)
        verb = {"beat": "beat", "met": "meet", "fell short of": "fall short of"}[against_target(half * 2, last)]
        return say("{opening}; a second half like the first would {verb} that.", opening=opening, verb=verb)

    def comparison_chart(self) -> Figure:
        report = self.report
        rows = [(span.short, name, gmv) for span, own, rival in zip(self.spans, self.own, self.rival, strict=True)
                for name, gmv in ((report.platform, own), (report.rival, rival))]  # fmt: skip
        data = pd.DataFrame(rows, columns=["label", "series", "value"])
        ahead = than(self.shared_rival, self.shared_own, "ahead of", "behind", "level with") if self.ratio else ""
        title = say("{rival} is {ahead} {platform}", rival=report.rival, ahead=ahead, platform=report.platform) or say(
            "{rival} and {platform}", rival=report.rival, platform=report.platform)  # fmt: skip
        return Figure("rival_gmv", title, f"GMV in the period named, {report.currency}, as published", charts.pairs(data), data)

    def share_chart(self) -> Figure:
        data = pd.DataFrame([(s.label, s.share, n == self._leading) for n, s in enumerate(self.shares)],
                            columns=["label", "value", "lead"])  # fmt: skip
        low, high = (self.shares[-1].share, self.shares[0].share) if self.shares else ("", "")
        title = say("Sources disagree on the US share: {low} to {high}", low=low, high=high) if len(self.shares) > 1 else None
        return Figure("rival_us_share", title or say("The US share of {rival}", rival=self.report.rival),
                      f"Share of {self.report.rival}’s GMV sold in the US, per cent, by source; the figure used in blue",
                      charts.dots(data), data)  # fmt: skip

    @property
    def _leading(self) -> int | None:
        last = max((s.span for s in self.shares), key=lambda span: span.end, default=None)
        cell = self.report.fact(MARKET, "share_of_platform_gmv", last, self.report.rival) if last else None
        return next((n for n, s in enumerate(self.shares) if cell and s.share.formula == cell.formula), None)

    def implied_chart(self) -> Figure:
        report = self.report
        rows = [(f"{report.rival} at {s.share}", s.implied, False) for s in self.shares]
        if self.own_month_span:
            rows.append((f"{report.platform}, {self.own_month_span.short}", self.own_month, True))
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        multiples = [s.implied / self.own_month for s in self.shares if s.implied and self.own_month]
        title = say("In the US, {rival} sells {low} to {high} as much", rival=report.rival,
                    low=multiples[-1], high=multiples[0]) if len(multiples) > 1 else Sentence()  # fmt: skip
        return Figure("rival_us_gmv", title or say("What the US shares imply"),
                      f"GMV a month in the US, {report.currency}, under each source’s share"
                      + (f" of {self.quarter_span.short}" if self.quarter_span else ""), charts.bars(data), data)  # fmt: skip

    def table(self) -> Table:
        report = self.report
        rows = [(span.short, own, rival, rival / own) for span, own, rival in
                zip(self.spans, self.own, self.rival, strict=True)]  # fmt: skip
        columns = ["Period", report.platform, report.rival, f"{report.rival} as a multiple"]
        return Table("rival_periods", say("Both platforms, period by period"), pd.DataFrame(rows, columns=columns))


def review(report: Report) -> Rival:
    """Everything the chapter says, from the facts of the report's view."""
    quarter, rival = report.quarter, report.rival
    year = quarter.end.year
    quarters = [Span.months_of(year, month, 3) for month in range(1, quarter.end.month, 3)]
    halves = [Span.months_of(year, month, 6) for month in (1, 7) if month + 5 <= quarter.end.month]
    years = [Span.months_of(year - 1, 1, 12), *([report.year] if report.year_is_over else [])]
    spans, own, theirs = [], [], []
    for span in years[:1] + quarters + halves + years[1:]:
        gmv = report.gmv("Global", span), report.gmv("Global", span, rival)
        if any(gmv):
            spans.append(span)
            own.append(gmv[0])
            theirs.append(gmv[1])
    nothing = Quantity.unknown(f"a period with figures of both {report.platform} and {rival}")
    both = [n for n in range(len(spans)) if own[n] and theirs[n]]
    last = max(both, key=lambda n: (spans[n].end, spans[n].days), default=None)
    known = [q for q in quarters if report.gmv("Global", q, rival)]
    at = known[-1] if known else None
    before = report.gmv("Global", at.previous_quarter, rival) if at else nothing
    latest = report.gmv("Global", at, rival) if at else nothing
    us_spans = [q for q in quarters if report.gmv(MARKET, q, rival)]
    month = report.latest_month(MARKET) or report.year_to_date(MARKET)
    semi = report.rows(MARKET, "semi_managed_share_of_gmv", rival)
    return Rival(
        report=report,
        spans=spans,
        own=own,
        rival=theirs,
        shared=spans[last] if last is not None else None,
        shared_own=own[last] if last is not None else nothing,
        shared_rival=theirs[last] if last is not None else nothing,
        ratio=theirs[last] / own[last] if last is not None else nothing,
        last_quarter=latest,
        quarter_before=before,
        quarter_span=at,
        quarter_growth=(latest / before).growth(),
        targets=_targets(report),
        shares=_shares(report, latest),
        us_quarter=report.gmv(MARKET, us_spans[-1], rival) if us_spans else nothing,
        us_span=us_spans[-1] if us_spans else None,
        own_month=month.monthly if month else nothing,
        own_month_span=month.span if month else None,
        semi_managed=report.quantity(semi.iloc[0]) if len(semi) else nothing,
        semi_managed_span=semi.iloc[0]["span"] if len(semi) else None,
    )


def _targets(report: Report) -> list[Quantity]:
    """The rival's targets for the year, in the order in which they became public."""
    rows = report.rows("Global", "gmv_target", report.rival, report.year).sort_values("known_on", kind="stable")
    return [report.quantity(row) for _, row in rows.iterrows()]


def _shares(report: Report, quarter_gmv: Quantity) -> list[Share]:
    """What each source says of the rival's US share in the report's year, and what it implies for the last quarter."""
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival, report.quarter.to_date)
    month = quarter_gmv / Quantity.counted(3, "month")
    found = []
    for _, row in rows.iterrows():
        share = report.quantity(row)
        publisher = share.origins[0].publisher
        found.append(Share(f"{_who(publisher)}, {row['span'].short}", row["span"], share, share * month))
    return sorted(found, key=lambda s: -s.share.value)


def _who(publisher: str) -> str:
    """The one who says so, not the page that quotes: `NSN Asia (SCMP copy citing 36Kr)` is 36Kr."""
    for mark in (" citing ", "copy of "):
        if mark in publisher:
            return publisher.split(mark)[1].rstrip(")")
    return publisher.split(" via ")[0].split(" (")[0]


def _unhedged(quantity: Quantity) -> Quantity:
    """For sentences that hedge in their own words."""
    return replace(quantity, hedge="")
