"""What a recipe takes is known before it starts, and only what can't run is refused."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from waiting import wait_until

from engine.errors import RecipeError
from engine.lab import Lab
from engine.recipes.recipe import make_recipe, shipped_recipe, shipped_recipe_names
from engine.training.cost import Means, check_cost, costs_of, means_of

MOST_IMAGES = 814_255  # of the largest published set, EMNIST ByClass
SMALLEST = Means(memory=8e9, disk=2e10, speed=4e12)  # two cores and eight gigabytes


@pytest.mark.parametrize("name", shipped_recipe_names())
def test_every_shipped_recipe_runs_at_full_scale_on_a_small_machine(name):
    check_cost(shipped_recipe(name), 3, 62, MOST_IMAGES, SMALLEST)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.options.width": 30_000}, "more memory.*Lower model.options.width"),
        ({"batch_size": 65_536, "size": 1024}, r"more memory.*Lower batch_size \(65,536\) or size"),
        (
            {"epochs": 10_000, "size": 512, "batch_size": 2, "model.name": "resnet50"},
            "would train for years.*Lower epochs, size",
        ),
    ],
)
def test_a_recipe_over_the_means_of_the_machine_names_the_field_to_lower(changes, message):
    recipe = make_recipe({"name": "x"}, changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RecipeError, match=message):
        check_cost(recipe, 1, 10, MOST_IMAGES, SMALLEST)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_a_full_disk_is_foreseen():
    with pytest.raises(RecipeError, match="more disk.*Lower model.options.width"):
        check_cost(make_recipe({"name": "x", "model": {"options": {"width": 900}}}), 1, 10, 1000,
                   Means(memory=1e12, disk=1e8, speed=1e15))  # fmt: skip


def test_weights_and_activations_are_counted_as_by_hand():
    recipe = make_recipe({"name": "x", "batch_size": 2, "data": {"size": 16}, "optimizer": "sgd"})
    [(_, cost)] = costs_of(recipe, 1, 10, 100)
    from engine.models.catalog import build_model

    model = build_model("convnet", {}, 1, 10, 16)
    assert cost.weights == 4 * 2 * sum(value.numel() for value in model.parameters())
    outputs = []
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(lambda layer, given, out: outputs.append(out[0].numel()))
    model.eval()(torch.zeros(1, 1, 16, 16))
    assert cost.batch == 2 * (16 * 16 * 4 + 2 * sum(outputs))


def test_each_process_holds_the_weights_and_a_part_of_the_batch():
    recipe = make_recipe({"name": "x", "batch_size": 64, "data": {"size": 32}})
    [(_, cost)] = costs_of(recipe, 1, 10, 100)
    enough = Means(memory=2 * cost.weights + cost.batch, disk=1e12, speed=1e15, processes=2)
    check_cost(recipe, 1, 10, 100, enough)
    with pytest.raises(RecipeError, match="more memory"):
        check_cost(recipe, 1, 10, 100, replace(enough, processes=3))
    one, two = (means_of(torch.device("cpu"), Path.cwd(), count) for count in (1, 2))
    assert (one.memory, one.speed) == (two.memory, two.speed) and two.processes == 2


def test_a_run_over_the_means_fails_at_once_in_words(tmp_path):
    lab = Lab(tmp_path)
    run = lab.train(lab.recipe("quick", {"model.options.width": 200_000}))
    wait_until(lambda: not run.alive)
    info = run.info()
    assert info.state == "failed" and "Lower model.options.width" in info.error
