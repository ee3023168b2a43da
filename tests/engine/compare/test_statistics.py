"""Every test and summary against a slow, obvious loop, or against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.compare.statistics import (
    by_class,
    holm,
    losses_of,
    mcnemar,
    reliability,
    setbacks,
    spread,
    welch,
)


def slow_exact(one: int, two: int) -> float:
    """Two-sided sign test by listing every way in which one + two coins can fall."""
    n = one + two
    extreme = sum(
        math.comb(n, heads) for heads in range(n + 1) if abs(heads - n / 2) >= abs(one - n / 2)
    )
    return extreme / 2**n


def pair(one: int, two: int, both: int = 5, neither: int = 3) -> tuple[np.ndarray, np.ndarray]:
    first = np.array([True] * one + [False] * two + [True] * both + [False] * neither)
    second = np.array([False] * one + [True] * two + [True] * both + [False] * neither)
    return first, second


@pytest.mark.parametrize(
    ("one", "two"),
    [(0, 0), (1, 0), (3, 3), (2, 9), (10, 1), (0, 24), (13, 12), (20, 20), (3, 30), (80, 41)],
)
def test_mcnemar_is_exact_however_many_images_disagree(one, two):
    found = mcnemar(*pair(one, two))
    assert (found.only_first, found.only_second, found.both, found.neither) == (one, two, 5, 3)
    assert found.p == pytest.approx(slow_exact(one, two))
    if one + two:
        assert found.p == pytest.approx(stats.binomtest(one, one + two).pvalue)


@pytest.mark.parametrize(
    ("one", "two"), [(5000, 5000), (4900, 5100), (5300, 4700), (100, 9900), (29_000, 31_000)]
)
def test_mcnemar_is_exact_where_ten_thousands_of_images_disagree(one, two):
    expected = stats.binomtest(one, one + two).pvalue
    assert mcnemar(*pair(one, two)).p == pytest.approx(expected, rel=1e-8, abs=0)


def test_mcnemar_of_three_against_thirty_is_the_probability_that_the_glossary_says():
    assert mcnemar(*pair(3, 30)).p == pytest.approx(1.4e-6, rel=0.01)


def test_mcnemar_does_not_depend_on_which_model_comes_first():
    first, second = pair(4, 11)
    assert mcnemar(first, second).p == mcnemar(second, first).p


def test_mcnemar_refuses_predictions_on_different_images():
    with pytest.raises(ValueError, match="3 and 2 images"):
        mcnemar(np.ones(3, bool), np.ones(2, bool))


@pytest.mark.parametrize("n", [2, 3, 5, 31, 60])
def test_the_spread_of_seeds_is_students_interval_of_the_mean(n):
    values = np.random.default_rng(n).normal(0.9, 0.02, n).tolist()
    found = spread(values)
    low, high = stats.t.interval(0.95, n - 1, np.mean(values), stats.sem(values))
    assert (found.mean, found.deviation, found.n) == (
        pytest.approx(np.mean(values)),
        pytest.approx(np.std(values, ddof=1)),
        n,
    )
    assert found.low == pytest.approx(low, abs=2e-5) and found.high == pytest.approx(high, abs=2e-5)


def test_one_seed_has_no_spread_and_none_is_an_error():
    assert spread([0.5]) == (0.5, None, None, None, 1)
    with pytest.raises(ValueError, match="no values"):
        spread([])


@pytest.mark.parametrize("seed", range(6))
def test_welchs_test_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    first, second = (
        rng.normal(0, 1, rng.integers(2, 9)),
        rng.normal(seed / 2, 3, rng.integers(2, 9)),
    )
    assert welch(first, second) == pytest.approx(
        stats.ttest_ind(first, second, equal_var=False).pvalue, abs=1e-4
    )


def test_welchs_test_needs_two_seeds_and_knows_equal_from_unequal_constants():
    assert welch([0.9], [0.8, 0.7]) is None
    assert welch([0.9, 0.9], [0.9, 0.9]) == 1.0
    assert welch([0.9, 0.9], [0.8, 0.8]) == 0.0


def test_holm_multiplies_the_smallest_by_the_number_of_questions_and_never_reorders():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ([3, 2, 1], 0.0),
        ([1, 2, 3], 1.0),
        ([2, 1, 2], 0.5),
        ([0.1649, 0.1036, 2.9513, 3.3362, 0.8847], 0.5626),
        ([1, 1], None),
        ([1], None),
    ],
)
def test_setbacks_are_the_share_of_the_movement_that_went_up(losses, share):
    assert setbacks(losses) == (None if share is None else pytest.approx(share, abs=1e-4))
    scaled = setbacks([10 * loss for loss in losses])
    assert scaled == (None if share is None else pytest.approx(share, abs=1e-4))


def probabilities_and_labels(
    n: int = 400, k: int = 5, seed: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return p, np.array([rng.choice(k, p=row) for row in p])


def test_the_reliability_diagram_matches_a_loop_over_bins():
    p, labels = probabilities_and_labels()
    for row in reliability(labels, p, bins=10):
        inside = [
            i
            for i in range(len(p))
            if row["low"] <= p[i].max() < row["high"] or (row["high"] == 1 and p[i].max() == 1)
        ]
        assert row["n"] == len(inside)
        assert row["confidence"] == pytest.approx(np.mean([p[i].max() for i in inside]))
        assert row["accuracy"] == pytest.approx(
            np.mean([p[i].argmax() == labels[i] for i in inside])
        )
    assert sum(row["n"] for row in reliability(labels, p, bins=10)) == len(p)


def test_differences_by_class_match_a_loop_over_images():
    rng = np.random.default_rng(5)
    labels, first, second = rng.integers(0, 3, 200), rng.random(200) < 0.6, rng.random(200) < 0.9
    rows = by_class(labels, first, second, ("a", "b", "c", "unseen"))
    assert [row["class"] for row in rows] == ["a", "b", "c"]
    raw = []
    for label, row in enumerate(rows):
        mine = [i for i in range(200) if labels[i] == label]
        assert row["n"] == len(mine)
        assert row["difference"] == pytest.approx(
            sum(second[i] for i in mine) / len(mine) - sum(first[i] for i in mine) / len(mine)
        )
        assert row["only_second"] == sum(second[i] and not first[i] for i in mine)
        raw.append(mcnemar(first[labels == label], second[labels == label]).p)
    assert [row["p"] for row in rows] == pytest.approx(holm(raw))


def test_losses_are_those_of_the_label_and_bounded():
    p = np.array([[0.5, 0.5], [1.0, 0.0]], np.float16)
    assert losses_of(np.array([0, 1]), p) == pytest.approx([math.log(2), 16])
