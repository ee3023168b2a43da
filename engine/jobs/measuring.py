"""The final figures of a run, on its validation images and on the images that it is scored on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from engine import metrics
from engine.data.imageset import ImageSet
from engine.data.loader import Images
from engine.errors import DataError, first_of
from engine.files.documents import Figures, Report
from engine.jobs.saving import save_best
from engine.models.class_means import CLASS_MEANS, fit_class_means, sharpen
from engine.models.recognizer import count_parameters
from engine.recipes.recipe import Recipe
from engine.runs.run_info import PREDICTIONS
from engine.training.sharded import outputs_of
from engine.training.trainer import Trainer

if TYPE_CHECKING:
    from engine.runs.run import Run
from engine.jobs.tools import Tools


class Scored(NamedTuple):
    """Where the final figure is read: a data set, labelled in the order of the model's classes, the
    split's name, and which images (n,).
    """

    data: ImageSet
    split: str
    index: np.ndarray


def measure(run: Run, trainer: Trainer, tools: Tools, scored: Scored | None) -> Figures:
    """The final metrics of the best model: the temperature is fitted on validation, then what is
    `scored` is read: once, or once more at each stop of a run that is then resumed.
    """
    recipe, data, model = trainer.recipe, trainer.data, trainer.judged
    model.load_state_dict(trainer.best)
    crop = trainer.stages[-1].augment.crop
    size = trainer.input_size

    def outputs(images: Images, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return outputs_of(trainer.group, model, images, index, size, crop)

    rng = np.random.default_rng(0)
    index = (
        trainer.train_index
        if len(trainer.train_index) <= 10_000
        else np.sort(rng.choice(trainer.train_index, 10_000, replace=False))
    )
    logits, gallery = outputs(trainer.images, index)
    figures: Figures = {}
    if trainer.objective.reads == "embeddings":  # which left the classifier as it was
        labels = torch.from_numpy(data.labels[index])
        if fit_class_means(model, gallery, labels, len(data.classes)):
            logits, _ = outputs(trainer.images, index)
            logits = logits * sharpen(model, logits)
            trainer.best = {
                name: held.detach().clone() for name, held in model.state_dict().items()
            }
            figures["classifier"] = CLASS_MEANS
    train_accuracy = metrics.accuracy(data.labels[index], logits.numpy())
    epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
    on_val: Report | None = None
    temperature = recipe.temperature or 1.0
    if len(trainer.val_index):
        logits, val_embeddings = outputs(trainer.images, trainer.val_index)
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
    if scored is not None:
        images = Images(scored.data, tools.device, scored.index)
        logits, embeddings = outputs(images, scored.index)
        labels = scored.data.labels[scored.index]
        probabilities = metrics.softmax(logits.numpy() / temperature)
        on_test = metrics.report(labels, probabilities, data.classes)
        run.write_arrays(
            PREDICTIONS,
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
            test_sources=_sources(scored),
            test_reads=_reads(run),
            knn_accuracy=_knn(gallery, data.labels[index], embeddings, labels),
        )
    elif on_val:  # no test split: the validation images are all that runs can be compared on
        labels = data.labels[trainer.val_index]
        figures.update(confusion=on_val["confusion"], per_class=on_val["per_class"])
        figures.update(knn_accuracy=_knn(gallery, data.labels[index], val_embeddings, labels))
        run.write_arrays(
            PREDICTIONS,
            labels=labels,
            probabilities=val_probabilities.astype(np.float16),
            index=trainer.val_index,
        )
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
        images_per_second=metrics.images_per_second(epochs),
        temperature=temperature,
        epochs_to=metrics.first_reached(epochs, "epoch", "val_accuracy"),
        seconds_to=metrics.first_reached(epochs, "seconds", "val_accuracy"),
    )
    save_best(run, trainer, figures, temperature)
    return figures


def scored_on(recipe: Recipe, data: ImageSet, tools: Tools, run: Run) -> Scored | None:
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
            expected=f"classes {first_of(data.classes)}",
            got=first_of(other.classes),
        )
    missing = [name for name in data.classes if name not in other.classes]
    run.log(
        f"scored on {len(index):,} images of {other.name} ({split})"
        + (
            f"; {len(whole) - len(index):,} of other classes are left out"
            * (len(index) < len(whole))
        )
        + (f"; it has no {first_of(missing)}" if missing else "")
    )
    return Scored(dataclasses.replace(other, labels=labels, classes=data.classes), split, index)


def _reads(run: Run) -> int:
    """How often the run has read its test images, this time included: a run that was stopped has read
    them then, and status.json remembers it when its figures are dropped as it goes on.
    """
    reads = run.status().get("test_reads", 0) + 1
    run.write_status(test_reads=reads)
    return reads


def _sources(scored: Scored) -> dict[str, int]:
    """How many of the images each of the pooled data sets gave; those that gave none are left out."""
    data = scored.data
    if data.sources is None or not data.source_names:
        return {data.name: len(scored.index)}
    counts = np.bincount(data.sources[scored.index], minlength=len(data.source_names))
    return {
        name: int(count) for name, count in zip(data.source_names, counts, strict=True) if count
    }


def _knn(
    gallery: torch.Tensor, gallery_labels: np.ndarray, queries: torch.Tensor, labels: np.ndarray
) -> float:
    from engine.embedding.neighbours import knn_accuracy

    return knn_accuracy(gallery.numpy(), gallery_labels, queries.numpy(), labels, k=13)
