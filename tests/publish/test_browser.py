"""The report as its readers see it: a real Chromium with the network off."""

import csv
import html
import io
import re
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from reports import analysis
from worlds import QUARTERS

from analysis.facts.ledger import read_ledger
from analysis.facts.parameters import DATA
from analysis.facts.report import make_report
from analysis.publish.pdf import print_pdf

pytestmark = pytest.mark.browser
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
OPEN = "document.querySelectorAll('details').forEach(details => { details.open = true })"


@pytest.fixture
def report_file(built):
    return built / "2024Q2" / "report.html"


@pytest.fixture
def open_page(browser, report_file):
    """Opens a file, and says what went wrong while it was open."""
    contexts = []

    def opener(file=report_file, size="wide", address="", **options):
        width, height = SIZES[size]
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, offline=True, **options))
        page, troubles = contexts[-1].new_page(), []
        page.on("requestfailed", lambda asked: troubles.append(f"failed: {asked.url}"))
        allowed = ("file:", "data:")
        page.on("request", lambda asked: asked.url.startswith(allowed) or troubles.append(f"asked for: {asked.url}"))
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(file.as_uri() + address)
        return page, troubles

    yield opener
    for context in contexts:
        context.close()


# What is on the page ------------------------------------------------------------------------------

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
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
SMALL = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const size = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
    return [...svg.querySelectorAll('text')].filter(text => parseFloat(getComputedStyle(text).fontSize) * size < 9)
        .map(text => `${svg.closest('figure').id}: ${text.textContent}`)
})"""
EMPTY = """() => [...document.querySelectorAll('figure svg')].filter(svg => {
    const box = svg.getBoundingClientRect(), marks = svg.querySelectorAll('[class*=role-mark] :is(path, text)')
    return box.width < 250 || box.height < 40 || ![...marks].some(mark => mark.getBoundingClientRect().width > 1)
}).map(svg => svg.closest('figure').id)"""


@pytest.mark.parametrize("size", SIZES)
def test_it_opens_without_a_request_or_message_and_every_chart_is_drawn_within_the_page(open_page, size):
    page, troubles = open_page(size=size)
    assert page.title().startswith("TikTok Shop, Q2 2024")
    assert page.locator("figure svg").count() >= 10
    assert page.evaluate(EMPTY) == []
    assert page.evaluate(MISPLACED) == page.evaluate(SMALL) == []
    assert page.evaluate(FITS)
    page.evaluate(OPEN)
    assert page.evaluate(FITS)
    assert troubles == []


LONGEST = {"wide": 25 * 900, "phone": 50 * 844}  # pixels, folds closed: screens of a laptop and of a phone


@pytest.mark.slow
def test_every_report_can_be_finished_and_no_words_of_a_chart_meet(open_page, tmp_path):
    done = analysis("build", *QUARTERS, "--lang", "en", "zh", "--pdf", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for folder in (path for path in tmp_path.iterdir() if path.is_dir()):
        assert _printed_pages((folder / "brief.pdf").read_bytes()) == 1, folder.name
        for size in SIZES:
            page, troubles = open_page(folder / "report.html", size)
            assert page.evaluate(MISPLACED) == page.evaluate(SMALL) == troubles == [], folder.name
            assert page.evaluate("document.documentElement.scrollHeight") <= LONGEST[size], folder.name
        page.evaluate("document.querySelector('#notes').remove()")  # the appendix
        assert _printed_pages(page.pdf(format="A4")) <= 20, folder.name


def _printed_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


ALIKE = "#notes li:nth-child(n+12), tr:nth-child(n+8)"


RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
RULES["rules"] = {"target-size": {"enabled": True}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # which are the same on a phone


@pytest.mark.parametrize(
    ("size", "scheme", "rules"), [("wide", "light", RULES), ("phone", "light", RULES), ("wide", "dark", COLOURS)]
)
def test_accessible_to_everybody(open_page, report_file, built, size, scheme, rules):
    for file in (report_file, built / "index.html", report_file.parent / "notebooks" / "00_summary.html"):
        # The policy of the page would keep the checker out. One note is as the next, and so is a row of a table.
        page, _ = open_page(file, size, color_scheme=scheme, bypass_csp=True)
        page.evaluate(f"{OPEN}; document.querySelectorAll('{ALIKE}').forEach(one => one.remove())")
        found = Axe().run(page, options=rules).response["violations"]
        assert [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found] == [], file.name


def test_a_chapter_can_be_sent_alone(open_page, report_file, tmp_path):
    page, troubles = open_page(shutil.copy(report_file.parent / "chapters" / "03_rival.html", tmp_path / "alone.html"))
    assert page.title().startswith("TikTok Shop, Q2 2024: Temu")
    assert page.locator("pre.code").count() == 0 and page.locator("figure svg").count() >= 2
    page.locator("main a.quantity").first.click()
    assert page.locator("#why").is_visible()
    places = page.evaluate("[...document.links].map(a => a.getAttribute('href')).filter(to => !to.startsWith('http'))")
    assert all(place.startswith(("#", "data:")) for place in places)
    assert page.evaluate(MISPLACED) == troubles == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_page):
    page, _ = open_page()
    seen, invisible = set(), []
    for _ in range(150):
        page.keyboard.press("Tab")
        name, outlined, inside, nav = page.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at)
            return [at.className || at.tagName, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
                at.getBoundingClientRect().right > 0, at.closest('nav') !== null]
        }""")
        seen.add("nav" if nav else name)
        if not (outlined and inside):
            invisible.append(name)
    assert {"skip", "nav", "quantity", "SUMMARY", "INPUT"} <= seen
    assert invisible == []


def test_contents_stay_in_reach_on_a_wide_page_and_fold_away_on_a_phone(open_page):
    wide, _ = open_page()
    wide.locator("#europe").scroll_into_view_if_needed()
    wide.mouse.wheel(0, 600)
    assert 0 <= wide.locator("nav.side").bounding_box()["y"] < 100
    phone, _ = open_page(size="phone")
    assert not phone.locator("nav.side").is_visible()
    phone.locator("details.fold summary").click()
    phone.locator("details.fold a[href='#europe']").click()
    assert phone.locator("#europe").bounding_box()["y"] < 100


# Numbers and their notes --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["hover", "focus", "click", "tap"])
def test_a_number_s_note_opens_stays_can_be_dismissed_and_never_covers_the_number(open_page, how):
    page, troubles = open_page(size="phone" if how == "tap" else "wide", has_touch=how == "tap")
    for number in (page.locator("main a.quantity").nth(n) for n in (0, 30, 90)):
        getattr(number, how)()
        note = page.locator("#why")
        assert note.is_visible()
        assert number.get_attribute("aria-describedby") == "why"
        assert "#note-" not in page.url
        mine, its = number.bounding_box(), note.bounding_box()
        assert its["y"] + its["height"] <= mine["y"] or mine["y"] + mine["height"] <= its["y"]
        if how == "hover":
            note.hover()
            page.wait_for_timeout(600)
            assert note.is_visible()
        page.keyboard.press("Escape")
        assert not note.is_visible()
    assert troubles == []


def test_without_scripts_a_number_leads_to_its_note_and_a_figure_to_its_source(open_page):
    page, _ = open_page(java_script_enabled=False)
    number = page.locator("main a.quantity").first
    number.click()
    assert page.url.endswith(number.get_attribute("href"))
    assert page.locator("#summary_what_if table").is_visible()
    assert not page.locator(".lever").is_visible()
    page.locator("#note-1 b a").click()  # and the note back to its number
    assert page.url.endswith("#number-1")
    # A0003 is in the article that the report begins with.
    address = page.locator("#figure-A0003 a").first.get_attribute("href")
    assert address in set(read_ledger().sources["url"])


def test_a_chart_can_be_taken_along_as_table_and_as_picture(open_page):
    page, troubles = open_page()
    figure = page.locator("#summary_year")
    assert not figure.locator("td").first.is_visible()
    figure.locator("summary").click()

    def saved(link):
        with page.expect_download() as downloading:
            figure.locator(link).click()
        return downloading.value.suggested_filename, downloading.value.path().read_bytes()

    name, content = saved("a[download]")
    assert name == "summary_year.csv"
    assert "median" in next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    name, content = saved("text=SVG")
    assert (name, content[:5]) == ("summary_year.svg", b"<svg ")
    assert "Sources:" in re.sub(rb"\s+", b" ", content).decode()
    name, content = saved("text=PNG")
    assert (name, content[:4]) == ("summary_year.png", b"\x89PNG")
    assert troubles == []


# The sliders --------------------------------------------------------------------------------------


def test_sliders_have_names_begin_at_the_estimate_and_can_be_set_to_the_target(open_page):
    page, troubles = open_page()
    growth, ban = page.locator(".lever input").all()
    for slider in (growth, ban):
        assert page.locator(f"label[for='{slider.get_attribute('id')}']").inner_text()
    assert page.get_by_role("slider", name="Growth a month").count() == 1
    rows = page.locator("#summary_what_if tbody tr")
    outcome = page.locator(".outcome")
    assert rows.nth(0).locator("td").nth(2).inner_text() in outcome.inner_text()
    assert growth.get_attribute("aria-valuetext") == rows.nth(0).locator("td").nth(1).inner_text()
    assert ban.get_attribute("aria-valuetext") == "never"
    growth.focus()
    for _ in range(100):
        if outcome.inner_text().endswith("the target.") and "of the target" not in outcome.inner_text():
            break
        page.keyboard.press("ArrowRight")
    assert outcome.inner_text() == "2024 would bring US$50\xa0bn, the target."
    assert growth.get_attribute("aria-valuetext") == rows.nth(1).locator("td").nth(1).inner_text()
    again, _ = open_page(address=page.url.partition("report.html")[2])  # the address carries it
    assert again.locator(".outcome").inner_text() == outcome.inner_text()
    ban.focus()
    page.keyboard.press("Home")
    assert ban.get_attribute("aria-valuetext") == "Jul 2024"
    assert "short of the target" in outcome.inner_text()
    assert troubles == []


# Hostile data -------------------------------------------------------------------------------------

INJECTED = "<img src=x onerror=alert(1)><svg onload=alert(2)></svg><script>alert(3)</script>$x$\"'"


def test_what_is_injected_into_the_data_does_nothing(open_page, data_copy, tmp_path):
    for name, columns in (("facts.csv", ("note", "quote")), ("sources.csv", ("title", "publisher")),
                          ("events.csv", ("event",))):  # fmt: skip
        header, *rows = data_copy.rows(name)
        for row in rows:
            for place in (header.index(column) for column in columns):
                row[place] = f"{INJECTED} {row[place]}"[:400]
        data_copy.write(name, [header, *rows])
    name = 'Mexico = { name = "Mexico" }'
    data_copy.replace("vocabulary.toml", name, name.replace('"Mexico"', "'" + INJECTED.rstrip("'") + "'"))
    done = analysis("build", "2024Q2", "--data", data_copy.path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "2024Q2"
    for file in (folder / "report.html", tmp_path / "out" / "index.html", folder / "notebooks" / "06_evidence.html"):
        page, troubles = open_page(file)
        page.evaluate(OPEN)
        for number in page.locator("main a.quantity").all()[:20]:
            number.focus()
        assert page.locator("img, [onerror], [onload]").count() == 0
        assert troubles == [], file.name
    assert INJECTED[:40] in open_page(folder / "report.html")[0].locator("body").inner_text()


def test_the_policy_stops_what_would_get_through(open_page, page, tmp_path):
    """The second wall, where the first has a hole."""
    hole = "<main><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    (tmp_path / "report.html").write_text(page.replace("<main>", hole, 1), encoding="utf-8")
    opened, troubles = open_page(tmp_path / "report.html")
    assert opened.title().startswith("TikTok Shop")
    assert any("Content Security Policy" in trouble for trouble in troubles)


# On paper, the list of reports, and the notebooks -------------------------------------------------


def test_on_paper_each_number_carries_the_number_of_its_note(open_page):
    page, _ = open_page()
    page.emulate_media(media="print")
    number = page.locator("main a.quantity").first
    assert number.locator("sup").is_visible()
    assert number.get_attribute("href") == "#note-" + number.locator("sup").inner_text()
    assert not page.locator(".lever").is_visible()


def title(raw: bytes) -> str:
    """A text as a PDF holds it: UTF-16 in hexadecimal digits, or letters in brackets, some of them escaped."""
    if raw.startswith(b"<"):
        return bytes.fromhex(raw[1:-1].decode()).decode("utf-16")
    return re.sub(rb"\\(.)", rb"\1", raw[1:-1]).decode("latin-1")


def test_the_pdf_is_tagged_has_an_outline_and_is_the_same_each_time_and_the_brief_is_one_page(report_file, tmp_path):
    as_of = make_report(read_ledger(DATA)).as_of
    copy = shutil.copy(report_file, tmp_path)
    printed = print_pdf(tmp_path / "report.html", as_of)
    content, brief = printed.read_bytes(), (tmp_path / "brief.pdf").read_bytes()
    for part in (b"/StructTreeRoot", b"/MarkInfo", b"/Outlines", b"/Lang (en)", b"(D:20240829"):
        assert part in content, part
    markup = re.sub("<sup>.*?</sup>", "", report_file.read_text(encoding="utf-8"))
    found = re.findall(r"<h([1-4])[^>]*>(.*?)</h\1>", markup, re.DOTALL)
    headings = {html.unescape(re.sub("<[^>]*>", "", words)).replace("\xa0", " ") for _, words in found}
    titles = [told.replace("\xa0", " ") for told in map(title, re.findall(rb"/Title (\(.*?[^\\]\)|<.*?>)", content))]
    assert len(titles) > 40 and set(titles[1:]) <= headings  # the first is that of the document
    assert _printed_pages(brief) == 1
    assert print_pdf(tmp_path / "report.html", as_of).read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.pdf", "brief.pdf"}, copy


def test_the_list_leads_to_the_reports_and_to_each_notebook(open_page, built):
    page, troubles = open_page(built / "index.html")
    assert "TikTok Shop is unlikely to reach its US$50 bn target" in page.locator("h2").first.inner_text()
    for link in page.locator("main a").all():
        assert (built / link.get_attribute("href")).is_file()
    assert page.locator("p.links").first.locator("a").count() == 7
    page.locator("p.links a").nth(2).click()
    assert 'show("' in "".join(page.locator("pre.code").all_inner_texts())
    assert page.locator(".chart svg").count() >= 1
    assert page.evaluate(FITS)
    assert troubles == []
