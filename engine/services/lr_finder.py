"""The learning-rate finder (Smith 2015, arXiv 1506.01186): raise the rate step by step for one
short run and watch the loss.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.data.augment import augment
from engine.device import pick_device
from engine.imaging.images import normalise
from engine.models.checkpoint import read_weights
from engine.models.pretrained import keep_downloads
from engine.progress import Progress, no_progress
from engine.recipes.recipe import make_recipe
from engine.store.lineage import starting_model
from engine.training.trainer import Trainer

if TYPE_CHECKING:
    from engine.store.store import Store

DIVERGED = 4.0  # times the lowest smoothed loss: where the search ends
SMOOTH = 0.9  # weight of the past in the smoothed loss


@dataclasses.dataclass(frozen=True)
class RateSearch:
    """rates (n,), losses (n,) in nats, smoothed (n,). steepest: the rate at which the loss falls
    fastest; lowest: a tenth of the rate of the lowest loss. Either is a fair peak; None where the
    loss never fell."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    steepest: float | None
    lowest: float | None


class Searcher(Trainer):
    """A trainer that takes single steps at given rates instead of epochs on a schedule."""

    def try_rates(self, rates: Sequence[float]) -> Iterator[float]:
        """The loss (nats) of one batch at each rate, of the head's group; earlier groups keep their
        ratio to it.
        """
        stage = self.stages[0]
        self.begin_stage(0)
        self._set_modes(stage)
        torch.manual_seed(self.recipe.seed)
        rng, draws = (
            np.random.default_rng(self.recipe.seed),
            torch.Generator(self.device).manual_seed(self.recipe.seed),
        )
        peak = self.optimizer.param_groups[-1]["peak"]
        order: list[np.ndarray] = []
        while len(order) < len(rates):
            order += self._order(stage, rng)
        for rate, batch in zip(rates, self.images.batches(order[: len(rates)]), strict=True):
            x = normalise(augment(batch.images, stage.augment, stage.size or self.data.size, draws))
            loss, _ = self._loss(
                x.contiguous(memory_format=torch.channels_last), batch.labels, stage, rng
            )
            self._update(loss, stage, rate / peak)
            yield float(loss.detach())


def find_rate(
    store: Store,
    progress: Progress = no_progress,
    *,
    fields: dict[str, Any],
    low: float = 1e-6,
    high: float = 1.0,
    steps: int = 100,
) -> dict[str, Any]:
    """Train the first stage of the recipe of these `fields` for `steps` batches
    at rates from `low` to `high`.

    Keeps no model and writes no run. Returns a RateSearch as a dict. Raises RecipeError, DataError
    as training does.
    """
    chosen = make_recipe(fields)
    if store.settings.threads:
        torch.set_num_threads(store.settings.threads)
    keep_downloads(
        store.home / "weights", offline=store.settings.offline, names_only=store.settings.names_only
    )
    device, _ = pick_device(store.settings.device)
    initial = (
        read_weights(starting_model(store, chosen.init_from, chosen.scale))
        if chosen.init_from
        else None
    )
    searcher = Searcher(chosen, store.dataset(chosen.data, progress=progress), device, initial)
    rates = np.geomspace(low, high, steps).tolist()
    losses: list[float] = []
    for loss in searcher.try_rates(rates):
        if not math.isfinite(loss):
            break
        losses.append(loss)
        progress(len(losses), steps, "trying rates")
        smoothed = smooth(losses)
        if len(losses) > steps // 5 and smoothed[-1] > DIVERGED * min(smoothed):
            break
    return dataclasses.asdict(judge(rates[: len(losses)], losses))


def smooth(losses: Sequence[float]) -> list[float]:
    """Exponential moving average without the bias of its start."""
    out, average = [], 0.0
    for number, loss in enumerate(losses):
        average = SMOOTH * average + (1 - SMOOTH) * loss
        out.append(average / (1 - SMOOTH ** (number + 1)))
    return out


def judge(rates: list[float], losses: list[float]) -> RateSearch:
    """Read the two suggestions off the smoothed losses (n,) at `rates` (n,)."""
    smoothed = smooth(losses)
    if len(rates) < 10 or min(smoothed) >= smoothed[0]:
        return RateSearch(rates, losses, smoothed, None, None)
    bottom = int(np.argmin(smoothed))
    slope = np.gradient(np.asarray(smoothed), np.log(rates))
    return RateSearch(
        rates, losses, smoothed, rates[int(np.argmin(slope[: bottom + 1]))], rates[bottom] / 10
    )
