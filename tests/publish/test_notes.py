"""From every number of a report to its published figures: for readers of the page, and for machines."""

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import openpyxl
import pytest
from reports import lacking

# Where a digit may stand that is no number of the report: the link of a number itself, the notes, drawings (their
# data are in the tables), dates, and what is quoted as it stands in a source or in the data folder. The contents repeat
# the headlines, whose numbers are linked; `data` is a cell of the table behind a chart.
TAGS = {"head", "script", "style", "svg", "time", "q", "cite", "nav", "data"}
CLASSES = {"quantity", "cited", "formula", "source", "period"}
QUOTED = re.compile("^notes$|_arguments$|^outlook_record$")  # words of the article; how many forecasts were scored
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}


class Walk(HTMLParser):
    """Texts with a digit that stand outside those places, each with its section."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open, self.found = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            given = dict(attrs)
            allowed = (
                tag in TAGS or set((given.get("class") or "").split()) & CLASSES or QUOTED.search(given.get("id") or "")
            )
            self.open.append((tag, bool(allowed), given.get("id") or ""))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in VOID:
            opened = self.open.pop()[0]
            assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def handle_data(self, data):
        if re.search(r"\d", data.replace("36Kr", "")) and not any(allowed for _, allowed, _ in self.open):
            section = next((name for tag, _, name in self.open if tag == "section"), "")
            self.found.append((section, data.strip()))


def test_the_walk_finds_a_number_without_provenance_and_only_that():
    page = (
        '<html><head><title>2024</title></head><body><section id="us"><p>Sold '
        '<a class="quantity" href="#note-1">US$490 mn<sup>1</sup></a> in '
        '<span class="period">June 2024</span>, says <cite>36Kr</cite>: <q lang="zh">6月</q>, or 5 bn.</p></section>'
        '<section id="notes"><ol><li id="note-1">A0024</li></ol></section></body></html>'
    )
    assert Walk(page).found == [("us", ", or 5 bn.")]


def test_no_number_of_the_page_is_without_provenance(page):
    assert Walk(page).found == []


@pytest.fixture(scope="module")
def listed(built):
    return json.loads((built / "2024Q2" / "numbers.json").read_text(encoding="utf-8"))


def test_each_number_of_the_page_has_its_note_its_place_in_the_list_and_its_figures(page, listed):
    notes = dict(re.findall(r'<li id="note-(\d+)">(.*?)</li>', page, flags=re.DOTALL))
    links = re.findall(r'<a class="quantity" href="#note-(\d+)"', page)
    assert 'class="quantity" data-key' not in page
    assert len(links) > 150
    assert len(links) > len(notes)  # numbers of one provenance share a note
    assert set(links) == set(notes) == {str(number["note"]) for number in listed["numbers"]}
    for number in listed["numbers"]:
        assert number["shown"] and number["formula"], number
        assert set(number["from"]) <= set(listed["figures"])
        note = notes[str(number["note"])]
        if other := re.search('href="#note-([0-9]+)"', note):  # which lists the same figures
            note = notes[other[1]]
        assert note.count('href="#figure-') == len(number["from"])
    places = set(re.findall(r'<li id="(figure-[\w-]+)"', page))
    assert places == {link for note in notes.values() for link in re.findall(r'href="#(figure-[\w-]+)"', note)}


def test_a_formula_is_one_readable_step_without_codes(page):
    for note in re.findall(r'<li id="note-\d+">(.*?)</li>', page, flags=re.DOTALL):
        words = re.sub("<[^>]*>", "", note.partition(". From: ")[0])
        assert len(words) < 300, words
        assert not re.search(r"\b[AP]\d{4}\b", words), words


def test_numbers_of_one_formula_are_one_number(built):
    """But for its sign, of which the words tell, and its unit."""
    for path in built.glob("*/numbers.json"):
        values = {}
        for number in json.loads(path.read_text(encoding="utf-8"))["numbers"]:
            known = values.setdefault((number["formula"], number["unit"]), abs(number["value"]))
            assert abs(number["value"]) == known, number


def test_a_listed_figure_is_told_as_it_was_printed(listed):
    # A0005: 25, %, less than, of source S001, public on 2024-07-31, a day that was inferred
    told = listed["figures"]["A0005"]
    assert (told["printed"], told["known_on"]) == ("less than 25 %", "31 July 2024 (inferred)")
    assert all(figure["printed"] for figure in listed["figures"].values())
    assert listed["figures"]["A0050"]["printed"] == "October 2024"  # 202410, yyyymm


def test_a_computed_number_is_listed_with_its_arithmetic(listed):
    """A0024 for six months over A0004 or P0093, the same target: 0.49 * 6 / 17.5 = 16.8 %."""
    found = [number for number in listed["numbers"] if "16.8%" in number["shown"] and number["unit"] == "%"]
    for number in found:
        assert number["value"] == pytest.approx(16.8)
        assert {"A0024"} < set(number["from"])


def test_the_workbook_has_every_table_with_its_numbers(built):
    book = openpyxl.load_workbook(built / "2024Q2" / "report.xlsx")
    named = [row[2].value for row in book["Index"].iter_rows()]
    assert sorted(named) == sorted(path.stem for path in (built / "2024Q2" / "tables").iterdir())
    for name, sheet in zip(named, book.worksheets[1:], strict=True):
        text = (built / "2024Q2" / "tables" / f"{name}.csv").read_text(encoding="utf-8-sig")
        for row, cells in zip(csv.reader(io.StringIO(text, newline="")), sheet.iter_rows(min_row=3), strict=False):
            for expected, cell in zip(row, cells, strict=False):
                if isinstance(cell.value, (int, float)):
                    assert cell.value == pytest.approx(float(expected)), (name, cell.coordinate)
                else:
                    assert cell.data_type != "f"
                    assert (cell.value or "") == expected.removeprefix("'"), (name, cell.coordinate)


@pytest.mark.slow
def test_libreoffice_opens_the_workbook_and_its_numbers_are_those_of_the_page(built, page, listed, tmp_path):
    if not (office := shutil.which("soffice")):
        lacking("LibreOffice; on Debian: apt-get install libreoffice-calc")
    # Each sheet as a CSV in UTF-8, with its numbers as they are and not as they are shown.
    how = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    command = [office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", how]
    subprocess.run([*command, "--outdir", tmp_path, built / "2024Q2" / "report.xlsx"], check=True, capture_output=True)
    sheets = {path.stem.removeprefix("report-"): path.read_text(encoding="utf-8") for path in tmp_path.glob("*.csv")}
    assert len(sheets) == 1 + len(list((built / "2024Q2" / "tables").iterdir()))
    known, seen = {f"{number['value']:.9g}" for number in listed["numbers"]}, 0
    for name in re.findall(r'<div class="table" id="(\w+)"', page):  # the tables of the page: each number has its note
        head, *rows = list(csv.reader(io.StringIO(sheets[name], newline="")))[2:]
        for column in (n for n, title in enumerate(head) if f"{title} unit" in head):
            cells = [f"{float(row[column]):.9g}" for row in rows if re.fullmatch(r"-?[\d.]+(E[-+]\d+)?", row[column])]
            assert set(cells) <= known, (name, head[column])
            seen += len(cells)
    assert seen > 60
