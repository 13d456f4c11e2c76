"""Reports built by the workers of an executor: other processes, or other machines that have this project installed.

A worker gets the data as files, runs the build command in a process of its own, and sends the report back as files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.facts.report import Report


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """An executor on a running Dask cluster, which gives the reports of a worker that is lost to another."""
    try:
        from distributed import Client

        client = Client(address, timeout=10)
    except ImportError:
        raise InputError("--scheduler needs the extra `cluster`: pip install --editable .[cluster]") from None
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: {error}") from None
    with client, client.get_executor(pure=False) as executor:
        yield executor


def build_with(
    executor: Executor, reports: Sequence[Report], data: Path, scratch: Path, timeout: float
) -> Iterator[tuple[Report, list[str]]]:
    """Have reports built, each into a folder of `scratch` with its name; each with its problems, as they are done."""
    files = _read(data)
    waiting = {}
    for report in reports:
        languages = (report.lang, *report.beside)
        waiting[executor.submit(_build, files, report.name, report.parameters, languages, timeout)] = report
    for future in as_completed(waiting):
        report, problems = waiting[future], []
        try:
            _write(scratch / report.name, future.result())
        except Exception as error:  # whatever the worker, or the way to it, came up with
            problems = [str(error) or type(error).__name__]
        yield report, problems


def _build(
    files: dict[str, bytes], name: str, parameters: dict[str, str], languages: Iterable[str], timeout: float
) -> dict[str, bytes]:
    """What a worker does: the files of a report, by their paths in its folder."""
    with tempfile.TemporaryDirectory() as scratch:
        data, out = Path(scratch) / "data", Path(scratch) / "out"
        _write(data, files)
        options = {"timeout": f"{timeout:g}", "data": data, "out": out} | parameters
        command = [sys.executable, "-m", "analysis", "build", options.pop("quarter")]
        command += [f"--{option.replace('_', '-')}={value}" for option, value in options.items() if option != "lang"]
        command += ["--lang", *languages]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"the build ended with exit code {done.returncode}")
        return _read(out / name)


def _read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
