"""Small data made in the test: shapes that a network can learn in a second."""

from __future__ import annotations

import numpy as np

from engine.data.imageset import ImageSet

CLASSES = ("bar", "dot", "ring")


def shapes(
    n: int = 90,
    size: int = 16,
    seed: int = 0,
    channels: int = 1,
    val: float = 0.2,
    test: float = 0.2,
) -> ImageSet:
    """Bars, dots and rings at random places: (n, channels, size, size) uint8 in three classes,
    split train/val/test.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    images = np.zeros((n, channels, size, size), np.uint8)
    labels = np.arange(n) % 3
    for i, label in enumerate(labels):
        y, x = rng.integers(5, size - 5, 2)
        distance = np.hypot(rows - y, columns - x)
        shape = (abs(columns - x) < 1.5, distance < 2.5, abs(distance - 3.5) < 0.8)[label]
        images[i] = shape * rng.integers(180, 256)
    order = rng.permutation(n)
    cut_val, cut_test = int(n * val), int(n * (val + test))
    splits = {
        "val": np.sort(order[:cut_val]),
        "test": np.sort(order[cut_val:cut_test]),
        "train": np.sort(order[cut_test:]),
    }
    files = [f"{i}.png" for i in range(n)]
    return ImageSet(
        "shapes",
        {1: "digit", 2: "duo", 3: "photo"}[channels],
        images,
        labels,
        CLASSES,
        splits,
        files,
        "0" * 16,
    )
