"""The audit of claims: each verdict worked out by hand, what a later date changes, and a file that is refused."""

from dataclasses import replace

import pytest

from analysis.facts.claims import VERDICTS, RelationError, Row, evaluate, judged
from analysis.facts.ledger import astray
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.facts.schema import LedgerError
from analysis.facts.span import Span
from analysis.story.chapter import chapters

HOLDS, LOOSELY, ITSELF, OTHERS, OPEN = VERDICTS
# Averages of fx.csv for one US dollar.
THB_Q2, VND_Q1, VND_Q2, CNY_Q2 = 36.704497, 24504.045047, 25268.030962, 7.24187
# Six months of the US and Indonesia (A0024, A0016) and six Mays of Thailand (A0020), then the two quarters of Vietnam
# (P0455, P0452), in US dollars.
PARTS = (0.49e9 + 0.46e9) * 6 + 16e9 / THB_Q2 * 6 + 18.36e12 / VND_Q1 + 19.24e12 / VND_Q2

# Claim -> what is printed, what other figures make of it, the verdict, as of 29 August 2024. The ids of the facts
# stand in the comments. None: nothing is compared, or nothing can be worked out.
MID_2024 = {
    "world-target": (50e9, 50e9, HOLDS),  # A0001, P0541
    "world-half-year": (None, PARTS / 50e9, OPEN),  # 9.83 bn of A0001: 19.7 %
    "world-days-left": (180, 154, HOLDS),  # A0002; from the day of the article, 1 + 31 + 30 + 31 + 30 + 31 days
    "world-half-left": (0.5, 184 / 366, HOLDS),  # A0053; 0.503, off by 0.5 %
    "world-half-passed": (0.5, 182 / 366, HOLDS),  # A0055; 31 + 29 + 31 + 30 + 31 + 30 days
    "vietnam-growth": (1.5054, 1.5054, HOLDS),  # A0006, P0448
    "vietnam-stream-hours": (17, 24 - 8 + 1, HOLDS),  # A0007, A0008, A0009
    "vietnam-stream-record": (100e9, 75e9, HOLDS),  # A0010, P0478
    "vietnam-stream-june": (33e6 / CNY_Q2, 100e9 / VND_Q2, HOLDS),  # A0014, A0010: 4.56 against 3.96 mn dollars
    "vietnam-stream-gap": (None, None, OPEN),  # A0011
    "vietnam-stream-june-hours": (None, None, OPEN),  # A0012
    "vietnam-stream-june-day": (20240606, 20240606, HOLDS),  # A0013, P0479
    "indonesia-closure": (202310, 202310, HOLDS),  # A0015, E017 of 4 October 2023
    "indonesia-monthly": (None, None, OPEN),  # A0016; the year is not over
    "indonesia-mall-goods": (None, None, OPEN),  # A0017
    "indonesia-mall-returns": (None, None, OPEN),  # A0018
    "thailand-sellers": (None, None, OPEN),  # A0019
    "thailand-may": (16e9, 0.517e9 * 31, HOLDS),  # A0020, A0021: 16.027 bn, off by 0.2 %
    "thailand-april": (None, 16e9 / 1.0988, OPEN),  # A0020, A0022: 14.56 bn
    "us-target": (17.5e9, 17.5e9, HOLDS),  # A0004, P0093
    "us-tenfold": (10, 10, HOLDS),  # A0023, P0094
    "us-share-of-target": (0.25, 0.49 * 6 / 17.5, HOLDS),  # A0005; A0024, A0004: 16.8 %
    "us-monthly": (0.49e9 * 6 - 0.66e9, 2.0e9, LOOSELY),  # A0024, A0025; P0098: 2.28 over a tracker's 2.0 bn
    "us-june": (None, None, OPEN),  # A0025
    "us-stream-first": (665e3, 665e3, HOLDS),  # A0029, P0524
    "us-stream-record": (1_048_100, 1e6, HOLDS),  # A0030, P0522 with "about": off by 4.6 %
    "us-stream-million": (1e6, 1e6, HOLDS),  # A0032, P0522
    "us-stream-gap": (1, 8 / 7, OTHERS),  # A0031; from 31 May (P0524) to 8 June (A0030) are 8 days
    "us-new-shops-from": (20240710, 20240710, HOLDS),  # A0033, E029
    "us-new-shops-days-before": (90, 60, OTHERS),  # A0034, P0115
    "us-new-shops-days-after": (30, 30, HOLDS),  # A0035, P0116
    "us-new-shops-orders-before": (1000, 1000, HOLDS),  # A0036, P0117
    "us-new-shops-orders-after": (500, 500, HOLDS),  # A0037, P0118
    "us-new-shops-reviews-before": (0.006, 0.006, HOLDS),  # A0038, P0119
    "us-new-shops-reviews-after": (0.004, 0.006, ITSELF),  # A0039, A0038: the limit fell
    "us-shipping-from": (20240826, 20240826, HOLDS),  # A0040, E032
    "us-shipping-profit": (None, (2 - -1) / 0.5, OPEN),  # A0041, A0042, A0043: half of 6 dollars an order
    "us-contest": (None, 6000 / 100e3, OPEN),  # A0046, A0045: 6 %
    "us-ranking": (50, 50, HOLDS),  # A0047, A0048
    "us-ranking-prize": (None, 50 * 3000, OPEN),  # A0047, A0049
    "temu-half-year": (20e9, 20e9, HOLDS),  # A0026, P0134
    "temu-second-quarter": (12e9, 12e9, HOLDS),  # A0027, P0131
    "temu-us-share": (0.70, 0.45, OTHERS),  # A0028, P0132
    "europe-launch": (202410, 202410, HOLDS),  # A0050, P0609
    "europe-staff": (40, 40, HOLDS),  # A0051, P0498
    "europe-sites": (2, 2, HOLDS),  # A0052; E030 names Spain and Ireland
    "europe-postponed": (2023, 2024, OTHERS),  # A0054; E026 is of May 2024
    "us-five-months-one-source": (0.11, 2.0 / 17.5, HOLDS),  # P0099 with "about"; P0098, P0093: 11.4 %
    "indonesia-and-the-world": (1.0e9, 1.344e9, HOLDS),  # P0602, a floor; P0603 and P0605 make (0.2 + 0.024) * 6
    "southeast-asia-share": (0.142, 16.3 / 114.6, HOLDS),  # P0085; P0069, P0082
    "vietnam-share": (0.232, 18.36 / (18.36 + 53.74 + 6.03), HOLDS),  # P0043; P0455, P0456, P0457: 23.5 %
}

# What facts known later change.
LATER = {
    # A0025, P0100 of 14 September: 0.66 is not below 0.6 bn, but within a tenth.
    ("2024Q3", "us-june"): (0.66e9, 0.6e9, LOOSELY),
    # A0016; half of P0003: 2.76 of 3.099 bn.
    ("2024Q4", "indonesia-monthly"): (0.46e9 * 6, 6.198e9 / 2, HOLDS),
    # Q0256, Q0145: labels of two firms swapped in one print of 11 January.
    ("2024Q4", "indonesia-share"): (0.11, 0.09, OTHERS),
}


def findings(report):
    return {finding.id: finding for finding in judged(report).itertuples()}


def check(finding, printed, worked_out, verdict):
    for figure, expected in ((finding.printed, printed), (finding.worked_out, worked_out)):
        assert bool(figure) == (expected is not None)
        if expected is not None:
            assert figure.value == pytest.approx(expected, rel=1e-9)
    assert finding.verdict == verdict


@pytest.fixture(scope="module")
def mid_2024(ledger):
    return findings(make_report(ledger, quarter="2024Q2"))


def test_every_claim_that_can_be_told_in_mid_2024_is_worked_out_here(mid_2024):
    assert list(mid_2024) == list(MID_2024)


@pytest.mark.parametrize("claim", MID_2024)
def test_verdict_as_of_august_2024(mid_2024, claim):
    check(mid_2024[claim], *MID_2024[claim])


@pytest.mark.parametrize(("quarter", "claim"), LATER, ids=lambda text: text)
def test_verdict_that_a_later_date_changes(ledger, quarter, claim):
    check(findings(make_report(ledger, quarter=quarter))[claim], *LATER[quarter, claim])


def test_a_row_has_what_a_text_needs_to_tell_the_claim(mid_2024):
    finding = mid_2024["us-share-of-target"]
    assert (finding.chapter, finding.platform, finding.market) == ("united_states", "TikTok Shop", "US")
    assert finding.words.format_map({name: figure.text for name, figure in finding.figures.items()}).endswith("25%")
    assert finding.worked_out.formula == "A0024 × 6 months (H1 2024) ÷ A0004"
    assert [origin.id for origin in finding.worked_out.origins] == ["A0024", "A0004"]
    assert (finding.sign, finding.worked_out.text, finding.witnesses) == (">", "17%", ())
    assert mid_2024["us-new-shops-days-before"].witnesses == ("tktk.com",)
    assert mid_2024["vietnam-stream-gap"].needs == "the day in May of the first livestream"


def test_no_verdict_depends_on_the_currency_of_the_report(ledger, mid_2024):
    for currency in ("CNY", "THB"):
        other = findings(make_report(ledger, quarter="2024Q2", currency=currency))
        assert {c: f.verdict for c, f in other.items()} == {c: f.verdict for c, f in mid_2024.items()}


def test_a_report_on_other_platforms_tells_no_claim_about_these(ledger):
    assert judged(make_report(ledger, quarter="2024Q2", platform="Shopee", rival="Lazada")).empty


def test_a_test_that_lacks_a_fact_leaves_the_claim_open_or_untold(ledger):
    """P0134 is the other figure for Temu's half-year; nothing says what else would settle it, so nothing is said."""
    found = findings(make_report(replace(ledger, facts=ledger.facts.drop(index=["P0134", "P0003"])), quarter="2024Q4"))
    assert "temu-half-year" not in found
    assert found["indonesia-monthly"].verdict == OPEN


US = ("US",)
ROWS = {
    "A": Row("A", Quantity(6.0, "USD", "A"), Span.parse("2024-05"), US),
    "B": Row("B", Quantity(2.0, "USD", "B"), Span.parse("2024-06"), US),
    "P": Row("P", Quantity(0.5, "%", "P"), Span.parse("2024"), US),
    "E": Row("E", None, Span.parse("2024-07-10"), ("Spain", "Ireland")),
}


@pytest.mark.parametrize(
    ("test", "value", "formula"),
    [
        ("A + B * 2", 10, "A + B × 2"), ("(A + B) * 2", 16, "(A + B) × 2"), ("A - B - 1 * B", 2, "A − B − 1 × B"),
        ("A / B", 3, "A ÷ B"), ("-B + A", 4, "−(B) + A"), ('days("2024-02")', 29, "29 days (Feb 2024)"),
        ('months("2024H1")', 6, "6 months (H1 2024)"), ('day("E")', 20240710, "first day of 10 July 2024"),
    ],
)  # fmt: skip
def test_arithmetic(test, value, formula):
    found = evaluate(test, ROWS)
    assert (found.value, found.formula) == (value, formula)


def test_a_number_that_differs_by_rounding_only_is_the_same():
    """A third three times is one, though not in binary."""
    assert not evaluate("A / 60 > A * 3 / 180", ROWS).true
    assert evaluate("A / 60 <= A * 3 / 180", ROWS).true
    assert evaluate("P > B / A", ROWS).true and not evaluate("A < B", ROWS).true


@pytest.mark.parametrize(
    "test",
    [
        "", "A +", "A = B", "A < B < A", "A != B", "A ** 2", "A // B", "A % B", "A and B", "not A", "A if B else P",
        "[A]", "{A}", "(A, B)", "A.value", "A[0]", "lambda: A", "f'{A}'", "A; B", "(A := B)", "True", "None", "1j",
        "b'x'", '"A"', "__import__('os').system('true')", "eval('A')", "days(A)", 'days("May")', "days()",
        'days("2024", "2023")',
        'days(period="2024")', 'days(*["2024"])', "hours(8)", "weeks(A, B)", "'A' + B", "(A < B) + A", "9" * 10_000,
        "(" * 500 + "A" + ")" * 500,
    ],
)  # fmt: skip
def test_what_is_no_relation_is_refused_and_never_run(test):
    with pytest.raises(RelationError):
        evaluate(test, ROWS)


@pytest.mark.parametrize("test", ["A + P", "A < P", 'A == days("2024")', "E + A", "-E"])
def test_unlike_units_and_events_are_no_figures_to_add(test):
    with pytest.raises(RelationError):
        evaluate(test, ROWS)


CLAIM = """
[a-claim]
chapter = "temu"
platform = "Temu"
market = "US"
facts = ["A0028"]
words = "Temu: {A0028}"
test = 'A0028 == P0132'
"""


def refused(data_copy, text):
    (data_copy.path / "claims.toml").write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError) as caught:
        data_copy.read()
    return caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ('platform = "Temu"', 'platform = "Temo"', "a-claim.platform", "TikTok Shop"),
        ('market = "US"', 'market = "USA"', "a-claim.market", "joined by a comma"),
        ('facts = ["A0028"]', 'facts = "A0028"', "a-claim.facts", "a valid list"),
        ("Temu: {A0028}", "Temu: 70 %", "a-claim.words", "without digits"),
        ("Temu: {A0028}", "Temu: {A0028:.2f}", "a-claim.words", "without digits"),
        ("A0028 == P0132", "A0028 = P0132", "a-claim.test", "fact ids, numbers"),
        ("A0028 == P0132", "A0028 == A0001", "a-claim.test", "unlike units"),
        ("A0028 == P0132", 'A0028 == dys("2024")', "a-claim.test", "day, days, hours"),
        ("test =", "tset =", "a-claim.tset", "the keys that"),
        ("test = 'A0028 == P0132'", "", "a-claim.needs", "what would settle"),
        ("test =", "tolerance = -1\ntest =", "a-claim.tolerance", "or equal to 0"),
    ],
)
def test_a_bad_key_is_told_with_its_line_and_what_is_allowed(data_copy, old, new, key, allowed):
    assert CLAIM.count(old) == 1
    told = [p for p in refused(data_copy, CLAIM.replace(old, new)) if p.column == key]
    assert [(p.file, p.line) for p in told] == [("claims.toml", 2)]
    assert allowed in told[0].allowed


def test_all_bad_claims_are_told_at_once(data_copy):
    second = CLAIM.replace("a-claim", "b-claim").replace('"Temu"', '"Temo"')
    problems = refused(data_copy, CLAIM.replace('"US"', '"USA"') + second)
    assert [(p.line, p.column) for p in problems] == [(2, "a-claim.market"), (10, "b-claim.platform")]


@pytest.mark.parametrize("text", ["[a\n", "a = 1\n", CLAIM + CLAIM])
def test_what_is_no_table_of_claims_is_told(data_copy, text):
    assert {p.file for p in refused(data_copy, text)} == {"claims.toml"}


def test_a_claim_about_a_fact_that_is_nowhere_is_listed_for_check(data_copy):
    """It is no error of reading: a folder cut down to what was known on a day builds that day's report."""
    text = CLAIM.replace("A0028 == P0132", "A0028 == P9999").replace("{A0028}", "{A9999}")
    (data_copy.path / "claims.toml").write_text(text, encoding="utf-8")
    ledger = data_copy.read()
    problems = [p for p in astray(ledger, ["temu"]) if p.file == "claims.toml"]
    assert [(p.file, p.line, p.column, p.value) for p in problems] == [
        ("claims.toml", 2, "a-claim", "A9999"),
        ("claims.toml", 2, "a-claim", "P9999"),
    ]
    assert judged(make_report(ledger, quarter="2024Q2")).empty


def test_what_names_a_chapter_a_fact_or_a_claim_that_is_none_is_listed_for_check(ledger, data_copy):
    assert astray(ledger, chapters()) == []
    without = astray(ledger, [name for name in chapters() if name != "rival"])
    assert {(p.file, p.value) for p in without} == {("claims.toml", "rival"), ("arguments.csv", "rival")}
    for column, value in (("chapter", "sumary"), ("facts", "A0003 A9999"), ("claims", "temu-us-shares")):
        data_copy.put("arguments.csv", "V01", column, value)
    problems = astray(data_copy.read(), chapters())
    assert [(p.column, p.value, p.hint) for p in problems] == [
        ("V01", "sumary", "summary"),
        ("V01", "A9999", ""),
        ("V01", "temu-us-shares", "temu-us-share"),
    ]


def test_tolerance_decides_between_the_verdicts(ledger):
    """70 against 45 %: 36 % apart."""
    (claim,) = (claim for claim in ledger.claims if claim.id == "temu-us-share")

    def verdict(**keys):
        only = replace(ledger, claims=(claim.model_copy(update=keys),))
        return judged(make_report(only, quarter="2024Q2")).loc[0, "verdict"]

    assert verdict(tolerance=0.36) == HOLDS
    assert verdict(tolerance=0.2, loosely=0.36) == LOOSELY
    assert verdict(tolerance=0.2, loosely=0.3) == OTHERS
    assert verdict(facts=("A0028", "P0132")) == ITSELF  # were both figures of one claim
