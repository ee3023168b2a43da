"""How much an archive may unpack to, and where it goes."""

from __future__ import annotations

import json
from pathlib import Path

from engine.data.archive import MOST_FILES, check_path
from engine.data.blobs import BlobWriter
from engine.data.packing import check_ratio
from engine.errors import DataError

NAMES = "names.json"
NAME_BYTES = 512  # that a file counts besides its content; as much as its header in a tar takes


class Budget:
    """Where an archive's files go, and how much they may be."""

    def __init__(self, path: Path, folder: Path, unpacked_mb: int) -> None:
        self.name, self._packed, self._most = path.name, path.stat().st_size, unpacked_mb * 10**6
        self._blob = BlobWriter(folder)
        self._names: list[str] = []
        self._done, self._folder = 0, folder

    def check(self, size: int, files: int) -> None:
        """Raise DataError if an archive announces more than it may hold."""
        if files > MOST_FILES:
            raise DataError(f"{self.name} holds too many files", expected=f"at most {MOST_FILES:,}")
        self.count(size)
        self._done -= size

    def begin(self, name: str) -> None:
        """Start a file. Raises DataError if its path leads out of the archive."""
        check_path(name, self.name)
        if len(self._names) >= MOST_FILES:
            raise DataError(f"{self.name} holds too many files", expected=f"at most {MOST_FILES:,}")
        self.count(NAME_BYTES)
        self._names.append(name)

    def write(self, block: bytes) -> None:
        """Bytes of the file that was begun. Raises DataError once they are too many."""
        self.count(len(block))
        self._blob.write(block)

    def count(self, size: int) -> None:
        """Bytes that were unpacked. Raises DataError once they are too many."""
        self._done += size
        if self._done > self._most:
            raise DataError(
                f"{self.name} unpacks to too much",
                expected=f"at most {self._most // 10**6:,} MB",
                hint="Raise GLYPHLAB_UNPACKED_MB if you trust it.",
            )
        check_ratio(self.name, self._done, self._packed)

    def end(self) -> None:
        """The file that was begun is complete."""
        self._blob.end_file()

    def close(self) -> None:
        self._blob.close()
        # Names may be in any encoding: their bytes are kept.
        raw = [name.encode("utf-8", "surrogateescape").decode("latin-1") for name in self._names]
        (self._folder / NAMES).write_text(json.dumps(raw), encoding="utf-8")
