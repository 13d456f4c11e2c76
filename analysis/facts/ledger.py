"""The published figures: reading, checking, seeing them as of a date, converting their currencies.

data/README.md describes the folder for those who edit it; `schema` says what each file may hold.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from analysis.facts.assumptions import Assumptions
from analysis.facts.claims import Claim, RelationError, Row, evaluate, in_one_currency, names_of, read_claims
from analysis.facts.parameters import DATA
from analysis.facts.quantity import Origin, Quantity, is_currency
from analysis.facts.schema import (
    BASES,
    CONFIDENCE,
    QUALIFIERS,
    TABLES,
    Content,
    LedgerError,
    Metric,
    Problem,
    VocabularyFile,
    checked,
    entries_checked,
    read_table,
    read_toml,
    split_unit,
)
from analysis.facts.span import Span, day_label

FILES = (*TABLES, "vocabulary.toml", "scenarios.toml", "claims.toml")
_QUARTER = r"\d{4}Q[1-4]"
# What a figure of these metrics is an amount for.
_PER = {"gmv_monthly_average": "/month", "gmv_daily_average": "/day"}


@dataclass(frozen=True)
class Vocabulary:
    """The names that the CSV files may use, from vocabulary.toml."""

    platforms: dict[str, str]
    markets: dict[str, str]
    regions: dict[str, tuple[str, ...]]
    names: dict[str, str]
    metrics: dict[str, Metric]
    counters: dict[str, str]

    def members(self, market: str) -> tuple[str, ...]:
        """The markets that a market cell sums up: itself, the members of a region, or the names in a list."""
        found: dict[str, None] = {}
        for name in market.split(", "):
            found.update(dict.fromkeys(self.regions.get(name, (name,))))
        return tuple(found)

    @staticmethod
    def call_metric(metric: str) -> str:
        """A metric as a table names it: `GMV growth, year on year`."""
        words = metric.replace("_yoy", ", year on year").replace("_mom", ", month on month").replace("_", " ")
        return re.sub(r"\b(gmv|nmv|eur)\b", lambda match: match[0].upper(), words)

    def call(self, market: str) -> str:
        """A market or region as a sentence names it."""
        names = [self.names[name] for name in market.split(", ")]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every fact, source, event and exchange rate of a data folder, or of a view of it.

    Attributes
    ----------
    facts : DataFrame
        One published figure a row, as in facts.csv, with `span`, `start`, `end` (days), `number` (value in whole
        units, shares as fractions), `of` (unit of `number`) and `forecast` worked out. Rows stand in the order in
        which they lead: a report quotes the first row of a cell (platform, market, metric, span). A figure leads a
        forecast (public before its period was over); then confidence, basis and qualifier decide, in the order of
        the constants of `schema`, then the later `known_on`, then id. The order of the file never matters.
    withdrawn : DataFrame
        Facts that are no longer used, each with the reason (`withdrawn`) and what replaces it (`replaced_by`); they
        lead nothing and feed nothing.
    sources, events, fx : DataFrame
        As in the files, with `span`, `start` and `end`; `events` has `public`, the day from which it was known:
        `known_on` where it was announced ahead, otherwise its own last day.
    vocabulary : Vocabulary
    assumptions : Assumptions
    claims : tuple of Claim
        What claims.toml would have tested, as far as the facts and events of the view go.
    arguments : DataFrame
        As in arguments.csv: those of sources that the view cites.
    as_of : date or None
        The day on which this view was public; None is the whole ledger.
    """

    facts: pd.DataFrame
    withdrawn: pd.DataFrame
    sources: pd.DataFrame
    events: pd.DataFrame
    fx: pd.DataFrame
    vocabulary: Vocabulary
    assumptions: Assumptions
    claims: tuple[Claim, ...]
    arguments: pd.DataFrame
    as_of: date | None = None
    _rates: dict[tuple[str, Span], Quantity] = field(default_factory=dict, init=False, repr=False)
    _views: dict[date, Ledger] = field(default_factory=dict, init=False, repr=False)
    _origins: dict[str, Origin] = field(default_factory=dict, init=False, repr=False)
    _events_of: dict[tuple, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    def known_by(self, day: date) -> Ledger:
        """What a reader could know on `day`: facts and events public by then, rates of quarters that had ended."""
        if day not in self._views:
            self._views[day] = self._seen_on(day)
        return self._views[day]

    def _seen_on(self, day: date) -> Ledger:
        view = {
            "facts": self.facts[self.facts["known_on"] <= day.isoformat()],
            "withdrawn": self.withdrawn[self.withdrawn["known_on"] <= day.isoformat()],
            "events": self.events[self.events["public"] <= day],
            "fx": self.fx[self.fx["end"] <= day],
        }
        cited = set().union(*(frame["source"] for frame in view.values()))
        sources = self.sources[self.sources.index.isin(cited)]
        view["arguments"] = self.arguments[self.arguments["source"].isin(cited)]
        known = {*view["facts"].index, *view["events"].index}
        claims = tuple(filter(None, (claim.seen(known) for claim in self.claims)))
        return replace(self, **view, sources=sources, claims=claims, as_of=day)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the rows of this view, its claims and vocabulary; rows outside the view do not count."""
        digest = hashlib.sha256(repr((self.vocabulary, self.assumptions, self.claims)).encode())
        for frame in (self.facts, self.withdrawn, self.sources, self.events, self.fx, self.arguments):
            digest.update(frame.sort_index().to_csv().encode())
        return digest.hexdigest()

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str, Span], list[int]]:
        return self.facts.groupby(["platform", "market", "metric", "span"], sort=False).indices

    def cell(self, platform: str, market: str, metric: str, span: Span) -> pd.DataFrame:
        """The facts of one cell, the leading one first; no rows if nothing is published."""
        rows = self._cells.get((platform, market, metric, span))
        return self._no_facts if rows is None else self.facts.iloc[rows]

    @cached_property
    def _no_facts(self) -> pd.DataFrame:
        return self.facts.iloc[:0]  # most cells are empty, and a report asks for thousands

    def rate(self, currency: str, span: Span) -> Quantity:
        """Units of `currency` for one US dollar on average over `span`.

        The quarterly averages that overlap the span, weighted by the days they share with it; the latest
        quarter before it where none has been published yet.

        Raises
        ------
        LedgerError
            If fx.csv has no rate of the currency that had been published by then.
        """
        if currency == "USD":
            return Quantity(1.0, formula="1")
        if (currency, span) not in self._rates:
            self._rates[currency, span] = self._average_rate(currency, span)
        return self._rates[currency, span]

    def _average_rate(self, currency: str, span: Span) -> Quantity:
        quarters = self.fx[(self.fx["currency"] == currency) & self.fx["period"].str.fullmatch(_QUARTER)]
        days = pd.Series([quarter.overlap(span) for quarter in quarters["span"]], quarters.index, dtype=float)
        used = quarters[days > 0]
        if used.empty:
            used = quarters[quarters["end"] < span.start].sort_values("end").tail(1)
            days = pd.Series(1.0, used.index)
        if used.empty:
            allowed = f"a rate of {currency} for {span.code} or an earlier quarter, public by {self.as_of or 'now'}"
            raise LedgerError([Problem("fx.csv", None, "currency", currency, allowed)])
        rate = float((used["per_usd"] * days[used.index]).sum() / days[used.index].sum())
        unit = f"{currency}/USD"
        period = ", ".join(quarter.short for quarter in used["span"])
        origin = Origin(
            id=f"{currency} {span.code}",
            printed=f"{rate:.6g} {currency} for one US dollar",
            what="average rate",
            period=period,
            **self._cited(used["source"].iloc[0]),
            known_on=day_label(max(used["end"])),
        )
        return Quantity(rate, unit, formula=f"{rate:.6g} {currency} per US$", origins=(origin,))

    def origin(self, fact_id: str) -> Origin:
        """Where a fact was printed; facts of the same cell with the same value are named as agreeing."""
        if fact_id not in self._origins:
            self._origins[fact_id] = self._origin(self.facts.loc[fact_id])
        return self._origins[fact_id]

    def _origin(self, fact: pd.Series) -> Origin:
        cell = self.cell(fact["platform"], fact["market"], fact["metric"], fact["span"])["number"]
        agrees = (name for name, number in cell.items() if number == fact["number"] and name != fact.name)
        qualifier = "" if fact["qualifier"] == "exact" else f"{fact['qualifier']} "
        return Origin(
            id=fact.name,
            printed=f"{qualifier}{fact['value']} {fact['unit']}",
            what=f"{self.vocabulary.call_metric(fact['metric'])}, {fact['platform']}, {fact['market']}",
            period=fact["span"].short,
            **self._cited(fact["source"]),
            known_on=day_label(date.fromisoformat(fact["known_on"]))
            + (" (inferred)" if fact["known_on_basis"] == "inferred" else ""),
            basis=fact["basis"],
            counter=fact["counter"],
            agrees=tuple(agrees),
        )

    def printed(self, fact: pd.Series) -> Quantity:
        """One row of facts.csv in the currency in which it was printed."""
        hedge = "" if fact["qualifier"] == "exact" else fact["qualifier"]
        unit = fact["of"] + _PER.get(fact["metric"], "")
        return Quantity(float(fact["number"]), unit, fact.name, (self.origin(fact.name),), hedge)

    def row(self, name: str) -> Row:
        """A fact or an event as the tests of claims.toml ask for it."""
        if name in self.facts.index:
            fact = self.facts.loc[name]
            figure = self.printed(fact)
            return Row(figure, fact["span"], tuple(fact["market"].split(", ")), figure.origins, fact["source"])
        event = self.events.loc[name]
        origins = (self.event_origin(name),)
        return Row(None, event["span"], tuple(event["market"].split(", ")), origins, event["source"])

    def event_origin(self, event: str) -> Origin:
        """Where an event was reported."""
        row = self.events.loc[event]
        return Origin(
            id=event,
            printed=row["event"],
            what=f"{row['kind']}, {row['platform']}, {row['market']}",
            period=row["span"].short,
            **self._cited(row["source"]),
            known_on=day_label(row["public"]),
        )

    def _cited(self, source: str) -> dict[str, str]:
        row = self.sources.loc[source]
        publisher = row["publisher"] or (urlsplit(row["url"]).hostname or row["title"]).removeprefix("www.")
        comma = ", " if row["publisher"] else ""
        cited = f"“{row['title']}”{comma}{row['publisher']} ({source})"
        return {"source": cited, "publisher": publisher, "url": row["url"]}

    def event(self, platform: str, market: str, kind: str) -> pd.Series | None:
        """The first event of a kind that names the market, or None."""
        found = self.events_of(platform, kind)
        named = (name for name, markets in found["market"].items() if market in markets.split(", "))
        first = next(named, None)
        return None if first is None else found.loc[first]

    def events_of(self, platform: str, *kinds: str) -> pd.DataFrame:
        """Events of a platform of the given kinds, oldest first."""
        asked = platform, kinds
        if asked not in self._events_of:  # the model asks for the same few again and again
            events = self.events
            self._events_of[asked] = events[(events["platform"] == platform) & events["kind"].isin(kinds)]
        return self._events_of[asked].copy(deep=False)  # pandas copies what is written to, if anything is


# Reading ----------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, Content]:
    """The files of a data folder as they are, or why they cannot be read."""

    def read(path: Path) -> Content:
        try:
            return path.read_bytes()
        except OSError as error:
            return error

    return {name: read(folder / name) for name in FILES}


def shared_ledger(folder: Path = DATA) -> Ledger:
    """As `read_ledger`; the same files are read once only, by this process and those forked from it."""
    return _ledger_of(tuple(contents(folder).items()))


@lru_cache(maxsize=1)
def _ledger_of(files: tuple[tuple[str, Content], ...]) -> Ledger:
    return make_ledger(dict(files))


def read_ledger(folder: Path = DATA) -> Ledger:
    """Read and check a data folder.

    Raises
    ------
    LedgerError
        Naming every file, line, column and value that cannot be used, and what is allowed there.
    """
    return make_ledger(contents(folder))


def make_ledger(files: Mapping[str, Content]) -> Ledger:
    """The ledger of the files of a data folder, by their names; raises as `read_ledger`."""
    problems: list[Problem] = []
    raw = {name: read_toml(name, files[name], problems) for name in FILES if name.endswith(".toml")}
    rows = {name: read_table(name, files[name], problems) for name in TABLES}
    words, assumptions = (
        raw[name] and entries_checked(name, model, *raw[name], {}, problems)
        for name, model in (("vocabulary.toml", VocabularyFile), ("scenarios.toml", Assumptions))
    )
    if problems:
        raise LedgerError(problems)  # without its words and columns a table cannot be checked cell by cell
    vocabulary = _vocabulary(words)
    context = {
        "platforms": vocabulary.platforms,
        "places": vocabulary.names,
        "metrics": vocabulary.metrics,
        "counters": vocabulary.counters,
        "currencies": tuple(sorted({"USD", *(row["currency"] for row in rows["fx.csv"])})),
        "sources": {row["source"] for row in rows["sources.csv"]},
        "ids": {row["id"] for row in rows["facts.csv"]},
    }
    for name in TABLES:
        problems += checked(name, rows[name], context)
    claims = read_claims("claims.toml", *raw["claims.toml"], context, problems)
    if problems:
        raise LedgerError(problems)
    tables = {name: _with_spans(pd.DataFrame(rows[name], dtype=object)) for name in TABLES}
    facts, events, fx = _leading_first(tables["facts.csv"]), tables["events.csv"], tables["fx.csv"]
    events["public"] = [
        date.fromisoformat(day) if day else end for day, end in zip(events["known_on"], events["end"], strict=True)
    ]
    fx["per_usd"] = fx["per_usd"].astype(float)
    problems += _without_rate(facts, fx)
    used = facts["withdrawn"] == ""
    facts = facts.set_index("id").drop(columns="line")
    ledger = Ledger(
        facts=facts[used.to_numpy()],
        withdrawn=facts[~used.to_numpy()],
        sources=tables["sources.csv"].drop(columns="line").set_index("source"),
        events=events.drop(columns="line").sort_values(["start", "id"]).set_index("id"),
        fx=fx.drop(columns="line").set_axis(fx["currency"] + " " + fx["period"]).sort_index(),
        vocabulary=vocabulary,
        assumptions=assumptions,
        claims=claims,
        arguments=tables["arguments.csv"].set_index("id"),
    )
    problems += _unlike_units(ledger)
    if problems:
        raise LedgerError(problems)
    return ledger


def _vocabulary(words: VocabularyFile) -> Vocabulary:
    markets = {name: market.name for name, market in words.markets.items()}
    regions = {name: tuple(markets) if region.of == "all" else region.of for name, region in words.regions.items()}
    names = markets | {name: region.name for name, region in words.regions.items()}
    return Vocabulary(words.platforms, markets, regions, names, words.metrics, words.counters)


def _with_spans(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with the days of its `period` or `date`."""
    period = frame.get("period", frame.get("date"))
    if period is None:
        return frame
    spans = {text: Span.parse(text) for text in period.unique()}
    frame["span"] = [spans[text] for text in period]
    frame["start"] = [span.start for span in frame["span"]]
    frame["end"] = [span.end for span in frame["span"]]
    return frame


def _leading_first(facts: pd.DataFrame) -> pd.DataFrame:
    """Facts with what is worked out of their cells, in the order in which they lead."""
    units = {unit: split_unit(unit) for unit in facts["unit"].unique()}
    facts["of"] = [units[unit][1] for unit in facts["unit"]]
    facts["number"] = facts["value"].astype(float) * [units[unit][0] for unit in facts["unit"]]
    facts["vintage"] = facts["vintage"].replace("", "first")
    measured = facts["kind"].isin(["actual", "estimate"])
    facts["forecast"] = measured & (facts["known_on"] < facts["end"].map(date.isoformat))
    ranks = {
        "forecast": {False: 0, True: 1},
        "confidence": {name: rank for rank, name in enumerate(CONFIDENCE)},
        "basis": {name: rank for rank, name in enumerate(BASES)},
        "qualifier": {name: rank for rank, name in enumerate(QUALIFIERS)},
        # ISO days sort as text; the later day leads.
        "known_on": {day: -rank for rank, day in enumerate(sorted(facts["known_on"].unique()))},
    }
    order = facts[list(ranks)].apply(lambda column: column.map(ranks[column.name])).assign(id=facts["id"])
    return facts.loc[order.sort_values([*ranks, "id"]).index]


def _without_rate(facts: pd.DataFrame, fx: pd.DataFrame) -> Iterator[Problem]:
    """Amounts for whose period, or before, no rate was public when they were."""
    quarters = fx[fx["period"].str.fullmatch(_QUARTER)].sort_values("start").groupby("currency")
    first = {currency: (row["start"], row["end"]) for currency, row in quarters.nth(0).set_index("currency").iterrows()}
    for fact in facts.itertuples():
        currency = fact.of.partition("/")[0]
        if not is_currency(currency) or currency == "USD":
            continue
        start, end = first.get(currency, (date.max, date.max))
        if start > fact.end or end.isoformat() > fact.known_on:
            allowed = (
                f"a currency with the rate in fx.csv of a quarter, as 2024Q2, that began by {fact.end} and was over by "
                f"{fact.known_on}"
            )
            yield Problem("facts.csv", fact.line, "unit", fact.unit, allowed)


def _unlike_units(ledger: Ledger) -> Iterator[Problem]:
    """Tests of claims and arguments that cannot be read, or that add or compare unlike units.

    Figures that are missing are no mistake here: a folder may hold what was known on some day, and claims that only
    later facts can test.
    """
    tests = [("claims.toml", claim.line, f"{claim.id}.test", claim.test) for claim in ledger.claims if claim.test]
    tests += [("arguments.csv", row.line, "test", row.test) for row in ledger.arguments.itertuples() if row.test]
    for file, line, column, test in tests:
        try:
            if (names := names_of(test)) <= {*ledger.facts.index, *ledger.events.index}:
                evaluate(test, in_one_currency({name: ledger.row(name) for name in names}, _in_dollars))
        except RelationError as error:
            yield Problem(file, line, column, test, str(error))


def _in_dollars(figure: Quantity, span: Span) -> Quantity:
    """The unit is what counts here, not the amount."""
    own = figure.unit.partition("/")[0]
    return replace(figure, unit=f"USD{figure.unit[3:]}") if is_currency(own) else figure


def claims_astray(ledger: Ledger, chapters: Iterable[str]) -> list[Problem]:
    """Claims that name a fact or an event which a whole ledger does not use, or a chapter that is none of these."""
    known, chapters = {*ledger.facts.index, *ledger.events.index}, list(chapters)
    allowed = "an id of facts.csv, or of events.csv inside a function"
    return [
        Problem("claims.toml", claim.line, f"{claim.id}.chapter", claim.chapter, ", ".join(chapters))
        for claim in ledger.claims
        if claim.chapter not in chapters
    ] + [
        Problem("claims.toml", claim.line, claim.id, name, allowed)
        for claim in ledger.claims
        for name in sorted((claim.told | claim.names | claim.reading_facts) - known)
    ]
