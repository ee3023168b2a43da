"""The IDX format itself: an array behind its type and shape, gzipped or plain."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from engine.errors import DataError

MOST_BYTES = 4_000_000_000  # EMNIST ByClass, the largest known, unpacks to 638 MB
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, gzipped or plain. Raises DataError if it is cut short, too large or
    no IDX file.
    """
    try:
        with _open(path) as file:
            kind, shape = _header(file, path)
            count = kind.itemsize * math.prod(shape)
            data = file.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} can't be read", got=str(error), hint="Delete it and fetch it again."
        ) from None
    if len(data) < count:
        turned = [int.from_bytes(size.to_bytes(4, "big"), "little") for size in shape]
        raise DataError(
            f"{path} is cut short",
            expected=f"{count:,} bytes",
            got=f"{len(data):,}",
            hint=f"Its sizes look written in little-endian order ({turned}): IDX is big-endian."
            if kind.itemsize * math.prod(turned) == len(data)
            else "Delete it and fetch it again.",
        )
    return np.frombuffer(data, kind).reshape(shape)


def read_header(path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """The type and the lengths of the axes that an IDX file announces. Raises DataError."""
    try:
        with _open(path) as file:
            return _header(file, path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read", got=str(error)) from None


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb") if gzipped else path.open("rb"))


def _header(file: BinaryIO, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """The type and shape of the array that follows. Raises DataError."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file",
            expected="two zero bytes at its start",
            got=repr(magic[:2]),
        )
    if magic[2] not in TYPES or not 1 <= magic[3] <= 4:
        got = f"type 0x{magic[2]:02x} with {magic[3]} axes"
        raise DataError(f"{path} can't be used", expected="IDX with 1 to 4 axes", got=got)
    kind = np.dtype(TYPES[magic[2]])
    sizes = [file.read(4) for _ in range(magic[3])]
    shape = tuple(int.from_bytes(size, "big") for size in sizes)
    if kind.itemsize * math.prod(shape) > MOST_BYTES:
        turned = [int.from_bytes(size, "little") for size in sizes]
        swapped = kind.itemsize * math.prod(turned) <= MOST_BYTES
        raise DataError(
            f"{path} is too large",
            expected=f"at most {MOST_BYTES:,} bytes",
            got=f"{kind.itemsize * math.prod(shape):,}",
            hint=f"Its sizes look written in little-endian order ({turned}): IDX is big-endian."
            if swapped
            else "It may be damaged: fetch it again.",
        )
    return kind, shape
