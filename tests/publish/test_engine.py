"""The forked engine gives what a kernel gives, and a notebook that goes wrong goes alone.

Each run is a process of its own, as `papermill --engine forked` is: the test runner has threads, and so cannot fork.
"""

import re
import subprocess
import sys

import nbformat
import psutil
import pytest

from .conftest import ended

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere papermill's own engine is used")


def notebook_of(path, *cells, tags=()):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)}) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)
    return path


def run(source, *options, engine="forked"):
    """papermill as a user types it: how it ended, and the cells that it wrote, without the colours of tracebacks."""
    out = source.with_suffix(f".{engine}.ipynb")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--engine", engine, *options]
    done = subprocess.run([*command, str(source), str(out)], capture_output=True, text=True)
    plain = re.sub(r"(\\u001b|\x1b)\[[0-9;]*m", "", out.read_text(encoding="utf-8"))
    return done, [cell for cell in nbformat.reads(plain, as_version=4).cells if cell.cell_type == "code"]


KINDS = (
    "a = 1\na",
    "a;",
    "import sys\nprint('x'); print('y', file=sys.stderr); print('z')",
    "from IPython.display import HTML, JSON, display, clear_output\nhandle = display('first', display_id='it')",
    "handle.update('second')",
    "display({'text/plain': 'm', 'text/html': '<b>m</b>'}, raw=True, metadata={'k': {'v': [1, 2]}})",
    "print(1); clear_output(wait=True); print(2)",
    "print('before'); display(HTML('<i>'), JSON({'a': 1})); print('after')",
    "!echo hello",
    "import os",
    "import pandas\npandas.DataFrame({'a': [1, 2]})",
    "from analysis.story.charts import Drawing\nDrawing({'data': {'values': [{}]}, 'mark': 'point'}, 'A point')",
    "In[0:3], Out[1], __name__",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "%who_ls int",
    "def f():\n    raise ValueError('x')\nf()",
    "1 / 0",
    "raise SystemExit(2)",
    "os.getcwd() == os.path.realpath(os.curdir), sys.stdin.read()",
    "print('no newline', end='')",
)


def test_every_kind_of_output_is_that_of_a_kernel(tmp_path):
    source = notebook_of(tmp_path / "kinds.ipynb", *KINDS, tags=["raises-exception"])
    (_, forked), (_, kernel) = run(source), run(source, engine="nbclient")
    for ours, theirs in zip(forked, kernel, strict=True):
        assert (ours.outputs, ours.execution_count) == (theirs.outputs, theirs.execution_count), ours.source
    assert forked[11].outputs[0].data["image/svg+xml"].startswith("<svg")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os._exit(3)", "DeadKernelError: the notebook's process ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "DeadKernelError: the notebook's process was killed by SIGKILL"),
        ("while True: pass", "CellTimeoutError: the cell ran longer than its limit of 1 s"),
        ("input('?')", "StdinNotImplementedError"),
        ("exit", "DeadKernelError: the notebook's process ended with exit code 0"),
    ],
)
def test_a_notebook_that_goes_wrong_names_its_cell(tmp_path, cell, message):
    source = notebook_of(tmp_path / "wrong.ipynb", "a = 1\na", cell, "'never reached'")
    done, cells = run(source, *(["--execution-timeout", "1"] if "while" in cell else []))
    assert done.returncode == 1
    assert 'Exception encountered at "In [2]"' in done.stderr
    assert message in re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    assert [bool(cell.outputs) for cell in cells][-3:] == [True, True, False]


def test_notebooks_of_one_process_know_nothing_of_each_other(tmp_path):
    change = "import sys, os, builtins, numpy\nbuiltins.x = os.environ['X'] = 'leaked'; numpy.pi = 3; os.chdir('/')"
    look = "import os, builtins, numpy\nhasattr(builtins, 'x'), 'X' in os.environ, numpy.pi == 3, os.getcwd() == '/'"
    paths = [
        notebook_of(tmp_path / f"{number}.ipynb", cell, "numpy.random.rand()")
        for number, cell in enumerate((change, look))
    ]
    code = "import numpy, papermill, sys\n"
    code += "for path in sys.argv[1:]: papermill.execute_notebook(path, path, engine_name='forked', progress_bar=False)"
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, capture_output=True)
    first, second = (nbformat.read(path, as_version=4).cells for path in paths)
    assert second[0].outputs[0].data["text/plain"] == str((False,) * 4)
    assert second[1].outputs != first[1].outputs  # forks do not draw the same random numbers


def test_a_notebook_needs_no_home_and_leaves_nothing_in_one(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "not there"))  # as a scheduler may run it
    done, (cell,) = run(notebook_of(tmp_path / "in.ipynb", "import os\nos.system('echo printed past Python')"))
    assert done.returncode == 0, done.stderr
    assert [output.get("text") for output in cell.outputs] == ["printed past Python\n", None]
    assert not (tmp_path / "not there").exists()


def test_no_process_outlives_a_papermill_that_is_killed(tmp_path):
    source = notebook_of(tmp_path / "long.ipynb", "print('begun')\nimport time", "time.sleep(600)")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-output", "--engine", "forked"]
    parent = subprocess.Popen([*command, str(source), str(tmp_path / "out.ipynb")], stderr=subprocess.PIPE, text=True)
    while "begun" not in parent.stderr.readline():
        assert parent.poll() is None
    children = psutil.Process(parent.pid).children()
    assert children
    parent.kill()
    parent.communicate()
    assert ended(children)


def test_what_a_notebook_leaves_running_ends_with_it(tmp_path):
    done, (cell,) = run(notebook_of(tmp_path / "a.ipynb", "import subprocess\nsubprocess.Popen(['sleep', '600']).pid"))
    assert done.returncode == 0, done.stderr
    pid = int(cell.outputs[0].data["text/plain"])
    assert not psutil.pid_exists(pid) or ended([psutil.Process(pid)])
