"""The brief: numbers worked out by hand, a table that adds up, and what is not said once a year is over."""

import pytest
from worlds import said, table, with_values

from analysis.chapters import summary
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter


def test_the_growth_that_is_needed_meets_the_target(report):
    """So far and m (q + q² + … + q⁶), with m the GMV of June, make 50 bn (A0001)."""
    view = report("2024Q2")
    cases, model = summary.what_if(view)["cases"].set_index("case"), estimates(view)
    so_far, june = (model.gmv("Global", Span.parse(code)).median.value for code in ("2024H1", "2024-06"))
    factors = 1 + cases["growth"].map(lambda growth: growth.value)
    ends = {case: so_far + june * sum(q**n for n in range(1, 7)) for case, q in factors.items()}
    assert ends["met"] == pytest.approx(50e9, rel=1e-4)
    assert ends["expected"] == pytest.approx(model.gmv("Global", view.year).median.value, rel=1e-4)
    us = model.gmv("US", Span.parse("2024-06")).median.value
    shut = so_far + (june - us) * sum(factors["shut"] ** n for n in range(1, 7))
    assert cases.at["shut", "gmv"].value == pytest.approx(shut, rel=1e-4)


def test_the_sliders_start_from_the_numbers_of_the_table(report):
    found = summary.what_if(report("2024Q2"))
    lever, growth = found["lever"], found["cases"].set_index("case")["growth"]
    assert (lever["expected"], lever["needed"]) == (growth["expected"].value, growth["met"].value)
    assert lever["months"][0] == "Jul 2024" and len(lever["months"]) == 6
    assert lever["target"] == 50e9


@pytest.mark.parametrize("quarter", ["2024Q2", "2024Q4", "2025Q3"])
def test_the_markets_add_up_to_the_world(report, quarter):
    view = report(quarter)
    rows, model = table(Chapter("summary", view), "summary_markets"), estimates(view)
    assert len(rows) <= 11 and str(rows["Market"].iloc[-1]) == "World"
    for name, span in (("Our estimate so far", view.quarter.to_date), (f"Our estimate, {view.year.short}", view.year)):
        cells = [cell for cell in rows[name].iloc[:-1] if cell and str(cell) != "–"]
        if not cells:  # of a year that is over the one column says it all
            assert view.year_is_over and span == view.quarter.to_date
            continue
        parts = [getattr(cell, "value", None) or cell.quantities[0].value for cell in cells]
        assert sum(parts) == pytest.approx(model.gmv("Global", span).median.value, rel=0.006)


def test_risks_stand_by_probability_times_effect(report):
    risks = summary.risks(report("2024Q2"))["risks"]
    weighed = [weight.value * ahead.value for weight, ahead in zip(risks["weight"], risks["ahead"], strict=True)]
    assert weighed == sorted(weighed) and max(weighed) < 0
    assert len(risks) <= 5


def test_the_us_is_furthest_behind_only_where_others_have_a_target(report, ledger):
    assert "The US is at" in said(Chapter("summary", report("2024Q2")), "opening")
    assert not summary.opening(report("2023Q4"))["furthest"] or summary.opening(report("2023Q4"))["us"].target


def test_a_year_that_is_over_has_nothing_needed_and_nothing_so_far(report):
    chapter = Chapter("summary", report("2024Q4"))
    words = said(chapter, "opening")
    assert "so far" not in words and "would have to bring" not in words and "simulated years" not in words
    assert "Needed a month" not in set(table(chapter, "summary_key")["label"].map(str))
    assert "fell short of its US$50 bn target" in words  # A0001
    assert not chapter.told("what_if")


def test_the_verdict_turns_with_the_target(ledger):
    low = make_report(with_values(ledger, A0001=12e9, P0541=12e9), quarter="2024Q2")
    assert "has reached its US$12 bn target for 2024 already" in said(Chapter("summary", low), "opening")


def test_another_scenario_says_so_first(report):
    words = said(Chapter("summary", report("2024Q2", scenario="price_war")), "opening")
    assert "This report assumes the scenario “Price war”" in words


def test_dates_to_watch_lie_ahead(report):
    """Spain and Ireland are planned for October (A0050, P0609); the law bites on 19 January (E044)."""
    assert said(Chapter("summary", report("2024Q2")), "dates") == (
        "Dates to watch: 19 January 2025, the next of the law; October 2024, planned for Spain and Ireland."
    )
    assert "October 2024" not in said(Chapter("summary", report("2024Q4")), "dates")
