"""What `make bench` runs: all comparisons in one go, written to results.md and results.svg.

Times depend on the machine and on what else it does, so the results are ratios of medians of runs taken in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import altair as alt
import pandas as pd

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.publish import manifest
from analysis.story.svg import to_svg
from benchmarks import edits
from benchmarks.measure import Command, Cost, rounds, timed

HERE, PROJECT = Path(__file__).parent, DATA.parent
QUARTER, QUARTERS = "2024Q2", ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")
FACTS = (1_000, 3_000, 30_000, 100_000)  # no fewer than are shipped, of which some name others
OURS, FLOOR = "this build", "the floor: one process that does no more"
LOOP = "papermill, then jupyter nbconvert, for each notebook"
API = "papermill's and nbconvert's API in one process"
BOOK, MARIMO = "Jupyter Book 1", "marimo, a page each"
TIMES = {OURS: 5, FLOOR: 5, LOOP: 3, API: 3, BOOK: 1, MARIMO: 1}
PYTHON = Path(sys.executable)


def ways(scratch: Path) -> dict[str, Command]:
    """Each way to turn the notebooks of one report into pages."""
    sources = list(manifest.notebooks())
    loop = []
    for path in sources:
        out = scratch / "loop" / path.name
        loop.append([PYTHON, "-m", "papermill", "--no-progress-bar", path, out, "-p", "quarter", QUARTER])
        loop.append([PYTHON.parent / "jupyter", "nbconvert", "--to", "html", out])
    (scratch / "loop").mkdir()
    ours = [PYTHON, "-m", "analysis", "build", QUARTER, "--force", "--out", scratch / "ours"]
    found = {
        OURS: Command(ours, cwd=PROJECT),
        FLOOR: Command([PYTHON, "-m", "benchmarks.floor", QUARTER, scratch / "floor"], cwd=PROJECT),
        API: Command([PYTHON, "-m", "benchmarks.usual", QUARTER, scratch / "usual"], cwd=PROJECT),
        LOOP: Command(*loop, cwd=PROJECT),
    }
    others = install_others()
    if others:
        found |= {BOOK: _book(others, scratch / "book"), MARIMO: _marimo(others, scratch / "marimo", sources)}
    return found


def install_others() -> Path | None:
    """The folder of the commands of `others.txt`, which see this project's packages; None if they do not install."""
    place = PROJECT / ".venv" / "others"
    commands = place / "bin"
    try:
        if not (commands / "marimo").exists():
            subprocess.run([PYTHON, "-m", "venv", place], check=True)
            quiet = ["--quiet", "--disable-pip-version-check"]
            subprocess.run([commands / "python", "-m", "pip", "install", *quiet, "-r", HERE / "others.txt"], check=True)
            (packages,) = place.glob("lib/python*/site-packages")
            seen = [sysconfig.get_paths()["purelib"], PROJECT]
            (packages / "project.pth").write_text("".join(f"{path}\n" for path in seen), encoding="utf-8")
    except (OSError, subprocess.CalledProcessError):
        return None
    return commands


def _book(commands: Path, folder: Path, execute: str = "force") -> Command:
    shutil.copytree(manifest.NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".*"))
    names = [path.stem for path in sorted(folder.glob("*.ipynb"))]
    chapters = "".join(f"- file: {name}\n" for name in names[1:])
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: {names[0]}\nchapters:\n{chapters}", encoding="utf-8")
    config = f"title: Report\nexecute:\n  execute_notebooks: {execute}\n"
    (folder / "_config.yml").write_text(config, encoding="utf-8")
    whole = ["--all"] if execute == "force" else []
    return Command([commands / "jupyter-book", "build", *whole, folder], cwd=folder, env=_path(commands))


def _marimo(commands: Path, folder: Path, notebooks: Iterable[Path]) -> Command:
    folder.mkdir()
    run = []
    for path in notebooks:
        script = folder / f"{path.stem}.py"
        subprocess.run([commands / "marimo", "convert", path, "-o", script], check=True, capture_output=True)
        run.append([commands / "marimo", "export", "html", script, "-o", script.with_suffix(".html"), "--force"])
    return Command(*run, cwd=folder, env=_path(commands))


def others_edits(commands: Path, scratch: Path) -> dict[str, float]:
    """Seconds that others take after an edited heading: Jupyter Book with its cache filled, marimo for that page."""
    book, path = _book(commands, scratch / "cached", "cache"), scratch / "cached" / "04_europe.ipynb"
    book()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"# Europe', '"# Edited Europe', 1), encoding="utf-8")
    page = _marimo(commands, scratch / "page", [path])
    return {f"an edited heading, {BOOK} from its cache": timed(book)[0], "the same, marimo’s page": timed(page)[0]}


def _path(commands: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


def batches(scratch: Path) -> dict[str, tuple[int, Cost]]:
    """Costs of one report, of all quarters, and of all quarters under all scenarios, with their numbers of reports."""
    scenarios = list(read_ledger().assumptions.scenarios)
    sizes = {
        "one report": ([QUARTER], scenarios[:1]),
        f"{len(QUARTERS)} quarters": (QUARTERS, scenarios[:1]),
        f"{len(QUARTERS)} quarters × {len(scenarios)} scenarios": (QUARTERS, scenarios),
    }
    runs, reports = {}, {}
    for name, (quarters, chosen) in sizes.items():
        command = [PYTHON, "-m", "analysis", "build", *quarters, "--scenario", *chosen, "--force"]
        runs[name] = Command([*command, "--out", scratch / "batch"], cwd=PROJECT)
        reports[name] = len(quarters) * len(chosen)
    found = rounds(runs, dict.fromkeys(runs, 1))
    return {name: (reports[name], found[name]) for name in runs}


def growth() -> pd.DataFrame:
    """Seconds to read and check, fit and audit so many facts, and the memory that it takes."""
    command = [PYTHON, "-m", "benchmarks.market_model"]
    run = partial(subprocess.run, check=True, capture_output=True, text=True, cwd=PROJECT)
    return pd.DataFrame([json.loads(run([*command, str(facts)]).stdout) for facts in FACTS])


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores, system = len(os.sched_getaffinity(0)), platform.system()
    return f"{cores} cores, {memory:.0f} GB, {system}, Python {platform.python_version()}"


def table(
    built: dict[str, Cost],
    missing: list[str],
    edited: dict[str, float],
    batch: dict[str, tuple[int, Cost]],
    grown: pd.DataFrame,
) -> str:
    """All results in Markdown."""
    ours = built[OURS]
    lines = [
        f"Measured by `make bench` on {machine()}. Medians of runs taken in turn; ratios say more than seconds.",
        "",
        f"## Seven notebooks of {QUARTER} to HTML",
        "",
        "| way | seconds | times this build | processor seconds | times this build | memory, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, way in built.items():
        lines.append(
            f"| {name} | {way.wall:.1f} | {way.wall / ours.wall:.1f} | {way.user:.1f} | {way.user / ours.user:.1f} "
            f"| {way.memory:.0f} |"
        )
    lines += [f"| {name} | did not run here | | | | |" for name in missing]
    lines += ["", "## From an edit to the page of the preview", "", "| edit | seconds | times this build |"]
    lines.append("|---|---:|---:|")
    lines += [f"| {name} | {wall:.1f} | {wall / ours.wall:.2f} |" for name, wall in edited.items()]
    lines += ["", "## Reports in one batch", "", "| batch | reports | seconds | seconds a report | memory, MB |"]
    lines.append("|---|---:|---:|---:|---:|")
    for name, (reports, way) in batch.items():
        lines.append(f"| {name} | {reports} | {way.wall:.1f} | {way.wall / reports:.1f} | {way.memory:.0f} |")
    lines += ["", "## As facts grow", "", "Processor seconds of one thread.", ""]
    lines += [
        "| facts | read and check | fit and draw | audit | in all | memory, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in grown.itertuples():
        whole = row.read + row.fit + row.audit
        lines.append(
            f"| {row.facts:,} | {row.read:.2f} | {row.fit:.2f} | {row.audit:.2f} | {whole:.2f} | {row.memory:.0f} |"
        )
    return "\n".join(lines) + "\n"


def chart(built: dict[str, Cost]) -> alt.TopLevelMixin:
    """One bar a way, in multiples of this build."""
    data = pd.DataFrame({"way": list(built), "times": [way.wall / built[OURS].wall for way in built.values()]})
    data["text"] = [f"{row.way}: {row.times:.1f}" for row in data.itertuples()]
    base = alt.Chart(data, width=440, height=40 * len(data)).encode(y=alt.Y("way:N", sort=None, axis=None))
    title = alt.Title(
        f"The usual loop takes {data.set_index('way')['times'][LOOP]:.0f} times as long as this build",
        subtitle=f"Time from seven notebooks to HTML, this build = 1. {machine()}",
        anchor="start",
    )
    bars = base.mark_bar(height=12, yOffset=8, color="#2f7fbf").encode(x=alt.X("times:Q", axis=None))
    words = base.mark_text(align="left", dy=-8, fontSize=13).encode(x=alt.value(0), text="text:N")
    font = "Liberation Sans, Arial, sans-serif"
    return (bars + words).properties(title=title).configure(font=font, background="white").configure_view(stroke=None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one run of each way, for a first look")
    once = parser.parse_args().once
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = ways(scratch)
        built = rounds(found, {name: 1 if once else TIMES[name] for name in found})
        same = (scratch / "ours" / QUARTER / "report.html").read_bytes() == (scratch / "floor/report.html").read_bytes()
        if not same:
            sys.exit("the floor does not write the same page as the build, so that it is no floor")
        edited = edits.seconds(PROJECT, QUARTER, scratch / "edits", 1 if once else TIMES[OURS])
        if others := install_others():
            edited |= others_edits(others, scratch)
        batch = batches(scratch)
    text = table(built, [name for name in TIMES if name not in built], edited, batch, growth())
    (HERE / "results.md").write_text(text, encoding="utf-8")
    (HERE / "results.svg").write_text(to_svg(chart(built).to_dict()), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
