"""What a cell shows: sentences, figures, tables and tiles, alike in JupyterLab, on a code host and in the report."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import altair as alt
import numpy as np
import pandas as pd
from IPython.display import display

from analysis.facts.quantity import Quantity
from analysis.facts.span import dated, day_label
from analysis.story import svg
from analysis.story.charts import Drawing
from analysis.story.prose import Sentence

# JupyterLab typesets `$…$` in HTML as maths unless told not to.
_NO_MATHS = "tex2jax_ignore mathjax_ignore"
NAMED = 5  # publishers under a chart; more are a wall of words


class _Tabled:
    """Something shown that stands on a table of quantities and words, `data`."""

    data: pd.DataFrame

    @property
    def sources(self) -> str:
        """Publishers and facts, as a line under it says them."""
        return _cite(_quantities(self.data))

    def to_csv(self) -> str:
        """The table with the facts behind each row, safe to open in a spreadsheet."""
        return _to_csv(self.data)

    def to_html(self) -> str:
        """The table in plain words and numbers; what only steers the drawing (true or false) is left out."""
        told = [name for name in self.data if not all(isinstance(value, (bool, np.bool_)) for value in self.data[name])]
        head = "".join(f'<th scope="col">{dated(name.replace("_", " ").capitalize())}</th>' for name in told)
        rows = (
            "".join(f"<td>{_plain(value)}</td>" for value in row)
            for row in self.data[told].itertuples(index=False, name=None)
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Figure(_Tabled):
    """A chart with what a reader needs around it, or a plain word that there is nothing to draw.

    Attributes
    ----------
    name : str
        File name of its table, without extension.
    title : Sentence
        The finding.
    subtitle : str
        Measure, unit and period.
    chart : Chart or None
    data : DataFrame
        What is drawn: one row a mark, quantities as such.
    lever : dict, optional
        What the page needs to let its reader move the chart; without scripts the chart stands as it is.
    """

    name: str
    title: Sentence
    subtitle: str
    chart: alt.TopLevelMixin | None
    data: pd.DataFrame = field(repr=False)
    lever: dict | None = None


@dataclass(frozen=True)
class Table(_Tabled):
    """A table of quantities and words.

    Attributes
    ----------
    name : str
        File name of its CSV, without extension.
    title : Sentence
    data : DataFrame
    reference : bool
        Whether readers look things up in it rather than read it; the report folds it away.
    """

    name: str
    title: Sentence
    data: pd.DataFrame = field(repr=False)
    reference: bool = False


@dataclass(frozen=True)
class Tile:
    """A key number with what it is and what it is held against."""

    label: str
    number: Quantity
    remark: Sentence


def show(*things: Sentence | Iterable[Sentence] | Figure | Table | list[Tile]) -> None:
    """Display what a chapter found, in the order given; a list of sentences has an item for each."""
    for thing in things:
        if isinstance(thing, Figure):
            _show_figure(thing)
        elif isinstance(thing, Table):
            _show_table(thing)
        elif isinstance(thing, Sentence):
            _show_html(f"<h1>{thing.html}</h1>", thing.text)
        elif thing and isinstance(thing[0], Tile):
            _show_tiles(thing)
        else:
            said = [sentence for sentence in thing if sentence]
            items = "".join(f"<li>{sentence.html}</li>" for sentence in said)
            _show_html(f'<ul class="findings">{items}</ul>', "\n".join(sentence.text for sentence in said))


def _show_html(markup: str, text: str, metadata: dict | None = None) -> None:
    bundle = {"text/html": f'<div class="{_NO_MATHS}">{markup}</div>', "text/plain": text}
    display(bundle, raw=True, metadata=metadata or {})


def _show_figure(figure: Figure) -> None:
    heading = f"<h3>{figure.title.html}</h3><p>{dated(figure.subtitle)}</p>"
    around = {"report": {"part": "around"}}  # the report builds heading and source line from the chart's metadata
    if figure.chart is None:
        _show_html(f"{heading}<p><em>No figure had been published.</em></p>", figure.title.text)
        return
    _show_html(heading, figure.title.text, around)
    about = {
        "part": "figure",
        "name": figure.name,
        "title": figure.title.html,
        "subtitle": dated(figure.subtitle),
        "alt": f"{figure.title.text}. {figure.subtitle}",
        "source": figure.sources,
        "csv": figure.to_csv(),
        "table": figure.to_html(),
    }
    if figure.lever:
        about |= {"part": "lever", "lever": figure.lever}
    # Altair checks a chart against the schema of Vega-Lite, which takes as long as all else; tests have seen to it.
    spec = figure.chart.to_dict(validate=False)
    display(Drawing(spec, figure.title.text), metadata={"report": about})
    _show_html(f'<p><small class="source">{html.escape(figure.sources)}</small></p>', figure.sources, around)


def _show_table(table: Table) -> None:
    head = "".join(f'<th scope="col">{dated(name)}</th>' for name in table.data)
    # A long table leaves it to the page's script to name the columns of each cell.
    names = [""] * len(table.data.columns) if table.reference else list(table.data)
    rows = "".join(f"<tr>{_cells(names, row)}</tr>" for row in table.data.itertuples(index=False, name=None))
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if not rows:
        body = "<p><em>Nothing had been published.</em></p>"
    title = f"<h3>{table.title.html}</h3>"
    source = f'<p><small class="source">{html.escape(table.sources)}</small></p>' if table.sources else ""
    if table.reference:
        markup = f"<details><summary>{table.title.html}</summary>{body}</details>"
    else:
        markup = f"{title}{body}{source}"
    about = {"report": {"part": "table", "name": table.name, "csv": table.to_csv()}}
    _show_html(f'<div class="table">{markup}</div>', table.title.text, about)


def _show_tiles(tiles: list[Tile]) -> None:
    shown = [tile for tile in tiles if tile.number]
    markup = "".join(_tile(tile) for tile in shown)
    text = "; ".join(f"{tile.label}: {tile.number.text}" for tile in shown)
    told = [{"label": tile.label, "number": tile.number.text, "remark": tile.remark.text} for tile in shown]
    _show_html(f'<dl class="tiles">{markup}</dl>', text, {"report": {"part": "tiles", "tiles": told}})


def _tile(tile: Tile) -> str:
    number = f"{tile.number.hedge} <strong>{tile.number.html(tile.number.bare)}</strong>"
    return f"<div><dt>{html.escape(tile.label)}</dt><dd>{number}</dd><dd>{tile.remark.html}</dd></div>"


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart, checked, as SVG."""
    return svg.to_svg(chart.to_dict())


def _cells(columns: Iterable[str], row: Iterable[object]) -> str:
    # On a phone a row becomes a block, and each cell names its column itself.
    pairs = zip(columns, row, strict=True)
    named = ((f' data-column="{html.escape(name)}"' if name else "", value) for name, value in pairs)
    return "".join(f"<td{name}>{_cell(value)}</td>" for name, value in named)


def _cell(value: object) -> str:
    if isinstance(value, (Quantity, Sentence)):
        return (value.html() if isinstance(value, Quantity) else value.html) if value else "not published"
    return dated(str(value))


def _plain(value: object) -> str:
    """A cell without the provenance of its number, of which the chart's own notes tell."""
    if isinstance(value, Quantity):
        return f'<data value="{value.value:g}">{html.escape(value.text)}</data>' if value else "not published"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, Sentence):
        return _plain(value.text) if value else "not published"
    if isinstance(value, date):
        return f"<time>{day_label(value)}</time>"
    if isinstance(value, (int, float, np.number)):
        return "" if value != value else f'<data value="{value:g}">{value:g}</data>'
    words = str(value)
    if any(letter.isdigit() for letter in words):  # as it stands in the drawing
        return f'<data value="{html.escape(words, quote=True)}">{dated(words)}</data>'
    return html.escape(words)


def _quantities(frame: pd.DataFrame) -> list[Quantity]:
    return [value for column in frame for value in frame[column] if isinstance(value, Quantity) and value.known]


def _cite(quantities: list[Quantity]) -> str:
    """`Source: 36Kr, Momentum Works (P0024, P0093).`"""
    origins = {origin.id: origin for quantity in quantities for origin in quantity.origins}
    if not origins:
        return ""
    publishers = sorted({origin.publisher for origin in origins.values()})
    word = "Source" if len(publishers) == 1 else "Sources"
    if len(publishers) > NAMED:
        others = len(publishers) - NAMED
        return f"{word}: {', '.join(publishers[:NAMED])} and {others} more; each number’s note names its own"
    return f"{word}: {', '.join(publishers)} ({', '.join(sorted(origins))})"


def _to_csv(frame: pd.DataFrame) -> str:
    columns = {}
    for name in frame:
        values = list(frame[name])
        if any(isinstance(value, Quantity) for value in values):
            # A cell of words among numbers (a date, a remark) stays as it is.
            figures = [value if isinstance(value, Quantity) else Quantity.unknown() for value in values]
            columns[name] = [
                (figure.value if figure else None) if isinstance(value, Quantity) else value
                for figure, value in zip(figures, values, strict=True)
            ]
            columns[f"{name} unit"] = [figure.unit for figure in figures]
            columns[f"{name} formula"] = [figure.formula for figure in figures]
            columns[f"{name} facts"] = [" ".join(origin.id for origin in figure.origins) for figure in figures]
        else:
            columns[name] = values
    text = io.StringIO()
    rows = zip(*columns.values(), strict=True)
    csv.writer(text, lineterminator="\n").writerows([list(columns), *(map(_neutral, row) for row in rows)])
    return text.getvalue()


def _neutral(value: object) -> object:
    """A text that a spreadsheet would take for a formula, with a quote mark before it."""
    text = value.text if isinstance(value, Sentence) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t")) else text
