"""Every number of a page leads to a note: how it was worked out, from which published figures. And so for machines."""

from __future__ import annotations

import re
from html import escape, unescape

from analysis.facts.ledger import Ledger

# As `Quantity.html` writes it.
_QUANTITY = re.compile(
    r'<span class="quantity" tabindex="0" title="(?P<why>[^"]*)" data-value="(?P<value>[^"]*)" '
    r'data-unit="(?P<unit>[^"]*)" data-formula="(?P<formula>[^"]*)" data-facts="(?P<facts>[^"]*)">(?P<shown>.*?)</span>'
)
_ASSUMED = "Assumption, not published"  # as an assumption says of itself
_LINKED = 3  # figures that a note links to; a note on many would be a row of stops for the Tab key


def with_notes(page: str, ledger: Ledger) -> tuple[str, list[dict]]:
    """Turn each quantity into a link to a numbered note; the same provenance has one note, the same figure one line.

    Parameters
    ----------
    page : str
        HTML with quantities, and `<!--notes-->` and `<!--figures-->` where the lists are to stand.
    ledger : Ledger
        The view that the page used.

    Returns
    -------
    str
        The page.
    list of dict
        One for each note, in their order: `note` (its number), `shown` (the texts that link to it), `value` and `unit`
        (in whole units, shares as fractions), `formula`, and `facts`, each with `id`, `printed` and, for a row of
        facts.csv, `source` and `known_on`. What is no row of it is an exchange rate, an event or an assumption, printed
        as the note tells it.
    """
    numbers: dict[str, dict] = {}
    notes: list[str] = []
    figures: dict[str, dict[str, None]] = {}  # an assumption can stand at several settings
    facts: dict[str, dict[str, str]] = {}

    def link(match: re.Match[str]) -> str:
        why, shown = match["why"], match["shown"]
        if why not in numbers:
            worked_out, told = _parts(why, match["facts"])
            for name, line in told.items():
                figures.setdefault(name, {})[line] = None
                if name not in facts and name in ledger.facts.index:
                    facts[name] = _fact(ledger, name)
            notes.append(_note(worked_out, told))
            rests_on = unescape(match["facts"]).split(";") if match["facts"] else []
            numbers[why] = {
                "note": len(notes),
                "shown": [],
                "value": float(match["value"]),
                "unit": unescape(match["unit"]),
                "formula": unescape(match["formula"]),
                "facts": [facts.get(name) or {"id": name, "printed": _first_line(told[name])} for name in rests_on],
            }
        number = numbers[why]
        text = unescape(shown).replace("\xa0", " ")
        if text not in number["shown"]:
            number["shown"].append(text)
        return f'<a class="quantity" href="#note-{number["note"]}">{shown}<sup>{number["note"]}</sup></a>'

    page = _QUANTITY.sub(link, page)
    listed = "".join(f'<li id="note-{number}" class="note">{note}</li>\n' for number, note in enumerate(notes, start=1))
    told = "".join(
        f'<li id="{_anchor(name)}"><b>{escape(name)}</b> '
        f"{'<br>'.join(_with_source(line, ledger) for line in lines)}</li>\n"
        for name, lines in sorted(figures.items())
    )
    page = page.replace("<!--notes-->", f"<ol>\n{listed}</ol>").replace("<!--figures-->", f"<ul>\n{told}</ul>")
    return page, list(numbers.values())


def _parts(why: str, facts: str) -> tuple[str, dict[str, str]]:
    """The arithmetic of a provenance, if it has any, and the line of each of its figures by name, all as HTML."""
    rest, figures = f"&#10;{why}", {}
    for name in sorted(unescape(facts).split(";"), reverse=True) if facts else []:
        rest, _, line = rest.rpartition(f"&#10;{escape(name, quote=True)}: ")
        figures[name] = line
    return rest.removeprefix("&#10;"), dict(reversed(figures.items()))


def _note(worked_out: str, figures: dict[str, str]) -> str:
    shown = {
        name: f"{escape(name)} {line.partition(', ')[0]}" if _ASSUMED in line else escape(name)
        for name, line in figures.items()
    }
    if len(figures) <= _LINKED:
        shown = {name: f'<a href="#{_anchor(name)}">{words}</a>' for name, words in shown.items()}
    rests_on = f"From {', '.join(shown.values())}" if shown else ""
    return ". ".join(part for part in (worked_out, rests_on) if part)


def _anchor(name: str) -> str:
    return "figure-" + re.sub(r"\W+", "-", name).strip("-")


def _first_line(told: str) -> str:
    return unescape(told.partition("&#10;")[0])


def _with_source(line: str, ledger: Ledger) -> str:
    """A published figure with its source as a link, where that has an address."""
    told = line.replace("&#10;", " ")
    cited = re.search(r"“[^”]*”(?=[^“]*\((S\d+)\))", told)
    if cited and cited[1] in ledger.sources.index:
        address = ledger.sources.loc[cited[1], "url"]
        if re.match("https?://", address):
            linked = f'<a href="{escape(address, quote=True)}" rel="noreferrer">{cited[0]}</a>'
            told = told[: cited.start()] + linked + told[cited.end() :]
    return told


def _fact(ledger: Ledger, name: str) -> dict[str, str]:
    row = ledger.facts.loc[name]
    qualifier = "" if row["qualifier"] == "exact" else f"{row['qualifier']} "
    return {
        "id": name,
        "printed": f"{qualifier}{row['value']} {row['unit']}",
        "source": row["source"],
        "known_on": row["known_on"],
    }
