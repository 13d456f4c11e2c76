"""What the market model says, as quantities in the report's currency that lead back to the facts that drive them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.facts.ledger import Ledger
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Band, Origin, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.launches import new_sites_gmv, pending, planned_sites
from analysis.model.market import PERCENTILES, Market, Observations, TooLittleKnown, constant_growth, fit
from analysis.model.observations import WORLD, observe
from analysis.model.scenarios import effect


@dataclass(frozen=True, eq=False)
class Estimates:
    """The market model of one platform, fitted to the report's view of the ledger, under the report's scenario."""

    report: Report
    platform: str
    market: Market | None  # None if too little is published to say anything
    _bands: dict[tuple[str, Span], Band] = field(default_factory=dict, init=False)  # chapters ask for the same again

    def gmv(self, market: str, span: Span) -> Band:
        """GMV of a market or region over a span, money; with planned sites that have not opened, as the ramp has it.

        What is called the median of a market is its mean share of the world in the draws, times the median of the
        world: so the markets of a table add up.
        """
        if (market, span) in self._bands:
            return self._bands[market, span]

        def ask(model: Market) -> np.ndarray:
            draws = model.draws(market, span)
            found = np.quantile(draws, PERCENTILES)
            if market != WORLD and WORLD in model.observations.regions and found[0]:
                whole = model.draws(WORLD, span)
                found[0] = np.clip((draws / whole).mean() * np.median(whole), *found[1:])
            return found

        band = self._band(ask, "USD", f"{self._gmv_of(market)}, {span.short}", market, span)
        extra = self._new_sites(market, span)
        self._bands[market, span] = Band(*(part + extra for part in band)) if extra else band
        return self._bands[market, span]

    def parts(self, span: Span) -> pd.DataFrame:
        """Columns market and band: GMV of each market over a span, largest first; their medians add up to the world's.

        Planned sites that have not opened are one row.
        """
        known = self.market.markets(WORLD) if self.gmv(WORLD, span) else ()
        rows = [(market, self.gmv(market, span)) for market in known]
        if known and (extra := self._new_sites(WORLD, span)):
            sites = ", ".join(site for plan in pending(self.report) for site in plan.markets)
            rows.append((sites, Band(extra, extra, extra)))
        rows.sort(key=lambda row: -row[1].median.value)
        return pd.DataFrame(rows, columns=["market", "band"])

    def draws(self, market: str, span: Span) -> np.ndarray:
        """Draws of what `gmv` tells, US dollars, shape (draws,); none where nothing is known. Those of one platform
        belong together."""
        try:
            values = self.market.draws(market, span) if self.market else np.empty(0)
        except TooLittleKnown:
            return np.empty(0)
        extra = self.report.convert(self._new_sites(market, span), span, "USD")
        return values + extra.value if extra else values

    def _new_sites(self, market: str, span: Span) -> Quantity:
        """GMV of planned sites within a region: the model knows none before it opens."""
        inside = set(planned_sites(self.report)) < set(self.report.ledger.vocabulary.members(market))
        if self.market is None or self.platform != self.report.platform or not inside:
            return Quantity.unknown(f"new sites of {self.platform} in {market}")
        return new_sites_gmv(self.report, self.market, span)

    def _dollars(self, market: str, target: Quantity) -> float:
        """What a target of the year leaves to the markets of the model."""
        extra = self._new_sites(market, self.report.year)
        return self.report.convert(target - extra if extra else target, self.report.year, "USD").value

    def without(self, facts: Iterable[str]) -> Estimates:
        """The same from all but some of its facts: the model is fitted again, for the same months, so that its draws
        differ by the facts alone."""
        facts, until, known = frozenset(facts), self.market.grid.span.end, self.market.observations
        left = replace(known, facts=known.facts.drop(index=list(facts)))
        return self._with(self.market.once((facts, until), lambda: _fit(left, until)))

    def _with(self, market: Market | None) -> Estimates:
        """The estimates of a fitted model, under the report's scenario."""
        if market is not None and self.report.scenario.id != BASE:
            market = market.under(effect(self.report, self.platform))
        return replace(self, market=market)

    def has_own_figure(self, market: str, span: Span) -> bool:
        """Whether any month of the span rests on a figure of the market itself, not on a sum or on the prior alone."""
        if self.market is None:
            return False
        status = self.market.status
        own = (status["market"] == market) & (status["status"] == "reported")
        return bool(status["month"][own].between(pd.Period(span.start, "M"), pd.Period(span.end, "M")).any())

    def required_growth(self, market: str, target: Quantity) -> Band:
        """Constant growth a month after the quarter with which the year just meets its target, per cent."""
        quarter = self.report.quarter
        if not target or quarter.rest_of_year is None:
            return Band.unknown("a target and a part of the year still to come")
        dollars, month = self._dollars(market, target), Span(quarter.end.replace(day=1), quarter.end)
        what = f"growth a month of {self._gmv_of(market)} after {quarter.short} that meets the target"

        def ask(model: Market) -> np.ndarray:
            missing = np.maximum(dollars - model.draws(market, quarter.to_date), 0)
            growth = constant_growth(missing / model.draws(market, month), quarter.rest_of_year.months)
            return np.quantile(growth, PERCENTILES)

        return self._band(ask, "%", what, market, quarter.to_date)

    def chance(self, market: str, target: Quantity) -> Quantity:
        """Probability that the year's GMV reaches the target, as the share of the model's draws that do."""
        year = self.report.year
        if self.market is None or not target or not self.gmv(market, year):
            return Quantity.unknown(f"an estimate of {self.report.call(market)} in {year.short}")
        draws = self.market.draws(market, year)
        share = float((draws >= self._dollars(market, target)).mean())
        origins = self.report.by_ids(self.market.drivers(market, year))
        words = f"{self._gmv_of(market)}, {year.short}, reaches {target.bare}"
        formula = f"share of {len(draws):,} draws of the market model in which {words}"
        return self._quantity(share, "%", formula, origins, year)

    def growth(self, market: str, span: Span, base: Span | None = None) -> Band:
        """Growth of GMV over the same months a year earlier, or over another span of about that length, per cent."""
        base = base or span.year_earlier()

        def ask(model: Market) -> np.ndarray:
            before = model.draws(market, base)
            if not before.all():
                raise TooLittleKnown(f"sales of {self.report.call(market)} in {base.short}")
            return np.quantile(model.draws(market, span) / before - 1, PERCENTILES)

        what = f"growth of {self._gmv_of(market)} from {base.short} to {span.short}"
        return self._band(ask, "%", what, market, span, base)

    def _gmv_of(self, market: str) -> str:
        return f"GMV of {self.platform} in {self.report.call(market)}"

    def _band(self, ask: Callable[[Market], np.ndarray], unit: str, what: str, market: str, *spans: Span) -> Band:
        """What the model is asked for, with the facts that say most about a market over some spans as its origins."""
        if self.market is None:
            return Band.unknown("figures for the market model")
        try:
            percentiles = ask(self.market)
        except TooLittleKnown as error:  # a market that nobody has reported on, or months beyond the model's
            return Band.unknown(str(error))
        drivers = dict.fromkeys(fact for span in spans for fact in self.market.drivers(market, span))
        origins = self.report.by_ids(drivers)

        def tell(value: float, name: str) -> Quantity:
            figure = self._quantity(value, unit, f"market model, {name} of {what}", origins, spans[0])
            return self.report.convert(figure, spans[0])

        return Band.of(percentiles, tell)

    def _quantity(self, value: float, unit: str, formula: str, origins: tuple[Origin, ...], span: Span) -> Quantity:
        scenario = self.report.scenario
        if scenario.settings and span.end > self.report.quarter.end:
            formula += f", in the scenario “{scenario.name}”"
            for lever in scenario.settings:
                origins += self.report.assumption(lever).origins
        return Quantity(rounded(value), unit, formula, origins)


@lru_cache(maxsize=32)
def estimates(report: Report, platform: str | None = None) -> Estimates:
    """Fit the market model of a platform to what was public by the report's date, up to a year after its quarter."""
    platform = platform or report.platform
    return Estimates(report, platform, None)._with(fitted(report.ledger, platform, report.horizon.end))


def _fit(observations: Observations, until: date) -> Market | None:
    try:
        return fit(observations, until)
    except TooLittleKnown:
        return None


# What was fitted last, by fingerprint of the view, platform and last day.
FITTED: dict[tuple[str, str, date], Market | None] = {}


def fitted(ledger: Ledger, platform: str, until: date) -> Market | None:
    """The model as such: every scenario and chapter of a report starts from the same fit and the same draws.

    A view that differs in what the model does not read has the same one.
    """
    key = ledger.fingerprint, platform, until
    if key not in FITTED:
        if len(FITTED) >= 24:
            del FITTED[next(iter(FITTED))]  # the oldest
        observed = observe(ledger, platform)
        same = (m for m in FITTED.values() if m and m.grid.span.end == until and m.observations.key == observed.key)
        FITTED[key] = next(same, None) or _fit(observed, until)
    return FITTED[key]
