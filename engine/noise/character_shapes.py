"""Embeddings of images of handwriting by a network that knows characters, but not these: it was trained
on six alphabets of Omniglot and on invented characters (recipe `character-shapes`), none of which has to
be among the classes. Two images of one character lie closer together than by gradients.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    from engine.models.predictor import Predictor

FOLDER = Path(__file__).parents[2] / "checkpoints" / "parts" / "character-shapes"


@cache
def _network() -> Predictor:
    from engine.models.checkpoint import load_checkpoint
    from engine.models.predictor import Predictor

    return Predictor(load_checkpoint(FOLDER))


def character_shapes(images: np.ndarray, progress: Progress = no_progress) -> np.ndarray:
    """Embeddings (N, 128) float32, L2-normalised, of grey images (N, 1, H, W) uint8, bright ink on black."""

    def tell(done: int) -> None:
        progress(done, len(images), "looking at the shapes of images")

    return _network().embed(np.asarray(images), tell)
