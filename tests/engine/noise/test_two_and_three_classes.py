"""Data sets of two and three classes: what is told of the noise of many classes is told of theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noisy_labels import hypotheses_of, simulated_logits

from engine.lab import Lab
from engine.noise.ambiguous_classes import wrong_labels_agree
from engine.noise.config import CONFIG
from engine.noise.diagnosis import estimate_noise
from engine.noise.findings import Findings
from engine.noise.geometry import describe
from engine.noise.hypotheses import compare_on_descriptors, select_hypothesis
from engine.noise.image_evidence import evidence_of_descriptors
from engine.noise.inject import add_noise
from engine.noise.report import confused, evidence, summary
from engine.progress import no_progress

SHORT = replace(CONFIG, descriptor_network_epochs=8)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors (n, 64) of the digits 3 and 5, and their classes 0 and 1."""
    data = Lab(tmp_path_factory.mktemp("lab")).dataset("digits")
    chosen = np.flatnonzero(np.isin(data.labels, (3, 5)))
    return describe(data.images[chosen], 64), (data.labels[chosen] == 5).astype(np.int64)


def one_sided(true: np.ndarray, rate: float) -> np.ndarray:
    """A share of class 0 carries label 1; all of class 1 are right."""
    flipped = np.random.default_rng(1).random(len(true)) < rate
    return np.where((true == 0) & flipped, 1, true)


def test_symmetric_noise_of_two_classes_is_learned_through(two) -> None:
    """At a diagonal of one half the forward loss of two classes has no gradient."""
    vectors, true = two
    given = add_noise(true, 2, "symmetric", 0.3, 0)
    fold = np.arange(len(true)) % 3
    found = compare_on_descriptors(vectors, given, fold, 2, 0, no_progress, SHORT)
    best = select_hypothesis(found)
    assert best is not None and best.name == "symmetric"
    assert best.diagonal == pytest.approx((given == true).mean(), abs=0.04)


@pytest.mark.parametrize(
    ("classes", "noise", "regime"),
    [
        (2, "one-sided", "class-dependent"),
        (2, "symmetric", "symmetric"),
        (3, "pairs", "class-dependent"),
        (3, "symmetric", "symmetric"),
        (3, "clean", "clean"),
    ],
)
def test_noise_that_depends_on_the_class_is_told_from_noise_that_does_not(
    classes: int, noise: str, regime: str
) -> None:
    true = np.random.default_rng(0).integers(0, classes, 2_000)
    given = one_sided(true, 0.3) if classes == 2 and noise == "one-sided" else None
    if given is None:
        given = add_noise(true, classes, noise, 0.3, 1)
    logits = simulated_logits(true, classes)
    hypotheses = hypotheses_of(logits, given)
    if classes == 2:
        hypotheses.pop("complementary")
    found = estimate_noise(logits, given, select_hypothesis(hypotheses))
    assert found.regime == regime
    assert found.rate == pytest.approx((given != true).mean(), abs=0.03)
    if noise == "one-sided":
        assert found.matrix[0, 1] == pytest.approx(0.3, abs=0.04) and found.matrix[1, 0] < 0.02
        assert "depends on the class: 0 → 1 (" in summary(found, len(true), ("0", "1"))
        assert [pair[:2] for pair in confused(found.matrix)] == [(0, 1)]
    if classes == 2:  # of two classes wrong labels always agree, which is no evidence
        assert not any("Two wrong labels" in text for text in evidence(found, {}, ("0", "1")))


def test_one_sided_noise_of_two_classes_is_counted_on_clear_images(two) -> None:
    vectors, true = two
    given, n = one_sided(true, 0.3), len(true)
    shown = evidence_of_descriptors(
        vectors, given, np.arange(n) % 3, np.arange(n), ("3", "5"), 0, config=SHORT
    )
    base = Findings("few errors", 0.02, 0.01, 0.03, np.eye(2), np.full(2, 0.5), 1.0)
    logits = 8 * np.eye(2, dtype=np.float32)[shown.separability.predicted]
    found = shown.reconcile(base, logits, given, ("3", "5"))
    assert found.regime == "class-dependent"
    assert found.rate_low <= (given != true).mean() <= found.rate_high
    assert found.matrix[0, 1] > 0.2 > 0.1 > found.matrix[1, 0]


@pytest.mark.parametrize(
    ("counts", "agree"),
    [
        ([[70, 30], [2, 98]], True),
        ([[80, 20], [25, 75]], False),
        ([[0, 0], [0, 40]], False),
        ([[70, 29, 1], [1, 70, 29], [29, 1, 70]], True),
        ([[70, 15, 15], [14, 70, 16], [17, 13, 70]], False),
    ],
)
def test_wrong_labels_of_a_class_agree_or_do_not(counts: list, agree: bool) -> None:
    assert wrong_labels_agree(np.array(counts)) == agree
