"""A report on paper: printed by an installed Chromium, tagged and with an outline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

from analysis.facts.errors import InputError
from analysis.publish.build import scratch_folder

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
    from analysis.publish.page import on_paper  # not before it is needed: what it imports takes longer

    command = [chromium(), *_OPTIONS]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # its sandbox does not work for root, as whom containers run
    moment = f"{as_of:%Y%m%d}000000".encode()  # in as many bytes as the moment of printing
    with scratch_folder(page.parent) as scratch:
        source = scratch / "report.html"
        source.write_text(on_paper(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        for printed, part in ((source.with_name("brief.pdf"), "#summary"), (source.with_name("report.pdf"), "")):
            places = [f"--user-data-dir={scratch}/profile", f"--print-to-pdf={printed}", source.as_uri() + part]
            try:
                done = subprocess.run([*command, *places], capture_output=True, timeout=PATIENCE)
                last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                problem = f"exit code {done.returncode}; {last or 'it says nothing'}"
            except (OSError, subprocess.TimeoutExpired) as error:
                problem, done = error, None
            if not done or done.returncode or not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
                raise InputError(f"{page}: {command[0]} could not print it: {problem}")
            dated = re.sub(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}", rb"\g<1>" + moment, printed.read_bytes())
            printed.write_bytes(dated)
        for name in ("brief.pdf", "report.pdf"):
            os.replace(source.with_name(name), page.with_name(name))
    return page.with_name("report.pdf")
