"""The published figures: reading, checking, seeing them as of a date, converting their currencies.

data/README.md describes the folder for those who edit it; `schema` says what each file may hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from analysis.facts import schema
from analysis.facts.assumptions import Assumptions
from analysis.facts.claims import ABOUT, Claim, Claims, RelationError, Row, names_of, worked_out
from analysis.facts.parameters import DATA
from analysis.facts.quantity import BOUNDS, DATES, LEVEL, Origin, Quantity, is_currency
from analysis.facts.schema import CONFIDENCE, TABLES, Problem, Problems, Vocabulary, closest, read_table, read_toml
from analysis.facts.span import Span, day_label

FILES = (*TABLES, "vocabulary.toml", "scenarios.toml", "claims.toml")
CELL = ["platform", "market", "metric", "span"]
UNSTATED = "unstated"  # a counter whom the page does not name
_QUARTER = r"\d{4}Q[1-4]"
# What a figure of these metrics is an amount for.
_PER = {"gmv_monthly_average": "/month", "gmv_daily_average": "/day"}


def once(method: Callable) -> Callable:
    """A method of a ledger that works out an answer once: a report asks for the same few again and again."""

    @wraps(method)
    def ask(self: Ledger, *asked):
        key = method.__name__, *asked
        if key not in self._found:
            self._found[key] = method(self, *asked)
        return self._found[key]

    return ask


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
    events: pd.DataFrame  # with `public`, when it was known (`known_on` or its own last day), and `told`, its words
    fx: pd.DataFrame
    vocabulary: Vocabulary
    assumptions: Assumptions
    claims: tuple[Claim, ...]  # as far as the facts and events of the view go
    arguments: pd.DataFrame  # of sources that the view cites
    as_of: date | None = None  # the day on which this view was public; None is the whole ledger
    _found: dict[tuple, object] = field(default_factory=dict, init=False, repr=False)

    @once
    def known_by(self, day: date) -> Ledger:
        """What a reader could know on `day`: facts and events public by then, rates of quarters that had ended."""
        view = {
            "facts": self.facts[self.facts["known_on"] <= day.isoformat()],
            "withdrawn": self.withdrawn[self.withdrawn["known_on"] <= day.isoformat()],
            "events": self.events[self.events["public"] <= day],
            "fx": self.fx[self.fx["end"] <= day],
        }
        cited = set().union(*(frame["source"] for frame in view.values()))
        sources = self.sources[self.sources.index.isin(cited)]
        view["arguments"] = self.arguments[self.arguments["source"].isin(cited)]
        seen = replace(self, **view, sources=sources, assumptions=self.assumptions.known_by(day), as_of=day)
        return replace(seen, claims=tuple(filter(None, (claim.seen(seen.ids) for claim in self.claims))))

    @cached_property
    def ids(self) -> frozenset[str]:
        """Of every fact and event that can be used."""
        return frozenset((*self.facts.index, *self.events.index))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that this view sees; what it does not see does not count."""
        digest = hashlib.sha256(repr((self.vocabulary, self.assumptions, self.claims)).encode())
        for frame in (self.facts, self.withdrawn, self.sources, self.events, self.fx, self.arguments):
            digest.update(frame.sort_index().to_csv().encode())
        return digest.hexdigest()

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The facts with who counted and where: the page itself where nobody is named."""
        facts, named = self.facts, ("counter", "publication")
        return facts.assign(**{of: facts[of].mask(facts[of].isin(["", UNSTATED]), facts["source"]) for of in named})

    @once
    def _places(self, *columns: str) -> dict[tuple, np.ndarray]:
        """Where the facts of like cells in some columns stand."""
        return self.facts.groupby([*columns], sort=False).indices

    @cached_property
    def _nothing(self) -> pd.DataFrame:
        return self.facts[:0]  # most cells that are asked for have no facts

    @once
    def _at(self, *place: object) -> pd.DataFrame:
        rows = self._places(*CELL[: len(place)]).get(place)
        return self._nothing if rows is None else self.facts.iloc[rows]

    def cell(self, platform: str, market: str, metric: str, span: Span) -> pd.DataFrame:
        """The facts of one cell, the leading one first; no rows if nothing is published."""
        return self._at(platform, market, metric, span)

    def series(self, platform: str, market: str, metric: str) -> pd.DataFrame:
        """The facts of a metric over all periods, in the order in which they lead."""
        return self._at(platform, market, metric)

    def targets(self, platform: str, market: str, span: Span, metric: str = "target_completion") -> pd.DataFrame:
        """Targets of the year that a published ratio speaks of, the leading one first."""
        said = self.cell(platform, market, metric, span)["known_on"]
        return standing(self.cell(platform, market, "gmv_target", span.year), min(said, default=""))

    def market_gmv(self, platform: str, market: str, span: Span, counter: str) -> pd.DataFrame:
        """GMV of all platforms of a market as it stood when a counter published a share of it, leading first."""
        said = self.cell(platform, market, "share_of_market_gmv", span)["known_on"]
        names = [name for name in self.vocabulary.platforms if name.endswith("platforms")]
        rows = [row for name in names for row in self._places(*CELL).get((name, market, "gmv", span), ())]
        wholes = self.counted.iloc[rows] if rows else self._nothing
        return standing(wholes[wholes["counter"] == counter], min(said, default=""))

    @cached_property
    def _quarterly_rates(self) -> dict[str, list[tuple[Span, float, str]]]:
        """Quarter, rate and source of the quarterly averages of each currency, oldest first."""
        rows = self.fx[self.fx["period"].str.fullmatch(_QUARTER)].sort_values("end").groupby("currency")
        return {name: list(zip(of["span"], of["per_usd"], of["source"], strict=True)) for name, of in rows}

    @once
    def rate(self, currency: str, span: Span) -> Quantity:
        """Units of `currency` for one US dollar on average over `span`; unknown if none had been published by then.

        The quarterly averages that overlap the span, weighted by the days they share with it; the latest quarter
        before it where none has been published yet.
        """
        if currency == "USD":
            return Quantity(1.0, formula="1")
        quarters = self._quarterly_rates.get(currency, [])
        used = [row for row in quarters if row[0].overlap(span)]
        used = used or [row for row in quarters if row[0].end < span.start][-1:]
        if not used:
            return Quantity.unknown(f"exchange rate of {currency} for {span.short}")
        spans, rates, sources = zip(*used, strict=True)
        rate = float(np.average(rates, weights=[max(quarter.overlap(span), 1) for quarter in spans]))
        printed, period = f"{rate:.6g} {currency} for one US dollar", ", ".join(quarter.short for quarter in spans)
        source, known_on = self._cited(sources[0]), day_label(spans[-1].end)
        origin = Origin(f"{currency} {span.code}", printed, "average rate", period, **source, known_on=known_on)
        return Quantity(rate, f"{currency}/USD", formula=f"{rate:.6g} {currency} per US$", origins=(origin,))

    def convert(self, figure: Quantity, span: Span, currency: str) -> Quantity:
        """An amount of money in another currency, at the average rate of `span`; what is no money as it is."""
        own = figure.unit.partition("/")[0]
        if not is_currency(own) or own == currency:
            return figure
        worth = figure if own == "USD" else figure / self.rate(own, span)
        worth = worth if currency == "USD" else worth * self.rate(currency, span)
        return worth and replace(worth, hedge=figure.hedge)

    def conflicts(self, facts: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Cells for which no value would do; a target that was revised is not in conflict.

        A figure leaves room for its rounding and its hedge, a bound for all that is on its open side: the ends of a
        range leave room for what lies between.
        """
        shared = facts[(facts["kind"] != "target") & facts.duplicated(CELL, keep=False)]
        # Of a hundred thousand facts most share their unit and period.
        pairs = list(zip(shared["of"], shared["span"], strict=True))
        worth = {pair: self.convert(Quantity(1.0, pair[0]), pair[1], "USD").value for pair in {*pairs}}
        value, side = shared["number"] * [worth[pair] for pair in pairs], shared["qualifier"].map(BOUNDS)
        decimals = shared["value"].str.extract(r"\.(\d+)$", expand=False).str.len().fillna(0).astype(int)
        last_digit = 0.1**decimals / shared["value"].astype(float).abs()
        hedge = shared["qualifier"].eq("exact").map({True: LEVEL, False: ABOUT})
        room = value.abs() * np.maximum(last_digit.where(np.isfinite(last_digit), 0), hedge) / 2
        low, high = (value - room).mask(side == "ceiling", -np.inf), (value + room).mask(side == "floor", np.inf)
        cells = [shared[name] for name in CELL]
        apart = low.groupby(cells).transform("max") > high.groupby(cells).transform("min")
        for _, cell in shared[apart].groupby(CELL, sort=False):
            yield cell

    @once
    def origin(self, name: str) -> Origin:
        """Where a fact was printed, or an event reported."""
        if name in self.facts.index:
            row = self.facts.loc[name]
            is_date = row["unit"] in DATES
            value = Span.of_digits(row["value"]).label if is_date else f"{row['value']} {row['unit']}"
            printed = f"{row['qualifier']} {value}".removeprefix("exact ")
            what = self.vocabulary.call_metric(row["metric"])
            public = day_label(date.fromisoformat(row["known_on"]))
            public += " (inferred)" if row["known_on_basis"] == "inferred" else ""
            counted = {"basis": row["basis"], "counter": row["counter"]}
        else:
            row = self.events.loc[name]
            printed, what, public, counted = row["told"], row["kind"], day_label(row["public"]), {}
        what = f"{what}, {row['platform']}, {row['market']}"
        cited = self._cited(row["source"])
        return Origin(name, printed, what, row["span"].short, **cited, known_on=public, **counted)

    def printed(self, fact: pd.Series) -> Quantity:
        """One row of facts.csv in the currency in which it was printed."""
        hedge = "" if fact["qualifier"] == "exact" else fact["qualifier"]
        unit = fact["of"] + _PER.get(fact["metric"], "")
        return Quantity(float(fact["number"]), unit, fact.name, (self.origin(fact.name),), hedge)

    def cell_name(self, fact: Mapping[str, object]) -> str:
        """What one fact is about, as a table names it: `Temu, the US: GMV, Q2 2024`."""
        measure = self.vocabulary.call_metric(fact["metric"])
        return f"{fact['platform']}, {self.vocabulary.call(fact['market'])}: {measure}, {fact['span'].short}"

    @once
    def row(self, name: str) -> Row:
        """A fact or an event as the tests of claims.toml ask for it."""
        fact = name in self.facts.index
        row = (self.facts if fact else self.events).loc[name]
        figure = self.printed(row) if fact else None
        return Row(name, figure, row["span"], tuple(row["market"].split(", ")), (self.origin(name),), row["source"])

    def _cited(self, source: str) -> dict[str, str]:
        row = self.sources.loc[source]
        publisher = row["publisher"] or (urlsplit(row["url"]).hostname or row["title"]).removeprefix("www.")
        return {"source": f"“{row['title']}” ({source})", "publisher": publisher, "url": row["url"]}

    def event(self, platform: str, market: str, kind: str) -> pd.Series | None:
        """The first event of a kind that names the market, or None."""
        found = self.events_of(platform, kind)
        return next((row for _, row in found.iterrows() if market in row["market"].split(", ")), None)

    @once
    def events_of(self, platform: str, *kinds: str) -> pd.DataFrame:
        """Events of a platform of the given kinds, oldest first."""
        return self.events[(self.events["platform"] == platform) & self.events["kind"].isin(kinds)]


def standing(figures: pd.DataFrame, day: str) -> pd.DataFrame:
    """Those of some figures that were public on the day of a ratio to them; all if none was.

    A share or a multiple is one of what stood then, whatever was announced or restated since.
    """
    then = figures[figures["known_on"] <= day]
    return figures if then.empty else then


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a data folder as they are; LedgerError names those that cannot be read."""
    found, problems = {}, Problems()
    for name in FILES:
        try:
            found[name] = (folder / name).read_bytes()
        except OSError as error:
            problems.append(Problem(name, None, None, None, f"a readable file ({error.strerror or error})"))
    problems.tell()
    return found


def read_ledger(folder: Path = DATA) -> Ledger:
    """Read and check a data folder; a LedgerError names each file, line, column and value that cannot be used.

    The same files are read once only, by this process and those forked from it.
    """
    return _ledger_of(tuple(contents(folder).items()))


@lru_cache(maxsize=1)
def _ledger_of(files: tuple[tuple[str, bytes], ...]) -> Ledger:
    return make_ledger(dict(files))


def make_ledger(files: dict[str, bytes], added: Iterable[dict] = ()) -> Ledger:
    """The ledger of the files of a data folder, and of rows that are added to its tables; raises as `read_ledger`."""
    problems = Problems()
    rows = {name: problems.tried(read_table, name, files[name]) for name in TABLES}
    vocabulary, assumptions = (
        problems.tried(read_toml, name, files[name], kind, {})
        for name, kind in (("vocabulary.toml", Vocabulary), ("scenarios.toml", Assumptions))
    )
    problems.tell()  # without its words and columns a table cannot be checked cell by cell
    for row in added:
        rows[row["table"]].append(row)
    context = dict(vocabulary) | {
        "places": vocabulary.names,
        "currencies": tuple(sorted({"USD", *(row["currency"] for row in rows["fx.csv"])})),
        "sources": {row["source"] for row in rows["sources.csv"]},
        "ids": {row["id"] for row in rows["facts.csv"]},
    }
    for table in rows.values():
        problems += schema.checked(table, context)
    claims = problems.tried(read_toml, "claims.toml", files["claims.toml"], Claims, context)
    problems.tell()
    sources, events, fx, facts, arguments = (_with_spans(pd.DataFrame(table, dtype=object)) for table in rows.values())
    facts, public = _leading_first(facts), zip(events["known_on"], events["end"], strict=True)
    events["told"] = events["event"]
    events["public"] = [date.fromisoformat(day) if day else end for day, end in public]
    fx["per_usd"] = fx["per_usd"].astype(float)
    problems += _without_rate(facts, fx)
    used, place = facts["withdrawn"] == "", ["table", "file", "line"]
    ledger = Ledger(
        facts=facts[used].drop(columns=place).set_index("id"),
        withdrawn=facts[~used].drop(columns=place).set_index("id"),
        sources=sources.drop(columns=place).set_index("source"),
        events=events.drop(columns=place).sort_values(["start", "id"]).set_index("id"),
        fx=fx.drop(columns=place).set_axis(fx["currency"] + " " + fx["period"]).sort_index(),
        vocabulary=vocabulary,
        assumptions=assumptions,
        claims=tuple(claims.values()),
        arguments=arguments.drop(columns=place).set_index("id"),
    )
    problems += _unlike_units(ledger, rows["arguments.csv"])
    problems.tell()
    return ledger


def _with_spans(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with the days of its `period` or `date`."""
    period = frame.get("period", frame.get("date"))
    if period is None:
        return frame
    frame["span"] = period.map({text: Span.parse(text) for text in period.unique()})
    for name in ("start", "end"):
        frame[name] = [getattr(span, name) for span in frame["span"]]
    return frame


def _leading_first(facts: pd.DataFrame) -> pd.DataFrame:
    """Facts with what is worked out of their cells, in the order in which they lead."""
    units = {unit: schema.split_unit(unit) for unit in facts["unit"].unique()}
    facts["of"] = [units[unit][1] for unit in facts["unit"]]
    facts["number"] = facts["value"].astype(float) * [units[unit][0] for unit in facts["unit"]]
    measured = facts["kind"].isin(["actual", "estimate"])
    facts["forecast"] = measured & (facts["known_on"] < facts["end"].map(date.isoformat))
    ranks = {"forecast": [False, True], "confidence": CONFIDENCE, "basis": schema.BASES, "qualifier": schema.QUALIFIERS}
    order = {name: facts[name].map({word: n for n, word in enumerate(words)}) for name, words in ranks.items()}
    by = pd.DataFrame(order | {"known_on": facts["known_on"], "id": facts["id"]})  # ISO days sort as text
    return facts.loc[by.sort_values([*by], ascending=[name != "known_on" for name in by]).index]


def _without_rate(facts: pd.DataFrame, fx: pd.DataFrame) -> Iterator[Problem]:
    """Amounts for whose period, or before, no rate was public when they were."""
    quarters = fx[fx["period"].str.fullmatch(_QUARTER)].groupby("currency")
    first = {currency: (group["start"].min(), group["end"].min()) for currency, group in quarters}
    currencies = facts["of"].str.partition("/")[0]
    converted = [name for name in currencies.unique() if is_currency(name) and name != "USD"]
    for fact in facts[currencies.isin(converted)].itertuples():
        start, end = first.get(fact.of.partition("/")[0], (date.max, date.max))
        if start > fact.end or end.isoformat() > fact.known_on:
            allowed = f"a currency with a rate in fx.csv of a quarter begun by {fact.end} and over by {fact.known_on}"
            yield Problem(fact.file, fact.line, "unit", fact.unit, allowed)


def _unlike_units(ledger: Ledger, arguments: list[dict]) -> Iterator[Problem]:
    """Tests of claims and arguments that add or compare unlike units; those whose figures are not there yet wait."""
    tests = [("claims.toml", claim.line, f"{claim.id}.test", claim.test) for claim in ledger.claims]
    tests += [(row["file"], row["line"], "test", row["test"]) for row in arguments]
    for file, line, column, test in tests:
        try:
            if names_of(test) <= ledger.ids:
                worked_out(test, ledger, "USD")
        except RelationError as error:
            yield Problem(file, line, column, test, str(error))


def astray(ledger: Ledger, chapters: Sequence[str]) -> list[Problem]:
    """Claims and arguments that name a fact, an event or a claim which a whole ledger does not use, or a chapter that
    is none of these."""
    found, claims = [], {claim.id for claim in ledger.claims}
    rows = [("claims.toml", one.line, one.id, one.chapter, one.told | one.names, ()) for one in ledger.claims]
    for one in ledger.arguments.itertuples():
        names = names_of(one.test).union(one.facts.split())
        rows.append(("arguments.csv", None, one.Index, one.chapter, names, one.claims.split()))
    for file, line, name, chapter, facts, of in rows:
        asked = [(chapter, tuple(chapters), ", ".join(chapters))]
        asked += [(one, ledger.ids, "an id of facts.csv, or of events.csv inside a function") for one in sorted(facts)]
        asked += [(one, claims, "the name of a claim of claims.toml") for one in of]
        for value, known, allowed in asked:
            if value not in known:
                found.append(Problem(file, line, name, value, allowed, closest(value, tuple(known))))
    return found
