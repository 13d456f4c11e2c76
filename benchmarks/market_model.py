"""How long reading, checking, fitting and auditing take, and how much memory, as facts grow.

`python -m benchmarks.market_model FACTS` prints one line of JSON; it runs in a process of its own, so that its peak is
that of these facts.
"""

from __future__ import annotations

import csv
import json
import resource
import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.model.estimates import estimates
from analysis.story.chapter import Chapter


def write_copies(facts: int, folder: Path) -> None:
    """The data folder with the rows of facts.csv repeated, each under an id of its own, until there are so many."""
    shutil.copytree(DATA, folder)
    with open(DATA / "facts.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with open(folder / "facts.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(facts):
            copy, row = divmod(number, len(rows))
            # The first copy keeps its ids, which claims.toml names.
            writer.writerow([f"{rows[row][0]}-{copy}" if copy else rows[row][0], *rows[row][1:]])


def main() -> None:
    facts = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        write_copies(facts, folder)
        laps = [time.process_time()]
        report = make_report(read_ledger(folder))
        laps.append(time.process_time())  # one thread does it all
        estimates(report).gmv("Global", report.year)
        laps.append(time.process_time())
        chapter = Chapter("evidence", report)
        for section in chapter.sections:  # claims, disputes, coverage, and every fact
            chapter.told(section)
        laps.append(time.process_time())
    read, fitted, audited = (later - earlier for earlier, later in pairwise(laps))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"facts": facts, "read": read, "fit": fitted, "audit": audited, "memory": peak}))


if __name__ == "__main__":
    main()
