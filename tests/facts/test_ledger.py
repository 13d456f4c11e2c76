"""Reading the data folder: what it refuses, what it hides until it was public, what leads, and what a rate is."""

import csv
import io
import pickle
import random
import shutil
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.facts.errors import InputError
from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.facts.schema import LedgerError, split_unit
from analysis.facts.span import Span

CSV_FILES = ("facts.csv", "sources.csv", "events.csv", "fx.csv")
slow = settings(max_examples=12)  # each example reads a whole folder


def refused(folder) -> list:
    """The problems of a folder that must not be read; the message must have a line for each."""
    with pytest.raises(LedgerError) as caught:
        folder.read()
    problems = caught.value.problems
    assert len(str(caught.value).splitlines()) == len(problems) + 1
    return problems


def places(problems) -> list[tuple]:
    return [(p.file, p.line, p.column, p.value) for p in problems]


BAD = {
    "facts.csv A0025": [
        ("id", "=A1", "letters, digits"), ("platform", "TikTokShop", "Did you mean 'TikTok Shop'?"),
        ("market", "Thailnd", "Did you mean 'Thailand'?"), ("market", "US,Thailand", "joined by a comma and a space"),
        ("market", "Spain, Irland", "Did you mean 'Spain, Ireland'?"), ("metric", "GMV", "gmv_monthly_average"),
        ("period", "2024H3", "2024H1"), ("period", "2024-02-30", "2024-06-08"),
        ("period", "2024-06..2024-05", "joined by .."), ("period", "9999", "2024H1"), ("value", "", "a number"),
        ("value", "1,5", "a point for decimals"), ("value", "1 000", "no thousands marks"),
        ("value", ".5", "a number"), ("value", "+5", "a number"), ("value", "nan", "a number"),
        ("value", "1e5", "a number"), ("value", "0x10", "a number"), ("value", "9" * 400, "a number"),
        ("unit", "USD bm", "Did you mean 'USD bn'?"), ("unit", "usd bn", "Did you mean 'USD bn'?"),
        ("unit", "USD  bn", "'USD bn'"), ("unit", "KRW bn", "a currency of fx.csv"), ("unit", "%", "'USD bn'"),
        ("unit", "", "'USD bn'"), ("qualifier", "approx", "just over"), ("kind", "forecast", "estimate"),
        ("basis", "Press", "Did you mean 'press'?"), ("counter", "nobody", "unstated"),
        ("source", "S999", "a source of sources.csv"), ("known_on", "2024-7-31", "YYYY-MM-DD"),
        ("known_on", "2024-02-30", "YYYY-MM-DD"), ("known_on", "20240731", "YYYY-MM-DD"),
        ("known_on_basis", "guessed", "published, inferred"), ("confidence", "certain", "high, medium, low"),
        ("vintage", "second", "revised"), ("replaced_by", "A0024", "column withdrawn says why"),
    ],
    "facts.csv A0003": [
        ("unit", "USD bn", "%"), ("unit", "bn %", "%"),
    ],
    "facts.csv A0019": [
        ("unit", "mn sellerz", "Did you mean 'mn sellers'?"),
    ],
    "facts.csv A0015": [
        ("value", "202313", "a date that exists"), ("unit", "yyyymmdd", "yyyymm for a month"),
    ],
    "sources.csv S001": [
        ("title", "", "some text"), ("url", "javascript:alert(1)", "begins with http"),
        ("url", "https://a.example/b c", "begins with http"),
    ],
    "events.csv E016": [
        ("date", "12 Sep 2023", "2024-06-08"), ("platform", "Tiktok Shop", "TikTok Shop"), ("market", "USA", "US"),
        ("kind", "opening", "launch"), ("event", "", "some text"), ("source", "S999", "a source of sources.csv"),
        ("known_on", "2023", "empty, or the day"),
    ],
    "fx.csv THB": [
        ("currency", "thb", "three capitals"), ("period", "2024Q6", "2024Q2"), ("per_usd", "0", "above zero"),
        ("per_usd", "-36.7", "above zero"), ("per_usd", "36,7", "above zero"), ("per_usd", "9" * 400, "above zero"),
        ("source", "S999", "a source of sources.csv"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("row", BAD)
def test_a_bad_cell_is_named_with_its_place_and_what_is_allowed(data_copy, row):
    """Each in a row of its own: all are told at once, each once."""
    file, first = row.split(" ")
    own = {"facts.csv": "id", "sources.csv": "source", "events.csv": "id", "fx.csv": "period"}[file]
    expected = []
    for n, (column, value, _) in enumerate(BAD[row]):
        cells = {own: f"20{n:02d}Q1" if own == "period" else f"X{n:02d}"} | {column: value}
        expected.append((file, data_copy.add(file, first, **cells), column, value))
    problems = refused(data_copy)
    assert places(problems) == expected
    for problem, (_, value, told) in zip(problems, BAD[row], strict=True):
        place = f"{file}, line {problem.line}, column {problem.column}: {value!r}. Allowed: "
        assert str(problem).startswith(place) and told in str(problem)


# The measure of a metric, a metric and its unit, and values just inside and just outside of the bound.
BOUNDS = {
    "money": ("gmv", "USD bn", ["0", "5"], ["-0.001"]),
    "money per order": ("free_shipping_threshold", "USD per order", ["0"], ["-0.01"]),
    "gain per order": ("seller_shipping_margin_per_order", "USD per order", ["-1", "0"], []),
    "share": ("share_of_market_gmv", "%", ["0", "100"], ["-0.1", "100.1"]),
    "ratio": ("target_completion", "%", ["0", "120"], ["-0.1"]),
    "growth": ("gmv_growth_yoy", "%", ["-99.9", "1500"], ["-100"]),
    "multiple": ("gmv_multiple_of_prior_year", "multiple", ["0.001"], ["0", "-1"]),
    "duration": ("livestream_duration", "hours", ["0"], ["-0.5"]),
    "count": ("staff", "people", ["0"], ["-1"]),
    "clock": ("livestream_start_hour", "o'clock", ["0", "24"], ["-1", "24.5"]),
    "date": ("promotion_date", "yyyymmdd", ["20240229"], ["20230229", "0", "-20240229", "2024.1231"]),
}


def test_a_value_beyond_what_its_measure_can_be_is_refused(data_copy, ledger):
    expected = []
    for measure, (metric, unit, inside, outside) in BOUNDS.items():
        assert ledger.vocabulary.metrics[metric].measure == measure
        for value in inside + outside:
            name = f"X{len(data_copy.rows('facts.csv'))}"
            line = data_copy.add("facts.csv", "A0025", id=name, metric=metric, unit=unit, value=value)
            expected += [("facts.csv", line, "value", value)] * (value in outside)
    assert places(refused(data_copy)) == expected


def test_a_name_used_twice_is_refused_and_both_lines_are_told(data_copy):
    first = next(line for line, row in enumerate(data_copy.rows("facts.csv"), 1) if row[0] == "A0025")
    lines = data_copy.add("facts.csv", "A0025"), data_copy.add("fx.csv", "THB", period="2024Q2")
    told = refused(data_copy)
    assert places(told) == [("facts.csv", lines[0], "id", "A0025"), ("fx.csv", lines[1], "currency", "THB 2024Q2")]
    assert f"line {first} " in told[0].allowed


@pytest.mark.parametrize(
    ("quarter", "usable"), [("2024Q2", True), ("2024Q1", True), ("2024Q3", False), ("2024", False), (None, False)]
)
def test_an_amount_needs_a_rate_that_was_public_when_it_was(data_copy, quarter, usable):
    """A0025 is of June 2024 and public on 31 July."""
    if quarter:
        data_copy.add("fx.csv", "THB", currency="KRW", period=quarter, per_usd="1370")
    line = data_copy.put("facts.csv", "A0025", "unit", "KRW bn")
    if usable:
        gmv = make_report(data_copy.read()).fact("US", "gmv", Span.parse("2024-06"))
        assert (gmv.unit, gmv.value) == ("USD", pytest.approx(0.66e9 / 1370))
    else:
        assert places(refused(data_copy)) == [("facts.csv", line, "unit", "KRW bn")]


def test_a_withdrawn_row_is_kept_aside_with_its_reason(data_copy, ledger):
    """P0025 leads the world's GMV of 2024."""
    data_copy.put("facts.csv", "P0025", "withdrawn", "counted twice")
    data_copy.put("facts.csv", "P0025", "replaced_by", "P0481")
    read = data_copy.read()
    assert read.withdrawn.loc["P0025", "withdrawn"] == "counted twice"
    assert list(read.cell("TikTok Shop", "Global", "gmv", Span.parse("2024")).index)[:2] == ["P0481", "Q0087"]
    assert "P0025" not in read.facts.index
    assert "P0025" not in read.known_by(date(2025, 2, 13)).withdrawn.index
    assert read.fingerprint != ledger.fingerprint


def test_a_long_list_of_what_is_allowed_is_told_once(data_copy):
    for row in ("A0024", "A0025", "A0026"):
        data_copy.put("facts.csv", row, "unit", "USD bm")
    message = str(LedgerError(refused(data_copy)))
    assert message.count("a currency of fx.csv or USD") == 1
    assert message.count("Did you mean 'USD bn'?") == 3
    assert str(pickle.loads(pickle.dumps(LedgerError(refused(data_copy))))) == message  # as a worker sends it


def test_a_misspelt_column_is_told_with_the_one_that_is_missing(data_copy):
    header, *rows = data_copy.rows("fx.csv")
    data_copy.write("fx.csv", [["currency", "perid", *header[2:]], *rows])
    unknown, missing = refused(data_copy)
    assert places([unknown]) == [("fx.csv", 1, None, "perid")]
    assert all(name in unknown.allowed for name in header) and unknown.hint == "period"
    assert (missing.file, missing.line, missing.allowed) == ("fx.csv", 1, "a column period")


@pytest.mark.parametrize(
    ("spoil", "line", "allowed"),
    [
        (lambda raw: b"", 1, "a header line"),
        (lambda raw: raw.splitlines()[0] + b"\n", 1, "at least one row"),
        (lambda raw: raw.decode().encode("utf-16"), 1, "UTF-8"),
        (lambda raw: swap(raw, 4, "逼近".encode("gb18030")), 4, "UTF-8"),
        (lambda raw: swap(raw, 3, b"a\0b"), 3, "zero bytes"),
        (lambda raw: swap(raw, 3, raw.splitlines()[2] + b",more"), 3, "cells, one for each column"),
        (lambda raw: swap(raw, 3, b'"' + raw.splitlines()[2]), 3, "every quote closed"),
    ],
)
def test_a_broken_file_is_told_with_the_line_where_it_breaks(data_copy, spoil, line, allowed):
    path = data_copy.path / "fx.csv"
    path.write_bytes(spoil(path.read_bytes()))
    (problem,) = refused(data_copy)
    assert (problem.file, problem.line) == ("fx.csv", line)
    assert allowed in problem.allowed


def test_missing_files_are_told_with_their_names(data_copy):
    files = ["claims.toml", "fx.csv", "scenarios.toml", "vocabulary.toml"]
    for file in files:
        (data_copy.path / file).unlink()
    (data_copy.path / "fx.csv").mkdir()
    assert [p.file for p in refused(data_copy)] == files


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[platforms]", "[platforms", "TOML"), ("[platforms]", "[platform]", "platforms"),
        ("[metrics.gmv]\nmeasure", "[metrics.gmv]\nmesure", "measure"),
        ('[metrics.gmv]\nmeasure = "money"', '[metrics.gmv]\nmeasure = "cash"', "metrics.gmv"),
        ('US = { name = "the US" }', "US = { name = 3 }", ""), ('of = ["UK", "Spain"', 'of = ["UK", "Spian"', "Spian"),
        ('of = ["UK", "Spain"', 'of = [["UK"], "Spain"', ""), ("[platforms]\n", "platforms = 3\n[other]\n", ""),
        ("# The words", "\udcff", "UTF-8"),
    ],
)  # fmt: skip
def test_a_broken_vocabulary_is_told_with_its_name(data_copy, old, new, told):
    path = data_copy.path / "vocabulary.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8", "surrogateescape"))
    problems = refused(data_copy)
    assert {p.file for p in problems} == {"vocabulary.toml"}
    assert told in str(problems[0])


def swap(raw: bytes, line: int, new: bytes) -> bytes:
    lines = raw.splitlines()
    return b"\n".join([*lines[: line - 1], new, *lines[line:]]) + b"\n"


LEFT = {
    "mark": lambda text: "\ufeff" + text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "emptied rows": lambda text: text.replace("\n", "\n\n,,,,\n \xa0,,,\n"),
    "empty columns": lambda text: text.replace("\n", ",,\n"),
    "an empty column in between": lambda text: text.replace(",", ",,"),
    "spaces": lambda text: text.replace(",", " , ").replace("\n", "\xa0\n"),
    "no end of line at the end": lambda text: text.removesuffix("\n"),
    "semicolons": lambda text: text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "decimal commas": lambda text: text.replace(",", ";").replace(".", ","),
    "sep=": lambda text: "sep=,\n" + text,
    "sep=;": lambda text: "\ufeffsep=;\r\n" + text.replace(",", ";"),
    "sep=, saved again": lambda text: '"sep=;",,,\n' + text,
}


@pytest.mark.parametrize("left", LEFT)
def test_what_a_spreadsheet_makes_of_a_file_changes_nothing(data_copy, ledger, left):
    path = data_copy.path / "fx.csv"
    path.write_text(LEFT[left](path.read_text(encoding="utf-8")), encoding="utf-8", newline="")
    assert data_copy.read().fingerprint == ledger.fingerprint


@pytest.mark.parametrize("above", ["Our figures,,,\n,,,\n", "Our figures\n", "sep=;\nOur figures;;;\n"])
def test_a_title_above_the_header_is_one_problem_that_names_it(data_copy, above):
    path = data_copy.path / "fx.csv"
    path.write_text(above + path.read_text(encoding="utf-8"), encoding="utf-8", newline="")
    (problem,) = refused(data_copy)
    assert (problem.file, problem.value.split(";")[0]) == ("fx.csv", "Our figures")
    assert "the header as the first row" in problem.allowed


@pytest.mark.parametrize(
    ("dress", "further"),
    [
        (lambda text: "\ufeff" + text.replace("\n", "\r\n"), 0),
        (lambda text: text.replace("\nA0002,", "\n\n\nA0002,"), 2),
        (lambda text: text.replace("500亿美元GMV", '"one\ntwo\n\nthree"'), 3),
        (lambda text: text.replace("500亿美元GMV", '"one\u2028two\x85three\x0bfour"'), 0),  # no line ends to an editor
    ],
    ids=["mark and CRLF", "empty lines", "quoted line ends", "exotic separators"],
)
def test_line_numbers_are_those_of_an_editor(data_copy, dress, further):
    line = data_copy.put("facts.csv", "A0025", "value", "much")
    path = data_copy.path / "facts.csv"
    path.write_text(dress(path.read_text(encoding="utf-8")), encoding="utf-8", newline="")
    assert places(refused(data_copy)) == [("facts.csv", line + further, "value", "much")]


HOSTILE = [
    "", " ", "-", "=1+1", "nan", "inf", "1e999", "9" * 400, "９", "0001", "9999", "9999-12-31", "0000", "2024..",
    "a\nb", '"', "'", ",", "<script>", "$|", "\x85", "\ufeff", "USD", "USD per order", "VND tn", "bn %", "bn", "count",
    "Global, US",
]  # fmt: skip


def spoilt(tmp_path_factory, file: str, content: str | bytes):
    """A folder like the shipped one but for one file; one folder for all examples that spoil the same file."""
    folder = tmp_path_factory.getbasetemp() / f"spoilt {file}"
    if not folder.exists():
        shutil.copytree(DATA, folder)
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def table(file: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO((DATA / file).read_text(encoding="utf-8"), newline="")))


def as_csv(rows) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def reads_or_tells(folder, file: str):
    """The ledger, or None after an error that names the file; nothing else may be raised."""
    try:
        return read_ledger(folder)
    except LedgerError as error:
        assert error.problems
        lines = (folder / file).read_bytes().count(b"\n") + (folder / file).read_bytes().count(b"\r") + 1
        for problem in error.problems:
            assert problem.file in str(error) and problem.allowed
            assert problem.file == file or problem.column in ("source", "unit", "id")  # what another file refers to
            assert problem.line is None or problem.file != file or 1 <= problem.line <= lines
        return None


@slow
@given(st.data())
def test_facts_with_any_bytes_changed_are_read_or_told(tmp_path_factory, data):
    raw = bytearray((DATA / "facts.csv").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 40))] = data.draw(
            st.binary(max_size=20)
            | st.sampled_from(
                [b'"', b"\n", b"\r", b",", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n\r\n", b'""', b"," * 18]
            )
        )
    reads_or_tells(spoilt(tmp_path_factory, "facts.csv", bytes(raw)), "facts.csv")


@settings(slow, max_examples=30)
@given(st.data())
def test_facts_with_any_cell_changed_are_told_or_can_be_quoted(tmp_path_factory, data):
    rows = table("facts.csv")
    number = data.draw(st.integers(1, len(rows) - 1), label="row")
    # The columns that are worked with, more often than those that are only shown.
    columns = st.sampled_from(["period", "value", "unit", "known_on", "metric", "market"]) | st.sampled_from(
        rows[0][1:]
    )
    for name in data.draw(st.lists(columns, min_size=1, max_size=2, unique=True), label="columns"):
        column = rows[0].index(name)
        others = st.integers(1, len(rows) - 1).map(lambda row, column=column: rows[row][column])
        rows[number][column] = data.draw(st.sampled_from(HOSTILE) | others | st.text(max_size=8), label="cell")
    folder = spoilt(tmp_path_factory, "facts.csv", as_csv(rows))
    ledger = reads_or_tells(folder, "facts.csv")
    if ledger is None or rows[number][0] not in ledger.facts.index:
        return
    try:
        quoted = make_report(ledger, quarter="2024Q4", as_of="2030-01-01").by_id(rows[number][0])
    except InputError:
        return  # such as an amount of a year before the first rate
    assert quoted.text and quoted.html() and quoted.origins[0].period


@slow
@given(st.binary(max_size=200))
@pytest.mark.parametrize("file", ["facts.csv", "fx.csv", "vocabulary.toml"])
def test_a_file_of_anything_is_told(tmp_path_factory, file, raw):
    assert reads_or_tells(spoilt(tmp_path_factory, file, raw), file) is None


BEST = {"confidence": "high", "basis": "official", "qualifier": "exact", "known_on": "2024-06-30", "id": "X1"}
WORST = {"confidence": "low", "basis": "press", "qualifier": "up to", "known_on": "2024-03-01", "id": "X9"}
# As data/README.md states it, "Which fact leads".
RANKED = {
    "confidence": ["high", "medium", "low"],
    "basis": ["official", "company", "leak", "tracker", "analyst", "press"],
    "qualifier": ["exact", "about", "just over", "more than", "less than", "up to"],
    "known_on": ["2024-06-30", "2024-06-29", "2024-03-01"],
    "id": ["X1", "X2", "X3"],
}


def test_the_first_difference_decides_which_fact_leads(data_copy):
    expected = {}
    steps = [(column, *step) for column, ranks in RANKED.items() for step in pairwise(ranks)]
    for n, (column, better, worse) in enumerate(steps):
        ahead = list(BEST)[: list(BEST).index(column)]
        # Alike before the step, and after it the loser has the best of everything.
        winner = WORST | {name: "medium" if name == "confidence" else WORST[name] for name in ahead} | {column: better}
        loser = BEST | {name: winner[name] for name in ahead} | {column: worse}
        if column != "id":
            winner["id"], loser["id"] = "X9", "X1"
        period = f"{2017 + n // 12}-{1 + n % 12:02d}"  # nothing is published for it in the shipped data
        expected[period] = [f"{cells['id']}.{n}" for cells in (winner, loser)]
        for cells in (loser, winner):
            data_copy.add("facts.csv", "A0025", period=period, **cells | {"id": f"{cells['id']}.{n}"})
    ledger = data_copy.read()
    found = {period: ledger.cell("TikTok Shop", "US", "gmv", Span.parse(period)) for period in expected}
    assert {period: list(cell.index) for period, cell in found.items()} == expected


def test_a_figure_leads_a_forecast_made_before_its_period_was_over(data_copy):
    data_copy.add("facts.csv", "A0025", period="2024-02", **WORST | {"id": "X1"})  # counted, by the worst of sources
    for cells in (BEST | {"id": "X2", "known_on": "2024-02-28"}, WORST | {"id": "X3", "known_on": "2024-02-29"}):
        data_copy.add("facts.csv", "A0025", period="2024-02", **cells)  # day 28 of 29, and the last
    ledger = data_copy.read()
    assert list(ledger.cell("TikTok Shop", "US", "gmv", Span.parse("2024-02")).index) == ["X1", "X3", "X2"]


@pytest.mark.parametrize("file", CSV_FILES)
def test_the_order_of_rows_and_columns_never_matters(tmp_path_factory, ledger, file):
    draw, (header, *rows) = random.Random(file), table(file)
    draw.shuffle(rows)
    columns = draw.sample(range(len(header)), len(header))
    other = read_ledger(spoilt(tmp_path_factory, file, as_csv([[row[c] for c in columns] for row in [header, *rows]])))
    pd.testing.assert_frame_equal(other.facts, ledger.facts)
    pd.testing.assert_frame_equal(other.events, ledger.events)
    assert other.fingerprint == ledger.fingerprint
    for span in (Span.parse("2024H1"), Span.parse("2023-12-15..2024-01-15")):
        mine, theirs = ledger.rate("VND", span), other.rate("VND", span)
        assert (mine.value, mine.origins) == (theirs.value, theirs.origins)


@pytest.mark.parametrize("day", ["2019-01-01", "2024-08-29", "2030-01-01"])
def test_a_view_hides_every_later_row_and_no_other(ledger, day):
    view = ledger.known_by(date.fromisoformat(day))
    assert set(view.facts.index) == {name for name, known in ledger.facts["known_on"].items() if known <= day}
    assert (view.fx["end"] <= date.fromisoformat(day)).all()
    assert len(view.fx) == sum(end.isoformat() <= day for end in ledger.fx["end"])
    cited = {source for table in (view.facts, view.withdrawn, view.events, view.fx) for source in table["source"]}
    assert set(view.sources.index) == cited
    assert (view.events["public"] <= date.fromisoformat(day)).all()
    assert all(entry.day.isoformat() <= day for s in view.assumptions.scenarios.values() for entry in s.history)


def test_what_is_not_yet_public_leaves_the_fingerprint_alone(data_copy, ledger):
    for file, like, cells in (
        ("facts.csv", "A0025", {"id": "A0000", "known_on": "2024-08-30"}),
        ("events.csv", "E016", {"id": "E000", "date": "2024-08-30"}),
        ("events.csv", "E016", {"id": "E0001", "date": "2024-08", "known_on": "2024-08-30"}),
        ("sources.csv", "S001", {"source": "S000"}),  # nothing cites it yet
        ("fx.csv", "BRL", {"period": "2026Q1"}),
        ("fx.csv", "BRL", {"currency": "AED", "period": "2024Q4"}),
    ):
        data_copy.add(file, like, **cells)
        rows = data_copy.rows(file)
        data_copy.write(file, [rows[0], rows[-1], *rows[1:-1]])  # at the head of the file, where it shifts all others
    first, later = "  { from = 2024-03-13", '  { from = 2030-01-01, probability = 0.01, reason = "made up" },\n'
    data_copy.replace("scenarios.toml", first, later + first)
    other, day = data_copy.read(), date(2024, 8, 29)
    assert other.known_by(day).fingerprint == ledger.known_by(day).fingerprint
    assert other.fingerprint != ledger.fingerprint


def test_a_change_of_any_public_cell_or_word_changes_the_fingerprint(data_copy, ledger):
    day, seen = date(2024, 8, 29), {ledger.known_by(date(2024, 8, 29)).fingerprint}
    for cell in ("facts.csv A0025 value 0.67", "facts.csv A0025 note another", "sources.csv S001 title another",
                 "events.csv E016 event another", "fx.csv THB,2024Q2 per_usd 36.704498"):  # fmt: skip
        data_copy.put(*cell.split())
        seen.add(data_copy.read().known_by(day).fingerprint)
    data_copy.replace("vocabulary.toml", 'name = "the US"', 'name = "America"')
    assert len(seen | {data_copy.read().known_by(day).fingerprint}) == 7


@pytest.mark.parametrize(
    ("currency", "period", "as_of", "expected"),
    [
        # THB: 2024Q1 35.6616, 2024Q2 36.704497, 2024Q3 34.82568, 2024Q4 33.973096.
        ("THB", "2024Q2", None, 36.704497),
        ("THB", "2024-05", None, 36.704497),  # a month, a day: the quarter around it
        ("THB", "2024H1", None, (91 * 35.6616 + 91 * 36.704497) / 182),  # 2024Q1 has a 29 February
        ("THB", "2024", None, (91 * 35.6616 + 91 * 36.704497 + 92 * 34.82568 + 92 * 33.973096) / 366),
        ("THB", "2024", "2024-08-29", (91 * 35.6616 + 91 * 36.704497) / 182),  # the quarters that are over
        ("THB", "2024Q3", "2024-08-29", 36.704497),  # not over: the latest that is
        ("THB", "2024Q2", "2024-06-29", 35.6616),  # a day before its rate is public
        ("THB", "2024Q2", "2024-06-30", 36.704497),
        # VND: 2021Q1 23073.769977, Q2 23067.324339, Q3 22952.858956, Q4 22722.882927; row 2021 is only for comparison.
        ("VND", "2021", None, (90 * 23073.769977 + 91 * 23067.324339 + 92 * 22952.858956 + 92 * 22722.882927) / 365),
        ("VND", "2024-12-31", None, 25158.878579),  # the average of 2024Q4, not the row of that day
        ("USD", "2024", None, 1),
    ],
)
def test_a_rate_is_the_average_of_its_quarters_by_days(ledger, currency, period, as_of, expected):
    view = ledger if as_of is None else ledger.known_by(date.fromisoformat(as_of))
    found = view.rate(currency, Span.parse(period))
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.unit == ("" if currency == "USD" else f"{currency}/USD")


def test_a_rate_that_nobody_published_is_unknown_and_says_so(ledger):
    for currency, period, as_of in (("THB", "2020", None), ("XXX", "2024", None), ("THB", "2024", "2021-03-30")):
        rate = ledger.known_by(date.fromisoformat(as_of or "2030-01-01")).rate(currency, Span.parse(period))
        assert not rate and rate.missing == (f"exchange rate of {currency} for {period}",)


UNIT = {
    "USD": (1, "USD"), "USD k": (1e3, "USD"), "USD 10k": (1e4, "USD"), "THB mn": (1e6, "THB"), "VND tn": (1e12, "VND"),
    "USD per order": (1, "USD/order"), "%": (0.01, "%"), "multiple": (1, "×"), "days": (1, "day"),
    "orders": (1, "order"), "bn orders": (1e9, "order"), "10k users": (1e4, "user"), "people": (1, "person"),
    "count": (1, ""), "mn": (1e6, ""), "o'clock": (1, "o'clock"), "yyyymm": (1, "yyyymm"),
}  # fmt: skip


def test_a_written_unit_is_a_scale_and_a_unit():
    assert {unit: split_unit(unit) for unit in UNIT} == UNIT
    for unit in ("US$ bn", "USD bn bn", "bn %", "mn days", "k multiple", "% %", "order", "bn  orders", ""):
        with pytest.raises(ValueError):
            split_unit(unit)


def test_an_origin_is_what_was_printed_where_and_when(ledger):
    origin = ledger.origin("A0003")
    assert (origin.id, origin.printed, origin.period, origin.basis) == ("A0003", "just over 30 %", "H1 2024", "press")
    assert origin.known_on == "31 July 2024 (inferred)"
    assert "(S001)" in origin.source
    (rate,) = ledger.rate("THB", Span.parse("2024H1")).origins
    assert (rate.id, rate.period, rate.known_on) == ("THB 2024H1", "Q1 2024, Q2 2024", "30 June 2024")


def test_an_event_of_several_markets_is_found_by_each(ledger):
    assert ledger.event("TikTok Shop", "Spain", "announcement").name == "E026"
    assert ledger.event("TikTok Shop", "Ireland", "launch").name == "E038"
    assert ledger.event("TikTok Shop", "Spai", "launch") is None
    assert ledger.event("Temu", "Indonesia", "launch") is None


def test_a_market_cell_sums_up_its_members(ledger):
    members = ledger.vocabulary.members
    assert members("US") == ("US",)
    assert members("Spain, Ireland") == ("Spain", "Ireland")
    assert set(members("EU, UK")) == {"UK", "Spain", "Ireland", "France", "Germany", "Italy", "Poland"}
    assert members("UK, Europe").count("UK") == 1
    assert len(members("Global")) == 18
    assert members("Western Europe") == ()


def test_a_sentence_calls_a_market_by_its_name(ledger):
    names = {"US": "the US", "Spain, Ireland": "Spain and Ireland", "UK, Global, US": "the UK, the world and the US"}
    assert {market: ledger.vocabulary.call(market) for market in names} == names
