"""The loop on shapes that a small network learns in a second or two."""

import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import shapes
from torch import nn
from waiting import full_disk

from engine.errors import CheckpointError, DataError, RecipeError
from engine.models.inference import run_model
from engine.recipes.recipe import Recipe, make_recipe
from engine.training.stats import EpochStats, StepStats
from engine.training.trainer import Trainer
from engine.training.trainer_state import restore_trainer, save_trainer

CPU = torch.device("cpu")


def recipe(**changes: object) -> Recipe:
    fields = {
        "name": "shapes",
        "data": {"name": "shapes", "size": 16},
        "model": {"name": "convnet", "options": {"width": 8}},
    }
    fields |= {"epochs": 6, "batch_size": 16, "lr": 0.01, "precision": "float32"}
    return make_recipe(fields, changes)


def epochs(trainer: Trainer) -> list[EpochStats]:
    return [stats for stats in trainer.fit() if isinstance(stats, EpochStats)]


def test_it_learns_and_keeps_the_best_by_validation() -> None:
    data = shapes(240)
    trainer = Trainer(recipe(epochs=12), data, CPU)
    rows = epochs(trainer)
    assert [row.epoch for row in rows] == list(range(1, 13))
    assert rows[-1].train_loss < rows[0].train_loss / 2
    best = max(row.val_accuracy for row in rows)
    assert best > 0.8 and [row for row in rows if row.best][-1].val_accuracy == best


def test_of_a_small_data_set_every_epoch_sees_every_image() -> None:
    data = shapes(60)
    count = len(data.split("train"))
    rows = epochs(Trainer(recipe(epochs=2), data, CPU))
    assert count % 16 and [row.images_seen for row in rows] == [count, 2 * count]


def test_the_first_step_is_a_live_point() -> None:
    first = next(iter(Trainer(recipe(), shapes(), CPU).fit()))
    assert isinstance(first, StepStats) and first.step == 1 and first.images_per_second > 0


def test_the_first_live_point_does_not_wait_for_the_compiler_that_torch_loads_with_an_optimiser() -> (
    None
):
    script = """
import sys
from test_trainer import CPU, Trainer, recipe, shapes
steps = Trainer(recipe(), shapes(), CPU).fit()
print(next(steps).step, "torch._dynamo" in sys.modules)
next(stats for stats in steps if not hasattr(stats, "step"))
print("torch._dynamo" in sys.modules)
"""
    here = Path(__file__).parent
    places = [str(here), str(here.parents[1] / "support"), str(here.parents[2])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=900
    )
    assert done.stdout.split() == ["1", "False", "True"], done.stderr


def test_the_same_seed_gives_the_same_run_and_another_seed_does_not() -> None:
    data = shapes()
    losses = [
        [row.train_loss for row in epochs(Trainer(recipe(seed=seed, epochs=2), data, CPU))]
        for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "sgd", "lr": 0.05, "ema": 0.9}, {"loss": "triplet", "samples_per_class": 4}],
)
def test_a_run_resumed_from_its_state_equals_one_that_was_never_stopped(
    tmp_path, changes: dict
) -> None:
    data = shapes()
    whole = Trainer(recipe(epochs=4, **changes), data, CPU)
    expected = epochs(whole)
    stopped = Trainer(recipe(epochs=4, **changes), data, CPU)
    for stats in stopped.fit():
        if isinstance(stats, EpochStats) and stats.epoch == 2:
            save_trainer(stopped, tmp_path)
            break
    resumed = Trainer(recipe(epochs=4, **changes), data, CPU)
    assert restore_trainer(resumed, tmp_path)
    rows = epochs(resumed)
    assert [(row.epoch, row.train_loss, row.val_accuracy, row.best) for row in rows] == [
        (row.epoch, row.train_loss, row.val_accuracy, row.best) for row in expected[2:]
    ]
    for key, value in whole.best.items():
        assert torch.equal(value, resumed.best[key]), key


def test_a_full_disk_is_said_and_the_state_before_stays(tmp_path) -> None:
    trainer = Trainer(recipe(epochs=2), shapes(), CPU)
    for stats in trainer.fit():
        if isinstance(stats, EpochStats) and stats.epoch == 1:
            save_trainer(trainer, tmp_path)
    before = sorted(tmp_path.iterdir())
    with (
        full_disk(),
        pytest.raises(
            CheckpointError, match="could not be written to .*File too large. Free some disk space"
        ),
    ):
        save_trainer(trainer, tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    resumed = Trainer(recipe(epochs=2), shapes(), CPU)
    assert restore_trainer(resumed, tmp_path) and resumed.epoch == 1


def test_stages_follow_one_another_each_from_the_best_before() -> None:
    stages = ({"epochs": 2}, {"epochs": 2, "size": 24, "freeze": 99, "lr": 1e-3})
    trainer = Trainer(recipe(stages=stages), shapes(), CPU)
    rows, at_end_of_first = [], {}
    for stats in trainer.fit():
        if isinstance(stats, EpochStats):
            rows.append(stats)
            if stats.epoch == 2:
                at_end_of_first = {key: value.clone() for key, value in trainer.best.items()}
    assert [(row.stage, row.size) for row in rows] == [(1, 16), (1, 16), (2, 24), (2, 24)]
    after = trainer.model.state_dict()
    frozen = [key for key in after if not key.startswith("head.")]
    assert all(
        torch.equal(after[key], at_end_of_first[key]) for key in frozen
    )  # batch-norm statistics too
    assert not torch.equal(after["head.1.weight"], at_end_of_first["head.1.weight"])


def test_an_embedding_run_is_judged_by_its_neighbours() -> None:
    rows = epochs(
        Trainer(
            recipe(loss="triplet", samples_per_class=5, batch_size=15, epochs=6, select="knn"),
            shapes(240),
            CPU,
        )
    )
    assert rows[-1].train_accuracy is None
    assert rows[-1].extra["knn_accuracy"] == rows[-1].val_accuracy > 0.5
    assert "active_triplets" in rows[-1].extra


def test_mixup_and_clipping_train() -> None:
    assert epochs(Trainer(recipe(mixup=0.4, clip=0.1, epochs=2), shapes(), CPU))[-1].train_loss > 0


def test_patience_ends_a_run_that_no_longer_improves() -> None:
    rows = epochs(Trainer(recipe(epochs=60, lr=1e-8, patience=3), shapes(), CPU))
    assert len(rows) < 60


def test_it_stops_when_told_to() -> None:
    trainer = Trainer(recipe(epochs=1000), shapes(), CPU)
    seen: list[EpochStats] = []
    for stats in trainer.fit(lambda: len(seen) >= 3):
        if isinstance(stats, EpochStats):
            seen.append(stats)
    assert [stats.epoch for stats in seen] == [1, 2, 3]


def test_a_run_without_validation_keeps_its_last_epoch() -> None:
    rows = epochs(Trainer(recipe(epochs=3), shapes(val=0), CPU))
    assert all(row.best and row.val_accuracy is None for row in rows)


def test_divergence_says_what_to_do() -> None:
    with pytest.raises(RecipeError, match="Lower the learning rate"):
        epochs(
            Trainer(recipe(optimizer="sgd", lr=1000, schedule="constant", warmup=0), shapes(), CPU)
        )


def test_a_loss_that_rose_and_taught_nothing_is_divergence_too() -> None:
    """It is a number to the end; a slow start is none, nor is a good epoch that was kept."""
    trainer = Trainer(recipe(epochs=1, schedule="constant", warmup=0, lr=100), shapes(), CPU)
    with pytest.raises(
        RecipeError, match="diverged: the loss went from .* Lower the learning rate"
    ):
        epochs(trainer)
    assert math.isfinite(trainer.last_loss or math.nan)
    epochs(Trainer(recipe(epochs=1, lr=1e-6), shapes(), CPU))
    trainer.top_accuracy = 0.9
    trainer._check_learned()


def test_what_is_advised_against_divergence_is_not_done_already() -> None:
    def advice(**fields: object) -> str:
        return Trainer(recipe(**fields), shapes(), CPU)._remedies()

    assert advice(precision="bfloat16") == (
        "Lower the learning rate (lr), clip gradients (clip=1) or use precision=float32."
    )
    assert advice() == "Lower the learning rate (lr) or clip gradients (clip=1)."
    assert advice(clip=1.0) == "Lower the learning rate (lr)."


def test_a_training_that_diverged_to_its_end_has_still_diverged_when_it_is_resumed(
    tmp_path,
) -> None:
    asked = recipe(epochs=1, schedule="constant", warmup=0, lr=100)
    trainer = Trainer(asked, shapes(), CPU)
    with pytest.raises(RecipeError, match="diverged: the loss went from") as first:
        epochs(trainer)
    save_trainer(trainer, tmp_path)
    again = Trainer(asked, shapes(), CPU)
    assert restore_trainer(again, tmp_path) and again.epoch == again.epochs
    with pytest.raises(RecipeError) as second:
        epochs(again)
    assert str(second.value) == str(first.value)


def test_a_stage_that_begins_with_what_was_learned_may_end_higher_than_it_began() -> None:
    trainer = Trainer(recipe(epochs=1), shapes(), CPU)
    epochs(trainer)
    trainer.top_accuracy = 0.45  # of a hard data set
    trainer.first_loss, trainer.last_loss = 0.3, 1.2
    trainer._check_learned()
    trainer.last_loss = 40.0
    with pytest.raises(RecipeError, match="diverged"):
        trainer._check_learned()


def test_divergence_that_only_validation_shows_is_said() -> None:
    trainer = Trainer(recipe(), shapes(), CPU)
    trainer.model.register_forward_hook(
        lambda model, _, out: out if model.training else out._replace(logits=out.logits * math.nan)
    )
    with pytest.raises(RecipeError, match="training diverged"):
        epochs(trainer)


def test_batches_of_one_image_are_refused_before_the_training_starts() -> None:
    with pytest.raises(RecipeError, match="batch_size of at least 2"):
        Trainer(recipe(batch_size=1), shapes(), CPU)


def test_images_of_one_class_are_refused_before_the_training_starts() -> None:
    data = shapes()
    one = dataclasses.replace(data, labels=np.zeros_like(data.labels))
    with pytest.raises(DataError, match="all of one class: 'bar'. Needed: at least 2 classes"):
        Trainer(recipe(), one, CPU)


@pytest.mark.parametrize(
    ("images", "batch", "exact"), [(90, 64, True), (300, 2, True), (400, 2, False)]
)
def test_after_few_steps_batch_statistics_are_those_of_the_training_images(
    images: int, batch: int, exact: bool
) -> None:
    """Fewer than a hundred steps; after 120 they stay as training left them."""
    trainer = Trainer(recipe(epochs=1, batch_size=batch), shapes(images), CPU)
    epochs(trainer)
    model, index = trainer.judged, trainer.train_index
    layer = next(part for part in model.modules() if isinstance(part, nn.BatchNorm2d))
    seen = []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    run_model(model, trainer.images, index, trainer.data.size)
    pixels = torch.cat(seen).double().transpose(0, 1).flatten(1)  # (channels, images times pixels)
    off = (layer.running_mean - pixels.mean(1)).abs() / pixels.std(1)
    # Some processors' kernels add float32 up one by one, which costs a mean 0.0003 of its spread.
    assert (off.max() < 1e-3) == exact
    assert torch.allclose(layer.running_var.double(), pixels.var(1), rtol=1e-3) == exact
    assert layer.momentum == 0.1
    assert int(layer.num_batches_tracked) == max(1, len(index) // batch)


def test_too_few_images_are_an_error() -> None:
    data = shapes()
    with pytest.raises(DataError, match="too few training images"):
        Trainer(recipe(), data.with_splits({"train": np.array([0])}), CPU)


def test_bfloat16_trains_as_well() -> None:
    rows = epochs(Trainer(recipe(precision="bfloat16", epochs=8), shapes(240), CPU))
    assert rows[-1].train_loss < rows[0].train_loss


def test_validation_is_in_float32_whatever_the_precision_of_training() -> None:
    """As the final figures are: the loss of an epoch is that of its weights to seven digits."""
    trainer = Trainer(recipe(precision="bfloat16", epochs=2), shapes(240), CPU)
    last = epochs(trainer)[-1]
    logits, _ = run_model(trainer.judged, trainer.images, trainer.val_index, trainer.data.size)
    labels = torch.from_numpy(trainer.data.labels[trainer.val_index])
    loss = nn.functional.cross_entropy(logits, labels)
    assert last.val_loss == pytest.approx(float(loss), rel=1e-6)


def test_the_test_split_can_be_followed_without_choosing_by_it() -> None:
    data = shapes(240)
    rows = epochs(Trainer(recipe(epochs=3, **{"data.follow_test": True}), data, CPU))
    plain = epochs(Trainer(recipe(epochs=3), data, CPU))
    assert all(0 <= row.extra["test_accuracy"] <= 1 for row in rows)
    assert [row.train_loss for row in rows] == [row.train_loss for row in plain] and [
        row.best for row in rows
    ] == [row.best for row in plain]
