"""`Space`: a data set seen through a model. Embeddings on disk as one memory-mapped file, with what
the model answered.

spaces/<key>/    embeddings.npy  answers.npz  near-15.npz  map-<key>.npz  space.json (written last)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.embedding.neighbours import Neighbours, Vote
from engine.embedding.projection import Options, Projection
from engine.errors import DamagedError, DataError, GlyphlabError
from engine.files.atomic import write_array, write_arrays, write_json
from engine.files.checked import Document, map_array, read_arrays, read_document
from engine.progress import Progress, no_progress

META = "space.json"
MOST_SELECTIONS = 200  # of a space, which an address may still name
PARTS = {
    "train": "training images",
    "val": "validation images only",
    "test": "test images",
    "all": "all images",
    "unlabelled": "images without labels only",
}


class _MapDocument(Document):
    faithful: dict[str, float]
    notes: dict[str, Any] = {}


@dataclass(frozen=True)
class NearestPoints:
    """The k nearest of one point or picture, nearest first: index (k,) int64 into the space,
    similarity (k,) float32, and the vote.
    """

    index: np.ndarray
    similarity: np.ndarray
    vote: Vote


class SpacePredictions(NamedTuple):
    """A model's answers to N images: index (N,) int64 in the data set, predicted (N,) int64 in
    `classes`, confidence (N,) float32.
    """

    index: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Space:
    """N images of a data set in a model's embedding. All arrays are in the space's own order,
    ascending in the data set.

    images      the data set; `index` (N,) int64 says which of its images these are
    embeddings  (N, D) float32, L2-normalised, memory-mapped
    predicted   (N,) int64, the model's answer, an index into `model_classes`; confidence (N,)
                float32, its probability
    """

    key: str
    folder: Path
    model: str
    data: str
    part: str
    images: ImageSet
    index: np.ndarray
    embeddings: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    model_classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def labels(self) -> np.ndarray:
        """Given labels (N,) int64 in the data set's classes; -1 where there is none."""
        return np.asarray(self.images.labels[self.index], np.int64)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.images.classes

    @cached_property
    def wrong(self) -> np.ndarray:
        """(N,) bool: the model's answer is another class than the label, compared by name; False
        where there is no label.
        """
        return self.misses(self.model_classes, self.predicted)

    def misses(self, names: Sequence[str], predicted: np.ndarray) -> np.ndarray:
        """(N,) bool: where answers `said` (N,) int64, places in `names`, are another class than the
        label; False where there is none.
        """
        numbers = {name: number for number, name in enumerate(self.classes)}
        return (
            np.array([numbers.get(name, -2) for name in names], np.int64)[predicted] != self.labels
        ) & (self.labels >= 0)

    @cached_property
    def neighbours(self) -> Neighbours:
        return Neighbours(self.embeddings, self.labels)

    @cached_property
    def places(self) -> dict[int, int]:
        """From a data set's index to the place in this space."""
        return {int(number): place for place, number in enumerate(self.index)}

    def place_of(self, name: str) -> int | None:
        """The place of the image of this name; None if it is not in this space."""
        return self._names.get(name)

    @cached_property
    def _names(self) -> dict[str, int]:
        return {str(self.images.files[int(number)]): at for at, number in enumerate(self.index)}

    def picture(self, place: int) -> np.ndarray:
        """One image (C, H, W) uint8."""
        return np.asarray(self.images.images[self.index[place]])

    def near(self, place: int, k: int = 13) -> NearestPoints:
        """The k nearest of the image at `place` among the others."""
        found, index = self.neighbours.search(self.embeddings[place], min(k, len(self) - 1) + 1)
        others = index[0] != place
        others[len(others) - 1] &= others.sum() < len(
            others
        )  # among duplicates it may not have found itself
        return self._near(index[0][others], found[0][others])

    def near_to(self, embedding: np.ndarray, k: int = 13) -> NearestPoints:
        """The k nearest of any embedding (D,), as of an uploaded picture."""
        found, index = self.neighbours.search(embedding, k)
        return self._near(index[0], found[0])

    def graph(self, k: int, progress: Progress = no_progress) -> tuple[np.ndarray, np.ndarray]:
        """Similarity and index (N, at least k) of every image's nearest others, searched once and
        kept on disk.
        """
        k = min(k, len(self) - 1)
        kept = {
            int(file.stem[5:]): file
            for file in self.folder.glob("near-*.npz")
            if file.stem[5:].isdecimal()
        }
        for width in sorted(width for width in kept if width >= k):
            with suppress(DamagedError):  # it is searched again
                arrays = read_arrays(kept[width], ("similarity", "index"), "")
                similarity, index = arrays["similarity"], arrays["index"]
                shape = (len(self), width)
                if (
                    similarity.shape == index.shape == shape
                    and np.isin(index, range(len(self))).all()
                ):
                    return similarity.astype(np.float32), index.astype(np.int64)
        similarity, index = self.neighbours.search_own(k, progress)
        write_arrays(
            self.folder / f"near-{k}.npz", similarity=similarity, index=index.astype(np.int32)
        )
        return similarity, index

    def find_map(self, options: Options) -> Projection | None:
        """The map that was made with these options; None if there is none yet."""
        file = self._map_file(options)
        try:
            about = read_document(file.with_suffix(".json"), _MapDocument, "")
            coordinates = map_array(file, "")
        except DamagedError:  # or not made: it is made again
            return None
        if coordinates.shape != (len(self), options.dims):
            return None
        return Projection(coordinates, options, about.faithful, about.notes)

    def keep_map(self, projection: Projection) -> None:
        file = self._map_file(projection.options)
        write_array(file, projection.coordinates)
        about = {
            "options": asdict(projection.options),
            "faithful": projection.faithful,
            "notes": projection.notes,
        }
        write_json(file.with_suffix(".json"), about)

    def coordinates(self, name: str) -> np.ndarray:
        """Coordinates (N, dims) float32 of a stored map, by the name that `map_name` gives it.
        Raises GlyphlabError if there is none.
        """
        file = self.folder / f"{name}.npy"
        if not re.fullmatch(r"map-[\w-]+", name) or not file.exists():
            raise GlyphlabError(f"there is no map '{name}'")
        return map_array(file, "Make the map again.")

    def map_name(self, options: Options) -> str:
        return self._map_file(options).stem

    def keep_selection(self, places: np.ndarray) -> str:
        """Keep which images were selected, places (n,) int64, and return the name by which an
        address can refer to them. Of more than MOST_SELECTIONS the oldest are forgotten.
        """
        places = np.unique(np.asarray(places, np.int64))
        name = short_digest(places)
        file = self.folder / f"selection-{name}.npy"
        if not file.exists():
            write_array(file, places.astype(np.int32))
            kept = sorted(self.folder.glob("selection-*.npy"), key=_made)
            for old in kept[:-MOST_SELECTIONS]:
                if old != file:
                    old.unlink(missing_ok=True)
        return name

    def find_selection(self, name: str) -> np.ndarray | None:
        """A kept selection; None if there is none of that name."""
        file = self.folder / f"selection-{name}.npy"
        if not re.fullmatch(r"[0-9a-f]{10}", name) or not file.exists():
            return None
        places = np.unique(np.asarray(map_array(file, "Select the images again."), np.int64))
        return places[(places >= 0) & (places < len(self))]

    def _map_file(self, options: Options) -> Path:
        return (
            self.folder / f"map-{options.method}-{options.dims}d-{short_digest(options.used())}.npy"
        )

    def _near(self, index: np.ndarray, similarity: np.ndarray) -> NearestPoints:
        return NearestPoints(
            index,
            similarity,
            self.neighbours.vote(index[None], similarity[None], len(self.classes)),
        )


def part_of(images: ImageSet, part: str) -> np.ndarray:
    """Indices (n,) int64, ascending; 'train' takes validation in. Raises DataError if there are
    none.
    """
    if part != "train":
        return images.split(part)
    index = np.concatenate(
        [images.splits.get(name, np.zeros(0, np.int64)) for name in ("train", "val")]
    )
    if not len(index):
        raise DataError(f"data set {images.name} has no training images", hint="Choose 'all'.")
    return np.sort(index)


def short_digest(*parts: Any) -> str:
    """10 hex digits that change with any of `parts`; arrays count with their bytes."""
    sum_ = hashlib.blake2b(digest_size=5)
    for part in parts:
        sum_.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        sum_.update(b"\0")
    return sum_.hexdigest()


@lru_cache(maxsize=256)
def weights_digest(path: Path, stamp: int) -> str:
    """16 hex digits of a weights file's content; `stamp`, its time of change, renews the answer."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _made(file: Path) -> float:
    """When a file was written, in seconds; 0 of one that has just been deleted."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
