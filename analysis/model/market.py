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

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import product
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.linalg.lapack import dpotrf, dpotrs  # what is around them elsewhere takes longer than such small systems
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.special import gammaincinv

from analysis.facts.span import DAYS_PER_MONTH, Span

CELL, BASE = ("market", "start", "end"), ("base_market", "base_start", "base_end")
COLUMNS = ("measure", *CELL, *BASE, "log_value", "qualifier", "basis", "confidence", "counter", "publication")
REST = "Rest of the world"
REFERENCE = ("company", "official")  # the bases that count as everything is counted here
CONFLICT = 3.0  # standardised residual beyond which a fact contradicts the others
FLOORS = ("more than", "just over")
DRAWS, PERCENTILES = 1000, [0.5, 0.1, 0.9]
_COOLING, _STEPS, _EXACT, _ROUGH, _NEAR, _FLAT = 5, 200, 1e-9, 1e-4, 0.1, 1e-5
_BATCH, _CORRECTIONS, _SEED = 20, 4, 20240630  # draws of one set of weights, in antithetic pairs
GROWTH, SPREAD, NOISE, FIXED = "growth", "spread", "noise", "fixed"  # what a learnt scale multiplies

T = TypeVar("T")


class TooLittleKnown(ValueError):
    """The facts, or the months of the model, do not reach what was asked."""


class Prior:
    """Every constant of the model. Log units unless said otherwise; set on what was public by 31 March 2024."""

    # GMV a day grows as (age + delay) ** exponent, which `observations` learns from all launches on record; these
    # are its spread between platforms, and between the markets of one.
    ramp_exponent = 2.5
    ramp_exponent_sd = 0.6
    own_exponent_sd = 0.4
    ramp_delay = 6.0  # months that a launch has behind it on its first day: it does not start from nothing
    ramp_age = 24.0  # months since launch at which levels are compared: TikTok Shop's at the end of 2023
    old = 180.0  # months behind a market without a launch on record: a seventh a year, as US retail before 2020
    # Monthly log growth about the ramp, shared by all markets and of one market; times the learnt scale of growth.
    common_growth_sd = 0.015
    own_growth_sd = 0.03
    growth_memory = 0.85  # correlation of growth with the month before: a half-life of four months
    growth_fading = 1.8  # times more restless for each year before the last fact: young markets calm down,
    fading_years = 4.0  # up to so many years, and what shook 2020 says little about 2024
    level_sd = 3.0  # of a platform: for the facts to tell, a factor of 20 either way
    region_sd = 1.2  # of a region about the platform: a factor of 3 either way
    # Of a market about its size, times the learnt scale of spread: shares of Shopee and TikTok Shop in SEA in 2022
    # and 2023 differ by 0.4, and sizes are known to 0.2. Where no size is public, about the smallest, with more.
    share_sd = 0.5
    unsized_sd = 1.0
    reopening_sd = 0.5  # of the step after a closure: one case, so a judgement, a factor of 1.6
    season_sd = 0.07  # of a month about the official profile, of a platform and again of a market
    season_shift = 0.02  # of a part of a year, for each year before the last fact: as US retail of 2019 to 2023
    day_sd = 0.8  # of a day about its month, where days cut a month: sales days sell several times the mean
    # What figures of one cell differ by, by confidence; times the learnt scale of noise.
    noise: ClassVar = {"high": 0.06, "medium": 0.12, "low": 0.3}
    reference_noise = 1 / 3  # of that for a count by its own definition: rounding and revisions are left
    about = 0.05  # added where a figure is hedged: half of the last of two digits
    shared = 0.5  # part of the variance of noise that the amounts of one publication share
    # How far on the open side of a bound the truth may lie: publishers name the nearest round number.
    slack: ClassVar = {"more than": 0.25, "less than": 0.25, "up to": 0.25, "just over": 0.04}
    # How far a way of counting lies from the company's, and again a counter from its way: by March 2024 trackers
    # of Indonesia and Vietnam in 2022 were 20 % and more apart; leaks quote the company, the press quotes either.
    bias_sd: ClassVar = {"leak": 0.07, "press": 0.15, "tracker": 0.25, "analyst": 0.25}
    dof = 4.0  # of the Student-t noise, so that a misprint loses its pull: the usual choice [2]_
    # Grids of the learnt scales (logs) and the spread of each about 1: a calm official series has a tenth of the
    # growth of a young platform, and half a digit of its noise.
    scales: ClassVar = {
        GROWTH: (-2.4, -1.6, -0.8, 0.0, 0.6, 1.2),
        SPREAD: (-0.7, 0.0, 0.7),
        NOISE: (-1.8, -1.2, -0.6, 0.0, 0.5, 1.0),
    }
    scale_sd: ClassVar = {GROWTH: 0.8, SPREAD: 0.4, NOISE: 0.6}


@dataclass(frozen=True)
class Observations:
    """What is known of a platform's GMV, as tables."""

    # By fact, columns `COLUMNS`: the GMV of a market over a span is exp(log_value) dollars, or, where `base_market` is
    # filled, that times the GMV of the base cell.
    facts: pd.DataFrame
    calendar: pd.DataFrame  # market, start, end (None: still open) and launched: whether its launch is on record
    regions: dict[str, tuple[str, ...]]  # name of a market or region -> the markets that it sums up
    places: pd.DataFrame  # by market: region, and size in online sales (any unit), NaN where none is public
    season: pd.DataFrame  # the official quarterly series, oldest first: start, end, value
    ramp_exponent: float = Prior.ramp_exponent

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The same for the same observations."""
        tables = self.facts, self.calendar, self.places, self.season
        return *(table.to_csv() for table in tables), repr((self.regions, self.ramp_exponent))


@dataclass(frozen=True, eq=False)
class Grid:
    """The T months of M markets; S states, each a market and a month from its first open day on."""

    months: pd.PeriodIndex
    edges: np.ndarray  # ordinals of the first day of each month, and of the day after the last
    markets: tuple[str, ...]
    open_before: np.ndarray  # open days before each day, shape (M, days + 1)
    age: np.ndarray  # months from the launch to the middle of a month, shape (M, T)
    reopened: np.ndarray  # whether a market was closed before and has opened again, shape (M, T)
    where: tuple[np.ndarray, np.ndarray]  # market and month of each state

    @classmethod
    def of(cls, calendar: pd.DataFrame, start: date, end: date) -> Grid:
        """The months from that of `start` to that of `end`."""
        months = pd.period_range(start, end, freq="M")
        edges = np.array([day.toordinal() for day in [*months.start_time, (months[-1] + 1).start_time]])
        days, (of, markets) = np.arange(edges[0], edges[-1]), pd.factorize(calendar["market"])
        rows = np.equal.outer(np.arange(len(markets)), of)
        opened = np.array([day.toordinal() for day in calendar["start"]])
        closed = np.array([days[-1] if pd.isna(day) else day.toordinal() for day in calendar["end"]])
        is_open = rows @ ((days >= opened[:, None]) & (days <= closed[:, None]))
        first = np.where(rows, opened, opened.max()).min(axis=1, keepdims=True)
        last = np.where(rows, opened, 0).max(axis=1, keepdims=True)
        behind = np.where(rows @ calendar["launched"].to_numpy(bool), 0.0, Prior.old)
        middle = edges[:-1] + np.diff(edges) // 2
        return cls(
            months=months,
            edges=edges,
            markets=tuple(markets),
            open_before=np.pad(is_open.cumsum(axis=1, dtype=float), ((0, 0), (1, 0))),
            age=(middle - first) / DAYS_PER_MONTH + behind[:, None],
            reopened=(edges[1:] > last) & (last > first),
            where=np.nonzero(edges[1:] > first),
        )

    @property
    def span(self) -> Span:
        return Span(date.fromordinal(self.edges[0]), date.fromordinal(self.edges[-1] - 1))

    def open_days(self, markets: tuple[str, ...], start: date, end: date) -> np.ndarray:
        """Open days of each state from `start` to `end`, zero for other markets than these; shape (S,)."""
        inside = np.clip(np.clip(self.edges, start.toordinal(), end.toordinal() + 1), self.edges[0], self.edges[-1])
        days = np.diff(self.open_before[:, inside - self.edges[0]], axis=1)
        return (days * np.array([name in markets for name in self.markets])[:, None])[self.where]


class Layout(NamedTuple):
    """States, and then biases, are mean + the sum of scale * block @ z over groups, z ~ N(0, 1)."""

    mean: np.ndarray  # shape (S + B,)
    blocks: dict[str, np.ndarray]  # by group, shape (S + B, its parameters)
    biases: dict[tuple[str, str], int]  # (kind, name) of a basis, counter or publication -> place among the S + B


def _path(restless: np.ndarray, anchor: int, growth_sd: float) -> np.ndarray:
    """Loadings of a path of AR(1) growth, zero in the month `anchor`, on the shocks to growth of each month but the
    first. What a shock has come to after n months is the sum of the first n powers of the memory."""
    months, memory = np.arange(len(restless)), Prior.growth_memory
    powers = memory ** np.maximum(np.subtract.outer(months, months) + 1.0, 0)
    first = np.where(months == 1, 1.0, np.sqrt(1 - memory**2))  # the first growth has the variance of all
    path = ((1 - powers) / (1 - memory) * growth_sd * first * restless)[:, 1:]
    return path - path[min(anchor, len(path) - 1)]


def _layout(grid: Grid, observations: Observations, facts: pd.DataFrame, level: float) -> Layout:
    market, month = grid.where
    anchor = grid.months.get_loc(pd.Period(max(facts["end"]), "M"))
    years = np.clip((anchor - np.arange(len(grid.months))) / 12, 0, Prior.fading_years)
    restless = Prior.growth_fading**years
    age = np.maximum(grid.age[market, month], 0)
    ramp = np.log((age + Prior.ramp_delay) / (Prior.ramp_age + Prior.ramp_delay))[:, None]
    places = observations.places.loc[list(grid.markets)]
    region, names = pd.factorize(places["region"])
    sized = places["size"].notna().to_numpy()
    smallest = places.groupby("region")["size"].transform("min").fillna(places["size"].min() if sized.any() else 1.0)
    size = np.log(places["size"].fillna(smallest).to_numpy())  # statistics are of large markets first
    of_market = np.equal.outer(market, np.arange(len(grid.markets))).astype(float)
    season = np.equal.outer(grid.months.month[month], np.arange(1, 13)).astype(float)
    starts = [month[market == m].min() for m in range(len(grid.markets))]
    own = [_path(restless[n:], max(anchor - n, 0), Prior.own_growth_sd) for n in starts]
    blocks = [
        (FIXED, np.full((len(market), 1), Prior.level_sd)),
        (FIXED, ramp * Prior.ramp_exponent_sd),
        (FIXED, np.equal.outer(region[market], np.arange(len(names))) * Prior.region_sd),
        (FIXED, of_market * ramp * Prior.own_exponent_sd),
        (FIXED, of_market[:, ~sized] * Prior.unsized_sd),
        (FIXED, of_market * grid.reopened[market, month][:, None] * Prior.reopening_sd),
        (FIXED, season * Prior.season_sd),
        (FIXED, (of_market[:, :, None] * season[:, None, :]).reshape(len(market), -1) * Prior.season_sd),
        (GROWTH, _path(restless, anchor, Prior.common_growth_sd)[month]),
        (GROWTH, block_diag(*own)),
        (SPREAD, of_market * Prior.share_sd),
    ]
    mean = level + (size - size.mean())[market] + ramp[:, 0] * observations.ramp_exponent
    mean = mean + season @ _season_profile(observations.season)
    # A counter is biased about its basis; what a publication got wrong it got wrong in all its amounts.
    biased = facts[facts["basis"].isin(Prior.bias_sd)]
    basis_of = dict(zip(biased["counter"], biased["basis"], strict=True))
    error_of = {p: max(Prior.noise[c] for c in rows) for p, rows in biased.groupby("publication")["confidence"]}
    entries = [(("basis", name), FIXED, sd) for name, sd in Prior.bias_sd.items()]
    entries += [(("counter", name), FIXED, Prior.bias_sd[basis]) for name, basis in sorted(basis_of.items())]
    entries += [(("publication", name), NOISE, np.sqrt(Prior.shared) * sd) for name, sd in error_of.items()]
    sds, groups, by_group = np.diag([sd for *_, sd in entries]), np.array([group for _, group, _ in entries]), {}
    for name in (FIXED, GROWTH, SPREAD, NOISE):
        of_states = [np.zeros((len(market), 0)), *(block for group, block in blocks if group == name)]
        by_group[name] = block_diag(np.hstack(of_states), sds[:, groups == name])
    places = {name: len(market) + i for i, (name, *_) in enumerate(entries)}
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


Cell = tuple[str, date, date]  # a market or region, its first and last day


def cells_of(facts: pd.DataFrame) -> list[tuple[Cell, Cell | None]]:
    """The cell of each fact, and that which it is a ratio to."""
    cells, bases = (zip(*(facts[name] for name in names), strict=True) for names in (CELL, BASE))
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

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What each fact would be, by states and biases, shape (K + B, ...)."""
        states, biases = np.split(x, [self.days.shape[1]])
        return self.cells @ np.log(self.days @ np.exp(states)) + self.bias @ biases

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives of `sums`, shape (N, K + B)."""
        return np.hstack([self.cells @ self._shares(x), self.bias])

    def _shares(self, x: np.ndarray) -> np.ndarray:
        """Share of each state in the total of each cell, shape (C, K)."""
        parts = self.days * np.exp(x[: self.days.shape[1]])
        return parts / parts.sum(axis=1, keepdims=True)

    def scale(self, residual: np.ndarray) -> np.ndarray:
        return np.where(residual > 0, self.above, self.below)

    def loss(self, residual: np.ndarray, heat: float = 1.0) -> float:
        """Minus the log likelihood, up to a constant; `heat` widens the normal core of the noise, not its scale."""
        z = residual / self.scale(residual) / heat
        return float(np.log1p(z**2 / Prior.dof).sum() * heat**2 * (Prior.dof + 1) / 2)

    def weights(self, residual: np.ndarray, heat: float = 1.0) -> np.ndarray:
        """Of least squares: the first derivative of the loss is weight times residual."""
        return (Prior.dof + 1) / (Prior.dof * self.scale(residual) ** 2 + (residual / heat) ** 2)

    def hessian(self, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Times a vector: the second derivative of the loss by states and biases, that of the log totals included."""
        residual, slopes, shares = self.value - self.sums(x), self.slopes(x), self._shares(x)
        weights, z2 = self.weights(residual), (residual / self.scale(residual)) ** 2
        curvature = weights * (Prior.dof - z2) / (Prior.dof + z2)  # negative in the tails
        force = -(self.cells.T @ (weights * residual))

        def times(v: np.ndarray) -> np.ndarray:
            turned, states = slopes.T @ (curvature * (slopes @ v)), v[: shares.shape[1]]
            turned[: len(states)] += (force @ shares) * states - shares.T @ (force * (shares @ states))
            return turned

        return times


def _likelihood(facts: pd.DataFrame, days: dict[Cell, np.ndarray], layout: Layout) -> Likelihood:
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
    is_amount, is_biased = facts["base_market"].isna().to_numpy(), facts["basis"].isin(Prior.bias_sd).to_numpy()
    for kind in ("basis", "counter", "publication"):  # a ratio is of one counter on both sides: its bias cancels
        for i, name in enumerate(facts[kind]):
            if is_amount[i] and is_biased[i]:
                bias[i, layout.biases[kind, name] - days.shape[1]] = 1
    kept = np.where(is_biased, np.where(is_amount, np.sqrt(1 - Prior.shared), 1.0), Prior.reference_noise)
    spans, last = [Span(*cell[1:]) for cell, _ in pairs], max(facts["end"])
    noise = np.sqrt(
        (kept * facts["confidence"].map(Prior.noise).to_numpy()) ** 2
        + (facts["qualifier"] != "exact").to_numpy() * Prior.about**2
        + Prior.day_sd**2 * np.array([0 if span.months else 1 / span.days for span in spans])
        + (Prior.season_shift * np.array([(last - s.end).days / 365 * (s.length_in_months < 12) for s in spans])) ** 2
    )
    slack = facts["qualifier"].map(Prior.slack).fillna(0.0).to_numpy()
    is_floor = facts["qualifier"].isin(FLOORS).to_numpy()
    above, below = np.hypot(noise, slack * ~is_floor), np.hypot(noise, slack * is_floor)
    value = facts["log_value"].to_numpy()
    return Likelihood(np.append(states, places), days[:, states], cells, bias, value, above, below)


def fit(observations: Observations, until: date, draws: int = DRAWS) -> Market:
    """The posterior of a platform's monthly GMV up to the month of `until`, or of the last fact if that is later.

    Raises
    ------
    TooLittleKnown
        If no fact gives an amount of days on which a market was open: from ratios alone follows no level.
    """
    facts, regions, calendar = observations.facts, observations.regions, observations.calendar
    if facts.empty:
        raise TooLittleKnown("nothing is published about this platform's GMV")
    end = max([until, *facts["end"]])
    first = min([*facts["start"], *facts["base_start"].dropna()])
    grid = Grid.of(calendar[[day <= end for day in calendar["start"]]], first.replace(month=1, day=1), end)
    pairs = cells_of(facts)
    days = {cell: grid.open_days(regions[cell[0]], *cell[1:]) for pair in pairs for cell in pair if cell}
    # A figure for days on which no market was open has no total to be compared with.
    used = facts[[all(days[cell].any() for cell in pair if cell) for pair in pairs]]
    amounts = used[used["base_market"].isna()]
    if amounts.empty:
        raise TooLittleKnown("no amount of GMV is published of this platform: growth and shares alone give no level")
    level = float(np.median(amounts["log_value"] - np.log([days[cell].sum() for cell, _ in cells_of(amounts)])))
    layout = _layout(grid, observations, used, level)
    posterior = _posterior(layout, _likelihood(used, days, layout), draws)
    return Market(observations, used, grid, posterior, np.ones(len(grid.where[0])))


def _mode(covariance, mean, likelihood: Likelihood, a: np.ndarray, cooling: int, tolerance: float) -> np.ndarray:
    """The a of highest posterior density, where states and biases of which facts tell are mean + covariance @ a.

    Least squares first, whose weights cool down to those of the Student-t, so that a fact far from the start is not
    taken for a misprint; near the mode Newton's steps. They go on until nothing moves any more, so that every processor
    ends at the same numbers.
    """

    def loss(a: np.ndarray, away: np.ndarray) -> float:
        return a @ away / 2 + likelihood.loss(likelihood.value - likelihood.sums(mean + away), heat)

    shape, moved = covariance.shape, np.inf
    for iteration in range(_STEPS):
        heat = max(1.0, 2.0 ** (cooling - iteration))
        away = covariance @ a
        residual, slopes = likelihood.value - likelihood.sums(mean + away), likelihood.slopes(mean + away)
        weights, reach = likelihood.weights(residual, heat), slopes @ covariance
        force = slopes.T @ (weights * residual) - a
        factor, _ = dpotrf(reach @ slopes.T + np.diag(1 / weights), lower=1)

        def least_squares(v: np.ndarray, slopes=slopes, reach=reach, factor=factor) -> np.ndarray:
            return v - slopes.T @ dpotrs(factor, reach @ v, lower=1)[0]

        step = least_squares(force)
        if moved < _NEAR:
            hessian, near = likelihood.hessian(mean + away), LinearOperator(shape, least_squares)
            newton = LinearOperator(shape, lambda v, hessian=hessian: v + hessian(covariance @ v))
            faster, _ = gmres(newton, force, x0=step, rtol=1e-4, restart=20, maxiter=1, M=near)
            step = faster if faster @ covariance @ force > 0 else step
        toward = covariance @ step
        moved = np.abs(toward).max()
        if heat == 1 and moved < tolerance:
            return a + step
        # No state moves by more than a factor of 20.
        length, here, gain = min(1.0, 3 / moved), loss(a, away), force @ toward
        while moved > _FLAT and loss(a + length * step, away + length * toward) > here - 1e-4 * length * gain:
            length /= 2
            if length < 1e-3:  # no bowl here: back to least squares
                moved = np.inf
                break
        a = a + length * step
    raise RuntimeError(f"the market model did not converge in {_STEPS} steps")


def _posterior(layout: Layout, likelihood: Likelihood, draws: int) -> Posterior:
    """Learn the scales, each round about the mode of the last; then the mode at their mean."""
    points, told = np.array(list(product(*Prior.scales.values()))), likelihood.told
    belief = -((points / list(Prior.scale_sd.values())) ** 2).sum(axis=1) / 2
    logs, a, mean = np.zeros(len(Prior.scales)), np.zeros(len(told)), layout.mean[told]
    blocks = {group: block[told] for group, block in layout.blocks.items()}
    covariances = {group: block @ block.T for group, block in blocks.items()}
    for last in (False, False, True):
        scales = dict(zip(Prior.scales, np.exp(logs), strict=True))
        noisy = replace(likelihood, above=likelihood.above * scales[NOISE], below=likelihood.below * scales[NOISE])
        covariance = _scaled(covariances, scales)
        a = _mode(covariance, mean, noisy, a, 0 if a.any() else _COOLING, _EXACT if last else _ROUGH)
        x = mean + covariance @ a
        slopes, residual = noisy.slopes(x), noisy.value - noisy.sums(x)
        reach = {group: slopes @ block for group, block in blocks.items()}
        precision = noisy.weights(residual)
        if last:
            break
        heights = {group: block @ block.T for group, block in reach.items()}
        gap = residual + slopes @ (x - mean)  # of each fact from what the prior's centre says, to first order
        evidence = belief + _evidence(heights, 1 / precision / scales[NOISE] ** 2, gap, np.exp(points))
        weight = np.exp(evidence - evidence.max())
        weight /= weight.sum()
        logs = weight @ points
    reach = {group: block @ reach[group].T for group, block in layout.blocks.items()}
    mode = layout.mean + _scaled(reach, scales) @ (precision * residual)
    return Posterior(layout, noisy, scales, mode, slopes, residual, precision, reach, points, weight, draws)


def _scaled(blocks: dict[str, np.ndarray], scales: dict[str, float]) -> np.ndarray:
    """The sum of covariances by group, each with its scale."""
    return sum(scales.get(group, 1.0) ** 2 * block for group, block in blocks.items())


def _evidence(heights: dict[str, np.ndarray], variance: np.ndarray, gap: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Log marginal likelihood at each point of the grid of scales, the facts being normal to first order.

    Where `gap` borders their covariance L L', L borders it with gap / L: one factorisation gives both of its terms.
    """
    fixed, growth, spread, noise = (np.pad(heights[group], (0, 1)) for group in (FIXED, GROWTH, SPREAD, NOISE))
    noise[:-1, :-1] += np.diag(variance)
    fixed[-1, :-1] = fixed[:-1, -1] = gap
    fixed[-1, -1] = 1 + 2 * gap @ gap / (variance.min() * points.min() ** 2)  # large enough for a factor to exist
    factors = np.linalg.cholesky(fixed + np.tensordot(points**2, [growth, spread, noise], 1))
    diagonals = np.diagonal(factors, axis1=1, axis2=2)[:, :-1]
    return -np.log(diagonals).sum(axis=1) - (factors[:, -1, :-1] ** 2).sum(axis=1) / 2


@dataclass(frozen=True, eq=False)
class Posterior:
    """States and biases given the facts: their mode, and draws about it."""

    layout: Layout
    likelihood: Likelihood  # at the mean of the learnt scales
    scales: dict[str, float]
    mode: np.ndarray  # of states and biases, shape (S + B,)
    slopes: np.ndarray  # of the facts there, by the states and biases of which they tell
    residual: np.ndarray
    precision: np.ndarray  # of the facts, as normal as they are there
    reach: dict[str, np.ndarray]  # covariance of states and biases with the facts, by group, shape (S + B, N)
    points: np.ndarray  # grid of log scales, and the weight of each
    weight: np.ndarray
    draws: int

    @cached_property
    def gain(self) -> tuple[np.ndarray, np.ndarray]:
        """Covariance of states and biases with the facts at the mean scales, and of the facts with their noise."""
        reach = _scaled(self.reach, self.scales)
        return reach, self.slopes @ reach[self.likelihood.told] + np.diag(1 / self.precision)

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws of US dollars an open day in each state, and of the biases in their order, shape (S or B, draws).

        A Student-t is a normal of unknown precision: two sweeps of Gibbs sampling from Laplace's normal, precisions
        given parameters [2]_ and parameters given precisions, let in that any fact may be the misprint. The chances of
        the precisions lie in strata over the batches, and the scales are those of the grid in proportion to their
        weight. Facts tell of few directions: a draw is one of the prior, moved by the covariance of states with facts,
        so that the systems to solve have as many unknowns as there are facts.
        """
        likelihood, told, slopes, value = self.likelihood, self.likelihood.told, self.slopes, self.likelihood.value
        rng, batches, facts = np.random.default_rng(_SEED), max(self.draws // _BATCH, 1), len(value)
        strata = rng.permuted(np.tile(np.arange(batches)[:, None], (1, 2 * facts)), axis=0)
        chances = ((strata + rng.random(strata.shape)) / batches).reshape(batches, 2, facts)
        chi_squares = 2 * gammaincinv((Prior.dof + 1) / 2, chances)
        at = np.searchsorted(self.weight.cumsum(), (np.arange(batches) + 0.5) / batches)
        # Few points of the grid have most of the weight: what moves states is worked out once for each.
        points, point_of = np.unique(np.minimum(at, len(self.points) - 1), return_inverse=True)
        by_point = np.exp(self.points[points])
        scales = dict(zip(Prior.scales, by_point[point_of].T, strict=True))
        reaches = [_scaled(self.reach, dict(zip(Prior.scales, point, strict=True))) for point in by_point]
        near = [reach[told] for reach in reaches]
        heights = [slopes @ reach for reach in near]
        # Mean and variance of the noise: two halves of a normal that join at zero (John 1982).
        ratio = scales[NOISE] / self.scales[NOISE]
        above, below = likelihood.above[:, None] * ratio, likelihood.below[:, None] * ratio
        offset = np.sqrt(2 / np.pi) * (above - below)
        variance = (1 - 2 / np.pi) * (above - below) ** 2 + above * below

        def moved(matrices: list[np.ndarray], force: np.ndarray) -> np.ndarray:
            """A matrix of each point times the force in the draws of its batches, which lie side by side."""
            ends = np.bincount(point_of).cumsum()[:-1] * (force.shape[1] // batches)
            return np.hstack([m @ part for m, part in zip(matrices, np.split(force, ends, axis=1), strict=True)])

        def randomised(weights: np.ndarray, pairs: int, corrections: int) -> np.ndarray:
            """Draws of states and biases given the precision of each fact in each batch, shape (S + B, all draws): one
            a batch, or `pairs` antithetic ones. By randomising and optimising [3]_; the first correction is Laplace's
            normal, which alone would let the markets of a published sum drift apart, and so lift the sum.
            """
            factors = [dpotrf(heights[n] + np.diag(1 / weights[:, b]), lower=1)[0] for b, n in enumerate(point_of)]

            def normals(count: int) -> np.ndarray:
                return rng.standard_normal((count, batches, pairs or 1))

            def both(drawn: np.ndarray) -> np.ndarray:
                return np.concatenate([drawn, -drawn] if pairs else [drawn], axis=2).reshape(len(drawn), -1)

            def solved(missed: np.ndarray) -> np.ndarray:
                parts = zip(factors, np.split(missed, batches, axis=1), strict=True)
                return np.hstack([dpotrs(factor, part, lower=1)[0] for factor, part in parts])

            drawn = 0.0
            for group, block in self.layout.blocks.items():
                shocks = normals(block.shape[1]) * np.reshape(scales.get(group, np.ones(batches)), (-1, 1))
                drawn = drawn + block @ shocks.reshape(len(shocks), batches * (pairs or 1))
            start = self.layout.mean[:, None] + both(drawn.reshape(len(drawn), batches, -1))
            heard = value[:, None] - np.repeat(offset, 2 * pairs or 1, axis=1)
            heard = heard + both(normals(facts) / np.sqrt(weights)[:, :, None])
            mode = self.mode[told][:, None]
            force = solved(heard - likelihood.sums(mode) - slopes @ (start[told] - mode))
            for _ in range(corrections - 1):
                force = solved(heard - likelihood.sums(start[told] + moved(near, force)) + moved(heights, force))
            return start + moved(reaches, force)

        weights = self.precision[:, None] / ratio**2
        for sweep, corrections in enumerate((1, _CORRECTIONS)):
            missed = value[:, None] - likelihood.sums(randomised(weights, 0, corrections)[told]) - offset
            weights = chi_squares[:, sweep].T / (Prior.dof * variance + missed**2)
        states, biases = np.split(randomised(weights, _BATCH // 2, _CORRECTIONS), [-len(self.layout.biases)])
        return np.exp(states), biases


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
    _found: dict = field(default_factory=dict, repr=False)  # by `once`

    def under(self, factor: Callable[[str, pd.PeriodIndex], np.ndarray]) -> Market:
        """The same posterior, with the GMV of each market multiplied by `factor(market, months)`, a month at a time."""
        market, month = self.grid.where
        by_market = np.array([factor(name, self.grid.months) for name in self.grid.markets])
        return replace(self, factor=self.factor * by_market[market, month])

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` finds for a key, in this model or in one that is the same but for its scenario."""
        if key not in self._found:
            self._found[key] = work()
        return self._found[key]

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
        return days[open_states] @ self.posterior.sample[0][open_states] * bias

    def _bias(self, kind: str, name: str) -> np.ndarray | float:
        place = self.posterior.layout.biases.get((kind, name))
        return 0.0 if place is None else self.posterior.sample[1][place - len(self.posterior.layout.mean)]

    def figure(self, markets: str, span: Span, basis: str, counter: str, confidence: str):
        """Draws of the figure that a counter will publish: its count, with what is not known of a new counter, and the
        noise of a figure of such confidence; shape (draws,)."""
        values, rng = self.draws(markets, span, basis, counter), np.random.default_rng(_SEED)
        new = Prior.bias_sd.get(basis, 0.0) * (("counter", counter) not in self.posterior.layout.biases)
        noise = Prior.noise[confidence] * (Prior.reference_noise if basis in REFERENCE else 1.0)
        sd = np.hypot(new, noise * self.posterior.scales[NOISE])
        return values * np.exp(sd * rng.standard_normal(len(values)))

    def drivers(self, markets: str, span: Span, most: int = 6) -> tuple[str, ...]:
        """The facts that say most of what is known of a total, the strongest first: by what their weight takes off the
        variance of its log, to first order (the infinitesimal jackknife); of facts that tell alike the first."""
        if not self.total_at_mode(markets, span):
            return ()
        part = self._pull(markets, span) ** 2 / self.posterior.precision
        order = np.argsort(-(part / part.max()).round(6), kind="stable")
        return tuple(self.facts.index[order[:most]])

    def influence(self, markets: str, span: Span) -> pd.Series:
        """Change of the log of `total_at_mode` if a fact were left out, to first order; indexed by fact (Cook 1977)."""
        force = self.posterior.precision * self.posterior.residual
        leverage = np.diag(np.linalg.inv(self.posterior.gain[1]))
        return pd.Series(-self._pull(markets, span) * force / leverage, self.facts.index)

    def _pull(self, markets: str, span: Span) -> np.ndarray:
        """Change of a log total for that of each fact, to first order, shape (N,)."""
        (reach, covariance), gmv = self.posterior.gain, self._at_mode(markets, span)
        return np.linalg.solve(covariance, gmv / gmv.sum() @ reach[: len(gmv)])

    def total_at_mode(self, markets: str, span: Span) -> float:
        """GMV of some markets over a span at the mode of the parameters; needs no draws."""
        return float(self._at_mode(markets, span).sum())

    def _at_mode(self, markets: str, span: Span) -> np.ndarray:
        return self._days(markets, span) * np.exp(self.posterior.mode[: len(self.factor)])

    @cached_property
    def status(self) -> pd.DataFrame:
        """How each market is known in each month (columns market, month, status): `reported` if a fact of the market
        covers a day of it, `inferred` if a sum of markets does, otherwise `unknown`: the model's alone."""
        row, month = self.grid.where
        status = np.full(len(row), "unknown", dtype=object)
        cells = {(self.observations.regions[region], start, end) for (region, start, end), _ in cells_of(self.facts)}
        for members, start, end in sorted(cells, key=lambda cell: -len(cell[0])):
            status[self.grid.open_days(members, start, end) > 0] = "inferred" if len(members) > 1 else "reported"
        markets = np.array(self.grid.markets)[row]
        return pd.DataFrame({"market": markets, "month": self.grid.months[month], "status": status})

    def residuals(self) -> pd.DataFrame:
        """Each fact against the model, the worst first: measure, published and expected (US dollars or a ratio, as its
        counter would count), z (log residual over the scale of its noise), conflict (|z| > 3)."""
        likelihood, residual = self.posterior.likelihood, self.posterior.residual
        z = (residual / likelihood.scale(residual)).round(6)  # so that facts that differ alike stay in their order
        published, expected = np.exp(likelihood.value), np.exp(likelihood.value - residual)
        table = self.facts[["measure"]].assign(published=published, expected=expected, z=z, conflict=abs(z) > CONFLICT)
        return table.iloc[np.argsort(-np.abs(z), kind="stable")]

    def bias(self, basis: str) -> tuple[np.ndarray, pd.Index] | None:
        """Draws of what a basis counts for one dollar of the company's count, and its facts; None without amounts."""
        facts = self.facts[self.facts["basis"] == basis]
        if not facts["base_market"].isna().any():
            return None
        return np.exp(self._bias("basis", basis)), facts.index


def constant_growth(ratio: np.ndarray, months: int) -> np.ndarray:
    """The growth q − 1 a month (0.1 is 10 %) with which n months bring a ratio to the month before them; like `ratio`.

    Solves q + q² + … + qⁿ = ratio; −1 if the ratio is zero.
    """
    low, high = np.zeros_like(ratio), 1 + ratio  # q alone is less than the whole sum
    for _ in range(60):  # halving: enough for every bit of a float
        middle = (low + high) / 2
        enough = (middle[:, None] ** np.arange(1, months + 1)).sum(axis=1) >= ratio
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high - 1
