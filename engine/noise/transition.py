"""The transition matrix T: row the true class, column the given label, T[t, y] = p(given y | true
t). numpy only.

p(given | image) is T transposed times p(true | image), so the same labels can often be explained in
two ways: uncertain images with clean labels, or certain images with noisy labels. Out-of-sample
predictions tell the two apart. Class-conditional noise does not depend on the image, so among the
most confidently predicted images of a class the given labels still follow T's row (anchor points,
Liu & Tao 2016, arXiv 1411.7718, and Patrini et al. 2017, arXiv 1609.03683).

log_p is (N, K) log-probabilities of the true class, from a model that was not trained on the
image's given label; given is (N,) int in 0..K-1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.errors import DataError
from engine.noise.config import CONFIG

FLOOR = (
    1e-12  # of a probability in a logarithm of float64; losses in float32 have `noisy_losses.FLOOR`
)


def uniform_transition(classes: int, diagonal: float) -> np.ndarray:
    """T (K, K) with `diagonal` on its diagonal and the rest of each row spread evenly: clean labels
    at 1, symmetric noise above 1/K, labels independent of the class at 1/K, complementary labels
    at 0.
    """
    matrix = np.full((classes, classes), (1 - diagonal) / max(classes - 1, 1))
    np.fill_diagonal(matrix, diagonal)
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


def log_posterior(log_p: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> np.ndarray:
    """log p(true | image, given label) (N, K) float32, by Bayes' rule: the prediction times the
    column of T that belongs to the given label, normalised.
    """
    joint = log_p + np.log(np.maximum(matrix, FLOOR)).astype(np.float32).T[given]
    joint -= joint.max(1, keepdims=True)
    return joint - np.log(np.exp(joint).sum(1, keepdims=True))


def class_probabilities(label_p: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """p(true | image) (N, K) float64 from p(given | image) `label_p` (N, K): the product with the inverse
    of T (backward correction, Natarajan et al. 2013), what is negative set to nearly 0, rows summing to 1.
    """
    p = np.maximum(label_p @ np.linalg.pinv(matrix), 1e-9)
    return p / p.sum(1, keepdims=True)


def log_likelihood(log_p: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> np.ndarray:
    """log p(given | image) (N,) under T."""
    joint = log_p + np.log(np.maximum(matrix, FLOOR)).astype(np.float32).T[given]
    top = joint.max(1)
    return top + np.log(np.exp(joint - top[:, None]).sum(1))


class UniformFit(NamedTuple):
    """The uniform T of the highest likelihood: its diagonal, the temperature of the logits, and the
    mean log-likelihood of the given labels in nats an image.
    """

    diagonal: float
    temperature: float
    mean_log_likelihood: float


# The grid on which temperatures are searched; `fit_uniform` refines it.
TEMPERATURES = tuple(np.geomspace(*CONFIG.temperature_range, CONFIG.temperatures))


def fit_uniform(
    logits: np.ndarray, given: np.ndarray, low: float = 0.0, high: float = 1.0
) -> UniformFit:
    """Diagonal in low..high and temperature, jointly by maximum likelihood on held-out labels."""
    classes = logits.shape[1]

    def at(temperature: float) -> UniformFit:
        label_p = label_probability(logits, given, temperature)
        diagonal = best_diagonal(label_p, classes, low, high)
        likelihood = uniform_likelihood(label_p, diagonal, classes)
        return UniformFit(diagonal, float(temperature), float(np.log(likelihood).mean()))

    found = [at(temperature) for temperature in TEMPERATURES]
    step = TEMPERATURES[1] / TEMPERATURES[0]
    for _ in range(3):
        step **= 0.5
        best = max(found, key=lambda fit: fit.mean_log_likelihood)
        found = [best, at(best.temperature * step), at(best.temperature / step)]
    return max(found, key=lambda fit: fit.mean_log_likelihood)


def label_probability(logits: np.ndarray, given: np.ndarray, temperature: float) -> np.ndarray:
    """p(true class = given label | image) (n,) float64 from logits (n, K) at a temperature."""
    return np.exp(log_softmax(logits, temperature)[np.arange(len(given)), given].astype(np.float64))


def uniform_likelihood(label_p: np.ndarray, diagonal: float, classes: int) -> np.ndarray:
    """p(given | image) (n,) under a uniform T, from p(true class = given label | image)
    `label_p` (n,).
    """
    return np.maximum(diagonal * label_p + (1 - diagonal) / (classes - 1) * (1 - label_p), FLOOR)


def diagonal_interval(
    logits: np.ndarray,
    given: np.ndarray,
    diagonal: float,
    temperatures: tuple[float, ...],
    drop: float = CONFIG.interval_drop,
) -> tuple[float, float]:
    """Profile-likelihood interval of a uniform T's diagonal: where the log-likelihood, at the best
    of the `temperatures`, is within `drop` of its maximum, which is at `diagonal`. A `drop` of 1.92
    gives 95%: half of that quantile of chi-squared with one degree of freedom (Wilks 1938).
    """
    classes = logits.shape[1]
    label_ps = [label_probability(logits, given, temperature) for temperature in temperatures]

    def likelihood(value: float) -> float:
        return max(float(np.log(uniform_likelihood(p, value, classes)).sum()) for p in label_ps)

    top = likelihood(diagonal)

    def edge(end: float) -> float:
        inside, outside = diagonal, end
        if likelihood(end) >= top - drop:
            return end
        for _ in range(20):
            middle = (inside + outside) / 2
            inside, outside = (
                (middle, outside) if likelihood(middle) >= top - drop else (inside, middle)
            )
        return outside

    return edge(0.0), edge(1.0)


def best_diagonal(label_p: np.ndarray, classes: int, low: float = 0.0, high: float = 1.0) -> float:
    """The diagonal in low..high of the highest likelihood, from p(true class = given label | image)
    `label_p` (n,).

    The log-likelihood is concave in the diagonal, so the zero of its derivative is bisected.
    """

    def slope(diagonal: float) -> float:
        rest = (1 - label_p) / (classes - 1)
        likelihood = np.maximum(diagonal * label_p + (1 - diagonal) * rest, FLOOR)
        return float(((label_p - rest) / likelihood).sum())

    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def fit_temperature(logits: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> float:
    """The temperature, of TEMPERATURES, at which the given labels are likeliest under T."""
    return float(
        max(
            TEMPERATURES, key=lambda t: log_likelihood(log_softmax(logits, t), matrix, given).mean()
        )
    )


def fit_transition(
    log_p: np.ndarray,
    given: np.ndarray,
    start: np.ndarray,
    steps: int = CONFIG.em_steps,
    strength: float = CONFIG.em_strength,
) -> np.ndarray:
    """T (K, K) by expectation-maximisation (Dempster et al. 1977) from `start`, with predictions
    held fixed.

    E: each image's posterior over true classes. M: T's rows are the mean posterior weight that goes
    with each given label. A Dirichlet prior of `strength` pseudo-counts a row, in the proportions
    of `start`, keeps the rows of classes with few images near where they began.
    """
    matrix = start.copy()
    classes = len(start)
    for _ in range(steps):
        weights = np.exp(log_posterior(log_p, matrix, given))
        counts = np.zeros_like(matrix)
        for label in range(classes):
            counts[:, label] = weights[given == label].sum(0)
        new = counts + strength * start
        new /= new.sum(1, keepdims=True)
        change = np.abs(new - matrix).max()
        matrix = new
        if change < CONFIG.em_change:
            break
    return matrix


def most_confident(logits: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Predicted class (N,), and whether an image is among the most confident `share` of its
    predicted class (N,) bool, by the margin between the largest and second-largest logit. The given
    label plays no part.
    """
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


def confident_counts(logits: np.ndarray, given: np.ndarray) -> np.ndarray:
    """`label_counts` (K, K) of the more confident half of each predicted class
    (`NoiseConfig.confident_share`), from held-out logits (N, K). Close to the confident joint of
    Northcutt et al. 2021 (arXiv 1911.00068), with a quantile in place of a threshold.
    """
    predicted, confident = most_confident(logits, CONFIG.confident_share)
    return label_counts(predicted, given, confident, logits.shape[1])


def transition_of_counts(
    counts: np.ndarray, diagonal: float, strength: float = CONFIG.counts_strength
) -> np.ndarray:
    """T (K, K) whose rows are the shares of given labels in `counts` (K, K), smoothed by `strength`
    pseudo-counts of the uniform T with this `diagonal`.
    """
    smoothed = counts + strength * uniform_transition(len(counts), diagonal)
    return smoothed / smoothed.sum(1, keepdims=True)
