"""Whether a table's first row is its header, and which of its columns names the pictures."""

from __future__ import annotations

from collections.abc import Callable

from engine.data.choices import Choices
from engine.data.forms.columns import PATHS, Columns, columns_of, named, path_column
from engine.data.forms.name_files import is_list
from engine.data.forms.one_hot import with_label
from engine.data.forms.paths import Paths
from engine.data.forms.text import Table
from engine.data.roles import own_split
from engine.imaging.formats import is_picture


def with_header(table: Table, paths: Paths, choices: Choices) -> tuple[Table, Columns | None]:
    """The table with its first row as header if that is one, and its columns; None if no column
    holds paths of pictures.
    """
    near = table.name.rpartition("/")[0], own_split(table.name)

    def there(text: str) -> bool:
        return paths.find(text, *near).position >= 0

    def by_number(text: str) -> bool:
        return there(text) or paths.find_number(text, *near).position >= 0

    if not table.columns and table.rows:
        bare = table._replace(columns=("",) * len(table.rows[0]))
        first = [cell or "" for cell in bare.rows[0]]
        below = bare._replace(rows=bare.rows[1:] or bare.rows)
        path = path_column(bare, below.rows, there, Choices())
        path = _numbered(below, by_number) if path is None else path
        headed = named(first, PATHS) is not None or (
            path is not None and not by_number(first[path]) and not is_picture(first[path])
        )
        if headed and len(set(first)) == len(first):
            table = bare._replace(columns=tuple(first), rows=bare.rows[1:])
            table = table._replace(how=f"{table.how}, with a header")
        else:
            table = bare._replace(how=f"{table.how}, without a header")
    if not table.rows:
        return table, None
    path = path_column(table, table.rows, there, choices)
    numbered = _numbered(table, by_number)
    path = numbered if path is None else path
    if path is None:
        return table, None
    table, columns = with_label(table, columns_of(table, path, choices))
    return table, columns._replace(by_number=path == numbered)


def _numbered(table: Table, there: Callable[[str], bool]) -> int | None:
    """The column of numbers, another one in each row, of which each is that of a picture; None if
    there is none. A spreadsheet makes 1 of 0001.
    """
    if is_list(table.name, [table.columns, *table.rows]):
        return None
    fitting: list[tuple[bool, int]] = []
    for column, name in enumerate(table.columns):
        texts = [text.strip() for row in table.rows if (text := row[column])]
        alone = len(set(texts)) == len(texts) == len(table.rows) > 1
        if alone and all(text.isascii() and text.isdigit() and there(text) for text in texts):
            fitting.append((named([name], PATHS) is None, column))
    return min(fitting)[1] if fitting else None
