"""What holds the project's own files together: notebooks, installs, documents."""

import ast
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

from analysis.facts.parameters import PARAMETERS

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_one_cell_has_the_parameters(notebook):
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert tagged[0].source.startswith("# Parameters")  # by which an unknown name in it is found


def test_every_cell_that_shows_something_has_its_output_stored(notebook):
    """nbval passes a notebook without outputs."""
    for cell in code_cells(notebook):
        tags = cell.metadata.get("tags", [])
        assert bool(cell.outputs) == (not {"parameters", "setup"} & set(tags)), cell.source
        assert cell.execution_count is not None


def test_a_cell_is_for_reading(notebook):
    for cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        # The cell of the parameters has a line for each, under its heading.
        assert len(lines) <= (len(PARAMETERS) + 1 if "parameters" in cell.metadata.get("tags", []) else 5)
        tree = ast.parse(cell.source)
        assert not any(
            isinstance(node, (ast.If, ast.For, ast.While, ast.FunctionDef, ast.Lambda)) for node in ast.walk(tree)
        )


def test_no_digit_is_typed_into_a_notebook_s_words(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\d", cell.source), cell.source


def test_stored_outputs_have_nothing_of_a_run_or_a_machine(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert str(PROJECT) not in nbformat.writes(notebook)
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}


ROOMS = ("facts", "model", "chapters", "story", "publish")


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_between_the_rooms_run_one_way(room):
    """facts -> model -> chapters -> story -> publish; a chapter imports no other chapter, only what they share."""
    later = ROOMS[ROOMS.index(room) + 1 :]
    for path in (PROJECT / "analysis" / room).glob("*.py"):
        found = re.findall(
            r"(?m)^\s*(?:from|import) analysis\.(\w+)(?:\.(\w+)| import (\w+))?", path.read_text("utf-8")
        )
        assert not [name for name, *_ in found if name in later], path.name
        if room == "chapters":
            texts = {text.stem for text in (PROJECT / "analysis" / "text" / "en").glob("*.md")} - {"common"}
            assert not {other or third for name, other, third in found if name == room} & texts, path.name


def test_no_sentence_of_the_report_stands_in_python():
    """Of the texts in a chapter's code none is longer than the name of a step; what is missing is said in few words."""
    for path in (PROJECT / "analysis" / "chapters").glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
        docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
                assert len(node.value.split()) <= 12, f"{path.name}, line {node.lineno}: {node.value}"


def names(requirements):
    return {re.sub(r"[-_.]+", "-", Requirement(text).name).lower() for text in requirements}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements", ["build"]),
        ("requirements-test", ["build", "test"]),
        ("requirements-lab", ["build", "test", "lab"]),
    ],
)
def test_every_version_is_pinned_with_hashes_and_no_address(lock, extras):
    text = (PROJECT / f"{lock}.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index|--find-links", text)
    blocks = re.split(r"\n(?=[a-z0-9])", text.split("\n", 2)[2])
    pinned = {re.sub(r"[-_.]+", "-", block.split("==")[0]).lower() for block in blocks if "==" in block}
    for block in blocks:
        if "==" in block:
            assert "--hash=sha256:" in block, block[:60]
    wanted = names(PYPROJECT["dependencies"]).union(
        *(names(PYPROJECT["optional-dependencies"][extra]) for extra in extras)
    )
    assert wanted <= pinned


def test_the_scheduler_s_install_has_no_jupyterlab():
    lean = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"^(jupyterlab|notebook|pytest|playwright)==", lean, flags=re.MULTILINE)


def test_conda_s_environment_is_a_wrapper_of_pyproject():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    *conda, by_pip = environment["dependencies"]
    assert f"python{PYPROJECT['requires-python']}" in conda
    assert names(text for text in conda) == {"python", "pip"}
    (editable,) = by_pip["pip"]
    extras = re.fullmatch(r"--editable \.\[([\w,]+)\]", editable)[1].split(",")
    assert set(extras) <= set(PYPROJECT["optional-dependencies"])


def test_every_dependency_says_why_it_is_there():
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    for line in re.findall(r'^ +"[^"]+",.*$', text.split("[tool.")[0], flags=re.MULTILINE):
        assert re.search(r"  # \w+", line), line
