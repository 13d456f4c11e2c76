"""Sentences from findings: every number in them is a Quantity, every verb follows from the numbers.

A template is words only. `say` fills it and says nothing at all where a part is unknown, so that a
chapter offers what it would say with less as an alternative: `say(...) or say(...)`.
"""

from __future__ import annotations

import html
import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.facts.quantity import LEVEL, Quantity, level
from analysis.facts.span import Span, dated

if TYPE_CHECKING:
    from analysis.model.estimates import Band

Part = "Quantity | Span | Sentence | str"


@dataclass(frozen=True)
class Sentence:
    """Words and numbers, as text and as HTML with the provenance of each number; false if there is nothing to say.

    An `optional` one counts as said when it is empty: the sentence around it is told without it.
    """

    text: str = ""
    html: str = ""
    optional: bool = False

    def __bool__(self) -> bool:
        return self.optional or bool(self.text)

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: Sentence) -> Sentence:
        if not (self and other):
            return self or other
        return Sentence(f"{self.text} {other.text}", f"{self.html} {other.html}")


def say(template: str, of: object = None, **parts: Part | None) -> Sentence:
    """Fill a template and begin it with a capital.

    A field names a part, or leads from an attribute of `of` to one: `{pace.target}`, `{report.year}`. What it comes
    to is a quantity, a span, another sentence or words.

    Returns
    -------
    Sentence
        Empty if a part is unknown, empty or None, or if an attribute on the way to it is None.

    Raises
    ------
    AttributeError
        If a field is neither a part nor an attribute.
    """
    return _fill(template, of, parts, capital=True)


def phrase(template: str, of: object = None, **parts: Part | None) -> Sentence:
    """A part of a sentence, filled as `say` fills a whole one."""
    return _fill(template, of, parts, capital=False)


def maybe(template: str, of: object = None, **parts: Part | None) -> Sentence:
    """A part of a sentence that is left out, without harm to the rest, where one of its own parts is unknown."""
    return replace(phrase(template, of, **parts), optional=True)


def _fill(template: str, of: object, parts: dict[str, Part | None], capital: bool) -> Sentence:
    text, markup = "", ""
    for words, name, _, _ in string.Formatter().parse(template):
        if capital and not text:
            words = words[:1].upper() + words[1:]
        text += words
        markup += html.escape(words, quote=False)
        if name is not None:
            part = _part(name, of, parts)
            if not part:
                return Sentence()
            added = _text(part)
            if capital and not text:
                added = added[:1].upper() + added[1:]
            text += added
            markup += _html(part, added)
    return Sentence(text, markup)


def _part(name: str, of: object, parts: dict[str, Part | None]) -> Part | None:
    first, *path = name.split(".")
    found = parts[first] if first in parts else getattr(of, first)
    for attribute in path:
        found = None if found is None else getattr(found, attribute)
    return found


def _text(part: Part) -> str:
    return part.label if isinstance(part, Span) else str(part)


def _html(part: Part, shown: str) -> str:
    if isinstance(part, Span):
        return f'<time datetime="{part.start.isoformat()}">{html.escape(shown)}</time>'
    if isinstance(part, Quantity):
        return part.html(shown)
    if isinstance(part, Sentence):
        # It may begin with the mark-up of a number, which has its capital already.
        return shown[:1] + part.html[1:] if part.html[:1] == part.text[:1] else part.html
    return dated(shown)


def listing(parts: list[Sentence], word: str = "and") -> Sentence:
    """`a`, `a and b`, `a, b and c`; parts with nothing to say are left out."""
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return parts[0] if parts else Sentence()
    *most, last = parts
    return Sentence(
        f"{', '.join(p.text for p in most)} {word} {last.text}", f"{', '.join(p.html for p in most)} {word} {last.html}"
    )


def against_target(reached: Quantity, target: Quantity) -> str:
    """What a final figure did to its target: `beat`, `met` or `fell short of`."""
    if not (reached and target):
        return ""
    return "met" if level(reached, target) else "beat" if reached > target else "fell short of"


def against_pace(attained: Quantity, pace: Quantity) -> str:
    """Where a share of a target stands against the share of the year that has passed."""
    if not (attained and pace):
        return ""
    return "level with" if level(attained, pace) else "ahead of" if attained > pace else "behind"


def than(a: Quantity, b: Quantity, more: str = "more than", less: str = "less than", same: str = "as much as") -> str:
    """A comparison in words, from the two numbers."""
    if not (a and b):
        return ""
    return same if level(a, b) else more if a > b else less


def moved(change: Quantity) -> Sentence:
    """A growth rate as a verb and its size: `rose by 5%`, `fell by 5%`, `hardly moved`."""
    if not change:
        return Sentence()
    if abs(change.value) <= LEVEL:
        return phrase("hardly moved")
    return phrase("rose by {size}" if change.value > 0 else "fell by {size}", size=abs(change))


def beside(figure: Quantity, band: Band) -> str:
    """Where a figure stands to an estimate: `above the band`, `below the band` or `within the band`."""
    if not (figure and band):
        return ""
    return "above the band" if figure > band.high else "below the band" if figure < band.low else "within the band"


def banded(band: Band) -> Sentence:
    """An estimate with its band, for a cell of a table: `US$2 bn (US$1.5 bn to US$3 bn)`."""
    return phrase("{median} ({low} to {high})", band)


def when(span: Span) -> Sentence:
    """A span as a time: `on 8 June 2024`, `in May 2024`."""
    return phrase("on {span}" if span.days == 1 else "in {span}", span=span)


# A verb for a probability, up to and including its bound.
_ODDS = (
    (0.02, "will almost certainly not"),
    (0.1, "is very unlikely to"),
    (0.35, "is unlikely to"),
    (0.45, "is rather unlikely to"),
    (0.55, "is as likely as not to"),
    (0.65, "is rather likely to"),
    (0.9, "is likely to"),
    (0.98, "is very likely to"),
    (1.0, "will almost certainly"),
)


def odds(probability: Quantity) -> str:
    """A probability as a verb: `is unlikely to`, `will almost certainly`; empty if it is unknown."""
    return next((verb for bound, verb in _ODDS if probability.value <= bound), "")


def frequency(probability: Quantity) -> Sentence:
    """A probability as a count that people can picture: `3 of 100`; `fewer than 1 of 100` at the edge."""
    if not probability:
        return Sentence()
    count = replace(probability, value=float(round(100 * probability.value)), unit="")
    hundred = Quantity.counted(100, "")
    if 0 < count.value < 100:
        return phrase("{count} of {hundred}", count=count, hundred=hundred)
    return phrase(
        "fewer than {one} of {hundred}" if count.value == 0 else "more than {most} of {hundred}",
        one=replace(count, value=1.0),
        most=replace(count, value=99.0),
        hundred=hundred,
    )
