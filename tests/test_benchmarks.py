"""What `make bench` measures is what it says it is."""

import subprocess
import sys
import time

import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from benchmarks import edits
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
    rows = len((DATA / "facts.csv").read_text(encoding="utf-8").splitlines()) - 1
    write_copies(2 * rows + 1, tmp_path / "data")
    ledger = read_ledger(tmp_path / "data")
    assert len(ledger.facts) == 2 * len(read_ledger().facts) + 1  # all but the withdrawn, and the first once more
    assert ledger.facts.loc["A0001-1", "number"] == ledger.facts.loc["A0001", "number"]
    assert (DATA / "facts.csv").read_text(encoding="utf-8").count("A0001-1") == 0


def test_the_floor_writes_the_same_page_as_a_build(tmp_path, page):
    floor = [sys.executable, "-m", "benchmarks.floor", "2024Q2", str(tmp_path)]
    subprocess.run(floor, check=True, capture_output=True, cwd=DATA.parent)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_edits_are_timed_until_the_preview_has_their_page(tmp_path):
    found = edits.seconds(DATA.parent, "2024Q2", tmp_path, times=1)
    assert set(found) == {"an edited sentence", "an edited fact"}
    assert min(found.values()) > 0.1  # the preview waits that long for more edits
