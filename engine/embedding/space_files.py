"""A space on disk: written whole, read without its images."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from engine.data.imageset import ImageSet
from engine.embedding.kept import SpaceInfo
from engine.embedding.space import META, Space, SpacePredictions
from engine.errors import DamagedError
from engine.files.atomic import failure, make_folder, rename_whole, write_arrays, write_json
from engine.files.checked import Damaged, Document, damaged, map_array, read_arrays, read_document

DAMAGED = "Delete the space and embed the images again."


class SpaceDocument(Document):
    """space.json."""

    model: str
    data: str
    part: str
    weights: str
    n: int = Field(ge=0)
    width: int = Field(ge=1)
    classes: list[str]
    created: str


def write_space(
    folder: Path,
    about: dict[str, Any],
    *,
    index: np.ndarray,
    embeddings: np.ndarray,
    predicted: np.ndarray,
    confidence: np.ndarray,
) -> None:
    """Put a finished space at `folder`, whole or not at all. `about` becomes its space.json."""
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    make_folder(fresh)
    try:
        np.save(fresh / "embeddings.npy", embeddings.astype(np.float32))
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise failure(error, folder) from error
    answers = {
        "index": index.astype(np.int64),
        "predicted": predicted.astype(np.int32),
        "confidence": confidence.astype(np.float32),
    }
    write_arrays(fresh / "answers.npz", **answers)
    write_json(fresh / META, about)
    try:
        rename_whole(fresh, folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if not folder.exists():  # or another process was first, with the same content
            raise failure(error, folder) from error


def read_space(folder: Path, images: ImageSet) -> Space:
    """Open the space at `folder`, whose images are `images`. Raises DamagedError."""
    answers, about = read_predictions(folder), read_about(folder)
    embeddings = map_array(folder / "embeddings.npy", DAMAGED)
    shape = (len(answers.index), about.width)
    if embeddings.shape != shape or embeddings.dtype != np.float32:
        raise damaged(folder / "embeddings.npy", f"{embeddings.shape} is not {shape}", DAMAGED)
    if len(answers.index) and answers.index.max() >= len(images):
        raise damaged(folder / "answers.npz", "it is of other images", DAMAGED)
    own = about.model, about.data, about.part
    return Space(
        folder.name,
        folder,
        *own,
        images,
        answers.index,
        embeddings,
        answers.predicted,
        answers.confidence,
        answers.classes,
    )


def read_predictions(folder: Path) -> SpacePredictions:
    """What the model of the space at `folder` answered. Raises DamagedError."""
    about = read_about(folder)
    held = read_arrays(folder / "answers.npz", ("index", "predicted", "confidence"), DAMAGED)
    index, predicted, confidence = held["index"], held["predicted"], held["confidence"]
    whole = all(kind.kind == "i" for kind in (index.dtype, predicted.dtype))
    sound = whole and index.shape == predicted.shape == confidence.shape == (about.n,)
    if not sound or (about.n and not 0 <= predicted.min() <= predicted.max() < len(about.classes)):
        raise damaged(folder / "answers.npz", f"it is not of {about.n} images", DAMAGED)
    return SpacePredictions(index, predicted.astype(np.int64), confidence, tuple(about.classes))


def read_about(folder: Path) -> SpaceDocument:
    """The checked document of the space in a folder. Raises DamagedError."""
    return read_document(folder / META, SpaceDocument, DAMAGED)


def spaces_in(home: Path) -> Iterator[SpaceInfo | Damaged]:
    """The spaces in the folder `home`, by name; of one that can't be read, why."""
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        if folder.name.startswith(".") or folder.name == "learning" or not folder.is_dir():
            continue
        try:
            about = read_about(folder)
            size = sum(file.stat().st_size for file in folder.iterdir())
        except DamagedError as error:
            yield Damaged("space", folder.name, str(error))
            continue
        except OSError:  # deleted while we looked
            continue
        yield SpaceInfo(
            name=folder.name,
            model=about.model,
            data=about.data,
            part=about.part,
            images=about.n,
            width=about.width,
            created=about.created,
            size_bytes=size,
        )


def has_map(home: Path, but: Collection[str] = ()) -> bool:
    """Whether a map has been laid out of any space in the folder `home`. but: names of spaces that do
    not count.
    """
    return not mapped_in(home) <= set(but)


def mapped_in(home: Path) -> set[str]:
    """The names of the spaces in the folder `home` of which a map has been laid out."""
    return {file.parent.name for file in home.glob("*/map-*.npy")}


def is_known(home: Path, data: str, part: str, weights: str) -> bool:
    """Whether a space of that part of that data set was embedded with those weights."""
    for file in home.glob(f"*/{META}"):
        with suppress(DamagedError):  # another one
            about = read_about(file.parent)
            if (about.data, about.part, about.weights) == (data, part, weights):
                return True
    return False
