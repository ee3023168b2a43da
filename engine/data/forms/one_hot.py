"""Labels that a table spreads over a column a class, with 1 in the column of the class."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.forms.columns import Columns
from engine.data.forms.text import Table

ENOUGH = 0.9  # share of the rows that hold exactly one 1
YES, NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no", ""}


def with_label(table: Table, columns: Columns) -> tuple[Table, Columns]:
    """The table with a column more that names each row's class, where its columns are classes; the
    same table where they are not, without a label if its columns are marks of another kind.
    """
    taken = {columns.path, columns.split, columns.annotator}
    marks = [c for c, name in enumerate(table.columns) if c not in taken and name]
    marks = [c for c in marks if all(_cell(row[c]) in YES | NO for row in table.rows)]
    ones = [[c for c in marks if _cell(row[c]) in YES] for row in table.rows]
    if len(marks) < 2 or columns.sure:
        return table, columns
    single = sum(len(each) == 1 for each in ones)
    some = ", ".join(table.columns[c] for c in marks[:5]) + (" …" if len(marks) > 5 else "")
    if single < ENOUGH * len(table.rows):
        if columns.label not in marks:
            return table, columns
        several = sum(len(each) > 1 for each in ones)
        doubt = (
            f"the columns {some} hold 0 and 1, and {several:,} of {len(table.rows):,} rows more than"
            " one 1: a picture has one class here. Choose the label column when you import it."
        )
        why = "no column says of which one class a picture is"
        return table, columns._replace(label=None, why=why, doubt=doubt)
    rows = [
        [*row, table.columns[each[0]] if len(each) == 1 else None]
        for row, each in zip(table.rows, ones, strict=True)
    ]
    wider = table._replace(columns=(*table.columns, "class"), rows=rows)
    doubt = _doubt(ones, some)
    why = f"of the columns {some} the one that holds 1"
    return wider, columns._replace(label=len(table.columns), why=why, sure=True, doubt=doubt)


def _doubt(ones: Sequence[Sequence[int]], some: str) -> str:
    """What to say of rows with no 1, or with several; '' if each has one."""
    parts: list[str] = []
    for what, several in (("more than one 1", True), ("no 1", False)):
        rows = [n for n, each in enumerate(ones, 1) if len(each) != 1 and bool(each) == several]
        if rows:
            shown = ", ".join(map(str, rows[:5])) + (" …" if len(rows) > 5 else "")
            have = "1 row has" if len(rows) == 1 else f"{len(rows):,} rows have"
            parts.append(f"{have} {what} (row {shown})")
    if not parts:
        return ""
    return f"of the columns {some}, {' and '.join(parts)}: these pictures have no label."


def _cell(text: str | None) -> str:
    return (text or "").strip().lower()
