"""The report as its readers see it: a real Chromium with the network off."""

import os
import re
import shutil

import pytest

from analysis.ledger import DATA, read_ledger
from analysis.publish import build
from analysis.report import make_report

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
WITHOUT = "no Chromium on this machine; on Debian or Ubuntu: apt-get install chromium"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        # Where a skip would hide that the tests never ran, it is a failure.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(WITHOUT)
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    return build(make_report(read_ledger(), quarter="2024Q2"), DATA, tmp_path_factory.mktemp("reports"))


SIZES = {"wide": (1280, 800), "phone": (390, 844)}


@pytest.fixture(params=SIZES)
def opened(request, browser, report_file):
    """The page, and everything that went wrong while it opened."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page, troubles = context.new_page(), []
    page.on("requestfailed", lambda asked: troubles.append(f"failed: {asked.url}"))
    page.on("request", lambda asked: asked.url.startswith("file:") or troubles.append(f"asked for: {asked.url}"))
    page.on("console", lambda message: troubles.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.goto(report_file.as_uri())
    yield page, troubles
    context.close()


def test_opens_offline_without_a_failed_request_or_console_message(opened):
    page, troubles = opened
    assert page.title().startswith("TikTok Shop, Q2 2024")
    assert troubles == []


def test_every_chart_is_drawn(opened):
    page, _ = opened
    charts = page.query_selector_all("figure")
    assert len(charts) >= 14
    for chart in charts:
        box = chart.query_selector("svg").bounding_box()
        assert box["width"] > 250, chart.inner_text()
        assert box["height"] > 40, chart.inner_text()
        # The scene of an empty chart has no mark with an extent of its own.
        marks = chart.query_selector_all("svg [class*=role-mark] path, svg [class*=role-mark] text")
        assert any((mark.bounding_box() or {"width": 0})["width"] > 1 for mark in marks), chart.inner_text()


def test_nothing_runs_out_of_the_page_sideways(opened):
    page, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_chart_text_stays_inside_its_chart(opened):
    page, _ = opened
    outside = page.evaluate("""() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
        const frame = svg.getBoundingClientRect()
        return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect()
            return box.width && (box.right > frame.right + 1 || box.left < frame.left - 1)
        }).map(text => text.textContent)
    })""")
    assert outside == []


def test_a_number_shows_where_it_comes_from_on_focus_and_leads_to_its_note(opened):
    page, _ = opened
    number = page.locator("a.quantity", has_text="US$2.94").first
    number.focus()
    shown = number.evaluate("element => getComputedStyle(element, '::after').content")
    assert "A0024 × 6 months" in shown
    note = page.locator(number.get_attribute("href"))
    assert "A0024" in note.inner_text()


def test_on_paper_each_number_carries_the_number_of_its_note(browser, report_file, tmp_path):
    page = browser.new_page()
    page.goto(report_file.as_uri())
    page.emulate_media(media="print")
    number = page.locator("a.quantity").first
    sup = number.locator("sup")
    assert sup.is_visible()
    assert re.fullmatch(r"#note-" + sup.inner_text(), number.get_attribute("href"))
    page.pdf(path=tmp_path / "report.pdf", format="A4", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.close()
