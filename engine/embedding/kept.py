"""What is kept of embeddings, as lists and views show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    pass


# Before a model's name: the same network with fresh weights, the baseline that it has to beat.
UNTRAINED = "untrained:"


@dataclass(frozen=True)
class SpaceInfo:
    """A stored space as lists show it."""

    name: str
    model: str
    data: str
    part: str
    images: int
    width: int
    created: str
    size_bytes: int


@dataclass(frozen=True)
class Learning:
    """A run's embedding of the same n images at several epochs, on shared axes: coordinates
    (epochs, n, dims) float32.
    """

    run: str
    epochs: tuple[int, ...]
    coordinates: np.ndarray
    labels: np.ndarray
    index: np.ndarray
