"""A language of the report: what its folder of text calls what the data and the code print in English.

What a language has no file or no word for yet is said as the first one says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from pathlib import Path

from pydantic import field_validator

from analysis.facts.parameters import PARAMETERS
from analysis.facts.schema import Strict, read_toml, refuse

FIRST = PARAMETERS["lang"]
TEXT = Path(__file__).resolve().parent.parent / "text"


class Names(Strict, extra="allow"):
    """A names.toml: tables of words by the English that they stand for as a whole, and patterns for the rest."""

    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()
    __pydantic_extra__: dict[str, dict[str, str]]

    @field_validator("patterns")
    @classmethod
    def _fit(cls, patterns: tuple) -> tuple:
        for pattern, words in patterns:
            try:
                pattern.sub(words, "")
            except re.error as error:
                raise refuse(f"groups that the pattern {pattern.pattern!r} has, not {words!r} ({error})") from None
        return patterns

    @cached_property
    def words(self) -> dict[str, str]:
        """All of them; of two tables with one word the first counts."""
        tables = reversed([*self.__pydantic_extra__.values()])
        return {text: said for table in tables for text, said in table.items()}


def languages() -> list[str]:
    """The folders of text, by their names."""
    return sorted(path.name for path in TEXT.glob("[a-z]*") if path.is_dir())


def path_of(name: str, language: str) -> Path:
    """A file of a language, or else of the first one."""
    path = TEXT / language / name
    return path if path.is_file() else TEXT / FIRST / name


@cache
def names(language: str) -> Names:
    """The names of a language; none if the data and the code are written in it."""
    path, file = TEXT / language / "names.toml", f"text/{language}/names.toml"
    return read_toml(file, path.read_bytes(), Names, {}) if path.is_file() else Names()


@cache
def page(language: str) -> dict:
    """The words of the page around the chapters."""
    own = read_toml(f"text/{language}/page.toml", path_of("page.toml", language).read_bytes(), dict, {})
    return own if language == FIRST else page(FIRST) | own


@lru_cache(maxsize=16384)
def say(text: str, language: str, amounts: Callable[[str], str] = str) -> str:
    """What the code prints, in a language: as a whole, or else by its parts and by what the patterns make of it.

    `amounts` says those of a part that is no word of the language.
    """
    told = names(language)
    if text in told.words:
        return told.words[text]
    if not told.patterns:
        return amounts(text)
    parts = enumerate(_parts(text))
    text = "".join(part if n % 2 else told.words[part] if part in told.words else amounts(part) for n, part in parts)
    for pattern, words in told.patterns:
        text = pattern.sub(words, text)
    parts = _parts(text)
    return text if text in parts else "".join(say(part, language) for part in parts)


def _parts(text: str) -> list[str]:
    """What a text joins, and what stands in between: a fact is named by several words."""
    return re.split("(, |: | and )", text)
