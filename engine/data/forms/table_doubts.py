"""What is doubtful about a table of pictures, whatever it says of each of them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.forms.columns import BY_NAME, LABELS, PATHS, Columns, is_measure, named
from engine.data.forms.name_files import is_list
from engine.data.forms.text import Table, doubt_encoding
from engine.data.listing import Finding
from engine.imaging.formats import is_picture


def doubts_of(table: Table, columns: Columns) -> list[Finding]:
    """What a person should know about how a table was read."""
    found: list[Finding] = []
    if table.guessed:
        taken = [c for c in (columns.label, columns.split, columns.path) if c is not None]
        cells = [row[c] for c in taken for row in table.rows]
        found += doubt_encoding(table.name, table.guessed, [*cells, *table.columns])
    texts = [columns.doubt, _other_labels(table, columns), *table.doubts]
    return found + [Finding("warning", "tables", f"{table.name}: {text}") for text in texts if text]


def no_picture(table: Table, names: Sequence[str]) -> list[Finding]:
    """What to say of a table whose column of paths names none of the pictures; nothing of tables
    that have no such column.
    """
    column = named(table.columns, [word for word in PATHS if word != "name"])
    if column is None:
        cells = enumerate(table.rows[0] if table.rows else ())
        column = next((c for c, cell in cells if cell and is_picture(cell)), None)
    if column is None or is_list(table.name, [table.columns, *table.rows]):
        return []
    text = next((cell for row in table.rows if (cell := row[column])), None)
    if text is None or not names:
        return []
    said = f"'{text}'" + (f" in the column '{called}'" if (called := table.columns[column]) else "")
    text = (
        f"{table.name} names no picture that is here: it says {said}, and a picture here is called"
        f" {names[0]}."
    )
    return [Finding("warning", "tables", text)]


def _other_labels(table: Table, columns: Columns) -> str:
    """What to say of more columns than the label that are called like labels and say other things;
    '' if there is none, or a person has chosen.
    """
    if columns.label is None or columns.why != BY_NAME:
        return ""
    own = [row[columns.label] for row in table.rows]
    # x and y are where something lies.
    words = [word for word in LABELS if word != "y" or named(table.columns, ("x",)) is None]
    others: list[str] = []
    for column, name in enumerate(table.columns):
        if column in (columns.path, columns.label, columns.split, columns.annotator):
            continue
        if named([name], words) is None or is_measure(table, column):
            continue
        values = [row[column] for row in table.rows]
        kinds = len(set(values))
        pairs = set(zip(own, values, strict=True))
        same = len(pairs) == kinds == len(set(own))
        if 1 < kinds <= max(2, len(values) // 2) and not same:
            others.append(f"'{name}' ({kinds:,} values)")
    if not others:
        return ""
    taken = f"'{table.columns[columns.label]}' ({len(set(own)):,} values)"
    return (
        f"{taken} and {', '.join(others)} are all called like labels, and do not say the same:"
        f" {taken.partition(' (')[0]} is taken. If that is wrong, choose the label column when you"
        " import it."
    )
