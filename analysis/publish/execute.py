"""A notebook, run with papermill's parameters by IPython in a process that is there for it alone.

There is no kernel to start, and what the process was forked with need not be imported again. What a cell prints stands
before what it displays: a kernel keeps them in their order.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat import NotebookNode, from_dict
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from analysis.chapters import CHAPTERS
from analysis.facts.errors import InputError
from analysis.facts.parameters import PARAMETERS
from analysis.publish.page import words
from analysis.publish.workers import Charts
from analysis.story.text import read


def execute(
    begin: Callable[[int], None], source: Path, data: Path, parameters: dict[str, str], charts: Charts | None = None
) -> NotebookNode:
    """Run a notebook as a job of `workers.side_by_side`, and leave nothing in it that differs from run to run.

    Its charts are drawn by `charts` if there are any, else where it runs. Without parameters it runs with its own.

    Raises
    ------
    InputError
        If a cell fails; the message is the error's.
    """
    os.environ["ANALYSIS_DATA"] = str(data)
    home = tempfile.mkdtemp()  # IPython by itself would use the user's, and warn in the first cell where there is none
    os.chdir(home)
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=home)
    if charts:
        svg = shell.display_formatter.formatters["image/svg+xml"]
        svg.for_type_by_name("analysis.story.charts", "Drawing", lambda drawing: charts.draw(drawing.spec))
    notebook = load_notebook_node(str(source))
    if parameters:
        notebook = parameterize_notebook(notebook, parameters)
        if parameters["lang"] != PARAMETERS["lang"]:
            _say_headings(notebook, source.stem, parameters["lang"])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            begin(shell.execution_count)
            with shell.display_trap, capture_output() as shown:  # in the trap, or the cell's own would take its result
                result = shell.run_cell(cell.source, store_history=True)
            if error := result.error_before_exec or result.error_in_exec:
                raise InputError(f"{type(error).__name__}: {error}")
            printed = {"stdout": shown.stdout, "stderr": shown.stderr}
            outputs = [{"output_type": "stream", "name": name, "text": text} for name, text in printed.items() if text]
            outputs += [
                {"output_type": "display_data", "data": it.data, "metadata": it.metadata} for it in shown.outputs
            ]
            cell.outputs = from_dict(outputs)
            cell.execution_count = result.execution_count
    return clean(notebook)


def _say_headings(notebook: NotebookNode, stem: str, language: str) -> None:
    """Have the Markdown cells, which are headings, say what the text of another language calls chapter and sections."""
    sections, names = read(stem.partition("_")[2], language), words(language).get("chapter_names", {})
    for cell, below in pairwise(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            cell.source = f"# {names[stem]}" if stem in names else cell.source
        elif cell.cell_type == "markdown" and (shown := re.search(r'\.show\("(\w+)"', below.source)):
            heading = sections[shown[1]].heading
            cell.source = f"## {heading}" if heading else cell.source


def clean_before_saving(path: str, model: dict, **_: object) -> None:
    """Have JupyterLab save a notebook of the report without what it notes of a kernel: see `make lab`."""
    if model["type"] == "notebook" and Path(path).stem in CHAPTERS:
        model["content"] = clean(from_dict(model["content"]))


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook without timings, paths and random ids; its parameters cell holds the values it ran with."""
    cells = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            opening = "# Parameters: as this run was given them"
            cells[-1].source = "\n".join([opening, *cell.source.splitlines()[1:]])
        else:
            cell.metadata = {"tags": tags} if tags else {}
            cells.append(cell)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.cells = cells
    return notebook
