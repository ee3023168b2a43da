"""The directories of a TIFF (one a page), checked before Pillow opens the file: of an uncompressed one
Pillow makes a Python object for every strip while it opens it, so that a million of them, 4 MB that pack to
nothing, took 9 s before anything could be said about their number (one core of two, n=1).

    header → directory → directory → … → 0          a directory: count, entries, offset of the next
                 └ tag 330 (SubIFDs) → directory       an entry: tag, type, count, value or its offset
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import BinaryIO, NamedTuple

from engine.errors import ImageError

# Strips or tiles of a page, whatever its size: 16 x 16 is the smallest tile, and 200,000 of these are 50
# million pixels. Pillow opens 200,000 strips in 1.3 s; 750,000 of JPEGs of 90 scans each, 6 MB that pack to
# little, took 19 s to decode.
MOST_STRIPS = 200_000
MOST_PAGES = 10_000  # of one file, with the smaller copies of them
MOST_TAGS = 65_536  # of a page: a tag is a number of 16 bits, and stands there once
AS_PNG = "Save it again as PNG."
_WIDTH, _ROWS, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_ROWS = 256, 257, 277, 284, 322, 323
_BELOW = 330  # SubIFDs: directories of smaller copies
_STRIPS, _TILES = (273, 279), (324, 325)  # where they begin, and how long each is
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_WHOLE = {1, 3, 4, 6, 8, 9, 13, 16}  # types that are integers
_READ = {_WIDTH, _ROWS, _SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_ROWS, _BELOW, *_STRIPS, *_TILES}
# As Pillow takes them, the two with the wrong byte order in their number among them.
_CLASSIC = {b"II*\0": "<", b"II\0*": "<", b"MM\0*": ">", b"MM*\0": ">"}
_BIG, _BIG_OTHER = b"II+\0", b"MM\0+"


class _Form(NamedTuple):
    """How numbers are written. order: of bytes, as in struct; head: the count of entries; place: an
    offset in the file, which is as long as the value that stands in an entry itself.
    """

    order: str
    head: Struct
    entry: Struct
    place: Struct


class _Entry(NamedTuple):
    """data: the value if it fits, else its offset."""

    tag: int
    type: int
    count: int
    data: bytes

    @property
    def size_bytes(self) -> int:
        return self.count * _BYTES.get(self.type, 0)


def check_directories(stream: BinaryIO, name: str) -> None:
    """Raise ImageError for a TIFF that has more strips, tiles or pages than a picture can have, or whose
    directories lead back to each other. Anything else, and what is broken otherwise, is Pillow's to judge.
    """
    stream.seek(0)
    head = stream.read(16)
    if head[:4] == _BIG_OTHER:  # Pillow 12.3 takes it for a classic TIFF, and finds no picture
        raise ImageError(f"{name} is a big-endian BigTIFF, which can't be read", hint=AS_PNG)
    if head[:4] in _CLASSIC:
        form = _form(_CLASSIC[head[:4]], big=False)
        first = head[4:8]
    elif head[:4] == _BIG:
        form = _form("<", big=True)
        first = head[8:16]
    else:
        return
    if len(first) == form.place.size:
        _Directories(stream, form, name).check(*form.place.unpack(first))


def _form(order: str, *, big: bool) -> _Form:
    head, entry, place = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    return _Form(order, Struct(order + head), Struct(order + entry), Struct(order + place))


class _Directories:
    """All directories of one file. What they take is counted: honest ones share nothing with each other, so
    that they fit into the file, and reading them takes no longer than reading it.
    """

    def __init__(self, stream: BinaryIO, form: _Form, name: str) -> None:
        self._stream, self._form, self._name = stream, form, name
        self._size = self._left = stream.seek(0, io.SEEK_END)

    def check(self, first: int) -> None:
        ahead, seen = [first], set[int]()
        while ahead:
            at = ahead.pop()
            if not 0 < at < self._size:
                continue
            if at in seen:
                raise self._damaged("its pages lead back to each other")
            seen.add(at)
            self._count_pages(len(seen))
            ahead += self._after(at)

    def _after(self, at: int) -> list[int]:
        """Check one directory: the offsets of those it leads to."""
        form = self._form
        self._stream.seek(at)
        head = self._stream.read(form.head.size)
        if len(head) < form.head.size:
            return []
        (count,) = form.head.unpack(head)
        if count > MOST_TAGS:
            raise self._damaged(f"a page of it has {count:,} tags")
        size_bytes = count * form.entry.size
        self._take(min(size_bytes, self._size - at))  # cut off: Pillow takes what is there
        block = self._stream.read(size_bytes)
        after = self._stream.read(form.place.size)
        whole = len(block) - len(block) % form.entry.size
        found = form.entry.iter_unpack(block[:whole])
        entries = [_Entry(*each) for each in found if each[0] in _READ]
        self._check_tables(entries)
        following = [place for one in entries if one.tag == _BELOW for place in self._places(one)]
        if len(after) == form.place.size:
            following += form.place.unpack(after)
        return following

    def _check_tables(self, entries: list[_Entry]) -> None:
        numbers = {one.tag: self._number(one) for one in entries}
        for tags, most, what in (
            (_STRIPS, _most_strips(numbers), "strips"),
            (_TILES, _most_tiles(numbers), "tiles"),
        ):
            for one in entries:
                if one.tag not in tags:
                    continue
                if one.count > most:
                    raise ImageError(
                        f"{self._name} is a TIFF of too many {what}",
                        expected=f"at most {most:,}",
                        got=f"{one.count:,}",
                        hint=AS_PNG,
                    )
                self._take(self._outside(one))

    def _places(self, one: _Entry) -> Iterator[int]:
        """The offsets of other directories in an entry."""
        if one.type not in (4, 13, 16):
            return
        self._count_pages(one.count)
        size_bytes = self._outside(one)
        self._take(size_bytes)
        data = one.data[: one.size_bytes]
        if size_bytes:
            (at,) = self._form.place.unpack(one.data)
            self._stream.seek(min(at, self._size))
            data = self._stream.read(size_bytes)
        each = _BYTES[one.type]
        for start in range(0, len(data), each):
            yield self._whole(data[start : start + each])

    def _number(self, one: _Entry) -> int:
        """The one integer in an entry; 0 if it is something else."""
        if one.count != 1 or one.type not in _WHOLE or self._outside(one):
            return 0
        return self._whole(one.data[: one.size_bytes])

    def _whole(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self._form.order == "<" else "big")

    def _outside(self, one: _Entry) -> int:
        """The bytes of a value that stands elsewhere; 0 if it is in the entry itself."""
        return one.size_bytes if one.size_bytes > self._form.place.size else 0

    def _count_pages(self, count: int) -> None:
        if count > MOST_PAGES:
            raise ImageError(
                f"{self._name} is a TIFF of too many pages",
                expected=f"at most {MOST_PAGES:,}",
                hint="Save its pages in several files.",
            )

    def _take(self, size_bytes: int) -> None:
        self._left -= size_bytes
        if self._left < 0:
            raise self._damaged("its tables are larger than the file")

    def _damaged(self, why: str) -> ImageError:
        return ImageError(f"{self._name} is a damaged TIFF: {why}", hint=AS_PNG)


def _most_strips(numbers: Mapping[int, int]) -> int:
    """One of each row, and of each sample's row where samples lie apart. numbers: by tag."""
    return _bound(numbers.get(_ROWS, 0) * _planes(numbers))


def _most_tiles(numbers: Mapping[int, int]) -> int:
    """As many as cover the picture."""
    wide, high = numbers.get(_TILE_WIDTH, 0), numbers.get(_TILE_ROWS, 0)
    if not wide or not high:
        return MOST_STRIPS
    across, down = -(-numbers.get(_WIDTH, 0) // wide), -(-numbers.get(_ROWS, 0) // high)
    return _bound(across * down * _planes(numbers))


def _planes(numbers: Mapping[int, int]) -> int:
    return max(1, numbers.get(_SAMPLES, 1)) if numbers.get(_PLANAR) == 2 else 1


def _bound(needed: int) -> int:
    return min(MOST_STRIPS, needed) if needed else MOST_STRIPS
