"""Several reports at once, here and elsewhere: what is up to date, and what is stopped."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from reports import analysis, command, ended, small_chapter, tree

from analysis.facts.errors import InputError
from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish import manifest
from analysis.publish.build import build_many
from analysis.publish.cluster import cluster


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "reports"))


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A copy of the notebooks, which a report would now be built of."""
    monkeypatch.setattr(manifest, "NOTEBOOKS", Path(shutil.copytree(manifest.NOTEBOOKS, tmp_path / "notebooks")))
    return manifest.NOTEBOOKS


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
    changed = (notebooks / "04_europe.ipynb").read_text().replace("open_chapter", "open_chapter ", 1)
    (notebooks / "04_europe.ipynb").write_text(changed)
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


# One goes wrong, or is stopped -----------------------------------------------------------------------


@pytest.mark.parametrize(("content", "said"), [(None, "is not there"), ("", "not a notebook"), ("<<<<<<<", "not a")])
def test_a_notebook_that_cannot_be_read_is_one_message_and_nothing_is_made(tmp_path, notebooks, content, said):
    path = notebooks / "03_rival.ipynb"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(InputError, match=rf"^{path}: .*{said}[^\n]*$"):
        list(build_many([], DATA, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_a_build_that_is_stopped_leaves_no_process_and_what_it_leaves_the_next_one_clears(tmp_path, name):
    out, scratch = tmp_path / "out", tmp_path / "tmp"
    scratch.mkdir()
    small_chapter(tmp_path / "notebooks" / "01_done.ipynb")
    small_chapter(tmp_path / "notebooks" / "02_long.ipynb", "import time\ntime.sleep(600)")
    stopped = command("build", "2024Q2", "--out", out, chapters=tmp_path / "notebooks")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    pipes["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # off where tests run behind
    build = subprocess.Popen(stopped, **pipes, env=os.environ | {"TMPDIR": str(scratch)})
    assert build.stdout.readline() == "2024Q2: 01_done\n"
    begun = psutil.Process(build.pid).children(recursive=True)
    assert len(begun) >= 2  # the other notebook's, and the one that draws
    build.send_signal(getattr(signal, name))
    _, said = build.communicate(timeout=60)
    assert build.returncode != 0
    if name != "SIGKILL":  # of which Python itself tells, on some runs, that semaphores were left
        assert said == ("stopped\n" if name == "SIGINT" else "")
    assert ended(begun)
    if name == "SIGKILL":
        assert [path.name[:10] for path in out.iterdir()] == [".building-"]
        list(build_many([], DATA, out))
    assert not [*out.iterdir(), *(scratch.iterdir() if name != "SIGKILL" else [])]


@pytest.mark.slow
def test_a_build_killed_at_any_moment_leaves_a_whole_report_and_the_next_one_no_trace(copy):
    """Reports of two days take turns in one place, so that a whole one is known from its bytes."""
    days = {day: ("build", "2024Q1", "--as-of", day, "--out", copy) for day in ("2024-05-30", "2024-06-15")}
    whole, chance = [], random.Random(50)
    for build in days.values():
        assert not analysis(*build).returncode
        whole.append(tree(copy / "2024Q1"))
    begun = time.monotonic()
    assert not analysis(*days["2024-05-30"]).returncode
    takes = time.monotonic() - begun
    for n in range(50):
        build = subprocess.Popen(command(*days[[*days][n % 2]]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):  # it may be faster than the first one was
            build.wait(chance.uniform(0, takes))
        build.kill()
        build.wait()
        assert tree(copy / "2024Q1") in whole
    assert not analysis(*days["2024-06-15"]).returncode
    assert tree(copy / "2024Q1") == whole[1]
    assert not list(copy.glob(".*"))


def test_a_report_that_was_aside_when_a_build_was_killed_is_put_back(tmp_path):
    left = tmp_path / ".building-x"
    (left / "2024Q2.before").mkdir(parents=True)
    (left / "2024Q2.before" / "report.html").write_text("the last one")
    (left / "lock").touch()
    list(build_many([], DATA, tmp_path))
    assert tree(tmp_path).keys() == {"2024Q2/report.html"}


# Elsewhere -------------------------------------------------------------------------------------------


def test_what_goes_wrong_in_an_executor_is_told_here(tmp_path):
    report = make_report(read_ledger(), quarter="2024Q1")
    with ThreadPoolExecutor(1) as executor:
        ((_, error),) = build_many([report], DATA, tmp_path, executor=executor, timeout=0.001)
    assert isinstance(error, InputError)
    assert "2024Q1: 00_summary.ipynb, cell 1: the cell ran longer than its limit of 0.001 s" in str(error)
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_loses_a_worker_still_builds_the_same_report(built, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, processes=True) as local:
        arguments = ("build", "2024Q1", "--scheduler", local.scheduler_address, "--out", str(tmp_path))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        build = subprocess.Popen([sys.executable, "-m", "analysis", *arguments], **pipes)
        workers = [psutil.Process(worker.pid) for worker in local.workers.values()]
        while not (busy := [worker for worker in workers if worker.children()]):
            assert build.poll() is None
        busy[0].kill()
        said, errors = build.communicate(timeout=600)
    assert build.returncode == 0, errors
    assert said.split() == [str(tmp_path / "2024Q1" / "report.html")]
    assert tree(tmp_path / "2024Q1") == tree(built / "2024Q1")


def test_a_cluster_that_is_not_there_is_one_clear_message():
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match=r"^--scheduler tcp://127\.0\.0\.1:9: "), cluster("tcp://127.0.0.1:9"):
        pass
