"""What `make bench` measures is what it says it is."""

import re
import subprocess
import sys
import time

import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from benchmarks.__main__ import FLOOR, LOOP, OURS
from benchmarks.market_model import write_copies
from benchmarks.measure import Command, Cost, rounds, timed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def python(code):
    return [sys.executable, "-c", code]


def test_time_waited_and_time_computed_are_told_apart():
    wall, user = timed(Command(python("import time; time.sleep(0.6)")))
    assert wall >= 0.6
    assert user < 0.4
    _, user = timed(Command(python("import os\nwhile os.times().user < 0.6: pass")))
    assert user >= 0.5


def test_memory_is_that_of_all_processes_at_once():
    holder = "import time; held = bytearray(60 * 2**20); time.sleep(1.5)"
    start = f"subprocess.Popen([sys.executable, '-c', {holder!r}])"
    code = "import subprocess, sys\nfor one in [{}]: one.wait()"
    one, two = (Command(python(code.format(", ".join([start] * number)))).peak() for number in (1, 2))
    assert 60 < one < 110
    assert two - one == pytest.approx(60, abs=25)


def test_a_command_that_fails_is_no_result():
    with pytest.raises(subprocess.CalledProcessError):
        timed(Command(python("raise SystemExit(3)")))


def test_ways_take_turns_and_the_median_counts():
    order = []

    class Way:
        def __init__(self, name, naps):
            self.name, self.naps = name, iter(naps)

        def __call__(self):
            order.append(self.name)
            time.sleep(next(self.naps))

        def peak(self):
            return 1.0

    found = rounds({"a": Way("a", [0.3, 0.01, 0.01]), "b": Way("b", [0.02])}, {"a": 3, "b": 1})
    assert order == ["a", "b", "a", "a"]
    assert found["a"].wall < 0.2  # the first was disturbed
    assert isinstance(found["b"], Cost)


def test_copies_of_facts_can_be_used_and_differ_in_their_ids(tmp_path):
    shipped = len(read_ledger().facts)
    write_copies(2 * shipped + 1, tmp_path / "data")
    ledger = read_ledger(tmp_path / "data")
    assert len(ledger.facts) == 2 * shipped + 1
    assert ledger.facts.loc["A0001-1", "number"] == ledger.facts.loc["A0001", "number"]
    assert (DATA / "facts.csv").read_text(encoding="utf-8").count("A0001-1") == 0


def test_the_floor_writes_the_same_page_as_a_build(tmp_path):
    ours = [sys.executable, "-m", "analysis", "build", "2024Q2", "--out", str(tmp_path / "ours")]
    floor = [sys.executable, "-m", "benchmarks.floor", "2024Q2", str(tmp_path / "floor")]
    for command in (ours, floor):
        subprocess.run(command, check=True, capture_output=True, cwd=DATA.parent)
    page = (tmp_path / "ours" / "2024Q2" / "report.html").read_bytes()
    assert page == (tmp_path / "floor" / "report.html").read_bytes()


def test_what_is_quoted_of_the_results_is_in_them():
    results, readme, scaling = (
        (DATA.parent / path).read_text(encoding="utf-8")
        for path in ("benchmarks/results.md", "README.md", "docs/scaling.md")
    )
    lines = [line.strip("| ").split(" | ") for line in results.splitlines() if line.startswith("| ")]
    rows = {name: cells for name, *cells in lines}
    ours, loop, floor = rows[OURS], rows[LOOP], rows[FLOOR]
    one, batch, facts = rows["one report"], rows["5 quarters × 7 scenarios"], rows["100,000"]
    assert re.search(r"on (.*)\. Medians", results)[1] in readme
    assert f"become a report in {ours[0]} s" in readme
    assert f"take {loop[1]} times as long" in readme
    assert float(ours[0]) / float(floor[0]) == pytest.approx(3 / 4, abs=0.05)  # "three quarters of the time"
    assert f"one takes {batch[2]} s" in readme
    assert float(batch[3]) < 700
    assert f"in {float(facts[3]):.1f} processor seconds" in readme
    for row in (one, batch):
        assert f"| {row[2]} | {float(row[2]) * 1e4:,.0f} s" in scaling
        assert f"{row[3]} MB" in scaling
    assert f"takes {floor[0]} s" in scaling
