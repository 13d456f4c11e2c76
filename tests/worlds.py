"""The worlds that tests look at: the shipped quarters, and ledgers that turned out otherwise."""

from dataclasses import replace

import numpy as np

from analysis.facts.ledger import Ledger
from analysis.story.chapter import Chapter
from analysis.story.text import Sentence

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2", "2025Q3")


def with_values(ledger: Ledger, **values: float) -> Ledger:
    """The ledger with other values for some facts, in their own whole units."""
    facts = ledger.facts.copy()
    for fact, value in values.items():
        facts.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=facts)


def without(ledger: Ledger, *facts: str) -> Ledger:
    return replace(ledger, facts=ledger.facts.drop(index=list(facts)))


def shown(chapter: Chapter) -> dict[str, list]:
    """Everything a chapter shows, by section."""
    return {section: chapter.told(section) for section in chapter.sections}


def said(chapter: Chapter, section: str) -> str:
    """The headline and the sentences of a section in one text."""
    flat = [sentence for thing in chapter.told(section) for sentence in (thing if isinstance(thing, list) else [thing])]
    return " ".join(sentence.text for sentence in flat if isinstance(sentence, Sentence))


def texts(chapter: Chapter) -> list[str]:
    """Every headline, sentence, title, subtitle and cell in words of a chapter, as plain text."""
    found = []
    for things in shown(chapter).values():
        for thing in things:
            if isinstance(thing, Sentence):
                found.append(thing.text)
            elif isinstance(thing, list):
                found += [sentence.text for sentence in thing]
            else:
                found += [thing.title.text, str(getattr(thing, "subtitle", ""))]
                found += [str(cell) for _, column in thing.data.items() for cell in column]
    return [text for text in found if text]


def table(chapter: Chapter, name: str):
    """The rows of a chart or table of a chapter, by its name."""
    return next(t.data for things in shown(chapter).values() for t in things if getattr(t, "name", "") == name)


def another_world(ledger, seed: int):
    """The ledger with about one fact in eight dropped, and one in three larger or smaller."""
    rng, facts = np.random.default_rng(seed), ledger.facts
    facts = facts[rng.random(len(facts)) > 0.12].copy()
    factor = np.where(rng.random(len(facts)) < 0.33, np.exp(rng.normal(0, 0.7, len(facts))), 1.0)
    whole = facts["of"].isin(["yyyymm", "yyyymmdd", "o'clock", "day", "month", "year", ""])  # dates and counts
    factor[whole] = 1.0
    old = facts["value"].astype(float)
    new = np.where(factor == 1, old, [float(f"{value:.3g}") for value in old * factor])
    facts["number"] *= np.where(old == 0, 1, new / old.replace(0, 1))
    share = (facts["of"] == "%") & ~facts["metric"].str.contains("growth")
    facts.loc[share, "number"] = facts.loc[share, "number"].clip(upper=0.97)
    facts["value"] = np.where(factor == 1, facts["value"], [f"{value:g}" for value in new])
    return replace(ledger, facts=facts)
