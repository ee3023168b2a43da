"""What clear images (`separability`) count: labels that are wrong, T, and the groups that they form. numpy
only.
"""

from __future__ import annotations

import numpy as np

from engine.noise.config import NoiseConfig
from engine.noise.findings import SAMPLES, Group
from engine.noise.separability import Separability
from engine.noise.transition import transition_of_counts

GROUPS_SHOWN, PAIRS_NAMED = 12, 5
GROUP_LEAST = 5  # images that a person needs to see what they have in common


def unexplained_counts(shown: Separability) -> np.ndarray:
    """Counts (K, K) int64 on clear images: right ones, and those that looking alike does not explain."""
    return np.rint(shown.unexplained).astype(np.int64) + np.diag(np.diag(shown.counts)).astype(
        np.int64
    )


def wrong_counts(shown: Separability) -> np.ndarray:
    """Counts (K, K) int64 on clear images, without the labels of classes that look alike."""
    return np.where(shown.alike, 0, shown.counts).astype(np.int64)


def clear_matrix(otherwise: np.ndarray, shown: Separability, config: NoiseConfig) -> np.ndarray:
    """T (K, K) counted on clear images; `otherwise` (K, K) for classes of which few are clear."""
    counts = wrong_counts(shown)
    matrix = transition_of_counts(counts, float(np.trace(counts) / max(counts.sum(), 1)))
    few = counts.sum(1) < config.counted_images
    matrix[few] = otherwise[few]
    return matrix


def differing_most(shown: Separability) -> tuple[tuple[int, int, float], ...]:
    images = np.maximum(shown.counts.sum(1), 1)
    at = np.argsort(-shown.unexplained, axis=None)[:PAIRS_NAMED]
    pairs = [np.unravel_index(place, shown.unexplained.shape) for place in at]
    return tuple(
        (int(a), int(b), float(shown.counts[a, b] / images[a]))
        for a, b in pairs
        if shown.unexplained[a, b] >= 2
    )


def clear_groups(shown: Separability, given: np.ndarray) -> tuple[Group, ...]:
    """The groups that images are predicted to form, largest first; of fewer than GROUP_LEAST there is none."""
    sizes = np.bincount(shown.predicted, minlength=len(shown.counts))
    out = []
    for number in np.argsort(-sizes, kind="stable")[:GROUPS_SHOWN]:
        own = np.flatnonzero((shown.predicted == number) & shown.clear)
        own = own if len(own) >= SAMPLES else np.flatnonzero(shown.predicted == number)
        if len(own) >= GROUP_LEAST:
            out.append(Group.of(own, given, SAMPLES))
    return tuple(out)


def figures_of(shown: Separability) -> dict[str, float]:
    return {
        "images": float(shown.clear.sum()),
        "share": shown.clear_share,
        "differ": shown.clear_disagreement,
        "unexplained": shown.unexplained_share,
    }
