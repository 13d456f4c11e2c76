"""From every number of a report to its published figures: for readers of the page, and for machines."""

import json
import re
from html.parser import HTMLParser

import pytest

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish.build import build

# Where a digit may stand that is no number of the report: the link of a number itself, the notes, drawings (their
# data are in the tables), dates, and what is quoted as it stands in a source or in the data folder.
# The contents repeat the headlines, whose numbers are linked; `data` is a cell of the table behind a chart, of which
# the chart's source line names the facts, and tables/*.csv each formula.
TAGS = {"head", "script", "style", "svg", "time", "q", "cite", "nav", "data"}
CLASSES = {"quantity", "cited", "formula", "source", "period"}
SECTIONS = {"notes"}
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr", "source"}


class Walk(HTMLParser):
    """Texts with a digit that stand outside those places, each with its section and the tags around it."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool, str]] = []
        self.found: list[tuple[str, str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag in VOID:
            return
        attributes = dict(attrs)
        classes = set((attributes.get("class") or "").split())
        allowed = tag in TAGS or bool(classes & CLASSES) or attributes.get("id") in SECTIONS
        self.open.append((tag, allowed, attributes.get("id") or ""))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in VOID:
            opened, _, _ = self.open.pop()
            assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def handle_data(self, data):
        if re.search(r"\d", data) and not any(allowed for _, allowed, _ in self.open):
            section = next((name for tag, _, name in self.open if tag == "section"), "")
            self.found.append((section, " ".join(tag for tag, _, _ in self.open[3:]), data.strip()))


def unexplained(page: str) -> list[tuple[str, str, str]]:
    return Walk(page).found


def test_the_walk_finds_a_number_without_provenance_and_only_that():
    page = (
        '<html><head><title>2024</title></head><body><section id="us"><p>Sold '
        '<a class="quantity" href="#note-1">US$490 mn<sup>1</sup></a> in '
        '<span class="period">June 2024</span>, says <cite>36Kr</cite>: <q lang="zh">6月</q>, or 5 bn.</p></section>'
        '<section id="notes"><ol><li id="note-1">A0024</li></ol></section></body></html>'
    )
    assert unexplained(page) == [("us", "p", ", or 5 bn.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    report = make_report(read_ledger(), quarter="2024Q2")
    return build(report, DATA, tmp_path_factory.mktemp("reports")).parent


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


SECTIONS_OF_A_PAGE = (
    "", "summary", "southeast_asia", "united_states", "temu", "europe", "outlook", "evidence",
)  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS_OF_A_PAGE, ids=lambda name: name or "around the chapters")
def test_no_number_of_the_page_is_without_provenance(page, section):
    assert [(tags, text) for name, tags, text in unexplained(page) if name == section] == []


@pytest.fixture(scope="module")
def listed(folder):
    return json.loads((folder / "numbers.json").read_text(encoding="utf-8"))


def test_every_note_is_listed_with_its_value_formula_and_facts(page, listed):
    notes = {int(note) for note in re.findall(r'href="#note-(\d+)"', page)}
    assert [record["note"] for record in listed] == sorted(notes)
    for record in listed:
        assert record["shown"], record
        assert {"value", "unit", "formula", "facts"} <= set(record), record


def test_a_listed_fact_is_told_as_it_was_printed(listed, ledger):
    facts = {fact["id"]: fact for record in listed for fact in record["facts"]}
    # A0005: 25, %, less than, of source S001, public on 2024-07-31
    assert facts["A0005"] == {
        "id": "A0005", "printed": "less than 25 %", "source": "S001", "known_on": "2024-07-31",
    }  # fmt: skip
    assert all(fact["known_on"] <= "2024-08-29" for fact in facts.values() if "known_on" in fact)
    known = [fact for name, fact in facts.items() if name in ledger.facts.index]
    assert known
    assert all(set(fact) == {"id", "printed", "source", "known_on"} for fact in known)
    assert all(fact["printed"] for fact in facts.values())


def test_a_computed_number_is_listed_with_its_arithmetic(listed):
    """A0024 for six months over A0004 or P0093, the same target: 0.49 * 6 / 17.5 = 16.8 %."""
    found = [record for record in listed if "16.8%" in record["shown"] and record["unit"] == "%"]
    assert found
    for record in found:
        assert record["value"] == pytest.approx(0.49 * 6 / 17.5)
        assert "A0024" in record["formula"]
        assert {"A0024"} < {fact["id"] for fact in record["facts"]}


def test_numbers_of_one_provenance_share_a_note(page, listed):
    links = re.findall(r'<a class="quantity"[^>]*href="#note-(\d+)"', page)
    assert len(links) > len(listed)
