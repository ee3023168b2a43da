"""The transition matrix T: row the true class, column the given label, T[t, y] = p(given y | true
t). numpy only.

The observed p(given | x) is T transposed times p(true | x), so the same data can often be read in
two ways: uncertain images and clean labels, or certain images and noisy labels. Out-of-sample
predictions tell them apart: noise does not care how clear an image is, so among the clearest images
of a class the given labels still follow T's row (the anchor points of Liu & Tao 2016, arXiv
1411.7718, and Patrini et al. 2017, arXiv 1609.03683), while an unclear image is never among the
clearest.

log_p is (N, K) log-probabilities of the true class, from a model that did not see the image's given
label; given is (N,) int in 0..K-1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.errors import DataError

FLOOR = 1e-12


def even(classes: int, right: float) -> np.ndarray:
    """T (K, K) with `right` on the diagonal and the rest spread evenly: clean at 1, symmetric noise
    above 1/K, labels that carry nothing at 1/K, complementary labels at 0."""
    matrix = np.full((classes, classes), (1 - right) / max(classes - 1, 1))
    np.fill_diagonal(matrix, right)
    return matrix


def check_transition(matrix: object, classes: int) -> np.ndarray:
    """`matrix` as a (K, K) float64 array whose rows sum to 1. Raises DataError if it is no such
    thing.
    """
    try:
        array = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("a transition matrix is made of numbers", got=repr(matrix)[:80]) from None
    if array.shape != (classes, classes):
        raise DataError(
            "the transition matrix has the wrong shape",
            expected=(classes, classes),
            got=array.shape,
        )
    if not np.isfinite(array).all() or (array < 0).any() or np.abs(array.sum(1) - 1).max() > 1e-3:
        sums = " ".join(f"{value:.3g}" for value in array.sum(1))
        raise DataError(
            "the transition matrix is wrong",
            expected="rows of probabilities that sum to 1",
            got=f"row sums {sums}",
        )
    return array / array.sum(1, keepdims=True)


def noise_rate(matrix: np.ndarray, prior: np.ndarray) -> float:
    """Share of wrong labels, 0..1, for T (K, K) and the true classes' shares `prior` (K,)."""
    return float(1 - (prior * np.diag(matrix)).sum())


def log_softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N, K) logits → (N, K) float32 log-probabilities at a temperature."""
    scaled = np.asarray(logits, np.float32) / np.float32(temperature)
    scaled = scaled - scaled.max(1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(1, keepdims=True))


def posterior(log_p: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> np.ndarray:
    """p(true | image, given label) (N, K) float32, in logarithms: what the image says, weighed by
    what the given label allows.
    """
    joint = log_p + np.log(np.maximum(matrix, FLOOR)).astype(np.float32).T[given]
    joint -= joint.max(1, keepdims=True)
    return joint - np.log(np.exp(joint).sum(1, keepdims=True))


def log_likelihood(log_p: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> np.ndarray:
    """log p(given | image) (N,) under T."""
    joint = log_p + np.log(np.maximum(matrix, FLOOR)).astype(np.float32).T[given]
    top = joint.max(1)
    return top + np.log(np.exp(joint - top[:, None]).sum(1))


class Even(NamedTuple):
    """The best T of the even family for given predictions: its diagonal, the temperature of the
    predictions, and how well it explains the given labels (mean log-likelihood in nats)."""

    right: float
    temperature: float
    likelihood: float


TEMPERATURES = tuple(np.exp(np.linspace(np.log(0.25), np.log(8.0), 21)))


def fit_even(logits: np.ndarray, given: np.ndarray, low: float = 0.0, high: float = 1.0) -> Even:
    """Diagonal in low..high and temperature, jointly by maximum likelihood on held-out labels."""
    classes = logits.shape[1]

    def at(temperature: float) -> Even:
        own = own_probability(logits, given, temperature)
        right = best_right(own, classes, low, high)
        return Even(right, float(temperature), float(np.log(mixed(own, right, classes)).mean()))

    found = [at(temperature) for temperature in TEMPERATURES]
    step = TEMPERATURES[1] / TEMPERATURES[0]
    for _ in range(3):
        step **= 0.5
        best = max(found, key=lambda even: even.likelihood)
        found = [best, at(best.temperature * step), at(best.temperature / step)]
    return max(found, key=lambda even: even.likelihood)


def own_probability(logits: np.ndarray, given: np.ndarray, temperature: float) -> np.ndarray:
    """p (n,) float64 that a network's logits (n, K) give to the given label at a temperature."""
    return np.exp(log_softmax(logits, temperature)[np.arange(len(given)), given].astype(np.float64))


def mixed(own: np.ndarray, right: float, classes: int) -> np.ndarray:
    """p(given | image) (n,) under an even T, where the network gives the given label a probability
    `own` (n,) of being the true one.
    """
    return np.maximum(right * own + (1 - right) / (classes - 1) * (1 - own), FLOOR)


def right_interval(
    logits: np.ndarray,
    given: np.ndarray,
    right: float,
    temperatures: tuple[float, ...],
    drop: float = 1.92,
) -> tuple[float, float]:
    """Profile-likelihood interval of the diagonal, 95% at a `drop` of 1.92: where the
    log-likelihood, at the best of the `temperatures`, is within `drop` of its best, which is at
    `right`."""
    classes = logits.shape[1]
    own = [own_probability(logits, given, temperature) for temperature in temperatures]

    def likelihood(value: float) -> float:
        return max(float(np.log(mixed(p, value, classes)).sum()) for p in own)

    top = likelihood(right)

    def edge(end: float) -> float:
        inside, outside = right, end
        if likelihood(end) >= top - drop:
            return end
        for _ in range(20):
            middle = (inside + outside) / 2
            inside, outside = (
                (middle, outside) if likelihood(middle) >= top - drop else (inside, middle)
            )
        return outside

    return edge(0.0), edge(1.0)


def best_right(own: np.ndarray, classes: int, low: float = 0.0, high: float = 1.0) -> float:
    """The diagonal in low..high that best explains the given labels, of which `own` (n,) is the
    probability of being the true class.

    The likelihood is concave in the diagonal, so the zero of its slope is bisected.
    """

    def slope(right: float) -> float:
        rest = (1 - own) / (classes - 1)
        return float(((own - rest) / np.maximum(right * own + (1 - right) * rest, FLOOR)).sum())

    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def fit_temperature(logits: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> float:
    """The temperature at which predictions and T best explain the given labels."""
    return float(
        max(
            TEMPERATURES, key=lambda t: log_likelihood(log_softmax(logits, t), matrix, given).mean()
        )
    )


def fit_transition(
    log_p: np.ndarray, given: np.ndarray, start: np.ndarray, steps: int = 25, strength: float = 1.0
) -> np.ndarray:
    """T (K, K) by expectation-maximisation from `start`. Each row is drawn towards `start` as by
    `strength` images, so that a class with few images keeps its shape."""
    matrix = start.copy()
    classes = len(start)
    for _ in range(steps):
        weights = np.exp(posterior(log_p, matrix, given))
        counts = np.zeros_like(matrix)
        for label in range(classes):
            counts[:, label] = weights[given == label].sum(0)
        new = counts + strength * start
        new /= new.sum(1, keepdims=True)
        change = np.abs(new - matrix).max()
        matrix = new
        if change < 1e-5:
            break
    return matrix


def clearest(logits: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Predicted class (N,) and whether an image is among the clearest `share` of its predicted
    class (N,) bool, by the margin between the best and second-best logit. The given label plays no
    part."""
    top = np.partition(logits, -2, axis=1)[:, -2:]
    margin, predicted = top[:, 1] - top[:, 0], logits.argmax(1)
    chosen = np.zeros(len(logits), bool)
    for label in np.unique(predicted):
        own = np.flatnonzero(predicted == label)
        keep = max(1, int(np.ceil(share * len(own))))
        chosen[own[np.argsort(-margin[own], kind="stable")[:keep]]] = True
    return predicted, chosen


def label_counts(
    predicted: np.ndarray, given: np.ndarray, chosen: np.ndarray, classes: int
) -> np.ndarray:
    """(K, K) int64: among the chosen images, how often a predicted class (row) carries a given
    label (column).
    """
    flat = predicted[chosen] * classes + given[chosen]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def clear_counts(logits: np.ndarray, given: np.ndarray) -> np.ndarray:
    """`label_counts` (K, K) of the clearer half of each predicted class, from held-out logits (N,
    K).
    """
    predicted, clear = clearest(logits, 0.5)
    return label_counts(predicted, given, clear, logits.shape[1])


def collisions(counts: np.ndarray) -> float:
    """How concentrated wrong labels are: pairs of wrong labels of a class that agree, over the
    number expected if they were spread evenly over the other classes. 1 for even noise, K − 1 if
    each class is only ever taken for one other; 1 if there are too few to tell.

    counts (K, K), row the true or predicted class; the diagonal plays no part.
    """
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    total = wrong.sum(1)
    expected = float((total * (total - 1)).sum()) / max(len(counts) - 1, 1)
    return float((wrong * (wrong - 1)).sum()) / expected if expected >= 3 else 1.0


def transition_of_counts(counts: np.ndarray, right: float, strength: float = 2.0) -> np.ndarray:
    """T (K, K) whose rows are the shares of given labels in `counts`, drawn towards the even T with
    `right` on its diagonal.
    """
    smoothed = counts + strength * even(len(counts), right)
    return smoothed / smoothed.sum(1, keepdims=True)
