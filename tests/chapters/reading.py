"""A chapter as its reader has it: every text, figure and table, those of its sections included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from analysis.story.prose import Sentence
from analysis.story.show import Figure, Table


def parts(chapter: object) -> Iterator[object]:
    """The chapter itself and its sections: dataclasses of the chapter's own package that have something to show."""
    yield chapter
    package = type(chapter).__module__
    for field in fields(chapter):
        section = getattr(chapter, field.name)
        if is_dataclass(section) and type(section).__module__.startswith(f"{package}."):
            yield section


def figures(chapter: object) -> list[Figure | Table]:
    """Every chart and table, made anew."""
    found = [
        getattr(part, name)()
        for part in parts(chapter)
        for name in dir(part)
        if not name.startswith("_") and name.endswith(("chart", "table"))
    ]
    assert found
    assert all(isinstance(thing, (Figure, Table)) for thing in found)
    return found


def sentences(chapter: object) -> list[Sentence]:
    """The headline and every list of sentences, what is not said left out."""
    found = [chapter.headline]
    for part in parts(chapter):
        for name in dir(part):
            if name.startswith("_") or name.endswith(("chart", "table")):
                continue
            thing = getattr(part, name)
            if isinstance(thing, list) and thing and all(isinstance(item, Sentence) for item in thing):
                found += [sentence for sentence in thing if sentence]
    return found


def texts(chapter: object) -> list[str]:
    """All sentences, and the titles of charts and tables, as plain text."""
    return [*(sentence.text for sentence in sentences(chapter)), *(thing.title.text for thing in figures(chapter))]
