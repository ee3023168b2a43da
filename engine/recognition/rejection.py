"""Whether a drawing is one of a model's classes at all: a kernel classifier between the embeddings of
the model's own images and those of outliers, and the distance to the training images, together.

Distances to the training images alone (`engine/recognition/typicality.py`) reject what is far from
all of them. Foreign characters are not far: a network trained on letters embeds a letter of another
script among its own. What helps is to have seen drawings of nothing (Hendrycks, Mazeika & Dietterich
2019, "Deep anomaly detection with outlier exposure"), and to measure distance by how images of one
class differ (the covariance within classes: Lee et al. 2018, "A simple unified framework for
detecting out-of-distribution samples"). Here both: regularised least squares with a Gaussian kernel
(Rifkin, Yeo & Poggio 2003) on whitened embeddings, own images 1 and outliers −1, solved on a subset
of the images (Nyström: Williams & Seeger 2001). It is fitted beside the finished model, whose weights
stay as they are. It knows foreign drawings of the kinds that it was fitted to, and names others that
are far from everything; distance knows nothing of kinds and takes what lies close by for its own. What
either rejects is rejected, both at the same share of held-out own drawings, so that 95%
of these are accepted.

The kernel's width and the ridge were chosen among two or three by Omniglot's Balinese, Early Aramaic
and Korean, which no figure of `bench/foreign.py` is of: kernels on embeddings that were not
whitened, on the blurred form or on the feature map before the embedding did no better, nor did the
mean distance to the nearest images in whitened or plain embeddings, Mahalanobis distances to the class
means, residuals (ViM: Wang et al. 2022), agreement of the neighbours, or a logistic regression on all
of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

CENTRES = 1000  # own images, and as many outliers, at which kernels stand
SHARPNESS = 3.0  # of the kernel: exp(−SHARPNESS · squared distance / its median)
RIDGE = 1e-4
SHRINKAGE = 0.05  # of the covariance towards a multiple of the identity (Ledoit & Wolf 2004)
ACCEPTED = 0.95  # share of held-out own drawings


class Rejection(NamedTuple):
    """A fitted classifier. whitener (D, D), centres (M, D) of whitened embeddings, weights (M,): all
    float32; sharpness: by which squared distances are multiplied; least_score, least_typicality: from
    which on a drawing is taken for one of the model's classes.
    """

    whitener: np.ndarray
    centres: np.ndarray
    weights: np.ndarray
    sharpness: float
    least_score: float = -np.inf
    least_typicality: float = -np.inf

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings (n, D) float32, L2-normalised → (n,) float64, about 1 for the model's own
        images and −1 for outliers.
        """
        likeness = kernel(embeddings @ self.whitener, self.centres, self.sharpness)
        return (likeness @ self.weights).astype(np.float64)

    def accepts(self, embedding: np.ndarray, typicality: float) -> bool:
        """Whether a drawing of an embedding (D,) and a typicality (-1..1, `typicality_of`) may be named
        without a doubt.
        """
        near = typicality >= self.least_typicality
        return near and bool(self.scores(embedding[None])[0] >= self.least_score)

    def with_limits(self, embeddings: np.ndarray, typicality: np.ndarray) -> Rejection:
        """This, with limits by n held-out drawings of the model's classes: their embeddings (n, D) and
        typicality (n,).
        """
        score, near = limits(self.scores(embeddings), typicality)
        return self._replace(least_score=score, least_typicality=near)


def arrays_of(rejection: Rejection) -> dict[str, np.ndarray]:
    """The arrays of a file by which `rejection_in` finds it again; whitened centres are of order one."""
    numbers = np.array(rejection[3:], np.float64)
    return {
        "rejection_whitener": rejection.whitener,
        "rejection_centres": rejection.centres.astype(np.float16),
        "rejection_weights": rejection.weights,
        "rejection_numbers": numbers,
    }


def rejection_in(file: Mapping[str, Any]) -> Rejection | None:
    """The rejection in a file's arrays; None if there is none."""
    if "rejection_numbers" not in file:
        return None
    return Rejection(
        file["rejection_whitener"],
        file["rejection_centres"].astype(np.float32),
        file["rejection_weights"],
        *map(float, file["rejection_numbers"]),
    )


def fit(
    own: np.ndarray, labels: np.ndarray, outliers: np.ndarray, rng: np.random.Generator
) -> Rejection:
    """A classifier whose limit is not set: every drawing is accepted. own (n, D) and outliers (m, D):
    L2-normalised embeddings; labels (n,) of `own`, of any kind.
    """
    whitener = _whitener(own, labels)
    own, outliers = own @ whitener, outliers @ whitener
    parts = [_some(own, rng), _some(outliers, rng)]
    centres = np.concatenate(parts)
    asked = np.concatenate([own, outliers])
    sharpness = SHARPNESS / float(np.median(_squared(asked[::7], centres[::3])))
    target = np.concatenate([np.ones(len(own)), -np.ones(len(outliers))])
    weight = np.concatenate([np.full(len(part), 0.5 / len(part)) for part in (own, outliers)])
    found = kernel(asked, centres, sharpness).astype(np.float64)
    among = kernel(centres, centres, sharpness).astype(np.float64)
    weighted = found * weight[:, None]
    system = weighted.T @ found + RIDGE * among + 1e-8 * np.eye(len(centres))
    weights = np.linalg.solve(system, weighted.T @ target)
    return Rejection(whitener, centres.astype(np.float32), weights.astype(np.float32), sharpness)


def limits(scores: np.ndarray, typicality: np.ndarray) -> tuple[float, float]:
    """The score and the typicality from which on drawings are accepted: the same quantile of both, and
    such that ACCEPTED of held-out drawings of the model's classes reach both. scores, typicality: (n,)
    of them.
    """
    ranks = [np.searchsorted(np.sort(one), one, "right") / len(one) for one in (scores, typicality)]
    share = float(np.quantile(np.minimum(*ranks), 1 - ACCEPTED))
    return float(np.quantile(scores, share)), float(np.quantile(typicality, share))


def kernel(asked: np.ndarray, centres: np.ndarray, sharpness: float) -> np.ndarray:
    """Gaussian kernel (n, M) float32, 0..1, between whitened embeddings (n, D) and (M, D)."""
    return np.exp(-sharpness * _squared(asked, centres)).astype(np.float32)


def _squared(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    lengths = np.square(first).sum(1)[:, None] + np.square(second).sum(1)
    return np.maximum(lengths - 2 * first @ second.T, 0)


def _whitener(embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(D, D) float32 that gives embeddings (n, D) the same spread within classes in all directions."""
    kinds, place = np.unique(labels, return_inverse=True)
    means = np.stack([embeddings[place == kind].mean(0) for kind in range(len(kinds))])
    inner = embeddings - means[place]
    covariance = inner.T @ inner / len(inner)
    size = len(covariance)
    shrunk = covariance + (SHRINKAGE * np.trace(covariance) / size + 1e-9) * np.eye(size)
    spread, directions = np.linalg.eigh(shrunk)
    return (directions / np.sqrt(size * spread)).astype(np.float32)


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows[rng.permutation(len(rows))[:CENTRES]]
