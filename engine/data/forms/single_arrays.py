"""Files of arrays that hold one picture each, in class folders: a/0.npy, a/1.npy, b/0.npy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.data.forms.manifest import classes_by_folders
from engine.data.forms.shapes import is_picture
from engine.data.forms.sink import Sink

EACH = 2  # files of a class, on average; one alone may hold all images of it
LONGEST = 4  # times as long as wide: what is longer is rows of pixels


def take_single(arrays: Sequence[tuple[str, np.ndarray]], sink: Sink) -> bool:
    """The pictures (h, w) or (h, w, C) in files by name; False if they are something else."""
    if not all(map(_is_one, arrays)):
        return False
    layout = classes_by_folders([name for name, _ in arrays])
    if layout is None or len(arrays) < EACH * len(set(layout.classes)):
        return False
    for at, label, official in zip(layout.positions, layout.classes, layout.official, strict=True):
        name, array = arrays[at]
        sink.images(array[None], [label], name, official)
    sink.skipped += layout.skipped
    sink.findings += layout.findings
    sink.why.append(f"a picture in each file, laid out as {layout.how}")
    return True


def _is_one(named: tuple[str, np.ndarray]) -> bool:
    name, array = named
    if not name.lower().endswith(".npy") or not is_picture(array):
        return False
    height, width = array.shape[:2]
    return max(height, width) <= LONGEST * min(height, width)
