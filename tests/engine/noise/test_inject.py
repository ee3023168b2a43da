import numpy as np
import pytest

from engine.errors import DataError
from engine.noise.inject import NOISES, add_noise, true_transition

LABELS = np.random.default_rng(0).integers(0, 10, 20_000)


@pytest.mark.parametrize("kind", ["symmetric", "pairs", "rare"])
@pytest.mark.parametrize("rate", [0.01, 0.4])
def test_the_asked_share_of_labels_is_changed_to_others(kind, rate):
    given = add_noise(LABELS, 10, kind, rate, 0)
    assert (given != LABELS).mean() == pytest.approx(rate, abs=0.012)
    assert given.min() >= 0 and given.max() < 10


def test_complementary_labels_are_never_correct_and_uniform_over_the_others():
    matrix = true_transition(LABELS, add_noise(LABELS, 10, "complementary", 1.0, 0), 10)
    assert np.diag(matrix).max() == 0
    assert np.abs(matrix[~np.eye(10, dtype=bool)] - 1 / 9).max() < 0.03


def test_independent_labels_have_the_same_shares_in_every_class():
    assert (
        np.abs(
            true_transition(LABELS, add_noise(LABELS, 10, "independent", 1.0, 0), 10) - 0.1
        ).max()
        < 0.03
    )


def test_rare_noise_changes_exactly_so_many_and_at_least_one():
    assert (add_noise(LABELS, 10, "rare", 0.001, 0) != LABELS).sum() == 20
    assert (add_noise(LABELS[:100], 10, "rare", 0.001, 0) != LABELS[:100]).sum() == 1


@pytest.mark.parametrize("kind", NOISES)
def test_a_seed_gives_the_same_noise_and_the_labels_stay_as_they_were(kind):
    before = LABELS.copy()
    first, again = add_noise(LABELS, 10, kind, 0.5, 7), add_noise(LABELS, 10, kind, 0.5, 7)
    assert (first == again).all() and (LABELS == before).all()


def test_a_wrong_argument_raises_an_error_that_says_what_is_expected():
    with pytest.raises(DataError, match="did you mean 'symmetric'"):
        add_noise(LABELS, 10, "symetric", 0.5, 0)
    with pytest.raises(DataError, match="0 to 1"):
        add_noise(LABELS, 10, "symmetric", 20, 0)
    with pytest.raises(DataError, match="2 classes"):
        add_noise(np.zeros(5, int), 1, "symmetric", 0.5, 0)
