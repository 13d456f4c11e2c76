"""A number that knows its unit, the facts it comes from, and the arithmetic in between."""

from __future__ import annotations

import hashlib
import html
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partialmethod

from analysis.facts.span import Span

SYMBOLS = {"USD": "US$", "EUR": "€", "GBP": "£", "CNY": "CN¥", "JPY": "JP¥", "BRL": "R$", "MXN": "MX$", "SGD": "S$"}
_SCALES = ((1e12, " tn"), (1e9, " bn"), (1e6, " mn"))
DATES = {"yyyymmdd": 8, "yyyymm": 6, "yyyy": 4}  # units that name a day, a month or a year, and how many digits of them
BOUNDS = {"more than": "floor", "less than": "ceiling", "up to": "ceiling"}  # the side of a bound that is closed
_PLAIN = {"", "%", "×", "pp"}  # ways to print a number without dimension
_SUM, _PRODUCT, _ATOM = range(3)  # how tightly a formula binds
_OPERATIONS = {"+": operator.add, "−": operator.sub, "×": operator.mul, "÷": operator.truediv}
LEVEL = 0.02  # two figures this close say the same thing: published figures are rounded to about this much


class UnitError(ValueError):
    """Two quantities of unlike units were added or compared."""


@dataclass(frozen=True)
class Origin:
    """One published figure, as it was printed; or an assumption of ours, which has a reason instead of a source."""

    id: str  # row of facts.csv
    printed: str  # value, unit and qualifier: `just over 30 %`
    what: str
    period: str = ""
    source: str = ""  # title and number
    publisher: str = "assumption"
    url: str = ""
    known_on: str = ""  # the day it became public, with `(inferred)` where that day is a judgement
    basis: str = ""  # who counts: `tracker`, `leak` and so on; empty for an exchange rate
    counter: str = ""  # the firm that counted, or `unstated`; empty for what is no fact
    reason: str = ""

    @property
    def told(self) -> dict[str, str]:
        """What a note says of it."""
        published = ("period", "source", "publisher", "url", "known_on", "basis")
        return {key: getattr(self, key) for key in ("printed", "what", *(("reason",) if self.reason else published))}


@dataclass(frozen=True, eq=False)
class Quantity:
    """A value with unit, provenance and formula; arithmetic carries all three along.

    A share is stored as a fraction (0.168) with unit `%`; `×` is a ratio. A quantity that no published
    figure supports has the value NaN and says in `missing` what would be needed; arithmetic on it gives
    another unknown, and a sentence that needs it is not said.

    Examples
    --------
    >>> gmv = Quantity(2.94e9, "USD", formula="A"); target = Quantity(17.5e9, "USD", formula="B")
    >>> str(gmv / target), (gmv / target).percent().text, (gmv / target).formula
    ('0.17×', '17%', 'A ÷ B')
    """

    value: float
    unit: str = ""
    formula: str = ""
    origins: tuple[Origin, ...] = ()
    hedge: str = ""
    missing: tuple[str, ...] = ()
    binds: int = _ATOM
    printer: Callable[[Quantity], str] | None = None  # of another language

    @classmethod
    def unknown(cls, *reasons: str) -> Quantity:
        """A quantity that nothing published supports; `reasons` name what is missing."""
        return cls(math.nan, missing=reasons)

    @classmethod
    def counted(cls, value: float, unit: str, what: str = "") -> Quantity:
        """A number known without a source, such as the days of a month; `what` says how it was counted."""
        bare = cls(value, unit)
        return replace(bare, formula=f"{bare.text} ({what})" if what else bare.text)

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)

    __bool__ = known.fget

    @property
    def is_printed(self) -> bool:
        """Whether this is a published figure itself, not a result of arithmetic."""
        return len(self.origins) == 1 and self.formula == self.origins[0].id

    @property
    def is_bound(self) -> bool:
        """Whether this says only what a value lies above or below; it is never divided or called a value."""
        return self.hedge in BOUNDS

    @property
    def bases(self) -> frozenset[str]:
        """Who counted the figures behind this one; figures of unlike bases do not add up."""
        return frozenset(origin.basis for origin in self.origins if origin.basis)

    def _join(self, sign: str, other: Quantity | float) -> Quantity:
        other = _as_quantity(other)
        if sign == "÷" and other.value == 0:
            return Quantity.unknown(f"a divisor other than zero ({other.formula})")
        if not (self.known and other.known):
            return Quantity.unknown(*dict.fromkeys(self.missing + other.missing))
        unit = self._common(other) if sign in "+−" else _product(self.unit, other.unit, 1 if sign == "×" else -1)
        binds = _SUM if sign in "+−" else _PRODUCT
        # The right side of − and ÷ needs brackets at equal rank, too.
        left = f"({self.formula})" if self.binds < binds else self.formula
        right = f"({other.formula})" if other.binds < binds + (sign in "−÷") else other.formula
        origins = tuple({o.id: o for o in self.origins + other.origins}.values())
        hedge = "about" if self.hedge or other.hedge else ""
        value = _OPERATIONS[sign](self.value, other.value)
        return Quantity(value, unit, f"{left} {sign} {right}", origins, hedge, binds=binds)

    def _after(self, sign: str, other: float) -> Quantity:
        return _as_quantity(other)._join(sign, self)

    __add__, __radd__ = partialmethod(_join, "+"), partialmethod(_after, "+")
    __sub__, __rsub__ = partialmethod(_join, "−"), partialmethod(_after, "−")
    __mul__, __rmul__ = partialmethod(_join, "×"), partialmethod(_after, "×")
    __truediv__ = partialmethod(_join, "÷")

    def __neg__(self) -> Quantity:
        return replace(self, value=-self.value, formula=f"−({self.formula})", hedge="about" if self.hedge else "")

    def __abs__(self) -> Quantity:
        """The size; it keeps the provenance of the number itself, of which only the sign is told in words."""
        return replace(self, value=abs(self.value))

    def percent(self) -> Quantity:
        """The same ratio, printed as a percentage."""
        self._common(Quantity(1.0))
        return replace(self, unit="%") if self.known else self

    @property
    def amount(self) -> Quantity:
        """A rate as what comes in one of its periods, for sentences that name the period themselves."""
        return replace(self, unit=self.unit.partition("/")[0])

    def growth(self) -> Quantity:
        """A ratio to an earlier value, as growth in percent."""
        return (self - 1).percent()

    def _common(self, other: Quantity) -> str:
        if not (self.known and other.known) or self.unit == other.unit:
            return self.unit
        if _dimensions(self.unit) != _dimensions(other.unit):
            raise UnitError(f"{self.unit or 'a plain number'} and {other.unit or 'a plain number'} are unlike units")
        return "×" if self.unit in _PLAIN else self.unit

    def __lt__(self, other: Quantity | float) -> bool:
        return self.value < self._comparable(other)

    def __gt__(self, other: Quantity | float) -> bool:
        return self.value > self._comparable(other)

    def _comparable(self, other: Quantity | float) -> float:
        if other == 0:  # zero is zero in every unit
            return 0.0
        other = _as_quantity(other)
        self._common(other)
        return other.value

    @property
    def bare(self) -> str:
        """Value and unit without its hedge: `US$2.94 bn a month`, `16.8%`, `3.7×`, `1,000 orders`."""
        if not self.known:
            return "not published"
        if self.unit in DATES:
            return Span.of_digits(f"{self.value:.0f}").label
        size, minus = abs(self.value), "−" if self.value < 0 else ""
        if self.unit in ("%", "×"):
            size, whole = (size * 100, 0.995) if self.unit == "%" else (size, 20)
            if self.is_printed:
                number = f"{size:.10g}" if self.unit == "%" else f"{size:,g}"
            elif size >= 0.995:  # a reader remembers no more
                number = f"{size:,.0f}" if size >= whole else f"{size:.1f}"
            else:
                number = _round(size, 2)
            return f"{minus}{number}{self.unit}"
        top, _, per = self.unit.partition("/")
        per = per and f" {'an' if per[0] in 'aeio' or per == 'hour' else 'a'} {per}"
        if is_currency(top):
            return f"{minus}{SYMBOLS.get(top, f'{top} ')}{scaled(size, money=True)}{per}"
        noun = top if self.value == 1 else {"person": "people", "o'clock": "o'clock"}.get(top, f"{top}s")
        return f"{minus}{scaled(size)}{f' {noun}' if top else ''}{per}"

    @property
    def text(self) -> str:
        """The number as a sentence prints it, with its hedge: `just over 30%`."""
        if self.printer and self.known:
            return self.printer(self)
        return f"{self.hedge} {self.bare}" if self.hedge and self.known else self.bare

    __str__ = text.fget

    @property
    def in_unit(self) -> float:
        """The value as its unit counts it, 16.8 where the unit is %, without digits that no publisher prints."""
        value = float(f"{self.value * (100 if self.unit == '%' else 1):.10g}")
        return int(value) if value.is_integer() else value  # as JupyterLab would save it

    @property
    def key(self) -> str:
        """A name for the number and its provenance: like numbers of one provenance have one."""
        whole = repr((self.in_unit, self.unit, self.formula, [origin.id for origin in self.origins]))
        return hashlib.sha256(whole.encode()).hexdigest()[:12]

    def html(self, text: str | None = None) -> str:
        """The number for a page, with its arithmetic; the note that it leads to is found by its `key`."""
        shown = html.escape(self.text if text is None else text).replace(" ", "&nbsp;")
        return f'<span class="quantity" data-key="{self.key}" title="{html.escape(self.formula)}">{shown}</span>'


@dataclass(frozen=True)
class Band:
    """An estimate: its median, and the 10th and 90th percentile between which four of five outcomes lie."""

    median: Quantity
    low: Quantity
    high: Quantity

    @classmethod
    def of(cls, percentiles: Iterable[float], tell: Callable[[float, str], Quantity]) -> Band:
        """From the median, the 10th and the 90th percentile, each told by its value and its name."""
        names = ("median", "10th percentile", "90th percentile")
        return cls(*(tell(rounded(value), name) for value, name in zip(percentiles, names, strict=True)))

    @classmethod
    def unknown(cls, reason: str) -> Band:
        """An estimate that nothing published supports; `reason` names what is missing."""
        return cls(*[Quantity.unknown(reason)] * 3)

    def __bool__(self) -> bool:
        return bool(self.median)

    def __iter__(self) -> Iterator[Quantity]:
        return iter((self.median, self.low, self.high))


def level(a: Quantity, b: Quantity) -> bool:
    """Whether two known figures are equal as far as published figures can tell."""
    return bool(a and b) and abs((a / b).value - 1) <= LEVEL


def is_currency(unit: str) -> bool:
    """Whether a unit is a currency code, such as `THB`."""
    return re.fullmatch("[A-Z]{3}", unit) is not None


def rounded(value: float) -> float:
    """A number that a model gives, to the six significant digits that are the same on every machine.

    Another processor or another numpy sums in another order, and differs from the tenth digit on at the worst.
    """
    return float(f"{value:.6g}")


def total(parts: Iterable[Quantity]) -> Quantity:
    """Sum of one or more quantities of one unit."""
    first, *rest = parts
    return sum(rest, start=first)


def _as_quantity(value: Quantity | float) -> Quantity:
    return value if isinstance(value, Quantity) else Quantity(float(value), formula=f"{value:g}")


def _dimensions(unit: str) -> Counter[str]:
    top, _, per = unit.partition("/")
    count = Counter(top.split("·")) if top not in _PLAIN else Counter()
    count.subtract(per.split("·") if per else [])
    return Counter({base: power for base, power in count.items() if power})


@lru_cache(maxsize=1024)
def _product(a: str, b: str, power: int) -> str:
    dimensions = _dimensions(a)
    for base, exponent in _dimensions(b).items():
        dimensions[base] += power * exponent
    top, per = ("·".join(sorted(d.elements())) for d in (dimensions, Counter({b: -n for b, n in dimensions.items()})))
    if not top and not per:
        return "%" if a == b == "%" and power == 1 else "×"
    return f"{top}/{per}" if per else top


def _round(value: float, significant: int) -> str:
    if value == 0:
        return "0"
    decimals = max(0, significant - 1 - math.floor(math.log10(float(f"{value:.{significant - 1}e}"))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scaled(size: float, money: bool = False, scales: Sequence[tuple[float, str]] = _SCALES) -> str:
    """A size to three significant digits, in words of its scale: `2.94 bn`."""
    for scale, word in scales:
        if size >= scale * 0.9995:
            return f"{_round(float(f'{size / scale:.3g}'), 3)}{word}"
    if money and size >= 1000:
        size = float(f"{size:.3g}")
    elif money and 0.1 <= size < 100 and size != round(size):
        return f"{size:.2f}".removesuffix(".00")
    return f"{size:,.0f}" if size >= 1000 or size == round(size) else _round(size, 3)
