"""`cnn5`: the configurable network of the nature study, five blocks of convolution, activation,
pool, dropout, batch norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import ModelError, unknown
from engine.models.cpu_layers import BatchNorm2d, Dropout
from engine.models.recognizer import Output, Recognizer

BLOCKS = 5
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
}
ORGANISATIONS = {
    "const": 1.0,
    "double": 2.0,
    "half": 0.5,
}  # filters of a block against those of the block before


class MapRecognizer(Recognizer):
    """A network whose head reads the flattened map. Its embedding is the map's mean over places (B,
    C): the flattened map of the wide published configurations has 50,176 values."""

    def forward(self, x: Tensor) -> Output:
        maps = self.features(x)  # (B, C, h, w)
        return Output(F.normalize(maps.float().mean((2, 3)), dim=1), self.head(maps).float())


def cnn5(
    channels: int,
    classes: int,
    size: int,
    *,
    num_filters: int = 32,
    filter_org: Literal["const", "double", "half"] = "const",
    filter_size: int | str | Sequence[int] = 3,
    activation: str = "ReLU",
    dropout: float = 0.3,
    batch_norm: bool = False,
    dense: int = 0,
) -> Recognizer:
    """Five blocks, then flatten and a dense layer to K.

    filter_org: later blocks have as many filters as the one before, twice as many, or half.
    filter_size: one side, or five (a list or '5,5,3,3,3'). dense: units of a hidden dense layer
    before the last, 0 for none, as published.
    """
    sizes = _filter_sizes(filter_size)
    if filter_org not in ORGANISATIONS:
        raise ModelError(unknown("filter_org", filter_org, ORGANISATIONS))
    if activation.lower() not in ACTIVATIONS:
        raise ModelError(unknown("activation", activation, ACTIVATIONS))
    if num_filters < 1:
        raise ModelError(
            "num_filters can't be used", expected="a whole number of 1 or more", got=num_filters
        )
    act = ACTIVATIONS[activation.lower()]
    filters = [
        max(1, int(num_filters * ORGANISATIONS[filter_org] ** block)) for block in range(BLOCKS)
    ]
    body, inputs = [], channels
    for outputs, kernel in zip(filters, sizes, strict=True):
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride=1, padding=1),
            act(),
            nn.MaxPool2d(2),
        ]
        layers += [Dropout(dropout)] * bool(dropout) + [BatchNorm2d(outputs)] * bool(batch_norm)
        body.append(nn.Sequential(*layers))
        inputs = outputs
    side = final_side(size, sizes)
    if side < 1:
        raise ModelError(
            "cnn5 has five pools and no pixel would be left",
            expected="a larger size or smaller filters",
            got=f"{size} px with filters {sizes}",
        )
    flat = side * side * filters[-1]
    hidden = (
        [nn.Linear(flat, dense), act(), Dropout(dropout), nn.Linear(dense, classes)]
        if dense
        else [nn.Linear(flat, classes)]
    )
    return MapRecognizer(body, nn.Sequential(nn.Flatten(), *hidden))


def output_side(
    side: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """The published formula for the side of a map after a convolution or a pool."""
    return (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def final_side(size: int, filter_sizes: Sequence[int]) -> int:
    """Side of the map after the five blocks; 0 or less where the image is too small."""
    side = size
    for kernel in filter_sizes:
        side = output_side(output_side(side, kernel, padding=1), 2, stride=2)
    return side


def _filter_sizes(given: int | str | Sequence[int]) -> list[int]:
    try:
        if isinstance(given, str):
            sizes = [int(part) for part in given.split(",")]
        else:
            sizes = (
                [int(given)] if isinstance(given, int | float) else [int(part) for part in given]
            )
    except ValueError:
        sizes = []
    if len(sizes) not in (1, BLOCKS) or any(kernel < 1 for kernel in sizes):
        raise ModelError(
            "filter_size can't be used", expected="one whole number, or five", got=repr(given)
        )
    return sizes * BLOCKS if len(sizes) == 1 else sizes
