"""The words of a chapter, from text/<language>/<chapter>.md, filled with what its sections have found.

    # Headline of {{ quarter }}                 the chapter's headline; what stands above the first section is `opening`
    - GMV was {{ gmv }}.                        a sentence; not said if a number in it is unknown,
      or GMV of {{ quarter }} is not known.     and then this is said instead

    ## months                                   a section: what the function of that name returns
    ### us_pace: bars                           a chart of a kind of charts.py, a `table`, a `reference`, `tiles` …
    - Its title
    > Its subtitle
    | label | value |                           its columns, then its rows; left out if the first number is unknown
    | Mean so far | {{ achieved }} |
    | for m in path if m.ahead | {{ m.span.short }} | {{ m.estimate }} |      a row for each month

A word in `{{ }}` is a name that the section returns, or leads from one by attributes; filters and macros are those of
words.jinja, one file a language. What is unknown or None takes its sentence with it, an empty text does not.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, groupby
from string import Formatter
from typing import NamedTuple

import pandas as pd
from jinja2 import ChainableUndefined, TemplateSyntaxError, Undefined, UndefinedError, meta, pass_context
from jinja2.nativetypes import NativeEnvironment, NativeTemplate
from jinja2.runtime import missing

from analysis.facts.errors import InputError
from analysis.facts.language import FIRST, TEXT, path_of, say
from analysis.facts.quantity import Band, Quantity, level, scaled
from analysis.facts.schema import SCALES
from analysis.facts.span import Span, dated

COMMON = "common"  # the file of sections that every chapter has in the same words


class TextError(InputError):
    """A text file cannot be used; the message says where and what is allowed."""


class Unknown(Exception):
    """A sentence names a number that nobody has published."""


# Sentences --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marked:
    """A text that stands elsewhere as it is here, with its own mark-up: a quotation, a publisher."""

    text: str
    html: str


@dataclass(frozen=True)
class Sentence:
    """Words, quantities and spans, in order; false if there is nothing to say. A `whole` one begins with a capital."""

    parts: tuple = ()
    whole: bool = False

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        text = "".join(map(_text, self.parts))
        return _capital(text) if self.whole else text

    @property
    def html(self) -> str:
        """For a page; each number names by its key the note that explains it."""
        first, *rest = self.parts or ("",)
        return _html(first, _capital if self.whole else str) + "".join(map(_html, rest))

    @property
    def quantities(self) -> list[Quantity]:
        return [part for part in self.parts if isinstance(part, Quantity)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _text(part: object) -> str:
    return part.label if isinstance(part, Span) else part.text if isinstance(part, (Quantity, Marked)) else str(part)


def _html(part: object, change: Callable[[str], str] = str) -> str:
    if isinstance(part, Quantity):
        return part.html(change(part.text))
    if isinstance(part, Span):
        return _time(part, change(part.label))
    return part.html if isinstance(part, Marked) else dated(change(str(part)))


def _time(span: Span, label: str) -> str:
    return f'<time datetime="{span.start.isoformat()}">{html.escape(label)}</time>'


def joined(parts: object) -> Sentence:
    """Parts as one sentence; where an optional part was left out, no space is left before a comma or a point."""
    found = []
    for is_text, run in groupby(_flat(parts), lambda part: isinstance(part, str)):
        run = ["".join(run)] if is_text else run
        found += [re.sub(r" +([,.;:)])", r"\1", re.sub(r"\s+", " ", part)) if is_text else part for part in run]
    found[:1] = [part.lstrip() if isinstance(part, str) else part for part in found[:1]]
    found[-1:] = [part.rstrip() if isinstance(part, str) else part for part in found[-1:]]
    return Sentence(tuple(part for part in found if part != ""))


def _flat(parts: object) -> Iterator[object]:
    for part in parts if isinstance(parts, (list, tuple)) else [parts]:
        if isinstance(part, (list, tuple)):
            yield from _flat(part)
        elif isinstance(part, Sentence):
            yield from part.parts
        else:
            yield part


# Filling ----------------------------------------------------------------------------------------------


class _Absent(ChainableUndefined):
    """What `{{ month.gmv }}` comes to where there is no month: unknown. A name that nobody knows is a mistake."""

    def __init__(self, hint=None, obj=missing, name=None, exc=None):
        super().__init__(hint, obj, name)
        if obj is not None and not isinstance(obj, Undefined):
            raise UndefinedError(f"{name} is no name of this section" if obj is missing else f"nothing is named {name}")

    def _absent(self, *_):
        return self

    def _no(self, *_):
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _absent
    __abs__ = __call__ = _absent
    __lt__ = __le__ = __gt__ = __ge__ = _no


# As the code and the data folder print amounts: US$17.5 bn, 17.5 USD bn, 182 days, 2.4 mn sellers.
_AMOUNT = re.compile(
    r"(US\$)?(?<![\w.,])(\d[\d,]*(?:\.\d+)?)(?: (?!GMV)([A-Z]{3})\b)?(?: (10k|k|mn|bn|tn)\b)?"
    r"(?: (hour|day|week|month|year|order|parcel|user|seller|market|site|winner|forecast|scenario|claim|fact"
    r"|source)s?\b)?"
)


def _amount(found: re.Match[str]) -> Quantity:
    """The amount that was found; unknown if it is a number alone."""
    symbol, size, currency, scale, noun = found.groups()
    unit = "USD" if symbol else currency or noun
    return Quantity(float(size.replace(",", "")) * SCALES[scale or ""], unit) if unit else Quantity.unknown(size)


@cache
def environment(language: str) -> NativeEnvironment:
    """What fills the texts of a language, each to the list of its parts: its words, and filters on numbers."""

    def in_words(text: str) -> str:
        """What the code prints, in this language: amounts as its macro `quantity` has them, then its own words."""
        return say(text, language, amounts) if "quantity" in jinja.globals else say(text, language)

    def amounts(text: str) -> str:
        return _AMOUNT.sub(lambda found: printed(q).text if (q := _amount(found)) else found[0], text)

    @pass_context  # only for a value of its own: Jinja would make text of `{{ false }}` beforehand
    def known(_, value: object) -> object:
        if value is None or isinstance(value, Undefined) or (isinstance(value, (Quantity, Band)) and not value):
            raise Unknown
        return printed(jinja.globals["band"](value) if isinstance(value, Band) else value)

    def printed(value: object) -> object:
        """A value that this language prints in its own way, where its words have a macro `quantity`."""
        if "quantity" not in jinja.globals:
            return value
        if isinstance(value, Quantity):
            return replace(value, printer=lambda q: joined(jinja.globals["quantity"](q)).text)
        if isinstance(value, Span):
            return Marked(label := in_words(value.label), _time(value, label))
        if isinstance(value, Sentence):
            return replace(value, parts=tuple(map(printed, value.parts)))
        return [printed(one) for one in value] if isinstance(value, list) else in_all(value, in_words)

    jinja = NativeEnvironment(undefined=_Absent, finalize=known, trim_blocks=True, lstrip_blocks=True)
    jinja.concat = list  # numbers stay numbers, also those that a macro says
    jinja.filters |= {"amount": lambda q: q.amount, "short": lambda span: span.short}
    jinja.filters |= {"hundred": lambda q: q and replace(q, value=float(round(100 * q.value)), unit="")}
    jinja.filters |= {"cited": cited, "quoted": quoted, "filled": filled}
    jinja.filters |= {"publishers": lambda names: publishers(names, in_words)}
    jinja.filters |= {"said": lambda figure: said(figure, in_words), "say": in_words, "scaled": scaled}
    jinja.filters |= {"word": lambda text: say(text, language)}  # without amounts, for what prints an amount itself
    jinja.tests |= {"level": level}
    for folder in dict.fromkeys((FIRST, path_of("words.jinja", language).parent.name)):
        source = (TEXT / folder / "words.jinja").read_text("utf-8")
        try:
            module = jinja.from_string(source).module  # which lives on until its macros are taken
        except TemplateSyntaxError as error:
            raise TextError(f"text/{folder}/words.jinja, line {error.lineno}: {error}") from None
        jinja.globals |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    jinja.globals |= {"say": in_words, "printed": printed}
    return jinja


def in_all(value: object, change: Callable[[str], str]) -> object:
    """A value with every text in it changed."""
    if isinstance(value, dict):
        return {name: in_all(one, change) for name, one in value.items()}
    if isinstance(value, list):
        return [in_all(one, change) for one in value]
    return change(value) if isinstance(value, str) else value


def cited(words: str) -> Marked | str:
    """A piece of the data folder as it stands there: an id, a title, an event, a figure as printed."""
    return words and Marked(words, f'<span class="cited">{html.escape(words, quote=False)}</span>')


def quoted(words: str) -> Marked | str:
    """Original words, as a quotation in their language."""
    language = ' lang="zh"' if re.search(r"[\u4e00-\u9fff]", words) else ""
    return words and Marked(f"“{words}”", f"<q{language}>{html.escape(words, quote=False)}</q>")


def publishers(names: Iterable[str], in_words: Callable[[str], str], between: str = "; ") -> Marked:
    names, between = list(map(in_words, names)), in_words(between)
    return Marked(between.join(names), between.join(f"<cite>{html.escape(name, quote=False)}</cite>" for name in names))


def said(figure: Quantity | None, in_words: Callable[[str], str]) -> Marked | None:
    """Who counted the figures behind a number; where that is not stated, who published them."""
    names = {}
    for origin in figure.origins if figure else ():
        if counter := getattr(origin, "counter", ""):  # no exchange rate, no assumption
            names[re.split(r" via | \(|;", origin.publisher)[0] if counter == "unstated" else counter] = True
    return publishers(names, in_words, " and ") if names else None


def filled(words: str, figures: Mapping[str, Quantity]) -> Sentence:
    """Words of the data folder with the figures that they name: `GMV was {A0005}`."""
    return joined([[text, figures[name] if name else ""] for text, name, *_ in Formatter().parse(words)])


# Text files -------------------------------------------------------------------------------------------


@dataclass
class Words:
    """A piece of a text file that is filled on its own."""

    source: str
    file: str
    line: int
    language: str

    def fill(self, names: Mapping[str, object]) -> list[object]:
        """The parts it comes to.

        Raises
        ------
        Unknown
            If a number in it is unknown.
        TextError
            If it names what the section does not return.
        """
        try:
            jinja = environment(self.language)
            # As `Template.new_context`, which takes ten times as long: it copies the words of the language twice.
            context = jinja.context_class(jinja, {**jinja.globals, **names}, None, {})
            return list(_template(self.source, jinja).root_render_func(context))
        except (TemplateSyntaxError, UndefinedError, TypeError, AttributeError, KeyError, ValueError) as error:
            place = f"{self.file}, line {self.line}"
            raise TextError(next(self.mistakes(names), f"{place}: {error}")) from error

    def mistakes(self, names: Mapping[str, object]) -> Iterator[str]:
        """A line for what Jinja cannot read in it, or for each name in it that is none of `names`."""
        place, jinja = f"{self.file}, line {self.line}", environment(self.language)
        try:
            asked = meta.find_undeclared_variables(jinja.parse(self.source)) - set(jinja.globals)
        except TemplateSyntaxError as error:
            yield f"{place}: {error}"
            return
        for name in sorted(asked - set(names)):
            near = difflib.get_close_matches(name, names, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Allowed: {', '.join(sorted(names))}"
            yield f"{place}: {name} is no name of this section. {hint}"


@cache
def _template(source: str, jinja: NativeEnvironment) -> NativeTemplate:
    return jinja.from_string(" ".join(source.split()))


def first(alternatives: list[Words], names: Mapping[str, object]) -> Sentence:
    """The first alternative of which every number is known; empty if there is none."""
    for words in alternatives:
        try:
            if said := joined(words.fill(names)):
                return replace(said, whole=True)
        except Unknown:
            continue
    return Sentence()


class Row(NamedTuple):
    """A row of a chart or table: its cells, and the loop or condition that makes several of it, or none."""

    cells: list[Words]
    each: str
    of: Words | None
    where: Words | None


@dataclass
class Block:
    """A section, or a chart or table in it."""

    name: str
    kind: str = ""  # of a chart or table
    of: str = ""  # name of the table that is drawn, where its rows are not written here
    headline: list[Words] = field(default_factory=list)  # its alternatives, the fullest first
    sentences: list[list[Words]] = field(default_factory=list)
    subtitle: list[Words] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # the first has the names of the columns
    blocks: list[Block] = field(default_factory=list)
    heading: str = ""

    def said(self, names: Mapping[str, object]) -> list[Sentence]:
        """What is said of the sentences, in order."""
        return [said for alternatives in self.sentences if (said := first(alternatives, names))]

    def table(self, names: Mapping[str, object]) -> pd.DataFrame:
        """Its columns and rows as written, or the table that it names; without rows whose first number is unknown."""
        if self.of:
            return names[self.of]
        found = []
        for row in self.rows[1:]:
            for item in _items(row, names):
                known = {**names, row.each: item} if row.of else names
                if row.where is None or _value(row.where, known):
                    cells = [_cell(cell, known) for cell in row.cells]
                    if next((bool(cell) for cell in cells if isinstance(cell, Quantity)), True):
                        found.append(cells)
        head = self.rows[0].cells if self.rows else []
        return pd.DataFrame(found, columns=[joined(cell.fill(names)).text for cell in head])

    def mistakes(self, names: set[str]) -> Iterator[str]:
        """A line for each mistake in it and in its charts and tables, of a section that returns `names`."""
        for words in chain(self.headline, self.subtitle, *self.sentences):
            yield from words.mistakes(names)
        for row in self.rows:
            for words in filter(None, [row.of, row.where, *row.cells]):
                yield from words.mistakes(names | {row.each} if row.of else names)
        for block in self.blocks:
            yield from block.mistakes(names)


def _value(words: Words, names: Mapping[str, object]) -> object:
    """What a single `{{ … }}` comes to, as such; None if it is unknown."""
    try:
        return words.fill(names)[0]
    except Unknown:
        return None


def _items(row: Row, names: Mapping[str, object]) -> Iterator[object]:
    items = _value(row.of, names) if row.of else [None]
    return items.itertuples() if isinstance(items, pd.DataFrame) else iter(items or ())


def _cell(words: Words, names: Mapping[str, object]) -> object:
    """What a single `{{ … }}` comes to, as such; else a sentence; unknown if a number in it is."""
    try:
        parts = list(_flat(words.fill(names)))
    except Unknown:
        return Quantity.unknown(words.source)
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], (str, Marked, Span)) else joined(parts) or ""


@cache
def read(chapter: str, language: str = "en") -> dict[str, Block]:
    """The sections of a chapter's text by name, in their order; then those that all chapters share.

    A chapter that a language has no text of is read in the first one.

    Raises
    ------
    TextError
        If the file is missing, or a line of it is none of those that may stand there.
    """
    name = f"{chapter}.md"
    path = path_of(name, language)
    language = path.parent.name
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TextError(f"{name}: a text file in UTF-8 is needed at analysis/text/{language} ({error})") from None
    sections = read_text(f"text/{language}/{name}", text, language)
    for section in read(COMMON, language).values() if chapter != COMMON else ():
        blocks = [replace(block, name=f"{chapter}_{block.name}") for block in section.blocks]  # the names of files
        sections.setdefault(section.name, replace(section, blocks=blocks))
    return sections


def read_text(file: str, text: str, language: str = "en") -> dict[str, Block]:
    """The sections of a text by name, in their order; `file` is what a message calls it."""
    section = block = Block("opening")
    sections, open_words = {section.name: section}, None  # what an indented line goes on with
    for number, line in enumerate(text.splitlines(), start=1):
        place = file, number, language
        if not line.strip():
            open_words = None
        elif found := re.fullmatch(r"## (\w+)(?:: (.+))?", line):
            # A section may come in two parts.
            section = block = sections.setdefault(found[1], Block(found[1], heading=found[2] or ""))
        elif found := re.fullmatch(r"### (\w+): (\w+)(?: of (\w+))?", line):
            block = Block(found[1], found[2], found[3] or "")
            section.blocks.append(block)
        elif line.startswith(("# ", "> ", "- ")):
            if line[0] == "-" and block.kind and block.sentences:
                allowed = "one title; a sentence of the section stands above its charts and tables"
                raise TextError(f"{file}, line {number}: a second title of {block.name}. Allowed: {allowed}")
            if line[0] == "-":
                block.sentences.append([])
            open_words = block.headline if line[0] == "#" else block.subtitle if line[0] == ">" else block.sentences[-1]
            open_words.append(Words(line[2:], *place))
        elif line.startswith("  or ") and open_words:
            open_words.append(Words(line[5:], *place))
        elif line.startswith("  ") and open_words:
            open_words[-1].source += " " + line.strip()
        elif line.startswith("|"):
            block.rows.append(_row(line, place, len(block.rows[0].cells) if block.rows else None))
        elif not line.startswith("<!--"):
            allowed = "# headline, ## section, ### name: kind, - sentence, two spaces and or, > subtitle, | row |"
            raise TextError(f"{file}, line {number}: {line[:40]!r}. Allowed at its start: {allowed}")
    return sections


def _row(line: str, place: tuple[str, int, str], columns: int | None) -> Row:
    """A row with as many cells as there are columns; a bar inside braces is a filter."""
    cells = [cell.strip() for cell in re.split(r"\|(?![^{]*[}%]\})", line.strip())[1:-1]]
    loop = re.fullmatch(r"(?:for (\w+) in (.+?))?(?: ?if (.+))?", cells[0] if cells else "")
    each, of, where = loop.groups() if loop else (None, None, None)
    cells = cells[1:] if of or where else cells
    if columns is not None and len(cells) != columns:
        raise TextError(f"{place[0]}, line {place[1]}: {len(cells)} cells. Allowed: {columns}, one for each column")
    of, where = (Words(f"{{{{ {words} }}}}", *place) if words else None for words in (of, where))
    return Row([Words(cell, *place) for cell in cells], each or "", of, where)
