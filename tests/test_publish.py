"""Building a report: what the page holds, that it is whole, and the same each time."""

import csv
import hashlib
import io
import json
import re
import shutil

import nbformat
import papermill
import pytest

from analysis.ledger import DATA, read_ledger
from analysis.publish import NOTEBOOKS, BuildError, build, execute
from analysis.report import make_report


def tree(folder):
    """Relative path and hash of every file under a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    return build(make_report(read_ledger(), quarter="2024Q2"), DATA, out).parent


@pytest.fixture(scope="module")
def page(built):
    return (built / "report.html").read_text(encoding="utf-8")


def test_two_builds_in_different_folders_are_byte_identical(built, tmp_path):
    again = build(make_report(read_ledger(), quarter="2024Q2"), DATA, tmp_path / "elsewhere").parent
    assert tree(built) == tree(again)


def test_the_page_loads_nothing_and_runs_nothing(page):
    assert len(page.encode()) < 1_500_000
    assert not re.search(r"<script|<link|<iframe|@import|url\(", page)
    assert not re.search(r'\bsrc="', page)
    assert {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"} >= set(
        re.findall(r'xmlns\S*="([^"]+)"', page)
    )


def test_every_chapter_is_in_the_page_with_its_charts(page):
    slugs = [path.stem.partition("_")[2] for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
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
    notes = dict(re.findall(r'<li id="(note-\d+)">(.*?)</li>', page, flags=re.DOTALL))
    links = re.findall(r'<a class="quantity" href="#(note-\d+)" data-why="([^"]*)">', page)
    assert len(links) > 150
    for note, why in links:
        assert notes[note] == why
        assert re.search(r"[AP]\d{4}: | = |USD: ", why.replace("&#10;", "\n")), why
    assert 'class="quantity" tabindex' not in page


def test_the_article_s_first_half_in_the_us_is_stated_with_its_facts(page):
    why = re.search(r'data-why="([^"]*)">US\$2\.94&nbsp;bn', page)[1]
    assert "A0024 × 6 months" in why
    assert "0.49 USD bn" in why


def test_manifest_and_tables_are_complete(built):
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parameters"]["as_of"] == "2024-08-29"
    assert manifest["data"]["facts"] == (read_ledger().facts["known_on"] <= "2024-08-29").sum()
    assert manifest["tables"] == sorted(f"tables/{path.name}" for path in (built / "tables").iterdir())
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
        NOTEBOOKS / "02_united_states.ipynb", out, {"quarter": "2024Q4"}, progress_bar=False
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
            NOTEBOOKS / "00_summary.ipynb", tmp_path / "out.ipynb", parameters, progress_bar=False
        )
    assert message in stopped.value.evalue
    assert "Traceback" not in "\n".join(stopped.value.traceback)


def test_a_notebook_that_fails_leaves_the_last_report_as_it_was(built, tmp_path, monkeypatch):
    out = tmp_path / "reports"
    shutil.copytree(built, out / "2024Q2")
    before = tree(out)
    notebooks = tmp_path / "notebooks"
    shutil.copytree(NOTEBOOKS, notebooks)
    broken = nbformat.read(notebooks / "01_southeast_asia.ipynb", as_version=4)
    broken.cells[-2].source = "1 / 0"
    nbformat.write(broken, notebooks / "01_southeast_asia.ipynb")
    monkeypatch.setattr("analysis.publish.NOTEBOOKS", notebooks)
    with pytest.raises(BuildError, match=r"01_southeast_asia\.ipynb, cell \d+: ZeroDivisionError"):
        build(make_report(read_ledger(), quarter="2024Q2"), DATA, out)
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
    page = build(make_report(read_ledger(data), quarter="2024Q2"), data, tmp_path / "out").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | $x$ &amp;" in page
    assert "<script" not in page
    assert "<img" not in page


def test_an_analyst_s_own_variable_is_no_parameter():
    """Cells after the parameters may name what they like, and the setup cell may be run again."""
    notebook = execute(NOTEBOOKS / "03_temu.ipynb", {"quarter": "2024Q1"})
    assert any("Temu sold less than" in str(cell.get("outputs")) for cell in notebook.cells)
