"""Neighbours against a slow, obvious search."""

from __future__ import annotations

import numpy as np
import pytest

from engine.embedding.neighbours import BLOCK, Neighbours, knn_accuracy, vote
from engine.errors import DataError, ModelError


def unit(rows: int, width: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def slowly(
    gallery: np.ndarray, queries: np.ndarray, k: int, own: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    similarity, index = [], []
    for number, query in enumerate(queries):
        others = [
            (float(query @ item), place)
            for place, item in enumerate(gallery)
            if not (own and place == number)
        ]
        found = sorted(others, reverse=True)[:k]
        similarity.append([value for value, _ in found])
        index.append([place for _, place in found])
    return np.array(similarity), np.array(index)


@pytest.mark.parametrize("size", [1, 7, BLOCK, BLOCK + 1, 1500, 3 * BLOCK * 8])
@pytest.mark.parametrize("k", [1, 2, 13])
def test_search_finds_what_the_obvious_loop_finds(size: int, k: int) -> None:
    gallery, queries = unit(size, 12, 0), unit(40 if size > 1 else 3, 12, 1)
    similarity, index = Neighbours(gallery).search(queries, k)
    slow_similarity, slow_index = slowly(gallery, queries, k)
    assert similarity.dtype == np.float32 and index.dtype == np.int64
    np.testing.assert_allclose(similarity, slow_similarity, atol=1e-6)
    np.testing.assert_array_equal(index, slow_index)


def test_an_item_is_not_its_own_neighbour_in_any_block_of_queries() -> None:
    gallery = unit(1200, 8, 2)  # three blocks of 512 queries
    similarity, index = Neighbours(gallery).search_own(3)
    slow_similarity, slow_index = slowly(gallery, gallery, 3, own=True)
    np.testing.assert_array_equal(index, slow_index)
    np.testing.assert_allclose(similarity, slow_similarity, atol=1e-6)


def test_a_few_queries_and_many_find_the_same() -> None:
    gallery, queries = unit(2000, 16, 6), unit(100, 16, 7)
    similarity, index = Neighbours(gallery).search(queries, 5)
    for start in range(0, 100, 4):
        few_similarity, few_index = Neighbours(gallery).search(queries[start : start + 4], 5)
        np.testing.assert_array_equal(few_index, index[start : start + 4])
        np.testing.assert_allclose(few_similarity, similarity[start : start + 4], atol=1e-6)


def test_length_does_not_matter_and_a_single_query_may_be_a_vector() -> None:
    gallery = unit(300, 6, 3)
    _, plain = Neighbours(gallery).search(gallery[5], 4)
    _, scaled = Neighbours(gallery * 7).search(gallery[5] * 0.01, 4)
    assert plain.shape == (1, 4) and plain[0, 0] == 5
    np.testing.assert_array_equal(plain, scaled)


def test_k_beyond_the_gallery_gives_the_whole_gallery() -> None:
    similarity, index = Neighbours(unit(5, 4, 0)).search(unit(2, 4, 1), 13)
    assert similarity.shape == index.shape == (2, 5)
    assert Neighbours(unit(5, 4, 0)).search_own(13)[1].shape == (5, 4)


def test_half_precision_and_torch_arrays_are_searched_too() -> None:
    import torch

    gallery = unit(200, 16, 4)
    _, index = Neighbours(gallery.astype(np.float16)).search(torch.from_numpy(gallery[:20]), 1)
    np.testing.assert_array_equal(index[:, 0], np.arange(20))


def test_every_neighbour_has_one_vote_and_a_tie_goes_to_the_nearer_class() -> None:
    found = vote(
        np.array([[2, 1, 1, 2], [0, 1, 1, 2]]),
        np.array([[0.9, 0.8, 0.7, 0.1], [0.9, 0.1, 0.1, 0.1]]),
        3,
    )
    assert found.label.tolist() == [
        1,
        1,
    ]  # 1.5 of nearness beats 1.0; two far votes beat a near one
    np.testing.assert_allclose(found.share, [[0, 0.5, 0.5], [0.25, 0.5, 0.25]])


def test_unlabelled_neighbours_do_not_vote() -> None:
    found = vote(np.array([[-1, -1, 3], [-1, -1, -1]]), np.full((2, 3), 0.5), 4)
    assert found.label.tolist() == [3, -1]
    assert found.share[0, 3] == 1 and not found.share[1].any()
    none = vote(np.full((2, 3), -1), np.full((2, 3), 0.5), 0)  # a data set without any label
    assert none.label.tolist() == [-1, -1] and none.share.shape == (2, 0)


def test_knn_accuracy_agrees_with_scikit_learn() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(5)
    centres = rng.normal(size=(6, 10))
    labels = rng.integers(0, 6, 900)
    points = (centres[labels] + rng.normal(size=(900, 10)) * 0.9).astype(np.float32)
    judge = KNeighborsClassifier(1, metric="cosine", algorithm="brute").fit(
        points[:600], labels[:600]
    )
    gallery, queries = (points[:600], labels[:600]), (points[600:], labels[600:])
    assert knn_accuracy(*gallery, *queries, k=1) == pytest.approx(judge.score(*queries))
    assert 0.6 < knn_accuracy(*gallery, *queries, k=13) < 1


def test_mistakes_are_told_in_one_line() -> None:
    with pytest.raises(ModelError, match="not finite.*diverged"):
        Neighbours(np.array([[np.nan, 1.0]]))
    with pytest.raises(ModelError, match="gallery: 5. Needed: embeddings of 4 values"):
        Neighbours(unit(3, 4, 0)).search(unit(1, 5, 0), 1)
    with pytest.raises(DataError, match="number: 2. Needed: 3 labels"):
        Neighbours(unit(3, 4, 0), np.array([0, 1]))
    with pytest.raises(DataError, match="at least one embedding"):
        Neighbours(np.empty((0, 4), np.float32))
    with pytest.raises(DataError, match="k of at least 1"):
        Neighbours(unit(3, 4, 0)).search(unit(1, 4, 0), 0)
    with pytest.raises(DataError, match="labels"):
        Neighbours(unit(3, 4, 0)).vote(np.zeros((1, 1), np.int64), np.ones((1, 1)), 2)
