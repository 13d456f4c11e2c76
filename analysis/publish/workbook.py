"""The tables of a report as one workbook: a sheet a table, numbers as numbers, their facts beside them."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time
from pathlib import Path

import xlsxwriter

from analysis.facts.quantity import SYMBOLS, is_currency
from analysis.facts.report import Report
from analysis.publish.page import Chapter, about, outputs

NAME = "report.xlsx"
_WIDEST = 48  # characters of a column


def write_workbook(path: Path, report: Report, chapters: list[Chapter]) -> None:
    """Write the table behind each chart, and each table, of a report; the same report gives the same bytes."""
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        book.set_properties({"title": chapters[0].headline, "created": datetime.combine(report.as_of, time())})
        bold = book.add_format({"bold": True})
        index, row = book.add_worksheet("Index"), 0
        index.set_column(0, 2, _WIDEST)
        for chapter in chapters:
            for told in map(about, outputs(chapter.notebook.cells)):
                if "csv" not in told:
                    continue
                sheet = _sheet_name(told["name"], book)
                title = told.get("alt") or told.get("title") or told["name"]
                index.write_row(row, 0, (chapter.name, title))
                index.write_url(row, 2, f"internal:'{sheet}'!A1", string=told["name"])
                row += 1
                _write_table(book, book.add_worksheet(sheet), title, told["csv"], bold)


def _sheet_name(name: str, book: xlsxwriter.Workbook) -> str:
    """A name that Excel takes: at most 31 characters, each once."""
    return name if len(name) <= 31 else f"{name[:27]}_{len(book.worksheets())}"


def _write_table(book: xlsxwriter.Workbook, sheet, title: str, table: str, bold) -> None:
    head, *rows = csv.reader(io.StringIO(table, newline=""))
    sheet.write_string(0, 0, title, bold)
    sheet.write_row(2, 0, head, bold)
    sheet.freeze_panes(3, 1)
    for column, name in enumerate(head):
        cells = [row[column] for row in rows]
        sheet.set_column(column, column, min(_WIDEST, max([len(name), *map(len, cells)]) + 2))
        # The unit of a column of numbers, or of the ends of its band, stands in a column of its own.
        unit = next(
            (n for n in (f"{name} unit", f"{name.removesuffix(' low').removesuffix(' high')} unit") if n in head), ""
        )
        for line, (cell, row) in enumerate(zip(cells, rows, strict=True), start=3):
            if unit and (number := _number(cell)) is not None:
                sheet.write_number(line, column, number, _format(book, row[head.index(unit)]))
            elif cell:
                sheet.write_string(line, column, cell.removeprefix("'"))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _format(book: xlsxwriter.Workbook, unit: str):
    """How Excel shows a number of a unit: 16.8%, US$2.94 bn."""
    currency = unit.partition("/")[0]
    if is_currency(currency):
        sign = f'"{SYMBOLS.get(currency, currency + " ")}"'
        shown = f'[>=1000000000]{sign}0.00,,," bn";[>=1000000]{sign}0.0,," mn";{sign}#,##0.##'
    else:
        shown = {"%": '0.0"%"', "×": '0.0"×"'}.get(unit, "#,##0.##")
    return book.add_format({"num_format": shown})
