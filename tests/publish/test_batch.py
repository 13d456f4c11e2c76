"""Several reports at once, here and elsewhere: what is up to date, what goes wrong, and what is stopped."""

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish import manifest
from analysis.publish.build import BuildError, build_many

from .conftest import analysis, ended, tree


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "reports"))


@pytest.fixture
def notebooks(tmp_path):
    """A copy of the notebooks, and a function that puts a cell into one of them."""
    folder = Path(shutil.copytree(manifest.NOTEBOOKS, tmp_path / "notebooks"))

    def insert(stem, cell):
        notebook = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
        notebook.cells.insert(3, nbformat.v4.new_code_cell(cell))
        nbformat.write(notebook, folder / f"{stem}.ipynb")
        return folder

    return insert


def current(folder, **parameters):
    report = make_report(read_ledger(), **parameters)
    return manifest.is_current(report, folder / report.quarter.code)


# Only what changed -----------------------------------------------------------------------------------


def test_what_is_up_to_date_is_left_alone_and_said_so(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    done = analysis("build", "2024Q1", "2024Q2", "--out", copy)
    assert (done.returncode, done.stdout) == (0, "2024Q1 is up to date\n2024Q2 is up to date\n")
    assert before == {path: path.stat().st_mtime_ns for path in copy.rglob("*")}


def test_current_means_same_inputs_and_same_files(copy, monkeypatch, notebooks):
    assert current(copy, quarter="2024Q2")
    assert not current(copy, quarter="2024Q2", as_of="2024-08-30")
    assert not current(copy, quarter="2024Q3")  # not there
    for name, spoil in (
        ("report.html", lambda path: path.unlink()),
        ("summary.json", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("notebooks/04_europe.ipynb", lambda path: path.write_bytes(path.read_bytes().replace(b"2024", b"2025", 1))),
        ("manifest.json", lambda path: path.write_text('{"files": 3}')),
    ):
        kept = (copy / "2024Q2" / name).read_bytes()
        spoil(copy / "2024Q2" / name)
        assert not current(copy, quarter="2024Q2"), name
        (copy / "2024Q2" / name).write_bytes(kept)
    with monkeypatch.context() as other:
        other.setattr(manifest, "version", lambda package: "0")
        assert not current(copy, quarter="2024Q2")
    monkeypatch.setattr(manifest, "NOTEBOOKS", notebooks("04_europe", "1"))
    assert not current(copy, quarter="2024Q2")


def test_a_changed_fact_rebuilds_the_reports_that_may_use_it(copy, data_copy):
    # The reports know what was public on 30 May and on 29 August 2024.
    header, *rows = data_copy.rows("facts.csv")
    known_on = {row[0]: row[header.index("known_on")] for row in rows}
    later = next(fact for fact, day in known_on.items() if day > "2024-08-29")
    between = next(fact for fact, day in known_on.items() if "2024-05-30" < day <= "2024-08-29")
    for fact, expected in ((later, [True, True]), (between, [True, False])):
        data_copy.put("facts.csv", fact, "note", "looked at again")
        reports = [make_report(data_copy.read(), quarter=quarter) for quarter in ("2024Q1", "2024Q2")]
        assert [manifest.is_current(report, copy / report.name) for report in reports] == expected


# One goes wrong --------------------------------------------------------------------------------------


def test_notebooks_that_go_wrong_are_named_and_harm_nobody_else(copy, notebooks):
    notebooks("01_southeast_asia", "1 / (quarter != '2024Q1')")
    notebooks("02_united_states", "import os\nif quarter == '2024Q1': os._exit(7)")
    notebooks("03_rival", "import time\nif quarter == '2024Q1': time.sleep(600)")
    folder = notebooks("04_europe", "import os\nif quarter == '2024Q1': os.kill(os.getpid(), 9)")
    (folder / "Untitled.ipynb").write_text("")
    before = tree(copy / "2024Q1")
    command = ("build", "2024Q1", "2024Q2", "--timeout", "30", "--out", copy)
    done = analysis(*command, notebooks=folder, umask=0o027)
    assert done.returncode == 1
    assert [re.sub(r"cell \d+", "cell", line) for line in done.stderr.splitlines()] == [
        f"{folder}: not notebooks of the report, left out: Untitled.ipynb",
        "2024Q1: 01_southeast_asia.ipynb, cell: ZeroDivisionError: division by zero",
        "2024Q1: 02_united_states.ipynb, cell: DeadKernelError: the notebook's process ended with exit code 7",
        "2024Q1: 03_rival.ipynb, cell: CellTimeoutError: the cell ran longer than its limit of 30 s",
        "2024Q1: 04_europe.ipynb, cell: DeadKernelError: the notebook's process was killed by SIGKILL",
    ]
    assert tree(copy / "2024Q1") == before  # the last good report stays
    assert sorted(path.name for path in copy.iterdir() if path.is_dir()) == ["2024Q1", "2024Q2"]
    assert not current(copy, quarter="2024Q2")  # it was built, of other notebooks
    made = [copy / "2024Q2", *(copy / "2024Q2").rglob("*")]
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in made} == {(True, 0o750), (False, 0o640)}  # umask


@pytest.mark.parametrize(("content", "said"), [(None, "is not there"), ("", "not a notebook"), ("<<<<<<<", "not a")])
def test_a_notebook_that_cannot_be_read_is_one_message_and_nothing_is_made(tmp_path, notebooks, content, said):
    path = notebooks("03_rival", "1") / "03_rival.ipynb"
    path.unlink() if content is None else path.write_text(content)
    done = analysis("build", "2024Q2", "--out", tmp_path / "out", notebooks=path.parent)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_a_build_that_is_stopped_leaves_no_process_and_what_it_leaves_the_next_one_clears(tmp_path, name):
    out, scratch = tmp_path / "out", tmp_path / "tmp"
    scratch.mkdir()
    command = [sys.executable, "-m", "analysis", "build", "2024Q2", "--out", str(out)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    pipes["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # off where tests run behind
    build = subprocess.Popen(command, **pipes, env=os.environ | {"TMPDIR": str(scratch)})
    build.stdout.readline()  # a notebook is done
    begun = psutil.Process(build.pid).children(recursive=True)
    assert len(begun) > 3  # workers, their notebooks, and the one that draws
    build.send_signal(getattr(signal, name))
    _, said = build.communicate(timeout=60)
    assert build.returncode != 0
    if name != "SIGKILL":  # of which Python itself tells, on some runs, that semaphores were left
        assert said == ("stopped\n" if name == "SIGINT" else "")
    assert ended(begun)
    if name == "SIGKILL":
        assert [path.name[:10] for path in out.iterdir()] == [".building-"]
        with ThreadPoolExecutor(1) as executor:
            list(build_many([], DATA, out, executor=executor))
    assert not [*out.iterdir(), *(scratch.iterdir() if name != "SIGKILL" else [])]


# Elsewhere -------------------------------------------------------------------------------------------


def test_any_executor_builds_the_same_bytes_and_what_goes_wrong_there_is_told_here(built, tmp_path):
    report = make_report(read_ledger(), quarter="2024Q1")
    with ThreadPoolExecutor(1) as executor:
        ((_, error),) = build_many([report], DATA, tmp_path, executor=executor, timeout=0.001)
        assert isinstance(error, BuildError)
        assert "CellTimeoutError: the cell ran longer than its limit of 0.001 s" in str(error)
        assert not list(tmp_path.iterdir())
        ((_, page),) = build_many([report], DATA, tmp_path, executor=executor)
    assert tree(page.parent) == tree(built / "2024Q1")


def test_a_cluster_that_loses_a_worker_still_builds_every_report(built, tmp_path):
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "out"
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster:
        command = [sys.executable, "-m", "analysis", "build", "2024Q1", "2024Q2", "--scheduler"]
        command += [cluster.scheduler_address, "--out", str(out)]
        build = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        worker = psutil.Process(cluster.workers[0].pid)
        while not worker.children():
            assert build.poll() is None
        worker.kill()
        said, errors = build.communicate(timeout=600)
    assert build.returncode == 0, errors
    assert sorted(said.split()) == [str(out / name / "report.html") for name in ("2024Q1", "2024Q2")]
    assert tree(out / "2024Q1") == tree(built / "2024Q1")


def test_a_cluster_that_is_not_there_is_one_clear_message(tmp_path):
    pytest.importorskip("distributed")
    done = analysis("build", "2024Q2", "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("--scheduler tcp://127.0.0.1:9: ")
    assert "Traceback" not in done.stderr
