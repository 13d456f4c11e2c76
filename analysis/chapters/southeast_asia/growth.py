"""Growth and size: the region's markets as published, and as estimated with their bands."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity, total
from analysis.facts.report import Reading, Report
from analysis.model.estimates import Band, Estimates
from analysis.model.pace import Pace
from analysis.story import charts
from analysis.story.prose import Sentence, beside, level, listing, maybe, phrase, say
from analysis.story.show import Figure, Table

from .market import REGION, Market

TOLD = ("Indonesia", "Thailand", "Vietnam")  # each has a section of its own


@dataclass(frozen=True)
class Growth:
    """Growth and size of the region and its markets.

    Attributes
    ----------
    report : Report
    region : Pace
    markets : list of Market
        Largest first, markets without a figure last.
    region_estimate, region_growth : Band
        GMV of the quarter, money, and growth of the year to date, as the market model puts them.
    untold : list of str, Band
        Names of the markets without a section of their own, and what the model makes of their year to date together.
    rest : (list of str, Quantity)
        Markets that the region's published figure leaves, and what it leaves for them, money.
    """

    report: Report
    region: Pace
    markets: list[Market]
    region_estimate: Band
    region_growth: Band
    untold: tuple[list[str], Band]
    rest: tuple[list[str], Quantity]

    @property
    def grown(self) -> list[Market]:
        """Markets whose growth is the latest known, the fastest first."""
        grown = [m for m in self.markets if m.growth]
        latest = max((m.growth_span for m in grown), key=lambda span: span.end, default=None)
        return sorted((m for m in grown if m.growth_span == latest), key=lambda m: -m.growth.value)

    @property
    def fastest(self) -> Market | None:
        return next(iter(self.grown), None)

    @property
    def brief(self) -> Sentence:
        """Published growth, or where there is at most one, published size."""
        others = listing([phrase("{name} {moved}", market) for market in self.grown[1:]])
        return (
            say(
                "Over a year earlier, {fastest.name} {fastest.moved} in {fastest.growth_span}; {others}.",
                self,
                others=others,
            )
            or self._sizes_sentence()
        )

    def _sizes_sentence(self) -> Sentence:
        known = [m for m in self.markets if m.reading]
        if len({m.reading.span for m in known}) == 1:
            sizes = listing([phrase("{name} {reading.gmv}", market) for market in known])
            return say("Published for {span}: {sizes}.", span=known[0].reading.span, sizes=sizes)
        sizes = listing([phrase("{name} {reading.gmv} ({reading.span})", market) for market in known])
        return say("Published so far for {report.year}: {sizes}.", self, sizes=sizes)

    @property
    def details(self) -> list[Sentence]:
        return [
            say("No growth of a market was public by {report.as_of_label}.", self) if not self.grown else Sentence(),
            self._outside_sentence(),
            self._two_counts_sentence(),
            *self._untold_sentences(),
        ]

    def _outside_sentence(self) -> Sentence:
        """Published growth that the estimate, which weighs all figures, does not follow."""
        outside = [
            phrase("{name}’s published growth of {growth} lies {beside}", m, beside=where)
            for m in self.markets
            if m.growth_span == self.report.quarter.to_date
            and (where := beside(m.growth, m.estimated_growth)) not in ("", "within the band")
        ]
        return say("{outside} of its estimate.", outside=listing(outside))

    def _two_counts_sentence(self) -> Sentence:
        """A region grows as its markets do: where their figures say otherwise, two counters draw its borders apart."""
        reading, grown = self.region.reading, self.grown
        if reading is None or len(grown) < len(self.markets) or grown[0].growth_span != reading.span:
            return Sentence()
        year = reading.span.year_earlier()
        stated = self.report.gmv(REGION, year)
        implied = total(self.report.gmv(m.market, reading.span) / (1 + m.growth) for m in grown)
        if not (stated and implied) or level(stated, implied):
            return Sentence()
        return say(
            "Taken back by their own growth, the markets sold {implied} in {year}, but {stated} was published for the "
            "region: its growth is {fast} or {slow}, as two counters draw its borders.",
            implied=implied,
            year=year,
            stated=stated,
            fast=(reading.gmv / implied).growth(),
            slow=(reading.gmv / stated).growth(),
        )

    def _untold_sentences(self) -> list[Sentence]:
        """The other markets: what is left for them, and what the model makes of them."""
        called, estimate = self.untold
        left, what = self.rest
        silent = not any(m.reading or m.growth for m in self.markets if m.name in called)
        return [
            say(
                "The region’s figure for {region.reading.span} leaves {what} for {left}{together}.",
                self,
                what=what,
                left=_listed(left),
                together=maybe("{together}", together=" together" if len(left) > 1 else ""),
            ),
            say(
                "{called}{silent} are together estimated at {estimate.median} for {report.quarter.to_date}, "
                "between {estimate.low} and {estimate.high}.",
                self,
                called=_listed(called),
                silent=maybe(", of which no figure of {year} was public,", year=self.report.year if silent else None),
                estimate=estimate,
            ),
        ]

    def multiple_chart(self) -> Figure:
        """Growth as a multiple, so that a band that reaches below no change still has a place on the scale."""
        bands = [(m.title, m.estimated_growth) for m in self.markets if m.estimated_growth]
        bands.sort(key=lambda row: -row[1].median.value)
        bands += [("The region", self.region_growth)] if self.region_growth else []
        rows = [(name, *(1 + part for part in band)) for name, band in bands]
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say(
            "The region is estimated at {multiple} its sales of a year earlier",
            multiple=1 + self.region_growth.median,
        ) or say("Growth that the figures point to")
        period = self.report.quarter.to_date.short
        subtitle = f"Estimated GMV of {period} as a multiple of a year earlier, with the band of four chances in five"
        return Figure("sea_multiple", title, subtitle, charts.bands(data), data)

    def size_chart(self) -> Figure:
        known = [m for m in self.markets if m.reading]
        rows = [(f"{m.name}, {m.reading.span.short}".removeprefix("the "), m.reading.monthly) for m in known]
        data = pd.DataFrame(rows, columns=["label", "value"])
        title = say("{name} sold most", known[0]) if len(known) > 1 else say("Size of the region’s markets")
        subtitle = f"Mean GMV a month in the period named, {self.report.currency}"
        return Figure("sea_size", title, subtitle, charts.bars(data), data)

    def estimate_chart(self) -> Figure:
        rows = [(m.name.removeprefix("the "), *m.estimate) for m in self.markets if m.estimate]
        rows.append(("The region", *self.region_estimate))
        data = pd.DataFrame(rows, columns=["label", "median", "low", "high"])
        title = say("{report.quarter} is put at {region_estimate.median} for the region", self)
        subtitle = f"Estimated GMV, {self.report.currency}, with the band of four chances in five"
        fallback = say("What the figures point to, market by market")
        return Figure("sea_estimate", title or fallback, subtitle, charts.bands(data), data)

    def table(self) -> Table:
        rows = []
        for m in self.markets:
            growth, of = (m.growth, m.growth_span.short) if m.growth else ("–", "–")
            rows.append((m.title, *_published(m.reading), growth, of, *_estimated(m.estimated_growth)))
        rows.append(("The region", *_published(self.region.reading), "–", "–", *_estimated(self.region_growth)))
        estimated = f"Estimated growth, {self.report.quarter.to_date.short}"
        columns = ["Market", "GMV", "in", "Growth over a year earlier", "of", estimated, "from", "to"]
        title = say("Each market as published, and its growth as estimated")
        return Table("sea_markets", title, pd.DataFrame(rows, columns=columns))


def _listed(names: list[str]) -> Sentence:
    return listing([phrase("{name}", name=name) for name in names])


def _published(reading: Reading | None) -> tuple:
    return (reading.gmv, reading.span.short) if reading else ("–", "–")


def _estimated(band: Band) -> tuple:
    return tuple(band) if band else ("–", "–", "–")


def review(report: Report, model: Estimates, region: Pace, markets: list[Market]) -> Growth:
    """Growth and size, from the pace of the region and its markets in the order of the vocabulary."""
    untold = [m for m in markets if m.market not in TOLD]
    return Growth(
        report=report,
        region=region,
        markets=sorted(markets, key=lambda m: (-(m.reading.monthly.value if m.reading else 0), m.name)),
        region_estimate=model.gmv(REGION, report.quarter),
        region_growth=model.growth(REGION, report.quarter.to_date),
        untold=([m.name for m in untold], model.gmv(", ".join(m.market for m in untold), report.quarter.to_date)),
        rest=_rest(report, region, markets),
    )


def _rest(report: Report, region: Pace, markets: list[Market]) -> tuple[list[str], Quantity]:
    """Markets without a figure over the span of the region's, and what the others leave of it, on one basis."""
    nothing = [], Quantity.unknown("a figure of the region and of some of its markets")
    if region.reading is None:
        return nothing
    figures = {m.name: report.gmv(m.market, region.reading.span) for m in markets}
    known = [gmv for gmv in figures.values() if gmv]
    left = [name for name, gmv in figures.items() if not gmv]
    if not (known and left) or any(gmv.bases != region.reached.bases for gmv in known):
        return nothing
    return left, region.reached - total(known)
