"""A language of the report: what a folder of text calls what the data name, and how it says what the code prints.

What a language has no file or no word for yet is said as the first one says it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache, lru_cache
from pathlib import Path

from analysis.facts.parameters import PARAMETERS
from analysis.facts.schema import LedgerError, Problem, read_toml

FIRST = PARAMETERS["lang"]
TEXT = Path(__file__).resolve().parent.parent / "text"
BY_ID = ("events", "withdrawn")  # tables whose keys are ids; the others have words as keys


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
    path, file = TEXT / language / "names.toml", f"text/{language}/names.toml"
    if not path.is_file():
        return {}
    told = defaultdict(dict, patterns=[]) | read_toml(file, path.read_bytes(), dict, {})  # a table may be left out
    for pattern, words in told["patterns"]:
        try:
            re.sub(pattern, words, "")
        except re.error as error:
            allowed = f"a regular expression, and what stands in its place ({error})"
            raise LedgerError([Problem(file, None, "patterns", pattern, allowed)]) from None
    return told


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
