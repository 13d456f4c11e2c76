"""New rows for the data folder: checked against all that is there, then added whole or not at all.

The folder as it would be afterwards is held to the same rules as the folder. A file is replaced by a rename, which
either happens or does not; of several files the one whose rows others name comes first, so that a run that is cut
short leaves a folder that can be read.
"""

import csv
import fcntl
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from analysis.facts.errors import InputError
from analysis.facts.ledger import CELL, Ledger, contents, make_ledger
from analysis.facts.schema import COLUMNS, TABLES, Problems, dialect, key_of, read_table

SHOWN, MOST = 50, 3  # rows that are told one by one; figures that a conflict names


class IntakeError(InputError):
    """Nothing was added, or not all of it; the message says which and why."""


def add(files: list[Path], folder: Path) -> str:
    """Add the rows of CSV files to the tables of a data folder, all of them or none; what became of them, in lines.

    The header of a file tells its table. A row that says what the ledger has already is left out. A LedgerError names
    what breaks a rule by its line in `files`; an IntakeError says that the folder could not be written to, or that
    somebody else changed it meanwhile.
    """
    with _alone(folder):
        before, problems = contents(folder), Problems()
        read = [problems.tried(read_table, path.name, path.read_bytes(), True) for path in files]
        problems.tell()
        there = {(row["table"], key_of(row)): row for name in TABLES for row in read_table(name, before[name])}
        rows, skipped = [], []
        for row in (row for table in read for row in table):
            first = there.setdefault((row["table"], key_of(row)), row)
            if first is not row and all(first[column] == row[column] for column in COLUMNS[row["table"]]):
                skipped.append((row, f"{first['file']}, line {first['line']},"))
            else:
                rows.append(row)
        whole = make_ledger(before, rows)
        facts = {row["id"]: row for row in rows if row["table"] == "facts.csv"}
        same = _twins(whole.facts, facts)
        skipped += [(facts[name], twin) for name, twin in same.items()]
        new = {name: [row for row in rows if row["table"] == name] for name in TABLES}
        new["facts.csv"] = [row for row in new["facts.csv"] if row["id"] not in same]
        _write({name: rows for name, rows in new.items() if rows}, before, folder)
    lines = [f"skipped, nothing new: {_place(row)}; {of} says the same" for row, of in skipped[:SHOWN]]
    found = [
        cell for cell in whole.conflicts(whole.facts.drop(index=[*same])) if not facts.keys().isdisjoint(cell.index)
    ]
    for cell in found[:SHOWN]:
        *_, name = (name for name in cell.index if name in facts)
        place = f"{whole.cell_name(cell.loc[name])}"
        lines.append(f"added, but in conflict: {_place(facts[name])}: {_figure(whole, name)}; {place}")
        lines += [f"    {other}: {_figure(whole, other)}" for other in cell.index.drop(name)[:MOST]]
    for what, told in (("skipped, nothing new", skipped), ("added, but in conflict", found)):
        lines += [f"{what}: {len(told)} rows in all"] * (len(told) > SHOWN)
    for table, added in new.items():
        names = [" ".join(key_of(row)) for row in added]
        listed = ", ".join(names) if len(names) <= 12 else f"{names[0]} to {names[-1]}"
        lines += [f"added to {table}: {len(names)} row{'s' if len(names) > 1 else ''} ({listed})"] * bool(names)
    return "\n".join(lines if any(new.values()) else [*lines, "nothing was added"])


def _place(row: dict) -> str:
    return f"{row['file']}, line {row['line']}: {' '.join(key_of(row))}"


def _figure(ledger: Ledger, fact: str) -> str:
    origin = ledger.origin(fact)
    return f"{origin.printed} by {origin.basis}, {origin.publisher}, public {origin.known_on}"


def _twins(facts: pd.DataFrame, new: Iterable[str]) -> dict[str, str]:
    """New facts that say what a fact before them says, each with the id of that."""
    new, found = [name for name in new if name in facts.index], {}
    facts = facts.loc[[*facts.index.difference(new, sort=False), *new]]
    facts = facts.assign(id=facts.index, figure=facts["number"].map("{:.12g}".format))
    # Once more from the same page, or the same publication of the same counter from another page.
    for by, of in ((["source"], facts), (["counter", "publication"], facts[facts["publication"] != ""])):
        first = of.groupby([*CELL, "figure", "of", *by], sort=False)["id"].transform("first")
        found |= {name: twin for name, twin in first.reindex(new).dropna().items() if name != twin}
    return found


def _appendix(table: str, content: bytes, rows: list[dict[str, str]]) -> bytes:
    """Rows as they follow the content of a CSV file: its columns, what parts them, line ends and quotes."""
    text = content.decode("utf-8-sig")
    _, header, mark, _ = dialect(text, (table,))
    end = re.search(r"\r\n|\n|\r|$", text)[0] or "\n"
    quoting = csv.QUOTE_ALL if text.startswith('"') else csv.QUOTE_MINIMAL
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, lineterminator=end, quoting=quoting)
    writer.writerows([row.get(column, "") for column in header] for row in rows)
    return (end * (not text.endswith(("\n", "\r"))) + out.getvalue()).encode("utf-8")


def _write(rows: dict[str, list[dict]], before: dict[str, bytes], folder: Path) -> None:
    """Put each file, with its new rows, in the place of the one that was read; none if one cannot be written."""
    drafts, done = {}, []
    try:
        for name, new in rows.items():
            target = (folder / name).resolve()  # a link stays a link
            draft = drafts[target] = target.with_name(f".{name}.adding")
            with open(draft, "wb") as file:
                file.write(before[name] + _appendix(name, before[name], new))
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(target, draft)
        if drafts and contents(folder) != before:
            raise IntakeError(f"{folder}: changed by somebody else meanwhile; nothing was added. Please run it again")
        for target, draft in drafts.items():
            os.replace(draft, target)
            done.append(target.name)
    except OSError as error:
        # That of a full disk knows neither its file nor its words.
        why = f"{error.filename or folder}: {error.strerror or str(error) or type(error).__name__}"
        told = f"only {' and '.join(done)} got new rows" if done else "nothing was added"
        raise IntakeError(f"{why}; {told}. Make room or get leave to write there, and run it again") from None
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other run adds to the folder. The lock goes with the process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network drive may know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for left in folder.glob(".*.adding"):  # by a run that was killed
                left.unlink()
        yield
    finally:
        os.close(descriptor)
