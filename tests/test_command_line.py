"""The commands as a user types them."""

import csv
import html
import os
import re
import subprocess
import sys

import pytest

from analysis.facts.parameters import DATA


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)], capture_output=True, text=True, **options
    )


BAD_DATA = {
    "unit": ("facts.csv", "A0001", "unit", "USD bnn", ["line 2", "column unit", "'USD bnn'", "USD bn"]),
    "source": ("facts.csv", "A0001", "source", "S999", ["line 2", "column source", "'S999'"]),
    "id": ("facts.csv", "A0001", "id", "A0002", ["line 3", "column id", "'A0002'", "line 2"]),
    "value": ("facts.csv", "A0001", "value", "fifty", ["line 2", "column value", "'fifty'", "a number"]),
    "period": ("facts.csv", "A0001", "period", "2024H3", ["line 2", "column period", "'2024H3'", "2024H1"]),
}
BAD_FILES = {
    "misspelt column": ("facts.csv", lambda b: b.replace(b"qualifier", b"qualifer", 1), ["line 1", "'qualifer'"]),
    "empty file": ("facts.csv", lambda b: b"", ["facts.csv", "an empty file"]),
    "encoding": ("sources.csv", lambda b: "source,título\n".encode("latin-1"), ["sources.csv, line 1", "UTF-8"]),
    "missing file": ("fx.csv", None, ["fx.csv", "a readable file"]),
}


@pytest.mark.parametrize("name", [*BAD_DATA, *BAD_FILES])
def test_bad_data_gives_one_clear_message_and_writes_nothing(data_copy, tmp_path, name):
    if name in BAD_DATA:
        file, row, column, value, expected = BAD_DATA[name]
        data_copy.put(file, row, column, value)
    else:
        file, change, expected = BAD_FILES[name]
        path = data_copy.path / file
        path.write_bytes(change(path.read_bytes())) if change else path.unlink()
    done = run("build", "2024Q2", "--data", data_copy.path, "--out", tmp_path / "out")
    assert done.returncode == 1
    for text in (file, *expected):
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "2024Q9"], "quarter is '2024Q9'. Allowed: 2021Q4 to 2025Q3, written like 2024Q2"),
        (["build", "1990Q1"], "quarter is '1990Q1'"),
        (["build", "2024Q2", "1990Q1"], "quarter is '1990Q1'"),
        (["build", "2024Q2", "--as-of", "soon"], "as_of is 'soon'"),
        (["build", "2024Q2", "--platform", "Tiktok"], "platform is 'Tiktok'. Allowed: TikTok Shop"),
        (["build", "2024Q2", "--currency", "XXX"], "currency is 'XXX'"),
    ],
)
def test_bad_arguments_give_one_clear_message_and_write_nothing(tmp_path, arguments, expected):
    done = run(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "out").write_text("a file in the way")
    done = run("build", "2024Q2", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "out' is, or lies in, what is no folder" in done.stderr


@pytest.mark.parametrize("option", ["--out", "--data"])
@pytest.mark.parametrize(
    "address", ["s3://bucket/x", "S3:/bucket/x", "gs://bucket", "file:///reports", "https://host/x"]
)
def test_an_address_that_is_no_folder_is_refused_and_nothing_is_made(tmp_path, option, address):
    done = run("build", "2024Q2", option, address, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(DATA.parent)})
    assert done.returncode == 2
    assert f"argument {option}: {address!r} is an address. Allowed: a folder" in done.stderr
    assert not list(tmp_path.iterdir())


def test_check_counts_what_it_read():
    done = run("check")
    assert done.returncode == 0
    rows = list(csv.DictReader((DATA / "facts.csv").read_text(encoding="utf-8").splitlines()))
    withdrawn = sum(1 for row in rows if row["withdrawn"])
    assert done.stdout.startswith(f"{len(rows) - withdrawn} facts,")


def test_words_fit_the_quarter_and_a_batch_prints_a_line_a_notebook(tmp_path):
    quarters = {
        "2023Q4": "TikTok Shop met its US$20 bn target for 2023",
        "2024Q4": "TikTok Shop fell short of its US$50 bn target for 2024",
    }
    warned = {**os.environ, "PYTHONWARNINGS": "error::RuntimeWarning"}
    done = run("build", *quarters, "--out", tmp_path / "reports", cwd=tmp_path, env=warned)  # as a scheduler would
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [*quarters, "index.html"]
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * (7 + 1)
    assert lines[-1].endswith("/report.html")
    assert "Warning" not in done.stderr
    for quarter, words in quarters.items():
        page = (tmp_path / "reports" / quarter / "report.html").read_text(encoding="utf-8")
        assert words in html.unescape(re.sub(r"<sup>.*?</sup>|<[^>]+>", "", page)).replace("\xa0", " ")


def test_a_report_in_another_currency(tmp_path):
    done = run("build", "2024Q2", "--currency", "EUR", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "2024Q2" / "report.html").read_text(encoding="utf-8")
    # 0.49 bn dollars a month for six months. The ECB's averages, euros a dollar, by the days of the two quarters:
    with open(DATA / "fx.csv", encoding="utf-8") as file:
        euros = {row["period"]: float(row["per_usd"]) for row in csv.DictReader(file) if row["currency"] == "EUR"}
    rate = (91 * euros["2024Q1"] + 91 * euros["2024Q2"]) / 182
    assert 0.92 < rate < 0.93
    assert f"€{0.49 * 6 * rate:.2f}&nbsp;bn" in page
    assert "US$2.94" not in page


def test_check_names_a_claim_about_a_fact_that_does_not_exist(data_copy):
    data_copy.replace("claims.toml", 'facts = ["A0053"]', 'facts = ["A9953"]')
    done = run("check", "--data", data_copy.path)
    assert done.returncode == 1
    assert "'A9953'. Allowed: an id of facts.csv" in done.stderr
    assert "Traceback" not in done.stderr
