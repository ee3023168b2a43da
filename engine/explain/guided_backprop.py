"""Guided backpropagation, and the filters of a first layer: what a network looks for, and what in an
image spoke for its prediction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from engine.models.predictor import Predictor

MOST_FILTERS = 64


def filters(predictor: Predictor) -> np.ndarray:
    """The kernels of the first convolution as pictures (F, C, k, k) uint8: colour for RGB, else
    grey, each stretched to full contrast.
    """
    from torch import nn

    first = next(
        (layer for layer in predictor.model.modules() if isinstance(layer, nn.Conv2d)), None
    )
    if first is None:
        return np.zeros((0, 1, 1, 1), np.uint8)
    kernels = first.weight.detach().float().cpu().numpy()[:MOST_FILTERS]
    kernels = kernels if kernels.shape[1] == 3 else kernels[:, :1]
    low, high = kernels.min((1, 2, 3), keepdims=True), kernels.max((1, 2, 3), keepdims=True)
    return ((kernels - low) / np.maximum(high - low, 1e-9) * 255).round().astype(np.uint8)


def guided_saliency(predictor: Predictor, squares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806): what in each image spoke
    for its label.

    squares: (n, C, S, S) uint8; labels: (n,) places in the model's classes. Returns (n, C, S, S)
    float32 in -1..1, 0 where a pixel does not matter; each image is scaled to its own strongest
    pixel.
    """
    import torch

    from engine.data.augment import fit_size
    from engine.imaging.images import normalise

    checkpoint = predictor.checkpoint
    model = _guided(predictor.model)
    batch = torch.from_numpy(np.ascontiguousarray(squares)).to(predictor.device)
    image = normalise(fit_size(batch, checkpoint.input_size, checkpoint.crop)).requires_grad_(True)
    logits = model(image).logits
    logits[torch.arange(len(image)), torch.as_tensor(labels, device=logits.device)].sum().backward()
    assert image.grad is not None  # a leaf that was asked for its gradient
    found = torch.nn.functional.interpolate(
        image.grad, size=squares.shape[-2:], mode="bilinear", align_corners=False
    )
    values = found.float().cpu().numpy()
    return values / np.maximum(np.abs(values).max((1, 2, 3), keepdims=True), 1e-12)


def _guided(model: nn.Module) -> nn.Module:
    """A copy whose activations let back only what speaks for the answer."""
    import copy

    from torch import nn

    def positive(layer: nn.Module, incoming: Any, outgoing: Any) -> Any:
        return tuple(None if part is None else part.clamp(min=0) for part in incoming)

    guided = copy.deepcopy(model).eval()
    for layer in guided.modules():
        if hasattr(layer, "inplace"):
            layer.inplace = False  # a hook on the gradient can't see through a change in place  # pyright: ignore[reportArgumentType]
        if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.GELU | nn.SiLU | nn.ELU | nn.Mish):
            layer.register_full_backward_hook(positive)
    return guided


def as_pictures(saliency: np.ndarray) -> np.ndarray:
    """Saliency (n, C, S, S) in -1..1 as pictures (n, 3, S, S) uint8: mid-grey where nothing
    mattered, in colour for photographs.
    """
    grey = np.repeat(saliency[:, :1], 3, 1) if saliency.shape[1] != 3 else saliency
    strength = np.sign(grey) * np.sqrt(np.abs(grey))  # a few pixels are far stronger than the rest
    return (127.5 + 127.5 * np.clip(strength, -1, 1)).round().astype(np.uint8)
