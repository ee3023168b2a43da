"""Whether a stage names a loss and a miner that there are, with options that these have and can take:
asked before a run starts, without loading torch, and again where they are built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.errors import RecipeError, unknown
from engine.recipes import metric_learning
from engine.recipes.fields import Stage
from engine.recipes.trees import validated

_Share = Annotated[float, Field(strict=True, ge=0, le=1)]
_Cell = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]  # of a T that was computed, so rounded
_Smoothing = Annotated[float, Field(strict=True, ge=0, lt=1)]
_Power = Annotated[float, Field(strict=True, gt=0, le=1)]
_Positive = Annotated[float, Field(strict=True, gt=0)]
_Margin = Annotated[float, Field(strict=True, ge=0, le=4)]  # of cosines, or of squared distances

# What the options of each of the lab's own losses may be, as a test checks.
LOSS_OPTIONS: dict[str, dict[str, Any]] = {
    "cross_entropy": {"label_smoothing": _Smoothing},
    "nll": {},
    "focal": {
        "alpha": _Positive,
        "gamma": Annotated[float, Field(strict=True, ge=0)],
    },
    "forward": {"transition": list[list[_Cell]] | None, "right": _Share},
    "scl_nl": {},
    "complementary_nn": {"ascent": Annotated[bool, Field(strict=True)]},
    "weighted_complementary": {},
    "generalised": {"q": _Power},
    "small_loss": {"keep": _Power},
    "cosine_softmax": {"scale": _Positive, "margin": _Margin, "label_smoothing": _Smoothing},
    "triplet": {"margin": _Margin, "mining": Literal["semihard", "all", "hard"]},
}
ON_EMBEDDINGS = ("cosine_softmax", "triplet")  # of the lab's own


def check_objective_names(where: str, stage: Stage) -> None:
    """Raise RecipeError, which begins with `where`, for a loss or a miner that is not known."""
    named(where, "loss", stage.loss, (*LOSS_OPTIONS, *metric_learning.LOSSES))
    if stage.miner is not None:
        named(where, "miner", stage.miner, metric_learning.MINERS)


def check_objective(where: str, stage: Stage, known_noise: bool = False) -> None:
    """Raise RecipeError, which begins with `where`, for a loss or a miner that is not known or does not go
    with the rest of the stage, or for options that it can't take. known_noise: how labels are wrong
    is found out by the training itself.
    """
    check_objective_names(where, stage)
    own = stage.loss in LOSS_OPTIONS
    options = LOSS_OPTIONS[stage.loss] if own else _by_name(metric_learning.LOSSES[stage.loss])
    check_options(where, "loss_options", stage.loss_options, options)
    lacks = [
        option
        for option in metric_learning.REQUIRED.get(stage.loss, ())
        if option not in stage.loss_options
    ]
    if lacks:
        wanted = " and ".join(f"loss_options.{option}" for option in lacks)
        raise RecipeError(f"{where}: loss '{stage.loss}' needs {wanted}, a number")
    if stage.loss == "forward" and not stage.loss_options and not known_noise:
        raise RecipeError(
            f"{where}: loss 'forward' needs to know how labels are wrong",
            hint=(
                "Give loss_options.transition, the matrix T of a diagnosis, or loss_options.right, the"
                " share of right labels (0: each label is a wrong class)."
            ),
        )
    if stage.loss in metric_learning.BALANCED and not stage.samples_per_class:
        raise RecipeError(
            f"{where}: loss '{stage.loss}' needs as many images of each class in a batch",
            hint="Set samples_per_class.",
        )
    if stage.turned_classes and own and stage.loss not in ON_EMBEDDINGS:
        raise RecipeError(
            f"{where}: turned_classes makes classes that loss '{stage.loss}' has no outputs for",
            hint="Use a loss on embeddings, such as CosFaceLoss or triplet.",
        )
    if stage.miner is None:
        return
    check_options(
        where, "miner_options", stage.miner_options, _by_name(metric_learning.MINERS[stage.miner])
    )
    if own:
        raise RecipeError(
            f"{where}: loss '{stage.loss}' takes no miner",
            hint="Use a loss of pytorch-metric-learning, or drop `miner`.",
        )


def named(where: str, kind: str, name: str, known: Iterable[str]) -> None:
    """Raise RecipeError unless `name` is a `kind` that is `known`."""
    if name not in (names := list(known)):
        raise RecipeError(f"{where}: {unknown(kind, name, names)}")


def check_options(
    where: str, path: str, options: Mapping[str, Any], kinds: Mapping[str, Any]
) -> None:
    """Raise RecipeError for an option that is not among `kinds`, or is of another kind; `path` is where
    a recipe has them.
    """
    if options and not kinds:
        raise RecipeError(
            f"{where}: no option can be given here",
            got=", ".join(f"{path}.{option}" for option in options),
        )
    strict = ConfigDict(extra="forbid", allow_inf_nan=False)
    fields: Any = {name: (kind, None) for name, kind in kinds.items()}
    checked: type[BaseModel] = create_model("Options", __config__=strict, **fields)
    tree: dict[str, Any] = dict(options)
    for key in reversed(path.split(".")):
        checked, tree = create_model("Checked", **{key: (checked, ...)}), {key: tree}  # type: ignore[call-overload]
    validated(checked, tree, where)


def _by_name(options: Iterable[str]) -> dict[str, Any]:
    return {name: metric_learning.KINDS.get(name, metric_learning.NUMBER) for name in options}
