"""The market model against worlds whose truth is known, against finite differences, and at its edges."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis import market as model
from analysis.market import REST, Observations, Prior, fit
from analysis.span import Span

YEARS = ("2023", "2024")
UNTIL = Span.parse("2024")
PRIOR = Prior()
REGIONS = {"North": ("North",), "South": ("South",), "Isle": ("Isle",), "Mainland": ("North", "South"),
           "Global": ("North", "South", "Isle")}  # fmt: skip
CALENDAR = pd.DataFrame(
    [("North", date(2022, 1, 1), None), ("South", date(2022, 6, 10), None),
     ("Isle", date(2023, 2, 1), date(2023, 8, 10)), ("Isle", date(2023, 10, 20), None)],
    columns=["market", "start", "end"],
)  # fmt: skip
SEASON = pd.DataFrame(
    [(span.start, span.end, value) for year in (2020, 2021, 2022)
     for span, value in ((Span.months_of(year, 3 * q + 1, 3), v) for q, v in enumerate((240, 250, 252, 300)))],
    columns=["start", "end", "value"],
)  # fmt: skip


def fact(name, market, period, log_value, base=None, qualifier="exact", basis="company", confidence="high"):
    span, (base_market, base_span) = Span.parse(period), (base[0], Span.parse(base[1])) if base else (None, None)
    return (name, "share" if base else "amount", market, span.start, span.end, base_market,
            base_span and base_span.start, base_span and base_span.end, log_value, qualifier, basis, confidence)  # fmt: skip


def observations(rows, calendar=CALENDAR, regions=REGIONS, season=SEASON) -> Observations:
    facts = pd.DataFrame(rows, columns=Observations.COLUMNS).set_index("fact")
    markets = calendar["market"].unique()
    places = pd.DataFrame({"region": ["Mainland" if m != "Isle" else m for m in markets], "share": 1.0}, index=markets)
    return Observations(facts, calendar, regions, places, season)


# What is published of a simulated world: a fact of every kind, to mid-2024; the rest of the year is a forecast.
PUBLISHED = [
    fact("f01", "Global", "2022", 0, qualifier="about"),
    fact("f02", "Global", "2023", 0, basis="tracker"),
    fact("f03", "North", "2023H1", 0, confidence="medium"),
    fact("f04", "North", "2024Q1", 0, basis="tracker"),
    fact("f05", "South", "2023Q4", 0, qualifier="more than", confidence="medium"),
    fact("f06", "South", "2024-05", 0, basis="press", confidence="low"),
    fact("f07", "Isle", "2023", 0, qualifier="less than"),
    fact("f08", "Isle", "2024Q2", 0, ("Global", "2024Q2"), confidence="medium"),
    fact("f09", "North", "2024Q2", 0, ("Global", "2024Q2"), qualifier="about", confidence="low"),
    fact("f10", "North", "2024H1", 0, ("North", "2023H1"), basis="press"),
    fact("f11", "South", "2024-05", 0, ("South", "2024-04")),
    fact("f12", "Global", "2024H1", 0, qualifier="just over"),
    fact("f13", "Mainland", "2023-01-01..2023-12-20", 0, qualifier="up to", confidence="medium"),
    fact("f14", "Global", "2023-11-24", 0, basis="press"),
    fact("f15", "South", "2023-07", 0, basis="analyst", confidence="medium"),
]


@cache
def blueprint():
    """Grid, prior and likelihood of the published facts."""
    seen = observations(PUBLISHED)
    grid = model.Grid.of(CALENDAR, date(2022, 1, 1), UNTIL.end)
    layout = model._layout(grid, seen, 14.0, PRIOR)
    cells = {c for prefix in ("", "base_") for c in model._cells(seen.facts, prefix) if isinstance(c[0], str)}
    days = {cell: grid.open_days(REGIONS[cell[0]], *cell[1:]) for cell in cells}
    return grid, layout, model._likelihood(seen.facts, days, layout, PRIOR)


def simulate(seed: int):
    """A truth drawn from the prior, and the facts as they would be published of it."""
    grid, layout, likelihood = blueprint()
    rng = np.random.default_rng(seed)
    whitened = layout.whitened.toarray()
    truth = np.linalg.solve(whitened, layout.centre + rng.standard_normal(len(layout.centre)))
    rates = np.exp(layout.states @ truth)
    # Two halves of Student-t noise with different scales that join at zero: each half has its scale's share.
    above = rng.random(len(PUBLISHED)) < likelihood.above / (likelihood.above + likelihood.below)
    noise = np.abs(rng.standard_t(PRIOR.dof, len(PUBLISHED)))
    noise = np.where(above, likelihood.above, -likelihood.below) * noise
    logs, _ = likelihood.log_totals(layout.states @ truth)
    published = likelihood.design @ np.concatenate([logs, truth]) + noise
    rows = [(*row[:8], value, *row[9:]) for row, value in zip(PUBLISHED, published, strict=True)]
    return grid, rates, observations(rows)


@cache
def coverage(worlds: int = 200) -> tuple[float, float, float]:
    """Share of monthly, past annual and forecast annual GMV inside their 80 % intervals."""
    monthly, past, forecast = [], [], []
    for seed in range(worlds):
        grid, rates, seen = simulate(seed)
        market = fit(seen, UNTIL)
        months = market.monthly()
        days = np.array([grid.open_days((m,), p.start_time.date(), p.end_time.date()).sum()
                         for m, p in zip(months["market"], months["month"], strict=True)])  # fmt: skip
        truth = days * rates
        inside = (truth >= months["p10"]) & (truth <= months["p90"])
        monthly.append(inside[days > 0].mean())
        for year, kept in zip(YEARS, (past, forecast), strict=True):
            for name in ("Global", "North", "Mainland"):
                estimate, span = market.total(name, Span.parse(year)), Span.parse(year)
                total = grid.open_days(REGIONS[name], span.start, span.end) @ rates
                kept.append(estimate.p10 <= total <= estimate.p90)
    return float(np.mean(monthly)), float(np.mean(past)), float(np.mean(forecast))


@pytest.mark.parametrize("what", [0, 1, 2], ids=["months", "past year", "forecast year"])
def test_intervals_of_80_percent_hold_the_truth_of_75_to_85_percent_of_simulated_worlds(what):
    assert 0.75 <= coverage()[what] <= 0.85
