"""What changed between two reports: which facts are new, which estimates moved, and which new facts moved them.

To say why an estimate moved, the new figures are added to the view of the older report a group at a time, in the order
in which they became public, and the model is fitted again after each. What a group brings depends on what was known
before it; that is how a reader met it, too. All changes together are the whole change, by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.facts.ledger import Vocabulary
from analysis.facts.quantity import Origin, Quantity, rounded
from analysis.facts.report import ParameterError, Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.observations import WORLD

GROUPS = 4  # each costs a fit of the model
SMALL = 0.005  # of the estimate; a smaller part of its change is told with the rest
NAMED = 6  # new facts that a part of the change names


@dataclass(frozen=True)
class Changes:
    """What the later of two reports knows that the earlier did not, and what that did to the later one's year.

    Amounts are GMV of the world in the year, money; chances those of the target that was known at the time, per cent.
    """

    before: Report
    after: Report
    earlier: Estimates  # what either view has of the year of `after`
    later: Estimates
    new: pd.DataFrame  # facts of the later view that the earlier lacks, as in `Ledger.facts`
    used: list[str]  # those of them that the model reads, the one first that says most about the year
    expected_before: Band
    expected: Band
    chance_before: Quantity
    chance: Quantity
    # From the earlier estimate to the later, by groups of new facts, and what else changed: `place` whose figures they
    # are, empty for the rest; `value`; `total`, whether one of the two estimates or a part; `chance`. The parts add up.
    steps: pd.DataFrame

    @property
    def change(self) -> Quantity:
        """Growth of the estimate from the earlier report to the later."""
        return (self.expected.median / self.expected_before.median).growth()

    @property
    def largest(self) -> tuple | None:
        """The part of the change that moved the estimate most."""
        parts = self.steps[~self.steps["total"].astype(bool)]
        return max(parts.itertuples(), key=lambda part: abs(part.value.value), default=None)


def changes(before: Report, after: Report) -> Changes:
    """Compare two reports that differ in their quarter, their date or their data.

    The estimates compared are those of the year of `after`, as either view has them.

    Raises
    ------
    ParameterError
        If the reports are about different platforms or in different currencies.
    """
    for name in ("platform", "currency"):
        ours, theirs = getattr(after, name), getattr(before, name)
        if ours != theirs:
            raise ParameterError(f"{name} is {theirs!r} in one report and {ours!r} in the other. Allowed: the same")
    year, asked = after.year, replace(before, quarter=after.quarter)
    earlier = replace(estimates(before if before.horizon.end >= year.end else asked), report=asked)
    later = estimates(after)
    facts = after.ledger.facts
    new = facts[~facts.index.isin(before.ledger.facts.index)]
    read = [] if later.market is None else new.index.intersection(later.market.facts.index)
    telling = later.market.drivers(WORLD, year, most=len(later.market.facts)) if len(read) else ()
    used = [fact for fact in telling if fact in read] + [fact for fact in read if fact not in telling]
    expected = [model.gmv(WORLD, year) for model in (earlier, later)]
    targets = [report.fact(WORLD, "gmv_target", year) for report in (before, after)]
    chances = [model.chance(WORLD, target) for model, target in zip((earlier, later), targets, strict=True)]
    steps = _steps(earlier, later, new.loc[used], expected, targets, chances) if all(expected) else []
    steps = pd.DataFrame(steps, columns=["place", "value", "total", "chance"])
    return Changes(before, after, earlier, later, new, used, *expected, *chances, steps)


# Why the estimate moved -------------------------------------------------------------------------------


def _groups(vocabulary: Vocabulary, used: pd.DataFrame) -> dict[str, list[str]]:
    """New facts by the part of the world that they are about, in the order in which each part's first was public."""
    places = used["market"].map(lambda market: _place(vocabulary, market))
    largest = places.value_counts(sort=True).index[:GROUPS]
    first = used["known_on"].groupby(places.where(places.isin(largest), "")).min()
    order = sorted(first.index, key=lambda place: (first[place], place))
    return {place: list(used.index[places.where(places.isin(largest), "") == place]) for place in order}


def _place(vocabulary: Vocabulary, market: str) -> str:
    """The largest region, short of the world, that has all of a market, or the market itself."""
    members = set(vocabulary.members(market))
    regions = {name: len(of) for name, of in vocabulary.regions.items() if name != WORLD and members <= set(of)}
    return max(regions, key=regions.__getitem__, default=market) if members else market


def _steps(earlier: Estimates, later: Estimates, used: pd.DataFrame, expected, targets, chances) -> list[tuple]:
    """Place, value, whether it is an estimate or a part of the change, and chance of each step."""
    after, year, (first, last) = later.report, later.report.year, (band.median for band in expected)
    dollars = [after.convert(target, year, "USD").value for target in targets]
    groups = _groups(after.ledger.vocabulary, used)
    # Without any group of new facts, then with one after the other, short of the last.
    missing = list(groups.values())
    between = [later.without(fact for facts in missing[n:] for fact in facts) for n in range(len(missing))]
    path = _path([earlier, *between, later], year, dollars)
    path[0] *= after.convert(Quantity(1.0, "USD"), year).value
    path = np.vectorize(rounded)(path)
    moves = pd.DataFrame(np.diff(path).T, index=["", *groups], columns=["value", "chance"])
    large = moves[(moves.index != "") & (moves["value"].abs() >= SMALL * last.value)]
    rest = np.array([last.value - first.value, chances[1].value - chances[0].value]) - large.sum(skipna=False)

    def part(place: str, move: pd.Series, told: str, origins: tuple[Origin, ...]) -> tuple:
        told = f"market model of {year.short}: {told}"
        chance = Quantity(move["chance"], "%", told, origins) if move.notna().all() else Quantity.unknown("a target")
        return place, Quantity(move["value"], last.unit, told, origins), False, chance

    rows = [("", first, True, chances[0])]
    for place, move in large.iterrows():
        origins = after.by_ids(groups[place][:NAMED])
        rows.append(part(after.call(place), move, "with these figures, less without them", origins))
    told = "the rest of the change: launches and plans, exchange rates, other platforms, small changes"
    if rest["value"]:
        rows.append(part("", rest, told, last.origins))
    rows.append(("", last, True, chances[1]))
    return rows


def _path(models: list[Estimates], year: Span, targets: list[float]) -> np.ndarray:
    """Median of the year's GMV, US dollars, and chance of the target, at each model on the way; shape (2, models).

    Both ends are those of their draws. In between only the mode is found, a fit without draws: the median keeps its
    ratio to the mode, and the draws their spread about the median, but for what changes from end to end. Each model has
    as much of that as the modes have moved by then, of all that they move.
    """
    markets = [(model if model.market else models[0]).market for model in models]  # some facts alone tell no level
    modes = np.log([market.total_at_mode(WORLD, year) for market in markets])
    moved = np.append(0, np.abs(np.diff(modes)).cumsum())
    done = moved / moved[-1] if moved[-1] else np.append(0, np.ones(len(modes) - 1))
    first, last = (market.draws(WORLD, year) for market in (markets[0], markets[-1]))
    ratio = np.log([np.median(first), np.median(last)]) - modes[[0, -1]]
    medians = np.exp(modes + (1 - done) * ratio[0] + done * ratio[1])
    wanted = np.append(targets[0], np.full(len(modes) - 1, targets[1])) / medians
    reached = [[(draws / np.median(draws) >= ratio).mean() for ratio in wanted] for draws in (first, last)]
    chances = (1 - done) * reached[0] + done * reached[1]
    return np.array([medians, np.where(np.isnan(wanted), np.nan, chances)])
