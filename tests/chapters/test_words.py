"""Words against numbers: in the shipped quarters and in worlds that never were, no sentence contradicts its numbers.

What is checked is the text itself, as a reader has it: amounts are read back from the words.
"""

import re
from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
from worlds import QUARTERS, another_world, texts, with_values

from analysis.facts.report import ParameterError, make_report
from analysis.facts.span import Span
from analysis.story.chapter import Chapter, chapters, headlines
from analysis.story.text import Unknown
from analysis.story.text import read as read_sections

BROKEN = re.compile(
    r"\bnan\b|\binf\b|(?-i:\bNone\b)|by −|fell by 100%|\bSpan\(|\bBand\("
    r"|(?<![\d.,])1 (?:months|days|orders|scenarios|facts|sites|figures|claims)\b"
    r"|(?<![\d.,])1 (?:of \w+ )?(?:are|were|have|contradict|tell)\b|\( ?\)|\{|\}"
    r"|  | [,.;:](?!\d)|,,|\.\.|,\.|: ?\.|\band \.|\bof \.|\bthe the\b|\btold by\b|What was public",
    re.IGNORECASE,
)
SCALES = {"": 1.0, "mn": 1e6, "bn": 1e9, "tn": 1e12}
HEDGE = r"(?:about |more than |less than |just over |up to )?"
AMOUNT = rf"{HEDGE}(?P<{{0}}>−?(?:US\$|€)?[\d,]+(?:\.\d+)?(?: (?:mn|bn|tn)|%|×)?)(?: an? \w+)?"


def pattern(text: str) -> re.Pattern[str]:
    """A pattern in which `<name>` stands for an amount."""
    return re.compile(re.sub(r"<(\w+)>", lambda match: AMOUNT.format(match[1]), text))


def number(text: str) -> float:
    sign = -1 if text.startswith("−") else 1
    digits, _, scale = text.lstrip("−").removeprefix("US$").removeprefix("€").rstrip("%×").partition(" ")
    return sign * float(digits.replace(",", "")) * SCALES[scale]


def holds(low: str, high: str) -> bool:
    """Whether one printed amount is at most another, as far as their rounding tells."""
    a, b = number(low), number(high)
    return a <= b + 0.01 * max(abs(a), abs(b))


RULES = [
    # what the words say, and the two amounts of which the first must be the smaller
    (pattern(r"<x> \(<low> to <high>\)"), [("low", "x"), ("x", "high")]),
    (pattern(r"fell by [^,;.]*, from <before> to <after>"), [("after", "before")]),
    (pattern(r"rose by [^,;.]*, from <before> to <after>"), [("before", "after")]),
    (pattern(r"fell short of its <target> target for \d+: we estimate <x>(?!%)"), [("x", "target")]),
    (pattern(r"beat its <target> target for \d+: we estimate <x>(?!%)"), [("target", "x")]),
]


def contradictions(text: str) -> list[str]:
    """What is wrong with a text; nothing for a good one."""
    found = [f"broken: {match[0]!r}" for match in BROKEN.finditer(text)]
    for rule, orders in RULES:
        for match in rule.finditer(text):
            same_kind = {re.sub(r"[\d,.−]|mn|bn|tn| ", "", value) for value in match.groupdict().values()}
            if len(same_kind) == 1:
                found += [f"{match[0]!r}: {a} above {b}" for a, b in orders if not holds(match[a], match[b])]
    return found


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("The estimate is US$2 bn (US$1.5 bn to US$3 bn).", True),
        ("The estimate is US$2 bn (US$1.5 bn to US$1.9 bn).", False),
        ("It fell by 10%, from US$900 mn to US$1 bn.", False),
        ("It rose by 10%, from US$900 mn to about US$1 bn.", True),
        ("TikTok Shop beat its US$50 bn target for 2024: we estimate US$33.2 bn.", False),
        ("It has 1 months left.", False),
        ("1 contradict themselves.", False),
        ("It sold  more.", False),
        ("It sold US$1.5 bn , or less.", False),
        ("Sales fell by −3%.", False),
    ],
)
def test_the_checker_itself_can_fail(text, good):
    assert bool(contradictions(text)) != good


SAID: Counter[tuple[str, int]] = Counter()  # file and line of each alternative that was said in some world


pytestmark = pytest.mark.usefixtures("few_draws")


def read(report) -> None:
    """Read a whole report as its reader does, and note which alternatives were said."""
    for name in chapters():
        chapter = Chapter(name, report)
        told = texts(chapter)
        for text in told:
            assert not contradictions(text), f"{report.name}, {name}: {text}"
        sentences = Counter(text for text in told if text.endswith(".") and " " in text)
        assert not [text for text, times in sentences.items() if times > 1 and name != "evidence"]
        assert len(next(iter(thing for thing in chapter.told("opening") if isinstance(thing, list)), [])) <= 5
        for section, block in chapter.sections.items():
            names = chapter.names(section)
            assert not list(block.mistakes(set(names)))
            for each in (block, *block.blocks):
                for alternatives in (each.headline, each.subtitle, *each.sentences):
                    if said := next((words for words in alternatives if _is_said(words, names)), None):
                        SAID[said.file, said.line] += 1


def _is_said(words, names) -> bool:
    try:
        return any(str(part).strip() for part in words.fill(names))
    except Unknown:
        return False


@pytest.mark.parametrize("quarter", ["2021Q4", "2022Q2", "2023Q3", *QUARTERS])
def test_the_shipped_quarters_hold(ledger, quarter):
    read(make_report(ledger, quarter=quarter))


@pytest.mark.parametrize(("scenario", "quarter"), [("us_ban", "2024Q2"), ("rival_entry", "2025Q1")])
def test_scenarios_hold(ledger, scenario, quarter):
    read(make_report(ledger, quarter=quarter, scenario=scenario))


def test_other_platforms_and_little_data_hold(ledger):
    read(make_report(ledger, quarter="2024Q2", platform="Shopee", rival="TikTok Shop"))
    read(make_report(ledger, quarter="2025Q3", as_of="2026-01-24"))
    few = ledger.facts[ledger.facts["market"].isin(["Global", "US"])].index
    read(make_report(replace(ledger, facts=ledger.facts.loc[few]), quarter="2024Q2"))
    no_sales = ledger.facts[~ledger.facts["metric"].str.startswith(("gmv", "target", "share"))]
    read(make_report(replace(ledger, facts=no_sales), quarter="2024Q2"))


@pytest.mark.parametrize("quarter", ["2024Q2", "2024Q4"])
def test_years_that_went_well_hold(ledger, quarter):
    """Targets that are reached, and a rival that sells less."""
    low = with_values(
        ledger, A0001=12e9, P0541=12e9, A0004=2e9, P0093=2e9, P0134=6e9, A0026=6e9, P0131=3.5e9, A0027=3.5e9
    )
    read(make_report(low, quarter=quarter))


CLAIM = {"metric": "gmv", "of": "USD", "unit": "USD bn", "kind": "actual", "basis": "company", "confidence": "high"}


@pytest.mark.parametrize(("quarter", "period"), [("2024Q2", "2024H1"), ("2024Q4", "2024")])
@pytest.mark.parametrize(
    ("market", "value", "names"), [("Global", 52, ("summary", "outlook", "europe")), ("US", 19, ("united_states",))]
)
def test_no_verdict_stands_against_a_published_figure_that_has_passed_the_target(
    ledger, market, value, names, quarter, period
):
    """One figure of 52 bn where all the others make 15: whose it is, and what all together say, but no verdict."""
    span = Span.parse(period)
    row = ledger.facts.loc["A0001"].copy()
    cells = CLAIM | {"market": market, "period": period, "span": span, "start": span.start, "end": span.end}
    row[[*cells, "value", "number", "qualifier"]] = [*cells.values(), str(value), value * 1e9, "exact"]
    row["known_on"] = "2025-02-20" if quarter == "2024Q4" else "2024-08-01"
    facts = pd.concat([row.to_frame("X0001").T.astype(ledger.facts.dtypes), ledger.facts])
    report = make_report(replace(ledger, facts=facts), quarter=quarter)
    read(report)
    assert re.search("^By 36Kr’s figure|beat its", headlines(report)[names[0]])
    verdicts = {
        "Global": r"Shop (?:fell short|.*likely to reach its)|target is (?:met|reached) in|target lack",
        "US": r"US .*(?:fell short|missed|likely to reach it)|To (?:reach|meet) the target",
    }
    for name in names:
        assert not re.search(verdicts[market], "\n".join(texts(Chapter(name, report))))


@pytest.mark.parametrize("seed", range(12))
def test_worlds_that_never_were_hold(ledger, seed):
    quarter = QUARTERS[seed % len(QUARTERS)]
    try:
        report = make_report(another_world(ledger, seed), quarter=quarter)
    except ParameterError:  # nothing is left about the quarter
        return
    read(report)


def test_every_alternative_is_said_in_some_world():
    """Runs after the worlds above, in the same process."""
    if len(SAID) < 20:
        pytest.skip("the worlds were not read here")
    never = []
    for name in chapters():
        for block in (b for section in read_sections(name).values() for b in (section, *section.blocks)):
            for alternatives in (block.headline, block.subtitle, *block.sentences):
                never += [
                    f"{words.file}, line {words.line}" for words in alternatives if not SAID[words.file, words.line]
                ]
    assert not never, f"{len(never)} alternatives are never said: " + "; ".join(sorted(set(never)))


def test_nothing_that_became_public_later_is_used(ledger):
    """The report as of a date is the same, whether or not later facts are in the ledger."""
    report = make_report(ledger, quarter="2024Q2")
    earlier = ledger.facts[ledger.facts["known_on"] <= "2024-08-29"]
    without = make_report(replace(ledger, facts=earlier), quarter="2024Q2")
    assert report.ledger.fingerprint == without.ledger.fingerprint
