"""A language of the report: what a folder of text calls what the data name, and how it says what the code prints."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path

BY_ID = ("events", "withdrawn")  # tables whose keys are ids; the others have words as keys
TEXT = Path(__file__).resolve().parent.parent / "text"


def languages() -> list[str]:
    """The folders of text, by their names."""
    return sorted(path.parent.name for path in TEXT.glob("*/words.jinja"))


@cache
def names(language: str) -> dict[str, dict]:
    """What a language calls things, as its names.toml has them; nothing if the data and the code are written in it."""
    path = TEXT / language / "names.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


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
    return "".join(say(part, language) for part in parts) if len(parts) > 1 else text
