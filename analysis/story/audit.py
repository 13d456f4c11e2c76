"""Claims and their verdicts in sentences and tables, for the sections that are still prose in Python."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.claims import DATES, Claim, judged
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story.citation import cite, formula, quote
from analysis.story.prose import Sentence, phrase, say
from analysis.story.show import Table

__all__ = ["HOLDS", "ITSELF", "LOOSELY", "OPEN", "OTHERS", "Finding", "audit", "claims_table", "shown"]

HOLDS = "holds"
LOOSELY = "holds loosely"
ITSELF = "contradicts itself"
OTHERS = "contradicted by others"
OPEN = "cannot be checked"
_WORDS = {"holds": HOLDS, "loosely": LOOSELY, "self": ITSELF, "contradicted": OTHERS, "uncheckable": OPEN}


@dataclass(frozen=True)
class Finding:
    """A claim and what became of it, as `judged` has it."""

    about: Claim
    words: Sentence
    quotes: Sentence
    printed: Quantity
    worked_out: Quantity
    verdict: str
    witnesses: tuple[str, ...]
    reading: Sentence

    @property
    def claim(self) -> str:
        return self.words.text

    @property
    def holds(self) -> bool:
        return self.verdict in (HOLDS, LOOSELY)

    @property
    def open(self) -> bool:
        return self.verdict == OPEN

    @property
    def told(self) -> Sentence:
        """The claim, then the original words."""
        return self.words + self.quotes

    @property
    def figures(self) -> Sentence:
        """What other figures make of the claim, beside its own side where that is arithmetic, too."""
        if self.printed and not self.printed.is_printed:
            return phrase("{printed} against {other}", printed=shown(self.printed), other=shown(self.worked_out))
        return phrase("{other}", other=shown(self.worked_out))

    @property
    def arithmetic(self) -> Sentence | str:
        """Both sides as they are worked out; one where nothing is compared."""
        sides = [formula(self.printed), formula(self.worked_out)]
        return phrase("{0} against {1}", **dict(zip("01", sides, strict=True))) if all(sides) else sides[1]

    @property
    def result(self) -> Sentence:
        """The verdict, by whom, and how to read it."""
        verdict = phrase("{verdict}", self)
        if self.open:
            verdict = phrase("{verdict}: needs {about.needs}", self)
        elif self.witnesses:
            verdict = phrase("{verdict} ({others})", verdict=self.verdict, others=cite(self.witnesses))
        elif self.holds:
            verdict = phrase("{verdict} on its own figures", self)
        return say("{verdict}.", verdict=verdict) + self.reading


def audit(report: Report, chapter: str | None = None) -> list[Finding]:
    """Every claim of `judged`, in sentences."""
    about = {claim.id: claim for claim in report.ledger.claims}
    return [
        Finding(
            about=about[row.id],
            words=phrase(row.words, **{fact: shown(figure) for fact, figure in row.word_figures.items()}),
            quotes=quote(row.quotes),
            printed=Quantity.unknown(row.needs) if row.printed is None else row.printed,
            worked_out=Quantity.unknown(row.needs) if row.worked_out is None else row.worked_out,
            verdict=_WORDS[row.verdict],
            witnesses=row.witnesses,
            reading=say(row.reading, **{fact: shown(figure) for fact, figure in row.reading_figures.items()}),
        )
        for row in judged(report, chapter).itertuples()
    ]


def claims_table(report: Report, chapter: str) -> Table:
    """The claims of a chapter: in the source's words, worked out again, and the verdict."""
    rows = [(finding.told, finding.figures, finding.result) for finding in audit(report, chapter)]
    data = pd.DataFrame(rows, columns=["Claim", "Worked out", "Verdict"])
    return Table(f"{chapter}_claims", say("What the sources claim, checked"), data)


def shown(figure: Quantity) -> Quantity | Sentence:
    """A figure as a table prints it: a date as a date, everything else as it is."""
    if figure.unit not in DATES or not figure:
        return figure
    digits = f"{figure.value:.0f}"
    label = Span.parse("-".join(filter(None, (digits[:4], digits[4:6], digits[6:])))).label
    return Sentence(label, figure.html(label))
