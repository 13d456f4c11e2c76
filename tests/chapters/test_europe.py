"""Europe: numbers worked out by hand, and worlds in which the plan was kept, missed or never made."""

from dataclasses import replace

import pytest
from worlds import said, table, with_values, without

from analysis.chapters import europe
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.model.launches import plan_gmv, plans, ramp
from analysis.story.chapter import Chapter


def told(report, section):
    return said(Chapter("europe", report), section)


def with_events(ledger, **days):
    """The ledger with some events on other days."""
    events = ledger.events.copy()
    for event, day in days.items():
        span = Span.parse(day)
        for column, value in (
            ("date", day),
            ("span", span),
            ("start", span.start),
            ("end", span.end),
            ("public", span.end),
        ):
            events.at[event, column] = value
    return replace(ledger, events=events.sort_values("start", kind="stable"))


# Worked out by hand ------------------------------------------------------------------------------------


def test_plan_and_openings(report):
    """Planned for October (A0050, P0609); opened in December (E038, E040)."""
    ahead, over = europe.opening(report()), europe.opening(report("2024Q4"))
    assert (ahead["state"], ahead["names"], ahead["month"].code) == ("ahead", "Spain and Ireland", "2024-10")
    assert (over["state"], over["late"].value) == ("open", 2)
    assert europe.opening(report("2024Q3"))["state"] == "lapsed"
    assert europe.opening(report("2024Q1"))["state"] == "none"
    rows = {row["name"]: row for row in europe.sites(report("2025Q3"))["rows"].to_dict("records")}
    assert list(rows) == ["the UK", "Ireland", "Spain", "France", "Germany", "Italy"]
    assert (rows["Spain"]["late"].value, bool(rows["Italy"]["late"]), rows["the UK"]["planned"]) == (2, False, None)


def test_what_planned_sites_add_is_what_the_ramp_gives_them(report):
    found, model = europe.adds(report()), estimates(report())
    (plan,) = plans(report())
    curve = ramp(report(), model.market)
    by_ramp = [plan_gmv(report(), curve, plan, span) for span in (Span.parse("2024"), Span.parse("2024-07..2025-06"))]
    assert [found["by_end"].median.value, found["ahead"].median.value] == pytest.approx([q.value for q in by_ramp])
    # Both levers at their low end: 0.4 of the ramp, 35 of 52.5 bn; the range holds the middle.
    assert found["by_end"].low.value < found["by_end"].median.value < found["by_end"].high.value
    gap = 50e9 - model.gmv("Global", Span.parse("2024H1")).median.value
    assert found["gap"].value == pytest.approx(gap)
    assert found["of_gap"].value == pytest.approx(by_ramp[0].value / gap)


def test_what_open_sites_add_is_estimated(report):
    found = europe.adds(report("2025Q1"))
    band = estimates(report("2025Q1")).gmv("Spain, Ireland, France, Germany, Italy", Span.parse("2025"))
    assert [q.value for q in found["by_end"]] == pytest.approx([q.value for q in band])
    assert found["new"] == "Spain, Ireland, France, Germany and Italy"


def test_every_launch_is_in_the_ramp_with_the_uk(report):
    found = europe.ramp(report())
    assert {"the UK", "Indonesia", "the US"} <= set(found["launches"]["name"])
    shares = [share.value for share in found["launches"]["share"]]
    assert (found["high"].value, found["low"].value) == pytest.approx((shares[0], shares[-1]))
    assert set(found["launches"]["name"][found["launches"]["continued"]]) == {"the US"}  # open since September 2023


def test_rivals_and_rules(report):
    """SHEIN 108 mn (P0560), Temu 75 mn (P0559); parcels from 1.4 (P0536) to 4.6 bn (P0538)."""
    users = europe.rivals(report())["users"]
    assert [(name, number.value) for name, number, _ in users] == [("SHEIN", 108e6), ("Temu", 75e6)]
    assert europe.rivals(report("2024Q4"))["change"].value == pytest.approx(4.6 / 1.4 - 1)
    rows = table(Chapter("europe", report()), "europe_rivals")["On record"].map(str)
    assert rows.str.contains("formal proceedings").sum() == 1
    assert not rows.str.contains("TikTok Shop launched").any()


def test_a_ban_with_and_without_the_new_sites(report):
    found, base = europe.ban(report("2024Q4")), report("2024Q4")
    span = Span.parse("2025")
    whole, banned = (estimates(r).gmv("Global", span).median.value for r in (base, base.under("us_ban")))
    new = estimates(base).gmv("Spain, Ireland", span).median.value
    assert found["lost_part"].value == pytest.approx((whole - banned) / whole)
    assert found["lost_without"].value == pytest.approx((whole - banned) / (whole - new))
    assert europe.ban(report("2024Q4", scenario="europe_slow"))["lost"].value == found["lost"].value  # told once
    assert told(report("2023Q4"), "ban") == ""  # no law then


# Words follow numbers ------------------------------------------------------------------------------------


def test_a_launch_that_was_kept_missed_or_early(report, ledger):
    assert told(report(), "opening").startswith("Spain and Ireland are to open in October 2024: ")
    assert "less than a hundredth of what the target lacks" in told(report(), "opening")
    assert told(report("2024Q3"), "opening").startswith(
        "Spain and Ireland, planned for October 2024, had not opened by 29 November 2024"
    )
    assert told(report("2024Q4"), "opening").startswith("Spain and Ireland opened 2 months late and added")
    kept = with_events(ledger, E038="2024-10-15", E040="2024-10-15")
    assert told(make_report(kept, quarter="2024Q4"), "opening").startswith("Spain and Ireland opened as planned")
    early = with_events(ledger, E038="2024-09-15", E040="2024-09-15")
    assert told(make_report(early, quarter="2024Q4"), "opening").startswith("Spain and Ireland opened 1 month early")


def test_launches_without_a_plan_are_told_by_their_day(report, ledger):
    assert told(report("2025Q1"), "opening").startswith("France, Germany and Italy opened on 31 March 2025: ")
    nothing = make_report(without(ledger, "A0050", "P0609"), quarter="2024Q2")
    assert told(nothing, "opening").startswith("No launch in Europe beyond the UK is on record by 29 August 2024")
    assert "would" not in told(nothing, "adds")


def test_a_target_that_is_reached_leaves_no_gap(ledger):
    modest = make_report(with_values(ledger, A0001=5e9, P0541=5e9), quarter="2024Q2")
    words = told(modest, "opening")
    assert words.startswith("Spain and Ireland are to open in October 2024 ")
    assert "lacks" not in words
