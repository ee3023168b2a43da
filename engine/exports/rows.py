"""`ExportRows`: a data set as every written form takes it, a row an image, with what the lab has found
out about its labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from engine.data.listing import SPLITS, Reader
from engine.errors import DataError
from engine.imaging.formats import is_picture

COLUMNS = {
    "file": "the picture's name in the data set",
    "label": "its class: as a person reviewed it, otherwise as given; empty: none",
    "given_label": "its class as the data set came",
    "suggested_label": "its likely class by the label diagnosis, where there is one",
    "suspicion": "by the label diagnosis, 0 to 1: the estimated probability that the given label is wrong",
    "split": "train, val or test; train where the data set has no splits",
    "annotator": "who decided the label: 'review' where a person did so in the lab",
}
ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp"}


@dataclass(frozen=True)
class ExportRows:
    """N images of a data set.

    files        N names, relative to the data set
    classes      K class names, in label order
    labels       (N,) int64 in 0..K-1, -1 for none; given: likewise
    suggested    (N,) int64, -1 where nothing is suggested; suspicion (N,) float64, NaN likewise
    official     (N,) int8, codes of the splits
    reviewed     (N,) bool: whether a person decided the label in the lab
    embeddings   (N, D) float32, NaN where an image has none; None if there is no space of the data
    space        the model whose embedding that is
    reader       hands out the encoded pictures by position
    unreadable   name → reason of pictures that could not be read, filled in as they are written
    """

    name: str
    title: str
    licence: str
    files: Sequence[str]
    classes: tuple[str, ...]
    labels: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    suspicion: np.ndarray
    official: np.ndarray
    reviewed: np.ndarray
    reader: Reader
    embeddings: np.ndarray | None = None
    space: str = ""
    unreadable: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def class_name(self, label: int) -> str:
        """A class's name; '' for -1."""
        return self.classes[label] if label >= 0 else ""

    def picture(self, position: int) -> tuple[bytes, str] | None:
        """The encoded picture as it came, a glyph of an IDX file as PNG; and how its name ends. None,
        and a line in `unreadable`, if it can't be read.
        """
        try:
            content = self.reader.read(position)
        except (OSError, DataError) as error:
            self.unreadable[str(self.files[position])] = str(error)
            return None
        if isinstance(content, np.ndarray):
            from engine.imaging.images import glyph_as_png

            return glyph_as_png(content), ".png"
        name = str(self.files[position])
        if is_picture(name):
            return content, PurePosixPath(name).suffix.lower()
        starts = (ending for start, ending in ENDINGS.items() if content.startswith(start))
        return content, next(starts, ".png")

    def table(self) -> Iterator[tuple[str, ...]]:
        """The rows as texts, in the order of COLUMNS."""
        for i, file in enumerate(self.files):
            suspicion = self.suspicion[i]
            yield (
                str(file),
                self.class_name(self.labels[i]),
                self.class_name(self.given[i]),
                self.class_name(self.suggested[i]),
                "" if np.isnan(suspicion) else f"{suspicion:.6f}",
                SPLITS[self.official[i]],
                "review" if self.reviewed[i] else "",
            )
