"""A language of the report: what a folder of text calls what the data name, and how it says what the code prints.

What a language has no file or no word for yet is said as the first one says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, create_model

from analysis.facts.claims import fields_of
from analysis.facts.ledger import Ledger
from analysis.facts.parameters import PARAMETERS
from analysis.facts.schema import Problem, Strict, closest, line_of, read_toml, refuse

FIRST = PARAMETERS["lang"]
TEXT = Path(__file__).resolve().parent.parent / "text"


def _readable(pair: tuple[str, str]) -> tuple[str, str]:
    try:
        re.sub(*pair, "")
    except re.error as error:
        raise refuse(f"a regular expression, and what stands in its place ({error})") from None
    return pair


_OF_ROWS = ("markets", "regions", "platforms", "metrics", "counters", "publishers", "event_kinds")
_OF_FIGURES = ("qualifiers", "bases", "confidence", "known_on", "units", "written_units", "marks")
BY_ID = ("events", "withdrawn")  # as words, but their keys are ids
_SEVERAL = {
    "levers": ("means", "reason"),
    "scenarios": ("name", "means", "reason"),
    "claims": ("words", "reading", "needs"),
    "arguments": ("speaker", "english", "needs"),
}
# A names.toml: words of the data folder by table, and `patterns` for what the code prints, in their order.
Names = create_model(
    "Names",
    __base__=Strict,
    patterns=(list[Annotated[tuple[str, str], AfterValidator(_readable)]], []),
    **{name: (dict[str, str], {}) for name in (*_OF_ROWS, *_OF_FIGURES, *BY_ID)},
    **{name: (dict[str, dict[Literal[keys], str]], {}) for name, keys in _SEVERAL.items()},
)


def languages() -> list[str]:
    """The folders of text, by their names."""
    return sorted(path.name for path in TEXT.glob("[a-z]*") if path.is_dir())


def path_of(name: str, language: str) -> Path:
    """A file of a language, or else of the first one."""
    path = TEXT / language / name
    return path if path.is_file() else TEXT / FIRST / name


@cache
def names(language: str) -> dict[str, dict]:
    """What a language calls things, as its names.toml has them; nothing if the data and the code are written in it."""
    path = TEXT / language / "names.toml"
    if not path.is_file():
        return {}
    return read_toml(f"text/{language}/names.toml", path.read_bytes(), Names, {}).model_dump()


@cache
def page(language: str) -> dict:
    """The words of the page around the chapters."""
    own = read_toml(f"text/{language}/page.toml", path_of("page.toml", language).read_bytes(), dict, {})
    return own if language == FIRST else page(FIRST) | own


@lru_cache(maxsize=16384)
def say(text: str, language: str) -> str:
    """What the code prints, in a language: a word of names.toml as a whole, or else what its patterns make of it."""
    if not (told := names(language)):
        return text
    for words in (table for name, table in told.items() if name not in ("patterns", *BY_ID)):
        if isinstance(words.get(text), str):
            return words[text]
    for pattern, words in told["patterns"]:
        text = re.sub(pattern, words, text)
    parts = re.split("(, |: )", text)  # a fact is named by several words
    return text if text in parts else "".join(say(part, language) for part in parts)


def names_astray(ledger: Ledger) -> Iterator[Problem]:
    """What a names.toml names and a whole ledger has not, what it says with other figures, and words of no page."""
    vocabulary, claims = ledger.vocabulary, {claim.id: claim for claim in ledger.claims}
    known = {name: getattr(vocabulary, name) for name in ("markets", "regions", "platforms", "metrics", "counters")}
    known |= {name: getattr(ledger.assumptions, name) for name in ("levers", "scenarios")} | {"claims": claims}
    known |= {name: getattr(ledger, name).index for name in ("events", "withdrawn", "arguments")}
    for language in languages():
        told, path = names(language), TEXT / language / "names.toml"
        text = path.read_text("utf-8") if told else ""
        for table, allowed in known.items():
            for name in sorted(told.get(table, {}).keys() - set(allowed)):
                line, rule = _line(text, table, name), f"{table} of the data folder"
                yield Problem(f"text/{language}/names.toml", line, table, name, rule, closest(name, tuple(allowed)))
        for name in told.get("claims", {}).keys() & claims.keys():
            for key, words in told["claims"][name].items():
                if fields_of(original := getattr(claims[name], key)) != fields_of(words):
                    line, rule = _line(text, "claims", name), f"the figures of {original!r}"
                    yield Problem(f"text/{language}/names.toml", line, f"claims.{name}.{key}", words, rule)
        own, first = page(language), page(FIRST)
        for word in sorted(own.keys() - first.keys() - {"chapter_names"}):
            yield Problem(f"text/{language}/page.toml", None, None, word, "words of the page", closest(word, (*first,)))


def _line(text: str, table: str, name: str) -> int | None:
    """Where a table of a names.toml has a name: the header of its own, or else its line in the table."""
    start = line_of(text, [table, name])
    found = re.compile(rf"""(?m)^["']?{re.escape(name)}["']?\s*=""").search(text, text.find(f"\n[{table}]"))
    return start if f"[{table}.{name}]" in text or not found else text[: found.start()].count("\n") + 1
