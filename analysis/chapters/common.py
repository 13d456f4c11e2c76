"""Sections that every chapter may have, in the same words: analysis/text/<language>/common.md."""

from __future__ import annotations

from analysis.facts.claims import argued
from analysis.facts.report import Report


def arguments(report: Report, chapter: str) -> dict:
    """What is argued in the matter of a chapter, and what the facts say to it."""
    return {"arguments": argued(report, chapter)}
