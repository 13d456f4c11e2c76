"""Southeast Asia: numbers worked out by hand, words that follow them, and silence where a fact is missing."""

import math
import re
from dataclasses import replace
from datetime import date
from functools import lru_cache
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from analysis.chapters import southeast_asia
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates

from .reading import figures, sentences, texts

QUARTERS = ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
BAD_WORDS = re.compile(
    r"(?-i:^[a-z])|\bnan\b|\binf\b|not published|None|(by|added|from|US\$) ?−|\b1 (months|years|streams|sellers)\b|"
    r"  |\( ?\)|\{|\}| ,| \.|\b0%|−US|about about|more than more",
    re.I,
)
SECTIONS = ("growth", "load", "vietnam", "streams", "indonesia", "thailand", "entry")


@pytest.fixture(scope="module")
def chapter_of(ledger):
    """The chapter of a quarter, read once."""
    read = {}

    def chapter(quarter="2024Q2", **parameters):
        key = (quarter, *parameters.items())
        if key not in read:
            read[key] = southeast_asia.review(make_report(ledger, quarter=quarter, **parameters))
        return read[key]

    return chapter


def details(chapter):
    return [s.text for name in SECTIONS for s in getattr(chapter, name).details if s]


def with_values(ledger, **values):
    facts = ledger.facts.copy()
    for fact, value in values.items():
        facts.loc[fact, ["value", "number"]] = [str(value), value]
    return replace(ledger, facts=facts)


def without(ledger, drop):
    return replace(ledger, facts=ledger.facts[~drop(ledger.facts)])


def usd(value):
    return Quantity(value, "USD", "A")


# Worked out by hand ------------------------------------------------------------------------------------


def value(of, path):
    for name in path.split("."):
        of = of[int(name)] if name.isdigit() else getattr(of, name)
    return of.value


# (quarter, currency, path, value); the arithmetic and the facts stand beside each.
BY_HAND = [
    # Vietnam in the second quarter over the first, in dong: own P0452 ÷ P0455, Shopee P0453 ÷ P0456
    ("2024Q2", "VND", "vietnam.own_step", 19.24 / 18.36 - 1),  # 4.79 %
    ("2024Q2", "VND", "vietnam.leader_step", 62.38 / 53.74 - 1),  # 16.1 %: within the half-year the leader grew faster
    # The first half: both quarters by one counter; the year before by the growth of P0448 and P0449
    ("2024Q2", "VND", "vietnam.contenders.0.after", 37.60e12),
    ("2024Q2", "VND", "vietnam.contenders.0.before", 37.60e12 / 2.5054),  # 15.0 tn
    ("2024Q2", "VND", "vietnam.contenders.0.added", 37.60e12 - 37.60e12 / 2.5054),  # 22.6 tn
    ("2024Q2", "VND", "vietnam.contenders.1.added", 116.12e12 - 116.12e12 / 1.6596),  # 46.2 tn: twice as much
    ("2024Q2", "VND", "vietnam.contenders.2.before", (6.03e12 + 5.16e12) / (1 - 0.4381)),  # Lazada: P0457, P0454, P0450
    # The largest stream, P0479, against a month of its quarter, P0452: 19.24 tn ÷ 3 = 6,413 bn
    ("2024Q2", "VND", "streams.largest.share", 237 / (19_240 / 3)),  # 3.70 %
    ("2024Q2", "VND", "streams.largest.without", 19.24e12 / 3 - 237e9),  # 6,176 bn
    ("2024Q4", "VND", "streams.largest.share", 237 / (19_240 / 3)),  # the same quarter, whichever the report's
    ("2024Q1", "VND", "streams.largest.share", 75 / (18_360 / 3)),  # P0478, P0455: 1.23 %
    # Thailand: A0020, A0019, A0022
    ("2024Q2", "USD", "thailand.per_seller_day", 16e9 / 2.4e6 / 31),  # 215 baht
    ("2024Q2", "USD", "thailand.kept", 1.0988**12),  # 3.1 times
    # What P0543 leaves for the rest after P0544 and P0545
    ("2023Q4", "USD", "growth.rest.1", 5.5e9),
    # Shares of Metric, P0469 and P0468, of its own total, P0466
    ("2024Q4", "VND", "vietnam.own_gmv", 0.29 * 318.9e12),
    ("2024Q4", "VND", "vietnam.leader_gmv", 0.64 * 318.9e12),
    ("2024Q4", "USD", "vietnam.multiple", 64 / 29),
    # The price of the stake, P0548; Tokopedia's own sales, P0080, public since July 2024
    ("2024Q2", "USD", "indonesia.stake_price", 840e6),
    ("2024Q2", "USD", "indonesia.bought_gmv", 16.3e9),
    # The rival: P0081 is "less than" 0.1 bn
    ("2024Q2", "USD", "entry.gmv", 0.1e9),
]


@pytest.mark.parametrize(("quarter", "currency", "path", "expected"), BY_HAND, ids=[f"{h[0]}-{h[2]}" for h in BY_HAND])
def test_number_worked_out_by_hand(chapter_of, quarter, currency, path, expected):
    assert value(chapter_of(quarter, currency=currency), path) == pytest.approx(expected, rel=1e-9)


def test_each_stream_as_a_share_of_a_mean_month(chapter_of):
    """100 bn dong (A0010, P0480) and 33 mn yuan (A0014) of 19.24 tn ÷ 3; 75 bn (P0478) of 18.36 tn ÷ 3."""
    shares = {s.gmv.origins[0].id: s.share.value for s in chapter_of(currency="VND").streams.records}
    yuan = 33e6 * 25268.030962 / 7.24187  # at the average rates of the second quarter
    assert shares["A0010"] == pytest.approx(100 / (19_240 / 3))  # 1.56 %
    assert shares["P0478"] == pytest.approx(75 / (18_360 / 3))  # 1.23 %
    assert shares["A0014"] == pytest.approx(yuan / (19.24e12 / 3), rel=1e-4)  # 1.8 %
    assert "P0480" not in shares  # a speaker's example has no month


def test_streams_beside_the_quarter_and_the_hour(chapter_of):
    """337 of 19,240 bn; 6,413 ÷ 237 = 27; 237 ÷ 4 hours (A0012) over 19,240 ÷ (91 × 24)."""
    said = " ".join(s.text for s in chapter_of().streams.details)
    assert "1.75% of the GMV of Vietnam" in said
    assert "27 streams like it" in said
    assert "6.7× what the market sells in a mean hour" in said
    assert "one has about 2.1× the other" in said  # 237 bn dong are 9.38 mn dollars, 33 mn yuan 4.56


def test_gap_in_vietnam_and_the_years_to_close_it(chapter_of):
    """From 69.97 − 15.01 to 116.12 − 37.60 tn; ln(116.12 ÷ 37.60) ÷ ln(2.5054 ÷ 1.6596) = 2.74 years."""
    assert math.log(116.12 / 37.60) / math.log(2.5054 / 1.6596) == pytest.approx(2.74, abs=0.01)
    said = " ".join(s.text for s in chapter_of(currency="VND").vietnam.details)
    assert "widened from VND 55 tn to VND 78.5 tn" in said
    assert "level after 2.7 years" in said


def test_thai_month_before(chapter_of):
    """16 − 16 ÷ 1.0988 = 1.44 bn baht more than in April."""
    assert any("THB 14.6 bn for April 2024: THB 1.44 bn more" in s.text for s in chapter_of().thailand.details)


def test_published_growth_of_markets_and_region_contradict_each_other(chapter_of):
    """Taken back, P0003 to P0016 and P0467 make 12.19 bn for 2023; P0069 has 16.3: growth of 85.7 or 38.8 %."""
    before = 6.198 / 1.39 + 5.743 / 2.01 + 4.454 / 2.21 + 3.12 / 2.16 + 2.724 / 2.04 + 0.391 / 5.03
    now = 6.198 + 5.743 + 4.454 + 3.12 + 2.724 + 0.391
    assert (now / before - 1, now / 16.3 - 1) == pytest.approx((0.857, 0.388), abs=5e-4)
    said = " ".join(s.text for s in chapter_of("2024Q4").growth.details)
    assert "US$12.2 bn in 2023, but US$16.3 bn was published" in said
    assert "85.7% or 38.8%" in said


def test_a_multiple_of_the_year_before_is_growth(chapter_of):
    """2.28 times (P0604) is 128 % more."""
    (philippines,) = (m for m in chapter_of("2024Q3").growth.markets if m.market == "Philippines")
    assert philippines.growth.value == pytest.approx(1.28)
    assert philippines.growth_span == Span.parse("2024H1")


def test_a_mean_month_of_indonesia_counts_open_days_only(chapter_of):
    """P0544: 4 bn from 1 January to 20 December 2023, 354 days less 69, in months of 30.4375 days."""
    closed = chapter_of("2023Q4").indonesia.closed
    (indonesia,) = (m for m in chapter_of("2023Q4").growth.markets if m.market == "Indonesia")
    assert closed.monthly(indonesia.reading).value == pytest.approx(4e9 / ((354 - 69) / 30.4375))  # 427 mn


def test_what_the_closure_cost_is_the_pace_before_for_the_days_shut(chapter_of):
    """69 days of the 92 of the third quarter; a leak had more than 1 bn (P0546)."""
    chapter = chapter_of()
    before = estimates(chapter.report).gmv("Indonesia", Span.parse("2023Q3"))
    assert chapter.indonesia.closed.before == Span.parse("2023Q3")
    assert [q.value for q in chapter.indonesia.closed.lost] == pytest.approx([q.value * 69 / 92 for q in before])
    assert (chapter.indonesia.closed.stated_loss.value, chapter.indonesia.closed.stated_loss.hedge) == (
        1e9,
        "more than",
    )
    assert chapter.indonesia.closed.restart_span == Span.parse("2024Q1")


def test_what_is_left_to_the_region_is_the_target_less_all_others(chapter_of):
    load, model = chapter_of().load, estimates(chapter_of().report)
    year = Span.parse("2024")
    world, region, us = (model.gmv(name, year).median.value for name in ("Global", "SEA", "US"))
    assert load.needed.value == pytest.approx(50e9 - (world - region))  # A0001
    assert load.needed_beside_target.value == pytest.approx(50e9 - 17.5e9 - (world - region - us))  # A0004
    assert load.share.median.value == pytest.approx(region / 50e9)
    so_far = model.gmv("SEA", Span.parse("2024H1")).median.value
    assert load.required.value == pytest.approx((load.needed.value - so_far) / 6)


def test_growth_is_that_of_draws_that_belong_together(ledger):
    model = estimates(make_report(ledger, quarter="2024Q2"))
    now, before = (model.market.draws("Vietnam", Span.parse(code)) for code in ("2024H1", "2023H1"))
    band = model.growth("Vietnam", Span.parse("2024H1"))
    assert [q.value for q in band] == pytest.approx(list(np.quantile(now / before - 1, [0.5, 0.1, 0.9])))
    assert {origin.id for origin in band.median.origins} <= set(model.report.ledger.facts.index)
    # Far narrower than the two bands apart would make it: the published growth (P0448) ties them.
    assert band.low.value < 1.5054 < band.high.value
    assert band.high.value - band.low.value < 0.5


def test_no_growth_over_a_month_without_sales(ledger):
    """Indonesia was shut in all of November 2023, and Singapore not yet open in 2021."""
    model = estimates(make_report(ledger, quarter="2024Q4"))
    assert not model.growth("Indonesia", Span.parse("2024-11"))
    assert not model.growth("Singapore", Span.parse("2022Q1"))
    assert model.growth("Indonesia", Span.parse("2024Q1"), Span.parse("2023Q3"))


# Words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["base", "rival_entry"])
@pytest.mark.parametrize("quarter", QUARTERS)
def test_every_sentence_reads_well_in_every_quarter(chapter_of, quarter, scenario):
    chapter = chapter_of(quarter, scenario=scenario)
    assert 3 <= len(chapter.sentences) <= 5
    assert len(set(details(chapter))) == len(details(chapter)), "something is said twice"
    assert not set(details(chapter)) & {s.text for s in chapter.sentences}, "the opening is said again"
    for text in texts(chapter):
        assert text
        assert not BAD_WORDS.search(text), text
    for name in SECTIONS:
        assert any(getattr(chapter, name).details), f"nothing under {name}"


@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q4"])
def test_a_year_that_is_over_is_told_in_the_past(chapter_of, quarter):
    told = " ".join(texts(chapter_of(quarter)))
    assert "the region sold" in told
    assert "carried" in told
    for word in ("expected", "it takes", "For the rest of the year"):
        assert word not in told


def test_the_rival_s_launches_are_those_that_had_happened(chapter_of):
    assert dict(chapter_of("2024Q2").entry.launches)["Thailand"] == Span.parse("2024-07-31")  # E031
    assert "Vietnam" not in dict(chapter_of("2024Q2").entry.launches)  # E036: October 2024
    assert "Thailand" not in dict(chapter_of("2024Q1").entry.launches)
    assert "Vietnam" in dict(chapter_of("2024Q3").entry.launches)


def test_gmv_at_risk_does_not_depend_on_the_scenario(chapter_of):
    """The scenario takes its 10 % out of the estimates; what is at risk is told of the whole."""
    base, entered = chapter_of().entry, chapter_of(scenario="rival_entry").entry
    assert base.at_risk.value == pytest.approx(0.1 * base.region.median.value)
    assert entered.at_risk.value == pytest.approx(base.at_risk.value)
    loads = chapter_of().load, chapter_of(scenario="rival_entry").load
    first_half = loads[0].so_far.value
    assert loads[1].so_far.value == pytest.approx(first_half)
    assert loads[1].expected.median.value < loads[0].expected.median.value
    assert any("scenario assumes that it takes 10%" in s.text for s in chapter_of(scenario="rival_entry").entry.details)
    assert not any("scenario" in s.text for s in chapter_of().entry.details)


def test_months_of_the_next_year_are_exposed_where_the_year_is_over(chapter_of):
    assert chapter_of("2024Q4").entry.ahead == Span.parse("2025")
    assert chapter_of("2024Q3").entry.ahead == Span.parse("2024Q4")


# Other worlds ------------------------------------------------------------------------------------------


def test_falling_sales_are_told_as_falling_in_every_section(ledger):
    """Vietnam down by a quarter (P0448 and A0006): it lost 37.60 ÷ 0.75 − 37.60 = 12.5 tn dong."""
    shrinking = with_values(ledger, A0006=-0.25, P0448=-0.25)
    chapter = southeast_asia.review(make_report(shrinking, quarter="2024Q2", currency="VND"))
    told = texts(chapter)
    assert "sales fell by 25%" in told[0]
    assert any("TikTok Shop lost VND 12.5 tn, Shopee added" in text for text in told)
    assert chapter.vietnam.lead_chart().title.text == "TikTok Shop grew slower and added less"
    assert not any("still sold" in text or "level after" in text for text in told)
    assert any("TikTok Shop fell by 25%" in text for text in told)
    multiples = chapter.growth.multiple_chart().data.set_index("label")["median"]
    assert multiples["Vietnam"] < 1
    for text in told:
        assert not BAD_WORDS.search(text), text


def test_a_leader_that_has_been_overtaken_is_told_as_smaller(ledger):
    """A Shopee of 10 tn a quarter (P0453, P0456) against 18.36 and 19.24."""
    smaller = with_values(ledger, P0453=10e12, P0456=10e12)
    chapter = southeast_asia.review(make_report(smaller, quarter="2024Q2", currency="VND"))
    assert chapter.vietnam.multiple.value == pytest.approx(10 / 19.24)
    told = texts(chapter)
    assert not any("still sold" in text or "level after" in text or "The gap" in text for text in told)
    assert chapter.vietnam.lead_chart().title.text == "TikTok Shop grew faster and added more"


def test_a_quarter_without_thailand(ledger):
    poorer = without(ledger, lambda facts: facts["market"] == "Thailand")
    chapter = southeast_asia.review(make_report(poorer, quarter="2024Q2"))
    assert [s.text for s in chapter.thailand.details if s] == [
        "No figure of Thailand in 2024 was public by 29 August 2024."
    ]
    assert not any("Thailand" in s.text for s in chapter.sentences)
    assert "Thailand" not in [m.name for m in chapter.growth.markets if m.estimate]
    for text in texts(chapter):
        assert not BAD_WORDS.search(text), text


def test_a_region_that_sells_more_than_the_world_target(ledger):
    """A world target of 20 bn (A0001 and those that agree): the region alone goes beyond it."""
    targets = ledger.facts[(ledger.facts["metric"] == "gmv_target") & (ledger.facts["market"] == "Global")]
    of_the_year = targets.index[targets["span"] == Span.parse("2024")]
    modest = with_values(ledger, **dict.fromkeys(of_the_year, 20e9))
    chapter = southeast_asia.review(make_report(modest, quarter="2024Q2"))
    assert chapter.load.share.low > 1
    assert chapter.load.needed.value < chapter.load.expected.low.value
    told = " ".join(texts(chapter))
    assert "below the band of its estimate" in told
    assert "For the rest of the year its part comes to" not in told  # nothing more is needed
    for text in texts(chapter):
        assert not BAD_WORDS.search(text), text


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (40e9, "the target leaves US$5 bn to the region, below the band"),
        (25e9, "the target leaves US$20 bn to the region, within the band"),
        (5e9, "the target leaves US$40 bn to the region, above the band"),
        (46e9, "the target asks nothing of the region"),
    ],
)
def test_what_is_left_to_the_region_is_placed_beside_its_band(chapter_of, us, words):
    """50 bn less the US and 5 bn of others, against a band from 18 to 22 bn."""
    expected = Band(usd(20e9), usd(18e9), usd(22e9))
    load = replace(chapter_of().load, expected=expected, us=usd(us), others=usd(5e9))
    told = " ".join(s.text for s in load.details)
    assert words in told


@pytest.mark.parametrize(("gmv", "word"), [(9.38e6, "Little hangs"), (30e6, "Something hangs"), (60e6, "Much hangs")])
def test_the_weight_of_a_stream_follows_its_share(chapter_of, gmv, word):
    """Of a month of 254 mn: 3.7, 11.8 and 23.6 %."""
    chapter = chapter_of()
    streams = replace(chapter.streams, streams=[replace(chapter.streams.largest, gmv=usd(gmv))])
    assert any(s.text.startswith(word) for s in replace(chapter, streams=streams).sentences)


def test_a_market_still_shut_is_told_as_shut(ledger):
    chapter = southeast_asia.review(make_report(ledger, quarter="2023Q3", as_of="2023-11-29"))
    assert chapter.indonesia.closed is None
    assert any(s.text == "Indonesia has been shut since 4 October 2023." for s in chapter.sentences)


def test_another_platform_has_its_own_leader_and_no_merger(ledger):
    chapter = southeast_asia.review(make_report(ledger, quarter="2024Q2", platform="Shopee", rival="TikTok Shop"))
    assert chapter.vietnam.contenders[0].platform == "Shopee"
    assert chapter.vietnam.leader != "Shopee"
    assert not chapter.indonesia.stake_price
    for text in texts(chapter):
        assert not BAD_WORDS.search(text), text


@pytest.mark.parametrize("quarter", ["2024Q2", "2024Q4"])
def test_every_section_survives_the_absence_of_any_one_fact(ledger, quarter, monkeypatch):
    """The model stays as it is: what is published around it goes missing. Nothing is drawn."""
    report = make_report(ledger, quarter=quarter)
    model = estimates(report)
    answers = {name: lru_cache(getattr(model, name)) for name in ("gmv", "growth", "monthly", "has_own_figure")}
    monkeypatch.setattr(southeast_asia, "estimates", lambda _: SimpleNamespace(**answers))
    for section in (southeast_asia.growth, southeast_asia.load, southeast_asia.vietnam, southeast_asia.indonesia):
        monkeypatch.setattr(section, "charts", MagicMock())
    chapter = southeast_asia.review(report)
    told = sentences(chapter)
    cells = [v for thing in figures(chapter) for column in thing.data for v in thing.data[column]]
    used = {fact for sentence in told for fact in re.findall(r"\b[AP]\d{4}\b", sentence.html)}
    used |= {origin.id for cell in cells if isinstance(cell, Quantity) for origin in cell.origins}
    used = sorted(used & set(ledger.facts.index))
    assert len(used) > 30
    for fact in used:
        poorer = replace(ledger, facts=ledger.facts.drop(index=fact))
        for text in texts(southeast_asia.review(make_report(poorer, quarter=quarter))):
            assert not BAD_WORDS.search(text), f"without {fact}: {text}"


def test_the_path_of_indonesia_falls_to_nothing_and_comes_back(chapter_of):
    path = {span.code: band.median.value for span, band in chapter_of().indonesia.path}
    assert (min(path), max(path)) == ("2023-01", "2024-06")
    assert path["2023-11"] == 0
    assert path["2023-09"] > path["2023-10"] > 0
    days = chapter_of().indonesia.chart().data["x"]
    assert min(days) < date(2023, 10, 4) < date(2023, 12, 12) < max(days)
