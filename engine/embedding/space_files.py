"""A space on disk: written whole, read without its images."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.imageset import ImageSet
from engine.embedding.space import META, Answers, Space
from engine.errors import GlyphlabError
from engine.files import failure, read_json, write_arrays, write_json


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
    try:
        fresh.mkdir(parents=True, exist_ok=True)
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
        os.replace(fresh, folder)
    except OSError:  # another process was first, with the same content
        shutil.rmtree(fresh, ignore_errors=True)


def read_space(folder: Path, images: ImageSet) -> Space:
    """Open the space at `folder`, whose images are `images`. Raises GlyphlabError if it is not
    complete.
    """
    answers = read_answers(folder)
    try:
        about = read_json(folder / META)
        embeddings = np.load(folder / "embeddings.npy", mmap_mode="r")
        own = about["model"], about["data"], about["part"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from None
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


def read_answers(folder: Path) -> Answers:
    """What the model of the space at `folder` answered. Raises GlyphlabError if it is not complete."""
    try:
        classes = tuple(read_json(folder / META)["classes"])
        with np.load(folder / "answers.npz") as held:
            return Answers(
                held["index"], held["predicted"].astype(np.int64), held["confidence"], classes
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from None


def _unreadable(folder: Path, error: Exception) -> GlyphlabError:
    return GlyphlabError(
        f"the embeddings in {folder} can't be read", got=str(error)[:120], hint="Delete the folder."
    )
