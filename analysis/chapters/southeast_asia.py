"""Southeast Asia: who grows, who leads, what two record livestreams amount to, and how much the region carries."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.page import Figure, Table
from analysis.pace import Pace, pace
from analysis.prose import Sentence, listing, moved, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

REGION = "SEA"
FIRST_HALF = Span.parse("2024H1")  # the mall's rules are dated to it
LEADER = "Shopee"  # the largest platform of the region in every year on record


@dataclass(frozen=True)
class Market:
    """One market of the region: its latest GMV of the year and its latest growth over a year earlier."""

    market: str
    name: str
    reading: Reading | None
    growth: Quantity
    growth_span: Span | None


@dataclass(frozen=True)
class Stream:
    """One livestream: what it sold, as printed and in the report's currency."""

    market: str
    span: Span
    printed: Quantity
    gmv: Quantity


@dataclass(frozen=True)
class SoutheastAsia:
    """What is known of the platform in Southeast Asia by the report's date.

    Attributes
    ----------
    region : Pace
        The region as a whole; its target, where there is one.
    region_share : Quantity
        The region's share of the platform's GMV over the same span, or the one that a source states.
    markets : list of Market
        Largest first, markets without a figure last.
    rivals_growth : list of (str, Quantity)
        Other platforms' growth in Vietnam, in the span of the platform's own.
    own_gmv, leader_gmv : Quantity
        GMV in Vietnam of the platform and of the market leader, in the latest period with both, money.
    streams : list of Stream
        Record livestreams of the year in Vietnam, oldest first; one entry for each source's figure.
    stream_day_share : Quantity
        The largest stream as a share of the market's GMV in a mean month.
    closed : Span or None
        Days for which Indonesia was closed.
    mall_genuine, mall_returns : Quantity
        What the mall of the joined platforms promises buyers in Indonesia.
    thai_* : Quantity
        Thailand: the month's GMV in baht, the daily figure times the days of the month and the gap between them,
        sellers, GMV a seller, and the month before that the growth implies.
    """

    report: Report
    region: Pace
    region_share: Quantity
    markets: list[Market]
    rivals_growth: list[tuple[str, Quantity]]
    own_gmv: Quantity
    leader_gmv: Quantity
    vietnam_span: Span | None
    streams: list[Stream]
    stream_share: Quantity
    closed: Span | None
    stake_price: Quantity
    mall_genuine: Quantity
    mall_returns: Quantity
    thai_span: Span
    thai_gmv: Quantity
    thai_daily: Quantity
    thai_gap: Quantity
    thai_sellers: Quantity
    thai_per_seller: Quantity
    thai_month_before: Quantity

    def _market(self, name: str) -> Market:
        return next(m for m in self.markets if m.market == name)

    @property
    def _fastest(self) -> Market | None:
        grown = [m for m in self.markets if m.growth]
        latest = max((m.growth_span for m in grown), key=lambda span: span.end, default=None)
        return max((m for m in grown if m.growth_span == latest), key=lambda m: m.growth.value, default=None)

    @property
    def headline(self) -> Sentence:
        region, fastest = self.region, self._fastest
        return say(
            "Southeast Asia brought in {gmv} in {span}, {share} of all that {platform} sold",
            gmv=region.reached, span=region.reading.span if region.reading else "", share=self.region_share,
            platform=self.report.platform,
        ) or say(
            "{market} leads Southeast Asia: sales {moved} in {span}", market=fastest.name if fastest else "",
            moved=moved(fastest.growth) if fastest else "", span=fastest.growth_span if fastest else "",
        ) or say(
            "Southeast Asia brought in {gmv} in {span}",
            gmv=region.reached, span=region.reading.span if region.reading else "",
        ) or say("No growth of Southeast Asia in {year} was public by {day}",
                 year=self.report.year, day=self.report.as_of_label)  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        report, region = self.report, self.region
        indonesia, vietnam = self._market("Indonesia"), self._market("Vietnam")
        grown = sorted((m for m in self.markets if m.growth), key=lambda m: -m.growth.value)
        fastest = self._fastest
        others = [phrase("{name} {moved}", name=m.name, moved=moved(m.growth)) for m in grown
                  if fastest and m is not fastest and m.growth_span == fastest.growth_span]  # fmt: skip
        sizes = [phrase("{name} {gmv} ({span})", name=m.name, gmv=m.reading.gmv, span=m.reading.span)
                 for m in self.markets if m.reading]  # fmt: skip
        return [
            say("The region sold {gmv} in {span}, {share} of the platform’s GMV.", gmv=region.reached,
                span=region.reading.span if region.reading else "", share=self.region_share)
            or say("Published so far for {year}: {sizes}.", year=report.year, sizes=listing(sizes)),
            say("Of its regional target of {target} for {year} it had reached {share}.",
                target=region.target, year=report.year, share=region.attained),
            say("Over a year earlier, {fastest} {moved}; {others}.", fastest=fastest.name if fastest else "",
                moved=moved(fastest.growth) if fastest else "", others=listing(others)),
            say("In Vietnam the platform’s sales {own} in {span}, those of {leader} {theirs}.", own=moved(vietnam.growth),
                span=vietnam.growth_span or "", leader=LEADER, theirs=moved(self.rivals_growth[0][1])),
            say("Shopee still sold {multiple} as much there: {leader} against {own} in {span}.",
                multiple=self.leader_gmv / self.own_gmv, leader=self.leader_gmv, own=self.own_gmv,
                span=self.vietnam_span or ""),
            self._streams_sentence(),
            say("Indonesia, shut for {days} until {reopened}, sold {gmv} in {span}, {monthly}; the way back cost {price} "
                "for a majority of Tokopedia.",
                days=Quantity.counted(self.closed.days, "day", "closure to reopening") if self.closed else "",
                reopened=_day_after(self.closed) if self.closed else "", gmv=indonesia.reading.gmv if indonesia.reading else "",
                span=indonesia.reading.span if indonesia.reading else "",
                monthly=indonesia.reading.monthly if indonesia.reading else "", price=self.stake_price)
            or say("Indonesia was shut for {days} until {reopened}; the way back cost {price} for a majority of Tokopedia.",
                   days=Quantity.counted(self.closed.days, "day", "closure to reopening") if self.closed else "",
                   reopened=_day_after(self.closed) if self.closed else "", price=self.stake_price),
            say("ShopTokopedia Mall promises {genuine} genuine goods and takes returns without a reason for {days}.",
                genuine=self.mall_genuine, days=self.mall_returns),
            say("Thailand sold {gmv} in {span}; the daily figure printed beside it comes to {daily} for the month, a difference "
                "of {gap}.", gmv=self.thai_gmv, span=self.thai_span, daily=self.thai_daily, gap=self.thai_gap),
            say("Spread over {sellers}, that is {each} a seller.", sellers=self.thai_sellers,
                each=self.thai_per_seller.amount),
        ]  # fmt: skip

    def _streams_sentence(self) -> Sentence:
        """The last two record streams, with every figure that a source gives for each."""
        spans = list(dict.fromkeys(stream.span for stream in self.streams))[-2:]
        told = []
        for span in spans:
            figures = [phrase("{gmv} ({printed})", gmv=s.gmv, printed=s.printed) for s in self.streams if s.span == span]
            told.append(phrase("{figures} in {span}" if span.days > 1 else "{figures} on {span}",
                               figures=listing(figures, "or"), span=span))  # fmt: skip
        return say("Vietnam’s record livestreams sold {told}; the largest of these figures is {share} of the market’s GMV in a "
                   "mean month.", told=listing(told), share=self.stream_share)  # fmt: skip

    def growth_chart(self) -> Figure:
        rows = [(f"{m.name[0].upper()}{m.name[1:]}, {m.growth_span.short}", m.growth, True) for m in self.markets if m.growth]
        rows += [(f"{platform} in Vietnam", growth, False) for platform, growth in self.rivals_growth if growth]
        data = pd.DataFrame(sorted(rows, key=lambda row: -row[1].value), columns=["label", "value", "lead"])
        fastest = self._fastest
        title = say("{market} {verb}", market=fastest.name if fastest else "",
                    verb="grew fastest" if fastest and fastest.growth > 0 else "did best") or say("Growth of the region’s markets")
        return Figure("sea_growth", title, "GMV over the same months a year earlier, per cent", charts.bars(data), data)

    def size_chart(self) -> Figure:
        rows = [(f"{m.name}, {m.reading.span.short}", m.reading.monthly) for m in self.markets if m.reading]
        data = pd.DataFrame(rows, columns=["label", "value"])
        data["label"] = [label.removeprefix("the ") for label in data["label"]]
        title = say("{market} sells most", market=self.markets[0].name if rows and len(rows) > 1 else "") or say(
            "Size of the region’s markets")  # fmt: skip
        return Figure("sea_size", title, f"Mean GMV a month in the period named, {self.report.currency}", charts.bars(data), data)

    def streams_chart(self) -> Figure:
        rows = [(f"{s.span.short}: {s.printed}", s.gmv) for s in self.streams]
        data = pd.DataFrame(rows, columns=["label", "value"])
        first, *_, last = self.streams if len(self.streams) > 1 else [None, None]
        title = say("The latest record stream sold {verb} the first", verb=than(last.gmv, first.gmv) if last else "")
        return Figure("sea_livestreams", title or say("Record livestreams in Vietnam"),
                      f"GMV of one livestream, {self.report.currency} at the average rate of its quarter",
                      charts.bars(data), data)  # fmt: skip

    def vietnam_chart(self) -> Figure:
        report, rows = self.report, []
        for month in range(1, report.quarter.end.month + 1, 3):
            quarter = Span.months_of(report.year.end.year, month, 3)
            for platform in (report.platform, LEADER):
                rows.append((quarter.short, platform, report.gmv("Vietnam", quarter, platform)))
        data = pd.DataFrame(rows, columns=["label", "series", "value"])
        title = say("Shopee sells {multiple} as much in Vietnam", multiple=self.leader_gmv / self.own_gmv) or say(
            "Size against the market leader in Vietnam")  # fmt: skip
        return Figure("vietnam_leader", title, f"GMV a quarter, {report.currency}", charts.pairs(data), data)

    def markets_table(self) -> Table:
        rows = [
            (m.name[0].upper() + m.name[1:], m.reading.gmv if m.reading else Quantity.unknown("GMV"),
             m.reading.span.short if m.reading else "–", m.growth, m.growth_span.short if m.growth_span else "–")
            for m in self.markets
        ]  # fmt: skip
        columns = ["Market", "GMV", "in", "Growth over a year earlier", "of"]
        return Table("sea_markets", say("What is published of each market"), pd.DataFrame(rows, columns=columns))

    def thailand_table(self) -> Table:
        rows = [
            ("GMV of the month", self.thai_gmv, "as printed"),
            ("Daily figure times days", self.thai_daily, "should be the same"),
            ("Difference", self.thai_gap, "of the month’s GMV"),
            ("The month before", self.thai_month_before, "implied by the growth"),
            ("Sellers", self.thai_sellers, "as printed"),
            ("GMV a seller", self.thai_per_seller, "in the month"),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["Thailand", self.thai_span.short, "How"])
        return Table("thailand_checks", say("Thailand’s figures, checked against each other"), data)


def _day_after(closed: Span) -> Span:
    day = closed.end + pd.Timedelta(days=1).to_pytimedelta()
    return Span(day, day)


def review(report: Report) -> SoutheastAsia:
    """Everything the chapter says, from the facts of the report's view."""
    ledger = report.ledger
    region = pace(report, REGION)
    share = Quantity.unknown("the region's share")
    if region.reading:
        whole = report.gmv("Global", region.reading.span)
        share = (region.reached / whole).percent() if whole else report.fact(REGION, "share_of_platform_gmv", report.quarter)
    markets = [_market(report, name) for name in ledger.vocabulary.regions[REGION]]
    markets.sort(key=lambda m: (m.reading is None, -(m.reading.monthly.value if m.reading else 0), m.name))
    vietnam = next(m for m in markets if m.market == "Vietnam")
    quarter = _latest_shared_quarter(report, "Vietnam", LEADER)
    nothing = Quantity.unknown("a quarter with figures of both platforms")
    streams = _streams(report, "Vietnam")
    stream_share = nothing
    if streams and vietnam.reading:
        mean = vietnam.reading.monthly * Quantity.counted(1, "month")
        stream_share = (max(streams, key=lambda s: s.gmv.value).gmv / mean).percent()
    closure, reopening = (ledger.event(report.platform, "Indonesia", kind) for kind in ("closure", "reopening"))
    closed = None
    if closure is not None and reopening is not None:
        closed = Span(closure["start"], reopening["start"] - pd.Timedelta(days=1).to_pytimedelta())
    month = report.latest_month("Thailand")
    span = month.span if month else report.quarter
    gmv, daily = _in_baht(report, "gmv", span), _in_baht(report, "gmv_daily_average", span)
    whole_month = daily * Quantity.counted(span.days, "day", f"of {span.label}")
    sellers = report.fact("Thailand", "sellers", Span.parse(f"{span.start.year}H{1 if span.start.month < 7 else 2}"))
    growth = report.fact("Thailand", "gmv_growth_mom", span)
    return SoutheastAsia(
        report=report,
        region=region,
        region_share=share,
        markets=markets,
        rivals_growth=[(platform, report.fact("Vietnam", "gmv_growth_yoy", vietnam.growth_span or report.quarter, platform))
                       for platform in (LEADER, "Lazada")],
        own_gmv=report.gmv("Vietnam", quarter) if quarter else nothing,
        leader_gmv=report.gmv("Vietnam", quarter, LEADER) if quarter else nothing,
        vietnam_span=quarter,
        streams=streams,
        stream_share=stream_share,
        closed=closed,
        stake_price=report.fact("Indonesia", "acquisition_price", Span.parse("2023-12-11"), "TikTok"),
        mall_genuine=report.fact("Indonesia", "genuine_goods_requirement", FIRST_HALF, "ShopTokopedia Mall"),
        mall_returns=report.fact("Indonesia", "no_reason_return_period", FIRST_HALF, "ShopTokopedia Mall"),
        thai_span=span,
        thai_gmv=gmv,
        thai_daily=whole_month,
        thai_gap=abs((whole_month - gmv) / gmv).percent(),
        thai_sellers=sellers,
        thai_per_seller=gmv / sellers,
        thai_month_before=gmv / (1 + growth),
    )


def _market(report: Report, market: str) -> Market:
    growth = report.rows(market, "gmv_growth_yoy", within=report.year)
    growth = growth[growth["end"] <= report.quarter.end].sort_values("end", kind="stable", ascending=False)
    nothing = Quantity.unknown(f"growth of {report.call(market)}")
    return Market(
        market,
        report.call(market),
        report.year_to_date(market) or report.latest_month(market),
        report.fact(market, "gmv_growth_yoy", growth.iloc[0]["span"]) if len(growth) else nothing,
        growth.iloc[0]["span"] if len(growth) else None,
    )


def _latest_shared_quarter(report: Report, market: str, rival: str) -> Span | None:
    """The last span of the year, up to the quarter, for which GMV of both platforms is published."""
    spans = {span for span in report.rows(market, "gmv", rival, report.quarter.to_date)["span"]}
    shared = [span for span in spans if report.gmv(market, span)]
    return max(shared, key=lambda span: span.end, default=None)


def _streams(report: Report, market: str) -> list[Stream]:
    """The year's record livestreams, oldest first, with every figure that is published of each."""
    rows = report.rows(market, "single_livestream_gmv", within=report.quarter.to_date)
    # A figure for a longer stretch is a speaker's example, not a stream with a date.
    rows = rows[rows["span"].map(lambda span: span.days <= 31).astype(bool)]
    rows = rows.sort_values("start", kind="stable")
    return [Stream(market, row["span"], report.printed(row), report.quantity(row)) for _, row in rows.iterrows()]


def _in_baht(report: Report, metric: str, span: Span) -> Quantity:
    """Thailand's own figures in their own currency: a check must not depend on an exchange rate."""
    cell = report.ledger.cell(report.platform, "Thailand", metric, span)
    cell = cell[cell["of"] == "THB"]
    if cell.empty:
        return Quantity.unknown(f"{metric} of Thailand in baht")
    return report.printed(cell.iloc[0])
