"""Quarterly market reports: what the notebooks call."""

import os
import sys

# Matrices here are small: a second thread only waits for the first, and sums in another order on another machine.
# A library of linear algebra reads its variable as it is loaded; one that is there already is told.
os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "BLIS", "OMP")}
if "numpy" in sys.modules:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")

__all__ = ["open_chapter", "open_report", "show"]


def __getattr__(name: str):
    # When a notebook asks: a command that shows nothing need not wait for the charts' and the notebooks' packages.
    if name == "show":
        from analysis.story.show import show

        return show
    if name == "open_chapter":
        from analysis.story.chapter import open_chapter

        return open_chapter
    if name == "open_report":
        from analysis.facts.report import open_report

        return open_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
