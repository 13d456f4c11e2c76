"""Printing where there is no browser, or one that fails."""

from datetime import date

import pytest

from analysis.__main__ import main
from analysis.facts.errors import InputError
from analysis.publish import pdf

PAGE = "<html><head><!--policy--><style>p{}</style></head><body><footer></footer></body></html>"


@pytest.fixture
def page(tmp_path):
    (tmp_path / "report.html").write_text(PAGE, encoding="utf-8")
    return tmp_path / "report.html"


def browser(folder, script: str):
    """A browser that does what a line of shell says."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_without_a_browser_nothing_is_built_and_the_message_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert main(["build", "2024Q2", "--pdf", "--out", str(tmp_path / "reports")]) == 1
    message = capsys.readouterr().err
    assert "--pdf needs an installed Chromium" in message
    assert "apt-get install chromium" in message
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    "script",
    [
        "echo it broke >&2; exit 3",
        "exit 0",
        'for a; do case $a in --print-to-pdf=*) echo half > "${a#*=}";; esac; done',
    ],
)
def test_a_browser_that_fails_leaves_the_last_pdf_as_it_was(page, tmp_path, monkeypatch, script):
    (tmp_path / "report.pdf").write_text("the last one", encoding="utf-8")
    monkeypatch.setattr(pdf, "chromium", lambda: browser(tmp_path, script))
    with pytest.raises(InputError, match="could not print it"):
        pdf.print_pdf(page, date(2024, 8, 29))
    assert (tmp_path / "report.pdf").read_text(encoding="utf-8") == "the last one"
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.pdf", "browser"}


def test_the_day_in_the_file_is_the_report_s(page, tmp_path, monkeypatch):
    content = "%%PDF-1.4 /CreationDate (D:20261122101112+00'00')"
    script = f'''for a; do case $a in --print-to-pdf=*) printf "{content}" > "${{a#*=}}";; esac; done'''
    monkeypatch.setattr(pdf, "chromium", lambda: browser(tmp_path, script))
    assert b"(D:20240829000000+" in pdf.print_pdf(page, date(2024, 8, 29)).read_bytes()
