"""The family of noise models: what is drawn, and that a seed draws it again."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import DataError
from engine.noise.findings import REGIMES
from engine.noise.noise_family import FAMILY, corrupt, derangement, drawn_labels

TRUE = np.arange(2_000) % 10
IMAGES = np.random.default_rng(0).integers(0, 256, (2_000, 1, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("kind", FAMILY)
def test_a_seed_draws_the_same_noise_again_and_another_seed_another(kind: str) -> None:
    one, again = (corrupt(kind, IMAGES, TRUE, 10, 3) for _ in range(2))
    other = corrupt(kind, IMAGES, TRUE, 10, 4)
    np.testing.assert_array_equal(one.given, again.given)
    assert len(one.images) == len(one.true) == len(one.given)
    assert 0 <= one.given.min() and one.given.max() < 10
    assert set(FAMILY[kind].regimes) <= set(REGIMES)
    if kind == "clean":
        assert not one.wrong.any()
    else:
        same = len(one.given) == len(other.given) and (one.given == other.given).all()
        assert one.wrong.any() and not same


def test_labels_follow_the_transition_matrix() -> None:
    matrix = np.full((10, 10), 0.02) + 0.8 * np.eye(10)
    given = drawn_labels(np.repeat(np.arange(10), 2_000), matrix, np.random.default_rng(0))
    counts = np.bincount(np.repeat(np.arange(10), 2_000) * 10 + given, minlength=100)
    np.testing.assert_allclose(counts.reshape(10, 10) / 2_000, matrix, atol=0.03)


def test_a_derangement_leaves_no_class_where_it_was() -> None:
    for seed in range(20):
        order = derangement(5, np.random.default_rng(seed))
        assert sorted(order) == [0, 1, 2, 3, 4] and (order != np.arange(5)).all()


def test_biased_complementary_labels_never_name_the_class_and_name_few_others() -> None:
    found = corrupt("biased", IMAGES, TRUE, 10, 0)
    assert found.wrong.all()
    assert {len(np.unique(found.given[TRUE == c])) for c in range(10)} <= {2, 3, 4, 5}


def test_harder_images_are_more_often_wrong() -> None:
    rng = np.random.default_rng(1)
    blurred = rng.random(2_000)  # how much of an image is its class's own
    images = np.zeros((2_000, 1, 10, 10))
    images[np.arange(2_000), 0, TRUE] = 255 * blurred[:, None]
    images += rng.integers(0, 60, images.shape)
    found = corrupt("instance", images.clip(0, 255).astype(np.uint8), TRUE, 10, 0)
    easy = blurred > np.median(blurred)
    assert found.wrong[~easy].mean() > 2 * found.wrong[easy].mean()


def test_unknown_kinds_and_too_few_classes_are_errors() -> None:
    with pytest.raises(DataError, match="did you mean 'block'"):
        corrupt("blok", IMAGES, TRUE, 10, 0)
    with pytest.raises(DataError, match="4"):
        corrupt("block", IMAGES, TRUE % 3, 3, 0)
