"""The state of the data for a quarter, and two reports side by side."""

import re
from dataclasses import replace

import pytest

from analysis.__main__ import main
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.story import chapter
from analysis.story.check import Asked, Recorder, readiness
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
        Asked("TikTok Shop", "Global", "target completion", HALF): {"A0003"},
        Asked("TikTok Shop", "Ireland", "target completion", HALF): set(),
    }


def test_arithmetic_on_the_way_to_an_answer_is_not_noted(recorder):
    """The world's first half is 30 % of 50 bn: two facts, but one question."""
    assert recorder.gmv("Global", HALF).value == pytest.approx(15e9)
    assert recorder.year_to_date("Global").span == HALF
    assert recorder.latest_month("US").span == Span.parse("2024-06")
    assert [(what.market, what.what) for what in recorder.notes] == [
        ("Global", "GMV, or what it can be worked out from"),
        ("Global", "GMV from January on"),
        ("US", "GMV of a single month"),
    ]


def test_an_answer_found_once_is_there(recorder):
    recorder.rows("US", "gmv_target", within=Span.parse("2024"))
    recorder.rows("US", "gmv_target", "Temu")
    found, none = recorder.notes.values()
    assert "P0093" in found and not none
    assert not recorder.under("base").fact("US", "nmv", HALF)
    assert len(recorder.notes) == 3  # a copy of the report writes into the same notes


def test_conflicts_have_unlike_figures_of_one_cell(report):
    """The US share of Temu's second quarter: 70 % by A0028, 45 % by P0132; Vietnam's half-year is twice 150.54 %; about
    1.0 mn (P0522) is a rounded 1.0481 (A0030), and more than 33 mn yuan (A0014) a floor below 237 bn dong (P0479)."""
    cells = [set(cell.index) for cell in report().ledger.conflicts(report().ledger.facts)]
    assert {"A0028", "P0132"} in cells
    assert not any(cell & {"A0006", "A0001", "P0522", "A0014"} for cell in cells)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        (("8", "exact", "S001"), ("8.4", "exact", "S002"), False),  # a rounded first print
        (("8.0", "exact", "S001"), ("8.4", "exact", "S002"), True),
        (("8.0", "about", "S001"), ("8.2", "exact", "S002"), False),
        (("40", "more than", "S001"), ("50", "up to", "S001"), False),  # the ends of a range
        (("40", "exact", "S001"), ("50", "exact", "S001"), True),
        (("40", "more than", "S001"), ("50", "exact", "S002"), False),
        (("60", "more than", "S001"), ("50", "exact", "S002"), True),
        (("60", "up to", "S001"), ("50", "exact", "S002"), False),
    ],
)
def test_a_conflict_is_what_no_value_would_do_for(ledger, first, second, apart):
    rows = ledger.facts.loc[["P0093", "P0093"]].set_axis(["X1", "X2"])
    rows[["value", "qualifier", "source"]] = [first, second]
    rows = rows.assign(kind="actual", number=rows["value"].astype(float) * 1e9)
    assert bool(list(ledger.conflicts(rows))) == apart


def test_inferred_and_later_facts_are_those_of_the_file(ledger, report):
    told = readiness(ledger, report(), {})
    inferred, later = told.split("added by a later date")
    assert re.search(r"(?m)^    2024-09-14: P0100, P0525$", later)
    assert re.search(r"(?m)^    2024-07-31: A0001, ", inferred)
    facts = ledger.facts[[span.overlap(Span.parse("2024")) > 0 for span in ledger.facts["span"]]]
    assert f": {(facts['known_on'] > '2024-08-29').sum()} facts" in later


def test_what_is_lacking_stands_by_what_it_would_tell_of_the_year(report):
    """Of the cells that a chapter asks for: the world's quarter says more of the year than one month of the US."""
    asking = Recorder.of(report())
    for market, span in (("US", "2024-04"), ("Global", "2024Q2"), ("Global", "2024Q4")):
        asking.gmv(market, Span.parse(span))
    asking.fact("US", "nmv", HALF)
    lines = readiness(report().ledger, report(), {"rival": asking}).splitlines()[2:5]
    assert [re.search(r"narrow 2024 by (\d+)%", line) is not None for line in lines] == [True, True, False]
    assert "the world" in lines[0] and "the US" in lines[1] and "NMV" in lines[2]  # what is still to come is not asked


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
    assert "TikTok Shop, Japan: NMV, H1 2024  (summary, rival)" in told
    idle = told.split("used for nothing: ")[1].split("cells with")[0]
    assert "P0163 (Shopee, the world: gross orders, Q2 2024): no chapter asks for gross orders" in idle
    assert "Q0095 (TikTok Shop, the US: share of platform GMV, 2023): its counter gives the same in other rows" in idle
    assert "P0132" not in idle and "A0005" not in idle  # in the model, in a claim
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
