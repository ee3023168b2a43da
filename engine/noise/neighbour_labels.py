"""What the labels of the images around an image say of it: where a label only rules one class out,
a dozen of them rule out most.
"""

from __future__ import annotations

import numpy as np

from engine.noise.transition import log_likelihood

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def vicinity(matrix: np.ndarray, given: np.ndarray, near: np.ndarray, share: float) -> np.ndarray:
    """Log-evidence (n, K) for each class of each image from the given labels (n,) of its
    neighbours, positions `near` (n, k).

    A neighbour is taken to be of the image's own class with probability `share`, and otherwise of
    any; its label then follows from T (K, K). The image's own label takes no part.
    """
    classes = len(matrix)
    usual = np.bincount(given, minlength=classes) / len(given)
    said = (
        np.log(np.maximum(share * matrix + (1 - share) * usual, 1e-12)).astype(np.float32).T
    )  # (given, true)
    evidence = np.zeros((len(given), classes), np.float32)
    for column in near.T:
        evidence += said[given[column]]
    return evidence


def fit_share(log_p: np.ndarray, matrix: np.ndarray, given: np.ndarray, near: np.ndarray) -> float:
    """The share under which the images' own labels (n,) are the likeliest; 0, where neighbours say
    nothing, among the choices.

    log_p (n, K): log-probabilities by networks that have not seen an image's own label, which is
    what makes it a fair judge.
    """
    fits = [_fit(log_p + vicinity(matrix, given, near, share), matrix, given) for share in SHARES]
    return SHARES[int(np.argmax(fits))]


def _fit(joint: np.ndarray, matrix: np.ndarray, given: np.ndarray) -> float:
    joint = joint - joint.max(1, keepdims=True)
    joint -= np.log(np.exp(joint).sum(1, keepdims=True))
    return float(log_likelihood(joint, matrix, given).mean())
