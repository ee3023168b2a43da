"""Optimisers and learning-rate schedules, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from engine.errors import RecipeError, unknown
from engine.models.recognizer import Recognizer
from engine.recipes.fields import Stage

# Parameter groups as torch.optim takes them: params, peak (the rate at its highest), weight_decay.
Groups = list[dict[str, Any]]


def _sgd(groups: Groups, stage: Stage) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=0.1, momentum=stage.momentum, nesterov=stage.momentum > 0)


def _adam(groups: Groups, stage: Stage) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, betas=(stage.momentum, 0.999))


def _adamw(groups: Groups, stage: Stage) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, betas=(stage.momentum, 0.99))


def _rmsprop(groups: Groups, stage: Stage) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(groups, lr=0.01, momentum=stage.momentum)


OPTIMIZERS: dict[str, Callable[[Groups, Stage], torch.optim.Optimizer]] = {
    "sgd": _sgd,  # with Nesterov momentum
    "adam": _adam,
    "adamw": _adamw,
    "rmsprop": _rmsprop,
}


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(max(share, 0), 1))) / 2


def _onecycle(done: float, epoch: int, stage: Stage) -> float:
    """Smith & Topin 2017 (arXiv 1708.07120), cosine-shaped: up from 1/25 of the peak, down to
    1/100,000.
    """
    if done < stage.warmup:
        return _cosine(1 / 25, 1, done / stage.warmup)
    return _cosine(1, 1e-5, (done - stage.warmup) / (1 - stage.warmup)) if stage.warmup < 1 else 1


def _warmed(factor: float, done: float, stage: Stage) -> float:
    return factor * done / stage.warmup if done < stage.warmup else factor


def _step(done: float, epoch: int, stage: Stage) -> float:
    return _warmed(stage.step_factor ** (epoch // stage.step_epochs), done, stage)


SCHEDULES: dict[str, Callable[[float, int, Stage], float]] = {
    # (share of the stage done 0..1, finished epochs of the stage, stage) → factor of the peak
    # learning rate
    "onecycle": _onecycle,
    "cosine": lambda done, epoch, stage: _warmed(
        _cosine(1, 0, (done - stage.warmup) / max(1 - stage.warmup, 1e-9)), done, stage
    ),
    "step": _step,
    "constant": lambda done, epoch, stage: _warmed(1, done, stage),
}


def schedule_factor(stage: Stage, done: float, epoch: int) -> float:
    """Factor of the peak learning rate. Raises RecipeError for an unknown schedule."""
    if stage.schedule not in SCHEDULES:
        raise RecipeError(unknown("schedule", stage.schedule, SCHEDULES))
    return SCHEDULES[stage.schedule](done, epoch, stage)


def group_rates(lr: float | tuple[float, ...], groups: int) -> list[float]:
    """A peak rate for each layer group, input first. Fewer rates than groups are spread
    geometrically, as fastai's slice does.
    """
    rates: list[float] = [lr] if isinstance(lr, int | float) else list(lr)
    if any(rate <= 0 for rate in rates) or len(rates) > groups:
        raise RecipeError(
            "the learning rates can't be used",
            expected=f"one to {groups} positive numbers, one a layer group",
            got=lr,
        )
    if len(rates) == 1:
        return rates * groups
    at = [i * (len(rates) - 1) / max(groups - 1, 1) for i in range(groups)]
    return [
        math.exp(
            (1 - (a - int(a))) * math.log(rates[int(a)])
            + (a - int(a)) * math.log(rates[min(int(a) + 1, len(rates) - 1)])
        )
        for a in at
    ]


def frozen_groups(stage: Stage, groups: int) -> int:
    """How many layer groups, from the input, stay as they are; the head is never one of them."""
    return min(stage.freeze, groups - 1)


def build_optimizer(model: Recognizer, objective: nn.Module, stage: Stage) -> torch.optim.Optimizer:
    """An optimiser over the groups that are not frozen, each with its `peak` rate; biases and norms
    are not decayed.
    """
    if stage.optimizer not in OPTIMIZERS:
        raise RecipeError(unknown("optimizer", stage.optimizer, OPTIMIZERS))
    layers = model.groups()
    rates = group_rates(stage.lr, len(layers))
    groups: Groups = []
    for number, (layer, rate) in enumerate(zip(layers, rates, strict=True)):
        if number < frozen_groups(stage, len(layers)):
            continue
        for decay, matrices in ((stage.weight_decay, True), (0.0, False)):
            parameters = [p for p in layer.parameters() if (p.ndim > 1) == matrices]
            if parameters:
                groups.append({"params": parameters, "peak": rate, "weight_decay": decay})
    own = list(objective.parameters())
    if own:
        groups.append({"params": own, "peak": rates[-1], "weight_decay": 0.0})
    return OPTIMIZERS[stage.optimizer](groups, stage)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set every group's rate to its peak times `factor`; returns the head's rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    return optimizer.param_groups[-1]["lr"]
