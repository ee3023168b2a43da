"""How documents look in a terminal: columns, percentages, times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import readable


def table(rows: Sequence[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """Rows in columns, left-aligned; numbers right-aligned. `head` names the columns."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    widths = [
        max(len(row[column]) for row in [*cells, *([list(head)] if head else [])])
        for column in range(len(cells[0]))
    ]
    right = [
        all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        for column in range(len(cells[0]))
    ]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            text.rjust(width) if last else text.ljust(width)
            for text, width, last in zip(row, widths, right, strict=True)
        ).rstrip()

    return "\n".join(
        [*([line([name.upper() for name in head])] if head else []), *(line(row) for row in cells)]
    )


def percent(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return readable(" ".join(str(value).split("\n")))
