"""A model over many images, shared out among the processes that train it."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from engine.data.loader import Images
from engine.models.inference import run_model
from engine.models.recognizer import Recognizer
from engine.training.group import Group


def outputs_of(
    group: Group,
    model: Recognizer,
    images: Images,
    index: np.ndarray,
    size: int,
    crop: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Logits (n, K) f32 and embeddings (n, D) f32 of the images at `index` (n,), on the CPU, without
    augmentation. Each process computes its part, and all have the whole.
    """
    if group.size == 1 or len(index) < group.size:  # too few to share
        return run_model(model, images, index, size, crop)
    own = index[group.part(len(index))]
    logits, embeddings = run_model(model, images, own, size, crop)
    return group.gather(logits, len(index)), group.gather(embeddings, len(index))
