"""Pages of TIFF and GIF files: each is a picture of its own."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine.data.listing import Finding, Reader
from engine.errors import DataError, GlyphlabError, ImageError
from engine.imaging.formats import image_in
from engine.imaging.images import MOST_PIXELS
from engine.imaging.tiff import MOST_PAGES

PAGED = (".tif", ".tiff", ".gif")
NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255  # tags of TIFF


class Paged(NamedTuple):
    """Pictures with the pages of files apart: their names, the file that each is `of`, and what
    reads them.
    """

    names: Sequence[str]
    of: Sequence[int]
    reader: Reader
    findings: tuple[Finding, ...]


class PageReader:
    """Pages of files by position. pages: (file, page) each; page -1: the file as it is."""

    def __init__(self, reader: Reader, pages: Sequence[tuple[int, int]]) -> None:
        self._reader, self._pages = reader, pages

    def read(self, index: int) -> bytes | np.ndarray:
        """Raises OSError, or DataError if the page can't be read."""
        file, page = self._pages[index]
        raw = self._reader.read(file)
        return raw if page < 0 or not isinstance(raw, bytes) else _page(raw, page)

    def select(self, indices: np.ndarray) -> PageReader:
        return PageReader(self._reader, [self._pages[int(i)] for i in indices])


def with_pages(reader: Reader, names: Sequence[str], content: str) -> Paged:
    """The pictures of files, of which some may have several pages. content: hash of them all."""
    found = _found(_Files(content, reader, names))
    if not found:
        return Paged(names, range(len(names)), reader, ())
    pages = [
        (file, page)
        for file in range(len(names))
        for page in (found[file].whole if file in found else (-1,))
    ]
    several = [file for file, each in found.items() if len(each.whole) > 1]
    named = [
        f"{names[file]}#{page + 1}" if file in several else names[file] for file, page in pages
    ]
    notes = [*_of_several(names, several, found), *_of_reduced(names, found)]
    return Paged(named, [file for file, _ in pages], PageReader(reader, pages), tuple(notes))


def _of_several(
    names: Sequence[str], several: list[int], found: dict[int, _Pages]
) -> list[Finding]:
    if not several:
        return []
    first = several[0]
    text = (
        f"{len(several):,} file{'s hold' if len(several) > 1 else ' holds'} several pages"
        f" ({names[first]} has {len(found[first].whole)}): each page is an image of the file's class."
    )
    return [Finding("note", "files", text)]


def _of_reduced(names: Sequence[str], found: dict[int, _Pages]) -> list[Finding]:
    small = [(file, page) for file, each in found.items() for page in each.reduced]
    if not small:
        return []
    file, page = small[0]
    many = len(small) > 1
    text = (
        f"{len(small):,} page{'s are' if many else ' is'} marked as {'' if many else 'a '}small"
        f" cop{'ies' if many else 'y'} of other pages, and left out (page {page + 1} of"
        f" {names[file]}{' …' if many else ''})."
    )
    return [Finding("note", "files", text)]


@dataclass(frozen=True)
class _Files:
    content: str
    reader: Reader = field(compare=False)
    names: Sequence[str] = field(compare=False)


class _Pages(NamedTuple):
    """Numbers of a file's pages from 0: those that are images, and small copies of these."""

    whole: list[int]
    reduced: list[int]


@lru_cache(maxsize=16)  # pages of the lab ask at every click
def _found(files: _Files) -> dict[int, _Pages]:
    """The pages of each file that has several, by its position."""
    found: dict[int, _Pages] = {}
    for position, name in enumerate(files.names):
        if not name.lower().endswith(PAGED):
            continue
        try:
            raw = files.reader.read(position)
            with image_in(raw if isinstance(raw, bytes) else b"") as picture:
                count = getattr(picture, "n_frames", 1)
                if not 1 < count <= MOST_PAGES:
                    continue
                reduced = [page for page in range(count) if _is_reduced(picture, page)]
        except (GlyphlabError, OSError):
            continue
        except Exception:  # noqa: BLE001, S112 - Pillow raises anything: named when it is decoded
            continue
        reduced = reduced if len(reduced) < count else []
        found[position] = _Pages([p for p in range(count) if p not in reduced], reduced)
    return found


def _is_reduced(picture: Image.Image, page: int) -> bool:
    """Whether a page of a TIFF says that it is another one at a lower resolution (TIFF 6.0:
    NewSubfileType, bit 0; SubfileType 2).
    """
    if picture.format != "TIFF":
        return False
    picture.seek(page)
    tags: Mapping[int, object] = getattr(picture, "tag_v2", {})
    new, old = tags.get(NEW_SUBFILE_TYPE, 0), tags.get(SUBFILE_TYPE, 0)
    return (isinstance(new, int) and bool(new & 1)) or old == 2


def _page(raw: bytes, page: int) -> bytes:
    """One page as a file of its own."""
    out = io.BytesIO()
    try:
        with image_in(raw) as picture:
            picture.seek(page)
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError("the page is too large", expected=f"at most {MOST_PIXELS:,} pixels")
            picture.copy().save(out, "TIFF")
    except GlyphlabError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise ImageError(f"page {page + 1} can't be read", got=str(error)[:120]) from None
    return out.getvalue()
