"""What a cell shows: sentences, charts and tables, alike in JupyterLab, on a code host and in the report.

An output has its words as HTML and as plain text; what the report needs beside them (name, table as CSV, where each
number comes from) is in its metadata under `report`.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import altair as alt
import numpy as np
import pandas as pd
from IPython.display import display

from analysis.facts.quantity import Quantity
from analysis.facts.span import dated
from analysis.story.charts import Drawing
from analysis.story.text import Sentence, in_all, joined

# JupyterLab typesets `$…$` in HTML as maths unless told not to.
_NO_MATHS = "tex2jax_ignore mathjax_ignore"
NAMED = 4  # publishers under a chart; more are a wall of words


@dataclass(frozen=True)
class Figure:
    """A chart, the table that it draws, one row a mark, and what a reader needs around it.

    `name` is that of its files; the title is the finding, the subtitle measure, unit and period.
    """

    name: str
    title: Sentence
    subtitle: Sentence
    chart: alt.TopLevelMixin
    data: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Table:
    """A table of quantities and words, of a `kind` of `chapter.TABLES`: the page folds a `reference` and leaves out a
    `workbook`.

    A `lever` has the numbers with which the page lets its reader move the outcome; without scripts the table stands.
    """

    name: str
    title: Sentence
    data: pd.DataFrame = field(repr=False)
    kind: str = "table"
    lever: dict | None = None


def show(things: Iterable[Sentence | list[Sentence] | Figure | Table], words: Mapping[str, object]) -> None:
    """Display what a section shows, in the order given; a list of sentences has an item for each.

    Parameters
    ----------
    things : iterable
    words : mapping
        Of the language, as words.jinja defines them: `unknown`, `sources`, `columns`; and `say`, for what code prints.
    """
    for thing in things:
        if isinstance(thing, Figure):
            _show_figure(thing, words)
        elif isinstance(thing, Table):
            _show_table(thing, words)
        elif isinstance(thing, Sentence):
            _show_html(f"<h1>{thing.html}</h1>", thing.text, "headline", [thing])
        else:
            items = "".join(f"<li>{sentence.html}</li>" for sentence in thing)
            plain = "\n".join(f"- {sentence.text}" for sentence in thing)
            _show_html(f'<ul class="findings">{items}</ul>', plain, "findings", thing)


def _show_html(markup: str, plain: str, part: str, cells: Iterable[object], **more: object) -> None:
    bundle = {"text/html": f'<div class="{_NO_MATHS}">{markup}</div>', "text/plain": plain}
    display(bundle, raw=True, metadata={"report": {"part": part, **provenance(cells), **more}})


def _show_figure(figure: Figure, words: Mapping[str, object]) -> None:
    title, subtitle, data = figure.title, figure.subtitle, figure.data
    source = _sources(data, words)
    # Around the chart, for a notebook; the report builds heading and source line from the chart's metadata.
    _show_html(f"<h3>{title.html}</h3><p>{subtitle.html}</p>", title.text, "around", [])
    # In words and numbers; what only steers the drawing (true or false) is left out.
    data = data.rename(columns=words["columns"])
    told = data[[name for name in data if not all(isinstance(value, (bool, np.bool_)) for value in data[name])]]
    about = {
        "part": "figure",
        "name": figure.name,
        "title": title.html,
        "subtitle": subtitle.html,
        "alt": f"{title.text}. {subtitle.text}",
        "source": source.html,
        "csv": to_csv(data, words),
        "table": _table(told, html.escape, lambda name, value: f"<td>{_plain(value, words)}</td>"),
    }
    about |= provenance([title, subtitle, *_cells(data)])
    spec = figure.chart.to_dict(validate=False)
    spec["datasets"] = in_all(spec["datasets"], words["say"])  # what a chart itself says: the months along its axis
    display(Drawing(spec, title.text), metadata={"report": about})
    if source:
        _show_html(f'<p><small class="source">{source.html}</small></p>', source.text, "around", [])


def _show_table(table: Table, words: Mapping[str, object]) -> None:
    title, source = table.title, _sources(table.data, words)
    data = table.data.loc[:, [any(map(bool, table.data[name])) for name in table.data]]  # columns that say something
    # On a phone a row becomes a block, and each cell names its column itself.
    body = _table(data, dated, lambda n, value: f'<td data-column="{html.escape(n)}">{_cell(value, words)}</td>')
    if table.kind == "tiles":
        markup = re.sub("<table><thead>.*?</thead>", '<table class="tiles">', body)
    elif table.kind in ("reference", "workbook"):
        markup = f"<details><summary>{title.html}</summary>{body}</details>"
    else:
        below = f'<p><small class="source">{source.html}</small></p>' if source else ""
        markup = f"{f'<h3>{title.html}</h3>' if title else ''}{body}{below}"
    plain = "\n".join([title.text, *(" | ".join(map(str, row)) for row in data.itertuples(index=False))])
    more = {"name": table.name, "title": title.text, "csv": to_csv(data, words), "kind": table.kind}
    more |= {"lever": table.lever} if table.lever else {}
    _show_html(f'<div class="table">{markup}</div>', plain, "table", [title, *_cells(data)], **more)


def _table(data: pd.DataFrame, head: Callable[[str], str], cell: Callable[[str, object], str]) -> str:
    """A table as HTML; `head` says a column's name, `cell` a cell by the name of its column and its value."""
    names = "".join(f'<th scope="col">{head(name)}</th>' for name in data)
    rows = ("".join(map(cell, data, row)) for row in data.itertuples(index=False, name=None))
    return f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _cell(value: object, words: Mapping[str, object]) -> str:
    if isinstance(value, Quantity) and not value:
        return words["unknown"]
    return joined([value]).html


def _plain(value: object, words: Mapping[str, object]) -> str:
    """A cell without the provenance of its number, of which the chart's notes tell."""
    shown = words["unknown"] if isinstance(value, Quantity) and not value else html.escape(str(value))
    return f'<data value="{shown}">{shown}</data>' if any(letter.isdigit() for letter in shown) else shown


# Where numbers come from ------------------------------------------------------------------------------


def _cells(data: pd.DataFrame) -> Iterator[object]:
    for name in data:
        yield from data[name]


def _quantities(cells: Iterable[object]) -> Iterator[Quantity]:
    for cell in cells:
        if isinstance(cell, Sentence):
            yield from cell.quantities
        elif isinstance(cell, Quantity) and cell:
            yield cell


def provenance(cells: Iterable[object]) -> dict[str, dict]:
    """Each number by its key, with value, unit, formula and origins, and each origin by its id, as metadata."""
    numbers, origins = {}, {}
    for number in _quantities(cells):
        named = {"value": number.in_unit, "unit": number.unit, "formula": number.formula}
        numbers[number.key] = named | {"from": [origin.id for origin in number.origins]}
        origins |= {origin.id: origin.told for origin in number.origins}
    return {"numbers": numbers, "origins": origins}


def _sources(data: pd.DataFrame, words: Mapping[str, object]) -> Sentence:
    """The publishers behind a table, those of most of its numbers first."""
    counts = Counter(p for number in _quantities(_cells(data)) for p in {o.publisher for o in number.origins})
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return joined(words["sources"](names[:NAMED], len(names) > NAMED)) if names else Sentence()


def to_csv(data: pd.DataFrame, words: Mapping[str, object]) -> str:
    """A table with unit, band and facts of each number, as `words` call them, safe to open in a spreadsheet."""
    columns: dict[str, list] = {}
    called, say = words["columns"], words["say"]
    for name in data:
        found = [list(_quantities([cell])) for cell in data[name]]
        columns[name] = [_number(numbers, cell) for numbers, cell in zip(found, data[name], strict=True)]
        if any(len(numbers) == 3 for numbers in found):  # an estimate: its median, and the ends of its band
            for place, end in ((1, "low"), (2, "high")):
                columns[f"{name} {called[end]}"] = [n[place].in_unit if len(n) == 3 else None for n in found]
        if any(found):
            columns[f"{name} {called['unit']}"] = [say(n[0].unit) if n else None for n in found]
            ids = [" ".join(say(origin.id) for origin in n[0].origins) if n else None for n in found]
            columns[f"{name} {called['facts']}"] = ids
    out = io.StringIO()
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    csv.writer(out, lineterminator="\n").writerows([_neutral(cell) for cell in row] for row in rows)
    return out.getvalue()


def _number(numbers: list[Quantity], cell: object) -> object:
    if len(numbers) in (1, 3):
        return numbers[0].in_unit
    return None if isinstance(cell, Quantity) else str(cell) if isinstance(cell, Sentence) else cell


def _neutral(value: object) -> object:
    """A text that a spreadsheet would take for a formula, with a quote mark before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
