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


def coincidence(counts: np.ndarray, closed: np.ndarray | None = None) -> float:
    """Index of coincidence of wrong labels: pairs of wrong labels of one class that agree, over the
    number expected if they were spread evenly over the other classes. 1 for uniform noise, K − 1
    if each class is only ever mislabelled as one other. Where fewer than `coincidence_pairs` are expected,
    the least that as many equal labels prove, at least 1.

    counts (K, K), row the true or predicted class; the diagonal plays no part. closed (K, K) bool: other
    cells that are not counted, so that even noise lies on the rest.
    """
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    total = wrong.sum(1)
    cells = np.full(len(counts), len(counts) - 1)
    if closed is not None:
        cells = cells - (closed & ~np.eye(len(counts), dtype=bool)).sum(1)
    expected = float((total * (total - 1) / np.maximum(cells, 1)).sum())
    if expected >= CONFIG.coincidence_pairs:
        return float((wrong * (wrong - 1)).sum()) / expected
    repeats = float(np.maximum(wrong - 1, 0).sum())
    return max(1.0, _least(repeats) / (expected / 2)) if expected > 0 else 1.0


def _least(count: float) -> float:
    """The mean that a Poisson count leaves room for at the least, `beyond_chance` standard errors down
    (Wilson & Hilferty 1931).
    """
    if count <= 0:
        return 0.0
    root = 1 - 1 / (9 * count) - CONFIG.beyond_chance / (3 * np.sqrt(count))
    return float(count * max(root, 0.0) ** 3)


def wrong_labels_agree(
    counts: np.ndarray, config: NoiseConfig = CONFIG, closed: np.ndarray | None = None
) -> bool:
    """Whether the wrong labels of a class agree with one another more than those of uniform noise:
    the index of coincidence of counts (K, K) exceeds `NoiseConfig.coincidence_threshold`. closed: as in
    `coincidence`.

    Of two classes a wrong label is always the other class, and the index is 1 whatever the noise.
    There noise depends on the class if one class is mislabelled more often than the other.
    """
    if len(counts) == 2:
        return _rates_differ(np.asarray(counts, float), config)
    return coincidence(counts, closed) > config.coincidence_threshold(len(counts))


def many_wrong_labels_agree(
    counts: np.ndarray, config: NoiseConfig = CONFIG, closed: np.ndarray | None = None
) -> bool:
    """The same of many wrong labels, whose index of coincidence is sharp: without the most frequent of
    each class, it exceeds both `NoiseConfig.coincidence_of_blocks` and what uniform noise reaches by
    chance. A single class that looks a little like another raises the index; labels mixed within a block
    agree without it, too. Of three classes, or two, the two can't be told apart: False.
    """
    classes, rest = len(counts), np.asarray(counts, float) * (1 - np.eye(len(counts)))
    if classes <= 3:
        return False
    most = np.zeros(rest.shape, bool)
    most[np.arange(classes), rest.argmax(1)] = True
    rest[most] = 0
    index = coincidence(rest, most if closed is None else most | closed)
    wrong = rest.sum(1)
    pairs = float((wrong * (wrong - 1)).sum()) / 2 / (classes - 2)  # that agree by chance
    by_chance = 1 + config.beyond_chance / np.sqrt(max(pairs, 1e-9))
    return index > max(config.coincidence_of_blocks, by_chance)


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
