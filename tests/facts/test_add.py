"""Adding rows to the data folder: what is understood, what is refused, and that a file is whole, old or new."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts import add as intake
from analysis.facts.add import IntakeError, add
from analysis.facts.schema import COLUMNS, LedgerError

# A made-up figure; the cell has 33.2 (P0025), 32.6 (P0481), 40 (P0027) and 42 USD bn (P0028) already.
FACT = {
    "id": "X0001", "platform": "TikTok Shop", "market": "Global", "metric": "gmv", "period": "2024", "value": "41.5",
    "unit": "USD bn", "qualifier": "about", "kind": "actual", "basis": "leak", "counter": "unstated",
    "source": "S001",
    "known_on": "2025-03-05", "known_on_basis": "published", "confidence": "low", "quote": "", "note": "fictitious"
}  # fmt: skip
SOURCE = {"source": "X001", "title": "A fictitious page", "publisher": "", "published": "2025-03-05", "url": ""}


def as_csv(rows: list[dict], **how) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), **({"lineterminator": "\n"} | how))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture
def put(tmp_path):
    def write(*rows: dict, name: str = "new.csv", mark: str = "", **how) -> Path:
        path = tmp_path / name
        path.write_text(mark + as_csv(list(rows), **how), encoding="utf-8", newline="")
        return path

    return write


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(files: list[Path], folder: Path) -> list[tuple]:
    """The places of the problems for which nothing may have been added."""
    before = content(folder)
    with pytest.raises(LedgerError) as caught:
        add(files, folder)
    assert content(folder) == before
    return [(p.file, p.line, p.column, p.value) for p in caught.value.problems]


def test_new_rows_follow_the_old_bytes_in_the_columns_of_the_file(data_copy, put):
    before = content(data_copy.path)
    backwards = dict(reversed((FACT | {"quote": 'says "41.5", or so', "note": "one\ntwo"}).items()))
    told = add([put(backwards)], data_copy.path)
    after = content(data_copy.path)
    line = "X0001,TikTok Shop,Global,gmv,2024,41.5,USD bn,about,actual,leak,unstated,,S001,2025-03-05,published,,low,,,"
    line += '"says ""41.5"", or so","one\ntwo"\n'
    assert after == before | {"facts.csv": before["facts.csv"] + line.encode()}
    assert data_copy.read().facts.loc["X0001", "number"] == 41.5e9
    assert told.endswith("added to facts.csv: 1 row (X0001)")


@pytest.mark.parametrize(
    ("dress", "tail"),
    [
        (lambda raw: raw.replace(b"\n", b"\r\n"), b"X0001,TikTok Shop,"),
        (lambda raw: b"\xef\xbb\xbf" + raw, b"X0001,TikTok Shop,"),
        (lambda raw: raw.removesuffix(b"\n"), b"\nX0001,TikTok Shop,"),
        (lambda raw: b"sep=;\n" + raw.replace(b"\n", b",,\n"), b"X0001,TikTok Shop,"),
        (
            lambda raw: as_csv(
                list(csv.DictReader(io.StringIO(raw.decode(), newline=""))), quoting=csv.QUOTE_ALL
            ).encode(),
            b'"X0001","TikTok Shop",',
        ),
    ],
    ids=["CRLF", "mark", "no end of line at the end", "sep= and empty columns", "all quoted"],
)
def test_the_dress_of_the_file_is_kept(data_copy, put, dress, tail):
    path = data_copy.path / "facts.csv"
    path.write_bytes(dress(path.read_bytes()))
    before = path.read_bytes()
    add([put(FACT)], data_copy.path)
    after = path.read_bytes()
    assert after.startswith(before + tail)
    assert after.endswith(b"\r\n") == (b"\r\n" in before)
    data_copy.read()


def test_a_number_that_can_be_read_in_two_ways_is_refused(data_copy, put):
    values = ["1,500", "1.500", "-16,704"]
    path = put(*(FACT | {"id": f"X{n}", "value": value} for n, value in enumerate(values)), delimiter=";")
    assert refused([path], data_copy.path) == [("new.csv", n + 2, "value", value) for n, value in enumerate(values)]
    for value, delimiter in (("1.234,5", ";"), ("1 500", ";"), ("33,25", ","), ("1,500", ",")):
        path = put(FACT | {"value": value}, delimiter=delimiter)
        assert refused([path], data_copy.path) == [("new.csv", 2, "value", value)]


def test_each_file_finds_its_table(data_copy, put):
    before = {name: len(data_copy.rows(name)) for name in COLUMNS if name != "arguments.csv"}
    files = [
        put(FACT | {"source": "X001", "unit": "KRW tn"}, name="a.csv"),
        put({"id": "X1", "date": "2025-03", "platform": "TikTok Shop", "market": "Japan", "kind": "launch",
             "event": "A fictitious launch", "known_on": "", "source": "X001"}, name="b.csv"),
        put({"currency": "KRW", "period": "2024Q4", "per_usd": "1396,6", "source": "X001"}, delimiter=";"),
        put(SOURCE, name="d.csv"),
    ]  # fmt: skip
    added = add(files, data_copy.path)
    assert {name: len(data_copy.rows(name)) for name in before} == {name: rows + 1 for name, rows in before.items()}
    assert data_copy.read().rate("KRW", data_copy.read().facts.loc["X0001", "span"]).value == 1396.6
    assert added.splitlines()[-4:] == [
        "added to sources.csv: 1 row (X001)",
        "added to events.csv: 1 row (X1)",
        "added to fx.csv: 1 row (KRW 2024Q4)",
        "added to facts.csv: 1 row (X0001)",
    ]


def test_the_same_figure_of_the_same_source_is_skipped_and_said(data_copy, put):
    """P0025 is 33.2 USD bn from S004."""
    before = content(data_copy.path)
    path = put(
        FACT | {"source": "S004", "value": "33.20"},
        FACT | {"id": "X0002", "source": "S004", "value": "33200", "unit": "USD mn"},
    )
    told = add([path], data_copy.path)
    assert "new.csv, line 2: X0001; P0025 says the same" in told
    assert "new.csv, line 3: X0002; P0025 says the same" in told
    assert told.endswith("nothing was added")
    assert content(data_copy.path) == before


def test_one_count_from_another_page_is_skipped_and_said(data_copy, put):
    """The same counter, publication and cell: P0003 and P0017 are two digests of one report."""
    header, *rows = data_copy.rows("facts.csv")
    old = dict(zip(header, next(row for row in rows if row[0] == "P0003"), strict=True))
    told = add([put(old | {"id": "X0001", "source": "S001", "note": "another page"})], data_copy.path)
    assert told.splitlines()[0].endswith("X0001; P0003 says the same") and told.endswith("nothing was added")


def test_an_error_without_words_names_the_file_and_what_to_do(data_copy, put, monkeypatch):
    def full(*given):
        raise OSError

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IntakeError, match=r"facts\.csv|data: OSError; nothing was added\. .*run it again"):
        add([put(FACT)], data_copy.path)


def test_a_file_added_twice_adds_nothing_the_second_time(data_copy, put):
    files = [put(FACT | {"source": "X001"}), put(SOURCE, name="sources of mine.csv")]
    add(files, data_copy.path)
    before = content(data_copy.path)
    again = add(files, data_copy.path)
    assert again.count("says the same") == 2 and again.endswith("nothing was added")
    assert content(data_copy.path) == before


def test_another_figure_for_the_same_cell_is_added_and_said_with_both(data_copy, put):
    path = put(FACT | {"source": "S004"}, FACT | {"id": "X0002", "market": "Japan"})
    told = add([path], data_copy.path)
    assert "X0001: about 41.5 USD bn by leak" in told
    assert re.findall(r"(?m)^    (\w+): ", told) == ["P0025", "P0481", "Q0087"]
    assert "P0025: 33.2 USD bn by tracker" in told
    assert {"X0001", "X0002"} <= set(data_copy.read().facts.index)


def test_rows_of_one_file_are_held_against_each_other(data_copy, put):
    japan = FACT | {"market": "Japan"}
    path = put(japan, japan | {"id": "X0002", "note": "the same again"}, japan | {"id": "X0003", "value": "1"})
    told = add([path], data_copy.path)
    assert "X0002; X0001 says the same" in told
    assert "line 4: X0003" in told and re.findall(r"(?m)^    (\w+): ", told) == ["X0001"]
    assert told.endswith("added to facts.csv: 2 rows (X0001, X0003)")


def test_every_bad_cell_is_told_with_its_place_in_its_own_file_and_nothing_is_added(data_copy, put):
    facts = put(
        FACT | {"note": "two\nlines"}, FACT | {"id": "X0002", "period": "2024H3", "source": "X999"},
        FACT | {"id": "X0003", "unit": "EURO"}, name="facts of mine.csv",
    )  # fmt: skip
    sources = put(SOURCE | {"url": "www"}, name="sources of mine.csv")
    assert refused([facts, sources], data_copy.path) == [
        ("facts of mine.csv", 4, "period", "2024H3"),
        ("facts of mine.csv", 4, "source", "X999"),
        ("facts of mine.csv", 5, "unit", "EURO"),
        ("sources of mine.csv", 2, "url", "www"),
    ]


def test_a_name_that_is_taken_by_another_row_is_refused(data_copy, put):
    path = put(FACT | {"id": "P0025"}, FACT, FACT | {"value": "2"})
    assert refused([path], data_copy.path) == [("new.csv", 2, "id", "P0025"), ("new.csv", 4, "id", "X0001")]


def test_files_that_cannot_be_read_are_told_at_once(data_copy, tmp_path):
    for name, raw in (("a.csv", b""), ("b.csv", b"id;platform;market;metric\n"), ("c.csv", b"id;t\xed")):
        (tmp_path / name).write_bytes(raw)
    told = refused([tmp_path / name for name in ("a.csv", "b.csv", "c.csv")], data_copy.path)
    assert {file for file, *_ in told} == {"a.csv", "b.csv", "c.csv"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_any_words_come_back_as_they_were(words):
    before = b"id,quote,note\r\n"
    row = {"id": "X", "quote": words, "note": ""}
    text = (before + intake._appendix("facts.csv", before, [row])).decode()
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [row]


def analysis(*arguments, before: str = "") -> subprocess.Popen:
    code = f"import sys; from analysis.__main__ import main\n{before}\nsys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


KILL = """
import os, signal
real, calls = os.{function}, []
def killed(*given):
    calls.append(given)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)
os.{function} = killed"""


@pytest.mark.parametrize(
    ("function", "call", "replaced"),
    [("fsync", 2, set()), ("replace", 2, {"sources.csv"})],
)
def test_a_kill_leaves_each_file_old_or_new_and_the_folder_readable(data_copy, put, function, call, replaced):
    before = content(data_copy.path)
    files = [put(FACT | {"source": "X001"}), put(SOURCE, name="s.csv")]
    run = analysis("add", *files, "--data", data_copy.path, before=KILL.format(function=function, call=call))
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    after = content(data_copy.path)
    assert {name for name in before if after[name] != before[name]} == replaced
    data_copy.read()
    # What the dead run left behind is in nobody's way.
    assert add(files, data_copy.path).endswith("added to facts.csv: 1 row (X0001)")
    assert set(content(data_copy.path)) == set(before)
    assert data_copy.read().facts.loc["X0001", "source"] == "X001"


def test_runs_at_once_all_land(data_copy, put):
    before = (data_copy.path / "facts.csv").read_bytes()
    names = [f"X{number:04}" for number in range(3)]
    files = [put(FACT | {"id": name, "source": name}, name=f"{name}.csv") for name in names]
    sources = [put(SOURCE | {"source": name}, name=f"s{name}.csv") for name in names]
    runs = [analysis("add", *pair, "--data", data_copy.path) for pair in zip(files, sources, strict=True)]
    told = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * 3, told
    assert (data_copy.path / "facts.csv").read_bytes().startswith(before)
    assert set(names) <= set(data_copy.read().facts.index)


def test_a_change_by_another_hand_meanwhile_is_not_lost(data_copy, put, monkeypatch):
    """A spreadsheet knows no lock."""
    make = intake.make_ledger

    def saved_meanwhile(*given):
        found = make(*given)
        data_copy.put("facts.csv", "A0025", "note", "saved meanwhile")
        return found

    monkeypatch.setattr(intake, "make_ledger", saved_meanwhile)
    with pytest.raises(IntakeError, match="changed by somebody else meanwhile; nothing was added"):
        add([put(FACT)], data_copy.path)
    read = data_copy.read().facts
    assert read.loc["A0025", "note"] == "saved meanwhile"
    assert "X0001" not in read.index


def test_mode_and_link_of_a_file_stay(data_copy, put, tmp_path):
    path, elsewhere = data_copy.path / "facts.csv", tmp_path / "elsewhere.csv"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    add([put(FACT)], data_copy.path)
    assert path.is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert "X0001" in elsewhere.read_text(encoding="utf-8")
