"""One batch of training: its loss, and one step of the optimiser."""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.data import loader
from engine.data.augment import Draws, augment, quarter_turned
from engine.data.imageset import ImageSet
from engine.errors import RecipeError
from engine.imaging.images import normalise
from engine.models.recognizer import Output, Recognizer
from engine.recipes.fields import Stage
from engine.recipes.recipe import Recipe
from engine.training.batch_statistics import normalising
from engine.training.group import Group
from engine.training.objectives import Objective
from engine.training.optim import (
    build_optimizer,
    frozen_groups,
    set_rates,
)

# Chosen: a network that knows nothing has a loss of log K for K classes (2.3 for ten); `quick` at lr=100
# is left with 7 to 200 and 10 to 22% right, at lr=1 with 0.8 and 84%. A stage that begins with what an
# earlier one has learned begins lower, and may well end higher than it began.
ROSE = 2.0
LEARNED = 0.5  # share of what the commonest class leaves


class Steps:
    """What a step needs of a trainer: the network, what it minimises, and its optimiser."""

    recipe: Recipe
    data: ImageSet
    device: torch.device
    group: Group
    images: loader.Images
    stages: list[Stage]
    train_index: np.ndarray
    model: Recognizer
    objective: Objective
    stage_number: int
    updates: int
    autocast: torch.dtype | None
    first_loss: float | None = None  # of the stage's first batch, before any step
    last_loss: float | None = None  # of the last epoch
    top_accuracy: float = 0.0  # of all epochs so far, on validation images where there are some
    average: Recognizer | None = None
    _optimizer: torch.optim.Optimizer | None = None

    @property
    def judged(self) -> Recognizer:  # validated and kept: the moving average where there is one
        return self.average or self.model

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The stage's optimiser, made when first needed: torch loads its compiler with the first
        one (1.3 s), and a person who waits for the first point of the curve need not wait for that.
        """
        if self._optimizer is None:
            self._optimizer = build_optimizer(
                self.model, self.objective, self.stages[self.stage_number]
            )
        return self._optimizer

    def _check_batches(self) -> None:
        """Raise RecipeError if a batch of one image meets batch normalisation, which needs two."""
        if normalising(self.model.train()) and any(stage.batch_size < 2 for stage in self.stages):
            raise RecipeError(
                f"{self.recipe.model.name} normalises over each batch, so one image is too few",
                expected="batch_size of at least 2",
                got="1",
            )
        fewest = min(*(stage.batch_size for stage in self.stages), len(self.train_index))
        if fewest < self.group.size:
            raise RecipeError(
                f"a batch of {fewest} can't be shared by {self.group.size} processes",
                expected=f"batch_size, and training images, of at least {self.group.size}",
                got=fewest,
                hint="Use fewer processes.",
            )

    def _embedding_width(self, stage: Stage) -> int:
        size = stage.size or self.data.size
        self.model.eval()
        with torch.no_grad():
            return self.model(
                torch.zeros(1, self.data.channels, size, size, device=self.device)
            ).embeddings.shape[1]

    def _order(self, stage: Stage, rng: np.random.Generator) -> list[np.ndarray]:
        index, labels = self.train_index, self.data.labels[self.train_index]
        if stage.samples_per_class:
            return loader.per_class(index, labels, stage.batch_size, stage.samples_per_class, rng)
        least = max(2, self.group.size)  # batch normalisation needs two, each process one
        balance = self.recipe.data.balance
        if balance != "none":
            groups = (
                labels
                if balance == "class" or self.data.sources is None
                else self.data.sources[index]
            )
            return loader.balanced(
                index,
                groups,
                stage.batch_size,
                rng,
                power=0.5 if balance == "root" else 0,
                least=least,
            )
        return loader.shuffled(index, stage.batch_size, rng, least)

    def _own_parts(self, order: list[np.ndarray], stage: Stage) -> list[np.ndarray]:
        """What this process reads of every batch. With mixup all of it: an image's partner may be in
        another's part.
        """
        if self.group.size == 1 or stage.mixup:
            return order
        return [index[self.group.part(len(index))] for index in order]

    def _changed(
        self, batch: loader.Batch, stage: Stage, size: int, draws: torch.Generator, count: int
    ) -> tuple[Tensor, Tensor]:
        """A batch, or what this process reads of one of `count` images, as the network is trained on
        it: (B, C, size, size) f32 in -1..1, changed at random, and its labels (B,).
        """
        images, labels = batch.images, batch.labels
        own = Draws(draws, count, None if stage.mixup else self.group.part(count))
        if stage.turned_classes:
            images, labels = quarter_turned(images, labels, own)
        x = normalise(augment(images, stage.augment, size, own))
        return x.contiguous(memory_format=torch.channels_last), labels

    def _loss(
        self,
        x: Tensor,
        labels: Tensor,
        stage: Stage,
        rng: np.random.Generator,
        count: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Of a batch (B,C,h,w) with labels (B,), or what this process has of one of `count` images:
        the whole batch's loss with the graph that led to it, and how many this process got right.
        """
        count = len(x) if count is None else count
        part, share = self.group.part(count), 1.0
        if stage.mixup:
            share = float(rng.beta(stage.mixup, stage.mixup))
            partner = torch.from_numpy(rng.permutation(count)).to(x.device)
            x = (x * share + x[partner] * (1 - share))[part]
            own, other = labels[part], labels[partner]
        else:
            own, labels = labels, self.group.gather(labels, count)
            other = labels
        self.group.begin(count)
        with torch.autocast(
            self.device.type,
            dtype=self.autocast or torch.bfloat16,
            enabled=self.autocast is not None,
        ):
            output = self.model(x)
        right = (output.logits.detach().argmax(1) == own).sum()
        output = self._gathered(output, count)
        loss = self.objective(output, labels)
        if share < 1:
            loss = share * loss + (1 - share) * self.objective(output, other)
        return loss, right

    def _gathered(self, output: Output, count: int) -> Output:
        """With what the loss reads, of the whole batch."""
        whole = self.group.gather(getattr(output, self.objective.reads), count)
        return output._replace(**{self.objective.reads: whole})

    def _update(self, loss: Tensor, stage: Stage, factor: float) -> None:
        """One step of the optimiser at `factor` times the peak rates."""
        set_rates(self.optimizer, factor)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.group.sum_gradients(self.model.parameters(), self.objective.parameters())
        if stage.clip:
            torch.nn.utils.clip_grad_norm_(
                [p for p in self.model.parameters() if p.grad is not None], stage.clip
            )
        self.optimizer.step()
        if self.average is not None:
            self._update_average(stage.ema)

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        assert self.average is not None  # where `ema` is set
        self.updates += 1
        decay = min(
            decay, (1 + self.updates) / (10 + self.updates)
        )  # short memory at first, or the random start lingers
        for kept, new in zip(
            self.average.state_dict().values(), self.model.state_dict().values(), strict=True
        ):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)

    def _set_modes(self, stage: Stage) -> None:
        self.model.train()
        groups = self.model.groups()
        for layer in groups[: frozen_groups(stage, len(groups))]:
            layer.eval()  # frozen means its batch-norm statistics too

    def _check_learned(self) -> None:
        """Raise RecipeError if the last epoch's loss is far above that of a network that knows nothing,
        and above what the stage began with, and no epoch was right about most of what always naming
        the commonest class is wrong about: a rate that is too high need not end in what is no number.
        """
        counts = np.bincount(self.data.labels[self.train_index])
        commonest = counts.max() / counts.sum()
        learned = self.top_accuracy > commonest + LEARNED * (1 - commonest)
        first, last = self.first_loss, self.last_loss
        if learned or first is None or last is None or self.objective.reads != "logits":
            return
        if last > ROSE * max(first, np.log(len(counts))):
            raise RecipeError(
                f"training diverged: the loss went from {first:.3g} to {last:.3g}, and"
                f" no epoch was right about more than {self.top_accuracy:.0%}",
                hint=self._remedies(),
            )

    def _check_finite(self, *figures: float) -> None:
        """Raise RecipeError if a figure or a weight is not a number."""
        if np.isfinite(figures).all() and all(
            bool(torch.isfinite(weights).all()) for weights in self.judged.parameters()
        ):
            return
        raise RecipeError(
            "training diverged: the loss is not a number",
            hint=self._remedies(),
        )

    def _remedies(self) -> str:
        """What may keep a training from diverging, but for what it does already."""
        remedies = ["Lower the learning rate (lr)"]
        if self.stages[self.stage_number].clip is None:
            remedies.append("clip gradients (clip=1)")
        if self.autocast is not None:
            remedies.append("use precision=float32")
        *first, last = remedies
        return f"{', '.join(first)} or {last}." if first else f"{last}."
