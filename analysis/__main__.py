"""The command line: `python -m analysis build 2024Q2`, `check`, `add`, `diff` and `notebooks`."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.facts.errors import InputError
from analysis.facts.parameters import DATA, PARAMETERS

if TYPE_CHECKING:
    from analysis.facts.report import Report

# What a command needs is imported when it runs: packages take longer than all that most commands do.


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 if its input cannot be used."""
    asked = _parser().parse_args(arguments)
    try:
        if "data" in asked and not asked.data.is_dir():
            raise InputError(f"{asked.data}: no such folder. Name the folder of facts.csv with --data")
        return asked.run(asked) or 0
    except InputError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(": ".join(filter(None, [error.filename, error.strerror or str(error)])), file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__[1:], help=about)
        added.set_defaults(run=run)
        if run is not _notebooks:
            about = "data folder (default: the project's own)"
            added.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=about)
        return added

    build = command(_build, "write the report of one or more quarters")
    build.add_argument("quarters", nargs="+", metavar="QUARTER", help="such as 2024Q2")
    about = "use only what was public by then (default: 60 days after the quarter)"
    build.add_argument("--as-of", metavar="DATE", help=about)
    for name in ("platform", "rival", "currency"):
        build.add_argument(f"--{name}", default=PARAMETERS[name], help=f"(default: {PARAMETERS[name]})")
    about = f"one or more (default: {PARAMETERS['scenario']})"
    build.add_argument("--scenario", nargs="+", default=[PARAMETERS["scenario"]], help=about)
    about = "folder of reports (default: reports)"
    build.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help=about)
    build.add_argument("--pdf", action="store_true", help="also print each report to report.pdf (needs Chromium)")
    build.add_argument("--force", action="store_true", help="build even what is up to date")
    about = "that a cell may take (default: 120)"
    build.add_argument("--timeout", type=_seconds, default=120.0, metavar="SECONDS", help=about)
    about = "of a Dask cluster that is to build, such as tcp://host:8786"
    build.add_argument("--scheduler", metavar="ADDRESS", help=about)

    command(_notebooks, "run the project's own notebooks in place, for the default quarter")
    check = command(_check, "read the data folder and say what is wrong with it")
    check.add_argument("quarter", nargs="?", metavar="QUARTER", help="also say what its report lacks; such as 2024Q2")
    add = command(_add, "add the rows of CSV files to the data folder, all of them or none")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="its header tells to which table it belongs")
    diff = command(_diff, "say what changed from one report to another, and why")
    diff.add_argument("before", metavar="BEFORE", help="quarter of the earlier report, such as 2024Q1")
    diff.add_argument("after", metavar="AFTER", help="quarter of the later one")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}. Allowed: a number of seconds above 0, such as 120")
    return seconds


def _say(text: object) -> None:
    """Print a line; who reads no further, as `head` does, does not stop the work."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(number: int, frame: object) -> None:
    sys.exit(128 + number)  # as an exception it lets us clean up


def _build(asked: argparse.Namespace) -> int:
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    from analysis.publish.drawing import DrawingProcess

    # It warms up while packages are imported. The workers of a cluster have their own.
    with nullcontext() if asked.scheduler else DrawingProcess() as process:
        return _build_all(asked, process and process.Charts())


def _build_all(asked: argparse.Namespace, charts) -> int:
    from analysis.facts.ledger import shared_ledger
    from analysis.facts.report import make_report
    from analysis.publish import manifest

    ledger = shared_ledger(asked.data)
    given = {name: getattr(asked, name) for name in ("as_of", "platform", "rival", "currency")}
    # All reports are checked before the first one is built.
    reports = [
        make_report(ledger, quarter=quarter, scenario=scenario, **given)
        for quarter in dict.fromkeys(asked.quarters)
        for scenario in dict.fromkeys(asked.scenario)
    ]
    if asked.pdf:
        from analysis.publish.pdf import chromium, print_pdf

        chromium()  # before the work rather than after it
    if strays := manifest.strays():
        print(f"{manifest.NOTEBOOKS}: not notebooks of the report, left out: {', '.join(strays)}", file=sys.stderr)
    current = [r for r in reports if not asked.force and manifest.is_current(r, asked.out / r.name)]
    for report in current:
        _say(f"{report.name} is up to date")
    to_build = [report for report in reports if not any(report is other for other in current)]
    built = _build_reports(to_build, asked, charts) if to_build else []
    for report in built + current:
        if asked.pdf and (report in built or not (asked.out / report.name / "report.pdf").is_file()):
            _say(print_pdf(asked.out / report.name / "report.html", report.as_of))
    from analysis.publish.page import write_index

    write_index(asked.out)
    return int(len(built) < len(to_build))


def _build_reports(reports: list[Report], asked: argparse.Namespace, charts) -> list[Report]:
    """Those that could be built."""
    from tqdm import tqdm

    from analysis.publish.build import BuildError, build_many
    from analysis.publish.cluster import cluster
    from analysis.publish.manifest import CHAPTERS

    class Bar(tqdm):
        monitor_interval = 0  # the thread that watches a bar would stand in the way of forks

    good = []
    # On a terminal a bar; elsewhere, such as a scheduler's log, a line a notebook.
    total = len(reports) * len(CHAPTERS)
    with Bar(total=total, unit="notebook", leave=False, disable=None) as bar, cluster(asked.scheduler) as executor:

        def done(report: Report, notebook: str) -> None:
            bar.update()
            if bar.disable:
                _say(f"{report.name}: {notebook}")

        for report, built in build_many(reports, asked.data, asked.out, executor, asked.timeout, done, charts):
            with bar.external_write_mode():
                if isinstance(built, BuildError):
                    print(built, file=sys.stderr)
                else:
                    good.append(report)
                    _say(built)
    return good


def _notebooks(asked: argparse.Namespace) -> None:
    import nbformat

    from analysis.publish.build import execute
    from analysis.publish.manifest import notebooks

    for path in notebooks():
        nbformat.write(execute(path, {}), path)
        _say(path.name)


def _check(asked: argparse.Namespace) -> None:
    from analysis.facts.ledger import LedgerError, read_ledger, unknown_facts
    from analysis.facts.report import make_report, quarters_with_facts

    ledger = read_ledger(asked.data)
    if astray := unknown_facts(ledger):  # a report leaves such a claim out: the fact may be public later
        raise LedgerError(astray)
    quarters = quarters_with_facts(ledger, PARAMETERS["platform"])
    span = (
        f"reports can be built from {quarters[0].code} to {quarters[-1].code}" if quarters else "no report can be built"
    )
    counts = f"{len(ledger.facts)} facts, {len(ledger.sources)} sources, {len(ledger.events)} events"
    _say(f"{counts}: all rows can be used; {span}")
    if asked.quarter:
        report = make_report(ledger, quarter=asked.quarter)
        from analysis.facts.check import readiness  # it imports the chapters

        _say(readiness(ledger, report))


def _add(asked: argparse.Namespace) -> None:
    from analysis.facts.add import add

    _say(add(asked.files, asked.data))


def _diff(asked: argparse.Namespace) -> None:
    from analysis.facts.ledger import read_ledger
    from analysis.facts.report import make_report
    from analysis.model.diff import compare

    ledger = read_ledger(asked.data)
    _say(compare(*(make_report(ledger, quarter=quarter) for quarter in (asked.before, asked.after))))


if __name__ == "__main__":
    gc.disable()  # nearly all that a command makes stays until its end
    sys.exit(main())
