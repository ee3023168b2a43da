"""Which strokes mattered: integrated gradients (Sundararajan et al. 2017) of a class's logit, by
captum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.models.predictor import Predictor

# points on the way from a blank page to the drawing; doubling them changes the map by under 2%
STEPS = 24


def saliency(predictor: Predictor, square: np.ndarray, label: str) -> np.ndarray:
    """How much each pixel of a square (C, S, S) uint8 speaks for `label`: (C, S, S) float32, -1..1,
    the strongest of all channels ±1.

    Positive speaks for it, negative against it. Measured against a blank page.
    """
    import torch
    from captum.attr import IntegratedGradients

    from engine.data.augment import fit_size
    from engine.imaging.images import normalise

    checkpoint = predictor.checkpoint
    batch = torch.from_numpy(square[None].copy()).to(predictor.device)
    image = normalise(fit_size(batch, checkpoint.input_size, checkpoint.crop))
    blank = normalise(torch.zeros_like(fit_size(batch, checkpoint.input_size, checkpoint.crop)))
    method = IntegratedGradients(lambda x: predictor.model(x).logits)
    found = method.attribute(
        image,
        blank,
        target=predictor.classes.index(label),
        n_steps=STEPS,
        internal_batch_size=STEPS,
    )
    found = torch.nn.functional.interpolate(
        found.float(), size=square.shape[-2:], mode="bilinear", align_corners=False
    )[0]
    found = torch.nn.functional.avg_pool2d(
        found, 3, stride=1, padding=1
    )  # single pixels flicker; strokes are what is asked for
    values = found.detach().cpu().numpy()
    return (values / max(float(np.abs(values).max()), 1e-12)).astype(np.float32)


def overlay(square: np.ndarray, map: np.ndarray) -> np.ndarray:
    """A channel (S, S) uint8 with its saliency (S, S) -1..1 as a picture (S, S, 3) uint8: grey
    strokes on white, orange where they speak for the class, blue where they speak against it."""
    paper = 255 - square.astype(np.float32)[..., None] * 0.35
    strength = np.sqrt(np.abs(map))[..., None]
    colour = np.where(
        map[..., None] > 0,
        np.array([224, 121, 43], np.float32),
        np.array([59, 125, 216], np.float32),
    )
    return np.clip(paper * (1 - strength) + colour * strength, 0, 255).astype(np.uint8)
