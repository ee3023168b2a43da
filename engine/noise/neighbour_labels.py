"""Evidence from the given labels of an image's nearest neighbours: one complementary label rules out
one class, and those of a dozen neighbours rule out most.
"""

from __future__ import annotations

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.transition import FLOOR, log_likelihood


def neighbour_evidence(
    matrix: np.ndarray, given: np.ndarray, neighbours: np.ndarray, share: float
) -> np.ndarray:
    """Log-likelihood ratio (n, K) float32 of each class of each image, up to a constant, from the
    given labels (n,) of its neighbours, positions `neighbours` (n, k).

    A neighbour has the image's own class with probability `share`, and otherwise a class drawn at
    random; its label then follows from T (K, K). The image's own label takes no part.
    """
    classes = len(matrix)
    frequencies = np.bincount(given, minlength=classes) / len(given)
    mixture = share * matrix + (1 - share) * frequencies
    log_p = np.log(np.maximum(mixture, FLOOR)).astype(np.float32).T  # (given, true)
    evidence = np.zeros((len(given), classes), np.float32)
    for column in neighbours.T:
        evidence += log_p[given[column]]
    return evidence


def fit_share(
    log_p: np.ndarray,
    matrix: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    config: NoiseConfig = CONFIG,
) -> float:
    """The `share` of `neighbour_evidence` under which the images' own labels (n,) are likeliest; 0,
    at which neighbours carry no evidence, is among the candidates.

    log_p (n, K): log-probabilities by networks that were not trained on an image's own label, so
    that these labels are held-out data.
    """
    shares = config.neighbour_shares
    fits = [
        _fit(log_p + neighbour_evidence(matrix, given, neighbours, share), matrix, given)
        for share in shares
    ]
    return shares[int(np.argmax(fits))]


def _fit(joint: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> float:
    joint = joint - joint.max(1, keepdims=True)
    joint -= np.log(np.exp(joint).sum(1, keepdims=True))
    return float(log_likelihood(joint, matrix, given).mean())
