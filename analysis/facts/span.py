"""Spans of days, as facts and reports name them: `2024`, `2024H1`, `2024Q2`, `2024-05`, a day, `A..B`."""

from __future__ import annotations

import calendar
import html
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

ALLOWED = "2024, 2024H1, 2024Q2, 2024-05, 2024-06-08 or two of these joined by .."

DAYS_PER_MONTH = 365.25 / 12

_PARTS = re.compile(
    r"(?a)(?P<year>[12]\d{3})(?:H(?P<half>[12])|Q(?P<quarter>[1-4])|-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
)


@dataclass(frozen=True, order=True)
class Span:
    """The days from `start` to `end`, both included."""

    start: date
    end: date

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read a period as the ledger writes it; ValueError if it is none of `ALLOWED`, or no day that exists."""
        first, dots, last = text.partition("..")
        if dots and ".." not in last:
            start, end = cls.parse(first).start, cls.parse(last).end
            if start > end:
                raise ValueError(f"{text!r} ends before it begins")
            return cls(start, end)
        match = _PARTS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a period; allowed: {ALLOWED}")
        year, part = int(match["year"]), {name: int(n) for name, n in match.groupdict().items() if n}
        if "day" in part:
            day = date(year, part["month"], part["day"])
            return cls(day, day)
        for name, months in (("month", 1), ("quarter", 3), ("half", 6)):
            if name in part:
                return cls.months_of(year, months * (part[name] - 1) + 1, months)
        return cls.months_of(year, 1, 12)

    @classmethod
    def of_digits(cls, digits: str) -> Span:
        """The day, month or year of `20241009`, `202410` or `2024`."""
        return cls.parse("-".join(filter(None, (digits[:4], digits[4:6], digits[6:]))))

    @classmethod
    def months_of(cls, year: int, first: int, count: int) -> Span:
        """`count` whole months of `year` from month `first` on."""
        last = first + count - 1
        return cls(date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]))

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def months(self) -> int | None:
        """Number of calendar months, or None if the span cuts through one."""
        whole = self.start.day == 1 and (self.end + timedelta(days=1)).day == 1
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1 if whole else None

    @property
    def length_in_months(self) -> float:
        """Calendar months, or days in mean months where the span cuts through one."""
        return self.months or self.days / DAYS_PER_MONTH

    @property
    def code(self) -> str:
        """The span as the ledger writes it."""
        return self._names[0]

    @property
    def label(self) -> str:
        """The span as a sentence names it: `the first half of 2024`, `May 2024`, `8 June 2024`."""
        return self._names[1]

    @property
    def short(self) -> str:
        """The span as a chart or a table names it: `H1 2024`, `Q2 2024`, `May 2024`."""
        return self._names[2]

    @cached_property
    def _names(self) -> tuple[str, str, str]:
        start, end, months, year = self.start, self.end, self.months, self.start.year
        first, last = (calendar.month_name[day.month] for day in (start, end))
        if self.days == 1:
            return start.isoformat(), day_label(start), day_label(start)
        if months is None:
            same = f"{start.day}" if (start.year, start.month) == (end.year, end.month) else day_label(start)
            words = f"{same.removesuffix(f' {end.year}')} to {day_label(end)}"
            return f"{start.isoformat()}..{end.isoformat()}", f"the period from {words}", words
        if end.year > year:
            words = f"{first} {year} to {last} {end.year}"
            return f"{start.isoformat()}..{end.isoformat()}", words, words
        if months == 12:
            return (f"{year}",) * 3
        if months == 1:
            return f"{start:%Y-%m}", f"{first} {year}", f"{first[:3]} {year}"
        letter, noun = {6: ("H", "half"), 3: ("Q", "quarter")}.get(months, ("", ""))
        if not noun or (start.month - 1) % months:
            return f"{start:%Y-%m}..{end:%Y-%m}", f"{first} to {last} {year}", f"{first[:3]}–{last[:3]} {year}"
        number = 1 + start.month // months
        nth = ("first", "second", "third", "fourth")[number - 1]
        return f"{year}{letter}{number}", f"the {nth} {noun} of {year}", f"{letter}{number} {year}"

    @property
    def year(self) -> Span:
        """The calendar year in which the span ends."""
        return Span.months_of(self.end.year, 1, 12)

    @property
    def to_date(self) -> Span:
        """The year up to the span's last day."""
        return Span(self.year.start, self.end)

    @property
    def rest_of_year(self) -> Span | None:
        """What is left of the year after the span, or None after 31 December."""
        return Span(self.end + timedelta(days=1), self.year.end) if self.end < self.year.end else None

    @property
    def each_month(self) -> list[Span]:
        """The calendar months that the span touches, whole."""
        first, last = (12 * day.year + day.month - 1 for day in (self.start, self.end))
        return [Span.months_of(month // 12, month % 12 + 1, 1) for month in range(first, last + 1)]

    @property
    def previous_quarter(self) -> Span:
        """The quarter before the month in which the span begins."""
        last = self.start - timedelta(days=1)
        return Span.months_of(last.year, 3 * ((last.month - 1) // 3) + 1, 3)

    @property
    def year_ahead(self) -> Span:
        """The twelve months after the span."""
        first = self.end + timedelta(days=1)
        return Span(first, first.replace(year=first.year + 1) - timedelta(days=1))

    def year_earlier(self) -> Span:
        """The same months one year before, or the same days where the span cuts through a month."""

        def before(day: date, last: bool) -> date:
            length = calendar.monthrange(day.year - 1, day.month)[1]
            return date(day.year - 1, day.month, length if last else min(day.day, length))

        return Span(before(self.start, False), before(self.end, bool(self.months)))

    def __contains__(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def overlap(self, other: Span) -> int:
        """Days that both spans have."""
        return max(0, (min(self.end, other.end) - max(self.start, other.start)).days + 1)


_MONTH = "|".join([*calendar.month_name[1:], *calendar.month_abbr[1:]])
# As `Span` names periods, and days without their year: 1 January.
_PERIOD = re.compile(
    r"\b(?:[QH][1-4] \d{4}|\d{4}[QH][1-4]|\d{4}-\d\d(?:-\d\d)?"
    rf"|(?:(?:\d{{1,2}} to )?\d{{1,2}} )?(?:{_MONTH})(?: (?:19|20)\d\d)?|(?:19|20)\d\d)\b"
)


def dated(text: str) -> str:
    """A plain text as HTML, with the periods in it marked as such: Q2 2024, May 2024, 8 June 2024, 2024.

    Every other digit on a page belongs to a quantity or a quotation; tests/test_provenance.py sees to it.
    """
    return _PERIOD.sub(lambda match: f'<span class="period">{match[0]}</span>', html.escape(text, quote=False))


def day_label(day: date) -> str:
    """`8 June 2024`."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"
