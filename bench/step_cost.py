"""What a run is expected to take: steps of its own network on this device, timed, times their number."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import torch

from engine.device import pick_precision
from engine.imaging.images import STYLES
from engine.models.catalog import build_model

if TYPE_CHECKING:
    from engine.recipes.fields import Stage
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

BEGIN_SECONDS = 15.0  # of a run's process, before its first step, its images decoded
TIMED_STEPS = 3


def seconds_of(store: Store, recipe: Recipe, device: torch.device) -> float:
    """What a run of the recipe is expected to take alone on the device: steps of its network, timed,
    times their number. What is done between epochs is not in it.
    """
    stages = recipe.resolved_stages()
    info = next((one for one in store.datasets() if one.name == recipe.data.name), None)
    classes = len(recipe.data.classes or ()) or (info.classes if info else 0) or 10
    images = (info.images if info else 0) or 10_000
    if info and info.classes:
        images = images * classes // max(info.classes, classes)
    images = min(images, recipe.data.limit or images)
    total = BEGIN_SECONDS
    for stage in stages:
        steps = -(-images // stage.batch_size) * stage.epochs
        total += steps * _step_seconds(recipe, stage, classes, device)
    return total


def _step_seconds(recipe: Recipe, stage: Stage, classes: int, device: torch.device) -> float:
    """Seconds of a training step, the median of some after one that warms up."""
    size = stage.size or recipe.data.size
    channels = STYLES[recipe.data.style].channels
    largest = recipe.resolved_stages()[-1].size or recipe.data.size
    network = recipe.model
    model = build_model(network.name, network.options, channels, classes, largest, pretrained=False)
    model.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.randn(stage.batch_size, channels, size, size, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    precision, _ = pick_precision(recipe.precision, device)
    taken = []
    for _ in range(1 + TIMED_STEPS):
        begun = time.perf_counter()
        with torch.autocast(device.type, precision or torch.bfloat16, precision is not None):
            output = model(x)
        (output.logits.square().mean() + output.embeddings.square().mean()).backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])
