"""A saved model against any data set, classes matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import metrics
from engine.errors import DataError, first_of
from engine.progress import Progress, no_progress
from engine.services.model_data import drawn_from, images_for, training_files

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.models.metadata import CheckpointMeta
    from engine.models.predictor import Predictor
    from engine.store.store import Store

CHUNK = 4096  # images read from disk at a time


def evaluate(
    store: Store, model: str, data: str, split: str | None = None, progress: Progress = no_progress
) -> dict[str, Any]:
    """Score `model` on `data`, a data set's name or the path of a folder, zip or IDX file.

    split   'train', 'val', 'test' or 'all'; None: the test split of a named data set, every image
            of a path. A model that was trained on the same data set is scored on the split that was
            held out from it.

    Returns `accuracy`, its 95% interval, `top3`, `n`, `loss`, `ece`, `per_class`, `confusion` (rows
    true, in the order of `classes`), `skipped` (files that could not be read), `unscored` (images
    of classes that the model does not know, by class) and `notes`. Raises DataError if there is no
    such split or no class in common.
    """
    predictor = store.predictor(model)
    meta = store.model_meta(model)
    images = images_for(store, meta, data, progress)
    notes: list[str] = []
    if split is None:
        split = "all"
        if not _is_path(data):
            split = "test" if len(images.splits.get("test", ())) else "all"
            if split == "all":
                notes.append(f"{data} has no test split, so all its images are scored")
    index = images.split(split)
    labels, kept, unscored = match_classes(images, index, predictor.classes, model)
    if said := _seen(store, meta, data, {str(images.files[int(at)]) for at in index[kept]}):
        notes.append(said)
    if unscored:
        total = sum(unscored.values())
        notes.append(
            f"{total:,} images of {len(unscored)} classes that the model does not know are not"
            f" scored: {', '.join(unscored)}"
        )
    missing = [name for name in predictor.classes if name not in images.classes]
    if missing:
        notes.append(
            f"the model also knows {len(missing)} classes that {data} does not have:"
            f" {', '.join(missing)}"
        )
    probabilities = probabilities_of(predictor, images, index[kept], progress)
    report = metrics.report(labels, probabilities, predictor.classes)
    report["per_class"] = [
        row for row in report["per_class"] if row["n"] or row["class"] in images.classes
    ]
    low, high = metrics.wilson_interval(round(report["accuracy"] * report["n"]), report["n"])
    merged = _without_case(labels, probabilities, predictor.classes)
    return {
        "model": model,
        "data": data,
        "split": split,
        "accuracy": report.pop("accuracy"),
        "interval": [low, high],
        **({"accuracy_ignoring_case": merged} if merged is not None else {}),
        **report,
        "classes": list(predictor.classes),
        "skipped": [{"name": name, "reason": reason} for name, reason in images.skipped],
        "unscored": unscored,
        "notes": notes,
    }


def _seen(store: Store, meta: CheckpointMeta, data: str, files: set[str]) -> str:
    """That the model was trained on some of these images, with their number where it can be known; ''
    where it was trained on none, or on another data set.
    """
    trained = training_files(store, meta, data)
    if trained is not None:
        seen = len(files & trained)
        return f"the model was trained on {seen:,} of these {len(files):,} images" if seen else ""
    drawn = drawn_from(store, meta, data)
    if drawn is None:
        return "the model may have been trained on some of these images"
    those = len(files & drawn)
    return f"the model's training images were drawn from {those:,} of these images" if those else ""


def match_classes(
    images: ImageSet, index: np.ndarray, classes: Sequence[str], model: str
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """The images at `index` (n,) whose class the model knows: their labels (m,) in the model's
    order, their places (m,) in `index`, and how many images of which classes are left out. Raises
    DataError if none is left, or no image has a label."""
    given = images.labels[index]
    if not (given >= 0).any():
        raise DataError(
            f"no image of {images.name} has a label",
            expected="labelled images, which a model's answers are compared with",
            hint="Give labels on the page Label.",
        )
    place = {name: number for number, name in enumerate(classes)}
    order = np.array([place.get(name, -1) for name in images.classes], np.int64)
    labels = np.where(given >= 0, order[given], -1)
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        raise DataError(
            f"{images.name} has no class that model {model} knows",
            expected=f"some of {first_of(classes)}",
            got=first_of(images.classes),
        )
    left = given[(labels < 0) & (given >= 0)]
    return (
        labels[kept],
        kept,
        {images.classes[number]: int((left == number).sum()) for number in np.unique(left)},
    )


def _is_path(data: str) -> bool:
    from engine.data.sources import DATASETS, names_in

    return (
        data not in DATASETS
        and all(part not in DATASETS for part in names_in(data))
        and ("/" in data or Path(data).expanduser().exists())
    )


def probabilities_of(
    predictor: Predictor, images: ImageSet, index: np.ndarray, progress: Progress = no_progress
) -> np.ndarray:
    """Probabilities (n, K) float32 of the images at `index` (n,), read in parts."""
    out = []
    for start in range(0, len(index), CHUNK):
        squares = images.images[index[start : start + CHUNK]]
        out.append(
            predictor.squares(
                squares, lambda done, start=start: progress(start + done, len(index), "scoring")
            )
        )
    return np.concatenate(out)


def _without_case(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> float | None:
    """Accuracy when a capital and its small letter count as one; None where no two classes differ
    by case alone.
    """
    folded = [name.casefold() for name in classes]
    names = sorted(set(folded))
    if len(names) == len(classes):
        return None
    group = np.array([names.index(name) for name in folded])
    return float((group[probabilities.argmax(1)] == group[labels]).mean())
