"""The tables of a report as one workbook: a sheet a table, numbers as numbers, their facts beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path

import xlsxwriter

from analysis.facts.quantity import SYMBOLS, is_currency
from analysis.facts.report import Report
from analysis.publish.page import Chapter
from analysis.story.text import environment

NAME = "report.xlsx"
_WIDEST = 48  # characters of a column


def write_workbook(path: Path, report: Report, chapters: list[Chapter]) -> None:
    """Write the table behind each chart, and each table, of a report; the same report gives the same bytes."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": chapters[0].headline, "created": datetime.combine(report.as_of, time())})
        bold = book.add_format({"bold": True})
        words = environment(report.lang).globals["columns"]
        index = book.add_worksheet(words["index"])
        index.set_column(0, 2, _WIDEST)
        tables = [(chapter, it) for chapter in chapters for it in chapter.tables]
        for row, (chapter, it) in enumerate(tables):
            # Excel takes a name of at most 31 characters, each once.
            name = it["name"] if len(it["name"]) <= 31 else f"{it['name'][:27]}_{row + 1}"
            title = it.get("alt") or it.get("title") or it["name"]
            index.write_row(row, 0, (chapter.name, title))
            index.write_url(row, 2, f"internal:'{name}'!A1", string=it["name"])
            _write_table(book, book.add_worksheet(name), title, it["csv"], bold, words)


def _write_table(book: xlsxwriter.Workbook, sheet, title: str, table: str, bold, words: Mapping) -> None:
    head, *rows = csv.reader(io.StringIO(table, newline=""))
    sheet.write_string(0, 0, title, bold)
    sheet.write_row(2, 0, head, bold)
    sheet.freeze_panes(3, 1)
    for column, name in enumerate(head):
        cells = [row[column] for row in rows]
        sheet.set_column(column, column, min(_WIDEST, max([len(name), *map(len, cells)]) + 2))
        # The unit of a column of numbers, or of the ends of its band, stands in a column of its own.
        number = name.removesuffix(f" {words['low']}").removesuffix(f" {words['high']}")
        unit = head.index(f"{number} {words['unit']}") if f"{number} {words['unit']}" in head else 0
        for line, (cell, row) in enumerate(zip(cells, rows, strict=True), start=3):
            try:
                number = float(cell if unit else "")
            except ValueError:
                sheet.write_string(line, column, cell.removeprefix("'"))
            else:
                sheet.write_number(line, column, number, book.add_format({"num_format": _shown(row[unit], words)}))


def _shown(unit: str, words: Mapping[str, str]) -> str:
    """How Excel shows a number of a unit: 16.8%, US$2.94 bn."""
    currency = unit.partition("/")[0]
    if not is_currency(currency):
        return {"%": '0.0"%"', "×": '0.0"×"'}.get(unit, "#,##0.##")
    return words["money"].format(f'"{SYMBOLS.get(currency, currency + " ")}"')
