"""The numbers that the report must state, worked out by hand from the printed figures."""

import pytest

from analysis.chapters import europe, evidence, outlook, southeast_asia, summary, temu, united_states
from analysis.facts.ledger import read_ledger
from analysis.facts.report import make_report


@pytest.fixture(scope="module")
def mid_2024():
    return make_report(read_ledger(), quarter="2024Q2")


@pytest.fixture(scope="module")
def found(mid_2024):
    modules = (summary, southeast_asia, united_states, temu, europe, outlook, evidence)
    return {module.__name__.rpartition(".")[2]: module.review(mid_2024) for module in modules}


def facts(quantity):
    """Ids of the facts behind a quantity and of those that agree with them."""
    return {id for origin in quantity.origins for id in (origin.id, *origin.agrees)}


# (chapter, quantity, value, ids of facts it must lead back to); the arithmetic stands beside each value.
STATED = [
    ("united_states", "pace.reached", 0.49e9 * 6, {"A0024"}),  # 2.94 bn
    ("united_states", "pace.target", 17.5e9, {"A0004", "P0093"}),
    ("united_states", "pace.attained", 2.94 / 17.5, {"A0024", "A0004"}),  # 16.8 %
    ("united_states", "pace.required", (17.5e9 - 2.94e9) / 6, {"A0024", "A0004"}),  # 2.43 bn a month
    ("united_states", "pace.stretch", 14.56 / 6 / 0.49, {"A0024", "A0004"}),  # 5.0 times
    ("united_states", "months.to_month", 14.56 / 6 / 0.66, {"A0024", "A0004", "A0025"}),  # 3.7 times June
    ("united_states", "months.prior_year", 1.75e9, {"A0004", "A0023"}),
    ("united_states", "months.before_month", (2.94e9 - 0.66e9) / 5, {"A0024", "A0025"}),  # 456 mn
    ("united_states", "fees.old.shipping", 2, {"A0041"}),
    ("united_states", "fees.new.shipping", -1, {"A0042"}),
    ("united_states", "prizes.contest_cost", 5 * 6_000, {"A0044", "A0046"}),
    ("united_states", "prizes.contest_share", 6_000 / 100_000, {"A0045", "A0046"}),  # 6 cents a dollar
    ("united_states", "prizes.ranking_cost", 50 * 3_000, {"A0047", "A0049"}),
    ("united_states", "prizes.ranking_share", 150_000 / 660e6, {"A0047", "A0049", "A0025"}),
    ("southeast_asia", "thailand.gmv", 16e9, {"A0020"}),  # baht
    ("southeast_asia", "thailand.daily", 0.517e9 * 31, {"A0021"}),
    ("southeast_asia", "thailand.gap", 0.027 / 16, {"A0020", "A0021"}),
    ("southeast_asia", "thailand.per_seller", 16e9 / 2.4e6, {"A0019", "A0020"}),
    ("southeast_asia", "thailand.month_before", 16e9 / 1.0988, {"A0022"}),
    ("southeast_asia", "vietnam.own_gmv", 19.24e12 / 25268.030962, {"P0452"}),  # second quarter, HMRC rate
    ("southeast_asia", "vietnam.leader_gmv", 62.38e12 / 25268.030962, {"P0453"}),
    ("temu", "periods.quarter_before", 20e9 - 12e9, {"A0026", "A0027"}),  # the first quarter
    ("temu", "periods.quarter_growth", 12 / 8 - 1, {"A0026", "A0027"}),
    ("temu", "periods.own", 0.30 * 50e9, {"A0003", "A0001"}),
    ("temu", "periods.ratio", 20 / 15, {"A0026", "A0003"}),
    ("europe", "launch.staff", 40, {"P0498"}),
    ("europe", "launch.sites", 2, {"A0052"}),
    ("europe", "sites.months_left", 3, {"A0050"}),  # October to December
    ("europe", "sites.needed", (50e9 - 15e9) / 3, {"A0003", "A0001", "A0050"}),
    ("europe", "sites.stretch", 35 / 3 / 2.5, {"A0003", "A0050"}),  # 4.7 times the whole platform
    ("summary", "world.required", 35e9 / 6, {"A0003", "A0001"}),  # the run-rate from "just over 30 %"
    ("summary", "world.achieved", 15e9 / 6, {"A0003", "A0001"}),
    ("summary", "world.stretch", 35 / 15, {"A0003"}),
    # Census figures of 2023: (243552 + 260898) / (243552 + 260898 + 264675 + 317892)
    ("summary", "world.seasonal", 504450 / 1087017, {"P0191", "P0192", "P0193", "P0194"}),
    ("outlook", "us_target_share", 17.5 / 50, {"A0001", "A0004"}),
    ("outlook", "us_share", 2.94 / 15, {"A0024", "A0003"}),
    ("outlook", "rest_required", (50 - 17.5 - (15 - 2.94)) * 1e9 / 6, {"A0003", "A0024"}),
    ("outlook", "law.days_to_deadline", 143, set()),  # 29 August 2024 to 19 January 2025: 2 + 30 + 31 + 30 + 31 + 19
]


@pytest.mark.parametrize(("chapter", "path", "value", "ids"), STATED, ids=[f"{c}-{p}" for c, p, _, _ in STATED])
def test_number_and_its_facts(found, chapter, path, value, ids):
    quantity = found[chapter]
    for name in path.split("."):
        quantity = getattr(quantity, name)
    assert quantity.value == pytest.approx(value, rel=1e-9)
    assert ids <= facts(quantity)


def market(found, name):
    return next(m for m in found["southeast_asia"].growth.markets if m.market == name)


def test_indonesia_sold_six_times_its_monthly_average(found):
    assert market(found, "Indonesia").reading.gmv.value == pytest.approx(2.76e9)


def test_indonesia_was_closed_from_4_october_to_11_december(found):
    assert found["southeast_asia"].indonesia.closed.days.value == 28 + 30 + 11


def test_vietnamese_livestreams_in_one_currency(found):
    """100 bn dong at 25,268 and 33 mn yuan at the ECB's average for the second quarter, both in dollars."""
    streams = {stream.gmv.origins[0].id: stream.gmv for stream in found["southeast_asia"].streams.streams}
    assert streams["A0010"].value == pytest.approx(100e9 / 25268.030962)
    rate = next(o for o in streams["A0014"].origins if o.id.startswith("CNY"))
    per_dollar = float(rate.printed.split()[0])
    assert 7.2 < per_dollar < 7.3
    assert streams["A0014"].value == pytest.approx(33e6 / per_dollar, rel=1e-4)
    assert {q.unit for q in streams.values()} == {"USD"}


def test_new_shop_rule_asks_for_more_a_day_if_ninety_days_held_and_as_much_if_sixty(found):
    daily = {days.value: rule for days, rule in found["united_states"].shops.daily}
    assert daily[90].before.value == pytest.approx(1000 / 90)
    assert daily[90].after.value == pytest.approx(500 / 30)
    assert (daily[90].effect, daily[60].effect) == ("harder", "unchanged")


def test_negative_review_limit_is_stricter_though_the_article_calls_it_looser(found):
    rule = next(r for r in found["united_states"].shops.lines if "egative" in r.label)
    assert (rule.before.text, rule.after.text, rule.effect) == ("0.6%", "0.4%", "harder")


def test_disputed_us_share_of_temu_shows_all_three_sources(found):
    shares = found["temu"].us.shares
    assert [share.share.value for share in shares] == pytest.approx([0.70, 0.45, 0.40])
    assert [share.implied.value for share in shares] == pytest.approx([0.70 * 4e9, 0.45 * 4e9, 0.40 * 4e9])


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("share of the target after the first half", True),  # 16.8 % is less than 25 %
        ("January to May", False),  # 2.94 − 0.66 = 2.28 bn, printed as less than 2.0
        ("GMV of May", True),  # 0.517 × 31 = 16.03
        ("length of the livestream", True),  # 8 to 1 o'clock is 17 hours
        ("cut in half", False),  # from +2 to −1 is a fall of 150 %
        ("Days left", False),  # 184 on 30 June, not less than 180
    ],
)
def test_checks_of_printed_figures(found, claim, holds):
    check = next(check for check in found["evidence"].checks if claim in check.claim)
    assert check.holds is holds
