"""A model's gallery: a few of its training images in its embedding, for the nearest images beside a
drawing.

Built once a model, in the background, from the data that the model was trained on, and kept in
`home/galleries`; a shipped model may bring one with it (`gallery.npz` beside its checkpoint, made
by `Galleries.ship`). What is close and what is strange differs from model to model, so the gallery
measures it on images that the model did not learn from.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.embedding.neighbours import Neighbours
from engine.embedding.projection import Options, project
from engine.errors import DamagedError, DataError
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays
from engine.progress import Progress, no_progress
from engine.recognition.rejection import Rejection, arrays_of, rejection_in
from engine.recognition.shape_similarity import likeness_vectors
from engine.recognition.typicality import Typical, ink_depth, measured, typicality_of
from engine.services.limits import limited, places_of, rejection_of, some_of

if TYPE_CHECKING:
    from engine.store.store import Store

MOST = 3000  # images in a gallery; searched in under a millisecond
MOST_QUERIES = 800  # held-out images to measure by
STRANGE_PERCENT = 0.5  # share of honest held-out images that may be called strange
SHIPPED = "gallery.npz"
MOST_SHIPPED = 1500
FORMAT = 6


class Neighbour(NamedTuple):
    """One neighbour: its class, cosine similarity (-1..1) and image (S, S) uint8."""

    label: str
    similarity: float
    image: np.ndarray


@dataclass(frozen=True)
class Gallery:
    """N training images. images (N, S, S) uint8; labels (N,) int64 into classes; `search` holds
    their embeddings.

    likeness     (at least N, D + 196) float32, as `likeness_vectors` makes them; also of images
                 that are not shown
    rejection    what tells foreign drawings from those of the model's classes; None in galleries
                 of an earlier version, and where too few images are held out to fit it
    typical      limits of what is typical, of which only the ink's depth counts beside a rejection;
                 None in the first galleries
    strange      likeness of a drawing's nearest image below which the drawing is unlike anything
                 learned, the only limit in the first galleries
    coordinates  (N, 2) float32, the images' places on a UMAP; None until it has been laid out
    """

    data: str
    classes: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    search: Neighbours
    likeness: np.ndarray
    strange: float
    coordinates: np.ndarray | None
    typical: Typical | None = None
    rejection: Rejection | None = None

    def nearest(self, embedding: np.ndarray, k: int) -> list[Neighbour]:
        """The k images nearest to an embedding (D,), nearest first."""
        similarity, index = self.search.search(embedding, k)
        return [
            Neighbour(self.classes[self.labels[place]], float(value), self.images[place])
            for value, place in zip(similarity[0], index[0], strict=True)
        ]

    def likeness_of(self, vector: np.ndarray) -> float:
        """Likeness (-1..1) of the most alike image to a likeness vector (D + 196,)."""
        return float((self.likeness @ vector).max())

    def likeness_of_classes(self, vector: np.ndarray, classes: Sequence[str]) -> float | None:
        """The same among the images shown that are of one of `classes`; None where none is."""
        own = [number for number, name in enumerate(self.classes) if name in set(classes)]
        asked = self.likeness[: len(self.labels)][np.isin(self.labels, own)]
        return float((asked @ vector).max()) if len(asked) else None

    def accepts(self, embedding: np.ndarray, square: np.ndarray) -> bool:
        """Whether a drawing, by its embedding (D,) and square (C, S, S) uint8, is like what the
        model was trained on.
        """
        vector = likeness_vectors(embedding[None], square[None])[0]
        if self.typical is None:
            return self.likeness_of(vector) >= self.strange
        typicality = float(typicality_of((self.likeness @ vector)[None])[0])
        depth = float(ink_depth(square[:1])[0])
        if self.rejection is None:
            return self.typical.accepts(typicality, depth)
        return depth <= self.typical.deepest and self.rejection.accepts(embedding, typicality)

    def place(self, embedding: np.ndarray) -> tuple[float, float] | None:
        """Where an embedding (D,) falls on the map: among its nearest images, the nearer the more."""
        if self.coordinates is None:
            return None
        similarity, index = self.search.search(embedding, 15)
        weight = np.exp((similarity[0] - similarity[0].max()) / 0.05)
        x, y = (self.coordinates[index[0]] * weight[:, None]).sum(0) / weight.sum()
        return float(x), float(y)

    def vote(self, near: list[Neighbour]) -> list[tuple[str, int]]:
        """(class, votes) of the neighbours, most first; a tie goes to the nearer."""
        votes: dict[str, int] = {}
        for one in near:
            votes[one.label] = votes.get(one.label, 0) + 1
        return sorted(votes.items(), key=lambda item: -item[1])


class Galleries:
    """The galleries of a lab. Safe to share by threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._loaded: dict[Path, Gallery] = {}
        self._lock = threading.Lock()

    def path(self, model: str) -> Path:
        """Where a model's gallery is kept; another checkpoint under the same name has another.
        Raises CheckpointError.
        """
        folder = self.store.model_folder(model)
        stamp = f"{FORMAT} {folder} {(folder / 'checkpoint.json').stat().st_mtime_ns}"
        return (
            self.store.home
            / "galleries"
            / f"{hashlib.blake2b(stamp.encode(), digest_size=10).hexdigest()}.npz"
        )

    def get(self, model: str) -> Gallery | None:
        """The gallery of a model, or None where it has not been built."""
        path = self.path(model)
        with self._lock:
            held = self._loaded.get(path)
            if held is None:
                held = _read(path, "") or _read(
                    self.store.model_folder(model) / SHIPPED,
                    self.store.model_meta(model)["weights"],
                )
                if held is not None:
                    self._loaded[path] = held
            elif (
                held.coordinates is None and path.is_file()
            ):  # the map is added when it has been laid out
                held = self._loaded[path] = _read(path, "") or held
            return held

    def build(self, model: str, progress: Progress = no_progress) -> Path:
        """Build a model's gallery, keep it in the lab and return its file. Raises DataError if its
        training data is not available.
        """
        path = self.path(model)
        self._build(model, path, MOST, None, "", progress)
        return path

    def ship(self, model: str, sources: Sequence[str], progress: Progress = no_progress) -> Path:
        """Put a smaller gallery beside a model's checkpoint; returns its file. Images come from the
        named data sets only, those that may be passed on; of the others there are likeness vectors,
        so that drawings like them are not taken for strange ones."""
        path = self.store.model_folder(model) / SHIPPED
        self._build(
            model, path, MOST_SHIPPED, sources, self.store.model_meta(model)["weights"], progress
        )
        return path

    def calibrate(
        self,
        model: str,
        sources: Sequence[str],
        held_out: np.ndarray | None = None,
        progress: Progress = no_progress,
    ) -> Path:
        """Fit anew what is foreign to a model, in the gallery beside its checkpoint, whose images
        stay; returns its file. sources: as of `ship`; held_out: squares (n, C, S, S) uint8 of drawings
        of its classes that the limits are measured by, instead of those of its data set. Raises
        DataError if it has no gallery there, or if its training data is not at hand.
        """
        path, meta = self.store.model_folder(model) / SHIPPED, self.store.model_meta(model)
        gallery = _read(path, meta["weights"])
        if gallery is None:
            raise DataError(f"{model} has no gallery beside its checkpoint", hint="Ship one first.")
        places = places_of(self.store, model, sources, progress)
        found = rejection_of(self.store, model, places, gallery.likeness, progress)
        if found is not None and held_out is not None:
            embeddings = self.store.predictor(model).embed(held_out)
            found = limited(found, embeddings, held_out, gallery.likeness)
        content = dict(read_arrays(path, ("weights",), ""))
        write_arrays(path, **{**content, **(arrays_of(found) if found else {})})
        return path

    def _build(
        self,
        model: str,
        path: Path,
        most: int,
        sources: Sequence[str] | None,
        weights: str,
        progress: Progress,
    ) -> None:
        places = places_of(self.store, model, sources, progress)
        data = places.data
        other = some_of(places.other, data.labels, most // 2)
        train = some_of(places.shown, data.labels, most)
        held = some_of(places.held, data.labels, MOST_QUERIES)
        everything = np.concatenate([train, other, held])
        squares = data.images[everything]
        embeddings = self.store.predictor(model).embed(
            squares, lambda done: progress(done, len(squares), "embedding training images")
        )
        likeness = likeness_vectors(embeddings, squares)
        parts = np.cumsum([len(train), len(other)])
        own, others, queries = np.split(likeness, parts)
        alike = queries @ np.concatenate([own, others]).T
        typical = measured(typicality_of(alike), ink_depth(data.images[held][:, 0]))
        content = {
            "data": np.array(str(self.store.model_meta(model)["recipe"]["data"]["name"])),
            "classes": np.array(data.classes),
            "weights": np.array(weights),
            "images": data.images[train][:, 0],
            "labels": data.labels[train].astype(np.int16),
            "embeddings": embeddings[: len(train)].astype(np.float16),
            "others": others.astype(np.float16),
            "strange": np.percentile(alike.max(1), STRANGE_PERCENT),
            "typical": np.array(typical),
        }
        if not weights:
            write_arrays(path, **content)  # the neighbours can be shown meanwhile
        found = rejection_of(self.store, model, places, np.concatenate([own, others]), progress)
        if found is not None:
            content.update(arrays_of(found))
        options, compiled = Options(), self.store.compiled()
        laid_out = project(
            embeddings[: len(train)], options, threads=1, compiled=compiled, progress=progress
        )
        write_arrays(path, **content, coordinates=laid_out.coordinates.astype(np.float16))


def _read(path: Path, weights: str) -> Gallery | None:
    """The gallery in a file; None if it is missing, or if it was made with other weights than
    these.
    """
    if not path.is_file():
        return None
    names = ("weights", "embeddings", "labels", "images", "data", "classes", "others", "strange")
    try:
        file = read_arrays(path, names, "")
    except DamagedError:  # it is made again
        return None
    if str(file["weights"]) != weights:
        return None
    embeddings, labels = file["embeddings"].astype(np.float32), file["labels"].astype(np.int64)
    images = file["images"]
    return Gallery(
        str(file["data"]),
        tuple(str(name) for name in file["classes"]),
        images,
        labels,
        Neighbours(embeddings, labels),
        np.concatenate(
            [likeness_vectors(embeddings, images[:, None]), file["others"].astype(np.float32)]
        ),
        float(file["strange"]),
        file["coordinates"].astype(np.float32) if "coordinates" in file else None,
        Typical(*map(float, file["typical"])) if "typical" in file else None,
        rejection_in(file),
    )
