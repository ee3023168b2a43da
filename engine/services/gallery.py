"""A model's gallery: a few of its training images in its embedding, for the nearest images beside a
drawing.

What is close and what is strange differs from model to model, so the gallery measures it on images
that the model did not learn from. Which model has which gallery: engine.services.galleries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.sources import is_pool, part_of
from engine.embedding.neighbours import Neighbours
from engine.errors import DamagedError
from engine.files.checked import read_arrays
from engine.recognition.rejection import Rejection, rejection_in
from engine.recognition.shape_similarity import FORM_SIDE, likeness_vectors
from engine.recognition.typicality import Typical, ink_depth, typicality_of


class Neighbour(NamedTuple):
    """One neighbour: its class, cosine similarity (-1..1), image (S, S) uint8, and its name in the
    gallery's data set, '' where that is not known.
    """

    label: str
    similarity: float
    image: np.ndarray
    file: str = ""


@dataclass(frozen=True)
class Gallery:
    """N training images. images (N, S, S) uint8; labels (N,) int64 into classes; `search` holds
    their embeddings.

    data         the data set that they are of, pooled ones joined by '+'
    files        their N names in it; none in galleries of an earlier version
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
    files: tuple[str, ...] = ()

    def nearest(self, embedding: np.ndarray, k: int) -> list[Neighbour]:
        """The k images nearest to an embedding (D,), nearest first."""
        similarity, index = self.search.search(embedding, k)
        return [
            Neighbour(
                self.classes[self.labels[place]],
                float(value),
                self.images[place],
                self.files[place] if self.files else "",
            )
            for value, place in zip(similarity[0], index[0], strict=True)
        ]

    def image_of(self, data: str, sample: str) -> np.ndarray | None:
        """The image (S, S) uint8 that it holds of a sample of one data set; None if it holds none."""
        places = (at for at, file in enumerate(self.files) if file.endswith(sample))
        at = next(
            (at for at in places if part_of(self.data, self.files[at]) == (data, sample)), None
        )
        return None if at is None else self.images[at]

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


def names_as_array(names: Sequence[str]) -> np.ndarray:
    """Names of images as a file keeps them: UTF-8, one a line, uint8. What no address can carry, a name
    of several lines or of bytes that are no text, is left out as ''.
    """
    return np.frombuffer("\n".join(map(_in_a_line, names)).encode(), np.uint8)


def _in_a_line(name: str) -> str:
    try:
        return name if name.encode() and "\n" not in name else ""
    except UnicodeEncodeError:
        return ""


def _names_in(file: Mapping[str, np.ndarray], count: int) -> tuple[str, ...]:
    """The `count` names of a file; none where it has none, or another number of them."""
    if "files" not in file:
        return ()
    names = file["files"].tobytes().decode(errors="replace").split("\n")
    return tuple(names) if len(names) == count else ()


def read_gallery(path: Path, weights: str) -> Gallery | None:
    """The gallery in a file; None if it is missing, if it was made with other weights than these, or if
    its arrays do not fit together: it may have come with a model from elsewhere.
    """
    if not path.is_file():
        return None
    names = ("weights", "embeddings", "labels", "images", "data", "classes", "others", "strange")
    try:
        file = read_arrays(path, names, "")
    except DamagedError:  # it is made again
        return None
    if str(file["weights"]) != weights or not _fits_together(file):
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
        _names_in(file, len(labels)),
    )


def _fits_together(file: Mapping[str, np.ndarray]) -> bool:
    """Whether a file's arrays have the shapes, kinds and ranges that a gallery relies on. Of what may be
    missing, all of a rejection is there or nothing.
    """
    vectors, labels, images, others = (
        file[k] for k in ("embeddings", "labels", "images", "others")
    )
    if vectors.ndim != 2 or not vectors.size or file["classes"].ndim != 1 or file["data"].ndim:
        return False
    n, width = vectors.shape
    rejection = {
        "rejection_whitener": (width, width),
        "rejection_centres": (len(file.get("rejection_weights", ())), width),
        "rejection_weights": (len(file.get("rejection_centres", ())),),
        "rejection_numbers": (3,),
    }
    shapes = {"strange": (), "coordinates": (n, 2), "typical": (2,), **rejection}
    real = [vectors, others, *(file[name] for name in shapes if name in file)]
    return (
        labels.shape == (n,)
        and labels.dtype.kind in "iu"
        and 0 <= labels.min() <= labels.max() < len(file["classes"])
        and images.dtype == np.uint8
        and images.ndim == 3
        and images.shape == (n, images.shape[-1], images.shape[-1])
        and images.size > 0
        and others.ndim == 2
        and others.shape[1] == width + FORM_SIDE**2
        and all(file[name].shape == shape for name, shape in shapes.items() if name in file)
        and len(rejection.keys() & file.keys()) in (0, len(rejection))
        and all(array.dtype.kind == "f" and np.isfinite(array).all() for array in real)
        and is_pool(str(file["data"]))
    )
