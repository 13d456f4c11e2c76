"""Levers and scenarios: how they are read, and what a broken file is told."""

from pathlib import Path

import pytest

import analysis
from analysis.facts.assumptions import SETTINGS
from analysis.facts.schema import LedgerError


def problems(data_copy):
    with pytest.raises(LedgerError) as caught:
        data_copy.read()
    return [str(problem) for problem in caught.value.problems]


def test_every_shipped_lever_has_an_ordered_range_a_reason_and_a_use(ledger):
    code = "".join(path.read_text("utf-8") for path in Path(analysis.__file__).parent.rglob("*.py"))
    for name, lever in ledger.assumptions.levers.items():
        low, base, high = (lever.at(setting, name) for setting in SETTINGS)
        assert low.value <= base.value <= high.value
        assert low.value < high.value
        assert len(lever.reason.split()) >= 8, name
        assert f'"{name}"' in code, name


def test_a_lever_is_read_in_whole_units(ledger, report):
    # scenarios.toml: 3 USD per order; 40 %; 90 USD bn
    assert report().assumption("handling_cost", "base").value == 3
    assert report().assumption("handling_cost", "base").unit == "USD/order"
    assert report().assumption("goods_cost", "base").value == 0.4
    assert report().assumption("new_sites_market", "base").value == 90e9


def test_an_assumption_says_in_its_note_that_it_is_one(report):
    (origin,) = report().assumption("goods_cost").origins
    assert (origin.id, origin.printed, origin.publisher) == ("goods_cost", "40%", "assumption")
    assert origin.told["reason"]


def test_a_scenario_moves_its_levers_and_no_other(report):
    moved, base = report(scenario="us_ban"), report()
    assert moved.assumption("us_ban_loss").value == 1
    assert base.assumption("us_ban_loss").value == 0
    others = set(base.ledger.assumptions.levers) - {"us_ban_loss"}
    assert all(moved.assumption(name).value == base.assumption(name).value for name in others)


def test_amounts_of_assumptions_come_in_the_reports_currency(report):
    euros, dollars = report(currency="EUR"), report()
    rate = dollars.ledger.rate("EUR", dollars.quarter).value
    assert euros.assumption("handling_cost").value == pytest.approx(3 * rate)
    assert euros.assumption("handling_cost").unit == "EUR/order"


@pytest.mark.parametrize(
    ("old", "new", "place", "allowed"),
    [
        ("low = 30\nbase = 40", "low = 45\nbase = 40", "levers.goods_cost: ", "low, base and high in this order"),
        ("low = 30\nbase = 40", 'low = "30"\nbase = 40', "levers.goods_cost.low: '30'", "a valid number"),
        ('unit = "USD per order"', 'unit = "dollars"', "levers.handling_cost.unit: 'dollars'", "a unit as facts.csv"),
        ("probability = 0.45", "probability = 0.5", "scenarios", "add up to 1, not to 1.05"),
        ("probability = 0.45", "probability = 1.45", "scenarios.base.probability: '1.45'", "less than or equal to 1"),
        ('us_ban_loss = "high"', 'us_ban_los = "high"', "scenarios", "Did you mean 'us_ban_loss'?"),
        ('us_ban_loss = "high"', 'us_ban_loss = "all"', "us_ban.levers.us_ban_loss: 'all'", "'low' or 'high'"),
        ("[scenarios.base]", "[scenarios.calm]", "scenarios", "a scenario named base"),
        ('means = "sales go on as the figures point"\n', "", "scenarios.base.means", "the key is missing"),
        ('name = "Base"', 'name = ""', "scenarios.base.name: ''", "some text"),
        ("[levers.goods_cost]", "[lever.goods_cost]", "lever: ", "the keys that data/README.md names"),
        ('name = "US ban"', 'name = "US ban"\nneed = "law"', "scenarios.us_ban.need: 'law'", "data/README.md names"),
        ("[scenarios.us_ban]", "[scenarios.us_ban", "scenarios.toml", "TOML"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_where_and_what_is_allowed(data_copy, old, new, place, allowed):
    data_copy.replace("scenarios.toml", old, new)
    found = problems(data_copy)
    assert any(place in problem and allowed in problem for problem in found), found
    assert all(problem.startswith("scenarios.toml") for problem in found)
