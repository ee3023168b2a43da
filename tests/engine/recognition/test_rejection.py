"""What tells foreign drawings from those of a model's classes, and the outliers that it is fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recognition.outliers import MAKERS, SIDE, outlier_pages
from engine.recognition.rejection import Rejection, arrays_of, fit, limits, rejection_in


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cluster(rng: np.random.Generator, label: int, count: int) -> np.ndarray:
    """Embeddings (count, 8) of a class: far apart from others along the first three dimensions, and as
    wide within a class along the fourth.
    """
    rows = 0.1 * rng.normal(size=(count, 8))
    rows[:, label] += 1
    rows[:, 3] += 0.6 * rng.normal(size=count)
    return unit(rows)


@pytest.fixture(scope="module")
def fitted() -> Rejection:
    rng = np.random.default_rng(0)
    own = np.concatenate([cluster(rng, label, 200) for label in range(3)])
    outliers = np.concatenate([unit(rng.normal(size=(400, 8))), cluster(rng, 5, 200)])
    return fit(own, np.repeat(list("abc"), 200), outliers, rng)


def test_what_is_like_the_own_images_scores_above_what_is_like_the_outliers(fitted):
    rng = np.random.default_rng(1)
    own = np.concatenate([fitted.scores(cluster(rng, label, 100)) for label in range(3)])
    foreign = np.concatenate(
        [fitted.scores(cluster(rng, label, 100)) for label in (5, 6, 7)]  # 6 and 7 were never seen
    )
    assert np.quantile(own, 0.05) > np.quantile(foreign, 0.95)


def test_a_score_is_the_weighted_sum_of_kernels_at_the_centres(fitted):
    asked = cluster(np.random.default_rng(2), 1, 3)
    for row, score in zip(asked, fitted.scores(asked), strict=True):
        whitened = row @ fitted.whitener
        slow = sum(
            float(weight) * np.exp(-fitted.sharpness * np.square(whitened - centre).sum())
            for centre, weight in zip(fitted.centres, fitted.weights, strict=True)
        )
        assert score == pytest.approx(slow, abs=1e-3)


def test_whitened_embeddings_spread_alike_within_classes(fitted):
    rng = np.random.default_rng(3)
    own = [cluster(rng, label, 400) @ fitted.whitener for label in range(3)]
    spread = np.mean([part.std(0) for part in own], 0)
    plain = np.mean([cluster(rng, label, 400).std(0) for label in range(3)], 0)
    assert spread.max() / spread.min() < 0.5 * plain.max() / plain.min()


def test_limits_leave_95_of_100_own_drawings_accepted_however_alike_both_measures_are():
    rng = np.random.default_rng(4)
    scores = rng.normal(size=4000)
    for near in (scores, -scores, rng.normal(size=4000), np.full(4000, 0.8)):
        score, typicality = limits(scores, near)
        accepted = (scores >= score) & (near >= typicality)
        assert accepted.mean() == pytest.approx(0.95, abs=0.002)


def test_a_file_gives_back_what_was_put_into_it(fitted):
    rng = np.random.default_rng(6)
    asked, typicality = cluster(rng, 0, 200), rng.uniform(0.7, 0.9, 200)
    limited = fitted.with_limits(asked, typicality)
    found = rejection_in(arrays_of(limited))
    assert found is not None and found[3:] == limited[3:]
    assert np.allclose(found.scores(asked), limited.scores(asked), atol=0.01)
    accepted = [found.accepts(*one) for one in zip(asked, typicality, strict=True)]
    assert np.mean(accepted) == pytest.approx(0.95, abs=0.03)
    assert rejection_in({"typical": np.zeros(2)}) is None


def test_what_either_measure_finds_far_from_its_own_is_rejected(fitted):
    rng = np.random.default_rng(7)
    own, typicality = cluster(rng, 0, 400), rng.normal(0.8, 0.02, 400)
    limited = fitted.with_limits(own, typicality)
    outlier = unit(rng.normal(size=(1, 8)))[0]
    assert limited.accepts(own[0], 0.8)
    assert not limited.accepts(own[0], 0.6)  # close to nothing that the model was trained on
    assert not limited.accepts(outlier, 0.8)


@pytest.mark.parametrize("name", MAKERS)
def test_outliers_have_ink_differ_and_are_the_same_for_the_same_seed(name):
    made = [MAKERS[name](np.random.default_rng(seed)) for seed in (0, 1, 0)]
    assert all(one.dtype == np.uint8 and one.ndim == 2 and len(one) >= SIDE for one in made)
    assert all(one.min() < 64 and one.max() > 192 for one in made)
    assert (made[0] == made[2]).all() and (made[0] != made[1]).any()


def test_outlier_pages_are_dark_on_white_and_as_many_as_asked_for():
    squares = np.zeros((4, 28, 28), np.uint8)
    squares[:, 4:24, 12:16] = 255
    pages = list(outlier_pages(squares, 30, np.random.default_rng(0)))
    assert len(pages) == 30 and {page.mode for page in pages} == {"L"}
    drawn = [np.asarray(page) for page in pages if page.size[0] == page.size[1]]
    assert len(drawn) > 20
    assert all(page[0].min() > 250 and page.min() < 100 for page in drawn)
