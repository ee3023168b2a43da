"""What labels are scored by where classes look alike and it is not decided which labels are wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.noise.findings import Findings
from engine.noise.ranking import find_suspects
from engine.noise.scoring import best_mixture, scoring_transition

CLASSES, EACH, FOLDS = 6, 200, 2


@pytest.fixture(scope="module")
def alike() -> dict[str, np.ndarray]:
    """Images of six classes, of which 0 and 1 look alike: a network that was trained through T is sure of 0
    for both, one that predicts labels is not; 4% of the labels are any other class.
    """
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(CLASSES), EACH)
    n = len(true)
    given = np.where(rng.random(n) < 0.04, (true + rng.integers(1, CLASSES, n)) % CLASSES, true)
    shown = np.where(true == 1, 0, true)
    sure = 6 * np.eye(CLASSES)[shown] + rng.normal(0, 1, (n, CLASSES))
    unsure = 4 * np.eye(CLASSES)[shown] + rng.normal(0, 1, (n, CLASSES))
    unsure[true < 2, 1] = unsure[true < 2, 0] + rng.normal(0, 0.5, 2 * EACH)
    fold = np.arange(n) % FOLDS
    near = np.stack([(np.arange(n) + FOLDS * step) % EACH + true * EACH for step in (1, 2)], 1)
    return {
        "true": true,
        "given": given,
        "fold": fold,
        "near": near,
        "sure": np.stack([sure] * FOLDS).astype(np.float32),
        "unsure": np.stack([unsure] * FOLDS).astype(np.float32),
    }


def found(regime: str = "undecided", rate_high: float = 0.3) -> Findings:
    """T has the likeness of 0 and 1 as if half of the labels of one were the other's."""
    matrix = 0.94 * np.eye(CLASSES) + 0.01
    matrix[0, :2] = 0.48
    return Findings(
        regime=regime,
        rate=0.1,
        rate_low=0.0,
        rate_high=rate_high,
        matrix=matrix / matrix.sum(1, keepdims=True),
        prior=np.full(CLASSES, 1 / CLASSES),
        temperature=1.0,
    )


def mixed(alike: dict[str, np.ndarray], findings: Findings, of_labels: bool) -> np.ndarray:
    return best_mixture(
        (alike["sure"],),
        alike["unsure"] if of_labels else None,
        alike["fold"],
        alike["near"],
        alike["given"],
        findings,
    )


def test_labels_of_look_alikes_are_not_called_wrong_where_nothing_is_decided(alike) -> None:
    given, wrong = alike["given"], alike["given"] != alike["true"]
    before = find_suspects(mixed(alike, found(), False), found().matrix, given)
    right_ones = (alike["true"] == 1) & ~wrong
    assert (before.likely != given)[right_ones].mean() > 0.9  # by T alone, all of class 1 are wrong
    log_p = mixed(alike, found(), True)
    now = find_suspects(log_p, scoring_transition(found(), log_p, given), given)
    called = now.likely != given
    assert not called[right_ones].any() and wrong[called].mean() > 0.95
    assert called[wrong & (alike["true"] > 1)].mean() > 0.5
    first = now.order[: int(wrong.sum())]
    assert wrong[first].mean() > 0.85 > wrong[before.order[: int(wrong.sum())]].mean() + 0.3


def test_what_is_decided_is_scored_by_its_own_t(alike) -> None:
    decided = found("class-dependent")
    log_p = mixed(alike, decided, True)
    assert np.array_equal(log_p, mixed(alike, decided, False))
    assert scoring_transition(decided, log_p, alike["given"]) is decided.matrix
    # Which label names which group is not known, but some are wrong for certain: T says what is.
    unnamed = replace(found(rate_high=1.0), rate_low=0.2)
    assert scoring_transition(unnamed, log_p, alike["given"]) is unnamed.matrix
    nothing = found(rate_high=1.0)  # from none to all: no T is known
    assert len(np.unique(scoring_transition(nothing, log_p, alike["given"]).round(9))) == 2


def test_clean_labels_are_scored_at_the_highest_rate_that_they_may_have(alike) -> None:
    clean = replace(found("clean"), rate_high=0.02)
    matrix = scoring_transition(clean, mixed(alike, clean, True), alike["given"])
    assert np.allclose(np.diag(matrix), 0.98) and np.allclose(matrix.sum(1), 1)
