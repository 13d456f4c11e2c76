"""What sources claim, as claims.toml lists it: `A0020 == A0021 * days("2024-05")`, and whether it holds.

A test is arithmetic and at most one comparison; nothing in the file is ever run as code. On the left stands what is
printed, on the right what other figures make of it.
"""

from __future__ import annotations

import ast
import operator
import re
import string
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import pandas as pd
from pydantic import Field, field_validator

from analysis.facts.quantity import DATES, Origin, Quantity, UnitError, is_currency
from analysis.facts.schema import Place, Platform, Problem, Strict, Text, cell, entries_checked, line_of, refuse
from analysis.facts.span import Span

if TYPE_CHECKING:
    from analysis.facts.report import Report

VERDICTS = ("holds", "loosely", "self", "contradicted", "uncheckable")
LEVEL = 0.02  # how far apart figures may be that are still the same
ABOUT = 0.05  # how far off a figure printed with "about" may be
ROUGH = 0.1  # as far as a round figure in a headline is off at times


class RelationError(ValueError):
    """A test that cannot be read or worked out; the text says what is allowed."""


# The file ---------------------------------------------------------------------------------------------


def fields_of(template: str) -> frozenset[str]:
    """Names of the fields of a template."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def _is_template(text: str) -> bool:
    parts = list(string.Formatter().parse(text))
    named = [part[1:] for part in parts if part[1] is not None]
    return not any(re.search(r"\d", words) for words, *_ in parts) and all(n and not (f or c) for n, f, c in named)


_TEMPLATE = cell(_is_template, "words without digits; a number stands as the id of its fact, as in {A0005}")
_Words = Annotated[str, Field(strict=True), _TEMPLATE]
_WITHOUT_DIGITS = cell(lambda text: not re.search(r"[\d{}]", text), "words without digits")
_Share = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Claim(Strict):
    """Something printed that other figures can confirm or contradict; data/README.md says what its keys mean."""

    id: str
    line: int | None = Field(repr=False)  # of the file
    chapter: Text
    platform: Platform
    market: Place
    facts: Annotated[tuple[Text, ...], Field(min_length=1)]
    words: _Words
    test: Annotated[str, Field(strict=True)] = ""
    tolerance: _Share | None = None
    loosely: _Share | None = None
    reading: _Words = ""
    needs: Annotated[str, Field(validate_default=True), _WITHOUT_DIGITS] = ""

    @field_validator("test")
    @classmethod
    def _is_a_relation(cls, test: str) -> str:
        try:
            evaluate(test, _Anything())
        except RelationError as error:
            raise refuse(str(error)) from None
        return test

    @field_validator("needs")
    @classmethod
    def _is_there_without_a_test(cls, needs: str, info) -> str:
        if not needs and info.data.get("test") == "":
            raise refuse("what would settle the claim, where there is no test of it")
        return needs

    @property
    def names(self) -> frozenset[str]:
        """Every fact and event on which the test rests."""
        return names_of(self.test) if self.test else frozenset()

    @property
    def told(self) -> frozenset[str]:
        """Facts without which the claim cannot be told."""
        return frozenset(self.facts) | fields_of(self.words)

    @property
    def reading_facts(self) -> frozenset[str]:
        return fields_of(self.reading)

    def seen(self, known: Set[str]) -> Claim | None:
        """The claim as far as `known` facts and events go; None if it cannot be told.

        A claim whose test rests on what became public later is shown as one that cannot be checked, if it says
        what that needs; otherwise it waits.
        """
        if not self.told <= known:
            return None
        if (self.names | self.reading_facts) <= known:
            return self
        return self.model_copy(update={"test": "", "reading": ""}) if self.needs else None


def read_claims(name: str, raw: dict, text: str, context: dict, problems: list[Problem]) -> tuple[Claim, ...]:
    """The claims of a claims.toml, in its order, less those that cannot be used."""
    found = []
    for claim, entry in raw.items():
        named = entry | {"id": claim, "line": line_of(text, [claim])} if isinstance(entry, dict) else entry
        found.append(entries_checked(name, Claim, named, text, context, problems, claim))
    return tuple(filter(None, found))


# Verdicts ---------------------------------------------------------------------------------------------


def judged(report: Report, chapter: str | None = None) -> pd.DataFrame:
    """Every claim about the report's platform and its rival that its view can tell (those of a chapter, if given).

    Returns
    -------
    DataFrame
        In the order of claims.toml, columns as there, and: `word_figures` and `reading_figures`, quantities of the
        fields of `words` and `reading`; `quotes`, original words; `publishers` of the claim and `witnesses`, those of
        other sources that the test rests on; `printed` and `worked_out`, the sides of the test, or None, and `sign`
        between them; `verdict`, one of `VERDICTS`.
    """
    ledger, platforms = report.ledger, (report.platform, report.rival)
    known = {*ledger.facts.index, *ledger.events.index}
    asked = [claim for claim in ledger.claims if claim.platform in platforms and chapter in (None, claim.chapter)]
    rows = [_judged(report, claim) for claim in (claim.seen(known) for claim in asked) if claim]
    return pd.DataFrame(rows, columns=_JUDGED)


_OF_THE_CLAIM = ("id", "chapter", "platform", "market", "facts", "words", "reading", "needs")
_JUDGED = [*_OF_THE_CLAIM, "word_figures", "reading_figures", "quotes", "publishers", "witnesses",
           "printed", "sign", "worked_out", "verdict"]  # fmt: skip


def _judged(report: Report, claim: Claim) -> tuple:
    ledger, printed, sign, worked_out, verdict = report.ledger, None, "", None, "uncheckable"
    rows = {name: ledger.row(name) for name in sorted(claim.names)}
    own = {fact: ledger.row(fact) for fact in sorted(claim.told | claim.reading_facts)}
    if claim.test:
        worked_out = evaluate(claim.test, in_one_currency(rows, report.convert))
    if isinstance(worked_out, Comparison):
        result = worked_out
        printed, sign, worked_out = result.printed, result.sign, result.worked_out
        if printed and worked_out:
            itself = {row.source for row in rows.values()} <= {own[fact].source for fact in claim.facts}
            verdict = judge(claim, result, itself)
    publishers = {origin.publisher for fact in claim.facts for origin in own[fact].origins}
    tested = {origin.publisher for row in rows.values() for origin in row.origins}
    quotes = dict.fromkeys(filter(None, ledger.facts.loc[list(claim.facts), "quote"]))
    figures = [
        {fact: own[fact].figure for fact in sorted(names)} for names in (fields_of(claim.words), claim.reading_facts)
    ]
    witnesses = tuple(sorted(tested - publishers))
    return (*(getattr(claim, name) for name in _OF_THE_CLAIM), *figures, tuple(quotes), tuple(sorted(publishers)),
            witnesses, printed, sign, worked_out, verdict)  # fmt: skip


def judge(claim: Claim, result: Comparison, itself: bool) -> str:
    """The verdict on a claim whose two sides are known; `itself` if all that they rest on is from its own source."""
    # A date is right or wrong, and so is a bound.
    near = result.sign == "==" and result.printed.unit not in DATES
    hedged = result.printed.hedge or result.worked_out.hedge
    tolerance = (ABOUT if hedged else LEVEL) if claim.tolerance is None else claim.tolerance
    rough = max(tolerance, ROUGH) if claim.loosely is None else claim.loosely
    if result.true or ((near or claim.tolerance is not None) and result.apart <= tolerance):
        return "holds"
    if (near or claim.loosely is not None) and result.apart <= rough:
        return "loosely"
    return "self" if itself else "contradicted"


def argued(report: Report, chapter: str) -> pd.DataFrame:
    """What sources argue in the matter of a chapter, and what the facts say to it.

    Returns
    -------
    DataFrame
        `id`, `speaker`, `words`, `english`, `needs` as in arguments.csv; `evidence`, pairs of what a fact measures and
        its figure, or of an event and its day; `verdict`: `supported`, `contradicted` or `open`, by the argument's
        test (`test`, its Comparison, or None), or else by its claims.
    """
    ledger = report.ledger
    arguments = ledger.arguments[ledger.arguments["chapter"] == chapter]
    verdicts = dict(judged(report)[["id", "verdict"]].itertuples(index=False)) if len(arguments) else {}
    known, rows = {*ledger.facts.index, *ledger.events.index}, []
    for row in arguments.itertuples():
        evidence = []  # what a fact measures and its figure, or an event and its day
        for name in (name for name in row.facts.split() if name in known):
            if name in ledger.events.index:
                evidence.append(tuple(ledger.events.loc[name, ["event", "span"]]))
            else:
                fact = ledger.facts.loc[name]
                evidence.append((report.cell_name(fact), report.quantity(fact)))
        answers = {verdicts[name] for name in row.claims.split() if name in verdicts}
        verdict, tested_by = "open", None
        if answers and "uncheckable" not in answers:
            verdict = "supported" if answers <= {"holds", "loosely"} else "contradicted"
        if row.test and names_of(row.test) <= known:
            tested = {name: ledger.row(name) for name in names_of(row.test)}
            result = evaluate(row.test, in_one_currency(tested, report.convert))
            if isinstance(result, Comparison):
                verdict, tested_by = "supported" if result.true else "contradicted", result
            else:
                evidence = [*evidence[:2], ("", result)]
        rows.append((row.Index, row.speaker, row.words, row.english, row.needs, evidence, verdict, tested_by))
    columns = ["id", "speaker", "words", "english", "needs", "evidence", "verdict", "test"]
    return pd.DataFrame(rows, columns=columns)


# The language of tests --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a test may ask of a fact or an event."""

    name: str
    figure: Quantity | None  # of a fact
    span: Span
    markets: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Comparison:
    """Both sides of a test, and whether they stand to each other as it says."""

    printed: Quantity
    sign: str
    worked_out: Quantity

    @property
    def true(self) -> bool:
        same = self.apart < _SAME  # 1000 / 60 and 500 / 30 are one number
        return "=" in self.sign if same else _SIGNS[self.sign](self.printed.value, self.worked_out.value)

    @property
    def is_of_dates(self) -> bool:
        return self.printed.unit in DATES

    @property
    def apart(self) -> float:
        """Distance of the two sides, as a share of what is printed."""
        printed, worked_out = self.printed.value, self.worked_out.value
        if printed == worked_out:
            return 0.0
        return abs(worked_out / printed - 1) if printed else float("inf")


_ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_COMPARISONS = {ast.Eq: "==", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_SIGNS = {"==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_SAME = 1e-12
_ALLOWED = "fact ids, numbers, + - * /, the functions of data/README.md, and one of == < <= > >= at most"


def in_one_currency(rows: Mapping[str, Row], convert: Callable[[Quantity, Span], Quantity]) -> dict[str, Row]:
    """The rows in the currency of print; converted if they have several."""
    units = {row.figure.unit.partition("/")[0] for row in rows.values() if row.figure is not None}
    if sum(map(is_currency, units)) < 2:
        return dict(rows)
    return {name: replace(row, figure=row.figure and convert(row.figure, row.span)) for name, row in rows.items()}


def evaluate(test: str, rows: Mapping[str, Row]) -> Comparison | Quantity:
    """Work out a test on rows of facts and events: both of its sides, or its value where it compares nothing.

    Raises
    ------
    RelationError
        If the text is no relation, or adds or compares unlike units.
    """
    try:
        tree = ast.parse(test.strip(), mode="eval").body
        if not isinstance(tree, ast.Compare):
            value = _value(tree, rows)
            return _as_share(value) if abs(value.value) < 1 else value
        sign = _COMPARISONS.get(type(tree.ops[0]))
        if sign is None or len(tree.comparators) > 1:
            raise RelationError(_ALLOWED)
        printed, worked_out = _value(tree.left, rows), _value(tree.comparators[0], rows)
        if "%" in (printed.unit, worked_out.unit):
            printed, worked_out = _as_share(printed), _as_share(worked_out)
        _ = printed < worked_out  # unlike units have no order
        return Comparison(printed, sign, worked_out)
    except UnitError as error:
        raise RelationError(f"figures of one unit to add or to compare; {error}") from None
    except RelationError:
        raise
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        raise RelationError(_ALLOWED) from None


class _Anything(dict):
    """Rows of which nothing is known: what can be worked out of them can be of any."""

    def __missing__(self, name: str) -> Row:
        return Row(name, Quantity.unknown(name), Span.parse("2024"))


def _as_share(ratio: Quantity) -> Quantity:
    return ratio.percent() if ratio.unit in ("×", "") else ratio


@lru_cache(maxsize=4096)
def names_of(test: str) -> frozenset[str]:
    """The facts and events that a test names."""
    nodes = list(ast.walk(ast.parse(test.strip(), mode="eval")))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    rows = {argument.value for call in calls if "row" in _FUNCTIONS[call.func.id][0] for argument in call.args}
    return frozenset(rows | {node.id for node in nodes if isinstance(node, ast.Name) and node.id not in _FUNCTIONS})


def _value(node: ast.expr, rows: Mapping[str, Row]) -> Quantity:
    match node:
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return _ARITHMETIC[type(node.op)](_value(node.left, rows), _value(node.right, rows))
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, rows)
        case ast.Call():
            return _call(node, rows)
        case ast.Name():
            return _figure(rows[node.id])
        case ast.Constant(value=str()):
            raise RelationError('a text only inside a function, as in days("2024-05")')
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Quantity(float(number), formula=f"{number:,}")
    raise RelationError(_ALLOWED)


def _call(call: ast.Call, rows: Mapping[str, Row]) -> Quantity:
    if not (isinstance(call.func, ast.Name) and call.func.id in _FUNCTIONS) or call.keywords:
        raise RelationError(f"the functions {', '.join(sorted(_FUNCTIONS))}")
    kinds, function = _FUNCTIONS[call.func.id]
    written = f"{call.func.id}({', '.join(_EXAMPLES[kind] for kind in kinds)})"
    texts = [isinstance(argument, ast.Constant) and isinstance(argument.value, str) for argument in call.args]
    if [kind != "figure" for kind in kinds] != texts:
        raise RelationError(written)
    read = {
        "period": lambda argument: Span.parse(argument.value),
        "row": lambda argument: rows[argument.value],
        "figure": lambda argument: _value(argument, rows),
    }
    try:
        return function(*(read[kind](argument) for kind, argument in zip(kinds, call.args, strict=True)))
    except (RelationError, UnitError):
        raise
    except ValueError as error:
        raise RelationError(f"{written}; {error}") from None


def _figure(row: Row) -> Quantity:
    if row.figure is None:
        raise RelationError(f"a fact where a figure is needed; {row.name} is an event")
    return row.figure


def _hours(start: Quantity, end: Quantity) -> Quantity:
    """From one hour of the clock to another on the next day."""
    clock, midnight = Quantity.counted(1, "hour") / Quantity.counted(1, "o'clock"), Quantity.counted(24, "o'clock")
    return (midnight - start + end) * clock


def _date(row: Row, unit: str) -> Quantity:
    return Quantity(float(f"{row.span.start:%Y%m%d}"[: DATES[unit]]), unit, f"first day of {row.name}", row.origins)


def _weeks(one: Row, other: Row) -> Quantity:
    """From the last day of one period to the first of another: the shortest time that lies between the two."""
    what = f"from {one.span.short}, the last day of {one.name}, to {other.span.short}, the first of {other.name}"
    counted = Quantity.counted((other.span.start - one.span.end).days, "day", what)
    return replace(counted, origins=one.origins + other.origins) / Quantity.counted(7, "day/week")


def _sites(row: Row) -> Quantity:
    what = f"markets that {row.name} names: {', '.join(row.markets)}"
    return replace(Quantity.counted(len(row.markets), "site", what), origins=row.origins)


def _years(span: Span) -> Quantity:
    share = Quantity.counted(span.days, "day", span.short) / Quantity.counted(span.year.days, "day", span.year.short)
    return share * Quantity.counted(1, "year")


_EXAMPLES = {"period": '"2024-05"', "row": '"E029"', "figure": "A0008"}
# Name -> kinds of its arguments, and what it does with them.
_FUNCTIONS: dict[str, tuple[tuple[str, ...], Callable[..., Quantity]]] = {
    "days": (("period",), lambda span: Quantity.counted(span.days, "day", span.short)),
    "months": (("period",), lambda span: Quantity.counted(span.length_in_months, "month", span.short)),
    "years": (("period",), _years),
    "hours": (("figure", "figure"), _hours),
    "day": (("row",), lambda row: _date(row, "yyyymmdd")),
    "month": (("row",), lambda row: _date(row, "yyyymm")),
    "year": (("row",), lambda row: _date(row, "yyyy")),
    "weeks": (("row", "row"), _weeks),
    "sites": (("row",), _sites),
    "fact": (("row",), _figure),
}
