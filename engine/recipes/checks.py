"""What a recipe may not ask for although each of its fields can be read: names that are not known,
options that its network, loss or miner does not have or can't take, and choices that would have no effect.

Asked before a run starts; a saved recipe is read without it. No network is built and torch is not
loaded, so that the web process can ask.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from engine.errors import RecipeError
from engine.recipes.fields import Stage
from engine.recipes.objective_checks import (
    check_objective,
    check_objective_names,
    check_options,
    named,
)
from engine.recipes.recipe import Recipe

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
SCHEDULES = ("onecycle", "cosine", "step", "constant")
MOST_BLOCKS = 100  # of glyphnet, in a stage

_Count = Annotated[int, Field(strict=True, ge=1)]
_Few = Annotated[int, Field(strict=True, ge=0, le=MOST_BLOCKS)]
_Dropout = Annotated[float, Field(strict=True, ge=0, lt=1)]
_Text = Annotated[str, Field(strict=True)]
_Four = Annotated[tuple[_Count, ...], Field(min_length=4, max_length=4)]
_Five = Annotated[tuple[_Count, ...], Field(min_length=5, max_length=5)]
_RESNET = {
    "weights": Annotated[str | None, Field(strict=True)],
    "head": Literal["linear", "published", "fastai"],
    "dropout": _Dropout,
}

# What the options of each network may be: those of its builder, as a test checks.
OPTIONS: dict[str, dict[str, Any]] = {
    "convnet": {"width": _Count, "embedding": _Count, "dropout": _Dropout},
    "glyphnet": {
        "width": _Count,
        "blocks": Annotated[tuple[_Few, ...], Field(min_length=3, max_length=3)],
        "stem": Literal[1, 2, 4],
        "grid": _Count,
        "embedding": _Count,
        "dropout": _Dropout,
        "turn": Annotated[float, Field(strict=True, ge=0, le=180)],
    },
    "zfnet": {
        "embedding": _Count,
        "hidden": _Count,
        "width": Annotated[float, Field(strict=True, gt=0)],
        "head": Literal["linear", "classifier"],
    },
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "cnn5": {
        "num_filters": _Count,
        "filter_org": Literal["const", "double", "half"],
        "filter_size": _Count | _Text | Annotated[tuple[_Count, ...], Field(min_length=1)],
        "activation": _Text,
        "dropout": _Dropout,
        "batch_norm": Annotated[bool, Field(strict=True)],
        "dense": Annotated[int, Field(strict=True, ge=0)],
    },
    "tiny": {"widths": _Five, "dropout": _Dropout},
    "tiny1": {"widths": _Four},
    "tiny2": {"widths": _Five, "dropout": _Dropout},
}


def check_known(recipe: Recipe) -> None:
    """Raise RecipeError for a name of a network, optimiser, schedule, loss or miner that is not known."""
    named(_whole(recipe), "network", recipe.model.name, OPTIONS)
    for at, stage in _stages(recipe):
        named(at, "optimizer", stage.optimizer, OPTIMIZERS)
        named(at, "schedule", stage.schedule, SCHEDULES)
        check_objective_names(at, stage)


def check_recipe(recipe: Recipe) -> None:
    """Raise RecipeError for what `check_known` asks, for an option that a network, a loss or a miner can't be
    built with, and for a crop of less than the images that are fed.
    """
    check_known(recipe)
    where, stages = _whole(recipe), _stages(recipe)
    check_options(where, "model.options", recipe.model.options, OPTIONS[recipe.model.name])
    for at, stage in stages:
        check_objective(at, stage, known_noise=recipe.method == "recovered")
        size, crop = stage.size or recipe.data.size, stage.augment.crop
        if crop is not None and crop < size:
            raise RecipeError(
                f"{at}: augment.crop is below the size of the images fed to the model, so that there is"
                " nothing to crop",
                expected=f"{size} or more, or none",
                got=crop,
            )
    given = next((stage.miner_options for _, stage in stages if stage.miner_options), None)
    if given and not any(stage.miner for _, stage in stages):
        raise RecipeError(
            f"{where}: miner_options are given, and no miner",
            got=", ".join(given),
            hint="Name the miner (`miner`), or leave its options out.",
        )


def _whole(recipe: Recipe) -> str:
    return f"recipe '{recipe.name}'"


def _stages(recipe: Recipe) -> list[tuple[str, Stage]]:
    """Each stage, and where an error says that it is."""
    stages = recipe.resolved_stages()
    if len(stages) == 1:
        return [(_whole(recipe), stages[0])]
    return [(f"{_whole(recipe)}, stage {n}", stage) for n, stage in enumerate(stages, 1)]
