"""What a report was made of and consists of: by its manifest one knows whether it would come out the same again."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.facts.parameters import DATA
from analysis.facts.report import Report

NAME = "manifest.json"
NOTEBOOKS = DATA.parent / "notebooks"
CHAPTERS = ("00_summary", "01_southeast_asia", "02_united_states", "03_rival", "04_europe", "05_outlook", "06_evidence")
# What decides the bytes of a report, besides the data, the parameters and our own code.
PACKAGES = ("altair", "ipython", "jinja2", "mistune", "numpy", "pandas", "papermill", "scipy", "vl-convert-python")


def notebooks() -> dict[Path, str]:
    """The notebooks of a report, each with the SHA-256 of its code; an InputError if one is missing or is none."""
    return {path: _code_of(path) for path in (NOTEBOOKS / f"{name}.ipynb" for name in CHAPTERS)}


def strays() -> list[str]:
    """Names of other notebooks in their folder."""
    return sorted(path.name for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in CHAPTERS)


def describe(report: Report, folder: Path) -> dict:
    """The manifest of a report that stands complete in a folder."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return _inputs(report) | {
        "tables": [name for name in files if name.startswith("tables/")],
        "files": {name: _sha256(path.read_bytes()) for name, path in files.items()},
    }


def is_current(report: Report, folder: Path) -> bool:
    """Whether a folder holds just what would be built: from the same inputs, and not a byte of it changed since."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return all(found[name] == value for name, value in _inputs(report).items()) and all(
            _sha256((folder / name).read_bytes()) == digest for name, digest in found["files"].items()
        )
    except (OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError):  # not there, or no manifest of ours
        return False


def _inputs(report: Report) -> dict:
    """Everything that decides the bytes of a report."""
    return {
        "parameters": report.parameters,
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
    return _sha256(json.dumps(code).encode())


@cache  # a process goes on with the code that it has read
def _code() -> str:
    """SHA-256 of this package: its modules, its texts and its templates."""
    root = Path(__file__).parent.parent
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return _sha256(b"".join(str(path.relative_to(root)).encode() + path.read_bytes() for path in files))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
