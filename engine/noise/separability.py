"""Whether images are clearly of one class, and how often their labels differ all the same. numpy only.

A label that differs from the prediction has two explanations: the images of two classes look alike,
or the label is wrong. The labels can't tell the two apart, the images can. An image is *clear* if all
its nearest neighbours by descriptor (`geometry`, which reads no labels) are predicted as the same class
as it is, each out of sample. Among clear images

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
from engine.noise.no_class import is_spread
from engine.noise.plateaus import rate_at_least


@dataclass(frozen=True)
class Separability:
    """What clear images show.

    clear           (n,) bool
    predicted       (n,) int64, by networks that were not trained on the image's label, their probabilities
                    propagated; predicted_once (n,): averaged once with those of the nearest neighbours
    counts          (K, K) of clear images: predicted class (row), given label (column)
    unexplained     (K, K) float, those off the diagonal that classes which look alike do not explain
    alike           (K, K) bool: labels (column) that images of a predicted class (row) may carry because
                    the two look alike, or because nearly all with that label are predicted as it
    low, high       95% bounds on the share of wrong labels: of the unexplained ones, less those that
                    clean labels of as many look-alikes leave unexplained, and of all that differ; rate:
                    in between, of those that differ and are not alike
    explained_share share of clear images whose label differs because classes look alike
    disagreement    share of the images whose label differs from `predicted_once`; disagreement_high:
                    upper end of its 95% interval
    top1, top2      shares of the most confident tenth of the images whose label is the likeliest and
                    the second likeliest class; top1_low, top1_high: 95% interval of the first
    outlier_share   share of the images whose prediction is spread over many classes, and whose label is
                    none of the likeliest
    within_class_gain  log-likelihood of the labels under the predicted probabilities, above that under
                    the predicted class alone, in nats an image
    rate_at_least   lower 95% bound on the share of wrong labels, whatever groups of images are called
    """

    clear: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    predicted_once: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)
    unexplained: np.ndarray = field(repr=False)
    alike: np.ndarray = field(repr=False)
    low: float
    rate: float
    high: float
    explained_share: float
    disagreement: float
    disagreement_high: float
    top1: float
    top1_low: float
    top1_high: float
    top2: float
    outlier_share: float
    within_class_gain: float
    rate_at_least: float

    @property
    def clear_share(self) -> float:
        """Share of clear images."""
        return float(self.clear.mean())

    @property
    def unexplained_share(self) -> float:
        """Share of clear images whose label is wrong for all that classes which look alike explain."""
        return float(self.unexplained.sum() / max(self.clear.sum(), 1))

    @property
    def clear_disagreement(self) -> float:
        """Share of clear images whose label differs from the prediction."""
        total = max(self.counts.sum(), 1)
        return float(1 - np.trace(self.counts) / total)


def separability(
    probabilities: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    config: NoiseConfig = CONFIG,
    averaged_once: np.ndarray | None = None,
    classes_of: np.ndarray | None = None,
) -> Separability:
    """From out-of-sample probabilities of the label (n, K), propagated among nearest neighbours, given
    labels (n,) and the positions of each image's nearest neighbours (n, k).

    averaged_once (n, K): the same probabilities, averaged with those of the neighbours once only, to judge
    single images by; None: `probabilities`. classes_of (n, K): averaged once, of the class in place of the
    label, to predict single images by; None: `averaged_once`.
    """
    n, classes = probabilities.shape
    once = probabilities if averaged_once is None else averaged_once
    predicted_once = (once if classes_of is None else classes_of).argmax(1)
    predicted = probabilities.argmax(1)
    clear = (predicted[neighbours] == predicted[:, None]).all(1) & (predicted_once == predicted)
    everywhere = _counts(predicted, given, classes)
    counts = _counts(predicted[clear], given[clear], classes)
    mixing = np.zeros((classes, classes))
    for column in neighbours.T:
        mixing += _counts(predicted, predicted[column], classes) / neighbours.shape[1]
    alike = _alike(everywhere, mixing, config)
    unexplained = _unexplained(counts, mixing, alike)
    low, rate, high = _bounds(unexplained, counts, everywhere, alike, config)
    differing = int((predicted_once != given).sum())
    explained = counts.sum() - np.trace(counts) - unexplained.sum()
    likeliest, confidence = once.argmax(1), once.max(1)
    confident = confidence >= np.quantile(confidence, 1 - config.most_confident)
    agreeing, total = int((likeliest == given)[confident].sum()), int(confident.sum())
    runner_up = np.argsort(once[confident], axis=1)[:, -2]
    top1_low, top1_high = wilson_interval(agreeing, total)
    at_least = low
    # Of a few classes that descriptors hardly tell apart plateaus are of none.
    grouped = classes >= config.no_class_classes or clear.mean() >= config.counted_share
    if grouped and top1_high < config.agreement_of_pairs:
        at_least = max(low, rate_at_least(probabilities, given, neighbours, config=config))
    return Separability(
        clear=clear,
        predicted=predicted,
        predicted_once=predicted_once,
        counts=counts,
        unexplained=unexplained,
        alike=alike,
        low=low,
        rate=rate,
        high=high,
        explained_share=float(explained / max(counts.sum(), 1)),
        disagreement=differing / n,
        disagreement_high=wilson_interval(differing, n)[1],
        top1=agreeing / total,
        top1_low=top1_low,
        top1_high=top1_high,
        top2=float((runner_up == given[confident]).mean()),
        outlier_share=float(_outliers(once, given, config).mean()),
        within_class_gain=_within_class_gain(
            once, given, _counts(likeliest, given, classes), config
        ),
        rate_at_least=at_least,
    )


def _counts(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    cells = np.bincount(rows * classes + columns, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(float)


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
    label y, those beyond the larger of mixing[g, y] and mixing[y, g]; none if the two are alike.

    mixing[g, y]: over the images predicted as g, the sum of the shares of their neighbours that are
    predicted as y.
    """
    off = counts * (1 - np.eye(len(counts)))
    return np.where(alike, 0, off - np.minimum(off, np.maximum(mixing, mixing.T)))


def _bounds(
    unexplained: np.ndarray,
    counts: np.ndarray,
    everywhere: np.ndarray,
    alike: np.ndarray,
    config: NoiseConfig,
) -> tuple[float, float, float]:
    """Bounds on the share of wrong labels: the lower end of that of the unexplained ones among clear
    images, and the upper end of that of all that differ; in between, the share of those that differ
    and are not alike. Each predicted class counts as much as it has images, clear or not.

    Of many classes some are confused now and then without being alike, clean or not; how often goes with
    how many labels looking alike explains. As many don't count for the lower end.
    """
    clear = counts.sum(1)
    used = clear > 0
    if not used.any():
        return 0.0, 0.0, 1.0
    weight = everywhere.sum(1)[used] / everywhere.sum(1)[used].sum()
    effective = round(float(1 / (weight**2 / clear[used]).sum()))
    least = float((weight * unexplained.sum(1)[used] / clear[used]).sum())
    most = float((weight * (1 - np.diag(counts)[used] / clear[used])).sum())
    off = counts.sum(1) - np.diag(counts)
    explained = float((weight * (off - unexplained.sum(1))[used] / clear[used]).sum())
    beyond = max(0.0, least - config.unexplained_of_explained * explained)
    low = wilson_interval(round(beyond * effective), effective)[0]
    high = wilson_interval(round(most * effective), effective)[1]
    differing = np.where(alike, 0, counts).sum(1) - np.diag(counts)
    rate = float((weight * differing[used] / clear[used]).sum())
    return max(0.0, low), min(max(rate, low), high), min(1.0, high)


def _outliers(probabilities: np.ndarray, given: np.ndarray, config: NoiseConfig) -> np.ndarray:
    """Which images (n,) bool look like no class: their prediction is spread, and their label is none of
    the likeliest. A hard image of a class has its label among these.
    """
    own = probabilities[np.arange(len(given)), given]
    likelier = (probabilities > own[:, None]).sum(1)
    return is_spread(probabilities, given) & (likelier >= config.outlier_rank)


def _within_class_gain(
    probabilities: np.ndarray, given: np.ndarray, everywhere: np.ndarray, config: NoiseConfig
) -> float:
    """Mean log-likelihood of the labels (n,) under the probabilities (n, K), at the best of a few
    temperatures, above that under the labels' frequencies in each predicted class.

    Uniform noise leaves nothing within a class to predict. Where each class has a few fixed wrong
    labels, images whose likeliest label is the same still differ in how likely the others are.

    everywhere (K, K): counts of the likeliest class (row) and the given label (column).
    """
    classes, rows = len(everywhere), np.arange(len(given))
    smoothed = everywhere + 1 / classes
    frequencies = np.log(smoothed / smoothed.sum(1, keepdims=True))
    by_class = frequencies[probabilities.argmax(1), given].mean()
    best = -np.inf
    for exponent in config.within_exponents:
        scaled = probabilities.astype(np.float64) ** exponent
        scaled /= scaled.sum(1, keepdims=True)
        best = max(best, float(np.log(np.maximum(scaled[rows, given], 1e-6)).mean()))
    return float(best - by_class)
