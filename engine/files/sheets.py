"""Tables for spreadsheets: every CSV that the lab hands out is written here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """`value` as a cell that no spreadsheet takes for a formula: a text that begins like one gets an
    apostrophe in front (OWASP, CSV injection). A single sign, as the name of a class, is none.

    >>> cell("=HYPERLINK(1)"), cell("-"), cell(-0.5)
    ("'=HYPERLINK(1)", '-', -0.5)
    """
    if isinstance(value, str) and len(value) > 1 and value.lstrip(" \n").startswith(_FORMULA):
        return value if _is_number(value) else f"'{value}"
    return value


def write_table(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows of as many cells to an open text file (newline='')."""
    writer = csv.writer(file)
    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(value) for value in row] for row in rows)


def table_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The same as text."""
    out = io.StringIO()
    write_table(out, columns, rows)
    return out.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
