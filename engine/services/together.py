"""Any models on one common set of images: which is better there, whether the difference is real, and
on which images they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.compare.statistics import holm, mcnemar
from engine.errors import DataError, RunError, unknown
from engine.metrics import wilson_interval
from engine.progress import Progress, no_progress
from engine.services.evaluation import probabilities_of
from engine.services.labels import Labels
from engine.services.model_data import drawn_from, images_for

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.store.store import Store

LABELS: dict[str, str] = {
    "mended": "as people decided until now",
    "given": "as they came with the data set",
}
MOST_CHANGED = 400  # images that are named


class _Side(NamedTuple):
    """A model, the data set as it sees it, and the names of the images that it may be scored on."""

    model: str
    images: ImageSet
    places: dict[str, int]


def score_together(
    store: Store,
    models: Sequence[str],
    data: str,
    split: str | None = None,
    labels: str = "mended",
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Score `models` on the same images of `data`, by the same labels.

    split   'train', 'val', 'test' or 'all'; None: 'test', or, where a data set has none, all images
            that none of the models was trained on
    labels  a name in LABELS

    Returns `models` (rows with `model`, `accuracy`, `low`, `high`, `right`), `tests` (McNemar's of
    every two, `p_corrected` by Holm), `changed` (the images that the first and the last model predict
    as different classes: those that became right, then those that became wrong), `n_changed`, `n`
    and `notes`. Raises DataError if no image is left, CheckpointError for a model there is not.
    """
    if len(set(models)) < 2:
        raise DataError(
            "there is nothing to compare", expected="two models", got=", ".join(models) or "none"
        )
    if labels not in LABELS:
        raise DataError(unknown("labels", labels, LABELS))
    sides, chosen, notes = _sides(store, list(dict.fromkeys(models)), data, split, progress)
    names = [name for name in sides[0].places if all(name in side.places for side in sides)]
    service = Labels(store)
    given = service.given(data)
    truth = (
        service.labels_now(data, names) if labels == "mended" else [given[name] for name in names]
    )
    known = set.intersection(*(set(store.model_meta(side.model)["classes"]) for side in sides))
    kept = [i for i, label in enumerate(truth) if label in known]
    if not kept:
        raise DataError(
            f"{data} has no image in common that all these models can be scored on",
            expected=f"labelled images in split {chosen}",
            got=f"{len(names):,} images in common, of classes that not all models know",
        )
    if len(kept) < len(names):
        notes.append(
            f"{len(names) - len(kept):,} images without a label, or of a class that not all of the"
            " models know, are not scored."
        )
    names, right_labels = [names[i] for i in kept], np.array([truth[i] for i in kept])
    predicted, sure = [], []
    for side in sides:
        p = probabilities_of(
            store.predictor(side.model),
            side.images,
            np.array([side.places[name] for name in names], np.int64),
            progress,
        )
        classes = np.array(store.predictor(side.model).classes)
        predicted.append(classes[p.argmax(1)])
        sure.append(p.max(1))
    right = [found == right_labels for found in predicted]
    changed, count = _changed(names, right_labels, predicted, sure, right)
    notes += [
        f"{model} is still training: its figures are those of its best model until now."
        for model in _training(store, models)
    ]
    relabelled = sum(given[name] != label for name, label in zip(names, right_labels, strict=True))
    if relabelled:
        notes.append(f"{relabelled:,} of the labels were changed by people.")
    return {
        "data": data,
        "split": chosen,
        "labels": labels,
        "n": len(names),
        "models": [_row(side.model, found) for side, found in zip(sides, right, strict=True)],
        "tests": _tests([side.model for side in sides], right),
        "changed": changed,
        "n_changed": count,
        "notes": notes,
    }


def _sides(
    store: Store, models: Sequence[str], data: str, split: str | None, progress: Progress
) -> tuple[list[_Side], str, list[str]]:
    metas = [store.model_meta(model) for model in models]
    sets = [images_for(store, meta, data, progress) for meta in metas]
    learned = [drawn_from(store, meta, data) for meta in metas]
    notes = []
    if split is None and all(len(images.splits.get("test", ())) for images in sets):
        split = "test"
    chosen = split or "held out from all"
    sides = []
    for model, images, trained in zip(models, sets, learned, strict=True):
        index = images.split(split or "all")
        names = {str(images.files[int(i)]): int(i) for i in index}
        if trained is None:
            notes.append(f"{model} may have been trained on some of these images.")
        elif split is None:
            names = {name: place for name, place in names.items() if name not in trained}
        elif trained & names.keys():
            notes.append(f"{model} was trained on some of these images.")
        sides.append(_Side(model, images, names))
    return sides, chosen, notes


def _training(store: Store, models: Sequence[str]) -> list[str]:
    """Those of the models that belong to a run that has not ended."""
    out = []
    for model in dict.fromkeys(models):
        folder = store.model_folder(model).parent
        with suppress(RunError):  # a model of no run
            if store.run(folder.name).info().alive:
                out.append(model)
    return out


def _row(model: str, right: np.ndarray) -> dict[str, Any]:
    low, high = wilson_interval(int(right.sum()), len(right))
    return {
        "model": model,
        "accuracy": float(right.mean()),
        "low": low,
        "high": high,
        "right": int(right.sum()),
    }


def _tests(models: Sequence[str], right: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    rows = [
        {"first": models[a], "second": models[b], **mcnemar(right[a], right[b])._asdict()}
        for a, b in combinations(range(len(models)), 2)
    ]
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = p
    return rows


def _changed(
    names: Sequence[str],
    labels: np.ndarray,
    predicted: Sequence[np.ndarray],
    sure: Sequence[np.ndarray],
    right: Sequence[np.ndarray],
) -> tuple[list[dict[str, Any]], int]:
    """Images that the first and the last model predict as different classes, and how many."""
    first, last = right[0], right[-1]
    where = np.flatnonzero(predicted[0] != predicted[-1])
    kind = np.where(last & ~first, 0, np.where(first & ~last, 1, 2))[where]
    where = where[np.lexsort((-sure[-1][where], kind))]
    words = ("became right", "became wrong", "wrong in both")
    rows = [
        {
            "image": names[i],
            "label": str(labels[i]),
            "change": words[0 if last[i] else 1 if first[i] else 2],
            "predicted": [str(found[i]) for found in predicted],
            "confidence": [round(float(p[i]), 4) for p in sure],
        }
        for i in where[:MOST_CHANGED]
    ]
    return rows, len(where)
