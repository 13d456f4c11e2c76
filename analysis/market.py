"""One monthly GMV for each market, with error bars, from published figures that disagree.

The model. On an open day of month t, market m sells exp(u[m,t]) US dollars, and

    u[m,t] = common[t] + region[of m] + own[m,t] + exponent[m] log(age[m,t] + delay) + step[m] + season[month of t].

`common` and `own` are paths whose monthly growth is a stationary AR(1); `own` starts from the market's share of its
region; the exponent is the ramp after a launch; the step counts from the reopening of a market that was closed.
All of it is linear in the parameters, with a Gaussian prior. A fact is a log total of a cell (some markets over some
days), or the difference of two such, plus the bias of its basis and Student-t noise. A sum of exponentials is smooth,
so that a few Newton steps find the mode of the posterior [1]_. Draws about it, by the curvature of Gauss and Newton
there, by resampled weights [2]_ and by optimising again with randomised data [3]_, give the error bars and, past the
last fact, the forecast.

.. [1] Nocedal and Wright, Numerical Optimization, 2nd ed., 2006, sections 3.4 (Newton) and 10.3 (Gauss-Newton).
.. [2] Lange, Little and Taylor, Robust statistical modeling using the t distribution, JASA 84, 1989.
.. [3] Bardsley, Solonen, Haario and Laine, Randomize-then-optimize, SIAM J. Sci. Comput. 36, 2014.
.. [4] Tierney and Kadane, Accurate approximations for posterior moments and marginal densities, JASA 81, 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cholesky, inv, qr, solve_triangular
from scipy.special import gammaincinv

from analysis.span import DAYS_PER_MONTH, Span

REST = "Rest of the world"
REFERENCE = "company"  # the basis on which everything is counted; official figures are its own
CONFLICT = 3.0  # standardised residual beyond which a fact contradicts the others
_COOLING, _STEPS, _TOLERANCE = 5, 200, 1e-8
_BATCHES, _PAIRS, _CORRECTIONS, _SEED = 100, 10, 4, 20240630  # draws come in antithetic pairs


class TooLittleKnown(ValueError):
    """The facts, or the months of the model, do not reach what was asked."""


@dataclass(frozen=True)
class Prior:
    """Every constant of the model, with its unit and its reason.

    "Fitted" means: within one log unit of the best of a grid by the marginal likelihood (Laplace) of the facts about
    TikTok Shop, Temu, Shopee and SHEIN that were public on 31 March 2024. So few facts tell no more than that.

    Attributes
    ----------
    ramp_exponent : float
        GMV a day grows as (age + delay) ** exponent, so that growth slows as 1 / age. Fitted.
    ramp_exponent_sd, own_exponent_sd : float
        Spread of the exponent between platforms, and between the markets of one. Flat from 0.3 to 0.8 in sum.
    ramp_delay : float
        Months that a launch has behind it on its first day: it does not start from nothing. Fitted.
    ramp_age : float
        Months since launch at which the levels of markets are compared: the age of TikTok Shop's at the end of 2023.
    common_growth_sd, own_growth_sd : float
        Spread of monthly log growth about the ramp, shared by all markets and of one market. Fitted (0.005 to 0.02
        and 0.01 to 0.04 are alike).
    growth_memory : float
        Correlation of that with the month before. Flat; 0.85 is a half-life of four months.
    level_sd : float
        Log units. The level of a platform is for the facts to tell: a factor of 20 either way.
    region_sd : float
        Log units, of a region's level about that of the platform: a factor of 3 either way. Fitted.
    share_sd : float
        Log units, of a market's level about its share of its region: a factor of 2 either way. Fitted.
    reopening_sd : float
        Log units, of the step in the level of a market that was closed. One case, so a judgement: a factor of 1.6.
    season_sd : float
        Log units, of one month about the official seasonal profile: another country, other sales days. Fitted.
    day_sd : float
        Log units, of one day about its month, for facts whose days cut a month: sales days sell several times the
        mean. Fitted.
    noise : mapping
        Log units, by confidence: what figures for the same cell differ by. Fitted; twice as much would
        fit as well, but hide conflicts such as 70 against 45 and 40 %.
    about : float
        Log units, added to the noise of a figure that is not exact: half of the last of two digits.
    slack : mapping
        Log units, by qualifier: how far on the open side of a bound the truth may lie. Publishers name the nearest
        round number, so that a bound says something about both sides. Fitted.
    bias_sd : mapping
        Log units, by basis: how far one way of counting may lie from the company's own, over all its figures. Leaks
        quote the company, the press quotes leaks and trackers; for trackers 0.1 to 0.5 are alike.
    dof : float
        Degrees of freedom of the Student-t noise, so that a misprint loses its pull: the usual choice [2]_.
    """

    ramp_exponent: float = 2.5
    ramp_exponent_sd: float = 0.6
    own_exponent_sd: float = 0.4
    ramp_delay: float = 6.0
    ramp_age: float = 24.0
    common_growth_sd: float = 0.015
    own_growth_sd: float = 0.03
    growth_memory: float = 0.85
    level_sd: float = 3.0
    region_sd: float = 1.2
    share_sd: float = 0.7
    reopening_sd: float = 0.5
    season_sd: float = 0.1
    day_sd: float = 0.8
    noise: Mapping[str, float] = field(default_factory=lambda: {"high": 0.06, "medium": 0.12, "low": 0.3})
    about: float = 0.05
    slack: Mapping[str, float] = field(
        default_factory=lambda: {"more than": 0.25, "less than": 0.25, "up to": 0.25, "just over": 0.04}
    )
    bias_sd: Mapping[str, float] = field(
        default_factory=lambda: {"leak": 0.05, "press": 0.1, "tracker": 0.2, "analyst": 0.2}
    )
    dof: float = 4.0


@dataclass(frozen=True)
class Observations:
    """What is known of a platform's GMV, as tables.

    Attributes
    ----------
    facts : DataFrame
        Indexed by fact; columns in `COLUMNS`. A fact says that the GMV of `market` from `start` to `end` is
        exp(log_value) US dollars, or, where `base_market` is filled, that times the GMV of the base cell.
    calendar : DataFrame
        Columns market, start, end: spans of days on which the market was open; `end` None is still open.
    regions : dict
        Name of a market or region -> the markets that it sums up.
    places : DataFrame
        Indexed by market; columns region, and share: its share of the region's online retail over that of a typical
        market there.
    season : DataFrame
        Columns start, end, value: the official quarterly series, oldest first.
    """

    COLUMNS = (
        "fact", "measure", "market", "start", "end", "base_market", "base_start", "base_end", "log_value",
        "qualifier", "basis", "confidence",
    )  # fmt: skip

    facts: pd.DataFrame
    calendar: pd.DataFrame
    regions: dict[str, tuple[str, ...]]
    places: pd.DataFrame
    season: pd.DataFrame


@dataclass(frozen=True)
class Estimate:
    """Median, 10th and 90th percentile of the posterior, and the facts that tell most of it, the strongest first."""

    median: float
    p10: float
    p90: float
    drivers: tuple[str, ...] = ()


# Time and place ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """The months of each market, from its first open day on, and the days on which it was open.

    Attributes
    ----------
    months : PeriodIndex
        Shape (T,).
    edges : ndarray of datetime64[D]
        First day of each month and the day after the last, shape (T + 1,).
    markets : tuple of str
        M names.
    open_before : ndarray
        Open days of each market before each day of the grid, shape (M, days + 1).
    age : ndarray
        Months from a market's first open day to the middle of a month, shape (M, T).
    live : ndarray of bool
        Whether a market had opened by the end of a month, shape (M, T).
    reopened : ndarray of bool
        Whether a market was closed once before this month and has opened again, shape (M, T).
    """

    months: pd.PeriodIndex
    edges: np.ndarray
    markets: tuple[str, ...]
    open_before: np.ndarray
    age: np.ndarray
    live: np.ndarray
    reopened: np.ndarray

    @classmethod
    def of(cls, calendar: pd.DataFrame, start: date, end: date) -> Grid:
        """The months from that of `start` to that of `end`."""
        months = pd.period_range(start, end, freq="M")
        edges = np.append(months.to_timestamp().values, (months[-1] + 1).to_timestamp()).astype("datetime64[D]")
        markets = tuple(dict.fromkeys(calendar["market"]))
        days = np.arange(edges[0], edges[-1])
        middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
        is_open = np.zeros((len(markets), len(days)), dtype=bool)
        age = np.empty((len(markets), len(months)))
        live, reopened = np.empty_like(age, dtype=bool), np.empty_like(age, dtype=bool)
        for row, (_, spans) in enumerate(calendar.groupby("market", sort=False)):
            starts = spans["start"].to_numpy("datetime64[D]")
            for opened, closed in zip(starts, spans["end"], strict=True):
                is_open[row] |= (days >= opened) & (days <= (np.datetime64(closed, "D") if closed else days[-1]))
            age[row] = (middle - starts[0]).astype(float) / DAYS_PER_MONTH
            live[row] = edges[1:] > starts[0]
            reopened[row] = (edges[1:] > starts[-1]) & (len(starts) > 1)
        before = np.pad(is_open.cumsum(axis=1, dtype=float), ((0, 0), (1, 0)))
        return cls(months, edges, markets, before, age, live, reopened)

    @cached_property
    def where(self) -> tuple[np.ndarray, np.ndarray]:
        """Market and month of each state: the S months of markets that had opened."""
        return np.nonzero(self.live)

    def open_days(self, markets: tuple[str, ...], start: date, end: date) -> np.ndarray:
        """Open days of each state from `start` to `end`, zero for other markets than these; shape (S,)."""
        first, after = np.datetime64(start, "D"), np.datetime64(end, "D") + 1
        inside = (np.clip(self.edges, first, after) - self.edges[0]).astype(int)
        inside = np.clip(inside, 0, self.open_before.shape[1] - 1)
        chosen = np.isin(self.markets, markets)
        return (np.diff(self.open_before[:, inside], axis=1) * chosen[:, None])[self.where]


# Prior ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """The linear part: u = states @ parameters, whitened @ parameters ~ N(centre, 1).

    Attributes
    ----------
    states : sparse array, shape (S, P)
        One row for each month of each market from its launch on.
    whitened : sparse array, shape (R, P)
    centre : ndarray, shape (R,)
    bases : dict
        Basis -> column of its bias.
    """

    states: sparse.csr_array
    whitened: sparse.csr_array
    centre: np.ndarray
    bases: dict[str, int]


def _whitened_path(length: int, first_sd: float, growth_sd: float, memory: float) -> sparse.csr_array:
    """Rows that turn a path of AR(1) growth into independent standard normals."""
    level = sparse.diags_array([1.0, -1.0], offsets=[0, -1], shape=(length, length))
    growth_sds = np.full(length, growth_sd * np.sqrt(1 - memory**2))
    growth_sds[:2] = [first_sd, growth_sd][:length]
    follow = np.full(length - 1, -memory) * (np.arange(1, length) > 1)
    carry = sparse.diags_array([np.ones(length), follow], offsets=[0, -1], shape=(length, length))
    return sparse.csr_array(sparse.diags_array(1 / growth_sds) @ carry @ level)


def _layout(grid: Grid, observations: Observations, level: float, prior: Prior) -> Layout:
    market, month = grid.where
    count, total_months, rows = len(grid.markets), len(grid.months), len(market)
    first = np.searchsorted(market, np.arange(count))
    lengths = np.diff(np.append(first, rows))
    age = np.maximum(grid.age[market, month], 0)
    ramp = np.log((age + prior.ramp_delay) / (prior.ramp_age + prior.ramp_delay))
    places = observations.places.loc[list(grid.markets)]
    region, _ = pd.factorize(places["region"])
    profile = _season_profile(observations.season)
    bases = list(prior.bias_sd)

    def columns(where: np.ndarray, width: int, values=None) -> sparse.csr_array:
        values = np.ones(rows) if values is None else values
        return sparse.csr_array((values, (np.arange(rows), where)), shape=(rows, width))

    memory = prior.growth_memory
    # Each block: how it enters the states, its whitened prior, and the centre of that.
    blocks = [
        (columns(month, total_months),
         _whitened_path(total_months, prior.level_sd, prior.common_growth_sd, memory),
         np.eye(1, total_months)[0] * level / prior.level_sd),
        (sparse.eye_array(rows),
         sparse.block_diag([_whitened_path(n, prior.share_sd, prior.own_growth_sd, memory) for n in lengths]),
         np.isin(np.arange(rows), first) * np.log(places["share"].to_numpy())[market] / prior.share_sd),
        (sparse.csr_array(ramp[:, None]),
         sparse.eye_array(1) / prior.ramp_exponent_sd, np.array([prior.ramp_exponent / prior.ramp_exponent_sd])),
        (columns(region[market], region.max() + 1),
         sparse.eye_array(region.max() + 1) / prior.region_sd, np.zeros(region.max() + 1)),
        (columns(market, count, ramp),
         sparse.eye_array(count) / prior.own_exponent_sd, np.zeros(count)),
        (columns(market, count, grid.reopened[market, month].astype(float)),
         sparse.eye_array(count) / prior.reopening_sd, np.zeros(count)),
        (columns(grid.months.month[month] - 1, 12), sparse.eye_array(12) / prior.season_sd, profile / prior.season_sd),
        (sparse.csr_array((rows, len(bases))),
         sparse.diags_array([1 / prior.bias_sd[basis] for basis in bases]),
         np.zeros(len(bases))),
    ]  # fmt: skip
    states, whitened, centres = zip(*blocks, strict=True)
    states = sparse.csr_array(sparse.hstack(states))
    return Layout(
        states=states,
        whitened=sparse.csr_array(sparse.block_diag(whitened)),
        centre=np.concatenate(centres),
        bases={basis: states.shape[1] - len(bases) + i for i, basis in enumerate(bases)},
    )


def _season_profile(series: pd.DataFrame) -> np.ndarray:
    """Log sales a day of each calendar month about the year's mean, shape (12,); flat without two years of quarters.

    Classical decomposition: the ratio to the centred moving average of four quarters, its median over the years.
    """
    if len(series) < 9:
        return np.zeros(12)
    days = [(end - start).days + 1 for start, end in zip(series["start"], series["end"], strict=True)]
    log_rate = np.log(series["value"].to_numpy() / days)
    trend = np.convolve(log_rate, [1 / 8, 1 / 4, 1 / 4, 1 / 4, 1 / 8], mode="valid")
    quarter = np.array([start.month // 3 for start in series["start"]])
    ratio = pd.Series(log_rate[2:-2] - trend).groupby(quarter[2:-2]).median().reindex(range(4)).to_numpy()
    return np.repeat(ratio - ratio.mean(), 3)


# Likelihood -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Likelihood:
    """Facts as differences of log totals.

    Attributes
    ----------
    days : sparse array, shape (C, S)
        Open days of each distinct cell of the facts in each state.
    design : sparse array, shape (D, C + P)
        What a fact is a sum of: its cell, less its base cell, plus its bias. Facts alike share a row.
    row : ndarray of int, shape (N,)
        Row of the design of each fact.
    value : ndarray, shape (N,)
    above, below : ndarray, shape (N,)
        Log scale of the noise where the fact lies above, or below, what the model says.
    dof : float
    """

    days: sparse.csr_array
    design: sparse.csr_array
    row: np.ndarray
    value: np.ndarray
    above: np.ndarray
    below: np.ndarray
    dof: float

    def log_totals(self, u: np.ndarray) -> tuple[np.ndarray, sparse.csr_array]:
        """Log GMV of each cell, shape (C,), and its derivatives by the states, shape (C, S)."""
        peak = u.max()
        parts = self.days.multiply(np.exp(u - peak)).tocsr()
        totals = parts.sum(axis=1)
        return np.log(totals) + peak, sparse.csr_array(sparse.diags_array(1 / totals) @ parts)

    def residual(self, log_totals: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """Fact less model, shape (N,)."""
        return self.value - (self.design @ np.concatenate([log_totals, parameters]))[self.row]

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Sum of the values of the facts, shape (N,), over the rows of the design, shape (D,)."""
        return np.bincount(self.row, values, self.design.shape[0])

    def standardised(self, residual: np.ndarray) -> np.ndarray:
        return residual / np.where(residual > 0, self.above, self.below)

    def loss(self, residual: np.ndarray, heat: float = 1.0) -> float:
        """Minus the log likelihood, up to a constant; `heat` widens the normal core of the noise, not its scale."""
        z = self.standardised(residual) / heat
        return float(np.log1p(z**2 / self.dof).sum() * heat**2 * (self.dof + 1) / 2)

    def weights(self, residual: np.ndarray, heat: float = 1.0) -> np.ndarray:
        """Of least squares: the first derivative of the loss is weight times residual."""
        scale = np.where(residual > 0, self.above, self.below)
        return (self.dof + 1) / (self.dof * scale**2 + (residual / heat) ** 2)

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the noise, shapes (N,): two halves of a normal that join at zero (John 1982)."""
        gap = self.above - self.below
        return np.sqrt(2 / np.pi) * gap, (1 - 2 / np.pi) * gap**2 + self.above * self.below

    def curvature(self, residual: np.ndarray, heat: float = 1.0) -> np.ndarray:
        """Second derivative of the loss by the residual; negative in the tails."""
        z2 = (self.standardised(residual) / heat) ** 2
        return self.weights(residual, heat) * (self.dof - z2) / (self.dof + z2)


Cell = tuple[str, date, date]  # a market or region, its first and last day


def _cells(facts: pd.DataFrame, prefix: str = "") -> list[Cell]:
    return list(zip(*(facts[prefix + name] for name in ("market", "start", "end")), strict=True))


def _likelihood(facts: pd.DataFrame, days: dict[Cell, np.ndarray], layout: Layout, prior: Prior) -> Likelihood:
    is_ratio = facts["base_market"].notna()
    # A ratio is of one counter on both sides: its bias cancels.
    biased = facts["basis"].where(facts["basis"].isin(layout.bases) & ~is_ratio, None)
    keys = list(
        zip(
            _cells(facts), np.where(is_ratio, pd.Series(_cells(facts, "base_"), facts.index), None), biased, strict=True
        )
    )
    shape = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    column = {cell: i for i, cell in enumerate(dict.fromkeys(c for pair in shape for c in pair[:2] if c))}
    entries = [
        (sign, i, at)
        for (cell, base, basis), i in shape.items()
        for sign, at in (
            (1.0, column[cell]),
            (-1.0, column.get(base)),
            (1.0, len(column) + layout.bases[basis] if basis in layout.bases else None),
        )
        if at is not None
    ]
    values, at, to = zip(*entries, strict=True)
    sampled = {(start, end): 0 if Span(start, end).months else 1 / Span(start, end).days for _, start, end in column}
    noise = np.sqrt(
        facts["confidence"].map(prior.noise).to_numpy() ** 2
        + (facts["qualifier"] != "exact").to_numpy() * prior.about**2
        + prior.day_sd**2 * np.array([sampled[cell[1:]] for cell, _, _ in keys])
    )
    slack = facts["qualifier"].map(prior.slack).fillna(0).to_numpy()
    is_floor = facts["qualifier"].isin(["more than", "just over"]).to_numpy()
    return Likelihood(
        days=sparse.csr_array(np.array([days[cell] for cell in column])),
        design=sparse.csr_array((values, (at, to)), shape=(len(shape), len(column) + layout.states.shape[1])),
        row=np.array([shape[key] for key in keys]),
        value=facts["log_value"].to_numpy(),
        above=np.hypot(noise, slack * ~is_floor),
        below=np.hypot(noise, slack * is_floor),
        dof=prior.dof,
    )


# Fit --------------------------------------------------------------------------------------------------


def fit(observations: Observations, until: Span | date, prior: Prior = Prior()) -> Market:
    """The posterior of a platform's monthly GMV up to the month of `until`, or of the last fact if that is later.

    Raises
    ------
    TooLittleKnown
        If no fact gives an amount of days on which a market was open: from ratios alone follows no level.
    """
    facts, regions, calendar = observations.facts, observations.regions, observations.calendar
    if facts.empty:
        raise TooLittleKnown("nothing is published about this platform's GMV")
    end = max([until.end if isinstance(until, Span) else until, *facts["end"]])
    first = min([*facts["start"], *facts["base_start"].dropna()])
    grid = Grid.of(calendar[[day <= end for day in calendar["start"]]], first.replace(month=1, day=1), end)
    cells = list(zip(_cells(facts), _cells(facts, "base_"), facts["base_market"].notna(), strict=True))
    named = {cell for cell, _, _ in cells} | {base for _, base, is_ratio in cells if is_ratio}
    days = {cell: grid.open_days(regions[cell[0]], *cell[1:]) for cell in named}
    # A figure for days on which no market was open has no total to be compared with.
    used = facts[[days[cell].any() and (not is_ratio or days[base].any()) for cell, base, is_ratio in cells]]
    amounts = used[used["base_market"].isna()]
    if amounts.empty:
        raise TooLittleKnown("no amount of GMV is published of this platform: growth and shares alone give no level")
    daily = amounts["log_value"] - np.log([days[cell].sum() for cell in _cells(amounts)])
    layout = _layout(grid, observations, float(daily.median()), prior)
    likelihood = _likelihood(used, days, layout, prior)
    mode, residual = _mode(layout, likelihood)
    return Market(observations, used, grid, Posterior(layout, likelihood, mode, residual), np.ones(len(grid.where[0])))


def _mode(layout: Layout, likelihood: Likelihood) -> tuple[np.ndarray, np.ndarray]:
    """The parameters of highest posterior density, shape (P,), and the residuals of the facts there, shape (N,).

    Least squares first, whose weights cool down to those of the Student-t, so that a fact far from the start is not
    taken for a misprint.

    Raises
    ------
    RuntimeError
        If the steps do not die out.
    """
    whitened, centre = layout.whitened, layout.centre

    def loss(at: np.ndarray, heat: float) -> float:
        logs, _ = likelihood.log_totals(layout.states @ at)
        return ((whitened @ at - centre) ** 2).sum() / 2 + likelihood.loss(likelihood.residual(logs, at), heat)

    parameters = sparse.linalg.spsolve((whitened.T @ whitened).tocsc(), whitened.T @ centre)
    for iteration in range(_STEPS):
        heat = max(1.0, 2.0 ** (_COOLING - iteration))
        logs, by_state = likelihood.log_totals(layout.states @ parameters)
        residual = likelihood.residual(logs, parameters)
        jacobian = _jacobian(layout, by_state)
        pull = likelihood.design.T @ likelihood.gather(likelihood.weights(residual, heat) * residual)
        gradient = whitened.T @ (centre - whitened @ parameters) + jacobian.T @ pull
        curvature, bend = likelihood.curvature(residual, heat), -pull[: len(logs)]
        try:
            factor = cho_factor(_hessian(layout, likelihood, by_state, curvature, bend))
        except LinAlgError:  # not a bowl here: take the part that is
            factor = cho_factor(_hessian(layout, likelihood, by_state, np.maximum(curvature, 0), np.maximum(bend, 0)))
        step = cho_solve(factor, gradient)
        gain = gradient @ step
        if heat == 1 and gain < _TOLERANCE:
            return parameters, residual
        # No state moves by more than a factor of 20: the quadratic does not reach further.
        length, here = min(1.0, 3 / np.abs(layout.states @ step).max()), loss(parameters, heat)
        while loss(parameters + length * step, heat) > here - 1e-4 * length * gain + 1e-12 * here:  # Armijo's rule
            length /= 2
        parameters = parameters + length * step
    raise RuntimeError(f"the market model did not converge in {_STEPS} steps")


def _jacobian(layout: Layout, by_state: sparse.csr_array) -> sparse.csr_array:
    """Derivatives of the log totals and of the parameters by the parameters, shape (C + P, P)."""
    return sparse.csr_array(sparse.vstack([by_state @ layout.states, sparse.eye_array(layout.states.shape[1])]))


def _precision(layout: Layout, likelihood: Likelihood, jacobian: sparse.csr_array, weights: np.ndarray) -> np.ndarray:
    """Curvature of the log posterior after Gauss and Newton, shape (P, P)."""
    design = likelihood.design
    facts = design.T @ sparse.csr_array(sparse.diags_array(likelihood.gather(weights)) @ design)
    return (layout.whitened.T @ layout.whitened + jacobian.T @ (facts @ jacobian)).toarray()


def _hessian(layout, likelihood, by_state, curvature, bend) -> np.ndarray:
    """Second derivative of the loss: `_precision`, and what comes from the bend of the log totals (log-sum-exp)."""
    jacobian = _jacobian(layout, by_state)
    by_cell = jacobian[: len(bend)]
    spread = layout.states.T @ sparse.diags_array(by_state.T @ bend) @ layout.states
    joint = by_cell.T @ sparse.diags_array(bend) @ by_cell
    return _precision(layout, likelihood, jacobian, curvature) + (spread - joint).toarray()


# Results ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Posterior:
    """The parameters given the facts: their mode, and draws about it.

    Attributes
    ----------
    layout : Layout
    likelihood : Likelihood
    mode : ndarray, shape (P,)
    residual : ndarray, shape (N,)
        Of the facts at the mode.
    """

    layout: Layout
    likelihood: Likelihood
    mode: np.ndarray
    residual: np.ndarray

    @cached_property
    def jacobian(self) -> sparse.csr_array:
        return _jacobian(self.layout, self.likelihood.log_totals(self.layout.states @ self.mode)[1])

    @cached_property
    def weights(self) -> np.ndarray:
        return self.likelihood.weights(self.residual)

    @cached_property
    def cholesky(self) -> np.ndarray:
        """Upper factor of the posterior precision at the mode, shape (P, P)."""
        return cholesky(_precision(self.layout, self.likelihood, self.jacobian, self.weights))

    @cached_property
    def _reduced(self) -> _Reduced:
        return _Reduced.of(self.layout, self.likelihood, self.jacobian, self.mode)

    @cached_property
    def rates(self) -> np.ndarray:
        """Draws of US dollars an open day in each state, shape (S, draws)."""
        return np.exp(self._draws[0])

    @property
    def biases(self) -> np.ndarray:
        """Draws of the bias of each basis, in the order of `layout.bases`, shape (bases, draws)."""
        return self._draws[1]

    @cached_property
    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws of the states, shape (S, draws), and of the biases, shape (bases, draws).

        A Student-t is a normal of unknown precision, so that two sweeps of Gibbs sampling from Laplace's normal [4]_,
        precisions given parameters [2]_ and parameters given precisions, let in that any fact may be the misprint.
        The chances of the precisions lie in strata over the batches: the median of a sum varies half as much.
        """
        likelihood, reduced, rng = self.likelihood, self._reduced, np.random.default_rng(_SEED)
        offset, variance = likelihood.moments
        chi_square = 2 * gammaincinv((likelihood.dof + 1) / 2, _strata(rng, _BATCHES, (2, len(variance))))
        batches = []
        for chances in chi_square:
            states, biases = reduced.draws(rng, self.weights, 1, corrections=1)
            for pairs, chance in zip((1, _PAIRS), chances, strict=True):
                told = likelihood.design @ reduced.compared(states[:, :1], biases[:, :1])[:, 0]
                residual = likelihood.value - told[likelihood.row] - offset
                weights = chance / (likelihood.dof * variance + residual**2)
                states, biases = reduced.draws(rng, weights, pairs, _CORRECTIONS)
            batches.append((states, biases))
        states, biases = zip(*batches, strict=True)
        return np.hstack(states), np.hstack(biases)


@dataclass(frozen=True)
class _Reduced:
    """The posterior where the prior is white noise, and in the few directions of it that the facts tell anything of.

    With parameters = back @ y, y has the prior N(centre, 1). Facts move y along `basis` only, so that a draw is one of
    the prior, moved by r numbers: the systems to solve have as many unknowns as facts, not as parameters.

    Attributes
    ----------
    likelihood : Likelihood
    centre : ndarray, shape (P,)
    to_states, to_biases : ndarray, shapes (S, P), (bases, P)
        States and biases of y.
    basis : ndarray, shape (P, r)
        Orthonormal.
    along_states, along_biases : ndarray, shapes (S, r), (bases, r)
        States and biases along `basis`.
    slopes : ndarray, shape (D, r)
        Derivatives of what each row of the design comes to, along `basis`.
    start, at_start : ndarray, shapes (P,), (D,)
        The mode as y, and what each row of the design comes to there.
    bias_columns : list of int
    """

    likelihood: Likelihood
    centre: np.ndarray
    to_states: np.ndarray
    to_biases: np.ndarray
    basis: np.ndarray
    along_states: np.ndarray
    along_biases: np.ndarray
    slopes: np.ndarray
    start: np.ndarray
    at_start: np.ndarray
    bias_columns: list[int]

    @classmethod
    def of(cls, layout: Layout, likelihood: Likelihood, jacobian: sparse.csr_array, mode: np.ndarray) -> _Reduced:
        back, columns = inv(layout.whitened.toarray()), list(layout.bases.values())
        basis, triangle = qr(((likelihood.design @ jacobian) @ back).T, mode="economic")
        to_states, to_biases = layout.states @ back, back[columns]
        logs, _ = likelihood.log_totals(layout.states @ mode)
        return cls(
            likelihood=likelihood,
            centre=layout.centre,
            to_states=to_states,
            to_biases=to_biases,
            basis=basis,
            along_states=to_states @ basis,
            along_biases=to_biases @ basis,
            slopes=triangle.T,
            start=layout.whitened @ mode,
            at_start=likelihood.design @ np.concatenate([logs, mode]),
            bias_columns=columns,
        )

    def compared(self, states: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """Log totals and parameters that the rows of the design add up, shape (C + P, draws); zero if in none."""
        logs = np.log(self.likelihood.days @ np.exp(states))
        parameters = np.zeros((len(self.centre), states.shape[1]))
        parameters[self.bias_columns] = biases
        return np.vstack([logs, parameters])

    def draws(self, rng, weights: np.ndarray, pairs: int, corrections: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws of states and biases for given precisions of the facts, by randomising and optimising [3]_.

        The first correction is Laplace's normal. It alone would let the markets of a published sum drift apart, and so
        lift the sum.
        """
        likelihood, slopes = self.likelihood, self.slopes
        precision = likelihood.gather(weights)[:, None]
        told = likelihood.gather(weights * (likelihood.value - likelihood.moments[0]))[:, None] / precision
        white, noise = rng.standard_normal((len(self.centre), pairs)), rng.standard_normal((len(precision), pairs))
        prior = self.centre[:, None] + np.hstack([white, -white])
        told = told + np.hstack([noise, -noise]) / np.sqrt(precision)
        factor = cho_factor(np.eye(slopes.shape[1]) + (slopes.T * precision[:, 0]) @ slopes)
        states, biases = self.to_states @ prior, self.to_biases @ prior
        expected = self.at_start[:, None] + slopes @ (self.basis.T @ (prior - self.start[:, None]))
        moved = cho_solve(factor, slopes.T @ (precision * (told - expected)))
        for _ in range(corrections - 1):
            here = states + self.along_states @ moved, biases + self.along_biases @ moved
            force = slopes.T @ (precision * (told - likelihood.design @ self.compared(*here)))
            moved = moved + cho_solve(factor, force - moved)
        return states + self.along_states @ moved, biases + self.along_biases @ moved


def _strata(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers, shape (count, *shape), of which each column has one in each `count`-th of the unit interval."""
    cells = rng.permuted(np.broadcast_to(np.arange(count)[:, None, None], (count, *shape)), axis=0)
    return (cells + rng.random((count, *shape))) / count


@dataclass(frozen=True, eq=False)
class Market:
    """The posterior of a platform's GMV: monthly, summed, and against targets. All amounts in US dollars.

    Made by `fit`. Names of markets are those of the facts: a market, a region such as `SEA`, `Global`, or several
    joined by a comma. Everything is counted as the company counts (the reference basis of `basis_bias`).

    Attributes
    ----------
    observations : Observations
    facts : DataFrame
        Those that speak of a day on which a market was open.
    grid : Grid
    posterior : Posterior
    factor : ndarray, shape (S,)
        What the GMV of each state is multiplied by: ones, but for a scenario (see `under`).

    Examples
    --------
    >>> market = fit(observe(ledger.known_by(date(2024, 8, 29)), "TikTok Shop"), Span.parse("2024"))  # doctest: +SKIP
    >>> market.total("US", Span.parse("2024H1"))  # doctest: +SKIP
    """

    observations: Observations
    facts: pd.DataFrame
    grid: Grid
    posterior: Posterior
    factor: np.ndarray

    @cached_property
    def _rates(self) -> np.ndarray:
        """Draws of US dollars an open day in each state, shape (S, 2 pairs)."""
        rates = self.posterior.rates
        return rates if (self.factor == 1).all() else rates * self.factor[:, None]

    def under(self, factor: Callable[[str, pd.PeriodIndex], np.ndarray]) -> Market:
        """The same posterior, with the GMV of each market multiplied by `factor(market, months)`, a month at a time."""
        market, month = self.grid.where
        by_market = np.array([factor(name, self.grid.months) for name in self.grid.markets])
        return replace(self, factor=self.factor * by_market[market, month])

    def markets(self, name: str) -> tuple[str, ...]:
        """The markets of the model that a name sums up.

        Raises
        ------
        TooLittleKnown
            If it names none of them.
        """
        found = [m for part in name.split(", ") for m in self.observations.regions.get(part, ())]
        found = tuple(m for m in dict.fromkeys(found) if m in self.grid.markets)
        if not found:
            raise TooLittleKnown(f"nothing is known of {name!r}; known: {', '.join(self.grid.markets)}")
        return found

    def _days(self, name: str, span: Span) -> np.ndarray:
        whole = Span(*self.grid.edges[[0, -1]].astype(object) - [timedelta(0), timedelta(1)])
        if span not in whole:
            raise TooLittleKnown(f"{span.code} is not within the months of the model, {whole.code}")
        return self.grid.open_days(self.markets(name), span.start, span.end)

    def draws(self, markets: str, span: Span, basis: str = REFERENCE) -> np.ndarray:
        """Draws of the GMV of some markets over a span, as a basis counts it, shape (draws,); the same on each call.

        Draws of different markets and spans belong together: their sums and ratios are draws, too.

        Raises
        ------
        TooLittleKnown
            If the model knows none of the markets, or not all months of the span.
        """
        days = self._days(markets, span)
        (open_states,) = np.nonzero(days)  # few, most of the time
        return days[open_states] @ self._rates[open_states] * np.exp(self._log_bias(basis))

    def _log_bias(self, basis: str) -> np.ndarray | float:
        bases = list(self.posterior.layout.bases)
        return self.posterior.biases[bases.index(basis)] if basis in bases else 0.0

    def total(self, markets: str, span: Span) -> Estimate:
        """GMV of some markets over a span; zero where they were closed."""
        return self._estimate(self.draws(markets, span), markets, span)

    def _estimate(self, sample: np.ndarray, markets: str, span: Span) -> Estimate:
        p10, median, p90 = np.quantile(sample, [0.1, 0.5, 0.9])
        return Estimate(float(median), float(p10), float(p90), self.drivers(markets, span))

    def drivers(self, markets: str, span: Span, most: int = 6) -> tuple[str, ...]:
        """The facts that tell most of what is known of a total, the strongest first.

        A fact's part is what its weight takes off the variance of the log total, to first order (the infinitesimal
        jackknife); the parts of all facts and of the prior add up to the variance. Named are the strongest facts that
        together make four fifths of what facts tell, `most` at most.
        """
        at = self.posterior
        if not self.total_at_mode(markets, span):
            return ()
        part = at.weights * self._reach(markets, span) ** 2
        order = np.argsort(-part, kind="stable")
        enough = np.searchsorted(part[order].cumsum(), 0.8 * part.sum()) + 1
        return tuple(self.facts.index[order[: min(enough, most)]])

    def influence(self, markets: str, span: Span) -> pd.Series:
        """Change of the log of `total_at_mode` if a fact were left out, to first order; indexed by fact.

        One step of Gauss and Newton from the mode, the weight of the fact being taken off (Cook, Detection of
        Influential Observation in Linear Regression, Technometrics 19, 1977). For several facts add them up.
        """
        at = self.posterior
        rows = (at.likelihood.design @ at.jacobian).toarray()
        # Of each row the part of its own fit that one fact tells: its weight times the variance of what it measures.
        variance = (solve_triangular(at.cholesky, rows.T, trans="T") ** 2).sum(axis=0)[at.likelihood.row]
        step = -at.weights * at.residual * self._reach(markets, span) / (1 - at.weights * variance)
        return pd.Series(step, self.facts.index)

    def _reach(self, markets: str, span: Span) -> np.ndarray:
        """Covariance of a log total with what each fact measures, to first order, shape (N,)."""
        at = self.posterior
        rate = self._days(markets, span) * self.factor * np.exp(at.layout.states @ at.mode)
        covariance = cho_solve((at.cholesky, False), at.layout.states.T @ (rate / rate.sum()))
        return (at.likelihood.design @ (at.jacobian @ covariance))[at.likelihood.row]

    def total_at_mode(self, markets: str, span: Span) -> float:
        """GMV of some markets over a span at the mode of the parameters; needs no draws."""
        rates = np.exp(self.posterior.layout.states @ self.posterior.mode)
        return float(self._days(markets, span) * self.factor @ rates)

    def monthly(self) -> pd.DataFrame:
        """GMV of each market and month: columns market, month, median, p10, p90, and `status` as that tells."""
        return self._monthly.copy()

    @cached_property
    def _monthly(self) -> pd.DataFrame:
        row, month = self.grid.where
        days = np.diff(self.grid.open_before[:, (self.grid.edges - self.grid.edges[0]).astype(int)], axis=1)[row, month]
        p10, median, p90 = np.quantile(days[:, None] * self._rates, [0.1, 0.5, 0.9], axis=1)
        return self.status[["market", "month"]].assign(median=median, p10=p10, p90=p90, status=self.status["status"])

    @cached_property
    def status(self) -> pd.DataFrame:
        """How each market is known in each month: columns market, month, status; needs no draws.

        A month is `reported` if a fact names the market and a day of the month, `inferred` if a fact covers it in a
        sum of markets, and otherwise `unknown`: the model's alone.
        """
        row, month = self.grid.where
        status = np.full(len(row), "unknown", dtype=object)
        for region, start, end in sorted(set(_cells(self.facts)), key=lambda c: -len(self.observations.regions[c[0]])):
            members = self.observations.regions[region]
            status[self.grid.open_days(members, start, end) > 0] = "inferred" if len(members) > 1 else "reported"
        months = self.grid.months[month]
        return pd.DataFrame({"market": np.array(self.grid.markets)[row], "month": months, "status": status})

    def attainment(self, target_usd: float, span: Span, markets: str = "Global") -> Estimate:
        """GMV of a span as a fraction of a target."""
        return self._estimate(self.draws(markets, span) / target_usd, markets, span)

    def probability_of_target(self, target_usd: float, span: Span, markets: str = "Global") -> float:
        """Share of the draws in which the GMV of the span reaches the target."""
        return float((self.draws(markets, span) >= target_usd).mean())

    def required_run_rate(self, target_usd: float, to_date: Span, markets: str = "Global") -> Estimate:
        """US dollars a month that the rest of the year must bring to reach the year's target; 0 if it is reached.

        Raises
        ------
        TooLittleKnown
            If nothing is left of the year after `to_date`.
        """
        missing, months = self._missing(target_usd, to_date, markets)
        return self._estimate(missing / months, markets, to_date.to_date)

    def required_monthly_growth(self, target_usd: float, to_date: Span, markets: str = "Global") -> Estimate:
        """Constant monthly growth (0.1 is 10 %) from the last month on with which the year just meets its target.

        Solves base (q + q² + … + qⁿ) = missing for q − 1, n whole months being left; −1 if the target is reached.

        Raises
        ------
        TooLittleKnown
            If nothing is left of the year after `to_date`.
        """
        missing, months = self._missing(target_usd, to_date, markets)
        last = Span(to_date.end.replace(day=1), to_date.end)
        ratio = missing / self.draws(markets, last)
        low, high = np.zeros_like(ratio), 1 + ratio  # q alone is less than the whole sum
        powers = np.arange(1, round(months) + 1)
        for _ in range(60):  # halving: enough for every bit of a float
            middle = (low + high) / 2
            enough = (middle[:, None] ** powers).sum(axis=1) >= ratio
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return self._estimate(high - 1, markets, to_date.to_date)

    def _missing(self, target_usd: float, to_date: Span, markets: str) -> tuple[np.ndarray, float]:
        rest = to_date.rest_of_year
        if rest is None:
            raise TooLittleKnown(f"nothing is left of the year after {to_date.code}")
        missing = np.maximum(target_usd - self.draws(markets, to_date.to_date), 0)
        return missing, rest.length_in_months

    def residuals(self) -> pd.DataFrame:
        """Each fact against the model, the worst first.

        Columns market, start, end, measure, published and expected (US dollars or a ratio, as its basis would count),
        z (log residual over the scale of its noise), conflict (|z| > 3). Facts without an open day are not listed.
        """
        likelihood, residual = self.posterior.likelihood, self.posterior.residual
        z = likelihood.standardised(residual)
        table = self.facts[["market", "start", "end", "measure", "basis"]].assign(
            published=np.exp(likelihood.value), expected=np.exp(likelihood.value - residual),
            z=z, conflict=np.abs(z) > CONFLICT,
        )  # fmt: skip
        return table.iloc[np.argsort(-np.abs(z), kind="stable")]

    def basis_bias(self) -> pd.DataFrame:
        """How much each basis counts for one dollar that the company counts: columns basis, facts, median, p10, p90."""
        amounts = self.facts[self.facts["base_market"].isna()]["basis"].value_counts()
        rows = []
        for basis in sorted(amounts.index):
            p10, median, p90 = np.exp(np.quantile(self._log_bias(basis), [0.1, 0.5, 0.9]))
            rows.append((basis, int(amounts[basis]), median, p10, p90))
        return pd.DataFrame(rows, columns=["basis", "facts", "median", "p10", "p90"])
