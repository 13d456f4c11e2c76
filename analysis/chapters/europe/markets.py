"""The European markets: what the platform sells there, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates
from analysis.story import charts
from analysis.story.prose import Sentence, listing, maybe, phrase, say, than
from analysis.story.show import Figure, Table

from .launch import REGION, Launch

RIVAL_REGION = "SEA"
REGIONS = (RIVAL_REGION, "US", REGION)
SIZES = ("e_commerce_turnover", "b2c_e_commerce_turnover", "online_goods_sales_gross")


@dataclass(frozen=True)
class Markets:
    """Europe beside the other regions, and the size of its markets.

    Attributes
    ----------
    launch : Launch
    regions : list of (str, Band)
        Estimates of the year, money.
    published : list of (str, Quantity)
        The same regions as published for one span, money, where one basis tells all of them; Europe as the sum of its
        markets with a figure.
    growth : list of Quantity
        Growth over the year before that sources give for the largest European market, the lowest first.
    sizes : DataFrame
        The latest published size of each market, money: `Market`, `Period`, `Online sales`, `What it counts`.
    """

    launch: Launch
    regions: list[tuple[str, Band]]
    published: list[tuple[str, Quantity]]
    growth: list[Quantity]
    sizes: pd.DataFrame

    @property
    def compared(self) -> tuple[Quantity, Quantity]:
        """GMV of Europe and of Southeast Asia: as published, else as estimated."""
        known = dict(self.published) or {region: band.median for region, band in self.regions}
        return known[REGION], known[RIVAL_REGION]

    @property
    def _span(self) -> Span:
        return self.launch.readings[0][1].span if self.published else self.launch.report.year

    @property
    def present(self) -> Sentence:
        """The European markets with a history, and their sales."""
        launch, report = self.launch, self.launch.report
        if not launch.readings:
            there = [
                phrase("{name} (open since {span})", name=report.call(m), span=s) for m, s in launch.present.items()
            ]
            return say(
                "In Europe the platform was in {there} alone by {report.as_of_label}; no GMV of it for {report.year} "
                "is published.",
                launch,
                there=listing(there),
            )
        market, reading = launch.readings[0]
        growth = maybe("")
        if self.growth and self.growth[0] > 0:
            least, most = self.growth[0], self.growth[-1]
            told = "{least} to {most} more than a year earlier, depending on the source"
            told = told if most > least else "{least} more than a year earlier"
            growth = phrase(", " + told, least=least, most=most)
        return say(
            "{name}, open since {since}, sold {reading.gmv} in {reading.span}{growth}.",
            name=report.call(market),
            since=launch.present.get(market) or launch.opened[market],
            reading=reading,
            growth=growth,
        )

    @property
    def comparison(self) -> Sentence:
        """Europe against Southeast Asia."""
        own, other = self.compared
        against = phrase(
            than(own, other, "more than", "{share} of", "level with") + " Southeast Asia’s {other}",
            share=(own / other).percent(),
            other=other,
        )
        if self.published:
            told = "Counted alike, Europe sold {own} in {span}, {against}."
            return say(told, own=own, span=self._span, against=against)
        told = "All figures together put Europe at {median} ({low} to {high}) for {span}, {against}."
        return say(told, dict(self.regions)[REGION], span=self._span, against=against)

    @property
    def details(self) -> list[Sentence]:
        """What the platform sells in Europe, unless the opening list has it, and the largest market there."""
        told = [self.present, self.comparison] if self.launch.plan else []
        countries = self.sizes[self.sizes["Market"] != REGION]
        largest = say("No size of a market in Europe was public by {report.as_of_label}.", self.launch)
        for market, period, sales, _ in countries.head(1).itertuples(index=False):
            words = "The largest market with a published size is {market}: {sales} sold online in {period}."
            largest = say(words, market=market, sales=sales, period=period)
        return [*told, largest, *self.launch.also]

    def chart(self) -> Figure:
        """The regions side by side."""
        report = self.launch.report
        if self.published:
            rows = [(_label(report, region), gmv, region == REGION) for region, gmv in self.published]
            data = pd.DataFrame(rows, columns=["label", "value", "lead"])
            chart, subtitle = charts.bars(data), f"GMV in {self._span.label}, {report.currency}, as published"
        else:
            rows = [(_label(report, region), *band) for region, band in self.regions]
            data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
            year, currency = report.year.label, report.currency
            chart = charts.bands(data)
            subtitle = f"Estimated GMV in {year}, {currency}, with the band of four chances in five"
        title = say("Europe sells {words} Southeast Asia", words=than(*self.compared))
        return Figure("europe_regions", title or say("Europe and the other regions"), subtitle, chart, data)

    def table(self) -> Table:
        return Table("europe_market_sizes", say("How large the markets are"), self.sizes)


def _label(report: Report, region: str) -> str:
    return report.call(region).removeprefix("the ")


def markets_of(launch: Launch, model: Estimates) -> Markets:
    report, growth = launch.report, []
    if launch.readings:
        rows = report.rows(launch.readings[0][0], "gmv_growth_yoy", within=report.year)
        growth = [report.quantity(row) for _, row in rows.iterrows()]
    return Markets(
        launch=launch,
        regions=[(region, model.gmv(region, report.year)) for region in REGIONS],
        published=_published(launch),
        growth=sorted(growth, key=lambda rate: rate.value),
        sizes=_sizes(report),
    )


def _published(launch: Launch) -> list[tuple[str, Quantity]]:
    """GMV of the regions over the span of the first reading; none unless counted alike."""
    if not launch.readings:
        return []
    span = launch.readings[0][1].span
    europe = total(reading.gmv for _, reading in launch.readings if reading.span == span)
    found = [(region, launch.report.gmv(region, span)) for region in REGIONS[:-1]] + [(REGION, europe)]
    alike = all(gmv for _, gmv in found) and len({gmv.bases for _, gmv in found}) == 1
    return found if alike else []


def _sizes(report: Report) -> pd.DataFrame:
    """The latest published size of each European market, and of Europe, largest first."""
    facts, vocabulary = report.ledger.facts, report.ledger.vocabulary
    rows = facts[facts["metric"].isin(SIZES) & (facts["platform"] == "All platforms")]
    rows = rows[rows["market"].isin([*vocabulary.regions[REGION], REGION])]
    rows = rows[rows["span"].map(lambda span: span.months == 12).astype(bool)]
    rows = rows.sort_values("end", ascending=False, kind="stable").drop_duplicates("market")
    sizes = [
        (report.call(row["market"]), row["span"].short, report.quantity(row), vocabulary.metrics[row["metric"]][1])
        for _, row in rows.iterrows()
    ]
    sizes.sort(key=lambda size: -size[2].value)
    return pd.DataFrame(sizes, columns=["Market", "Period", "Online sales", "What it counts"])
