"""The command line: `python -m analysis build 2024Q2`, `check`, `add`, `diff` and `notebooks`."""

from __future__ import annotations

import argparse
import gc
import re
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.facts.errors import InputError
from analysis.facts.parameters import DATA, PARAMETERS

if TYPE_CHECKING:
    from analysis.facts.report import Report
    from analysis.publish.drawing import Draughtsman

# What a command needs is imported when it runs: packages take longer than all that most commands do.


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 if its input cannot be used."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.run(asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    data = {"type": _folder, "default": DATA, "metavar": "DIR", "help": "data folder (default: the project's own)"}

    build = commands.add_parser("build", help="write the report of one or more quarters")
    build.add_argument("quarters", nargs="+", metavar="QUARTER", help="such as 2024Q2")
    build.add_argument(
        "--as-of", metavar="DATE", help="use only what was public by then (default: 60 days after the quarter)"
    )
    for name in ("platform", "rival", "currency"):
        build.add_argument(f"--{name}", default=PARAMETERS[name], help=f"(default: {PARAMETERS[name]})")
    build.add_argument(
        "--scenario",
        nargs="+",
        default=[PARAMETERS["scenario"]],
        help=f"one or more (default: {PARAMETERS['scenario']})",
    )
    build.add_argument("--data", **data)
    build.add_argument(
        "--out", type=_folder, default=Path("reports"), metavar="DIR", help="folder of reports (default: reports)"
    )
    build.add_argument("--pdf", action="store_true", help="also print each report to report.pdf (needs Chromium)")
    build.add_argument("--force", action="store_true", help="build even what is up to date")
    build.add_argument(
        "--timeout", type=float, default=120, metavar="SECONDS", help="that a cell may take (default: 120)"
    )
    build.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that is to build, such as tcp://host:8786"
    )
    build.set_defaults(run=_build)

    notebooks = commands.add_parser(
        "notebooks", help="run the project's own notebooks in place, for the default quarter"
    )
    notebooks.set_defaults(run=_notebooks)

    check = commands.add_parser("check", help="read the data folder and say what is wrong with it")
    check.add_argument("quarter", nargs="?", metavar="QUARTER", help="also say what its report lacks; such as 2024Q2")
    check.add_argument("--data", **data)
    check.set_defaults(run=_check)

    add = commands.add_parser("add", help="add the rows of CSV files to the data folder, all of them or none")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="its header tells to which table it belongs")
    add.add_argument("--data", **data)
    add.set_defaults(run=_add)

    diff = commands.add_parser("diff", help="say what changed from one report to another, and why")
    diff.add_argument("before", metavar="BEFORE", help="quarter of the earlier report, such as 2024Q1")
    diff.add_argument("after", metavar="AFTER", help="quarter of the later one")
    diff.add_argument("--data", **data)
    diff.set_defaults(run=_diff)
    return parser


def _folder(text: str) -> Path:
    """A folder of this machine, there already or not."""
    if re.match(r"[A-Za-z][\w+.-]*:/", text):
        raise argparse.ArgumentTypeError(f"{text!r} is an address. Allowed: a folder of this machine, such as reports")
    path = Path(text)
    if not text.strip() or any(place.exists() and not place.is_dir() for place in (path, *path.parents)):
        raise argparse.ArgumentTypeError(f"{text!r} is, or lies in, what is no folder. Allowed: a folder")
    return path


def _build(asked: argparse.Namespace) -> int:
    from analysis.publish.drawing import Draughtsman

    # It warms up while packages are imported. The workers of a cluster have their own.
    with nullcontext() if asked.scheduler else Draughtsman() as draughtsman:
        return _build_all(asked, draughtsman)


def _build_all(asked: argparse.Namespace, draughtsman: Draughtsman | None) -> int:
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
    current = [] if asked.force else [r for r in reports if manifest.is_current(r, asked.out / r.name)]
    for report in current:
        print(f"{report.name} is up to date", flush=True)
    to_build = [report for report in reports if report not in current]
    to_print = [
        r for r in reports if asked.pdf and (r in to_build or not (asked.out / r.name / "report.pdf").is_file())
    ]
    if to_print:
        from analysis.publish.pdf import chromium

        chromium()  # before the work rather than after it
    failed = _build_reports(to_build, asked, draughtsman) if to_build else False
    for report in to_print:
        if manifest.is_current(report, asked.out / report.name):  # else it could not be built
            from analysis.publish.pdf import print_pdf

            print(print_pdf(asked.out / report.name / "report.html", report.as_of), flush=True)
    if to_build or to_print:
        from analysis.publish.page import write_index

        write_index(asked.out)
    return int(failed)


def _build_reports(reports: list[Report], asked: argparse.Namespace, draughtsman: Draughtsman | None) -> bool:
    """Whether any of them failed."""
    from tqdm import tqdm

    from analysis.publish.build import BuildError, build_many
    from analysis.publish.cluster import cluster
    from analysis.publish.manifest import notebooks

    failed = False
    # A scheduler that is stopped stops us by this; as an exception it lets us clean up.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    tqdm.monitor_interval = 0  # the thread that watches a bar would stand in the way of forks
    count = len(reports) * len(notebooks())
    # On a terminal a bar; elsewhere, such as a scheduler's log, a line a notebook.
    with tqdm(total=count, unit="notebook", leave=False, disable=None) as bar, cluster(asked.scheduler) as executor:

        def done(report: Report, notebook: str) -> None:
            bar.update()
            if bar.disable:
                print(f"{report.name}: {notebook}", flush=True)

        for _, built in build_many(reports, asked.data, asked.out, executor, asked.timeout, done, draughtsman):
            failed |= isinstance(built, BuildError)
            tqdm.write(str(built), sys.stderr if isinstance(built, BuildError) else sys.stdout)
    return failed


def _notebooks(asked: argparse.Namespace) -> int:
    import nbformat

    from analysis.publish.build import execute
    from analysis.publish.manifest import notebooks

    for path in notebooks():
        notebook = execute(path, {})
        nbformat.write(notebook, path)
        print(path.name, flush=True)
    return 0


def _check(asked: argparse.Namespace) -> int:
    from analysis.facts.ledger import claims_astray, read_ledger
    from analysis.facts.report import make_report, quarters_with_facts
    from analysis.facts.schema import LedgerError

    ledger = read_ledger(asked.data)
    if astray := claims_astray(ledger, _chapters()):  # a report leaves such a claim out: the fact may be public later
        raise LedgerError(astray)
    quarters = quarters_with_facts(ledger, PARAMETERS["platform"])
    span = (
        f"reports can be built from {quarters[0].code} to {quarters[-1].code}" if quarters else "no report can be built"
    )
    counts = f"{len(ledger.facts)} facts, {len(ledger.sources)} sources, {len(ledger.events)} events"
    print(f"{counts}: all rows can be used; {span}")
    if asked.quarter:
        report = make_report(ledger, quarter=asked.quarter)
        from analysis.chapters import sections
        from analysis.facts.check import readiness

        print(readiness(ledger, report, sections()))
    return 0


def _chapters() -> list[str]:
    """Those that have a text; until then, those that have a notebook."""
    root = Path(__file__).resolve().parent
    texts = sorted(path.stem for path in (root / "text" / "en").glob("*.md"))
    return texts or sorted(path.stem.partition("_")[2] for path in (root.parent / "notebooks").glob("[0-9]*.ipynb"))


def _add(asked: argparse.Namespace) -> int:
    from analysis.facts.add import add

    print(add(asked.files, asked.data))
    return 0


def _diff(asked: argparse.Namespace) -> int:
    from analysis.chapters import sections
    from analysis.facts.ledger import read_ledger
    from analysis.facts.report import make_report
    from analysis.model.diff import compare

    ledger = read_ledger(asked.data)
    before, after = (make_report(ledger, quarter=quarter) for quarter in (asked.before, asked.after))

    print(compare(before, after, sections()))
    return 0


if __name__ == "__main__":
    gc.disable()  # nearly all that a command makes stays until its end
    sys.exit(main())
