"""Whether images are clearly of one class, and how often their labels differ all the same. numpy only,
but for the small network of `probe`.

A label that differs from the prediction has two explanations: the images of two classes look alike,
or the label is wrong. The labels can't tell the two apart, the images can. An image is *clear* if all
images that look most like it (`geometry`, which reads no labels) are predicted as the same class as
it is, each out of sample. Among clear images

- two classes that look alike are hardly found: the boundary between them runs through images that
  look alike, so that neighbours are predicted as either (*mixing*);
- two classes whose labels are exchanged are found as often as elsewhere: their images form groups of
  their own, within which the label changes from image to image although the image does not.

So a label of a clear image that differs from its prediction is wrong, unless the mixing of the two
classes, or a class that is hardly ever predicted, explains as many such labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.config import CONFIG, NoiseConfig


@dataclass(frozen=True)
class Separability:
    """What clear images show.

    clear         (n,) bool
    predicted     (n,) int64, by networks that were not trained on the image's label
    counts        (K, K) of clear images: predicted class (row), given label (column)
    unexplained   (K, K) float, those off the diagonal that looking alike does not explain
    low, high     95% bounds on the share of wrong labels: of the unexplained ones, and of all that
                  differ
    apart         share of the images whose label differs from the prediction
    first, second shares of the images of the most confident tenth that carry the likeliest and the
                  second label; first_high: upper end (95%) of the first
    unlike        share of the images whose prediction is spread over more classes than look alike
    within        nats an image by which the predicted probabilities foretell labels better than the
                  predicted class alone
    """

    clear: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)
    unexplained: np.ndarray = field(repr=False)
    low: float
    high: float
    apart: float
    first: float
    first_high: float
    second: float
    unlike: float
    within: float

    @property
    def share(self) -> float:
        """Share of clear images."""
        return float(self.clear.mean())

    @property
    def excess(self) -> float:
        """Share of clear images whose label is wrong for all that looking alike explains."""
        return float(self.unexplained.sum() / max(self.clear.sum(), 1))

    @property
    def differs(self) -> float:
        """Share of clear images whose label differs from the prediction."""
        total = max(self.counts.sum(), 1)
        return float(1 - np.trace(self.counts) / total)


def separability(
    probabilities: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    config: NoiseConfig = CONFIG,
) -> Separability:
    """From out-of-sample probabilities of the label (n, K), given labels (n,) and the positions of
    the images that look most like each (n, k).
    """
    n, classes = probabilities.shape
    predicted = probabilities.argmax(1)
    clear = (predicted[neighbours] == predicted[:, None]).all(1)
    everywhere = _counts(predicted, given, classes)
    counts = _counts(predicted[clear], given[clear], classes)
    mixing = np.zeros((classes, classes))
    for column in neighbours.T:
        mixing += _counts(predicted, predicted[column], classes) / neighbours.shape[1]
    unexplained = _unexplained(counts, everywhere, mixing, config)
    low, high = _bounds(unexplained, counts, everywhere)
    confidence = probabilities.max(1)
    certain = confidence >= np.quantile(confidence, 0.9)
    agreeing = int((predicted == given)[certain].sum())
    runner_up = np.argsort(probabilities[certain], axis=1)[:, -2]
    return Separability(
        clear=clear,
        predicted=predicted,
        counts=counts,
        unexplained=unexplained,
        low=low,
        high=high,
        apart=float((predicted != given).mean()),
        first=agreeing / int(certain.sum()),
        first_high=wilson_interval(agreeing, int(certain.sum()))[1],
        second=float((runner_up == given[certain]).mean()),
        unlike=float((_spread(probabilities) > config.spread_over).mean()),
        within=_within(probabilities, given, predicted, everywhere),
    )


def _counts(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    flat = np.bincount(rows * classes + columns, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(float)


def _unexplained(
    counts: np.ndarray, everywhere: np.ndarray, mixing: np.ndarray, config: NoiseConfig
) -> np.ndarray:
    """The labels (K, K) of clear images that looking alike does not explain: of predicted class g and
    label y, those beyond the number of neighbours that the one has in the other; none if a fifth
    of the neighbours of one is in the other; and none if y is hardly ever predicted while most
    images with that label are predicted as g: these images form no group of their own.
    """
    off = counts * (1 - np.eye(len(counts)))
    images, labels = everywhere.sum(1), everywhere.sum(0)
    share = mixing / np.maximum(images, 1)[:, None]
    alike = np.maximum(share, share.T) > config.mixed_share
    hidden = (images < config.hidden_class * labels)[None, :] & (everywhere == everywhere.max(0))
    explained = np.minimum(off, np.maximum(mixing, mixing.T))
    return np.where(alike | hidden, 0, off - explained)


def _bounds(
    unexplained: np.ndarray, counts: np.ndarray, everywhere: np.ndarray
) -> tuple[float, float]:
    """Bounds on the share of wrong labels: the lower end of that of the unexplained ones among clear
    images, and the upper end of that of all that differ, where each predicted class counts as much
    as it has images.
    """
    clear, total = counts.sum(1), int(counts.sum())
    if not total:
        return 0.0, 1.0
    used = clear > 0
    weight = everywhere.sum(1)[used] / everywhere.sum(1)[used].sum()
    differing = int(total - np.trace(counts))
    most = float((weight * (1 - np.diag(counts)[used] / clear[used])).sum())
    low = wilson_interval(int(unexplained.sum()), total)[0]
    spread = wilson_interval(differing, total)[1] - differing / total
    return max(0.0, low), min(1.0, max(most, differing / total) + spread)


def _spread(probabilities: np.ndarray) -> np.ndarray:
    """Over how many classes each row of (n, K) is spread: (n,), the exponential of its entropy."""
    p = np.maximum(probabilities, 1e-9)
    return np.exp(-(p * np.log(p)).sum(1))


def _within(
    probabilities: np.ndarray, given: np.ndarray, predicted: np.ndarray, everywhere: np.ndarray
) -> float:
    classes, rows = len(everywhere), np.arange(len(given))
    smoothed = everywhere + 1 / classes
    by_class = np.log(smoothed / smoothed.sum(1, keepdims=True))[predicted, given].mean()
    best = -np.inf
    for power in (0.5, 0.7, 1.0, 1.4, 2.0):  # temperatures
        scaled = probabilities.astype(np.float64) ** power
        scaled /= scaled.sum(1, keepdims=True)
        best = max(best, float(np.log(np.maximum(scaled[rows, given], 1e-6)).mean()))
    return float(best - by_class)
