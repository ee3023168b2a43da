"""Batch normalisation's running mean and variance, taken anew from the training images.

While a network trains, they follow slowly: after n steps (1 - momentum)^n of the values that they
began with is left. A network that was trained for ten steps is judged with statistics that are
still a third noise, and reads 10% of ten classes with weights that would read 96%.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from engine.data.augment import fit_size
from engine.data.loader import Images
from engine.imaging.images import normalise
from engine.training.group import ALONE, Group

FEW_STEPS = 100  # after so many, 0.9^100 = 0.003% of the initial values is left
AT_ONCE = 256  # images


def normalising(model: nn.Module) -> list[str]:
    """The names of a model's batch-normalisation layers that are training: not those of frozen
    groups.
    """
    return [
        name
        for name, layer in cast("Iterable[tuple[str, nn.Module]]", model.named_modules())
        if isinstance(layer, _BatchNorm) and layer.training and layer.track_running_stats
    ]


@torch.no_grad()
def refresh_statistics(
    model: nn.Module,
    names: Sequence[str],
    images: Images,
    index: np.ndarray,
    size: int,
    crop: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    group: Group = ALONE,
) -> None:
    """Set the running statistics of the layers called `names` to those of the images at `index`
    (n,), without augmentation, in one pass. The mean over equally large batches; up to AT_ONCE
    images it is exact. A cancelled pass leaves them as they were. Each process of the group takes
    its part of every batch.
    """
    model.eval()
    layers = [cast(_BatchNorm, model.get_submodule(name)) for name in names]
    before = [(layer, layer.momentum, layer.state_dict()) for layer in layers]
    kept = [{key: value.clone() for key, value in state.items()} for _, _, state in before]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over the batches
        layer.train()
    finished = False
    try:
        parts = np.array_split(index, max(1, -(-len(index) // AT_ONCE)))
        for batch in images.batches([part[group.part(len(part))] for part in parts]):
            if cancelled():
                return
            x = normalise(fit_size(batch.images, size, crop))
            model(x.contiguous(memory_format=torch.channels_last))
        finished = True
    finally:
        for (layer, momentum, _), state in zip(before, kept, strict=True):
            layer.momentum = momentum
            assert layer.num_batches_tracked is not None  # of a layer that keeps statistics
            layer.num_batches_tracked.copy_(state["num_batches_tracked"])
            if not finished:
                layer.load_state_dict(state)
        model.eval()
