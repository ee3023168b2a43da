"""Augmentation per sample, batched on the device: one `grid_sample` does every geometric change at
once.

torchvision's v2 transforms draw once for a whole batch; here each image has its own draw. A batch
of 128 MNIST images costs about as much as reading it (bench/throughput.py has the measured ratio
against PIL transforms in a DataLoader).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Draws:
    """Random numbers for the images of a batch, or for a `part` of a batch of `count` images: those
    that the part would get if the whole batch were changed.
    """

    generator: torch.Generator
    count: int | None = None
    part: slice | None = None

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> Tensor:
        g = self.generator
        numbers = torch.rand(self._whole(shape), generator=g, device=g.device)
        return self._own(numbers) * (high - low) + low

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        g = self.generator
        return self._own(torch.randn(self._whole(shape), generator=g, device=g.device))

    def integers(self, count: int, below: int) -> Tensor:
        """(count,) int64 in 0..below-1."""
        g, shape = self.generator, self._whole((count,))
        return self._own(torch.randint(0, below, shape, generator=g, device=g.device))

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0] if self.count is None else self.count, *shape[1:])

    def _own(self, numbers: Tensor) -> Tensor:
        return numbers if self.part is None else numbers[self.part]


def augment(images: Tensor, spec: Augment, size: int, generator: torch.Generator | Draws) -> Tensor:
    """Change each image at random as `spec` says.

    images: (B, C, H, H), uint8 or float in 0..255. Returns (B, C, size, size) float32 in 0..255.
    Outside the image there is paper (0). The same generator state gives the same result on the same
    device.
    """
    draws = _draws(generator)
    x = resize(images, max(spec.crop or size, size))
    if spec.crop and spec.crop > size:
        x = _random_crop(x, size, draws)
    if any(getattr(spec, name) for name in GEOMETRIC):
        x = F.grid_sample(
            x,
            _grid(x, spec, draws),
            mode="bilinear",
            padding_mode="zeros" if x.shape[1] < 3 else "reflection",
            align_corners=False,
        ).clamp_(0, 255)
    if spec.thickness:
        x = _rethicken(x, spec.thickness, draws)
    if spec.brightness or spec.contrast or (spec.colour and x.shape[1] == 3):
        x = _relight(x, spec, draws)
    if spec.noise:
        x = (x + draws.normal(x.shape) * (255 * spec.noise)).clamp_(0, 255)
    if spec.hide_page and x.shape[1] == 2:
        x = torch.stack(
            [x[:, 0], x[:, 1] * (draws.uniform((len(x), 1, 1), 0, 1) >= spec.hide_page)], 1
        )
    if spec.erase:
        x = _erase(x, spec.erase, draws)
    return x


def quarter_turned(
    images: Tensor, labels: Tensor, generator: torch.Generator | Draws
) -> tuple[Tensor, Tensor]:
    """Turn each image by a random number of quarter turns t, and make label y the label 4 y + t.

    images: (B, C, H, H); labels: (B,) int64 in 0..K-1. Returns both, the labels in 0..4K-1.
    """
    turns = _draws(generator).integers(len(images), 4)
    out = images.clone()
    for turn in (1, 2, 3):
        chosen = turns == turn
        out[chosen] = torch.rot90(images[chosen], turn, (2, 3))
    return out, 4 * labels + turns


def _draws(generator: torch.Generator | Draws) -> Draws:
    return generator if isinstance(generator, Draws) else Draws(generator)


def _random_crop(x: Tensor, size: int, draws: Draws) -> Tensor:
    room = x.shape[-1] - size
    left, top = (draws.integers(len(x), room + 1) for _ in range(2))
    span = torch.arange(size, device=x.device)
    rows, columns = (
        (top[:, None] + span)[:, None, :, None],
        (left[:, None] + span)[:, None, None, :],
    )
    item = torch.arange(len(x), device=x.device)[:, None, None, None]
    channel = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
    return x[item, channel, rows, columns]


def _grid(x: Tensor, spec: Augment, draws: Draws) -> Tensor:
    """Where each output pixel is read from: (B, h, w, 2) in -1..1."""
    n, size = len(x), x.shape[-1]

    def draw(bound: float) -> Tensor:
        return draws.uniform((n,), -bound, bound)

    angle, shear = torch.deg2rad(draw(spec.rotate)), torch.deg2rad(draw(spec.shear))
    low = math.log(spec.zoom_min or 1 - spec.zoom)
    scale = torch.exp(draws.uniform((n,), low, math.log(1 + spec.zoom)))
    aspect = torch.exp(draw(math.log1p(spec.stretch) / 2))
    sx, sy = 1 / (scale * aspect), aspect / scale
    cos, sin, tan = torch.cos(angle), torch.sin(angle), torch.tan(shear)
    for probability, which in ((spec.flip_horizontal, "x"), (spec.flip_vertical, "y")):
        if probability:
            sign = 1 - 2 * (draws.uniform((n,), 0, 1) < probability).float()
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
        tilt = draws.uniform((n, 1, 1, 2), -spec.perspective, spec.perspective)
        grid = grid / (1 + (grid * tilt).sum(-1, keepdim=True)).clamp_min(0.2)
    if spec.elastic:
        bumps = draws.normal((n, 2, spec.elastic_grid, spec.elastic_grid)) * spec.elastic
        grid = grid + F.interpolate(
            bumps, size=(size, size), mode="bicubic", align_corners=True
        ).permute(0, 2, 3, 1)
    if (
        spec.affine_probability < 1
    ):  # the rest is not resampled at all: as sharp as what is seen at prediction
        touched = draws.uniform((n, 1, 1, 1), 0, 1) < spec.affine_probability
        plain = F.affine_grid(
            torch.eye(2, 3, device=x.device).expand(n, 2, 3),
            [n, 1, size, size],
            align_corners=False,
        )
        grid = torch.where(touched, grid, plain)
    return grid


def _rethicken(x: Tensor, most: float, draws: Draws) -> Tensor:
    """Grow or thin strokes by up to `most` pixels at 28 px, each image by its own amount."""
    reach = most * x.shape[-1] / 28
    amount = draws.uniform((len(x), 1, 1, 1), -reach, reach)
    for step in range(math.ceil(reach)):
        grow, thin = (amount - step).clamp(0, 1), (-amount - step).clamp(0, 1)
        x = x + grow * (F.max_pool2d(x, 3, 1, 1) - x) - thin * (x + F.max_pool2d(-x, 3, 1, 1))
    return x


def _relight(x: Tensor, spec: Augment, draws: Draws) -> Tensor:
    shape = (len(x), 1, 1, 1)
    touched = draws.uniform(shape, 0, 1) < spec.lighting_probability
    middle = x.mean((1, 2, 3), keepdim=True) if x.shape[1] == 3 else 0.0
    y = (x - middle) * (1 + draws.uniform(shape, -spec.contrast, spec.contrast)) + middle
    y = y + 255 * draws.uniform(shape, -spec.brightness, spec.brightness)
    if spec.colour and x.shape[1] == 3:
        grey = y.mean(1, keepdim=True)
        y = grey + (y - grey) * (1 + draws.uniform(shape, -spec.colour, spec.colour))
        y = y * (1 + draws.uniform((len(x), 3, 1, 1), -spec.colour / 4, spec.colour / 4))
    return torch.where(touched, y, x).clamp_(0, 255)


def _erase(x: Tensor, probability: float, draws: Draws) -> Tensor:
    """Random erasing (Zhong et al. 2017, arXiv 1708.04896): a rectangle of 2 to 33% of the area,
    filled with noise.
    """
    n, size = len(x), x.shape[-1]
    area = draws.uniform((n,), 0.02, 0.33) * size * size
    ratio = torch.exp(draws.uniform((n,), math.log(0.3), math.log(3.3)))
    height, width = (area * ratio).sqrt().clamp(1, size), (area / ratio).sqrt().clamp(1, size)
    top, left = (draws.uniform((n,), 0, 1) * (size - side) for side in (height, width))
    span = torch.arange(size, device=x.device)
    rows = (span >= top[:, None]) & (span < (top + height)[:, None])
    columns = (span >= left[:, None]) & (span < (left + width)[:, None])
    hit = (
        (draws.uniform((n,), 0, 1) < probability)[:, None, None]
        & rows[:, :, None]
        & columns[:, None, :]
    )
    return torch.where(hit[:, None], draws.uniform(tuple(x.shape), 0, 255), x)
