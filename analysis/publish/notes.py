"""Every number of a page leads to a note: how it was worked out, from which published figures. And so for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape, unescape

LONG = 200  # characters of a formula that a reader follows

# As `Quantity.html` writes it.
_QUANTITY = re.compile(r'<span class="quantity" data-key="(\w+)" title="[^"]*">(.*?)</span>')


def with_notes(page: str, about: Iterable[Mapping], words: Mapping[str, str]) -> tuple[str, dict]:
    """Turn each quantity into a link to a numbered note; numbers of one provenance share a note.

    Parameters
    ----------
    page : str
        HTML with quantities, and `<!--notes-->` and `<!--figures-->` where the lists are to stand.
    about : iterable of mapping
        The `report` metadata of all outputs: where the numbers in it come from.
    words : mapping
        Of the language, from page.toml.

    Returns
    -------
    str
        The page.
    dict
        `numbers`, one for each note, in their order: `note` (its number), `shown` (the texts that link to it), `value`
        and `unit` as printed (16.8 and %), `formula`, and `from`, ids of `figures`, where what is told of each stands.
    """
    numbers, origins = {}, {}
    for each in about:
        numbers |= each.get("numbers", {})
        origins |= each.get("origins", {})
    used: dict[str, dict] = {}

    def link(match: re.Match[str]) -> str:
        key, shown = match[1], match[2]
        note = used.setdefault(key, {"note": len(used) + 1, "shown": []})
        text = unescape(shown).replace("\xa0", " ")
        if text not in note["shown"]:
            note["shown"].append(text)
        return f'<a class="quantity" href="#note-{note["note"]}">{shown}<sup>{note["note"]}</sup></a>'

    page = _QUANTITY.sub(link, page)
    notes = "".join(
        f'<li id="note-{note["note"]}">{_note(note["shown"][0], numbers[key], origins, words)}</li>\n'
        for key, note in used.items()
    )
    cited = sorted({name for key in used for name in numbers[key]["from"]})
    figures = "".join(f'<li id="{_anchor(name)}">{_figure(origins[name], words)}</li>\n' for name in cited)
    page = page.replace("<!--notes-->", f"<ol>\n{notes}</ol>").replace("<!--figures-->", f"<ul>\n{figures}</ul>")
    listed = [note | numbers[key] for key, note in used.items()]
    return page, {"numbers": listed, "figures": {name: origins[name] for name in cited}}


def listed(numbers: dict) -> str:
    """The numbers of a page as JSON, one a line, and then their figures."""
    lines = ",\n".join(json.dumps(number, ensure_ascii=False) for number in numbers["numbers"])
    figures = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(told, ensure_ascii=False)}" for name, told in numbers["figures"].items()
    )
    return f'{{"numbers": [\n{lines}\n],\n"figures": {{\n{figures}\n}}}}\n'


def _note(shown: str, number: Mapping, origins: Mapping[str, Mapping], words: Mapping[str, str]) -> str:
    """The number, one readable step, and the figures that it comes from."""
    ids, formula = number["from"], number["formula"]
    linked = "; ".join(f'<a href="#{_anchor(name)}">{escape(_call(origins[name]))}</a>' for name in ids)
    if ids == [formula]:
        return f"<b>{shown}</b>: {words['as_published']}: {linked}"
    step = escape(_readable(formula, ids, origins))
    told = f"<b>{shown}</b>" + (f" = {step}" if step not in ("", shown) else "")
    return f"{told}. {words['from']}: {linked}" if linked else told


def _readable(formula: str, ids: list[str], origins: Mapping[str, Mapping]) -> str:
    """A formula with the printed figures in place of their codes."""
    if not ids:
        return formula
    codes = re.compile(rf"(?<!\w)({'|'.join(re.escape(name) for name in sorted(ids, key=len, reverse=True))})(?!\w)")
    told = codes.sub(lambda match: origins[match[1]]["printed"], formula)
    return told if len(told) <= LONG else f"{told[:LONG].rsplit(' ', 1)[0]} …"


def _call(origin: Mapping) -> str:
    return ", ".join(filter(None, (origin["what"], origin.get("period"))))


def _figure(origin: Mapping, words: Mapping[str, str]) -> str:
    told = f"<b>{escape(origin['printed'])}</b>, {escape(_call(origin))}"
    if "reason" in origin:
        return f"{told}. {words['assumption']}: {escape(origin['reason'])}"
    source = escape(origin["source"])
    if re.match("https?://", origin["url"]):
        source = f'<a href="{escape(origin["url"], quote=True)}" rel="noreferrer">{source}</a>'
    counted = f", {words['counted_by'].format(escape(origin['basis']))}" if origin["basis"] else ""
    return f"{told}{counted}. {source}, {words['public'].format(escape(origin['known_on']))}"


def _anchor(name: str) -> str:
    return "figure-" + re.sub(r"\W+", "-", name).strip("-")
