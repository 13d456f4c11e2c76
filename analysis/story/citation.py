"""Words and figures that stand in a text as they stand elsewhere, marked so that no reader takes them for our numbers.

Every other digit on a page belongs to a quantity with provenance; tests/test_provenance.py walks the page for it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from analysis.facts.quantity import Quantity
from analysis.story.prose import Sentence


def cite(names: Iterable[str]) -> Sentence:
    """Names of publishers: 36Kr."""
    names = list(names)
    return Sentence("; ".join(names), "; ".join(f"<cite>{html.escape(name, quote=False)}</cite>" for name in names))


def cited(words: str) -> Sentence | str:
    """A piece of the data folder as it stands there: an id, a title, an event, a figure as printed."""
    return words and Sentence(words, f'<span class="cited">{html.escape(words, quote=False)}</span>')


def quote(quotes: Iterable[str]) -> Sentence:
    """Original words, each as a quotation in its language."""
    said = list(dict.fromkeys(filter(None, quotes)))
    return Sentence(" ".join(f"“{words}”" for words in said), " ".join(map(_quotation, said)))


def _quotation(words: str) -> str:
    language = ' lang="zh"' if re.search(r"[\u4e00-\u9fff]", words) else ""
    return f"<q{language}>{html.escape(words, quote=False)}</q>"


def formula(figure: Quantity) -> Sentence | str:
    """The arithmetic of a figure, or the id of a published one; nothing where there is none."""
    if not figure:
        return ""
    return Sentence(figure.formula, f'<span class="formula">{html.escape(figure.formula, quote=False)}</span>')
