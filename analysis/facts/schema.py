"""What the files of the data folder may hold, and the one reader of them, for `data/` and for `add` alike.

data/README.md explains the columns to those who edit them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from analysis.facts.errors import InputError
from analysis.facts.span import ALLOWED, Span

# Each in the order in which it leads: see `Ledger.facts`.
CONFIDENCE = ("high", "medium", "low")
BASES = ("official", "company", "leak", "tracker", "analyst", "press")
QUALIFIERS = ("exact", "about", "just over", "more than", "less than", "up to")
KINDS = ("actual", "estimate", "target", "policy", "event")
KNOWN_ON_BASES = ("published", "inferred")
VINTAGES = ("first", "revised")
EVENT_KINDS = (
    "launch", "test", "closure", "reopening", "merger",
    "law", "proceeding", "politics", "deal", "rule", "fee", "announcement", "record",
)  # fmt: skip

SCALES = {"": 1.0, "k": 1e3, "10k": 1e4, "mn": 1e6, "bn": 1e9, "tn": 1e12}
# Measure of a metric -> noun of a unit as written -> unit of a Quantity. Money has the currencies of fx.csv.
UNITS: dict[str, dict[str, str]] = {
    "money": {},
    "money per order": {},
    "gain per order": {},
    "share": {"%": "%"},
    "ratio": {"%": "%"},
    "growth": {"%": "%"},
    "multiple": {"multiple": "×"},
    "duration": {f"{noun}s": noun for noun in ("hour", "day", "week", "month", "year")},
    "count": {
        "": "", "orders": "order", "parcels": "parcel", "users": "user", "sellers": "seller", "markets": "market",
        "sites": "site", "people": "person", "winners": "", "rank": "",
    },
    "clock": {"o'clock": "o'clock"},
    "date": {"yyyymm": "yyyymm", "yyyymmdd": "yyyymmdd"},
}  # fmt: skip
# What a value as written can be at all. A share is a part of a whole; a ratio is measured against something else.
_NOT_NEGATIVE = (lambda number: number >= 0, "0 or more")
BOUNDS: dict[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(("money", "money per order", "ratio", "duration", "count"), _NOT_NEGATIVE),
    "share": (lambda number: 0 <= number <= 100, "0 to 100, a part of a whole in percent"),
    "growth": (lambda number: number > -100, "above -100, growth in percent"),
    "multiple": (lambda number: number > 0, "above 0"),
    "clock": (lambda number: 0 <= number <= 24, "0 to 24"),
}


# Problems ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """One cell, or one file, that cannot be used."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file + f", line {self.line}" * bool(self.line) + f", column {self.column}" * bool(self.column)
        value = f": {self.value!r}" if self.value is not None else ""
        return f"{place}{value}. Allowed: {self.allowed}" + f". Did you mean {self.hint!r}?" * bool(self.hint)


class LedgerError(InputError):
    """The data folder cannot be used; `problems` lists every reason found, by file and line."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line or 0))
        lines, said = [f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''} in the data"], set()
        for problem in self.problems:
            again = problem.allowed in said and len(problem.allowed) > 60  # a long list is told once
            lines.append(f"  {replace(problem, allowed='as above') if again else problem}")
            said.add(problem.allowed)
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple:
        return type(self), (self.problems,)  # a worker's error is told by its master


def refuse(allowed: str, hint: str = "") -> PydanticCustomError:
    """What a validator raises: what is allowed, and the word that was likely meant."""
    return PydanticCustomError("cell", "{allowed}", {"allowed": allowed, "hint": hint})


# Cells ------------------------------------------------------------------------------------------------


def cell(fits: Callable[[str], object], allowed: str) -> AfterValidator:
    """A cell for which `fits` is true and raises nothing."""

    @lru_cache(maxsize=4096)
    def good(text: str) -> bool:
        try:
            return bool(fits(text))
        except ValueError:
            return False

    def check(text: str) -> str:
        if not good(text):
            raise refuse(allowed)
        return text

    return AfterValidator(check)


def word(words: tuple[str, ...] | str, several: bool = False) -> AfterValidator:
    """One of some words, or of those that the context of the validation has under a name; or several of them."""

    def check(text: str, info) -> str:
        known = tuple(info.context[words] if isinstance(words, str) else words)
        for name in text.split(", ") if several else [text]:
            if name not in known:
                near = closest(name, known)
                also = ", or several joined by a comma and a space" * several
                raise refuse(", ".join(filter(None, known)) + also, near and text.replace(name, near))
        return text

    return AfterValidator(check)


@lru_cache(maxsize=4096)
def closest(text: str, words: Iterable[str]) -> str:
    """The word that was likely meant, or an empty text."""
    known = {name.casefold(): name for name in words}
    near = get_close_matches(text.casefold(), known, 3, 0.7)
    at_its_place = {name: sum(map(str.__eq__, name, text.casefold())) for name in near}
    return known[max(near, key=at_its_place.get)] if near else ""


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text) is not None


def is_day(text: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))


def _source(text: str, info) -> str:
    if text not in info.context["sources"]:
        raise refuse("a source of sources.csv")
    return text


Text = Annotated[str, Field(strict=True), cell(str.strip, "some text")]
Place = Annotated[str, Field(strict=True), word("places", several=True)]
Platform = Annotated[str, Field(strict=True), word("platforms")]
_Source = Annotated[str, AfterValidator(_source)]
_Id = Annotated[str, cell(re.compile(r"[A-Za-z0-9][\w.-]*").fullmatch, "letters, digits, - and _")]
_Period = Annotated[str, cell(Span.parse, f"a period: {ALLOWED}")]
_Day = Annotated[str, cell(is_day, "a day as YYYY-MM-DD")]
_DATE = cell(lambda text: len(text) in (6, 8) and Span.of_digits(text), "a date that exists, as yyyymm or yyyymmdd")
_Number = Annotated[str, cell(is_number, "a number, with a point for decimals and no thousands marks")]


class Strict(BaseModel):
    """Keys that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# Rows -------------------------------------------------------------------------------------------------


class Fact(Strict):
    """A row of facts.csv. Columns with a default may be left out of a file that is added."""

    id: _Id
    platform: Platform
    market: Place
    metric: Annotated[str, word("metrics")]
    period: _Period
    value: _Number
    unit: str
    qualifier: Annotated[str, word(QUALIFIERS)]
    kind: Annotated[str, word(KINDS)]
    basis: Annotated[str, word(BASES)]
    counter: Annotated[str, word("counters")] = "unstated"
    publication: str = ""
    source: _Source
    known_on: _Day
    known_on_basis: Annotated[str, word(KNOWN_ON_BASES)]
    vintage: Annotated[str, word(("", *VINTAGES))] = ""
    confidence: Annotated[str, word(CONFIDENCE)]
    withdrawn: str = ""
    replaced_by: str = ""
    quote: str = ""
    note: str = ""

    @field_validator("value", "unit")
    @classmethod
    def _of_the_measure(cls, text: str, info) -> str:
        metric, currencies = info.context["metrics"].get(info.data.get("metric")), info.context["currencies"]
        measure = metric.measure if metric else ""  # the metric's own column says so
        if info.field_name == "value":
            if measure == "date":
                _DATE.func(text)
            elif measure in BOUNDS and not BOUNDS[measure][0](float(text)):
                raise refuse(BOUNDS[measure][1])
        elif measure and text not in (units := units_of(measure, currencies)):
            raise refuse(_in_words(measure, currencies), closest(text, tuple(units)))
        elif measure == "date" and "value" in info.data and len(info.data["value"]) != len(text):
            raise refuse(f"{'yyyymmdd for a day' if text == 'yyyymm' else 'yyyymm for a month'}, as the value has it")
        return text

    @field_validator("replaced_by")
    @classmethod
    def _of_a_withdrawn_row(cls, other: str, info) -> str:
        others = info.context["ids"] - {info.data.get("id")} if info.data.get("withdrawn") else ()
        if other and other not in others:
            raise refuse("empty, or the id of another row of facts.csv where column withdrawn says why this one goes")
        return other


class Source(Strict):
    """A row of sources.csv."""

    source: Text
    title: Text
    publisher: str
    published: str
    url: Annotated[str, cell(re.compile(r"(https?://\S+)?").fullmatch, "empty, or an address that begins with http")]


class Event(Strict):
    """A row of events.csv."""

    id: Text
    date: _Period
    platform: Platform
    market: Place
    kind: Annotated[str, word(EVENT_KINDS)]
    event: Text
    known_on: Annotated[
        str, cell(lambda text: not text or is_day(text), "empty, or the day it was announced as YYYY-MM-DD")
    ]
    source: _Source


class Rate(Strict):
    """A row of fx.csv."""

    currency: Annotated[str, cell(re.compile("[A-Z]{3}").fullmatch, "a currency code of three capitals")]
    period: _Period
    per_usd: Annotated[str, cell(lambda text: is_number(text) and float(text) > 0, "a number above zero")]
    source: _Source


class Argument(Strict):
    """A row of arguments.csv: what a source argues, what of the data bears on it, and what would answer it."""

    id: _Id
    chapter: Text
    speaker: Text
    kind: Text
    source: _Source
    words: Text
    english: Text
    claims: str = ""
    facts: str = ""
    test: str = ""
    needs: Text


# Others name the rows of sources.csv, so that a file is added before those that need it.
TABLES: dict[str, type[Strict]] = {
    "sources.csv": Source, "events.csv": Event, "fx.csv": Rate, "facts.csv": Fact, "arguments.csv": Argument,
}  # fmt: skip
COLUMNS = {name: tuple(model.model_fields) for name, model in TABLES.items()}
# The columns that together name a row.
KEYS = {name: ["id"] for name in TABLES} | {"sources.csv": ["source"], "fx.csv": ["currency", "period"]}


# Units ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def units_of(measure: str, currencies: tuple[str, ...]) -> dict[str, tuple[float, str]]:
    """Every unit of a measure as it is written, with the factor to whole units and the unit of a Quantity."""
    if not UNITS[measure]:
        per, over = (" per order", "/order") if measure.endswith("order") else ("", "")
        scales = [(f" {scale}".rstrip(), factor) for scale, factor in SCALES.items()]
        return {f"{name}{scale}{per}": (factor, name + over) for name in currencies for scale, factor in scales}
    if measure == "count":  # only counts come in millions, with or without a noun
        written = [(f"{scale} {noun}".strip(), factor, unit)
                   for scale, factor in SCALES.items() for noun, unit in UNITS[measure].items()]  # fmt: skip
        return {"count": (1.0, "")} | {text: (factor, unit) for text, factor, unit in written if text}
    return {noun: (0.01 if noun == "%" else 1.0, unit) for noun, unit in UNITS[measure].items()}


@lru_cache(maxsize=1024)
def split_unit(unit: str) -> tuple[float, str]:
    """Factor to whole units, and the unit of a Quantity: `THB bn` is (1e9, `THB`); ValueError if there is none."""
    currencies = tuple(re.findall("^[A-Z]{3}", unit))
    for measure in UNITS:
        if unit in (units := units_of(measure, currencies)):
            return units[unit]
    raise ValueError(f"{unit!r} is no unit")


def _in_words(measure: str, currencies: tuple[str, ...]) -> str:
    scales, nouns = ", ".join(filter(None, SCALES)), ", ".join(filter(None, UNITS[measure]))
    if not nouns:
        per, names = " per order" * measure.endswith("order"), ", ".join(currencies)
        return f"a currency of fx.csv or USD ({names}), then nothing or one of {scales}, as in 'USD bn{per}'"
    return f"{nouns}, count, each with or without one of {scales}" if measure == "count" else nouns


# Files ------------------------------------------------------------------------------------------------

# `1,500` and `1.500` are one and a half in some countries and fifteen hundred in others.
_EITHER = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")
Content = bytes | OSError  # of a file, or why it cannot be read


def read_bytes(path: Path) -> Content:
    try:
        return path.read_bytes()
    except OSError as error:
        return error


def read_text(name: str, content: Content, problems: list[Problem]) -> str | None:
    """The text of a file, or None and a problem."""
    if isinstance(content, OSError):
        problems.append(Problem(name, None, None, None, f"a readable file ({content.strerror or content})"))
        return None
    raw = content.removeprefix(codecs.BOM_UTF8)
    try:
        text, at = raw.decode(), raw.find(b"\0")
    except UnicodeDecodeError as error:
        at = error.start
    if at < 0:
        return text
    allowed = "text in UTF-8, without zero bytes; save the file with that encoding"
    problems.append(Problem(name, raw.count(b"\n", 0, at) + 1, None, f"byte 0x{raw[at]:02x}", allowed))
    return None


def table_of(content: Content) -> str:
    """The table whose columns the header of a file has most of."""
    text = "" if isinstance(content, OSError) else content.decode("utf-8-sig", "replace")
    common = {table: len({*dialect(text, table)[0]} & {*COLUMNS[table]}) for table in reversed(TABLES)}
    return max(common, key=lambda table: (common[table], common[table] and -len(COLUMNS[table])))


def dialect(text: str, table: str) -> tuple[list[str], str, int]:
    """The header of a table, what parts its cells, and its line: what is likest of the first lines of a text."""
    most, found = 0, ([], ",", 1)
    for number, line in enumerate(islice(io.StringIO(text, newline=None), 20), 1):
        for mark in ",;\t":
            header = [name.strip().strip('"').strip() for name in line.split(mark)]
            if len({*header} & {*COLUMNS[table]}) > most:
                most, found = len({*header} & {*COLUMNS[table]}), (header, mark, number)
    return found


def read_table(
    name: str, content: Content, problems: list[Problem], table: str = "", added: bool = False
) -> list[dict[str, str]]:
    """The rows of a CSV file as text, each with its `line`; none, but problems, if it cannot be read.

    What a spreadsheet makes of a file is understood: a byte order mark, CRLF, `sep=;`, semicolons or tabs with decimal
    commas, spaces around a cell, rows and columns that are empty. `table` is the one whose columns the file has, if
    that is not its name; in a file that is `added`, columns that have a default may be missing.
    """
    table = table or name
    text = read_text(name, content, problems)
    if text is None:
        return []
    # A spreadsheet's own line before the header is no row; its end stays, so that lines keep their numbers.
    text = re.sub(r'\A"?sep=.?"?[,;\t ]*(?=[\r\n]|\Z)', "", text, flags=re.IGNORECASE)
    likely, mark, header_line = dialect(text, table)
    try:
        (first, header), *rows = _lines(text, mark) or [(1, [])]
    except csv.Error as error:
        reason, line = (*error.args, 1)[:2]
        problems.append(Problem(name, line, None, None, f"CSV with every quote closed ({reason})"))
        return []
    found = list(_misfits(name, table, added, first, header, rows))
    if first < header_line and len({*likely} & {*COLUMNS[table]}) > 1:
        above = f"the header as the first row; it stands in line {header_line}: remove what is above it"
        found = [Problem(name, first, None, " ".join(filter(None, header)), above)]
    problems += found
    if found:
        return []
    fields = TABLES[table].model_fields.items()
    empty = {column: "" if field.is_required() else field.default for column, field in fields}
    read = [empty | dict(zip(header, row, strict=True)) | {"line": line} for line, row in rows]
    if mark != ",":
        _write_decimal_points(name, read, problems)
    return read


def _lines(text: str, mark: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV text and the lines in which they begin, without rows and columns that are empty."""
    reader, found, begins = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), [], 1
    try:
        for row in reader:
            if any(cells := [cell.strip() for cell in row]):
                found.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(str(error), begins) from None
    width = len(found[0][1]) if found else 0
    used = [n for n in range(width) if any(row[n] for _, row in found if n < len(row))]
    return [
        (line, [row[n] for n in used if n < len(row)] + (row[width:] if any(row[width:]) else []))
        for line, row in found
    ]


def _misfits(name: str, table: str, added: bool, line: int, header: list[str], rows: list) -> Iterator[Problem]:
    """What keeps rows from being read under a header."""
    columns = COLUMNS[table]
    if not header:
        yield Problem(name, 1, None, "an empty file", f"a header line: {', '.join(columns)}")
        return
    for column in dict.fromkeys(header):
        if column not in columns or header.count(column) > 1:
            hint = closest(column, tuple(name for name in columns if name not in header))
            yield Problem(name, line, None, column, f"each of these once: {', '.join(columns)}", hint)
    for column, field in TABLES[table].model_fields.items():
        if column not in header and (field.is_required() or not added):
            yield Problem(name, line, None, None, f"a column {column}")
    for at, row in rows:
        if len(row) != len(header):
            yield Problem(name, at, None, f"{len(row)} cells", f"{len(header)} cells, one for each column")
    if not rows:
        yield Problem(name, line, None, "no rows", "at least one row under the header")


def _write_decimal_points(name: str, rows: list[dict[str, str]], problems: list[Problem]) -> None:
    """Numbers as the ledger writes them: where cells are parted by semicolons or tabs, decimals may have a comma."""
    column = next((column for column in ("value", "per_usd") if column in rows[0]), None)
    either = [row for row in rows if column and _EITHER.fullmatch(row[column])]
    if either:
        more = f"; {len(either) - 1} more cells of the column are like it" * (len(either) > 1)
        allowed = f"a number that can be read in one way only: no thousands marks, not three decimals{more}"
        problems.append(Problem(name, either[0]["line"], column, either[0][column], allowed))
    for row in rows:
        if column and _DECIMAL_COMMA.fullmatch(row[column]):
            row[column] = row[column].replace(",", ".")


def checked(name: str, rows: list[dict[str, str]], context: dict) -> Iterator[Problem]:
    """A problem for each cell of a table that breaks the rule of its column."""
    first = {}
    for row in rows:
        try:
            TABLES[name].model_validate({key: text for key, text in row.items() if key != "line"}, context=context)
        except ValidationError as error:
            for wrong in error.errors(include_url=False):
                yield Problem(name, row["line"], wrong["loc"][0], row[wrong["loc"][0]], **_said(wrong))
        key = tuple(row[column] for column in KEYS[name])
        line = first.setdefault(key, row["line"])
        if line != row["line"]:
            allowed = f"a name used once; line {line} has it, too"
            yield Problem(name, row["line"], KEYS[name][0], " ".join(key), allowed)


def read_toml(name: str, content: Content, problems: list[Problem]) -> tuple[dict, str] | None:
    """A TOML file as a dictionary, and its text; None, and a problem, if it is none."""
    text = read_text(name, content, problems)
    try:
        return None if text is None else (tomllib.loads(text), text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.append(Problem(name, None, None, None, f"TOML ({error})"))
        return None


def entries_checked(
    name: str, model: type[BaseModel], raw: dict, text: str, context: dict, problems: list[Problem], under: str = ""
) -> BaseModel | None:
    """A part of a TOML file as a model, or None and a problem for each key that breaks its rule."""
    try:
        return model.model_validate(raw, context=context)
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            path = [*filter(None, [under]), *map(str, wrong["loc"])]
            missing = wrong["type"] == "missing"
            value = None if missing else str(wrong["input"])[:60]
            problems.append(Problem(name, line_of(text, path), ".".join(path), value, **_said(wrong)))
        return None


def _said(wrong: dict) -> dict[str, str]:
    """What a validation error allows, in our words."""
    if wrong["type"] == "cell":
        return wrong["ctx"]
    keys = "the keys that data/README.md names"
    ours = {"missing": "some value; the key is missing", "extra_forbidden": keys, "unexpected_keyword_argument": keys}
    theirs = wrong["msg"].removeprefix("Input should be ").replace("tuple", "list").replace("Tuple", "list")
    return {"allowed": ours.get(wrong["type"], theirs)}


def line_of(text: str, path: list[str]) -> int | None:
    """The line of the table of a TOML file that stands for a path of keys, or for the longest part of it."""
    for depth in range(len(path), 0, -1):
        name = r"\s*\.\s*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in path[:depth])
        if header := re.search(rf"(?m)^[ \t]*\[\s*{name}\s*\]", text):
            return text[: header.start()].count("\n") + 1
    return None


# Vocabulary -------------------------------------------------------------------------------------------


class _Market(Strict):
    name: Text


class _Region(Strict):
    name: Text
    of: Literal["all"] | tuple[Text, ...]


class Metric(NamedTuple):
    """What a metric measures: the kind of its unit, and its definition."""

    measure: Annotated[str, Field(strict=True), word(tuple(UNITS))]
    means: Text


class Vocabulary(Strict):
    """The names that the CSV files may use: vocabulary.toml."""

    platforms: dict[str, Text]
    counters: dict[str, Text]
    markets: dict[str, _Market]
    regions_: dict[str, _Region] = Field(alias="regions")
    metrics: dict[str, Metric]

    @field_validator("regions_")
    @classmethod
    def _of_markets(cls, regions: dict[str, _Region], info) -> dict[str, _Region]:
        markets = info.data.get("markets", {})
        members = [(m, name) for name, region in regions.items() if region.of != "all" for m in region.of]
        for member, name in members if markets else ():
            if member not in markets:
                near = closest(member, tuple(markets))
                raise refuse(f"only names under [markets] in {name}; {member!r} is none", near)
        return regions

    @cached_property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """The markets of each region."""
        return {name: tuple(self.markets) if r.of == "all" else r.of for name, r in self.regions_.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Markets and regions, as a sentence names them."""
        return {name: place.name for name, place in (self.markets | self.regions_).items()}

    def members(self, market: str) -> tuple[str, ...]:
        """The markets that a market cell sums up: itself, the members of a region, or the names in a list."""
        return tuple(dict.fromkeys(m for name in market.split(", ") for m in self.regions.get(name, (name,))))

    def call(self, market: str) -> str:
        """A market or region, or several, as a sentence names them."""
        *names, last = (self.names[name] for name in market.split(", "))
        return f"{', '.join(names)} and {last}" if names else last

    @staticmethod
    def call_metric(metric: str) -> str:
        """A metric as a table names it: `GMV growth, year on year`."""
        words = metric.replace("_yoy", ", year on year").replace("_mom", ", month on month").replace("_", " ")
        return re.sub(r"\b(gmv|nmv|eur)\b", lambda match: match[0].upper(), words)
