"""The evidence: verdicts counted once, disputes that move the year, what is covered, and every fact listed."""

from collections import Counter

import pytest
from worlds import said, table, with_values

from analysis.facts.claims import judged
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return Chapter("evidence", make_report(ledger, quarter="2024Q2"))


@pytest.fixture(scope="module")
def end_2024(ledger):
    return Chapter("evidence", make_report(ledger, quarter="2024Q4"))


# Claims -----------------------------------------------------------------------------------------------


def test_every_claim_is_shown_once(mid_2024):
    found = judged(mid_2024.report)
    wrong, others = (table(mid_2024, name) for name in ("evidence_wrong", "evidence_claims"))
    assert len(wrong) == found["verdict"].isin(["self", "contradicted"]).sum()
    assert len(wrong) + len(others) == len(found)
    assert max(Counter(claim.text for claim in [*wrong["Claim"], *others["Claim"]]).values()) == 1


def test_the_opening_counts_them(mid_2024):
    count = Counter(judged(mid_2024.report)["verdict"])
    checked = sum(count.values()) - count["uncheckable"]
    assert mid_2024.told("opening")[0].text == (
        f"Of {checked} claims that can be checked, {count['holds'] + count['loosely']} hold"
    )
    assert f"{count['contradicted']} are contradicted by other sources" in said(mid_2024, "opening")


def test_a_claim_comes_with_its_figures_and_its_own_words(mid_2024):
    rows = table(mid_2024, "evidence_claims")
    (row,) = (row for _, row in rows.iterrows() if "length of the livestream" in row["Claim"].text)
    assert "is 17 hours" in row["Claim"].text and "“17小时" in row["Claim"].text
    assert row["Worked out"].value == 17
    assert row["Verdict"].text.startswith("Holds on its own figures.")


def test_a_date_is_printed_as_a_date(mid_2024):
    (row,) = (
        row for _, row in table(mid_2024, "evidence_claims").iterrows() if "rule for new shops" in str(row["Claim"])
    )
    assert str(row["Worked out"]) == "10 July 2024"


def test_words_turn_with_the_figures(ledger):
    """P0131: had 36Kr said 6 bn and not 12, the article's second quarter of Temu (A0027) would be contradicted."""
    chapter = Chapter("evidence", make_report(with_values(ledger, P0131=6e9), quarter="2024Q2"))
    assert any("Temu sold US$12 bn" in claim.text for claim in table(chapter, "evidence_wrong")["Claim"])


# Disputes ---------------------------------------------------------------------------------------------


def test_disputes_stand_by_the_size_of_their_effect(mid_2024, end_2024):
    for chapter in (mid_2024, end_2024):
        rows = chapter.names("disputes")["rows"]
        sizes = [abs(moves.value) for moves in rows["moves"]]
        year = estimates(chapter.report).gmv("Global", chapter.report.year).median.value
        assert 1 <= len(sizes) <= 5
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] > 0.002 * year
        assert not rows.duplicated(["market", "span"]).any()


def test_what_a_dispute_moves_is_a_fit_without_its_facts(mid_2024):
    worst, model = mid_2024.names("disputes")["worst"], estimates(mid_2024.report)
    year = mid_2024.report.year
    ratio = model.without(worst.facts).market.total_at_mode("Global", year) / model.market.total_at_mode("Global", year)
    assert worst.moves.value == pytest.approx(model.gmv("Global", year).median.value * (ratio - 1), rel=1e-5)
    assert {origin.id for origin in worst.moves.origins} == set(worst.facts)


def test_a_dispute_that_lowers_the_year_lowers_the_chance(mid_2024):
    names = mid_2024.names("disputes")
    for row in names["rows"].itertuples():
        assert (row.moves.value > 0) == (row.chance.value >= names["chance"].value)
    assert "higher" in said(mid_2024, "disputes") or "lower" in said(mid_2024, "disputes")


def test_no_chance_is_told_of_a_year_that_is_over(end_2024):
    assert "simulated years" not in said(end_2024, "disputes")


def test_a_bound_that_is_kept_is_no_dispute(mid_2024, end_2024):
    for chapter in (mid_2024, end_2024):
        for row in chapter.names("disputes")["rows"].itertuples():
            if row.leads.hedge in ("less than", "up to"):
                assert row.expected.value > row.leads.value
            if row.leads.hedge in ("more than", "just over"):
                assert row.expected.value < row.leads.value


# Coverage ---------------------------------------------------------------------------------------------


def test_a_cell_is_known_by_its_own_figure_a_sum_or_not_at_all(mid_2024):
    """Vietnam's second quarter has P0452; the Philippines are in sums of Southeast Asia and the world only."""
    cells = mid_2024.names("coverage")["cells"].set_index(["market", "quarter"])
    quarter = Span.parse("2024Q2")
    assert cells.at[("Vietnam", quarter), "status"] == "reported"
    assert (cells.at[("the Philippines", quarter), "status"], cells.at[("the Philippines", quarter), "count"]) == (
        "inferred",
        "",
    )
    assert ("Spain", quarter) not in cells.index  # not open


# Facts and sources ------------------------------------------------------------------------------------


def test_every_fact_its_source_and_every_withdrawn_row_is_listed(mid_2024):
    used = mid_2024.names("facts")["used"]
    facts = mid_2024.report.ledger.facts
    assert set(used["id"]) == set(facts.index[facts["platform"].isin(["TikTok Shop", "Temu"])])
    rows = table(mid_2024, "evidence_sources")
    assert {str(source) for source in rows["Source"]} >= set(used["source"])
    assert any(str(address).startswith("http") for address in rows["Address"])
    withdrawn = table(mid_2024, "evidence_withdrawn")
    assert str(withdrawn.iloc[0, 0]) == "P0073"  # a thousandth of P0070
