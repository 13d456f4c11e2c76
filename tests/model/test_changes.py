"""What changed between two reports: facts, estimates, and the reasons for them."""

import csv
from dataclasses import replace
from functools import lru_cache

import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.model.changes import changes
from analysis.model.estimates import estimates
from analysis.story.diff import compare

QUARTERS = ("2024Q1", "2024Q2", "2024Q4")


@lru_cache
def since_the_quarter_before(quarter):
    report = make_report(read_ledger(), quarter=quarter)
    return changes(report.before, report)


@pytest.fixture
def with_fact(data_copy):
    """The report of 2024Q2 on a copy of the data with one made-up fact more."""

    def make(like="P0091", **cells):
        cells = {"id": "X0001", "known_on": "2024-08-20", "note": "fictitious"} | cells
        data_copy.add("facts.csv", like, **cells)
        return make_report(data_copy.read(), quarter="2024Q2")

    return make


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_parts_add_up_to_the_change(quarter):
    found = since_the_quarter_before(quarter)
    moved = sum(part.value for part in found.parts["value"])
    assert found.expected_before.median.value + moved == pytest.approx(found.expected.median.value, rel=1e-12)


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_ends_are_what_the_two_reports_say_of_the_year(quarter):
    found = since_the_quarter_before(quarter)
    before, after = found.before, found.after
    year = after.year
    assert found.expected.median.value == estimates(after).gmv("Global", year).median.value
    assert found.expected_before.median.value == estimates(before).gmv("Global", year).median.value


@pytest.mark.parametrize("quarter", QUARTERS)
def test_new_are_the_facts_that_became_public_in_between(quarter):
    found = since_the_quarter_before(quarter)
    with open(DATA / "facts.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first, last = (report.as_of.isoformat() for report in (found.before, found.after))
    assert set(found.new.index) == {
        row["id"] for row in rows if first < row["known_on"] <= last and not row["withdrawn"]
    }
    assert set(found.used) <= set(found.new.index)


def test_one_new_figure_brings_the_whole_change(ledger, with_fact):
    """The world's first half was 15 bn by A0003, just over 30 % of 50; here somebody says 12."""
    before = make_report(ledger, quarter="2024Q2")
    found = changes(before, with_fact(period="2024H1", value="12", confidence="high"))
    assert list(found.new.index) == ["X0001"]
    part = next(found.parts.itertuples())
    assert part.place == "the world"
    whole = found.expected.median.value - found.expected_before.median.value
    assert whole < 0
    # The rest is what planned sites, which the model itself does not know, bring more or less.
    assert part.value.value == pytest.approx(whole, rel=0.01)
    assert [origin.id for origin in part.value.origins] == ["X0001"]
    assert found.used == ["X0001"]


def test_nothing_new_is_said_so(report):
    found = changes(report(), report())
    assert found.new.empty and not found.used
    assert found.parts.empty


def test_a_corrected_row_is_no_new_fact_but_moves_the_estimate(ledger, data_copy):
    """A0003, just over 30 % of the target in the first half, corrected to 27 %."""
    data_copy.put("facts.csv", "A0003", "value", "27")
    found = changes(make_report(ledger, quarter="2024Q2"), make_report(data_copy.read(), quarter="2024Q2"))
    assert found.new.empty
    (part,) = found.parts.itertuples()
    assert part.place == ""
    assert part.value.value < 0


def test_two_reports_side_by_side_as_text(ledger, data_copy):
    """A0003 is corrected, P0092 was taken out."""
    data_copy.put("facts.csv", "A0003", "value", "27")
    data_copy.write("facts.csv", [row for row in data_copy.rows("facts.csv") if row[0] != "P0092"])
    before, after = make_report(ledger, quarter="2024Q1"), make_report(data_copy.read(), quarter="2024Q2")
    text = compare(replace(before, ledger=ledger.known_by(after.as_of)), after)
    assert "gone: 1 fact\n" in text and "P0092" in text and "quoted differently: 1 cell" in text
    assert "30% (A0003), now" in text and "new: 0 facts" in text and "evidence: unchanged: " in text
