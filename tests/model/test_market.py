"""The market model against worlds whose truth is known, against finite differences, and at its edges."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis.facts.span import Span
from analysis.model import market as model
from analysis.model.market import Observations, Prior, fit

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
            base_span and base_span.start, base_span and base_span.end, log_value, qualifier, basis,
            confidence)  # fmt: skip


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
    return grid, layout, model._likelihood(seen.facts, grid, REGIONS, layout, PRIOR)


def simulate(seed: int):
    """A truth drawn from the prior, and the facts as they would be published of it."""
    grid, layout, likelihood = blueprint()
    rng = np.random.default_rng(seed)
    truth = layout.centre + rng.standard_normal(len(layout.centre))
    rates = np.exp(layout.states @ truth)
    # Two halves of Student-t noise with different scales that join at zero: each half has its scale's share.
    above = rng.random(len(PUBLISHED)) < likelihood.above / (likelihood.above + likelihood.below)
    noise = np.abs(rng.standard_t(PRIOR.dof, len(PUBLISHED)))
    noise = np.where(above, likelihood.above, -likelihood.below) * noise
    published = likelihood.sums(layout.loadings[likelihood.told] @ truth)[likelihood.row] + noise
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
        for year, kept in (("2023", past), ("2024", forecast)):
            for name in ("Global", "North", "Mainland"):
                span = Span.parse(year)
                estimate = market.total(name, span)
                total = grid.open_days(REGIONS[name], span.start, span.end) @ rates
                kept.append(estimate.p10 <= total <= estimate.p90)
    return float(np.mean(monthly)), float(np.mean(past)), float(np.mean(forecast))


@pytest.mark.parametrize("what", [0, 1, 2], ids=["months", "past year", "forecast year"])
def test_intervals_of_80_percent_hold_the_truth_of_75_to_85_percent_of_simulated_worlds(what):
    assert 0.75 <= coverage()[what] <= 0.85


def told(seed: int):
    """Loadings of the states and biases of which the facts speak, and these near the centre of the prior."""
    _, layout, likelihood = blueprint()
    loadings = layout.loadings[likelihood.told]
    return loadings, loadings @ (layout.centre + np.random.default_rng(seed).normal(0, 0.3, len(layout.centre)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("heat", [1.0, 8.0])
def test_gradient_of_the_loss_is_what_finite_differences_give(seed, heat):
    _, _, likelihood = blueprint()
    _, at = told(seed)

    def loss(x):
        return likelihood.loss(likelihood.residual(x), heat)

    residual = likelihood.residual(at)
    pull = likelihood.gather(likelihood.weights(residual, heat) * residual)
    _, slopes = likelihood.slopes(likelihood.shares(at), np.eye(len(at)))
    numeric = [(loss(at + step) - loss(at - step)) / 2e-5 for step in 1e-5 * np.eye(len(at))]
    np.testing.assert_allclose(-slopes.T @ pull, numeric, rtol=1e-5, atol=1e-5)


def test_second_derivative_of_the_loss_is_what_finite_differences_of_the_gradient_give():
    _, _, likelihood = blueprint()
    loadings, at = told(0)

    def force(y):
        x = at + loadings @ y
        residual, shares = likelihood.residual(x), likelihood.shares(x)
        pull = likelihood.gather(likelihood.weights(residual) * residual)
        return y - likelihood.slopes(shares, loadings)[1].T @ pull, shares, residual, -likelihood.cells.T @ pull

    _, shares, residual, bend = force(np.zeros(loadings.shape[1]))
    hessian = model._hessian(likelihood, loadings, shares, likelihood.curvature(residual), bend)
    numeric = np.array([(force(step)[0] - force(-step)[0]) / 2e-5 for step in 1e-5 * np.eye(len(hessian))])
    np.testing.assert_allclose(hessian, numeric, rtol=1e-4, atol=1e-4)


def test_a_path_has_the_spread_that_the_prior_says():
    """Level 0 has the first spread; growth is a stationary AR(1): of one variance in all months, and with a memory."""
    path = model._path(30, 3.0, 0.02, 0.85)
    growth = np.diff(path, axis=0)
    covariance = growth @ growth.T
    assert path[0] @ path[0] == pytest.approx(9)
    np.testing.assert_allclose(np.diag(covariance), 0.02**2)
    np.testing.assert_allclose(np.diag(covariance, 1), 0.85 * 0.02**2)
    np.testing.assert_allclose(np.diag(covariance, 5), 0.85**5 * 0.02**2)


def test_the_mode_is_where_the_slope_of_all_parameters_is_zero():
    """The search is for what the facts speak of only; at its end all parameters must rest."""
    _, _, seen = simulate(8)
    posterior = fit(seen, UNTIL).posterior
    layout, likelihood = posterior.layout, posterior.likelihood
    loadings = layout.loadings[likelihood.told]
    pull = likelihood.gather(likelihood.weights(posterior.residual) * posterior.residual)
    _, slopes = likelihood.slopes(likelihood.shares(loadings @ posterior.mode), loadings)
    np.testing.assert_allclose(posterior.mode - layout.centre, slopes.T @ pull, atol=1e-3)
    np.testing.assert_allclose(posterior.residual, likelihood.residual(loadings @ posterior.mode), atol=1e-9)


def test_quantiles_are_those_of_numpy():
    draws = np.random.default_rng(2).lognormal(size=(3, 2000))
    np.testing.assert_allclose(model._quantiles(draws), np.quantile(draws, [0.1, 0.5, 0.9], axis=1), rtol=1e-14)


def test_open_days_are_those_of_the_calendar():
    grid = model.Grid.of(CALENDAR, date(2022, 1, 1), UNTIL.end)
    assert grid.span == Span(date(2022, 1, 1), date(2024, 12, 31))
    # North all 92 days of the third quarter of 2023, the isle to 10 August: 31 + 10.
    assert grid.open_days(("North", "Isle"), date(2023, 7, 1), date(2023, 9, 30)).sum() == 92 + 41
    assert grid.open_days(("Isle",), date(2023, 8, 10), date(2023, 10, 20)).sum() == 2  # its last day and its first
    assert grid.open_days(("South",), date(2021, 1, 1), date(2022, 6, 10)).sum() == 1


# One market with a published total each month: what the model makes of it can be said in advance.

ALONE = {"calendar": pd.DataFrame([("North", date(2022, 1, 1), None)], columns=["market", "start", "end"]),
         "regions": {"North": ("North",)}}  # fmt: skip
YEAR = Span.parse("2023")


def steady(*more, months=range(1, 13), monthly=1e9):
    rows = [fact(f"m{m:02d}", "North", f"2023-{m:02d}", np.log(monthly)) for m in months]
    return observations([*rows, *more], **ALONE)


def test_a_published_total_leads_the_estimate():
    total = fit(observations([fact("f", "North", "2023", np.log(12e9))], **ALONE), YEAR).total("North", YEAR)
    assert total.median == pytest.approx(12e9, rel=0.02)
    # A fact that alone tells a total leaves it the Student-t of its noise, whose 90th percentile is 1.53 scales up.
    assert np.log(total.p90 / total.p10) == pytest.approx(2 * 1.533 * PRIOR.noise["high"], rel=0.3)
    assert total.drivers == ("f",)


def test_the_order_of_the_rows_does_not_matter():
    _, _, seen = simulate(3)
    shuffled = replace(seen, facts=seen.facts.sample(frac=1, random_state=1))
    a, b = fit(seen, UNTIL), fit(shuffled, UNTIL)
    states = [model.posterior.layout.states @ model.posterior.mode for model in (a, b)]
    np.testing.assert_allclose(*states, atol=1e-6)
    assert a.residuals().index.tolist() == b.residuals().index.tolist()


def test_amounts_in_another_currency_give_the_same_shares_and_growth():
    _, _, seen = simulate(4)
    in_baht = seen.facts.assign(log_value=seen.facts["log_value"] + np.log(36) * (seen.facts["measure"] == "amount"))
    dollars, baht = fit(seen, UNTIL), fit(replace(seen, facts=in_baht), UNTIL)
    np.testing.assert_allclose(baht.draws("Global", UNTIL), 36 * dollars.draws("Global", UNTIL), rtol=1e-3)


def test_the_same_input_gives_the_same_bytes():
    _, _, seen = simulate(5)
    assert fit(seen, UNTIL).draws("Global", UNTIL).tobytes() == fit(seen, UNTIL).draws("Global", UNTIL).tobytes()


@pytest.mark.parametrize("factor", [10.0, 0.1, 1000.0])
def test_a_fact_with_a_slipped_decimal_point_hardly_moves_the_year_and_is_flagged(factor):
    clean = fit(steady(), YEAR).total("North", YEAR).median
    market = fit(steady(fact("slip", "North", "2023-06", np.log(factor * 1e9))), YEAR)
    assert market.total("North", YEAR).median == pytest.approx(clean, rel=0.05)
    assert market.residuals().query("conflict").index.tolist() == ["slip"]


def test_of_two_that_disagree_the_one_with_less_support_is_flagged():
    twice = [fact("for1", "North", "2023", np.log(12e9)), fact("for2", "North", "2023H1", np.log(5.5e9)),
             fact("for3", "North", "2023H2", np.log(6.6e9)),
             fact("against", "North", "2023", np.log(24e9))]  # fmt: skip
    assert fit(observations(twice, **ALONE), YEAR).residuals().query("conflict").index.tolist() == ["against"]


def test_facts_that_agree_are_not_flagged():
    assert not fit(steady(fact("sum", "North", "2023", np.log(12e9))), YEAR).residuals()["conflict"].any()


@pytest.mark.parametrize(
    ("qualifier", "low", "high"),
    [("more than", 1.0, 1.6), ("less than", 0.6, 1.0), ("up to", 0.6, 1.0), ("just over", 1.0, 1.1)],
)
def test_a_bound_draws_the_estimate_to_its_open_side(qualifier, low, high):
    seen = observations([fact("f", "North", "2023", np.log(12e9), qualifier=qualifier)], **ALONE)
    assert low < fit(seen, YEAR).total("North", YEAR).median / 12e9 < high


def test_a_bound_that_holds_is_not_flagged_and_one_that_does_not_is():
    holds = fit(steady(fact("bound", "North", "2023", np.log(8e9), qualifier="more than")), YEAR).residuals()
    fails = fit(steady(fact("bound", "North", "2023", np.log(18e9), qualifier="more than")), YEAR).residuals()
    assert not holds["conflict"]["bound"] and fails["conflict"]["bound"]


def test_the_bias_of_a_basis_is_found_and_the_reference_has_none():
    tracked = [fact(f"t{m:02d}", "North", f"2023-{m:02d}", np.log(0.7e9), basis="tracker") for m in range(1, 13)]
    market = fit(steady(*tracked), YEAR)
    bias = market.basis_bias().set_index("basis")
    assert bias.loc["tracker", "p10"] < 0.72 and bias.loc["tracker", "median"] < 0.8
    assert bias.loc["company", ["p10", "median", "p90"]].tolist() == [1, 1, 1]
    assert market.draws("North", YEAR, "tracker").mean() < 0.8 * market.draws("North", YEAR).mean()


def test_a_closed_market_sells_nothing_and_its_open_days_carry_the_month():
    months = fit(simulate(6)[2], UNTIL).monthly().set_index(["market", "month"])["median"]
    assert months["Isle", "2023-09"] == 0
    assert 0 < months["Isle", "2023-08"] < months["Isle", "2023-07"]


def test_a_market_without_a_fact_takes_its_level_from_its_share_of_the_region():
    calendar = pd.DataFrame(
        [(m, date(2022, 1, 1), None) for m in ("North", "South")], columns=["market", "start", "end"]
    )
    seen = observations(
        [fact("f", "Mainland", "2023", np.log(10e9))], calendar, {k: REGIONS[k] for k in ("North", "South", "Mainland")}
    )
    seen = replace(seen, places=seen.places.assign(share=[1.6, 0.4]))
    market = fit(seen, YEAR)
    north, south = market.total("North", YEAR), market.total("South", YEAR)
    assert north.median > 2 * south.median
    assert south.p90 / south.p10 > 2.5  # and says how little is known
    assert market.total("Mainland", YEAR).median == pytest.approx(10e9, rel=0.05)


def test_status_says_what_is_reported_inferred_and_unknown():
    market = fit(
        observations([fact("f", "Global", "2023", np.log(9e9)), fact("g", "North", "2023Q2", np.log(1e9))]), UNTIL
    )
    status = market.monthly().set_index(["market", "month"])["status"]
    assert (status["North", "2023-05"], status["North", "2023-07"], status["North", "2024-05"]) == (
        "reported",
        "inferred",
        "unknown",
    )


def test_months_add_up_to_the_year_and_markets_to_the_world():
    market = fit(simulate(7)[2], UNTIL)
    quarters = sum(market.draws("Global", Span.parse(f"2024Q{q}")) for q in range(1, 5))
    np.testing.assert_allclose(quarters, market.draws("Global", UNTIL))
    np.testing.assert_allclose(sum(market.draws(m, UNTIL) for m in REGIONS["Global"]), market.draws("Global", UNTIL))


def test_what_a_target_still_requires():
    market, half = fit(steady(months=range(1, 7)), YEAR), Span.parse("2023H1")
    to_date = market.total("North", half).median
    assert market.required_run_rate(12e9, half, "North").median == pytest.approx((12e9 - to_date) / 6, rel=0.02)
    growth = market.required_monthly_growth(12e9, half, "North").median
    last = market.total("North", Span.parse("2023-06")).median
    assert last * sum((1 + growth) ** n for n in range(1, 7)) == pytest.approx(12e9 - to_date, rel=0.02)
    assert market.required_run_rate(1e9, half, "North").median == 0
    assert market.required_monthly_growth(1e9, half, "North").median == pytest.approx(-1)
    assert market.attainment(12e9, half, "North").median == pytest.approx(0.5, rel=0.02)
    assert market.probability_of_target(1e9, YEAR, "North") == 1
    with pytest.raises(ValueError, match="nothing is left of the year"):
        market.required_run_rate(12e9, YEAR, "North")


def test_contradictory_exact_facts_give_a_wide_answer_or_a_flag():
    pair = [fact("a", "North", "2023", np.log(10e9)), fact("b", "North", "2023", np.log(40e9))]
    market = fit(observations(pair, **ALONE), YEAR)
    total = market.total("North", YEAR)
    outside = [f for f, value in (("a", 10e9), ("b", 40e9)) if not total.p10 <= value <= total.p90]
    assert set(outside) <= set(market.residuals().query("conflict").index)


@pytest.mark.parametrize("period", ["2023-06-08", "2023-06", "2022", "2023"])
def test_one_fact_gives_a_positive_forecast_that_widens(period):
    market = fit(observations([fact("f", "North", period, np.log(1e9))], **ALONE), UNTIL)
    near, far = market.total("North", YEAR), market.total("North", UNTIL)
    assert 0 < near.p10 < near.median < near.p90
    assert far.p90 / far.p10 > near.p90 / near.p10


def test_what_cannot_be_told_is_an_error_that_says_why():
    with pytest.raises(ValueError, match="nothing is published"):
        fit(observations([], **ALONE), YEAR)
    with pytest.raises(ValueError, match="growth and shares alone give no level"):
        fit(observations([fact("g", "North", "2023", 0.5, ("North", "2022"))], **ALONE), YEAR)
    with pytest.raises(ValueError, match="no amount"):  # before the market opened
        fit(observations([fact("f", "North", "2021", np.log(1e9))], **ALONE), YEAR)
    later = pd.DataFrame([("North", date(2024, 5, 1), None)], columns=["market", "start", "end"])
    with pytest.raises(ValueError, match="no amount"):  # no market had opened by the end of the model
        fit(observations([fact("f", "North", "2023", np.log(1e9))], later, {"North": ("North",)}), YEAR)
    market = fit(steady(), YEAR)
    with pytest.raises(ValueError, match="not within the months of the model"):
        market.total("North", Span.parse("2024"))
    with pytest.raises(ValueError, match="known: North"):
        market.total("Atlantis", YEAR)
