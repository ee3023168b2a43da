"""Method `recovered` on real digits with injected noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data.imageset import ImageSet
from engine.lab import Lab
from engine.noise.inject import add_noise
from engine.noise.recover import Recovering
from engine.recipes.recipe import make_recipe
from engine.runs.run import create_run
from engine.training.trainer import EpochStats

RECIPE = {
    "name": "noisy-digits",
    "data": {
        "name": "digits",
        "style": "digit",
        "size": 16,
        "classes": ["0", "1", "2", "3"],
        "validation": 0.1,
        "test": 0.1,
    },
    "model": {"name": "glyphnet", "options": {"width": 8, "blocks": [1, 1, 1], "stem": 2}},
    "method": "recovered",
    "batch_size": 32,
    "lr": 4e-3,
    "select": "last",
    "stages": [{"epochs": 24, "loss": "forward"}, {"epochs": 8, "loss": "cross_entropy"}],
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    return Lab(tmp_path_factory.mktemp("lab")).dataset(make_recipe(RECIPE).data)


def trained(
    digits: ImageSet, noise: str, rate: float, home: Path, stages: list[dict]
) -> tuple[Recovering, list[EpochStats]]:
    """The trainer at its end, and its epochs, on `digits` with injected noise."""
    recipe = make_recipe({**RECIPE, "stages": stages})
    given = add_noise(digits.labels, len(digits.classes), noise, rate, 0)
    trainer = Recovering(
        recipe, digits.with_labels(given, "noisy"), torch.device("cpu"), create_run(home, recipe)
    )
    return trainer, [stats for stats in trainer.fit() if isinstance(stats, EpochStats)]


def test_a_second_stage_trains_on_pseudo_labels_of_complementary_labels(
    digits: ImageSet, tmp_path: Path
) -> None:
    stages = [{"epochs": 12, "loss": "scl_nl"}, {"epochs": 6, "loss": "cross_entropy"}]
    trainer, epochs = trained(digits, "complementary", 1.0, tmp_path, stages)
    learned = digits.split("train")
    assert (
        0.5 * len(learned) < len(trainer.train_index) < len(learned)
        and np.isin(trainer.train_index, learned).all()
    )
    likely = trainer.data.labels[trainer.train_index]
    assert (likely == digits.labels[trainer.train_index]).mean() > 0.88 and (
        likely != trainer.given[trainer.train_index]
    ).all()
    assert (
        epochs[11].stage == 1 and 0.8 < epochs[11].val_accuracy <= 1
    )  # estimated from given labels alone
    assert epochs[-1].stage == 2 and epochs[-1].train_accuracy > 0.9
    assert "starts afresh on" in trainer.run.log_tail()


def test_a_second_stage_leaves_out_pseudo_labels_that_are_not_confident(
    digits: ImageSet, tmp_path: Path
) -> None:
    stages = [
        {"epochs": 8, "loss": "forward", "loss_options": {"right": 0.8}},
        {"epochs": 2, "loss": "cross_entropy"},
    ]
    trainer, _ = trained(digits, "symmetric", 0.2, tmp_path, stages)
    learned = digits.split("train")
    assert 0.5 * len(learned) < len(trainer.train_index) < len(learned)
    assert (trainer.data.labels == digits.labels)[trainer.train_index].mean() > 0.95
