"""What a job asks of a machine: the recipe's own figures, or the setting GLYPHLAB_RESOURCES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from engine.errors import RecipeError

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.settings import Settings


@dataclass(frozen=True)
class Resources:
    """cpus: cores, which are also the threads of the training. gpus: devices. memory_gb: main
    memory in GB. minutes: the longest that one attempt may take; 0: the cluster's own limit.
    processes: of the training, on the CPU. nodes: how many machines train together; all but `minutes`
    is of each.
    """

    cpus: int = 1
    gpus: int = 0
    memory_gb: float = 4
    minutes: int = 0
    processes: int = 1
    nodes: int = 1

    @property
    def on_a_node(self) -> int:
        """The processes of one node that train: one a GPU, or as many as are asked for on the CPU."""
        return max(self.gpus, self.processes)

    @property
    def trainers(self) -> int:
        """The processes that train, on all nodes together."""
        return self.nodes * self.on_a_node


def resources_of(settings: Settings, recipe: Recipe | None = None) -> Resources:
    """What a run of `recipe`, or a background task, asks for."""
    given = dict(part.split("=") for part in settings.resources.split(",") if part)
    kinds = {"cpus": int, "gpus": int, "memory_gb": float, "minutes": int}
    asked = Resources(**{name: kinds[name](value) for name, value in given.items()})
    if recipe is None:
        return asked
    return resources_of_recipe(recipe, asked)


def with_resources(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A recipe that is computed elsewhere, or over another number of devices: `changes` are of
    resources.gpus and the like. Raises RecipeError for another field, since a run that goes on is
    the same.
    """
    from engine.recipes.recipe import make_recipe

    for path in changes:
        if not path.startswith("resources."):
            raise RecipeError(
                f"a run that goes on keeps its {path}",
                expected="resources.gpus, resources.processes and the like",
                hint="Start its recipe again to change more.",
            )
    return make_recipe(recipe.model_dump(mode="json"), changes)


def resources_of_recipe(recipe: Recipe, otherwise: Resources = Resources()) -> Resources:
    """What a recipe asks for itself, which is all that counts on one machine."""
    own = {field.name: getattr(recipe.resources, field.name) for field in fields(Resources)}
    given = {name: value for name, value in own.items() if value is not None}
    asked = replace(otherwise, **given)
    if asked.processes == 1:
        return asked
    # On the CPU, whatever else jobs are given, and each process has a core.
    return replace(asked, gpus=0, cpus=max(asked.cpus, asked.processes))
