"""The outlook: scenarios in words and tables, the law, and what a ban would cost."""

import pytest

from analysis.chapters import outlook
from analysis.model.estimates import estimates

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")


@pytest.fixture
def quick(monkeypatch):
    """Without the track record, which has tests of its own and takes seconds."""
    import pandas as pd

    from analysis.model.track_record import COLUMNS

    monkeypatch.setattr("analysis.chapters.outlook.record.track_record", lambda *_: pd.DataFrame(columns=COLUMNS))


def test_what_a_ban_costs_is_the_base_less_the_ban(report, quick):
    view = report("2024Q2")
    found = outlook.review(view)
    base, ban = (estimates(view.under(name)).gmv("Global", view.horizon).median.value for name in ("base", "us_ban"))
    assert found.scenarios.cost(found.scenarios.ban).value == pytest.approx(base - ban)
    assert f"{found.scenarios.ban.weight}" == "20%"  # scenarios.toml
    told = next(s.text for s in found.sentences if "ban from" in s.text)
    assert "19 January 2025" in told  # E044
    assert "July 2024 to June 2025" in told


def test_before_the_law_no_ban_is_weighed(report, quick):
    found = outlook.review(report("2023Q4"))
    assert found.scenarios.ban is None
    assert any("No law that would ban" in sentence.text for sentence in found.sentences)
    assert "US ban" not in set(found.scenarios.table().data["Scenario"])


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_costliest_scenario_is_the_one_with_least_ahead(report, quick, quarter):
    found = outlook.review(report(quarter))
    assert found.scenarios.costliest.ahead.median.value == min(o.ahead.median.value for o in found.scenarios.outcomes)
    for other in found.scenarios.outcomes:
        assert found.scenarios.cost(other).value == pytest.approx(
            found.scenarios.base.ahead.median.value - other.ahead.median.value
        )


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_table_has_every_scenario_and_its_difference(report, quick, quarter):
    found = outlook.review(report(quarter))
    table = found.scenarios.table().data
    assert len(table) == len(found.scenarios.outcomes)
    assert sum(weight.value for weight in table["Probability"]) == pytest.approx(1)
    assert ("Chance of the target" in table) == (quarter not in ("2023Q4", "2024Q4"))  # the year is over in these


def test_every_lever_stands_in_the_table_with_its_reason(report, quick):
    view = report("2024Q2")
    table = outlook.review(view).scenarios.assumptions_table().data
    assert list(table["Assumption"]) == [lever.means for lever in view.ledger.assumptions.levers.values()]
    assert table["Why"].map(len).min() > 20


def test_a_ban_after_the_years_end_leaves_the_year_as_it_is(report, quick):
    found = outlook.review(report("2024Q2"))
    assert found.scenarios.ban.year.median.value == pytest.approx(found.scenarios.base.year.median.value)
    assert any("would leave 2024 as it is" in sentence.text for sentence in found.scenarios.details)


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_opening_is_short(report, quick, quarter):
    assert 1 <= len([s for s in outlook.review(report(quarter)).sentences if s]) <= 5
