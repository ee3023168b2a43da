"""`ImageSet` keeps images, labels and names together, and names the splits there are."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.imageset import ImageSet
from engine.errors import DataError


def image_set(**changes):
    fields = {
        "name": "six",
        "style": "digit",
        "images": np.zeros((6, 1, 28, 28), np.uint8),
        "labels": np.array([0, 1, 1, -1, 0, 1]),
        "classes": ("a", "b"),
        "splits": {
            "train": np.array([0, 1, 2, 3]),
            "test": np.array([4, 5]),
            "val": np.zeros(0, np.int64),
        },
        "files": [f"{n}.png" for n in range(6)],
        "fingerprint": "0123456789abcdef",
    }
    return ImageSet(**{**fields, **changes})


def test_length_channels_and_size_are_the_images():
    data = image_set(images=np.zeros((6, 3, 64, 64), np.uint8))
    assert (len(data), data.channels, data.size) == (6, 3, 64)


def test_parts_of_unequal_length_are_refused():
    with pytest.raises(
        DataError, match="data set six is inconsistent: 5 and 6. Needed: 6 labels and files"
    ):
        image_set(labels=np.zeros(5, np.int64))
    with pytest.raises(DataError, match="inconsistent: 6 and 2"):
        image_set(files=["a", "b"])


def test_all_is_a_split_and_an_absent_one_is_said():
    data = image_set()
    assert data.split("all").tolist() == [0, 1, 2, 3, 4, 5] and data.split("test").tolist() == [
        4,
        5,
    ]
    for absent in ("val", "validation"):
        with pytest.raises(
            DataError,
            match=rf"has no split '{absent}'. Allowed: one of train \(4\), test \(2\), all",
        ):
            data.split(absent)


def test_counts_leave_out_what_has_no_label():
    data = image_set()
    assert data.counts().tolist() == [2, 3] and data.counts("train").tolist() == [1, 2]


def test_other_labels_and_splits_make_another_set_of_the_same_images():
    data = image_set()
    other = data.with_labels(np.zeros(6, np.int64), "fedcba9876543210").with_splits(
        {"train": np.arange(6)}
    )
    assert other.images is data.images and other.fingerprint != data.fingerprint
    assert other.counts("train").tolist() == [6, 0] and data.counts().tolist() == [2, 3]
