"""The shipped data against what its originals say, and against its own dictionary, data/README.md.

The files are read here with the standard library alone, so that no mistake of the ledger can hide one of the data.
"""

import calendar
import csv
import re
import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from analysis.facts import schema
from analysis.facts.ledger import read_ledger
from analysis.facts.span import Span

DATA = Path(__file__).resolve().parent.parent.parent / "data"


def rows_of(name: str) -> list[dict[str, str]]:
    with open(DATA / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


FACTS, SOURCES, EVENTS, RATES = (rows_of(f"{name}.csv") for name in ("facts", "sources", "events", "fx"))
FACT = {row["id"]: row for row in FACTS}
SOURCE = {row["source"]: row for row in SOURCES}
VOCABULARY = tomllib.loads((DATA / "vocabulary.toml").read_text(encoding="utf-8"))
README = (DATA / "README.md").read_text(encoding="utf-8")

# The numbers of the article, as its own words in column `quote` say them: 亿 is 100 million, 万 is 10,000,
# 成 a tenth. Typed from the quotes, not from the columns that they are compared with.
ARTICLE = [
    ("A0001", "50", "USD bn"),  # 500亿美元
    ("A0002", "180", "days"),  # 不到180天
    ("A0003", "30", "%"),  # 刚过三成
    ("A0004", "17.5", "USD bn"),  # 175亿美元
    ("A0005", "25", "%"),  # 不到四分之一
    ("A0006", "150.54", "%"),
    ("A0007", "17", "hours"),  # 17小时
    ("A0008", "8", "o'clock"),  # 早上8点
    ("A0009", "1", "o'clock"),  # 凌晨1点
    ("A0010", "100", "VND bn"),  # 1000亿越南盾
    ("A0011", "1", "months"),  # 没过一个月
    ("A0012", "4", "hours"),  # 4个小时
    ("A0013", "20240606", "yyyymmdd"),  # 6.6大促
    ("A0014", "33", "CNY mn"),  # 3300万人民币
    ("A0015", "202310", "yyyymm"),  # 2023年10月
    ("A0016", "0.46", "USD bn"),  # 4.6亿美元
    ("A0017", "100", "%"),
    ("A0018", "15", "days"),  # 15天
    ("A0019", "2.4", "mn sellers"),  # 240万
    ("A0020", "16", "THB bn"),  # 160亿泰铢
    ("A0021", "0.517", "THB bn"),  # 5.17亿泰铢
    ("A0022", "9.88", "%"),
    ("A0023", "10", "multiple"),  # 10倍
    ("A0024", "0.49", "USD bn"),  # 4.9亿美元
    ("A0025", "0.66", "USD bn"),  # 6.6亿美元
    ("A0026", "20", "USD bn"),  # 逼近200亿美元
    ("A0027", "12", "USD bn"),  # 120亿美元
    ("A0028", "70", "%"),  # 七成
    ("A0029", "66.5", "USD 10k"),  # 66.5万美元
    ("A0030", "104.81", "USD 10k"),  # 104.81万美元
    ("A0031", "1", "weeks"),  # 不到一周
    ("A0032", "1", "USD mn"),  # 百万
    ("A0033", "20240710", "yyyymmdd"),  # 2024年7月10日
    ("A0034", "90", "days"),
    ("A0035", "30", "days"),
    ("A0036", "1000", "orders"),  # 1000单
    ("A0037", "500", "orders"),
    ("A0038", "0.6", "%"),
    ("A0039", "0.4", "%"),
    ("A0040", "20240826", "yyyymmdd"),  # 8月26日
    ("A0041", "2", "USD per order"),  # 一单运费赚2美元
    ("A0042", "-1", "USD per order"),  # 倒贴1美元: a loss
    ("A0043", "50", "%"),  # 砍半
    ("A0044", "5", "winners"),  # TOP5
    ("A0045", "100", "USD k"),  # 10万美元
    ("A0046", "6000", "USD"),
    ("A0047", "50", "winners"),  # TOP50
    ("A0048", "50", "rank"),  # 前50名
    ("A0049", "3000", "USD"),
    ("A0050", "202410", "yyyymm"),  # 10月
    ("A0051", "40", "people"),  # 40人
    ("A0052", "2", "sites"),  # Spain and Ireland
    ("A0053", "0.5", "years"),  # 半年
    ("A0054", "1", "years"),  # 去年
    ("A0055", "0.5", "years"),  # 一半
]

# Chinese hedges -> the qualifiers that they may be filed under.
HEDGES = {
    "不到": {"less than"},
    "没过": {"less than"},
    "逼近": {"less than"},
    "刚过": {"just over"},
    "突破": {"more than"},
    "冲破": {"more than"},
}

# Pages that pass on what was public before.
LATER_COPIES = {"S042", "S109", "T010", "T036", "T039", "T047", "T076", "T081", "T099", "T115", "T116"}
# What a seller says of a shipping rule that takes effect after the article's inferred day; forecasts of later years.
KNOWN_BEFORE_ITS_PERIOD = {"A0041", "A0042", "A0043", "P0550", "Q0118", "Q0119", "Q0172"}


# The article --------------------------------------------------------------------------------------------


def test_the_article_has_55_rows_each_with_its_words():
    article = [row for row in FACTS if row["id"].startswith("A")]
    assert sorted(row["id"] for row in article) == [f"A{number:04d}" for number in range(1, 56)]
    assert [id for id, _, _ in ARTICLE] == sorted(row["id"] for row in article)
    assert not [row["id"] for row in article if not row["quote"].strip()]
    assert {row["source"] for row in article} == {"S001"}


@pytest.mark.parametrize(("id", "value", "unit"), ARTICLE)
def test_article_number_is_what_the_quote_says(id, value, unit):
    assert (Decimal(FACT[id]["value"]), FACT[id]["unit"]) == (Decimal(value), unit), FACT[id]["quote"]


def test_article_hedges_are_kept():
    wrong = [
        (row["id"], row["quote"], row["qualifier"])
        for row in FACTS
        for word, allowed in HEDGES.items()
        if word in row["quote"] and row["qualifier"] not in allowed
    ]
    assert wrong == []


def test_misprint_is_kept_with_low_confidence():
    # AFP, 15 June 2023, prints 600,000 dollars; Momentum Works, whom it quotes, has 0.6 bn.
    misprint, figure = FACT["P0073"], FACT["P0070"]
    assert (misprint["value"], misprint["unit"], misprint["confidence"]) == ("0.6", "USD mn", "low")
    assert (figure["value"], figure["unit"], figure["confidence"]) == ("0.6", "USD bn", "high")


# Sources and days ---------------------------------------------------------------------------------------


def test_every_fact_has_a_source_and_a_day():
    assert not [row["id"] for row in FACTS if row["source"] not in SOURCE]
    assert not [row["id"] for row in FACTS if not re.fullmatch(r"\d{4}-\d\d-\d\d", row["known_on"])]


def test_no_fact_is_known_before_its_page():
    early = [row for row in FACTS if row["known_on"] < SOURCE[row["source"]]["published"]]
    assert {row["known_on_basis"] for row in early} == {"inferred"}
    assert {row["source"] for row in early if row["vintage"] != "revised"} == LATER_COPIES


def test_a_published_day_is_the_one_on_the_page():
    def last_day(published: str) -> str:
        if len(published) == len("2024-07"):
            return f"{published}-{calendar.monthrange(*map(int, published.split('-')))[1]}"
        return published

    wrong = [
        (row["id"], row["known_on"])
        for row in FACTS
        if row["known_on_basis"] == "published" and row["known_on"] != last_day(SOURCE[row["source"]]["published"])
    ]
    assert wrong == []


def test_nothing_is_counted_before_its_period_begins():
    early = {
        row["id"]
        for row in FACTS
        if row["kind"] in ("actual", "estimate") and row["known_on"] < Span.parse(row["period"]).start.isoformat()
    }
    assert early <= KNOWN_BEFORE_ITS_PERIOD


def test_no_figure_of_a_source_is_there_twice():
    columns = ("platform", "market", "metric", "period", "value", "unit", "source")
    cells = Counter(tuple(row[column] for column in columns) for row in FACTS if not row["withdrawn"])
    assert [cell for cell, count in cells.items() if count > 1] == []


# The dictionary -----------------------------------------------------------------------------------------


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


def test_the_example_of_the_leading_fact_is_true():
    example = table("## Which fact leads", "place")
    cell = read_ledger(DATA).known_by(date(2025, 3, 1)).cell("TikTok Shop", "Global", "gmv", Span.parse("2024"))
    assert [row[1] for row in example] == list(cell.index)
    for _, id, value, *rest, _ in example:
        row = FACT[id]
        assert value == f"{row['value']} {row['unit']}"
        assert rest == [row[column] for column in ("confidence", "basis", "qualifier", "known_on")]


def test_the_example_of_a_conversion_is_true():
    rate = next(row["per_usd"] for row in RATES if (row["currency"], row["period"]) == ("THB", "2024Q2"))
    dollars = Decimal(FACT["A0020"]["value"]) / Decimal(rate)  # bn baht, May 2024
    assert f"the rate of 2024Q2, {rate}: {dollars:.3f} bn US dollars" in section("## fx.csv, and how rates are applied")
