"""The commands as a user types them."""

import csv
import html
import os
import re
import shutil
import subprocess
import sys

import pytest

from analysis.facts.parameters import DATA


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)], capture_output=True, text=True, **options
    )


def edit(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


def first_fact(column, value):
    def change(content):
        rows = list(csv.reader(content.decode().splitlines()))
        rows[1][rows[0].index(column)] = value
        return "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows).encode()

    return change


BAD_DATA = {
    "misspelt column": ("facts.csv", lambda b: b.replace(b"qualifier", b"qualifer", 1), ["line 1", "'qualifer'"]),
    "unit": ("facts.csv", first_fact("unit", "USD bnn"), ["line 2", "column unit", "'USD bnn'", "USD bn"]),
    "source": ("facts.csv", first_fact("source", "S999"), ["line 2", "column source", "'S999'"]),
    "id": ("facts.csv", first_fact("id", "A0002"), ["line 3", "column id", "'A0002'", "line 2"]),
    "value": ("facts.csv", first_fact("value", "fifty"), ["line 2", "column value", "'fifty'", "a number"]),
    "period": ("facts.csv", first_fact("period", "2024H3"), ["line 2", "column period", "'2024H3'", "2024H1"]),
    "empty file": ("facts.csv", lambda b: b"", ["facts.csv", "an empty file"]),
    "encoding": ("sources.csv", lambda b: "source,título\n".encode("latin-1"), ["sources.csv, line 1", "UTF-8"]),
    "missing file": ("fx.csv", None, ["fx.csv", "a readable file"]),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_gives_one_clear_message_and_writes_nothing(tmp_path, name):
    file, change, expected = BAD_DATA[name]
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    if change is None:
        (data / file).unlink()
    else:
        edit(data, file, change)
    done = run("build", "2024Q2", "--data", data, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert file in done.stderr
    for text in expected:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "2024Q9"], "quarter is '2024Q9'. Allowed for TikTok Shop: 2022Q2 to 2024Q4"),
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
    facts = sum(1 for _ in csv.DictReader((DATA / "facts.csv").read_text(encoding="utf-8").splitlines()))
    assert done.stdout.startswith(f"{facts} facts,")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    out = tmp_path_factory.mktemp("batch")
    # From another folder, as a scheduler would.
    done = run(
        "build",
        "2023Q4",
        "2024Q1",
        "2024Q3",
        "2024Q4",
        "--out",
        out / "reports",
        cwd=out,
        env={**os.environ, "PYTHONWARNINGS": "error::RuntimeWarning"},
    )
    return done, out / "reports"


def test_a_batch_builds_every_quarter_and_prints_a_line_a_notebook(batch):
    done, out = batch
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["2023Q4", "2024Q1", "2024Q3", "2024Q4", "index.html"]
    lines = done.stdout.splitlines()
    assert len(lines) == 4 * (7 + 1)
    assert lines[-1].endswith("2024Q4/report.html")
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("quarter", "words"),
    [
        ("2023Q4", "No target for the US in 2023 is on record"),
        ("2024Q1", "but no figure of the year is public yet"),
        ("2024Q3", "Spain and Ireland, planned for October 2024, had not opened by 29 November 2024"),
        ("2024Q4", "TikTok Shop fell short of its US$50 bn target for 2024"),
    ],
)
def test_words_fit_the_quarter(batch, quarter, words):
    page = (batch[1] / quarter / "report.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page)).replace("\xa0", " ")
    assert words in text


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
