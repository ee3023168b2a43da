"""Looking inside a model: its answers to test images, the filters of its first layer, and what in
an image it went by.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DamagedError, DataError
from engine.files.checked import read_arrays
from engine.recipes.fields import DataSpec

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.store.store import Store

SAMPLED = 120  # test images that a model without recorded predictions predicts


@dataclass(frozen=True)
class HeldOutPredictions:
    """A model's answers to test images.

    images         (n, C, S, S) uint8
    labels         (n,) int64, places in `classes`
    probabilities  (n, K) f32
    files          n names, relative to the data set
    of             how many images were asked about; data, split: which
    matching       how many of those are of the wanted kind, of which n are here
    """

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    files: tuple[str, ...]
    classes: tuple[str, ...]
    data: str
    split: str
    of: int
    matching: int

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(1)

    @property
    def right(self) -> np.ndarray:
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(1)


def held_out_predictions(
    store: Store, model: str, which: str = "all", count: int = 30, seed: int = 0
) -> HeldOutPredictions:
    """`count` of a model's answers to images held out from it, at random: 'all', or only the
    'right' or 'wrong' ones, the surest first.

    Read from its run's predictions where there are some; else the model predicts them. Raises DataError
    if its data set is not there.
    """
    folder = store.model_folder(model)
    meta = store.model_meta(model)
    spec = DataSpec.model_validate(meta["recipe"]["data"])
    if spec.test_on:
        spec = spec.scored_on()
    data = store.dataset(spec)
    data = data.with_splits({**data.splits, "labelled": np.flatnonzero(data.labels >= 0)})
    split = next((name for name in ("test", "val") if len(data.splits.get(name, ()))), "labelled")
    rng = np.random.default_rng(seed)
    kept = _recorded(folder, len(data))
    classes = tuple(meta["classes"])
    if kept is None:
        whole = data.split(split)
        index = np.sort(rng.choice(whole, min(SAMPLED, len(whole)), replace=False))
        labels, probabilities = (
            _places(data, index, classes),
            store.predictor(model).squares(np.asarray(data.images[index])),
        )
    else:
        labels, probabilities, index = kept
    right = probabilities.argmax(1) == labels
    chosen = np.flatnonzero({"all": np.ones_like(right), "right": right, "wrong": ~right}[which])
    matching = len(chosen)
    if which == "all":
        chosen = rng.permutation(chosen)[:count]
    else:
        chosen = chosen[np.argsort(-probabilities[chosen].max(1), kind="stable")][:count]
    at = index[chosen]
    files = tuple(data.files[int(i)] for i in at)
    return HeldOutPredictions(
        np.asarray(data.images[at]),
        labels[chosen],
        probabilities[chosen],
        files,
        classes,
        data.name,
        split,
        of=len(index),
        matching=matching,
    )


def _recorded(folder: Path, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What a run kept of its answers: labels (n,), probabilities (n, K), index (n,); None without,
    or if they are of other data.
    """
    try:
        names = ("labels", "probabilities", "index")
        arrays = read_arrays(folder.parent / "predictions.npz", names, "")
    except DamagedError:
        return None
    labels, probabilities, index = (arrays[name] for name in names)
    if index.ndim != 1 or not len(index) == len(labels) == len(probabilities):
        return None
    if not len(index) or index.max() >= length:
        return None
    return labels.astype(np.int64), probabilities.astype(np.float32), index.astype(np.int64)


def _places(data: ImageSet, index: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """The data's labels as places in the model's classes, by name. Raises DataError if they share
    none.
    """
    place = np.array([classes.index(name) if name in classes else -1 for name in data.classes])
    if (place < 0).all():
        raise DataError(
            f"data set {data.name} shares no class with the model",
            expected=", ".join(classes[:10]),
            got=", ".join(data.classes[:10]),
        )
    return place[data.labels[index]]
