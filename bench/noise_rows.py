"""What the diagnoses of drawn noise are judged by, and the data sets on which it is drawn."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from engine.data.imageset import ImageSet
from engine.noise.findings import Findings
from engine.noise.noise_family import FAMILY

FEW = 0.05  # share of wrong labels below which they are a few errors, whatever their pattern
ALPHABET = "Japanese (katakana)"


def data_set(name: str) -> ImageSet:
    """A data set of the lab in the size and style of the pipeline, or a part of one: 'emnist-digits' and
    'emnist-letters' (26 classes, capital and small letters in one) of the images of emnist62; 'katakana',
    one alphabet of Omniglot.
    """
    from engine.lab import Lab

    def of_lab(whole: str) -> ImageSet:
        return Lab.open(os.environ).noise.data(whole)

    if name == "emnist-digits":
        data = of_lab("emnist62")
        return part(data, [c if c.isdigit() else "" for c in data.classes])
    if name == "emnist-letters":
        data = of_lab("emnist62")
        return part(data, [c.upper() if c.isalpha() else "" for c in data.classes])
    if name == "katakana":
        data = of_lab("omniglot")
        return part(data, [c if c.startswith(ALPHABET) else "" for c in data.classes])
    return of_lab(name)


def part(data: ImageSet, names: list[str]) -> ImageSet:
    """The images of the classes that have a name among `names` (K,); classes of one name are one."""
    classes = tuple(sorted(set(names) - {""}))
    number = np.array([classes.index(name) if name else -1 for name in names])
    labels = np.where(data.labels >= 0, number[data.labels], -1)
    kept = np.flatnonzero(labels >= 0)
    place = np.full(len(labels), -1)
    place[kept] = np.arange(len(kept))
    return replace(
        data,
        images=data.images[kept],
        labels=labels[kept],
        classes=classes,
        files=[data.files[int(i)] for i in kept],
        splits={name: place[rows][place[rows] >= 0] for name, rows in data.splits.items()},
        sources=None,
    )


def verdict(found: Findings, kind: str, rate: float) -> str:
    """'right', 'undecided' or 'WRONG', by the regimes that describe a kind of noise with a share of wrong
    labels; of some, but less than one in twenty, 'few errors' is right whatever the kind.
    """
    if found.regime == "undecided":
        return "undecided"
    few = found.regime == "few errors" and 0 < rate < FEW
    return "right" if few or found.regime in FAMILY[kind].regimes else "WRONG"


def holds(low: float, rate: float, high: float) -> bool:
    """Whether an interval holds the true rate, to one label in a thousand."""
    return low - 1e-3 <= rate <= high + 1e-3


def average_precision(suspicion: np.ndarray, wrong: np.ndarray) -> float:
    """Mean share of wrong labels among those up to each wrong one, most suspect first; nan if none
    is wrong. suspicion (N,): larger is more suspect; wrong (N,) bool.
    """
    ordered = wrong[np.argsort(-suspicion, kind="stable")]
    if not ordered.any():
        return float("nan")
    return float((ordered.cumsum() / np.arange(1, len(ordered) + 1))[ordered].mean())


def cleanlab_quality(images: np.ndarray, given: np.ndarray) -> np.ndarray:
    """cleanlab's label quality (N,) from logistic regression on pixels, cross-validated: what takes
    as little to set up.
    """
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    present, labels = np.unique(given, return_inverse=True)
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    model = LogisticRegression(C=0.05, max_iter=100)
    p = np.asarray(cross_val_predict(model, pixels, labels, cv=3, method="predict_proba"))
    assert p.shape[1] == len(present)
    return get_label_quality_scores(labels, p)
