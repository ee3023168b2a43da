"""Diagnoses for tests without any training: real digits with injected noise, and predictions
simulated from the true labels.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.embedding.neighbours import Neighbours
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.noise.diagnosis import estimate_noise
from engine.noise.findings import REGIMES
from engine.noise.hypotheses import (
    CLASS_DEPENDENT,
    COMPLEMENTARY,
    SYMMETRIC,
    Hypothesis,
    class_dependent_transition,
    fit_hypothesis,
    select_hypothesis,
)
from engine.noise.inject import add_noise
from engine.noise.pipeline import PipelineResult
from engine.noise.ranking import find_suspects
from engine.noise.storage import Diagnosis, key_of, make_document, save_diagnosis
from engine.noise.transition import log_softmax


def simulated_logits(
    true: np.ndarray, classes: int, seed: int = 0, clear: float = 8.0
) -> np.ndarray:
    """Logits (N, K) float32 of a good network: a margin for the true class that differs from image
    to image, and sometimes is missing.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(true), classes))
    logits[np.arange(len(true)), true] += np.maximum(rng.normal(clear, 3, len(true)), -1)
    return logits.astype(np.float32)


def hypotheses_of(logits: np.ndarray, given: np.ndarray) -> dict[str, Hypothesis]:
    """The hypotheses as if networks trained under each had given the same logits."""
    out = {name: fit_hypothesis(name, logits, given) for name in (SYMMETRIC, COMPLEMENTARY)}
    matrix = class_dependent_transition(logits, given, out[SYMMETRIC].diagonal)
    if matrix is not None:
        out[CLASS_DEPENDENT] = fit_hypothesis(CLASS_DEPENDENT, logits, given, matrix)
    return out


def corrupted(
    lab: Lab,
    noise: str,
    rate: float,
    name: str = "noisy",
    count: int = 400,
    names: Sequence[str] = "0123456789",
) -> tuple[str, np.ndarray]:
    """A data set of real digits in folders by their noisy label, kept as an upload: its name, and
    the true labels in its order. names: of the folders, in their order.
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
            archive.writestr(f"{names[label]}/{i:05d}-{is_}.png", out.getvalue())
    files = lab.dataset(name).files
    return name, np.array([int(file[-5]) for file in files])


def diagnosed(
    lab: Lab,
    noise: str = "complementary",
    rate: float = 0.98,
    name: str = "noisy",
    effort: str = "full",
    names: Sequence[str] = "0123456789",
) -> Diagnosis:
    """A diagnosis on disk of 400 digits with injected noise."""
    name, true = corrupted(lab, noise, rate, name, names=names)
    diagnose(lab, name, true, effort)
    return lab.noise.find(name)


def diagnose(lab: Lab, name: str, true: np.ndarray, effort: str = "full") -> None:
    """Write a diagnosis of a data set that is there. true: the true label (N,) of each image."""
    data = lab.noise.data(name)
    result = result_of(np.asarray(data.labels), true, len(data.classes))
    folder = lab.noise.home / key_of(data, "all", effort)
    save_diagnosis(folder, make_document(data, "all", effort, result, 1.5), result)


def result_of(given: np.ndarray, true: np.ndarray, classes: int) -> PipelineResult:
    """A result whose predictions are simulated from the true labels."""
    logits = simulated_logits(true, classes)
    hypotheses = hypotheses_of(logits, given)
    best = select_hypothesis(hypotheses)
    findings = estimate_noise(logits, given, best)
    log_p = log_softmax(logits, findings.temperature)
    vectors = np.eye(classes, 16)[true] + np.random.default_rng(2).normal(0, 0.1, (len(true), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    _, near = Neighbours(vectors).search_own(13)
    suspects = find_suspects(
        log_p, findings.matrix, given, best is not None and best.name == COMPLEMENTARY
    )
    return PipelineResult(
        findings=findings,
        hypotheses=hypotheses,
        hypothesis=best.name if best else None,
        suspects=suspects,
        index=np.arange(len(given)),
        given=given,
        log_p=log_p,
        fold=np.zeros(len(given), np.int8),
        embeddings=vectors[None].astype(np.float16),
        neighbours=near.astype(np.int32),
    )


def left_undecided(lab: Lab) -> tuple[Diagnosis, int]:
    """An undecided diagnosis whose T trusts all labels: its first suspect has its given label as its
    likely class, which the network gives under one half. Also the suspect's position.
    """
    found = diagnosed(lab, "rare", 0.03)
    first, arrays = int(found.arrays["order"][0]), dict(found.arrays)
    arrays["likely"][first] = arrays["given"][first]
    arrays["score"][first], arrays["log_odds"][first] = 1.0, 20.0
    np.savez(found.folder / "arrays.npz", **arrays)
    changed = {"regime": "undecided", "headline": REGIMES["undecided"]}
    write_json(found.folder / "diagnosis.json", {**found.document, **changed})
    return Lab(lab.home).noise.find(found.data.name), first


def left_doubtful(lab: Lab) -> tuple[Diagnosis, int]:
    """A diagnosis whose most suspect image has its given label as its likely class, with a suspicion of
    53%; the suspects follow it. Also that image's position.
    """
    found = diagnosed(lab, "rare", 0.03)
    arrays = dict(found.arrays)
    same = arrays["given"][arrays["order"]] == arrays["likely"][arrays["order"]]
    place = int(arrays["order"][same][0])
    arrays["score"][place], arrays["log_odds"][place] = 0.47, np.log(0.47 / 0.53)
    arrays["order"] = np.array([place, *(i for i in arrays["order"] if i != place)])
    own, other = int(arrays["given"][place]), (int(arrays["given"][place]) + 1) % 10
    arrays["log_p"][place] = np.log(1e-4)
    arrays["log_p"][place, [own, other]] = np.log([0.005, 0.72])
    np.savez(found.folder / "arrays.npz", **arrays)
    return Lab(lab.home).noise.find(found.data.name), place


TRIAL = {
    "dataset": "digits",
    "noise": "symmetric",
    "rate": 0.5,
    "effort": "quick",
    "seed": 0,
    "n": 1438,
    "n_test": 359,
    "classes": ["a", "b"],
    "regime": "symmetric",
    "true_rate": 0.501,
    "noise_rate": 0.49,
    "noise_rate_interval": [0.45, 0.53],
    "likely_right": 0.98,
    "transition": [[0.5, 0.5], [0.5, 0.5]],
    "true_transition": [[0.5, 0.5], [0.5, 0.5]],
    "transition_error": 0.01,
    "found_first": 0.97,
    "sought": 720,
    "suspects": [
        {"image": "train/0", "given": "3", "likely": "5", "true": "0"},
        {"image": "train/1", "given": "0", "likely": "5", "true": "0"},
    ],
    "created": "2026-01-01T00:00:00Z",
    "methods": [
        {"name": "plain", "title": "Plain training", "accuracy": 0.8, "note": "as it is"},
        {
            "name": "cleanlab",
            "title": "cleanlab's filter",
            "accuracy": None,
            "note": "no result: trace",
        },
        {"name": "ours", "title": "Ours", "accuracy": 0.97, "note": "ours"},
    ],
}


def trial_on_disk(lab: Lab) -> None:
    """The result of an experiment with injected noise."""
    (lab.home / "noise" / "trials").mkdir(parents=True)
    write_json(lab.home / "noise" / "trials" / "20260101T000000-abc.json", TRIAL)
