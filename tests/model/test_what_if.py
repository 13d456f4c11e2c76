"""The lever of the summary: a year worked out by hand from a few numbers."""

import pytest

from analysis.facts.quantity import Quantity
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.what_if import Path, growth_to, lever, path, what_if
from analysis.story.show import Figure


def usd(value: float) -> Quantity:
    return Quantity(value, "USD", "A")


# A year of which 10 months are over, with 100 sold; the last month brought 8, of which 2 in the US.
PATH = Path(
    year=Span.months_of(2024, 1, 12),
    months=(Span.months_of(2024, 11, 1), Span.months_of(2024, 12, 1)),
    so_far=usd(100.0),
    us=usd(2.0),
    rest=usd(6.0),
    europe=(usd(0.0), usd(1.0)),
    expected=usd(117.0),
    target=usd(120.0),
)
NO_BAN = 2


def test_without_growth_each_month_brings_what_the_last_one_did():
    outcome = what_if(PATH, 0.0, NO_BAN, 1.0)
    # 100 + 8, then + 8 and 1 of the new sites.
    assert [gmv.value for gmv in outcome.by_month] == pytest.approx([108, 117])
    assert outcome.year.value == pytest.approx(117)
    assert outcome.gap.value == pytest.approx(120 - 117)


def test_growth_compounds_from_the_first_month_on():
    # 8 × 1.1 + 8 × 1.21 = 18.48.
    assert what_if(PATH, 0.1, NO_BAN, 0.0).year.value == pytest.approx(118.48)


def test_a_ban_takes_the_us_from_its_month_on():
    assert what_if(PATH, 0.0, 0, 0.0).year.value == pytest.approx(100 + 6 + 6)
    assert what_if(PATH, 0.0, 1, 0.0).year.value == pytest.approx(100 + 8 + 6)


def test_new_sites_are_a_multiple_of_the_middle_of_earlier_launches():
    assert what_if(PATH, 0.0, NO_BAN, 2.5).year.value == pytest.approx(116 + 2.5)


def test_the_growth_that_comes_to_an_amount_comes_to_it():
    growth = growth_to(PATH, usd(120.0))
    assert growth.unit == "%"
    assert what_if(PATH, growth.value, NO_BAN, 1.0).year.value == pytest.approx(120, rel=1e-5)
    # 8g + 8g² + 1 = 20 with g = 1 + x: g = (−1 + √(1 + 4 × 19 / 8)) / 2 = 1.1202…
    assert growth.value == pytest.approx((-1 + (1 + 4 * 19 / 8) ** 0.5) / 2 - 1, rel=1e-5)
    assert not growth_to(PATH, usd(1e6))


def test_the_path_begins_where_the_market_model_ends(report):
    quarter = report("2024Q2")
    model, found = estimates(quarter), path(quarter)
    assert [month.short for month in found.months] == [
        "Jul 2024",
        "Aug 2024",
        "Sep 2024",
        "Oct 2024",
        "Nov 2024",
        "Dec 2024",
    ]
    assert found.so_far.value == model.gmv("Global", Span.months_of(2024, 1, 6)).median.value
    june = Span.months_of(2024, 6, 1)
    assert found.us.value + found.rest.value == pytest.approx(model.gmv("Global", june).median.value)
    # The target of 50 bn dollars: P0541.
    assert found.target.value == 50e9
    # The sites of Spain and Ireland were planned for October 2024: A0050.
    assert [gmv.value > 0 for gmv in found.europe] == [False] * 3 + [True] * 3


def test_the_lever_is_a_chart_that_carries_what_the_page_needs(report):
    figure = lever(report("2024Q2"))
    assert isinstance(figure, Figure)
    assert figure.lever["target"] == 50e9
    assert len(figure.lever["europe"]) == len(figure.lever["months"]) == 6
    growth = figure.lever["growth"]
    assert growth["least"] < growth["start"] < growth["most"]


@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q4"])
def test_once_the_year_is_over_nothing_can_be_moved(report, quarter):
    (sentence,) = lever(report(quarter))
    assert "is over" in sentence.text


@pytest.mark.parametrize("quarter", ["2024Q1", "2024Q2", "2024Q3"])
def test_it_can_be_said_in_another_currency(report, quarter):
    dollars, euros = lever(report(quarter)).lever, lever(report(quarter, currency="EUR")).lever
    assert euros["symbol"] == "€"
    # A euro was worth between 1.05 and 1.12 dollars throughout 2024 (fx.csv).
    assert 1.04 < dollars["target"] / euros["target"] < 1.13
    assert 1.04 < dollars["soFar"] / euros["soFar"] < 1.13
