"""Spans of days, as facts and reports name them: `2024`, `2024H1`, `2024Q2`, `2024-05`, a day, `A..B`."""

from __future__ import annotations

import calendar
import html
import re
from dataclasses import dataclass
from datetime import date, timedelta

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
        """Read a period as the ledger writes it.

        Raises
        ------
        ValueError
            If `text` is none of the forms in `ALLOWED`, or names a day that does not exist.
        """
        first, dots, last = text.partition("..")
        if dots and ".." not in last:
            start, end = cls.parse(first).start, cls.parse(last).end
            if start > end:
                raise ValueError(f"{text!r} ends before it begins")
            return cls(start, end)
        match = _PARTS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a period; allowed: {ALLOWED}")
        year = int(match["year"])
        if match["day"]:
            day = date(year, int(match["month"]), int(match["day"]))
            return cls(day, day)
        if match["month"]:
            return cls.months_of(year, int(match["month"]), 1)
        if match["quarter"]:
            return cls.months_of(year, 3 * int(match["quarter"]) - 2, 3)
        if match["half"]:
            return cls.months_of(year, 6 * int(match["half"]) - 5, 6)
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
        year, first = self.start.year, self.start.month
        if self.days == 1:
            return self.start.isoformat()
        if self.months is None or self.end.year != year:
            return f"{self.start.isoformat()}..{self.end.isoformat()}"
        if self.months == 12:
            return f"{year}"
        if self.months == 6 and first in (1, 7):
            return f"{year}H{1 + first // 7}"
        if self.months == 3 and first % 3 == 1:
            return f"{year}Q{1 + first // 3}"
        if self.months == 1:
            return f"{year}-{first:02d}"
        return f"{year}-{first:02d}..{year}-{self.end.month:02d}"

    @property
    def label(self) -> str:
        """The span as a sentence names it: `the first half of 2024`, `May 2024`, `8 June 2024`."""
        year, first = self.start.year, self.start.month
        if self.days == 1:
            return day_label(self.start)
        if self.months is None:
            return f"the period from {self._days_label}"
        if self.end.year != year:
            last = calendar.month_name[self.end.month]
            return f"{calendar.month_name[first]} {year} to {last} {self.end.year}"
        if self.months == 12:
            return f"{year}"
        if self.months == 6 and first in (1, 7):
            return f"the {'first' if first == 1 else 'second'} half of {year}"
        if self.months == 3 and first % 3 == 1:
            return f"the {('first', 'second', 'third', 'fourth')[first // 3]} quarter of {year}"
        if self.months == 1:
            return f"{calendar.month_name[first]} {year}"
        return f"{calendar.month_name[first]} to {calendar.month_name[self.end.month]} {year}"

    @property
    def short(self) -> str:
        """The span as a chart or a table names it: `H1 2024`, `Q2 2024`, `May 2024`."""
        code = self.code
        if re.fullmatch(r"\d{4}[HQ]\d", code):
            return f"{code[4:]} {code[:4]}"
        if self.months == 1:
            return f"{calendar.month_abbr[self.start.month]} {self.start.year}"
        if self.months and self.end.year == self.start.year and self.months < 12:
            return f"{calendar.month_abbr[self.start.month]}–{calendar.month_abbr[self.end.month]} {self.start.year}"
        return self._days_label if self.months is None and self.days > 1 else self.label

    @property
    def _days_label(self) -> str:
        if (self.start.year, self.start.month) == (self.end.year, self.end.month):
            return f"{self.start.day} to {day_label(self.end)}"
        first = day_label(self.start)
        return f"{first.removesuffix(f' {self.end.year}')} to {day_label(self.end)}"

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

    def year_earlier(self) -> Span:
        """The same months one year before."""
        first, last = self.each_month[0].start, self.each_month[-1].end
        return Span(first.replace(year=first.year - 1), Span.months_of(last.year - 1, last.month, 1).end)

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
