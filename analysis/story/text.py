"""The words of a chapter, from text/<language>/<chapter>.md, filled with what its sections have found.

    # Headline of {{ quarter }}                 the chapter's headline; what stands above the first section is `opening`
    - GMV was {{ gmv }}.                        a sentence; not said if a number in it is unknown,
      or GMV of {{ quarter }} is not known.     and then this is said instead

    ## months                                   a section: what the function of that name returns
    ### us_pace: bars                           a chart of a kind of charts.py, a `table`, a `reference` or `tiles`
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from string import Formatter

import pandas as pd
from jinja2 import TemplateSyntaxError, Undefined, UndefinedError, meta, pass_context
from jinja2.nativetypes import NativeEnvironment, NativeTemplate
from jinja2.runtime import missing

from analysis.facts.errors import InputError
from analysis.facts.quantity import Quantity, level
from analysis.facts.span import Span, dated
from analysis.model.estimates import Band

FOLDER = Path(__file__).resolve().parent.parent / "text"
COMMON = "common"  # the file of sections that every chapter has in the same words


class TextError(InputError):
    """A text file cannot be used; the message says where and what is allowed."""


class Unknown(Exception):
    """A sentence names a number that nobody has published."""


# Sentences --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marked:
    """A text that stands elsewhere as it is here, with its own mark-up: a quotation, a publisher, a formula."""

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
        return f'<time datetime="{part.start.isoformat()}">{html.escape(change(part.label))}</time>'
    return part.html if isinstance(part, Marked) else dated(change(str(part)))


def _flat(parts: object) -> Iterator[object]:
    for part in parts if isinstance(parts, (list, tuple)) else [parts]:
        if isinstance(part, (list, tuple)):
            yield from _flat(part)
        elif isinstance(part, Sentence):
            yield from part.parts
        else:
            yield part


def joined(parts: object) -> Sentence:
    """Parts as one sentence; where an optional part was left out, no space is left before a comma or a point."""
    found: list[object] = []
    for part in _flat(parts):
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    tidy = [re.sub(r" +([,.;:)])", r"\1", re.sub(r"\s+", " ", p)) if isinstance(p, str) else p for p in found]
    if tidy and isinstance(tidy[0], str):
        tidy[0] = tidy[0].lstrip()
    if tidy and isinstance(tidy[-1], str):
        tidy[-1] = tidy[-1].rstrip()
    return Sentence(tuple(part for part in tidy if part != ""))


# Filling ----------------------------------------------------------------------------------------------


class _Absent(Undefined):
    """What `{{ month.gmv }}` comes to where there is no month: unknown. A name that nobody knows is a mistake."""

    def __init__(self, hint=None, obj=missing, name=None, exc=None):
        super().__init__(hint, obj, name)
        if obj is not None and not isinstance(obj, Undefined):
            raise UndefinedError(f"{name} is no name of this section" if obj is missing else f"nothing is named {name}")

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def _absent(self, *_):
        return self

    def _no(self, *_):
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _absent
    __abs__ = __call__ = __getitem__ = _absent
    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _no

    def __iter__(self):
        return iter(())


class _Template(NativeTemplate):
    """Renders to the list of its parts, numbers as such."""


class _Environment(NativeEnvironment):
    concat = staticmethod(list)
    template_class = _Template


_Template.environment_class = _Environment


@cache
def environment(language: str) -> _Environment:
    """What fills the texts of a language: its words, and filters on numbers."""

    @pass_context  # so that a constant stays what it is: Jinja would make text of `{{ false }}` beforehand
    def known(_, value: object) -> object:
        if value is None or isinstance(value, Undefined) or (isinstance(value, (Quantity, Band)) and not value):
            raise Unknown
        return jinja.globals["band"](value) if isinstance(value, Band) else value

    jinja = _Environment(undefined=_Absent, finalize=known, trim_blocks=True, lstrip_blocks=True)
    jinja.filters |= {"abs": abs, "amount": lambda q: q.amount, "percent": lambda q: q.percent(), "short": _short}
    jinja.filters |= {"hundred": lambda q: q and replace(q, value=float(round(100 * q.value)), unit="")}
    jinja.filters |= {"cited": cited, "quoted": quoted, "publishers": publishers, "formula": formula, "said": said}
    jinja.filters |= {"filled": filled}
    jinja.tests |= {"level": level}
    words = jinja.from_string((FOLDER / language / "words.jinja").read_text("utf-8")).module
    jinja.globals |= {name: value for name, value in vars(words).items() if not name.startswith("_")}
    return jinja


def _short(span: Span) -> str:
    return span.short


def cited(words: str) -> Marked | str:
    """A piece of the data folder as it stands there: an id, a title, an event, a figure as printed."""
    return words and Marked(words, f'<span class="cited">{html.escape(words, quote=False)}</span>')


def quoted(words: str) -> Marked | str:
    """Original words, as a quotation in their language."""
    language = ' lang="zh"' if re.search(r"[\u4e00-\u9fff]", words) else ""
    return words and Marked(f"“{words}”", f"<q{language}>{html.escape(words, quote=False)}</q>")


def publishers(names: list[str]) -> Marked:
    return Marked("; ".join(names), "; ".join(f"<cite>{html.escape(name, quote=False)}</cite>" for name in names))


def said(figure: Quantity | None) -> Marked | None:
    """Who counted the figures behind a number; where that is not stated, who published them."""
    names = {}
    for origin in figure.origins if figure else ():
        if counter := getattr(origin, "counter", ""):  # no exchange rate, no assumption
            names[re.split(r" via | \(|;", origin.publisher)[0] if counter == "unstated" else counter] = True
    return publishers(list(names)) if names else None


def formula(figure: Quantity) -> Marked | None:
    """The arithmetic of a figure, or the id of a published one."""
    if not figure:
        return None
    return Marked(figure.formula, f'<span class="formula">{html.escape(figure.formula, quote=False)}</span>')


def filled(words: str, figures: Mapping[str, Quantity]) -> Sentence:
    """Words of the data folder with the figures that they name: `GMV was {A0005}`."""
    parts = [(text, name and figures[name]) for text, name, *_ in Formatter().parse(words)]
    return joined([part or "" for pair in parts for part in pair])


# Text files -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
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
        with self._named(names):
            return list(_flat(_template(self.source, self.language).render(names)))

    def value(self, names: Mapping[str, object]) -> object:
        """What its one expression comes to, as such."""
        with self._named(names):
            return _expression(self.source.strip("{} "), self.language)(**names)

    @contextmanager
    def _named(self, names: Mapping[str, object]) -> Iterator[None]:
        """Its place in the message of what goes wrong."""
        try:
            yield
        except (TemplateSyntaxError, UndefinedError, TypeError, AttributeError, KeyError, ValueError) as error:
            raise TextError(f"{self.file}, line {self.line}: {error}{self._hint(names)}") from error

    def undeclared(self) -> set[str]:
        """The names that it asks for; none if it cannot be read, which `fill` tells."""
        try:
            jinja = environment(self.language)
            return meta.find_undeclared_variables(jinja.parse(self.source)) - set(jinja.globals)
        except TemplateSyntaxError:
            return set()

    def _hint(self, names: Mapping[str, object]) -> str:
        wrong = sorted(self.undeclared() - set(names))
        near = [close for name in wrong for close in difflib.get_close_matches(name, names, 1)]
        if near:
            return f". Did you mean {' or '.join(near)}?"
        return f". Allowed: {', '.join(sorted(names))}" if wrong else ""


@cache
def _expression(source: str, language: str) -> Callable[..., object]:
    return environment(language).compile_expression(source, undefined_to_none=False)


@cache
def _template(source: str, language: str) -> NativeTemplate:
    return environment(language).from_string(" ".join(source.split()))


@dataclass(frozen=True)
class Row:
    """A row of a chart or table: its cells, and the loop or condition that makes several of it, or none."""

    cells: tuple[Words, ...]
    each: str = ""
    of: Words | None = None
    where: Words | None = None

    def fill(self, names: Mapping[str, object]) -> Iterator[list[object]]:
        for item in self._items(names) if self.of else [None]:
            known = {**names, self.each: item} if self.of else names
            if self.where and not self.where.value(known):
                continue
            cells = [_cell(cell, known) for cell in self.cells]
            if next((bool(cell) for cell in cells if isinstance(cell, (Quantity, Band))), True):
                yield cells

    def _items(self, names: Mapping[str, object]) -> Iterator[object]:
        table = self.of.value(names)
        return table.itertuples() if isinstance(table, pd.DataFrame) else iter(table or ())


def _cell(words: Words, names: Mapping[str, object]) -> object:
    """What a single `{{ … }}` comes to, as such; else a sentence; unknown if a number in it is."""
    try:
        parts = words.fill(names)
    except Unknown:
        return Quantity.unknown(words.source)
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], (str, Marked, Span)) else joined(parts) or ""


@dataclass(frozen=True)
class Block:
    """A section, or a chart or table in it."""

    name: str
    kind: str = ""  # of a chart or table
    of: str = ""  # name of the table that is drawn, where its rows are not written here
    headline: tuple[Words, ...] = ()
    sentences: tuple[tuple[Words, ...], ...] = ()  # each as its alternatives, the fullest first
    subtitle: tuple[Words, ...] = ()
    head: tuple[Words, ...] = ()
    rows: tuple[Row, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    heading: str = ""

    def said(self, names: Mapping[str, object]) -> list[Sentence]:
        """What is said of the sentences, in order."""
        return [said for alternatives in self.sentences if (said := first(alternatives, names))]

    def table(self, names: Mapping[str, object]) -> pd.DataFrame:
        """Its columns and rows as written, or the table that it names."""
        if self.of:
            return names[self.of]
        head = [joined(words.fill(names)).text for words in self.head]
        return pd.DataFrame([cells for row in self.rows for cells in row.fill(names)], columns=head)

    def words(self) -> Iterator[Words]:
        """All that is filled in it and in its charts and tables, with the names that its loops add."""
        yield from [*self.headline, *self.subtitle, *self.head, *(w for said in self.sentences for w in said)]
        for block in self.blocks:
            yield from block.words()

    def unknown_names(self, names: set[str]) -> Iterator[str]:
        """A line for each name that the section does not return."""
        for words in self.words():
            yield from _unknown(words, names)
        for block in [self, *self.blocks]:
            for row in block.rows:
                for words in filter(None, [row.of, row.where, *row.cells]):
                    yield from _unknown(words, names | {row.each})


def _unknown(words: Words, names: set[str]) -> Iterator[str]:
    for name in sorted(words.undeclared() - names):
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        yield f"{words.file}, line {words.line}: {name} is no name of this section.{hint}"


def first(alternatives: tuple[Words, ...], names: Mapping[str, object]) -> Sentence:
    """The first alternative of which every number is known; empty if there is none."""
    for words in alternatives:
        try:
            if said := joined(words.fill(names)):
                return replace(said, whole=True)
        except Unknown:
            continue
    return Sentence()


@cache
def read(chapter: str, language: str = "en") -> dict[str, Block]:
    """The sections of a chapter's text by name, in their order; then those that all chapters share.

    Raises
    ------
    TextError
        If the file is missing, or a line of it is none of those that may stand there.
    """
    path = FOLDER / language / f"{chapter}.md"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TextError(f"{path.name}: a text file in UTF-8 is needed at analysis/text/{language} ({error})") from None
    sections = read_text(f"text/{language}/{path.name}", text, language)
    if chapter == COMMON:
        return sections
    shared = {name: _owned(section, chapter) for name, section in read(COMMON, language).items()}
    return sections | {name: section for name, section in shared.items() if name not in sections}


def read_text(file: str, text: str, language: str = "en") -> dict[str, Block]:
    """The sections of a text by name, in their order; `file` is what a message calls it."""
    return _Reader(file, language).read(text)


def _owned(section: Block, chapter: str) -> Block:
    """A section that all chapters share, with file names of its own in each."""
    return replace(section, blocks=[replace(block, name=f"{chapter}_{block.name}") for block in section.blocks])


class _Reader:
    """Reads one text file, a line at a time."""

    def __init__(self, file: str, language: str):
        self.file, self.language = file, language
        self.sections: dict[str, dict] = {}

    def read(self, text: str) -> dict[str, Block]:
        section = block = self._section("opening")
        open_words: list | None = None  # what an indented line goes on with
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                open_words = None
            elif found := re.fullmatch(r"## (\w+)(?:: (.+))?", line):
                section = block = self._section(found[1], found[2] or "")
            elif found := re.fullmatch(r"### (\w+): (\w+)(?: of (\w+))?", line):
                block = self._block(*found.groups())
                section["blocks"].append(block)
            elif line.startswith("# "):
                open_words = block["headline"]
                open_words.append([number, line[2:]])
            elif line.startswith("- "):
                open_words = [[number, line[2:]]]
                block["sentences"].append(open_words)
            elif line.startswith("> "):
                open_words = block["subtitle"]
                open_words.append([number, line[2:]])
            elif line.startswith("  or ") and open_words:
                open_words.append([number, line[5:]])
            elif line.startswith("  ") and open_words:
                open_words[-1][1] += " " + line.strip()
            elif line.startswith("|"):
                block["rows"].append((number, line))
            elif not line.startswith("<!--"):
                allowed = "# headline, ## section, ### name: kind, - sentence, two spaces and or, > subtitle, | row |"
                raise TextError(f"{self.file}, line {number}: {line[:40]!r}. Allowed at its start: {allowed}")
        return {name: self._made(raw) for name, raw in self.sections.items()}

    def _section(self, name: str, heading: str = "") -> dict:
        return self.sections.setdefault(name, self._block(name) | {"heading": heading})  # which may come in two parts

    def _block(self, name: str, kind: str = "", of: str = "") -> dict:
        lists = {key: [] for key in ("headline", "sentences", "subtitle", "rows", "blocks")}
        return {"name": name, "kind": kind, "of": of or "", **lists}

    def _words(self, number: int, source: str) -> Words:
        return Words(source.strip(), self.file, number, self.language)

    def _made(self, raw: dict) -> Block:
        rows = [(number, self._cells(line)) for number, line in raw["rows"]]
        (at, head), rows = rows[0] if rows else (0, []), rows[1:]
        return Block(
            **{key: raw[key] for key in ("name", "kind", "of")},
            heading=raw.get("heading", ""),
            headline=tuple(self._words(*words) for words in raw["headline"]),
            sentences=tuple(tuple(self._words(*words) for words in said) for said in raw["sentences"]),
            subtitle=tuple(self._words(*words) for words in raw["subtitle"]),
            head=tuple(self._words(at, cell) for cell in head),
            rows=tuple(self._row(number, cells, len(head)) for number, cells in rows),
            blocks=[self._made(block) for block in raw["blocks"]],
        )

    @staticmethod
    def _cells(line: str) -> list[str]:
        """Cells of a row; a bar inside braces is a filter."""
        return [cell.strip() for cell in re.split(r"\|(?![^{]*[}%]\})", line.strip())[1:-1]]

    def _row(self, number: int, cells: list[str], count: int) -> Row:
        loop = re.fullmatch(r"(?:for (\w+) in (.+?))?(?: ?if (.+))?", cells[0]) if cells else None
        each, of, where = loop.groups() if loop and cells[0] else (None, None, None)
        cells = cells[1:] if of or where else cells
        if len(cells) != count:
            raise TextError(f"{self.file}, line {number}: {len(cells)} cells. Allowed: {count}, one for each column")
        return Row(
            tuple(self._words(number, cell) for cell in cells),
            each or "",
            self._words(number, f"{{{{ {of} }}}}") if of else None,
            self._words(number, f"{{{{ {where} }}}}") if where else None,
        )
