"""From out-of-sample predictions and given labels to a diagnosis: the regime, the noise rate with
an interval, and T. numpy only.

The regimes (`findings.REGIMES`) differ in how a held-out label relates to the predicted class of a
confidently predicted image:

clean             it is the predicted class
few errors        it is, but for a few images
symmetric         it is for a fixed share of images, and any other class for the rest
class-dependent   it is for a fixed share of images, and for the rest one of certain other classes
complementary     it is any class but the predicted one
independent       its frequencies do not depend on the predicted class
"""

from __future__ import annotations

import math

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.ambiguous_classes import (
    ambiguous_pairs,
    coincidence,
    moved_to_diagonal,
    without_most_frequent,
)
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import UNDECIDED, Findings
from engine.noise.hypotheses import CLASS_DEPENDENT, COMPLEMENTARY, SYMMETRIC, Hypothesis
from engine.noise.transition import (
    TEMPERATURES,
    UniformFit,
    best_diagonal,
    confident_counts,
    diagonal_interval,
    fit_temperature,
    fit_transition,
    fit_uniform,
    label_counts,
    label_probability,
    log_softmax,
    noise_rate,
    uniform_transition,
)


def estimate_noise(
    logits: np.ndarray,
    given: np.ndarray,
    hypothesis: Hypothesis | None,
    config: NoiseConfig = CONFIG,
) -> Findings:
    """The diagnosis from out-of-sample logits (N, K) of networks trained under `hypothesis`; None:
    no hypothesis was accepted.
    """
    if hypothesis is None:
        return _independent(logits, given, config)
    if hypothesis.name == CLASS_DEPENDENT:
        return _class_dependent(logits, given, hypothesis, config)
    return {SYMMETRIC: _symmetric, COMPLEMENTARY: _complementary}[hypothesis.name](
        logits, given, config
    )


def _symmetric(logits: np.ndarray, given: np.ndarray, config: NoiseConfig) -> Findings:
    """Labels that name the class: clean, few errors or symmetric, by the rate among confident images.

    Clean is a rate whose interval reaches 0; or allows for less than one wrong label, where the rate is
    below `unexplained_share`; or one that can't be told from the networks' own errors, a small share of
    their uncertainty: one minus the mean probability of the predicted class.
    """
    fitted = fit_uniform(logits, given, 1 / logits.shape[1], 1.0)
    diagonal, low, high = _confident_diagonal(logits, given, fitted, config)
    rate = 1 - diagonal
    uncertainty = 1 - float(np.exp(log_softmax(logits, fitted.temperature).max(1)).mean())
    least = max(config.clean_rate, config.clean_rate_of_uncertainty * uncertainty)
    none = (1 - high) * len(given) < 1 and rate < config.unexplained_share
    if high >= 1 or none or rate < least:
        regime = "clean"
    else:
        regime = "few errors" if rate < config.few_errors_rate else "symmetric"
    return _uniform(regime, logits, given, fitted.temperature, (diagonal, low, high), config)


def _complementary(logits: np.ndarray, given: np.ndarray, config: NoiseConfig) -> Findings:
    """Labels that name a class the image does not belong to; the diagonal is the share of those that
    name the class all the same.
    """
    fitted = fit_uniform(logits, given, 0.0, 1 / logits.shape[1])
    diagonal, low, high = _confident_diagonal(logits, given, fitted, config)
    # A network that errs agrees with one label in K - 1 by chance. How often it errs its own confidence
    # says only where it was not sharpened to fit these labels.
    confidence = np.exp(log_softmax(logits, max(fitted.temperature, 1.0)).max(1))
    if confidence[confidence >= np.median(confidence)].mean() <= config.certain_confidence:
        low = 0.0
    interval = (diagonal, low, high)
    return _uniform("complementary", logits, given, fitted.temperature, interval, config)


def _uniform(
    regime: str,
    logits: np.ndarray,
    given: np.ndarray,
    temperature: float,
    interval: tuple[float, float, float],
    config: NoiseConfig,
) -> Findings:
    """Findings where noise is uniform, as far as the hypothesis goes; interval: the diagonal, with the
    ends of its interval. T is fitted by EM on all images and need not have this diagonal: the rate is
    that among the most confident images, where the networks err least.
    """
    (diagonal, low, high), count = interval, logits.shape[1]
    log_p = log_softmax(logits, temperature)
    uniform = uniform_transition(count, diagonal)
    matrix = fit_transition(log_p, given, uniform, strength=count)
    ambiguous: tuple[tuple[int, int, float], ...] = ()
    if regime != "complementary":
        pairs = ambiguous_pairs(confident_counts(logits, given), config)
        ambiguous = _named(logits, given, pairs, (1 - diagonal) / (count - 1), config)
        for a in {*np.flatnonzero(pairs.any(1)), *(a for a, _, _ in ambiguous)}:
            # Whether images or labels are confused can't be told; the uniform row claims less.
            matrix[a] = uniform[a]
    return Findings(
        regime=regime,
        rate=1 - diagonal,
        rate_low=1 - high,
        rate_high=1 - low,
        matrix=matrix,
        prior=_prior(log_p),
        temperature=temperature,
        ambiguous=ambiguous,
        figures=_figures(logits, given, config),
    )


def _named(
    logits: np.ndarray, given: np.ndarray, pairs: np.ndarray, by_noise: float, config: NoiseConfig
) -> tuple[tuple[int, int, float], ...]:
    """(class, class, share) of the ambiguous pairs to report: those of `pairs` (K, K) bool, and any
    whose labels are confused in a large share beyond what noise adds, `by_noise`.
    """
    counts = label_counts(logits.argmax(1), given, np.ones(len(given), bool), len(pairs))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1) - by_noise
    np.fill_diagonal(shares, 0)
    often = (shares > config.ambiguous_share) & (counts.sum(1, keepdims=True) >= 10)
    named = often | pairs & (shares > config.ambiguous_share_of_pattern)
    return tuple((int(a), int(b), float(shares[a, b])) for a, b in np.argwhere(named))


def _class_dependent(
    logits: np.ndarray, given: np.ndarray, hypothesis: Hypothesis, config: NoiseConfig
) -> Findings:
    """Labels of which wrong ones depend on the class: T by EM from the counted one, ambiguous pairs
    counted as right but for the most frequent wrong label of each class. The interval of the rate is
    Wilson's for as many images as the confident half, widened to the disagreement counted on it.
    """
    temperature = fit_temperature(logits, hypothesis.matrix, given)
    log_p = log_softmax(logits, temperature)
    counts = confident_counts(logits, given)
    pairs = without_most_frequent(counts, ambiguous_pairs(counts, config))
    matrix = moved_to_diagonal(fit_transition(log_p, given, hypothesis.matrix), pairs)
    prior = _prior(log_p)
    rate = noise_rate(matrix, prior)
    figures = _figures(logits, given, config)
    confident = int(figures["confident"])
    low, high = wilson_interval(round(rate * confident), confident)
    # Where predictions are certain, counting agrees with T; where not, both are possible.
    counted = 1 - figures["confident_agreement"]
    ambiguous = _named(logits, given, pairs, 0.0, config) if pairs.any() else ()
    return Findings(
        regime="class-dependent",
        rate=rate,
        rate_low=min(low, counted),
        rate_high=max(high, counted),
        matrix=matrix,
        prior=prior,
        temperature=temperature,
        ambiguous=tuple(pair for pair in ambiguous if pairs[pair[:2]]),
        figures=figures,
    )


def _independent(logits: np.ndarray, given: np.ndarray, config: NoiseConfig) -> Findings:
    """Labels that no network predicts: if they were drawn at random by their frequencies f, the rate is
    1 - sum of f squared. The interval reaches from the likeliest symmetric noise's lower end up to 1.
    """
    count = logits.shape[1]
    shares = np.bincount(given, minlength=count) / len(given)
    symmetric = fit_uniform(logits, given, 1 / count, 1.0)
    rate = 1 - float((shares**2).sum())
    low = 1 - diagonal_interval(logits, given, symmetric.diagonal, TEMPERATURES)[1]
    told = _would_show_complementary(shares, len(given), config)
    return Findings(
        regime="independent" if told else UNDECIDED,
        rate=rate,
        rate_low=min(rate, low),
        rate_high=1.0,
        matrix=np.tile(shares, (count, 1)),
        prior=shares,
        temperature=symmetric.temperature,
        figures=_figures(logits, given, config),
        because=""
        if told
        else (
            f"no label can be predicted from its image; labels may be independent of the images, or each may"
            f" name a class that its image does not belong to, which {len(given):,} labels of"
            f" {(shares > 0).sum()} classes are too few to show"
        ),
    )


def _would_show_complementary(shares: np.ndarray, labels: int, config: NoiseConfig) -> bool:
    """Whether so many complementary labels, of classes with these shares (K,), say enough to be told from
    labels that are independent of the images: each carries log(K / (K-1)) nats, and which name belongs
    to which of K groups of images takes log(K!). Networks find a part of it only.
    """
    count = int((shares > 0).sum())
    if count < 3:  # of two classes a label that excludes one names the other
        return True
    says = labels * np.log(count / (count - 1))
    needed = math.lgamma(count + 1) + config.significant_nats
    return bool(says > config.complementary_shown * needed)


def _confident_diagonal(
    logits: np.ndarray, given: np.ndarray, fitted: UniformFit, config: NoiseConfig
) -> tuple[float, float, float]:
    """Share of correct labels among the most confidently predicted images, with its interval.

    Class-conditional noise is as frequent among them as elsewhere, and the network's own errors are
    rarest there. The largest portion of images is taken of which the network is nearly certain, by
    the largest probability over all classes together. Where it is certain of none, the estimate is
    that of the most confident half; it depends on the temperature, and the interval allows for all
    temperatures. Where there are few errors, all images count, at any temperature.
    """
    classes, temperature = logits.shape[1], fitted.temperature
    confidence = log_softmax(logits, temperature).max(1)
    errors, agreement = (1 - fitted.diagonal) * len(given), (logits.argmax(1) == given).mean()
    if errors < config.few_errors_count and agreement > config.few_errors_agreement:
        return fitted.diagonal, *diagonal_interval(logits, given, fitted.diagonal, TEMPERATURES)
    for portion in config.confident_portions:
        chosen = confidence >= np.quantile(confidence, 1 - portion)
        certain = np.exp(confidence[chosen]).mean() > config.certain_confidence
        if certain and chosen.sum() >= config.certain_images:
            break
    else:
        chosen = confidence >= np.median(confidence)
    label_p = label_probability(logits[chosen], given[chosen], temperature)
    diagonal = best_diagonal(label_p, classes)
    low, high = diagonal_interval(logits[chosen], given[chosen], diagonal, (temperature,))
    if np.exp(confidence[chosen]).mean() <= config.certain_confidence:
        wide = diagonal_interval(logits, given, fitted.diagonal, TEMPERATURES)
        low, high = min(low, wide[0]), max(high, wide[1])
    return diagonal, low, high


def _prior(log_p: np.ndarray) -> np.ndarray:
    return np.exp(log_p).mean(0).astype(float)


def _figures(logits: np.ndarray, given: np.ndarray, config: NoiseConfig) -> dict[str, float]:
    counts = confident_counts(logits, given)
    total = max(int(counts.sum()), 1)
    return {
        "confident": total,
        "confident_agreement": float(np.trace(counts) / total),
        "agreement": float((logits.argmax(1) == given).mean()),
        "coincidence": coincidence(moved_to_diagonal(counts, ambiguous_pairs(counts, config))),
    }
