"""Which saved models read drawings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.services.few_shot import EMBEDDER

if TYPE_CHECKING:
    from engine.store.models import ModelInfo


def readers(models: Iterable[ModelInfo]) -> list[ModelInfo]:
    """Those that read drawings on the canvas: none of photographs, nor EMBEDDER."""
    return [model for model in models if model.style != "photo" and model.name != EMBEDDER]
