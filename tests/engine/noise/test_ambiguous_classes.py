"""Ambiguous classes told from noise, on counts of predicted classes (rows) and given labels
(columns) as held-out predictions give them.
"""

import numpy as np
import pytest

from engine.noise.ambiguous_classes import (
    ambiguous_pairs,
    coincidence,
    is_class_dependent,
    many_wrong_labels_agree,
    moved_to_diagonal,
    without_most_frequent,
    wrong_labels_agree,
)
from engine.noise.config import CONFIG


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


EQUAL_CLASSES = {label: 60 for label in range(12)}


def test_a_rare_class_that_is_never_predicted_is_ambiguous_with_the_frequent_one() -> None:
    counts = counts_of({**EQUAL_CLASSES, 1: 100, 11: 0}, {(1, 11): 20})
    assert [tuple(pair) for pair in np.argwhere(ambiguous_pairs(counts))] == [(1, 11)]
    assert (
        coincidence(counts) > CONFIG.coincidence_from
        and coincidence(moved_to_diagonal(counts, ambiguous_pairs(counts))) == 1
    )


def test_two_classes_that_carry_each_others_labels_are_ambiguous() -> None:
    counts = counts_of(EQUAL_CLASSES, {(0, 5): 20, (5, 0): 12})
    assert {tuple(pair) for pair in np.argwhere(ambiguous_pairs(counts))} == {(0, 5), (5, 0)}


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.45])
def test_noise_of_one_direction_is_not_ambiguity(rate: float) -> None:
    flips = {(label, (label + 1) % 12): round(60 * rate) for label in range(12)}
    counts = counts_of({label: 60 - round(60 * rate) for label in range(12)}, flips)
    assert not ambiguous_pairs(counts).any()
    assert (
        is_class_dependent(counts, ambiguous_pairs(counts))
        and coincidence(counts) > CONFIG.coincidence_from
    )


def test_uniform_noise_makes_no_class_ambiguous() -> None:
    rng = np.random.default_rng(0)
    counts = np.diag([300] * 12) + rng.poisson(20, (12, 12)) * (1 - np.eye(12, dtype=int))
    assert not ambiguous_pairs(counts).any()
    assert not is_class_dependent(counts, np.zeros((12, 12), bool))


def test_noise_smaller_than_the_ambiguity_is_not_class_dependent_and_larger_noise_is() -> None:
    twins = {(0, 5): 20, (5, 0): 16}
    few, many = (
        counts_of(EQUAL_CLASSES, {**twins, (3, 7): 10}),
        counts_of(EQUAL_CLASSES, {**twins, (3, 7): 40}),
    )
    assert not is_class_dependent(few, ambiguous_pairs(few))
    assert is_class_dependent(many, ambiguous_pairs(many))


def test_a_rare_label_that_a_frequent_class_carries_is_due_to_class_dependent_noise() -> None:
    """Class 9 often carries label 10, which has few images of its own: most images with label 10 are
    predicted 9.
    """
    counts = counts_of({**EQUAL_CLASSES, 10: 8, 11: 0}, {(9, 10): 40, (1, 2): 25, (1, 11): 12})
    ambiguous = ambiguous_pairs(counts)
    assert ambiguous[9, 10] and ambiguous[1, 11]
    kept = without_most_frequent(counts, ambiguous)
    assert not kept[9, 10] and kept[1, 11]


def test_entries_moved_to_the_diagonal_count_as_correct_and_rows_keep_their_sum() -> None:
    matrix = np.array([[0.7, 0.3, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    ambiguous = np.zeros((3, 3), bool)
    ambiguous[0, 1] = True
    assert moved_to_diagonal(matrix, ambiguous) == pytest.approx(
        np.array([[1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    )


def test_many_wrong_labels_among_half_of_the_classes_depend_on_the_class() -> None:
    """As many wrong labels, in a block of five of ten classes, and of any class: as drawn by seeds."""
    rng = np.random.default_rng(0)
    block = np.diag(np.full(10, 100))
    block[:5, :5] += rng.poisson(8, (5, 5))
    even = np.diag(np.full(10, 100)) + rng.poisson(2, (10, 10))
    assert not wrong_labels_agree(block) and many_wrong_labels_agree(block)
    assert not many_wrong_labels_agree(even)
    few = np.diag(np.full(10, 100))  # two of three agree: chance
    few[0, 1], few[0, 2], few[1, 0] = 2, 1, 1
    assert not many_wrong_labels_agree(few)
    three = np.array([[50, 20, 0], [0, 50, 20], [20, 0, 50]])
    assert not many_wrong_labels_agree(three)


def test_of_few_wrong_labels_the_index_is_the_least_that_they_prove():
    """Forty classes with two wrong labels each, of one class or of any: too few for a ratio."""
    classes = 40
    flips, even = np.zeros((2, classes, classes))
    rows = np.arange(classes)
    flips[rows, (rows + 7) % classes] = 2
    for step in (3, 11):
        even[rows, (rows + step) % classes] = 1
    assert CONFIG.coincidence_from < coincidence(flips) < classes - 1
    assert coincidence(even) == 1
    even[0, 3] = 2  # two that agree may do so by chance
    assert coincidence(even) == 1


def test_even_noise_on_the_cells_that_are_left_is_no_pattern():
    """What looking alike may explain is not counted: about half of the cells of each class are closed."""
    rng, classes = np.random.default_rng(0), 26
    closed = rng.permuted(np.tile(np.arange(classes) < 12, (classes, 1)), axis=1)
    counts = np.where(closed, 0, rng.poisson(2.0, (classes, classes)))
    assert many_wrong_labels_agree(counts)  # as if all cells were open
    assert not many_wrong_labels_agree(counts, closed=closed)


def test_one_class_that_looks_a_little_alike_is_no_pattern_and_a_block_is():
    rng, classes = np.random.default_rng(1), 26
    even = rng.poisson(2.0, (classes, classes))
    alike = even.copy()
    alike[np.arange(classes), (np.arange(classes) + 5) % classes] += 12
    assert coincidence(alike) > CONFIG.coincidence_of_blocks
    assert not many_wrong_labels_agree(alike) and not many_wrong_labels_agree(even)
    block = np.zeros((classes, classes), int)
    block[:12, :12] = rng.poisson(4.0, (12, 12))
    assert many_wrong_labels_agree(block)
