"""Ways to read labels, put to the test: a label may say what an image is, or what it is not; its
errors may be even, or have a pattern.

A network is trained through each reading's transition matrix on a part of the images, and the
reading whose network better foretells the given labels of the others is the right one. If none
foretells them better than their plain frequencies do, nothing in the images has to do with the
labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.ambiguous_classes import beside_a_pattern, excused, is_pattern, look_alikes
from engine.noise.network import Even, Fixed, Patient, ask, train
from engine.noise.transition import (
    clear_counts,
    collisions,
    even,
    fit_even,
    fit_temperature,
    log_likelihood,
    log_softmax,
    transition_of_counts,
)
from engine.progress import Progress

NAMES, EXCLUDES, PATTERN = "names", "excludes", "pattern"
READS: dict[str, str] = {
    NAMES: "labels say what an image is, and wrong ones are spread evenly",
    EXCLUDES: "labels say what an image is not",
    PATTERN: "labels say what an image is, and each class is mistaken for certain others",
}
# Nats, in all, by which a reading must beat the plain frequencies. If labels had nothing to do with
# images, a predictor fixed beforehand would be ahead by g nats with a probability of at most
# exp(-g), so 8 is certainty, whatever the number of images or classes.
CERTAIN = 8.0
SUSPICIOUS = 2.5  # collisions of wrong labels from which a pattern is tried
# share of the most collisions there can be, K - 1, from which on a class is always mistaken for the
# same others
STEADY = 0.3
CLEAR = 0.85  # agreement that the clearest tenth of the images reaches where labels are not noisy


@dataclass(frozen=True)
class Reading:
    """How well one reading foretells labels that its network did not see.

    gain         nats an image above the plain frequencies of the labels; gain_error its standard
                 error
    right        share of right labels that fits best
    matrix       T (K, K) of the reading
    gains        (n,) the gain of each image
    clear_most   what share of the clearest tenth of the images has the predicted class as its
                 label, at most (95%)
    collisions   how concentrated wrong labels are, those between look-alikes left out, see
                 `transition.collisions`
    """

    name: str
    gain: float
    gain_error: float
    right: float
    matrix: np.ndarray = field(repr=False)
    gains: np.ndarray = field(repr=False)
    clear_most: float
    collisions: float

    @property
    def certain(self) -> bool:
        return float(self.gains.sum()) > CERTAIN


def through(reading: Reading | str, classes: int) -> Even | Fixed:
    """What to train through: a pattern's T as it is; otherwise half the labels right, or none, and
    on from there as the labels say.
    """
    if isinstance(reading, Reading) and reading.name == PATTERN:
        return Fixed(reading.matrix)
    name = reading if isinstance(reading, str) else reading.name
    return Even(0.5, 1 / classes, 1 - 1e-4) if name == NAMES else Even(1e-4, 1e-5, 1 / classes)


def frequencies(given: np.ndarray, classes: int) -> np.ndarray:
    """Shares (K,) of the labels. Taken from the very labels that are to be foretold, they are the
    best that can be done without images.
    """
    return np.bincount(given, minlength=classes) / len(given)


def assess(
    name: str, logits: np.ndarray, given: np.ndarray, matrix: np.ndarray | None = None
) -> Reading:
    """A reading's figures from logits (n, K) for images with `given` labels (n,) that their network
    did not see.

    matrix (K, K): T of a pattern; otherwise the best even T on the reading's side of 1/K.
    """
    classes = logits.shape[1]
    plain = frequencies(given, classes)
    if matrix is None:
        low, high = (1 / classes, 1.0) if name == NAMES else (0.0, 1 / classes)
        fitted = fit_even(logits, given, low, high)
        matrix, temperature = even(classes, fitted.right), fitted.temperature
    else:
        temperature = fit_temperature(logits, matrix, given)
    gains = log_likelihood(log_softmax(logits, temperature), matrix, given) - np.log(plain[given])
    error = float(gains.std() / np.sqrt(len(gains))) + 1e-12
    predicted, confidence = logits.argmax(1), log_softmax(logits, temperature).max(1)
    clear = confidence >= np.quantile(confidence, 0.9)
    _, clear_most = wilson_interval(int((predicted == given)[clear].sum()), int(clear.sum()))
    collided = collisions(_without_alikes(logits, given))
    return Reading(
        name,
        float(gains.mean()),
        error,
        float(np.diag(matrix).mean()),
        matrix,
        gains,
        clear_most,
        collided,
    )


def compare_readings(
    patient: Patient, index: np.ndarray, epochs: int, seed: int, progress: Progress
) -> dict[str, Reading]:
    """The readings of the labels at `index` (n,), each by one network trained on three quarters of
    the images and asked about the rest.

    A pattern is tried only if the wrong labels look as if they had one.
    """
    order = np.random.default_rng([seed, 2]).permutation(index)
    cut = len(order) // 4
    asked, learned = np.sort(order[:cut]), np.sort(order[cut:])
    given = patient.given[asked]
    out: dict[str, Reading] = {}

    def logits_through(way: Even | Fixed) -> np.ndarray:
        number = len(out)

        def tell(done: int, total: int, what: str) -> None:
            progress(number * total + done, 3 * total, what)

        model, _ = train(
            patient, learned, way, epochs, seed, tell, "trying ways to read the labels"
        )
        return ask(patient, model, asked)[0]

    for name in (NAMES, EXCLUDES):
        logits = logits_through(through(name, patient.classes))
        out[name] = assess(name, logits, given)
        if name == NAMES:
            matrix = pattern(logits, given, out[NAMES].right)
    if matrix is not None and out[NAMES].certain and out[NAMES].gain > out[EXCLUDES].gain:
        logits = logits_through(Fixed(matrix))
        found = assess(PATTERN, logits, given, matrix)
        sharper = pattern(logits, given, out[NAMES].right)
        out[PATTERN] = found if sharper is None else replace(found, matrix=sharper)
    return out


def pattern(logits: np.ndarray, given: np.ndarray, right: float) -> np.ndarray | None:
    """T (K, K) read off the clearer half of held-out images, if their wrong labels agree more than
    even noise would have them, and not only because classes look alike."""
    counts = clear_counts(logits, given)
    alike = look_alikes(counts)
    rest = excused(counts, alike)
    if collisions(rest) <= SUSPICIOUS or not is_pattern(counts, alike):
        return None
    return transition_of_counts(excused(counts, beside_a_pattern(counts, alike)), right)


def _without_alikes(logits: np.ndarray, given: np.ndarray) -> np.ndarray:
    counts = clear_counts(logits, given)
    return excused(counts, look_alikes(counts))


def better(readings: dict[str, Reading]) -> Reading | None:
    """The reading that foretells labels best, or None if none does better than their frequencies.

    A pattern has some two numbers a class to itself, read off the same labels, so it must be ahead
    by more than they could give it. A network that took the labels at their word can foretell
    patterned ones about as well, by being unsure of every image. But no data set is without a
    single clear image: if even the clearest contradict their labels, and always in the same way,
    that is a pattern, too.
    """
    best = max((readings[name] for name in (NAMES, EXCLUDES)), key=lambda reading: reading.gain)
    if not best.certain:
        return None
    if PATTERN in readings and best.name == NAMES:
        ahead = readings[PATTERN].gains - best.gains
        steady = best.collisions > max(SUSPICIOUS, STEADY * (len(best.matrix) - 1))
        if ahead.sum() > 2 * len(best.matrix) + CERTAIN or (steady and best.clear_most < CLEAR):
            return readings[PATTERN]
    return best
