"""Files that are gzipped one by one, `zip.train.gz` beside `zip.test.gz`, read as what is in them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence

import numpy as np

from engine.data.archive import CUT_SHORT
from engine.data.file_list import FileReader, Files
from engine.data.listing import MOST_BYTES
from engine.data.packing import most_unpacked
from engine.errors import DataError

GZIP = ".gz"


class GunzipReader:
    """The files of another reader by position, of which some are gzipped."""

    def __init__(self, reader: FileReader, packed: Sequence[bool]) -> None:
        self._reader, self._packed = reader, packed

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        """Raises OSError, or DataError if the file is larger than `most`, broken, or a bomb."""
        raw = self._reader.read(index, most)
        if not self._packed[index]:
            return raw
        allowed = min(most, most_unpacked(len(raw)))
        content = _start(raw, allowed + 1)
        if len(content) > allowed:
            raise DataError(f"it unpacks to more than {allowed:,} bytes")
        return content

    def head(self, index: int, count: int) -> bytes:
        """The file's first bytes. Raises OSError, DataError."""
        raw = self._reader.head(index, count)
        return _start(raw, count, cut=True) if self._packed[index] else raw

    def select(self, indices: np.ndarray) -> GunzipReader:
        packed = [self._packed[int(i)] for i in indices]
        return GunzipReader(self._reader.select(indices), packed)


def gunzipped(files: Files, endings: Sequence[str]) -> Files:
    """The files, those that end in .gz behind one of `endings` under their own names and read as
    what is in them.
    """
    packed = [
        name.lower().endswith(GZIP) and name.lower().removesuffix(GZIP).endswith(tuple(endings))
        for name in files.names
    ]
    if not any(packed):
        return files
    names = [
        name[: -len(GZIP)] if is_packed else name
        for name, is_packed in zip(files.names, packed, strict=True)
    ]
    return files._replace(names=names, reader=GunzipReader(files.reader, packed))


def _start(raw: bytes, count: int, cut: bool = False) -> bytes:
    """The first `count` bytes of what is gzipped in `raw`. cut: where that is only its beginning.
    Raises DataError.
    """
    if cut:
        try:
            return zlib.decompressobj(wbits=31).decompress(raw, count)
        except zlib.error:
            return b""
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            return file.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("it can't be unpacked", got=str(error), hint=CUT_SHORT) from None
