"""The published figures: reading, checking, seeing them as of a date, converting their currencies.

data/README.md describes the folder for those who edit it; `schema` says what each file may hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    Problem,
    Vocabulary,
    checked,
    entries_checked,
    read_bytes,
    read_table,
    read_toml,
    split_unit,
)
from analysis.facts.span import Span, day_label

FILES = (*TABLES, "vocabulary.toml", "scenarios.toml", "claims.toml")
_QUARTER = r"\d{4}Q[1-4]"
# What a figure of these metrics is an amount for.
_PER = {"gmv_monthly_average": "/month", "gmv_daily_average": "/day"}


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every fact, source, event and exchange rate of a data folder, or of a view of it.

    Tables are as in the files; with `span`, `start` and `end`, the days of a period. Facts stand in the order in which
    they lead, whatever the order of the file: a report quotes the first row of a cell (platform, market, metric,
    span). A figure leads a forecast (public before its period was over); then confidence, basis and qualifier decide,
    in the order of the constants of `schema`, then the later `known_on`, then id.
    """

    facts: pd.DataFrame  # with `number` (in whole units, shares as fractions), `of` (its unit) and `forecast`
    withdrawn: pd.DataFrame  # facts no longer used, with the reason: they lead nothing and feed nothing
    sources: pd.DataFrame
    events: pd.DataFrame  # with `public`, the day from which it was known: `known_on`, or else its own last day
    fx: pd.DataFrame
    vocabulary: Vocabulary
    assumptions: Assumptions
    claims: tuple[Claim, ...]  # as far as the facts and events of the view go
    arguments: pd.DataFrame  # of sources that the view cites
    as_of: date | None = None  # the day on which this view was public; None is the whole ledger
    _found: dict[tuple, object] = field(default_factory=dict, init=False, repr=False)

    def _once(self, work: Callable, *asked):
        """What `work` finds; a report asks for the same few again and again."""
        key = work.__name__, *asked
        if key not in self._found:
            self._found[key] = work(*asked)
        return self._found[key]

    def known_by(self, day: date) -> Ledger:
        """What a reader could know on `day`: facts and events public by then, rates of quarters that had ended."""
        return self._once(self._seen_on, day)

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
        assumptions = self.assumptions.known_by(day)
        return replace(self, **view, sources=sources, claims=claims, assumptions=assumptions, as_of=day)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that this view sees; what it does not see does not count."""
        digest = hashlib.sha256(repr((self.vocabulary, self.assumptions, self.claims)).encode())
        for frame in (self.facts, self.withdrawn, self.sources, self.events, self.fx, self.arguments):
            digest.update(frame.sort_index().to_csv().encode())
        return digest.hexdigest()

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str, Span], list[int]]:
        return self.facts.groupby(["platform", "market", "metric", "span"], sort=False).indices

    def cell(self, platform: str, market: str, metric: str, span: Span) -> pd.DataFrame:
        """The facts of one cell, the leading one first; no rows if nothing is published."""
        return self.facts.iloc[self._cells.get((platform, market, metric, span), [])]

    def targets(self, platform: str, market: str, completed: Span) -> pd.DataFrame:
        """Targets of the year that a published completion speaks of: those public when it was, the leading one first.

        A share of a target is a share of the one that stood then, whatever was announced since.
        """
        facts = self.cell(platform, market, "gmv_target", completed.year)
        said = self.cell(platform, market, "target_completion", completed)["known_on"]
        then = facts[facts["known_on"] <= said.min()] if len(said) else facts
        return facts if then.empty else then

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
        return self._once(self._average_rate, currency, span)

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
        origin = Origin(
            id=f"{currency} {span.code}",
            printed=f"{rate:.6g} {currency} for one US dollar",
            what="average rate",
            period=", ".join(quarter.short for quarter in used["span"]),
            **self._cited(used["source"].iloc[0]),
            known_on=day_label(max(used["end"])),
        )
        return Quantity(rate, f"{currency}/USD", formula=f"{rate:.6g} {currency} per US$", origins=(origin,))

    def origin(self, fact_id: str) -> Origin:
        """Where a fact was printed."""
        return self._once(self._origin, fact_id)

    def _origin(self, fact_id: str) -> Origin:
        fact = self.facts.loc[fact_id]
        inferred = " (inferred)" if fact["known_on_basis"] == "inferred" else ""
        return Origin(
            id=fact_id,
            printed=f"{fact['qualifier']} {fact['value']} {fact['unit']}".removeprefix("exact "),
            what=f"{self.vocabulary.call_metric(fact['metric'])}, {fact['platform']}, {fact['market']}",
            period=fact["span"].short,
            **self._cited(fact["source"]),
            known_on=day_label(date.fromisoformat(fact["known_on"])) + inferred,
            basis=fact["basis"],
            counter=fact["counter"],
        )

    def printed(self, fact: pd.Series) -> Quantity:
        """One row of facts.csv in the currency in which it was printed."""
        hedge = "" if fact["qualifier"] == "exact" else fact["qualifier"]
        unit = fact["of"] + _PER.get(fact["metric"], "")
        return Quantity(float(fact["number"]), unit, fact.name, (self.origin(fact.name),), hedge)

    def row(self, name: str) -> Row:
        """A fact or an event as the tests of claims.toml ask for it."""
        event = name in self.events.index
        row = (self.events if event else self.facts).loc[name]
        figure = None if event else self.printed(row)
        origins = (self.event_origin(name),) if event else figure.origins
        return Row(name, figure, row["span"], tuple(row["market"].split(", ")), origins, row["source"])

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
        cited = ", ".join(filter(None, (f"“{row['title']}”", row["publisher"])))
        return {"source": f"{cited} ({source})", "publisher": publisher, "url": row["url"]}

    def event(self, platform: str, market: str, kind: str) -> pd.Series | None:
        """The first event of a kind that names the market, or None."""
        found = self.events_of(platform, kind)
        named = found[[market in markets.split(", ") for markets in found["market"]]]
        return None if named.empty else named.iloc[0]

    def events_of(self, platform: str, *kinds: str) -> pd.DataFrame:
        """Events of a platform of the given kinds, oldest first."""
        # pandas copies what is written to, if anything is
        return self._once(self._events_of, platform, *kinds).copy(deep=False)

    def _events_of(self, platform: str, *kinds: str) -> pd.DataFrame:
        return self.events[(self.events["platform"] == platform) & self.events["kind"].isin(kinds)]


# Reading ----------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, Content]:
    """The files of a data folder as they are, or why they cannot be read."""
    return {name: read_bytes(folder / name) for name in FILES}


@lru_cache(maxsize=1)
def _ledger_of(files: tuple[tuple[str, Content], ...]) -> Ledger:
    return make_ledger(dict(files))


def shared_ledger(folder: Path = DATA) -> Ledger:
    """As `read_ledger`; the same files are read once only, by this process and those forked from it."""
    return _ledger_of(tuple(contents(folder).items()))


def read_ledger(folder: Path = DATA) -> Ledger:
    """Read and check a data folder; LedgerError names each file, line, column and value that cannot be used."""
    return make_ledger(contents(folder))


def make_ledger(files: Mapping[str, Content]) -> Ledger:
    """The ledger of the files of a data folder, by their names; raises as `read_ledger`."""
    problems: list[Problem] = []
    raw = {name: read_toml(name, files[name], problems) for name in FILES if name.endswith(".toml")}
    rows = {name: read_table(name, files[name], problems) for name in TABLES}
    vocabulary, assumptions = (
        raw[name] and entries_checked(name, model, *raw[name], {}, problems)
        for name, model in (("vocabulary.toml", Vocabulary), ("scenarios.toml", Assumptions))
    )
    if problems:
        raise LedgerError(problems)  # without its words and columns a table cannot be checked cell by cell
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
        "forecast": [False, True],
        "confidence": CONFIDENCE,
        "basis": BASES,
        "qualifier": QUALIFIERS,
        "known_on": sorted(facts["known_on"].unique(), reverse=True),  # ISO days sort as text; the later day leads
    }
    places = {column: {name: n for n, name in enumerate(names)} for column, names in ranks.items()}
    order = facts[list(ranks)].apply(lambda column: column.map(places[column.name])).assign(id=facts["id"])
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
            allowed = f"a currency with a rate in fx.csv of a quarter begun by {fact.end} and over by {fact.known_on}"
            yield Problem("facts.csv", fact.line, "unit", fact.unit, allowed)


def _unlike_units(ledger: Ledger) -> Iterator[Problem]:
    """Tests of claims and arguments that add or compare unlike units; those whose figures are not there yet wait."""
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
    known, chapters, found = {*ledger.facts.index, *ledger.events.index}, list(chapters), []
    allowed = "an id of facts.csv, or of events.csv inside a function"
    for claim in ledger.claims:
        if claim.chapter not in chapters:
            place = "claims.toml", claim.line, f"{claim.id}.chapter"
            found.append(Problem(*place, claim.chapter, ", ".join(chapters)))
        for name in sorted((claim.told | claim.names | claim.reading_facts) - known):
            found.append(Problem("claims.toml", claim.line, claim.id, name, allowed))
    return found
