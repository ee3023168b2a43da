"""Zips, read in place and never trusted: nothing is unpacked to disk, and what a zip claims is
checked before it is read.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.listing import MOST_BYTES
from engine.data.packing import check_ratio
from engine.errors import DataError

MOST_FILES = 5_000_000
UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075  # of the extra fields
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
CUT_SHORT = "It may be cut short: copy or download it again."
LOCAL_HEADER = 30  # bytes in front of a file's name and content, at least
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class ZipReader:
    """The files of a zip by position. The zip is opened when the first is read."""

    def __init__(self, path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
        self._path, self._entries, self._zip = path, entries, None

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        """Raises DataError if the file is larger than `most`, its checksum is wrong, or the zip has
        changed.
        """
        entry = self._entries[index]
        if entry.file_size > most:
            raise DataError(
                f"it unpacks to {entry.file_size:,} bytes", expected=f"at most {most:,}"
            )
        if self._zip is None:
            self._zip = _opened(self._path)
        try:
            with self._zip.open(entry) as file:
                return file.read(entry.file_size)  # never more than was announced
        except BROKEN as error:
            raise DataError(str(error) or "it is cut short") from None

    def head(self, index: int, count: int) -> bytes:
        """The file's first bytes, unpacked. Raises DataError."""
        if self._zip is None:
            self._zip = _opened(self._path)
        try:
            with self._zip.open(self._entries[index]) as file:
                return file.read(count)
        except BROKEN as error:
            raise DataError(str(error) or "it is cut short") from None

    def select(self, indices: np.ndarray) -> ZipReader:
        return ZipReader(self._path, [self._entries[int(i)] for i in indices])


def raw_name(entry: zipfile.ZipInfo) -> bytes:
    """A file's name as the zip has it: UTF-8 where the zip says so, bytes in any encoding
    otherwise.
    """
    if entry.flag_bits & UTF8_FLAG:
        return entry.orig_filename.encode("utf-8", "surrogateescape")
    raw = entry.orig_filename.encode("cp437")  # as zipfile decodes what has no flag
    extra = entry.extra
    while len(extra) >= 4:  # Info-ZIP adds the UTF-8 name, and the checksum of the one it is for
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UNICODE_PATH and len(field) > 5 and field[1:5] == _crc(raw):
            return field[5:]
    return raw


def _crc(raw: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(raw))


class Entries(NamedTuple):
    """The files in a zip, and the folders that hold nothing."""

    files: Sequence[zipfile.ZipInfo]
    empty: Sequence[zipfile.ZipInfo]


def safe_entries(path: Path, unpacked_mb: int) -> Entries:
    """What a zip holds.

    Raises DataError if it is no zip, or holds absolute or '..' paths, links or encrypted files, or
    unpacks to more than `unpacked_mb` or `packing.MOST_RATIO` times its size.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"{path.name} can't be read", got=error.strerror) from None
    return _entries(
        path, unpacked_mb, (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    )


@lru_cache(
    maxsize=4
)  # the directory of a zip of 60,000 files takes half a second to read, and a page asks at every click
def _entries(path: Path, unpacked_mb: int, stamp: tuple[int, ...]) -> Entries:
    with _opened(path) as archive:
        entries = tuple(entry for entry in archive.infolist() if not entry.is_dir())
        folders = [entry for entry in archive.infolist() if entry.is_dir()]
    if len(entries) > MOST_FILES:
        raise DataError(
            f"{path.name} holds too many files",
            expected=f"at most {MOST_FILES:,}",
            got=f"{len(entries):,}",
        )
    for entry in entries:
        _check(entry, path.name)
    check_overlaps(entries, path.name)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > unpacked_mb * 1_000_000:
        most, got = f"at most {unpacked_mb:,} MB", f"{unpacked / 1e6:,.0f} MB"
        raise DataError(
            f"{path.name} unpacks to too much",
            expected=most,
            got=got,
            hint="Raise GLYPHLAB_UNPACKED_MB if you trust it.",
        )
    check_ratio(path.name, unpacked, stamp[0])
    inner = {entry.filename.rstrip("/").rpartition("/")[0] for entry in (*entries, *folders)}
    empty = tuple(one for one in folders if one.filename.rstrip("/") not in inner)
    return Entries(entries, empty)


def check_overlaps(entries: Sequence[zipfile.ZipInfo], zip_name: str) -> None:
    """Raise DataError if two files of a zip share bytes, as in a bomb whose every entry unpacks the
    same ones (Fifield 2019, "A better zip bomb").
    """
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise DataError(
                f"{zip_name} holds files that overlap",
                got=repr(entry.orig_filename),
                hint="This looks like a zip bomb.",
            )
        end = entry.header_offset + LOCAL_HEADER + entry.compress_size


def check_path(name: str, archive_name: str) -> None:
    """Raise DataError if a path in an archive leads out of it."""
    if (
        name.startswith(("/", "\\"))
        or name[1:2] == ":"
        or "\0" in name
        or ".." in name.replace("\\", "/").split("/")
    ):
        hint = "Pack it again, with paths inside the folder only."
        raise DataError(
            f"{archive_name} holds a file outside itself",
            expected="relative paths",
            got=repr(name),
            hint=hint,
        )


def tidy(name: str) -> str:
    """A path in an archive with '/' between folders, and without './' before them."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _check(entry: zipfile.ZipInfo, zip_name: str) -> None:
    # orig_filename is what the file says; zipfile has cut `filename` at a null byte and put '/' for
    # this system's separator.
    name = entry.orig_filename
    check_path(name, zip_name)
    if entry.flag_bits & 0x1:
        raise DataError(
            f"{zip_name} is encrypted", got=repr(name), hint="Pack it again without a password."
        )
    if entry.external_attr >> 16 & 0o170000 == 0o120000:
        raise DataError(
            f"{zip_name} holds a link",
            expected="plain files",
            got=repr(name),
            hint="Pack it again with the files themselves.",
        )
    if entry.compress_type not in PLAIN:
        hint = "Pack it again as a plain zip."
        raise DataError(
            f"{zip_name} is packed in a way that can't be read",
            got=f"method {entry.compress_type}",
            hint=hint,
        )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(
            f"{path.name} is not a zip that can be read", got=str(error), hint=CUT_SHORT
        ) from None
