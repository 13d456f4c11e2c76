"""Notebooks run side by side: one that goes wrong does so alone and is named with its cell, and none leaves a trace."""

import os
import re

import nbformat
import psutil
import pytest
from reports import analysis, ended, small_chapter, tree

WRONG = {  # in one quarter of two
    "01_raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "02_exits": ("import os; os._exit(7)", "the notebook's process ended with exit code 7"),
    "03_hangs": ("while True: pass", "the cell ran longer than its limit of 9 s"),
    "04_killed": (
        "import os; os.kill(os.getpid(), 9)",
        "the notebook's process was killed by SIGKILL; is there enough memory?",
    ),
    "05_asks": ("input('?')", "EOFError: EOF when reading a line"),
    "06_misspelt": ("pritn(1)", "NameError: name 'pritn' is not defined"),
    "07_broken": ("exec('a b')", "SyntaxError: invalid syntax (<string>, line 1)"),
}
RIGHT = {
    "11_shows": "print('printed')\n1 + 1",
    "12_changes": "import builtins, os\nbuiltins.x = os.environ['X'] = 'leaked'; os.chdir('/')",
    "13_looks": "import builtins, os\n(hasattr(builtins, 'x'), 'X' in os.environ, os.getcwd() == '/')",
    "14_leaves": "import subprocess\nsubprocess.Popen(['sleep', '600']).pid",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two quarters, of which the first has a last report and goes wrong in most notebooks; without a home."""
    folder = tmp_path_factory.mktemp("run")
    for name, (cell, _) in WRONG.items():
        small_chapter(folder / "notebooks" / f"{name}.ipynb", f"if quarter == '2024Q1':\n    {cell}")
    for name, cell in RIGHT.items():
        small_chapter(folder / "notebooks" / f"{name}.ipynb", cell)
    (folder / "notebooks" / "Untitled.ipynb").write_text("")
    (folder / "out" / "2024Q1").mkdir(parents=True)
    (folder / "out" / "2024Q1" / "report.html").write_text("the last good report")
    arguments = ("build", "2024Q1", "2024Q2", "--timeout", "9", "--out", folder / "out")
    home = os.environ | {"HOME": str(folder / "not there")}  # as a scheduler may run it
    return folder, analysis(*arguments, chapters=folder / "notebooks", umask=0o027, env=home)


def outputs(folder, name):
    """What the second cell of code of a notebook has shown."""
    notebook = nbformat.read(folder / "out" / "2024Q2" / "notebooks" / f"{name}.ipynb", as_version=4)
    return [output.get("text") or output.data["text/plain"] for output in notebook.cells[2].outputs]


def test_what_goes_wrong_is_named_with_its_cell_and_harms_nobody_else(run):
    folder, done = run
    assert done.returncode == 1
    expected = [f"2024Q1: {name}.ipynb, cell 3: {said}" for name, (_, said) in WRONG.items()]
    strays = f"{folder / 'notebooks'}: not notebooks of the report, left out: Untitled.ipynb"
    assert done.stderr.splitlines() == [strays, *expected]
    assert list(tree(folder / "out" / "2024Q1")) == ["report.html"]  # the last good report stays
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["2024Q1", "2024Q2", "index.html"]
    made = [folder / "out" / "2024Q2", *(folder / "out" / "2024Q2").rglob("*")]
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in made} == {(True, 0o750), (False, 0o640)}  # umask


def test_notebooks_know_nothing_of_each_other_and_leave_nothing(run):
    folder, _ = run
    assert outputs(folder, "11_shows") == ["printed\n", "2"]
    assert outputs(folder, "13_looks") == ["(False, False, False)"]
    pid = int(outputs(folder, "14_leaves")[0])
    assert not psutil.pid_exists(pid) or ended([psutil.Process(pid)])
    assert not (folder / "not there").exists()


@pytest.mark.parametrize("limit", ["0.001", "inf", "0", "nan"])
def test_a_limit_that_is_too_short_is_told_by_cell_and_one_that_is_none_at_once(tmp_path, limit):
    small_chapter(tmp_path / "notebooks" / "01_one.ipynb")
    done = analysis("build", "2024Q2", "--timeout", limit, "--out", tmp_path / "out", chapters=tmp_path / "notebooks")
    assert done.returncode == 1
    if limit == "0.001":  # it passes in the cell of the parameters
        assert done.stderr == "2024Q2: 01_one.ipynb, cell 1: the cell ran longer than its limit of 0.001 s\n"
    else:
        assert re.fullmatch(rf"--timeout is {limit}\. Allowed: seconds above 0 .*\n", done.stderr)
        assert not (tmp_path / "out").exists()
