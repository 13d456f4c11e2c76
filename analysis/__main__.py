"""The command line: `python -m analysis build 2024Q2`, `check` and `notebooks`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.errors import InputError
from analysis.ledger import DATA, read_ledger
from analysis.report import DEFAULTS, make_report, quarters_with_facts


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
    data = {"type": Path, "default": DATA, "metavar": "DIR", "help": "data folder (default: the project's own)"}

    build = commands.add_parser("build", help="write the report of one or more quarters")
    build.add_argument("quarters", nargs="+", metavar="QUARTER", help="such as 2024Q2")
    build.add_argument(
        "--as-of", metavar="DATE", help="use only what was public by then (default: 60 days after the quarter)"
    )
    for name in ("platform", "rival", "currency", "scenario"):
        build.add_argument(f"--{name}", default=DEFAULTS[name], help=f"(default: {DEFAULTS[name]})")
    build.add_argument("--data", **data)
    build.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="folder of reports (default: reports)"
    )
    build.set_defaults(run=_build)

    notebooks = commands.add_parser(
        "notebooks", help="run the project's own notebooks in place, for the default quarter"
    )
    notebooks.set_defaults(run=_notebooks)

    check = commands.add_parser("check", help="read the data folder and say what is wrong with it")
    check.add_argument("--data", **data)
    check.set_defaults(run=_check)
    return parser


def _build(asked: argparse.Namespace) -> int:
    ledger = read_ledger(asked.data)
    # All quarters are checked before the first one is built.
    reports = [
        make_report(
            ledger,
            quarter=quarter,
            as_of=asked.as_of,
            platform=asked.platform,
            rival=asked.rival,
            currency=asked.currency,
            scenario=asked.scenario,
        )
        for quarter in dict.fromkeys(asked.quarters)
    ]
    from tqdm import tqdm  # these take half a second to import, and `check` needs neither

    from analysis.publish import NOTEBOOKS, build

    notebooks = len(list(NOTEBOOKS.glob("*.ipynb")))
    for report in reports:
        # On a terminal a bar; elsewhere, such as a scheduler's log, a line a notebook.
        with tqdm(total=notebooks, desc=report.quarter.code, unit="notebook", leave=False, disable=None) as bar:

            def done(notebook: str, report=report, bar=bar) -> None:
                bar.update()
                if bar.disable:
                    print(f"{report.quarter.code}: {notebook}", flush=True)

            page = build(report, asked.data, asked.out, done)
        print(page, flush=True)
    return 0


def _notebooks(asked: argparse.Namespace) -> int:
    import nbformat

    from analysis.publish import NOTEBOOKS, execute

    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = execute(path, {})
        nbformat.write(notebook, path)
        print(path.name, flush=True)
    return 0


def _check(asked: argparse.Namespace) -> int:
    ledger = read_ledger(asked.data)
    quarters = quarters_with_facts(ledger, DEFAULTS["platform"])
    span = (
        f"reports can be built from {quarters[0].code} to {quarters[-1].code}" if quarters else "no report can be built"
    )
    counts = f"{len(ledger.facts)} facts, {len(ledger.sources)} sources, {len(ledger.events)} events"
    print(f"{counts}: all rows can be used; {span}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
