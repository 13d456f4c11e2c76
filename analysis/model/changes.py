"""What changed between two reports: which facts are new, which estimates moved, and which new facts moved them.

To say why an estimate moved, the new figures are added to the view of the older report a group at a time, in the order
in which they became public, and the model is fitted again after each. What a group brings depends on what was known
before it; that is how a reader met it, too. All changes together are the whole change, by construction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.facts.ledger import Vocabulary
from analysis.facts.quantity import Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.observations import WORLD

GROUPS = 4  # each costs a fit of the model
SMALL = 0.005  # of the estimate; a smaller part of its change is told with the rest
NAMED = 6  # new facts that a part of the change names


class Changes(NamedTuple):
    """What the later of two reports knows that the earlier did not, and what that did to the later one's year.

    `steps` lead from the earlier estimate of the world's GMV to the later, by groups of new facts, and what else
    changed: `place` whose figures they are, empty for the rest; `value`, money; `total`, whether one of the two
    estimates or a part; `chance` of the target that was known at the time, per cent. The parts add up.
    """

    before: Report
    after: Report
    earlier: Estimates  # what either view has of the year of `after`
    later: Estimates
    new: pd.DataFrame  # facts of the later view that the earlier lacks, as in `Ledger.facts`
    used: list[str]  # those of them that the model reads, the one first that says most about the year
    expected_before: Band
    expected: Band
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
    """Compare two reports on one platform that differ in their quarter, their date or their data.

    The estimates compared are those of the year of `after`, as either view has them.
    """
    year, asked = after.year, replace(before, quarter=after.quarter)
    earlier = replace(estimates(before if before.horizon.end >= year.end else asked), report=asked)
    later, facts = estimates(after), after.ledger.facts
    new = facts[~facts.index.isin(before.ledger.facts.index)]
    telling = later.market.drivers(WORLD, year, most=len(facts)) if later.market else ()
    used = [
        fact for fact in dict.fromkeys([*telling, *(later.market.facts.index if telling else ())]) if fact in new.index
    ]
    day = before.as_of_label.label
    then = Band(*(replace(q, formula=f"{q.formula}, as of {day}") for q in earlier.gmv(WORLD, year)))
    expected = [then, later.gmv(WORLD, year)]
    steps = _steps(earlier, later, new.loc[used], *expected) if all(expected) else []
    steps = pd.DataFrame(steps, columns=["place", "value", "total", "chance"])
    return Changes(before, after, earlier, later, new, used, *expected, steps)


def _groups(vocabulary: Vocabulary, used: pd.DataFrame) -> dict[str, list[str]]:
    """New facts by the largest region, short of the world, that has all of their market, or else the market; in the
    order in which each group's first was public. Those of small groups are one, without a name."""
    regions = {name: set(of) for name, of in vocabulary.regions.items() if name != WORLD}

    def place(market: str) -> str:
        members = set(vocabulary.members(market))
        around = [name for name, of in regions.items() if members and members <= of]
        return max(around, key=lambda name: len(regions[name]), default=market)

    places = used["market"].map(place)
    places = places.where(places.isin(places.value_counts(sort=True).index[:GROUPS]), "")
    first = used["known_on"].groupby(places).min()
    return {
        name: list(used.index[places == name]) for name in sorted(first.index, key=lambda name: (first[name], name))
    }


def _steps(earlier: Estimates, later: Estimates, used: pd.DataFrame, before: Band, now: Band) -> list[tuple]:
    """Place, value, whether it is an estimate or a part of the change, and chance of each step."""
    after, year, first, last = later.report, later.report.year, before.median, now.median
    targets = [model.report.fact(WORLD, "gmv_target", year) for model in (earlier, later)]
    chances = [model.chance(WORLD, target) for model, target in zip((earlier, later), targets, strict=True)]
    groups = _groups(after.ledger.vocabulary, used)
    # Without any group of new facts, then with one after the other, short of the last.
    missing = list(groups.values())
    between = [later.without(fact for facts in missing[n:] for fact in facts) for n in range(len(missing))]
    dollars = [after.convert(target, year, "USD").value for target in targets]
    path = _path([earlier, *between, later], year, dollars)
    path[0] *= after.convert(Quantity(1.0, "USD"), year).value
    path = np.vectorize(rounded)(path)
    moves = pd.DataFrame(np.diff(path).T, index=["", *groups], columns=["value", "chance"])
    large = moves[(moves.index != "") & (moves["value"].abs() >= SMALL * last.value)]
    rest = np.array([last.value - first.value, chances[1].value - chances[0].value]) - large.sum(skipna=False)
    parts = [(after.call(place), move, after.by_ids(groups[place][:NAMED])) for place, move in large.iterrows()]
    if rest["value"]:
        parts.append(("", rest, last.origins))
    rows = [("", first, True, chances[0])]
    for place, move, origins in parts:
        told = "the rest of the change: launches and plans, exchange rates, other platforms, small changes"
        told = f"market model of {year.short}: {'with these figures, less without them' if place else told}"
        chance = Quantity(move["chance"], "%", told, origins) if move.notna().all() else Quantity.unknown("a target")
        rows.append((place, Quantity(move["value"], last.unit, told, origins), False, chance))
    return [*rows, ("", last, True, chances[1])]


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
