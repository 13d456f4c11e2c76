"""What a cell shows: sentences, figures, tables and tiles, alike in JupyterLab, on a code host and in the report."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import altair as alt
import pandas as pd
import vl_convert
from IPython.display import display

from analysis.prose import Sentence
from analysis.quantity import Quantity

# JupyterLab typesets `$…$` in HTML as maths unless told not to.
_NO_MATHS = "tex2jax_ignore mathjax_ignore"


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
    """

    name: str
    title: Sentence
    subtitle: str
    chart: alt.TopLevelMixin | None
    data: pd.DataFrame = field(repr=False)


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
    heading = f"<h3>{figure.title.html}</h3><p>{html.escape(figure.subtitle)}</p>"
    around = {"report": {"part": "around"}}  # the report builds heading and source line from the chart's metadata
    if figure.chart is None:
        _show_html(f"{heading}<p><em>No figure had been published.</em></p>", figure.title.text)
        return
    _show_html(heading, figure.title.text, around)
    about = {
        "part": "figure",
        "name": figure.name,
        "title": figure.title.html,
        "subtitle": figure.subtitle,
        "alt": f"{figure.title.text}. {figure.subtitle}",
        "source": figure.sources,
        "csv": figure.to_csv(),
    }
    display(
        {"image/svg+xml": to_svg(figure.chart), "text/plain": figure.title.text}, raw=True, metadata={"report": about}
    )
    _show_html(f"<p><small>{html.escape(figure.sources)}</small></p>", figure.sources, around)


def _show_table(table: Table) -> None:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.data)
    rows = "".join(f"<tr>{_cells(table.data.columns, row)}</tr>" for row in table.data.itertuples(index=False))
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if not rows:
        body = "<p><em>Nothing had been published.</em></p>"
    title = f"<h3>{table.title.html}</h3>"
    source = f"<p><small>{html.escape(table.sources)}</small></p>" if table.sources else ""
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
    _show_html(f'<dl class="tiles">{markup}</dl>', text)


def _tile(tile: Tile) -> str:
    number = f"{tile.number.hedge} <strong>{tile.number.html(tile.number.bare)}</strong>"
    return f"<div><dt>{html.escape(tile.label)}</dt><dd>{number}</dd><dd>{tile.remark.html}</dd></div>"


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart as SVG: the same bytes on every machine, drawn without a script or a network."""
    return vl_convert.vegalite_to_svg(json.loads(chart.to_json()))


def _cells(columns: Iterable[str], row: Iterable[object]) -> str:
    # On a phone a row becomes a block, and each cell names its column itself.
    pairs = zip(columns, row, strict=True)
    return "".join(f'<td data-column="{html.escape(name)}">{_cell(value)}</td>' for name, value in pairs)


def _cell(value: object) -> str:
    if isinstance(value, (Quantity, Sentence)):
        return (value.html() if isinstance(value, Quantity) else value.html) if value else "not published"
    return html.escape(str(value), quote=False)


def _quantities(frame: pd.DataFrame) -> list[Quantity]:
    return [value for column in frame for value in frame[column] if isinstance(value, Quantity) and value.known]


def _cite(quantities: list[Quantity]) -> str:
    """`Source: 36Kr, Momentum Works (P0024, P0093).`"""
    origins = {origin.id: origin for quantity in quantities for origin in quantity.origins}
    if not origins:
        return ""
    publishers = sorted({origin.publisher for origin in origins.values()})
    return f"{'Source' if len(publishers) == 1 else 'Sources'}: {', '.join(publishers)} ({', '.join(sorted(origins))})"


def _to_csv(frame: pd.DataFrame) -> str:
    columns = {}
    for name in frame:
        values = list(frame[name])
        if any(isinstance(value, Quantity) for value in values):
            columns[name] = [value.value if value.known else None for value in values]
            columns[f"{name} unit"] = [value.unit for value in values]
            columns[f"{name} formula"] = [value.formula for value in values]
            columns[f"{name} facts"] = [" ".join(origin.id for origin in value.origins) for value in values]
        else:
            columns[name] = values
    return pd.DataFrame(columns).map(_neutral).to_csv(index=False, lineterminator="\n")


def _neutral(value: object) -> object:
    """A text that a spreadsheet would take for a formula, with a quote mark before it."""
    text = value.text if isinstance(value, Sentence) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t")) else text
