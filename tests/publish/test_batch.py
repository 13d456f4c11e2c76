"""Several reports at once: on this machine, by any executor, and on a cluster that loses a worker."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish import manifest
from analysis.publish.build import BuildError, build_many

PROJECT = DATA.parent


def tree(folder):
    """Relative path and hash of every file under a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def analysis(*arguments, notebooks=manifest.NOTEBOOKS, **options):
    """The command in a process of its own, with other notebooks if asked for."""
    code = (
        "import sys; from pathlib import Path; from analysis import __main__; from analysis.publish import manifest\n"
        "manifest.NOTEBOOKS = Path(sys.argv.pop(1)); sys.exit(__main__.main())"
    )
    command = [sys.executable, "-c", code, str(notebooks), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    done = analysis("build", "2024Q1", "2024Q2", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "reports"))


# Only what changed -----------------------------------------------------------------------------------


def test_what_is_up_to_date_is_left_alone_and_said_so(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    done = analysis("build", "2024Q1", "2024Q2", "--out", copy)
    assert (done.returncode, done.stdout) == (0, "2024Q1 is up to date\n2024Q2 is up to date\n")
    assert before == {path: path.stat().st_mtime_ns for path in copy.rglob("*")}


def test_a_report_alone_and_one_of_many_are_byte_identical(built, tmp_path):
    done = analysis("build", "2024Q2", "--force", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "2024Q2") == tree(built / "2024Q2")


def current(folder, **parameters):
    report = make_report(read_ledger(), **parameters)
    return manifest.is_current(report, folder / report.quarter.code)


def test_current_means_same_inputs_and_same_files(copy, monkeypatch):
    assert current(copy, quarter="2024Q2")
    assert not current(copy, quarter="2024Q2", as_of="2024-08-30")
    assert not current(copy, quarter="2024Q2", currency="EUR")
    assert not current(copy, quarter="2024Q3")  # not there
    monkeypatch.setattr(manifest, "version", lambda package: "0")
    assert not current(copy, quarter="2024Q2")


@pytest.mark.parametrize("name", ["report.html", "tables/us_pace.csv", "notebooks/03_temu.ipynb", "manifest.json"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"2024", b"2025", 1)),
    ],
    ids=["deleted", "emptied", "truncated", "edited"],
)
def test_a_file_that_is_not_as_built_is_never_believed(copy, name, spoil):
    path = copy / "2024Q2" / name
    if not path.exists():
        path = next((copy / "2024Q2" / "tables").iterdir())
    spoil(path)
    assert not current(copy, quarter="2024Q2")


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"files": 3}', "{", "\udcff"])
def test_a_manifest_of_anything_is_no_manifest(copy, content):
    (copy / "2024Q2" / "manifest.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    assert not current(copy, quarter="2024Q2")


def test_code_and_notebooks_count_but_stored_outputs_do_not(copy, tmp_path, monkeypatch):
    notebooks = Path(shutil.copytree(manifest.NOTEBOOKS, tmp_path / "notebooks"))
    monkeypatch.setattr(manifest, "NOTEBOOKS", notebooks)
    assert current(copy, quarter="2024Q2")
    one = nbformat.read(notebooks / "03_temu.ipynb", as_version=4)
    one.cells[-2].outputs = []
    nbformat.write(one, notebooks / "03_temu.ipynb")
    assert current(copy, quarter="2024Q2")
    one.cells[-1].source += " More."
    nbformat.write(one, notebooks / "03_temu.ipynb")
    assert not current(copy, quarter="2024Q2")


def test_a_changed_fact_rebuilds_the_reports_that_may_use_it(copy, data_copy):
    # The reports know what was public on 30 May and on 29 August 2024.
    header, *rows = data_copy.rows("facts.csv")
    known_on = {row[0]: row[header.index("known_on")] for row in rows}
    later = next(fact for fact, day in known_on.items() if day > "2024-08-29")
    between = next(fact for fact, day in known_on.items() if "2024-05-30" < day <= "2024-08-29")
    for fact, expected in ((later, [True, True]), (between, [True, False])):
        data_copy.put("facts.csv", fact, "note", "looked at again")
        ledger = data_copy.read()
        reports = [make_report(ledger, quarter=quarter) for quarter in ("2024Q1", "2024Q2")]
        assert [manifest.is_current(report, copy / report.name) for report in reports] == expected


# One goes wrong --------------------------------------------------------------------------------------


@pytest.fixture
def notebooks(tmp_path):
    """Four of seven notebooks go wrong, each in its own way, in the report on the first quarter."""
    folder = Path(shutil.copytree(manifest.NOTEBOOKS, tmp_path / "notebooks"))
    wrong = {
        "01_southeast_asia": "1 / (quarter != '2024Q1')",
        "02_united_states": "import os\nif quarter == '2024Q1': os._exit(7)",
        "03_temu": "import time\nif quarter == '2024Q1': time.sleep(600)",
        "04_europe": "import os, signal\nif quarter == '2024Q1': os.kill(os.getpid(), signal.SIGKILL)",
    }
    for stem, cell in wrong.items():
        notebook = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
        notebook.cells.insert(3, nbformat.v4.new_code_cell(cell))
        nbformat.write(notebook, folder / f"{stem}.ipynb")
    return folder


def test_notebooks_that_go_wrong_are_named_and_harm_nobody_else(copy, notebooks):
    before = tree(copy / "2024Q1")
    done = analysis("build", "2024Q1", "2024Q2", "--timeout", "10", "--out", copy, notebooks=notebooks)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert [re.sub(r"cell \d+", "cell", line) for line in said] == [
        "2024Q1: 01_southeast_asia.ipynb, cell: ZeroDivisionError: division by zero",
        "2024Q1: 02_united_states.ipynb, cell: DeadKernelError: the notebook's process ended with exit code 7",
        "2024Q1: 03_temu.ipynb, cell: CellTimeoutError: the cell ran longer than its limit of 10 s",
        "2024Q1: 04_europe.ipynb, cell: DeadKernelError: the notebook's process was killed by SIGKILL",
    ]
    assert tree(copy / "2024Q1") == before  # the last good report stays
    assert sorted(path.name for path in copy.iterdir() if path.is_dir()) == ["2024Q1", "2024Q2"]
    made = json.loads((copy / "2024Q2" / "manifest.json").read_text(encoding="utf-8"))
    assert made["notebooks"] != json.loads((copy / "2024Q1" / "manifest.json").read_text(encoding="utf-8"))["notebooks"]


def children(pid):
    """Processes under a process, all generations."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(pid) and fields[0] != "Z":
            child = int(stat.parent.name)
            found += [child, *children(child)]
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_build_that_is_stopped_leaves_no_process_and_no_half_report(tmp_path, number):
    command = [sys.executable, "-m", "analysis", "build", "2024Q2", "--out", str(tmp_path / "out")]
    build = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline, seen = time.monotonic() + 60, []
    while len(seen) < 3:  # the one that draws, and what is forked
        assert time.monotonic() < deadline
        assert build.poll() is None
        seen = children(build.pid)
        time.sleep(0.01)
    build.send_signal(number)
    assert build.wait() != 0
    while any(Path(f"/proc/{pid}").exists() for pid in seen):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert not [name for name in left if not name.startswith(".building-")]
    assert number == signal.SIGKILL or not left


# Elsewhere -------------------------------------------------------------------------------------------


def test_any_executor_builds_the_same_bytes(built, tmp_path):
    ledger = read_ledger()
    reports = [make_report(ledger, quarter=quarter) for quarter in ("2024Q1", "2024Q2")]
    with ThreadPoolExecutor(2) as executor:
        made = {report.name: page for report, page in build_many(reports, DATA, tmp_path, executor)}
    assert made == {name: tmp_path / name / "report.html" for name in ("2024Q1", "2024Q2")}
    for name in made:
        assert tree(tmp_path / name) == tree(built / name)


def test_what_goes_wrong_elsewhere_is_told_here(tmp_path):
    report = make_report(read_ledger(), quarter="2024Q1")
    with ThreadPoolExecutor(1) as executor:
        ((_, error),) = build_many([report], DATA, tmp_path, executor, timeout=0.001)
    assert isinstance(error, BuildError)
    assert "CellTimeoutError: the cell ran longer than its limit of 0.001 s" in str(error)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def cluster(tmp_path):
    """Address of a Dask scheduler on this machine, and its two worker processes."""
    pytest.importorskip("distributed")
    environment = os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s"}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    log = open(tmp_path / "cluster.log", "w")  # noqa: SIM115
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    processes = [subprocess.Popen([*dask, *options], stderr=log, env=environment)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1"]
        for number in range(2):
            own = ["--no-dashboard", "--local-directory", str(tmp_path / f"worker-{number}")]
            processes.append(subprocess.Popen([*worker, *own], stderr=log, env=environment, cwd=tmp_path))
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


def test_a_cluster_that_loses_a_worker_still_builds_every_report(built, cluster, tmp_path):
    address, workers = cluster
    out = tmp_path / "out"
    command = [sys.executable, "-m", "analysis", "build", "2024Q1", "2024Q2", "--scheduler", address, "--out", str(out)]
    build = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline, seen = time.monotonic() + 120, []
    while not seen:
        assert time.monotonic() < deadline
        seen = children(workers[0].pid)
        time.sleep(0.05)
    workers[0].kill()
    said, errors = build.communicate(timeout=300)
    assert build.returncode == 0, errors
    assert sorted(said.split()) == [str(out / name / "report.html") for name in ("2024Q1", "2024Q2")]
    assert tree(out) == tree(built)
    while any(Path(f"/proc/{pid}").exists() for pid in seen):  # what the lost worker had started is gone, too
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_cluster_that_is_not_there_is_one_clear_message(tmp_path):
    pytest.importorskip("distributed")
    done = analysis("build", "2024Q2", "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("--scheduler tcp://127.0.0.1:9: ")
    assert "Traceback" not in done.stderr
