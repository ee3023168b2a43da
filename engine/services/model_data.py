"""Data sets as a model sees them: in its style and size, and split as they were for its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.sources import names_in
from engine.errors import DataError
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.models.metadata import CheckpointMeta
    from engine.store.store import Store


def images_for(
    store: Store, meta: CheckpointMeta, data: str, progress: Progress = no_progress
) -> ImageSet:
    """All classes and all images of `data`, for the model that `meta` describes. Raises DataError.

    If it is the model's own data set, every image that was held out from its training is held out
    here.
    """
    own = DataSpec.model_validate(meta["recipe"]["data"])
    look = {"style": meta["style"], "size": meta["size"]}
    if own.name != data:
        return store.dataset(DataSpec.named(data, validation=0, **look), progress=progress)
    whole = own.model_copy(update={**look, **_WHOLE, "classes": None, "without": ()})
    images = store.dataset(whole, progress=progress)
    if own.classes is None and not own.without:
        return images
    # A split is drawn by class, so that of some classes is not that of all.
    part = store.dataset(own.model_copy(update={**look, **_WHOLE}), progress=progress)
    return images.with_splits(_splits_of(part, images))


def training_images(
    store: Store, meta: CheckpointMeta, progress: Progress = no_progress
) -> ImageSet:
    """The data set of the model that `meta` describes, of its classes and with its limit of
    training images. Raises DataError.
    """
    own = DataSpec.model_validate(meta["recipe"]["data"])
    changes = {"style": meta["style"], "size": meta["size"], "test_on": None, "limit_eval": None}
    return store.dataset(own.model_copy(update=changes), progress=progress)


def training_files(store: Store, meta: CheckpointMeta, data: str) -> set[str] | None:
    """The images of `data` that the model was trained on, by name: none of a data set that is no part of
    its training data; None where it is one, and which images were drawn can't be told.
    """
    own = DataSpec.model_validate(meta["recipe"]["data"])
    if data == own.name:
        return _train_of(training_images(store, meta))
    if own.limit is not None and data in names_in(own.name):
        return None  # drawn from all parts together
    return drawn_from(store, meta, data)


def drawn_from(store: Store, meta: CheckpointMeta, data: str) -> set[str] | None:
    """The images of `data` that the model's training images were drawn from, by name: all of them, unless
    the recipe has a limit. None of a data set that is no part of its training data; None where that
    can't be told.
    """
    own = DataSpec.model_validate(meta["recipe"]["data"])
    names = names_in(own.name)
    if data not in (own.name, *names):
        return set()
    look = {"style": meta["style"], "size": meta["size"]}
    part = own.model_copy(update={**look, **_WHOLE})
    if data != own.name:  # each part of a pool is split by itself
        journal = own.journal and own.journal[names.index(data) : names.index(data) + 1]
        part = part.model_copy(update={"name": data, "journal": journal or None})
    try:
        return _train_of(store.dataset(part))
    except DataError:  # a class of the recipe that this part does not have
        return None


def _train_of(images: ImageSet) -> set[str]:
    return {str(images.files[int(at)]) for at in images.splits.get("train", ())}


_WHOLE: dict[str, Any] = {"limit": None, "limit_eval": None, "test_on": None}


def _splits_of(part: ImageSet, whole: ImageSet) -> dict[str, np.ndarray]:
    """Splits of `whole`: those of `part` for the images that are in it, its own for the others."""
    place = {file: at for at, file in enumerate(whole.files)}
    at = np.array([place[file] for file in part.files], np.int64)
    names = dict.fromkeys([*part.splits, *whole.splits])
    none = np.empty(0, np.int64)
    return {
        name: np.sort(
            np.concatenate(
                [
                    at[part.splits.get(name, none)],
                    np.setdiff1d(whole.splits.get(name, none), at),
                ]
            )
        )
        for name in names
    }
