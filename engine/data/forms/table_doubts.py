"""What is doubtful about a table of pictures, whatever it says of each of them."""

from __future__ import annotations

from engine.data.forms.columns import Columns
from engine.data.forms.text import Table, doubt_encoding
from engine.data.listing import Finding


def doubts_of(table: Table, columns: Columns) -> list[Finding]:
    """What a person should know about how a table was read."""
    found: list[Finding] = []
    if table.guessed:
        taken = [c for c in (columns.label, columns.split, columns.path) if c is not None]
        texts = [row[c] for c in taken for row in table.rows]
        found += doubt_encoding(table.name, table.guessed, [*texts, *table.columns])
    if columns.doubt:
        found.append(Finding("warning", "tables", f"{table.name}: {columns.doubt}"))
    return found
