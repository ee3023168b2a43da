"""The figures of metric learning against slow, obvious loops."""

from __future__ import annotations

import numpy as np
import pytest

from engine.embedding.retrieval import accuracy_against_k, hardest, retrieval, verification
from engine.errors import DataError


def blobs(
    n: int = 60, classes: int = 4, spread: float = 0.8, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes).astype(np.int64)
    points = rng.normal(size=(classes, 6))[labels] + spread * rng.normal(size=(n, 6))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def ranking(points: np.ndarray, asker: int) -> list[int]:
    others = [(float(points[asker] @ points[i]), i) for i in range(len(points)) if i != asker]
    return [i for _, i in sorted(others, reverse=True)]


def test_retrieval_agrees_with_its_definition() -> None:
    points, labels = blobs()
    first, r_precision, average = [], [], []
    for asker in range(len(points)):
        order = [labels[i] == labels[asker] for i in ranking(points, asker)]
        depth = sum(order)
        first.append(order[0])
        r_precision.append(sum(order[:depth]) / depth)
        average.append(sum(sum(order[: i + 1]) / (i + 1) for i in range(depth) if order[i]) / depth)
    found = retrieval(points, labels)
    assert found["precision_at_1"] == pytest.approx(np.mean(first))
    assert found["r_precision"] == pytest.approx(np.mean(r_precision))
    assert found["map_at_r"] == pytest.approx(np.mean(average))
    assert found["map_at_r"] < found["r_precision"] < 1 and found["asked"] == 60


def test_perfect_classes_score_one_and_a_lone_image_does_not_ask() -> None:
    points = np.repeat(np.eye(3, dtype=np.float32), [3, 3, 1], axis=0)
    found = retrieval(points, np.array([0, 0, 0, 1, 1, 1, 2]))
    assert found == {"precision_at_1": 1.0, "r_precision": 1.0, "map_at_r": 1.0, "asked": 6}
    with pytest.raises(DataError, match="at least two images"):
        retrieval(points[[0, 3]], np.array([0, 1]))


def test_accuracy_against_k_never_counts_the_image_itself() -> None:
    points, labels = blobs(80, spread=1.0)
    queries = np.array([3, 11, 12, 40])
    found = accuracy_against_k(points, labels, queries, ks=(1, 5))
    slow = [np.mean([labels[ranking(points, i)[0]] == labels[i] for i in queries])]
    slow.append(
        np.mean(
            [
                np.bincount(labels[ranking(points, i)[:5]], minlength=4).argmax() == labels[i]
                for i in queries
            ]
        )
    )
    assert [row["k"] for row in found] == [1, 5]
    assert found[0]["accuracy"] == slow[0]
    assert abs(found[1]["accuracy"] - slow[1]) <= 0.25  # the slow loop breaks ties otherwise


def test_verification_agrees_with_counting_pairs() -> None:
    points, labels = blobs(50, spread=1.2)
    same, different = [], []
    for i in range(50):
        for j in range(i):
            (same if labels[i] == labels[j] else different).append(float(points[i] @ points[j]))
    found = verification(points, labels, far=0.05)
    assert (found["same_pairs"], found["different_pairs"]) == (len(same), len(different))
    let_in = np.mean(np.array(different) > found["threshold"])
    assert let_in <= 0.05 < let_in + 2 / len(different)
    assert found["val"] == pytest.approx(np.mean(np.array(same) > found["threshold"]))
    wins = np.mean([[1.0 if s > d else 0.5 if s == d else 0.0 for d in different] for s in same])
    assert found["auc"] == pytest.approx(wins, abs=1e-3)
    assert 0 < found["eer"] < 0.5
    assert found["roc"][0][0] == 0 and found["roc"][-1] == [1.0, 1.0]
    assert (
        sum(found["same"]) == pytest.approx(1)
        and sum(found["different"]) == pytest.approx(1)
        and len(found["edges"]) == 81
    )


def test_the_hardest_are_the_hardest() -> None:
    points, labels = blobs(40, spread=1.0)
    similarity = points @ points.T
    found = hardest(points, labels, 5)
    other, same = labels[:, None] != labels, (labels[:, None] == labels) & ~np.eye(40, dtype=bool)
    assert found["alike"][0]["similarity"] == pytest.approx(similarity[other].max(), abs=1e-6)
    assert found["apart"][0]["similarity"] == pytest.approx(similarity[same].min(), abs=1e-6)
    worst = max(
        2 * (similarity[a, n] - similarity[a, p])
        for a in range(40)
        for p in np.flatnonzero(same[a])
        for n in np.flatnonzero(other[a])
    )
    assert found["triplets"][0]["violation"] == pytest.approx(worst, abs=1e-5)
    pairs = [(row["first"], row["second"]) for row in found["alike"]]
    assert len(set(pairs)) == len(pairs) == 5 and all(first < second for first, second in pairs)
