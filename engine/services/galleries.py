"""The galleries of a lab's models.

Each is built once a model, in the background, from the data that the model was trained on, and kept in
`home/galleries`; a shipped model may bring one with it (`gallery.npz` beside its checkpoint, made
by `Galleries.ship`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.embedding.projection import Options, project
from engine.errors import DataError
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays
from engine.progress import Progress, no_progress
from engine.recognition.rejection import arrays_of
from engine.recognition.shape_similarity import likeness_vectors
from engine.recognition.typicality import ink_depth, measured, typicality_of
from engine.services.gallery import Gallery, names_as_array, read_gallery
from engine.services.limits import limited, places_of, rejection_of, some_of

if TYPE_CHECKING:
    from engine.store.store import Store

MOST = 3000  # images in a gallery; searched in under a millisecond
MOST_QUERIES = 800  # held-out images to measure by
STRANGE_PERCENT = 0.5  # share of honest held-out images that may be called strange
SHIPPED = "gallery.npz"
MOST_SHIPPED = 1500
FORMAT = 6  # 6 has been written without `files` too, and is read so


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
                held = read_gallery(path, "") or read_gallery(
                    self.store.model_folder(model) / SHIPPED,
                    self.store.model_meta(model)["weights"],
                )
                if held is not None:
                    self._loaded[path] = held
            elif (
                held.coordinates is None and path.is_file()
            ):  # the map is added when it has been laid out
                held = self._loaded[path] = read_gallery(path, "") or held
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
        gallery = self._shipped(model, path, meta["weights"])
        places = places_of(self.store, model, sources, progress)
        found = rejection_of(self.store, model, places, gallery.likeness, progress)
        if found is not None and held_out is not None:
            embeddings = self.store.predictor(model).embed(held_out)
            found = limited(found, embeddings, held_out, gallery.likeness)
        content = dict(read_arrays(path, ("weights",), ""))
        write_arrays(path, **{**content, **(arrays_of(found) if found else {})})
        return path

    def name_images(
        self, model: str, sources: Sequence[str], progress: Progress = no_progress
    ) -> Path:
        """Write which samples its images are into the gallery beside a model's checkpoint, whose
        content stays otherwise; returns its file. sources: as of `ship`. Raises DataError if it has no
        gallery there, if its training data is not at hand, or if that holds other images.
        """
        path, meta = self.store.model_folder(model) / SHIPPED, self.store.model_meta(model)
        gallery = self._shipped(model, path, meta["weights"])
        places = places_of(self.store, model, sources, progress)
        shown = some_of(places.shown, places.data.labels, MOST_SHIPPED)
        if not np.array_equal(places.data.images[shown][:, 0], gallery.images):
            raise DataError(
                f"the images in the gallery of {model} are not those of {gallery.data} here",
                hint="Ship it again.",
            )
        files = names_as_array([str(places.data.files[place]) for place in shown.tolist()])
        write_arrays(path, **{**read_arrays(path, ("weights",), ""), "files": files})
        return path

    def _shipped(self, model: str, path: Path, weights: str) -> Gallery:
        gallery = read_gallery(path, weights)
        if gallery is None:
            raise DataError(f"{model} has no gallery beside its checkpoint", hint="Ship one first.")
        return gallery

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
            "files": names_as_array([str(data.files[place]) for place in train.tolist()]),
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
