from dataclasses import replace

import numpy as np
import pytest
from noisy_labels import simulated_logits

from engine.noise.findings import Findings
from engine.noise.inject import add_noise
from engine.noise.ranking import counted_by_suspects, expected_wrong, find_suspects, reason
from engine.noise.transition import log_softmax, uniform_transition

TRUE = np.random.default_rng(0).integers(0, 10, 4000)
LOG_P = log_softmax(simulated_logits(TRUE, 10), 0.5)


def test_in_good_data_wrong_labels_come_first():
    given = add_noise(TRUE, 10, "rare", 0.01, 0)
    found = find_suspects(LOG_P, uniform_transition(10, 0.99), given)
    wrong = given != TRUE
    assert wrong[found.order[: wrong.sum()]].mean() > 0.8
    assert found.score[wrong].mean() < 0.2 < 0.95 < found.score[~wrong].mean()


def test_among_complementary_labels_accidentally_correct_ones_come_first():
    given = add_noise(TRUE, 10, "complementary", 0.99, 0)
    found = find_suspects(LOG_P, uniform_transition(10, 0.01), given, complementary=True)
    right = given == TRUE
    assert right[found.order[: right.sum()]].mean() > 0.85
    assert found.score[found.order[0]] > 0.9 > 0.1 > found.score[found.order[-1]]


def test_scores_are_probabilities_and_the_order_names_every_image_once():
    given = add_noise(TRUE, 10, "symmetric", 0.5, 0)
    found = find_suspects(LOG_P, uniform_transition(10, 0.5), given)
    assert found.score.dtype == np.float32 and found.score.shape == (4000,)
    assert found.score.min() >= 0 and found.score.max() <= 1
    assert sorted(found.order.tolist()) == list(range(4000))
    assert expected_wrong(found.score) == pytest.approx((given != TRUE).sum(), rel=0.05)
    assert (found.likely == TRUE).mean() > 0.97


def test_an_ensemble_decides_the_likely_class_but_not_the_score():
    given = add_noise(TRUE, 10, "complementary", 0.99, 0)
    alone = find_suspects(LOG_P, uniform_transition(10, 0.01), given, complementary=True)
    certain = log_softmax(10.0 * np.eye(10)[(TRUE + 1) % 10])
    found = find_suspects(
        LOG_P, uniform_transition(10, 0.01), given, complementary=True, ensemble_log_p=certain
    )
    assert (found.score == alone.score).all() and (found.order == alone.order).all()
    allowed = given != (TRUE + 1) % 10
    assert (found.likely == (TRUE + 1) % 10)[allowed].all() and found.confidence[
        allowed
    ].min() > 0.98
    assert (alone.likely == TRUE).mean() > 0.97 and np.exp(LOG_P.max(1)).mean() == pytest.approx(
        alone.confidence.mean(), abs=0.05
    )


def test_log_odds_still_rank_scores_that_round_to_one():
    log_p = log_softmax(np.array([[200.0, 0, 0], [300.0, 0, 0], [100.0, 0, 0]]))
    found = find_suspects(log_p, uniform_transition(3, 0.9), np.array([1, 1, 1]))
    assert found.order.tolist() == [1, 0, 2]


def test_the_reason_names_the_prediction_and_the_neighbours():
    text = reason("3", "8", 0.001, 0.996, (12, 1, 13), False)
    assert (
        text
        == "A network that was not trained on this label predicts 8 (over 99%), and the given 3"
        " with under 1%; 12 of the 13 nearest images are likely 8, 1 likely 3."
    )
    assert "by accident" in reason("3", "3", 0.99, 0.99, (13, 13, 13), True)


def test_three_clear_suspects_of_ninety_are_three_wrong_labels():
    given = TRUE[:90].copy()
    given[[3, 40, 77]] = (given[[3, 40, 77]] + 1) % 10
    sure = np.log(1e-6 + 0.99999 * np.eye(10)[TRUE[:90]])
    suspects = find_suspects(sure, uniform_transition(10, 0.978), given)
    even = np.eye(10), np.full(10, 0.1), 1.0
    found = Findings("few errors", 2 / 90, 0.001, 0.094, *even)
    assert counted_by_suspects(found, suspects).rate == pytest.approx(3 / 90, abs=2e-3)
    assert counted_by_suspects(replace(found, regime="symmetric"), suspects).rate == 2 / 90
    assert counted_by_suspects(replace(found, rate_high=0.025), suspects).rate == 2 / 90
