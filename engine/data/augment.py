"""Augmentation per sample, batched on the device: one `grid_sample` does every geometric change at
once.

torchvision's v2 transforms draw once for a whole batch; here each image has its own draw. A batch
of 128 MNIST images costs about as much as reading it (bench/throughput.py has the measured ratio
against PIL transforms in a DataLoader).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.recipes.augmentation import Augment

GEOMETRIC = (
    "rotate",
    "translate",
    "zoom",
    "zoom_min",
    "stretch",
    "shear",
    "perspective",
    "elastic",
    "flip_horizontal",
    "flip_vertical",
)


def resize(images: Tensor, size: int) -> Tensor:
    """(B, C, H, H) → (B, C, size, size) float32 in 0..255, antialiased when shrinking."""
    images = images.float()
    if images.shape[-1] == size:
        return images
    shrinking = images.shape[-1] > size
    return F.interpolate(
        images, size=(size, size), mode="bilinear", antialias=shrinking, align_corners=False
    ).clamp_(0, 255)


def fit_size(images: Tensor, size: int, crop: int | None = None) -> Tensor:
    """What evaluation and prediction do instead of `augment`: resize, or resize to `crop` and cut
    the middle `size`.
    """
    if not crop or crop <= size:
        return resize(images, size)
    images = resize(images, crop)
    edge = (crop - size) // 2
    return images[..., edge : edge + size, edge : edge + size]


def augment(images: Tensor, spec: Augment, size: int, generator: torch.Generator) -> Tensor:
    """Change each image at random as `spec` says.

    images: (B, C, H, H), uint8 or float in 0..255. Returns (B, C, size, size) float32 in 0..255.
    Outside the image there is paper (0). The same generator state gives the same result on the same
    device.
    """
    x = resize(images, max(spec.crop or size, size))
    if spec.crop and spec.crop > size:
        x = _random_crop(x, size, generator)
    if any(getattr(spec, name) for name in GEOMETRIC):
        x = F.grid_sample(
            x,
            _grid(x, spec, generator),
            mode="bilinear",
            padding_mode="zeros" if x.shape[1] < 3 else "reflection",
            align_corners=False,
        ).clamp_(0, 255)
    if spec.thickness:
        x = _rethicken(x, spec.thickness, generator)
    if spec.brightness or spec.contrast or (spec.colour and x.shape[1] == 3):
        x = _relight(x, spec, generator)
    if spec.noise:
        x = (x + _normal(x.shape, generator) * (255 * spec.noise)).clamp_(0, 255)
    if spec.hide_page and x.shape[1] == 2:
        x = torch.stack(
            [x[:, 0], x[:, 1] * (_uniform((len(x), 1, 1), 0, 1, generator) >= spec.hide_page)], 1
        )
    if spec.erase:
        x = _erase(x, spec.erase, generator)
    return x


def quarter_turned(
    images: Tensor, labels: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Turn each image by a random number of quarter turns t, and make label y the label 4 y + t.

    images: (B, C, H, H); labels: (B,) int64 in 0..K-1. Returns both, the labels in 0..4K-1.
    """
    turns = torch.randint(0, 4, (len(images),), generator=generator, device=generator.device)
    out = images.clone()
    for turn in (1, 2, 3):
        chosen = turns == turn
        out[chosen] = torch.rot90(images[chosen], turn, (2, 3))
    return out, 4 * labels + turns


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device) * (high - low) + low


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)


def _random_crop(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    room = x.shape[-1] - size
    left, top = (
        torch.randint(0, room + 1, (len(x),), generator=generator, device=generator.device)
        for _ in range(2)
    )
    span = torch.arange(size, device=x.device)
    rows, columns = (
        (top[:, None] + span)[:, None, :, None],
        (left[:, None] + span)[:, None, None, :],
    )
    item = torch.arange(len(x), device=x.device)[:, None, None, None]
    channel = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
    return x[item, channel, rows, columns]


def _grid(x: Tensor, spec: Augment, generator: torch.Generator) -> Tensor:
    """Where each output pixel is read from: (B, h, w, 2) in -1..1."""
    n, size = len(x), x.shape[-1]

    def draw(bound: float) -> Tensor:
        return _uniform((n,), -bound, bound, generator)

    angle, shear = torch.deg2rad(draw(spec.rotate)), torch.deg2rad(draw(spec.shear))
    low = math.log(spec.zoom_min or 1 - spec.zoom)
    scale = torch.exp(_uniform((n,), low, math.log(1 + spec.zoom), generator))
    aspect = torch.exp(draw(math.log1p(spec.stretch) / 2))
    sx, sy = 1 / (scale * aspect), aspect / scale
    cos, sin, tan = torch.cos(angle), torch.sin(angle), torch.tan(shear)
    for probability, which in ((spec.flip_horizontal, "x"), (spec.flip_vertical, "y")):
        if probability:
            sign = 1 - 2 * (_uniform((n,), 0, 1, generator) < probability).float()
            sx, sy = (sx * sign, sy) if which == "x" else (sx, sy * sign)
    theta = torch.stack(
        [
            torch.stack([sx * cos, sx * (cos * tan - sin), 2 * draw(spec.translate)], 1),
            torch.stack([sy * sin, sy * (sin * tan + cos), 2 * draw(spec.translate)], 1),
        ],
        1,
    )  # (B, 2, 3)
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    if spec.perspective:
        tilt = _uniform((n, 1, 1, 2), -spec.perspective, spec.perspective, generator)
        grid = grid / (1 + (grid * tilt).sum(-1, keepdim=True)).clamp_min(0.2)
    if spec.elastic:
        bumps = _normal((n, 2, spec.elastic_grid, spec.elastic_grid), generator) * spec.elastic
        grid = grid + F.interpolate(
            bumps, size=(size, size), mode="bicubic", align_corners=True
        ).permute(0, 2, 3, 1)
    if (
        spec.affine_probability < 1
    ):  # the rest is not resampled at all: as sharp as what is seen at prediction
        touched = _uniform((n, 1, 1, 1), 0, 1, generator) < spec.affine_probability
        plain = F.affine_grid(
            torch.eye(2, 3, device=x.device).expand(n, 2, 3),
            [n, 1, size, size],
            align_corners=False,
        )
        grid = torch.where(touched, grid, plain)
    return grid


def _rethicken(x: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Grow or thin strokes by up to `most` pixels at 28 px, each image by its own amount."""
    reach = most * x.shape[-1] / 28
    amount = _uniform((len(x), 1, 1, 1), -reach, reach, generator)
    for step in range(math.ceil(reach)):
        grow, thin = (amount - step).clamp(0, 1), (-amount - step).clamp(0, 1)
        x = x + grow * (F.max_pool2d(x, 3, 1, 1) - x) - thin * (x + F.max_pool2d(-x, 3, 1, 1))
    return x


def _relight(x: Tensor, spec: Augment, generator: torch.Generator) -> Tensor:
    shape = (len(x), 1, 1, 1)
    touched = _uniform(shape, 0, 1, generator) < spec.lighting_probability
    middle = x.mean((1, 2, 3), keepdim=True) if x.shape[1] == 3 else 0.0
    y = (x - middle) * (1 + _uniform(shape, -spec.contrast, spec.contrast, generator)) + middle
    y = y + 255 * _uniform(shape, -spec.brightness, spec.brightness, generator)
    if spec.colour and x.shape[1] == 3:
        grey = y.mean(1, keepdim=True)
        y = grey + (y - grey) * (1 + _uniform(shape, -spec.colour, spec.colour, generator))
        y = y * (1 + _uniform((len(x), 3, 1, 1), -spec.colour / 4, spec.colour / 4, generator))
    return torch.where(touched, y, x).clamp_(0, 255)


def _erase(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al. 2017, arXiv 1708.04896): a rectangle of 2 to 33% of the area,
    filled with noise.
    """
    n, size = len(x), x.shape[-1]
    area = _uniform((n,), 0.02, 0.33, generator) * size * size
    ratio = torch.exp(_uniform((n,), math.log(0.3), math.log(3.3), generator))
    height, width = (area * ratio).sqrt().clamp(1, size), (area / ratio).sqrt().clamp(1, size)
    top, left = (_uniform((n,), 0, 1, generator) * (size - side) for side in (height, width))
    span = torch.arange(size, device=x.device)
    rows = (span >= top[:, None]) & (span < (top + height)[:, None])
    columns = (span >= left[:, None]) & (span < (left + width)[:, None])
    hit = (
        (_uniform((n,), 0, 1, generator) < probability)[:, None, None]
        & rows[:, :, None]
        & columns[:, None, :]
    )
    return torch.where(hit[:, None], _uniform(tuple(x.shape), 0, 255, generator), x)
