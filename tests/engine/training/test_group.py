"""Two processes that train together come to what one comes to at the same batch size.

Only the order in which floats are added differs. Of sums of some thousand float32 terms that is 1e-5 of
the largest at most, and a dozen steps of the optimiser make 1e-4 of it. What is wrong is wrong by more:
a gradient that is averaged instead of summed by a half, and statistics of a part instead of the whole
batch by about a tenth.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import ranked
import torch
from factories import shapes
from torch import Tensor

from engine.data.augment import Draws, augment, quarter_turned
from engine.errors import RecipeError
from engine.recipes.augmentation import Augment
from engine.training.group import ALONE, Group
from engine.training.trainer import Trainer

GRADIENTS, WEIGHTS = 1e-4, 1e-3  # of the largest value of each tensor


@pytest.fixture(scope="module")
def alone() -> dict[str, dict[str, Any]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {case: ranked.train(case) for case in ranked.CASES}
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Any]]]:
    return ranked.trained_by(2, tmp_path_factory.mktemp("ranks"), os.environ)


def assert_close(found: dict[str, Tensor], wanted: dict[str, Tensor], share: float) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        room = share * max(float(value.abs().max()), 1e-3)
        torch.testing.assert_close(found[name], value, rtol=0, atol=room, msg=name)


@pytest.mark.parametrize("case", ranked.CASES)
def test_the_gradient_is_that_of_the_whole_batch(case, alone, both) -> None:
    assert alone[case]["gradients"]
    assert_close(both[0][case]["gradients"], alone[case]["gradients"], GRADIENTS)


@pytest.mark.parametrize("case", ranked.CASES)
def test_the_weights_are_those_of_one_process(case, alone, both) -> None:
    for kind in ("weights", "best", "objective"):
        assert_close(both[0][case][kind], alone[case][kind], WEIGHTS)


@pytest.mark.parametrize("case", ranked.CASES)
def test_both_processes_have_the_same_weights_to_the_last_bit(case, both) -> None:
    first, second = both[0][case]["weights"], both[1][case]["weights"]
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("case", ranked.CASES)
def test_every_process_has_the_figures_that_one_process_has(case, alone, both) -> None:
    for rows in (both[0][case]["rows"], both[1][case]["rows"]):
        for row, wanted in zip(rows, alone[case]["rows"], strict=True):
            assert row == pytest.approx(wanted, rel=1e-3)


def test_outputs_of_many_images_come_in_their_order(alone, both) -> None:
    for case in ranked.CASES:
        for kind in ("logits", "embeddings"):
            torch.testing.assert_close(both[1][case][kind], alone[case][kind], rtol=1e-3, atol=1e-3)


def test_every_training_image_is_read_once_in_an_epoch_by_one_of_them(both) -> None:
    data = shapes(160)
    batch = ranked.recipe("plain").batch_size
    steps = len(data.splits["train"]) // batch
    first, second = (both[rank]["plain"]["read"][:steps] for rank in (0, 1))
    assert all(len(part) == batch // 2 for part in first + second)
    read = torch.cat(first + second)
    assert len(read) == len(set(read.tolist())) == steps * batch
    assert set(read.tolist()) <= set(data.splits["train"].tolist())


def test_labels_are_recovered_by_both_together(both) -> None:
    first, second = both[0]["recovered"], both[1]["recovered"]
    assert first["accuracy"] == second["accuracy"] > 0.8
    assert all(
        torch.equal(first["weights"][name], second["weights"][name]) for name in first["weights"]
    )
    assert first["rows"] == second["rows"] and len(first["rows"]) == 22
    assert first["files"] == ["labels-2.npz"]
    assert first["log"].count("stage 2 starts afresh") == 1


def test_parts_cover_a_batch_and_differ_by_one_at_most() -> None:
    for size in (1, 2, 3, 8):
        for count in (size, 15, 64):
            group = Group()
            parts = []
            for rank in range(size):
                group.rank, group.size = rank, size
                parts.append(list(range(count))[group.part(count)])
            assert sum(parts, []) == list(range(count))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_part_is_changed_as_it_would_be_within_its_batch() -> None:
    images = torch.from_numpy(shapes(9).images)
    spec, labels = Augment(**ranked.EVERY_CHANGE), torch.arange(9)

    def draws(part: slice | None) -> Draws:
        return Draws(torch.Generator().manual_seed(3), len(images), part)

    whole = augment(images, spec, 16, torch.Generator().manual_seed(3))
    turned, turns = quarter_turned(images, labels, torch.Generator().manual_seed(3))
    for part in (slice(0, 4), slice(4, 9)):
        assert torch.equal(augment(images[part], spec, 16, draws(part)), whole[part])
        own, own_turns = quarter_turned(images[part], labels[part], draws(part))
        assert torch.equal(own, turned[part]) and torch.equal(own_turns, turns[part])


def test_a_batch_that_is_too_small_to_share_is_refused() -> None:
    group = Group()
    group.size = 4
    changed = ranked.recipe("plain", batch_size=3)
    with pytest.raises(RecipeError, match="a batch of 3 can't be shared by 4 processes"):
        Trainer(changed, shapes(90), torch.device("cpu"), group=group)


def test_one_process_gathers_and_asks_nobody() -> None:
    rows = torch.ones(3, 2, requires_grad=True)
    assert ALONE.gather(rows, 3) is rows and ALONE.total(rows) is rows
    assert ALONE.first("word") == "word" and ALONE.in_turn(lambda: 5) == 5
    assert ALONE.leads and not ALONE.described()
