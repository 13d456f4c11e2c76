"""Southeast Asia: who grows, who leads, what two record livestreams amount to, and how much the region carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from analysis import charts
from analysis.estimates import Band, estimates
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, listing, moved, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

REGION = "SEA"
FIRST_HALF = Span.parse("2024H1")  # the mall's rules are dated to it
TAKEOVER = Span.parse("2023-12-11")  # the day of Tokopedia's
LEADER = "Shopee"  # the largest platform of the region in every year on record
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Market:
    """One market of the region: its latest GMV of the year and its latest growth over a year earlier."""

    market: str
    name: str
    reading: Reading | None
    growth: Quantity
    growth_span: Span | None

    @property
    def title(self) -> str:
        """Its name as a table or a chart begins with it."""
        return self.name[0].upper() + self.name[1:]

    @property
    def moved(self) -> Sentence:
        return moved(self.growth)


@dataclass(frozen=True)
class Stream:
    """One livestream: what it sold, as printed and in the report's currency."""

    span: Span
    printed: Quantity
    gmv: Quantity


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
    markets : list of Market
        Largest first, markets without a figure last.
    rivals_growth : list of (str, Quantity)
        Other platforms' growth in Vietnam, in the span of the platform's own; the market leader first.
    own_gmv, leader_gmv : Quantity
        GMV in Vietnam of the platform and of the market leader, in the latest period with both, money.
    vietnam_span : Span or None
        That period.
    streams : list of Stream
        Record livestreams of the year in Vietnam, oldest first; one entry for each source's figure.
    stream_share : Quantity
        The largest stream as a share of the market's GMV in a mean month.
    closed : Span or None
        Days for which Indonesia was closed.
    stake_price : Quantity
        Price of the majority of Tokopedia, money.
    mall_genuine, mall_returns : Quantity
        What the mall of the joined platforms promises buyers in Indonesia: share of goods; days.
    thai_span : Span
        Month to which the figures of Thailand refer.
    thai_gmv, thai_daily, thai_gap : Quantity
        Its GMV and its daily figure times its days, in baht, and the gap as a share of the GMV.
    thai_sellers, thai_per_seller : Quantity
        Sellers, and GMV a seller, in baht.
    thai_month_before : Quantity
        GMV of the month before that the growth implies, in baht.
    estimates : list of (str, Band)
        What the market model makes of the quarter in each market, money.
    region_estimate : Band
        The same for the region.
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
    estimates: list[tuple[str, Band]]
    region_estimate: Band

    @property
    def fastest(self) -> Market | None:
        """The market that grew most, of those whose growth is the latest known."""
        grown = [m for m in self.markets if m.growth]
        latest = max((m.growth_span for m in grown), key=lambda span: span.end, default=None)
        return max((m for m in grown if m.growth_span == latest), key=lambda m: m.growth.value, default=None)

    @property
    def multiple(self) -> Quantity:
        """GMV of the leader in Vietnam as a multiple of the platform's."""
        return self.leader_gmv / self.own_gmv

    @property
    def headline(self) -> Sentence:
        return (
            say(
                "Southeast Asia brought in {region.reached} in {region.reading.span}, "
                "{region_share} of all that {report.platform} sold",
                self,
            )
            or say("{fastest.name} leads Southeast Asia: sales {fastest.moved} in {fastest.growth_span}", self)
            or say("Southeast Asia brought in {region.reached} in {region.reading.span}", self)
            or say("No growth of Southeast Asia in {report.year} was public by {report.as_of_label}", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        sizes = [phrase("{name} {reading.gmv} ({reading.span})", market) for market in self.markets]
        return [
            say(
                "The region sold {region.reached} in {region.reading.span}, {region_share} of the platform’s GMV.", self
            )
            or say("Published so far for {report.year}: {sizes}.", self, sizes=listing(sizes)),
            say("Of its regional target of {region.target} for {report.year} it had reached {region.attained}.", self),
            say("Over a year earlier, {fastest.name} {fastest.moved}; {others}.", self, others=self._others()),
            say(
                "In Vietnam the platform’s sales {own.moved} in {own.growth_span}, those of {leader} {theirs}.",
                own=_named(self.markets, "Vietnam"),
                leader=self.rivals_growth[0][0],
                theirs=moved(self.rivals_growth[0][1]),
            ),
            say(
                "{leader} still sold {multiple} as much there: {leader_gmv} against {own_gmv} in {vietnam_span}.",
                self,
                leader=LEADER,
            ),
            self._streams_sentence(),
            self._indonesia_sentence(),
            say(
                "ShopTokopedia Mall promises {mall_genuine} genuine goods "
                "and takes returns without a reason for {mall_returns}.",
                self,
            ),
            say(
                "Thailand sold {thai_gmv} in {thai_span}; the daily figure printed beside it comes to {thai_daily} "
                "for the month, a difference of {thai_gap}.",
                self,
            ),
            say("Spread over {thai_sellers}, that is {thai_per_seller.amount} a seller.", self),
        ]

    def _others(self) -> Sentence:
        """What the other markets did in the span of the fastest."""
        fastest = self.fastest
        others = [m for m in self.markets if fastest and m is not fastest and m.growth_span == fastest.growth_span]
        others.sort(key=lambda m: -m.growth.value)
        return listing([phrase("{name} {moved}", market) for market in others])

    def _streams_sentence(self) -> Sentence:
        """The last two record streams, with every figure that a source gives for each."""
        told = []
        for span in list(dict.fromkeys(stream.span for stream in self.streams))[-2:]:
            figures = [phrase("{gmv} ({printed})", stream) for stream in self.streams if stream.span == span]
            when = "{figures} in {span}" if span.days > 1 else "{figures} on {span}"
            told.append(phrase(when, figures=listing(figures, "or"), span=span))
        return say(
            "Vietnam’s record livestreams sold {told}; "
            "the largest of these figures is {stream_share} of the market’s GMV in a mean month.",
            self,
            told=listing(told),
        )

    def _indonesia_sentence(self) -> Sentence:
        if self.closed is None:
            return Sentence()
        reopened = self.closed.end + A_DAY
        shut = phrase(
            "shut for {days} until {reopened}",
            days=Quantity.counted(self.closed.days, "day", "closure to reopening"),
            reopened=Span(reopened, reopened),
        )
        return say(
            "Indonesia, {shut}, sold {reading.gmv} in {reading.span}, {reading.monthly}; "
            "the way back cost {price} for a majority of Tokopedia.",
            _named(self.markets, "Indonesia"),
            shut=shut,
            price=self.stake_price,
        ) or say("Indonesia was {shut}; the way back cost {stake_price} for a majority of Tokopedia.", self, shut=shut)

    def growth_chart(self) -> Figure:
        rows = [(f"{m.title}, {m.growth_span.short}", m.growth, True) for m in self.markets if m.growth]
        rows += [(f"{platform} in Vietnam", growth, False) for platform, growth in self.rivals_growth if growth]
        data = pd.DataFrame(sorted(rows, key=lambda row: -row[1].value), columns=["label", "value", "lead"])
        verb = "grew fastest" if self.fastest and self.fastest.growth > 0 else "did best"
        title = say("{fastest.name} {verb}", self, verb=verb) or say("Growth of the region’s markets")
        return Figure("sea_growth", title, "GMV over the same months a year earlier, per cent", charts.bars(data), data)

    def size_chart(self) -> Figure:
        rows = [
            (f"{m.name}, {m.reading.span.short}".removeprefix("the "), m.reading.monthly)
            for m in self.markets
            if m.reading
        ]
        data = pd.DataFrame(rows, columns=["label", "value"])
        title = say("{name} sells most", self.markets[0]) if len(rows) > 1 else say("Size of the region’s markets")
        subtitle = f"Mean GMV a month in the period named, {self.report.currency}"
        return Figure("sea_size", title, subtitle, charts.bars(data), data)

    def estimate_chart(self) -> Figure:
        rows = [(name.removeprefix("the "), *band) for name, band in self.estimates if band]
        rows.append(("The region", *self.region_estimate))
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("{report.quarter} is put at {region_estimate.median} for the region", self)
        subtitle = f"Estimated GMV, {self.report.currency}, with the band of four chances in five"
        fallback = say("What the figures point to, market by market")
        return Figure("sea_estimate", title or fallback, subtitle, charts.bands(data), data)

    def streams_chart(self) -> Figure:
        rows = [(f"{stream.span.short}: {stream.printed}", stream.gmv) for stream in self.streams]
        data = pd.DataFrame(rows, columns=["label", "value"])
        title = say("Record livestreams in Vietnam")
        if len(rows) > 1:
            verb = than(self.streams[-1].gmv, self.streams[0].gmv)
            title = say("The latest record stream sold {verb} the first", verb=verb)
        subtitle = f"GMV of one livestream, {self.report.currency} at the average rate of its quarter"
        return Figure("sea_livestreams", title, subtitle, charts.bars(data), data)

    def vietnam_chart(self) -> Figure:
        report, rows = self.report, []
        for month in range(1, report.quarter.end.month + 1, 3):
            quarter = Span.months_of(report.year.end.year, month, 3)
            for platform in (report.platform, LEADER):
                rows.append((quarter.short, platform, report.gmv("Vietnam", quarter, platform)))
        data = pd.DataFrame(rows, columns=["label", "series", "value"])
        title = say("{leader} sells {multiple} as much in Vietnam", self, leader=LEADER)
        title = title or say("Size against the market leader in Vietnam")
        return Figure("vietnam_leader", title, f"GMV a quarter, {report.currency}", charts.pairs(data), data)

    def markets_table(self) -> Table:
        rows = []
        for m in self.markets:
            gmv, span = (m.reading.gmv, m.reading.span.short) if m.reading else (Quantity.unknown("GMV"), "–")
            rows.append((m.title, gmv, span, m.growth, m.growth_span.short if m.growth_span else "–"))
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


def review(report: Report) -> SoutheastAsia:
    """Everything the chapter says, from the facts of the report's view."""
    region, model = pace(report, REGION), estimates(report)
    markets = [_market(report, name) for name in report.ledger.vocabulary.regions[REGION]]
    markets.sort(key=lambda m: (m.reading is None, -(m.reading.monthly.value if m.reading else 0), m.name))
    vietnam = _named(markets, "Vietnam")
    streams = _streams(report)
    shared = _latest_shared_span(report)
    nothing = Quantity.unknown("a period with figures of both platforms")
    month = report.latest_month("Thailand")
    span = month.span if month else report.quarter
    gmv, daily = _in_baht(report, "gmv", span), _in_baht(report, "gmv_daily_average", span)
    whole_month = daily * Quantity.counted(span.days, "day", f"of {span.label}")
    half = Span.months_of(span.start.year, 1 if span.start.month < 7 else 7, 6)
    sellers = report.fact("Thailand", "sellers", half)
    return SoutheastAsia(
        report=report,
        region=region,
        region_share=_region_share(report, region),
        markets=markets,
        rivals_growth=[
            (platform, report.fact("Vietnam", "gmv_growth_yoy", vietnam.growth_span or report.quarter, platform))
            for platform in (LEADER, "Lazada")
            if platform != report.platform
        ],
        own_gmv=report.gmv("Vietnam", shared) if shared else nothing,
        leader_gmv=report.gmv("Vietnam", shared, LEADER) if shared else nothing,
        vietnam_span=shared,
        streams=streams,
        stream_share=_stream_share(streams, vietnam),
        closed=_closed(report),
        stake_price=report.fact("Indonesia", "acquisition_price", TAKEOVER, "TikTok"),
        mall_genuine=report.fact("Indonesia", "genuine_goods_requirement", FIRST_HALF, "ShopTokopedia Mall"),
        mall_returns=report.fact("Indonesia", "no_reason_return_period", FIRST_HALF, "ShopTokopedia Mall"),
        thai_span=span,
        thai_gmv=gmv,
        thai_daily=whole_month,
        thai_gap=abs((whole_month - gmv) / gmv).percent(),
        thai_sellers=sellers,
        thai_per_seller=gmv / sellers,
        # A market without a figure of its own is told in the region's sum only: its band says nothing.
        estimates=[
            (m.name, model.gmv(m.market, report.quarter))
            for m in markets
            if model.has_own_figure(m.market, report.year)
        ],
        region_estimate=model.gmv(REGION, report.quarter),
        thai_month_before=gmv / (1 + report.fact("Thailand", "gmv_growth_mom", span)),
    )


def _market(report: Report, market: str) -> Market:
    growth = report.rows(market, "gmv_growth_yoy", within=report.year)
    growth = growth[growth["end"] <= report.quarter.end].sort_values("end", kind="stable", ascending=False)
    rate, span = Quantity.unknown(f"growth of {report.call(market)}"), None
    if len(growth):
        span = growth.iloc[0]["span"]
        rate = report.fact(market, "gmv_growth_yoy", span)
    reading = report.year_to_date(market) or report.latest_month(market)
    return Market(market, report.call(market), reading, rate, span)


def _named(markets: list[Market], market: str) -> Market:
    return next(m for m in markets if m.market == market)


def _region_share(report: Report, region: Pace) -> Quantity:
    if region.reading is None:
        return Quantity.unknown("GMV of the region")
    whole = report.gmv("Global", region.reading.span)
    return (region.reached / whole).percent() if whole else report.fact(REGION, "share_of_platform_gmv", report.quarter)


def _latest_shared_span(report: Report) -> Span | None:
    """The last span of the year, up to the quarter, for which GMV in Vietnam of platform and leader is published."""
    if report.platform == LEADER:
        return None
    spans = set(report.rows("Vietnam", "gmv", LEADER, report.quarter.to_date)["span"])
    shared = [span for span in spans if report.gmv("Vietnam", span)]
    return max(shared, key=lambda span: (span.end, span.days), default=None)


def _streams(report: Report) -> list[Stream]:
    """The year's record livestreams in Vietnam, oldest first, with every figure that is published of each."""
    rows = report.rows("Vietnam", "single_livestream_gmv", within=report.quarter.to_date).sort_values(
        "start", kind="stable"
    )
    # A figure for a longer stretch is a speaker's example, not a stream with a date.
    dated = [row for _, row in rows.iterrows() if row["span"].days <= 31]
    return [Stream(row["span"], report.printed(row), report.quantity(row)) for row in dated]


def _stream_share(streams: list[Stream], vietnam: Market) -> Quantity:
    if not (streams and vietnam.reading):
        return Quantity.unknown("a livestream and the GMV of its market")
    mean = vietnam.reading.monthly * Quantity.counted(1, "month")
    return (max(streams, key=lambda stream: stream.gmv.value).gmv / mean).percent()


def _closed(report: Report) -> Span | None:
    """Days for which Indonesia was closed, once it was open again."""
    closure, reopening = (report.ledger.event(report.platform, "Indonesia", kind) for kind in ("closure", "reopening"))
    if closure is None or reopening is None:
        return None
    return Span(closure["start"], reopening["start"] - A_DAY)


def _in_baht(report: Report, metric: str, span: Span) -> Quantity:
    """Thailand's own figures in their own currency: a check must not depend on an exchange rate."""
    cell = report.ledger.cell(report.platform, "Thailand", metric, span)
    cell = cell[cell["of"] == "THB"]
    return report.printed(cell.iloc[0]) if len(cell) else Quantity.unknown(f"{metric} of Thailand in baht")
