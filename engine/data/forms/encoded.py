"""Tables with a picture in each row's cell: base64, as web tools and APIs hand pictures out, with or
without 'data:image/png;base64,' before it; or, in JSON, a list of its pixels.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.data.choices import Choices
from engine.data.forms.columns import (
    ENOUGH,
    PATHS,
    Columns,
    columns_of,
    named,
    split_of,
)
from engine.data.forms.labels import plain_labels
from engine.data.forms.records import read_table
from engine.data.forms.shapes import as_images
from engine.data.forms.sink import Sink
from engine.data.forms.text import Table
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, own_split
from engine.errors import DataError
from engine.imaging.formats import begins_as_picture

ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")
MOST_BYTES = 500_000_000  # of one table: all of it is in memory while it is read
LOOKED_AT = 50  # rows that tell the column
FEWEST = 16  # pixels of a list
_ADDRESS = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII)
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9/_-][A-Za-z0-9+/_-]{31}")
_NUMBERS = re.compile(rb'"\s*:\s*\[[\d\s,.\[\]eE+-]{60}')


def is_encoded(head: bytes) -> bool:
    """Whether the first bytes of a text file hold the beginning of an encoded picture, or of a
    list of pixels in JSON.
    """
    if b"\0" in head[:1000]:
        return False
    head = head.replace(b"\\/", b"/")  # as PHP writes it
    if _NUMBERS.search(head) or b"data:image/" in head and b";base64," in head:
        return True
    return any(_begins(run.group().decode("ascii")) for run in _BASE64.finditer(head))


def read_encoded(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The pictures in such tables. Raises DataError."""
    for name, path in files:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(
                f"{name} is too large a table of encoded pictures",
                expected=f"at most {MOST_BYTES / 1e6:,.0f} MB",
                hint="Split it, or save the pictures as files or as Parquet.",
            )
        for table in read_table(name, path.read_bytes()):
            _read(_headed(table), sink, choices)


def _headed(table: Table) -> Table:
    """A table with its first row as header, if that is one."""
    if table.columns or not table.rows:
        return table
    first = [cell or "" for cell in table.rows[0]]
    if any(_begins(cell) for cell in first):
        return table._replace(columns=("",) * len(first))
    return table._replace(columns=tuple(first), rows=table.rows[1:])


def _read(table: Table, sink: Sink, choices: Choices) -> None:
    image = _image_column(table)
    if image is None:
        raise DataError(
            f"{table.name} holds no column of encoded pictures",
            expected="base64 of PNG, JPEG …, or lists of pixels",
            got=", ".join(table.columns[:10]) or "columns without names",
        )
    columns = columns_of(table, image, choices)
    codes: dict[str, int] = {}
    own = own_split(table.name)
    if columns.split is not None:
        codes, guess = split_of(table, columns.split)
        if guess:
            sink.note("warning", "splits", f"{table.name}: {guess}")
    if columns.doubt:
        sink.note("warning", "tables", f"{table.name}: {columns.doubt}")
    sink.roles = columns.roles(table)
    where = f"'{table.columns[image]}'" if table.columns[image] else f"column {image + 1}"
    label = columns.label_in_words(table) if columns.label is not None else "nothing"
    sink.why.append(f"{table.name}: pictures are in {where}, the label is {label}")
    sink.skipped += [(f"{table.name}/row {number}", reason) for number, reason in table.broken]
    _take(table, columns, codes, TRAIN if own is None else own, sink)


def _take(table: Table, columns: Columns, codes: Mapping[str, int], own: int, sink: Sink) -> None:
    """Each row's picture, label and split. own: the split that the table's name says."""
    given = [None if columns.label is None else row[columns.label] for row in table.rows]
    labels, doubts = plain_labels(given)
    for one in doubts:
        sink.note(one.level, one.about, f"{table.name}: {one.text}")
    files = [c for c in range(len(table.columns)) if named([table.columns[c]], PATHS) is not None]
    file = next((c for c in files if c not in (columns.path, columns.label)), None)
    for number, (row, label) in enumerate(zip(table.rows, labels, strict=True)):
        called = f"{table.name}/{number}"
        if file is not None and (text := row[file]):
            called += f"/{text.replace(chr(92), '/').rpartition('/')[2][:100]}"
        said = own if columns.split is None else codes.get((row[columns.split] or "").strip(), own)
        official = TRAIN if said == UNLABELLED else said
        content = _content(row[columns.path] or "")
        if isinstance(content, bytes):
            sink.picture(called, content, label, official)
        elif content is not None:
            sink.images(content, [label], table.name, official, first=number)
        else:
            sink.skipped.append((called, "it holds no picture in base64, and no list of pixels"))


def _image_column(table: Table) -> int | None:
    """The column with the most encoded pictures; None if half of no column's cells are any."""
    rows = table.rows[:LOOKED_AT]
    shares = [
        (sum(_content(row[c] or "") is not None for row in rows) / len(rows), -c)
        for c in range(len(table.columns))
        if rows
    ]
    share, column = max(shares, default=(0.0, 0))
    return -column if share >= ENOUGH else None


def _content(cell: str) -> bytes | np.ndarray | None:
    """A cell's picture as encoded bytes, or as images (1, h, w) or (1, h, w, C); None if it is none."""
    if _begins(cell):
        body = _ADDRESS.sub("", cell.strip(), count=1).translate(_PLAIN)
        try:
            return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None
    if not cell.startswith("["):
        return None
    try:
        levels = np.array(json.loads(cell), np.float32)
    except (ValueError, TypeError, RecursionError):
        return None
    if levels.size < FEWEST:
        return None
    whole = levels.min() >= 0 and levels.max() <= 255 and bool((levels == np.floor(levels)).all())
    return as_images((levels.astype(np.uint8) if whole else levels)[None])


# Also the alphabet for addresses, and lines broken after 76 characters.
_PLAIN = str.maketrans({"-": "+", "_": "/", "\n": None, "\r": None, " ": None, "=": None})


def _begins(cell: str) -> bool:
    """Whether a text begins as a picture in base64 does."""
    if _ADDRESS.match(cell[:200].lstrip()):
        return True
    start = cell[:200].lstrip()[:32].translate(_PLAIN)
    try:
        return len(start) >= 16 and begins_as_picture(
            base64.b64decode(start[: len(start) // 4 * 4], validate=True)
        )
    except (binascii.Error, ValueError):
        return False
