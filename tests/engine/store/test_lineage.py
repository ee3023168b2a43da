"""Recipes that start from another's model."""

from __future__ import annotations

import shutil

import pytest
from trained import model_run

from engine.errors import CheckpointError
from engine.lab import Lab
from engine.store.lineage import starting_model, untrained_parents


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path / "home", checkpoints=tmp_path / "checkpoints")


def names(recipes) -> list[str]:
    return [recipe.name for recipe in recipes]


def test_what_has_to_be_trained_first_is_listed_in_order_and_at_the_same_scale(lab):
    first = untrained_parents(
        lab.store, lab.recipe("task3-resnet18-pretrained-mnist", {"scale": "small"})
    )
    assert names(first) == ["digits-resnet18", "mnist-resnet18-pretrained"]
    assert {recipe.scale for recipe in first} == {"small"}
    assert untrained_parents(lab.store, lab.recipe("quick")) == []


def test_a_finished_run_of_the_same_scale_is_what_a_recipe_starts_from(lab):
    small = model_run(lab, name="digits-resnet18", scale="small")
    assert starting_model(lab.store, "digits-resnet18", "small") == small.best
    assert (
        names(
            untrained_parents(
                lab.store, lab.recipe("mnist-resnet18-pretrained", {"scale": "small"})
            )
        )
        == []
    )
    assert names(untrained_parents(lab.store, lab.recipe("mnist-resnet18-pretrained"))) == [
        "digits-resnet18"
    ]
    with pytest.raises(
        CheckpointError, match="no finished run here.*python -m engine train digits-resnet18`"
    ):
        starting_model(lab.store, "digits-resnet18")
    full = model_run(lab, name="digits-resnet18")
    assert starting_model(lab.store, "digits-resnet18") == full.best
    assert starting_model(lab.store, "digits-resnet18", "small") == small.best


def test_a_run_that_failed_is_nothing_to_start_from(lab):
    model_run(lab, name="digits-resnet18", state="failed")
    with pytest.raises(CheckpointError, match="no finished run here"):
        starting_model(lab.store, "digits-resnet18")


def test_a_shipped_checkpoint_stands_for_the_full_size_run(lab, tmp_path):
    run = model_run(lab, name="digits-resnet18")
    shutil.copytree(run.best, tmp_path / "checkpoints" / "digits-resnet18")
    lab.delete(run.id)
    assert (
        starting_model(lab.store, "digits-resnet18") == tmp_path / "checkpoints" / "digits-resnet18"
    )
    assert untrained_parents(lab.store, lab.recipe("mnist-resnet18-pretrained")) == []


def test_a_run_id_or_folder_means_that_one_model(lab):
    run = model_run(lab)
    assert (
        starting_model(lab.store, run.id)
        == run.best
        == starting_model(lab.store, str(run.best), "small")
    )
    with pytest.raises(CheckpointError):
        starting_model(lab.store, "nothing-of-that-name")


def test_a_run_under_way_is_waited_for_and_not_started_again(lab):
    from engine.runs.run import create_run

    run = create_run(lab.home, lab.recipe("digits-resnet18"))
    with run.take_lock():
        assert untrained_parents(lab.store, lab.recipe("mnist-resnet18-pretrained")) == []
    assert names(untrained_parents(lab.store, lab.recipe("mnist-resnet18-pretrained"))) == [
        "digits-resnet18"
    ]


def test_recipes_that_start_from_each_other_are_refused(lab):
    one = lab.recipe("quick", {"name": "one", "init_from": "two"})
    two = lab.recipe("quick", {"name": "two", "init_from": "one"})
    lab.save_recipe(one)
    lab.save_recipe(two)
    with pytest.raises(CheckpointError, match="starts from itself"):
        untrained_parents(lab.store, one)


def test_training_a_recipe_trains_what_it_starts_from_first_and_starts_from_it(lab):
    tiny = {"data.limit": 100, "data.limit_eval": 40, "epochs": 1, "model.options": {"width": 4}}
    lab.save_recipe(lab.recipe("quick", {"name": "parent", "small": {}, **tiny}))
    run = lab.train(
        lab.recipe(
            "quick", {"name": "child", "small": {}, "init_from": "parent", "lr": 1e-9, **tiny}
        )
    )
    child, parent = lab.runs()
    assert (child.id, child.state, parent.recipe, parent.state) == (
        run.id,
        "finished",
        "parent",
        "finished",
    )
    assert f"starting from parent: {parent.folder / 'best'}" in run.log_tail(30)
    from engine.models.checkpoint import read_weights

    one, two = read_weights(parent.folder / "best"), read_weights(run.best)
    assert all(abs(one[key] - two[key]).max() < 1e-3 for key in one if key.endswith("weight"))
