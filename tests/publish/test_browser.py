"""The report as its readers see it: a real Chromium with the network off."""

import csv
import io
import os
import re
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.quantity import Quantity
from analysis.facts.report import make_report
from analysis.model.what_if import path, what_if
from analysis.publish.build import build
from analysis.publish.page import write_index
from analysis.publish.pdf import print_pdf

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
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


QUARTER = "2024Q2"
SIZES = {"wide": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    return build(make_report(read_ledger(), quarter=QUARTER), DATA, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def list_file(report_file):
    return write_index(report_file.parent.parent)


@pytest.fixture
def open_page(browser):
    """Opens a file, and says what went wrong while it was open."""
    contexts = []

    def opener(file, size="wide", **options):
        width, height = SIZES[size]
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, offline=True, **options))
        page, troubles = contexts[-1].new_page(), []
        page.on("requestfailed", lambda asked: troubles.append(f"failed: {asked.url}"))
        page.on("request", lambda asked: asked.url.startswith("file:") or troubles.append(f"asked for: {asked.url}"))
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(file.as_uri())
        return page, troubles

    yield opener
    for context in contexts:
        context.close()


@pytest.fixture(params=SIZES)
def opened(request, open_page, report_file):
    """The page, and everything that went wrong while it opened."""
    return open_page(report_file, request.param)


# What is on the page ------------------------------------------------------------------------------


def test_opens_offline_without_a_failed_request_or_console_message(opened):
    page, troubles = opened
    assert page.title().startswith("TikTok Shop, Q2 2024")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    assert troubles == []


def test_it_is_small_enough_to_send(report_file):
    text = report_file.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_500_000
    without_lever = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert len(without_lever.encode()) < 1_000_000


def test_every_chart_is_drawn(opened):
    page, _ = opened
    charts = page.query_selector_all("figure")
    assert len(charts) >= 14
    for chart in charts:
        drawing = next(svg for svg in chart.query_selector_all("svg") if svg.is_visible())
        box = drawing.bounding_box()
        assert box["width"] > 250, chart.inner_text()
        assert box["height"] > 40, chart.inner_text()
        # The scene of an empty chart has no mark with an extent of its own.
        marks = drawing.query_selector_all("[class*=role-mark] path, [class*=role-mark] text")
        assert any((mark.bounding_box() or {"width": 0})["width"] > 1 for mark in marks), chart.inner_text()


def test_nothing_runs_out_of_the_page_sideways(opened):
    page, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


MISPLACED = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const frame = svg.getBoundingClientRect(), size = frame.width / svg.viewBox.baseVal.width
    const named = word => `${svg.closest('figure').id}: ${word}`
    const words = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
        .filter(([word, box]) => box.width && word.trim())
    const outside = words.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
    // A box of text is as high as its line; letters touch only when lines overlap by more than a fifth.
    const meeting = words.flatMap(([word, a], n) => words.slice(0, n).filter(([, b]) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > size
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3 * size).map(([other]) => `${word} / ${other}`))
    return [...outside.map(([word]) => named(word + ' is outside')), ...meeting.map(named)]
})"""


def test_no_text_of_a_chart_is_cut_off_or_covers_another(opened):
    page, _ = opened
    assert page.evaluate(MISPLACED) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_accessible_to_everybody(open_page, report_file, list_file, size, scheme):
    for file in (report_file, list_file, report_file.parent / "chapters" / "00_summary.html"):
        # The policy of the page would keep the checker out.
        page, _ = open_page(file, size, color_scheme=scheme, bypass_csp=True)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["impact"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found] == [], file.name


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_page, report_file):
    page, _ = open_page(report_file)
    seen, invisible = set(), []
    for _ in range(80):
        page.keyboard.press("Tab")
        about = page.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at)
            return [at.className || at.tagName, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
                at.getBoundingClientRect().right > 0, at.closest('nav') !== null]
        }""")
        seen.add("nav" if about[3] else about[0])
        if not (about[1] and about[2]):
            invisible.append(about)
    assert {"skip", "nav", "quantity", "SUMMARY", "INPUT"} <= seen
    assert invisible == []


def test_contents_stay_in_reach_on_a_wide_page_and_fold_away_on_a_phone(open_page, report_file):
    wide, _ = open_page(report_file)
    wide.locator("#europe").scroll_into_view_if_needed()
    wide.mouse.wheel(0, 600)
    assert wide.locator("nav.side a").first.is_visible()
    assert 0 <= wide.locator("nav.side").bounding_box()["y"] < 100
    phone, _ = open_page(report_file, "phone")
    assert not phone.locator("nav.side").is_visible()
    link = phone.locator("details.fold a[href='#europe']")
    assert not link.is_visible()
    phone.locator("details.fold summary").click()
    link.click()
    assert phone.locator("#europe").bounding_box()["y"] < 100


# Numbers and their notes --------------------------------------------------------------------------


def test_a_number_shows_where_it_comes_from_on_focus_and_leads_to_its_note(opened):
    page, _ = opened
    number = page.locator("main a.quantity", has_text="US$2.94").first
    number.focus()
    shown = page.locator("#why")
    assert "A0024 × 6 months" in shown.inner_text()
    assert number.get_attribute("aria-describedby") == "why"
    page.keyboard.press("Escape")
    assert not shown.is_visible()
    assert "A0024" in page.locator(number.get_attribute("href")).inner_text()


def test_without_scripts_a_number_leads_to_its_note_and_each_chart_stands(open_page, report_file):
    page, _ = open_page(report_file, java_script_enabled=False)
    number = page.locator("main a.quantity", has_text="US$2.94").first
    note = number.get_attribute("href")
    number.click()
    assert page.url.endswith(note)
    assert page.locator(note).is_visible()
    assert page.locator("#summary_what_if .chart svg").is_visible()
    assert not page.locator(".lever").is_visible()


def test_a_published_figure_links_to_its_source(open_page, report_file):
    page, _ = open_page(report_file)
    # A0003 is in the article that the report begins with.
    address = page.locator("#figure-A0003 a").first.get_attribute("href")
    sources = read_ledger().sources
    assert address in set(sources["url"])


def test_the_table_behind_a_chart_is_one_click_away_and_can_be_saved(open_page, report_file):
    page, troubles = open_page(report_file)
    figure = page.locator("#summary_attainment")
    assert not figure.locator("td").first.is_visible()
    figure.locator("summary").click()
    assert "30%" in figure.locator("table").inner_text()
    with page.expect_download() as downloading:
        figure.locator("a[download]").click()
    download = downloading.value
    assert download.suggested_filename == "summary_attainment.csv"
    rows = list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8"))))
    # The world's target was reached to just over 30 %: A0003.
    assert next(row for row in rows if row["label"] == "World")["reached"] == "0.3"
    assert troubles == []


# The lever ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("growth", "ban", "europe"), [(None, None, None), (0.1, 6, 1.0), (0.05, 2, 2.5), (-0.05, 0, 0.0)]
)
def test_the_lever_says_what_python_says(open_page, report_file, growth, ban, europe):
    page, troubles = open_page(report_file)
    sliders = page.locator("#summary_what_if input").all()
    for slider, value in zip(sliders, (growth, ban, europe), strict=True):
        if value is not None:
            slider.evaluate(
                "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')) }", str(value)
            )
    growth, ban, europe = (float(slider.input_value()) for slider in sliders)
    expected = what_if(path(make_report(read_ledger(), quarter=QUARTER)), growth, int(ban), europe)
    told = page.locator("#summary_what_if .outcome").inner_text()
    short = "short of the target" if expected.gap > 0 else "more than the target"
    assert told == f"2024 would bring {expected.year.bare}, {abs(expected.gap).bare} {short}."
    assert expected.year.bare in page.locator("#summary_what_if .lever svg").text_content()
    said = page.locator("#summary_what_if output").first.inner_text()
    assert said == Quantity(round(growth, 3), "%").bare
    assert troubles == []


def test_a_slider_moves_by_the_keyboard_and_says_its_value(open_page, report_file):
    page, _ = open_page(report_file)
    slider = page.locator("#summary_what_if input").nth(1)
    before = page.locator("#summary_what_if .outcome").inner_text()
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "never"
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "Dec 2024"
    assert page.locator("#summary_what_if .outcome").inner_text() != before


# Hostile data -------------------------------------------------------------------------------------

INJECTED = "<img src=x onerror=alert(1)><svg onload=alert(2)></svg>\"'"


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    data = tmp_path_factory.mktemp("hostile") / "data"
    shutil.copytree(DATA, data)
    for name, columns in (
        ("facts.csv", ("note", "quote")),
        ("sources.csv", ("title", "publisher")),
        ("events.csv", ("event",)),
    ):
        with open(data / name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row |= {column: f"{INJECTED} {row[column]}"[:400] for column in columns if column in row}
        with open(data / name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    words = (data / "vocabulary.toml").read_text(encoding="utf-8")
    name = 'Mexico = { name = "Mexico" }'
    assert name in words
    hostile = INJECTED.replace('"', "").replace("'", "")
    (data / "vocabulary.toml").write_text(words.replace(name, f'Mexico = {{ name = "{hostile}" }}'), encoding="utf-8")
    return build(make_report(read_ledger(data), quarter=QUARTER), data, data.parent / "out")


def test_what_is_injected_into_the_data_does_nothing(open_page, hostile_file):
    for file in (
        hostile_file,
        write_index(hostile_file.parent.parent),
        hostile_file.parent / "chapters/06_evidence.html",
    ):
        page, troubles = open_page(file)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        for number in page.locator("main a.quantity").all()[:20]:
            number.focus()
        assert page.locator("img, [onerror], [onload]").count() == 0
        assert troubles == [], file.name
    page, _ = open_page(hostile_file)
    assert INJECTED in page.locator("body").inner_text()


def test_the_policy_stops_what_would_get_through(open_page, report_file, tmp_path):
    """The second wall, where the first has a hole."""
    spoilt = tmp_path / "report.html"
    text = report_file.read_text(encoding="utf-8")
    hole = "<main><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    spoilt.write_text(text.replace("<main>", hole, 1), encoding="utf-8")
    page, troubles = open_page(spoilt)
    assert page.title().startswith("TikTok Shop")
    assert any("Content Security Policy" in trouble for trouble in troubles)
    assert "unsafe" not in re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]


# On paper -----------------------------------------------------------------------------------------


def test_on_paper_each_number_carries_the_number_of_its_note(open_page, report_file):
    page, _ = open_page(report_file)
    page.emulate_media(media="print")
    number = page.locator("main a.quantity").first
    sup = number.locator("sup")
    assert sup.is_visible()
    assert re.fullmatch(r"#note-" + sup.inner_text(), number.get_attribute("href"))
    assert page.locator("#summary_what_if .chart svg").is_visible()
    assert not page.locator(".lever").is_visible()
    link = page.locator("#notes a[href^=http]").first
    written = link.evaluate("link => getComputedStyle(link, '::after').content")
    assert link.get_attribute("href") in written


def test_the_pdf_is_tagged_has_an_outline_and_is_the_same_each_time(report_file):
    report = make_report(read_ledger(), quarter=QUARTER)
    printed = print_pdf(report_file, report.as_of)
    assert printed == report_file.with_name("report.pdf")
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    for part in (b"/StructTreeRoot", b"/MarkInfo", b"/Outlines", b"/Lang (en)"):
        assert part in content, part
    assert b"(D:20240829" in content  # as of 60 days after the quarter
    assert print_pdf(report_file, report.as_of).read_bytes() == content
    assert not list(report_file.parent.glob(".printing-*"))
    printed.unlink()


# The list of reports, and the notebooks -----------------------------------------------------------


def test_the_list_leads_to_the_report_and_to_each_notebook(open_page, report_file, list_file):
    page, troubles = open_page(list_file)
    assert "TikTok Shop is unlikely to reach its US$50 bn target" in page.locator("h2").first.inner_text()
    assert "just over 30%" in page.locator("dl.tiles").inner_text()
    for link in page.locator("main a").all():
        assert (list_file.parent / link.get_attribute("href")).is_file()
    assert page.locator("p.links a").count() == 7
    page.locator("h2 a").first.click()
    assert page.title().startswith("TikTok Shop, Q2 2024")
    assert troubles == []


def test_a_notebook_shows_its_code_and_its_charts(open_page, report_file):
    page, troubles = open_page(report_file.parent / "chapters" / "02_united_states.html")
    assert "united_states.review(" in page.locator("pre.code").all_inner_texts()[1]
    assert page.locator(".chart svg").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert troubles == []
