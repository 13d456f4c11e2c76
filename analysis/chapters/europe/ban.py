"""How much hangs on one market, without and with the new sites."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.estimates import Band, Estimates, estimates
from analysis.story.prose import Sentence, maybe, say, than
from analysis.story.show import Table

from .launch import Launch

NO_MODEL = "figures for the market model"


@dataclass(frozen=True)
class Ban:
    """What hangs on the US over the twelve months after the quarter; pairs are without and with the new sites.

    Attributes
    ----------
    launch : Launch
    concentration : tuple of Band
        Sum of the squared shares of all markets (Herfindahl-Hirschman index), from 0 to 1.
    lost : Quantity
        GMV that a ban in the US would cost, money.
    at_risk : tuple of Quantity
        The same as a share of all GMV, per cent.
    made_up : Quantity
        GMV of the new sites as a share of what the ban would cost, per cent.
    """

    launch: Launch
    concentration: tuple[Band, Band]
    lost: Quantity
    at_risk: tuple[Quantity, Quantity]
    made_up: Quantity

    @property
    def equal_markets(self) -> tuple[Quantity, Quantity]:
        """Markets of equal size that are as concentrated."""
        one = Quantity.counted(1, "market")
        return tuple(index.median and replace(one / index.median, unit="market") for index in self.concentration)

    @property
    def finding(self) -> Sentence:
        return say(
            "A ban in the US would cost {lost} of GMV in {launch.report.horizon}; {launch.names} would make up "
            "{made_up} of it.",
            self,
        )

    @property
    def details(self) -> list[Sentence]:
        """How concentrated sales are, and what the new sites change in that."""
        without, sites = self.equal_markets
        change = than(sites, without, "less concentrated", "more concentrated", "no change that matters")
        return [
            say(
                "Over {report.horizon} GMV is as concentrated as if it came in equal parts from {without}{change}.",
                self.launch,
                without=without,
                change=maybe("; with {names} from {sites}: {change}", self.launch, sites=sites, change=change),
            ),
            say("No law that would ban the platform in the US was public by {report.as_of_label}.", self.launch)
            if not self.lost
            else Sentence(),
        ]

    def table(self) -> Table:
        without, sites = self.concentration
        rows = [
            ("Concentration (sum of squared shares)", without.median, sites.median),
            ("… lower end", without.low, sites.low),
            ("… upper end", without.high, sites.high),
            ("As many markets of equal size", *self.equal_markets),
            ("GMV lost to a ban in the US", self.lost, self.lost),
            ("… as a share of all GMV", *self.at_risk),
        ]
        data = pd.DataFrame([row for row in rows if row[1]], columns=["What", "Without new sites", "With them"])
        return Table(
            "europe_risk", say("How much hangs on one market"), data if sites else data.drop(columns="With them")
        )


def ban_on(launch: Launch, ahead: Quantity) -> Ban:
    """What hangs on the US, and how much of it the new sites would carry; the scenario's own ban left out of both."""
    report = launch.report
    span, settings = report.horizon, {k: end for k, end in report.scenario.settings.items() if k != "us_ban_loss"}
    calm = estimates(_with(report, settings))
    lost = Quantity.unknown("a law that would ban the platform")
    if len(report.ledger.events_of(report.platform, "law")):
        banned = estimates(_with(report, settings | {"us_ban_loss": "high"}))
        lost = calm.gmv("Global", span).median - banned.gmv("Global", span).median
        lost = lost if lost.value > 0 else Quantity.unknown("a ban within a year")
    known = calm.market.grid.markets if calm.market else ()
    markets = tuple(market for market in known if market not in launch.markets)
    others = calm.gmv(", ".join(markets), span).median if markets else Quantity.unknown(NO_MODEL)
    return Ban(
        launch=launch,
        concentration=(_concentration(calm, markets), _concentration(calm, markets, ahead)),
        lost=lost,
        at_risk=((lost / others).percent(), (lost / (others + ahead)).percent()),
        made_up=(ahead / lost).percent(),
    )


def _with(report: Report, settings: dict[str, str]) -> Report:
    name = ", ".join(settings) or BASE
    return replace(report, scenario=replace(report.scenario, id=name, settings=settings))


def _concentration(model: Estimates, markets: tuple[str, ...], sites: Quantity | None = None) -> Band:
    """Sum of the squared shares of some markets; with the new sites as one more, where their GMV is given."""
    report, words, origins = model.report, f"{len(markets)} markets", ()
    span = report.horizon
    if not markets or not (sites is None or sites):
        return Band.unknown(NO_MODEL)
    amounts = np.array([model.market.draws(market, span) for market in markets])
    if sites:
        amounts = np.vstack([amounts, np.full(amounts.shape[1], report.convert(sites, span, "USD").value)])
        words, origins = f"{words} and the new sites", sites.origins
    origins = (*report.by_ids(model.market.drivers("Global", span)), *origins)
    index = ((amounts / amounts.sum(axis=0)) ** 2).sum(axis=0)
    formula = f"of the sum of the squared shares of {words} in the GMV of {span.short}, market model"
    percentiles = np.quantile(index, [0.5, 0.1, 0.9])
    return Band.of(percentiles, lambda value, name: Quantity(value, "", f"{name} {formula}", origins))
