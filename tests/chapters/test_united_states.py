"""The US chapter: its numbers by hand from the facts, its words in worlds that turned out otherwise."""

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from unittest.mock import MagicMock

import pytest

from analysis.chapters import united_states
from analysis.chapters.united_states import fees, months, orders, streams
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.model.estimates import estimates

from .reading import texts

SECTIONS = ("months", "streams", "shops", "fees", "orders", "prizes")
QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
BAD_WORDS = re.compile(r"\bnan\b|\binf\b|not published|None|by −|\b1 months\b|  |\( ?\)|\{|\}| ,| \.|an order an order")


@pytest.fixture(scope="module")
def us(ledger):
    """The chapter of a quarter on the shipped ledger, made once."""
    made = {}

    def chapter(quarter: str = "2024Q2", **parameters: str):
        key = (quarter, *parameters.items())
        if key not in made:
            made[key] = united_states.review(make_report(ledger, quarter=quarter, **parameters))
        return made[key]

    return chapter


def changed(ledger, **values):
    """The ledger with other values for some facts."""
    facts = ledger.facts.copy()
    for fact, value in values.items():
        facts.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=facts)


def without(ledger, *ids):
    return replace(ledger, facts=ledger.facts.drop(index=list(ids)))


def chapter_of(ledger, quarter="2024Q2", **parameters):
    return united_states.review(make_report(ledger, quarter=quarter, **parameters))


# Numbers, each worked out from the printed figures ----------------------------------------------------


def facts_behind(quantity):
    return {id for origin in quantity.origins for id in (origin.id, *getattr(origin, "agrees", ()))}


STATED = {
    "months.asked": (17.5e9 / 12, {"A0004"}),  # 1.46 bn a month
    "months.gap": ((17.5e9 - 2.94e9) / 6 - 0.49e9, {"A0004", "A0024"}),  # 2.427 − 0.49 = 1.937 bn
    "streams.record": (1_048_100, {"A0030"}),
    "streams.record_share": (1.0481e6 / 0.49e9, {"A0024", "A0030"}),  # 0.21 %
    "streams.needed": (1_936_666_667 / 1_048_100, {"A0004", "A0024", "A0030"}),  # 1,848 a month
    "streams.needed_daily": (
        1_936_666_667 / 1_048_100 * 6 / 184,
        {"A0030"},
    ),  # 60.3 a day; July to December has 184 days
    "shops.reviews.before": (0.006 * 1000, {"A0036", "A0038"}),  # 6 orders
    "shops.reviews.after": (0.004 * 500, {"A0037", "A0039"}),  # 2 orders
    "orders.left_before": (30 * (1 - 0.40 - 0.15 - 0.10 - 0.06) + 2 - 3, {"P0113", "A0041"}),  # 7.70
    "orders.left_after": (30 * (1 - 0.40 - 0.15 - 0.10 - 0.08) - 1 - 3, {"P0114", "A0042"}),  # 4.10
    "orders.break_even_before": ((3 - 2) / 0.29, {"P0113", "A0041"}),  # 3.45
    "orders.break_even_after": ((3 + 1) / 0.27, {"P0114", "A0042"}),  # 14.81
    "shops.cap": (200, {"P0121"}),
    "shops.observed": (60, {"P0123"}),
}


@pytest.mark.parametrize(("path", "value", "ids"), [(p, *rest) for p, rest in STATED.items()], ids=STATED)
def test_number_and_its_facts(us, path, value, ids):
    quantity = us()
    for name in path.split("."):
        quantity = getattr(quantity, name)
    assert quantity.value == pytest.approx(value, rel=1e-6)
    assert ids <= facts_behind(quantity)


def test_what_an_order_leaves_rests_on_assumptions_that_say_so(us):
    assert {"goods_cost", "creator_commission", "advertising", "handling_cost"} <= facts_behind(us().orders.left_after)
    assert "Assumption, not published" in us().orders.left_after.provenance


def test_distance_from_both_paths_after_the_first_half(us):
    # 17.5 × 6/12 − 2.94 = 5.81; Census quarters P0191 to P0194: 17.5 × 504450/1087017 − 2.94 = 5.18
    said = us().months.details[1].text
    assert "US$5.81 bn less than an even pace had asked for, and US$5.18 bn less than last year’s" in said


def test_steady_path_brings_just_what_the_estimate_is_short_of(us):
    months = us().months.path
    path = sum(m.steady.value for m in months if m.ahead)
    so_far = sum(m.estimate.median.value for m in months if not m.ahead)
    assert path + so_far == pytest.approx(17.5e9, rel=0.02)  # medians of months do not add up exactly
    growth = {round(b.steady.value / a.steady.value, 9) for a, b in pairwise(months[5:])}
    assert growth == {round(1 + us().months.required.median.value, 9)}


def test_even_path_is_the_run_rate_in_every_month_left(us):
    even = [m.even for m in us().months.path]
    assert not any(even[:6])
    assert [q.value for q in even[6:]] == pytest.approx([14.56e9 / 6] * 6)  # 17.5 − 2.94 over six months


def test_published_months_are_marked(us):
    assert {m.span.code: m.published.value for m in us().months.path if m.published} == {"2024-06": 0.66e9}  # A0025
    assert set(facts_behind_frame(us().months.path_chart().data)) >= {"A0025"}


def facts_behind_frame(frame):
    for column in frame:
        for value in frame[column]:
            if isinstance(value, Quantity):
                yield from facts_behind(value)


def test_rule_line_by_line_with_direction_and_size(us):
    table = us().shops.table().data.set_index("What a new shop must do")
    got = {str(name): (row["It got"], round(row["Change"].value, 4)) for name, row in table.iterrows()}
    assert got == {
        "Orders to complete": ("easier", -0.5),  # 1,000 to 500
        "Days before the review": ("easier", -0.5),  # 60 to 30
        "Negative reviews allowed": ("harder", round(0.4 / 0.6 - 1, 4)),
        "Orders a day, if 60 days before": ("unchanged", 0.0),  # 1,000/60 and 500/30
        "Orders a day, if 90 days before": ("harder", 0.5),  # 1,000/90 and 500/30
        "Orders that may draw a negative review": ("harder", round(2 / 6 - 1, 4)),
    }
    assert list(table.columns[:2]) == ["Until 9 July 2024", "From 10 July 2024"]


def test_a_shop_at_the_minimum(us):
    said = " ".join(texts(us()))
    assert "no less: 16.7 orders, against 11.1 orders or 16.7 orders before" in said  # 500/30; 1,000/90 and 1,000/60
    assert "sells US$500 a day, US$15,000 by its review" in said  # 500 orders of 30 dollars in 30 days


def test_fee_steps_with_the_assumed_one_marked_as_such(us):
    data = us().fees.chart().data
    assert [(row.label, row.value.text, row.lead) for row in data.itertuples()] == [
        ("At launch (assumed)", "2%", False),
        ("Q2 2024", "6%", True),  # P0113
        ("H2 2024", "8%", True),  # P0114
    ]
    # 660 mn × 2 % = 13.2 mn; prizes 30,000 + 150,000; 13.2 mn / 180,000 = 73
    assert "US$13.2 mn a month to the platform, 73× all the prizes" in " ".join(texts(us()))


def test_shipping_plan_once_the_platform_s_part_is_known(us):
    chapter = us("2024Q3")
    # P0127 pays 6 of P0126's 30 dollars; a loss of 1 (A0042) after 6 is a parcel of 7; (3 + 7) / 0.27 = 37.04
    assert chapter.orders.unaided_break_even.value == pytest.approx(10 / 0.27)
    said = " ".join(texts(chapter))
    assert "an order without that would have to be worth about US$37.04" in said
    assert "up to US$6 an order towards it until 31 December 2024, about 20% of such an order" in said
    assert "US$3 less" in said  # from +2 to −1


def test_the_cut_by_half_is_about_that_of_an_order_of_30_dollars(us):
    # 4.10 of 7.70 is left, 46.8 % less; A0043 says about 50 %
    assert "a fall of profit by about 50%; on an order of US$30 it is 46.8%" in " ".join(texts(us()))
    lost = us().orders.values_table().data["Lost"]
    assert lost.iloc[0].value == pytest.approx(1 - (0.27 * 15 - 4) / (0.29 * 15 - 1))  # 98.5 %
    assert lost.iloc[-1].value == pytest.approx(1 - 23 / 28)  # 100 dollars


def test_tornado_of_the_assumptions(us):
    ends = {row.label: (row.low.value, row.high.value) for row in us().orders.levers_chart().data.itertuples()}
    # 4.10 with goods at 30 or 50 %, creator at 10 or 20, advertising at 5 or 15, handling at 2 or 4
    assert ends["Goods"] == pytest.approx((7.1, 1.1))
    assert ends["Commission for creators"] == ends["Own advertising"] == pytest.approx((5.6, 2.6))
    assert ends["Handling"] == pytest.approx((5.1, 3.1))


def test_prizes_are_earned_back_by_the_fee(us):
    amounts = [q.value for q in us().prizes.table().data["Amount"]]
    # 5 × 6,000; 6,000 of 100,000; 6 of 8 %; 6,000 / 8 %; 50 × 3,000; 150,000 of 660 mn; 3,000 / 8 %
    assert amounts == pytest.approx([30_000, 0.06, 0.75, 75_000, 150_000, 150_000 / 660e6, 37_500])
    assert us().prizes.table().title.text == "The contest costs less than the fee on its GMV"  # 6 against 8 %


def test_records_and_the_days_between_them(us):
    # 665,000 between 26 and 31 May (A0029), 730,000 on 7 June (P0523), 1,048,100 on 8 June (A0030)
    assert [r.gmv.value for r in us().streams.records] == [665_000, 730_000, 1_048_100]
    first = us().streams.details[0].text
    assert "1.6× as much, 8 to 13 days later" in first  # 1,048,100 / 665,000
    later = us("2024Q4").streams
    assert later.records[-1].gmv.value == 2e6  # P0526
    # 17.5 − 9.0 (P0024) over 12 months, in streams of 2 mn
    assert later.needed.value == pytest.approx(8.5e9 / 12 / 2e6)


def test_a_first_that_no_record_passed_is_not_told(ledger):
    """Of 3 mn, when the largest stream sold 1.05."""
    told = chapter_of(changed(ledger, A0032=3e6)).streams.details[0].text
    assert "to US$1.05 mn" in told
    assert "the first of" not in told


def test_without_a_livestream_the_section_says_so(ledger):
    facts = ledger.facts
    chapter = chapter_of(without(ledger, *facts.index[facts["metric"] == "single_livestream_gmv"]))
    assert [s.text[:22] for s in chapter.streams.details] == ["No GMV of a livestream"]


def test_domestic_shops_have_a_line_of_their_own_once_their_rule_is_public(us):
    # P0124, public on 11 December 2024, leaves the days of the general rule (A0035) alone
    line = "For domestic shops one source gives 60 days before the review from 11 December 2024 on."
    assert line in texts(us("2024Q4"))
    assert line not in texts(us("2024Q3"))
    assert us("2024Q4").shops.lines[1].after.value == 30


# Words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quarter", QUARTERS)
def test_opening_has_three_to_five_sentences_and_no_section_is_silent(us, quarter):
    chapter = us(quarter)
    assert 2 <= len([s for s in chapter.sentences if s]) <= 5
    for name in SECTIONS:
        assert any(getattr(chapter, name).details), name


@pytest.mark.parametrize("scenario", ["us_ban", "price_war"])
@pytest.mark.parametrize("quarter", ["2024Q1", "2024Q2", "2024Q4"])
def test_a_scenario_is_named_where_it_moves_the_estimate(us, quarter, scenario):
    expectation = [text for text in texts(us(quarter, scenario=scenario)) if "all published figures together" in text]
    assert bool(expectation) == (quarter != "2024Q4")
    assert all(text.startswith("If ") for text in expectation)


def test_a_price_war_takes_growth_away(us):
    assert us(scenario="price_war").months.expected.median < us().months.expected.median


MISSES = re.compile(r"\bshort\b|\bbehind\b|less than an even|less than last|needs? |Closing the gap|unlikely|not reach")


@pytest.mark.parametrize(
    ("quarter", "values", "headline"),
    [
        ("2024Q4", {"P0024": 21e9}, "The US beat its US$17.5 bn target for 2024: it reached 120%"),  # 21 / 17.5
        ("2024Q4", {"P0024": 17.6e9}, "The US met its US$17.5 bn target for 2024: it reached 101%"),
        # 4 bn a month are 24 bn in half a year
        ("2024Q2", {"A0024": 4e9, "A0025": 5e9}, "The US has reached its US$17.5 bn target for 2024 already: 137%"),
    ],
)
def test_a_target_met_is_told_as_such_everywhere(ledger, quarter, values, headline):
    chapter = chapter_of(changed(ledger, **values), quarter)
    said = texts(chapter)
    assert said[0].startswith(headline)
    for text in said:
        assert not MISSES.search(text), text
    assert chapter.months.pace_chart().title.text.startswith(
        "The US sold no less" if values.get("P0024") == 17.6e9 else "The US sold more"
    )
    assert re.match("The US (beat|met|has reached) ", chapter.attainment_chart().title.text)
    assert re.match("The US (beat|met|has reached) ", chapter.months.path_chart().title.text)
    assert "no more than the pace so far" in chapter.streams.details[-1].text


def test_a_us_ahead_of_pace_needs_only_a_part_of_it(ledger):
    """2 bn a month are 12 of 17.5 bn; 5.5 bn are left for six months, 0.46 of the pace."""
    chapter = chapter_of(changed(ledger, A0024=2e9, A0025=2.4e9))
    assert chapter.headline.text.endswith("needs only 0.46× that pace")
    assert chapter.sentences[1].text.endswith("so the US was ahead of both.")
    assert chapter.months.pace_chart().title.text == "The US needs only 0.46× its pace so far"
    # The model trusts the other figures: it says so rather than contradict the published one.
    assert "Other figures do not agree" in chapter.sentences[3].text


def test_better_terms_are_told_as_better(ledger):
    chapter = chapter_of(changed(ledger, A0042=3, P0114=0.05, P0118=1500, A0037=1500, P0116=100, A0035=100))
    said = " ".join(texts(chapter))
    assert "The referral fee fell from 6% to 5%" in said
    assert "from US$7.70 to US$9; under them an order of any value leaves something" in said  # 30 × 30 % − 3 + 3
    assert "a gain of US$2 an order into a gain of US$3, US$1 more" in said
    assert "tightened orders to complete (1,000 orders to 1,500 orders)" in said
    assert "at most 6% of the GMV that it asks for, more than the 5%" in said


def test_terms_that_leave_nothing_are_said_and_drawn_without_a_crash(ledger):
    """40 + 15 + 10 + 40 % leave nothing: 30 × −5 % − 20 − 3 = −24.50."""
    chapter = chapter_of(changed(ledger, A0042=-20, P0114=0.4))
    said = " ".join(texts(chapter))
    assert "to a loss of US$24.50; under them no order value breaks even" in said
    assert "at their costly end no order does" in said
    assert "none" in chapter.orders.terms_table().data.iloc[:, -1].tolist()


def test_a_plan_that_is_still_ahead_is_told_in_the_future(us):
    chapter = us(as_of="2024-08-05")  # three weeks before A0040
    assert "will turn a gain of US$2 an order" in " ".join(texts(chapter))
    assert any("will take what an order of US$30 leaves" in text for text in texts(chapter))
    assert chapter.orders.new.name == "As announced"
    assert us().orders.new.name == "After"  # 29 August


def test_a_rule_that_is_still_ahead_is_told_in_the_future(ledger):
    """Had all of it been announced on 1 July, a report of 5 July would look ahead to 10 July."""
    facts = ledger.facts.copy()
    facts.loc[facts["metric"].str.startswith("new_shop"), "known_on"] = "2024-07-01"
    chapter = chapter_of(replace(ledger, facts=facts), as_of="2024-07-05")
    rule = next(s.text for s in chapter.sentences if "new-shop rule" in s.text)
    assert "from 10 July 2024 will ease orders to complete" in rule
    assert "but tighten negative reviews" in rule
    assert "it will ask for no less" in rule
    assert chapter.shops.table().data.columns[3] == "It will be"


def test_another_rule_moves_the_days_without_a_change_of_code(ledger):
    """A second change of the rule, in March 2025: its before and after are the last two."""
    facts = ledger.facts.copy()
    for old, new, span in (("P0118", "Z1", "2025-03-01"), ("P0116", "Z2", "2025-03-01")):
        row = facts.loc[old].copy()
        row["period"], row["start"], row["end"] = span, date(2025, 3, 1), date(2025, 3, 1)
        row["span"], row["known_on"] = type(row["span"])(date(2025, 3, 1), date(2025, 3, 1)), "2025-02-20"
        facts.loc[new] = row
    facts.loc["Z1", ["value", "number"]] = ["300", 300.0]
    chapter = chapter_of(replace(ledger, facts=facts), "2024Q4")
    assert chapter.shops.day.start == date(2025, 3, 1)
    orders = chapter.shops.lines[0]
    assert (orders.before.value, orders.after.value, orders.effect) == (500, 300, "easier")


def test_chapter_survives_the_absence_of_any_fact_on_the_us(ledger, monkeypatch):
    """Of those that the model does not use, so that one fit serves all; test_quarters drops the others."""
    report = make_report(ledger, quarter="2024Q3")
    model = estimates(report)
    monkeypatch.setattr(united_states, "estimates", lambda report: replace(model, report=report))
    for module in (united_states, months, streams, fees, orders):
        monkeypatch.setattr(module, "charts", MagicMock())  # titles only: drawing takes most of the time
    facts = report.ledger.facts
    own = facts.index[(facts["platform"] == "TikTok Shop") & (facts["market"] == "US")]
    for fact in own.difference(model.market.facts.index):
        for text in texts(chapter_of(without(ledger, fact), "2024Q3")):
            assert text and not BAD_WORDS.search(text), f"without {fact}: {text}"


def test_without_any_fact_on_sellers_the_sections_say_that_nothing_is_known(ledger):
    facts = ledger.facts
    gone = facts.index[(facts["platform"] == "TikTok Shop") & (facts["market"] == "US") & (facts["kind"] == "policy")]
    chapter = chapter_of(without(ledger, *gone))
    assert chapter.shops.details[0].text.startswith("No rule for new shops")
    assert chapter.prizes.details[0].text.startswith("No prizes for livestreams")
    assert chapter.orders.details[0].text.startswith("Without a published fee")
    drawn = [chapter.fees.chart(), chapter.orders.value_chart(), chapter.orders.levers_chart()]
    assert all(thing.chart is None for thing in drawn)


def test_another_currency_converts_every_amount(us):
    chapter = us(currency="GBP")
    assert chapter.orders.left_after.value / chapter.orders.order.value == pytest.approx(4.1 / 30)
    assert not any("US$" in text for text in texts(chapter))
