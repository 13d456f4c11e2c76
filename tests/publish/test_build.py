"""A report's folder: the same each time, whole, and its notebooks run by papermill alone, too."""

import json
import re
import subprocess
import sys

import nbformat
import papermill
import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.publish import manifest


def test_a_batch_prints_a_line_a_notebook_and_a_line_a_report_and_warns_of_nothing(built):
    lines = built.with_name("built.txt").read_text().splitlines()
    notebooks = [f"{quarter}: {name}" for quarter in ("2024Q1", "2024Q2") for name in manifest.CHAPTERS]
    pages = [str(built / quarter / "report.html") for quarter in ("2024Q1", "2024Q2")]
    assert sorted(lines) == sorted(notebooks + pages)
    assert sorted(path.name for path in built.iterdir()) == ["2024Q1", "2024Q2", "index.html"]


def test_no_trace_of_a_notebook_or_of_this_machine(built, page):
    assert not any(trace in page for trace in ("In&nbsp;[", "from analysis"))
    for path in (built / "2024Q2").rglob("*"):
        if path.is_file():
            assert str(DATA.parent).encode() not in path.read_bytes(), path.name


def test_manifest_and_notebooks_are_complete(built):
    about = json.loads((built / "2024Q2" / "manifest.json").read_text(encoding="utf-8"))
    assert about["parameters"]["as_of"] == "2024-08-29"
    assert about["data"]["facts"] == (read_ledger().facts["known_on"] <= "2024-08-29").sum()
    files = [path.relative_to(built / "2024Q2").as_posix() for path in (built / "2024Q2").rglob("*") if path.is_file()]
    assert sorted(about["files"]) == sorted(set(files) - {"manifest.json"})
    for path in (built / "2024Q2" / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        assert 'quarter = "2024Q2"' in parameters.source
        assert 'as_of = "2024-08-29"' in parameters.source
        assert all("papermill" not in cell.metadata for cell in notebook.cells)


def test_the_models_that_notebooks_ask_for_are_there_before_they_run():
    """Else each notebook would fit its own: the same report, three times as late."""
    code = """
from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.model import estimates, track_record
from analysis.publish.build import prepare
report = make_report(read_ledger(), quarter="2024Q2")
prepare([report], DATA)
estimates.fit = None  # nothing is fitted from here on
found = [estimates.estimates(of, name) for of, name in ((report, report.platform), (report, report.rival),
    (report.before, report.platform))]
quarters = track_record.earlier_quarters(report.quarter)
print(all(model.gmv("Global", report.quarter) for model in found),
    len(track_record.track_record(report.ledger, report.platform, quarters)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=DATA.parent)
    assert re.fullmatch(r"True \d+\n", done.stdout), done.stderr


def test_tables_open_in_a_spreadsheet_by_a_double_click(built):
    tables = sorted((built / "2024Q2" / "tables").iterdir())
    assert len(tables) > 20
    for table in tables:
        content = table.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") and not re.search(rb"(?<!\r)\n", content), table.name


def test_plain_papermill_works_from_any_folder_and_with_its_own_parameters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"quarter": "2024Q4", "PAPERMILL_OUTPUT_PATH": "out.ipynb"}
    source = manifest.NOTEBOOKS / "02_united_states.ipynb"
    notebook = papermill.execute_notebook(source, "out.ipynb", given, progress_bar=False)
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "missed its US$17.5 bn target for 2024" in "".join(bundle.get("text/plain", "") for bundle in shown)
    assert any(bundle.get("image/svg+xml", "").startswith("<svg") for bundle in shown)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"quartr": "2024Q3"}, "There is no parameter 'quartr'"),
        ({"quarter": 2024}, "quarter is 2024 (int)"),
    ],
)
def test_papermill_with_a_bad_parameter_stops_with_a_clear_message(tmp_path, parameters, message):
    source = manifest.NOTEBOOKS / "00_summary.ipynb"
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook(source, tmp_path / "out.ipynb", parameters, progress_bar=False)
    assert message in stopped.value.evalue
    assert "Traceback" not in "\n".join(stopped.value.traceback)
