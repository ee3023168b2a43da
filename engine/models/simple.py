"""`convnet`: the simple CNN, the size of network that a person writes first."""

from __future__ import annotations

from torch import nn

from engine.models.cpu_layers import Dropout
from engine.models.recognizer import Recognizer, conv_norm


def convnet(
    channels: int,
    classes: int,
    size: int,
    *,
    width: int = 32,
    embedding: int = 128,
    dropout: float = 0.25,
) -> Recognizer:
    """Three pairs of 3x3 convolutions (width, 2 width, 4 width), each pair followed by a 2x2
    max-pool, then a 128-d layer.

    The pooled map is averaged to at most 3x3 before the dense layer, so one definition serves 8 to
    several hundred pixels.
    """
    w = width
    pools = [nn.MaxPool2d(2) if size >> (i + 1) >= 2 else nn.Identity() for i in range(3)]
    grid = max(1, min(3, size >> 3))
    body = [
        nn.Sequential(conv_norm(channels, w), conv_norm(w, w), pools[0]),
        nn.Sequential(conv_norm(w, 2 * w), conv_norm(2 * w, 2 * w), pools[1]),
        nn.Sequential(conv_norm(2 * w, 4 * w), conv_norm(4 * w, 4 * w), pools[2]),
        nn.Sequential(
            nn.AdaptiveAvgPool2d(grid),
            nn.Flatten(),
            nn.Linear(4 * w * grid * grid, embedding, bias=False),
            nn.BatchNorm1d(embedding),
            nn.ReLU(inplace=True),
        ),
    ]
    return Recognizer(body, nn.Sequential(Dropout(dropout), nn.Linear(embedding, classes)))
