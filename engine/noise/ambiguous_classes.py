"""Ambiguous classes: pairs that are confused because their images look alike, and not because their
labels are wrong. numpy only, on counts of held-out predictions.
"""

from __future__ import annotations

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig


def ambiguous_pairs(counts: np.ndarray, config: NoiseConfig = CONFIG) -> np.ndarray:
    """Which confusions are due to the images: (K, K) bool, row the predicted class, column the
    given label.

    counts (K, K): among confidently predicted images, how often a predicted class carries a given
    label (`transition.confident_counts`).

    Two classes that images can't tell apart leave one of two traces in these counts. Either the
    rarer class is hardly ever predicted: most images with its label are predicted as the other. Or
    both are predicted, and each carries the other's label about as often. Class-dependent noise
    from a to b leaves neither: images of b are predicted as b and seldom carry a. (Noise that
    exchanges two classes both ways leaves the second trace as well; these counts can't tell the two
    apart, and the pair then counts as ambiguous.)
    """
    counts = np.asarray(counts, float)
    agree, predicted, given = np.diag(counts), counts.sum(1), counts.sum(0)
    share = counts / np.maximum(predicted, 1)[:, None]
    seldom_predicted = (agree[None, :] < counts) & (predicted < given / 2)[None, :]
    mutual = (
        (np.minimum(share, share.T) >= config.mutual_confusion * np.maximum(share, share.T))
        & (share > 0)
        & ~np.eye(len(counts), dtype=bool)
    )
    return (seldom_predicted | mutual) & (counts > np.maximum(_if_uniform(counts)[0], 1))


def without_most_frequent(counts: np.ndarray, ambiguous: np.ndarray) -> np.ndarray:
    """`ambiguous` (K, K) bool without the most frequent wrong label of each class.

    Under class-dependent noise that label is the noise's own. A frequent class that often carries
    the label of a rare one outnumbers that class's own images, and leaves the first trace that
    `ambiguous_pairs` describes.
    """
    wrong = np.where(np.eye(len(counts), dtype=bool), -1, counts)
    return ambiguous & (wrong < wrong.max(1, keepdims=True))


def moved_to_diagonal(counts: np.ndarray, ambiguous: np.ndarray) -> np.ndarray:
    """Counts or T (K, K) with the entries of ambiguous pairs counted as correct labels."""
    out = np.where(ambiguous, 0, counts)
    return out + np.diag((counts * ambiguous).sum(1).astype(counts.dtype))


def is_class_dependent(counts: np.ndarray, ambiguous: np.ndarray) -> bool:
    """Whether wrong labels that exceed uniform noise outnumber the confusions of ambiguous pairs.
    If they do not, they may be further ambiguous pairs.
    """
    rest = moved_to_diagonal(counts, ambiguous)
    most, mean = _if_uniform(rest)
    np.fill_diagonal(most, np.inf)
    return bool((rest - mean)[rest > most].sum() > (counts * ambiguous).sum())


def _if_uniform(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of wrong labels in each cell (K, K) if each row's were spread evenly: an upper bound
    that is exceeded about once in a thousand (a Poisson mean plus three standard deviations), and
    the mean.
    """
    wrong = counts.sum(1) - np.diag(counts)
    mean = np.repeat((wrong / max(len(counts) - 1, 1))[:, None], len(counts), axis=1)
    return mean + 3 * np.sqrt(mean), mean
