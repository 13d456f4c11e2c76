"""Southeast Asia: numbers worked out by hand, words that turn with them, and silence where a fact is missing."""

from dataclasses import replace

import pytest
from worlds import said, table, with_values

from analysis.chapters import southeast_asia as sea
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter


def told(report, section):
    return said(Chapter("southeast_asia", report), section)


def row(report, name):
    return next(row for row in sea.markets(report)["markets"].to_dict("records") if row["name"] == name)


# Worked out by hand, in dong where dong were printed ---------------------------------------------------


def test_vietnam_as_one_counter_has_it(report):
    """Both quarters, P0455 + P0452 and P0456 + P0453; the year before by the growth of P0448 and P0449."""
    found = sea.vietnam(report(currency="VND"))
    assert (found["own"]["platform"], found["leader"]["platform"]) == ("TikTok Shop", "Shopee")
    assert found["own"]["gmv"].value == pytest.approx(37.60e12)
    assert found["multiple"].value == pytest.approx(116.12 / 37.60)  # 3.1
    assert found["own"]["added"].value == pytest.approx(37.60e12 - 37.60e12 / 2.5054)  # 22.6 tn
    assert found["leader"]["added"].value == pytest.approx(116.12e12 - 116.12e12 / 1.6596)  # 46.2 tn: twice as much
    assert found["gap_before"].value == pytest.approx(116.12e12 / 1.6596 - 37.60e12 / 2.5054)


def test_vietnam_by_shares_of_one_counter(report):
    """P0468 and P0469 of P0466: 64 to 29."""
    found = sea.vietnam(report("2024Q4", currency="VND"))
    assert found["own"]["gmv"].value == pytest.approx(0.29 * 318.9e12)
    assert found["multiple"].value == pytest.approx(64 / 29)


def test_what_the_closure_cost_is_the_pace_before_for_the_days_shut(report):
    """69 days of the 92 of the third quarter; a leak had more than 1 bn (P0546), the stake cost 840 mn (P0548)."""
    found = sea.indonesia(report())
    before = estimates(report()).gmv("Indonesia", Span.parse("2023Q3"))
    assert [q.value for q in found["closed"]["lost"]] == pytest.approx([q.value * 69 / 92 for q in before])
    assert (found["closed"]["days"].value, found["closed"]["stated"].text) == (28 + 30 + 11, "more than US$1 bn")
    assert (found["closed"]["after"].code, found["closed"]["later"].code) == ("2024Q1", "2024Q2")
    assert (found["price"].value, found["bought"].value) == (840e6, 16.3e9)  # P0548, P0080


def test_the_largest_stream_as_a_share_of_a_mean_month_of_its_quarter(report):
    """237 bn dong (P0479), in 4 hours (A0012); a bound (A0014) is no share, nor an undated example (P0480)."""
    found = sea.streams(report(currency="VND"))
    month = estimates(report(currency="VND")).gmv("Vietnam", Span.parse("2024Q2")).median.value / 3
    assert found["largest"].share.value == pytest.approx(237e9 / month)
    assert found["largest"].hours.value == 4
    shares = {row["gmv"].origins[0].id: bool(row["share"]) for row in found["streams"].to_dict("records")}
    assert shares == {"P0479": True, "A0010": True, "P0478": True, "A0014": False, "P0480": False}


def test_thailand_is_checked_in_baht(report):
    """0.517 bn a day (A0021) for 31 days are 16.03, 16 (A0020) were printed; 16 ÷ 1.0988 (A0022) in April."""
    found = sea.thailand(report(currency="EUR"))
    assert found["by_days"].value == pytest.approx(0.517e9 * 31)
    assert found["gmv_before"].value == pytest.approx(16e9 / 1.0988)
    assert "THB 517 mn a day makes THB 16 bn, as published for the month" in told(report(), "thailand")


def test_what_the_target_leaves_to_the_region(report):
    found, model, year = sea.opening(report()), estimates(report()), Span.parse("2024")
    world, region = model.gmv("Global", year).median.value, model.gmv("SEA", year).median.value
    assert found["left"].value == pytest.approx(50e9 - (world - region))  # A0001
    assert found["carried"].value == pytest.approx(region / 50e9)


def test_every_market_by_name_as_published_and_estimated(report):
    names = [r["name"] for r in sea.markets(report())["markets"].to_dict("records")]
    assert sorted(names[:-1]) == ["Indonesia", "Malaysia", "Singapore", "Thailand", "Vietnam", "the Philippines"]
    assert names[-1] == "Southeast Asia"
    cells = table(Chapter("southeast_asia", report()), "sea_markets")
    cells.index = cells["Market"].map(str)
    assert str(cells.loc["Malaysia", "Published"]) == "not in our data"
    assert cells.loc["Indonesia", "Published"].value == pytest.approx(6 * 0.46e9)  # A0016
    assert row(report("2024Q3"), "the Philippines")["stated"].value == pytest.approx(1.28)  # P0604: 2.28 times


# Words follow numbers ------------------------------------------------------------------------------------


def test_a_target_of_its_own_is_told_where_there_is_one(report):
    assert "of its own target of US$12 bn for 2023" in told(report("2023Q4"), "opening")  # Q0108
    assert "own target" not in told(report("2024Q4"), "opening")


def test_vietnam_turns_with_its_figures(report, ledger):
    assert "The faster is not the one that added more" in told(report(), "vietnam")
    assert "Shopee still sold 3.1× as much" in told(report(), "opening")
    shrinking = make_report(with_values(ledger, A0006=-0.2, P0448=-0.2), quarter="2024Q2")
    assert "TikTok Shop fell by 20%" in told(shrinking, "vietnam")
    assert "TikTok Shop lost" in told(shrinking, "vietnam")
    assert "still" not in told(shrinking, "opening")


def test_a_bound_is_never_divided(ledger):
    facts = ledger.facts.copy()
    facts.loc[["P0453", "P0456"], "qualifier"] = "more than"
    found = sea.vietnam(make_report(replace(ledger, facts=facts), quarter="2024Q1"))
    assert not found["multiple"]
    assert not sea.vietnam(make_report(replace(ledger, facts=facts), quarter="2024Q2"))[
        "multiple"
    ]  # nor is a sum of two


def test_the_rival_is_told_only_where_it_is_open(report, ledger):
    found = sea.entry(report())
    open_there = "Malaysia, Philippines, Thailand"
    ahead = estimates(report()).gmv(open_there, Span.parse("2024H2")).median
    assert [name for name, _ in found["opened"]] == ["Malaysia", "the Philippines", "Thailand"]
    assert found["at_risk"].value == pytest.approx(0.1 * ahead.value)
    assumed = report(scenario="rival_entry")  # its own loss is not taken twice
    assert sea.entry(assumed)["at_risk"].value == pytest.approx(found["at_risk"].value)
    assert "assumes that it takes 10% of the region" in told(assumed, "entry")
    assert "would be lost" not in told(report("2024Q4"), "entry")  # it is in Vietnam, too: part of past sales
    closed = replace(ledger, events=ledger.events[ledger.events["platform"] != "Temu"])
    assert "would be lost" not in told(make_report(closed, quarter="2024Q2"), "entry")


def test_a_closure_that_lasts_is_told_as_such(report):
    shut = make_report(report().ledger, quarter="2023Q4", as_of="2023-12-31")
    assert "closed for" in told(shut, "indonesia")
    events = shut.ledger.events[shut.ledger.events["kind"] != "reopening"]
    still = replace(shut, ledger=replace(shut.ledger, events=events))
    assert "TikTok Shop has been closed in Indonesia since 4 October 2023." in told(still, "indonesia")
