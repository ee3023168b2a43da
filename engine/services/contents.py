"""What a data set holds, told by its listing: counts, samples, and the import report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.cache import stored_squares
from engine.data.check import checked
from engine.data.decode import Target, decode, read_raw
from engine.data.listing import SPLITS, Listing, in_turns
from engine.data.report import ImportReport, report_of
from engine.data.splits import make_splits
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec

USUAL_SIZE = {"digit": 28, "page": 64, "photo": 128}  # pixels of a side, by kind


@dataclass(frozen=True)
class Contents:
    """What a data set holds, before any image is decoded.

    counts   (3, K) int64: images of each class in the official train, val and test splits
    splits   images in each split as a recipe makes them unless it says otherwise
    skipped  (name, reason) of files that can't be used, known so far
    report   what became of the files, and what is doubtful
    checked  whether every image has been decoded in the asked style and size, so that `skipped` and
             `report` are complete
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    counts: np.ndarray
    splits: dict[str, int]
    notes: dict[str, str]
    skipped: tuple[tuple[str, str], ...]
    report: ImportReport
    checked: bool

    @property
    def images(self) -> int:
        """How many there are, with those that have no label."""
        return int(self.counts.sum()) + self.report.unlabelled


class Samples(NamedTuple):
    """images (n, C, size, size) uint8; labels (n,) int64; files: their names; of: how many there
    are to page through.
    """

    images: np.ndarray
    labels: np.ndarray
    files: list[str]
    of: int


def contents_of(
    name: str,
    listing: Listing,
    home: Path,
    *,
    style: str = "auto",
    size: int = 0,
    progress: Progress = no_progress,
) -> Contents:
    """What a listing holds. Nothing is decoded; size: a side in pixels in which it may have been; 0:
    the usual one of its kind.
    """
    style, size = style_of(listing, style), size or USUAL_SIZE[listing.kind]
    stored = stored_squares(listing, style, size, home)
    unreadable = stored.skipped if stored else ()
    found = checked(listing, stored, style, size, home, progress) if stored else None
    read = stored.kept if stored else np.arange(len(listing.labels))
    labels, official = listing.labels[read], listing.official[read]
    counts = np.zeros((len(SPLITS), len(listing.classes)), np.int64)
    labelled = labels >= 0
    np.add.at(counts, (official[labelled], labels[labelled]), 1)
    usual = DataSpec()
    splits = make_splits(
        labels, official, validation=usual.validation, test=usual.test, seed=usual.seed
    )
    return Contents(
        name,
        listing.kind,
        listing.classes,
        counts,
        {split: len(index) for split, index in splits.items()},
        listing.notes,
        listing.skipped + listing.as_stored(unreadable),
        report_of(listing, unreadable, found),
        stored is not None,
    )


def samples_of(
    listing: Listing,
    home: Path,
    *,
    split: str = "all",
    classes: Sequence[str] | None = None,
    first: int = 0,
    count: int = 60,
    style: str = "auto",
    size: int = 28,
) -> Samples:
    """Images `first` … `first + count` of those classes in an official split; images that can't be
    read are left out, and once the whole set has been decoded they are not counted either. Several
    classes (None: all) take turns: the first image of each, the second, and so on. Raises DataError
    for a split or class that does not exist.
    """
    style = style_of(listing, style)
    order = in_turns(listing, split, classes)
    usual = listing.kind, USUAL_SIZE[listing.kind]
    read = stored_squares(listing, style, size, home) or stored_squares(listing, *usual, home)
    if read is not None:  # what can't be read in one style and size can't be in another
        order = order[np.isin(order, read.kept)]
    index = order[first : first + count]
    images, kept = squares_at(listing, index, home, style, size)
    return Samples(images, listing.labels[kept], [listing.files[int(i)] for i in kept], len(order))


def squares_at(
    listing: Listing, index: np.ndarray, home: Path, style: str, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, C, size, size) and their positions (n,); from the cache if all of the set has been
    decoded before.
    """
    stored = stored_squares(listing, style, size, home)
    if stored is None:
        out, kept = [], []
        target = Target(style, size, listing.convention)
        for position in index:
            chunk = decode([read_raw(listing, int(position))], int(position), target)
            out.append(chunk.images)
            kept.append(chunk.kept)
        empty = decode([], 0, target)
        return np.concatenate([*out, empty.images]), np.concatenate([*kept, empty.kept])
    where = np.searchsorted(stored.kept, index)
    there = np.append(stored.kept, -1)[where] == index
    return np.asarray(stored.images[where[there]]), index[there]


def style_of(listing: Listing, style: str) -> str:
    """The style that 'auto' stands for, or the one given."""
    return listing.kind if style == "auto" else style
