"""Classes that look alike: confusion that lies in the images and not in their labels. numpy only,
on counts of held-out predictions.
"""

from __future__ import annotations

import numpy as np

# the smaller of two shares over the larger from which on two classes are called by each other's
# names
MUTUAL = 0.4


def look_alikes(counts: np.ndarray) -> np.ndarray:
    """Which confusions are the images' doing: (K, K) bool, row the predicted class, column the
    given label.

    counts (K, K): among clear images, how often a predicted class carries a given label
    (`transition.label_counts`).

    Two classes that their images can't tell apart leave one of two traces. Either the rarer one is
    hardly ever predicted: most of what carries its name is predicted as the other. Or both are, and
    each carries the other's name about as often. Noise that takes a for b leaves neither: the
    images of b are there, predicted as b, and are not called a. (Noise that mixes two classes both
    ways evenly leaves the second trace as well; these counts can't tell the two apart, and classes
    are then said to look alike.)
    """
    counts = np.asarray(counts, float)
    home, predicted, named = np.diag(counts), counts.sum(1), counts.sum(0)
    share = counts / np.maximum(predicted, 1)[:, None]
    homeless = (home[None, :] < counts) & (predicted < named / 2)[None, :]
    mutual = (
        (np.minimum(share, share.T) >= MUTUAL * np.maximum(share, share.T))
        & (share > 0)
        & ~np.eye(len(counts), dtype=bool)
    )
    return (homeless | mutual) & (counts > np.maximum(_usual(counts)[0], 1))


def beside_a_pattern(counts: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """`alike` where wrong labels follow a pattern: without the most frequent wrong label of each
    class, which is the pattern's.

    A class that is often called by a rarer one's name fills that name with its own images, and
    leaves the trace of look-alikes.
    """
    wrong = np.where(np.eye(len(counts), dtype=bool), -1, counts)
    return alike & (wrong < wrong.max(1, keepdims=True))


def excused(counts: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """Counts or T (K, K) with what look-alikes share counted as right: moved to the diagonal."""
    out = np.where(alike, 0, counts)
    return out + np.diag((counts * alike).sum(1).astype(counts.dtype))


def is_pattern(counts: np.ndarray, alike: np.ndarray) -> bool:
    """Whether wrong labels that stand out of their rows outnumber the confusions of look-alikes:
    fewer may be more of the same.
    """
    rest = excused(counts, alike)
    most, usual = _usual(rest)
    np.fill_diagonal(most, np.inf)
    return bool((rest - usual)[rest > most].sum() > (counts * alike).sum())


def _usual(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a row's wrong labels would come to in each cell (K, K) if they were spread evenly: at
    most, but once in a thousand, and on average."""
    wrong = counts.sum(1) - np.diag(counts)
    mean = np.repeat((wrong / max(len(counts) - 1, 1))[:, None], len(counts), axis=1)
    return mean + 3 * np.sqrt(mean), mean
