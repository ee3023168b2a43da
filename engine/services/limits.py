"""The limit by which a model tells foreign drawings from its own, fitted beside a finished model with
what its lab has: held-out and training images of its data set, and outliers that are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.data.splits import stratified
from engine.errors import DataError, GlyphlabError
from engine.imaging.images import Page
from engine.progress import Progress, no_progress
from engine.recognition.confusables import group_of
from engine.recognition.outliers import outlier_pages, page_of
from engine.recognition.rejection import Rejection, fit
from engine.recognition.shape_similarity import likeness_vectors
from engine.recognition.typicality import typicality_of
from engine.services.model_data import training_images

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.models.metadata import CheckpointMeta
    from engine.models.predictor import Predictor
    from engine.store.store import Store

MOST_HELD, MOST_TRAINING = 1200, 600
MOST_OUTLIERS, OUTLIERS_EACH = 3000, 3  # in all, and for each held-out image
FEWEST_HELD = 100  # held-out images below which 5% of them say nothing


class Places(NamedTuple):
    """Places in a model's data set, of labelled images: training images that may be shown and the
    others, held-out images, and those of them that may be shown.
    """

    data: ImageSet
    shown: np.ndarray
    other: np.ndarray
    held: np.ndarray
    held_shown: np.ndarray


def places_of(
    store: Store, model: str, sources: Sequence[str] | None, progress: Progress = no_progress
) -> Places:
    """What a model was trained on and what was held out. sources: data sets whose images may be
    shown; None: all. Raises DataError if its training data is not at hand.
    """
    try:
        data = training_images(store, store.model_meta(model), progress)
    except GlyphlabError as error:
        raise DataError(
            f"the images that {model} was trained on are not here", got=str(error)
        ) from None
    labelled, shown = data.labels >= 0, np.ones(len(data), bool)
    if sources is not None and data.sources is not None:
        numbers = [at for at, source in enumerate(data.source_names) if source in sources]
        shown = np.isin(data.sources, numbers)
    train = data.split("train")
    held = data.splits.get("val", data.splits.get("test", train))
    return Places(
        data,
        train[(labelled & shown)[train]],
        train[(labelled & ~shown)[train]],
        held[labelled[held]],
        held[(labelled & shown)[held]],
    )


def rejection_of(
    store: Store,
    model: str,
    places: Places,
    likeness: np.ndarray,
    progress: Progress = no_progress,
) -> Rejection | None:
    """The rejection of a model; None for photographs and where too little is held out. likeness:
    likeness vectors (N, D + 196) of the gallery's images, by which typicality is measured.

    Own images are held-out ones, as they are and as a drawing on a page would come, and training
    images, each source as many, changed as in training: unchanged, a network puts them closer
    together than it puts what is new. One half of the held-out images is fitted to, the other sets the
    limit. Held-out images that may not be shown are left to judge by.
    """
    meta, predictor, data = store.model_meta(model), store.predictor(model), places.data
    train = _from_each_source(np.concatenate([places.shown, places.other]), data)
    held = some_of(places.held_shown, data.labels, MOST_HELD)
    if meta["style"] == "photo" or len(held) < FEWEST_HELD or len(train) < 2:
        return None
    rng = np.random.default_rng(0)
    count = min(MOST_OUTLIERS, OUTLIERS_EACH * len(held))
    squares, changed = data.images[held], _augmented(data.images[train], meta)
    foreign = []
    for page in outlier_pages(data.images[train][:, 0], count, rng):
        progress(len(foreign), count, "drawing what is foreign")
        foreign.append(predictor.prepare(Page(page)))
    drawn = np.stack([_as_drawn(predictor, square, rng) for square in squares])
    everything = np.concatenate([squares, drawn, changed, foreign])
    embeddings = predictor.embed(
        everything, lambda done: progress(done, len(everything), "measuring what is foreign")
    )
    as_is, on_page, trained, outliers = np.split(
        embeddings, np.cumsum([len(squares), len(drawn), len(changed)])
    )
    fitted, judged = np.array_split(rng.permutation(len(held)), 2)
    kinds = np.array([group_of(name)[0] for name in data.classes])
    labels = np.concatenate([held[fitted], held[fitted], train])
    own = np.concatenate([as_is[fitted], on_page[fitted], trained])
    found = fit(own, kinds[data.labels[labels]], outliers, rng)
    return limited(found, on_page[judged], drawn[judged], likeness)


def limited(
    rejection: Rejection, embeddings: np.ndarray, squares: np.ndarray, likeness: np.ndarray
) -> Rejection:
    """A rejection with its limits by held-out drawings of the model's classes: embeddings (n, D) and
    squares (n, C, S, S) uint8; likeness: as of `rejection_of`.
    """
    vectors = likeness_vectors(embeddings, squares)
    return rejection.with_limits(embeddings, typicality_of(vectors @ likeness.T))


def _from_each_source(index: np.ndarray, data: ImageSet) -> np.ndarray:
    """MOST_TRAINING of the images at `index` (n,), each source its equal share."""
    if data.sources is None:
        return some_of(index, data.labels, MOST_TRAINING)
    present = np.unique(data.sources[index])
    parts = [index[data.sources[index] == source] for source in present]
    share = MOST_TRAINING // max(len(parts), 1)
    return np.concatenate([some_of(part, data.labels, share) for part in parts] or [index])


def _as_drawn(predictor: Predictor, square: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A data set's square (C, S, S) uint8 → that of a page with its ink; itself if it has its page."""
    style = predictor.checkpoint.style
    if style == "page" or (style == "duo" and square[1].any()) or not square[0].any():
        return square
    return predictor.prepare(Page(page_of(square[0], rng)))


def _augmented(squares: np.ndarray, meta: CheckpointMeta) -> np.ndarray:
    """Squares (n, C, S, S) uint8, changed as the model's recipe changes training images."""
    import torch

    from engine.data.augment import augment
    from engine.recipes.augmentation import Augment

    spec = Augment.model_validate(meta["recipe"].get("augment") or {})
    changed = augment(
        torch.from_numpy(np.ascontiguousarray(squares)),
        spec.model_copy(update={"crop": None}),
        squares.shape[-1],
        torch.Generator().manual_seed(0),
    )
    return changed.round().to(torch.uint8).numpy()


def some_of(index: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the images at `index` (n,), each class its share."""
    return index if len(index) <= most else index[stratified(labels[index], most, seed=0)]
