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

_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", _MAC)
_OPTIONS = ("--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_OPTIONS += ("--no-first-run", "--no-pdf-header-footer", "--generate-pdf-document-outline")
PATIENCE = 120  # seconds; a report takes about five


def chromium() -> str:
    """The browser that prints."""
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    raise InputError(
        "--pdf needs an installed Chromium or Chrome, and there is none on the path; on Debian or Ubuntu: "
        "apt-get install chromium. Without --pdf the report is built as HTML, which any browser prints."
    )


def print_pdf(page: Path, as_of: date) -> Path:
    """Print a report's HTML file to report.pdf beside it, and its summary, on one page, to brief.pdf.

    Both appear whole or not at all. The day of the report stands in the file as that on which it was made, so that the
    same report gives the same bytes.
    """
    from analysis.publish.page import on_paper

    with tempfile.TemporaryDirectory(prefix=".printing-", dir=page.parent) as scratch:
        source = Path(scratch) / "report.html"
        source.write_text(on_paper(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        for name, part in (("brief.pdf", "#summary"), ("report.pdf", "")):
            printed = source.with_name(name)
            _print(source.resolve().as_uri() + part, printed, page)
            moment = f"{as_of:%Y%m%d}000000".encode()  # in as many bytes as the moment of printing
            dated = re.sub(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}", rb"\g<1>" + moment, printed.read_bytes())
            printed.write_bytes(dated)
        for name in ("brief.pdf", "report.pdf"):
            os.replace(source.with_name(name), page.with_name(name))
    return page.with_name("report.pdf")


def _print(address: str, printed: Path, page: Path) -> None:
    command = [chromium(), *_OPTIONS, f"--user-data-dir={printed.with_name('profile')}", f"--print-to-pdf={printed}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # its sandbox does not work for root, as whom containers run
    try:
        done = subprocess.run([*command, address], capture_output=True, text=True, errors="replace", timeout=PATIENCE)
        problem = f"exit code {done.returncode}; {done.stderr.strip().rpartition(chr(10))[2]}"
        if done.returncode == 0 and printed.is_file() and printed.read_bytes().startswith(b"%PDF"):
            return
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = error
    raise InputError(f"{page}: {command[0]} could not print it: {problem}")
