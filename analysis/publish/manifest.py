"""What a report was made of and consists of: by its manifest one knows whether it would come out the same again."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from analysis.chapters import CHAPTERS
from analysis.facts.errors import InputError
from analysis.facts.parameters import DATA
from analysis.facts.report import Report

NAME = "manifest.json"
NOTEBOOKS = DATA.parent / "notebooks"
# What decides the bytes of a report, besides the data, the parameters and our own code.
PACKAGES = ("altair", "ipython", "jinja2", "mistune", "numpy", "pandas", "papermill", "scipy", "vl-convert-python")


def notebooks() -> dict[Path, str]:
    """The notebooks of a report, each with the SHA-256 of its code; an InputError if one is missing or is none."""
    return {path: _code_of(path) for path in (NOTEBOOKS / f"{name}.ipynb" for name in CHAPTERS)}


def longest_first() -> list[Path]:
    """The notebooks as they should begin so that all cores end together: those that show most take longest."""
    return sorted(notebooks(), key=lambda path: path.stat().st_size, reverse=True)


def strays() -> list[str]:
    """Names of other notebooks in their folder."""
    return sorted(path.name for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in CHAPTERS)


def describe(report: Report, folder: Path) -> dict:
    """The manifest of a report that stands complete in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return _inputs(report) | {"files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files}}


def is_current(report: Report, folder: Path) -> bool:
    """Whether a folder holds just what would be built: from the same inputs, and not a byte of it changed since."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
        files = found.pop("files").items()
        return found == _inputs(report) and all(_sha256(folder / name) == digest for name, digest in files)
    except (OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError):  # not there, or no manifest of ours
        return False


def _inputs(report: Report) -> dict:
    """Everything that decides the bytes of a report."""
    return {
        "parameters": report.parameters,
        "beside": list(report.beside),
        "data": {"facts": len(report.ledger.facts), "sha256": report.ledger.fingerprint},
        "notebooks": {path.name: code for path, code in notebooks().items()},
        "code": _code(),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
    }


def _code_of(notebook: Path) -> str:
    """SHA-256 of a notebook without its stored outputs, which a run replaces."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        code = [(cell["cell_type"], cell["source"], cell["metadata"].get("tags")) for cell in cells]
    except FileNotFoundError:
        install = "Reports are built in a clone of the project, installed there with: pip install --editable ."
        raise InputError(f"{notebook}: this notebook of the report is not there. {install}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        last = f"The last one that was committed: git checkout -- notebooks/{notebook.name}"
        raise InputError(f"{notebook}: not a notebook. {last}") from None
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


@cache  # a process goes on with the code that it has read
def _code() -> str:
    """SHA-256 of this package: its modules, its texts and its templates."""
    root = Path(__file__).parent.parent
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    content = b"".join(str(path.relative_to(root)).encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
