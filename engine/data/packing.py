"""How much a packed file may unpack to: one bound for archives, arrays and tables."""

from __future__ import annotations

from engine.errors import DataError

MOST_RATIO = 200  # deflate reaches 1,032; folders of pictures, even of BMPs, stay below this
SMALL = 10_000_000  # bytes that may be packed as well as they like
BOMB = "No set of pictures packs so well: it is built like a zip bomb."
# A number counts as two bytes at most. Glyphs of 0 and 1 that are stored as eight-byte numbers unpack
# to 241 times their size (Omniglot, deflate), and to 64 times as single bytes.
MOST_WIDTH = 2


class Unpacked:
    """Counts what a file unpacks to, while it is announced or read."""

    def __init__(self, name: str, packed: int) -> None:
        self.name, self._packed, self._done = name, packed, 0

    def add(self, size: int) -> None:
        """Raises DataError once it is more than MOST_RATIO times the packed size, and not small."""
        self._done += size
        check_ratio(self.name, self._done, self._packed)


def check_ratio(name: str, unpacked: int, packed: int) -> None:
    """Raise DataError if a file of `packed` bytes may not unpack to so many."""
    if unpacked > most_unpacked(packed):
        raise DataError(
            f"{name} unpacks to more than {MOST_RATIO} times its size",
            expected=f"at most {MOST_RATIO} times",
            hint=BOMB,
        )


def most_unpacked(packed: int) -> int:
    """Bytes that `packed` ones may unpack to."""
    return max(SMALL, MOST_RATIO * packed)


def numbers_size(count: int, width: int) -> int:
    """Bytes that numbers of `width` bytes each count as."""
    return count * min(width, MOST_WIDTH)
