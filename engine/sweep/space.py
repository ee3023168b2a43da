"""A sweep as it is written down: a recipe, what is tried around it, and how."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from engine.recipes.recipe import Recipe, make_recipe
from engine.sweep.spec import SweepSpec, whole

if TYPE_CHECKING:
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    Distribution = CategoricalDistribution | FloatDistribution | IntDistribution


MOST_COMBINATIONS = 100_000  # a finite space up to this size is searched to its end


def decoded(spec: SweepSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Optuna's params as a recipe takes them: lists are kept as JSON text in a study, which holds
    only plain values.
    """
    out = {}
    for path, value in params.items():
        choices = spec.space.get(path)
        out[path] = (
            next(
                (
                    c
                    for c in choices
                    if encoded(c) == value and isinstance(c, bool) == isinstance(value, bool)
                ),
                value,
            )
            if isinstance(choices, list)
            else value
        )
    return out


def encoded(value: Any) -> Any:
    return (
        value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)
    )


def distributions(spec: SweepSpec) -> dict[str, BaseDistribution]:
    """The space as Optuna knows it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    out: dict[str, BaseDistribution] = {}
    for path, choices in spec.space.items():
        if isinstance(choices, list):
            out[path] = CategoricalDistribution([encoded(value) for value in choices])
        elif whole(choices):
            out[path] = IntDistribution(
                int(choices.low), int(choices.high), log=choices.log, step=int(choices.step or 1)
            )
        else:
            out[path] = FloatDistribution(
                float(choices.low), float(choices.high), log=choices.log, step=choices.step
            )
    return out


def unseen(
    spec: SweepSpec, seen: Iterable[Mapping[str, Any]], number: int
) -> dict[str, Any] | None:
    """A combination (as Optuna's params) that is not among `seen`, at random; None if every one was
    tried.
    """
    parts = cast("dict[str, Distribution]", distributions(spec))
    tried = {_key(params) for params in seen}
    rng = random.Random(spec.seed * 100_003 + number)
    for _ in range(200):
        params = {path: _draw(distribution, rng) for path, distribution in parts.items()}
        if _key(params) not in tried:
            return params
    found = [_values(distribution) for distribution in parts.values()]
    values = [value for value in found if value is not None]
    if len(values) < len(found) or math.prod(map(len, values)) > MOST_COMBINATIONS:
        return None
    left = [
        params
        for combination in itertools.product(*values)
        if _key(params := dict(zip(parts, combination, strict=True))) not in tried
    ]
    return rng.choice(left) if left else None


def size_of(spec: SweepSpec) -> int | None:
    """How many different trials there are; None where there is no end of them."""
    parts = cast("dict[str, Distribution]", distributions(spec))
    values = [_values(distribution) for distribution in parts.values()]
    return (
        None
        if any(value is None for value in values)
        else math.prod(len(value) for value in values if value is not None)
    )


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _values(distribution: Distribution) -> list[Any] | None:
    """Every value of a distribution; None where there is no end of them."""
    from optuna.distributions import CategoricalDistribution

    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if distribution.step is None:
        return [distribution.low] if distribution.low == distribution.high else None
    count = int((distribution.high - distribution.low) / distribution.step + 1e-9) + 1
    return [
        distribution.low + i * distribution.step for i in range(min(count, MOST_COMBINATIONS + 1))
    ]


def _draw(distribution: Distribution, rng: random.Random) -> Any:
    from optuna.distributions import CategoricalDistribution

    values = _values(distribution)
    if values is not None or isinstance(distribution, CategoricalDistribution):
        return rng.choice(values or [])
    if distribution.log:
        return math.exp(rng.uniform(math.log(distribution.low), math.log(distribution.high)))
    return rng.uniform(distribution.low, distribution.high)


def sampler_of(spec: SweepSpec, number: int) -> BaseSampler:
    """The sampler for trial `number`, seeded by it: a sampler kept in memory would draw the same
    again after a restart.
    """
    import optuna

    seed = (spec.seed * 100_003 + number) % 2**32  # what numpy's generator takes
    if spec.sampler != "tpe":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=spec.startup)


def pruner_of(spec: SweepSpec) -> BasePruner:
    import optuna

    if spec.pruner == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=spec.startup, n_warmup_steps=spec.prune_after
        )
    if spec.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(
            min_resource=max(1, spec.prune_after), reduction_factor=2
        )
    return optuna.pruners.NopPruner()


def trial_recipe(spec: SweepSpec, base: Recipe, values: Mapping[str, Any], number: int) -> Recipe:
    """The recipe of one trial: the base with the trial's values. Raises RecipeError for a path that
    is no field of it.
    """
    tree = {
        **base.model_dump(mode="json"),
        "small": {},
        "published": None,
        "target": "",
        "analysis": "",
        "about": f"Trial {number} of the sweep {spec.name}.",
    }
    return make_recipe(
        tree,
        {
            **values,
            "name": f"{spec.name}-{number:03d}",
            "title": ", ".join(f"{short(k)} {v}" for k, v in values.items()),
        },
    )


def one_of_each(spec: SweepSpec, base: Recipe) -> list[Recipe]:
    """Trial recipes in which every listed value stands once, the first of each field in the first
    one. Raises RecipeError if a value does not fit the recipe.
    """
    values = {
        path: choices if isinstance(choices, list) else [choices.low]
        for path, choices in spec.space.items()
    }
    first = {path: listed[0] for path, listed in values.items()}
    changes = [{path: value} for path, listed in values.items() for value in listed[1:]]
    return [trial_recipe(spec, base, {**first, **change}, 0) for change in ({}, *changes)]


def longer(recipe: Recipe, times: float) -> dict[str, Any]:
    """The changes that make a recipe train `times` as many epochs, under a name of its own."""
    changes: dict[str, Any] = {
        "name": f"{recipe.name}-longer",
        "epochs": max(1, round(recipe.epochs * times)),
    }
    return changes | {
        f"stages.{i}.epochs": max(1, round(stage["epochs"] * times))
        for i, stage in enumerate(recipe.stages)
        if "epochs" in stage
    }


def short(path: str) -> str:
    """'model.options.filter_size' → 'filter_size'."""
    return path.rpartition(".")[2]
