"""Reports built by the workers of an executor: other processes, or other machines that have this project installed.

A worker gets the data as files, runs the build command on them in a process of its own, and sends the report back as
files. A worker that is lost costs its own reports only, and a cluster gives those to another.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.facts.report import Report

# Whoever waits for the command may be killed, and then nobody wants its report any more.
_COMMAND = (
    "from analysis import __main__; from analysis.publish import forks; forks.die_with_parent(); "
    "raise SystemExit(__main__.main())",
    "build",
)


class ClusterError(InputError):
    """The cluster cannot be reached."""


def build_with(
    executor: Executor, reports: Sequence[Report], data: Path, folders: Sequence[Path], timeout: float
) -> Iterator[tuple[int, list[str]]]:
    """Have reports built and their files put into folders; their numbers, each with its problems, as they are done."""
    files = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    waiting = {
        executor.submit(_build, files, report.parameters, timeout): number for number, report in enumerate(reports)
    }
    for future in as_completed(waiting):
        number = waiting[future]
        try:
            _write(folders[number], future.result())
        except Exception as error:  # whatever the worker, or the way to it, came up with
            yield number, [str(error) or type(error).__name__]
        else:
            yield number, []


@contextmanager
def cluster(address: str | None) -> Iterator[Executor | None]:
    """An executor on a running Dask cluster; none if no address is given.

    Raises
    ------
    ClusterError
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--scheduler needs the extra `cluster`: pip install --editable .[cluster]") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ClusterError(f"--scheduler {address}: {error}") from None
    with client, client.get_executor(pure=False) as executor:
        yield executor


def _build(files: dict[str, bytes], parameters: dict[str, str], timeout: float) -> dict[str, bytes]:
    """What a worker does: the files of a report, by their paths in its folder."""
    quarter, *options = parameters.items()
    with tempfile.TemporaryDirectory() as scratch:
        data, out = Path(scratch) / "data", Path(scratch) / "out"
        _write(data, files)
        arguments = [quarter[1], *(f"--{name.replace('_', '-')}={value}" for name, value in options)]
        arguments += [f"--data={data}", f"--out={out}", f"--timeout={timeout:g}"]
        done = subprocess.run([sys.executable, "-c", *_COMMAND, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"the build ended with exit code {done.returncode}")
        (folder,) = (path for path in out.iterdir() if path.is_dir())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
