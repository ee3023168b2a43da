"""What labels are scored by: probabilities of the class from several kinds of networks, averaged, and T.
numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.descriptor_networks import own_fold
from engine.noise.findings import UNDECIDED, Findings
from engine.noise.transition import (
    FLOOR,
    best_diagonal,
    fit_temperature,
    fit_uniform,
    log_likelihood,
    log_softmax,
    uniform_likelihood,
    uniform_transition,
)

AloneAndNear = tuple[np.ndarray, np.ndarray]


def best_mixture(
    networks: Sequence[np.ndarray],
    of_labels: np.ndarray | None,
    fold: np.ndarray,
    neighbours: np.ndarray,
    given: np.ndarray,
    findings: Findings,
    config: NoiseConfig = CONFIG,
) -> np.ndarray:
    """Out-of-sample log-probabilities of the class (n, K) float32 from those of one or two kinds of
    networks, each logits (F, n, K): on pixels, and on descriptors. They are averaged with each other,
    and with those of the nearest neighbours (n, k). How much each weighs is chosen by the
    likelihood of the given labels (n,), which took no part.

    Where T is not decided, as classes look alike, networks that were trained through it are too sure of
    one of these, and what they are sure of is no evidence. There a network that predicts the label,
    `of_labels` (F, n, K), is averaged with them, and the likelihood is that under uniform noise.
    """
    if of_labels is not None and _names_only(findings):
        kinds = [
            _alone_and_near(logits, fold, neighbours, _uniform_temperature(logits, fold, given))
            for logits in (*networks, of_labels)
        ]
        return max(_mixtures(kinds, config), key=lambda log_p: _uniform_likelihood(log_p, given))
    kinds = [
        _alone_and_near(
            logits,
            fold,
            neighbours,
            fit_temperature(own_fold(logits, fold), findings.matrix, given),
        )
        for logits in networks
    ]
    return max(
        _mixtures(kinds, config),
        key=lambda log_p: float(log_likelihood(log_p, findings.matrix, given).mean()),
    )


def scoring_transition(findings: Findings, log_p: np.ndarray, given: np.ndarray) -> np.ndarray:
    """T (K, K) to score labels by, with log-probabilities of the class (n, K). For clean labels it has the
    highest rate that their interval allows: with a rate of 0 every score would be 1. Where it is not
    decided which labels are wrong, though labels name classes, it is the likeliest uniform T: the
    confusion of classes that look alike stays with the images.
    """
    classes = len(findings.prior)
    if findings.regime == "clean":
        return uniform_transition(classes, 1 - findings.rate_high)
    if _names_only(findings):
        own = np.exp(log_p[np.arange(len(given)), given].astype(np.float64))
        return uniform_transition(classes, best_diagonal(own, classes, 1 / classes, 1.0))
    return findings.matrix


def _names_only(findings: Findings) -> bool:
    """Whether it is not decided which labels are wrong, but labels name classes: some are right."""
    decides = (
        findings.rate_low > 0 and findings.rate_high >= 1
    )  # some are wrong, names are not known
    return findings.regime == UNDECIDED and not decides


def _mixtures(kinds: Sequence[AloneAndNear], config: NoiseConfig) -> Iterator[np.ndarray]:
    """Log-probabilities (n, K) of each mixture that is tried."""
    for share in config.propagation_weights:
        mixed = [(1 - share) * alone + share * near for alone, near in kinds]
        for weights in _weights(len(mixed), config):
            p = sum(weight * p for weight, p in zip(weights, mixed, strict=True) if weight)
            yield np.log(np.maximum(p, FLOOR))


def _weights(kinds: int, config: NoiseConfig) -> list[tuple[float, ...]]:
    """The weights of so many kinds of networks that are tried; the first is that on pixels, which takes
    part where there are two.
    """
    if kinds == 1:
        return [(1.0,)]
    if kinds == 2:
        return [(1 - weight, weight) for weight in config.descriptor_shares]
    steps = (0.0, *config.descriptor_shares[1:], 1.0)
    return [weights for weights in product(steps, repeat=kinds) if abs(sum(weights) - 1) < 1e-9]


def _alone_and_near(
    by_fold: np.ndarray, fold: np.ndarray, neighbours: np.ndarray, temperature: float
) -> AloneAndNear:
    """Out-of-sample probabilities (n, K) float32 from logits (F, n, K), and the mean of those of the
    nearest neighbours, by the same network.
    """
    own = own_fold(by_fold, fold).astype(np.float32)
    alone, near = np.exp(log_softmax(own, temperature)), np.empty(own.shape, np.float32)
    for number, logits in enumerate(by_fold):
        held = np.flatnonzero(fold == number)
        p = np.exp(log_softmax(logits, temperature))
        near[held] = np.mean([p[column] for column in neighbours[held].T], axis=0)
    return alone, near


def _uniform_temperature(by_fold: np.ndarray, fold: np.ndarray, given: np.ndarray) -> float:
    own = own_fold(by_fold, fold).astype(np.float32)
    return fit_uniform(own, given, 1 / own.shape[1], 1.0).temperature


def _uniform_likelihood(log_p: np.ndarray, given: np.ndarray) -> float:
    """Mean log-likelihood of the labels (n,) under the likeliest uniform T."""
    classes = log_p.shape[1]
    own = np.exp(log_p[np.arange(len(given)), given].astype(np.float64))
    diagonal = best_diagonal(own, classes, 1 / classes, 1.0)
    return float(np.log(uniform_likelihood(own, diagonal, classes)).mean())
