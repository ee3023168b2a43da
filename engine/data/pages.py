"""Pages of TIFF and GIF files: each is a picture of its own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from engine.data.listing import Finding, Reader
from engine.errors import DataError, GlyphlabError, ImageError
from engine.imaging.formats import image_in
from engine.imaging.images import MOST_PIXELS

PAGED = (".tif", ".tiff", ".gif")
MOST_PAGES = 10_000  # of one file


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
    counts = _counts(_Files(content, reader, names))
    if not counts:
        return Paged(names, range(len(names)), reader, ())
    pages = [
        (file, page)
        for file in range(len(names))
        for page in (range(counts[file]) if file in counts else (-1,))
    ]
    named = [f"{names[file]}#{page + 1}" if page >= 0 else names[file] for file, page in pages]
    first = next(iter(counts))
    text = (
        f"{len(counts):,} file{'s hold' if len(counts) > 1 else ' holds'} several pages"
        f" ({names[first]} has {counts[first]}): each page is an image of the file's class."
    )
    note = Finding("note", "files", text)
    return Paged(named, [file for file, _ in pages], PageReader(reader, pages), (note,))


@dataclass(frozen=True)
class _Files:
    content: str
    reader: Reader = field(compare=False)
    names: Sequence[str] = field(compare=False)


@lru_cache(maxsize=16)  # pages of the lab ask at every click
def _counts(files: _Files) -> dict[int, int]:
    """The number of pages of each file that has several, by its position."""
    found: dict[int, int] = {}
    for position, name in enumerate(files.names):
        if not name.lower().endswith(PAGED):
            continue
        try:
            raw = files.reader.read(position)
            with image_in(raw if isinstance(raw, bytes) else b"") as picture:
                count = getattr(picture, "n_frames", 1)
        except (GlyphlabError, OSError):
            continue
        except Exception:  # noqa: BLE001, S112 - Pillow raises anything: named when it is decoded
            continue
        if 1 < count <= MOST_PAGES:
            found[position] = count
    return found


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
