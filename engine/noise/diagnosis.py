"""From out-of-sample predictions and given labels to a diagnosis: the regime, the noise rate with
an interval, and T. numpy only.

The regimes differ in what a label still tells of its image. They are told apart by what held-out
labels do among clear images:

clean             they are the predicted class
few errors        all but a few are
symmetric         a fixed share is, and the rest is spread over all other classes
class-dependent   a fixed share is, and the rest falls on certain other classes
complementary     they avoid the predicted class
independent       they do as they do everywhere
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.ambiguous_classes import beside_a_pattern, excused, look_alikes
from engine.noise.hypotheses import EXCLUDES, NAMES, PATTERN, Reading
from engine.noise.transition import (
    TEMPERATURES,
    Even,
    best_right,
    clear_counts,
    collisions,
    even,
    fit_even,
    fit_temperature,
    fit_transition,
    label_counts,
    log_softmax,
    noise_rate,
    own_probability,
    right_interval,
)

REGIMES: dict[str, str] = {
    "clean": "clean: the labels are right, as far as can be told",
    "few errors": "a few errors: nearly all labels are right",
    "symmetric": "symmetric noise: a share of the labels was replaced by any other class",
    "class-dependent": "class-dependent noise: certain classes were given certain other labels",
    "complementary": "complementary labels: they say what an image is not",
    "independent": "label-independent: the labels have nothing to do with the images",
}
CLEAN_RATE = 5e-4  # below one in two thousand, errors are reported as suspects and not as a regime
# Of what the networks are unsure of, an estimate below this share can't be told from their own
# mistakes. On four draws of 12,000 EMNIST characters it was 0.2% to 1.2%, most of it EMNIST's own
# mistakes; with 0.1% of errors on top, 1.0% to 2.7%.
UNSURE_SHARE = 0.018
FEW_RATE = 0.1
SURE = 0.995  # mean confidence from which on the clearest images are taken as read
# share of a class's labels that name one other class from which on the two can't be told apart by
# their images
LOOK_ALIKE = 0.15
ALIKE = 0.05  # the same where the way in which they are mixed up already says so


@dataclass(frozen=True)
class Findings:
    """What the labels were found to be.

    regime       a name in REGIMES
    rate         estimated share of wrong labels, 0..1, with its 95% interval rate_low..rate_high
    matrix       T (K, K), rows the true class; prior (K,) the estimated shares of the true classes
    temperature  what the logits are divided by so that, through T, they foretell the given labels
                 best
    look_alike   (class, class, share) of classes whose images can't be told apart, so that T says
                 nothing of how they are confused
    figures      numbers that the evidence quotes
    """

    regime: str
    rate: float
    rate_low: float
    rate_high: float
    matrix: np.ndarray
    prior: np.ndarray
    temperature: float
    look_alike: tuple[tuple[int, int, float], ...] = ()
    figures: dict[str, float] = field(default_factory=dict)


def diagnose(logits: np.ndarray, given: np.ndarray, reading: Reading | None) -> Findings:
    """The diagnosis from held-out logits (N, K) of networks trained under `reading` (None: no
    reading foretells the labels).
    """
    if reading is None:
        return _independent(logits, given)
    return {EXCLUDES: _excludes, NAMES: _names, PATTERN: _pattern}[reading.name](
        logits, given, reading
    )


def _names(logits: np.ndarray, given: np.ndarray, reading: Reading) -> Findings:
    count = logits.shape[1]
    fitted = fit_even(logits, given, 1 / count, 1.0)
    right, low, high = _right_when_clear(logits, given, fitted)
    rate = 1 - right
    unsure = 1 - float(np.exp(log_softmax(logits, fitted.temperature).max(1)).mean())
    if high >= 1 or rate < max(CLEAN_RATE, UNSURE_SHARE * unsure):
        regime = "clean"
    else:
        regime = "few errors" if rate < FEW_RATE else "symmetric"
    return _findings(regime, logits, given, fitted.temperature, right, low, high)


def _excludes(logits: np.ndarray, given: np.ndarray, reading: Reading) -> Findings:
    fitted = fit_even(logits, given, 0.0, 1 / logits.shape[1])
    right, low, high = _right_when_clear(logits, given, fitted)
    return _findings("complementary", logits, given, fitted.temperature, right, low, high)


def _findings(
    regime: str,
    logits: np.ndarray,
    given: np.ndarray,
    temperature: float,
    right: float,
    low: float,
    high: float,
) -> Findings:
    count = logits.shape[1]
    log_p = log_softmax(logits, temperature)
    matrix = fit_transition(log_p, given, even(count, right), strength=count)
    look_alike: tuple[tuple[int, int, float], ...] = ()
    if regime != "complementary":
        alike = look_alikes(clear_counts(logits, given))
        look_alike = _ambiguous(logits, given, alike, (1 - right) / (count - 1))
        for a in {*np.flatnonzero(alike.any(1)), *(a for a, _, _ in look_alike)}:
            matrix[a] = even(count, right)[
                a
            ]  # which of the two reads of T is meant can't be told; the even one claims less
    return Findings(
        regime,
        1 - right,
        1 - high,
        1 - low,
        matrix,
        _mean(log_p),
        temperature,
        look_alike,
        _figures(logits, given),
    )


def _ambiguous(
    logits: np.ndarray, given: np.ndarray, alike: np.ndarray, by_noise: float
) -> tuple[tuple[int, int, float], ...]:
    """(class, class, share) of the pairs to name: those found alike, and those whose labels are
    mixed up this often for other reasons.
    """
    counts = label_counts(logits.argmax(1), given, np.ones(len(given), bool), len(alike))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1) - by_noise
    np.fill_diagonal(shares, 0)
    named = (shares > LOOK_ALIKE) & (counts.sum(1, keepdims=True) >= 10) | alike & (shares > ALIKE)
    return tuple((int(a), int(b), float(shares[a, b])) for a, b in np.argwhere(named))


def _pattern(logits: np.ndarray, given: np.ndarray, reading: Reading) -> Findings:
    temperature = fit_temperature(logits, reading.matrix, given)
    log_p = log_softmax(logits, temperature)
    counts = clear_counts(logits, given)
    alike = beside_a_pattern(counts, look_alikes(counts))
    matrix = excused(fit_transition(log_p, given, reading.matrix), alike)
    prior = _mean(log_p)
    rate = noise_rate(matrix, prior)
    figures = _figures(logits, given)
    low, high = wilson_interval(round(rate * figures["clear"]), int(figures["clear"]))
    among_clear = (
        1 - figures["clear_agree"]
    )  # where predictions are sure, counting says the same as T does; where not, both are allowed
    look_alike = _ambiguous(logits, given, alike, 0.0) if alike.any() else ()
    look_alike = tuple(pair for pair in look_alike if alike[pair[:2]])
    return Findings(
        "class-dependent",
        rate,
        min(low, among_clear),
        max(high, among_clear),
        matrix,
        prior,
        temperature,
        look_alike,
        figures,
    )


def _independent(logits: np.ndarray, given: np.ndarray) -> Findings:
    count = logits.shape[1]
    shares = np.bincount(given, minlength=count) / len(given)
    names = fit_even(logits, given, 1 / count, 1.0)
    rate = 1 - float((shares**2).sum())
    low = 1 - right_interval(logits, given, names.right, TEMPERATURES)[1]
    matrix = np.tile(shares, (count, 1))
    return Findings(
        "independent",
        rate,
        min(rate, low),
        1.0,
        matrix,
        shares,
        names.temperature,
        (),
        _figures(logits, given),
    )


def _right_when_clear(
    logits: np.ndarray, given: np.ndarray, fitted: Even
) -> tuple[float, float, float]:
    """Share of right labels among the clearest images, with its interval.

    Noise that does not look at images is as frequent among them as elsewhere, and there the network
    errs least. As many images as possible are taken of which it is nearly certain; where it is
    certain of none, what it is worth depends on its temperature, and the interval allows for all of
    them.
    """
    classes = logits.shape[1]
    confidence = log_softmax(logits, fitted.temperature).max(1)
    if (1 - fitted.right) * len(given) < 20 and (logits.argmax(1) == given).mean() > 0.97:
        # So few errors that half of the images may well hold none of them, and a network that
        # seldom errs itself: all images count.
        return fitted.right, *right_interval(logits, given, fitted.right, TEMPERATURES)
    for portion in (0.5, 0.25, 0.1):
        clear = confidence >= np.quantile(confidence, 1 - portion)
        if np.exp(confidence[clear]).mean() > SURE and clear.sum() >= 100:
            break
    else:
        clear = confidence >= np.median(confidence)
    right = best_right(own_probability(logits[clear], given[clear], fitted.temperature), classes)
    low, high = right_interval(logits[clear], given[clear], right, (fitted.temperature,))
    if np.exp(confidence[clear]).mean() <= SURE:
        wide = right_interval(logits, given, fitted.right, TEMPERATURES)
        low, high = min(low, wide[0]), max(high, wide[1])
    return right, low, high


def _mean(log_p: np.ndarray) -> np.ndarray:
    return np.exp(log_p).mean(0).astype(float)


def _figures(logits: np.ndarray, given: np.ndarray) -> dict[str, float]:
    counts = clear_counts(logits, given)
    predicted = logits.argmax(1)
    total = max(int(counts.sum()), 1)
    return {
        "clear": total,
        "clear_agree": float(np.trace(counts) / total),
        "agree": float((predicted == given).mean()),
        "collisions": collisions(excused(counts, look_alikes(counts))),
    }
