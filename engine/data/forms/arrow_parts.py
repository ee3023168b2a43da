"""Parquet and Arrow files, a part at a time: what they unpack to is added up from the headers of their
pages and messages before memory is taken for it, and again as rows are handed out.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.forms.arrow_headers import Page, message_sizes, pages_in
from engine.data.packing import Unpacked, numbers_size
from engine.errors import DataError

ROWS = 256  # at a time, at most
PART_BYTES = 64_000_000  # of the rows that are handed out at a time
AT_ONCE = 100_000_000  # bytes of rows that are unpacked together
MOST_PAGE = 500_000_000  # bytes of a page, of which a thousand photos may be in one
MOST_MESSAGE = 4_000_000_000  # bytes of an Arrow file's batch, which is unpacked as a whole
ROW_BYTES = 100  # that a row counts at least: each image has a name and a label
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


class Parts(NamedTuple):
    """A table: its schema, and what reads its rows, of all columns or of those named, in batches of
    ROWS at most. Reading raises DataError where the file unpacks to too much.
    """

    schema: Any
    read: Callable[[Sequence[str] | None], Iterator[Any]]


def open_parts(name: str, source: Path | bytes) -> Parts:
    """A Parquet or Arrow file. Raises what Arrow raises where it is broken."""
    import pyarrow as pa

    raw = pa.py_buffer(source) if isinstance(source, bytes) else _mapped(source)
    if raw[:4].to_pybytes() == b"PAR1":
        return _parquet(name, raw)
    return _ipc(name, raw)


def _mapped(path: Path) -> Any:
    import pyarrow as pa

    return pa.memory_map(str(path)).read_buffer()


def _parquet(name: str, raw: Any) -> Parts:
    import pyarrow as pa
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(pa.BufferReader(raw))

    def read(columns: Sequence[str] | None) -> Iterator[Any]:
        rows = _rows_at_once(name, raw, file.metadata, columns)
        batches = file.iter_batches(rows, columns=None if columns is None else list(columns))
        return _in_parts(batches, Unpacked(name, raw.size))

    return Parts(file.schema_arrow, read)


def _rows_at_once(name: str, raw: Any, about: Any, columns: Sequence[str] | None) -> int:
    """How many rows may be unpacked together. Raises DataError if the pages say that all of them are
    too much.

    A value is no longer than its page, or than its page's dictionary: rows times the longest page is
    the most that they can take, whatever the encoding.
    """
    unpacked, longest = Unpacked(name, raw.size), 1
    unpacked.add(ROW_BYTES * about.num_rows)
    content = memoryview(raw).cast("B")
    for group in range(about.num_row_groups):
        row_group, largest = about.row_group(group), 0
        for number in range(about.num_columns):
            chunk = row_group.column(number)
            path = str(chunk.path_in_schema)
            if columns is None or any(path == c or path.startswith(f"{c}.") for c in columns):
                is_list = about.schema.column(number).max_repetition_level > 0
                width = WIDTHS.get(chunk.physical_type)
                pages = pages_in(content, chunk)
                largest += max(
                    (_count(name, page, width, is_list, unpacked) for page in pages), default=0
                )
        longest = max(longest, largest)
    return max(1, min(ROWS, AT_ONCE // longest))


def _count(name: str, page: Page, width: int | None, is_list: bool, unpacked: Unpacked) -> int:
    """Count a page; returns how many bytes a row can take of it. width: of its numbers, None of texts
    and bytes.
    """
    if page.size > MOST_PAGE:
        raise DataError(
            f"{name} holds a page of {page.size:,} bytes", expected=f"at most {MOST_PAGE:,}"
        )
    if width is None:
        unpacked.add(page.size)
        return page.size
    unpacked.add(numbers_size(page.values, width))
    return width * page.values if is_list else width


def _ipc(name: str, raw: Any) -> Parts:
    import pyarrow.ipc

    # A file is a stream between its marks; its footer, which could name other parts, is not looked at.
    stream = raw[8:] if raw[:6].to_pybytes() == b"ARROW1" else raw
    reader = pyarrow.ipc.open_stream(stream)

    def read(columns: Sequence[str] | None) -> Iterator[Any]:
        announced = Unpacked(name, raw.size)
        for message in pyarrow.ipc.MessageReader.open_stream(stream):
            size = sum(message_sizes(message))
            if size > MOST_MESSAGE:
                raise DataError(
                    f"{name} holds a batch of {size:,} bytes", expected=f"at most {MOST_MESSAGE:,}"
                )
            announced.add(size // 4)  # numbers of eight bytes, of which two count
        batches = (batch if columns is None else batch.select(list(columns)) for batch in reader)
        return _in_parts(batches, Unpacked(name, raw.size))

    return Parts(reader.schema, read)


def _in_parts(batches: Iterator[Any], unpacked: Unpacked) -> Iterator[Any]:
    """The batches, those of many or long rows cut into several."""
    for batch in batches:
        sizes = np.full(len(batch), ROW_BYTES, np.int64)
        for column in batch.columns:
            sizes += sizes_in(column)
        unpacked.add(int(sizes.sum()))
        ends = np.cumsum(sizes)
        start = 0
        while start < len(batch):
            before = int(ends[start - 1]) if start else 0
            fitting = int(np.searchsorted(ends, before + PART_BYTES, "right")) - start
            count = max(1, min(ROWS, fitting))
            yield batch.slice(start, count)
            start += count


def sizes_in(array: Any) -> np.ndarray:
    """Bytes (n,) int64 that each of an Arrow array's n values takes once it stands alone. Raises
    DataError for types that nobody stores images or labels in.
    """
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    kind, count = array.type, len(array)
    if isinstance(kind, pa.ExtensionType):
        return sizes_in(array.storage)
    if pa.types.is_dictionary(kind):
        inner = sizes_in(array.dictionary)
        places = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return inner[places] if len(inner) else np.zeros(count, np.int64)
    if pa.types.is_run_end_encoded(kind):
        return np.full(count, max(sizes_in(array.values).tolist(), default=0), np.int64)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)
        return views[array.offset : array.offset + count, 0].astype(np.int64)
    if _is_text(kind):
        return _plain(pc.binary_length(array))
    if pa.types.is_struct(kind):
        return sum((sizes_in(one) for one in array.flatten()), np.zeros(count, np.int64))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = _plain(pc.list_value_length(array))
        width = _width(kind.value_type)
        if width is not None:
            return lengths * numbers_size(1, width)
        inner = np.concatenate([[0], np.cumsum(sizes_in(array.flatten()))])
        ends = np.cumsum(lengths)
        return inner[ends] - inner[ends - lengths]
    width = _width(kind)
    if width is None:
        raise DataError(f"a column of type {kind} can't be read")
    return np.full(count, numbers_size(1, width), np.int64)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    tests = (
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string,
        pa.types.is_large_string, pa.types.is_fixed_size_binary,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _width(kind: Any) -> int | None:
    """Bytes of a number; None of what is no plain value."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except (ValueError, AttributeError):
        import pyarrow as pa

        return 1 if pa.types.is_null(kind) else None


def _plain(lengths: Any) -> np.ndarray:
    return lengths.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
