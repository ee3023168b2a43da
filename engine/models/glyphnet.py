"""`glyphnet`: our residual network for handwritten characters, sized for two cores.

Residual blocks (He et al. 2015, arXiv 1512.03385) with squeeze-and-excitation (Hu et al. 2017,
arXiv 1709.01507) on three resolutions. The last map is averaged to a small grid, not to one number,
because where the ink lies on the page tells capitals from small letters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.models.cpu_layers import Dropout
from engine.models.recognizer import Recognizer, conv_norm
from engine.models.rotation_tta import Turned
from engine.recipes.checks import MOST_BLOCKS


class Squeeze(nn.Module):
    """Weigh channels by what the whole map holds."""

    def __init__(self, channels: int, ratio: int = 8) -> None:
        super().__init__()
        inner = max(8, channels // ratio)
        self.gate = nn.Sequential(
            nn.Linear(channels, inner),
            nn.ReLU(inplace=True),
            nn.Linear(inner, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x.mean((2, 3)))[:, :, None, None]


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut; the second's batch norm starts at zero, so a new
    block does nothing yet.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels)
        self.second = conv_norm(channels, channels, activation=nn.Identity())
        self.squeeze = Squeeze(channels)
        nn.init.zeros_(self.second[1].get_parameter("weight"))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.squeeze(self.second(self.first(x))))


class Grid(nn.Module):
    """Average a map to (grid, grid) and flatten it: (B, C, h, w) → (B, C·grid²)."""

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(grid)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x).flatten(1)


def glyphnet(
    channels: int,
    classes: int,
    size: int,
    *,
    width: int = 24,
    blocks: tuple[int, int, int] = (1, 2, 2),
    stem: int = 1,
    grid: int = 2,
    embedding: int = 128,
    dropout: float = 0.2,
    turn: float = 0,
) -> Recognizer:
    """Stem, then residual stages of width, 2 width and 4 width channels at full, half and quarter
    resolution.

    stem: 1 keeps the resolution (28 px), 2 halves it and 4 quarters it at the entrance (64 px and
    more). turn: degrees to either side by which an image is turned when it is read; see `Turned`.
    0: it is read once, as it is.
    """
    w = width
    entrance = [conv_norm(channels, w, 5 if stem > 1 else 3, stride=min(stem, 2))] + (
        [nn.MaxPool2d(2)] if stem == 4 else []
    )
    if max(stem, *blocks) > MOST_BLOCKS:
        raise ValueError(f"stem and blocks can't be more than {MOST_BLOCKS}")
    body: list[nn.Module] = [nn.Sequential(*entrance, *[Block(w) for _ in range(blocks[0])])]
    for wide, count in ((2 * w, blocks[1]), (4 * w, blocks[2])):
        body.append(
            nn.Sequential(
                conv_norm(wide // 2, wide, stride=2), *[Block(wide) for _ in range(count)]
            )
        )
    flat = 4 * w * grid * grid
    body.append(
        nn.Sequential(
            Grid(grid),
            Dropout(dropout),
            nn.Linear(flat, embedding, bias=False),
            nn.BatchNorm1d(embedding),
        )
    )
    head = nn.Sequential(nn.ReLU(), Dropout(dropout), nn.Linear(embedding, classes))
    return Turned(body, head, turn) if turn else Recognizer(body, head)
