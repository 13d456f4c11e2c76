"""What sources claim, as claims.toml lists it, tested on the facts that a report may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.relations import DATES, Claim, Comparison, Row, currencies, evaluate
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.story.citation import cite, formula, quote
from analysis.story.prose import LEVEL, Sentence, phrase, say
from analysis.story.show import Table

HOLDS = "holds"
LOOSELY = "holds loosely"
ITSELF = "contradicts itself"
OTHERS = "contradicted by others"
OPEN = "cannot be checked"
VERDICTS = (HOLDS, LOOSELY, ITSELF, OTHERS, OPEN)

ABOUT = 0.05  # how far off a figure printed with "about" may be
ROUGH = 0.1  # as far as a round figure in a headline is off at times


@dataclass(frozen=True)
class Finding:
    """A claim and what became of it.

    Attributes
    ----------
    about : Claim
    words : Sentence
        The claim in English, its numbers with their provenance.
    quotes : Sentence
        The original words, as citations.
    printed : Quantity
        The side of the test that is printed; unknown where nothing is compared.
    worked_out : Quantity
        What other figures make of it; unknown where the claim has no test.
    verdict : str
        One of `VERDICTS`.
    witnesses : tuple of str
        Publishers of other sources that the test rests on; empty if the claim is held against itself.
    reading : Sentence
        How to read the result.
    """

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
    """Every claim about the report's platform and its rival that its view can tell, in the order of the file.

    Parameters
    ----------
    report : Report
    chapter : str, optional
        Only the claims that this chapter shows.
    """
    ledger, platforms = report.ledger, (report.platform, report.rival)
    known = {*ledger.facts.index, *ledger.events.index}
    asked = [claim for claim in ledger.claims if claim.platform in platforms and chapter in (None, claim.chapter)]
    read = lru_cache(None)(ledger.row)
    return [_find(report, claim, read) for claim in (claim.seen(known) for claim in asked) if claim]


def claims_table(report: Report, chapter: str) -> Table:
    """The claims of a chapter: in the source's words, worked out again, and the verdict."""
    rows = [(finding.told, finding.figures, finding.result) for finding in audit(report, chapter)]
    data = pd.DataFrame(rows, columns=["Claim", "Worked out", "Verdict"])
    return Table(f"{chapter}_claims", say("What the sources claim, checked"), data)


def _find(report: Report, claim: Claim, read: Callable[[str], Row]) -> Finding:
    rows = {name: read(name) for name in sorted(claim.names)}
    printed = worked_out = Quantity.unknown(claim.needs)
    verdict = OPEN
    if claim.test:
        result = evaluate(claim.test, _in_one_currency(report, rows))
        if isinstance(result, Comparison):
            printed, worked_out = result.printed, result.worked_out
            if printed and worked_out:
                itself = _sources(report, rows) <= _sources(report, claim.facts)
                verdict = judge(claim, result, itself)
        else:
            worked_out = result
    own = {origin.publisher for fact in claim.facts for origin in read(fact).origins}
    tested = {origin.publisher for row in rows.values() for origin in row.origins}
    return Finding(
        about=claim,
        words=phrase(claim.words, **{fact: shown(read(fact).figure) for fact in claim.told}),
        quotes=quote(report.ledger.facts.at[fact, "quote"] for fact in claim.facts),
        printed=printed,
        worked_out=worked_out,
        verdict=verdict,
        witnesses=tuple(sorted(tested - own)),
        reading=say(claim.reading, **{fact: shown(read(fact).figure) for fact in claim.reading_facts}),
    )


def judge(claim: Claim, result: Comparison, itself: bool) -> str:
    """The verdict on a claim whose two sides are known.

    Parameters
    ----------
    claim : Claim
    result : Comparison
    itself : bool
        Whether all that the claim is held against is from its own source.
    """
    # A date is right or wrong, and so is a bound.
    near = result.sign == "==" and result.printed.unit not in DATES
    hedged = result.printed.hedge or result.worked_out.hedge
    tolerance = (ABOUT if hedged else LEVEL) if claim.tolerance is None else claim.tolerance
    rough = max(tolerance, ROUGH) if claim.loosely is None else claim.loosely
    if result.true or ((near or claim.tolerance is not None) and result.apart <= tolerance):
        return HOLDS
    if (near or claim.loosely is not None) and result.apart <= rough:
        return LOOSELY
    return ITSELF if itself else OTHERS


def _in_one_currency(report: Report, rows: dict[str, Row]) -> dict[str, Row]:
    """The rows in the currency of print; in the report's if they have several."""
    if len(currencies(rows)) < 2:
        return rows
    return {
        name: replace(row, figure=row.figure and report.convert(row.figure, row.span)) for name, row in rows.items()
    }


def _sources(report: Report, names: Iterable[str]) -> set[str]:
    facts, events = report.ledger.facts, report.ledger.events
    return {(facts if name in facts.index else events).at[name, "source"] for name in names}


def shown(figure: Quantity) -> Quantity | Sentence:
    """A figure as a table prints it: a date as a date, everything else as it is."""
    if figure.unit not in DATES or not figure:
        return figure
    digits = f"{figure.value:.0f}"
    label = Span.parse("-".join(filter(None, (digits[:4], digits[4:6], digits[6:])))).label
    return Sentence(label, figure.html(label))
