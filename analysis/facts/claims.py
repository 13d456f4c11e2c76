"""What sources claim, as claims.toml lists it: `A0020 == A0021 * days("2024-05")`, and whether it holds.

A test is arithmetic and at most one comparison; nothing in the file is ever run as code. On the left stands what is
printed, on the right what other figures make of it.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, NamedTuple

import pandas as pd
from pydantic import BeforeValidator, Field, field_validator

from analysis.facts.quantity import DATES, LEVEL, Origin, Quantity, UnitError, is_currency
from analysis.facts.schema import Place, Platform, Strict, Text, cell, line_of, refuse, with_ids
from analysis.facts.span import Span

if TYPE_CHECKING:
    from analysis.facts.ledger import Ledger
    from analysis.facts.report import Report

VERDICTS = ("holds", "loosely", "self", "contradicted", "uncheckable")
ABOUT = 0.05  # how far off a figure printed with "about" may be
ROUGH = 0.1  # as far as a round figure in a headline is off at times


class RelationError(ValueError):
    """A test that cannot be read or worked out; the text says what is allowed."""


class Row(NamedTuple):
    """What a test may ask of a fact or an event."""

    name: str
    figure: Quantity | None  # of a fact
    span: Span
    markets: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    source: str = ""


class Comparison(NamedTuple):
    """Both sides of a test, and the sign between them."""

    printed: Quantity
    sign: str
    worked_out: Quantity

    @property
    def true(self) -> bool:
        if self.apart < 1e-12:  # 1000 / 60 and 500 / 30 are one number
            return "=" in self.sign
        return self.sign[0] == ("<" if self.printed.value < self.worked_out.value else ">")

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
_SIGNS = {ast.Eq: "==", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ALLOWED = "fact ids, numbers, + - * /, the functions of data/README.md, and one of == < <= > >= at most"


def evaluate(test: str, rows: Mapping[str, Row]) -> Comparison | Quantity:
    """Work out a test on rows of facts and events: both of its sides, or its value where it compares nothing.

    RelationError if the text is no relation, or adds or compares unlike units.
    """
    try:
        tree = ast.parse(test.strip(), mode="eval").body
        if not isinstance(tree, ast.Compare):
            value = _value(tree, rows)
            return _as_share(value) if abs(value.value) < 1 else value
        sign = _SIGNS.get(type(tree.ops[0]))
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
    """Rows of which nothing is known: what can be worked out of them can be of any. It keeps what it was asked for."""

    def __missing__(self, name: str) -> Row:
        return self.setdefault(name, Row(name, Quantity.unknown(name), Span.parse("2024")))


@lru_cache(maxsize=4096)
def names_of(test: str) -> frozenset[str]:
    """The facts and events that a test names; RelationError if it is no test."""
    asked = _Anything()
    if test:
        evaluate(test, asked)
    return frozenset(asked)


def worked_out(test: str, ledger: Ledger, currency: str) -> Comparison | Quantity | None:
    """A test on the rows of a ledger, in the currency of print, or in `currency` if there are several."""
    rows = {name: ledger.row(name) for name in names_of(test)}
    units = {row.figure.unit.partition("/")[0] for row in rows.values() if row.figure is not None}
    if sum(map(is_currency, units)) > 1:
        for name, row in rows.items():
            rows[name] = row._replace(figure=row.figure and ledger.convert(row.figure, row.span, currency))
    return evaluate(test, rows) if test else None


def _as_share(ratio: Quantity) -> Quantity:
    return ratio.percent() if ratio.unit in ("×", "") else ratio


def _value(node: ast.expr, rows: Mapping[str, Row]) -> Quantity:
    match node:
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return _ARITHMETIC[type(node.op)](_value(node.left, rows), _value(node.right, rows))
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, rows)
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
            kind, function, example = _FUNCTIONS[name]
            try:
                return function(*(_argument(argument, kind, rows) for argument in node.args))
            except (RelationError, UnitError):
                raise
            except (TypeError, ValueError) as error:
                raise RelationError(example + f"; {error}" * isinstance(error, ValueError)) from None
        case ast.Call():
            raise RelationError(f"the functions {', '.join(sorted(_FUNCTIONS))}")
        case ast.Name():
            if (figure := rows[node.id].figure) is None:
                raise RelationError(f"a fact where a figure is needed; {node.id} is an event")
            return figure
        case ast.Constant(value=str()):
            raise RelationError('a text only inside a function, as in days("2024-05")')
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Quantity(float(number), formula=f"{number:,}")
    raise RelationError(_ALLOWED)


def _argument(node: ast.expr, kind: str, rows: Mapping[str, Row]) -> Quantity | Span | Row:
    match kind, node:
        case "figure", _:
            return _value(node, rows)
        case "period", ast.Constant(value=str(text)):
            return Span.parse(text)
        case "row", ast.Constant(value=str(text)):
            return rows[text]
    raise ValueError(f"a {kind} stands in quotes")


def _years(span: Span) -> Quantity:
    share = Quantity.counted(span.days, "day", span.short) / Quantity.counted(span.year.days, "day", span.year.short)
    return share * Quantity.counted(1, "year")


def _hours(start: Quantity, end: Quantity) -> Quantity:
    """From one hour of the clock to another on the next day."""
    clock, midnight = Quantity.counted(1, "hour") / Quantity.counted(1, "o'clock"), Quantity.counted(24, "o'clock")
    return (midnight - start + end) * clock


def _date(row: Row, unit: str) -> Quantity:
    return Quantity(
        float(f"{row.span.start:%Y%m%d}"[: DATES[unit]]), unit, f"first day of {row.span.short}", row.origins
    )


def _weeks(one: Row, other: Row) -> Quantity:
    """From the last day of one period to the first of another: the shortest time that lies between the two."""
    what = f"from the last day of {one.span.short} to the first of {other.span.short}"
    counted = Quantity.counted((other.span.start - one.span.end).days, "day", what)
    return replace(counted, origins=one.origins + other.origins) / Quantity.counted(7, "day/week")


def _sites(row: Row) -> Quantity:
    what = f"markets named: {', '.join(row.markets)}"
    return replace(Quantity.counted(len(row.markets), "site", what), origins=row.origins)


# Name -> what its arguments are, what it does with them, and an example.
_FUNCTIONS: dict[str, tuple[str, Callable[..., Quantity], str]] = {
    "days": ("period", lambda span: Quantity.counted(span.days, "day", span.short), 'days("2024-05")'),
    "months": ("period", lambda span: Quantity.counted(span.length_in_months, "month", span.short), 'months("2024H1")'),
    "years": ("period", _years, 'years("2024H1")'),
    "hours": ("figure", _hours, "hours(A0008, A0009)"),
    "day": ("row", lambda row: _date(row, "yyyymmdd"), 'day("E029")'),
    "month": ("row", lambda row: _date(row, "yyyymm"), 'month("E017")'),
    "year": ("row", lambda row: _date(row, "yyyy"), 'year("A0054")'),
    "weeks": ("row", _weeks, 'weeks("P0524", "A0030")'),
    "sites": ("row", _sites, 'sites("E030")'),
}


def fields_of(template: str) -> frozenset[str]:
    """Names of the fields of a template."""
    return frozenset(re.findall(r"\{([\w.-]+)\}", template))


_TEMPLATE = cell(
    re.compile(r"([^\d{}]|\{[\w.-]+\})*").fullmatch,
    "words without digits; a number stands as the id of its fact, as in {A0005}",
)
_Words = Annotated[str, Field(strict=True), _TEMPLATE]
_WITHOUT_DIGITS = cell(re.compile(r"[^\d{}]*").fullmatch, "words without digits")
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
    def told(self) -> frozenset[str]:
        """Facts without which the claim cannot be told."""
        return fields_of(self.words).union(self.facts)

    @property
    def names(self) -> frozenset[str]:
        """Every fact and event on which the test and its reading rest."""
        return names_of(self.test) | fields_of(self.reading)

    def seen(self, known: Set[str]) -> Claim | None:
        """The claim as far as `known` facts and events go; None if it cannot be told.

        A claim whose test rests on what became public later is shown as one that cannot be checked, if it says
        what that needs; otherwise it waits.
        """
        if self.told <= known and self.names <= known:
            return self
        return self.model_copy(update={"test": "", "reading": ""}) if self.told <= known and self.needs else None


def _with_lines(claims: dict[str, object], info) -> dict[str, object]:
    claims, text = with_ids(claims), info.context["text"]
    return {n: c | {"line": line_of(text, [n])} if isinstance(c, dict) else c for n, c in claims.items()}


Claims = Annotated[dict[str, Claim], BeforeValidator(_with_lines)]  # of a claims.toml, in its order


@lru_cache(maxsize=8)  # several sections ask
def judged(report: Report) -> pd.DataFrame:
    """Every claim about the report's platform and its rival that its view can tell.

    Returns
    -------
    DataFrame
        In the order of claims.toml, columns as there, and: `figures`, quantities of the fields of `words` and
        `reading`; `quotes`, original words; `witnesses`, publishers other than the claim's that the test rests on;
        `printed` and `worked_out`, the sides of the test, or None, and `sign` between them; `verdict`, one of
        `VERDICTS`.
    """
    rows = [_judged(report, claim) for claim in _claims(report)]
    found = ["figures", "quotes", "witnesses", "printed", "sign", "worked_out", "verdict"]
    return pd.DataFrame(rows, columns=[*Claim.model_fields, *found])


def _claims(report: Report) -> list[Claim]:
    return [claim for claim in report.ledger.claims if claim.platform in (report.platform, report.rival)]


def _judged(report: Report, claim: Claim) -> dict[str, object]:
    ledger, verdict = report.ledger, "uncheckable"
    own = {fact: ledger.row(fact) for fact in claim.told | fields_of(claim.reading)}
    rows, others = [ledger.row(fact) for fact in claim.facts], [ledger.row(name) for name in names_of(claim.test)]
    result = worked_out(claim.test, ledger, report.currency)
    compared = result if isinstance(result, Comparison) else Comparison(None, "", result)
    if compared.printed and compared.worked_out:
        itself = {row.source for row in others} <= {row.source for row in rows}
        verdict = judge(claim, compared, itself)
    witnesses = {row.origins[0].publisher for row in others} - {row.origins[0].publisher for row in rows}
    return dict(claim) | compared._asdict() | {
        "figures": {fact: row.figure for fact, row in own.items()},
        "quotes": tuple(dict.fromkeys(filter(None, (ledger.facts.at[fact, "quote"] for fact in claim.facts)))),
        "witnesses": tuple(sorted(witnesses)),
        "verdict": verdict,
    }  # fmt: skip


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
        As arguments.csv, and: `evidence`, pairs of what a fact measures and its figure, or of an event and its day;
        `verdict`: `supported`, `contradicted` or `open`, by the argument's test, or else by its claims; `test` as its
        Comparison, or None.
    """
    ledger, found = report.ledger, []
    arguments = ledger.arguments[ledger.arguments["chapter"] == chapter]
    named = {name for names in arguments["claims"] for name in names.split()}
    verdicts = {claim.id: _judged(report, claim)["verdict"] for claim in _claims(report) if claim.id in named}
    for row in arguments.itertuples():
        evidence, verdict, tested_by = [], "open", None
        for name in row.facts.split():
            if name in ledger.facts.index:
                fact = ledger.facts.loc[name]
                evidence.append((ledger.cell_name(fact), report.quantity(fact)))
            elif name in ledger.events.index:
                evidence.append(tuple(ledger.events.loc[name, ["told", "span"]]))
        answers = {verdicts[name] for name in row.claims.split() if name in verdicts}
        if answers and "uncheckable" not in answers:
            verdict = "supported" if answers <= {"holds", "loosely"} else "contradicted"
        result = worked_out(row.test, ledger, report.currency) if names_of(row.test) <= ledger.ids else None
        if isinstance(result, Comparison):
            verdict, tested_by = "supported" if result.true else "contradicted", result
        elif result is not None:
            evidence = [*evidence[:2], ("", result)]
        found.append((evidence, verdict, tested_by))
    return arguments.assign(
        **{name: [row[n] for row in found] for n, name in enumerate(("evidence", "verdict", "test"))}
    )
