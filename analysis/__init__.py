"""Quarterly market reports: `open_chapter` is what a notebook calls."""

import os
import sys

# Matrices here are small: a second thread only waits for the first, and sums in another order on another machine.
# A library of linear algebra reads its variable as it is loaded; one that is there already is told.
os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "BLIS", "OMP")}
if "numpy" in sys.modules:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")

__all__ = ["open_chapter"]


def __getattr__(name: str):
    # When a notebook asks: a command that shows nothing need not wait for the charts' and the notebooks' packages.
    if name != "open_chapter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analysis.story.chapter import open_chapter

    return open_chapter
