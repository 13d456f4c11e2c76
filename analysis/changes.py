"""What changed between two reports: which facts are new, which estimates moved, and which new facts moved them.

To say why an estimate moved, the new figures are added to the view of the older report a group at a time, in the order
in which they became public, and the model is fitted again after each. What a group brings depends on what was known
before it; that is how a reader met it, too. All changes together are the whole change, by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.estimates import Band, Estimates, estimates
from analysis.ledger import Vocabulary
from analysis.observations import WORLD
from analysis.page import Table
from analysis.prose import Sentence, frequency, maybe, moved, phrase, say
from analysis.quantity import Origin, Quantity
from analysis.report import PUBLICATION_LAG, ParameterError, Report
from analysis.span import Span

GROUPS = 4  # each costs a fit of the model
SMALL = 0.005  # of the estimate; a smaller part of its change is told with the rest
TELLING, NAMED = 10, 6  # new facts that the table and a part of the change name
CELL = ["platform", "market", "metric", "span"]
REST = "Everything else"


@dataclass(frozen=True)
class Changes:
    """What the later of two reports knows that the earlier did not, and what that did to the later one's year.

    Attributes
    ----------
    before, after : Report
    new, gone : DataFrame
        Facts of the later view that the earlier lacks, and the other way round, as in `Ledger.facts`.
    revised : DataFrame
        Cells for which the later view quotes another figure: `cell`, and the quantities `before`, `after`.
    events : DataFrame
        Events that became known in between, as in `Ledger.events`.
    expected_before, expected : Band
        GMV of the world in the later report's year, money, as either view has it.
    chance_before, chance : Quantity
        Probability that it reaches the target that was known at the time, per cent.
    target_before, target : Quantity
        That target, money.
    markets : DataFrame
        The same for each market with a figure of its own: `market`, and the quantities `before`, `after` (medians).
    steps, chance_steps : DataFrame
        From the earlier estimate to the later, and from chance to chance of the target: `label`; `value`; `total`,
        whether it is one of the two or a part of the change. The parts add up to the change. Without rows if there is
        nothing to compare.
    telling : list of str
        New facts, the one first that tells most about the year; then those that fill a cell of the year.
    used : int
        Number of the new facts that the model reads.
    """

    before: Report
    after: Report
    new: pd.DataFrame
    gone: pd.DataFrame
    revised: pd.DataFrame
    events: pd.DataFrame
    expected_before: Band
    expected: Band
    chance_before: Quantity
    chance: Quantity
    target_before: Quantity
    target: Quantity
    markets: pd.DataFrame
    steps: pd.DataFrame
    chance_steps: pd.DataFrame
    telling: list[str]
    used: int

    @property
    def change(self) -> Quantity:
        """Growth of the estimate from the earlier report to the later."""
        return (self.expected.median / self.expected_before.median).growth()

    @property
    def largest(self) -> tuple | None:
        """The part of the change that moved the estimate most."""
        parts = self.steps[~self.steps["total"].astype(bool)]
        return max(parts.itertuples(), key=lambda part: abs(part.value.value), default=None)

    @property
    def sentences(self) -> list[Sentence]:
        """What is new, what that did to the year, which facts did it, and what became of the target."""
        return [self._facts_sentence(), self._estimate_sentence(), self._reason_sentence(), self._target_sentence()]

    def _facts_sentence(self) -> Sentence:
        if self.new.empty:
            return say("Nothing new was published between {before.as_of_label} and {after.as_of_label}.", self)
        return say(
            "Between {before.as_of_label} and {after.as_of_label} {new} became public; {used} of them tell of "
            "{after.platform}’s GMV.",
            self,
            new=Quantity.counted(len(self.new), "fact", "rows of facts.csv"),
            used=Quantity.counted(self.used, "", "rows that the market model reads"),
        )

    def _estimate_sentence(self) -> Sentence:
        chances = maybe(
            "; the chance of the target went from {earlier} to {later}",
            earlier=frequency(self.chance_before),
            later=frequency(self.chance),
        )
        if self.chance_before and frequency(self.chance_before).text == frequency(self.chance).text:
            chances = maybe("; the chance of the target is still {later}", later=frequency(self.chance))
        return say(
            "The estimate for {after.year} {moved}, from {expected_before.median} to {expected.median}{chances}.",
            self,
            moved=moved(self.change),
            chances=chances,
        ) or say("For {after.year} there was no estimate before; now it is {expected.median}.", self)

    def _reason_sentence(self) -> Sentence:
        part = self.largest
        if part is None or not self.telling or abs(self.change.value) < SMALL:
            return Sentence()
        fact = next((f.id for f in part.value.origins if f.id in self.new.index), None)
        return say(
            "The largest part of that comes from {label}, which {did}{fact}.",
            label=part.label[0].lower() + part.label[1:],
            did=phrase("took {size} off" if part.value < 0 else "added {size}", size=abs(part.value)),
            fact=maybe(": above all {what}, {figure}", **self._described(fact)) if fact else maybe(""),
        )

    def _described(self, fact: str) -> dict[str, object]:
        row = self.after.ledger.facts.loc[fact]
        return {"what": self.after.cell_name(row), "figure": self.after.quantity(row)}

    def _target_sentence(self) -> Sentence:
        if not self.target_before:
            return say("The target of {target} for {after.year} was not known before.", self)
        if self.target.value == self.target_before.value:
            return Sentence()
        return say("The target for {after.year} went from {target_before} to {target}.", self)

    def facts_table(self) -> Table:
        """The new facts that tell most."""
        rows = []
        for fact in self.telling[:TELLING]:
            row = self.after.ledger.facts.loc[fact]
            rows.append((*self._described(fact).values(), row["basis"], row["known_on"]))
        data = pd.DataFrame(rows, columns=["New figure", "Value", "Counted by", "Public on"])
        return Table("summary_new_facts", say("The new figures that tell most about {after.year}", self), data)


def report_before(report: Report) -> Report:
    """The report of the quarter before, with what was public on its own date."""
    quarter = report.quarter.previous_quarter
    as_of = quarter.end + PUBLICATION_LAG
    return replace(report, quarter=quarter, as_of=as_of, ledger=report.ledger.known_by(as_of))


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
    year = after.year
    earlier, later = _looking_at(before, after), estimates(after)
    target_before, target = (report.fact(WORLD, "gmv_target", year) for report in (before, after))
    facts_before, facts = before.ledger.facts, after.ledger.facts
    new = facts[~facts.index.isin(facts_before.index)]
    read = () if later.market is None else new.index.intersection(later.market.facts.index)
    telling = _telling(later, new, read)
    used = sorted(read, key=lambda fact: telling.index(fact) if fact in telling else len(telling))
    steps = _steps(earlier, later, (target_before, target), _groups(after.ledger.vocabulary, new.loc[used]))
    return Changes(
        before=before,
        after=after,
        new=new,
        gone=facts_before[~facts_before.index.isin(facts.index)],
        revised=_revised(before, after),
        events=after.ledger.events[~after.ledger.events.index.isin(before.ledger.events.index)],
        expected_before=earlier.gmv(WORLD, year),
        expected=later.gmv(WORLD, year),
        chance_before=earlier.chance(WORLD, target_before),
        chance=later.chance(WORLD, target),
        target_before=target_before,
        target=target,
        markets=_markets(earlier, later),
        steps=steps[["label", "value", "total"]],
        chance_steps=steps[["label", "chance", "total"]].rename(columns={"chance": "value"}),
        telling=telling,
        used=len(used),
    )


def _looking_at(before: Report, after: Report) -> Estimates:
    """What the earlier report makes of the year of the later one: its own estimates, as far as they reach."""
    report = replace(before, quarter=after.quarter)
    reaches = before.horizon.end >= after.year.end
    return replace(estimates(before), report=report) if reaches else estimates(report)


def _revised(before: Report, after: Report) -> pd.DataFrame:
    """Cells whose leading figure is another one now."""
    old, now = (report.ledger.facts.drop_duplicates(CELL) for report in (before, after))
    both = now.reset_index().merge(old.reset_index(), on=CELL, suffixes=("", "_before"))
    changed = (both["number"] != both["number_before"]) | (both["of"] != both["of_before"])
    rows = [
        (after.cell_name(pair), before.by_id(pair["id_before"]), after.by_id(pair["id"]))
        for _, pair in both[changed].iterrows()
    ]
    return pd.DataFrame(rows, columns=["cell", "before", "after"])


def _markets(earlier: Estimates, later: Estimates) -> pd.DataFrame:
    """Estimates of the year in the markets that have a figure of their own, largest first."""
    report = later.report
    own = [market for market in report.ledger.vocabulary.markets if later.has_own_figure(market, report.year)]
    bands = [(market, *(model.gmv(market, report.year).median for model in (earlier, later))) for market in own]
    rows = sorted(bands, key=lambda row: -row[2].value)
    return pd.DataFrame([(report.call(m), *medians) for m, *medians in rows], columns=["market", "before", "after"])


def _telling(later: Estimates, new: pd.DataFrame, read: Iterable[str]) -> list[str]:
    report, drivers = later.report, ()
    if later.market is not None and later.gmv(WORLD, report.year):
        drivers = later.market.drivers(WORLD, report.year, most=len(later.market.facts))
    cells = new[new["platform"].isin([report.platform, report.rival])].drop_duplicates(CELL)
    of_year = cells[cells["span"].map(report.year.overlap) > 0] if len(cells) else cells
    return list(dict.fromkeys([*(fact for fact in drivers if fact in read), *of_year.index]))


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


def _steps(
    earlier: Estimates, later: Estimates, targets: tuple[Quantity, Quantity], groups: dict[str, list[str]]
) -> pd.DataFrame:
    """The change of the estimate of the year, and of the chance of the target, group by group of new facts."""
    columns = ["label", "value", "total", "chance"]
    before, after, year = earlier.report, later.report, later.report.year
    first, last = (model.gmv(WORLD, year).median for model in (earlier, later))
    if not (first and last):
        return pd.DataFrame(columns=columns)
    chances = [model.chance(WORLD, target) for model, target in zip((earlier, later), targets, strict=True)]
    dollars = [after.convert(target, year, "USD").value for target in targets]
    path = _path([earlier, *_with_more(later, groups), later], year, dollars)
    path[0] *= after.convert(Quantity(1.0, "USD"), year).value
    moves = pd.DataFrame(np.diff(path).T, index=["", *groups], columns=["value", "chance"])
    large = moves[(moves.index != "") & (moves["value"].abs() >= SMALL * last.value)]
    rest = np.array([last.value - first.value, chances[1].value - chances[0].value]) - large.sum(skipna=False)

    def part(label: str, move: pd.Series, told: str, origins: tuple[Origin, ...]) -> tuple:
        told = f"market model of {year.short}: {told}"
        chance = Quantity(move["chance"], "%", told, origins) if move.notna().all() else Quantity.unknown("a target")
        return label, Quantity(move["value"], last.unit, told, origins), False, chance

    rows = [(f"Estimate on {before.as_of_label.label}", first, True, chances[0])]
    for place, move in large.iterrows():
        origins = after.by_ids(groups[place][:NAMED])
        rows.append(
            part(f"New figures for {after.call(place)}", move, "with these figures, less without them", origins)
        )
    told = "the rest of the change: launches and plans, exchange rates, other platforms, small changes"
    if rest["value"]:
        rows.append(part(REST, rest, told, last.origins))
    rows.append((f"Estimate on {after.as_of_label.label}", last, True, chances[1]))
    return pd.DataFrame(rows, columns=columns)


def _with_more(later: Estimates, groups: dict[str, list[str]]) -> Iterator[Estimates]:
    """The later view without any group of new facts, then with one after the other, short of the last."""
    missing = list(groups.values())
    while missing:
        ledger = later.report.ledger.without(fact for facts in missing for fact in facts)
        yield estimates(replace(later.report, ledger=ledger), later.platform)
        missing.pop(0)


def _path(models: list[Estimates], year: Span, targets: list[float]) -> np.ndarray:
    """Median of the year's GMV, US dollars, and chance of the target, at each model on the way; shape (2, models).

    Both ends are those of their draws. In between only the mode is found, a fit without draws: the median keeps its
    ratio to the mode, and the draws their spread about the median, but for what changes from end to end. Each model has
    as much of that as the modes have moved by then, of all that they move.
    """
    markets = [model.market for model in models if model.market is not None]
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
