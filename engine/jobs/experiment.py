"""One recipe into one run folder: load, train, keep the best, and measure it once at the end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np
import torch

from engine import metrics
from engine.data.imageset import ImageSet
from engine.data.loader import Images
from engine.device import describe_device, pick_device
from engine.documents import EpochRow, Figures, FinalRow, Report
from engine.errors import DataError
from engine.imaging.images import STYLES
from engine.imaging.placement import placement_kept
from engine.models.checkpoint import read_weights, save_checkpoint
from engine.models.inference import run_model
from engine.models.recognizer import count_parameters
from engine.progress import Progress, no_progress
from engine.recipe import DataSpec, Recipe
from engine.training.cost import check_cost, means_of
from engine.training.stats import EpochStats, StepStats
from engine.training.trainer import Trainer
from engine.training.trainer_state import restore_trainer, save_trainer

if TYPE_CHECKING:
    from engine.runs.run import Run

SNAPSHOT_IMAGES = 2_000  # images whose embeddings are kept after every epoch, to watch a space form
SNAPSHOT_EPOCHS = 40  # and at most so many epochs, evenly spread


class Method(Protocol):
    def __call__(self, run: Run, data: ImageSet, recipe: Recipe, tools: Tools) -> Trainer: ...


@dataclasses.dataclass(frozen=True)
class Tools:
    """What a method of training is handed: how to load data, find a model, report and be stopped."""

    load: Callable[[DataSpec], ImageSet]
    find_model: Callable[[str], Path]
    device: torch.device
    cancelled: Callable[[], bool] = lambda: False
    progress: Progress = no_progress


def supervised(run: Run, data: ImageSet, recipe: Recipe, tools: Tools) -> Trainer:
    """Train on the given labels as they are."""
    initial = read_weights(tools.find_model(recipe.init_from)) if recipe.init_from else None
    trainer = Trainer(recipe, data, tools.device, initial)
    if trainer.fresh:
        run.log(f"starting from {recipe.init_from}; new: {', '.join(trainer.fresh)}")
    restore_trainer(trainer, run.last)
    return follow(run, trainer, tools)


def recovered(run: Run, data: ImageSet, recipe: Recipe, tools: Tools) -> Trainer:
    """Train through wrong labels: estimate how they came about, correct for it, then train again on
    what follows from them.
    """
    from engine.noise.recover import Recovering

    initial = read_weights(tools.find_model(recipe.init_from)) if recipe.init_from else None
    trainer = Recovering(recipe, data, tools.device, run, tools.progress, tools.cancelled, initial)
    restore_trainer(trainer, run.last)
    return follow(run, trainer, tools)


METHODS: dict[str, Method] = {"supervised": supervised, "recovered": recovered}


def conduct(
    run: Run,
    *,
    load: Callable[[DataSpec], ImageSet],
    find_model: Callable[[str], Path],
    device: str = "auto",
    threads: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Progress = no_progress,
) -> Figures:
    """Train the run's recipe into its folder, from its last checkpoint if it has one; returns the
    final metrics.

    When cancelled it stops at the next live point, and the best checkpoint so far stays. Raises
    GlyphlabError for what a person can mend.
    """
    recipe = run.recipe()
    if threads:
        torch.set_num_threads(threads)
    where, why = pick_device(device)
    means, spec = means_of(where, run.path), recipe.data
    least = STYLES[spec.style].channels if spec.style in STYLES else 1
    check_cost(recipe, least, len(spec.classes or ()) or 2, 1, means)  # before anything is decoded
    data = load(recipe.data)
    train = len(data.splits.get("train", ()))
    check_cost(recipe, data.channels, len(data.classes), train, means)
    tools = Tools(load, find_model, where, cancelled, progress)
    run.log(f"device {where}: {why}")
    splits = ", ".join(f"{len(index):,} {name}" for name, index in data.splits.items())
    run.log(
        f"data {data.name}: {splits}, {len(data.classes)} classes, fingerprint {data.fingerprint}"
    )
    run.write_status(machine=describe_device(where), why_device=why, fingerprint=data.fingerprint)
    scored = _scored_on(recipe, data, tools, run)  # what can't be used is known before the training
    trainer = METHODS[recipe.method](run, data, recipe, tools)
    if not trainer.best:
        return {}
    final = measure(run, trainer, tools, scored)
    row: FinalRow = {"kind": "final", **final}
    run.append_metrics(row)
    return final


def follow(run: Run, trainer: Trainer, tools: Tools) -> Trainer:
    """Drive a trainer to its end, writing every figure, the best model and the last state into the
    run folder.
    """
    run.log(
        f"{trainer.recipe.model.name}: {count_parameters(trainer.model):,} parameters;"
        f" {trainer.why_precision}"
    )
    saver = _Saver(run, trainer)
    for stats in trainer.fit(tools.cancelled):
        if isinstance(stats, StepStats):
            run.append_metrics({"kind": "step", **dataclasses.asdict(stats)})
            done, total = (stats.epoch - 1) * stats.steps + stats.step, trainer.epochs * stats.steps
            run.heartbeat(epoch=stats.epoch, epochs=trainer.epochs, share=done / total)
            tools.progress(
                done,
                total,
                f"epoch {stats.epoch} of {trainer.epochs}, loss {stats.loss:.3f} (steps)",
            )
            continue
        row = _epoch_row(stats)
        run.append_metrics(row)
        run.log(_epoch_line(stats))
        saver.keep(stats)
        run.heartbeat(epoch=stats.epoch, epochs=trainer.epochs, share=stats.epoch / trainer.epochs)
        done, total = stats.epoch * trainer.steps, trainer.epochs * trainer.steps
        tools.progress(
            done,
            total,
            f"epoch {stats.epoch} of {trainer.epochs}, loss {stats.train_loss:.3f} (steps)",
        )
    saver.close()
    return trainer


class _Saver:
    """Writes best/ when it has improved and last/ at epoch ends, as often as is cheap beside the
    training itself.
    """

    def __init__(self, run: Run, trainer: Trainer) -> None:
        self.run, self.trainer = run, trainer
        self.cost, self.saved_at, self.pending = 0.0, 0.0, False
        self.every = max(1, trainer.epochs // SNAPSHOT_EPOCHS)
        index = trainer.val_index if len(trainer.val_index) else trainer.train_index
        self.watched = (
            index
            if len(index) <= SNAPSHOT_IMAGES
            else np.sort(np.random.default_rng(0).choice(index, SNAPSHOT_IMAGES, replace=False))
        )
        if not trainer.epoch:
            self._snapshot(0)

    def keep(self, stats: EpochStats) -> None:
        if stats.epoch % self.every == 0 or stats.epoch == stats.epochs:
            self._snapshot(stats.epoch)
        self.pending = True
        now = time.perf_counter()
        # Writing may take a tenth of the time; small models are saved after every epoch, a large
        # one less often.
        if now - self.saved_at >= 10 * self.cost or stats.epoch == stats.epochs:
            self._save(stats)
            self.saved_at = time.perf_counter()
            self.cost = self.saved_at - now

    def _save(self, stats: EpochStats) -> None:
        trainer = self.trainer
        if trainer.best:
            figures = {
                "val_accuracy": stats.val_accuracy,
                "val_loss": stats.val_loss,
                "epochs": stats.epoch,
                "seconds": stats.seconds,
                "unfinished": True,
            }
            save_best(
                self.run,
                trainer,
                cast(Figures, {key: value for key, value in figures.items() if value is not None}),
            )
        save_trainer(trainer, self.run.last)
        self.pending = False

    def _snapshot(self, epoch: int) -> None:
        trainer = self.trainer
        stage = trainer.stages[max(trainer.stage_number, 0)]
        _, embeddings = run_model(
            trainer.judged,
            trainer.images,
            self.watched,
            stage.size or trainer.data.size,
            stage.augment.crop,
            autocast=trainer.autocast,
        )
        self.run.write_arrays(
            f"snapshots/epoch-{epoch:04d}.npz",
            embeddings=embeddings.numpy().astype(np.float16),
            labels=trainer.data.labels[self.watched],
            index=self.watched,
        )

    def close(self) -> None:
        """After a stop in the middle of an epoch: what was best when the last epoch ended is still
        written.
        """
        if self.pending and self.trainer.best:
            save_best(
                self.run,
                self.trainer,
                {"epochs": self.trainer.epoch, "seconds": self.trainer.seconds, "unfinished": True},
            )


def save_best(run: Run, trainer: Trainer, figures: Figures, temperature: float = 1.0) -> None:
    """Write the trainer's best weights as the run's checkpoint."""
    placement = placement_kept(trainer.data.images, trainer.train_index, trainer.data.style)
    save_checkpoint(
        run.best,
        trainer.best,
        trainer.recipe,
        trainer.data.classes,
        figures,
        style=trainer.data.style,
        input_size=trainer.input_size,
        temperature=temperature,
        extra={
            "fingerprint": trainer.data.fingerprint,
            "run": run.id,
            "machine": describe_device(trainer.device),
            "placement": placement,
        },
    )


class Scored(NamedTuple):
    """Where the final figure is read: a data set, labelled in the order of the model's classes, the
    split's name, and which images (n,).
    """

    data: ImageSet
    split: str
    index: np.ndarray


def measure(run: Run, trainer: Trainer, tools: Tools, scored: Scored | None) -> Figures:
    """The final metrics of the best model: the temperature is fitted on validation, then what is
    `scored` is read, once.
    """
    recipe, data, model = trainer.recipe, trainer.data, trainer.judged
    model.load_state_dict(trainer.best)
    crop = trainer.stages[-1].augment.crop
    size = trainer.input_size
    epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
    figures: Figures = {}
    on_val: Report | None = None
    temperature = recipe.temperature or 1.0
    if len(trainer.val_index):
        logits, val_embeddings = run_model(model, trainer.images, trainer.val_index, size, crop)
        labels = data.labels[trainer.val_index]
        temperature = metrics.fit_temperature(labels, logits.numpy())
        val_probabilities = metrics.softmax(logits.numpy() / temperature)
        on_val = metrics.report(labels, val_probabilities, data.classes)
        figures.update(
            val_accuracy=on_val["accuracy"],
            val_loss=on_val["loss"],
            val_n=on_val["n"],
            val_ece=on_val["ece"],
        )
    rng = np.random.default_rng(0)
    index = (
        trainer.train_index
        if len(trainer.train_index) <= 10_000
        else np.sort(rng.choice(trainer.train_index, 10_000, replace=False))
    )
    logits, gallery = run_model(model, trainer.images, index, size, crop)
    train_accuracy = metrics.accuracy(data.labels[index], logits.numpy())
    if scored is not None:
        images = Images(scored.data, tools.device, scored.index)
        logits, embeddings = run_model(model, images, scored.index, size, crop)
        labels = scored.data.labels[scored.index]
        probabilities = metrics.softmax(logits.numpy() / temperature)
        on_test = metrics.report(labels, probabilities, data.classes)
        run.write_arrays(
            "predictions.npz",
            labels=labels,
            probabilities=probabilities.astype(np.float16),
            index=scored.index,
        )
        figures.update(
            test_accuracy=on_test["accuracy"],
            test_top3=on_test["top3"],
            test_n=on_test["n"],
            test_loss=on_test["loss"],
            test_ece=on_test["ece"],
            confusion=on_test["confusion"],
            per_class=on_test["per_class"],
        )
        figures.update(
            test_data=scored.data.name,
            test_split=scored.split,
            knn_accuracy=_knn(gallery, data.labels[index], embeddings, labels),
        )
    elif on_val:  # no test split: the validation images are all that runs can be compared on
        labels = data.labels[trainer.val_index]
        figures.update(confusion=on_val["confusion"], per_class=on_val["per_class"])
        figures.update(knn_accuracy=_knn(gallery, data.labels[index], val_embeddings, labels))
        run.write_arrays(
            "predictions.npz",
            labels=labels,
            probabilities=val_probabilities.astype(np.float16),
            index=trainer.val_index,
        )
    last = epochs[-1] if epochs else {}
    followed = [value for row in epochs if (value := row.get("test_accuracy")) is not None]
    if followed:
        figures["test_last5"] = float(np.mean(followed[-5:]))
    held = figures.get("test_accuracy", figures.get("val_accuracy"))
    figures.update(
        train_accuracy=train_accuracy,
        generalisation_gap=None if held is None else train_accuracy - held,
        parameters=count_parameters(model),
        epochs=trainer.epoch,
        seconds=trainer.seconds,
        images_per_second=last.get("images_per_second"),
        temperature=temperature,
        epochs_to=metrics.first_reached(epochs, "epoch", "val_accuracy"),
        seconds_to=metrics.first_reached(epochs, "seconds", "val_accuracy"),
    )
    save_best(run, trainer, figures, temperature)
    return figures


def _scored_on(recipe: Recipe, data: ImageSet, tools: Tools, run: Run) -> Scored | None:
    """What the finished model is scored on: another set's test split, or all of its images if it
    has none; this one's test split; or nothing. Images of classes that are not trained on are left
    out. Raises DataError if none is left.
    """
    if not recipe.data.test_on:
        there = len(data.splits.get("test", ()))
        return Scored(data, "test", data.split("test")) if there else None
    other = tools.load(recipe.data.scored_on().model_copy(update={"style": data.style}))
    split = "test" if len(other.splits.get("test", ())) else "all"
    place = {name: number for number, name in enumerate(data.classes)}
    order = np.array([place.get(name, -1) for name in other.classes], np.int64)
    labels = np.where(other.labels >= 0, order[other.labels], -1)
    whole = other.split(split)
    index = whole[labels[whole] >= 0]
    if not len(index):
        raise DataError(
            f"{recipe.data.test_on} can't test a model of {data.name}: no class is in both",
            expected=f"classes {' '.join(data.classes[:20])}",
            got=" ".join(other.classes[:20]),
        )
    missing = [name for name in data.classes if name not in other.classes]
    run.log(
        f"scored on {len(index):,} images of {other.name} ({split})"
        + (
            f"; {len(whole) - len(index):,} of other classes are left out"
            * (len(index) < len(whole))
        )
        + (f"; it has no {' '.join(missing[:20])}" if missing else "")
    )
    return Scored(dataclasses.replace(other, labels=labels, classes=data.classes), split, index)


def _knn(
    gallery: torch.Tensor, gallery_labels: np.ndarray, queries: torch.Tensor, labels: np.ndarray
) -> float:
    from engine.embedding.neighbours import knn_accuracy

    return knn_accuracy(gallery.numpy(), gallery_labels, queries.numpy(), labels, k=13)


def _epoch_row(stats: EpochStats) -> EpochRow:
    row = dataclasses.asdict(stats)
    extra = row.pop("extra")
    return cast(EpochRow, {"kind": "epoch", **row, **extra})


def _epoch_line(stats: EpochStats) -> str:
    shown = [
        f"epoch {stats.epoch}/{stats.epochs}",
        f"{stats.size} px",
        f"train loss {stats.train_loss:.4f}",
    ]
    for name, value in (("train", stats.train_accuracy), ("validation", stats.val_accuracy)):
        if value is not None:
            shown.append(f"{name} {100 * value:.2f}%")
    return "  ".join(
        [*shown, f"{stats.images_per_second:,.0f} images/s"] + (["best"] if stats.best else [])
    )
