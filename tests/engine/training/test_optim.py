import pytest
import torch

from engine.errors import RecipeError
from engine.models.catalog import build_model
from engine.recipes.fields import Stage
from engine.training.objectives import Objective
from engine.training.optim import (
    OPTIMIZERS,
    SCHEDULES,
    build_optimizer,
    group_rates,
    schedule_factor,
    set_rates,
)


def test_one_cycle_rises_to_the_peak_and_falls_to_nothing() -> None:
    stage = Stage(schedule="onecycle", warmup=0.25)
    factors = [schedule_factor(stage, done / 100, 0) for done in range(101)]
    assert (
        factors[0] == pytest.approx(0.04)
        and factors[25] == pytest.approx(1)
        and factors[100] == pytest.approx(1e-5)
    )
    assert factors[:26] == sorted(factors[:26]) and factors[25:] == sorted(
        factors[25:], reverse=True
    )


def test_a_step_schedule_drops_every_so_many_epochs() -> None:
    stage = Stage(schedule="step", step_epochs=5, step_factor=0.1, warmup=0)
    assert [schedule_factor(stage, epoch / 15, epoch) for epoch in (0, 4, 5, 10)] == pytest.approx(
        [1, 1, 0.1, 0.01]
    )


def test_every_schedule_warms_up_and_stays_within_the_peak() -> None:
    for name in SCHEDULES:
        stage = Stage(schedule=name, warmup=0.1)
        factors = [schedule_factor(stage, done / 50, 0) for done in range(51)]
        assert (
            factors[0] < 0.1 and max(factors) == pytest.approx(1, abs=0.02) and min(factors) >= 0
        ), name


def test_rates_spread_geometrically_over_the_groups() -> None:
    assert group_rates((1e-6, 1e-4), 3) == pytest.approx([1e-6, 1e-5, 1e-4])
    assert group_rates((6e-5, 6e-4, 6e-3), 5) == pytest.approx(
        [6e-5, 6e-5 * 10**0.5, 6e-4, 6e-4 * 10**0.5, 6e-3]
    )
    assert group_rates(0.1, 2) == [0.1, 0.1]


@pytest.mark.parametrize("lr", [(1e-3, 0.0), -1.0, (1.0,) * 9])
def test_rates_that_make_no_sense_are_refused(lr: float | tuple[float, ...]) -> None:
    with pytest.raises(RecipeError, match="learning rates"):
        group_rates(lr, 5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_groups_stay_as_they_are_and_the_head_learns(name: str) -> None:
    model = build_model("convnet", {"width": 4}, 1, 3, 16)
    stage = Stage(optimizer=name, freeze=99, lr=0.1)
    objective = Objective(stage, 3, 128)
    optimizer = build_optimizer(model, objective, stage)
    set_rates(optimizer, 1.0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.eval()
    objective(model(torch.rand(6, 1, 16, 16)), torch.arange(6) % 3).backward()
    optimizer.step()
    changed = {
        key for key, value in model.state_dict().items() if not torch.equal(value, before[key])
    }
    assert changed and all(key.startswith("head.") for key in changed)


def test_norms_and_biases_are_not_decayed() -> None:
    model = build_model("convnet", {"width": 4}, 1, 3, 16)
    optimizer = build_optimizer(model, Objective(Stage(), 3, 128), Stage(weight_decay=0.5))
    for group in optimizer.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    model = build_model("convnet", {"width": 4}, 1, 3, 16)
    with pytest.raises(RecipeError, match="did you mean 'rmsprop'"):
        build_optimizer(model, Objective(Stage(), 3, 128), Stage(optimizer="rmsprob"))
    with pytest.raises(RecipeError, match="did you mean 'cosine'"):
        schedule_factor(Stage(schedule="cosin"), 0, 0)
