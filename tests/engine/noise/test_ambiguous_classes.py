"""Look-alikes told from noise, on counts of predicted classes (rows) against given labels (columns)
as held-out predictions leave them.
"""

import numpy as np
import pytest

from engine.noise.ambiguous_classes import beside_a_pattern, excused, is_pattern, look_alikes
from engine.noise.hypotheses import SUSPICIOUS
from engine.noise.transition import collisions


def counts_of(
    true_counts: dict[int, int], flips: dict[tuple[int, int], int], classes: int = 12
) -> np.ndarray:
    """`true_counts` images on the diagonal, and `flips` of (predicted, given)."""
    counts = np.zeros((classes, classes), np.int64)
    for label, many in true_counts.items():
        counts[label, label] = many
    for (predicted, given), many in flips.items():
        counts[predicted, given] = many
    return counts


EVEN_CLASSES = {label: 60 for label in range(12)}


def test_a_rare_twin_that_is_never_predicted_looks_like_the_frequent_one() -> None:
    counts = counts_of({**EVEN_CLASSES, 1: 100, 11: 0}, {(1, 11): 20})
    assert [tuple(pair) for pair in np.argwhere(look_alikes(counts))] == [(1, 11)]
    assert collisions(counts) > SUSPICIOUS and collisions(excused(counts, look_alikes(counts))) == 1


def test_two_classes_called_by_each_others_names_look_alike() -> None:
    counts = counts_of(EVEN_CLASSES, {(0, 5): 20, (5, 0): 12})
    assert {tuple(pair) for pair in np.argwhere(look_alikes(counts))} == {(0, 5), (5, 0)}


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.45])
def test_noise_of_one_direction_is_not_excused(rate: float) -> None:
    flips = {(label, (label + 1) % 12): round(60 * rate) for label in range(12)}
    counts = counts_of({label: 60 - round(60 * rate) for label in range(12)}, flips)
    assert not look_alikes(counts).any()
    assert is_pattern(counts, look_alikes(counts)) and collisions(counts) > SUSPICIOUS


def test_even_noise_is_nobodys_likeness() -> None:
    rng = np.random.default_rng(0)
    counts = np.diag([300] * 12) + rng.poisson(20, (12, 12)) * (1 - np.eye(12, dtype=int))
    assert not look_alikes(counts).any()
    assert not is_pattern(counts, np.zeros((12, 12), bool))


def test_a_leftover_smaller_than_the_likeness_is_no_pattern_and_a_larger_one_is() -> None:
    twins = {(0, 5): 20, (5, 0): 16}
    few, many = (
        counts_of(EVEN_CLASSES, {**twins, (3, 7): 10}),
        counts_of(EVEN_CLASSES, {**twins, (3, 7): 40}),
    )
    assert not is_pattern(few, look_alikes(few))
    assert is_pattern(many, look_alikes(many))


def test_beside_a_pattern_a_rare_class_full_of_a_frequent_one_is_the_patterns() -> None:
    """Class 9 is often called 10, which has few images of its own: more of what is called 10 is
    predicted 9.
    """
    counts = counts_of({**EVEN_CLASSES, 10: 8, 11: 0}, {(9, 10): 40, (1, 2): 25, (1, 11): 12})
    alike = look_alikes(counts)
    assert alike[9, 10] and alike[1, 11]
    kept = beside_a_pattern(counts, alike)
    assert not kept[9, 10] and kept[1, 11]


def test_what_is_excused_counts_as_right_and_nothing_is_lost() -> None:
    matrix = np.array([[0.7, 0.3, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    alike = np.zeros((3, 3), bool)
    alike[0, 1] = True
    assert excused(matrix, alike) == pytest.approx(
        np.array([[1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    )
