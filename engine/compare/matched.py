"""Two runs' predictions of the same images, by the same labels."""

from __future__ import annotations

import numpy as np

from engine.compare.subjects import Predictions
from engine.errors import RunError

APART = "these runs were not scored on the same images"


class OtherLabelsError(RunError):
    """The images are the same, and what counts as right on them is not."""


def matched(one: Predictions, two: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The images (n,) that both were asked about, as indices into the data set, and where they stand
    among those of `one` and of `two`.

    Raises RunError if there is none or the classes differ, OtherLabelsError if an image has another
    label for one than for the other.
    """
    if (one.data, one.split) != (two.data, two.split) or one.classes != two.classes:
        raise RunError(
            APART,
            expected=f"{one.data} {one.split}, {len(one.classes)} classes",
            got=f"{two.data} {two.split}, {len(two.classes)} classes",
        )
    index, at_one, at_two = np.intersect1d(
        one.index, two.index, assume_unique=True, return_indices=True
    )
    if not len(index):
        raise RunError(APART, got="none in common")
    differ = int((one.labels[at_one] != two.labels[at_two]).sum())
    if differ:
        raise OtherLabelsError(
            "these runs were scored on the same images by different labels",
            got=f"{differ:,} of {len(index):,} images have another label",
        )
    return index, at_one, at_two
