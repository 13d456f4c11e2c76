"""Relations between published figures, as claims.toml writes them: `A0020 == A0021 * days("2024-05")`.

A relation is arithmetic and at most one comparison; nothing in the file is ever run as code. The left side of the
comparison is what is printed, the right side what other figures make of it.
"""

from __future__ import annotations

import ast
import operator
import re
import string
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache

from analysis.facts.quantity import Origin, Quantity, UnitError, is_currency
from analysis.facts.span import Span

CHAPTERS = ("summary", "southeast_asia", "united_states", "temu", "europe", "outlook", "evidence")
# Units of quantities that name a day, a month or a year, and how many digits of them.
DATES = {"yyyymmdd": 8, "yyyymm": 6, "yyyy": 4}


class RelationError(ValueError):
    """A relation that cannot be read or worked out; the text says what is allowed."""


@dataclass(frozen=True)
class Claim:
    """Something printed that other figures can confirm or contradict.

    Attributes
    ----------
    id : str
    chapter : str
        The chapter that shows it.
    platform, market : str
        Whom and where it is about.
    facts : tuple of str
        Rows of facts.csv that make the claim; their original words are shown.
    words : str
        The claim in English; a number stands as the id of its fact, `{A0005}`.
    test : str
        The relation; without a comparison its value is shown and nothing is judged.
    tolerance, loosely : float or None
        How far apart the two sides may be, as a share of what is printed, to hold and to hold loosely.
    reading : str
        How to read the result.
    needs : str
        What would settle a claim that cannot be checked.
    """

    id: str
    chapter: str
    platform: str
    market: str
    facts: tuple[str, ...]
    words: str
    test: str = ""
    tolerance: float | None = None
    loosely: float | None = None
    reading: str = ""
    needs: str = ""
    line: int | None = field(default=None, repr=False, compare=False)  # of the file

    @property
    def names(self) -> frozenset[str]:
        """Every fact and event on which the test rests."""
        return _names(self.test) if self.test else frozenset()

    @property
    def told(self) -> frozenset[str]:
        """Facts without which the claim cannot be told."""
        return frozenset(self.facts) | fields_of(self.words)

    @property
    def reading_facts(self) -> frozenset[str]:
        return fields_of(self.reading)

    def seen(self, known: Iterable[str]) -> Claim | None:
        """The claim as far as `known` facts and events go; None if it cannot be told, or neither tested nor left open.

        A claim whose test rests on what became public later is shown as one that cannot be checked, if it says
        what that needs; otherwise it waits.
        """
        known = set(known)
        if not self.told <= known:
            return None
        if not (self.names | self.reading_facts) <= known:
            return replace(self, test="", reading="") if self.needs else None
        return self


def currencies(rows: Mapping[str, Row]) -> set[str]:
    """The currencies of the figures of some rows."""
    units = {row.figure.unit.partition("/")[0] for row in rows.values() if row.figure is not None}
    return set(filter(is_currency, units))


def fields_of(template: str) -> frozenset[str]:
    """Names of the fields of a template."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


# Evaluation -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a relation may ask of a fact or an event: its figure (facts only), days, markets and origin."""

    figure: Quantity | None
    span: Span
    markets: tuple[str, ...]
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Both sides of a relation, and whether they stand to each other as it says."""

    printed: Quantity
    sign: str
    worked_out: Quantity

    @property
    def true(self) -> bool:
        same = self.apart < _SAME  # 1000 / 60 and 500 / 30 are one number
        return "=" in self.sign if same else _SIGNS[self.sign](self.printed.value, self.worked_out.value)

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


def evaluate(test: str, rows: Mapping[str, Row]) -> Comparison | Quantity:
    """Work out a relation: both of its sides, or its value where it compares nothing.

    Parameters
    ----------
    test : str
    rows : mapping
        Fact or event -> what is known of it; all that `Claim.names` names.

    Raises
    ------
    RelationError
        If the text is no relation, or adds or compares unlike units.
    """
    tree = _parse(test)
    try:
        if isinstance(tree, ast.Compare):
            printed, worked_out = _value(tree.left, rows), _value(tree.comparators[0], rows)
            if "%" in (printed.unit, worked_out.unit):
                printed, worked_out = _as_share(printed), _as_share(worked_out)
            found = Comparison(printed, _COMPARISONS[type(tree.ops[0])], worked_out)
            _ = printed < worked_out  # unlike units have no order
            return found
        value = _value(tree, rows)
        return _as_share(value) if abs(value.value) < 1 else value
    except UnitError as error:
        raise RelationError(f"figures of one unit to add or to compare; {error}") from None


def _as_share(ratio: Quantity) -> Quantity:
    return ratio.percent() if ratio.unit in ("×", "") else ratio


def _parse(test: str) -> ast.expr:
    allowed = "fact ids, numbers, + - * /, the functions of data/README.md, and one of == < <= > >= at most"
    try:
        tree = ast.parse(test.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise RelationError(allowed) from None
    sides = [tree.left, *tree.comparators] if isinstance(tree, ast.Compare) else [tree]
    if len(sides) > 2 or (len(sides) == 2 and type(tree.ops[0]) not in _COMPARISONS):
        raise RelationError(allowed)
    for side in sides:
        for node in ast.walk(side):
            if isinstance(node, ast.Call):
                if not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS) or node.keywords:
                    raise RelationError(f"the functions {', '.join(sorted(_FUNCTIONS))}")
                _check_arguments(node)
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
                    raise RelationError(allowed)
            elif not isinstance(
                node,
                (ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.USub, *_ARITHMETIC),
            ):
                raise RelationError(allowed)
    return tree


def _check_arguments(call: ast.Call) -> None:
    function, kinds = call.func.id, _FUNCTIONS[call.func.id][0]
    written = f"{function}({', '.join(_EXAMPLES[kind] for kind in kinds)})"
    if len(call.args) != len(kinds):
        raise RelationError(f"{written}")
    for kind, argument in zip(kinds, call.args, strict=True):
        is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        if is_text != (kind != "figure"):
            raise RelationError(f"{written}")
        if kind == "period":
            try:
                Span.parse(argument.value)
            except ValueError as error:
                raise RelationError(f"{written}; {error}") from None


@lru_cache(maxsize=4096)
def _names(test: str) -> frozenset[str]:
    named = set()
    for node in ast.walk(_parse(test)):
        if isinstance(node, ast.Call):
            kinds = _FUNCTIONS[node.func.id][0]
            named.update(arg.value for kind, arg in zip(kinds, node.args, strict=True) if kind == "row")
        elif isinstance(node, ast.Name) and node.id not in _FUNCTIONS:
            named.add(node.id)
    return frozenset(named)


def _value(node: ast.expr, rows: Mapping[str, Row]) -> Quantity:
    if isinstance(node, ast.BinOp):
        return _ARITHMETIC[type(node.op)](_value(node.left, rows), _value(node.right, rows))
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, rows)
    if isinstance(node, ast.Call):
        kinds, function = _FUNCTIONS[node.func.id]
        read = {
            "period": lambda argument: Span.parse(argument.value),
            "row": lambda argument: (argument.value, rows[argument.value]),
            "figure": lambda argument: _value(argument, rows),
        }
        return function(*(read[kind](argument) for kind, argument in zip(kinds, node.args, strict=True)))
    if isinstance(node, ast.Name):
        return _figure((node.id, rows[node.id]))
    if isinstance(node.value, str):
        raise RelationError('a text only inside a function, as in days("2024-05")')
    return Quantity(float(node.value), formula=f"{node.value:,}")


def _figure(named: tuple[str, Row]) -> Quantity:
    name, row = named
    if row.figure is None:
        raise RelationError(f"a fact where a figure is needed; {name} is an event")
    return row.figure


def _hours(start: Quantity, end: Quantity) -> Quantity:
    """From one hour of the clock to another on the next day."""
    clock, midnight = Quantity.counted(1, "hour") / Quantity.counted(1, "o'clock"), Quantity.counted(24, "o'clock")
    return (midnight - start + end) * clock


def _date(digits: int) -> Callable[[tuple[str, Row]], Quantity]:
    unit = {count: unit for unit, count in DATES.items()}[digits]

    def begin(named: tuple[str, Row]) -> Quantity:
        name, row = named
        number = float(f"{row.span.start:%Y%m%d}"[:digits])
        return Quantity(number, unit, f"first day of {name}", row.origins)

    return begin


def _weeks(first: tuple[str, Row], second: tuple[str, Row]) -> Quantity:
    """From the last day of one period to the first of another: the shortest time that lies between the two."""
    (_, before), (_, after) = first, second
    days = (after.span.start - before.span.end).days
    what = f"from {before.span.short}, the last day of {first[0]}, to {after.span.short}, the first of {second[0]}"
    counted = Quantity.counted(days, "day", what)
    return replace(counted, origins=before.origins + after.origins) / Quantity.counted(7, "day/week")


def _sites(named: tuple[str, Row]) -> Quantity:
    name, row = named
    counted = Quantity.counted(len(row.markets), "site", f"markets that {name} names: {', '.join(row.markets)}")
    return replace(counted, origins=row.origins)


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
    "day": (("row",), _date(8)),
    "month": (("row",), _date(6)),
    "year": (("row",), _date(4)),
    "weeks": (("row", "row"), _weeks),
    "sites": (("row",), _sites),
    "fact": (("row",), _figure),
}


# The file ---------------------------------------------------------------------------------------------

_KEYS = [key.name for key in fields(Claim) if key.name not in ("id", "line")]
_REQUIRED = ("chapter", "platform", "market", "facts", "words")
_ALLOWED = {
    "chapter": f"one of {', '.join(CHAPTERS)}",
    "platform": "a platform of vocabulary.toml",
    "market": "a market or region of vocabulary.toml, or several joined by a comma and a space",
    "facts": "a list of ids of facts.csv, at least one",
    "words": "words without digits; a number stands as the id of its fact, as in {A0005}",
    "test": "a relation in quotes, as in 'A0020 == A0021 * days(\"2024-05\")'",
    "tolerance": "a share from 0 on, as in 0.05",
    "loosely": "a share from 0 on, as in 0.05, not below tolerance",
    "reading": "words without digits; a number stands as the id of its fact, as in {A0005}",
    "needs": "words without digits",
}


def read_claims(
    text: str,
    platforms: Iterable[str],
    places: Iterable[str],
    refuse: Callable[[int | None, str | None, str | None, str], None],
) -> tuple[Claim, ...]:
    """The claims of a claims.toml, in its order.

    Parameters
    ----------
    text : str
    platforms, places : iterable of str
        Names that the keys `platform` and `market` may have.
    refuse : callable
        Called with line, key, value and what is allowed, for each entry that cannot be used.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        refuse(None, None, None, f"TOML ({error})")
        return ()
    vocabulary = {"platform": set(platforms), "market": set(places), "chapter": set(CHAPTERS)}
    claims = []
    for name, entry in tables.items():
        header = re.search(rf"(?m)^[ \t]*\[\s*[\"']?{re.escape(name)}[\"']?\s*\]", text)
        line = text[: header.start()].count("\n") + 1 if header else None
        if not isinstance(entry, dict):
            refuse(line, name, repr(entry), "a table for each claim, as in [us-half-year]")
            continue
        bad = list(_bad_keys(entry, vocabulary))
        for key, value, allowed in bad:
            refuse(line, f"{name}.{key}", value, allowed)
        if not bad:
            claims.append(Claim(name, **entry | {"facts": tuple(entry["facts"])}, line=line))
    return tuple(claims)


def _bad_keys(entry: dict, vocabulary: dict[str, set[str]]) -> Iterable[tuple[str, str | None, str]]:
    """Key, value and what is allowed, for each key of an entry that is missing or breaks its rule."""
    for key in _REQUIRED:
        if key not in entry:
            yield key, None, _ALLOWED[key]
    if not entry.get("test") and not entry.get("needs"):
        yield "needs", None, "what would settle the claim, where there is no test of it"
    for key, value in entry.items():
        allowed = _refusal(key, value, vocabulary)
        if allowed:
            yield key, str(value), allowed


def _refusal(key: str, value: object, vocabulary: dict[str, set[str]]) -> str | None:
    """What is allowed instead of a value; None if it fits."""
    if key not in _KEYS:
        return f"one of the keys {', '.join(_KEYS)}"
    if key in ("tolerance", "loosely"):
        fits = type(value) in (int, float) and 0 <= value < float("inf")
    elif key == "facts":
        fits = isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
    elif not isinstance(value, str):
        fits = False
    elif key == "test":
        try:
            _parse(value)
        except RelationError as error:
            return str(error)
        fits = True
    elif key == "market":
        fits = all(name in vocabulary[key] for name in value.split(", "))
    elif key in vocabulary:
        fits = value in vocabulary[key]
    else:
        fits = _is_template(value, with_fields=key != "needs")
    return None if fits else _ALLOWED[key]


def _is_template(text: str, with_fields: bool) -> bool:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return False
    plain = not any(re.search(r"\d", words) for words, _, _, _ in parts)
    named = [part[1:] for part in parts if part[1] is not None]
    return plain and all(name and not (form or as_) for name, form, as_ in named) and (with_fields or not named)
