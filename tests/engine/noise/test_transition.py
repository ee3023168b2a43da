import numpy as np
import pytest
from noisy_labels import simulated_logits

from engine.errors import DataError
from engine.noise.ambiguous_classes import coincidence
from engine.noise.inject import add_noise, true_transition
from engine.noise.transition import (
    TEMPERATURES,
    check_transition,
    diagonal_interval,
    fit_transition,
    fit_uniform,
    label_counts,
    log_likelihood,
    log_posterior,
    log_softmax,
    most_confident,
    noise_rate,
    transition_of_counts,
    uniform_transition,
)

TRUE = np.random.default_rng(0).integers(0, 10, 3000)
LOGITS = simulated_logits(TRUE, 10)


def test_a_uniform_matrix_has_rows_of_probabilities():
    for diagonal in (0.0, 0.1, 0.9, 1.0):
        matrix = uniform_transition(10, diagonal)
        assert matrix.sum(1) == pytest.approx(np.ones(10))
        assert np.diag(matrix) == pytest.approx(np.full(10, diagonal))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0]],
        np.eye(3) * 0.5,
        [[1.5, -0.5, 0], [0, 1, 0], [0, 0, 1]],
        [["a"] * 3] * 3,
        np.full((3, 3), np.nan),
    ],
)
def test_what_is_no_transition_matrix_raises_an_error(matrix):
    with pytest.raises(DataError, match="transition matrix"):
        check_transition(matrix, 3)


def test_likelihood_and_posterior_agree_with_a_loop():
    matrix = np.random.default_rng(1).dirichlet(np.ones(4), 4)
    log_p = log_softmax(np.random.default_rng(2).normal(0, 2, (6, 4)))
    given = np.array([0, 1, 2, 3, 1, 0])
    for i in range(6):
        joint = [np.exp(log_p[i, t]) * matrix[t, given[i]] for t in range(4)]
        assert log_likelihood(log_p, matrix, given)[i] == pytest.approx(
            np.log(sum(joint)), abs=1e-5
        )
        assert np.exp(log_posterior(log_p, matrix, given)[i]) == pytest.approx(
            np.array(joint) / sum(joint), abs=1e-5
        )


def test_log_softmax_of_huge_logits_is_finite():
    assert np.isfinite(log_softmax(np.array([[1e4, 0.0, -1e4]]))).all()


@pytest.mark.parametrize("right", [0.0, 0.05, 0.2, 0.5, 0.8, 0.99])
def test_the_share_of_correct_labels_is_estimated_below_and_above_chance(right):
    given = add_noise(TRUE, 10, "symmetric", 1 - right, 3)
    fitted = fit_uniform(LOGITS, given)
    really = (given == TRUE).mean()
    low, high = diagonal_interval(LOGITS, given, fitted.diagonal, TEMPERATURES)
    assert fitted.diagonal == pytest.approx(really, abs=0.02)
    assert (
        low <= fitted.diagonal <= high
        and low - 0.005 <= really <= high + 0.005
        and high - low < 0.1
    )


def test_a_transition_matrix_is_recovered_from_predictions_and_labels():
    given = add_noise(TRUE, 10, "pairs", 0.3, 3)
    found = fit_transition(
        log_softmax(LOGITS, 0.5), given, transition_of_counts(np.eye(10) * 20, 0.8)
    )
    assert np.abs(found - true_transition(TRUE, given, 10)).max() < 0.05
    assert noise_rate(found, np.full(10, 0.1)) == pytest.approx((given != TRUE).mean(), abs=0.02)


def test_a_class_without_images_keeps_the_row_it_started_with():
    given = np.zeros(50, int)
    log_p = log_softmax(np.tile([9.0, 0.0, -99.0], (50, 1)))
    assert fit_transition(log_p, given, uniform_transition(3, 0.7))[2] == pytest.approx(
        uniform_transition(3, 0.7)[2]
    )


def test_the_most_confident_are_the_same_share_of_every_predicted_class():
    predicted, confident = most_confident(LOGITS, 0.5)
    for label in range(10):
        assert confident[predicted == label].mean() == pytest.approx(0.5, abs=0.01)
    margin = np.sort(LOGITS, 1)
    margin = margin[:, -1] - margin[:, -2]
    own = predicted == 3
    assert margin[own & confident].min() >= margin[own & ~confident].max()


def test_the_index_of_coincidence_tells_class_dependent_from_uniform_noise():
    predicted, everything = TRUE, np.ones(len(TRUE), bool)

    def of(noise: str) -> float:
        return coincidence(
            label_counts(predicted, add_noise(TRUE, 10, noise, 0.4, 0), everything, 10)
        )

    assert of("symmetric") == pytest.approx(1, abs=0.1)
    assert of("pairs") == pytest.approx(9, abs=0.1)
    assert coincidence(np.diag([50] * 10)) == 1
