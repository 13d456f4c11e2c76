"""Quarterly market reports: what the notebooks call."""

from analysis.page import show
from analysis.report import open_report

__all__ = ["open_report", "show"]
