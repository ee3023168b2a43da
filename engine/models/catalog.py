"""The networks a person may choose from, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.errors import ModelError, unknown
from engine.models.cnn5 import cnn5
from engine.models.glyphnet import glyphnet
from engine.models.recognizer import Recognizer
from engine.models.resnet import resnet18, resnet34, resnet50
from engine.models.simple import convnet
from engine.models.tiny import tiny, tiny1, tiny2
from engine.models.zfnet import zfnet


class Entry(NamedTuple):
    build: Callable[..., Recognizer]
    about: str


MODELS: dict[str, Entry] = {
    "convnet": Entry(
        convnet, "a simple convolutional network: three pairs of 3x3 convolutions and a 128-d layer"
    ),
    "glyphnet": Entry(
        glyphnet, "our residual network with squeeze-and-excitation, for characters of 28 to 96 px"
    ),
    "zfnet": Entry(
        zfnet,
        "study A and B: a ZFNet with 1x1 convolutions to a 128-d embedding, 55 M parameters at"
        " 220 px",
    ),
    "resnet18": Entry(
        resnet18, "residual network of 18 layers, from random or from ImageNet weights"
    ),
    "resnet34": Entry(
        resnet34, "residual network of 34 layers, from random or from ImageNet weights"
    ),
    "resnet50": Entry(
        resnet50, "residual network of 50 layers, from random or from ImageNet weights"
    ),
    "cnn5": Entry(
        cnn5,
        "study E: five configurable blocks of convolution, activation, pool, dropout, batch norm",
    ),
    "tiny": Entry(tiny, "ours under 8,000 parameters, for 28 px digits"),
    "tiny1": Entry(tiny1, "study D, step 1: the light skeleton, 7,547 parameters"),
    "tiny2": Entry(
        tiny2, "study D, steps 2 and 3: dropout, global average pooling, 7,873 parameters"
    ),
}


def model_options(name: str) -> dict[str, Any]:
    """The options of a model with their defaults. Raises ModelError for an unknown name."""
    if name not in MODELS:
        raise ModelError(unknown("model", name, MODELS))
    parameters = inspect.signature(MODELS[name].build).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def build_model(
    name: str,
    options: Mapping[str, Any],
    channels: int,
    classes: int,
    size: int,
    *,
    pretrained: bool = True,
) -> Recognizer:
    """A fresh network for (channels, size, size) images and K `classes`.

    `pretrained=False` leaves out weights from outside (`weights: imagenet`), for a caller that
    loads its own. Raises ModelError for an unknown model or option, or an option of a kind or size
    that can't be built.
    """
    known = model_options(name)
    for option in options:
        if option not in known:
            raise ModelError(f"model '{name}': {unknown('option', option, known)}")
    try:
        model = MODELS[name].build(channels, classes, size, **options)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelError(
            f"model '{name}' can't be built at {size} px with {dict(options)}", got=str(error)[:200]
        ) from error
    if pretrained:
        model.load_pretrained()
    return model
