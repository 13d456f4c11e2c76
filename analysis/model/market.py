"""One monthly GMV for each market, with error bars, from published figures that disagree.

The model. On an open day of month t, market m sells exp(u[m,t]) US dollars, and

    u[m,t] = common[t] + region[of m] + own[m,t] + exponent[m] log(age[m,t] + delay) + step[m] + season[month of t].

`common` and `own` are paths whose monthly growth is a stationary AR(1); `own` starts from the market's share of its
region; the exponent is the ramp after a launch; the step counts from the reopening of a market that was closed.
All of it is linear in parameters whose prior is that of independent normals. A fact is a log total of a cell (some
markets over some days), or the difference of two such, plus the bias of its basis and Student-t noise. A sum of
exponentials is smooth, so that a few Newton steps find the mode of the posterior [1]_. Draws about it, by the curvature
of Gauss and Newton there, by resampled weights [2]_ and by optimising again with randomised data [3]_, give the error
bars and, past the last fact, the forecast.

.. [1] Nocedal and Wright, Numerical Optimization, 2nd ed., 2006, sections 3.4 (Newton) and 10.3 (Gauss-Newton).
.. [2] Lange, Little and Taylor, Robust statistical modeling using the t distribution, JASA 84, 1989.
.. [3] Bardsley, Solonen, Haario and Laine, Randomize-then-optimize, SIAM J. Sci. Comput. 36, 2014.
.. [4] Tierney and Kadane, Accurate approximations for posterior moments and marginal densities, JASA 81, 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import LinAlgError, block_diag, cho_factor, cho_solve, cholesky, qr, solve_triangular
from scipy.special import gammaincinv

from analysis.facts.quantity import rounded
from analysis.facts.span import DAYS_PER_MONTH, Span

REST = "Rest of the world"
REFERENCE = "company"  # the basis on which everything is counted; official figures are its own
CONFLICT = 3.0  # standardised residual beyond which a fact contradicts the others
_COOLING, _STEPS, _TOLERANCE = 5, 200, 1e-16  # a step of 1e-8 is the last: after it, 1e-16 is left
_BATCHES, _GROUP, _PAIRS, _CORRECTIONS, _SEED = 100, 20, 10, 4, 20240630  # draws come in antithetic pairs


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


@dataclass(frozen=True, eq=False)
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
        edges = np.arange(np.datetime64(start, "M"), np.datetime64(end, "M") + 2).astype("datetime64[D]")
        days = np.arange(edges[0], edges[-1])
        middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
        spans: dict[str, list[tuple[np.datetime64, np.datetime64]]] = {}
        for market, opened, closed in calendar[["market", "start", "end"]].itertuples(index=False):
            span = np.datetime64(opened, "D"), np.datetime64(closed, "D") if closed else days[-1]
            spans.setdefault(market, []).append(span)
        is_open = np.zeros((len(spans), len(days)), dtype=bool)
        for row, each in zip(is_open, spans.values(), strict=True):
            for opened, closed in each:
                row |= (days >= opened) & (days <= closed)
        first, last = (np.array([each[at][0] for each in spans.values()], days.dtype)[:, None] for at in (0, -1))
        return cls(
            months=months,
            edges=edges,
            markets=tuple(spans),
            open_before=np.pad(is_open.cumsum(axis=1, dtype=float), ((0, 0), (1, 0))),
            age=(middle - first).astype(float) / DAYS_PER_MONTH,
            live=edges[1:] > first,
            reopened=(edges[1:] > last) & (last > first),
        )

    @cached_property
    def where(self) -> tuple[np.ndarray, np.ndarray]:
        """Market and month of each state: the S months of markets that had opened."""
        return np.nonzero(self.live)

    @cached_property
    def span(self) -> Span:
        """All months, from the first day to the last."""
        return Span(self.edges[0].item(), (self.edges[-1] - 1).item())

    @cached_property
    def _begin(self) -> np.ndarray:
        """Days from the first of the grid to the edge of each month."""
        return (self.edges - self.edges[0]).astype(int)

    @cached_property
    def _asked(self) -> dict[tuple, np.ndarray]:
        return {}

    def open_days(self, markets: tuple[str, ...], start: date, end: date) -> np.ndarray:
        """Open days of each state from `start` to `end`, zero for other markets than these; shape (S,).

        The same array each time: every scenario and chapter asks for the same cells.
        """
        asked = markets, start, end
        if asked not in self._asked:
            self._asked[asked] = self._open_days(*asked)
            self._asked[asked].flags.writeable = False
        return self._asked[asked]

    def _open_days(self, markets: tuple[str, ...], start: date, end: date) -> np.ndarray:
        first, last = (np.array([start, end], "datetime64[D]") - self.edges[0]).astype(int)
        inside = np.clip(np.clip(self._begin, first, last + 1), 0, self._begin[-1])
        chosen = np.array([market in markets for market in self.markets], dtype=bool)
        return (np.diff(self.open_before[:, inside], axis=1) * chosen[:, None])[self.where]


# Prior ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """The linear part: states, and then biases, are loadings @ parameters, and these N(centre, 1).

    Attributes
    ----------
    loadings : ndarray, shape (S + B, P)
        One row for each month of each market from its launch on, and one for each basis that may be biased.
    centre : ndarray, shape (P,)
    bases : tuple of str
        B names.
    """

    loadings: np.ndarray
    centre: np.ndarray
    bases: tuple[str, ...]

    @property
    def states(self) -> np.ndarray:
        """The loadings of the states, shape (S, P)."""
        return self.loadings[: len(self.loadings) - len(self.bases)]


def _path(length: int, first_sd: float, growth_sd: float, memory: float) -> np.ndarray:
    """Loadings of a path of AR(1) growth on its first level, its first growth and the shocks to growth from then on.

    What a shock has come to after n months is the sum of the first n powers of `memory`.
    """
    months = np.arange(length)
    powers = memory ** np.maximum(np.subtract.outer(months, months) + 1.0, 0)
    path = (1 - powers) / (1 - memory) * np.where(months == 1, growth_sd, growth_sd * np.sqrt(1 - memory**2))
    path[:, 0] = first_sd
    return path


def _layout(grid: Grid, observations: Observations, level: float, prior: Prior) -> Layout:
    market, month = grid.where
    memory, count = prior.growth_memory, len(grid.markets)
    age = np.maximum(grid.age[market, month], 0)
    ramp = np.log((age + prior.ramp_delay) / (prior.ramp_age + prior.ramp_delay))[:, None]
    places = observations.places.loc[list(grid.markets)]
    region, names = pd.factorize(places["region"])
    common = _path(len(grid.months), prior.level_sd, prior.common_growth_sd, memory)
    own = _path(len(grid.months), prior.share_sd, prior.own_growth_sd, memory)
    lengths = grid.live.sum(axis=1)
    is_first = np.diff(market, prepend=-1) > 0
    of_market = np.equal.outer(market, np.arange(count))
    # Each block: how it enters the states, and the centre of its parameters.
    blocks = [
        (common[month], np.eye(1, len(common))[0] * level / prior.level_sd),
        (block_diag(*(own[:n, :n] for n in lengths)),
         is_first * np.log(places["share"].to_numpy())[market] / prior.share_sd),
        (ramp * prior.ramp_exponent_sd, np.array([prior.ramp_exponent / prior.ramp_exponent_sd])),
        (np.equal.outer(region[market], np.arange(len(names))) * prior.region_sd, np.zeros(len(names))),
        (of_market * ramp * prior.own_exponent_sd, np.zeros(count)),
        (of_market * grid.reopened[market, month][:, None] * prior.reopening_sd, np.zeros(count)),
        (np.equal.outer(grid.months.month[month], np.arange(1, 13)) * prior.season_sd,
         _season_profile(observations.season) / prior.season_sd),
    ]  # fmt: skip
    states, centres = zip(*blocks, strict=True)
    biases = np.diag(list(prior.bias_sd.values()))
    return Layout(
        loadings=block_diag(np.hstack(states), biases),
        centre=np.concatenate([*centres, np.zeros(len(biases))]),
        bases=tuple(prior.bias_sd),
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

    They tell of K states, by way of C cells, and of B biases. Facts alike in all but their number share one of D rows.

    Attributes
    ----------
    told : ndarray of int, shape (K + B,)
        Rows of `Layout.loadings`: the states of which any cell has an open day, and the biases.
    days : ndarray, shape (C, K)
        Open days of each distinct cell in each state.
    cells : sparse array, shape (D, C)
        1 for the cell of a row, -1 for its base cell.
    bases : ndarray, shape (D, B)
        1 for the bias of a row.
    row : ndarray of int, shape (N,)
        Row of each fact.
    value : ndarray, shape (N,)
    above, below : ndarray, shape (N,)
        Log scale of the noise where the fact lies above, or below, what the model says.
    dof : float
    """

    told: np.ndarray
    days: np.ndarray
    cells: sparse.csr_array
    bases: np.ndarray
    row: np.ndarray
    value: np.ndarray
    above: np.ndarray
    below: np.ndarray
    dof: float

    def split(self, x: np.ndarray) -> list[np.ndarray]:
        """Of what stands for the states and then the biases, shape (K + B, ...), the one and the other."""
        return np.split(x, [self.days.shape[1]])

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What each row comes to, shape (D, ...), by states and biases, shape (K + B, ...)."""
        states, biases = self.split(x)
        return self.cells @ np.log(self.days @ np.exp(states)) + self.bases @ biases

    def shares(self, x: np.ndarray) -> np.ndarray:
        """Share of each state in the total of each cell, shape (C, K): the derivatives of the log totals."""
        states, _ = self.split(x)
        parts = self.days * np.exp(states)
        return parts / parts.sum(axis=1, keepdims=True)

    def slopes(self, shares: np.ndarray, loadings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the log totals, shape (C, Q), and of the rows, shape (D, Q), by what Q `loadings` tell of.

        The loadings are those of the states and biases, shape (K + B, Q).
        """
        states, biases = self.split(loadings)
        by_cell = shares @ states
        return by_cell, self.cells @ by_cell + self.bases @ biases

    def residual(self, x: np.ndarray) -> np.ndarray:
        """Fact less model, shape (N,), at states and biases, shape (K + B,)."""
        return self.value - self.sums(x)[self.row]

    @cached_property
    def _pool(self) -> sparse.csr_array:
        count = len(self.row)
        return sparse.csr_array((np.ones(count), (self.row, np.arange(count))), shape=(self.cells.shape[0], count))

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Sum of the values of the facts, shape (N,) or (N, columns), over each row, shape (D,) or (D, columns)."""
        return self._pool @ values

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


def _cells(facts: pd.DataFrame) -> list[tuple[Cell, Cell | None]]:
    """The cell of each fact, and that which it is a ratio to."""
    cells, bases = (zip(*(facts[prefix + name] for name in ("market", "start", "end")), strict=True)
                    for prefix in ("", "base_"))  # fmt: skip
    is_ratio = facts["base_market"].notna()
    return [(cell, base if ratio else None) for cell, base, ratio in zip(cells, bases, is_ratio, strict=True)]


def _likelihood(facts: pd.DataFrame, grid: Grid, regions: dict, layout: Layout, prior: Prior) -> Likelihood:
    # A ratio is of one counter on both sides: its bias cancels.
    keys = [(cell, base, basis if base is None and basis in layout.bases else None)
            for (cell, base), basis in zip(_cells(facts), facts["basis"], strict=True)]  # fmt: skip
    rows = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    columns = {cell: i for i, cell in enumerate(dict.fromkeys(c for key in rows for c in key[:2] if c))}
    signs = [(1.0, i, columns[cell]) for (cell, _, _), i in rows.items()]
    signs += [(-1.0, i, columns[base]) for (_, base, _), i in rows.items() if base]
    values, at, to = zip(*signs, strict=True)
    days = np.array([grid.open_days(regions[market], start, end) for market, start, end in columns])
    (states,) = np.nonzero(days.any(axis=0))
    biases = np.arange(len(layout.states), len(layout.loadings))
    spans = {cell: Span(*cell[1:]) for cell in columns}
    sampled = {cell: 0 if span.months else 1 / span.days for cell, span in spans.items()}
    noise = np.sqrt(
        np.array([prior.noise[name] for name in facts["confidence"]]) ** 2
        + (facts["qualifier"] != "exact").to_numpy() * prior.about**2
        + prior.day_sd**2 * np.array([sampled[cell] for cell, _, _ in keys])
    )
    slack = np.array([prior.slack.get(name, 0.0) for name in facts["qualifier"]])
    is_floor = facts["qualifier"].isin(["more than", "just over"]).to_numpy()
    return Likelihood(
        told=np.append(states, biases),
        days=days[:, states],
        cells=sparse.csr_array((values, (at, to)), shape=(len(rows), len(columns))),
        bases=np.array([[float(basis == name) for name in layout.bases] for *_, basis in rows]),
        row=np.array([rows[key] for key in keys]),
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

    def days(cell: Cell) -> float:
        market, *span = cell
        return grid.open_days(regions[market], *span).sum()

    # A figure for days on which no market was open has no total to be compared with.
    used = facts[[all(days(cell) for cell in pair if cell) for pair in _cells(facts)]]
    amounts = used[used["base_market"].isna()]
    if amounts.empty:
        raise TooLittleKnown("no amount of GMV is published of this platform: growth and shares alone give no level")
    daily = amounts["log_value"] - np.log([days(cell) for cell, _ in _cells(amounts)])
    layout = _layout(grid, observations, float(daily.median()), prior)
    likelihood = _likelihood(used, grid, regions, layout, prior)
    mode, residual = _mode(layout, likelihood)
    return Market(observations, used, grid, Posterior(layout, likelihood, mode, residual), np.ones(len(layout.states)))


def _mode(layout: Layout, likelihood: Likelihood) -> tuple[np.ndarray, np.ndarray]:
    """The parameters of highest posterior density, shape (P,), and the residuals of the facts there, shape (N,).

    Least squares first, whose weights cool down to those of the Student-t, so that a fact far from the start is not
    taken for a misprint. The search is for the states and biases of which facts tell, start + root @ z with a prior
    z ~ N(0, 1); the parameters are the likeliest that give those.

    Raises
    ------
    RuntimeError
        If the steps do not die out.
    """
    told = layout.loadings[likelihood.told]
    root, start = cholesky(told @ told.T, lower=True), told @ layout.centre

    def parameters(z: np.ndarray) -> np.ndarray:
        """The likeliest, less their centre."""
        return told.T @ solve_triangular(root, z, lower=True, trans="T")

    def loss(z: np.ndarray, heat: float) -> float:
        return z @ z / 2 + likelihood.loss(likelihood.residual(start + root @ z), heat)

    z = np.zeros(len(start))
    for iteration in range(_STEPS):
        heat = max(1.0, 2.0 ** (_COOLING - iteration))
        x = start + root @ z
        residual, shares = likelihood.residual(x), likelihood.shares(x)
        pull = likelihood.gather(likelihood.weights(residual, heat) * residual)
        curvature, bend = likelihood.curvature(residual, heat), -(likelihood.cells.T @ pull)
        gradient = root.T @ np.append(-bend @ shares, pull @ likelihood.bases) - z
        try:
            factor = cho_factor(_hessian(likelihood, root, shares, curvature, bend))
        except LinAlgError:  # not a bowl here: take the part that is
            factor = cho_factor(_hessian(likelihood, root, shares, np.maximum(curvature, 0), np.maximum(bend, 0)))
        step = cho_solve(factor, gradient)
        gain = gradient @ step
        if heat == 1 and gain < _TOLERANCE:
            z = z + step
            return layout.centre + parameters(z), likelihood.residual(start + root @ z)
        # No state moves by more than a factor of 20: the quadratic does not reach further.
        length, here = min(1.0, 3 / np.abs(layout.states @ parameters(step)).max()), loss(z, heat)
        while loss(z + length * step, heat) > here - 1e-4 * length * gain + 1e-12 * here:  # Armijo's rule
            length /= 2
        z = z + length * step
    raise RuntimeError(f"the market model did not converge in {_STEPS} steps")


def _hessian(likelihood, loadings, shares, curvature, bend) -> np.ndarray:
    """Second derivative of the loss by independent normals with such loadings on the states and biases.

    It is that of the prior, 1; of the facts; and what the bend of the log totals (log-sum-exp) adds.
    """
    by_cell, by_row = likelihood.slopes(shares, loadings)
    states, _ = likelihood.split(loadings)
    slopes = np.vstack([by_row, states, by_cell])
    weights = np.concatenate([likelihood.gather(curvature), bend @ shares, -bend])
    return np.eye(loadings.shape[1]) + (slopes.T * weights) @ slopes


# Results ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Posterior:
    """The parameters given the facts: their mode, and draws about it.

    Facts tell of a few directions of the parameters only, so that a draw is one of the prior, moved along these r: the
    systems to solve have as many unknowns as there are facts, not parameters.

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
    def rates_at_mode(self) -> np.ndarray:
        """US dollars an open day in each state, shape (S,)."""
        return np.exp(self.layout.states @ self.mode)

    @cached_property
    def weights(self) -> np.ndarray:
        return self.likelihood.weights(self.residual)

    @cached_property
    def _slopes(self) -> np.ndarray:
        """Derivatives of the rows of the likelihood by the parameters, shape (D, P)."""
        told = self.layout.loadings[self.likelihood.told]
        return self.likelihood.slopes(self.likelihood.shares(told @ self.mode), told)[1]

    @cached_property
    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Change of states and biases, shape (S + B, r), and of rows, (D, r), along orthonormal ones that facts see."""
        basis, triangle = qr(self._slopes.T, mode="economic")
        return self.layout.loadings @ basis, triangle.T

    @cached_property
    def cholesky(self) -> np.ndarray:
        """Upper factor of the posterior precision at the mode along the directions, shape (r, r)."""
        _, slopes = self.directions
        return cholesky(np.eye(slopes.shape[1]) + (slopes.T * self.likelihood.gather(self.weights)) @ slopes)

    @property
    def rates(self) -> np.ndarray:
        """Draws of US dollars an open day in each state, shape (S, draws)."""
        return self._draws[0]

    @property
    def biases(self) -> np.ndarray:
        """Draws of the bias of each basis, in the order of `layout.bases`, shape (B, draws)."""
        return self._draws[1]

    @cached_property
    def rate_quantiles(self) -> np.ndarray:
        """10th percentile, median and 90th percentile of `rates`, shape (3, S)."""
        return _quantiles(self.rates)

    @cached_property
    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        """`rates` and `biases`.

        A Student-t is a normal of unknown precision, so that two sweeps of Gibbs sampling from Laplace's normal [4]_,
        precisions given parameters [2]_ and parameters given precisions, let in that any fact may be the misprint.
        The chances of the precisions lie in strata over the batches: the median of a sum varies half as much.
        """
        likelihood, rng = self.likelihood, np.random.default_rng(_SEED)
        strata = _strata(rng, _BATCHES, (2, len(likelihood.row)))
        chi_squares = 2 * gammaincinv((likelihood.dof + 1) / 2, strata)
        # A few batches at a time, so that they fit into the processor's cache.
        groups = [self._drawn(rng, chi_squares[first : first + _GROUP]) for first in range(0, _BATCHES, _GROUP)]
        states, biases = np.split(np.hstack(groups), [len(self.layout.states)])
        return np.exp(states, out=states), biases

    def _drawn(self, rng: np.random.Generator, chi_squares: np.ndarray) -> np.ndarray:
        """Draws of states and biases, shape (S + B, draws), for chances of the precisions, shape (batches, 2, N)."""
        layout, likelihood, slopes = self.layout, self.likelihood, self._slopes
        offset, variance = (moment[:, None] for moment in likelihood.moments)
        white, noise = np.split(_normals(rng, sum(slopes.shape), len(chi_squares)), [len(self.mode)])
        # Draws of the prior: states and biases, what the rows come to by the slopes at the mode, and their noise.
        at_mode = likelihood.sums(layout.loadings[likelihood.told] @ self.mode)
        centres = layout.loadings @ layout.centre, at_mode + slopes @ (layout.centre - self.mode), np.zeros(len(slopes))
        centre = np.concatenate(centres)[:, None, None]
        about = np.concatenate([np.tensordot(np.vstack([layout.loadings, slopes]), white, 1), noise])
        first, second, pairs = np.split(about, [1, 2], axis=2)
        x = self._sample(centre + first, self.weights[:, None], corrections=1)
        for sweep, prior in enumerate((centre + second, centre + np.concatenate([pairs, -pairs], axis=2))):
            residual = likelihood.value[:, None] - likelihood.sums(x[likelihood.told])[likelihood.row] - offset
            weights = chi_squares[:, sweep].T / (likelihood.dof * variance + residual**2)
            x = self._sample(prior, weights, _CORRECTIONS)
        return x

    def _sample(self, prior: np.ndarray, weights: np.ndarray, corrections: int) -> np.ndarray:
        """Draws of states and biases for given precisions of the facts, by randomising and optimising [3]_.

        The first correction is Laplace's normal. It alone would let the markets of a published sum drift apart, and so
        lift the sum.

        Parameters
        ----------
        prior : ndarray, shape (S + B + D + D, batches, draws)
            Draws of states and biases, of rows, and of the noise of rows, 1 for each precision.
        weights : ndarray, shape (N, batches) or (N, 1)
        corrections : int

        Returns
        -------
        ndarray, shape (S + B, batches * draws)
        """
        likelihood, (along, slopes) = self.likelihood, self.directions
        x, sums, noise = np.split(prior.reshape(len(prior), -1), np.cumsum([len(along), len(slopes)]))
        precision = likelihood.gather(weights)
        value = likelihood.gather(weights * (likelihood.value - likelihood.moments[0])[:, None]) / precision
        covariance = np.linalg.inv(np.eye(slopes.shape[1]) + (slopes.T * precision.T[:, None]) @ slopes)
        precision, value = (np.repeat(each, x.shape[1] // each.shape[1], axis=1) for each in (precision, value))
        value += noise / np.sqrt(precision)

        def solve(force: np.ndarray) -> np.ndarray:
            by_batch = force.reshape(len(force), len(covariance), -1).transpose(1, 0, 2)
            return (covariance @ by_batch).transpose(1, 0, 2).reshape(force.shape)

        moved = solve(slopes.T @ (precision * (value - sums)))
        for _ in range(corrections - 1):
            sums = likelihood.sums(x[likelihood.told] + along[likelihood.told] @ moved)
            moved += solve(slopes.T @ (precision * (value - sums)) - moved)
        return x + along @ moved


def _normals(rng: np.random.Generator, count: int, batches: int) -> np.ndarray:
    """Independent standard normals, shape (count, batches, 2 + _PAIRS): of either sweep's start, then of the pairs."""
    drawn = rng.standard_normal((batches, count * (2 + _PAIRS)))
    sweeps = [sweep.reshape(batches, count, -1) for sweep in np.split(drawn, [count, 2 * count], axis=1)]
    return np.concatenate(sweeps, axis=2).transpose(1, 0, 2)


def _strata(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers, shape (count, *shape), of which each column has one in each `count`-th of the unit interval."""
    cells = rng.permuted(np.broadcast_to(np.arange(count)[:, None, None], (count, *shape)), axis=0)
    return (cells + rng.random((count, *shape))) / count


def _quantiles(draws: np.ndarray) -> np.ndarray:
    """10th percentile, median and 90th percentile along the last axis, which comes first then."""
    ordered, at = np.sort(draws), np.array([0.1, 0.5, 0.9]) * (draws.shape[-1] - 1)
    below = at.astype(int)
    low, high = ordered[..., below], ordered[..., below + 1]
    return np.moveaxis(low + (at - below) * (high - low), -1, 0)


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
        """What the rate of each state counts for in the GMV of a span: its open days times `factor`, shape (S,)."""
        if span not in self.grid.span:
            raise TooLittleKnown(f"{span.code} is not within the months of the model, {self.grid.span.code}")
        return self.grid.open_days(self.markets(name), span.start, span.end) * self.factor

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
        return days[open_states] @ self.posterior.rates[open_states] * np.exp(self._log_bias(basis))

    def _log_bias(self, basis: str) -> np.ndarray:
        bases = self.posterior.layout.bases
        biases = self.posterior.biases
        return biases[bases.index(basis)] if basis in bases else np.zeros(biases.shape[1])

    def total(self, markets: str, span: Span) -> Estimate:
        """GMV of some markets over a span; zero where they were closed."""
        return self._estimate(self.draws(markets, span), markets, span)

    def _estimate(self, sample: np.ndarray, markets: str, span: Span) -> Estimate:
        p10, median, p90 = _quantiles(sample)
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
        # Rounded, so that facts that tell alike stand in the order of the ledger, whatever a processor's last digits.
        part = (part / part.sum()).round(6)
        order = np.argsort(-part, kind="stable")
        enough = np.searchsorted(part[order].cumsum().round(5), 0.8) + 1
        return tuple(self.facts.index[order[: min(enough, most)]])

    def influence(self, markets: str, span: Span) -> pd.Series:
        """Change of the log of `total_at_mode` if a fact were left out, to first order; indexed by fact.

        One step of Gauss and Newton from the mode, the weight of the fact being taken off (Cook, Detection of
        Influential Observation in Linear Regression, Technometrics 19, 1977). For several facts add them up.
        """
        at = self.posterior
        _, slopes = at.directions
        # Of each row the part of its own fit that one fact tells: its weight times the variance of what it measures.
        variance = (solve_triangular(at.cholesky, slopes.T, trans="T") ** 2).sum(axis=0)[at.likelihood.row]
        step = -at.weights * at.residual * self._reach(markets, span) / (1 - at.weights * variance)
        return pd.Series(step, self.facts.index)

    def _reach(self, markets: str, span: Span) -> np.ndarray:
        """Covariance of a log total with what each fact measures, to first order, shape (N,)."""
        at = self.posterior
        along, slopes = at.directions
        gmv = self._days(markets, span) * at.rates_at_mode
        covariance = cho_solve((at.cholesky, False), gmv / gmv.sum() @ along[: len(gmv)])
        return (slopes @ covariance)[at.likelihood.row]

    def total_at_mode(self, markets: str, span: Span) -> float:
        """GMV of some markets over a span at the mode of the parameters; needs no draws."""
        return float(self._days(markets, span) @ self.posterior.rates_at_mode)

    def monthly(self) -> pd.DataFrame:
        """GMV of each market and month: columns market, month, median, p10, p90, and `status` as that tells."""
        return self._monthly.copy()

    @cached_property
    def _monthly(self) -> pd.DataFrame:
        days = self.grid.open_days(self.grid.markets, self.grid.span.start, self.grid.span.end) * self.factor
        p10, median, p90 = days * self.posterior.rate_quantiles
        return self.status[["market", "month"]].assign(median=median, p10=p10, p90=p90, status=self.status["status"])

    @cached_property
    def status(self) -> pd.DataFrame:
        """How each market is known in each month: columns market, month, status; needs no draws.

        A month is `reported` if a fact names the market and a day of the month, `inferred` if a fact covers it in a
        sum of markets, and otherwise `unknown`: the model's alone.
        """
        row, month = self.grid.where
        status = np.full(len(row), "unknown", dtype=object)
        cells = {(self.observations.regions[region], start, end) for (region, start, end), _ in _cells(self.facts)}
        for members, start, end in sorted(cells, key=lambda cell: -len(cell[0])):
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
        z = likelihood.standardised(residual).round(6)  # so that facts that differ alike stay in their order
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
            p10, median, p90 = map(rounded, np.exp(_quantiles(self._log_bias(basis))))
            rows.append((basis, int(amounts[basis]), median, p10, p90))
        return pd.DataFrame(rows, columns=["basis", "facts", "median", "p10", "p90"])
