"""Quarterly market reports: what the notebooks call."""

import os

# Matrices here are small: a second thread only waits for the first, and sums in another order on another machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from analysis.page import show  # numpy reads the line above when it is first imported
from analysis.report import open_report

__all__ = ["open_report", "show"]
