"""What the arrays of an .npz file take, before numpy takes memory for them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from engine.data.archive import check_overlaps
from engine.data.packing import Unpacked, numbers_size
from engine.errors import DataError

MOST_BYTES = 4_000_000_000  # of all arrays in a file


def check_sizes(name: str, path: Path) -> None:
    """Raise DataError if the arrays of an .npz file take more memory than they may."""
    unpacked = Unpacked(name, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        total = sum(entry.file_size for entry in entries)
        if total > MOST_BYTES:
            raise DataError(
                f"{name} holds arrays of {total:,} bytes", expected=f"at most {MOST_BYTES:,}"
            )
        check_overlaps(entries, name)
        for entry in entries:
            with archive.open(entry) as file:
                width = _width(file)
            unpacked.add(numbers_size(entry.file_size // width, width))


def _width(file: IO[bytes]) -> int:
    """Bytes of one value of the array that a .npy file holds; 1 of what is none."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        return max(1, int(read(file)[2].itemsize))
    except (ValueError, EOFError):
        return 1
