"""A quarter, a market, a launch, a platform or a target year more: rows of data, and no change of code.

The worked example is the one of data/README.md, as it stands there.
"""

import csv
import re
import shlex

import pytest
from reports import analysis, tree

from analysis.__main__ import main
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
from analysis.story.chapter import chapters, headlines, mistakes

EXAMPLE = (DATA / "README.md").read_text(encoding="utf-8").partition("### A new quarter")[2].partition("\n## ")[0]
BLOCK = r" *```%s\n(.*?) *```"


def block(kind, after=""):
    """Lines of the first fenced block of a kind, below some words."""
    text = EXAMPLE[EXAMPLE.index(after) :]
    return [line.strip() for line in re.search(BLOCK % kind, text, flags=re.DOTALL)[1].splitlines()]


def new_name(folder, table, line, *regions):
    """Add a line to a table of vocabulary.toml, and the name in it to the lists of regions."""
    folder.replace("vocabulary.toml", f"[{table}]\n", f"[{table}]\n{line}\n")
    path, name = folder.path / "vocabulary.toml", line.partition(" = ")[0]
    text = path.read_text(encoding="utf-8")
    for region in regions:
        text, found = re.subn(rf"(?m)^({region} = .*)\] }}$", rf'\1, "{name}"] }}', text)
        assert found == 1
    path.write_text(text, encoding="utf-8", newline="")


def test_the_worked_example_adds_a_quarter_and_builds_its_report(data_copy, tmp_path, monkeypatch):
    (market,) = block("toml")
    new_name(data_copy, "markets", market, "Europe", "EU")
    before = {path.name: path.read_bytes() for path in data_copy.path.iterdir()}
    for name in ("my-sources.csv", "my-events.csv", "my-rates.csv", "my-facts.csv"):
        (tmp_path / name).write_text("\n".join(block("csv", f"`{name}`")) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = {}
    for line in block("sh"):
        program, *command = shlex.split(line)
        assert (program, command[:2]) == (".venv/bin/python", ["-m", "analysis"])
        done = analysis(*command[2:], "--data", data_copy.path)
        assert done.returncode == 0, done.stderr
        said[command[2]] = done.stdout
    assert "added to facts.csv: 7 rows (X0001, " in said["add"]
    after = {name: (data_copy.path / name).read_bytes() for name in before}
    assert all(after[name].startswith(before[name]) for name in before)
    assert "2026Q1 as of 2026-05-30: " in said["check"]
    assert "day of publication inferred" in said["check"]
    assert re.search(r"(?m)^new: \d+ facts$", said["diff"])
    assert "2026-05-12: X0001, X0002, X0003, X0004, X0005, X0006, X0007" in said["diff"]
    page = (tmp_path / "reports" / "2026Q1" / "report.html").read_text(encoding="utf-8")
    for words in ("US$66&nbsp;bn", "US$11.5&nbsp;bn", "Portugal", "(fictitious)"):
        assert words in page


FACT = {
    "platform": "TikTok Shop", "kind": "estimate", "basis": "leak", "confidence": "medium", "qualifier": "about",
    "source": "S001", "known_on_basis": "published", "quote": "", "note": "fictitious",
}  # fmt: skip


def reviewed(folder, quarter="2024Q2", **parameters):
    """The report of a quarter on the folder's data; every chapter must find its words for it."""
    report = make_report(folder.read(), quarter=quarter, **parameters)
    assert mistakes(dict.fromkeys(chapters(), report)) == []
    for name, headline in headlines(report).items():
        assert headline and not re.search(r"nan|None|  ", headline), name
    return report


def test_a_market_of_its_own_needs_a_launch_and_a_fact(data_copy):
    """Germany belongs to a region, Japan to none."""
    data_copy.add("events.csv", "E016", id="X001", date="2024-01", market="Japan", kind="launch", known_on="")
    data_copy.add("events.csv", "E016", id="X002", date="2024-02-10", market="Germany", kind="launch", known_on="")
    for id, market, value in (("X0001", "Japan", "90"), ("X0002", "Germany", "60")):
        data_copy.add("facts.csv", "P0091", **FACT, id=id, market=market, metric="gmv_monthly_average",
                      period="2024Q2", value=value, unit="USD mn", known_on="2024-08-01")  # fmt: skip
    report = reviewed(data_copy)
    model, quarter = estimates(report), Span.parse("2024Q2")
    for market, monthly in (("Japan", 90e6), ("Germany", 60e6)):
        band = model.gmv(market, quarter)
        assert band.low.value < 3 * monthly < band.high.value
        assert model.has_own_figure(market, report.year)


def test_a_planned_launch_anywhere_needs_an_event_or_a_fact(data_copy):
    data_copy.add("facts.csv", "P0091", **FACT | {"kind": "target"}, id="X0001", market="Japan",
                  metric="planned_launch_month", period="2024-11", value="202411", unit="yyyymm",
                  known_on="2024-08-01")  # fmt: skip
    data_copy.add(
        "events.csv", "E016", id="X001", date="2024-12", market="Mexico", kind="launch", known_on="2024-08-01"
    )
    reviewed(data_copy)


def test_a_new_platform_can_be_a_rival_and_a_subject(data_copy):
    new_name(data_copy, "platforms", 'Bazaar = "a made-up marketplace"')
    for id, metric, period, value in (
        ("X0001", "gmv", "2023", "8"), ("X0002", "gmv", "2024H1", "6"), ("X0003", "gmv_target", "2024", "15"),
    ):  # fmt: skip
        data_copy.add("facts.csv", "P0091", **FACT | {"platform": "Bazaar"}, id=id, market="Global", metric=metric,
                      period=period, value=value, unit="USD bn", known_on="2024-08-01")  # fmt: skip
    reviewed(data_copy, rival="Bazaar")
    reviewed(data_copy, platform="Bazaar", rival="Temu")


def test_a_target_year_needs_a_target(data_copy):
    data_copy.add("facts.csv", "A0001", id="X0001", period="2026", value="80", known_on="2026-02-01")
    data_copy.add("facts.csv", "P0091", **FACT, id="X0002", market="Global", metric="gmv", period="2026Q1", value="16",
                  unit="USD bn", known_on="2026-05-02")  # fmt: skip
    report = reviewed(data_copy, quarter="2026Q1")
    assert report.fact("Global", "gmv_target", report.year).value == 80e9


# What came later changes nothing ------------------------------------------------------------------


def test_a_report_is_the_same_bytes_without_the_rows_that_came_later(built, data_copy, tmp_path):
    # An event without a day of announcement, and a rate, are public on the last day of their own period.
    for name, period in (("facts.csv", "period"), ("events.csv", "date"), ("fx.csv", "period")):
        header, *rows = data_copy.rows(name)
        cells = [dict(zip(header, row, strict=True)) for row in rows]
        known = [row.get("known_on") or Span.parse(row[period]).end.isoformat() for row in cells]
        kept = [row for row, day in zip(rows, known, strict=True) if day <= "2024-08-29"]
        assert 0 < len(kept) < len(rows)
        data_copy.write(name, [header, *kept])
    done = analysis("build", "2024Q2", "--data", data_copy.path, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "2024Q2") == tree(built / "2024Q2")


# Bulk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_very_many_facts_are_added_checked_and_reviewed(data_copy, tmp_path, capsys, number):
    header, *_ = data_copy.rows("facts.csv")
    markets = [*data_copy.read().vocabulary.markets]
    with open(tmp_path / "many.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        for row in range(number):
            writer.writerow(FACT | {
                "counter": "unstated",
                "id": f"X{row:06}", "platform": "TikTok Shop" if row % 500 == 0 else "SHEIN",
                "market": markets[row % len(markets)], "metric": "gmv_daily_average",
                "period": f"2024-0{1 + row % 6}-{1 + row % 28:02}", "value": f"{1 + row % 997}",
                "unit": "USD mn", "known_on": "2024-08-01",
            })  # fmt: skip
    assert main(["add", str(tmp_path / "many.csv"), "--data", str(data_copy.path)]) == 0
    added = re.search(r"added to facts\.csv: (\d+) rows", capsys.readouterr().out)[1]
    assert main(["check", "2024Q2", "--data", str(data_copy.path)]) == 0
    told = capsys.readouterr().out
    rows = csv.DictReader((DATA / "facts.csv").read_text(encoding="utf-8").splitlines())
    facts = sum(1 for row in rows if not row["withdrawn"])
    assert told.startswith(f"{facts + int(added)} facts,")
