"""`zfnet`: the network of the metric-learning studies, a ZFNet (Zeiler & Fergus 2013, arXiv
1311.2901) with 1x1 convolutions.

Every convolution is followed by batch norm and Leaky ReLU; the embedding is L2-normalised as in
FaceNet (arXiv 1503.03832).
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from engine.errors import ModelError, unknown
from engine.models.cpu_layers import BatchNorm2d, Dropout
from engine.models.recognizer import Recognizer, features_after

SLOPE = 0.001  # of the Leaky ReLU, as published


def zfnet(
    channels: int,
    classes: int,
    size: int,
    *,
    embedding: int = 128,
    hidden: int = 4096,
    width: float = 1.0,
    head: Literal["linear", "classifier"] = "linear",
) -> Recognizer:
    """The modified ZFNet: 55,085,760 parameters up to the 128-d embedding at 220 px and full width.

    The flattened size follows `size`, from 32 px on. head: what reads the L2-normalised embedding;
    'classifier' is the published one (dropout 0.5, linear to 64, ReLU, dropout 0.5, linear to K,
    log-softmax), 'linear' one layer. `width` scales every convolution's channels, for small trials.
    """
    if size < 32:
        raise ModelError(
            "zfnet halves the image five times",
            expected="a size of at least 32 px",
            got=f"{size} px",
            hint="Set size to 32 or more.",
        )
    a, b, c, d = (max(8, round(n * width)) for n in (64, 192, 384, 256))
    body: list[nn.Module] = [
        nn.Sequential(_unit(channels, a, 7, stride=2), _pool()),
        nn.Sequential(_unit(a, a, 1), _unit(a, b, 3), _pool()),
        nn.Sequential(_unit(b, b, 1), _unit(b, c, 3), _pool()),
        nn.Sequential(
            _unit(c, c, 1),
            _unit(c, d, 3),
            _unit(d, d, 1),
            _unit(d, d, 3),
            _unit(d, d, 1),
            _unit(d, d, 3),
            _pool(),
        ),
    ]
    flat = features_after(body, channels, size).numel()  # 7 · 7 · 256 at 220 px
    dense = [
        nn.Linear(flat, hidden),
        nn.BatchNorm1d(hidden),
        nn.LeakyReLU(SLOPE, inplace=True),
        nn.Linear(hidden, embedding),
    ]
    body.append(nn.Sequential(nn.Flatten(), *dense))
    return Recognizer(body, _head(head, embedding, classes), head_reads="embedding")


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2
    )  # with its bias, as the published count needs
    return nn.Sequential(conv, BatchNorm2d(outputs), nn.LeakyReLU(SLOPE, inplace=True))


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, padding=1)


def _head(kind: str, embedding: int, classes: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(embedding, classes)
    if kind == "classifier":
        layers = [
            Dropout(0.5),
            nn.Linear(embedding, 64),
            nn.ReLU(inplace=True),
            Dropout(0.5),
            nn.Linear(64, classes),
        ]
        return nn.Sequential(*layers, nn.LogSoftmax(1))
    raise ModelError(unknown("head", kind, ("linear", "classifier")))
