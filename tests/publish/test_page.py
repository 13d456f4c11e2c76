"""What the page of a report holds, whatever is in the data."""

import csv
import re
import shutil

import pytest

from analysis.facts.parameters import DATA
from analysis.publish import manifest

from .conftest import analysis


@pytest.fixture(scope="module")
def page(built):
    return (built / "2024Q2" / "report.html").read_text(encoding="utf-8")


def test_the_page_loads_nothing(page):
    assert len(page.encode()) < 1_500_000
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<link|<iframe|@import|url\((?!#)", markup)
    assert not re.search(r'\bsrc="(?!data:)', page)
    assert not re.search(r"<script[^>]*\bsrc", page)


def test_every_chapter_is_in_the_page_with_its_charts(page):
    slugs = [name.partition("_")[2] for name in manifest.CHAPTERS]
    for slug, chapter in zip(slugs, page.split('<section id="')[1:], strict=False):
        assert chapter.startswith(slug)
        assert chapter.count("<svg ") + chapter.count("<table") >= 3, slug
    assert page.count("<figure") == page.count('role="img"') == page.count("<svg ")


def test_each_number_links_to_a_note_that_names_a_fact_or_its_arithmetic(page):
    notes = dict(re.findall(r'<li id="(note-\d+)"[^>]*>(.*?)</li>', page, flags=re.DOTALL))
    links = re.findall(r'<a class="quantity" href="#(note-\d+)"', page)
    assert len(links) > 150
    for note in links:
        assert re.search(r"[APE]\d{3,4}| = |figure-", notes[note]), notes[note]
    assert 'class="quantity" tabindex' not in page


HOSTILE = "<script>alert(1)</script> | $x$ & \"quoted\" 'single' <img src=x onerror=alert(1)>"


def test_hostile_text_in_the_data_appears_as_text(tmp_path):
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    for name, column in (("sources.csv", "title"), ("sources.csv", "publisher"), ("events.csv", "event")):
        with open(data / name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with open(data / name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(row | {column: HOSTILE} for row in rows)
    assert analysis("build", "2024Q2", "--data", data, "--out", tmp_path / "out").returncode == 0
    page = (tmp_path / "out" / "2024Q2" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | $x$ &amp;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
