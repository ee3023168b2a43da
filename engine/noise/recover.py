"""Training through wrong labels: method `recovered`.

Stage 1 learns the true classes from the given labels through the transition matrix T, which is
estimated first on a part of them. Every later stage is self-training (Lee 2013; Xie et al. 2020,
arXiv 1911.04252): a new network is trained on pseudo-labels, the likely classes of the stage before
by the posterior that combines prediction and given label; images whose posterior is not confident
are left out.

Nothing but given labels is used. Validation accuracy in stage 1 is estimated from the given labels
of the held-out images: the inverse of T turns "how often is the prediction the given label" into
"how often is it the true class" (Natarajan et al. 2013; backward correction in Patrini et al. 2017,
arXiv 1609.03683). The estimate is unbiased, needs no clean label, and varies by a few tenths of a
percent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.data.imageset import ImageSet
from engine.data.splits import stratified
from engine.errors import DamagedError, DataError, RecipeError
from engine.files.checked import read_arrays
from engine.models.catalog import build_model
from engine.noise.config import CONFIG
from engine.noise.hypotheses import HYPOTHESES, compare_hypotheses, select_hypothesis
from engine.noise.network import noisy_data
from engine.noise.transition import (
    check_transition,
    fit_temperature,
    log_posterior,
    log_softmax,
    uniform_transition,
)
from engine.progress import Cancelled, Progress, no_progress
from engine.recipes.fields import Stage
from engine.recipes.recipe import Recipe
from engine.training.group import ALONE, Group
from engine.training.noisy_losses import FLOOR
from engine.training.trainer import EpochStats, StepStats, Trainer

if TYPE_CHECKING:
    from engine.runs.run import Run

THROUGH_T = ("forward", "scl_nl", "complementary_nn")


class Recovering(Trainer):
    """A trainer whose labels change between stages. T and the pseudo-labels are kept in the run
    folder, so that a resumed run continues with them.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: ImageSet,
        device: torch.device,
        run: Run,
        progress: Progress = no_progress,
        cancelled: Callable[[], bool] = lambda: False,
        initial: dict[str, torch.Tensor] | None = None,
        group: Group = ALONE,
    ) -> None:
        super().__init__(recipe, data, device, initial, group)
        self.run, self.progress, self.cancelled, self.given = run, progress, cancelled, data.labels
        self.label_index = np.concatenate([self.train_index, self.val_index])
        used, held = len(self.label_index), len(self.val_index)
        run.log(
            f"labels used: {used:,} given labels of {data.name}, {held:,} of them only to"
            " validate; no others"
        )
        self.matrix: np.ndarray | None = None

    def fit(
        self, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[StepStats | EpochStats]:
        """As Trainer.fit; in stage 1 the training accuracy, too, is estimated from given labels."""
        for stats in super().fit(cancelled):
            if (
                isinstance(stats, EpochStats)
                and stats.stage == 1
                and stats.train_accuracy is not None
                and self._corrects(self.stages[0])
                and self.matrix is not None
            ):
                stats = dataclasses.replace(
                    stats, train_accuracy=_accuracy_of(stats.train_accuracy, self.matrix)
                )
            yield stats

    def begin_stage(self, number: int) -> None:
        """T is estimated before the first stage; a later one begins with pseudo-labels and random
        weights.
        """
        if self.matrix is None:
            self.matrix = self.group.by_first(self._transition)
            if (
                self.stages[0].loss == "forward"
                and not {"transition", "right"} & self.stages[0].loss_options.keys()
            ):
                options = {**self.stages[0].loss_options, "transition": self.matrix.tolist()}
                self.stages[0] = self.stages[0].model_copy(update={"loss_options": options})
        if number > 0:
            self._relabel(number)
            torch.manual_seed(self.recipe.seed + number)
            spec = self.recipe.model
            fresh = build_model(
                spec.name, spec.options, self.data.channels, len(self.data.classes), self.input_size
            )
            self.model.load_state_dict(fresh.state_dict())
            self.best = {}
        super().begin_stage(number)

    def _transition(self) -> np.ndarray:
        """T (K, K): given by the recipe, found in the run folder, or estimated now."""
        classes = len(self.data.classes)
        options = self.stages[0].loss_options
        if options.get("transition") is not None:
            return check_transition(options["transition"], classes)
        if "right" in options:
            return uniform_transition(classes, options["right"])
        if self.stages[0].loss in ("scl_nl", "complementary_nn"):
            return uniform_transition(classes, 0.0)
        if (stored := _stored(self.run.path / "transition.npz")) is not None:
            return stored["matrix"]
        index = self.train_index
        if len(index) > CONFIG.hypothesis_images:
            index = index[stratified(self.given[index], CONFIG.hypothesis_images, self.recipe.seed)]
        epochs = max(3, round(CONFIG.hypothesis_training_images / len(index)))
        data = noisy_data(self.data, device=str(self.device))

        def tell(done: int, total: int, what: str) -> None:
            self.progress(done, total, what)
            if self.cancelled():
                raise Cancelled

        hypotheses = compare_hypotheses(data, index, epochs, self.recipe.seed, tell)
        for name, found in hypotheses.items():
            self.run.log(
                f"hypothesis “{HYPOTHESES[name]}”: log-likelihood of held-out labels"
                f" {found.gain:+.4f} ± {found.gain_error:.4f} nats an image above their frequencies"
            )
        best = select_hypothesis(hypotheses)
        if best is None:
            raise DataError(
                f"the labels of {self.data.name} are independent of its images, as far as"
                f" {len(index):,} of them tell",
                hint="There is nothing to learn from them.",
            )
        self.run.log(
            f"accepted: “{HYPOTHESES[best.name]}”; estimated share of correct labels:"
            f" {100 * best.diagonal:.2f}%"
        )
        matrix = best.matrix
        self.run.write_arrays("transition.npz", matrix=matrix)
        return matrix

    def _relabel(self, number: int) -> None:
        """Replace the labels by the pseudo-labels of the best model so far, or by those in the run
        folder.
        """
        name = f"labels-{number + 1}.npz"
        stored = self.group.by_first(lambda: _stored(self.run.path / name))
        if stored is None:
            if not self.best:
                raise RecipeError(
                    "stage 1 left no model to label with", hint="Start the recipe again."
                )
            stored = self._labels_from_best()
            self.run.write_arrays(name, **stored)
        labels, confident = stored["labels"].astype(np.int64), stored["sure"]
        new = np.array(self.given)
        new[self.label_index] = labels
        self.data = self.data.with_labels(new, self.data.fingerprint)
        self.images.data, self.images.labels = self.data, torch.from_numpy(new)
        trained = self.label_index[: len(self.label_index) - len(self.val_index)]
        self.train_index = trained[confident[: len(trained)]]
        if len(self.train_index) < max(10 * len(self.data.classes), 0.05 * len(trained)):
            raise RecipeError(
                f"stage {number} is confident of too few labels to train stage {number + 1} on",
                expected=f"a twentieth of the {len(trained):,} images",
                got=f"{len(self.train_index):,}",
                hint="Give it more epochs or more images.",
            )
        changed = float((labels != self.given[self.label_index])[confident].mean())
        self.run.log(
            f"stage {number + 1} starts afresh on {len(self.train_index):,} of {len(trained):,}"
            f" images: those whose posterior is above"
            f" {100 * CONFIG.pseudo_label_confidence:.0f}%;"
            f" {100 * changed:.2f}% of these labels differ from the given ones"
        )

    def _labels_from_best(self) -> dict[str, np.ndarray]:
        assert self.matrix is not None  # stage 1 has estimated it
        model = self.judged
        model.load_state_dict(self.best)
        crop = self.stages[self.stage_number].augment.crop
        logits, _ = self.outputs(self.label_index, self.input_size, crop)
        predicted = logits.numpy()
        given = self.given[self.label_index]
        held = (
            slice(len(predicted) - len(self.val_index), len(predicted))
            if len(self.val_index) >= CONFIG.temperature_labels
            else slice(None)
        )
        temperature = max(1.0, fit_temperature(predicted[held], self.matrix, given[held]))
        log_posteriors = log_posterior(log_softmax(predicted, temperature), self.matrix, given)
        return {
            "labels": log_posteriors.argmax(1).astype(np.int16),
            "sure": log_posteriors.max(1) > np.log(CONFIG.pseudo_label_confidence),
        }

    def _corrects(self, stage: Stage) -> bool:
        return self.stage_number == 0 and stage.loss in THROUGH_T

    def _validate(self, stage: Stage, size: int) -> dict[str, float]:
        """Loss and accuracy on held-out given labels; in stage 1 the loss is the forward loss, and the
        accuracy is estimated by backward correction: the mean of T⁻¹[given label, prediction].
        """
        if not self._corrects(stage) or not len(self.val_index):
            return super()._validate(stage, size)
        logits, _ = self.outputs(self.val_index, size, stage.augment.crop)
        assert self.matrix is not None  # stage 1 begins with it
        given = self.given[self.val_index]
        joint = (
            log_softmax(logits.numpy())
            + np.log(np.maximum(self.matrix, FLOOR)).astype(np.float32).T[given]
        )
        inverse = np.linalg.pinv(self.matrix)
        accuracy = float(inverse[given, logits.numpy().argmax(1)].mean())
        return {
            "loss": float(-np.logaddexp.reduce(joint, axis=1).mean()),
            "accuracy": min(max(accuracy, 0.0), 1.0),
        }


def _accuracy_of(agreement: float, matrix: np.ndarray) -> float:
    """The accuracy 0..1 at which predictions agree with given labels this often.

    Exact for a uniform T. For another one only the mean of its diagonal and of its other entries is
    used, as if classes were equally frequent and a wrong prediction any other class: an indication of
    progress. Nothing is chosen by it; validation uses T itself.
    """
    right = float(np.diag(matrix).mean())
    wrong = (1 - right) / (len(matrix) - 1)
    if abs(right - wrong) <= 1e-6:
        return 0.0
    return min(max((agreement - wrong) / (right - wrong), 0.0), 1.0)


def _stored(path: Path) -> dict[str, np.ndarray] | None:
    try:
        return read_arrays(path, (), "")
    except DamagedError:  # or not there: it is computed again
        return None
