"""Every language says the same: the same numbers in each sentence, chart and table, and nothing in another's words."""

import html
import re
import shutil

import pytest
from reports import analysis
from worlds import QUARTERS, another_world, shown

from analysis.facts import language
from analysis.facts.errors import InputError
from analysis.facts.language import TEXT, languages
from analysis.facts.report import ParameterError, make_report
from analysis.story import text as story_text
from analysis.story.chapter import Chapter, chapters, headlines, mistakes
from analysis.story.show import Figure, Table
from analysis.story.text import Sentence, environment

# Words in small letters that are no name: of those the Chinese page has none.
ENGLISH = re.compile(r"(?<![\w./-])[a-z]{3,}(?![\w./-])")

# Where names and titles stand as they are: publishers, sources, the link to the other page; and what is no text.
OTHERS = re.compile(
    r"<(style|script|cite|svg|head)\b.*?</\1>|<span class=\"cited\">.*?</span>|<a (?:rel|lang|href=.http).*?</a>"
    r"|“[^”]*”[^<]*\(S\d+\)",
    re.DOTALL,
)


pytestmark = pytest.mark.usefixtures("few_draws")


def numbers(cells) -> list[tuple[float, str]]:
    """Value and unit of each number, in an order of their own: languages have theirs."""
    flat = [q for cell in cells for q in (cell.quantities if isinstance(cell, Sentence) else [cell])]
    return sorted((q.value, q.unit) for q in flat if hasattr(q, "unit") and q)


def said(chapter: Chapter) -> dict:
    """What each sentence, chart and table of a chapter says, in numbers, by its place."""
    found = {}
    for section, things in shown(chapter).items():
        for n, thing in enumerate(things):
            if isinstance(thing, (Figure, Table)):
                name = section, thing.name, type(thing).__name__
                found[*name, "title"] = numbers([thing.title])
                found |= {(*name, i): numbers(row) for i, row in enumerate(thing.data.itertuples(index=False))}
            else:
                sentences = thing if isinstance(thing, list) else [thing]
                found |= {(section, n, i): numbers([sentence]) for i, sentence in enumerate(sentences)}
    return found


def compare(ledger, quarter: str) -> None:
    for name in chapters():
        told = [said(Chapter(name, make_report(ledger, quarter=quarter, lang=lang))) for lang in languages()]
        for other in told[1:]:
            assert other == told[0], f"{quarter}, {name}"


@pytest.mark.parametrize("quarter", QUARTERS)
def test_each_sentence_has_the_same_numbers_in_every_language(ledger, quarter):
    compare(ledger, quarter)


@pytest.mark.parametrize("seed", range(3))
def test_so_it_is_in_worlds_that_never_were(ledger, seed):
    compare(another_world(ledger, seed), "2024Q4")


@pytest.mark.parametrize("lang", languages())
def test_each_entry_of_a_language_stands_for_words_of_the_data(ledger, lang):
    """Who changes the English words is told which ones a language has lost."""
    told, data, assumptions = language.names(lang).model_extra, ledger.vocabulary, ledger.assumptions
    assumed = [*assumptions.levers.values(), *assumptions.scenarios.values()]
    places = {*data.names, *data.names.values()}
    known = {"platforms": data.platforms, "counters": data.counters, "markets": places, "regions": places}
    known |= {"metrics": map(data.call_metric, data.metrics), "withdrawn": ledger.withdrawn["withdrawn"]}
    known |= {"events": ledger.events["told"], "arguments": ledger.arguments[["speaker", "english", "needs"]].stack()}
    known["claims"] = [words for claim in ledger.claims for words in (claim.words, claim.reading, claim.needs)]
    known["assumptions"] = [getattr(one, key, "") for one in assumed for key in ("name", "means", "reason")]
    assert not {name: lost for name, words in known.items() if (lost := told.get(name, {}).keys() - {*words})}
    assert language.page(lang).keys() - language.page("en").keys() <= {"chapter_names"}


def test_a_language_that_there_is_not_is_refused_with_those_there_are(ledger):
    with pytest.raises(ParameterError, match=r"lang is 'fr'\. Allowed: en, zh"):
        make_report(ledger, lang="fr")


SAYINGS = {
    "17.5 USD bn": "175亿美元",
    "US$33.2 mn": "3,320万美元",
    "16 THB bn": "160亿泰铢",
    "just over 30 %": "略高于30%",
    "the second quarter of 2024": "2024年第二季度",
    "8 June 2024": "2024年6月8日",
    "July 2024 to June 2025": "2024年7月至2025年6月",
    "1 to 29 April 2024": "2024年4月1日至29日",
    "market model, median of GMV of Temu in 美国, H1 2024": "市场模型中位数：Temu在美国的GMV，2024年上半年",
    "TikTok Shop": "TikTok Shop",
    "All platforms": "全部平台",
}


@pytest.mark.parametrize(("printed", "told"), SAYINGS.items())
def test_what_the_code_prints_is_said_in_chinese(printed, told):
    assert environment("zh").globals["say"](printed) == told
    assert environment("en").globals["say"](printed) == printed


def test_reports_of_one_quarter_link_to_each_other_and_have_no_other_language_s_words(tmp_path):
    assert not analysis("build", "2024Q2", "--lang", "zh", "--out", tmp_path).returncode
    assert "hreflang" not in (tmp_path / "2024Q2-zh" / "report.html").read_text(encoding="utf-8")
    assert not analysis("build", "2024Q2", "--out", tmp_path).returncode  # the other one is written anew
    pages = [(tmp_path / name / "report.html").read_text(encoding="utf-8") for name in ("2024Q2", "2024Q2-zh")]
    assert 'href="../2024Q2-zh/report.html">中文' in pages[0]
    assert 'href="../2024Q2/report.html">English' in pages[1]
    assert pages[1].startswith('<!DOCTYPE html>\n<html lang="zh">')
    found = ENGLISH.findall(html.unescape(re.sub(r"<[^>]+>", " ", OTHERS.sub("", pages[1]))))
    assert not found, sorted(set(found))
    listed = (tmp_path / "index.html").read_text(encoding="utf-8")
    section = re.search('<section class="chapter" lang="zh">.*?</section>', listed, re.DOTALL)[0]
    assert "TikTok Shop，" in section and not ENGLISH.findall(re.sub("<[^>]+>|PDF", " ", section))


EUROPE = (TEXT / "en" / "europe.md").read_text("utf-8").partition("\n## ")
SPANISH = {
    "europe.md": "# En {{ year }}, {{ platform }} abriría en {{ names }}: {{ by_end.median }}\n\n## " + EUROPE[2],
    "names.toml": 'patterns = [[" and ", " y "]]\n[markets]\nSpain = "España"\nIreland = "Irlanda"\n',
    "words.jinja": """{% macro quantity(q) %}
{{ q.hedge|word }}{{ q.bare|replace("US$", "")|replace(".", ",")|replace("mn", "M US$") }}
{% endmacro %}
""",
}


@pytest.fixture
def folder(tmp_path, monkeypatch, request):
    """A folder of one more language, with a name that no other test has used."""
    text = tmp_path / "text"
    shutil.copytree(TEXT, text)
    for module in (language, story_text):
        monkeypatch.setattr(module, "TEXT", text)
    (folder := text / f"x{re.sub(r'[^a-z0-9]', '', request.node.name)}").mkdir()
    return folder


def test_a_language_is_a_folder_that_may_begin_with_one_chapter(folder, ledger):
    for name, text in SPANISH.items():
        (folder / name).write_text(text, encoding="utf-8")
    report, english = (make_report(ledger, lang=lang) for lang in (folder.name, "en"))
    told, in_english = headlines(report), headlines(english)
    assert re.fullmatch(r"En 2024, TikTok Shop abriría en España y Irlanda: [\d,]+\sM US\$", told.pop("europe"))
    assert told == {name: words for name, words in in_english.items() if name in told}
    asked = Chapter("europe", english)
    numbers_of = [said(Chapter("europe", one)) for one in (report, english)]
    assert {k: v for k, v in numbers_of[0].items() if k[0] != "opening"}.items() <= numbers_of[1].items()
    assert mistakes({"europe": asked.report}) == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("names.toml", 'patterns = [["(", "x"]]', r"names\.toml, column patterns\.0\.0: .*regular expression"),
        ("names.toml", "patterns = [['x', '\\1']]", r"names\.toml, column patterns: .*groups that the pattern 'x' has"),
        ("names.toml", "[units]\nday = 1", r"names\.toml, line 1, column units\.day: '1'\. Allowed: a valid string"),
        ("names.toml", "[markets]\nUK = =", r"names\.toml.*line 2"),
        ("words.jinja", "\n{% macro x() %}", r"words\.jinja, line \d"),
        ("europe.md", "# {{ yaer }}\n\n## sites", r"europe\.md, line 1: yaer .*mean year\?"),
        ("europe.md", "# x\n\n## sites", r"europe\.md: section ramp is missing"),
    ],
    ids=range(7),
)  # fmt: skip
def test_what_is_wrong_in_a_folder_is_said_with_file_and_line(folder, ledger, name, text, message):
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"(?s)text/{folder.name}/{message}"):
        raise InputError("\n".join(mistakes({"europe": make_report(ledger)})))
