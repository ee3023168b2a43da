"""A sweep as it is written down: a recipe, what is tried around it, and how."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from engine.errors import RecipeError, unknown
from engine.files.cache import FileCache
from engine.files.checked import read_yaml, write_yaml
from engine.recipes.fields import LARGEST_SEED, MOST_EPOCHS, Name, Options
from engine.recipes.recipe import RECIPES
from engine.recipes.trees import plain, validated
from engine.settings import COMMAND

if TYPE_CHECKING:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    Distribution = CategoricalDistribution | FloatDistribution | IntDistribution

# What a sweep may choose by: a figure of every epoch's validation, and which way is better. Never
# the test split.
SWEEP_METRICS: dict[str, Literal["maximize", "minimize"]] = {
    "val_accuracy": "maximize",
    "val_loss": "minimize",
    "knn_accuracy": "maximize",
}


SAMPLERS: dict[str, str] = {
    "tpe": "Bayesian: the Tree-structured Parzen Estimator (Bergstra et al. 2011)",
    "random": "every trial drawn at random",
    "grid": "every combination once, in random order",
}


PRUNERS: dict[str, str] = {
    "median": (
        "stop a trial whose best figure so far is below the median of the others at that epoch"
    ),
    "halving": (
        "successive halving (Li et al. 2018): only the best share of trials goes on to two, four,"
        " eight times the epochs"
    ),
    "none": "every trial runs to its end",
}


NAME = r"[a-zA-Z0-9][\w.-]{0,79}"


MOST_STEPS = 10**9


Bound = Annotated[int | float, Field(ge=-1e12, le=1e12)]


class Span(BaseModel):
    """A range of numbers: whole ones if `low` and `high` are, in steps of `step`, evenly by order
    of magnitude if `log`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    low: Bound
    high: Bound
    log: bool = False
    step: Annotated[Bound, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a range with log needs low above 0 and no step")
        if self.step is not None and (self.high - self.low) / self.step > MOST_STEPS:
            raise ValueError(f"the step ({self.step}) is too small: over {MOST_STEPS:,} values")
        return self


def _kind(value: Any) -> str:
    return "range" if isinstance(value, Mapping | Span) else "values"


Choices = Annotated[
    Annotated[list[Any], Field(max_length=1000), Tag("values")] | Annotated[Span, Tag("range")],
    Discriminator(_kind),
]


class SweepSpec(BaseModel):
    """A sweep: a recipe plus a search space."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    name: str = Field(
        max_length=80,
        description="name of the sweep; its trials are the runs <name>-000, <name>-001, …",
    )
    title: str = ""
    about: str = ""
    recipe: Name = Field(description="a recipe's name or file")
    changes: Options = Field(
        default_factory=dict, description="key.path: value, the same in every trial"
    )
    space: dict[str, Choices] = Field(
        max_length=100,
        description="key.path: the values to choose from, or a range {low, high, log, step}",
    )
    metric: str = Field(
        default="val_accuracy",
        description="the figure that is searched for; a trial's value is that of its best epoch",
    )
    trials: int = Field(
        default=20, ge=1, le=100_000, description="how many trials are brought to an end"
    )
    sampler: str = Field(default="tpe", description="how the values of a trial are chosen")
    pruner: str = Field(default="median", description="when a trial that lags behind is ended")
    startup: int = Field(
        default=6,
        ge=0,
        le=100_000,
        description=(
            "trials drawn at random before the sampler and the pruner have something to go by"
        ),
    )
    prune_after: int = Field(
        default=2, ge=0, le=MOST_EPOCHS, description="epochs that every trial is given"
    )
    retries: int = Field(
        default=2,
        ge=0,
        le=1000,
        description=(
            "how often a run that was killed or crashed is resumed before its trial counts as"
            " failed"
        ),
    )
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    storage: Name = Field(
        default="",
        description=(
            "where trials are kept: empty for the lab's home, a file on a shared disk, or a"
            " database or Redis URL"
        ),
    )

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """'maximize' or 'minimize'."""
        return SWEEP_METRICS[self.metric]

    @property
    def by_log(self) -> dict[str, bool]:
        """Of each field that is drawn from a range, whether evenly by order of magnitude."""
        return {path: span.log for path, span in self.space.items() if isinstance(span, Span)}

    def to_yaml(self) -> str:
        return write_yaml(self.model_dump(mode="json", exclude_defaults=True))


def make_sweep(tree: Mapping[str, Any]) -> SweepSpec:
    """A checked sweep from plain keys and values. Raises RecipeError for what can't be used, with
    the nearest known name.
    """
    spec = validated(SweepSpec, plain(tree), f"sweep '{tree.get('name', '')}'")
    for kind, name, known in (
        ("metric", spec.metric, SWEEP_METRICS),
        ("sampler", spec.sampler, SAMPLERS),
        ("pruner", spec.pruner, PRUNERS),
    ):
        if name not in known:
            raise RecipeError(f"sweep '{spec.name}': {unknown(kind, name, known)}")
    if not re.fullmatch(NAME, spec.name):
        raise RecipeError(
            "a sweep can't have this name",
            expected="letters, digits, '-', '_' and '.'",
            got=repr(spec.name),
        )
    if not spec.space:
        raise RecipeError(
            f"sweep '{spec.name}' has an empty space",
            hint="Name at least one field of the recipe and the values to try.",
        )
    for path, choices in spec.space.items():
        if path in spec.changes:
            raise RecipeError(
                f"sweep '{spec.name}': '{path}' stands both in `space` and in `changes`"
            )
        if (
            not isinstance(choices, Span)
            and len({json.dumps(value) for value in choices}) != len(choices)
            or choices == []
        ):
            raise RecipeError(
                f"sweep '{spec.name}': '{path}'",
                expected="one or more different values",
                got=choices,
            )
        if (
            isinstance(choices, Span)
            and spec.sampler == "grid"
            and choices.step is None
            and not whole(choices)
        ):
            raise RecipeError(f"sweep '{spec.name}': a grid needs a step for the range '{path}'")
    return spec


def parse_sweep(text: str, name: str = "") -> SweepSpec:
    """A sweep that a person typed on a page; `name` is used where the text gives none.

    Names only, no paths: whoever reaches a page may not choose files of the machine. Raises
    RecipeError.
    """
    spec = make_sweep(_tree(text, name))
    if spec.storage:
        raise RecipeError(
            f"sweep '{spec.name}': storage can't be chosen here",
            hint=f"Leave it out; `{COMMAND} sweep FILE --storage URL` shares a sweep with"
            " other machines, and this page then shows it.",
        )
    return spec


def read_sweep(path: Path) -> SweepSpec:
    """The sweep in a YAML file. Raises RecipeError if it is missing or wrong."""
    try:
        return _specs.get(Path(path))
    except (OSError, UnicodeError) as error:
        raise RecipeError(f"sweep file {path} can't be read", got=str(error)) from None


def _spec_in(path: Path) -> SweepSpec:
    return make_sweep(_tree(path.read_text(encoding="utf-8"), path.stem))


_specs = FileCache(_spec_in, most=500)


def _tree(text: str, name: str) -> dict[str, Any]:
    tree = read_yaml(text, f"sweep '{name}'")
    if not isinstance(tree, dict):
        raise RecipeError(
            f"sweep '{name}' is wrong", expected="keys and values", got=type(tree).__name__
        )
    return {"name": name, **tree}


def shipped_sweeps() -> dict[str, Path]:
    """The search spaces that come with the lab: name → file."""
    return {path.stem: path for path in sorted(RECIPES.glob("*-sweep.yaml"))}


def whole(span: Span) -> bool:
    return all(
        isinstance(value, int) or value is None for value in (span.low, span.high, span.step)
    )
