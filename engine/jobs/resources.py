"""What a job asks of a machine: the recipe's own figures, or the setting GLYPHLAB_RESOURCES."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.settings import Settings


@dataclass(frozen=True)
class Resources:
    """cpus: cores, which are also the threads of the training. gpus: devices. memory_gb: main
    memory in GB. minutes: the longest that one attempt may take; 0: the cluster's own limit.
    """

    cpus: int = 1
    gpus: int = 0
    memory_gb: float = 4
    minutes: int = 0


def resources_of(settings: Settings, recipe: Recipe | None = None) -> Resources:
    """What a run of `recipe`, or a background task, asks for."""
    given = dict(part.split("=") for part in settings.resources.split(",") if part)
    kinds = {"cpus": int, "gpus": int, "memory_gb": float, "minutes": int}
    asked = Resources(**{name: kinds[name](value) for name, value in given.items()})
    if recipe is None:
        return asked
    own = {field.name: getattr(recipe.resources, field.name) for field in fields(Resources)}
    return replace(asked, **{name: value for name, value in own.items() if value is not None})
