"""Building a report: what the page holds, that it is whole, and the same each time."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys

import nbformat
import papermill
import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish import build as publish
from analysis.publish import manifest
from analysis.publish.build import BuildError, execute


def tree(folder):
    """Relative path and hash of every file under a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def build(out, data=DATA):
    """The report on the default quarter, by the command: the test runner has threads, so that it would not fork."""
    command = [sys.executable, "-m", "analysis", "build", "2024Q2", "--data", str(data), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "2024Q2"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def page(built):
    return (built / "report.html").read_text(encoding="utf-8")


def test_two_builds_in_different_folders_are_byte_identical(built, tmp_path):
    assert tree(built) == tree(build(tmp_path / "elsewhere"))


def test_the_page_loads_nothing(page):
    assert len(page.encode()) < 1_500_000
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<link|<iframe|@import|url\((?!#)", markup)
    assert not re.search(r'\bsrc="(?!data:)', page)
    assert not re.search(r"<script[^>]*\bsrc", page)


def test_every_chapter_is_in_the_page_with_its_charts(page):
    slugs = [path.stem.partition("_")[2] for path in manifest.notebooks()]
    assert len(slugs) == 7
    for slug, chapter in zip(slugs, page.split('<section id="')[1:], strict=False):
        assert chapter.startswith(slug)
        assert chapter.count("<svg ") + chapter.count("<table") >= 3, slug
    assert page.count("<figure") == page.count('role="img"') == page.count("<svg ")


def test_no_trace_of_a_notebook_or_of_this_machine(page, built):
    assert "In&nbsp;[" not in page
    assert "from analysis" not in page
    for path in built.rglob("*"):
        if path.is_file():
            assert str(DATA.parent) not in path.read_text(encoding="utf-8"), path.name


def test_each_number_links_to_a_note_that_names_a_fact_or_its_arithmetic(page):
    notes = dict(re.findall(r'<li id="(note-\d+)"[^>]*>(.*?)</li>', page, flags=re.DOTALL))
    links = re.findall(r'<a class="quantity" href="#(note-\d+)"', page)
    assert len(links) > 150
    for note in links:
        assert re.search(r"[APE]\d{3,4}| = |figure-", notes[note]), notes[note]
    assert 'class="quantity" tabindex' not in page


def test_the_article_s_first_half_in_the_us_is_stated_with_its_facts(page):
    note = re.search(r'href="#(note-\d+)">US\$2\.94&nbsp;bn', page)[1]
    # 0.49 bn a month in the first half of 2024: A0024.
    assert re.search(rf'<li id="{note}"[^>]*>[^\n]*A0024(</a>)? × 6 mo', page)


def test_manifest_and_tables_are_complete(built):
    about = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    assert about["parameters"]["as_of"] == "2024-08-29"
    assert about["data"]["facts"] == (read_ledger().facts["known_on"] <= "2024-08-29").sum()
    assert about["tables"] == sorted(f"tables/{path.name}" for path in (built / "tables").iterdir())
    rows = list(csv.DictReader(io.StringIO((built / "tables" / "us_pace.csv").read_text(encoding="utf-8"))))
    mean = next(row for row in rows if row["label"] == "Mean so far")
    assert float(mean["value"]) == pytest.approx(0.49e9)
    assert mean["value facts"] == "A0024"


def test_executed_notebooks_hold_their_parameters_and_can_be_opened(built):
    for path in (built / "notebooks").iterdir():
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        assert 'quarter = "2024Q2"' in parameters.source
        assert 'as_of = "2024-08-29"' in parameters.source
        assert all("papermill" not in cell.metadata for cell in notebook.cells)


def test_plain_papermill_works_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.ipynb"
    notebook = papermill.execute_notebook(
        manifest.NOTEBOOKS / "02_united_states.ipynb", out, {"quarter": "2024Q4"}, progress_bar=False
    )
    texts = "".join(o.get("data", {}).get("text/plain", "") for cell in notebook.cells for o in cell.get("outputs", []))
    assert "fell short of its US$17.5 bn target for 2024" in texts


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"quartr": "2024Q3"}, "There is no parameter 'quartr'"),
        ({"quarter": 2024}, "quarter is 2024 (int)"),
        ({"quarter": "2024Q9"}, "quarter is '2024Q9'"),
    ],
)
def test_papermill_with_a_bad_parameter_stops_with_a_clear_message(tmp_path, parameters, message):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook(
            manifest.NOTEBOOKS / "00_summary.ipynb", tmp_path / "out.ipynb", parameters, progress_bar=False
        )
    assert message in stopped.value.evalue
    assert "Traceback" not in "\n".join(stopped.value.traceback)


def test_a_notebook_that_fails_leaves_the_last_report_as_it_was(built, tmp_path, monkeypatch):
    out = tmp_path / "reports"
    shutil.copytree(built, out / "2024Q2")
    before = tree(out)
    notebooks = tmp_path / "notebooks"
    shutil.copytree(manifest.NOTEBOOKS, notebooks)
    broken = nbformat.read(notebooks / "01_southeast_asia.ipynb", as_version=4)
    broken.cells[-2].source = "1 / 0"
    nbformat.write(broken, notebooks / "01_southeast_asia.ipynb")
    monkeypatch.setattr(manifest, "NOTEBOOKS", notebooks)
    with pytest.raises(BuildError, match=r"2024Q2: 01_southeast_asia\.ipynb, cell \d+: ZeroDivisionError"):
        publish.build(make_report(read_ledger(), quarter="2024Q2"), DATA, out)
    assert tree(out) == before


HOSTILE = "<script>alert(1)</script> | $x$ & \"quoted\" 'single' <img src=x onerror=alert(1)>"


def test_hostile_text_in_the_data_appears_as_text(tmp_path):
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    for name, column in (("sources.csv", "title"), ("sources.csv", "publisher"), ("events.csv", "event")):
        with open(data / name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row[column] = HOSTILE
        with open(data / name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    page = (build(tmp_path / "out", data) / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | $x$ &amp;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_analyst_s_own_variable_is_no_parameter():
    """Cells after the parameters may name what they like, and the setup cell may be run again."""
    notebook = execute(manifest.NOTEBOOKS / "03_temu.ipynb", {"quarter": "2024Q1"})
    assert any("Temu sold less than" in str(cell.get("outputs")) for cell in notebook.cells)
