"""The networks a person may choose from, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.errors import ModelError, unknown
from engine.models.glyphnet import glyphnet
from engine.models.recognizer import Recognizer
from engine.models.simple import convnet


class Entry(NamedTuple):
    build: Callable[..., Recognizer]
    about: str


MODELS: dict[str, Entry] = {
    "convnet": Entry(convnet, "the simple CNN: three pairs of 3x3 convolutions and a 128-d layer"),
    "glyphnet": Entry(glyphnet, "our residual network with squeeze-and-excitation, for characters of 28 to 96 px"),
}


def model_options(name: str) -> dict[str, Any]:
    """The options of a model with their defaults. Raises ModelError for an unknown name."""
    if name not in MODELS:
        raise ModelError(unknown("model", name, MODELS))
    parameters = inspect.signature(MODELS[name].build).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def build_model(name: str, options: Mapping[str, Any], channels: int, classes: int, size: int) -> Recognizer:
    """A fresh network for (channels, size, size) images and K `classes`.

    Raises ModelError for an unknown model or option, or an option of a kind or size that can't be built.
    """
    known = model_options(name)
    for option in options:
        if option not in known:
            raise ModelError(f"model '{name}': {unknown('option', option, known)}")
    try:
        return MODELS[name].build(channels, classes, size, **options)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise ModelError(f"model '{name}' can't be built at {size} px with {dict(options)}", got=str(error)[:200]) from error
