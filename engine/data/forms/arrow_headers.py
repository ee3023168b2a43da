"""What the pages of a Parquet file and the messages of an Arrow file say they unpack to, read from
where the libraries read it when they take memory: a summary elsewhere in the file may say less.

Sources: parquet-format's parquet.thrift (PageHeader, in Thrift's compact protocol), Arrow's
format/Message.fbs (FlatBuffers).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from engine.errors import DataError

BATCHES = {2: "dictionary", 3: "record"}  # kinds of Arrow messages that have a body
DEEPEST = 8
BROKEN = "a header in it is broken"


class Page(NamedTuple):
    """A page of a column: its size once unpacked, and how many values it says it holds."""

    size: int
    values: int


def pages_in(content: memoryview, chunk: Any) -> Iterator[Page]:
    """The pages of a column's part. chunk: pyarrow's ColumnChunkMetaData. Raises DataError."""
    at = int(chunk.data_page_offset)
    first = chunk.dictionary_page_offset
    if first is not None and 0 < first < at:
        at = int(first)
    end = at + int(chunk.total_compressed_size)
    while at < end:
        try:
            fields, body = _struct(content, at)
            size, packed = fields[2], fields[3]
            about = fields.get(5) or fields.get(7) or fields.get(8) or {}
            values = about.get(1, 0)
        except (IndexError, KeyError, struct.error, AttributeError):
            raise DataError(BROKEN) from None
        if not (isinstance(size, int) and isinstance(packed, int) and isinstance(values, int)):
            raise DataError(BROKEN)
        if min(size, packed, values) < 0:
            raise DataError(BROKEN)
        yield Page(size, values)
        at = body + packed


def _struct(content: memoryview, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a struct in the compact protocol, by number, and where it ends."""
    if depth > DEEPEST:
        raise DataError(BROKEN)
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head, at = content[at], at + 1
        if not head:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(content, at)
        fields[number], at = _value(content, at, head & 15, depth)


def _value(content: memoryview, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true and false are kinds of their own
        return kind == 1, at
    if kind == 3:
        return content[at], at + 1
    if kind in (4, 5, 6):
        return _integer(content, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(content, at)
        return None, at + length
    if kind in (9, 10):
        head, at = content[at], at + 1
        count = head >> 4
        if count == 15:
            count, at = _varint(content, at)
        for _ in range(count):  # each takes a byte at least, or the index runs out
            _, at = (None, at + 1) if head & 15 < 3 else _value(content, at, head & 15, depth + 1)
        return None, at
    if kind == 12:
        return _struct(content, at, depth + 1)
    raise DataError(BROKEN)


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, at = content[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise DataError(BROKEN)


def _integer(content: memoryview, at: int) -> tuple[int, int]:
    value, at = _varint(content, at)
    return (value >> 1) ^ -(value & 1), at


def message_sizes(arrow_message: Any) -> Iterator[int]:
    """How many bytes each buffer of a pyarrow Message is once unpacked. Raises DataError."""
    head = memoryview(arrow_message.metadata).cast("B")
    body = arrow_message.body
    raw = memoryview(b"") if body is None else memoryview(body).cast("B")
    try:
        message = _table(head, struct.unpack_from("<I", head, 0)[0])
        kind = head[message[1]] if 1 in message else 0
        if kind not in BATCHES:
            return
        batch = _table(head, _follow(head, message[2]))
        if BATCHES[kind] == "dictionary":
            batch = _table(head, _follow(head, batch[1]))
        if 2 not in batch:
            return
        start = _follow(head, batch[2])
        (count,) = struct.unpack_from("<I", head, start)
        for number in range(count):
            offset, length = struct.unpack_from("<qq", head, start + 4 + 16 * number)
            size = length
            if (
                3 in batch and length >= 8
            ):  # packed: its size stands before it, -1 where it is plain
                (said,) = struct.unpack_from("<q", raw, offset)
                size = length if said < 0 else said
            yield size
    except (struct.error, IndexError, KeyError):
        raise DataError(BROKEN) from None


def _follow(head: memoryview, at: int) -> int:
    return at + struct.unpack_from("<I", head, at)[0]


def _table(head: memoryview, at: int) -> dict[int, int]:
    """Where the fields of a FlatBuffers table lie, by number; those that are absent are left out."""
    (back,) = struct.unpack_from("<i", head, at)
    vtable = at - back
    if vtable < 0:
        raise DataError(BROKEN)
    (length,) = struct.unpack_from("<H", head, vtable)
    places = struct.unpack_from(f"<{(length - 4) // 2}H", head, vtable + 4)
    return {number: at + place for number, place in enumerate(places) if place}
