"""The usual way in one process: papermill's API with a kernel a notebook, then nbconvert's API, a page each.

`python -m benchmarks.usual 2024Q2 OUT`
"""

from __future__ import annotations

import sys
from pathlib import Path

import papermill
from nbconvert import HTMLExporter

from analysis.publish import manifest


def main() -> None:
    quarter, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    exporter = HTMLExporter()
    for path in manifest.notebooks():
        papermill.execute_notebook(path, out / path.name, {"quarter": quarter}, progress_bar=False)
        page, _ = exporter.from_filename(str(out / path.name))
        (out / path.name).with_suffix(".html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
