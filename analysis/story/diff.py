"""Two reports side by side, as text: facts, estimates with reasons, and the headline of each chapter."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.facts.ledger import CELL
from analysis.facts.report import ParameterError, Report
from analysis.model.changes import Changes, changes
from analysis.model.observations import WORLD
from analysis.story.chapter import headlines
from analysis.story.check import by_day, count


def compare(before: Report, after: Report) -> str:
    """What changed from one report to a later one; ParameterError if the first is not the earlier one."""
    if before.as_of >= after.as_of:
        raise ParameterError(
            f"{before.quarter.code} (as of {before.as_of}) is not before {after.quarter.code} (as of {after.as_of}). "
            "Allowed: the earlier quarter first"
        )
    found = changes(before, after)
    return "\n".join([*_facts(found), *_estimates(found), *_headlines(headlines(before), headlines(after))])


def _facts(found: Changes) -> Iterator[str]:
    before, after, old, now = found.before, found.after, found.before.ledger, found.after.ledger
    yield f"{before.quarter.code} as of {before.as_of}, then {after.quarter.code} as of {after.as_of}"
    yield f"new: {count(len(found.new), 'fact')}"
    yield from by_day(found.new)
    gone = old.facts[~old.facts.index.isin(now.facts.index)]
    if len(gone):
        yield f"gone: {count(len(gone), 'fact')}"
        yield from by_day(gone)
    # Of a cell the first row is the one that is quoted.
    first, last = (ledger.facts.drop_duplicates(CELL).reset_index() for ledger in (old, now))
    both = last.merge(first, on=CELL, suffixes=("", "_before"))
    changed = both[(both["number"] != both["number_before"]) | (both["of"] != both["of_before"])]
    yield f"quoted differently: {count(len(changed), 'cell')}"
    for _, row in changed.iterrows():
        figures = before.by_id(row["id_before"]), after.by_id(row["id"])
        first, last = (f"{one.text} ({', '.join(origin.id for origin in one.origins)})" for one in figures)
        yield f"    {after.ledger.cell_name(row)}: {first}, now {last}"
    events = now.events[~now.events.index.isin(old.events.index)]
    yield f"new: {count(len(events), 'event')}"
    for event in events.itertuples():
        yield f"    {event.Index}: {event.event} ({event.span.short})"


def _estimates(found: Changes) -> Iterator[str]:
    report, year = found.after, found.after.year
    yield f"estimates of {year.short}"
    own = [market for market in report.ledger.vocabulary.markets if found.later.has_own_figure(market, year)]
    pairs = [(report.call(m), found.earlier.gmv(m, year).median, found.later.gmv(m, year).median) for m in own]
    world = report.call(WORLD), found.expected_before.median, found.expected.median
    for name, earlier, later in [world, *sorted(pairs, key=lambda pair: -pair[2].value)]:
        yield f"    {name}: {earlier.text if earlier else 'none'}, now {later.text if later else 'none'}"
    yield f"why the world’s estimate of {year.short} moved"
    for part in found.parts.itertuples():
        facts = " ".join(origin.id for origin in part.value.origins if origin.id in found.new.index)
        whose = f"new figures for {part.place}" if part.place else "everything else"
        yield f"    {whose}: {part.value.text}  {facts}".rstrip()


def _headlines(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    yield "headlines"
    for name in after:
        if before[name] == after[name]:
            yield f"    {name}: unchanged: {after[name]}"
        else:
            yield from (f"    {name}: {before[name]}", f"    {' ' * len(name)}  now {after[name]}")
