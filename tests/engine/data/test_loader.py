import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from factories import shapes

from engine.data import loader
from engine.data.imageset import ImageSet
from engine.data.loader import Images
from engine.errors import DataError

CPU = torch.device("cpu")


def test_an_epoch_shows_every_image_once() -> None:
    order = loader.shuffled(np.arange(64), 16, np.random.default_rng(0))
    assert [len(batch) for batch in order] == [16] * 4
    assert sorted(np.concatenate(order)) == list(range(64))


def test_a_short_last_batch_is_dropped_unless_it_is_the_only_one() -> None:
    assert [len(b) for b in loader.shuffled(np.arange(10), 4, np.random.default_rng(0))] == [4, 4]
    assert [len(b) for b in loader.shuffled(np.arange(3), 4, np.random.default_rng(0))] == [3]


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (97, 64, [49, 48]),
        (10, 4, [4, 3, 3]),
        (8, 4, [4, 4]),
        (3, 4, [3]),
        (3, 2, [2]),  # of two batches one would hold a single image
        (39, 4, [4] * 9 + [3]),
        (43, 4, [4] * 10),  # little is left out of ten batches
    ],
)
def test_of_few_batches_no_image_is_left_out(n, batch_size, sizes) -> None:
    rng = np.random.default_rng(0)
    order = loader.shuffled(np.arange(n), batch_size, rng, least=2)
    assert [len(batch) for batch in order] == sizes
    assert len(set(np.concatenate(order))) == sum(sizes)
    drawn = loader.balanced(np.arange(n), np.arange(n) % 2, batch_size, rng, least=2)
    assert [len(batch) for batch in drawn] == sizes


def test_balanced_epochs_draw_rare_groups_as_often_as_common_ones() -> None:
    groups = np.array([0] * 900 + [1] * 100)
    drawn = np.concatenate(loader.balanced(np.arange(1000), groups, 10, np.random.default_rng(0)))
    assert 0.45 < (drawn >= 900).mean() < 0.55
    seen = np.bincount(drawn[drawn >= 900] - 900, minlength=100)
    assert seen.max() - seen.min() <= 1  # rounds: none twice more than another


def test_by_the_root_of_their_size_rare_groups_are_drawn_more_often_than_they_are_but_not_equally_often() -> (
    None
):
    groups = np.array([0] * 900 + [1] * 100)
    drawn = np.concatenate(
        [
            np.concatenate(
                loader.balanced(np.arange(1000), groups, 10, np.random.default_rng(seed), power=0.5)
            )
            for seed in range(5)
        ]
    )
    assert 0.22 < (drawn >= 900).mean() < 0.28  # 10 in 10 + 30


def test_per_class_batches_hold_exactly_so_many_of_each() -> None:
    labels = np.repeat(np.arange(10), 30)
    for batch in loader.per_class(np.arange(300), labels, 32, 4, np.random.default_rng(0)):
        counts = np.bincount(labels[batch], minlength=10)
        assert sorted(set(counts)) == [0, 4] and (counts == 4).sum() == 8


def test_per_class_batches_need_two_classes() -> None:
    with pytest.raises(DataError, match="fewer than two classes"):
        loader.per_class(np.arange(10), np.zeros(10, int), 8, 8, np.random.default_rng(0))


@pytest.mark.parametrize("held", [True, False])
def test_batches_are_the_same_held_or_streamed(held: bool) -> None:
    data = shapes()
    images = Images(data, CPU, data.split("train"), fits_bytes=10**9 if held else 0)
    assert (images.held is not None) == held
    order = loader.in_order(data.split("train"), 7)
    for index, batch in zip(order, images.batches(order), strict=True):
        assert np.array_equal(batch.images.numpy(), data.images[index])
        assert np.array_equal(batch.labels.numpy(), data.labels[index])
        assert np.array_equal(batch.index.numpy(), index)


def test_an_error_while_streaming_reaches_the_caller() -> None:
    images = Images(shapes(), CPU, fits_bytes=0)
    with pytest.raises(IndexError):
        list(images.batches([np.array([10**6])]))


def test_a_consumer_that_leaves_early_leaves_no_thread_behind() -> None:
    all_read = threading.Event()

    class Order(list):
        def __iter__(self) -> Iterator[np.ndarray]:
            yield from super().__iter__()
            all_read.set()

    order = Order(loader.in_order(np.arange(2 * (loader.AHEAD + 1)), 2))
    batches = Images(shapes(), CPU, fits_bytes=0).batches(order)
    next(batches)  # what is left fills the queue, so that there is no room for the end mark
    assert all_read.wait(900)
    batches.close()
    assert "batches" not in [thread.name for thread in threading.enumerate()]


def test_streamed_images_are_those_of_the_file(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    labels = np.zeros(50, np.int64)
    index = np.array([49, 0, 7, 7, 23])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for images in (mapped, mapped[:], pixels):  # a map, a view of one, and an array
        data = ImageSet(
            "set",
            "photo",
            images,
            labels,
            ("a",),
            {"train": np.arange(50)},
            [str(i) for i in range(50)],
            "0" * 16,
        )
        streamed = Images(data, torch.device("cpu"), fits_bytes=100)
        assert streamed.held is None and np.array_equal(
            streamed.gather(index).images.numpy(), pixels[index]
        )
