"""What the page of a report holds, whatever is in the data."""

import re

from analysis.publish import manifest


def test_the_page_loads_nothing_and_is_small_enough_to_send(page):
    assert len(page.encode()) < 1_000_000
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<link|<iframe|@import|url\((?!#)", markup)
    assert not re.search(r'\bsrc="', page)
    assert "unsafe" not in re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]


def test_every_chapter_is_in_the_page_with_its_charts_and_places_to_link_to(page):
    slugs = [name.partition("_")[2] for name in manifest.CHAPTERS]
    for slug, chapter in zip(slugs, page.split('<section id="')[1:], strict=False):
        assert chapter.startswith(slug)
        assert chapter.count("<svg ") + chapter.count("<table") >= 3, slug
    page = page.partition("<script>")[0]
    assert page.count("<figure") == page.count('role="img"') == page.count("<svg ")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
