"""The least that must be done: one process that imports what is needed, runs the same cells and writes the same page.

`python -m benchmarks.floor 2024Q2 OUT` writes OUT/report.html, the same bytes as a build.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from analysis.facts.ledger import read_ledger
from analysis.facts.report import make_report
from analysis.publish import manifest
from analysis.publish.execute import clean
from analysis.publish.page import Chapter, render
from analysis.story import show as page
from analysis.story.charts import Drawing
from analysis.story.svg import to_svg


def run(notebook: NotebookNode, parameters: dict[str, str]) -> NotebookNode:
    """Execute the cells as plain Python, without IPython, and keep what they show."""
    namespace: dict[str, object] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = []

        def keep(shown: dict | Drawing, metadata: dict, raw: bool = False, outputs: list = cell.outputs) -> None:
            bundle = shown if raw else {"image/svg+xml": to_svg(shown.spec), "text/plain": repr(shown)}
            outputs.append(nbformat.v4.new_output("display_data", NotebookNode(bundle), metadata=metadata))

        page.display = keep
        exec(cell.source, namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace |= parameters
    return clean(notebook)


def main() -> None:
    quarter, out = sys.argv[1], Path(sys.argv[2])
    report = make_report(read_ledger(), quarter=quarter)
    sources = manifest.notebooks()
    told = [Chapter(path.stem, run(nbformat.read(path, as_version=4), report.parameters)) for path in sources]
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(render(report, told)[0], encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
