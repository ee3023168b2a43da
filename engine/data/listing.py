"""`Listing`: what a data set holds before any image is decoded, whichever way it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol

import numpy as np

from engine.errors import DataError, unknown
from engine.imaging.convention import EACH_ITS_OWN, Convention

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


class Finding(NamedTuple):
    """One thing about a data set that a person should know before training on it.

    level  'note' where all is well, 'warning' where something is doubtful
    about  'files', 'layout', 'names', 'classes', 'splits', 'pixels', 'duplicates' or 'tables'
    """

    level: Literal["note", "warning"]
    about: str
    text: str


@dataclass(frozen=True)
class Survey:
    """What was seen while the data set was listed; `engine.data.report` turns it into a report.

    form      what it is stored as: 'folder', 'zip', 'IDX files', …
    above     folders that only wrap it, which names of its images leave out: 'mine/', or ''
    seen      how many files there are, hidden ones included
    hidden    names of hidden files and of those that systems leave, which nobody means
    others    (name, reason) of files that are no pictures
    tables    names of tables that were not read
    read      names of tables that say which picture is of which class
    absent    (name, reason) of pictures that tables name and that are not there
    layout    the pattern that was recognised, such as '<train|val>/<class>/*', and by what
    encoding  of the names; guessed: whether nothing recorded it
    columns   names of a table's columns, numbers from 1 where it has no header; none of pixels
    roles     (role, column): which of them were taken for 'path', 'label', 'split', 'annotator'
    polarity  of the pixels, in words
    findings  what is doubtful
    votes     (file, person, label) of tables that name an annotator: what each said
    """

    form: str = ""
    above: str = ""
    seen: int = 0
    hidden: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    tables: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    layout: tuple[str, str] = ("", "")
    encoding: str = "utf-8"
    guessed: bool = False
    columns: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    polarity: str = ""
    findings: tuple[Finding, ...] = ()
    votes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Listing:
    """N images by name, with labels and official splits.

    kind      what the images are: 'digit' (a glyph filling a small square), 'page' (ink somewhere
              on a page) or 'photo'
    files     N names, relative to the data set
    labels    (N,) int64 in 0..K-1; -1 where an image has no label
    official  (N,) int8, TRAIN, VAL or TEST; TRAIN where an image has no label
    content   hash of names and bytes; 32 hex digits
    skipped   (name, reason) of pictures that were left out without being opened
    convention  how all of its pictures are read: one value range, one polarity
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
    survey: Survey = Survey()
    convention: Convention = EACH_ITS_OWN

    def __len__(self) -> int:
        return len(self.files)

    def counts(self) -> np.ndarray:
        """Labelled images of each class (K,) int64."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.classes))

    def as_stored(self, left_out: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """(name, reason) of some of its images, named with the folders that wrap it, as the other files
        that are left out are.
        """
        return tuple((f"{self.survey.above}{name}", reason) for name, reason in left_out)

    def saying(self, *findings: Finding) -> Listing:
        """The listing with more findings."""
        survey = replace(self.survey, findings=(*self.survey.findings, *findings))
        return replace(self, survey=survey)

    def only(self, classes: Sequence[str]) -> Listing:
        """The labelled images of these classes (all of them known), labelled in the order given."""
        new = np.full(len(self.classes) + 1, -1, np.int64)  # the last is of those without a label
        for position, name in enumerate(classes):
            new[self.classes.index(name)] = position
        labels = new[self.labels]
        kept = np.flatnonzero(labels >= 0)
        return replace(
            self,
            files=[self.files[int(i)] for i in kept],
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


def in_turns(listing: Listing, split: str, classes: Sequence[str] | None) -> np.ndarray:
    """Positions (n,) int64 of those classes in that split: the first of each class, the second of
    each, and so on. Raises DataError for a split or class that does not exist.
    """
    if split not in (*SPLITS, "all"):
        raise DataError(unknown("split", split, [*SPLITS, "all"]))
    for name in classes or ():
        if name not in listing.classes:
            raise DataError(unknown("class", name, listing.classes))
    wanted = (
        np.isin(listing.labels, [listing.classes.index(name) for name in classes])
        if classes
        else np.ones(len(listing), bool)
    )
    if split != "all":
        wanted &= (listing.official == SPLITS.index(split)) & (listing.labels >= 0)
    index = np.flatnonzero(wanted)
    labels = listing.labels[index]
    by_class = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[by_class], labels[by_class])
    turn = np.empty(len(index), np.int64)
    turn[by_class] = np.arange(len(index)) - starts
    return index[np.lexsort((labels, turn))]
