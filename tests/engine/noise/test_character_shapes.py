"""Shapes of characters in the descriptor, groups of another kind than classes, and labels that wander from
group to group.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.embedding.neighbours import Neighbours
from engine.lab import Lab
from engine.noise.character_shapes import character_shapes
from engine.noise.config import CONFIG
from engine.noise.confused_groups import _told_apart_within
from engine.noise.geometry import describe, descriptors
from engine.noise.names import labels_wander
from engine.noise.separability import Separability, separability


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """600 digits, turned by a quarter, which no training saw, and their classes."""
    data = Lab(tmp_path_factory.mktemp("lab")).dataset("digits")
    chosen = np.concatenate([np.flatnonzero(data.labels == k)[:60] for k in range(10)])
    quarter = np.rot90(np.asarray(data.images[chosen]), 1, (2, 3))  # no digit stands like this
    return np.ascontiguousarray(quarter), np.asarray(data.labels[chosen])


def agreement(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Share of the eight nearest neighbours that have the image's class."""
    near = Neighbours(vectors).search_own(8)[1]
    return float((labels[near] == labels[:, None]).mean())


def test_images_of_a_class_lie_closer_by_shapes_and_gradients_than_by_gradients(turned) -> None:
    images, labels = turned
    both = descriptors(images)
    assert both.shape == (600, CONFIG.descriptor_components + 128) and both.dtype == np.float32
    assert agreement(both, labels) > agreement(describe(images, 64), labels)
    lengths = np.linalg.norm(character_shapes(images), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-4)


def test_photographs_and_very_many_images_are_described_by_gradients_alone(turned) -> None:
    images, _ = turned
    colour = np.repeat(images[:60], 3, axis=1)
    assert descriptors(colour).shape[1] == CONFIG.descriptor_components
    few = replace(CONFIG, shape_images=599)
    np.testing.assert_array_equal(descriptors(images, few), describe(images, 64))


def test_the_same_images_have_the_same_descriptors(turned) -> None:
    images, _ = turned
    np.testing.assert_array_equal(descriptors(images[:100]), descriptors(images[:100]))


def test_labels_that_images_still_tell_apart_within_groups_are_not_mixed_up() -> None:
    """Capital and small letters of two classes are two groups; each holds both labels."""
    rng, n = np.random.default_rng(0), 200
    groups = [np.arange(100), np.arange(100, 200)]
    given = np.arange(n) % 2
    seen = np.where(rng.random(n) < 0.9, given, 1 - given)
    assert _told_apart_within(groups, given, seen) > 0.6
    of_group = np.repeat([0, 1], 100)  # predictions know the group only: labels in it are at random
    assert _told_apart_within(groups, given, of_group) == 0
    assert abs(_told_apart_within(groups, rng.integers(0, 2, n), seen)) < 0.2
    assert _told_apart_within(groups, np.zeros(n, int), np.zeros(n, int)) == 0  # nothing is mixed


def shown(given: np.ndarray, of_group: np.ndarray, classes: int) -> Separability:
    """Of groups whose images are predicted by the label that most of a group carry."""
    p = np.full((len(given), classes), 0.01)
    for group in np.unique(of_group):
        share = np.bincount(given[of_group == group], minlength=classes) / (of_group == group).sum()
        p[of_group == group] = 0.01 + share
    near = np.stack(
        [
            np.resize(np.setdiff1d(np.flatnonzero(of_group == g), i), 4)
            for i, g in enumerate(of_group)
        ]
    )
    return separability(p / p.sum(1, keepdims=True), given, near)


def test_two_labels_of_a_group_depend_on_the_class_unless_they_are_each_others_second() -> None:
    rng, n, classes = np.random.default_rng(0), 1_200, 6
    own = np.arange(n) % classes
    flipped = np.where(rng.random(n) < 0.4, (own + 1) % classes, own)
    assert labels_wander(shown(flipped, own, classes), CONFIG)
    pair = own // 2  # three groups, each of two classes that look the same
    assert not labels_wander(shown(own, pair, classes), CONFIG)
    even = np.where(rng.random(n) < 0.5, rng.integers(0, classes, n), own)
    assert not labels_wander(shown(even, own, classes), CONFIG)
