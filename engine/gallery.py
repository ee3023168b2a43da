"""A model's gallery: a few of its training images in its embedding, for the nearest images beside a drawing.

Built once a model, in the background, from the data that the model was trained on, and kept in `home/galleries`. What is close
and what is strange differs from model to model, so the gallery measures it on images that the model did not learn from.
"""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data.splits import stratified
from engine.drawings import write_bytes
from engine.errors import DataError, GlyphlabError
from engine.evaluate import spec_for
from engine.files import write_arrays
from engine.likeness import likeness_vectors
from engine.neighbours import Neighbours
from engine.progress import Progress, no_progress
from engine.projection import Options, project

if TYPE_CHECKING:
    from engine.lab import Lab

MOST = 3000  # images in a gallery; searched in under a millisecond
MOST_QUERIES = 800  # held-out images to measure by
STRANGE_PERCENT = 0.5  # share of honest held-out images that may be called strange
FORMAT = 2


class Near(NamedTuple):
    """One neighbour: its class, cosine similarity (-1..1) and image (S, S) uint8."""

    label: str
    similarity: float
    image: np.ndarray


@dataclass(frozen=True)
class Gallery:
    """N training images. images (N, S, S) uint8; labels (N,) int64 into classes; `search` holds their embeddings.

    likeness     (N, D + 196) float32, as `likeness_vectors` makes them
    strange      likeness of a drawing's nearest image below which the drawing is unlike anything learned
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

    def nearest(self, embedding: np.ndarray, k: int) -> list[Near]:
        """The k images nearest to an embedding (D,), nearest first."""
        similarity, index = self.search.search(embedding, k)
        return [
            Near(self.classes[self.labels[place]], float(value), self.images[place])
            for value, place in zip(similarity[0], index[0], strict=True)
        ]

    def likeness_of(self, vector: np.ndarray) -> float:
        """Likeness (-1..1) of the most alike image to a likeness vector (D + 196,)."""
        return float((self.likeness @ vector).max())

    def place(self, embedding: np.ndarray) -> tuple[float, float] | None:
        """Where an embedding (D,) falls on the map: among its nearest images, the nearer the more."""
        if self.coordinates is None:
            return None
        similarity, index = self.search.search(embedding, 15)
        weight = np.exp((similarity[0] - similarity[0].max()) / 0.05)
        x, y = (self.coordinates[index[0]] * weight[:, None]).sum(0) / weight.sum()
        return float(x), float(y)

    def vote(self, near: list[Near]) -> list[tuple[str, int]]:
        """(class, votes) of the neighbours, most first; a tie goes to the nearer."""
        votes: dict[str, int] = {}
        for one in near:
            votes[one.label] = votes.get(one.label, 0) + 1
        return sorted(votes.items(), key=lambda item: -item[1])


class Galleries:
    """The galleries of a lab. Safe to share by threads."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._loaded: dict[Path, Gallery] = {}
        self._lock = threading.Lock()

    def path(self, model: str) -> Path:
        """Where a model's gallery is kept; another checkpoint under the same name has another. Raises CheckpointError."""
        folder = self.lab.model_folder(model)
        stamp = f"{FORMAT} {folder} {(folder / 'checkpoint.json').stat().st_mtime_ns}"
        return self.lab.home / "galleries" / f"{hashlib.blake2b(stamp.encode(), digest_size=10).hexdigest()}.npz"

    def get(self, model: str) -> Gallery | None:
        """The gallery of a model, or None where it has not been built."""
        path = self.path(model)
        with self._lock:
            held = self._loaded.get(path)
            if held is None and path.is_file():
                held = self._loaded[path] = _read(path)
            if held and held.coordinates is None and _map_of(path).is_file():
                held = self._loaded[path] = replace(held, coordinates=np.load(_map_of(path)))
            return held

    def start(self, model: str) -> str:
        """Build a model's gallery in the background; returns the task's id."""
        return self.lab.start_task("gallery", model=model)

    def build(self, model: str, progress: Progress = no_progress) -> Gallery:
        """Build and keep a model's gallery. Raises DataError if its training data is not at hand."""
        meta = self.lab.model_meta(model)
        name = str(meta["recipe"]["data"]["name"])
        try:
            data = self.lab.dataset(spec_for(meta, name), progress=progress)
        except GlyphlabError as error:
            raise DataError(f"the images that {model} was trained on are not here", got=str(error)) from None
        train = data.split("train")
        train = train[data.labels[train] >= 0]
        if len(train) > MOST:
            train = train[stratified(data.labels[train], MOST, seed=0)]
        held = data.splits.get("val", data.splits.get("test", train))
        held = held[data.labels[held] >= 0]
        if len(held) > MOST_QUERIES:
            held = held[stratified(data.labels[held], MOST_QUERIES, seed=0)]
        predictor = self.lab.predictor(model)
        total = len(train) + len(held)
        embeddings = predictor.embed(data.images[train], lambda done: progress(done, total, "embedding training images"))
        queries = predictor.embed(data.images[held], lambda done: progress(len(train) + done, total, "embedding training images"))
        path = self.path(model)
        write_arrays(
            path, data=np.array(name), classes=np.array(data.classes), images=data.images[train][:, 0], labels=data.labels[train],
            embeddings=embeddings.astype(np.float16), strange=_strange(embeddings, data.images[train], queries, data.images[held]),
        )
        coordinates = project(embeddings, Options(), threads=1, compiled=self.lab.spaces.compiled, progress=progress).coordinates
        _save(_map_of(path), coordinates)
        return _read(path)


def build_task(lab: Lab, progress: Progress, model: str) -> dict[str, Any]:
    """Task 'gallery'."""
    gallery = Galleries(lab).build(model, progress)
    return {"model": model, "images": len(gallery.labels), "data": gallery.data}


def _map_of(path: Path) -> Path:
    return path.with_suffix(".map.npy")


def _save(path: Path, coordinates: np.ndarray) -> None:
    out = io.BytesIO()
    np.save(out, coordinates.astype(np.float32))
    write_bytes(path, out.getvalue())


def _read(path: Path) -> Gallery:
    with np.load(path, allow_pickle=False) as file:
        embeddings = file["embeddings"].astype(np.float32)
        labels = file["labels"].astype(np.int64)
        classes, images = tuple(str(name) for name in file["classes"]), file["images"]
        likeness = likeness_vectors(embeddings, images[:, None])
        search = Neighbours(embeddings, labels)
        return Gallery(str(file["data"]), classes, images, labels, search, likeness, float(file["strange"]), None)


def _strange(gallery: np.ndarray, images: np.ndarray, queries: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The likeness to the gallery (N, D) that all but STRANGE_PERCENT of held-out images (Q, D) have."""
    found = likeness_vectors(queries, held) @ likeness_vectors(gallery, images).T
    return np.percentile(found.max(1), STRANGE_PERCENT)
