"""Every number of a report for machines: what was shown, how it was worked out, from which published figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from html.parser import HTMLParser

from nbformat import NotebookNode

from analysis.ledger import Ledger


def key(provenance: str) -> str:
    """A short name for a provenance, by which the note of a number is found."""
    return hashlib.sha256(provenance.encode()).hexdigest()[:10]


def numbers(page: str, notebooks: Iterable[NotebookNode], ledger: Ledger) -> list[dict]:
    """The numbers of a page by its notes.

    Parameters
    ----------
    page : str
        The report as HTML; each number links to its note, which carries the key of its provenance.
    notebooks : iterable of NotebookNode
        The executed notebooks it was made of.
    ledger : Ledger
        The view that they used.

    Returns
    -------
    list of dict
        One for each note, in their order: `note` (its number), `shown` (the texts that link to it), `value` and `unit`
        (in whole units, shares as fractions), `formula`, and `facts`, each with `id`, `printed` and, for a row of
        facts.csv, `source` and `known_on`. What is no row of it is an exchange rate, an event or an assumption, printed
        as the note tells it.
    """
    notes: dict[int, dict] = {}
    number_of = {
        attributes["data-key"]: int(attributes["id"].removeprefix("note-"))
        for attributes, _ in _elements(page, "li", "note")
    }
    for attributes, shown in _elements(page, "a", "quantity"):
        note = int(attributes["href"].removeprefix("#note-"))
        texts = notes.setdefault(note, {"note": note, "shown": []})["shown"]
        if shown not in texts:
            texts.append(shown)
    for html in _markup(notebooks):
        for attributes, _ in _elements(html, "span", "quantity"):
            note = number_of.get(key(attributes["title"]))
            if note is not None and "value" not in notes[note]:
                facts = filter(None, attributes["data-facts"].split(";"))
                notes[note] |= {
                    "value": float(attributes["data-value"]),
                    "unit": attributes["data-unit"],
                    "formula": attributes["data-formula"],
                    "facts": [_fact(ledger, name, attributes["title"]) for name in facts],
                }
    return [notes[note] for note in sorted(notes)]


def _fact(ledger: Ledger, name: str, why: str) -> dict[str, str]:
    if name not in ledger.facts.index:
        lines = (line.removeprefix(f"{name}: ") for line in why.splitlines() if line.startswith(f"{name}: "))
        return {"id": name, "printed": next(lines, "")}
    row = ledger.facts.loc[name]
    qualifier = "" if row["qualifier"] == "exact" else f"{row['qualifier']} "
    return {
        "id": name,
        "printed": f"{qualifier}{row['value']} {row['unit']}",
        "source": row["source"],
        "known_on": row["known_on"],
    }


def _markup(notebooks: Iterable[NotebookNode]) -> Iterable[str]:
    """What the notebooks show as HTML, the titles of charts included."""
    for notebook in notebooks:
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                yield output.get("data", {}).get("text/html", "")
                yield output.get("metadata", {}).get("report", {}).get("title", "")


def _elements(markup: str, tag: str, name: str) -> list[tuple[dict[str, str], str]]:
    """Attributes and text of the elements of a tag that have a class; notes' marks (`sup`) are not text."""
    reader = _Reader(tag, name)
    reader.feed(markup)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self, tag: str, name: str):
        super().__init__(convert_charrefs=True)
        self.tag, self.name = tag, name
        self.found: list[tuple[dict[str, str], str]] = []
        self.inside, self.mark = False, False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == self.tag and self.name in (attributes.get("class") or "").split():
            self.inside = True
            self.found.append((attributes, ""))
        self.mark = self.mark or tag == "sup"

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != self.tag
        self.mark = self.mark and tag != "sup"

    def handle_data(self, data):
        if self.inside and not self.mark:
            attributes, text = self.found[-1]
            self.found[-1] = attributes, text + data.replace("\xa0", " ")
