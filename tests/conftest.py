"""What every test file needs: the shipped ledger, a report, a copy of the data that may be spoiled, built reports."""

import csv
import fcntl
import io
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from reports import analysis

from analysis.chapters import common
from analysis.facts.ledger import Ledger, read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.model import estimates

# The same examples in every clone, so that `make test` never fails by chance.
# To look further: pytest --hypothesis-profile=default
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@dataclass(frozen=True)
class DataFolder:
    """A copy of the data folder; lines are counted as a text editor counts them."""

    path: Path

    def rows(self, file: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO((self.path / file).read_text(encoding="utf-8"), newline="")))

    def write(self, file: str, rows: list[list[str]]) -> None:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        (self.path / file).write_text(out.getvalue(), encoding="utf-8", newline="")

    def put(self, file: str, first: str, column: str, value: str) -> int:
        """Write one cell of the row that begins with the cells `first` (`THB,2024Q2`); its line is returned."""
        rows = self.rows(file)
        (line,) = (i for i, row in enumerate(rows) if ",".join(row).startswith(f"{first},"))
        rows[line][rows[0].index(column)] = value
        self.write(file, rows)
        return line + 1

    def add(self, file: str, like: str, **cells: str) -> int:
        """Add a row like the one whose first cell is `like`, with other cells; its line is returned."""
        rows = self.rows(file)
        row = dict(zip(rows[0], next(row for row in rows if row[0] == like), strict=True)) | cells
        self.write(file, [*rows, list(row.values())])
        return len(rows) + 1

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in the file exactly once."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (self.path / file).write_text(text.replace(old, new), encoding="utf-8", newline="")

    def read(self) -> Ledger:
        return read_ledger(self.path)


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return read_ledger()


@pytest.fixture
def report(ledger):
    def make(quarter: str = "2024Q2", **parameters: str):
        return make_report(ledger, quarter=quarter, **parameters)

    return make


@pytest.fixture(scope="module")
def few_draws():
    """A file that reads words, which need no percentiles to the last digit, has models of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimates, "fit", partial(estimates.fit, draws=150))
        patch.setattr(estimates, "FITTED", {})
        estimates.estimates.cache_clear()
        common.progress.cache_clear()
        yield
    estimates.estimates.cache_clear()
    common.progress.cache_clear()


@pytest.fixture
def data_copy(tmp_path) -> DataFolder:
    return DataFolder(Path(shutil.copytree(DATA, tmp_path / "data")))


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A folder with two reports, built by whichever process of the test runner is first; what was said is beside it."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built"
    said = out.with_name("built.txt")
    with open(out.with_name("built.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            warned = os.environ | {"PYTHONWARNINGS": "error::RuntimeWarning"}
            done = analysis("build", "2024Q1", "2024Q2", "--out", out, env=warned, cwd=base)  # as a scheduler would
            assert done.returncode == 0, done.stderr
            said.write_text(done.stdout + done.stderr)
    return out


@pytest.fixture(scope="session")
def page(built):
    return (built / "2024Q2" / "report.html").read_text(encoding="utf-8")
