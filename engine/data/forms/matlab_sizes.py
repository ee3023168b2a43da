"""What a MATLAB file of version 5 to 7 unpacks to, and whether its arrays are as large as they say,
before scipy takes memory for them.

Source: "MAT-File Format", MathWorks, chapter 1: a file is elements, each a tag (type and size) and
data; an array is an element that holds its class, its dimensions, its name and its values as elements.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from engine.data.packing import Unpacked
from engine.errors import DataError

HEADER = 128  # bytes in front of the first element
ARRAY, COMPRESSED = 14, 15  # types of elements
CELL, STRUCT, OBJECT, SPARSE, LAST = 1, 2, 3, 5, 15  # classes of arrays; beyond are functions
BLOCK = 1 << 17
MOST_BYTES = 4_000_000_000  # of one file, unpacked
ARRAY_BYTES = 128  # of main memory that each array in a cell or struct takes besides its values
DEEPEST = 50


def check_sizes(name: str, path: Path) -> None:
    """Raise DataError if a file unpacks to too much, or holds an array that says it is larger than
    what is stored of it. What is broken otherwise is left to scipy.
    """
    unpacked = Unpacked(name, path.stat().st_size)
    with path.open("rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(HEADER)[126:])
        if order is None:  # version 4, whose arrays lie in the file as they are
            return
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            start = file.tell()
            if kind == COMPRESSED:
                content = _Content(_Inflating(file, size), order, unpacked)
                content.element()
                content.skip(MOST_BYTES)
            elif kind == ARRAY:
                _Content(file, order, unpacked).array(size)
            file.seek(start + size)


class _Inflating:
    """Reads what is compressed in the next `size` bytes of a file, a block at a time."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self._inflate = zlib.decompressobj()

    def read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            block = self._inflate.unconsumed_tail
            if not block:
                block = self._file.read(min(BLOCK, self._left))
                self._left -= len(block)
            part = self._inflate.decompress(block, count)
            if not part and not block:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class _Content:
    """Walks elements, and counts their bytes."""

    def __init__(self, file: BinaryIO | _Inflating, order: str, unpacked: Unpacked) -> None:
        self._file, self._order, self._unpacked = file, order, unpacked
        self._at, self._depth = 0, 0

    def element(self) -> None:
        """Walk the next element."""
        kind, size, data = self._tag()
        if kind == ARRAY and size:
            self.array(size)
        elif data is None:
            self.skip(size + -size % 8)

    def array(self, size: int) -> None:
        """Walk an array, whose tag was read. Raises DataError if it holds less than it says."""
        end = self._at + size
        self._depth += 1
        if self._depth > DEEPEST:
            raise DataError(f"{self._unpacked.name} is nested too deeply")
        self._unpacked.add(ARRAY_BYTES)
        flags = self._data()
        kind = self._numbers(flags)[0] & 255 if len(flags) >= 4 else 0
        if 0 < kind <= LAST and kind != SPARSE:
            values = math.prod(max(0, number) for number in self._numbers(self._data()))
            self._data()  # its name
            if kind == OBJECT:
                self._data()
            if kind in (STRUCT, OBJECT):
                length = max(1, *self._numbers(self._data()), 1)
                values *= max(1, len(self._data()) // length)
            if values > size:
                raise DataError(
                    f"{self._unpacked.name} holds an array of {values:,} values",
                    got=f"{size:,} bytes of it",
                )
            while kind in (CELL, STRUCT, OBJECT) and self._at < end:
                self.element()
        self._depth -= 1
        self.skip(end - self._at)

    def skip(self, count: int) -> None:
        while count > 0 and (block := self._read(min(BLOCK, count))):
            count -= len(block)

    def _read(self, count: int) -> bytes:
        block = self._file.read(count)
        self._at += len(block)
        self._unpacked.add(len(block))
        return block

    def _tag(self) -> tuple[int, int, bytes | None]:
        """An element's type and size, and its data where it lies in the tag. Raises DataError."""
        tag = self._read(8)
        if len(tag) < 8:
            raise DataError(f"{self._unpacked.name} is cut short")
        kind, size = struct.unpack(f"{self._order}II", tag)
        if kind >> 16:  # a small one
            return kind & 0xFFFF, kind >> 16, tag[4 : 4 + (kind >> 16)]
        return kind, size, None

    def _data(self) -> bytes:
        _, size, data = self._tag()
        if data is None:
            if size > BLOCK * 8:
                raise DataError(f"{self._unpacked.name} holds a name of {size:,} bytes")
            data = self._read(size + -size % 8)[:size]
        return data

    def _numbers(self, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{len(data) // 4}i", data[: len(data) // 4 * 4])
