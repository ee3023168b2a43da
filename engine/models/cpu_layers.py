"""Dropout and batch norm that do on a CPU what torch's do, faster. On other devices, and when not
training, they are torch's own.

For dropout torch draws one random number an element, on one core, and its channels-last batch norm
runs over the channels of one pixel at a time, which leaves a vector register half empty when there
are 12 or 14 of them. In a network of 8,000 parameters the two took two thirds of a training step.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

VECTOR = 16  # floats in the widest vector register: torch's batch norm is fast for multiples of it
FOLD = 16  # pixels read as one row


class Dropout(nn.Dropout):
    """nn.Dropout: each element is zero with probability p, the others are multiplied by 1 / (1 -
    p).

    Instead of asking every element, it draws the places to hit: Poisson(-n ln(1 - p)) of them, each
    uniform over the n elements. The hits on one element are then Poisson(-ln(1 - p)) and
    independent of those on the others, so it is missed with probability 1 - p.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or input.device.type != "cpu" or not 0 < self.p < 1:
            return super().forward(input)
        return _Drop.apply(input, self.p)


class BatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d; in training on channels-last images, FOLD pixels at a time where the channels
    alone don't fill the registers.
    """

    def forward(self, input: Tensor) -> Tensor:
        channels, pixels = input.shape[1], input.numel() // input.shape[1]
        folds = (
            channels % VECTOR
            and pixels % FOLD == 0
            and input.is_contiguous(memory_format=torch.channels_last)
        )
        plain = (
            self.affine
            and self.track_running_stats
            and self.momentum is not None
            and input.dtype in (torch.float32, torch.bfloat16)
        )
        if not (self.training and input.device.type == "cpu" and folds and plain):
            return super().forward(input)
        output, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps)
        assert self.num_batches_tracked is not None and self.running_mean is not None
        assert self.running_var is not None and self.momentum is not None  # `plain` says so
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (pixels / (pixels - 1)), self.momentum)
        return output


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        hits = int(torch.poisson(torch.tensor(-x.numel() * math.log1p(-p), dtype=torch.float64)))
        places = torch.randint(x.numel(), (hits,))
        ctx.save_for_backward(places)
        ctx.scale = 1 / (1 - p)
        out = torch.mul(x, ctx.scale)
        ctx.strides = out.stride()
        return _zero(out, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        out = torch.empty_strided(gradient.shape, ctx.strides, dtype=gradient.dtype)
        return _zero(torch.mul(gradient, ctx.scale, out=out), places), None


def _zero(dense: Tensor, places: Tensor) -> Tensor:
    """`dense`, changed: zero at `places`, counted in the order of memory."""
    dense.as_strided((dense.numel(),), (1,)).index_fill_(0, places, 0.0)
    return dense


class _Normalise(torch.autograd.Function):
    """x (B, C, H, W) channels-last → normalised and scaled, with mean and variance (C,) of the
    batch (not differentiated).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        wide, channels = _wide(x).float(), x.shape[1]
        pixels = x.numel() // channels
        mean = _over_pixels(wide, channels) / pixels
        centred = wide - _tiled(mean)
        variance = _over_pixels(centred * centred, channels) / pixels
        inverse = torch.rsqrt(variance + eps)
        out = torch.empty_like(
            x
        )  # filled through a view of it: ReLU in place would refuse an output that is itself a view
        _wide(out).copy_(torch.addcmul(_tiled(bias), centred, _tiled(weight * inverse)))
        ctx.save_for_backward(centred, weight, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: None) -> tuple[Tensor, Tensor, Tensor, None]:
        centred, weight, inverse = ctx.saved_tensors
        channels = len(weight)
        wide = _wide(gradient).float()
        pixels = wide.numel() // channels
        of_bias = _over_pixels(wide, channels)
        of_weight = _over_pixels(wide * centred, channels) * inverse
        scale = weight * inverse
        # dx = scale (g - mean(g) - x̂ mean(g x̂)), x̂ the normalised input
        dx = torch.addcmul(_tiled(-scale * of_bias / pixels), wide, _tiled(scale))
        dx.addcmul_(centred, _tiled(-scale * inverse * of_weight / pixels))
        batch, height, width = len(gradient), *gradient.shape[2:]
        return (
            dx.to(gradient.dtype).view(batch, height, width, channels).permute(0, 3, 1, 2),
            of_weight,
            of_bias,
            None,
        )


def _wide(x: Tensor) -> Tensor:
    """(B, C, H, W) channels-last → (B·H·W / FOLD, FOLD·C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, FOLD * x.shape[1])


def _over_pixels(wide: Tensor, channels: int) -> Tensor:
    """Sum over pixels: (n, FOLD·C) → (C,)."""
    return wide.sum(0).view(FOLD, channels).sum(0)


def _tiled(values: Tensor) -> Tensor:
    """(C,) → (FOLD·C,), as the columns of `_wide` come."""
    return values.expand(FOLD, len(values)).reshape(-1)
