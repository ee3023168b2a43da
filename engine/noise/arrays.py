"""Label noise on arrays, without a lab: in a notebook, or inside another program.

    from engine.noise.arrays import diagnose

    found = diagnose(images, labels)
    print(found.summary)
    found.to_pandas().head()                     # most suspect first
    Path("labels.html").write_text(found.report())

Whoever has out-of-sample probabilities of a model of their own gives these, with embeddings, to
`diagnose_probabilities`; nothing is trained then. As in cleanlab, labels are integers in 0..K−1, in
the order of the probabilities' columns, and a label's score is in 0..1, low where it is suspect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.data.duplicates import find_duplicates
from engine.data.imageset import ImageSet
from engine.data.listing import digest
from engine.errors import DataError, unknown
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import as_wide_as_counted
from engine.noise.geometry import descriptor_neighbours
from engine.noise.hypotheses import (
    CLASS_DEPENDENT,
    COMPLEMENTARY,
    SYMMETRIC,
    Hypothesis,
    about_names,
    class_dependent_transition,
    fit_hypothesis,
    select_hypothesis,
)
from engine.noise.image_evidence import evidence_of_probabilities
from engine.noise.label_report import LabelReport, report_on
from engine.noise.pipeline import run_pipeline
from engine.noise.ranking import find_suspects
from engine.noise.scoring import scoring_transition
from engine.noise.transition import class_probabilities, fit_temperature, log_softmax
from engine.progress import Progress, no_progress

OF: dict[str, str] = {  # what probabilities may be of
    "label": "p(given label | image): of a model trained on the labels as they are, as in cleanlab",
    "class": "p(true class | image): of a model trained through a transition matrix, or on other labels",
}
SIDES = {"digit": 28, "photo": 48}  # pixels at which the pipeline's networks work


def diagnose(
    images: Any,
    labels: Any,
    classes: Sequence[str] | None = None,
    effort: str = "quick",
    device: str = "auto",
    seed: int = 0,
    progress: Progress = no_progress,
) -> LabelReport:
    """What is wrong with the labels of images, by the pipeline of `pipeline.run_pipeline`.

    images   (N, H, W), or (N, H, W, C) with 1 or 3 channels, uint8 in 0..255, ink dark or bright
    labels   (N,) int in 0..K−1
    classes  K names; None: the numbers. A name without any image is a class that may be missing
    effort   'brief', 'quick' or 'full', see engine.noise.config.EFFORTS

    Raises DataError if arrays have other shapes or types, or hold fewer than 50 images of two
    classes.
    """
    pictures = _squares(images)
    given = _checked_labels(labels, len(pictures))
    names = _names(classes, given)
    style = "photo" if pictures.shape[1] == 3 else "digit"
    data = ImageSet(
        name="the set of images",
        style=style,
        images=pictures,
        labels=given,
        classes=names,
        splits={},
        files=[str(i) for i in range(len(given))],
        fingerprint=digest([pictures.tobytes(), given.tobytes()]),
    )
    result = run_pipeline(data, "all", effort, device, seed, progress)
    return report_on(result.findings, result.suspects, given, names, pictures, result.copies)


def diagnose_probabilities(
    labels: Any,
    pred_probs: Any,
    embeddings: Any,
    classes: Sequence[str] | None = None,
    images: Any = None,
    of: str = "label",
    config: NoiseConfig = CONFIG,
) -> LabelReport:
    """What is wrong with labels, from the out-of-sample probabilities of any model.

    labels      (N,) int in 0..K−1
    pred_probs  (N, K) float, rows sum to 1: each row by a model that was not trained on its label
    embeddings  (N, D) float of the images, best from a model that was not trained on these labels:
                they tell images that look alike from labels that are wrong
    classes     K names; None: the numbers
    images      as of `diagnose`, for the galleries of the report and to find copies; None: without
    of          what the probabilities are of, a name in OF. A model that was trained on noisy labels as they
                are predicts labels: what T explains must first be taken out of its probabilities, or it
                counts twice. Complementary labels are recognised from probabilities of the class only;
                by those of the label they are undecided

    Raises DataError if arrays don't fit each other, or for an unknown `of`.
    """
    if of not in OF:
        raise DataError(unknown("kind of probabilities", of, OF))
    given = _checked_labels(labels, len(np.asarray(pred_probs)))
    p = np.asarray(pred_probs, np.float64)
    if p.ndim != 2 or p.shape[1] <= given.max():
        raise DataError(
            "probabilities have the wrong shape",
            expected=f"(N, K) with K above the largest label, {given.max()}",
            got=p.shape,
        )
    if not np.isfinite(p).all() or (p < 0).any() or np.abs(p.sum(1) - 1).max() > 1e-3:
        raise DataError("probabilities are wrong", expected="rows that sum to 1", got="others")
    vectors = np.asarray(embeddings, np.float32)
    if vectors.ndim != 2 or len(vectors) != len(given):
        raise DataError(
            "embeddings have the wrong shape", expected=f"({len(given)}, D)", got=vectors.shape
        )
    pictures = None if images is None else _squares(images)
    names = _names(classes, given, p.shape[1])
    logits, label_p, best = _accepted(p, given, of, config)
    vectors = vectors - vectors.mean(0)
    near = descriptor_neighbours(vectors, len(np.unique(given)), config)
    same = np.arange(len(given)) if pictures is None else find_duplicates(pictures).same
    shown = evidence_of_probabilities(
        vectors, near, label_p, label_p, given, same, names, config=config
    )
    found = shown.verdict(logits, given, best, names, config=config)
    log_p = log_softmax(logits, found.temperature)
    suspects = shown.first(
        find_suspects(
            log_p,
            scoring_transition(found, log_p, given),
            given,
            best is not None and best.name == COMPLEMENTARY,
        ),
        found,
    )
    found = as_wide_as_counted(found, len(given))
    return report_on(found, suspects, given, names, pictures, shown.copies)


def _accepted(
    p: np.ndarray, given: np.ndarray, of: str, config: NoiseConfig
) -> tuple[np.ndarray, np.ndarray, Hypothesis | None]:
    """Of probabilities p (N, K) of the label or the class: logits (N, K) float32 of the class,
    probabilities (N, K) of the label, and the accepted hypothesis, or None.
    """
    classes = p.shape[1]
    logits = _logits(p)
    names = about_names(classes) if of == "class" else (SYMMETRIC,)
    hypotheses = {name: fit_hypothesis(name, logits, given, config=config) for name in names}
    matrix = class_dependent_transition(logits, given, hypotheses[SYMMETRIC].diagonal, config)
    of_class = logits
    if matrix is not None:
        if of == "label":
            of_class = _logits(class_probabilities(p, matrix))
        found = fit_hypothesis(CLASS_DEPENDENT, of_class, given, matrix, config)
        hypotheses[CLASS_DEPENDENT] = found
    best = select_hypothesis(hypotheses, config)
    if of == "label":
        depends = best is not None and best.name == CLASS_DEPENDENT
        return of_class if depends else logits, p, best
    if best is None:
        return logits, p, best
    temperature = fit_temperature(logits, best.matrix, given)
    return logits, np.exp(log_softmax(logits, temperature)) @ best.matrix, best


def _logits(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(p, 1e-9)).astype(np.float32)


def _checked_labels(labels: Any, count: int) -> np.ndarray:
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != count:
        raise DataError("labels have the wrong shape", expected=f"({count},)", got=given.shape)
    if given.dtype.kind not in "iu" or not len(given):
        raise DataError(
            "labels are numbers of classes", expected="integers from 0", got=str(given.dtype)
        )
    if given.min() < 0:
        raise DataError(
            "labels are numbers of classes",
            expected="integers from 0",
            got=f"{given.min()}; leave out images without a label",
        )
    return given.astype(np.int64)


def _names(
    classes: Sequence[str] | None, given: np.ndarray, least: int | None = None
) -> tuple[str, ...]:
    count = least or int(given.max()) + 1
    if classes is None:
        return tuple(str(number) for number in range(count))
    if len(classes) < count or (least is not None and len(classes) != least):
        raise DataError("names of classes are missing", expected=count, got=len(classes))
    return tuple(str(name) for name in classes)


def _squares(images: Any) -> np.ndarray:
    """Images (N, C, S, S) uint8 as the pipeline takes them: bright ink on dark paper, or colour."""
    import torch
    from torch.nn import functional as F

    pictures = np.asarray(images)
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[3] not in (1, 3) or pictures.dtype != np.uint8:
        raise DataError(
            "images have the wrong shape or type",
            expected="uint8 of (N, H, W), or (N, H, W, C) with 1 or 3 channels C",
            got=f"{np.shape(images)} of {pictures.dtype}",
        )
    pictures = np.moveaxis(pictures, 3, 1)  # (N, C, H, W)
    if pictures.shape[1] == 3 and (pictures == pictures[:, :1]).all():
        pictures = pictures[:, :1]
    edges = np.concatenate([pictures[:, :, [0, -1]].ravel(), pictures[..., [0, -1]].ravel()])
    if pictures.shape[1] == 1 and len(edges) and np.median(edges) > 127:
        pictures = 255 - pictures
    side = SIDES["photo" if pictures.shape[1] == 3 else "digit"]
    if pictures.shape[2:] != (side, side):
        parts = [
            F.interpolate(
                torch.tensor(pictures[start : start + 1024].copy()).float(),
                (side, side),
                mode="bilinear",
                antialias=True,
            )
            .round()
            .clamp(0, 255)
            .to(torch.uint8)
            .numpy()
            for start in range(0, len(pictures), 1024)
        ]
        pictures = np.concatenate(parts) if parts else np.zeros((0, 1, side, side), np.uint8)
    return np.ascontiguousarray(pictures)
