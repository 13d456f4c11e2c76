"""The rival's chapter: numbers worked out by hand, crossings by a second way, and words in other worlds."""

import inspect
import re
import string
from dataclasses import replace

import numpy as np
import pytest

from analysis.chapters import temu
from analysis.estimates import estimates
from analysis.page import Figure
from analysis.quantity import Quantity
from analysis.report import make_report
from analysis.span import Span

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
LISTS = ("sentences", "quarter_sentences", "crossing_sentences", "goal_sentences", "us_sentences", "model_sentences")
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
    """A tenth of the draws: for words. Only with ledgers of one's own, whose fits nobody else has used."""
    monkeypatch.setattr("analysis.market._BATCHES", 2)


def facts(quantity):
    """Ids of the facts behind a quantity and of those that agree with them."""
    return {id for origin in quantity.origins for id in (origin.id, *origin.agrees)}


def shown(chapter):
    return [getattr(chapter, name)() for name in dir(chapter) if name.endswith(("_chart", "table"))]


def said(chapter):
    """Headline, all lists of sentences, and all titles."""
    sentences = [s.text for name in LISTS for s in getattr(chapter, name) if s]
    return [chapter.headline.text, *sentences, *(thing.title.text for thing in shown(chapter))]


def with_values(ledger, **values):
    """The ledger with other values for some facts."""
    table = ledger.facts.copy()
    for fact, value in values.items():
        table.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=table, _rates={})


# Numbers by hand --------------------------------------------------------------------------------------


def test_growth_of_the_rival_from_the_first_to_the_second_quarter(mid_2024):
    """A0026 (20 bn in the half-year) less A0027 (12 bn in its second quarter) is 8; from 8 to 12 in three months."""
    growth = mid_2024.growths[1]
    assert (growth.before.span.code, growth.last.span.code) == ("2024Q1", "2024Q2")
    assert growth.monthly.value == pytest.approx((12 / 8) ** (1 / 3) - 1)  # 14.5 % a month
    # Four billion a month in the middle of May, and six weeks more of the same growth to the end of June.
    assert growth.level.value == pytest.approx(4e9 * (12 / 8) ** (1.5 / 3))
    assert {"A0026", "A0027"} <= facts(growth.monthly)


def test_growth_of_the_platform_from_the_year_before_to_the_half_year(mid_2024):
    """P0091: 20 bn in 2023; A0003: 30 % of the 50 bn of A0001 in the half-year: 1.667 and 2.5 bn a month."""
    growth = mid_2024.growths[0]
    # From the middle of 2023 to the end of March are nine months, from there to the end of June three.
    assert growth.monthly.value == pytest.approx((2.5 / (20 / 12)) ** (1 / 9) - 1)  # 4.6 % a month
    assert growth.level.value == pytest.approx(2.5e9 * 1.5 ** (3 / 9))
    assert {"A0001", "A0003", "P0091"} <= facts(growth.monthly)


def test_growth_over_a_whole_year(end_2024):
    """P0135: 18 bn in 2023, P0150: 50 bn in 2024; P0091 and P0025: 20 and 33.2 bn. Twelve months lie between."""
    own, rival = end_2024.growths
    assert rival.monthly.value == pytest.approx((50 / 18) ** (1 / 12) - 1)
    assert own.monthly.value == pytest.approx((33.2 / 20) ** (1 / 12) - 1)
    assert {"P0150", "P0135"} <= facts(rival.monthly)
    assert {"P0025", "P0091"} <= facts(own.monthly)


def test_growth_by_the_published_rate_where_one_period_alone_is_known(with_shopee):
    """P0161: 23.3 bn in the quarter, P0162: 29.1 % more than a year before."""
    growth = with_shopee.growths[1]
    assert growth.before.gmv.value == pytest.approx(23.3e9 / 1.291)
    assert growth.monthly.value == pytest.approx(1.291 ** (1 / 12) - 1)
    assert {"P0161", "P0162"} <= facts(growth.monthly)


@pytest.mark.parametrize(
    ("number", "platform", "target", "attained", "ids"),
    [
        (0, "TikTok Shop", 50e9, 0.30, {"A0001", "A0003"}),  # as stated
        (1, "Temu", 30e9, 20 / 30, {"P0133", "A0026"}),
        (2, "Temu", 60e9, 20 / 60, {"P0138", "A0026"}),
    ],
)
def test_targets_of_both_and_how_far_each_is(mid_2024, number, platform, target, attained, ids):
    goal = mid_2024.goals[number]
    assert (goal.platform, goal.target.value) == (platform, target)
    assert goal.attained.value == pytest.approx(attained)
    assert goal.even.value == pytest.approx(6 / 12)
    assert ids <= facts(goal.attained)


def test_a_raised_target_is_less_likely_to_be_reached(mid_2024):
    assert mid_2024.goals[1].chance.value > mid_2024.goals[2].chance.value


def test_targets_of_a_year_that_is_over(end_2024):
    """P0025: 33.2 of 50 bn; P0150: 50 of 30 and of 60 bn."""
    assert [goal.attained.value for goal in end_2024.goals] == pytest.approx([33.2 / 50, 50 / 30, 50 / 60])
    assert [goal.verdict for goal in end_2024.goals] == ["fell short of", "beat", "fell short of"]
    assert end_2024.goal_sentences[2].text == "It fell short of its raised target of US$60 bn: about 83.3%."


def test_what_merchants_with_stock_sell_under_each_us_share(mid_2024):
    """P0137: 20 % of US sales; 70, 45 and 40 % (A0028, P0132, P0141) of 4 bn a month (A0027) are sold in the US."""
    found = list(mid_2024.share_table().data.iloc[:3, 4])
    assert [amount.value for amount in found] == pytest.approx([0.56e9, 0.36e9, 0.32e9])
    assert [{"P0137", "A0027"} <= facts(amount) for amount in found] == [True] * 3
    assert {"A0028"} <= facts(found[0])


def test_a_share_as_a_multiple_of_the_platform_s_us_sales(ledger, mid_2024):
    """The rival's 12 bn of the quarter times the share, over what the model gives for the platform's own US."""
    us = estimates(make_report(ledger, quarter="2024Q2")).market.draws("US", Span.parse("2024Q2"))
    p10, median, p90 = np.quantile(us, [0.1, 0.5, 0.9])
    for share, part in zip(mid_2024.shares, (0.70, 0.45, 0.40), strict=True):
        middle, low, high = (quantity.value for quantity in share.multiple)
        assert (middle, low, high) == pytest.approx((part * 12e9 / median, part * 12e9 / p90, part * 12e9 / p10))


def test_share_of_the_us_before_the_year(mid_2024):
    assert mid_2024.share_before.gmv.value == pytest.approx(0.60)  # P0140
    assert facts(mid_2024.share_before.gmv) == {"P0140"}


def test_days_from_the_start_of_the_semi_managed_model(mid_2024):
    """From 15 March (E021) to 1 July (P0137): 16 days of March, 30, 31 and 30, and the first of July."""
    assert f"{16 + 30 + 31 + 30 + 1} days after the start" in mid_2024.model_sentences[1].text
    assert "the other 80% did not" in mid_2024.model_sentences[1].text


def test_catching_up_takes_the_twelfth_root_of_the_ratio(mid_2024):
    assert (1 + mid_2024.catch_up.value) ** 12 == pytest.approx(mid_2024.now.ratio.median.value)


# Crossings by a second way ----------------------------------------------------------------------------


def test_meeting_is_the_month_in_which_step_by_step_growth_turns_the_order(with_shopee):
    own, rival = with_shopee.growths
    ours, theirs, months = own.level.value, rival.level.value, 0
    assert ours < theirs
    while ours < theirs:
        ours, theirs, months = ours * (1 + own.monthly.value), theirs * (1 + rival.monthly.value), months + 1
    assert months - 1 < with_shopee.meeting.value <= months
    assert any("the lines meet about" in s.text for s in with_shopee.crossing_sentences)


def test_a_larger_platform_that_grows_faster_is_never_met(mid_2024):
    """14.5 % a month on top against 4.6 %: the lines met before the quarter, if ever."""
    own, rival = mid_2024.growths
    assert rival.level > own.level
    assert rival.monthly > own.monthly
    assert mid_2024.meeting < 0
    assert any("draw apart" in s.text for s in mid_2024.crossing_sentences)


@pytest.mark.parametrize("rival", ["Temu", "SHEIN", "Shopee"])
def test_a_crossing_is_where_the_monthly_medians_change_places_for_good(ledger, rival):
    report = make_report(ledger, quarter="2024Q2", rival=rival)
    chapter = temu.review(report)
    span = Span.parse("2024-06..2025-06")
    ours, theirs = (
        [band.median.value for _, band in estimates(report, name).monthly("Global", span)]
        for name in (report.platform, rival)
    )
    larger = [b > a for a, b in zip(ours, theirs, strict=True)]
    turned = [n for n in range(1, 13) if all(order != larger[0] for order in larger[n:])]
    month = Span.parse("2024-06").start
    expected = None if not turned else (month.year + (month.month + turned[0] - 1) // 12, (5 + turned[0]) % 12 + 1)
    crossed = chapter.crossings[0].month
    assert (crossed and (crossed.start.year, crossed.start.month)) == expected


def test_the_two_models_are_independent_of_each_other(ledger, mid_2024):
    """Every draw of the one against every draw of the other gives what draw by draw gave."""
    report = make_report(ledger, quarter="2024Q2")
    own, rival = (
        np.sort(estimates(report, name).market.draws("Global", Span.parse("2024Q2")))
        for name in ("TikTok Shop", "Temu")
    )
    all_ratios = (rival[:, None] / own[None, ::4]).ravel()
    ratio = mid_2024.now.ratio
    assert [q.value for q in ratio] == pytest.approx(list(np.quantile(all_ratios, [0.5, 0.1, 0.9])), rel=0.02)
    last = Span.parse("2025-06")  # without the sites that are planned: a little less than with them
    own, rival = (np.sort(estimates(report, name).market.draws("Global", last)) for name in ("TikTok Shop", "Temu"))
    ahead = np.searchsorted(rival, own).mean() / len(rival)
    assert mid_2024.crossings[0].ahead.value == pytest.approx(ahead, abs=0.04)


def test_a_price_war_and_a_ban_widen_the_gap(mid_2024):
    by_id = {crossing.scenario.id: crossing for crossing in mid_2024.crossings}
    for worse in ("price_war", "us_ban"):
        assert by_id[worse].ratio.median > by_id["base"].ratio.median
        assert by_id[worse].ahead < by_id["base"].ahead


def test_the_report_s_own_scenario_stands_first(ledger):
    chapter = temu.review(make_report(ledger, quarter="2024Q2", scenario="price_war"))
    assert [c.scenario.id for c in chapter.crossings][:2] == ["price_war", "base"]
    assert chapter.sentences[2].text.startswith("In the scenario “Price war” the two lines do not cross")


def test_a_ban_is_no_scenario_before_a_law_is_public(ledger):
    """The bill of March 2024 was not known on 29 February."""
    assert "us_ban" not in [c.scenario.id for c in temu.review(make_report(ledger, quarter="2023Q4")).crossings]


# Words ------------------------------------------------------------------------------------------------


def test_trend_is_told_by_the_band(mid_2024, end_2024, with_shein):
    """Risen, open and fallen: by the whole band of the ratio over that of a year before."""
    for chapter, word in ((mid_2024, "has risen"), (end_2024, "leave open"), (with_shein, "has fallen")):
        low, high = chapter.since_year.low.value, chapter.since_year.high.value
        assert (low > 1, high < 1) == (word == "has risen", word == "has fallen")
        assert word in chapter.sentences[1].text


@pytest.mark.parametrize("rival", ["Temu", "Shopee", "SHEIN"])
@pytest.mark.parametrize("quarter", QUARTERS)
def test_every_quarter_and_rival_reads_without_a_slip(ledger, quarter, rival, quick_model):
    chapter = temu.review(make_report(with_values(ledger), quarter=quarter, rival=rival))
    for text in said(chapter):
        assert text
        assert not BAD_WORDS.search(text), text
        assert text[0] not in string.ascii_lowercase, text
        assert rival == "Temu" or "Temu" not in text, text
    assert 2 <= len([s for s in chapter.sentences if s]) <= 5
    for name in LISTS[1:]:
        assert any(getattr(chapter, name)), name


@pytest.mark.parametrize("scenario", ["price_war", "us_ban"])
@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q4"])
def test_every_scenario_reads_without_a_slip(ledger, quarter, scenario, quick_model):
    for text in said(temu.review(make_report(with_values(ledger), quarter=quarter, scenario=scenario))):
        assert text
        assert not BAD_WORDS.search(text), text


def test_no_rival_is_named_in_the_code():
    assert not re.search("Temu|Shopee|SHEIN|TikTok", inspect.getsource(temu))


def test_a_rival_smaller_than_the_platform_is_told_as_smaller_everywhere(ledger):
    """6 bn in the half-year (A0026), 3.5 of it in the second quarter (A0027), against 15."""
    smaller = with_values(ledger, P0134=6e9, A0026=6e9, P0131=3.5e9, A0027=3.5e9)
    chapter = temu.review(make_report(smaller, quarter="2024Q2"))
    texts = said(chapter)
    assert chapter.headline.text == "Temu sold less than TikTok Shop in the first half of 2024: about 0.4× as much"
    assert chapter.quarter_chart().title.text == "Temu was behind TikTok Shop in the second quarter of 2024"
    assert chapter.comparison_chart().title.text == "Temu is behind TikTok Shop"
    assert chapter.now.ratio.high < 1
    assert any("Temu would have to gain" in text for text in texts)
    assert any("outcomes Temu sells more" in text for text in texts)
    # 3.5 bn after 2.5, each over three months: 11.9 % a month against 4.6 %, so that they meet in the end.
    assert chapter.growths[1].monthly.value == pytest.approx((3.5 / 2.5) ** (1 / 3) - 1)
    assert any("the lines meet about" in text for text in texts)
    for text in texts:
        assert "ahead of TikTok Shop" not in text, text
        assert not BAD_WORDS.search(text), text


def test_a_quarter_that_exceeds_its_half_year_leaves_no_figure(ledger):
    """12 bn in the quarter (A0027) of a half-year of 6: what is left is no GMV, and nothing is told of it."""
    odd = temu.review(make_report(with_values(ledger, P0134=6e9, A0026=6e9), quarter="2024Q2"))
    assert not odd.quarter_before
    assert not any("−US" in text or "single quarter" in text for text in said(odd))


def test_all_that_is_said_survives_the_absence_of_any_one_fact(ledger, quick_model):
    report = make_report(ledger, quarter="2024Q2")
    used = {"A0001", "A0003", "P0541", "P0091", "P0092"}  # the platform's own
    view = report.ledger.facts
    used |= set(view.index[(view["platform"] == "Temu") & (view["metric"] != "average_monthly_active_users")])
    for fact in sorted(used & set(view.index)):
        poorer = replace(ledger, facts=ledger.facts.drop(index=fact), _rates={})
        for text in said(temu.review(make_report(poorer, quarter="2024Q2"))):
            assert text, f"without {fact}"
            assert not BAD_WORDS.search(text), f"without {fact}: {text}"


def test_every_drawn_number_leads_back_to_a_fact_or_says_how_it_was_counted(mid_2024):
    for thing in shown(mid_2024):
        assert isinstance(thing, Figure) or len(thing.data)
        for column in thing.data:
            for value in thing.data[column]:
                if isinstance(value, Quantity) and value:
                    counted = re.search("as much as|months? ÷", value.formula)
                    assert value.origins or counted, (thing.title.text, value.formula)
