"""Prediction with test-time augmentation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.data import loader
from engine.data.augment import augment
from engine.imaging.images import normalise
from engine.models.recognizer import Recognizer
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.network import HANDWRITING, NoisyData
from engine.progress import Progress
from engine.recipes.augmentation import Augment

# images (B, C, S, S) in 0..255 to log-probabilities (B, K)
Predict = Callable[[Tensor], Tensor]
# half of the training's augmentation: a copy must not leave its class
HANDWRITING_WEAK = Augment(rotate=6, translate=0.035, zoom=0.06, stretch=0.05, shear=4)


@torch.no_grad()
def predict_with_tta(
    data: NoisyData,
    predict: Predict,
    index: np.ndarray,
    progress: Progress,
    what: str,
    config: NoiseConfig = CONFIG,
) -> np.ndarray:
    """Log-probabilities (n, K) float32 of the images at `index` (n,). Where the first prediction is
    not confident, it is averaged, in log-probability, with those of `config.tta_copies` augmented
    copies of the image.
    """
    change = HANDWRITING_WEAK if data.augment is HANDWRITING else data.augment
    draws, out, done = torch.Generator(data.device).manual_seed(0), [], 0
    for batch in data.images.batches(loader.in_order(index, 512)):
        log_p = predict(batch.images).float()
        uncertain = log_p.max(1).values < math.log(config.tta_below)
        if uncertain.any():
            predictions = [
                log_p[uncertain],
                *(
                    predict(augment(batch.images[uncertain], change, data.size, draws)).float()
                    for _ in range(config.tta_copies)
                ),
            ]
            log_p[uncertain] = torch.stack(predictions).mean(0)
        out.append(log_p.cpu().numpy())
        done += len(out[-1])
        progress(done, len(index), what)
    return np.concatenate(out)


def predictor(data: NoisyData, model: Recognizer) -> Predict:
    """A trained network in the form that `predict_with_tta` takes."""
    model.eval()

    def predict(images: Tensor) -> Tensor:
        x = normalise(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            data.device.type,
            dtype=data.autocast or torch.bfloat16,
            enabled=data.autocast is not None,
        ):
            return F.log_softmax(model(x).logits.float(), 1)

    return predict
