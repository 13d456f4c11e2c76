"""The shipped data against what its originals say, its own dictionary (data/README.md), and itself.

The rows are read here with the standard library alone, so that no mistake of the ledger can hide one of the data.
"""

import csv
import re
import tomllib
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from analysis.facts import schema
from analysis.facts.claims import judged
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.scenarios import offered


def rows_of(name: str) -> list[dict[str, str]]:
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FACTS, SOURCES, EVENTS, RATES, ARGUMENTS = (
    rows_of(f"{name}.csv") for name in ("facts", "sources", "events", "fx", "arguments")
)
FACT, SOURCE = {row["id"]: row for row in FACTS}, {row["source"]: row for row in SOURCES}
EVENT = {row["id"]: row for row in EVENTS}
CLAIMS, SCENARIOS, VOCABULARY = (
    tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8")) for name in ("claims", "scenarios", "vocabulary")
)
README = (DATA / "README.md").read_text(encoding="utf-8")
QUARTERS = ["2023Q4", *(f"2024Q{n}" for n in (1, 2, 3, 4)), *(f"2025Q{n}" for n in (1, 2, 3))]
# Pages that are later copies of what was public on the day of their facts.
COPIES = {"S042", "S109", "T010", "T036", "T039", "T047", "T076", "T081", "T099", "T115", "T116"}
# What a seller says of a shipping rule that takes effect after the article's inferred day; forecasts of later years.
KNOWN_BEFORE_ITS_PERIOD = {"A0041", "A0042", "A0043", "P0550", "Q0118", "Q0119", "Q0172"}
# The numbers of the article, as its own words in column `quote` say them. Typed from the quotes, not from the columns
# that they are compared with: 亿 is 100 million, 万 is 10,000, 成 a tenth.
ARTICLE = [
    ("A0001", "50", "USD bn"), ("A0002", "180", "days"), ("A0003", "30", "%"), ("A0004", "17.5", "USD bn"),
    ("A0005", "25", "%"), ("A0006", "150.54", "%"), ("A0007", "17", "hours"), ("A0008", "8", "o'clock"),
    ("A0009", "1", "o'clock"), ("A0010", "100", "VND bn"), ("A0011", "1", "months"), ("A0012", "4", "hours"),
    ("A0013", "20240606", "yyyymmdd"), ("A0014", "33", "CNY mn"), ("A0015", "202310", "yyyymm"),
    ("A0016", "0.46", "USD bn"), ("A0017", "100", "%"), ("A0018", "15", "days"), ("A0019", "2.4", "mn sellers"),
    ("A0020", "16", "THB bn"), ("A0021", "0.517", "THB bn"), ("A0022", "9.88", "%"), ("A0023", "10", "multiple"),
    ("A0024", "0.49", "USD bn"), ("A0025", "0.66", "USD bn"), ("A0026", "20", "USD bn"), ("A0027", "12", "USD bn"),
    ("A0028", "70", "%"), ("A0029", "66.5", "USD 10k"), ("A0030", "104.81", "USD 10k"), ("A0031", "1", "weeks"),
    ("A0032", "1", "USD mn"), ("A0033", "20240710", "yyyymmdd"), ("A0034", "90", "days"), ("A0035", "30", "days"),
    ("A0036", "1000", "orders"), ("A0037", "500", "orders"), ("A0038", "0.6", "%"), ("A0039", "0.4", "%"),
    ("A0040", "20240826", "yyyymmdd"), ("A0041", "2", "USD per order"), ("A0042", "-1", "USD per order"),
    ("A0043", "50", "%"), ("A0044", "5", "winners"), ("A0045", "100", "USD k"), ("A0046", "6000", "USD"),
    ("A0047", "50", "winners"), ("A0048", "50", "rank"), ("A0049", "3000", "USD"), ("A0050", "202410", "yyyymm"),
    ("A0051", "40", "people"), ("A0052", "2", "sites"), ("A0053", "0.5", "years"), ("A0054", "1", "years"),
    ("A0055", "0.5", "years"),
]  # fmt: skip
# Chinese hedges -> the qualifier that they are filed under.
HEDGES = {"不到": "less than", "没过": "less than", "逼近": "less than", "刚过": "just over", "突破": "more than",
          "冲破": "more than"}  # fmt: skip
# e-Conomy SEA, e-commerce in US$ bn: the first print of a year, from the edition of its own November.
ECONOMY = {
    "Indonesia": {2021: 53, 2022: 59, 2023: 62, 2024: 65},
    "Thailand": {2021: 21, 2022: 22, 2023: 22, 2024: 26},
    "Vietnam": {2021: 13, 2022: 14, 2023: 16, 2024: 22},
    "Philippines": {2021: 12, 2022: 14, 2023: 16, 2024: 21},
    "Malaysia": {2021: 14, 2022: 14, 2023: 13, 2024: 16},
    "Singapore": {2021: 7.1, 2022: 8.2, 2023: 8, 2024: 9},
}


def as_of(quarter: str) -> str:
    return (Span.parse(quarter).end + timedelta(days=60)).isoformat()


@pytest.mark.parametrize(("id", "value", "unit"), ARTICLE)
def test_article_number_is_what_the_quote_says(id, value, unit):
    assert (Decimal(FACT[id]["value"]), FACT[id]["unit"]) == (Decimal(value), unit), FACT[id]["quote"]


def test_article_hedges_are_kept():
    hedged = [(row, HEDGES[word]) for row in FACTS for word in HEDGES if word in row["quote"]]
    assert [(row["id"], row["quote"]) for row, qualifier in hedged if row["qualifier"] != qualifier] == []


@pytest.mark.parametrize(
    "ids",
    [
        ("P0069", "P0085", "P0082"),  # a share of the region, the amount and the whole
        ("P0043", "P0455"),  # a share of Vietnam and the amount
        ("P0003", "P0017"),  # two digests of one report
        ("P0036", "P0039", "Q0269"),  # three pages on one report
        ("P0040", "Q0094"),  # a page that passes on another's count
        ("Q0145", "Q0256"),  # labels of two firms swapped in one print
        ("A0006", "P0448"),  # the article and the publication that it repeats
        ("Q0073", "Q0074", "Q0075"),  # a sum and its parts, on one page
    ],
)
def test_repeated_counts_share_counter_and_publication(ids):
    assert len({(FACT[id]["counter"], FACT[id]["publication"] or FACT[id]["source"]) for id in ids}) == 1


def test_no_figure_of_a_source_is_there_twice():
    columns = ("platform", "market", "metric", "period", "value", "unit", "source")
    cells = Counter(tuple(row[column] for column in columns) for row in FACTS if not row["withdrawn"])
    assert [cell for cell, count in cells.items() if count > 1] == []


def test_nothing_is_a_count_before_its_period_is_over_nor_an_estimate_before_it_begins():
    for row in FACTS:
        period, known = Span.parse(row["period"]), row["known_on"]
        assert row["kind"] != "actual" or known >= period.end.isoformat(), row["id"]
        early = row["kind"] == "estimate" and known < period.start.isoformat()
        assert not early or row["id"] in KNOWN_BEFORE_ITS_PERIOD, row["id"]


def test_withdrawn_rows_say_why_and_what_replaces_them():
    gone = {row["id"]: row for row in FACTS if row["withdrawn"]}
    assert gone["P0168"]["replaced_by"] == "Q0331" and FACT["Q0331"]["value"] == "25.1"
    for row in FACTS:
        assert row["withdrawn"] or not row["replaced_by"]
        if row["replaced_by"]:
            other = FACT[row["replaced_by"]]
            assert not other["withdrawn"]
            assert [other[name] for name in ("platform", "market", "metric", "period")] == [
                row[name] for name in ("platform", "market", "metric", "period")
            ]


def test_a_day_is_that_of_the_page_or_said_to_be_inferred():
    for row in FACTS:
        page = SOURCE[row["source"]]["published"]
        if row["known_on_basis"] == "published":
            assert page and row["known_on"] == (page if len(page) == 10 else Span.parse(page).end.isoformat()), row[
                "id"
            ]
        elif page and row["known_on"] < page:
            assert row["vintage"] == "revised" or row["source"] in COPIES, row["id"]


def test_the_sizes_of_markets_read_back():
    prints = defaultdict(list)
    for row in FACTS:
        if row["counter"] == "e-Conomy SEA" and row["metric"] == "gmv" and row["platform"] == "All platforms":
            prints[row["market"], row["period"]].append((row["known_on"], float(row["value"])))
    for market, years in ECONOMY.items():
        for year, value in years.items():
            first = [number for known, number in prints[market, str(year)] if known[:4] == str(year)]
            assert first == [value], (market, year)
    assert all(min(prints[market, "2023"])[0] <= "2023-11-30" for market in ECONOMY)


def test_each_number_of_the_article_is_in_one_claim():
    counted = Counter(fact for claim in CLAIMS.values() for fact in claim["facts"])
    assert {f"A{number:04d}" for number in range(1, 56)} <= set(counted)
    assert set(counted.values()) == {1}
    assert set(counted) <= {id for id, row in FACT.items() if not row["withdrawn"]}


def named(text: str) -> set[str]:
    """The ids of facts and events in a text."""
    return set(re.findall(r"\b[AEPQ][0-9]{3,4}\b", text))


def test_claims_and_arguments_rest_on_rows_in_use():
    in_use = {id for id, row in FACT.items() if not row["withdrawn"]} | set(EVENT)
    for name, claim in CLAIMS.items():
        assert named(" ".join(claim.get(key, "") for key in ("words", "test", "reading"))) <= in_use, name
    for row in ARGUMENTS:
        assert named(row["test"] + " " + row["facts"]) <= in_use, row["id"]


def test_verdicts_stay_fair_when_more_is_known(ledger):
    fair = {
        "world-days-left": "holds",  # true from 5 July on, and the article is of the end of July
        "us-shipping-profit": "uncheckable",  # half of the whole profit, not of that on shipping
        "vietnam-stream-june": "holds",  # 237 bn dong elsewhere is more than 115
        "europe-launch": "holds",  # the plan was for October; the launch came later
        "us-share-of-target": "holds",  # its own months make less than a quarter
        "us-new-shops-days-before": "contradicted",  # 60 days, not 90
    }
    found = judged(make_report(ledger, quarter="2025Q3")).set_index("id")["verdict"]
    assert {claim: found[claim] for claim in fair} == fair


def test_arguments_name_claims_and_rows_that_exist():
    assert [row["id"] for row in ARGUMENTS] == [f"V{number:02d}" for number in range(1, 31)]
    chapters = {"summary", "southeast_asia", "united_states", "rival", "europe", "outlook"}
    assert {row["chapter"] for row in ARGUMENTS} <= chapters
    for row in ARGUMENTS:
        assert row["speaker"] and row["words"] and row["english"] and row["needs"], row["id"]
        assert set(row["claims"].split()) <= set(CLAIMS), row["id"]
        assert set(row["facts"].split()) <= {*FACT, *EVENT}, row["id"]


@pytest.mark.parametrize(
    ("quarter", "ban", "others"),
    [
        ("2023Q4", None, {"price_war", "rival_entry", "live_fades"}),  # no law, no plan for Europe
        ("2024Q1", 0.2, {"price_war", "rival_entry", "live_fades"}),
        ("2024Q2", 0.2, {"price_war", "rival_entry", "live_fades", "europe_fast", "europe_slow"}),
        ("2024Q3", 0.2, {"price_war", "live_fades", "europe_fast", "europe_slow"}),  # the rival is open in Vietnam
        ("2024Q4", 0.15, {"price_war", "live_fades"}),  # so are the sites in Europe
        ("2025Q1", 0.12, {"price_war", "live_fades"}),
        ("2025Q2", 0.08, {"price_war", "live_fades"}),
        ("2025Q3", 0.04, {"price_war", "live_fades"}),
    ],
)
def test_scenarios_offered_on_the_day_of_each_report(report, quarter, ban, others):
    found = offered(report(quarter))
    assert sum(found.values()) == pytest.approx(1)
    assert (found.pop("us_ban", None), set(found) - {"base"}) == (ban, others)
    assert found["base"] >= 0.3


def test_a_history_is_in_order():
    for name, scenario in SCENARIOS["scenarios"].items():
        days = [entry["from"] for entry in scenario.get("history", ())]
        assert days == sorted(set(days)), name


@pytest.mark.parametrize("quarter", QUARTERS)
def test_each_quarter_has_its_rates_and_its_season(quarter):
    currencies = {row["unit"].split(" ")[0] for row in FACTS if row["unit"][:3].isupper()} - {"USD"}
    assert currencies <= {row["currency"] for row in RATES if row["period"] == quarter}
    official = [
        row for row in FACTS if (row["platform"], row["market"], row["basis"]) == ("All retail", "US", "official")
    ]
    season = {row["period"] for row in official if row["metric"] == "gmv" and row["known_on"] <= as_of(quarter)}
    assert quarter in season and len(season) >= 9


def test_a_law_of_one_market_names_that_market_only():
    assert {row["market"] for row in EVENTS if row["kind"] == "law" and row["platform"] == "TikTok Shop"} == {"US"}
    assert not [row["id"] for row in EVENTS if row["kind"] in ("law", "deal", "politics") and ", " in row["market"]]


def section(heading: str) -> str:
    """The text under a heading of data/README.md, up to the next heading of its level or above."""
    level = heading.split(" ")[0]
    _, found, rest = README.partition(f"\n{heading}\n")
    assert found, f"data/README.md has no heading {heading!r}"
    return re.split(rf"\n#{{1,{len(level)}}} ", rest)[0]


def table(heading: str, first: str) -> list[list[str]]:
    """The rows of the table under `heading` whose first column is called `first`, without backticks."""
    text = section(heading)
    _, found, rest = text.partition(f"\n| {first} |")
    assert found, f"{heading!r} has no table with a first column {first!r}"
    lines = [line for line in rest.split("\n\n")[0].splitlines()[2:] if line]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", schema.COLUMNS)
def test_dictionary_names_the_columns(name):
    heading = next(line for line in README.splitlines() if line.startswith(f"## {name}"))
    columns = [row[0] for row in table(heading, "column")]
    assert columns == list(schema.COLUMNS[name])
    assert set(columns) == set(rows_of(name)[0])


def test_dictionary_lists_what_the_ledger_allows_in_the_order_in_which_it_leads():
    assert tuple(row[0] for row in table("## Bases", "basis")) == schema.BASES
    assert tuple(row[0] for row in table("## Qualifiers", "qualifier")) == schema.QUALIFIERS
    assert tuple(row[0] for row in table("## Confidence", "confidence")) == schema.CONFIDENCE
    assert tuple(row[0] for row in table("## Kinds", "kind")) == schema.KINDS
    assert tuple(row[0] for row in table("## events.csv", "kind of event")) == schema.EVENT_KINDS
    assert [row[0] for row in table("## Units", "scale")] == [scale for scale in schema.SCALES if scale]
    assert {row[0] for row in table("## Units", "measure")} == set(schema.UNITS)
    assert all(f"- `{basis}`: " in section("## known_on") for basis in schema.KNOWN_ON_BASES)


def test_every_id_that_the_dictionary_names_exists():
    # The example of how to add a fact uses ids that are free; what was dropped is named as such.
    text = README.replace(section("### A new quarter, step by step"), "")
    known = {*FACT, *SOURCE, *(row["id"] for row in EVENTS), "P0128", "P0519", "P0520"}
    assert set(re.findall(r"`([APQES]\d{3,4})`", text)) <= known


def test_the_example_of_the_leading_fact_is_true(ledger):
    example = table("## Which fact leads", "place")
    cell = ledger.known_by(date(2025, 3, 1)).cell("TikTok Shop", "Global", "gmv", Span.parse("2024"))
    assert [row[1] for row in example] == list(cell.index)
    for _, id, value, *rest, _ in example:
        row = FACT[id]
        assert value == f"{row['value']} {row['unit']}"
        assert rest == [row[column] for column in ("confidence", "basis", "qualifier", "known_on")]


def test_the_example_of_a_conversion_is_true():
    rate = next(row["per_usd"] for row in RATES if (row["currency"], row["period"]) == ("THB", "2024Q2"))
    dollars = Decimal(FACT["A0020"]["value"]) / Decimal(rate)  # bn baht, May 2024
    assert f"the rate of 2024Q2, {rate}: {dollars:.3f} bn US dollars" in section("## fx.csv, and how rates are applied")
