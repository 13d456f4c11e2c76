"""The commands as a user types them."""

import csv

import pytest
from reports import analysis

from analysis.__main__ import main
from analysis.facts.parameters import DATA


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        (
            "facts.csv",
            lambda raw: raw.replace(b",USD bn,", b",USD bnn,", 1),
            ["line 2, column unit", "'USD bnn'", "USD bn"],
        ),
        ("facts.csv", lambda raw: raw.replace(b"qualifier", b"qualifer", 1), ["line 1", "'qualifer'"]),
        ("sources.csv", lambda raw: "source,título\n".encode("latin-1"), ["sources.csv, line 1", "UTF-8"]),
        ("fx.csv", None, ["fx.csv", "a readable file"]),
    ],
)
def test_bad_data_gives_one_clear_message_and_writes_nothing(data_copy, tmp_path, file, change, expected):
    path = data_copy.path / file
    path.write_bytes(change(path.read_bytes())) if change else path.unlink()
    done = analysis("build", "2024Q2", "--data", data_copy.path, "--out", tmp_path / "out")
    assert done.returncode == 1
    for text in (file, *expected):
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["2024Q2", "1990Q1"], "quarter is '1990Q1'. Allowed: 2021Q4 to 2025Q3, written like 2024Q2"),
        (["2024Q2", "--as-of", "soon"], "as_of is 'soon'"),
        (["2024Q2", "--platform", "Tiktok"], "platform is 'Tiktok'. Allowed: TikTok Shop"),
    ],
)
def test_bad_arguments_give_one_clear_message_and_write_nothing(tmp_path, arguments, expected):
    done = analysis("build", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--out", "--data"])
@pytest.mark.parametrize("address", ["s3://bucket/x", "S3:/bucket/x", "file:///reports", "file in the way"])
def test_what_is_no_folder_is_refused_and_nothing_is_made(tmp_path, monkeypatch, capsys, option, address):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file in the way").touch()
    with pytest.raises(SystemExit, match="2"):
        main(["build", "2024Q2", option, address])
    problem = "an address" if ":" in address else "or lies in, what is no folder"
    assert (
        f"argument {option}: {address!r} is{'' if ':' in address else ','} {problem}. Allowed: a folder"
        in capsys.readouterr().err
    )
    assert len(list(tmp_path.iterdir())) == 1


def test_check_counts_what_it_read(capsys):
    assert main(["check"]) == 0
    rows = list(csv.DictReader((DATA / "facts.csv").read_text(encoding="utf-8").splitlines()))
    withdrawn = sum(1 for row in rows if row["withdrawn"])
    assert capsys.readouterr().out.startswith(f"{len(rows) - withdrawn} facts,")


def test_check_names_a_claim_about_a_fact_that_does_not_exist(data_copy, capsys):
    data_copy.replace("claims.toml", 'facts = ["A0053"]', 'facts = ["A9953"]')
    assert main(["check", "--data", str(data_copy.path)]) == 1
    assert "'A9953'. Allowed: an id of facts.csv" in capsys.readouterr().err
