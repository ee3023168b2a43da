"""Many small files in one: what is unpacked from archives and tables is kept so, to be read by
position.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.data.listing import MOST_BYTES
from engine.errors import DataError

BYTES, OFFSETS = "files.bin", "offsets.npy"


class BlobWriter:
    """Files one after the other in `folder`/files.bin; `close` writes where each begins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO = (folder / BYTES).open("wb")
        self.offsets = [0]

    def write(self, block: bytes) -> None:
        """Bytes of the file at hand."""
        self._file.write(block)

    def end_file(self) -> None:
        self.offsets.append(self._file.tell())

    def add(self, content: bytes) -> None:
        """A whole file."""
        self.write(content)
        self.end_file()

    def let_go(self) -> None:
        """Close the file, whether it is complete or not."""
        self._file.close()

    def close(self) -> None:
        self.let_go()
        np.save(self._folder / OFFSETS, np.array(self.offsets, np.int64))


class BlobReader:
    """The files in `folder`/files.bin by position."""

    def __init__(self, folder: Path, indices: np.ndarray | None = None) -> None:
        self._folder, self._indices = folder, indices
        self._offsets: np.ndarray = np.load(folder / OFFSETS)

    def __len__(self) -> int:
        return len(self._offsets) - 1 if self._indices is None else len(self._indices)

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        """Raises OSError, or DataError if the file is larger than `most`."""
        start, end = self._place(index)
        if end - start > most:
            raise DataError(f"it has {end - start:,} bytes", expected=f"at most {most:,}")
        return self._read(start, end - start)

    def head(self, index: int, count: int) -> bytes:
        """The file's first bytes. Raises OSError."""
        start, end = self._place(index)
        return self._read(start, min(count, end - start))

    def select(self, indices: np.ndarray) -> BlobReader:
        return BlobReader(
            self._folder, indices if self._indices is None else self._indices[indices]
        )

    def _place(self, index: int) -> tuple[int, int]:
        at = index if self._indices is None else int(self._indices[index])
        return int(self._offsets[at]), int(self._offsets[at + 1])

    def _read(self, start: int, count: int) -> bytes:
        # Opened for each: readers live as long as listings do, which nobody closes.
        with (self._folder / BYTES).open("rb") as file:
            file.seek(start)
            return file.read(count)
