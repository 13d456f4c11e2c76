"""Reports built once for all tests, by the command: the test runner has threads, so that it would not fork."""

import hashlib
import subprocess
import sys

import psutil
import pytest


def tree(folder):
    """Relative path and hash of every file under a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def analysis(*arguments, notebooks=None, **options):
    """The command in a process of its own, with other notebooks if asked for."""
    code = (
        "import sys; from pathlib import Path; from analysis import __main__; from analysis.publish import manifest\n"
    )
    code += f"manifest.NOTEBOOKS = Path({str(notebooks)!r})\n" if notebooks else ""
    command = [sys.executable, "-c", f"{code}sys.exit(__main__.main())", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def ended(processes):
    """Whether processes end soon; one that is only to be waited for has ended."""
    return not [one for one in psutil.wait_procs(processes, timeout=60)[1] if one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    done = analysis("build", "2024Q1", "2024Q2", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def page(built):
    return (built / "2024Q2" / "report.html").read_text(encoding="utf-8")
