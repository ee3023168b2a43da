"""The losses and miners of pytorch-metric-learning that a recipe may name are the library's, and train."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import torch
from pytorch_metric_learning import losses, miners
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.lab import Lab
from engine.models.recognizer import Output
from engine.recipes.fields import Stage
from engine.recipes.metric_learning import KINDS, LOSSES, MINERS, NUMBER, REQUIRED
from engine.recipes.objective_checks import check_objective, check_options
from engine.training.objectives import Objective

# What the library has beside them, and why a recipe can't name it.
ANOTHER_LOSS = {"CrossBatchMemory", "GenericPairLoss", "MultipleLosses", "SelfSupervisedLoss"}
NO_LABELS = {"ManifoldLoss", "VICRegLoss"}
NO_LOSS = {"EmbeddingRegularizerMixin", "WeightRegularizerMixin"}
OF_TRIPLETS = {"EmbeddingsAlreadyPackagedAsTriplets"}  # wants batches of another form
# Options that hold objects, what the library passes on to itself, and what the lab gives: classes, width.
OBJECTS = {"reducer", "distance", "collect_stats", "mat_based_loss", "weight_init_func"}
OBJECTS |= {"embedding_regularizer", "embedding_reg_weight", "weight_regularizer"}
OBJECTS |= {"weight_reg_weight", "num_classes", "embedding_size", "descriptors_dim", "l", "self"}


def classes_of(module: Any) -> dict[str, type]:
    named = {name: getattr(module, name) for name in dir(module) if name[0].isupper()}
    return {
        name: one
        for name, one in named.items()
        if isinstance(one, type) and not name.startswith("Base")
    }


def options_of(built: type) -> set[str]:
    out: set[str] = set()
    for parent in inspect.getmro(built):
        if "__init__" not in vars(parent):
            continue
        parameters = inspect.signature(parent.__init__).parameters.values()
        kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        out |= {one.name for one in parameters if one.kind not in kinds}
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
            break
    return out - OBJECTS


def test_every_name_is_the_librarys_with_its_options_and_what_is_left_out_is_known():
    assert set(classes_of(losses)) == set(LOSSES) | ANOTHER_LOSS | NO_LABELS | NO_LOSS
    assert set(classes_of(miners)) == set(MINERS) | OF_TRIPLETS
    for module, table in ((losses, LOSSES), (miners, MINERS)):
        for name, options in table.items():
            if name != "BatchHardMiner":  # hands its parent's on, and sets them itself
                assert set(options) == options_of(getattr(module, name)), name


@pytest.mark.parametrize(("module", "table"), [(losses, LOSSES), (miners, MINERS)])
def test_an_option_may_be_what_the_library_begins_with_and_nothing_of_another_kind(module, table):
    asked = 0
    for name, options in table.items():
        for option in options:
            begun = inspect.signature(getattr(module, name).__init__).parameters.get(option)
            default = begun.default if begun else None  # None: of a parent
            kind = {option: KINDS.get(option, NUMBER)}
            if default is not None and default is not inspect.Parameter.empty:
                check_options("here", "options", {option: default}, kind)
                asked += 1
            with pytest.raises(RecipeError, match=rf"here.*options\.{option}.*'abc'"):
                check_options("here", "options", {option: "abc"}, kind)
    assert asked > 10


def test_a_word_where_a_number_belongs_makes_no_run(tmp_path):
    lab = Lab(tmp_path)
    recipe = lab.recipe("quick", {"loss": "ArcFaceLoss", "loss_options": {"scale": "abc"}})
    with pytest.raises(RecipeError, match=r"loss_options\.scale.*'abc'"):
        lab.submit(recipe)
    assert lab.runs() == []


def batch() -> tuple[Output, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    embeddings = F.normalize(torch.randn(24, 8, generator=draws), dim=1).requires_grad_()
    return Output(embeddings, torch.zeros(24, 4)), torch.arange(24) % 4


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_gives_a_finite_scalar_with_a_gradient(name):
    stage = Stage(
        loss=name, loss_options=dict.fromkeys(REQUIRED.get(name, ()), 0.5), samples_per_class=6
    )
    check_objective("stage", stage)
    output, labels = batch()
    torch.manual_seed(0)
    with warnings.catch_warnings():  # the library, of what torch and numpy no longer like
        warnings.simplefilter("ignore")
        loss = Objective(stage, 4, 8)(output, labels)
    loss.backward()
    assert loss.ndim == 0 and loss.isfinite()
    assert output.embeddings.grad is not None and output.embeddings.grad.isfinite().all()


@pytest.mark.parametrize("name", MINERS)
def test_every_miner_chooses_for_a_loss(name):
    stage = Stage(loss="TripletMarginLoss", miner=name)
    check_objective("stage", stage)
    output, labels = batch()
    objective = Objective(stage, 4, 8)
    assert objective(output, labels).isfinite()
    assert set(objective.info) <= {"active_triplets", "active_pairs"} and objective.info
