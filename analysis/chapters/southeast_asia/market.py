"""One market of Southeast Asia, as published and as the market model puts it."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.quantity import Quantity
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates
from analysis.story.prose import Sentence, moved

REGION = "SEA"


@dataclass(frozen=True)
class Market:
    """One market of the region.

    Attributes
    ----------
    market, name : str
    reading : Reading or None
        Its latest published GMV of the year.
    growth, growth_span : Quantity, Span or None
        Its latest published growth over a year earlier.
    estimate, estimated_growth : Band
        GMV of the quarter, money, and growth of the year to date over a year earlier, as the market model puts them.
        Unknown where the model rests on no figure of the market itself: its band would say nothing.
    """

    market: str
    name: str
    reading: Reading | None
    growth: Quantity
    growth_span: Span | None
    estimate: Band
    estimated_growth: Band

    @property
    def title(self) -> str:
        """Its name as a table or a chart begins with it."""
        return self.name[0].upper() + self.name[1:]

    @property
    def moved(self) -> Sentence:
        return moved(self.growth)


def read_market(report: Report, model: Estimates, market: str) -> Market:
    growth, growth_span = _published_growth(report, market)
    estimate = estimated_growth = Band.unknown("an estimate that rests on a figure")
    if model.has_own_figure(market, report.year):
        estimate = model.gmv(market, report.quarter)
        estimated_growth = model.growth(market, report.quarter.to_date)
    return Market(
        market=market,
        name=report.call(market),
        reading=report.year_to_date(market) or report.latest_month(market),
        growth=growth,
        growth_span=growth_span,
        estimate=estimate,
        estimated_growth=estimated_growth,
    )


def _published_growth(report: Report, market: str) -> tuple[Quantity, Span | None]:
    """The latest growth of the year over a year earlier, be it printed as such or as a multiple."""
    stated = {
        row.span: metric
        for metric in ("gmv_multiple_of_prior_year", "gmv_growth_yoy")
        for row in report.rows(market, metric, within=report.quarter.to_date).itertuples()
    }
    if not stated:
        return Quantity.unknown(f"growth of {report.call(market)}"), None
    span = max(stated, key=lambda s: (s.end, s.days))
    rate = report.fact(market, stated[span], span)
    return (rate if stated[span] == "gmv_growth_yoy" else rate.growth()), span


def latest(
    report: Report, market: str, metric: str, platform: str | None = None, during: Span | None = None
) -> tuple[Quantity, Span | None]:
    """The figure of the last period that had begun by the end of the quarter, or of one that touches `during`."""
    rows = report.rows(market, metric, platform)
    rows = rows[[during.overlap(span) > 0 if during else span.start <= report.quarter.end for span in rows["span"]]]
    if rows.empty:
        return Quantity.unknown(f"{report.ledger.vocabulary.call_metric(metric)} in {report.call(market)}"), None
    row = rows.sort_values("end", ascending=False, kind="stable").iloc[0]
    return report.quantity(row), row["span"]
