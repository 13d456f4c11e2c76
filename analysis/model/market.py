"""One monthly GMV for each market, with error bars, from published figures that disagree.

On an open day of month t, market m sells exp(u[m,t]) US dollars, and

    u[m,t] = common[t] + region[of m] + own[m,t] + exponent[m] log(age[m,t] + delay) + step[m] + season[month of t].

`common` and `own` are paths whose monthly growth is a stationary AR(1); `own` has the size of the market as its centre
at the last fact; the exponent is the ramp after a launch; the step counts from the reopening of a market that was
closed. All of it is linear in independent normals. A fact is a log total of a cell (some markets over some days), or
the difference of two such, plus the bias of its counter, the error of its publication and Student-t noise. How fast
growth changes, how far markets lie from their size and how noisy figures are is learnt for each platform: a grid of
three scales, weighted by the marginal likelihood (Laplace) [1]_. Newton steps find the mode; draws about it, by
resampled weights [2]_ and by optimising again with randomised data [3]_, give the bands.

.. [1] Tierney and Kadane, Accurate approximations for posterior moments and marginal densities, JASA 81, 1986.
.. [2] Lange, Little and Taylor, Robust statistical modeling using the t distribution, JASA 84, 1989.
.. [3] Bardsley, Solonen, Haario and Laine, Randomize-then-optimize, SIAM J. Sci. Comput. 36, 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from scipy.linalg import block_diag, cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import gammaincinv

from analysis.facts.quantity import rounded
from analysis.facts.span import DAYS_PER_MONTH, Span

REST = "Rest of the world"
REFERENCE = ("company", "official")  # the bases that count as everything is counted here
CONFLICT = 3.0  # standardised residual beyond which a fact contradicts the others
FLOORS = ("more than", "just over")
DRAWS = 1000
_COOLING, _STEPS, _EXACT, _ROUGH, _NEAR, _FLAT = 5, 200, 1e-9, 1e-2, 0.1, 1e-5
_BATCH, _CORRECTIONS, _SEED = 20, 4, 20240630  # draws of one set of weights, in antithetic pairs
GROWTH, SPREAD, NOISE, FIXED = "growth", "spread", "noise", "fixed"  # what a learnt scale multiplies


class TooLittleKnown(ValueError):
    """The facts, or the months of the model, do not reach what was asked."""


@dataclass(frozen=True)
class Prior:
    """Every constant of the model. Log units unless said otherwise; set on what was public by 31 March 2024."""

    # GMV a day grows as (age + delay) ** exponent, which `observations` learns from all launches on record; these
    # are its spread between platforms, and between the markets of one.
    ramp_exponent: float = 2.5
    ramp_exponent_sd: float = 0.6
    own_exponent_sd: float = 0.4
    ramp_delay: float = 6.0  # months that a launch has behind it on its first day: it does not start from nothing
    ramp_age: float = 24.0  # months since launch at which levels are compared: TikTok Shop's at the end of 2023
    old: float = 180.0  # months behind a market without a launch on record: a seventh a year, as US retail before 2020
    # Monthly log growth about the ramp, shared by all markets and of one market; times the learnt scale of growth.
    common_growth_sd: float = 0.015
    own_growth_sd: float = 0.03
    growth_memory: float = 0.85  # correlation of growth with the month before: a half-life of four months
    growth_fading: float = 1.8  # times more restless for each year before the last fact: young markets calm down,
    fading_years: float = 4.0  # up to so many years, and what shook 2020 says little about 2024
    level_sd: float = 3.0  # of a platform: for the facts to tell, a factor of 20 either way
    region_sd: float = 1.2  # of a region about the platform: a factor of 3 either way
    # Of a market about its size, times the learnt scale of spread: shares of Shopee and TikTok Shop in SEA in 2022
    # and 2023 differ by 0.4, and sizes are known to 0.2. Where no size is public, about the smallest, with more.
    share_sd: float = 0.5
    unsized_sd: float = 1.0
    reopening_sd: float = 0.5  # of the step after a closure: one case, so a judgement, a factor of 1.6
    season_sd: float = 0.07  # of a month about the official profile, of a platform and again of a market
    season_shift: float = 0.02  # of a part of a year, for each year before the last fact: as US retail of 2019 to 2023
    day_sd: float = 0.8  # of a day about its month, where days cut a month: sales days sell several times the mean
    # What figures of one cell differ by, by confidence; times the learnt scale of noise.
    noise: Mapping[str, float] = field(default_factory=lambda: {"high": 0.06, "medium": 0.12, "low": 0.3})
    reference_noise: float = 1 / 3  # of that for a count by its own definition: rounding and revisions are left
    about: float = 0.05  # added where a figure is hedged: half of the last of two digits
    shared: float = 0.5  # part of the variance of noise that the amounts of one publication share
    # How far on the open side of a bound the truth may lie: publishers name the nearest round number.
    slack: Mapping[str, float] = field(
        default_factory=lambda: {"more than": 0.25, "less than": 0.25, "up to": 0.25, "just over": 0.04}
    )
    # How far a way of counting lies from the company's, and again a counter from its way: by March 2024 trackers
    # of Indonesia and Vietnam in 2022 were 20 % and more apart; leaks quote the company, the press quotes either.
    bias_sd: Mapping[str, float] = field(
        default_factory=lambda: {"leak": 0.07, "press": 0.15, "tracker": 0.25, "analyst": 0.25}
    )
    dof: float = 4.0  # of the Student-t noise, so that a misprint loses its pull: the usual choice [2]_
    # Grids of the learnt scales (logs) and the spread of each about 1: a calm official series has a tenth of the
    # growth of a young platform, and half a digit of its noise.
    scales: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: {
        GROWTH: (-2.4, -1.6, -0.8, 0.0, 0.6, 1.2), SPREAD: (-0.7, 0.0, 0.7), NOISE: (-1.8, -1.2, -0.6, 0.0, 0.5, 1.0),
    })  # fmt: skip
    scale_sd: Mapping[str, float] = field(default_factory=lambda: {GROWTH: 0.8, SPREAD: 0.4, NOISE: 0.6})


@dataclass(frozen=True)
class Observations:
    """What is known of a platform's GMV, as tables.

    facts: columns in `COLUMNS`, by fact; the GMV of a market over a span is exp(log_value) dollars, or, where
    `base_market` is filled, that times the GMV of the base cell.
    calendar: when each market was open (`end` None is still open), and whether its launch is on record.
    regions: name of a market or region -> the markets that it sums up.
    places: by market, its region, and its size in online sales (any unit), NaN where none is public.
    season: the official quarterly series, oldest first.
    """

    COLUMNS = (
        "fact", "measure", "market", "start", "end", "base_market", "base_start", "base_end", "log_value",
        "qualifier", "basis", "confidence", "counter", "publication",
    )  # fmt: skip

    facts: pd.DataFrame
    calendar: pd.DataFrame  # market, start, end, launched
    regions: dict[str, tuple[str, ...]]
    places: pd.DataFrame  # region, size
    season: pd.DataFrame  # start, end, value
    ramp_exponent: float = Prior.ramp_exponent


@dataclass(frozen=True)
class Estimate:
    """Median, 10th and 90th percentile of the posterior, and the facts that tell most of it, the strongest first."""

    median: float
    p10: float
    p90: float
    drivers: tuple[str, ...] = ()

    @classmethod
    def of(cls, sample: np.ndarray, drivers: tuple[str, ...]) -> Estimate:
        p10, median, p90 = np.quantile(sample, [0.1, 0.5, 0.9]).tolist()
        return cls(median, p10, p90, drivers)


# Time and place ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Grid:
    """The T months of M markets; S states, each a market and a month from its first open day on."""

    months: pd.PeriodIndex
    edges: np.ndarray  # first day of each month, and the day after the last
    markets: tuple[str, ...]
    open_before: np.ndarray  # open days before each day, shape (M, days + 1)
    age: np.ndarray  # months from the launch to the middle of a month, shape (M, T)
    live: np.ndarray  # whether a market had opened by the end of a month, shape (M, T)
    reopened: np.ndarray  # whether it was closed before and has opened again, shape (M, T)

    @classmethod
    def of(cls, calendar: pd.DataFrame, start: date, end: date, old: float = Prior.old) -> Grid:
        """The months from that of `start` to that of `end`."""
        edges = np.arange(np.datetime64(start, "M"), np.datetime64(end, "M") + 2).astype("datetime64[D]")
        days = np.arange(edges[0], edges[-1])
        markets = calendar["market"].unique()
        opened = calendar["start"].to_numpy("datetime64[D]")
        closed = pd.to_datetime(calendar["end"]).to_numpy("datetime64[D]")
        closed = np.where(np.isnat(closed), days[-1], closed)
        inside = (days >= opened[:, None]) & (days <= closed[:, None])
        rows = [(calendar["market"] == market).to_numpy() for market in markets]
        is_open = np.array([inside[row].any(axis=0) for row in rows])
        first, last = (np.array([pick(opened[row]) for row in rows])[:, None] for pick in (np.min, np.max))
        launched = calendar.groupby("market", sort=False)["launched"].any()
        before = np.where(launched.loc[markets], 0.0, old)
        middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
        return cls(
            months=pd.period_range(start, end, freq="M"),
            edges=edges,
            markets=tuple(markets),
            open_before=np.pad(is_open.cumsum(axis=1, dtype=float), ((0, 0), (1, 0))),
            age=(middle - first).astype(float) / DAYS_PER_MONTH + before[:, None],
            live=edges[1:] > first,
            reopened=(edges[1:] > last) & (last > first),
        )

    @cached_property
    def where(self) -> tuple[np.ndarray, np.ndarray]:
        """Market and month of each state."""
        return np.nonzero(self.live)

    @property
    def span(self) -> Span:
        return Span(self.edges[0].item(), (self.edges[-1] - 1).item())

    def open_days(self, markets: tuple[str, ...], start: date, end: date) -> np.ndarray:
        """Open days of each state from `start` to `end`, zero for other markets than these; shape (S,)."""
        first, last = (np.array([start, end], "datetime64[D]") - self.edges[0]).astype(int)
        begin = (self.edges - self.edges[0]).astype(int)
        inside = np.clip(np.clip(begin, first, last + 1), 0, begin[-1])
        chosen = np.isin(self.markets, markets)
        return (np.diff(self.open_before[:, inside], axis=1) * chosen[:, None])[self.where]


# Prior ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layout:
    """States, and then biases, are mean + the sum of scale * block @ z over groups, z ~ N(0, 1)."""

    mean: np.ndarray  # shape (S + B,)
    blocks: dict[str, np.ndarray]  # by group, shape (S + B, its parameters)
    biases: dict[tuple[str, str], int]  # (kind, name) of a basis, counter or publication -> place among the S + B

    def at(self, scales: Mapping[str, float]) -> np.ndarray:
        return np.hstack([scales.get(group, 1.0) * block for group, block in self.blocks.items()])


def _path(restless: np.ndarray, anchor: int, growth_sd: float, memory: float) -> np.ndarray:
    """Loadings of a path of AR(1) growth, zero in the month `anchor`, on the shocks to growth of each month but the
    first. What a shock has come to after n months is the sum of the first n powers of `memory`."""
    months = np.arange(len(restless))
    powers = memory ** np.maximum(np.subtract.outer(months, months) + 1.0, 0)
    first = np.where(months == 1, 1.0, np.sqrt(1 - memory**2))  # the first growth has the variance of all
    path = ((1 - powers) / (1 - memory) * growth_sd * first * restless)[:, 1:]
    return path - path[min(anchor, len(path) - 1)]


def _layout(grid: Grid, observations: Observations, facts: pd.DataFrame, level: float, prior: Prior) -> Layout:
    market, month = grid.where
    memory, anchor = prior.growth_memory, grid.months.get_loc(pd.Period(max(facts["end"]), "M"))
    years = np.clip((anchor - np.arange(len(grid.months))) / 12, 0, prior.fading_years)
    restless = prior.growth_fading**years
    age = np.maximum(grid.age[market, month], 0)
    ramp = np.log((age + prior.ramp_delay) / (prior.ramp_age + prior.ramp_delay))[:, None]
    places = observations.places.loc[list(grid.markets)]
    region, names = pd.factorize(places["region"])
    sized = places["size"].notna().to_numpy()
    smallest = places.groupby("region")["size"].transform("min").fillna(places["size"].min() if sized.any() else 1.0)
    size = np.log(places["size"].fillna(smallest).to_numpy())  # statistics are of large markets first
    of_market = np.equal.outer(market, np.arange(len(grid.markets))).astype(float)
    starts = len(grid.months) - grid.live.sum(axis=1)
    common = _path(restless, anchor, prior.common_growth_sd, memory)
    own = [_path(restless[n:], max(anchor - n, 0), prior.own_growth_sd, memory) for n in starts]
    season = np.equal.outer(grid.months.month[month], np.arange(1, 13)).astype(float)
    blocks = [
        (FIXED, np.full((len(market), 1), prior.level_sd)),
        (FIXED, ramp * prior.ramp_exponent_sd),
        (FIXED, np.equal.outer(region[market], np.arange(len(names))) * prior.region_sd),
        (FIXED, of_market * ramp * prior.own_exponent_sd),
        (FIXED, of_market[:, ~sized] * prior.unsized_sd),
        (FIXED, of_market * grid.reopened[market, month][:, None] * prior.reopening_sd),
        (FIXED, season * prior.season_sd),
        (FIXED, (of_market[:, :, None] * season[:, None, :]).reshape(len(market), -1) * prior.season_sd),
        (GROWTH, common[month]),
        (GROWTH, block_diag(*own)),
        (SPREAD, of_market * prior.share_sd),
    ]
    mean = level + (size - size.mean())[market] + ramp[:, 0] * observations.ramp_exponent
    mean = mean + season @ _season_profile(observations.season)
    # A counter is biased about its basis; what a publication got wrong it got wrong in all its amounts.
    biased = facts[facts["basis"].isin(prior.bias_sd)]
    basis_of = dict(zip(biased["counter"], biased["basis"], strict=True))
    error_of = {p: max(prior.noise[c] for c in rows) for p, rows in biased.groupby("publication")["confidence"]}
    entries = [(("basis", name), FIXED, sd) for name, sd in prior.bias_sd.items()]
    entries += [(("counter", name), FIXED, prior.bias_sd[basis]) for name, basis in sorted(basis_of.items())]
    entries += [(("publication", name), NOISE, np.sqrt(prior.shared) * sd) for name, sd in error_of.items()]
    columns = block_diag(np.hstack([block for _, block in blocks]), np.diag([sd for *_, sd in entries]))
    groups = np.array([g for g, block in blocks for _ in range(block.shape[1])] + [g for _, g, _ in entries])
    places = {name: len(market) + i for i, (name, *_) in enumerate(entries)}
    by_group = {group: columns[:, groups == group] for group in (FIXED, GROWTH, SPREAD, NOISE)}
    return Layout(np.append(mean, np.zeros(len(entries))), by_group, places)


def _season_profile(series: pd.DataFrame) -> np.ndarray:
    """Log sales a day of each calendar month about the year's mean, shape (12,); flat if a quarter is not known.

    Classical decomposition: the ratio to the centred moving average of four quarters, its median over the years.
    """
    days = (pd.to_datetime(series["end"]) - pd.to_datetime(series["start"])).dt.days + 1
    log_rate = pd.Series(np.log(series["value"] / days).to_numpy(float), pd.PeriodIndex(series["start"], freq="Q"))
    if len(log_rate) < 9:
        return np.zeros(12)
    log_rate = log_rate.reindex(pd.period_range(log_rate.index[0], log_rate.index[-1], freq="Q"))  # some have no figure
    trend = np.convolve(log_rate, [1 / 8, 1 / 4, 1 / 4, 1 / 4, 1 / 8], mode="valid")
    ratio = (log_rate.iloc[2:-2] - trend).groupby(log_rate.index[2:-2].quarter).median().to_numpy()
    return np.repeat(ratio - ratio.mean(), 3) if np.isfinite(ratio).all() and len(ratio) == 4 else np.zeros(12)


# Likelihood -------------------------------------------------------------------------------------------

Cell = tuple[str, date, date]  # a market or region, its first and last day


def cells_of(facts: pd.DataFrame) -> list[tuple[Cell, Cell | None]]:
    """The cell of each fact, and that which it is a ratio to."""
    cells, bases = (zip(*(facts[prefix + name] for name in ("market", "start", "end")), strict=True)
                    for prefix in ("", "base_"))  # fmt: skip
    is_ratio = facts["base_market"].notna()
    return [(cell, base if ratio else None) for cell, base, ratio in zip(cells, bases, is_ratio, strict=True)]


@dataclass(frozen=True, eq=False)
class Likelihood:
    """N facts as differences of log totals of C cells, which have open days in K states; `told` are these and the B
    biases, as rows of a layout."""

    told: np.ndarray
    days: np.ndarray  # shape (C, K)
    cells: np.ndarray  # 1 for the cell of a fact, -1 for its base, shape (N, C)
    bias: np.ndarray  # 1 for each bias of a fact, shape (N, B)
    value: np.ndarray
    above: np.ndarray  # scale of the noise where the fact lies above what the model says
    below: np.ndarray  # and where below
    dof: float

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What each fact would be, by states and biases, shape (K + B, ...)."""
        states, biases = np.split(x, [self.days.shape[1]])
        return self.cells @ np.log(self.days @ np.exp(states)) + self.bias @ biases

    def shares(self, x: np.ndarray) -> np.ndarray:
        """Share of each state in the total of each cell, shape (C, K)."""
        parts = self.days * np.exp(x[: self.days.shape[1]])
        return parts / parts.sum(axis=1, keepdims=True)

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives of `sums`, shape (N, K + B)."""
        return np.hstack([self.cells @ self.shares(x), self.bias])

    def bend(self, x: np.ndarray, pull: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Times a vector: the second derivative of the loss that comes from that of the log totals."""
        shares, force = self.shares(x), -(self.cells.T @ pull)

        def times(v: np.ndarray) -> np.ndarray:
            states, biases = np.split(v, [shares.shape[1]])
            return np.append((force @ shares) * states - shares.T @ (force * (shares @ states)), 0 * biases)

        return times

    def scale(self, residual: np.ndarray) -> np.ndarray:
        return np.where(residual > 0, self.above, self.below)

    def loss(self, residual: np.ndarray, heat: float = 1.0) -> float:
        """Minus the log likelihood, up to a constant; `heat` widens the normal core of the noise, not its scale."""
        z = residual / self.scale(residual) / heat
        return float(np.log1p(z**2 / self.dof).sum() * heat**2 * (self.dof + 1) / 2)

    def weights(self, residual: np.ndarray, heat: float = 1.0) -> np.ndarray:
        """Of least squares: the first derivative of the loss is weight times residual."""
        return (self.dof + 1) / (self.dof * self.scale(residual) ** 2 + (residual / heat) ** 2)

    def curvature(self, residual: np.ndarray, heat: float = 1.0) -> np.ndarray:
        """Second derivative of the loss by the residual; negative in the tails."""
        z2 = (residual / self.scale(residual) / heat) ** 2
        return self.weights(residual, heat) * (self.dof - z2) / (self.dof + z2)

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the noise: two halves of a normal that join at zero (John 1982)."""
        gap = self.above - self.below
        return np.sqrt(2 / np.pi) * gap, (1 - 2 / np.pi) * gap**2 + self.above * self.below


def _likelihood(facts: pd.DataFrame, days: dict[Cell, np.ndarray], layout: Layout, prior: Prior) -> Likelihood:
    pairs = cells_of(facts)
    columns = {cell: i for i, cell in enumerate(dict.fromkeys(c for pair in pairs for c in pair if c))}
    cells = np.zeros((len(facts), len(columns)))
    for row, (cell, base) in zip(cells, pairs, strict=True):
        row[columns[cell]] += 1
        if base:
            row[columns[base]] -= 1
    days = np.array([days[cell] for cell in columns])
    (states,) = np.nonzero(days.any(axis=0))
    places = np.array(sorted(layout.biases.values()), dtype=int)
    bias = np.zeros((len(facts), len(places)))
    is_amount, is_biased = facts["base_market"].isna().to_numpy(), facts["basis"].isin(prior.bias_sd).to_numpy()
    for kind in ("basis", "counter", "publication"):  # a ratio is of one counter on both sides: its bias cancels
        for i in np.nonzero(is_amount & is_biased)[0]:
            bias[i, layout.biases[kind, facts[kind].iloc[i]] - days.shape[1]] = 1
    kept = np.where(is_biased, np.where(is_amount, np.sqrt(1 - prior.shared), 1.0), prior.reference_noise)
    spans, last = [Span(*cell[1:]) for cell, _ in pairs], max(facts["end"])
    noise = np.sqrt(
        (kept * facts["confidence"].map(dict(prior.noise)).to_numpy()) ** 2
        + (facts["qualifier"] != "exact").to_numpy() * prior.about**2
        + prior.day_sd**2 * np.array([0 if span.months else 1 / span.days for span in spans])
        + (prior.season_shift * np.array([(last - s.end).days / 365 * (s.length_in_months < 12) for s in spans])) ** 2
    )
    slack = facts["qualifier"].map(prior.slack).fillna(0.0).to_numpy()
    is_floor = facts["qualifier"].isin(FLOORS).to_numpy()
    return Likelihood(np.append(states, places), days[:, states], cells, bias, facts["log_value"].to_numpy(),
                      np.hypot(noise, slack * ~is_floor), np.hypot(noise, slack * is_floor), prior.dof)  # fmt: skip


# Fit --------------------------------------------------------------------------------------------------


def fit(observations: Observations, until: Span | date, prior: Prior = Prior(), draws: int | None = None) -> Market:
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
    cells = {cell for pair in cells_of(facts) for cell in pair if cell}
    days = {cell: grid.open_days(regions[cell[0]], *cell[1:]) for cell in cells}
    # A figure for days on which no market was open has no total to be compared with.
    used = facts[[all(days[cell].any() for cell in pair if cell) for pair in cells_of(facts)]]
    amounts = used[used["base_market"].isna()]
    if amounts.empty:
        raise TooLittleKnown("no amount of GMV is published of this platform: growth and shares alone give no level")
    level = float(np.median(amounts["log_value"] - np.log([days[cell].sum() for cell, _ in cells_of(amounts)])))
    layout = _layout(grid, observations, used, level, prior)
    likelihood = _likelihood(used, days, layout, prior)
    posterior = _posterior(layout, likelihood, prior, draws or DRAWS)
    return Market(observations, used, grid, posterior, np.ones(len(grid.where[0])))


def _mode(told, mean, likelihood: Likelihood, z: np.ndarray, cooling: int = 0, tolerance: float = _EXACT) -> np.ndarray:
    """The parameters z of highest posterior density, with states and biases mean + told @ z; told has shape (K + B, P).

    Least squares first, whose weights cool down to those of the Student-t, so that a fact far from the start is not
    taken for a misprint; near the mode Newton's steps, by conjugate gradients. They go on until nothing moves any
    more, so that every processor ends at the same numbers.
    """

    def loss(x: np.ndarray, z: np.ndarray) -> float:
        return z @ z / 2 + likelihood.loss(likelihood.value - likelihood.sums(x), heat)

    moved = np.inf
    for iteration in range(_STEPS):
        heat = max(1.0, 2.0 ** (cooling - iteration))
        x = mean + told @ z
        residual = likelihood.value - likelihood.sums(x)
        weights = likelihood.weights(residual, heat)
        slopes = likelihood.slopes(x)
        along, pull = slopes @ told, weights * residual
        force = along.T @ pull - z
        root = np.sqrt(weights)
        inner = cho_factor(np.eye(len(pull)) + np.multiply.outer(root, root) * (along @ along.T))

        def least_squares(v: np.ndarray, along=along, root=root, inner=inner) -> np.ndarray:
            return v - along.T @ (root * cho_solve(inner, root * (along @ v)))

        step, near = least_squares(force), moved < _NEAR
        if near:
            bend, curvature = likelihood.bend(x, pull), likelihood.curvature(residual)

            def hessian(v: np.ndarray, slopes=slopes, bend=bend, curvature=curvature) -> np.ndarray:
                w = told @ v
                return v + told.T @ (slopes.T @ (curvature * (slopes @ w)) + bend(w))

            shape = (len(z), len(z))
            faster, _ = cg(LinearOperator(shape, hessian), force, x0=step, rtol=1e-4, maxiter=20,
                           M=LinearOperator(shape, least_squares))  # fmt: skip
            step = faster if faster @ force > 0 else step
        toward = told @ step
        moved = np.abs(toward).max()
        if heat == 1 and moved < tolerance:
            return z + step
        length, here, gain = min(1.0, 3 / moved), loss(x, z), force @ step  # no state moves by more than a factor of 20
        while moved > _FLAT and loss(x + length * toward, z + length * step) > here - 1e-4 * length * gain:
            length /= 2
            if length < 1e-3:  # no bowl here: back to least squares
                moved = np.inf
                break
        z = z + length * step
    raise RuntimeError(f"the market model did not converge in {_STEPS} steps")


def _posterior(layout: Layout, likelihood: Likelihood, prior: Prior, draws: int) -> Posterior:
    """Learn the scales, each round about the mode of the last; then the mode at their mean."""
    logs = dict.fromkeys(prior.scales, 0.0)
    points = np.array(list(product(*prior.scales.values())))
    belief = -((points / list(prior.scale_sd.values())) ** 2).sum(axis=1) / 2
    mean = layout.mean[likelihood.told]
    z = np.zeros(sum(block.shape[1] for block in layout.blocks.values()))
    for last in (False, False, True):
        scales = {group: np.exp(value) for group, value in logs.items()}
        noisy = replace(likelihood, above=likelihood.above * scales[NOISE], below=likelihood.below * scales[NOISE])
        told = layout.at(scales)[likelihood.told]
        z = _mode(told, mean, noisy, z, 0 if z.any() else _COOLING, _EXACT if last else _ROUGH)
        x = mean + told @ z
        slopes, residual = noisy.slopes(x), noisy.value - noisy.sums(x)
        if last:
            break
        by_group = {group: slopes @ block[likelihood.told] for group, block in layout.blocks.items()}
        heights = {group: block @ block.T for group, block in by_group.items()}
        gap = residual + slopes @ (x - mean)  # of each fact from what the centre of the prior says, to first order
        variance = 1 / noisy.weights(residual) / scales[NOISE] ** 2
        evidence = belief + _evidence(heights, variance, gap, np.exp(points))
        weight = np.exp(evidence - evidence.max())
        weight /= weight.sum()
        logs = dict(zip(logs, weight @ points, strict=True))
    return Posterior(layout, noisy, scales, x, residual, points, weight, draws)


def _evidence(heights: dict[str, np.ndarray], variance: np.ndarray, gap: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Log marginal likelihood at each point of the grid of scales, the facts being normal to first order.

    Where `gap` borders their covariance L L', L borders it with gap / L: one factorisation gives both of its terms.
    """
    fixed, growth, spread, noise = (np.pad(heights[group], (0, 1)) for group in (FIXED, GROWTH, SPREAD, NOISE))
    noise[:-1, :-1] += np.diag(variance)
    fixed[-1, :-1] = fixed[:-1, -1] = gap
    fixed[-1, -1] = 1 + 2 * gap @ gap / (variance.min() * points.min() ** 2)  # large enough for a factor to exist
    evidence = []
    for by_growth, by_spread, by_noise in points**2:
        factor = np.linalg.cholesky(fixed + by_growth * growth + by_spread * spread + by_noise * noise)
        evidence.append(-np.log(np.diag(factor)[:-1]).sum() - factor[-1, :-1] @ factor[-1, :-1] / 2)
    return np.array(evidence)


@dataclass(frozen=True, eq=False)
class Posterior:
    """States and biases given the facts: their mode, and draws about it.

    Facts tell of few directions: a draw is one of the prior, moved by the covariance of states with facts, so that
    the systems to solve have as many unknowns as there are facts.
    """

    layout: Layout
    likelihood: Likelihood  # at the mean of the learnt scales
    scales: dict[str, float]
    mode: np.ndarray  # of states and biases of which facts tell, shape (K + B,)
    residual: np.ndarray
    points: np.ndarray  # grid of log scales, and the weight of each
    weight: np.ndarray
    draws: int

    @cached_property
    def slopes(self) -> np.ndarray:
        return self.likelihood.slopes(self.mode)

    @cached_property
    def reach(self) -> dict[str, np.ndarray]:
        """Covariance of all states and biases with the facts, by group, shape (S + B, N)."""
        told = self.likelihood.told
        return {g: block @ (self.slopes @ block[told]).T for g, block in self.layout.blocks.items()}

    def _reach_at(self, scales: Mapping[str, float]) -> np.ndarray:
        return sum(scales.get(group, 1.0) ** 2 * block for group, block in self.reach.items())

    @cached_property
    def at_mode(self) -> np.ndarray:
        """All states and biases at the mode, shape (S + B,)."""
        pull = self.likelihood.weights(self.residual) * self.residual
        return self.layout.mean + self.gain[0] @ pull

    @cached_property
    def gain(self) -> tuple[np.ndarray, np.ndarray]:
        """Covariance of states and biases with the facts at the mean scales, and of the facts with their noise."""
        reach = self._reach_at(self.scales)
        told = self.slopes @ reach[self.likelihood.told]
        return reach, told + np.diag(1 / self.likelihood.weights(self.residual))

    @property
    def rates(self) -> np.ndarray:
        """Draws of US dollars an open day in each state, shape (S, draws)."""
        return self.sample[0]

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws of `rates`, and of the biases in the order of `layout.biases`, shape (B, draws).

        A Student-t is a normal of unknown precision: two sweeps of Gibbs sampling from Laplace's normal, precisions
        given parameters [2]_ and parameters given precisions, let in that any fact may be the misprint. The chances of
        the precisions lie in strata over the batches, and the scales are those of the grid in proportion to their
        weight.
        """
        likelihood, rng, batches = self.likelihood, np.random.default_rng(_SEED), max(self.draws // _BATCH, 1)
        facts = len(likelihood.value)
        strata = rng.permuted(np.tile(np.arange(batches)[:, None], (1, 2 * facts)), axis=0)
        chances = ((strata + rng.random(strata.shape)) / batches).reshape(batches, 2, facts)
        chi_squares = 2 * gammaincinv((likelihood.dof + 1) / 2, chances)
        at = np.searchsorted(self.weight.cumsum(), (np.arange(batches) + 0.5) / batches)
        points = np.exp(self.points[np.minimum(at, len(self.points) - 1)])
        scales = dict(zip((GROWTH, SPREAD, NOISE), points.T, strict=True))
        offset, variance = (moment[:, None] for moment in likelihood.moments)
        ratio = scales[NOISE] / self.scales[NOISE]
        offset, variance = offset * ratio, variance * ratio**2
        weights = np.repeat(likelihood.weights(self.residual)[:, None], batches, axis=1) / ratio**2
        for sweep, (pairs, corrections) in enumerate(((0, 1), (0, _CORRECTIONS), (_BATCH // 2, _CORRECTIONS))):
            x = self._sample(rng, weights, offset, scales, pairs, corrections)
            if sweep < 2:
                missed = likelihood.value[:, None] - likelihood.sums(x[likelihood.told]) - offset
                weights = chi_squares[:, sweep].T / (likelihood.dof * variance + missed**2)
        states, biases = np.split(x, [len(x) - len(self.layout.biases)])
        return np.exp(states), biases

    def _sample(self, rng, weights, offset, scales, pairs: int, corrections: int) -> np.ndarray:
        """Draws of states and biases for given precisions of the facts and scales, shape (S + B, batches * draws):
        one a batch, or `pairs` antithetic ones. By randomising and optimising [3]_; the first correction is
        Laplace's normal, which alone would let the markets of a published sum drift apart, and so lift the sum.
        """
        likelihood, told, slopes, blocks = self.likelihood, self.likelihood.told, self.slopes, self.layout.blocks
        batches, each = weights.shape[1], 2 * pairs or 1
        # Few points of the grid have most of the weight: what moves states is worked out once for each.
        points, point_of = np.unique(np.array(list(scales.values())), axis=1, return_inverse=True)
        point_of = point_of.ravel()
        reaches = [self._reach_at(dict(zip(scales, point, strict=True))) for point in points.T]
        heights = [slopes @ reach[told] for reach in reaches]
        factors = [cho_factor(heights[n] + np.diag(1 / weights[:, batch])) for batch, n in enumerate(point_of)]

        def normals(count: int) -> np.ndarray:
            drawn = rng.standard_normal((count, batches, pairs or 1))
            return (np.concatenate([drawn, -drawn], axis=2) if pairs else drawn).reshape(count, batches * each)

        def moved(matrices: list[np.ndarray], force: np.ndarray) -> np.ndarray:
            """A matrix of each point times the force in the draws of its batches."""
            result = np.empty((len(matrices[0]), force.shape[1]))
            for n, matrix in enumerate(matrices):
                here = np.repeat(point_of == n, each)
                result[:, here] = matrix @ force[:, here]
            return result

        def solved(missed: np.ndarray) -> np.ndarray:
            by_batch = np.split(missed, batches, axis=1)
            return np.hstack([cho_solve(factor, part) for factor, part in zip(factors, by_batch, strict=True)])

        by_draw = {group: np.repeat(scale, each) for group, scale in scales.items()}
        start = self.layout.mean[:, None] + sum(
            block @ (normals(block.shape[1]) * by_draw.get(group, 1.0)) for group, block in blocks.items()
        )
        heard = likelihood.value[:, None] - np.repeat(offset, each, axis=1)
        heard = heard + normals(len(likelihood.value)) / np.sqrt(np.repeat(weights, each, axis=1))
        linear = likelihood.sums(self.mode)[:, None] + slopes @ (start[told] - self.mode[:, None])
        force, near = solved(heard - linear), [reach[told] for reach in reaches]
        for _ in range(corrections - 1):
            sums = likelihood.sums(start[told] + moved(near, force))
            force = solved(heard - sums + moved(heights, force))
        return start + moved(reaches, force)


# Results ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Market:
    """The posterior of a platform's GMV in US dollars, as the company counts; made by `fit`.

    Names of markets are those of the facts: a market, a region such as `SEA`, `Global`, or several joined by a comma.
    Where the model has none of them, or not all months of a span, it raises `TooLittleKnown`.
    """

    observations: Observations
    facts: pd.DataFrame
    grid: Grid
    posterior: Posterior
    factor: np.ndarray  # what a scenario multiplies each state by

    def under(self, factor: Callable[[str, pd.PeriodIndex], np.ndarray]) -> Market:
        """The same posterior, with the GMV of each market multiplied by `factor(market, months)`, a month at a time."""
        market, month = self.grid.where
        by_market = np.array([factor(name, self.grid.months) for name in self.grid.markets])
        return replace(self, factor=self.factor * by_market[market, month])

    def markets(self, name: str) -> tuple[str, ...]:
        """The markets of the model that a name sums up; `TooLittleKnown` if it names none of them."""
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

    def draws(self, markets: str, span: Span, basis: str = REFERENCE[0], counter: str = "") -> np.ndarray:
        """Draws of the GMV of some markets over a span, as a basis or one of its counters counts it, shape (draws,).

        Draws of different markets and spans belong together: their sums and ratios are draws, too.
        """
        days = self._days(markets, span)
        (open_states,) = np.nonzero(days)  # few, most of the time
        bias = np.exp(self._bias("basis", basis) + self._bias("counter", counter))
        return days[open_states] @ self.posterior.rates[open_states] * bias

    def _bias(self, kind: str, name: str) -> np.ndarray | float:
        place = self.posterior.layout.biases.get((kind, name))
        return 0.0 if place is None else self.posterior.sample[1][place - len(self.posterior.layout.mean)]

    def figure(self, markets: str, span: Span, basis: str, counter: str, confidence: str, prior: Prior = Prior()):
        """Draws of the figure that a counter will publish: its count, with what is not known of a new counter, and the
        noise of a figure of such confidence; shape (draws,)."""
        values, rng = self.draws(markets, span, basis, counter), np.random.default_rng(_SEED)
        new = prior.bias_sd.get(basis, 0.0) * (("counter", counter) not in self.posterior.layout.biases)
        noise = prior.noise[confidence] * (prior.reference_noise if basis in REFERENCE else 1.0)
        sd = np.hypot(new, noise * self.posterior.scales[NOISE])
        return values * np.exp(sd * rng.standard_normal(len(values)))

    def total(self, markets: str, span: Span) -> Estimate:
        """GMV of some markets over a span; zero where they were closed."""
        return Estimate.of(self.draws(markets, span), self.drivers(markets, span))

    def drivers(self, markets: str, span: Span, most: int = 6) -> tuple[str, ...]:
        """The facts that say most of what is known of a total, the strongest first.

        A fact's part is what its weight takes off the variance of the log total, to first order (the infinitesimal
        jackknife). Of facts that tell alike the first comes first, on every processor.
        """
        if not self.total_at_mode(markets, span):
            return ()
        part = self._pull(markets, span) ** 2 / self.posterior.likelihood.weights(self.posterior.residual)
        order = np.argsort(-(part / part.max()).round(6), kind="stable")
        return tuple(self.facts.index[order[:most]])

    def influence(self, markets: str, span: Span) -> pd.Series:
        """Change of the log of `total_at_mode` if a fact were left out, to first order; indexed by fact (Cook 1977)."""
        inverse = np.linalg.inv(self.posterior.gain[1])
        force = self.posterior.likelihood.weights(self.posterior.residual) * self.posterior.residual
        return pd.Series(-self._pull(markets, span) * force / np.diag(inverse), self.facts.index)

    def _pull(self, markets: str, span: Span) -> np.ndarray:
        """Change of a log total for that of each fact, to first order, shape (N,)."""
        reach, covariance = self.posterior.gain
        gmv = self._days(markets, span) * self._rates_at_mode
        return np.linalg.solve(covariance, gmv / gmv.sum() @ reach[: len(gmv)])

    @cached_property
    def _rates_at_mode(self) -> np.ndarray:
        return np.exp(self.posterior.at_mode[: len(self.factor)])

    def total_at_mode(self, markets: str, span: Span) -> float:
        """GMV of some markets over a span at the mode of the parameters; needs no draws."""
        return float(self._days(markets, span) @ self._rates_at_mode)

    @cached_property
    def status(self) -> pd.DataFrame:
        """How each market is known in each month: columns market, month, status.

        A month is `reported` if a fact of the market covers a day of it, `inferred` if a sum of markets does, and
        otherwise `unknown`: the model's alone.
        """
        row, month = self.grid.where
        status = np.full(len(row), "unknown", dtype=object)
        cells = {(self.observations.regions[region], start, end) for (region, start, end), _ in cells_of(self.facts)}
        for members, start, end in sorted(cells, key=lambda cell: -len(cell[0])):
            status[self.grid.open_days(members, start, end) > 0] = "inferred" if len(members) > 1 else "reported"
        months = self.grid.months[month]
        return pd.DataFrame({"market": np.array(self.grid.markets)[row], "month": months, "status": status})

    def probability_of_target(self, target_usd: float, span: Span, markets: str = "Global") -> float:
        """Share of the draws in which the GMV of the span reaches the target."""
        return float((self.draws(markets, span) >= target_usd).mean())

    def required_monthly_growth(self, target_usd: float, to_date: Span, markets: str = "Global") -> Estimate:
        """Constant monthly growth (0.1 is 10 %) from the last month on with which the year just meets its target.

        Solves base (q + q² + … + qⁿ) = missing for q − 1, n whole months being left; −1 if the target is reached.
        """
        rest = to_date.rest_of_year
        if rest is None:
            raise TooLittleKnown(f"nothing is left of the year after {to_date.code}")
        missing = np.maximum(target_usd - self.draws(markets, to_date.to_date), 0)
        ratio = missing / self.draws(markets, Span(to_date.end.replace(day=1), to_date.end))
        low, high = np.zeros_like(ratio), 1 + ratio  # q alone is less than the whole sum
        powers = np.arange(1, round(rest.length_in_months) + 1)
        for _ in range(60):  # halving: enough for every bit of a float
            middle = (low + high) / 2
            enough = (middle[:, None] ** powers).sum(axis=1) >= ratio
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return Estimate.of(high - 1, self.drivers(markets, to_date.to_date))

    def residuals(self) -> pd.DataFrame:
        """Each fact against the model, the worst first.

        Columns market, start, end, measure, published and expected (US dollars or a ratio, as its counter would count),
        z (log residual over the scale of its noise), conflict (|z| > 3). Facts without an open day are not listed.
        """
        likelihood, residual = self.posterior.likelihood, self.posterior.residual
        z = (residual / likelihood.scale(residual)).round(6)  # so that facts that differ alike stay in their order
        table = self.facts[["market", "start", "end", "measure", "basis"]].assign(
            published=np.exp(likelihood.value), expected=np.exp(likelihood.value - residual),
            z=z, conflict=np.abs(z) > CONFLICT,
        )  # fmt: skip
        return table.iloc[np.argsort(-np.abs(z), kind="stable")]

    def biases(self, kind: str) -> pd.DataFrame:
        """How much each `basis` or `counter` counts for one dollar of the company's count: columns kind, facts (amounts
        of it), median, p10, p90."""
        amounts, rows = self.facts[self.facts["base_market"].isna()], []
        for name, of in amounts.groupby(kind):
            log_bias = self._bias(kind, name) + (self._bias("basis", of["basis"].iloc[0]) if kind == "counter" else 0.0)
            p10, median, p90 = map(rounded, np.exp(np.quantile(log_bias, [0.1, 0.5, 0.9])))
            rows.append((name, len(of), median, p10, p90))
        return pd.DataFrame(rows, columns=[kind, "facts", "median", "p10", "p90"])
