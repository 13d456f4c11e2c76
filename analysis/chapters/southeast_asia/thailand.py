"""Thailand, per seller and per day: its figures checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story.prose import Sentence, moved, say

from .market import Market, latest


@dataclass(frozen=True)
class Thailand:
    """The latest month with a figure; amounts in baht, so that no exchange rate enters the checks.

    Attributes
    ----------
    report : Report
    market : Market
    span : Span
        The month.
    gmv, daily : Quantity
        Its GMV, and its daily figure times its days.
    growth : Quantity
        Growth over the month before.
    sellers : Quantity
    """

    report: Report
    market: Market
    span: Span
    gmv: Quantity
    daily: Quantity
    growth: Quantity
    sellers: Quantity

    @property
    def gap(self) -> Quantity:
        """Difference of the two figures of the month, as a share of its GMV."""
        return abs((self.daily - self.gmv) / self.gmv).percent()

    @property
    def month_before(self) -> Quantity:
        """GMV of the month before that the growth implies."""
        return self.gmv / (1 + self.growth)

    @property
    def per_seller(self) -> Quantity:
        """GMV of the month a seller."""
        return self.gmv / self.sellers

    @property
    def per_seller_day(self) -> Quantity:
        """The same a day."""
        return self.per_seller / Quantity.counted(self.span.days, "day", f"of {self.span.label}")

    @property
    def kept(self) -> Quantity:
        """What twelve months of the same growth would come to, as a multiple: arithmetic, not a forecast."""
        growth = self.growth
        if not growth:
            return growth
        return Quantity(
            (1 + growth.value) ** 12, "×", f"(1 + {growth.formula}) to the power of 12 months", growth.origins
        )

    @property
    def details(self) -> list[Sentence]:
        reading = self.market.reading
        if reading is None:
            return [say("No figure of Thailand in {report.year} was public by {report.as_of_label}.", self)]
        day_before = self.span.start - timedelta(days=1)
        return [
            say("Thailand sold {reading.gmv} in {reading.span}, {reading.monthly}.", self.market)
            if reading.span != self.span
            else Sentence(),
            say(
                "Thailand sold {gmv} in {span}; the daily figure printed beside it comes to {daily} for the month, a "
                "difference of {gap}.",
                self,
            )
            or say("Thailand sold {gmv} in {span}.", self),
            say(
                "Sales {moved} over the month before, which makes {month_before} for {month}: {change} {word}.",
                self,
                moved=moved(self.growth),
                month=Span.months_of(day_before.year, day_before.month, 1),
                change=abs(self.gmv - self.month_before),
                word="more" if self.growth > 0 else "less",
            ),
            say("Twelve months of such growth would come to {kept} the sales: arithmetic, not a forecast.", self),
            say(
                "Spread over {sellers}, the month is {per_seller.amount} a seller ({month}), or "
                "{per_seller_day.amount} a day ({day}), on average.",
                self,
                month=self.report.convert(self.per_seller, self.span).amount,
                day=self.report.convert(self.per_seller_day, self.span).amount,
            ),
        ]


def review(report: Report, market: Market) -> Thailand:
    month = report.latest_month("Thailand")
    span = month.span if month else report.quarter
    return Thailand(
        report=report,
        market=market,
        span=span,
        gmv=_in_baht(report, "gmv", span),
        daily=_in_baht(report, "gmv_daily_average", span) * Quantity.counted(span.days, "day", f"of {span.label}"),
        growth=report.fact("Thailand", "gmv_growth_mom", span),
        sellers=latest(report, "Thailand", "sellers", during=span)[0],
    )


def _in_baht(report: Report, metric: str, span: Span) -> Quantity:
    cell = report.ledger.cell(report.platform, "Thailand", metric, span)
    cell = cell[cell["of"] == "THB"]
    return report.ledger.printed(cell.iloc[0]) if len(cell) else Quantity.unknown(f"{metric} of Thailand in baht")
