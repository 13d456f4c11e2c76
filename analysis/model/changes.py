"""What changed between two reports: which facts are new, which estimates moved, and which new facts moved them.

To say why an estimate moved, the new figures are added to the view of the older report a group at a time, in the order
in which they became public, and the model is fitted again after each. What a group brings depends on what was known
before it; that is how a reader met it, too. All changes together are the whole change, by construction.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.facts.ledger import Vocabulary
from analysis.facts.quantity import Band, Quantity, rounded
from analysis.facts.report import Report
from analysis.model.estimates import Estimates, estimates
from analysis.model.observations import WORLD

GROUPS = 4  # each costs a fit of the model
SMALL = 0.005  # of the estimate; a smaller part of its change is told with the rest
NAMED = 6  # new facts that a part of the change names


class Changes(NamedTuple):
    """What the later of two reports knows that the earlier did not, and what that did to the later one's year.

    `parts` lead from the earlier estimate of the world's GMV to the later, by groups of new facts, and what else
    changed: `place` whose figures they are, empty for the rest, and `value`, money; they add up.
    """

    before: Report
    after: Report
    earlier: Estimates  # what either view has of the year of `after`
    later: Estimates
    new: pd.DataFrame  # facts of the later view that the earlier lacks, as in `Ledger.facts`
    used: list[str]  # those of them that the model reads, the one first that says most about the year
    expected_before: Band
    expected: Band
    parts: pd.DataFrame


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
    parts = _parts(earlier, later, new.loc[used], *(band.median for band in expected)) if all(expected) else []
    parts = pd.DataFrame(parts, columns=["place", "value"])
    return Changes(before, after, earlier, later, new, used, *expected, parts)


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


def _parts(earlier: Estimates, later: Estimates, used: pd.DataFrame, first: Quantity, last: Quantity) -> list[tuple]:
    """Place and value of each part of the change from the first estimate to the last."""
    report, year, found = later.report, later.report.year, []
    groups = _groups(report.ledger.vocabulary, used)
    # Without any group of new facts, then with one after the other; some facts alone tell no level.
    missing = list(groups.values())
    without = [later.without(fact for facts in missing[n:] for fact in facts) for n in range(len(missing))]
    models = [model.market or earlier.market for model in (*without, later)]
    levels = np.array([model.total_at_mode(WORLD, year) for model in models])
    # Draws of the first and the last tell how far the median lies from the mode; in between it goes from one to other.
    ends = [np.median(models[n].draws(WORLD, year)) / levels[n] for n in (0, -1)]
    path = levels * np.geomspace(*ends, len(levels))
    rest, dollar = last.value - first.value, report.convert(Quantity(1.0, "USD"), year).value
    for (place, facts), (before, now) in zip(groups.items(), pairwise(path), strict=True):
        moved = rounded((now - before) * dollar)
        if place and abs(moved) >= SMALL * last.value:
            told = f"market model of {year.short}: with these figures, less without them"
            found.append((report.call(place), Quantity(moved, last.unit, told, report.by_ids(facts[:NAMED]))))
            rest -= moved
    if rest:
        told = "the rest of the change: launches and plans, exchange rates, other platforms, small changes"
        found.append(("", Quantity(rest, last.unit, f"market model of {year.short}: {told}", last.origins)))
    return found
