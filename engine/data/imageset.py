"""`ImageSet`: the one form in which every data set reaches training, evaluation and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.data.listing import Finding
from engine.errors import DataError


@dataclass(frozen=True)
class ImageSet:
    """Images, labels and where they came from.

    name         the data set's name or path
    style        how the images were placed on the square, a name in engine.imaging.images.STYLES
    images       (N, C, H, W) uint8, usually memory-mapped; ink 255 on paper 0, photographs RGB
    labels       (N,) int64 in 0..K-1; -1 where an image has no label
    classes      K class names, in label order
    splits       'train', 'val', 'test' → indices (n,) int64, ascending, disjoint; a missing split
                 is absent, and an image without a label is in none
    files        N names, relative to the data set ('train/Sample001/img001-001.png', or 'train/17'
                 in an IDX file)
    skipped      (name, reason) of every image that could not be read
    fingerprint  changes whenever content, classes, size or style do; 16 hex digits
    sources      (N,) int64, which pooled data set an image came from; all zero for a single one
    source_names the pooled data sets' names, in the order of `sources`
    notes        what else is worth recording: 'title', 'kind' (what the images are), 'test' (where
                 the test split comes from)
    findings     what a person should know before training on it
    """

    name: str
    style: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: dict[str, np.ndarray]
    files: Sequence[str]
    fingerprint: str
    skipped: tuple[tuple[str, str], ...] = ()
    sources: np.ndarray | None = None
    source_names: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.labels) == len(self.files):
            got = f"{len(self.labels):,} and {len(self.files):,}"
            raise DataError(
                f"data set {self.name} is inconsistent",
                expected=f"{len(self.images):,} labels and files",
                got=got,
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def size(self) -> int:
        return self.images.shape[2]

    def split(self, name: str) -> np.ndarray:
        """Indices (n,) int64 of a split; 'all' is everything, 'unlabelled' what has no label. Raises
        DataError, naming the splits there are, if it is absent.
        """
        if name == "all":
            return np.arange(len(self))
        if name == "unlabelled" and (self.labels < 0).any():
            return np.flatnonzero(self.labels < 0)
        if name not in self.splits or not len(self.splits[name]):
            there = ", ".join(
                f"{key} ({len(value):,})" for key, value in self.splits.items() if len(value)
            )
            raise DataError(
                f"data set {self.name} has no split '{name}'", expected=f"one of {there}, all"
            )
        return self.splits[name]

    def counts(self, name: str = "all") -> np.ndarray:
        """Images per class (K,) int64 in a split."""
        labels = self.labels[self.split(name)]
        return np.bincount(labels[labels >= 0], minlength=len(self.classes))

    def with_splits(self, splits: dict[str, np.ndarray]) -> ImageSet:
        return replace(self, splits=splits)

    def with_labels(self, labels: np.ndarray, fingerprint: str) -> ImageSet:
        """The same images with other labels (N,) int64, as after a correction or with noise on
        purpose.
        """
        return replace(self, labels=labels, fingerprint=fingerprint)
