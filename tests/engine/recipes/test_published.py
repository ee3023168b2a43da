"""The published experiments as recipes: what the studies state is what the recipes say."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from engine.models.catalog import build_model
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe, read_recipe, shipped_recipe, shipped_recipe_names
from engine.services.studies import STUDIES
from engine.store.recipes import list_recipes
from engine.training.objectives import Objective
from engine.training.optim import build_optimizer, schedule_factor

PUBLISHED = [name for part in STUDIES.values() for name in part.recipes]
CHANNELS = {"digit": 1, "page": 1, "photo": 3}
CLASSES = {"characters": 62, "mnist": 10, "task3": 10, "nature": 10, "hymenoptera": 2}


def test_the_list_of_recipes_has_every_figure_with_its_source(tmp_path):
    listed = {info.name: json.loads(json.dumps(asdict(info))) for info in list_recipes(tmp_path)}
    assert set(PUBLISHED) <= set(listed)
    figures = {name: listed[name]["published"]["value"] for name in PUBLISHED}
    assert figures == {
        "characters-zfnet-triplet": 81.45,
        "characters-zfnet-classifier": 81.72,
        "mnist-zfnet-finetuned": None,
        "mnist-zfnet-scratch": None,
        "characters-resnet18-progressive": 92.74,
        "digits-resnet18": 92.5,
        "mnist-resnet18-pretrained": 99.45,
        "mnist-resnet18-scratch": 99.23,
        "task3-convnet-onecycle": 0.31,
        "task3-convnet-flat": 0.99,
        "task3-resnet18-scratch": 0.07,
        "task3-resnet18-pretrained-digits": 0.03,
        "task3-resnet18-pretrained-mnist": 0.0,
        "mnist-tiny-step1": 99.31,
        "mnist-tiny-step2": 99.26,
        "mnist-tiny-step3": 99.45,
        "nature-cnn5": 43.4,
        "nature-resnet50": 79.0,
    }
    assert all(
        listed[name]["published"]["source"].startswith("study ") and listed[name]["scalable"]
        for name in PUBLISHED
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_says_what_it_is_what_it_was_for_and_what_was_concluded(name):
    recipe = shipped_recipe(name)
    assert recipe.title and len(recipe.about) > 100 and recipe.target and recipe.analysis
    assert (
        "not stated" in recipe.about.lower()
    )  # what the study leaves open is said to be our choice


@pytest.mark.parametrize("scale", ["full", "small"])
@pytest.mark.parametrize("name", shipped_recipe_names())
def test_every_name_in_a_recipe_exists_and_every_option_can_be_built(name, scale):
    recipe = shipped_recipe(name, {"scale": scale})
    if recipe.data.style not in CHANNELS or recipe.data.name not in CLASSES:
        return  # the lab's own, on pooled or bundled data: trained elsewhere
    stages = recipe.resolved_stages()
    options = recipe.model.options | (
        {"weights": None} if recipe.model.options.get("weights") else {}
    )
    classes = len(recipe.data.classes or range(CLASSES[recipe.data.name]))
    with torch.device("meta"):
        model = build_model(
            recipe.model.name,
            options,
            CHANNELS[recipe.data.style],
            classes,
            stages[-1].size or recipe.data.size,
        )
        for stage in stages:
            optimizer = build_optimizer(model, Objective(stage, classes, 128), stage)
            assert optimizer.param_groups and 0 <= schedule_factor(stage, 0.5, 0) <= 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_small_form_is_the_same_experiment_made_small(name):
    full, small = shipped_recipe(name), shipped_recipe(name, {"scale": "small"})
    assert (small.model.name, small.init_from, len(small.stages)) == (
        full.model.name,
        full.init_from,
        len(full.stages),
    )
    assert [s.loss for s in small.resolved_stages()] == [s.loss for s in full.resolved_stages()]
    assert work(small) * 2 <= work(full)


def test_what_a_person_changes_in_the_small_form_survives_being_saved(tmp_path):
    changed = shipped_recipe("mnist-tiny-step1", {"scale": "small", "epochs": 2})
    (tmp_path / "recipe.yaml").write_text(changed.to_yaml(), encoding="utf-8")
    again = read_recipe(tmp_path / "recipe.yaml")
    assert again == changed and (again.epochs, again.data.limit, again.scale) == (
        2,
        15_000,
        "small",
    )


def work(recipe: Recipe) -> float:
    """Pixels that a training looks at, for sets as large as the studies'."""
    images = {
        "characters": 2480,
        "mnist": 60_000,
        "task3": 60_000,
        "nature": 10_000,
        "hymenoptera": 245,
    }[recipe.data.name]
    images = images * 10 // 62 if recipe.data.classes else images
    seen = min(images, recipe.data.limit or images)
    return float(
        sum(seen * s.epochs * (s.size or recipe.data.size) ** 2 for s in recipe.resolved_stages())
    )


def test_study_a_is_as_stated():
    embedding, classifier = (
        shipped_recipe("characters-zfnet-triplet"),
        shipped_recipe("characters-zfnet-classifier"),
    )
    first = embedding.resolved_stages()[0]
    assert (
        embedding.data
        == classifier.data
        == DataSpec(name="characters", style="page", size=32, validation=0.15)
    )
    assert (first.size, first.loss, first.loss_options, first.select) == (
        220,
        "triplet",
        {"margin": 0.2, "mining": "semihard"},
        "knn",
    )
    steps = first.epochs * (round(2480 * 0.85) // first.batch_size)
    assert steps == pytest.approx(2000, rel=0.02)
    stage = classifier.resolved_stages()[0]
    assert (stage.loss, stage.optimizer, stage.lr, stage.freeze) == ("nll", "adam", 0.01, 99)
    assert (classifier.init_from, classifier.model.options) == (
        "characters-zfnet-triplet",
        {"head": "classifier"},
    )


def test_study_b_differs_by_its_start_alone():
    tuned, scratch = shipped_recipe("mnist-zfnet-finetuned"), shipped_recipe("mnist-zfnet-scratch")
    assert (tuned.init_from, scratch.init_from) == ("characters-zfnet-triplet", None)
    assert (tuned.data, tuned.model, tuned.stages) == (scratch.data, scratch.model, scratch.stages)
    triplets, classifier = scratch.resolved_stages()
    assert (
        triplets.loss,
        triplets.epochs,
        triplets.select,
        classifier.loss,
        classifier.freeze,
    ) == ("triplet", 5, "knn", "nll", 99)


def test_study_c1_is_the_published_table():
    recipe = shipped_recipe("characters-resnet18-progressive")
    stages = recipe.resolved_stages()
    assert [s.size for s in stages] == [224, 224, 299, 299, 512, 512, 600, 600]
    stated = {0: 30, 2: 18, 4: 12, 5: 20, 6: 18, 7: 20}
    assert {i: stages[i].epochs for i in stated} == stated
    assert [s.lr for s in stages] == [
        0.03,
        (6e-5, 6e-4, 6e-3),
        0.01,
        (6e-7, 1e-3),
        5e-3,
        (1e-5, 1e-3),
        2e-3,
        (1e-6, 1e-4, 7e-4),
    ]
    assert [bool(s.mixup) for s in stages] == [False, True, True, True, True, True, False, False]
    assert [s.loss for s in stages] == ["cross_entropy"] * 2 + ["focal"] * 2 + ["cross_entropy"] * 4
    assert stages[2].loss_options == {"alpha": 1, "gamma": 2}
    assert [s.freeze for s in stages] == [0, 0, 99, 0, 99, 0, 99, 0]
    assert {s.clip for s in stages} == {0.1} and {s.augment for s in stages} == {recipe.augment}
    a = recipe.augment
    assert (
        a.rotate,
        a.zoom,
        a.zoom_min,
        a.contrast,
        a.affine_probability,
        a.lighting_probability,
    ) == (10, 0.1, 1, 0.2, 0.75, 0.75)
    assert recipe.data.validation == 0.1 and recipe.init_from is None


def test_study_c2_to_c4_are_as_stated():
    digits = shipped_recipe("digits-resnet18")
    assert digits.data.classes == tuple("0123456789")
    assert [(s.epochs, s.lr) for s in digits.resolved_stages()] == [(40, 0.1), (15, (6e-7, 2e-3))]
    for name, start in (
        ("mnist-resnet18-pretrained", "digits-resnet18"),
        ("mnist-resnet18-scratch", None),
    ):
        recipe = shipped_recipe(name)
        assert (recipe.init_from, recipe.epochs, recipe.lr, recipe.schedule, recipe.select) == (
            start,
            5,
            0.04,
            "onecycle",
            "last",
        )
    rates = {
        "task3-convnet-onecycle": (0.4, "onecycle", None),
        "task3-convnet-flat": (0.4, "constant", None),
        "task3-resnet18-scratch": (0.02, "onecycle", None),
        "task3-resnet18-pretrained-digits": (0.04, "onecycle", "digits-resnet18"),
        "task3-resnet18-pretrained-mnist": (0.03, "onecycle", "mnist-resnet18-pretrained"),
    }
    for name, (lr, schedule, start) in rates.items():
        recipe = shipped_recipe(name)
        assert (recipe.lr, recipe.schedule, recipe.init_from, recipe.epochs) == (
            lr,
            schedule,
            start,
            10,
        )
        assert (recipe.data.name, recipe.data.test_on) == ("task3", "mnist")


def test_study_d_takes_three_steps_within_15_epochs():
    steps = [shipped_recipe(f"mnist-tiny-step{number}") for number in (1, 2, 3)]
    assert [step.model.name for step in steps] == ["tiny1", "tiny2", "tiny2"]
    assert all(
        (step.epochs, step.optimizer, step.loss) == (15, "sgd", "nll") and step.momentum > 0
        for step in steps
    )
    last = steps[2]
    assert (last.lr, last.schedule, last.step_epochs) == (0.3, "step", 5)
    assert (
        last.augment.rotate
        and last.augment.translate
        and last.augment.perspective
        and not steps[1].augment.rotate
    )


def test_study_e_is_as_stated():
    recipe = shipped_recipe("nature-cnn5")
    assert recipe.model.options == {
        "num_filters": 64,
        "filter_org": "const",
        "filter_size": [5, 5, 3, 3, 3],
        "activation": "LeakyReLU",
        "dropout": 0.3,
        "batch_norm": False,
    }
    assert (recipe.lr, recipe.epochs, recipe.batch_size, recipe.optimizer) == (1e-4, 40, 64, "adam")
    assert (recipe.size, recipe.data.validation) == (224, 0.2)
    a = recipe.augment
    assert (
        a.crop,
        a.flip_horizontal,
        a.flip_vertical,
        a.rotate,
        a.lighting_probability,
        a.erase,
    ) == (256, 0.5, 0.5, 180, 0.5, 0.4)
    tuned = shipped_recipe("nature-resnet50")
    assert tuned.model.options == {"weights": "imagenet", "head": "published", "dropout": 0.3}
    assert (tuned.freeze, tuned.lr, tuned.epochs) == (99, 1e-5, 10)
