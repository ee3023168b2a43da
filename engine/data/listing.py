"""`Listing`: what a data set holds before any image is decoded, whichever way it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

TRAIN, VAL, TEST = 0, 1, 2  # codes of the official splits
SPLITS = ("train", "val", "test")
MOST_BYTES = 200_000_000  # of one picture's file; a larger one is a mistake or an attack


class Reader(Protocol):
    """Where the images' content comes from."""

    def read(self, index: int) -> bytes | np.ndarray:
        """The encoded picture, or a glyph (h, w) uint8 with ink 255 on 0. Raises OSError, or
        DataError if it is broken.
        """
        ...

    def select(self, indices: np.ndarray) -> Reader: ...


@dataclass(frozen=True)
class Listing:
    """N images by name, with labels and official splits.

    kind      what the images are: 'digit' (a glyph filling a small square), 'page' (ink somewhere
              on a page) or 'photo'
    files     N names, relative to the data set
    labels    (N,) int64 in 0..K-1
    official  (N,) int8, TRAIN, VAL or TEST
    content   hash of names and bytes; 32 hex digits
    skipped   (name, reason) of files that were left out without being opened
    """

    kind: str
    files: Sequence[str]
    labels: np.ndarray
    classes: tuple[str, ...]
    official: np.ndarray
    content: str
    reader: Reader
    skipped: tuple[tuple[str, str], ...] = ()
    notes: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def only(self, classes: Sequence[str]) -> Listing:
        """The images of these classes (all of them known), labelled in the order given."""
        new = np.full(len(self.classes), -1, np.int64)
        for position, name in enumerate(classes):
            new[self.classes.index(name)] = position
        labels = new[self.labels]
        kept = np.flatnonzero(labels >= 0)
        return replace(
            self,
            files=[self.files[i] for i in kept],
            labels=labels[kept],
            classes=tuple(classes),
            official=self.official[kept],
            content=digest([self.content, *classes]),
            reader=self.reader.select(kept),
        )


def digest(parts: Iterable[object]) -> str:
    """32 hex digits that change with any of `parts` or their order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(
            part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
        )
        state.update(b"\0")
    return state.hexdigest()
