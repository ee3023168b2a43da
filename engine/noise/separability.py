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
from engine.noise.no_class import spread
from engine.noise.plateaus import wrong_at_least

LIKELIEST = 3  # labels, of which a hard image of a class has one


@dataclass(frozen=True)
class Separability:
    """What clear images show.

    clear         (n,) bool
    predicted     (n,) int64, by networks that were not trained on the image's label, averaged over
                  what looks alike; single (n,): less so
    counts        (K, K) of clear images: predicted class (row), given label (column)
    unexplained   (K, K) float, those off the diagonal that looking alike does not explain
    alike         (K, K) bool: labels (column) that images of a predicted class (row) may carry because
                  the two look alike, or because nearly all with that label are predicted as it
    low, high     95% bounds on the share of wrong labels: of the unexplained ones, and of all that
                  differ; rate: in between, of those that differ and are not alike
    apart         share of the images whose label differs from the prediction
    first, second shares of the images of the most confident tenth that carry the likeliest and the
                  second label; first_low, first_high: 95% interval of the first
    unlike        share of the images that look like no class
    within        nats an image by which the predicted probabilities foretell labels better than the
                  predicted class alone
    least         lower 95% bound on the share of wrong labels, whatever groups of images are called
    """

    clear: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    single: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)
    unexplained: np.ndarray = field(repr=False)
    alike: np.ndarray = field(repr=False)
    low: float
    rate: float
    high: float
    apart: float
    first: float
    first_low: float
    first_high: float
    second: float
    unlike: float
    within: float
    least: float

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
    sharp: np.ndarray | None = None,
    classes_of: np.ndarray | None = None,
) -> Separability:
    """From out-of-sample probabilities of the label (n, K), given labels (n,) and the positions of
    the images that look most like each (n, k). sharp (n, K): the same, less averaged over what looks
    alike, to judge single images by. classes_of (n, K): probabilities of the class to predict single
    images by; None: `sharp`.
    """
    n, classes = probabilities.shape
    sharp = probabilities if sharp is None else sharp
    single = (sharp if classes_of is None else classes_of).argmax(1)
    predicted = probabilities.argmax(1)
    clear = (predicted[neighbours] == predicted[:, None]).all(1) & (single == predicted)
    everywhere = _counts(predicted, given, classes)
    counts = _counts(predicted[clear], given[clear], classes)
    mixing = np.zeros((classes, classes))
    for column in neighbours.T:
        mixing += _counts(predicted, predicted[column], classes) / neighbours.shape[1]
    alike = _alike(everywhere, mixing, config)
    unexplained = _unexplained(counts, mixing, alike)
    low, rate, high = _bounds(unexplained, counts, everywhere, alike)
    confidence = sharp.max(1)
    certain = confidence >= np.quantile(confidence, 0.9)
    agreeing = int((sharp.argmax(1) == given)[certain].sum())
    runner_up = np.argsort(sharp[certain], axis=1)[:, -2]
    first_low, first_high = wilson_interval(agreeing, int(certain.sum()))
    return Separability(
        clear=clear,
        predicted=predicted,
        single=single,
        counts=counts,
        unexplained=unexplained,
        alike=alike,
        low=low,
        rate=rate,
        high=high,
        apart=float((single != given).mean()),
        first=agreeing / int(certain.sum()),
        first_low=first_low,
        first_high=first_high,
        second=float((runner_up == given[certain]).mean()),
        unlike=float(_unlike(sharp, given).mean()),
        within=_within(sharp, given, sharp.argmax(1), _counts(sharp.argmax(1), given, classes)),
        least=low
        if first_high >= config.agreement_of_pairs
        else max(low, wrong_at_least(probabilities, given, neighbours)),
    )


def _counts(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    flat = np.bincount(rows * classes + columns, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(float)


def _alike(everywhere: np.ndarray, mixing: np.ndarray, config: NoiseConfig) -> np.ndarray:
    """(K, K) bool: labels (column) that images of a predicted class (row) carry without being wrong for
    all that is known: a fifth of the neighbours of one is in the other; or the label is hardly ever
    predicted while most images with it are predicted as that class: they form no group of their own.
    """
    images, labels = everywhere.sum(1), everywhere.sum(0)
    share = mixing / np.maximum(images, 1)[:, None]
    mixed = np.maximum(share, share.T) > config.mixed_share
    hidden = (images < config.hidden_class * labels)[None, :] & (everywhere == everywhere.max(0))
    return (mixed | hidden) & (everywhere > 0) & ~np.eye(len(everywhere), dtype=bool)


def _unexplained(counts: np.ndarray, mixing: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """The labels (K, K) of clear images that looking alike does not explain: of predicted class g and
    label y, those beyond the number of neighbours that the one has in the other; none if they are
    alike.
    """
    off = counts * (1 - np.eye(len(counts)))
    return np.where(alike, 0, off - np.minimum(off, np.maximum(mixing, mixing.T)))


def _bounds(
    unexplained: np.ndarray, counts: np.ndarray, everywhere: np.ndarray, alike: np.ndarray
) -> tuple[float, float, float]:
    """Bounds on the share of wrong labels: the lower end of that of the unexplained ones among clear
    images, and the upper end of that of all that differ; in between, the share of those that differ
    and are not alike. Each predicted class counts as much as it has images, clear or not.
    """
    clear = counts.sum(1)
    used = clear > 0
    if not used.any():
        return 0.0, 0.0, 1.0
    weight = everywhere.sum(1)[used] / everywhere.sum(1)[used].sum()
    effective = round(float(1 / (weight**2 / clear[used]).sum()))
    least = float((weight * unexplained.sum(1)[used] / clear[used]).sum())
    most = float((weight * (1 - np.diag(counts)[used] / clear[used])).sum())
    low = wilson_interval(round(least * effective), effective)[0]
    high = wilson_interval(round(most * effective), effective)[1]
    differing = np.where(alike, 0, counts).sum(1) - np.diag(counts)
    rate = float((weight * differing[used] / clear[used]).sum())
    return max(0.0, low), min(max(rate, low), high), min(1.0, high)


def _unlike(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Which images (n,) bool are like no class: their prediction is spread, and their label is none of
    the likeliest. A hard image of a class has its label among these.
    """
    own = probabilities[np.arange(len(given)), given]
    return spread(probabilities, given) & ((probabilities > own[:, None]).sum(1) >= LIKELIEST)


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
