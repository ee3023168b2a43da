"""Splits are stratified, seeded and disjoint, and no class disappears from training."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.listing import TEST, TRAIN, VAL
from engine.data.splits import limited, make_splits, stratified

CHARACTERS = np.repeat(np.arange(62), 40)


def counts(labels, index, classes):
    return np.bincount(labels[index], minlength=classes)


def check(splits, n):
    """Disjoint, ascending, within range, and together everything."""
    whole = np.concatenate(list(splits.values()))
    assert np.array_equal(np.sort(whole), np.arange(n))
    assert all(np.all(np.diff(index) > 0) for index in splits.values())


@pytest.mark.parametrize(("share", "each"), [(0.1, 4), (0.15, 6), (0.5, 20)])
def test_every_class_gives_its_share(share, each):
    splits = make_splits(CHARACTERS, np.zeros(2480, np.int8), validation=share, test=0, seed=3)
    check(splits, 2480)
    assert set(splits) == {"train", "val"} and (counts(CHARACTERS, splits["val"], 62) == each).all()


def test_shares_that_do_not_divide_are_met_to_within_one():
    labels = np.repeat(np.arange(5), [100, 57, 23, 9, 4])
    drawn = stratified(labels, 40, seed=0)
    assert len(drawn) == 40
    assert (np.abs(counts(labels, drawn, 5) - np.array([100, 57, 23, 9, 4]) * 40 / 193) <= 1).all()


def test_a_class_of_one_image_stays_in_training():
    labels = np.array([0] * 30 + [1] + [2] * 2)
    splits = make_splits(labels, np.zeros(33, np.int8), validation=0.5, test=0.3, seed=0)
    check(splits, 33)
    assert set(labels[splits["train"]]) == {0, 1, 2}


def test_a_data_set_of_single_images_has_no_validation():
    splits = make_splits(np.arange(8), np.zeros(8, np.int8), validation=0.25, test=0.25, seed=0)
    assert set(splits) == {"train"} and len(splits["train"]) == 8


def test_the_seed_decides_the_draw():
    official = np.zeros(2480, np.int8)
    one, same, other = (
        make_splits(CHARACTERS, official, validation=0.1, test=0.1, seed=seed) for seed in (1, 1, 2)
    )
    for name in ("train", "val", "test"):
        assert np.array_equal(one[name], same[name]) and not np.array_equal(one[name], other[name])


def test_official_splits_stay_whole():
    official = np.array([TRAIN] * 100 + [TEST] * 40, np.int8)
    labels = np.arange(140) % 10
    splits = make_splits(labels, official, validation=0.1, test=0.5, seed=0)
    check(splits, 140)
    assert splits["test"].tolist() == list(range(100, 140)) and len(splits["val"]) == 10

    official[100:120] = VAL
    splits = make_splits(labels, official, validation=0.3, test=0, seed=0)
    assert splits["val"].tolist() == list(range(100, 120)) and len(splits["train"]) == 100


def test_validation_is_a_share_of_what_the_test_leaves():
    splits = make_splits(
        np.zeros(1000, np.int64), np.zeros(1000, np.int8), validation=0.1, test=0.2, seed=0
    )
    assert {name: len(index) for name, index in splits.items()} == {
        "train": 720,
        "val": 80,
        "test": 200,
    }


def test_no_share_means_no_split():
    splits = make_splits(
        np.zeros(10, np.int64), np.zeros(10, np.int8), validation=0, test=0, seed=0
    )
    assert set(splits) == {"train"}


def test_limits_are_stratified_and_nested_in_the_split():
    splits = make_splits(CHARACTERS, np.zeros(2480, np.int8), validation=0.1, test=0.1, seed=0)
    small = limited(splits, CHARACTERS, train=620, evaluation=62, seed=0)
    assert (counts(CHARACTERS, small["train"], 62) == 10).all() and (
        counts(CHARACTERS, small["test"], 62) == 1
    ).all()
    for name, index in small.items():
        assert set(index) <= set(splits[name])
    same = limited(splits, CHARACTERS, train=None, evaluation=10_000, seed=0)
    assert all(np.array_equal(same[name], splits[name]) for name in splits)


def test_an_empty_draw_is_empty():
    assert len(stratified(np.zeros(0, np.int64), 5, seed=0)) == 0
    assert len(stratified(np.zeros(5, np.int64), 0, seed=0)) == 0
    assert stratified(np.array([3, 3, 9]), 99, seed=0).tolist() == [0, 1, 2]
