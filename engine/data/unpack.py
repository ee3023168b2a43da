"""Archives that can't be read in place: tar (plain, gzip, bzip2, xz), 7z, and single gzip files.
They are unpacked once, under the same guards as zips, into the lab's cache.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from engine.data.archive import CUT_SHORT, tidy
from engine.data.blobs import BlobReader
from engine.data.budget import NAMES, Budget
from engine.data.file_list import Files
from engine.data.names import decode_names
from engine.errors import DataError

BLOCK = 1 << 20
MOST_HEADER = 1 << 24  # bytes that are read at once: names are shorter
LINKS = "Pack it again with the files themselves."


class Archive(NamedTuple):
    """about: what it is, for messages; unpack(path, budget) writes its files."""

    about: str
    unpack: Callable[[Path, Budget], None]


def unpack(path: Path, folder: Path, unpacked_mb: int) -> None:
    """The files of an archive, into `folder`. Raises DataError if it is broken or dangerous."""
    archive = ARCHIVES[kind_of(path) or "gzip"]
    budget = Budget(path, folder, unpacked_mb)
    try:
        archive.unpack(path, budget)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise DataError(
            f"{path.name} is not {archive.about} that can be read",
            got=str(error)[:120] or "it is cut short",
            hint=CUT_SHORT,
        ) from None
    finally:
        budget.close()


def unpacked_files(folder: Path, form: str) -> Files:
    """What `unpack` wrote. Raises OSError, ValueError if it is not there."""
    raw = json.loads((folder / NAMES).read_text(encoding="utf-8"))
    decoded = decode_names([name.encode("latin-1") for name in raw])
    return Files([tidy(name) for name in decoded.names], [], decoded, BlobReader(folder), form)


def kind_of(path: Path) -> str | None:
    """A name in ARCHIVES for a file that is such an archive by how it begins; None of others."""
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "7z"
    if head[257:262] == b"ustar" or path.name.lower().endswith(".tar"):
        return "tar"
    opener = _opener(head)
    if opener is None:
        return None
    try:
        with opener(path, "rb") as file:
            inner = file.read(512)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        inner = b""
    is_tar = ".tar" in path.name.lower() or path.name.lower().endswith(".tgz")
    return "tar" if inner[257:262] == b"ustar" or is_tar else "gzip"


def _opener(head: bytes) -> Any:
    starts = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
    return next((opener for start, opener in starts.items() if head.startswith(start)), None)


class _Forward(io.RawIOBase):
    """A stream that only goes forward, but for the last byte, which tarfile reads twice; what it
    skips counts too.
    """

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file, self._budget = file, budget
        self._at: int = 0
        self._last: bytes = b""
        self._again: bool = False

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > MOST_HEADER:
            raise DataError(
                f"{self._budget.name} holds a header of {size:,} bytes",
                expected=f"at most {MOST_HEADER:,}",
            )
        if not size:
            return b""
        first, self._again = (self._last if self._again else b""), False
        block: bytes = first + self._file.read(size - len(first))
        self._at += len(block)
        self._last = block[-1:] or self._last
        return block

    def seek(self, to: int, whence: int = 0) -> int:
        if to == self._at - 1 and self._last and not self._again:
            self._at, self._again = to, True
        if to < self._at:
            raise OSError("its parts are out of order")
        while self._at < to:
            block = self.read(min(BLOCK, to - self._at))
            if not block:
                break
            self._budget.count(len(block))
        return self._at

    def tell(self) -> int:
        return self._at


def _unpack_tar(path: Path, budget: Budget) -> None:
    with path.open("rb") as file:
        opener = _opener(file.read(6)) or open
    with (
        opener(path, "rb") as raw,
        tarfile.open(
            fileobj=cast(Any, _Forward(raw, budget)),
            mode="r:",
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive,
    ):
        for member in archive:
            cast(Any, archive).members = []  # or it keeps the header of every file
            if member.isdir():
                continue
            if member.issym() or member.islnk():
                raise DataError(
                    f"{path.name} holds a link", expected="plain files", got=repr(member.name),
                    hint=LINKS,
                )  # fmt: skip
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                raise DataError(
                    f"{path.name} holds what is no file", expected="plain files",
                    got=repr(member.name),
                )  # fmt: skip
            budget.begin(member.name)
            while block := content.read(BLOCK):
                budget.write(block)
            budget.end()


def _unpack_gzip(path: Path, budget: Budget) -> None:
    with path.open("rb") as file:
        opener = _opener(file.read(6))
    budget.begin(path.stem)
    with opener(path, "rb") as file:
        while block := file.read(BLOCK):
            budget.write(block)
    budget.end()


def _unpack_7z(path: Path, budget: Budget) -> None:
    from engine.data.seven_zip import write_files

    write_files(path, budget)


ARCHIVES: dict[str, Archive] = {
    "tar": Archive("a tar archive", _unpack_tar),
    "7z": Archive("a 7z archive", _unpack_7z),
    "gzip": Archive("a compressed file", _unpack_gzip),
}
