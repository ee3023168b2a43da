"""How many labels are wrong at least, whatever the groups of images are called. Where labels are wrong
so often that no label names a group, the label's probabilities still are the same throughout a group:
a plateau for each class. One group has one name, so that all but its most frequent label are wrong.
"""

from __future__ import annotations

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.config import CONFIG, NoiseConfig


def rate_at_least(
    probabilities: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    seed: int = 0,
    config: NoiseConfig = CONFIG,
) -> float:
    """Lower 95% bound on the share of wrong labels (n,), from out-of-sample probabilities of the label
    (n, K) and each image's nearest neighbours (n, k). Labels of which most lie in one group are
    right there for all that is known: theirs may be classes that look alike.
    """
    count = len(np.unique(given))
    group = plateaus(probabilities, count, seed, config)
    clear = (group[neighbours] == group[:, None]).all(1)
    if not clear.any():
        return 0.0
    everywhere = _counts(group, given, probabilities.shape[1], count)
    counts = _counts(group[clear], given[clear], probabilities.shape[1], count)
    own = everywhere > config.plateau_of_label * everywhere.sum(0)
    own[np.arange(count), counts.argmax(1)] = True
    wrong = int(np.where(own, 0, counts).sum())
    return max(0.0, wilson_interval(wrong, int(clear.sum()))[0])


def plateaus(
    probabilities: np.ndarray, count: int, seed: int = 0, config: NoiseConfig = CONFIG
) -> np.ndarray:
    """The plateau (n,) int64 of each image: k-means of the square roots of its probabilities (n, K)
    (Hellinger distance), the best of a few starts (k-means++).
    """
    points, rng = np.sqrt(probabilities.astype(np.float32)), np.random.default_rng([seed, 10])
    best, least = np.zeros(len(points), np.int64), np.inf
    for _ in range(config.plateau_starts):
        centres = points[rng.integers(len(points))][None]
        far = np.full(len(points), np.inf)
        while len(centres) < count:
            far = np.minimum(far, ((points - centres[-1]) ** 2).sum(1))
            if not far.any():
                break  # there are no more different points
            chosen = rng.choice(len(points), p=far / far.sum())
            centres = np.concatenate([centres, points[chosen][None]])
        for _ in range(config.plateau_iterations):
            distance = (centres**2).sum(1) - 2 * points @ centres.T  # (n, centres), less a constant
            group = distance.argmin(1)
            for number in range(len(centres)):
                if (own := group == number).any():
                    centres[number] = points[own].mean(0)
        total = float(distance.min(1).sum())
        if total < least:
            best, least = group, total
    return best


def _counts(group: np.ndarray, given: np.ndarray, classes: int, count: int) -> np.ndarray:
    flat = np.bincount(group * classes + given, minlength=count * classes)
    return flat.reshape(count, classes)
