"""Looking inside a model: its answers to test images, the filters of its first layer, and what in
an image it went by.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from engine.errors import DamagedError, DataError
from engine.files.checked import Document, read_arrays
from engine.recipes.fields import DataSpec
from engine.runs.run_info import PREDICTIONS
from engine.services.evaluation import probabilities_of

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.progress import Progress
    from engine.store.store import Store

MOST_OF_CELL = 40  # images that are named of one true and one predicted class
SAMPLED = 120  # test images that a model without recorded predictions predicts


class ConfusedImages(Document):
    """Images held out from a model that it takes for another class, the surest first: [name, true class,
    predicted class, probability]; n: of how many. As `confused_images` finds them.
    """

    data: str
    split: Literal["test", "val", "labelled"]
    n: int
    images: list[
        Annotated[tuple[str, str, str, Annotated[float, Field(ge=0, le=1)]], Field(strict=False)]
    ]


@dataclass(frozen=True)
class HeldOutPredictions:
    """A model's answers to test images.

    images         (n, C, S, S) uint8
    labels         (n,) int64, places in `classes`
    probabilities  (n, K) f32
    files          n names, relative to the data set
    of             how many images were asked about; data, split: which
    matching       how many of those are of the wanted kind, of which n are here
    seen           whether they are of the model's own data set, which holds none out from it
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
    seen: bool = False

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
    meta = store.model_meta(model)
    classes = tuple(meta["classes"])
    data, split = _held_out(store, model)
    rng = np.random.default_rng(seed)
    kept = _recorded(store, model, data)
    if kept is None:
        whole = data.split(split)
        whole = whole[_places(data, whole, classes) >= 0]
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
        seen=split == "labelled" and not meta["recipe"]["data"].get("test_on"),
    )


def confused_images(
    store: Store, model: str, progress: Progress | None = None
) -> dict[str, Any] | None:
    """The images held out from a model that it takes for another class: `data`, `split`, how many were
    asked about (`n`), and in `images`, the surest first, [name, true class, predicted class,
    probability], at most MOST_OF_CELL for each true and predicted class.

    Read from its run's predictions; where there are none, the model predicts all of them if there is a
    `progress` to tell, else the answer is None. Raises DataError if its data set is not there.
    """
    classes = tuple(store.model_meta(model)["classes"])
    folder = store.model_folder(model)
    if progress is None and not (folder.parent / PREDICTIONS).is_file():
        return None
    data, split = _held_out(store, model)
    kept = _recorded(store, model, data)
    if kept is None:
        if progress is None:
            return None
        index = data.split(split)
        labels, known = _places(data, index, classes), np.arange(len(index))
        known = known[labels >= 0]
        labels, index = labels[known], index[known]
        kept = labels, probabilities_of(store.predictor(model), data, index, progress), index
    labels, probabilities, index = kept
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    count: Counter[tuple[int, int]] = Counter()
    images = []
    for at in wrong.tolist():
        cell = int(labels[at]), int(predicted[at])
        count[cell] += 1
        if count[cell] <= MOST_OF_CELL:
            name = str(data.files[int(index[at])])
            images.append([name, classes[cell[0]], classes[cell[1]], round(float(sure[at]), 4)])
    return {
        "data": data.name,
        "split": split,
        "n": len(index),
        "images": images,
    }


def _held_out(store: Store, model: str) -> tuple[ImageSet, str]:
    """The data set that a model is judged on, and the split of it: its test images, else its
    validation images, else all that are labelled ('labelled').
    """
    spec = DataSpec.model_validate(store.model_meta(model)["recipe"]["data"])
    data = store.dataset(spec.scored_on() if spec.test_on else spec)
    data = data.with_splits({**data.splits, "labelled": np.flatnonzero(data.labels >= 0)})
    names = ("test", "val")
    return data, next((name for name in names if len(data.splits.get(name, ()))), "labelled")


def _recorded(
    store: Store, model: str, data: ImageSet
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What a run kept of its answers: labels (n,), probabilities (n, K), index (n,); None without,
    or if they are of other data, as where images were added or removed since.
    """
    folder, meta = store.model_folder(model), store.model_meta(model)
    trained = meta.get("fingerprint")
    if trained and trained != data.fingerprint and not meta["recipe"]["data"].get("test_on"):
        return None
    try:
        names = ("labels", "probabilities", "index")
        arrays = read_arrays(folder.parent / PREDICTIONS, names, "")
    except DamagedError:
        return None
    labels, probabilities, index = (arrays[name] for name in names)
    if index.ndim != 1 or not len(index) == len(labels) == len(probabilities):
        return None
    if not len(index) or index.max() >= len(data):
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
