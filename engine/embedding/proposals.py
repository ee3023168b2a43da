"""Which images a person is asked about next: strategies of active learning on embeddings, and the linear
head that learns as labels are given.

Settles, *Active Learning Literature Survey* (2009), describes the setting. All strategies take the same
arguments and return places in the pool; `random` is what the others have to beat (`python -m bench
labelling`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.embedding.neighbours import Neighbours

NEIGHBOURS = 13
AMONG = 10  # 'both' looks for different images among so many times as many uncertain ones


class Pool(NamedTuple):
    """What a strategy knows.

    embeddings  (N, D) float32, L2-normalised, of all images
    labelled    (m,) int64, places of those that have a label
    waiting     (n,) int64, places of those that have none
    p           (n, K) float32, what the linear head predicts of those; K is 0 while there is no head
    """

    embeddings: np.ndarray
    labelled: np.ndarray
    waiting: np.ndarray
    p: np.ndarray


Strategy = Callable[[Pool, int, np.random.Generator], np.ndarray]


def random(pool: Pool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Any images."""
    return rng.permutation(pool.waiting)[:count]


def uncertainty(pool: Pool, count: int, rng: np.random.Generator) -> np.ndarray:
    """The smallest margins between the two likeliest classes (Scheffer et al. 2001); without a head,
    different images.
    """
    if pool.p.shape[1] < 2:
        return diversity(pool, count, rng)
    return pool.waiting[np.argsort(_margins(pool.p), kind="stable")[:count]]


def diversity(pool: Pool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Images far from all that have a label and from each other: the greedy core-set (Sener and
    Savarese 2018).
    """
    return pool.waiting[_spread(pool, np.arange(len(pool.waiting)), count, rng)]


def both(pool: Pool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Different images among the uncertain ones, so that ten proposals are not one ten times."""
    if pool.p.shape[1] < 2:
        return diversity(pool, count, rng)
    among = np.argsort(_margins(pool.p), kind="stable")[: AMONG * count]
    return pool.waiting[_spread(pool, among, count, rng)]


def suspicion(pool: Pool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Images whose predicted class is that of few of their neighbours: what the head makes of them is
    likely wrong. Without a head, different images.
    """
    if pool.p.shape[1] < 2:
        return diversity(pool, count, rng)
    vectors = pool.embeddings[pool.waiting]
    k = min(NEIGHBOURS, len(vectors) - 1)
    if k < 1:
        return pool.waiting[:count]
    _, near = Neighbours(vectors).search_own(k)
    predicted = pool.p.argmax(1)
    agreeing = (predicted[near] == predicted[:, None]).mean(1)
    return pool.waiting[np.lexsort((_margins(pool.p), agreeing))[:count]]


# Best first by `python -m bench labelling` (EMNIST's capitals, 200 labels): 71%, 70%, 61%, 50%; 57% at
# random. The order was chosen on those images.
STRATEGIES: dict[str, Strategy] = {
    "uncertainty": uncertainty,
    "suspicion": suspicion,
    "both": both,
    "diversity": diversity,
    "random": random,
}
WORDS: dict[str, str] = {
    "uncertainty": "most uncertain",
    "suspicion": "unlike their neighbours",
    "both": "uncertain and different from each other",
    "diversity": "most different from what has a label",
    "random": "any",
}
# What a head fitted to 50, 100 and 200 labels came to there, of 1; mean of 3 (bench/records.csv).
MEASURED: dict[str, dict[int, float]] = {
    "uncertainty": {50: 0.3973, 100: 0.5343, 200: 0.7142},
    "suspicion": {50: 0.3745, 100: 0.571, 200: 0.7017},
    "both": {50: 0.363, 100: 0.469, 200: 0.6095},
    "diversity": {50: 0.3197, 100: 0.403, 200: 0.4958},
    "random": {50: 0.3185, 100: 0.449, 200: 0.5708},
}


class Head(NamedTuple):
    """A linear classifier on embeddings. classes: K names; weights (K, D); bias (K,)."""

    classes: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
        """(n, D) → (n, K) float32."""
        logits = embeddings @ self.weights.T + self.bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def fit_head(embeddings: np.ndarray, labels: list[str]) -> Head | None:
    """Logistic regression (scikit-learn's, with its own settings) on embeddings (m, D) of images with
    `labels`; None with fewer than two classes.
    """
    if len(set(labels)) < 2:
        return None
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # That there are few labels for so many classes is what labelling begins with.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        found = LogisticRegression(max_iter=300).fit(np.asarray(embeddings, np.float64), labels)
    weights, bias = found.coef_, found.intercept_
    if len(found.classes_) == 2:  # given for the second class alone
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(
        tuple(str(name) for name in found.classes_),
        weights.astype(np.float32),
        bias.astype(np.float32),
    )


def held_out_right(embeddings: np.ndarray, labels: list[str], folds: int = 5) -> np.ndarray:
    """(m,) bool: whether a head that was fitted without an image, to the other `folds` - 1 of as many
    parts drawn by class, predicts its label. Embeddings (m, D).
    """
    names = np.array(labels)
    _, codes = np.unique(names, return_inverse=True)
    order = np.lexsort((np.random.default_rng(0).permutation(len(names)), codes))
    part = np.empty(len(names), np.int64)
    part[order] = np.arange(len(names)) % folds  # a class's images are spread over the parts
    right = np.zeros(len(names), bool)
    for held in (part == number for number in range(folds)):
        head = fit_head(embeddings[~held], names[~held].tolist())
        if head is not None and held.any():
            predicted = np.array(head.classes)[head.probabilities(embeddings[held]).argmax(1)]
            right[held] = predicted == names[held]
    return right


def _margins(p: np.ndarray) -> np.ndarray:
    top = np.partition(p, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def _spread(pool: Pool, among: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of `among` (a,), places in `waiting`, that are far from what has a label and each other."""
    vectors = np.asarray(pool.embeddings[pool.waiting[among]], np.float32)
    nearest = np.full(len(among), -np.inf, np.float32)  # similarity to the nearest that is taken
    known = np.asarray(pool.embeddings[pool.labelled], np.float32)
    for start in range(0, len(known), 512):
        nearest = np.maximum(nearest, (vectors @ known[start : start + 512].T).max(1))
    chosen: list[int] = []
    for _ in range(min(count, len(among))):
        at = int(rng.integers(len(among))) if np.isneginf(nearest).all() else int(nearest.argmin())
        chosen.append(at)
        nearest = np.maximum(nearest, vectors @ vectors[at])
        nearest[chosen] = np.inf
    return among[chosen]
