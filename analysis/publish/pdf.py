"""A report on paper: printed by an installed Chromium, tagged and with an outline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.publish.page import on_paper

# As the packages of Linux, macOS and Windows name it, Chromium first.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
_ELSEWHERE = tuple(_MAC.format(name) for name in ("Chromium", "Google Chrome", "Microsoft Edge"))
PATIENCE = 120  # seconds; a report takes about five


class PdfError(InputError):
    """A report cannot be printed; the message says why and what to do."""


def chromium() -> str:
    """The browser that prints.

    Raises
    ------
    PdfError
        If there is none.
    """
    for name in (*_NAMES, *_ELSEWHERE):
        if found := shutil.which(name):
            return found
    raise PdfError(
        "--pdf needs an installed Chromium or Chrome, and there is none on the path; on Debian or Ubuntu: "
        "apt-get install chromium. Without --pdf the report is built as HTML, which any browser prints."
    )


def print_pdf(page: Path, as_of: date) -> Path:
    """Print a report's HTML file to report.pdf beside it, which appears whole or not at all.

    Parameters
    ----------
    page : Path
    as_of : date
        Stands in the file as the day on which it was made, so that the same report gives the same bytes.

    Raises
    ------
    PdfError
        If the browser fails; a file that stood there before stays.
    """
    browser, final = chromium(), page.with_name("report.pdf")
    with tempfile.TemporaryDirectory(prefix=".printing-", dir=page.parent) as scratch:
        source, printed = Path(scratch) / "report.html", Path(scratch) / "report.pdf"
        source.write_text(on_paper(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            f"--user-data-dir={Path(scratch) / 'profile'}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--print-to-pdf={printed}",
            source.resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # its sandbox does not work for root, as whom containers run
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PdfError(f"{page}: {browser} could not print it: {error}") from None
        if done.returncode or not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise PdfError(f"{page}: {browser} could not print it: {last}")
        printed.write_bytes(_dated(printed.read_bytes(), as_of))
        os.replace(printed, final)
    return final


def _dated(content: bytes, day: date) -> bytes:
    """With the day in place of the moment of printing, in as many bytes."""
    moment = f"{day:%Y%m%d}000000".encode()
    return re.sub(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}", rb"\g<1>" + moment, content)
