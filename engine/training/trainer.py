"""The loop: `for stats in Trainer(…).fit()`. Logging, keeping the best and stopping are statements
of its caller.
"""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from engine.data.imageset import ImageSet
from engine.data.loader import FITS_BYTES, Images
from engine.device import pick_precision
from engine.errors import DataError, RecipeError
from engine.models.catalog import build_model
from engine.models.recognizer import load_matching
from engine.recipes.fields import Stage
from engine.recipes.recipe import Recipe
from engine.settings import COMMAND
from engine.training.batch_statistics import FEW_STEPS, normalising, refresh_statistics
from engine.training.group import ALONE, Group, ProcessGroup
from engine.training.judging import Judging
from engine.training.objectives import Objective
from engine.training.optim import (
    frozen_groups,
    group_rates,
    schedule_factor,
)
from engine.training.stats import EpochStats, StepStats
from engine.training.whole_batch import see_whole_batch

STEP_SECONDS = 0.5  # a live point this often, however long an epoch is


class Trainer(Judging):
    """One recipe on one ImageSet: the model, its optimiser, and where it is in its stages. Of several
    processes that train together, each has one.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: ImageSet,
        device: torch.device,
        initial: dict[str, Tensor] | None = None,
        group: Group = ALONE,
    ) -> None:
        """initial: weights to start from; those that do not fit (another head) start fresh. group:
        of the processes that train together. Raises RecipeError, ModelError, DataError.
        """
        self.group = group
        self.recipe, self.data, self.device = recipe, data, device
        self.stages = recipe.resolved_stages()
        self.train_index = data.split("train")
        self.val_index = data.splits.get("val", np.empty(0, np.int64))
        if len(self.train_index) < 2:
            raise DataError(
                f"data set {data.name} has too few training images",
                expected="at least 2",
                got=len(self.train_index),
            )
        if len(np.unique(data.labels[self.train_index])) < 2:
            raise DataError(
                f"the training images of data set {data.name} are all of one class",
                expected="at least 2 classes",
                got=f"'{data.classes[data.labels[self.train_index[0]]]}'",
                hint=f"What was read, and why: {COMMAND} datasets {data.name}",
            )
        self.autocast, self.why_precision = pick_precision(recipe.precision, device)
        torch.manual_seed(recipe.seed)
        self.input_size = self.stages[-1].size or data.size
        self.model = build_model(
            recipe.model.name,
            recipe.model.options,
            data.channels,
            len(data.classes),
            self.input_size,
            pretrained=not initial,
        )
        self.fresh: list[str] = load_matching(self.model, initial) if initial else []
        self.model.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._check_batches()
        if isinstance(group, ProcessGroup):
            see_whole_batch(self.model, group)
        self.followed = (
            data.splits.get("test", self.val_index[:0])
            if recipe.data.follow_test
            else self.val_index[:0]
        )
        used = np.concatenate([self.train_index, self.val_index, self.followed])
        # GPUs have a memory each.
        sharing = group.size // group.nodes if device.type == "cpu" else 1
        self.images = Images(data, device, used, FITS_BYTES[device.type] // sharing)
        self.epoch = self.steps = self.images_seen = (
            0  # epochs behind it; batches in the current epoch
        )
        self.seconds = 0.0
        self.stage_number = -1
        self.average = None
        self.best: dict[str, Tensor] = {}
        self.best_score = -np.inf
        self.since_best = 0

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def fit(
        self, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[StepStats | EpochStats]:
        """Train to the end of the last stage, or until `cancelled()`; yields at live points and
        after every epoch.
        """

        def stopped(now: bool = True) -> bool:  # the first process decides: clocks differ
            return self.group.first(now and cancelled())

        while self.epoch < self.epochs:
            number, before = self._stage_of(self.epoch)
            if number != self.stage_number:
                self.begin_stage(number)
            stage = self.stages[number]
            if stage.patience and self.since_best >= stage.patience:
                self.epoch = before + stage.epochs
                continue
            yield from self._one_epoch(stage, number, self.epoch - before, stopped)
            if stopped():
                return
        self._check_learned()

    def _stage_of(self, epoch: int) -> tuple[int, int]:
        before = 0
        for number, stage in enumerate(self.stages):
            if epoch < before + stage.epochs:
                return number, before
            before += stage.epochs
        return len(self.stages) - 1, before - self.stages[-1].epochs

    def begin_stage(self, number: int) -> None:
        """Enter a stage: from the best weights of the one before, with its loss and optimiser."""
        stage = self.stages[number]
        if number > 0 and self.best:  # each stage starts from the best of the one before
            self.model.load_state_dict(self.best)
        self.stage_number, self.best, self.best_score, self.since_best = number, {}, -np.inf, 0
        self.first_loss = None
        width = self._embedding_width(stage)
        self.objective = Objective(stage, len(self.data.classes), width).to(self.device)
        if self.objective.reads == "embeddings" and stage.mixup:
            raise RecipeError(
                f"mixup mixes labels, which loss '{stage.loss}' can't use", hint="Set mixup to 0."
            )
        self._optimizer = None
        for frozen, layer in enumerate(self.model.groups()):
            layer.requires_grad_(frozen >= frozen_groups(stage, len(self.model.groups())))
        self.average = copy.deepcopy(self.model).requires_grad_(False) if stage.ema else None
        self.updates = 0

    def _one_epoch(
        self, stage: Stage, number: int, epoch: int, stopped: Callable[..., bool]
    ) -> Iterator[StepStats | EpochStats]:
        # Everything random in an epoch comes from (seed, epoch), so that a resumed run repeats an
        # uninterrupted one.
        seed = int(np.random.SeedSequence([self.recipe.seed, self.epoch]).generate_state(1)[0])
        torch.manual_seed(seed)
        rng, draws = np.random.default_rng(seed), torch.Generator(self.device).manual_seed(seed)
        size = stage.size or self.data.size
        order = self._order(stage, rng)
        self.steps = len(order)
        start = shown = time.perf_counter()
        total = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device)
        extra: dict[str, float] = {}
        done = last = 0
        lr, peak = 0.0, group_rates(stage.lr, len(self.model.groups()))[-1]
        self._set_modes(stage)
        batches = self.images.batches(self._own_parts(order, stage))
        for step, (index, batch) in enumerate(zip(order, batches, strict=True)):
            factor = schedule_factor(stage, (epoch + step / len(order)) / stage.epochs, epoch)
            lr = peak * factor
            count = len(index)
            x, labels = self._changed(batch, stage, size, draws, count)
            loss, hits = self._loss(x, labels, stage, rng, count)
            total += loss.detach() * count
            right += hits
            done += count
            self.first_loss = float(loss.detach()) if self.first_loss is None else self.first_loss
            for key, value in self.objective.info.items():
                extra[key] = extra.get(key, 0.0) + value / len(order)
            now = time.perf_counter()
            live = now - shown >= STEP_SECONDS or (self.epoch == 0 and step == 0)
            if live:
                yield StepStats(  # the loss before this batch's update
                    number + 1,
                    self.epoch + 1,
                    step + 1,
                    len(order),
                    float(loss.detach()),
                    lr,
                    (done - last) / max(now - shown, 1e-9),
                    self.images_seen + done,
                    self.seconds + now - start,
                )
                shown, last = now, done
            if stopped(live):
                return
            self._update(loss, stage, factor)
        train_seconds = time.perf_counter() - start
        self.images_seen += done
        if self.images_seen < FEW_STEPS * stage.batch_size:
            names = normalising(self.model)
            crop = stage.augment.crop
            refresh_statistics(
                self.judged, names, self.images, self.train_index, size, crop, stopped, self.group
            )
        val = self._validate(stage, size)
        self.seconds += time.perf_counter() - start
        self.epoch += 1
        extra.update({key: value for key, value in val.items() if key not in ("loss", "accuracy")})
        train_loss = float(total) / done
        right = self.group.total(right)
        self._check_finite(train_loss, *val.values())
        self.last_loss = train_loss
        self.top_accuracy = max(self.top_accuracy, val.get("accuracy", float(right) / done))
        best = self._keep_best(stage, val, train_loss)
        extra.update(self._on_test(stage, size))
        yield EpochStats(
            number + 1,
            self.epoch,
            self.epochs,
            size,
            train_loss,
            float(right) / done if self.objective.reads == "logits" else None,
            val.get("loss"),
            val.get("accuracy"),
            lr,
            done / train_seconds,
            self.images_seen,
            self.seconds,
            best,
            extra,
        )
