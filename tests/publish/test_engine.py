"""The forked engine gives what a kernel gives, and a notebook that goes wrong goes alone.

Each run is a process of its own, as `papermill --engine forked` is: the test runner has threads, and so cannot fork.
"""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import papermill
import pytest

from analysis.publish import forks
from analysis.publish.build import execute

PROJECT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere papermill's own engine is used")


def notebook_of(path, *cells, tags=()):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)}) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)
    return path


def run(source, out, *options, engine="forked"):
    """papermill as a user types it; its exit code, what it says, and the notebook it wrote."""
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--engine", engine, *options]
    done = subprocess.run([*command, str(source), str(out)], capture_output=True, text=True)
    return done, nbformat.read(out, as_version=4)


def outputs(notebook):
    """Outputs and counts of the cells; the colours of tracebacks differ, as a kernel's cells are files."""
    text = nbformat.writes(notebook)
    plain = nbformat.reads(re.sub(r"(\\u001b|\x1b)\[[0-9;]*m", "", text), as_version=4)
    return [(cell.source, cell.execution_count, cell.outputs) for cell in plain.cells if cell.cell_type == "code"]


def test_a_notebook_needs_no_home_and_leaves_nothing_in_one(tmp_path, monkeypatch):
    source = notebook_of(tmp_path / "in.ipynb", "1 + 1")
    (tmp_path / "home").mkdir()
    found = []
    for home in ("home", "not there"):  # as a scheduler may run it
        monkeypatch.setenv("HOME", str(tmp_path / home))
        done, notebook = run(source, tmp_path / "out.ipynb")
        assert done.returncode == 0, done.stderr
        found.append(outputs(notebook))
    assert found[0] == found[1]
    assert [output.output_type for output in found[0][0][-1]] == ["execute_result"]
    assert not list((tmp_path / "home").glob(".ipython"))
    assert not (tmp_path / "not there").exists()


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_both_engines_give_the_same_outputs(source, tmp_path):
    parameters = {"quarter": "2024Q2", "as_of": "2024-08-29"}
    options = [part for name, value in parameters.items() for part in ("-r", name, value)]
    done, forked = run(source, tmp_path / source.name, *options)
    assert done.returncode == 0, done.stderr
    kernel = papermill.execute_notebook(
        source, tmp_path / "kernel.ipynb", parameters, engine_name="nbclient", progress_bar=False, cwd=tmp_path
    )
    assert outputs(forked) == outputs(kernel)
    assert forked.metadata.language_info == kernel.metadata.language_info


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
    "import pandas\npandas.DataFrame({'a': [1, 2]})",
    "In[0:3], Out[1], __name__",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "%who_ls int",
    "def f():\n    raise ValueError('x')\nf()",
    "1 / 0",
    "raise SystemExit(2)",
    "import os\nos.getcwd() == os.path.realpath(os.curdir), sys.stdin.read()",
    "print('no newline', end='')",
)


def test_every_kind_of_output_is_that_of_a_kernel(tmp_path):
    source = notebook_of(tmp_path / "kinds.ipynb", *KINDS, tags=["raises-exception"])
    forked, kernel = (run(source, tmp_path / f"{engine}.ipynb", engine=engine)[1] for engine in ("forked", "nbclient"))
    for ours, theirs in zip(outputs(forked), outputs(kernel), strict=True):
        assert ours == theirs


def test_what_is_printed_past_python_is_an_output_too(tmp_path):
    source = notebook_of(
        tmp_path / "past.ipynb", "import os; os.system('echo out; echo err >&2');", "os.system('echo 2');"
    )
    _, notebook = run(source, tmp_path / "out.ipynb")
    shown = [[(output.name, output.text) for output in cell.outputs] for cell in notebook.cells]
    assert shown == [[("stdout", "out\n"), ("stderr", "err\n")], [("stdout", "2\n")]]


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
    options = ["--execution-timeout", "1"] if "while" in cell else []
    done, written = run(source, tmp_path / "out.ipynb", *options)
    assert done.returncode == 1
    assert 'Exception encountered at "In [2]"' in done.stderr
    assert message in re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    cells = [cell for cell in written.cells if cell.cell_type == "code"]
    assert [bool(cell.outputs) for cell in cells] == [True, True, False]
    assert cells[0].outputs[0].data["text/plain"] == "1"


def test_notebooks_of_one_process_know_nothing_of_each_other(tmp_path):
    leaky = notebook_of(
        tmp_path / "leaky.ipynb",
        "import sys, os, builtins, numpy, pandas\nbuiltins.x = os.environ['X'] = sys.y = 'leaked'\n"
        "pandas.set_option('display.max_rows', 1); numpy.pi = 3; os.chdir('/')\nnumpy.random.rand()",
    )
    clean = notebook_of(
        tmp_path / "clean.ipynb",
        "import sys, os, builtins, numpy, pandas\n"
        "[hasattr(builtins, 'x'), 'X' in os.environ, hasattr(sys, 'y'), pandas.get_option('display.max_rows') == 1,"
        " numpy.pi == 3, os.getcwd() == '/']",
        "numpy.random.rand()",
    )
    code = (
        "import numpy, pandas, papermill, sys\n"
        "for path in sys.argv[1:]: papermill.execute_notebook(path, path, engine_name='forked', progress_bar=False)"
    )
    subprocess.run([sys.executable, "-c", code, str(leaky), str(clean)], check=True, capture_output=True)
    first, second = (nbformat.read(path, as_version=4) for path in (leaky, clean))
    shown = [cell.outputs[0].data["text/plain"] for cell in second.cells]
    assert shown[0] == str([False] * 6)
    assert shown[1] != first.cells[0].outputs[0].data["text/plain"]  # forks do not draw the same random numbers


def gone(pid):
    """Whether a process is no more, or will only be waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_process_outlives_a_papermill_that_is_killed(tmp_path):
    source = notebook_of(
        tmp_path / "long.ipynb",
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)",
    )
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--engine", "forked", "--cwd", str(tmp_path)]
    parent = subprocess.Popen([*command, str(source), str(tmp_path / "out.ipynb")], stderr=subprocess.DEVNULL)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    child = int((tmp_path / "pid").read_text())
    assert not gone(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: gone(child))


def test_what_a_notebook_leaves_running_ends_with_it(tmp_path):
    source = notebook_of(tmp_path / "leaves.ipynb", "import subprocess\nsubprocess.Popen(['sleep', '600']).pid")
    done, written = run(source, tmp_path / "out.ipynb")
    assert done.returncode == 0, done.stderr
    until(lambda: gone(int(written.cells[0].outputs[0].data["text/plain"])))


def test_a_process_with_threads_starts_a_kernel_instead():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not forks.possible()
        notebook = execute(NOTEBOOKS[3], {"quarter": "2024Q1"})
    finally:
        stop.set()
        thread.join()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(data.get("image/svg+xml", "").startswith("<svg") for data in shown)
