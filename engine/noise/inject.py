"""Injecting label noise: correct labels are corrupted by a known noise model. numpy only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.errors import DataError, unknown


def symmetric(
    labels: np.ndarray, classes: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """A share `rate` gets another label, each of the others equally likely."""
    wrong = rng.random(len(labels)) < rate
    return np.where(wrong, (labels + rng.integers(1, classes, len(labels))) % classes, labels)


def pair_flip(
    labels: np.ndarray, classes: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """A share `rate` of every class gets the next class's label (Han et al. 2018, arXiv
    1804.06872).
    """
    return np.where(rng.random(len(labels)) < rate, (labels + 1) % classes, labels)


def rare(labels: np.ndarray, classes: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Exactly a share `rate` (at least one) gets another label: a few errors in good data."""
    chosen = rng.choice(len(labels), max(1, round(rate * len(labels))), replace=False)
    out = labels.copy()
    out[chosen] = (labels[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return out


def independent(
    labels: np.ndarray, classes: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """A share `rate` is drawn from all classes at random; at 1 labels are independent of the images."""
    drawn = rng.random(len(labels)) < rate
    return np.where(drawn, rng.integers(0, classes, len(labels)), labels)


def unchanged(
    labels: np.ndarray, classes: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """No label is changed."""
    return labels.copy()


class NoiseModel(NamedTuple):
    function: Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]
    rates: tuple[float, ...]  # those of the published comparisons
    about: str


NOISES: dict[str, NoiseModel] = {
    "clean": NoiseModel(unchanged, (0.0,), "no errors"),
    "rare": NoiseModel(
        rare, (0.01, 0.001, 0.05), "a few errors: exactly this share gets another label"
    ),
    "symmetric": NoiseModel(
        symmetric,
        (0.5, 0.2, 0.8),
        "each label is changed with this probability, to any other class alike",
    ),
    "pairs": NoiseModel(
        pair_flip, (0.4,), "each label becomes the next class's with this probability"
    ),
    "complementary": NoiseModel(
        symmetric,
        (1.0, 0.999),
        "with this probability a label names a class that the image does not belong to",
    ),
    "independent": NoiseModel(
        independent,
        (1.0,),
        "with this probability a label is drawn at random, whatever the image",
    ),
}


def add_noise(labels: np.ndarray, classes: int, kind: str, rate: float, seed: int) -> np.ndarray:
    """Labels (N,) int64 with noise of a kind in NOISES. Raises DataError for an unknown kind or a
    rate outside 0..1.
    """
    if kind not in NOISES:
        raise DataError(unknown("noise model", kind, NOISES))
    if not 0 <= rate <= 1:
        raise DataError("a noise rate is a share", expected="0 to 1", got=rate)
    if classes < 2:
        raise DataError(
            "noise needs other classes to choose from", expected="at least 2 classes", got=classes
        )
    return (
        NOISES[kind]
        .function(np.asarray(labels, np.int64), classes, rate, np.random.default_rng([seed, 4]))
        .astype(np.int64)
    )


def true_transition(true: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """The true T (K, K): shares of given labels in each true class. A class without images keeps
    its own label.
    """
    counts = (
        np.bincount(true * classes + given, minlength=classes * classes)
        .reshape(classes, classes)
        .astype(float)
    )
    empty = counts.sum(1) == 0
    counts[empty, empty] = 1
    return counts / counts.sum(1, keepdims=True)
