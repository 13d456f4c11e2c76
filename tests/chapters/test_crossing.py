"""When the paths of two platforms cross: growth by hand, medians month by month, and draws by a second way."""

import numpy as np
import pytest

from analysis.chapters.crossing import crossed, crossing, pair, ratio_band
from analysis.chapters.rival import catch_up, published
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates

QUARTER = Span.parse("2024Q2")


@pytest.fixture(scope="module")
def report(ledger):
    return make_report(ledger, quarter="2024Q2")


@pytest.fixture(scope="module")
def models(report):
    return estimates(report), estimates(report, report.rival)


# Draws ------------------------------------------------------------------------------------------------


def test_draws_are_those_of_the_estimate_new_sites_included(ledger, models):
    """Sites planned for October 2024 (A0050) sell in the year after, and their GMV is no draw but added to each."""
    own, _ = models
    for code in ("2024Q2", "2024Q4", "2025-06"):
        middle, low, high = (part.value for part in own.gmv("Global", Span.parse(code)))
        assert np.quantile(own.draws("Global", Span.parse(code)), [0.5, 0.1, 0.9]) == pytest.approx(
            [middle, low, high], rel=1e-5
        )
    assert own.draws("Global", Span.parse("2025-06")).mean() > own.market.draws("Global", Span.parse("2025-06")).mean()
    assert not estimates(make_report(ledger, quarter="2024Q2"), "TikTok").draws("Global", QUARTER).size


def test_a_ratio_is_taken_draw_by_draw():
    """Draws 1 to 11 over 2: the median is 6 ÷ 2, the deciles 2 ÷ 2 and 10 ÷ 2."""
    band = ratio_band(Quantity(99.0, "×", "P0134 ÷ A0003"), np.arange(1, 12) / 2, "a ratio")
    assert [part.value for part in band] == pytest.approx([3, 1, 5])
    assert [part.text for part in band] == ["3.0×", "1.0×", "5.0×"]
    assert not ratio_band(Quantity.unknown("a rival"), np.empty(0), "a ratio")


def test_a_ratio_since_itself_is_one_and_since_nothing_unknown(report):
    now = pair(report, QUARTER)
    assert [part.value for part in now.since(now)] == [1, 1, 1]
    assert not now.since(None)
    assert not now.since(pair(report, Span.parse("2022Q1")))  # the rival opened in September 2022


# Where the paths cross --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "month"),
    [
        ("-------", None),
        ("+++++++", None),
        ("---++++", "2024-04"),
        ("++++++-", "2024-07"),
        ("--+----", None),  # a sales day turns the order for a month
        ("--+-+++", "2024-05"),
        ("-++++++", "2024-02"),
    ],
)
def test_a_crossing_is_for_good(order, month):
    months = Span.parse("2024-01..2024-07").each_month
    found = crossed(months, lambda at: order[months.index(at)] == "+")
    assert found == (month and Span.parse(month))


@pytest.mark.parametrize("rival", ["Temu", "SHEIN"])
def test_a_crossing_is_where_the_monthly_medians_change_places_for_good(ledger, rival):
    report = make_report(ledger, quarter="2024Q2", rival=rival)
    months = Span.parse("2024-06..2025-06").each_month
    ours, theirs = (
        [estimates(report, name).gmv("Global", month).median.value for month in months]
        for name in (report.platform, rival)
    )
    larger = [b > a for a, b in zip(ours, theirs, strict=True)]
    turned = [n for n in range(1, 13) if all(order != larger[0] for order in larger[n:])]
    assert crossing(report).month == (months[turned[0]] if turned else None)


def test_the_chance_to_be_ahead_is_that_of_every_draw_against_every_other(report, models):
    own, rival = (np.sort(model.draws("Global", Span.parse("2025-06"))) for model in models)
    ahead = np.searchsorted(rival, own).mean() / len(rival)
    found = crossing(report)
    assert (found.larger, found.smaller) == ("Temu", "TikTok Shop")
    assert found.chance.value == pytest.approx(1 - ahead, abs=0.04)


def test_a_price_war_and_a_ban_make_the_rival_surer_to_be_ahead(report):
    for worse in ("price_war", "us_ban"):
        assert crossing(report.under(worse)).chance > crossing(report).chance


@pytest.mark.parametrize("ratio", [0.5, 1.6, 3.0])
def test_catching_up_takes_the_twelfth_root_of_the_ratio(ratio):
    monthly = catch_up(Quantity(ratio, "×", "a ratio"))
    assert (1 + monthly.value) ** 12 == pytest.approx(max(ratio, 1 / ratio))
    assert not catch_up(Quantity(1.01, "×", "a ratio"))  # level


# Growth by hand ---------------------------------------------------------------------------------------


def test_what_is_left_of_a_half_year_is_published_and_nothing_else(report):
    """A0026 less A0027 is 8 bn; no figure of the platform's quarters is on record."""
    assert published(report, Span.parse("2024Q1"), "Temu").value == pytest.approx(8e9)
    assert not published(report, Span.parse("2024Q1"), "TikTok Shop")
