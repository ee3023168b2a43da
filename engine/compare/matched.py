"""Two runs' predictions of the same images, by the same labels."""

from __future__ import annotations

import numpy as np

from engine.compare.subjects import Predictions, Subject, predictions_of
from engine.errors import RunError

APART = "these runs were not scored on the same images"


class OtherLabelsError(RunError):
    """The images are the same, and what counts as right on them is not."""


class ChangedImagesError(RunError):
    """The data set changed from one run to the other: a place in it is another image for each."""


# What of a data specification decides the fingerprint of one content.
FIELDS = {"name", "style", "size", "classes", "without", "labels", "journal"}


def changed_between(one: Subject, two: Subject) -> bool:
    """Whether the images that both were scored on are of a data set that changed from one run to the
    other. False where that can't be told, as of two sizes of the images.
    """
    specs = [run.test_spec() for run in (one, two)]
    own = all(spec is run.recipe.data for spec, run in zip(specs, (one, two), strict=True))
    same = specs[0].model_dump(include=FIELDS) == specs[1].model_dump(include=FIELDS)
    prints = one.fingerprint, two.fingerprint
    return own and same and None not in prints and prints[0] != prints[1]


def predictions_of_both(
    first: Subject, second: Subject
) -> tuple[Predictions, Predictions, np.ndarray, np.ndarray, np.ndarray]:
    """What both predict, and the images that both were asked about as `matched` gives them. Raises
    as it does, and ChangedImagesError.
    """
    one, two = predictions_of(first), predictions_of(second)
    if changed_between(first, second):
        raise ChangedImagesError("the data set changed between these runs")
    return one, two, *matched(one, two)


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
