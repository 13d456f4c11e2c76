"""The published figures: reading, checking, seeing them as of a date, converting their currencies.

The only module that knows how `data/` is laid out; data/README.md describes it for those who edit it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd

from analysis.facts.assumptions import Assumptions, read_assumptions
from analysis.facts.errors import InputError
from analysis.facts.parameters import DATA
from analysis.facts.quantity import Origin, Quantity, is_currency
from analysis.facts.relations import Claim, RelationError, Row, currencies, evaluate, read_claims
from analysis.facts.span import ALLOWED as ALLOWED_PERIOD
from analysis.facts.span import Span, day_label

KINDS = ("actual", "estimate", "target", "policy", "event")
# In the order in which they lead: see `Ledger.facts`.
CONFIDENCE = ("high", "medium", "low")
BASES = ("official", "company", "leak", "tracker", "analyst", "press")
QUALIFIERS = ("exact", "about", "just over", "more than", "less than", "up to")
KNOWN_ON_BASES = ("published", "inferred")
EVENT_KINDS = ("launch", "test", "closure", "reopening", "merger", "law", "rule", "fee", "announcement", "record")

SCALES = {"": 1.0, "k": 1e3, "10k": 1e4, "mn": 1e6, "bn": 1e9, "tn": 1e12}
# Unit as written, without its scale -> unit of a Quantity, by the measure of the metric.
_MEASURES: dict[str, dict[str, str]] = {
    "share": {"%": "%"},
    "multiple": {"multiple": "×"},
    "duration": {"hours": "hour", "days": "day", "weeks": "week", "months": "month", "years": "year"},
    "count": {
        "orders": "order",
        "parcels": "parcel",
        "users": "user",
        "sellers": "seller",
        "people": "person",
        "markets": "market",
        "sites": "site",
        "winners": "",
        "rank": "",
        "": "",
    },
    "clock": {"o'clock": "o'clock"},
    "date": {"yyyymm": "yyyymm", "yyyymmdd": "yyyymmdd"},
}
MEASURES = ("money", "money per order", *_MEASURES)
# What a figure of these metrics is an amount for.
_PER = {"gmv_monthly_average": "/month", "gmv_daily_average": "/day"}

COLUMNS = {
    "facts.csv": (
        "id",
        "platform",
        "market",
        "metric",
        "period",
        "value",
        "unit",
        "qualifier",
        "kind",
        "basis",
        "source",
        "known_on",
        "known_on_basis",
        "confidence",
        "quote",
        "note",
    ),
    "sources.csv": ("source", "title", "publisher", "published", "url"),
    "events.csv": ("id", "date", "platform", "market", "kind", "event", "known_on", "source"),
    "fx.csv": ("currency", "period", "per_usd", "source"),
}
# The columns that together name a row.
KEYS = {"facts.csv": ["id"], "sources.csv": ["source"], "events.csv": ["id"], "fx.csv": ["currency", "period"]}


@dataclass(frozen=True)
class Problem:
    """One cell, or one file, that cannot be used."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    allowed: str

    def __str__(self) -> str:
        place = self.file + (f", line {self.line}" if self.line else "")
        column = f", column {self.column}" if self.column else ""
        value = f": {self.value!r}" if self.value is not None else ""
        return f"{place}{column}{value}. Allowed: {self.allowed}"


class LedgerError(InputError):
    """The data folder cannot be used; `problems` lists every reason found."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the data"
        super().__init__("\n".join([count, *(f"  {p}" for p in problems)]))


@dataclass(frozen=True)
class Vocabulary:
    """The names that the CSV files may use, from vocabulary.toml."""

    platforms: dict[str, str]
    markets: dict[str, str]
    regions: dict[str, tuple[str, ...]]
    names: dict[str, str]
    metrics: dict[str, tuple[str, str]]

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
        the constants above, then the later `known_on`, then id. The order of the file never matters.
    sources, events, fx : DataFrame
        As in the files, with `span`, `start` and `end`; `events` has `public`, the day from which it was known:
        `known_on` where it was announced ahead, otherwise its own last day.
    vocabulary : Vocabulary
    assumptions : Assumptions
    claims : tuple of Claim
        What claims.toml would have tested, as far as the facts and events of the view go.
    as_of : date or None
        The day on which this view was public; None is the whole ledger.
    """

    facts: pd.DataFrame
    sources: pd.DataFrame
    events: pd.DataFrame
    fx: pd.DataFrame
    vocabulary: Vocabulary
    assumptions: Assumptions
    claims: tuple[Claim, ...] = ()
    as_of: date | None = None
    _rates: dict[tuple[str, Span], Quantity] = field(default_factory=dict, init=False, repr=False)
    _views: dict[date, Ledger] = field(default_factory=dict, init=False, repr=False)
    _origins: dict[str, Origin] = field(default_factory=dict, init=False, repr=False)

    def known_by(self, day: date) -> Ledger:
        """What a reader could know on `day`: facts and events public by then, rates of quarters that had ended."""
        if day not in self._views:
            self._views[day] = self._seen_on(day)
        return self._views[day]

    def _seen_on(self, day: date) -> Ledger:
        view = {
            "facts": self.facts[self.facts["known_on"] <= day.isoformat()],
            "events": self.events[self.events["public"] <= day],
            "fx": self.fx[self.fx["end"] <= day],
        }
        cited = set().union(*(frame["source"] for frame in view.values()))
        sources = self.sources[self.sources.index.isin(cited)]
        known = {*view["facts"].index, *view["events"].index}
        claims = tuple(filter(None, (claim.seen(known) for claim in self.claims)))
        return replace(self, **view, sources=sources, claims=claims, as_of=day)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the rows of this view, its claims and vocabulary; rows outside the view do not count."""
        digest = hashlib.sha256(repr((self.vocabulary, self.assumptions, self.claims)).encode())
        for frame in (self.facts, self.sources, self.events, self.fx):
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
        quarters = self.fx[(self.fx["currency"] == currency) & self.fx["period"].str.fullmatch(r"\d{4}Q[1-4]")]
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
            agrees=tuple(agrees),
        )

    def printed(self, fact: pd.Series) -> Quantity:
        """One row of facts.csv in the currency in which it was printed."""
        hedge = "" if fact["qualifier"] == "exact" else fact["qualifier"]
        unit = fact["of"] + _PER.get(fact["metric"], "")
        return Quantity(float(fact["number"]), unit, fact.name, (self.origin(fact.name),), hedge)

    def row(self, name: str) -> Row:
        """A fact or an event as the relations of claims.toml ask for it."""
        if name in self.facts.index:
            fact = self.facts.loc[name]
            figure = self.printed(fact)
            return Row(figure, fact["span"], tuple(fact["market"].split(", ")), figure.origins)
        event = self.events.loc[name]
        return Row(None, event["span"], tuple(event["market"].split(", ")), (self.event_origin(name),))

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
        publisher = row["publisher"] or row["title"]
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
        if asked not in self._asked_events:
            events = self.events
            self._asked_events[asked] = events[(events["platform"] == platform) & events["kind"].isin(kinds)]
        return self._asked_events[asked].copy(deep=False)  # pandas copies what is written to, if anything is

    @cached_property
    def _asked_events(self) -> dict[tuple[str, tuple[str, ...]], pd.DataFrame]:
        """What `events_of` has found so far: it is asked for the same few again and again."""
        return {}


def shared_ledger(folder: Path = DATA) -> Ledger:
    """As `read_ledger`; the same files are read once only, by this process and those forked from it."""
    try:
        files = tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file())
    except OSError:
        return read_ledger(folder)  # which says what is wrong
    return _ledger_of(folder, files)


@lru_cache(maxsize=1)
def _ledger_of(folder: Path, files: tuple[tuple[str, bytes], ...]) -> Ledger:
    return read_ledger(folder)


def read_ledger(folder: Path = DATA) -> Ledger:
    """Read and check a data folder.

    Raises
    ------
    LedgerError
        Naming every file, line, column and value that cannot be used, and what is allowed there.
    """
    problems: list[Problem] = []
    vocabulary = _read_vocabulary(folder / "vocabulary.toml", problems)
    assumptions = _read_assumptions(folder / "scenarios.toml", problems)
    tables = {name: read_table(folder / name, columns, problems) for name, columns in COLUMNS.items()}
    if problems:
        raise LedgerError(problems)  # without its columns a table cannot be checked cell by cell
    _check(tables, vocabulary, problems)
    claims = _read_claims(folder / "claims.toml", vocabulary, problems)
    if problems:
        raise LedgerError(sorted(problems, key=lambda p: (p.file, p.line or 0)))

    facts, events, fx = tables["facts.csv"], tables["events.csv"], tables["fx.csv"]
    spans = {
        text: Span.parse(text)
        for frame, key in ((facts, "period"), (events, "date"), (fx, "period"))
        for text in frame[key].unique()
    }
    for frame, key in ((facts, "period"), (events, "date"), (fx, "period")):
        frame["span"] = [spans[text] for text in frame[key]]
        frame["start"] = [span.start for span in frame["span"]]
        frame["end"] = [span.end for span in frame["span"]]
    events["public"] = [
        date.fromisoformat(day) if day else end for day, end in zip(events["known_on"], events["end"], strict=True)
    ]
    fx["per_usd"] = fx["per_usd"].astype(float)
    units = {unit: split_unit(unit) for unit in facts["unit"].unique()}
    facts["of"] = [units[unit][1] for unit in facts["unit"]]
    facts["number"] = facts["value"].astype(float) * [units[unit][0] for unit in facts["unit"]]
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
    facts = facts.loc[order.sort_values([*ranks, "id"]).index].set_index("id").drop(columns="line")
    ledger = Ledger(
        facts=facts,
        sources=tables["sources.csv"].drop(columns="line").set_index("source"),
        events=events.drop(columns="line").sort_values(["start", "id"]).set_index("id"),
        fx=fx.drop(columns="line").set_axis(fx["currency"] + " " + fx["period"]).sort_index(),
        vocabulary=vocabulary,
        assumptions=assumptions,
        claims=claims,
    )
    _check_claims(ledger, problems)
    if problems:
        raise LedgerError(problems)
    return ledger


def split_unit(unit: str) -> tuple[float, str]:
    """Factor to whole units, and the unit of a Quantity: `THB bn` is (1e9, `THB`), `%` is (0.01, `%`).

    Raises
    ------
    ValueError
        If no measure uses the unit.
    """
    if unit == "%":
        return 0.01, "%"
    text, per, noun = unit.partition(" per ")
    words = text.split(" ")
    if re.fullmatch("[A-Z]{3}", words[0]):
        scale = words[1] if len(words) == 2 else ""
        if scale in SCALES and len(words) <= 2 and noun == ("order" if per else ""):
            return SCALES[scale], words[0] + (f"/{noun}" if per else "")
    elif not per:
        scale, rest = (words[0], " ".join(words[1:])) if words[0] in SCALES else ("", text)
        if unit == "count":
            return 1.0, ""
        for measure, names in _MEASURES.items():
            # Only counts come in millions, with or without a noun.
            if rest in names and (not scale or measure == "count") and (rest or scale):
                return SCALES[scale], names[rest]
    raise ValueError(f"{unit!r} is no unit")


def read_table(path: Path, columns: tuple[str, ...], problems: list[Problem], delimiter: str = ",") -> pd.DataFrame:
    """A table of text with the number of its line in the file, or an empty one and a problem."""
    empty = pd.DataFrame(columns=[*columns, "line"])

    def refuse(allowed: str, line: int | None = None, column: str | None = None, value: str | None = None):
        problems.append(Problem(path.name, line, column, value, allowed))
        return empty

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return refuse(f"a readable file in {path.parent} ({error.strerror})")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = f"byte 0x{error.object[error.start]:02x}"
        return refuse("text in UTF-8; save the file with that encoding", line, None, byte)
    if "\0" in text:
        return refuse("text in UTF-8, without zero bytes", text[: text.index("\0")].count("\n") + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins, rows, lines = 1, [], []
    try:
        header = next((row for row in reader if row), [])
        begins = reader.line_num + 1
        for row in reader:
            if row:
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        return refuse(f"CSV with every quote closed ({error})", begins)
    if not header:
        return refuse(f"a header line: {', '.join(columns)}", 1, None, "an empty file")
    for name in dict.fromkeys(header):
        if name not in columns or header.count(name) > 1:
            refuse(f"each of these once: {', '.join(columns)}", 1, None, name)
    for name in columns:
        if name not in header:
            refuse(f"a column {name}", 1)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            refuse(f"{len(header)} cells, one for each column", line, None, f"{len(row)} cells")
    if any(p.file == path.name for p in problems):
        return empty
    if not rows:
        return refuse("at least one row under the header", 1, None, "no rows")
    frame = pd.DataFrame([[cell.strip() for cell in row] for row in rows], columns=header, dtype=object)
    return frame[list(columns)].assign(line=lines)


def _read_vocabulary(path: Path, problems: list[Problem]) -> Vocabulary:
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        markets = {name: _text(entry["name"]) for name, entry in raw["markets"].items()}
        regions = {
            name: tuple(markets) if entry["of"] == "all" else tuple(_text(member) for member in entry["of"])
            for name, entry in raw["regions"].items()
        }
        metrics = {name: (_text(entry["measure"]), _text(entry["means"])) for name, entry in raw["metrics"].items()}
        names = markets | {name: _text(entry["name"]) for name, entry in raw["regions"].items()}
        platforms = {name: _text(means) for name, means in raw["platforms"].items()}
        vocabulary = Vocabulary(platforms, markets, regions, names, metrics)
    except OSError as error:
        problems.append(Problem(path.name, None, None, None, f"a readable file ({error.strerror})"))
    except UnicodeDecodeError:
        problems.append(Problem(path.name, None, None, None, "text in UTF-8"))
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(path.name, None, None, None, f"TOML ({error})"))
    except (KeyError, TypeError, AttributeError) as error:
        allowed = "tables platforms, markets, regions and metrics, each entry with the keys and texts of its neighbours"
        problems.append(Problem(path.name, None, None, f"{type(error).__name__}: {error}", allowed))
    else:
        for name, (measure, _) in metrics.items():
            if measure not in MEASURES:
                problems.append(Problem(path.name, None, f"metrics.{name}", measure, ", ".join(MEASURES)))
        for name, members in regions.items():
            for member in members:
                if member not in markets:
                    problems.append(Problem(path.name, None, f"regions.{name}", member, "a name under [markets]"))
        return vocabulary
    return Vocabulary({}, {}, {}, {}, {})


def _read_assumptions(path: Path, problems: list[Problem]) -> Assumptions:
    def refuse(entry: str | None, value: str | None, allowed: str) -> None:
        problems.append(Problem(path.name, None, entry, value, allowed))

    try:
        return read_assumptions(path, _split_any_unit, refuse)
    except OSError as error:
        refuse(None, None, f"a readable file ({error.strerror})")
    except UnicodeDecodeError:
        refuse(None, None, "text in UTF-8")
    except tomllib.TOMLDecodeError as error:
        refuse(None, None, f"TOML ({error})")
    return Assumptions({}, {})


def _read_claims(path: Path, vocabulary: Vocabulary, problems: list[Problem]) -> tuple[Claim, ...]:
    def refuse(line: int | None, entry: str | None, value: str | None, allowed: str) -> None:
        problems.append(Problem(path.name, line, entry, value, allowed))

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        refuse(None, None, None, f"a readable file ({error.strerror})")
    except UnicodeDecodeError:
        refuse(None, None, None, "text in UTF-8")
    else:
        return read_claims(text, vocabulary.platforms, vocabulary.names, refuse)
    return ()


def _check_claims(ledger: Ledger, problems: list[Problem]) -> None:
    """Add a problem for each test that adds or compares unlike units; figures that are missing are no mistake here.

    A folder may hold what was known on some day, and claims that only later facts can test.
    """
    named = frozenset().union(*(claim.names for claim in ledger.claims))
    rows = {
        fact.Index: Row(Quantity(fact.number, fact.of + _PER.get(fact.metric, "")), fact.span, (fact.market,))
        for fact in ledger.facts[ledger.facts.index.isin(named)].itertuples()
    } | {
        event.Index: Row(None, event.span, (event.market,))
        for event in ledger.events[ledger.events.index.isin(named)].itertuples()
    }
    for claim in ledger.claims:
        if claim.test and claim.names <= rows.keys():
            own = {name: rows[name] for name in claim.names}
            if len(currencies(own)) > 1:  # the report converts them
                own = {name: _in_dollars(row) for name, row in own.items()}
            try:
                evaluate(claim.test, own)
            except RelationError as error:
                problems.append(Problem("claims.toml", claim.line, f"{claim.id}.test", claim.test, str(error)))


def _in_dollars(row: Row) -> Row:
    if row.figure is None or not is_currency(row.figure.unit.partition("/")[0]):
        return row
    return replace(row, figure=replace(row.figure, unit=f"USD{row.figure.unit[3:]}"))


def unknown_facts(ledger: Ledger) -> list[Problem]:
    """Claims that name a fact or an event which a whole ledger does not have."""
    known = {*ledger.facts.index, *ledger.events.index}
    return [
        Problem("claims.toml", claim.line, claim.id, name, "an id of facts.csv, or of events.csv inside a function")
        for claim in ledger.claims
        for name in sorted((claim.told | claim.names | claim.reading_facts) - known)
    ]


def _split_any_unit(unit: str) -> tuple[float, str]:
    """As `split_unit`, also for an amount for one of something: `USD k per person`."""
    amount, per, noun = unit.partition(" per ")
    factor, of = split_unit(amount)
    return factor, f"{of}/{noun}" if per else of


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _check(tables: dict[str, pd.DataFrame], vocabulary: Vocabulary, problems: list[Problem]) -> None:
    """Add a problem for each cell of the tables that breaks a rule of its column."""
    currencies = {"USD", *tables["fx.csv"]["currency"]}
    places = vocabulary.markets | vocabulary.regions
    sources = set(tables["sources.csv"]["source"])

    def one_of(allowed) -> tuple[Callable[[str], bool], str]:
        return set(allowed).__contains__, ", ".join(map(str, allowed))

    def unit_fits(cell: tuple[str, str]) -> bool:
        metric, unit = cell
        if metric not in vocabulary.metrics:
            return True  # the metric's own column says so
        try:
            _, of = split_unit(unit)
        except ValueError:
            return False
        measure = vocabulary.metrics[metric][0]
        currency, _, per = of.partition("/")
        if measure.startswith("money"):
            return currency in currencies and per == ("order" if measure.endswith("order") else "")
        return of in _MEASURES[measure].values()

    market = (
        lambda text: all(name in places for name in text.split(", ")),
        f"{', '.join(places)}, or several joined by a comma and a space",
    )
    platform, source = one_of(vocabulary.platforms), (sources.__contains__, "a source of sources.csv")
    period = (_parses(Span.parse), f"a period: {ALLOWED_PERIOD}")
    day = (_parses(date.fromisoformat, r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a day as YYYY-MM-DD")
    filled = (bool, "some text")
    rules = {
        "facts.csv": {
            "id": (re.compile(r"[A-Za-z0-9][\w.-]*").fullmatch, "letters, digits, - and _"),
            "platform": platform,
            "market": market,
            "metric": one_of(vocabulary.metrics),
            "period": period,
            "value": (_is_number, "a number, with a point for decimals and no thousands marks"),
            "qualifier": one_of(QUALIFIERS),
            "kind": one_of(KINDS),
            "basis": one_of(BASES),
            "source": source,
            "known_on": day,
            "known_on_basis": one_of(KNOWN_ON_BASES),
            "confidence": one_of(CONFIDENCE),
        },
        "sources.csv": {
            "source": filled,
            "title": filled,
            "url": (
                lambda text: not text or re.match(r"https?://\S+$", text),
                "empty, or an address that begins with http",
            ),
        },
        "events.csv": {
            "id": filled,
            "date": period,
            "platform": platform,
            "market": market,
            "kind": one_of(EVENT_KINDS),
            "event": filled,
            "source": source,
            "known_on": (lambda text: not text or day[0](text), "empty, or the day it was announced as YYYY-MM-DD"),
        },
        "fx.csv": {
            "currency": (re.compile("[A-Z]{3}").fullmatch, "a currency code of three capitals"),
            "period": period,
            "per_usd": (lambda text: _is_number(text) and float(text) > 0, "a number above zero"),
            "source": source,
        },
    }
    for name, columns in rules.items():
        table = tables[name]
        for column, (fits, allowed) in columns.items():
            _refuse_cells(problems, name, table, column, fits, allowed)
    facts = tables["facts.csv"]
    pairs = list(zip(facts["metric"], facts["unit"], strict=True))
    misfits = {pair for pair in set(pairs) if not unit_fits(pair)}
    for line, (metric, unit) in zip(facts["line"], pairs, strict=True):
        if (metric, unit) in misfits:
            measure = vocabulary.metrics[metric][0]
            problems.append(Problem("facts.csv", line, "unit", unit, _allowed_units(measure, sorted(currencies))))
    for name, keys in KEYS.items():
        table = tables[name]
        first = table.groupby(keys, sort=False)["line"].transform("first")
        for row in table.assign(first=first)[table.duplicated(keys)].itertuples():
            value = " ".join(getattr(row, key) for key in keys)
            problems.append(Problem(name, row.line, keys[0], value, f"a name used once; line {row.first} has it, too"))


def _refuse_cells(problems, name, table, column, fits, allowed) -> None:
    bad = {text for text in table[column].unique() if not fits(text)}
    for line, text in zip(table["line"], table[column], strict=True):
        if text in bad:
            problems.append(Problem(name, line, column, text, allowed))


def _allowed_units(measure: str, currencies: list[str]) -> str:
    scales = ", ".join(filter(None, SCALES))
    if measure.startswith("money"):
        per = " per order" if measure.endswith("order") else ""
        names = ", ".join(currencies)
        return f"a currency of fx.csv or USD ({names}), then nothing or one of {scales}, as in 'USD bn{per}'"
    names = ", ".join(filter(None, _MEASURES[measure]))
    return f"{names}, count, each with or without one of {scales}" if measure == "count" else names


def _parses(parse: Callable, pattern: str = ".*") -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return re.fullmatch(pattern, text) is not None

    return check


@lru_cache(maxsize=4096)
def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text) is not None
