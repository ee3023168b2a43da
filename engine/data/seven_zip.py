"""7z archives, by py7zr: unpacked file by file into a budget, never to paths that they name."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import py7zr
from py7zr.io import Py7zIO, WriterFactory

from engine.errors import DataError, GlyphlabError

if TYPE_CHECKING:
    from engine.data.budget import Budget


class _File(Py7zIO):
    """One file that is unpacked."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._size = budget, 0

    def write(self, s: bytes | bytearray) -> int:
        self._budget.write(bytes(s))
        self._size += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._size

    def close(self) -> None:
        self._budget.end()


class _Files(WriterFactory):
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.made: set[str] = set()

    def create(self, filename: str) -> Py7zIO:
        self._budget.begin(filename)
        self.made.add(filename)
        return _File(self._budget)


def write_files(path: Path, budget: Budget) -> None:
    """Unpack a 7z archive. Raises DataError if it is broken, encrypted or dangerous."""
    files = _Files(budget)
    try:
        # Opened as a file, not by its path: py7zr would unpack parts of it in threads.
        with path.open("rb") as file, py7zr.SevenZipFile(file) as archive:
            if archive.needs_password():
                raise DataError(f"{path.name} is encrypted", hint="Pack it without a password.")
            entries = archive.list()
            for entry in entries:
                if entry.is_symlink or not (entry.is_file or entry.is_directory):
                    raise DataError(
                        f"{path.name} holds a link",
                        expected="plain files",
                        got=repr(entry.filename),
                        hint="Pack it again with the files themselves.",
                    )
            budget.check(sum(entry.uncompressed for entry in entries), len(entries))
            archive.extract(
                targets=[entry.filename for entry in entries if entry.is_file], factory=files
            )
            for entry in entries:  # empty ones are not unpacked
                if entry.is_file and not entry.uncompressed and entry.filename not in files.made:
                    budget.begin(entry.filename)
                    budget.end()
    except (GlyphlabError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - py7zr raises anything on a broken archive
        raise ValueError(str(error) or type(error).__name__) from None
