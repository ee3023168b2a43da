"""What a recipe may not ask for is refused before there is a run."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RecipeError
from engine.lab import Lab
from engine.models.catalog import MODELS
from engine.recipes.checks import OPTIMIZERS, OPTIONS, SCHEDULES, check_recipe
from engine.recipes.objective_checks import LOSS_OPTIONS, ON_EMBEDDINGS
from engine.recipes.recipe import shipped_recipe, shipped_recipe_names
from engine.training import optim
from engine.training.objectives import LOSSES


def test_the_options_of_every_network_are_checked_and_its_defaults_pass() -> None:
    assert list(OPTIONS) and set(OPTIONS) == set(MODELS)
    for name, entry in MODELS.items():
        parameters = inspect.signature(entry.build).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        assert set(OPTIONS[name]) == set(defaults), name
        check_recipe(shipped_recipe("quick", {"model": {"name": name, "options": defaults}}))


def test_the_options_of_every_loss_of_the_lab_are_checked_and_its_defaults_pass() -> None:
    assert set(LOSS_OPTIONS) == set(LOSSES)
    for name, entry in LOSSES.items():
        parameters = inspect.signature(entry.function).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        assert set(LOSS_OPTIONS[name]) == set(defaults), name
        check_recipe(
            shipped_recipe(
                "quick",
                {
                    "loss": name,
                    "loss_options": {k: v for k, v in defaults.items() if v is not None},
                },
            )
        )
    assert {n for n, entry in LOSSES.items() if entry.reads == "embeddings"} == set(ON_EMBEDDINGS)
    assert set(OPTIMIZERS) == set(optim.OPTIMIZERS) and set(SCHEDULES) == set(optim.SCHEDULES)


def test_every_recipe_of_the_lab_passes_at_either_scale() -> None:
    for name in shipped_recipe_names():
        for scale in ("full", "small"):
            check_recipe(shipped_recipe(name, {"scale": scale}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model.options.width": 0}, r"model\.options\.width.*equal to 1; it is 0"),
        ({"model.options.embedding": 0}, r"model\.options\.embedding.*equal to 1; it is 0"),
        ({"model.options.width": "abc"}, r"model\.options\.width.*'abc'"),
        ({"model.options.width": "16"}, r"model\.options\.width.*'16'"),
        ({"model.options.dropout": 1}, r"model\.options\.dropout.*less than 1"),
        ({"model.options.widht": 3}, "did you mean 'model.options.width'"),
        ({"model": {"name": "tiny", "options": {"widths": [9, 9]}}}, r"model\.options\.widths"),
        (
            {"model": {"name": "glyphnet", "options": {"stem": 3}}},
            r"model\.options\.stem.*1, 2 or 4",
        ),
        ({"augment.crop": 8}, "augment.crop is below the size.*: 8. Allowed: 28 or more"),
        (
            {"stages": [{}, {"size": 40, "augment": {"crop": 32}}]},
            "stage 2: augment.crop is below",
        ),
        ({"loss_options.gama": 1}, r"loss_options\.gama"),
        ({"loss": "focal", "loss_options.gama": 1}, r"did you mean 'loss_options\.gamma'"),
        ({"loss_options.label_smoothing": 1.5}, r"loss_options\.label_smoothing.*less than 1"),
        ({"loss": "triplet", "loss_options.mining": "soft"}, r"loss_options\.mining.*semihard"),
        ({"loss": "nll", "loss_options.q": 1}, "no option can be given.*loss_options.q"),
        ({"loss": "tripplet"}, "loss 'tripplet' is not known; did you mean 'triplet'"),
        ({"loss": "VICRegLoss"}, "loss 'VICRegLoss' is not known"),
        ({"loss": "ArcFaceLoss", "loss_options.margn": 1}, "did you mean 'loss_options.margin'"),
        ({"loss": "RankedListLoss"}, r"needs loss_options\.margin and loss_options\.Tn"),
        ({"loss": "SmoothAPLoss"}, "Set samples_per_class"),
        ({"loss": "forward"}, r"how labels are wrong.*loss_options\.right"),
        ({"turned_classes": True}, "has no outputs for.*on embeddings"),
        ({"miner": "TripletMarginMiner"}, "'cross_entropy' takes no miner"),
        ({"loss": "TripletMarginLoss", "miner": "Tripplet"}, "miner 'Tripplet' is not known"),
        ({"optimizer": "adm"}, "optimizer 'adm' is not known; did you mean 'adam'"),
        ({"schedule": "bar"}, "schedule 'bar' is not known"),
        ({"model.name": "covnet"}, "network 'covnet' is not known; did you mean 'convnet'"),
        (
            {"stages": [{}, {"loss": "focal", "loss_options": {"alpha": 0}}]},
            r"stage 2.*loss_options\.alpha.*greater than 0",
        ),
        ({"miner_options.margin": 1}, "miner_options are given, and no miner: margin"),
    ],
)
def test_what_no_network_can_be_built_with_or_has_no_effect_makes_no_run(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    lab = Lab(tmp_path)
    recipe = lab.recipe("quick", changes)
    for start in (lab.submit, lab.train):
        with pytest.raises(RecipeError, match=says):
            start(recipe)
    assert lab.runs() == []


def test_a_crop_of_the_size_and_the_options_of_a_stages_miner_are_no_mistakes() -> None:
    check_recipe(shipped_recipe("quick", {"augment.crop": 28}))
    stages = [{"loss": "ContrastiveLoss", "miner": "TripletMarginMiner"}, {}]
    mined = {"stages": stages, "miner_options": {"margin": 0.1}}
    check_recipe(shipped_recipe("quick", mined))


def test_a_matrix_that_was_computed_may_be_a_rounding_off_and_no_more() -> None:
    def through(cell: float) -> Any:
        matrix = [[1 - cell, cell], [0.0, 1.0]]
        return shipped_recipe("quick", {"loss": "forward", "loss_options": {"transition": matrix}})

    check_recipe(through(-1e-16))
    with pytest.raises(RecipeError, match=r"loss_options\.transition"):
        check_recipe(through(-0.1))
