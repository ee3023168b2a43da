"""What a recipe takes at least, in memory, disk and time, worked out before anything is allocated.

Every figure is a lower bound: networks are built on torch's meta device, which holds no numbers, and
only what a training can't do without is counted. So what is refused could not have run, and whatever
runs is not refused.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.models.catalog import build_model
from engine.recipes.fields import Stage
from engine.recipes.recipe import Recipe

FLOAT = 4  # bytes of a weight, its gradient and its moments
HALF = 2  # bytes of an activation under autocast, the least there is
MOMENTS = {"adam": 2, "adamw": 2}  # values that an optimiser keeps for each weight; others: 0
# Operations a second that no machine exceeds: a GPU's peak of 2025 in bfloat16, and a CPU core's with
# matrix instructions. A recipe is refused only if it took a year even so.
FASTEST = {"cpu": 2e12, "cuda": 5e15, "mps": 1e14}
LONGEST_SECONDS = 365 * 24 * 3600.0


@dataclass(frozen=True)
class Means:
    """What a machine has: memory of the devices and free disk in bytes, operations a second; and how
    many processes each hold the weights.
    """

    memory: float
    disk: float
    speed: float
    processes: int = 1


@dataclass(frozen=True)
class Cost:
    """What a recipe takes at least: bytes for the weights and all that is kept for each, bytes for
    one batch, bytes on disk, and seconds.
    """

    weights: float
    batch: float
    disk: float
    operations: float


def means_of(device: torch.device, home: Path, processes: int = 1, nodes: int = 1) -> Means:
    """What this machine, or `nodes` like it, have for a run of so many processes; the memory of the
    whole device, of which there are as many on GPUs, whatever uses it at the moment.
    """
    if device.type == "cuda":
        memory = float(torch.cuda.get_device_properties(device).total_memory)  # pyright: ignore
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = nodes * (os.cpu_count() or 1) if device.type == "cpu" else processes
    devices = processes if device.type == "cuda" else nodes
    speed = FASTEST.get(device.type, 5e15) * cores
    return Means(memory * devices, shutil.disk_usage(home).free, speed, processes)


def check_cost(recipe: Recipe, channels: int, classes: int, images: int, means: Means) -> None:
    """Raise RecipeError, naming the field to lower, if the recipe takes more than the machine has.

    channels, classes, images: of the training data; at least so many, where they are not known yet.
    """
    for stage, cost in costs_of(recipe, channels, classes, images):
        weights = cost.weights * means.processes
        if weights > means.memory:
            raise _refused(recipe, "memory", weights, means.memory, _largest(recipe))
        if weights + cost.batch > means.memory:
            field = f"batch_size ({stage.batch_size:,}) or size"
            raise _refused(recipe, "memory", weights + cost.batch, means.memory, field)
        if cost.disk > means.disk:
            field = f"{_largest(recipe)}, or free some space"
            raise _refused(recipe, "disk", cost.disk, means.disk, field)
        if (seconds := cost.operations / means.speed) > LONGEST_SECONDS:
            raise RecipeError(
                f"recipe '{recipe.name}' would train for years on this machine",
                expected="less than a year",
                got=f"{seconds / LONGEST_SECONDS:,.1f} years at least",
                hint="Lower epochs, size or data.limit.",
            )


def costs_of(
    recipe: Recipe, channels: int, classes: int, images: int
) -> Iterator[tuple[Stage, Cost]]:
    """The least that each stage takes. Raises ModelError if the network can't be built at all."""
    stages, network = recipe.resolved_stages(), recipe.model
    last = stages[-1].size or recipe.data.size  # as the trainer builds it
    with torch.device("meta"):
        model = build_model(
            network.name, network.options, channels, classes, last, pretrained=False
        )
    for stage in stages:
        size = stage.size or recipe.data.size
        yield stage, _cost(model, stage, channels, size, images)


def _cost(model: nn.Module, stage: Stage, channels: int, size: int, images: int) -> Cost:
    parameters = sum(value.numel() for value in model.parameters())
    activations, operations = _probed(model, channels, size)
    batch = min(stage.batch_size, max(images, 1))
    kept = 2 + MOMENTS.get(stage.optimizer, 0) if not stage.freeze else 1
    inputs = channels * size**2 * FLOAT
    return Cost(
        weights=parameters * FLOAT * kept,
        batch=batch * (inputs + (0 if stage.freeze else activations * HALF)),
        disk=parameters * FLOAT * 2,  # the best model and the state to go on from
        operations=(1 if stage.freeze else 3) * operations * max(images, 1) * stage.epochs,
    )


def _probed(model: nn.Module, channels: int, size: int) -> tuple[float, float]:
    """Outputs of the layers with weights, and multiply-adds twice counted, for one image."""
    outputs, operations = 0.0, 0.0

    def count(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal outputs, operations
        each = layer.get_parameter("weight")[0].numel()
        outputs += out.numel() / out.shape[0]
        operations += 2.0 * each * out.numel() / out.shape[0]

    hooks = [
        layer.register_forward_hook(count)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    try:
        with torch.no_grad():
            model.eval()(torch.empty(1, channels, size, size, device="meta"))
    except (RuntimeError, TypeError):  # a layer that can't be followed so: nothing is refused
        return 0.0, 0.0
    finally:
        for hook in hooks:
            hook.remove()
    return outputs, operations


def _largest(recipe: Recipe) -> str:
    numbers = {
        name: value
        for name, value in recipe.model.options.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if not numbers:
        return "the size of the model"
    return f"model.options.{max(numbers, key=lambda name: numbers[name])}"


def _refused(recipe: Recipe, what: str, needed: float, there: float, field: str) -> RecipeError:
    return RecipeError(
        f"recipe '{recipe.name}' takes more {what} than this machine has{' free' * (what == 'disk')}",
        expected=f"at most {_bytes(there)}",
        got=f"{_bytes(needed)} at least",
        hint=f"Lower {field}.",
    )


def _bytes(count: float) -> str:
    if count < 1e6:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.1f} MB"
