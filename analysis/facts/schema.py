"""What the files of the data folder may hold, and the one reader of them, for `data/` and for `add` alike.

data/README.md explains the columns to those who edit them.
"""

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import cached_property, lru_cache, partial
from itertools import islice, zip_longest
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, create_model, field_validator
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
    "law", "proceeding", "politics", "deal", "rule", "fee", "announcement", "denial", "record",
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
    "count": {f"{noun}s": noun for noun in ("order", "parcel", "user", "seller", "market", "site")}
    | {"people": "person", "winners": "", "rank": "", "count": "", "": ""},
    "clock": {"o'clock": "o'clock"},
    "date": {"yyyymm": "yyyymm", "yyyymmdd": "yyyymmdd"},
}
# What a value as written can be at all. A share is a part of a whole; a ratio is measured against something else.
_NOT_NEGATIVE = (lambda number: number >= 0, "0 or more")
BOUNDS: dict[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(("money", "money per order", "ratio", "duration", "count"), _NOT_NEGATIVE),
    "share": (lambda number: 0 <= number <= 100, "0 to 100, a part of a whole in percent"),
    "growth": (lambda number: number > -100, "above -100, growth in percent"),
    "multiple": (lambda number: number > 0, "above 0"),
    "clock": (lambda number: 0 <= number <= 24, "0 to 24"),
}


class Problem(NamedTuple):
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
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines, said = [f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''} in the data"], set()
        for problem in self.problems:
            again = problem.allowed in said and len(problem.allowed) > 60  # a long list is told once
            lines.append(f"  {problem._replace(allowed='as above') if again else problem}")
            said.add(problem.allowed)
        return "\n".join(lines)


class Problems(list[Problem]):
    """Problems that are gathered, to be told all at once."""

    def tried(self, work: Callable, *given):
        """What `work` returns, or None and its problems."""
        try:
            return work(*given)
        except LedgerError as error:
            self.extend(error.problems)

    def tell(self) -> None:
        if self:
            raise LedgerError(self)


def refuse(allowed: str, hint: str = "") -> PydanticCustomError:
    """What a validator raises: what is allowed, and the word that was likely meant."""
    return PydanticCustomError("cell", "{allowed}", {"allowed": allowed, "hint": hint})


def cell(fits: Callable[[str], object], allowed: str) -> AfterValidator:
    """A cell for which `fits` is true and raises nothing."""

    @lru_cache(maxsize=4096)
    def check(text: str) -> str:
        try:
            good = fits(text)
        except ValueError:
            good = False
        if not good:
            raise refuse(allowed)
        return text

    return AfterValidator(check)


def word(words: tuple[str, ...] | str, several: bool = False, allowed: str = "") -> AfterValidator:
    """One of some words, or of those that the context of the validation has under a name; or several of them."""

    def check(text: str, info) -> str:
        known = info.context[words] if isinstance(words, str) else words
        for name in text.split(", ") if several else [text]:
            if name not in known:
                if allowed:
                    raise refuse(allowed)
                also = ", or several joined by a comma and a space" * several
                near = closest(name, tuple(known))
                raise refuse(", ".join(filter(None, known)) + also, near and text.replace(name, near))
        return text

    return AfterValidator(check)


@lru_cache(maxsize=4096)
def closest(text: str, words: tuple[str, ...]) -> str:
    """The word that was likely meant, or an empty text."""
    text, known = text.casefold(), {name.casefold(): name for name in words}
    near = get_close_matches(text, known, 3, 0.7)  # of these the one with most letters at their place
    return known[max(near, key=lambda name: sum(map(str.__eq__, name, text)))] if near else ""


def _is_day(text: str) -> bool:
    return Span.parse(text).start.isoformat() == text


_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_A_DATE = cell(lambda text: len(text) in (6, 8) and Span.of_digits(text), "a date that exists, as yyyymm or yyyymmdd")
Text = Annotated[str, Field(strict=True), cell(str.strip, "some text")]
Place = Annotated[str, Field(strict=True), word("places", several=True)]
Platform = Annotated[str, Field(strict=True), word("platforms")]
_Source = Annotated[str, word("sources", allowed="a source of sources.csv")]
_Id = Annotated[str, cell(re.compile(r"[A-Za-z0-9][\w.-]*").fullmatch, "letters, digits, - and _")]
_Day = Annotated[str, cell(_is_day, "a day as YYYY-MM-DD")]
_Announced = Annotated[
    str, cell(lambda text: not text or _is_day(text), "empty, or the day it was announced as YYYY-MM-DD")
]
_Period = Annotated[str, cell(Span.parse, f"a period: {ALLOWED}")]
_Number = Annotated[str, cell(_NUMBER.fullmatch, "a number, with a point for decimals and no thousands marks")]
_Rate = Annotated[str, cell(lambda text: _NUMBER.fullmatch(text) and float(text) > 0, "a number above zero")]
_Currency = Annotated[str, cell(re.compile("[A-Z]{3}").fullmatch, "a currency code of three capitals")]
_Url = Annotated[str, cell(re.compile(r"(https?://\S+)?").fullmatch, "empty, or an address that begins with http")]


class Strict(BaseModel, extra="forbid", frozen=True):
    """Keys that nobody knows are refused."""


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
                _A_DATE.func(text)
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
        others = info.context["ids"] if info.data.get("withdrawn") else ()
        if other and (other not in others or other == info.data.get("id")):
            raise refuse("empty, or the id of another row of facts.csv where column withdrawn says why this one goes")
        return other


_row = partial(create_model, "Row", __base__=Strict)
_Kind, _Maybe = Annotated[str, word(EVENT_KINDS)], (str, "")
# Others name the rows of sources.csv, so that a file is added before those that need it.
TABLES: dict[str, type[Strict]] = {
    "sources.csv": _row(source=Text, title=Text, publisher=str, published=str, url=_Url),
    "events.csv": _row(id=Text, date=_Period, platform=Platform, market=Place, kind=_Kind, event=Text,
                       known_on=_Announced, source=_Source),
    "fx.csv": _row(currency=_Currency, period=_Period, per_usd=_Rate, source=_Source),
    "facts.csv": Fact,
    "arguments.csv": _row(id=_Id, chapter=Text, speaker=Text, kind=Text, source=_Source, words=Text, english=Text,
                          claims=_Maybe, facts=_Maybe, test=_Maybe, needs=Text),
}  # fmt: skip
COLUMNS = {name: tuple(model.model_fields) for name, model in TABLES.items()}
# The columns that together name a row.
KEYS = {name: ["id"] for name in TABLES} | {"sources.csv": ["source"], "fx.csv": ["currency", "period"]}


@lru_cache(maxsize=256)
def units_of(measure: str, currencies: tuple[str, ...]) -> dict[str, tuple[float, str]]:
    """Every unit of a measure as it is written, with the factor to whole units and the unit of a Quantity."""
    nouns = UNITS[measure]
    if not nouns:
        per, over = (" per order", "/order") if measure.endswith("order") else ("", "")
        scaled = [(f" {scale}".rstrip(), factor) for scale, factor in SCALES.items()]
        return {f"{name}{scale}{per}": (factor, name + over) for name in currencies for scale, factor in scaled}
    scales = SCALES if measure == "count" else {"": 0.01 if "%" in nouns else 1.0}  # only counts come in millions
    written = [(scale, factor, noun, unit) for scale, factor in scales.items() for noun, unit in nouns.items()]
    return {f"{scale} {noun}".strip(): (factor, unit) for scale, factor, noun, unit in written if scale or noun}


def split_unit(unit: str) -> tuple[float, str]:
    """Factor to whole units, and the unit of a Quantity: `THB bn` is (1e9, `THB`); also for one of something.

    ValueError if there is none.
    """
    amount, per, noun = unit.partition(" per ")
    currencies = tuple(re.findall("^[A-Z]{3}", amount))
    for measure in UNITS:
        if amount in (units := units_of(measure, currencies)):
            factor, of = units[amount]
            return factor, f"{of}/{noun}" if per else of
    raise ValueError(f"{unit!r} is no unit")


def _in_words(measure: str, currencies: tuple[str, ...]) -> str:
    scales, nouns = ", ".join(filter(None, SCALES)), ", ".join(filter(None, UNITS[measure]))
    if not nouns:
        per, names = " per order" * measure.endswith("order"), ", ".join(currencies)
        return f"a currency of fx.csv or USD ({names}), then nothing or one of {scales}, as in 'USD bn{per}'"
    return f"{nouns}, each with or without one of {scales}" if measure == "count" else nouns


def read_text(name: str, content: bytes) -> str:
    """The text of a file; LedgerError if it is none."""
    try:
        if b"\0" in content:
            raise UnicodeDecodeError("utf-8", content, content.index(b"\0"), len(content), "a zero byte")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, f"byte 0x{error.object[error.start]:02x}"
        allowed = "text in UTF-8, without zero bytes; save the file with that encoding"
        raise LedgerError([Problem(name, line, None, byte, allowed)]) from None


def dialect(text: str, tables: Iterable[str]) -> tuple[str, list[str], str, int]:
    """The table whose header stands among the first lines of a text, that header, what parts its cells, its line."""
    most, found = 0, (next(iter(tables)), [], ",", 1)
    for number, line in enumerate(islice(io.StringIO(text, newline=None), 20), 1):
        for mark in ",;\t":
            header = [name.strip().strip('"').strip() for name in line.split(mark)]
            for table in tables:
                common = len({*header} & {*COLUMNS[table]})
                if common > most:
                    most, found = common, (table, header, mark, number)
    return found


def read_table(name: str, content: bytes, added: bool = False) -> list[dict]:
    """The rows of a CSV file as text, each with its `table`, `file` and `line`; LedgerError if there are none.

    What a spreadsheet makes of a file is understood: a byte order mark, CRLF, `sep=;`, semicolons or tabs with decimal
    commas, spaces around a cell, rows and columns that are empty. In a file that is `added`, whose header tells its
    table, columns that have a default may be missing.
    """
    text, problems, read = read_text(name, content), Problems(), []
    table, likely, mark, header_line = dialect(text, tuple(TABLES) if added else (name,))
    (top, header), *rows = _lines(name, text, mark) or [(1, [])]
    fields, columns = TABLES[table].model_fields, COLUMNS[table]
    if top < header_line and len({*likely} & {*columns}) > 1:
        above = f"the header as the first row; it stands in line {header_line}: remove what is above it"
        raise LedgerError([Problem(name, top, None, " ".join(filter(None, header)), above)])
    named = [column for column in header if column]
    for column in dict.fromkeys(named):
        if column not in columns or named.count(column) > 1:
            hint = closest(column, tuple(name for name in columns if name not in named))
            problems.append(Problem(name, top, None, column, f"each of these once: {', '.join(columns)}", hint))
    for column, field in fields.items():
        if named and column not in named and (field.is_required() or not added):
            problems.append(Problem(name, top, None, None, f"a column {column}"))
    if not rows:
        allowed = f"a header line and at least one row under it; the header: {', '.join(columns)}"
        problems.append(Problem(name, top, None, "no rows" if named else "an empty file", allowed))
    empty = {column: "" if field.is_required() else field.default for column, field in fields.items()}
    number = {"facts.csv": "value", "fx.csv": "per_usd"}.get(table) if mark != "," else None
    for line, cells in rows:
        pairs = list(zip_longest(header, cells, fillvalue=""))
        if len(cells) < len(named) or any(cell for column, cell in pairs if not column):
            problems.append(
                Problem(name, line, None, f"{len(cells)} cells", f"{len(named)} cells, one for each column")
            )
        row = empty | {column: cell for column, cell in pairs if column}
        # `1,500` and `1.500` are one and a half in some countries and fifteen hundred in others.
        if number and re.fullmatch(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}", row[number]):
            allowed = "a number that can be read in one way only: no thousands marks, not three decimals"
            problems.append(Problem(name, line, number, row[number], allowed))
        elif number and re.fullmatch(r"-?[0-9]+,[0-9]+", row[number]):
            row[number] = row[number].replace(",", ".")
        read.append(row | {"table": table, "file": name, "line": line})
    problems.tell()
    return read


def _lines(name: str, text: str, mark: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV text that are not empty, with the lines in which they begin."""
    reader, rows, begins = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), [], 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and (rows or not cells[0].lower().startswith("sep=")):  # a spreadsheet's own first line
                rows.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise LedgerError([Problem(name, begins, None, None, f"CSV with every quote closed ({error})")]) from None
    return rows


def key_of(row: dict) -> tuple[str, ...]:
    """The cells that name a row in its table."""
    return tuple(row[column] for column in KEYS[row["table"]])


def checked(rows: list[dict], context: dict) -> Iterator[Problem]:
    """A problem for each cell that breaks the rule of its column."""
    first = {}
    for row in rows:
        table, place = row["table"], (row["file"], row["line"])
        try:
            TABLES[table].model_validate({column: row[column] for column in COLUMNS[table]}, context=context)
        except ValidationError as error:
            for wrong in error.errors(include_url=False):
                yield Problem(*place, wrong["loc"][0], row[wrong["loc"][0]], **_said(wrong))
        before = first.setdefault((table, key_of(row)), row)
        if before is not row:
            allowed = f"a name used once; {before['file']}, line {before['line']} has it, too"
            yield Problem(*place, KEYS[table][0], " ".join(key_of(row)), allowed)


def read_toml(name: str, content: bytes, kind: type, context: dict) -> object:
    """A TOML file as what `kind` makes of it; LedgerError with a problem for each key that breaks its rule."""
    text = read_text(name, content)
    try:
        return TypeAdapter(kind).validate_python(tomllib.loads(text), context=context | {"text": text})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LedgerError([Problem(name, None, None, None, f"TOML ({error})")]) from None
    except ValidationError as error:
        problems = []
        for wrong in error.errors(include_url=False):
            path = [*map(str, wrong["loc"])]
            value = None if wrong["type"] == "missing" else str(wrong["input"])[:60]
            problems.append(Problem(name, line_of(text, path), ".".join(path), value, **_said(wrong)))
        raise LedgerError(problems) from None


def with_ids(entries: object) -> object:
    """Tables of a TOML file, each with its own name as `id`."""
    if not isinstance(entries, dict):
        return entries
    return {name: entry | {"id": name} if isinstance(entry, dict) else entry for name, entry in entries.items()}


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


class _Market(Strict):
    name: Text


class _Region(_Market):
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
        for member, name in [(m, name) for name, region in regions.items() if region.of != "all" for m in region.of]:
            if markets and member not in markets:
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
        *names, last = (self.names.get(name, name) for name in market.split(", "))
        return f"{', '.join(names)} and {last}" if names else last

    def call_metric(self, metric: str) -> str:
        """A metric as a table names it: `GMV growth (year on year)`."""
        words = metric.replace("_yoy", " (year on year)").replace("_mom", " (month on month)").replace("_", " ")
        return re.sub(r"\b(gmv|nmv|eur)\b", lambda match: match[0].upper(), words)
