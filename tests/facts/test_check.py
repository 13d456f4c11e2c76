"""The state of the data for a quarter, and two reports side by side."""

import re
from dataclasses import replace

import pytest

from analysis.__main__ import main
from analysis.facts.check import Recorder, readiness
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.story import chapter
from analysis.story.diff import compare

HALF = Span.parse("2024H1")


@pytest.fixture
def recorder(report):
    return Recorder.of(report())


def test_a_question_is_noted_with_its_answer(recorder):
    """A0003 is a completion of the world's first half; nothing is known of Ireland's."""
    assert recorder.fact("Global", "target_completion", HALF).value == 0.3
    assert not recorder.fact("Ireland", "target_completion", HALF)
    assert recorder.notes == {
        "TikTok Shop, the world: target completion, H1 2024": True,
        "TikTok Shop, Ireland: target completion, H1 2024": False,
    }


def test_arithmetic_on_the_way_to_an_answer_is_not_noted(recorder):
    """The world's first half is 30 % of 50 bn: two facts, but one question."""
    assert recorder.gmv("Global", HALF).value == pytest.approx(15e9)
    assert recorder.year_to_date("Global").span == HALF
    assert recorder.latest_month("US").span == Span.parse("2024-06")
    assert list(recorder.notes) == [
        "TikTok Shop, the world: GMV, or what it can be worked out from, H1 2024",
        "TikTok Shop, the world: GMV from January on, H1 2024",
        "TikTok Shop, the US: GMV of a single month, H1 2024",
    ]


def test_an_answer_found_once_is_there(recorder):
    recorder.rows("US", "gmv_target", within=Span.parse("2024"))
    recorder.rows("US", "gmv_target", "Temu")
    assert list(recorder.notes.values()) == [True, False]
    assert not recorder.under("base").fact("US", "nmv", HALF)
    assert len(recorder.notes) == 3  # a copy of the report writes into the same notes


def test_conflicts_have_unlike_figures_of_one_cell(report):
    """The US share of Temu's second quarter: 70 % by A0028, 45 % by P0132; Vietnam's half-year is twice 150.54 %."""
    cells = [set(cell.index) for cell in report().ledger.conflicts(report().ledger.facts)]
    assert {"A0028", "P0132"} in cells
    assert not any("A0006" in cell or "A0001" in cell for cell in cells)


def test_inferred_and_later_facts_are_those_of_the_file(ledger, report):
    told = readiness(ledger, report(), {})
    inferred, later = told.split("added by a later date")
    assert re.search(r"(?m)^    2024-09-14: P0100, P0525$", later)
    assert re.search(r"(?m)^    2024-07-31: A0001, ", inferred)
    facts = ledger.facts[[span.overlap(Span.parse("2024")) > 0 for span in ledger.facts["span"]]]
    assert f": {(facts['known_on'] > '2024-08-29').sum()} facts" in later


def test_check_tells_the_quarter_and_without_one_only_the_data(capsys, monkeypatch):
    def ask(reports):  # those of all chapters fit the model
        reports["europe"].fact("Global", "target_completion", HALF)
        for name, market in (("rival", "US"), ("rival", "Japan"), ("summary", "Japan")):
            reports[name].fact(market, "nmv", HALF)

    monkeypatch.setattr(chapter, "mistakes", ask)
    assert main(["check"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["check", "2024Q2"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"(?m)^2024Q2 as of 2024-08-29: \d+ facts public, \d+ about the year$", told)
    there, missing = map(int, re.search(r"there: (\d+); not there: (\d+)", told).groups())
    assert there + missing == int(re.search(r"asked for by the chapters: (\d+);", told)[1])
    assert "Temu, the US: share of platform GMV, Q2 2024: P0132 about 45 %, A0028 about 70 %" in told
    assert "TikTok Shop, Japan: NMV, H1 2024  (rival, summary)" in told
    assert main(["check", "2031Q1"]) == 1
    assert "quarter is '2031Q1'" in capsys.readouterr().err


def test_two_reports_side_by_side_name_facts_estimates_reasons_and_headlines(ledger):
    before, after = (make_report(ledger, quarter=quarter) for quarter in ("2024Q1", "2024Q2"))
    told = compare(before, after)
    lines = told.splitlines()
    assert lines[0] == "2024Q1 as of 2024-05-30, then 2024Q2 as of 2024-08-29"
    assert "    2024-07-16: P0068, P0069, P0075, P0076, P0077, P0078, P0079, P0080, P0081, P0087" in lines
    # 13.2 % was Momentum Works' projection, 14.2 % its count.
    assert "    TikTok Shop, Southeast Asia: share of market GMV, 2023: 13.2% (P0497), now 14.2% (P0085)" in lines
    assert any(line.startswith("    E029: ") for line in lines)
    assert any(re.match(r"    the US: US\$[\d.]+ bn, now US\$[\d.]+ bn$", line) for line in lines)
    assert not re.search(r"nan|None|not published", told)


def test_a_ledger_without_an_event_can_be_asked(ledger):
    report = make_report(replace(ledger, events=ledger.events.iloc[:0]))
    assert chapter.mistakes({"europe": report}) == []
    assert report.ledger.event("TikTok Shop", "US", "launch") is None
