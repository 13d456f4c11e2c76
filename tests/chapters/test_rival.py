"""The rival's chapter: numbers worked out by hand, and words that turn with them."""

import re

import numpy as np
import pytest
from worlds import said, table, texts, with_values, without

from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return Chapter("rival", make_report(ledger, quarter="2024Q2"))


@pytest.fixture(scope="module")
def end_2024(ledger):
    return Chapter("rival", make_report(ledger, quarter="2024Q4"))


def periods(chapter):
    rows = table(chapter, "rival_periods")
    return rows.set_index(rows["Period"].map(str))


def headline(chapter):
    return chapter.told("opening")[0].text


def ids(quantity):
    return {origin.id for origin in quantity.origins}


# Numbers by hand --------------------------------------------------------------------------------------


def test_what_is_published_stands_beside_what_is_estimated(mid_2024):
    """P0134: 20 bn in the half-year, of which P0131 is 12 in the second quarter; A0003 × A0001: 30 % of 50 bn."""
    rows = periods(mid_2024)
    assert [rows.at[period, "Temu, published"].value for period in ("Q1 2024", "Q2 2024", "H1 2024")] == pytest.approx(
        [8e9, 12e9, 20e9]
    )
    assert rows.at["H1 2024", "TikTok Shop, published"].value == pytest.approx(15e9)
    assert rows.at["Q2 2024", "TikTok Shop, published"] == ""


def test_the_ratio_is_taken_draw_by_draw(ledger, mid_2024):
    report, quarter = make_report(ledger, quarter="2024Q2"), Span.parse("2024Q2")
    ratios = estimates(report, "Temu").draws("Global", quarter) / estimates(report).draws("Global", quarter)
    ratio = mid_2024.names("opening")["now"].ratio
    assert [part.value for part in ratio] == pytest.approx(list(np.quantile(ratios, [0.5, 0.1, 0.9])), rel=1e-5)


def test_each_share_of_the_us_is_applied_to_the_estimate(mid_2024):
    """70, 45 and 40 % (A0028, P0132, P0141) of the quarter, a month, and over the platform's own US."""
    names = mid_2024.names("us_share")
    whole = mid_2024.names("opening")["now"].rival.median.value
    for row, part, fact in zip(
        names["shares"].itertuples(), (0.70, 0.45, 0.40), ("A0028", "P0132", "P0141"), strict=True
    ):
        assert row.share.value == pytest.approx(part)
        assert fact in {origin.id for origin in row.implied.origins}
        assert row.implied.value == pytest.approx(part * whole / 3)
        assert row.multiple.value == pytest.approx(part * whole / names["both"].own.median.value)
    assert names["before"].value == pytest.approx(0.60)  # P0140


def test_what_merchants_with_stock_sell(mid_2024):
    """P0137: 20 % of what the US is estimated to have bought, from 15 March (E021) on."""
    names = mid_2024.names("merchants")
    monthly = mid_2024.names("us_share")["monthly"]
    assert names["sold"].value == pytest.approx(0.2 * monthly.value)
    assert names["started"] == Span.parse("2024-03-15")


def test_targets_in_their_order(mid_2024, end_2024):
    """P0133 and P0138."""
    targets = mid_2024.names("side_by_side")["targets"]
    assert [target.value for target in targets] == [30e9, 60e9]
    assert "went from US$30 bn (LatePost) to US$60 bn (LatePost)" in said(mid_2024, "side_by_side")
    assert "simulated years" not in said(end_2024, "side_by_side")  # the year is over


def test_a_target_told_twice_is_one(ledger):
    chapter = Chapter("rival", make_report(ledger, quarter="2024Q2", platform="Temu", rival="TikTok Shop"))
    assert "TikTok Shop’s target for the year was US$50 bn" in said(chapter, "side_by_side")


# Words that turn --------------------------------------------------------------------------------------


def test_a_smaller_rival_is_smaller_everywhere(ledger):
    """6 bn in the half-year (A0026), 3.5 of it in the second quarter (A0027), against 15."""
    smaller = with_values(ledger, P0134=6e9, A0026=6e9, P0131=3.5e9, A0027=3.5e9)
    chapter = Chapter("rival", make_report(smaller, quarter="2024Q2"))
    assert re.fullmatch(
        r"Temu sold less than TikTok Shop in the second quarter of 2024: 0\.\d+× as much", headline(chapter)
    )
    assert "Temu would have to grow" in said(chapter, "side_by_side")
    assert "Temu is" not in said(chapter, "opening")


def test_where_the_band_holds_one_no_order_is_told(ledger):
    for quarter in ("2023Q4", "2025Q3"):
        chapter = Chapter("rival", make_report(ledger, quarter=quarter))
        now = chapter.names("opening")["now"]
        assert now.ratio.low < 1 < now.ratio.high
        more = np.mean(now.ratios > 1)
        told = "probably sold more" if more > 0.65 else "probably sold less" if more < 0.35 else "cannot be told apart"
        assert told in headline(chapter)
        assert "stay ahead" not in said(chapter, "opening")
        assert "faster than" not in said(chapter, "side_by_side")


def test_a_trend_is_told_by_the_whole_band(ledger, mid_2024, end_2024):
    shein = Chapter("rival", make_report(ledger, quarter="2024Q2", rival="SHEIN"))
    words = "Temu has gained on TikTok Shop", "leave open", "TikTok Shop has gained on SHEIN"
    for chapter, word in zip((mid_2024, end_2024, shein), words, strict=True):
        since = chapter.names("opening")["since"]
        assert (since.low > 1, since.high < 1) == ("Temu has" in word, "SHEIN" in word)
        assert word in said(chapter, "opening")


def test_a_scenario_is_named_where_it_counts(ledger):
    chapter = Chapter("rival", make_report(ledger, quarter="2024Q2", scenario="price_war"))
    assert "In the scenario “Price war” Temu" in said(chapter, "opening")
    assert "in the scenario “Price war”" in said(chapter, "side_by_side")


def test_a_bound_is_shown_and_never_divided(ledger):
    """P0552: more than 4.5 bn in the US, from which no multiple follows."""
    chapter = Chapter("rival", make_report(ledger, quarter="2023Q4"))
    assert "Temu sold more than US$4.5 bn in the US in the fourth quarter of 2023 (Placer.ai)" in said(
        chapter, "us_share"
    )
    assert "×" not in said(chapter, "us_share")


def test_one_source_alone_is_no_dispute(ledger):
    chapter = Chapter("rival", make_report(without(ledger, "A0028", "P0132"), quarter="2024Q2"))
    assert "LatePost puts the share of the US in Temu’s sales at 40%" in said(chapter, "us_share")
    assert "disagree" not in " ".join(texts(chapter))


def test_a_quarter_that_exceeds_its_half_year_leaves_no_figure(ledger):
    """12 bn in the quarter (A0027) of a half-year of 6: what is left is no GMV."""
    chapter = Chapter("rival", make_report(with_values(ledger, P0134=6e9, A0026=6e9), quarter="2024Q2"))
    rows = periods(chapter)
    assert rows.at["Q1 2024", "Temu, published"] == ""
