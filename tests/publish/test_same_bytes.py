"""The same inputs give the same bytes: on another processor, in another time zone, locale and folder, on fewer cores.

An older processor is this one with less of its arithmetic: of OpenBLAS, of numpy, and of the C library, whose `pow` and
`exp` then end in other digits. What a machine does not know of these settings (another C library, say) it ignores.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reports import tree

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA, PARAMETERS
from analysis.facts.report import quarters_with_facts

ROOT = Path(__file__).parents[2]
OLD = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable",
}
THREADS = {f"{name}_NUM_THREADS": "4" for name in ("OPENBLAS", "OMP", "MKL")}
HERE = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_CORETYPE": "Haswell"}
ELSEWHERE = {
    "old, one core, Shanghai": OLD
    | {"TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "1", "OPENBLAS_CORETYPE": "Nehalem"},
    "four threads, Los Angeles": THREADS
    | {"TZ": "America/Los_Angeles", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "2", "OPENBLAS_CORETYPE": "Sandybridge"},
}
SHIPPED = [q.code for q in quarters_with_facts(read_ledger(DATA), PARAMETERS["platform"]) if q.code >= "2023Q4"]


def on_one_core(command):
    start = (
        "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); os.execv(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-c", start, *command] if hasattr(os, "sched_setaffinity") else command


def build(quarters, data, out, settings):
    """The files of reports that are built with settings of the environment, by their hashes."""
    command = [sys.executable, "-m", "analysis", "build", *quarters, "--data", str(data), "--out", str(out)]
    command = on_one_core(command) if "one core" in out.name else command
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {quarter: tree(out / quarter) for quarter in quarters}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_report_alone_and_elsewhere_has_the_bytes_of_one_in_a_batch(built, name, tmp_path):
    data = shutil.copytree(DATA, tmp_path / "数据 of others")
    assert build(["2024Q2"], data, tmp_path / name, ELSEWHERE[name]) == {"2024Q2": tree(built / "2024Q2")}


@pytest.mark.slow
def test_all_quarters_have_the_same_bytes_elsewhere(tmp_path):
    here = build(SHIPPED, DATA, tmp_path / "here", HERE)
    for name, settings in ELSEWHERE.items():
        assert build(SHIPPED, DATA, tmp_path / name, settings) == here


@pytest.mark.parametrize("first", ["numpy", "scipy.linalg", "analysis"])
def test_a_run_has_one_thread_whatever_its_environment_says_and_whatever_was_imported_first(first):
    threads = "print({library['num_threads'] for library in threadpoolctl.threadpool_info()})"
    program = f"import {first}, analysis.model.market, threadpoolctl; {threads}"
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | THREADS, capture_output=True, text=True)
    assert done.stdout == "{1}\n", done.stderr
