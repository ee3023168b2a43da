"""What is proposed for labelling next, on clusters whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.embedding.proposals import STRATEGIES, WORDS, Pool, fit_head


def clusters(per: int = 30, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Embeddings (N, 8) round one corner a class, and the classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(per * classes) % classes
    vectors = np.eye(classes, 8)[labels] + rng.normal(0, 0.25, (len(labels), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [str(label) for label in labels]


def pool_of(vectors: np.ndarray, labels: list[str], labelled: list[int]) -> Pool:
    waiting = np.setdiff1d(np.arange(len(vectors)), labelled)
    head = fit_head(vectors[labelled], [labels[i] for i in labelled])
    p = head.probabilities(vectors[waiting]) if head else np.zeros((len(waiting), 0), np.float32)
    return Pool(vectors, np.array(labelled, np.int64), waiting, p)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("labelled", ([], [0], list(range(20))))
def test_every_strategy_proposes_different_images_that_wait(name, labelled):
    vectors, labels = clusters()
    pool = pool_of(vectors, labels, labelled)
    found = STRATEGIES[name](pool, 10, np.random.default_rng(0))
    assert len(set(found.tolist())) == 10 and not set(found.tolist()) & set(labelled)
    few = pool._replace(waiting=pool.waiting[:3], p=pool.p[:3])
    assert len(STRATEGIES[name](few, 10, np.random.default_rng(0))) == 3
    assert name in WORDS


def test_diversity_reaches_every_cluster_first_and_is_the_greedy_core_set():
    vectors, labels = clusters()
    pool = pool_of(vectors, labels, [0])
    found = STRATEGIES["diversity"](pool, 3, np.random.default_rng(0))
    assert {labels[i] for i in found} | {labels[0]} == set("0123")
    taken = [0]
    for place in found:
        far = [max(float(vectors[i] @ vectors[j]) for j in taken) for i in pool.waiting]
        assert far[pool.waiting.tolist().index(place)] == pytest.approx(min(far), abs=1e-6)
        taken.append(int(place))


def test_uncertainty_takes_the_smallest_margins():
    vectors, labels = clusters()
    pool = pool_of(vectors, labels, list(range(20)))
    found = STRATEGIES["uncertainty"](pool, 5, np.random.default_rng(0))
    ordered = np.sort(pool.p, 1)
    margins = dict(zip(pool.waiting.tolist(), ordered[:, -1] - ordered[:, -2], strict=True))
    assert sorted(margins[i] for i in found) == pytest.approx(sorted(margins.values())[:5])


def test_the_head_learns_from_a_few_labels_and_needs_two_classes():
    vectors, labels = clusters()
    assert fit_head(vectors[:1], labels[:1]) is None
    assert fit_head(vectors[:4], labels[:4]).classes == ("0", "1", "2", "3")  # one label of each
    for classes in (2, 4):
        few = [i for i in range(40) if int(labels[i]) < classes]
        head = fit_head(vectors[few], [labels[i] for i in few])
        rest = [i for i in range(40, 120) if int(labels[i]) < classes]
        p = head.probabilities(vectors[rest])
        right = [head.classes[j] == labels[i] for i, j in zip(rest, p.argmax(1), strict=True)]
        assert np.mean(right) > 0.95 and p.sum(1) == pytest.approx(1, abs=1e-5)
