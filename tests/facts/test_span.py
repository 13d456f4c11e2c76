"""Periods as the ledger writes them, against the calendar."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts.span import Span, dated

days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
spans = st.tuples(days, days).map(lambda pair: Span(min(pair), max(pair)))


def span(text: str) -> Span:
    return Span.parse(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01", "2024-12-31"), ("2024H2", "2024-07-01", "2024-12-31"),
        ("2024Q4", "2024-10-01", "2024-12-31"), ("2024-05", "2024-05-01", "2024-05-31"),
        ("2024-06-08", "2024-06-08", "2024-06-08"), ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2024-02", "2024-02-01", "2024-02-29"), ("2023-02", "2023-02-01", "2023-02-28"),  # divisible by 4
        ("2100-02", "2100-02-01", "2100-02-28"), ("2000-02", "2000-02-01", "2000-02-29"),  # by 100, by 400
        ("2024-01..2024-05", "2024-01-01", "2024-05-31"), ("2023Q4..2024-06-08", "2023-10-01", "2024-06-08"),
    ],
)  # fmt: skip
def test_each_written_form_names_its_days(text, start, end):
    assert span(text) == Span(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "24", "2024 ", "2024H0", "2024H3", "2024Q0", "2024Q5", "2024q2", "Q2 2024", "2024-00", "2024-13",
        "2024-5", "2024-02-30", "2023-02-29", "2024-06-8", "20240608", "2024/06/08", "0000", "..", "2024..", "..2024",
        "2024...2025", "2024-06..2024-05", "2024..2023H2", "2024H1..2024H3", "-2024", "2024-01..2024-02..2024-03",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError):
        span(text)


@given(spans)
def test_a_span_survives_being_written_and_read(any_span):
    assert span(any_span.code) == any_span


@pytest.mark.parametrize(
    ("text", "months"),
    [("2024", 12), ("2024H2", 6), ("2024-05", 1), ("2023-11..2024-02", 4), ("2024-06-08", None),
     ("2024-01-02..2024-05-31", None), ("2024-02-01..2024-02-28", None), ("2023-02-01..2023-02-28", 1)],
)  # fmt: skip
def test_only_whole_months_are_counted(text, months):
    assert span(text).months == months


@pytest.mark.parametrize(
    ("text", "label", "short"),
    [
        ("2024", "2024", "2024"), ("2024H1", "the first half of 2024", "H1 2024"),
        ("2024Q4", "the fourth quarter of 2024", "Q4 2024"), ("2024-05", "May 2024", "May 2024"),
        ("2024-09", "September 2024", "Sep 2024"), ("2024-06-08", "8 June 2024", "8 June 2024"),
        ("2024-01..2024-05", "January to May 2024", "Jan–May 2024"),
        ("2024-07-01..2024-07-10", "the period from 1 to 10 July 2024", "1 to 10 July 2024"),
        ("2023-07-01..2024-07-10", "the period from 1 July 2023 to 10 July 2024", "1 July 2023 to 10 July 2024"),
        ("2024-05-26..2024-06-08", "the period from 26 May to 8 June 2024", "26 May to 8 June 2024"),
        ("2023-10..2024-03", "October 2023 to March 2024", "October 2023 to March 2024"),
    ],
)  # fmt: skip
def test_a_sentence_and_a_table_name_the_span(text, label, short):
    assert (span(text).label, span(text).short) == (label, short)


@given(spans)
def test_no_digit_of_a_name_is_left_unmarked(any_span):
    """A digit outside a period belongs to a quantity, which tests/test_provenance.py requires of every page."""
    for name in (any_span.label, any_span.short):
        assert not re.search(r"\d", re.sub('<span class="period">.*?</span>', "", dated(name)))


@given(spans, spans)
def test_overlap_counts_shared_days_from_either_side(a, b):
    shared = len(range(max(a.start.toordinal(), b.start.toordinal()), min(a.end.toordinal(), b.end.toordinal()) + 1))
    assert a.overlap(b) == b.overlap(a) == shared
    assert (b in a) == (a.overlap(b) == b.days)


@given(spans)
def test_the_year_is_what_has_passed_and_what_is_left(any_span):
    rest = any_span.rest_of_year
    assert any_span.to_date.start == date(any_span.end.year, 1, 1)
    assert any_span.to_date.end == any_span.end
    if rest is None:
        assert (any_span.end.month, any_span.end.day) == (12, 31)
    else:
        assert rest.start - any_span.end == timedelta(days=1)
        assert any_span.to_date.days + rest.days == any_span.year.days


def test_the_months_that_a_span_touches():
    months = {"2024-06-08": "2024-06", "2023-11-30..2024-01-01": "2023-11 2023-12 2024-01"}
    assert {text: " ".join(month.code for month in span(text).each_month) for text in months} == months


@pytest.mark.parametrize(
    ("text", "earlier"), [("2024", "2023"), ("2024H1", "2023H1"), ("2024-02", "2023-02"), ("2025-02", "2024-02")]
)
def test_a_year_earlier_has_the_same_months(text, earlier):
    assert span(text).year_earlier() == span(earlier)
    assert (span("2024Q1").previous_quarter, span("2024H1").previous_quarter) == (span("2023Q4"), span("2023Q4"))
