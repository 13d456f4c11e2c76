"""Every number of a page leads to a note: how it was worked out, from which published figures. And so for machines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape

LONG = 200  # characters of a formula that a reader follows

# As `Quantity.html` writes it.
_QUANTITY = re.compile(r'<span class="quantity" data-key="(\w+)" title="[^"]*">(.*?)</span>')


def with_notes(page: str, about: Iterable[Mapping], words: Mapping[str, str]) -> tuple[str, dict]:
    """Turn each quantity of a page into a link to a numbered note; numbers of one provenance share a note.

    `about` is what outputs say of themselves: where their numbers come from. The lists of notes and figures take the
    places of `<!--notes-->` and `<!--figures-->`.

    Returns
    -------
    str
        The page.
    dict
        `numbers`, one for each note, in their order: `note` (its number), `shown` (the texts that link to it), `value`
        and `unit` as printed (16.8 and %), `formula`, and `from`, ids of `figures`, where what is told of each stands.
    """
    numbers, origins, used = {}, {}, {}
    for each in about:
        numbers |= each.get("numbers", {})
        origins |= each.get("origins", {})

    def link(match: re.Match[str]) -> str:
        key, shown = match[1], match[2]
        first = "" if key in used else f' id="number-{len(used) + 1}"'  # to which the note leads back
        note = used.setdefault(key, {"note": len(used) + 1, "shown": []} | numbers[key])
        text = unescape(shown).replace("\xa0", " ")
        if text not in note["shown"]:
            note["shown"].append(text)
        return f'<a class="quantity" href="#note-{note["note"]}"{first}>{shown}<sup>{note["note"]}</sup></a>'

    page = _QUANTITY.sub(link, page)
    figures = {name: origins[name] for name in sorted({name for note in used.values() for name in note["from"]})}
    lists = {}  # of figures, each with the note that has it
    notes = "".join(f'<li id="note-{n["note"]}">{_note(n, figures, lists, words)}</li>\n' for n in used.values())
    told = "".join(f'<li id="{_anchor(name)}">{_figure(figure, words)}</li>\n' for name, figure in figures.items())
    page = page.replace("<!--notes-->", f"<ol>\n{notes}</ol>").replace("<!--figures-->", f"<ul>\n{told}</ul>")
    return page, {"numbers": [*used.values()], "figures": figures}


def _note(number: Mapping, figures: Mapping[str, Mapping], lists: dict, words: Mapping[str, str]) -> str:
    """The number, one readable step, and the figures that it comes from, or the note that lists the same already."""
    shown, ids, formula = number["shown"][0], number["from"], number["formula"]
    colon, stop = words["say"](": "), words["say"](". ")
    there = lists.setdefault(tuple(ids), number["note"])
    if len(ids) > 1 and there != number["note"]:
        linked = f'<a href="#note-{there}">{words["same_figures"].format(there)}</a>'
    else:
        links = (f'<a href="#{_anchor(name)}">{_call(figures[name], words)}</a>' for name in ids)
        linked = words["say"]("; ").join(links)
    told = f'<b><a href="#number-{number["note"]}">{shown}</a></b>'
    if ids == [formula]:
        return f"{told}{colon}{words['as_published']}{colon}{linked}"
    if ids:  # with the printed figures in place of their codes
        codes = "|".join(re.escape(name) for name in sorted(ids, key=len, reverse=True))
        formula = re.sub(rf"(?<!\w)({codes})(?!\w)", lambda match: figures[match[1]]["printed"], formula)
    formula = words["say"](formula)
    if len(formula) > LONG:
        formula = f"{formula[:LONG].rsplit(' ', 1)[0]} …"
    told += f" = {escape(formula)}" if formula not in ("", shown) else ""
    return f"{told}{stop}{words['from']}{colon}{linked}" if linked else told


def _call(figure: Mapping, words: Mapping[str, str]) -> str:
    return escape(words["say"](", ".join(filter(None, (figure["what"], figure.get("period"))))))


def _figure(figure: Mapping, words: Mapping[str, str]) -> str:
    comma, colon, stop = (words["say"](mark) for mark in (", ", ": ", ". "))
    told = f"<b>{escape(words['say'](figure['printed']))}</b>{comma}{_call(figure, words)}"
    if "reason" in figure:
        return f"{told}{stop}{words['assumption']}{colon}{escape(words['say'](figure['reason']))}"
    source = escape(figure["source"])
    if re.match("https?://", figure["url"]):
        source = f'<a href="{escape(figure["url"], quote=True)}" rel="noreferrer">{source}</a>'
    publisher, basis, public = (escape(words["say"](figure[name])) for name in ("publisher", "basis", "known_on"))
    counted = f"{comma}{words['counted_by'].format(basis)}" if basis else ""
    return f"{told}{counted}{stop}{source}{comma}{publisher}{comma}{words['public'].format(public)}"


def _anchor(name: str) -> str:
    return "figure-" + re.sub(r"\W+", "-", name).strip("-")
