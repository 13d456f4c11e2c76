"""The rival's chapter: numbers worked out by hand, and words in other worlds."""

import re
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.chapters import temu
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.show import Figure

from .reading import figures, parts, texts

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
BAD_WORDS = re.compile(r"\bnan\b|\binf\b|not published|None|by −|\b1 months\b|  |\( ?\)|\{|\}| ,| \.|−US", re.I)


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return temu.review(make_report(ledger, quarter="2024Q2"))


@pytest.fixture(scope="module")
def end_2024(ledger):
    return temu.review(make_report(ledger, quarter="2024Q4"))


@pytest.fixture(scope="module")
def with_shopee(ledger):
    return temu.review(make_report(ledger, quarter="2024Q2", rival="Shopee"))


@pytest.fixture(scope="module")
def with_shein(ledger):
    return temu.review(make_report(ledger, quarter="2024Q2", rival="SHEIN"))


@pytest.fixture
def quick_model(monkeypatch):
    """A tenth of the draws: for words. With no fit that has all of them, since a ratio is taken draw by draw."""
    monkeypatch.setattr("analysis.model.market._BATCHES", 2)
    monkeypatch.setattr("analysis.model.estimates.FITTED", {})


def facts(quantity):
    """Ids of the facts behind a quantity and of those that agree with them."""
    return {id for origin in quantity.origins for id in (origin.id, *origin.agrees)}


def with_values(ledger, **values):
    """The ledger with other values for some facts."""
    table = ledger.facts.copy()
    for fact, value in values.items():
        table.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=table)


# Numbers by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "platform", "target", "attained", "ids"),
    [
        (0, "TikTok Shop", 50e9, 0.30, {"A0001", "A0003"}),  # as stated
        (1, "Temu", 30e9, 20 / 30, {"P0133", "A0026"}),
        (2, "Temu", 60e9, 20 / 60, {"P0138", "A0026"}),
    ],
)
def test_targets_of_both_and_how_far_each_is(mid_2024, number, platform, target, attained, ids):
    goal = mid_2024.targets.goals[number]
    assert (goal.platform, goal.target.value) == (platform, target)
    assert goal.attained.value == pytest.approx(attained)
    assert goal.even.value == pytest.approx(6 / 12)
    assert ids <= facts(goal.attained)


def test_a_raised_target_is_less_likely_to_be_reached(mid_2024):
    assert mid_2024.targets.goals[1].chance.value > mid_2024.targets.goals[2].chance.value


def test_targets_of_a_year_that_is_over(end_2024):
    """P0025: 33.2 of 50 bn; P0150: 50 of 30 and of 60 bn."""
    assert [goal.attained.value for goal in end_2024.targets.goals] == pytest.approx([33.2 / 50, 50 / 30, 50 / 60])
    assert [goal.verdict for goal in end_2024.targets.goals] == ["fell short of", "beat", "fell short of"]
    told = "Temu fell short of its raised target of US$60 bn for 2024: it reached about US$50 bn, about 83.3%."
    assert end_2024.targets.details[2].text == told


def test_what_merchants_with_stock_sell_under_each_us_share(mid_2024):
    """P0137: 20 % of US sales; 70, 45 and 40 % (A0028, P0132, P0141) of 4 bn a month (A0027) are sold in the US."""
    found = list(mid_2024.us.table().data.iloc[:3, 4])
    assert [amount.value for amount in found] == pytest.approx([0.56e9, 0.36e9, 0.32e9])
    assert [{"P0137", "A0027"} <= facts(amount) for amount in found] == [True] * 3
    assert {"A0028"} <= facts(found[0])


def test_a_share_as_a_multiple_of_the_platform_s_us_sales(ledger, mid_2024):
    """The rival's 12 bn of the quarter times the share, over what the model gives for the platform's own US."""
    us = estimates(make_report(ledger, quarter="2024Q2")).market.draws("US", Span.parse("2024Q2"))
    p10, median, p90 = np.quantile(us, [0.1, 0.5, 0.9])
    for share, part in zip(mid_2024.us.shares, (0.70, 0.45, 0.40), strict=True):
        middle, low, high = (quantity.value for quantity in share.multiple)
        assert (middle, low, high) == pytest.approx((part * 12e9 / median, part * 12e9 / p90, part * 12e9 / p10))


def test_share_of_the_us_before_the_year(mid_2024):
    assert mid_2024.us.before.gmv.value == pytest.approx(0.60)  # P0140
    assert facts(mid_2024.us.before.gmv) == {"P0140"}


def test_days_from_the_start_of_the_semi_managed_model(mid_2024):
    """From 15 March (E021) to 1 July (P0137): 16 days of March, 30, 31 and 30, and the first of July."""
    assert f"{16 + 30 + 31 + 30 + 1} days after the start" in mid_2024.merchants.details[1].text
    assert "the other 80% did not" in mid_2024.merchants.details[1].text


def test_the_report_s_own_scenario_stands_first(ledger):
    chapter = temu.review(make_report(ledger, quarter="2024Q2", scenario="price_war"))
    assert [c.scenario.id for c in chapter.lines.crossings][:2] == ["price_war", "base"]
    assert chapter.sentences[2].text.startswith("In the scenario “Price war” the two lines do not cross")


# Words ------------------------------------------------------------------------------------------------


def test_trend_is_told_by_the_band(mid_2024, end_2024, with_shein):
    """Risen, open and fallen: by the whole band of the ratio over that of a year before."""
    for chapter, word in ((mid_2024, "has risen"), (end_2024, "leave open"), (with_shein, "has fallen")):
        low, high = chapter.periods.since_year.low.value, chapter.periods.since_year.high.value
        assert (low > 1, high < 1) == (word == "has risen", word == "has fallen")
        assert word in chapter.sentences[1].text


def test_growth_by_hand_is_told_by_where_it_leads(mid_2024, with_shopee):
    assert mid_2024.lines.meeting < 0
    assert "at these rates the lines draw apart" in mid_2024.lines.details[2].text
    assert with_shopee.lines.meeting > 0
    assert "at these rates the lines meet about" in with_shopee.lines.details[2].text


@pytest.mark.parametrize("rival", ["Temu", "Shopee", "SHEIN"])
@pytest.mark.parametrize("quarter", QUARTERS)
def test_every_quarter_and_rival_reads_without_a_slip(ledger, quarter, rival, quick_model):
    chapter = temu.review(make_report(with_values(ledger), quarter=quarter, rival=rival))
    for text in texts(chapter):
        assert text
        assert not BAD_WORDS.search(text), text
        assert text[0] not in string.ascii_lowercase, text
        assert rival == "Temu" or "Temu" not in text, text
    assert 2 <= len([s for s in chapter.sentences if s]) <= 5
    for section in list(parts(chapter))[1:]:
        assert any(section.details), section


@pytest.mark.parametrize("scenario", ["price_war", "us_ban"])
@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q4"])
def test_every_scenario_reads_without_a_slip(ledger, quarter, scenario, quick_model):
    for text in texts(temu.review(make_report(with_values(ledger), quarter=quarter, scenario=scenario))):
        assert text
        assert not BAD_WORDS.search(text), text


def test_no_rival_is_named_in_the_code():
    for path in Path(temu.__file__).parent.glob("*.py"):
        assert not re.search("Temu|Shopee|SHEIN|TikTok", path.read_text(encoding="utf-8")), path.name


def test_a_rival_smaller_than_the_platform_is_told_as_smaller_everywhere(ledger):
    """6 bn in the half-year (A0026), 3.5 of it in the second quarter (A0027), against 15."""
    smaller = with_values(ledger, P0134=6e9, A0026=6e9, P0131=3.5e9, A0027=3.5e9)
    chapter = temu.review(make_report(smaller, quarter="2024Q2"))
    told = texts(chapter)
    assert chapter.headline.text == "Temu sold less than TikTok Shop in the first half of 2024: about 0.4× as much"
    assert chapter.periods.quarter_chart().title.text == "Temu was behind TikTok Shop in the second quarter of 2024"
    assert chapter.periods.comparison_chart().title.text == "Temu is behind TikTok Shop"
    assert chapter.periods.now.ratio.high < 1
    assert any("Temu would have to gain" in text for text in told)
    assert chapter.lines.crossing.ahead.value > 0.5
    # 3.5 bn after 2.5, each over three months: 11.9 % a month against 4.6 %, so that they meet in the end.
    assert chapter.lines.growths[1].monthly.value == pytest.approx((3.5 / 2.5) ** (1 / 3) - 1)
    assert any("the lines meet about" in text for text in told)
    for text in told:
        assert "ahead of TikTok Shop" not in text, text
        assert not BAD_WORDS.search(text), text


def test_a_quarter_that_exceeds_its_half_year_leaves_no_figure(ledger):
    """12 bn in the quarter (A0027) of a half-year of 6: what is left is no GMV, and nothing is told of it."""
    odd = temu.review(make_report(with_values(ledger, P0134=6e9, A0026=6e9), quarter="2024Q2"))
    assert not odd.periods.quarter_before
    assert not any("−US" in text or "single quarter" in text for text in texts(odd))


def test_all_that_is_said_survives_the_absence_of_any_one_fact(ledger, quick_model):
    report = make_report(ledger, quarter="2024Q2")
    used = {"A0001", "A0003", "P0541", "P0091", "P0092"}  # the platform's own
    view = report.ledger.facts
    used |= set(view.index[(view["platform"] == "Temu") & (view["metric"] != "average_monthly_active_users")])
    for fact in sorted(used & set(view.index)):
        poorer = replace(ledger, facts=ledger.facts.drop(index=fact))
        for text in texts(temu.review(make_report(poorer, quarter="2024Q2"))):
            assert text, f"without {fact}"
            assert not BAD_WORDS.search(text), f"without {fact}: {text}"


def test_every_drawn_number_leads_back_to_a_fact_or_says_how_it_was_counted(mid_2024):
    for thing in figures(mid_2024):
        assert isinstance(thing, Figure) or len(thing.data)
        for column in thing.data:
            for value in thing.data[column]:
                if isinstance(value, Quantity) and value:
                    counted = re.search("as much as|months? ÷", value.formula)
                    assert value.origins or counted, (thing.title.text, value.formula)
