"""Figures computed from labels and predictions. numpy only; contracts on arrays.

labels (n,) int in 0..K-1; probabilities (n, K) in 0..1, rows summing to 1; every rate is a fraction
in 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.files.documents import ClassFigures, Report

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.994, 0.995)


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) → (n, K) probabilities."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of rows whose largest probability is the label's."""
    return float((probabilities.argmax(1) == labels).mean()) if len(labels) else math.nan


def top_k(labels: np.ndarray, probabilities: np.ndarray, k: int = 3) -> float:
    """Share of rows whose label is among the k most probable."""
    if not len(labels):
        return math.nan
    k = min(k, probabilities.shape[1])
    best = np.argpartition(-probabilities, k - 1, axis=1)[:, :k]
    return float((best == labels[:, None]).any(1).mean())


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean −log p of the label, in nats."""
    if not len(labels):
        return math.nan
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)).mean())


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64 counts: row the true class, column the predicted one."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )


def precision_recall(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per class, from a confusion matrix (K, K): precision (K,) and recall (K,); nan where nothing
    was predicted or there is no image.
    """
    right = np.diag(matrix).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / matrix.sum(0), right / matrix.sum(1)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599): mean |confidence − accuracy|
    over bins, weighted by size.
    """
    if not len(labels):
        return math.nan
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    size = np.bincount(which, minlength=bins)
    gap = np.abs(np.bincount(which, confidence, bins) - np.bincount(which, right, bins))
    return float(gap[size > 0].sum() / len(labels))


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """The T > 0 for which softmax(logits / T) has the least log loss on held-out images (Guo et al.
    2017), by golden section over log T.
    """
    if len(labels) < 20:
        return 1.0
    low, high, ratio = math.log(0.2), math.log(5.0), (math.sqrt(5) - 1) / 2

    def loss(log_t: float) -> float:
        return log_loss(labels, softmax(logits / math.exp(log_t)))

    a, b = high - ratio * (high - low), low + ratio * (high - low)
    loss_a, loss_b = loss(a), loss(b)
    for _ in range(30):
        if loss_a < loss_b:
            high, b, loss_b = b, a, loss_a
            a = high - ratio * (high - low)
            loss_a = loss(a)
        else:
            low, a, loss_a = a, b, loss_b
            b = low + ratio * (high - low)
            loss_b = loss(b)
    return math.exp((low + high) / 2)


def wilson_interval(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Confidence interval of a share `right`/`n` (Wilson 1927); 95% at z = 1.96."""
    if not n:
        return 0.0, 1.0
    p, square = right / n, z * z / n
    centre = (p + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(p * (1 - p) / n + square / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def first_reached(epochs: Sequence[Mapping[str, Any]], key: str, of: str) -> dict[str, float]:
    """For each threshold of validation accuracy that was reached: the `key` ('epoch' or 'seconds')
    at which it first was.
    """
    out = {}
    for threshold in THRESHOLDS:
        for row in epochs:
            if row.get(of) is not None and row[of] >= threshold:
                out[f"{threshold:g}"] = row[key]
                break
    return out


def images_per_second(epochs: Sequence[Mapping[str, Any]]) -> float | None:
    """Training images a second over a whole training, from its epoch rows: all images seen by all its
    seconds, validation included. One epoch's speed is that of the machine's load at that time.
    """
    last = epochs[-1] if epochs else {}
    seen, seconds = last.get("images_seen"), last.get("seconds")
    return seen / seconds if seen and seconds else None


def report(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Report:
    """Everything said of one model on one split: accuracy, top3, n, loss, ece, confusion,
    per_class.
    """
    matrix = confusion(labels, probabilities.argmax(1), len(classes))
    precision, recall = precision_recall(matrix)
    per_class: list[ClassFigures] = [
        {
            "class": name,
            "precision": _number(precision[i]),
            "recall": _number(recall[i]),
            "n": int(matrix[i].sum()),
        }
        for i, name in enumerate(classes)
    ]
    return {
        "accuracy": accuracy(labels, probabilities),
        "top3": top_k(labels, probabilities, 3),
        "n": len(labels),
        "loss": log_loss(labels, probabilities),
        "ece": calibration_error(labels, probabilities),
        "confusion": matrix.tolist(),
        "per_class": per_class,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
