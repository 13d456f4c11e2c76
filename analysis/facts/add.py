"""New rows for the data folder: checked against all that is there, then added whole or not at all.

The candidate, the folder as it would be afterwards, is held to the same rules as the folder. A file is replaced by a
rename, which either happens or does not; of several files the one whose rows others name comes first, so that a run
that is cut short leaves a folder that can be read.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.facts.ledger import Ledger, contents, make_ledger
from analysis.facts.schema import KEYS, TABLES, LedgerError, Problem, dialect, read_bytes, read_table, table_of

try:
    import fcntl
except ImportError:  # Windows; there only the second look before the rename protects from another run
    fcntl = None

SHOWN, MOST = 50, 3  # rows that are told one by one; figures that a conflict names


class IntakeError(InputError):
    """Nothing was added, or not all of it; the message says which and why."""


@dataclass(frozen=True)
class Row:
    """A row of a file: where it stands, and what it says."""

    file: str
    line: int
    table: str
    cells: dict[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        """The cells that name the row in its table."""
        return tuple(self.cells[column] for column in KEYS[self.table])

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {' '.join(self.key)}"


@dataclass(frozen=True)
class Intake:
    """What became of the rows of the files."""

    new: list[Row] = field(default_factory=list)
    skipped: list[tuple[Row, str]] = field(default_factory=list)  # and the id of the row that says the same
    conflicts: list[tuple[Row, list[str]]] = field(default_factory=list)  # some of `new`, and facts with other figures
    ledger: Ledger | None = None  # all rows, those skipped included

    def __str__(self) -> str:
        """A line for each row that was skipped or is in conflict, up to `SHOWN`, then what was added to which file."""
        lines = [f"skipped, nothing new: {row}; {of} says the same" for row, of in self.skipped[:SHOWN]]
        for row, others in self.conflicts[:SHOWN]:
            fact, vocabulary = self.ledger.facts.loc[row.key[0]], self.ledger.vocabulary
            measure = vocabulary.call_metric(fact["metric"])
            place = f"{fact['platform']}, {fact['market']}, {measure}, {fact['span'].short}"
            lines.append(f"added, but in conflict: {row}: {self._figure(row.key[0])}; {place}")
            lines += [f"    {other}: {self._figure(other)}" for other in others]
        for what, rows in (("skipped, nothing new", self.skipped), ("added, but in conflict", self.conflicts)):
            lines += [f"{what}: {len(rows)} rows in all"] * (len(rows) > SHOWN)
        for table in TABLES:
            if names := [" ".join(row.key) for row in self.new if row.table == table]:
                listed = ", ".join(names) if len(names) <= 12 else f"{names[0]} to {names[-1]}"
                lines.append(f"added to {table}: {len(names)} row{'s' if len(names) > 1 else ''} ({listed})")
        return "\n".join(lines if self.new else [*lines, "nothing was added"])

    def _figure(self, fact: str) -> str:
        origin = self.ledger.origin(fact)
        return f"{origin.printed} by {origin.basis}, {origin.publisher}, public {origin.known_on}"


def add(files: list[Path], folder: Path) -> Intake:
    """Add the rows of CSV files to the tables of a data folder, all of them or none.

    The header of a file tells its table. A row that says what the ledger has already is left out.

    Raises
    ------
    LedgerError
        If the folder, or a row, breaks a rule; lines are those of `files`. Nothing was added.
    IntakeError
        If the folder cannot be written to, or somebody else changed it meanwhile.
    """
    with _alone(folder):
        before = contents(folder)
        ledger = make_ledger(before)
        rows, skipped = _not_there_yet(_read(files), before)
        if not rows:
            return Intake(skipped=skipped)
        whole = _candidate(rows, before)
        same, conflicts = _compare(rows, whole, ledger)
        new = [row for row in rows if row.table != "facts.csv" or row.key[0] not in same]
        skipped += [(row, same[row.key[0]]) for row in rows if row.table == "facts.csv" and row.key[0] in same]
        if new:
            _write(_with_rows(new, before), before, folder)
    return Intake(new, skipped, conflicts, whole)


def _read(files: list[Path]) -> list[Row]:
    """The rows of files in the shape of the ledger's tables."""
    rows, problems = [], []
    for path in files:
        table = table_of(content := read_bytes(path))
        for cells in read_table(path.name, content, problems, table, added=True):
            rows.append(Row(path.name, cells.pop("line"), table, cells))
    if problems:
        raise LedgerError(problems)
    return rows


def _not_there_yet(rows: list[Row], before: dict[str, bytes]) -> tuple[list[Row], list[tuple[Row, str]]]:
    """Rows less those that stand in the folder or above, word for word; one with the name of another is refused."""
    seen, new, skipped, problems = {}, [], [], []
    for name in {row.table for row in rows}:
        for cells in read_table(name, before[name], []):
            row = Row(name, cells.pop("line"), name, cells)
            seen[name, row.key] = row
    for row in rows:
        first = seen.setdefault((row.table, row.key), row)
        if first is row:
            new.append(row)
        elif first.cells == row.cells:
            skipped.append((row, f"{first.file}, line {first.line},"))
        else:
            allowed = f"a name used once; {first.file}, line {first.line} has it, with other cells"
            problems.append(Problem(row.file, row.line, KEYS[row.table][0], " ".join(row.key), allowed))
    if problems:
        raise LedgerError(problems)
    return new, skipped


def _candidate(rows: list[Row], before: dict[str, bytes]) -> Ledger:
    """The ledger as it would be with all rows; a problem of a row has the place in its own file."""
    after = _with_rows(rows, before)
    try:
        return make_ledger(before | after)
    except LedgerError as error:
        places = {}
        for name, content in after.items():
            added = [row for row in rows if row.table == name]
            lines = [cells["line"] for cells in read_table(name, content, [])[-len(added) :]]
            places |= {(name, line): row for line, row in zip(lines, added, strict=True)}
        found = ((problem, places.get((problem.file, problem.line))) for problem in error.problems)
        raise LedgerError([replace(p, file=row.file, line=row.line) if row else p for p, row in found]) from None


def _compare(rows: list[Row], whole: Ledger, old: Ledger) -> tuple[dict[str, str], list[tuple[Row, list[str]]]]:
    """New facts that say what a fact before them says, with its id; and those that say something else of its cell."""
    new = {row.key[0]: row for row in rows if row.table == "facts.csv" and row.key[0] in whole.facts.index}
    said: dict[tuple, dict[tuple, str]] = {}  # of each cell, every figure and the first fact that has it
    counts: dict[tuple, str] = {}
    same, conflicts = {}, []
    for fact in whole.facts.loc[[*old.facts.index, *new]].itertuples():
        cell, figure = (fact.platform, fact.market, fact.metric, fact.span), (f"{fact.number:.12g}", fact.of)
        # Once more from the same page, or the same publication of the same counter from another page.
        count = fact.publication and (fact.counter, fact.publication)
        twins = [counts.setdefault((cell, figure, by), fact.Index) for by in (fact.source, count) if by]
        if twin := next((name for name in twins if name != fact.Index), None):
            if fact.Index in new:
                same[fact.Index] = twin
            continue
        figures = said.setdefault(cell, {})
        if fact.Index in new and figures.keys() - {figure}:
            others = (other for value, other in figures.items() if value != figure)
            conflicts.append((new[fact.Index], list(islice(others, MOST))))
        figures.setdefault(figure, fact.Index)
    return same, conflicts


def _with_rows(rows: list[Row], before: dict[str, bytes]) -> dict[str, bytes]:
    """Each file that gets new rows, with them below its own."""
    cells = {name: [row.cells for row in rows if row.table == name] for name in TABLES}
    return {name: before[name] + _appendix(name, before[name], new) for name, new in cells.items() if new}


def _appendix(table: str, content: bytes, rows: list[dict[str, str]]) -> bytes:
    """Rows as they follow the content of a CSV file: its columns, what parts them, line ends and quotes."""
    text = content.decode("utf-8-sig")
    header, mark, _ = dialect(text, table)
    end = re.search(r"\r\n|\n|\r|$", text)[0] or "\n"
    quoting = csv.QUOTE_ALL if text.startswith('"') else csv.QUOTE_MINIMAL
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, lineterminator=end, quoting=quoting).writerows(
        [row.get(column, "") for column in header] for row in rows
    )
    return ((end if not text.endswith(("\n", "\r")) else "") + out.getvalue()).encode("utf-8")


def _write(after: dict[str, bytes], before: dict[str, bytes], folder: Path) -> None:
    """Put each file in the place of the one that was read, whole; none if one of them cannot be written."""
    drafts, done = {}, []
    try:
        for name, content in after.items():
            target = (folder / name).resolve()  # a link stays a link
            draft = drafts[name] = target.with_name(f".{name}.adding")
            with open(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(target, draft)
        if contents(folder) != before:
            raise IntakeError(f"{folder}: changed by somebody else meanwhile; nothing was added. Please run it again")
        for name, draft in drafts.items():
            os.replace(draft, (folder / name).resolve())
            done.append(name)
    except OSError as error:
        told = f"only {' and '.join(done)} got new rows" if done else "nothing was added"
        raise _cannot_write(error, folder, told) from None
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _cannot_write(error: OSError, place: Path, told: str) -> IntakeError:
    """Some errors, as that of a full disk, know neither their file nor their words."""
    why = error.strerror or str(error) or type(error).__name__
    return IntakeError(
        f"{error.filename or place}: {why}; {told}. Make room or get leave to write there, and run it again"
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other run adds to the folder. The lock goes with the process, however that ends."""
    if fcntl is None or not folder.is_dir():
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _cannot_write(error, folder, "nothing was added") from None
    try:
        with suppress(OSError):  # a network drive may know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
