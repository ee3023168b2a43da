"""Whether a drawing is like what a model was trained on: the rejection of characters, scribbles and
blots that are none of its classes.

A softmax has to name one of its classes, and does so with certainty far from all of them: a network of
ten digits calls a dot 0 and an A 4, both at 100%. What tells them apart is the distance to the nearest
training images (Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors"), here
the mean likeness to the five nearest, of embedding and form; and, since form vectors are blurred, how
deep the ink is: a filled disc is no 0. Energy (Liu et al. 2020) and the agreement of the neighbours
were tried beside it and added nothing: the foreign characters they reject are those already rejected.

Beside `engine/recognition/rejection.py`, which adds a classifier to this measure, only the limit of the
ink's depth counts; both limits hold where that can't be fitted, for lack of held-out images.

Both limits are measured on images of the model's own classes that were held out, so that about 95 of
100 of those are accepted; no foreign drawing has a part in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAREST = 5
REJECTED_PERCENT = 4.5  # held-out images that are less like their nearest than the limit
DEEP_PERCENT = 0.5  # held-out images whose ink is deeper than all the others'
DEEPEST_SLACK = (
    1 / 28
)  # of the side: ink one pixel thicker than any held-out image's is still accepted
INK = 128  # from here on a pixel counts as ink


class Typical(NamedTuple):
    """Limits of what is typical. least: typicality (-1..1); deepest: ink depth, fraction of the side."""

    least: float
    deepest: float

    def accepts(self, typicality: float, depth: float) -> bool:
        """Whether a drawing may be named without a doubt."""
        return typicality >= self.least and depth <= self.deepest


def typicality_of(likeness: np.ndarray) -> np.ndarray:
    """Likeness (n, N) of n drawings to N training images → mean of the five largest (n,)."""
    k = min(NEAREST, likeness.shape[1])
    return np.partition(likeness, -k, axis=1)[:, -k:].mean(1)


def ink_depth(images: np.ndarray) -> np.ndarray:
    """Ink (n, S, S) uint8 → (n,) float64: how often the ink can be eroded by a pixel on all sides
    before none is left, as a fraction of S. Half the width of the widest stroke.
    """
    n, height, width = images.shape
    padded = np.zeros((n, height + 2, width + 2), bool)
    left = padded[:, 1:-1, 1:-1]
    left[:] = images >= INK
    depth = np.zeros(n)
    while left.any():
        depth += left.any((1, 2))
        inside = left & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]
        left[:] = inside & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return depth / images.shape[-1]


def measured(typicality: np.ndarray, depth: np.ndarray) -> Typical:
    """The limits by held-out images of the model's classes: their typicality (n,) and ink depth (n,)."""
    return Typical(
        float(np.percentile(typicality, REJECTED_PERCENT)),
        float(np.percentile(depth, 100 - DEEP_PERCENT)) + DEEPEST_SLACK,
    )
