"""Networks with fewer than 8,000 parameters for MNIST: the two published steps and ours.

The study gives counts and receptive fields, not layers. Both published nets below are the ones that
fit: 3x3 convolutions without padding (28 → 26 → 24, pool, 10 → 8, pool, 4), pooled where the
receptive field is 5 and where it is 14.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from engine.errors import ModelError
from engine.models.cpu_layers import BatchNorm2d, Dropout
from engine.models.recognizer import Recognizer, features_after


def tiny1(
    channels: int, classes: int, size: int, *, widths: Sequence[int] = (14, 14, 14, 13)
) -> Recognizer:
    """Step 1, the light skeleton: four 3x3 convolutions with batch norm, then one convolution as
    large as the map that is left.

    7,547 parameters at 28 px, one channel and ten classes.
    """
    _check(size, 16)
    first, second, third, fourth = widths
    body: list[nn.Module] = [
        nn.Sequential(*_unit(channels, first), *_unit(first, second), nn.MaxPool2d(2)),
        nn.Sequential(*_unit(second, third), *_unit(third, fourth), nn.MaxPool2d(2)),
    ]
    flat = features_after(body, channels, size).numel()
    # A convolution with a kernel of the whole map is a dense layer over the flattened map: 4 · 4 ·
    # 13 → 10.
    body.append(nn.Flatten())
    return Recognizer(body, nn.Linear(flat, classes))


def tiny2(
    channels: int,
    classes: int,
    size: int,
    *,
    widths: Sequence[int] = (14, 14, 14, 15, 15),
    dropout: float = 0.05,
) -> Recognizer:
    """Steps 2 and 3: dropout at each layer, one more convolution, global average pooling, a fully
    connected layer after it.

    7,873 parameters for one channel and ten classes, at any size.
    """
    _check(size, 24)
    a, b, c, d, e = widths
    body = [
        nn.Sequential(
            *_unit(channels, a, dropout, bias=False),
            *_unit(a, b, dropout, bias=False),
            nn.MaxPool2d(2),
        ),  # receptive field 5
        nn.Sequential(
            *_unit(b, c, dropout, bias=False), *_unit(c, d, dropout, bias=False), nn.MaxPool2d(2)
        ),  # receptive field 14
        nn.Sequential(*_unit(d, e, dropout, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    ]
    return Recognizer(body, nn.Linear(e, classes))


def tiny(
    channels: int,
    classes: int,
    size: int,
    *,
    widths: Sequence[int] = (12, 12, 14, 16, 16),
    dropout: float = 0.0,
) -> Recognizer:
    """Ours: as tiny2, but each channel of the last map is read through weights of its own, one a
    place, instead of being averaged.

    Averaging throws away where on the 4x4 map a stroke lies; 16 weights a channel keep it for 256
    parameters. 7,818 parameters at 28 px, one channel and ten classes.
    """
    _check(size, 20)
    a, b, c, d, e = widths
    body = [
        nn.Sequential(
            *_unit(channels, a, dropout, bias=False),
            *_unit(a, b, dropout, bias=False),
            nn.MaxPool2d(2),
        ),
        nn.Sequential(
            *_unit(b, c, dropout, bias=False), *_unit(c, d, dropout, bias=False), nn.MaxPool2d(2)
        ),
        nn.Sequential(*_unit(d, e, dropout, bias=False, padding=1)),
    ]
    side = features_after(body, channels, size)[-1]
    body[-1] = nn.Sequential(*body[-1], nn.Conv2d(e, e, side, groups=e), nn.Flatten())
    return Recognizer(body, nn.Linear(e, classes))


def _unit(
    inputs: int, outputs: int, dropout: float = 0.0, bias: bool = True, padding: int = 0
) -> list[nn.Module]:
    unit: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, 3, padding=padding, bias=bias),
        BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
    return unit + [Dropout(dropout)] * bool(dropout)


def _check(size: int, least: int) -> None:
    if size < least:
        raise ModelError(
            "the tiny networks don't pad",
            expected=f"a size of at least {least} px",
            got=f"{size} px",
        )
