"""Layers that look beyond one image, when several processes have a part of each batch.

Batch normalisation uses mean and variance of the whole batch. torch's SyncBatchNorm does so on GPUs
only; this one does on every device. With the statistics of its own part, each process would normalise
differently, and the same recipe would train another network on two devices than on one: parts of 16
have noisier statistics than a batch of 32.

Dropout draws for the whole batch, and each process takes its part: two parts with the same masks
would not be independent.
"""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from engine.training.group import ProcessGroup


def see_whole_batch(model: nn.Module, group: ProcessGroup) -> None:
    """Have the batch normalisation and the dropout of `model` do, while it trains, what they would
    do in one process. Its weights keep their names.
    """
    for layer in cast("Iterable[nn.Module]", model.modules()):
        if isinstance(layer, _BatchNorm):
            vars(layer)["forward"] = partial(_forward, layer, group)
        if isinstance(layer, nn.Dropout):
            vars(layer)["forward"] = partial(_drop, layer, group)


def _drop(layer: nn.Dropout, group: ProcessGroup, x: Tensor) -> Tensor:
    if not layer.training or not layer.p:
        return x
    format = torch.contiguous_format
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        format = torch.channels_last  # the order in which one process would draw
    whole = torch.ones((group.count, *x.shape[1:]), dtype=x.dtype, device=x.device).contiguous(
        memory_format=format
    )
    return x * type(layer).forward(layer, whole)[group.part(group.count)]


def _forward(layer: _BatchNorm, group: ProcessGroup, x: Tensor) -> Tensor:
    if not layer.training:
        return type(layer).forward(layer, x)
    y, mean, variance, count = _Normalise.apply(x, layer.weight, layer.bias, layer.eps, group)
    if layer.track_running_stats:
        _follow(layer, mean, variance, count)
    return y


@torch.no_grad()
def _follow(layer: _BatchNorm, mean: Tensor, variance: Tensor, count: Tensor) -> None:
    """Move the running statistics, as torch's own layers do: by the unbiased variance, and by a
    plain mean over the batches where there is no momentum.
    """
    assert layer.num_batches_tracked is not None and layer.running_mean is not None
    assert layer.running_var is not None
    layer.num_batches_tracked += 1
    rate = 1 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, rate)
    layer.running_var.lerp_(variance * (count / (count - 1)), rate)


class _Normalise(torch.autograd.Function):
    """x (b, C, …), one part of a batch → normalised and scaled, with mean and variance (C,) of the
    whole batch and how many values each is of (not differentiated).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        group: ProcessGroup,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        wide, over, channels = x.float(), _over(x), x.shape[1]
        # Mean and squared deviations of each part, put together as Chan et al. (1979) do: the sum of
        # squares less the squared sum loses its digits where the mean is large.
        variance, mean = torch.var_mean(wide, over, correction=0)
        own = wide.new_full((1,), wide.numel() // channels)
        parts = group.all_rows(torch.cat([mean, variance, own])[None], group.size)
        means, variances = parts[:, :channels], parts[:, channels:-1]  # (processes, C)
        counts = parts[:, -1:]
        count = counts.sum()
        middle = (means * counts).sum(0) / count
        spread = ((variances + (means - middle).square()) * counts).sum(0) / count
        ctx.save_for_backward(x, weight, middle, torch.rsqrt(spread + eps), count)
        ctx.group, ctx.has_bias = group, bias is not None
        y = F.batch_norm(x, middle, spread, weight, bias, False, 0.0, eps)
        ctx.mark_non_differentiable(middle, spread, count)
        return y, middle, spread, count

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor, *_: None
    ) -> tuple[Tensor, Tensor | None, Tensor | None, None, None]:
        x, weight, mean, inverse, count = ctx.saved_tensors
        over, shape = _over(x), (1, -1, *[1] * (x.ndim - 2))
        wide, normal = gradient.float(), (x.float() - mean.view(shape)) * inverse.view(shape)
        of_bias, of_weight = wide.sum(over), (wide * normal).sum(over)  # of this part
        both = ctx.group.total(torch.cat([of_bias, of_weight])) / count
        along, across = both.chunk(2)
        # dx = scale (g - mean(g) - x̂ mean(g x̂)), the means over the whole batch
        scale = inverse if weight is None else inverse * weight
        dx = (wide - along.view(shape)).addcmul_(normal, across.view(shape), value=-1)
        dx = dx.mul_(scale.view(shape)).to(gradient.dtype)
        return (
            dx,
            None if weight is None else of_weight,
            of_bias if ctx.has_bias else None,
            None,
            None,
        )


def _over(x: Tensor) -> list[int]:
    """The dimensions that are not the channels."""
    return [0, *range(2, x.ndim)]
