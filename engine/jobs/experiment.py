"""One recipe into one run folder: load, train, keep the best, and measure it once at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch

from engine.data.imageset import ImageSet
from engine.device import describe_device, pick_device
from engine.files.documents import EpochRow, Figures, FinalRow
from engine.imaging.images import STYLES
from engine.jobs.measuring import measure, scored_on
from engine.jobs.saving import Saver
from engine.jobs.tools import Tools
from engine.models.checkpoint import read_weights
from engine.models.recognizer import count_parameters
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe
from engine.training.cost import check_cost, means_of
from engine.training.group import ALONE, Group
from engine.training.stats import EpochStats, StepStats
from engine.training.trainer import Trainer
from engine.training.trainer_state import restore_trainer

if TYPE_CHECKING:
    from engine.runs.run import Run


class Method(Protocol):
    def __call__(self, run: Run, data: ImageSet, recipe: Recipe, tools: Tools) -> Trainer: ...


def supervised(run: Run, data: ImageSet, recipe: Recipe, tools: Tools) -> Trainer:
    """Train on the given labels as they are."""
    initial = read_weights(tools.find_model(recipe.init_from)) if recipe.init_from else None
    # In turn: the first fetches pretrained weights, the others find them.
    trainer = tools.group.in_turn(lambda: Trainer(recipe, data, tools.device, initial, tools.group))
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
    trainer = tools.group.in_turn(
        lambda: Recovering(
            recipe, data, tools.device, run, tools.progress, tools.cancelled, initial, tools.group
        )
    )
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
    group: Group = ALONE,
) -> Figures:
    """Train the run's recipe into its folder, from its last checkpoint if it has one; returns the
    final metrics.

    When cancelled it stops at the next live point, and the best checkpoint so far stays. Raises
    GlyphlabError for what a person can mend. group: of the processes that train together; only the
    first one's `run` may be one that writes.
    """
    recipe = run.recipe()
    if threads:
        torch.set_num_threads(threads)
    where, why = pick_device(device)
    why = f"{group.size} processes, {group.backend}" if group.size > 1 else why
    means, spec = means_of(where, run.path, group.size, group.nodes), recipe.data
    least = STYLES[spec.style].channels if spec.style in STYLES else 1
    check_cost(recipe, least, len(spec.classes or ()) or 2, 1, means)  # before anything is decoded

    def loaded(spec: DataSpec) -> ImageSet:
        return group.in_turn(lambda: load(spec))

    data = loaded(recipe.data)
    train = len(data.splits.get("train", ()))
    check_cost(recipe, data.channels, len(data.classes), train, means)
    tools = Tools(loaded, find_model, where, cancelled, progress, group)
    run.log(f"device {where}: {why}")
    splits = ", ".join(f"{len(index):,} {name}" for name, index in data.splits.items())
    run.log(
        f"data {data.name}: {splits}, {len(data.classes)} classes, fingerprint {data.fingerprint}"
    )
    if recipe.data.labels == "mended":
        changes = data.notes.get("labels", "nothing is changed")
        run.log(f"labels mended up to position {list(recipe.data.journal or ())}: {changes}")
    machine = {**describe_device(where), **group.described()}
    run.write_status(machine=machine, why_device=why, fingerprint=data.fingerprint)
    scored = scored_on(recipe, data, tools, run)  # what can't be used is known before the training
    tools = dataclasses.replace(tools, test_images=0 if scored is None else len(scored.index))
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
    saver = Saver(run, trainer, tools.test_images)
    for stats in trainer.fit(tools.cancelled):
        if isinstance(stats, StepStats):
            run.append_metrics({"kind": "step", **dataclasses.asdict(stats)})
            done, total = (stats.epoch - 1) * stats.steps + stats.step, trainer.epochs * stats.steps
            run.heartbeat(epoch=stats.epoch - 1, epochs=trainer.epochs, share=done / total)
            tools.progress(
                done,
                total,
                f"epoch {stats.epoch} of {trainer.epochs}, loss {stats.loss:.3f} (steps)",
            )
            continue
        row = _epoch_row(stats)
        run.append_metrics(row)
        chosen = trainer.stages[stats.stage - 1].select != "last" and len(trainer.val_index)
        run.log(_epoch_line(stats, best=stats.best and bool(chosen)))
        saver.keep(stats)
        kept: dict[str, Any] = {}
        if stats.best and stats.val_accuracy is not None:
            kept = {"val_accuracy": stats.val_accuracy, "val_n": len(trainer.val_index)}
        run.heartbeat(
            epoch=stats.epoch,
            epochs=trainer.epochs,
            share=stats.epoch / trainer.epochs,
            **({"figures": kept} if kept else {}),
        )
        done, total = stats.epoch * trainer.steps, trainer.epochs * trainer.steps
        tools.progress(
            done,
            total,
            f"epoch {stats.epoch} of {trainer.epochs}, loss {stats.train_loss:.3f} (steps)",
        )
    saver.close()
    return trainer


def _epoch_row(stats: EpochStats) -> EpochRow:
    row = dataclasses.asdict(stats)
    extra = row.pop("extra")
    return cast(EpochRow, {"kind": "epoch", **row, **extra})


def _epoch_line(stats: EpochStats, best: bool) -> str:
    """best: whether it is the best so far. Where always the last epoch is kept, none is called so."""
    shown = [
        f"epoch {stats.epoch}/{stats.epochs}",
        f"{stats.size} px",
        f"train loss {stats.train_loss:.4f}",
    ]
    by_knn = stats.val_accuracy is not None and stats.val_accuracy == stats.extra.get(
        "knn_accuracy"
    )
    for name, value in (
        ("train", stats.train_accuracy),
        ("validation by kNN" if by_knn else "validation", stats.val_accuracy),
    ):
        if value is not None:
            shown.append(f"{name} {100 * value:.2f}%")
    return "  ".join(
        [*shown, f"{stats.images_per_second:,.0f} images/s"] + (["best"] if best else [])
    )
