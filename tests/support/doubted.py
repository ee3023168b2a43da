"""Diagnoses for tests without any training: real digits with spoiled labels, and predictions made
up from the true ones.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

from engine.embedding.neighbours import Neighbours
from engine.lab import Lab
from engine.noise.diagnosis import diagnose
from engine.noise.hypotheses import EXCLUDES, NAMES, PATTERN, Reading, assess, better, pattern
from engine.noise.inject import add_noise
from engine.noise.pipeline import Examination
from engine.noise.ranking import find_suspects
from engine.noise.storage import Diagnosis, describe, keep, key_of
from engine.noise.transition import log_softmax


def made_up_logits(true: np.ndarray, classes: int, seed: int = 0, clear: float = 8.0) -> np.ndarray:
    """Logits (N, K) float32 of a good network: a margin for the true class that differs from image
    to image, and sometimes is missing.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(true), classes))
    logits[np.arange(len(true)), true] += np.maximum(rng.normal(clear, 3, len(true)), -1)
    return logits.astype(np.float32)


def readings_of(logits: np.ndarray, given: np.ndarray) -> dict[str, Reading]:
    """The readings as if networks trained through each had given the same logits."""
    out = {name: assess(name, logits, given) for name in (NAMES, EXCLUDES)}
    matrix = pattern(logits, given, out[NAMES].right)
    if matrix is not None:
        out[PATTERN] = assess(PATTERN, logits, given, matrix)
    return out


def spoiled(
    lab: Lab, noise: str, rate: float, name: str = "spoiled", count: int = 400
) -> tuple[str, np.ndarray]:
    """A data set of real digits in folders by their spoiled label, kept as an upload: its name, and
    the true labels in its order.
    """
    data = lab.dataset("digits")
    chosen = np.sort(np.random.default_rng(1).permutation(len(data))[:count])
    true = data.labels[chosen]
    given = add_noise(true, 10, noise, rate, 0)
    (lab.home / "uploads").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(lab.home / "uploads" / f"{name}.zip", "w") as archive:
        for i, label, is_ in zip(chosen, given, true, strict=True):
            out = io.BytesIO()
            Image.fromarray(data.images[i, 0]).save(out, "PNG")
            archive.writestr(f"{label}/{i:05d}-{is_}.png", out.getvalue())
    files = lab.dataset(name).files
    return name, np.array([int(file[-5]) for file in files])


def diagnosed(
    lab: Lab,
    noise: str = "complementary",
    rate: float = 0.98,
    name: str = "spoiled",
    effort: str = "full",
) -> Diagnosis:
    """A diagnosis on disk of 400 digits with spoiled labels."""
    name, true = spoiled(lab, noise, rate, name)
    data = lab.noise.data(name)
    found = examined(np.asarray(data.labels), true, len(data.classes))
    folder = lab.noise.home / key_of(data, "all", effort)
    keep(folder, describe(data, "all", effort, found, 1.5), found)
    return lab.noise.find(name)


def examined(given: np.ndarray, true: np.ndarray, classes: int) -> Examination:
    """An examination whose predictions are made up from the true labels."""
    logits = made_up_logits(true, classes)
    readings = readings_of(logits, given)
    best = better(readings)
    findings = diagnose(logits, given, best)
    log_p = log_softmax(logits, findings.temperature)
    vectors = np.eye(classes, 16)[true] + np.random.default_rng(2).normal(0, 0.1, (len(true), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    _, near = Neighbours(vectors).search_own(13)
    suspects = find_suspects(
        log_p, findings.matrix, given, best is not None and best.name == EXCLUDES
    )
    return Examination(
        findings,
        readings,
        best.name if best else None,
        suspects,
        np.arange(len(given)),
        given,
        log_p,
        np.zeros(len(given), np.int8),
        vectors[None].astype(np.float16),
        near.astype(np.int32),
    )
