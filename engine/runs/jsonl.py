"""Append-only files of JSON lines: rows are appended whole or not at all, and read from where the
last reading ended.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.files import failure, plain, sync

Row = dict[str, Any]

_CACHED_FILES = 200
_cache: OrderedDict[Path, tuple[int, int, list[Row]]] = (
    OrderedDict()
)  # file → inode, bytes read, rows
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
        try:
            stat = path.stat()
        except OSError:
            _cache.pop(path, None)
            return []
        inode, offset, rows = _cache.pop(path, (stat.st_ino, 0, []))
        if (
            inode != stat.st_ino or stat.st_size < offset
        ):  # replaced, as when a run goes on from its last checkpoint
            inode, offset, rows = stat.st_ino, 0, []
        if stat.st_size > offset:
            with open(path, "rb") as file:
                file.seek(offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            for line in whole.splitlines():
                with suppress(ValueError):
                    rows.append(json.loads(line))
            offset += len(whole)
        _cache[path] = (inode, offset, rows)
        while len(_cache) > _CACHED_FILES:
            _cache.popitem(last=False)
        return rows[since:]


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
