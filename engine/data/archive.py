"""Zips, read in place and never trusted: nothing is ever unpacked to disk, and every size is checked before it is read."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from engine.errors import DataError

MOST_RATIO = 200  # deflate reaches 1,032; a folder of pictures, even as BMP, stays below this
MOST_ENTRIES = 5_000_000


class ZipReader:
    """The files of a zip by position. Opened when the first is read, so that it can be listed, and copied, without an open file."""

    def __init__(self, path: Path, entries: list[zipfile.ZipInfo]) -> None:
        self._path, self._entries, self._zip = path, entries, None

    def read(self, index: int) -> bytes:
        if self._zip is None:
            self._zip = open_zip(self._path)
        try:
            return self._zip.read(self._entries[index])
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError(str(error)) from None

    def select(self, indices: np.ndarray) -> ZipReader:
        return ZipReader(self._path, [self._entries[i] for i in indices])


def open_zip(path: Path) -> zipfile.ZipFile:
    """Raises DataError if it is missing or no zip."""
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        hint = "The file may be cut short: copy or download it again."
        raise DataError(f"{path.name} is not a zip that can be read", got=str(error), hint=hint) from None


def safe_entries(path: Path, unpacked_mb: int) -> list[zipfile.ZipInfo]:
    """The files in a zip (no folders).

    Raises DataError for absolute or '..' paths, encryption, links, a total above `unpacked_mb` or a ratio above MOST_RATIO.
    """
    with open_zip(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"{path.name} holds too many files", expected=f"at most {MOST_ENTRIES:,}", got=f"{len(entries):,}")
    packed = unpacked = 0
    for entry in entries:
        name = entry.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            hint = "Pack it again with paths inside the folder only."
            raise DataError(f"{path.name} holds a file outside itself", expected="relative paths", got=repr(name), hint=hint)
        if entry.flag_bits & 0x1:
            raise DataError(f"{path.name} is encrypted", got=repr(name), hint="Pack it again without a password.")
        if entry.external_attr >> 16 & 0o170000 == 0o120000:
            raise DataError(f"{path.name} holds a link", expected="plain files", got=repr(name))
        packed += entry.compress_size
        unpacked += entry.file_size
    if unpacked > unpacked_mb * 1_000_000:
        hint = "Raise GLYPHLAB_UNPACKED_MB if you trust this file."
        raise DataError(f"{path.name} unpacks to too much", expected=f"at most {unpacked_mb:,} MB", got=f"{unpacked / 1e6:,.0f} MB", hint=hint)
    if unpacked > 10_000_000 and unpacked > MOST_RATIO * max(packed, 1):
        hint = "No set of pictures packs so well: this looks like a zip bomb."
        raise DataError(f"{path.name} unpacks to {unpacked / max(packed, 1):,.0f} times its size", expected=f"at most {MOST_RATIO}", hint=hint)
    return entries


def suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
