"""The outlook: scenarios and their weights, the law and its dates, the track record."""

from dataclasses import replace

import pandas as pd
import pytest
from worlds import QUARTERS, said, table, texts, without

from analysis.chapters import outlook
from analysis.facts.report import make_report
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter

COLUMNS = ["platform", "part", "forecasts", "inside", "model", "run_rate", "seasonal", "drift", "few"]


@pytest.fixture
def quick(monkeypatch):
    """Without the track record, which takes seconds."""
    monkeypatch.setattr(outlook, "_record", lambda report: pd.DataFrame(columns=COLUMNS))


def chapter(ledger, quarter="2024Q2", **parameters) -> Chapter:
    return Chapter("outlook", make_report(ledger, quarter=quarter, **parameters))


# Scenarios ----------------------------------------------------------------------------------------------


def test_the_chance_of_the_target_is_that_of_all_scenarios_by_their_weights(ledger, quick):
    found, report = chapter(ledger), make_report(ledger, quarter="2024Q2")
    chances = {
        scenario.id: (
            scenario.probability,
            estimates(report.under(scenario.id)).chance("Global", found.names("opening")["world"].target),
        )
        for scenario in ledger.assumptions.scenarios.values()
    }
    by_hand = sum(weight * chance.value for weight, chance in chances.values())
    assert found.names("opening")["chance"].value == pytest.approx(by_hand)
    assert f"{by_hand:.0%}".removesuffix("%") + " in a hundred" in said(found, "opening")


def test_what_a_ban_costs_is_the_base_less_the_ban(ledger, quick):
    found, report = chapter(ledger), make_report(ledger, quarter="2024Q2")
    base, ban = (
        estimates(report.under(name)).gmv("Global", report.horizon).median.value for name in ("base", "us_ban")
    )
    names = found.names("opening")
    assert names["ban_cost"].value == pytest.approx(base - ban)
    assert names["ban_share"].value == pytest.approx(1 - ban / base)
    assert "ban from 19 January 2025" in said(found, "opening")  # E044
    assert "leave 2024 as it is; we give it a chance of 20%" in said(found, "opening")


def test_before_the_law_no_ban_is_weighed(ledger, quick):
    found = chapter(ledger, "2023Q4")
    assert found.names("opening")["ban"] is None
    assert " ban " not in said(found, "opening")
    assert "US ban" not in set(table(found, "outlook_effects_ahead")["Scenario"].map(str))
    assert not found.told("law")


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_table_has_every_scenario_its_weight_and_its_effect(ledger, quick, quarter):
    found = chapter(ledger, quarter)
    over = quarter in ("2023Q4", "2024Q4")
    effects = table(found, "outlook_effects_ahead" if over else "outlook_effects")
    futures = found.names("scenarios")["futures"]
    assert sum(weight.value for weight in effects["Chance"]) == pytest.approx(1)
    assert list(effects["Scenario"].map(str)) == [scenario.name for scenario in futures["scenario"]]
    base = futures["ahead"].iloc[0].median.value
    for future in futures.itertuples():
        assert future.on_ahead.value == pytest.approx(future.ahead.median.value - base)
    assert found.names("scenarios")["costliest"].on_ahead.value == min(change.value for change in futures["on_ahead"])


def test_the_year_that_is_over_has_no_chance(ledger, quick):
    assert "simulated years" not in " ".join(texts(chapter(ledger, "2024Q4")))
    assert "expected in 2025" in said(chapter(ledger, "2024Q4"), "opening")


def test_without_a_target_none_is_spoken_of(ledger, quick):
    targets = ledger.facts.index[ledger.facts["metric"].eq("gmv_target") & ledger.facts["market"].eq("Global")]
    found = chapter(without(ledger, *targets), "2024Q3")
    assert "target" not in said(found, "opening") + said(found, "scenarios")


def test_every_lever_stands_in_the_table_with_its_reason(ledger, quick):
    levers = ledger.assumptions.levers.values()
    rows = table(chapter(ledger), "outlook_assumptions")
    assert list(rows["Assumption"].map(str)) == [lever.means for lever in levers]
    assert list(rows["Why"].map(str)) == [lever.reason for lever in levers]


# The law ------------------------------------------------------------------------------------------------


def test_the_law_by_the_reports_date(ledger, quick):
    steps = table(chapter(ledger), "outlook_law")
    assert list(steps["Date"].map(str)) == ["13 March 2024", "23 April 2024", "24 April 2024", "19 January 2025"]
    assert [str(cell) for cell in steps.iloc[:, -1]] == ["past", "past", "past", "143 days ahead"]
    later = chapter(ledger, "2025Q3", as_of="2026-01-24")
    assert {str(cell) for cell in table(later, "outlook_law").iloc[:, -1]} == {"past"}
    assert "after 23 January 2026 no further date is on record by 24 January 2026" in said(later, "law")


def test_a_law_of_another_market_is_not_told(ledger, quick):
    events = ledger.events.copy()
    events.loc["E042", "market"] = "EU"
    steps = table(chapter(replace(ledger, events=events), "2024Q4"), "outlook_law")
    assert "17 January 2025" not in set(steps["Date"].map(str))


# Track record -------------------------------------------------------------------------------------------


def test_the_record_counts_and_compares(ledger):
    found = chapter(ledger)
    rows = table(found, "outlook_record")
    names = found.names("record")
    assert names["forecasts"].value == sum(names["record"]["forecasts"][names["record"]["platform"] == "TikTok Shop"])
    assert list(dict.fromkeys(rows["Platform"].map(str))) == ["TikTok Shop", "Temu"]
    for row, shown_row in zip(names["record"].itertuples(), rows.itertuples(index=False), strict=True):
        assert str(shown_row[-1]) == (
            "not compared" if row.drift != row.drift else "yes" if row.model < row.drift else "no"
        )


def test_where_nothing_can_be_scored_there_is_no_section(ledger, quick):
    assert not chapter(ledger).told("record")
