"""What a recipe may not ask for although each of its fields can be read: options that its network or
loss does not have or can't take, and choices that would have no effect.

Asked before a run starts; a saved recipe is read without it. No network is built and torch is not
loaded, so that the web process can ask.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.errors import RecipeError
from engine.recipes.recipe import Recipe
from engine.recipes.trees import validated

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

_Share = Annotated[float, Field(strict=True, ge=0, le=1)]
_Power = Annotated[float, Field(strict=True, gt=0, le=1)]
_Positive = Annotated[float, Field(strict=True, gt=0)]
_Margin = Annotated[float, Field(strict=True, ge=0, le=4)]  # of cosines, or of squared distances

# The same for the lab's own losses; those of pytorch-metric-learning know theirs when they are built.
LOSS_OPTIONS: dict[str, dict[str, Any]] = {
    "cross_entropy": {"label_smoothing": _Dropout},
    "nll": {},
    "focal": {
        "alpha": _Positive,
        "gamma": Annotated[float, Field(strict=True, ge=0)],
    },
    "forward": {"transition": list[list[_Share]] | None, "right": _Share},
    "scl_nl": {},
    "complementary_nn": {"ascent": Annotated[bool, Field(strict=True)]},
    "weighted_complementary": {},
    "generalised": {"q": _Power},
    "small_loss": {"keep": _Power},
    "cosine_softmax": {"scale": _Positive, "margin": _Margin, "label_smoothing": _Dropout},
    "triplet": {"margin": _Margin, "mining": Literal["semihard", "all", "hard"]},
}


def check_recipe(recipe: Recipe) -> None:
    """Raise RecipeError for an option that the network or a loss can't be built with, for a crop of less
    than the images that are fed to it, and for options of a miner where there is no miner.
    """
    where = f"recipe '{recipe.name}'"
    if recipe.model.name in OPTIONS:
        options = {"model": {"options": recipe.model.options}}
        checked = create_model("Model", options=(_options(OPTIONS[recipe.model.name]), ...))
        validated(create_model("Checked", model=(checked, ...)), options, where)
    stages = recipe.resolved_stages()
    for number, stage in enumerate(stages, 1):
        known = LOSS_OPTIONS.get(stage.loss)
        if known is not None and stage.loss_options:
            of = f", stage {number}" if len(stages) > 1 else ""
            if not known:
                raise RecipeError(
                    f"{where}{of}: loss '{stage.loss}' has no options",
                    got=", ".join(stage.loss_options),
                    hint="Leave `loss_options` out.",
                )
            checked = create_model("Checked", loss_options=(_options(known), ...))
            validated(checked, {"loss_options": stage.loss_options}, f"{where}{of}")
        size, crop = stage.size or recipe.data.size, stage.augment.crop
        if crop is not None and crop < size:
            of = f" in stage {number}" if len(stages) > 1 else ""
            raise RecipeError(
                f"{where}: augment.crop{of} is below the size of the images fed to the model, so that"
                " there is nothing to crop",
                expected=f"{size} or more, or none",
                got=crop,
            )
    given = next((stage.miner_options for stage in stages if stage.miner_options), None)
    if given and not any(stage.miner for stage in stages):
        raise RecipeError(
            f"{where}: miner_options are given, and no miner",
            got=", ".join(given),
            hint="Name the miner (`miner`), or leave its options out.",
        )


def _options(kinds: dict[str, Any]) -> type[BaseModel]:
    """What options may be, from the kind of each."""
    strict = ConfigDict(extra="forbid", allow_inf_nan=False)
    fields: Any = {name: (kind, None) for name, kind in kinds.items()}
    return create_model("Options", __config__=strict, **fields)
