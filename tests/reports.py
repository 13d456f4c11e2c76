"""Reports for tests, built by the command: the test runner has threads, so that it would not fork."""

import hashlib
import os
import subprocess
import sys

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HEADLINE = """from IPython.display import display
about = {"report": {"part": "headline"}}
display({"text/html": "<h1>All is well</h1>", "text/plain": "All is well"}, raw=True, metadata=about)"""


def tree(folder):
    """Relative path and hash of every file under a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def command(*arguments, chapters=None):
    """The command; with the notebooks of another folder, if asked for, those whose names begin with a digit."""
    code = (
        "import sys; from pathlib import Path; from analysis import __main__; from analysis.publish import manifest\n"
    )
    if chapters:
        names = tuple(sorted(path.stem for path in chapters.glob("[0-9]*.ipynb")))
        code += f"manifest.NOTEBOOKS, manifest.CHAPTERS = Path({str(chapters)!r}), {names}\n"
    return [sys.executable, "-c", f"{code}sys.exit(__main__.main())", *map(str, arguments)]


def analysis(*arguments, chapters=None, **options):
    """The command in a process of its own, when it has ended."""
    return subprocess.run(command(*arguments, chapters=chapters), capture_output=True, text=True, **options)


def small_chapter(path, *cells):
    """Write a notebook that a report can be built of, in no time, with some cells of its own before the headline."""
    parameters = new_code_cell("# Parameters\nquarter = '2024Q2'", metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell(f"# {path.stem}"), parameters, *map(new_code_cell, [*cells, HEADLINE])]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def lacking(what):
    """A test cannot run here; where a skip would hide that it never ran, it is a failure."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {what}")


def ended(processes):
    """Whether processes end soon; one that is only to be waited for has ended."""
    return not [one for one in psutil.wait_procs(processes, timeout=60)[1] if one.status() != psutil.STATUS_ZOMBIE]
