"""Paper under uneven light as a smooth surface, and what differs from it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def ink_is_dark(grey: np.ndarray) -> bool:
    """Whether what differs most from a smooth surface through the paper (h, w) is darker than it."""
    terms, levels = _smooth(*grey.shape), grey.ravel()
    rest, kept = levels, np.ones(len(levels), bool)
    for _ in range(
        4
    ):  # a least-squares fit, repeated without what lies far from it: without the ink
        some = terms[:, kept]  # the six normal equations: a fifth of the time of lstsq
        rest = levels - np.linalg.solve(some @ some.T, some @ levels[kept]) @ terms
        kept = np.abs(rest) <= 2 * np.median(np.abs(rest)) + 1
    rest = np.sort(rest)
    return -rest[:10].mean() > rest[-10:].mean()


@lru_cache(maxsize=8)  # pictures of a set are of a few sizes
def _smooth(height: int, width: int) -> np.ndarray:
    """The terms of a surface of second degree at each pixel: (6, height * width) float64."""
    y, x = (axis / max(height, width) for axis in np.indices((height, width)).reshape(2, -1))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
