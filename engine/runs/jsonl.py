"""Append-only files of JSON lines: rows are appended whole or not at all, and read from where the
last reading ended.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from engine.files.atomic import failure, plain, sync
from engine.files.cache import Stamp, is_settled, stamp_of

Row = dict[str, Any]

# The figures of metrics.jsonl (engine.files.documents.MetricsRow): a row in which one is no number is
# damaged.
_NUMBERS = frozenset(
    "stage epoch epochs step steps size loss lr images_per_second images_seen seconds train_loss"
    " train_accuracy val_loss val_accuracy val_n val_ece test_accuracy test_top3 test_n test_loss"
    " test_ece test_last5 knn_accuracy generalisation_gap parameters temperature".split()
)
_NEEDED = {"step": ("epoch", "step", "steps"), "epoch": ("epoch",)}  # by kind of row
_MOST_BYTES = 40_000_000  # of text; the rows made from it take about four times as much memory
_LEAD = 200  # bytes before the place where reading goes on that show whether the file is the same
_BLOCK = 65_536


@dataclass
class _Read:
    """What was read of one file: the rows of its first `offset` bytes, which end in `tail`."""

    stamp: Stamp
    offset: int = 0
    tail: bytes = b""
    rows: list[Row] = field(default_factory=list)


_cache: OrderedDict[Path, _Read] = OrderedDict()
_cache_lock = threading.Lock()


def line_of(row: Mapping[str, Any]) -> str:
    return json.dumps(plain(dict(row)), ensure_ascii=False) + "\n"


def append_row(path: Path, row: Mapping[str, Any], lasting: bool = False) -> None:
    """Append one row. What a kill left of a torn last line is cut off first. Raises GlyphlabError
    if the disk is full.

    lasting: the row is on the disk when this returns; without it a power cut may take it away.
    """
    line = line_of(row).encode()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise failure(error, path) from error
    try:
        size = _cut_torn_line(descriptor)
        try:
            while line:
                line = line[os.write(descriptor, line) :]
            if lasting:
                os.fsync(descriptor)
                if not size:
                    sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise failure(error, path) from error
    finally:
        os.close(descriptor)


def rows_of(path: Path, since: int = 0) -> list[Row]:
    """Rows from number `since` on. Only what was appended since the last call is read; a last line
    without its end waits.

    The rows are shared between callers: they are not to be changed.
    """
    with _cache_lock:
        read = _cache.pop(path, None)
        try:
            stamp = stamp_of(path)
            if read is None or stamp != read.stamp or not is_settled(stamp):
                read = _read_on(path, read, stamp)
        except OSError:
            return []
        _cache[path] = read
        while len(_cache) > 1 and sum(kept.offset for kept in _cache.values()) > _MOST_BYTES:
            _cache.popitem(last=False)
        return read.rows[since:]


def _read_on(path: Path, read: _Read | None, stamp: Stamp) -> _Read:
    with open(path, "rb") as file:
        same = grown = False
        if read is not None:
            # Another file, as when a run goes on from its last checkpoint, may have the inode of
            # the one that it replaced, and be longer.
            file.seek(read.offset - len(read.tail))
            same = stamp.inode == read.stamp.inode and file.read(len(read.tail)) == read.tail
            grown = stamp.size > read.stamp.size or stamp == read.stamp
        if read is None or not (same and grown):
            file.seek(0)
            read = _Read(stamp)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.splitlines():
        if (row := _row_in(line)) is not None:
            read.rows.append(row)
    tail = (read.tail + whole)[-_LEAD:]
    return _Read(stamp, read.offset + len(whole), tail, read.rows)


def _row_in(line: bytes) -> Row | None:
    """The row in a line; None if it is damaged: not an object, a figure that is no number, or one
    that is needed and lacking.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    row = cast(Row, row)
    if not isinstance(row.get("kind", ""), str):
        return None
    if any(row.get(name) is None for name in _NEEDED.get(row.get("kind", ""), ())):
        return None
    for name in _NUMBERS & row.keys():
        value = row[name]
        if not (value is None or (isinstance(value, int | float) and math.isfinite(value))):
            return None
    matrix: Any = row.get("confusion") or []
    classes: Any = row.get("per_class") or []
    sound = isinstance(matrix, list) and all(
        isinstance(each, list) for each in cast("list[Any]", matrix)
    )
    return row if sound and isinstance(classes, list) else None


def last_row_of(path: Path) -> Row | None:
    """The last whole row, read from the end of the file; None if there is none."""
    taken = _BLOCK
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            while True:
                start = file.seek(max(0, size - taken))
                text = file.read(size - start)
                lines = text[: text.rfind(b"\n") + 1].splitlines()
                if start == 0 or len(lines) > 1:  # the first may have begun further in front
                    return _row_in(lines[-1]) if lines else None
                taken *= 4
    except (OSError, ValueError):
        return None


def _cut_torn_line(descriptor: int) -> int:
    """Cut off what follows the last newline; returns the size (bytes) that remains."""
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    end, block = size, 65_536
    while end > 0:
        start = max(0, end - block)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    os.ftruncate(descriptor, end)
    return end
