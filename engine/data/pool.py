"""Pooling data sets: 'characters+emnist62' as one, classes matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.cache import cached_concatenation
from engine.data.imageset import ImageSet
from engine.data.listing import digest
from engine.progress import Progress


def pooled(name: str, sets: Sequence[ImageSet], home: Path, progress: Progress) -> ImageSet:
    """Data sets of one style and size as one: images in the order of `sets`, classes in the order
    they first appear.

    Files are named '<data set>/<file>'; splits are the union of the parts' splits; `sources` tells
    which part an image is from.
    """
    classes = tuple(dict.fromkeys(one for part in sets for one in part.classes))
    position = {one: number for number, one in enumerate(classes)}
    offsets = np.cumsum([0, *(len(part) for part in sets)])
    labels = [
        # The last is for images without a label, whose -1 counts from the end.
        np.array([*(position[one] for one in part.classes), -1], np.int64)[part.labels]
        for part in sets
    ]
    splits: dict[str, np.ndarray] = {}
    for split in ("train", "val", "test"):
        indices = [
            part.splits[split] + offset
            for part, offset in zip(sets, offsets, strict=False)
            if split in part.splits
        ]
        if indices:
            splits[split] = np.concatenate(indices)
    fingerprint = digest([part.fingerprint for part in sets])
    return ImageSet(
        name,
        sets[0].style,
        cached_concatenation([part.images for part in sets], fingerprint, home, progress),
        np.concatenate(labels),
        classes,
        splits,
        [f"{part.name}/{file}" for part in sets for file in part.files],
        fingerprint[:16],
        tuple((f"{part.name}/{file}", reason) for part in sets for file, reason in part.skipped),
        np.concatenate([np.full(len(part), number, np.int64) for number, part in enumerate(sets)]),
        tuple(part.name for part in sets),
        {f"{part.name} {key}": value for part in sets for key, value in part.notes.items()},
        tuple(
            found._replace(text=f"{part.name}: {found.text}")
            for part in sets
            for found in part.findings
        ),
    )
