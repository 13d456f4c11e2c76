"""The command line: `python -m analysis build 2024Q2`, `check`, `add`, `diff` and `notebooks`."""

from __future__ import annotations

import argparse
import gc
import os
import re
import signal
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.facts.parameters import BASE, DATA, PARAMETERS

# What a command needs is imported when it runs: packages take longer than all that most commands do.


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 if its input cannot be used."""
    asked = _parser().parse_args(arguments)
    try:
        if "data" in asked and not asked.data.is_dir():
            raise InputError(f"{asked.data}: no such folder. Name the folder that has facts.csv with --data")
        return asked.run(asked) or 0
    except InputError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(": ".join(filter(None, (error.filename, error.strerror or str(error)))), file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run, about: str):
        added = commands.add_parser(run.__name__[1:], help=about)
        added.set_defaults(run=run)
        if run is not _notebooks:
            added.add_argument("--data", type=_folder, default=DATA, metavar="DIR", help="default: the project's own")
        return added.add_argument

    option = command(_build, "write the report of one or more quarters")
    option("quarters", nargs="+", metavar="QUARTER", help="such as 2024Q2")
    option("--as-of", metavar="DATE", help="use only what was public by then (default: 60 days after the quarter)")
    for name in ("platform", "rival", "currency"):
        option(f"--{name}", default=PARAMETERS[name], help="(default: %(default)s)")
    option("--scenario", nargs="+", default=[BASE], help=f"one or more (default: {BASE})")
    option("--lang", nargs="+", default=[PARAMETERS["lang"]], help="one or more folders of analysis/text (default: en)")
    option("--out", type=_folder, default="reports", metavar="DIR", help="folder of reports (default: %(default)s)")
    option("--pdf", action="store_true", help="also print report.pdf, and its summary to brief.pdf (needs Chromium)")
    option("--force", action="store_true", help="build even what is up to date")
    option("--timeout", type=float, default=120.0, metavar="SECONDS", help="that a cell may take (default: 120)")
    option("--scheduler", metavar="ADDRESS", help="of a Dask cluster that is to build, such as tcp://host:8786")
    option = command(_preview, "show a report in the browser, and refresh it when its data, words or code are edited")
    option("quarter", nargs="?", default=PARAMETERS["quarter"], metavar="QUARTER", help="(default: %(default)s)")
    command(_notebooks, "run the project's own notebooks in place, for the default quarter")
    option = command(_check, "read the data folder and say what is wrong with it")
    option("quarter", nargs="?", metavar="QUARTER", help="also say what its report lacks; such as 2024Q2")
    option = command(_add, "add the rows of CSV files to the data folder, all of them or none")
    option("files", nargs="+", type=Path, metavar="FILE", help="its header tells to which table it belongs")
    option = command(_diff, "say what changed from one report to another, and why")
    option("before", metavar="BEFORE", help="quarter of the earlier report, such as 2024Q1")
    option("after", metavar="AFTER", help="quarter of the later one")
    return parser


def _folder(text: str) -> Path:
    """A folder of this machine, there already or not."""
    if re.match(r"[A-Za-z][\w+.-]+:/", text):
        raise argparse.ArgumentTypeError(f"{text!r} is an address. Allowed: a folder of this machine, such as reports")
    path = Path(text)
    if not text.strip() or any(os.path.exists(place) and not os.path.isdir(place) for place in (path, *path.parents)):
        raise argparse.ArgumentTypeError(f"{text!r} is, or lies in, what is no folder. Allowed: a folder")
    return path


def _say(text: object) -> None:
    """Print a line; who reads no further, as `head` does, does not stop the work."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _clean_up_when_ended() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))  # as an exception it lets us clean up


def _build(asked: argparse.Namespace) -> bool:
    if not 0 < asked.timeout <= 86400:
        raise InputError(f"--timeout is {asked.timeout:g}. Allowed: seconds above 0 and up to 86400, a day")
    _clean_up_when_ended()
    from analysis.publish.workers import DrawingProcess

    with DrawingProcess() as charts:  # it warms up while packages are imported
        from analysis.facts.language import languages
        from analysis.facts.ledger import read_ledger
        from analysis.facts.report import make_report
        from analysis.publish import build, cluster, manifest, pdf

        ledger = read_ledger(asked.data)
        given = {name: getattr(asked, name) for name in ("as_of", "platform", "rival", "currency")}
        named = dict.fromkeys((quarter, scenario) for quarter in asked.quarters for scenario in asked.scenario)
        # All reports are checked before the first one is built. What is there in another language is built as well, so
        # that each links to the others.
        reports = []
        for quarter, scenario in named:
            asked_for = {"quarter": quarter, "scenario": scenario, **given}
            told = [make_report(ledger, lang=lang, **asked_for) for lang in dict.fromkeys((*asked.lang, *languages()))]
            told = [report for report in told if report.lang in asked.lang or (asked.out / report.name).is_dir()]
            reports += [replace(one, beside=tuple(sorted({it.lang for it in told} - {one.lang}))) for one in told]
        if asked.pdf:
            pdf.chromium()  # before the work rather than after it
        if strays := manifest.strays():
            print(f"{manifest.NOTEBOOKS}: not notebooks of the report, left out: {', '.join(strays)}", file=sys.stderr)
        missing, failed = [], set()
        for report in reports:
            if asked.force or not manifest.is_current(report, asked.out / report.name):
                missing.append(report)
            else:
                _say(f"{report.name} is up to date")
        with cluster.cluster(asked.scheduler) if asked.scheduler else nullcontext() as executor:
            options = {"executor": executor, "timeout": asked.timeout, "progress": lambda *done: _say(": ".join(done))}
            for report, built in build.build_many(missing, asked.data, asked.out, charts, **options):
                if isinstance(built, InputError):
                    failed.add(report.name)
                    print(built, file=sys.stderr)
                else:
                    _say(built)
    for report in reports:
        page = asked.out / report.name / "report.html"
        if asked.pdf and report.name not in failed and not page.with_suffix(".pdf").is_file():  # none in a new folder
            _say(pdf.print_pdf(page, report.as_of))
    if len(failed) < len(missing) or asked.pdf:
        from analysis.publish.page import write_index

        write_index(asked.out)
    return bool(failed)


def _preview(asked: argparse.Namespace) -> None:
    from analysis.publish.preview import preview

    _clean_up_when_ended()
    preview(asked.quarter, asked.data.resolve(), _say)


def _notebooks(asked: argparse.Namespace) -> None:
    import nbformat

    from analysis.publish.build import TIMEOUT
    from analysis.publish.execute import execute
    from analysis.publish.manifest import notebooks
    from analysis.publish.workers import side_by_side

    with tempfile.TemporaryDirectory() as scratch:
        jobs = {path: (path, DATA, {}) for path in notebooks()}
        for path, done in side_by_side(execute, jobs, scratch, TIMEOUT):
            if isinstance(done, str):
                raise InputError(done)
            nbformat.write(done, path)
            _say(path.name)


def _check(asked: argparse.Namespace) -> None:
    from analysis.facts.ledger import astray, read_ledger
    from analysis.facts.report import make_report, quarters_with_facts
    from analysis.facts.schema import LedgerError
    from analysis.story.chapter import chapters, mistakes
    from analysis.story.check import Recorder, readiness

    ledger = read_ledger(asked.data)
    if problems := astray(ledger, chapters()):  # a report leaves such a claim out: the fact may be public later
        raise LedgerError(problems)
    quarters = [quarter.code for quarter in quarters_with_facts(ledger, PARAMETERS["platform"])]
    span = f"reports can be built from {quarters[0]} to {quarters[-1]}" if quarters else "no report can be built"
    counts = ", ".join(f"{len(getattr(ledger, name))} {name}" for name in ("facts", "sources", "events"))
    _say(f"{counts}: all rows can be used; {span}")
    if quarters:
        report = make_report(ledger, quarter=asked.quarter or min(quarters[-1], PARAMETERS["quarter"]))
        asking = {name: Recorder.of(report) for name in chapters()}
        if problems := mistakes(asking):
            raise InputError("\n".join(problems))
        if asked.quarter:
            _say(readiness(ledger, report, asking))


def _add(asked: argparse.Namespace) -> None:
    from analysis.facts.add import add

    _say(add(asked.files, asked.data))


def _diff(asked: argparse.Namespace) -> None:
    from analysis.facts.ledger import read_ledger
    from analysis.facts.report import make_report
    from analysis.story.diff import compare

    ledger = read_ledger(asked.data)
    _say(compare(*(make_report(ledger, quarter=quarter) for quarter in (asked.before, asked.after))))


if __name__ == "__main__":
    gc.disable()  # nearly all that a command makes stays until its end
    sys.exit(main())
