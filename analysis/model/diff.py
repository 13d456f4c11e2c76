"""Two reports side by side, as text: facts, estimates with reasons, and the headline of each chapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from analysis.facts.check import by_day, count
from analysis.facts.quantity import Quantity
from analysis.facts.report import ParameterError, Report
from analysis.model.changes import Changes, changes


def compare(before: Report, after: Report, headlines: Callable[[Report], dict[str, str]]) -> str:
    """What changed from one report to a later one; `headlines` gives those of a report by chapter.

    Raises
    ------
    ParameterError
        If the first is not the earlier one.
    """
    if before.as_of >= after.as_of:
        raise ParameterError(
            f"{before.quarter.code} (as of {before.as_of}) is not before {after.quarter.code} (as of {after.as_of}). "
            "Allowed: the earlier quarter first"
        )
    found = changes(before, after)
    return "\n".join([*_facts(found), *_estimates(found), *_headlines(headlines(before), headlines(after))])


def _facts(found: Changes) -> Iterator[str]:
    before, after = found.before, found.after
    yield f"{before.quarter.code} as of {before.as_of}, then {after.quarter.code} as of {after.as_of}"
    yield f"new: {count(len(found.new), 'fact')}"
    yield from by_day(found.new)
    if len(found.gone):
        yield f"gone: {count(len(found.gone), 'fact')}"
        yield from by_day(found.gone)
    yield f"quoted differently: {count(len(found.revised), 'cell')}"
    for row in found.revised.itertuples():
        yield f"    {row.cell}: {_sourced(row.before)}, now {_sourced(row.after)}"
    yield f"new: {count(len(found.events), 'event')}"
    for event in found.events.itertuples():
        yield f"    {event.Index}: {event.event} ({event.span.short})"


def _sourced(figure: Quantity) -> str:
    return f"{figure.text} ({', '.join(origin.id for origin in figure.origins)})"


def _estimates(found: Changes) -> Iterator[str]:
    year = found.after.year.short
    yield f"estimates of {year}"
    world = pd.DataFrame([(found.after.call("Global"), found.expected_before.median, found.expected.median)])
    for name, earlier, later in [*world.itertuples(index=False), *found.markets.itertuples(index=False)]:
        yield f"    {name}: {earlier.text if earlier else 'none'}, now {later.text if later else 'none'}"
    yield f"why the world’s estimate of {year} moved (and the chance of the target)"
    days = iter((found.before.as_of, found.after.as_of))
    for step in found.steps.itertuples():
        if step.total:
            yield f"    estimate on {next(days)}: {step.value.text}" + (f" ({step.chance.text})" if step.chance else "")
        else:
            points = f" ({100 * step.chance.value:+.1f} points)" if step.chance else ""
            facts = " ".join(origin.id for origin in step.value.origins if origin.id in found.new.index)
            new = f"new figures for {step.place}" if step.place else "everything else"
            yield f"    {new}: {step.value.text}{points}  {facts}".rstrip()


def _headlines(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    yield "headlines"
    for name in after:
        if before[name] == after[name]:
            yield f"    {name}: unchanged: {after[name]}"
        else:
            yield from (f"    {name}: {before[name]}", f"    {' ' * len(name)}  now {after[name]}")
