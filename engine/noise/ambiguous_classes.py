"""Ambiguous classes: pairs that are confused because their images look alike, and not because their
labels are wrong. numpy only, on counts of held-out predictions.
"""

from __future__ import annotations

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.transition import coincidence


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
    return (seldom_predicted | mutual) & (counts > np.maximum(_if_uniform(counts, config)[0], 1))


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


def wrong_labels_agree(counts: np.ndarray, config: NoiseConfig = CONFIG) -> bool:
    """Whether the wrong labels of a class agree with one another more than those of uniform noise:
    the index of coincidence of counts (K, K) exceeds `NoiseConfig.coincidence_threshold`.

    Of two classes a wrong label is always the other class, and the index is 1 whatever the noise.
    There noise depends on the class if one class is mislabelled more often than the other.
    """
    if len(counts) == 2:
        return _rates_differ(np.asarray(counts, float), config)
    return coincidence(counts) > config.coincidence_threshold(len(counts))


def is_class_dependent(
    counts: np.ndarray, ambiguous: np.ndarray, config: NoiseConfig = CONFIG
) -> bool:
    """Whether wrong labels that exceed uniform noise outnumber the confusions of ambiguous pairs.
    If they do not, they may be further ambiguous pairs. Of two classes: whether their rates differ.
    """
    rest = moved_to_diagonal(counts, ambiguous)
    if len(counts) == 2:
        return _rates_differ(np.asarray(rest, float), config)
    most, mean = _if_uniform(rest, config)
    np.fill_diagonal(most, np.inf)
    return bool((rest - mean)[rest > most].sum() > (counts * ambiguous).sum())


def _rates_differ(counts: np.ndarray, config: NoiseConfig) -> bool:
    """Whether two classes are mislabelled at different rates: their shares of wrong labels differ by
    more than `config.beyond_chance` standard errors, in counts (2, 2).
    """
    images = counts.sum(1)
    if not images.all():
        return False
    rates = 1 - np.diag(counts) / images
    pooled = float((images * rates).sum() / images.sum())
    error = np.sqrt(pooled * (1 - pooled) * (1 / images).sum())
    return bool(abs(rates[0] - rates[1]) > config.beyond_chance * error)


def _if_uniform(counts: np.ndarray, config: NoiseConfig) -> tuple[np.ndarray, np.ndarray]:
    """Counts of wrong labels in each cell (K, K) if each row's were spread evenly: an upper bound
    that is exceeded about once in a thousand (a Poisson mean plus `config.beyond_chance` standard
    deviations), and the mean.
    """
    wrong = counts.sum(1) - np.diag(counts)
    mean = np.repeat((wrong / max(len(counts) - 1, 1))[:, None], len(counts), axis=1)
    return mean + config.beyond_chance * np.sqrt(mean), mean
