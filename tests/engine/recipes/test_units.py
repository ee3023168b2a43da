"""In which unit a recipe's losses are."""

from __future__ import annotations

import pytest

from engine.recipes.recipe import make_recipe, shipped_recipe
from engine.recipes.units import IN_NATS, in_nats
from engine.training.objectives import LOSSES


@pytest.mark.parametrize(
    ("changes", "nats"),
    [({}, True), ({"loss": "triplet"}, False), ({"stages": [{}, {"loss": "triplet"}]}, False)],
)
def test_a_loss_is_in_nats_if_that_of_every_stage_is(changes, nats):
    recipe = make_recipe({**shipped_recipe("quick").model_dump(mode="json"), **changes})
    assert in_nats(recipe) is nats


def test_every_loss_said_to_be_in_nats_is_one_of_the_labs():
    assert set(LOSSES) >= IN_NATS
