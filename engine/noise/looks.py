"""What the images show by their looks: which are clearly of one class, how often these are labelled
otherwise, which occur several times, and whether a class may lie under another's label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.copies import Copies, copies_of
from engine.noise.geometry import describe, look_alikes
from engine.noise.hidden_classes import HiddenClass, hidden_class
from engine.noise.probe import label_probabilities
from engine.noise.separability import Separability, separability


class Looks(NamedTuple):
    separability: Separability
    hidden: HiddenClass | None
    copies: Copies


def look_at(
    data: ImageSet,
    index: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    seed: int,
    config: NoiseConfig = CONFIG,
) -> Looks:
    """The looks of the images at `index` (n,), of which each `fold` (n,) is judged by the others, and
    which are the same as the one at `same` (n,).
    """
    given = np.asarray(data.labels[index], np.int64)
    vectors = describe(data.images[index], config.descriptor_components)
    return looks_of(vectors, given, fold, same, data.classes, seed, config)


def looks_of(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    classes: tuple[str, ...],
    seed: int,
    config: NoiseConfig = CONFIG,
) -> Looks:
    """As `look_at`, from descriptors (n, D) of the images."""
    present = len(np.unique(given))
    neighbours = look_alikes(vectors, present, config)
    probabilities = label_probabilities(
        vectors, given, fold, neighbours, len(classes), seed, config=config
    )
    return Looks(
        separability(probabilities, given, neighbours, config),
        hidden_class(vectors, given, classes, seed, config),
        copies_of(same, given),
    )
