"""What a model outputs for a data set, and the same network untrained to compare it with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.data.imageset import ImageSet
from engine.imaging.images import STYLES
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.models.predictor import Predictor

CHUNK = 4096  # images read from disk at a time


def outputs(
    predictor: Predictor, images: ImageSet, index: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings (n, D) float32, the answer (n,) int64 and its probability (n,) float32 for the
    images at `index` (n,).
    """
    embeddings, predicted, confidence = [], [], []
    for start in range(0, len(index), CHUNK):
        squares = np.asarray(images.images[index[start : start + CHUNK]])
        probabilities, found = predictor.run(
            squares,
            lambda done, start=start: progress(start + done, len(index), "embedding images"),
        )
        embeddings.append(found)
        predicted.append(probabilities.argmax(1))
        confidence.append(probabilities.max(1))
    return np.concatenate(embeddings), np.concatenate(predicted), np.concatenate(confidence)


def untrained(predictor: Predictor, seed: int = 0) -> Predictor:
    """The same network with fresh random weights: what an embedding has to beat."""
    import torch

    from engine.models.catalog import build_model

    held = predictor.checkpoint
    channels = STYLES[held.style].channels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = held.recipe.model
        model = build_model(
            network.name,
            network.options,
            channels,
            len(held.classes),
            held.input_size,
            pretrained=False,
        )
    fresh = replace(held, model=model.eval().requires_grad_(False), temperature=1.0)
    return type(predictor)(fresh, predictor.device)
