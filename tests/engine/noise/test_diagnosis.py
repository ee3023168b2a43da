"""The diagnosis, on simulated predictions: every regime, its rate and its T."""

import dataclasses

import numpy as np
import pytest
from noisy_labels import hypotheses_of, simulated_logits

from engine.noise.diagnosis import estimate_noise
from engine.noise.findings import REGIMES, as_wide_as_counted
from engine.noise.hypotheses import CLASS_DEPENDENT, COMPLEMENTARY, SYMMETRIC, select_hypothesis
from engine.noise.inject import add_noise, true_transition
from engine.noise.report import evidence, share, summary, unknowable
from engine.noise.transition import log_softmax

N, K = 3000, 10
TRUE = np.random.default_rng(0).integers(0, K, N)
LOGITS = simulated_logits(TRUE, K)
CLASSES = tuple("0123456789")


def found(given, logits=LOGITS):
    hypotheses = hypotheses_of(logits, given)
    best = select_hypothesis(hypotheses)
    return estimate_noise(logits, given, best), hypotheses, best


@pytest.mark.parametrize(
    ("noise", "rate", "regime", "hypothesis"),
    [
        ("clean", 0.0, "clean", SYMMETRIC),
        ("rare", 0.005, "few errors", SYMMETRIC),
        ("rare", 0.01, "few errors", SYMMETRIC),
        ("rare", 0.05, "few errors", SYMMETRIC),
        ("symmetric", 0.2, "symmetric", SYMMETRIC),
        ("symmetric", 0.5, "symmetric", SYMMETRIC),
        ("symmetric", 0.8, "symmetric", SYMMETRIC),
        ("pairs", 0.4, "class-dependent", CLASS_DEPENDENT),
        ("pairs", 0.2, "class-dependent", CLASS_DEPENDENT),
        ("complementary", 1.0, "complementary", COMPLEMENTARY),
        ("complementary", 0.99, "complementary", COMPLEMENTARY),
    ],
)
def test_every_regime_is_named_with_its_rate_and_its_matrix(noise, rate, regime, hypothesis):
    given = add_noise(TRUE, K, noise, rate, 1)
    findings, hypotheses, best = found(given)
    really = (given != TRUE).mean()
    assert (findings.regime, best.name) == (regime, hypothesis)
    assert findings.rate_low - 1e-9 <= findings.rate <= findings.rate_high + 1e-9
    assert (
        findings.rate_low - 0.004 <= really <= findings.rate_high + 0.004
        and findings.rate_high - findings.rate_low < 0.08
    )
    assert np.abs(findings.matrix - true_transition(TRUE, given, K)).max() < 0.05
    assert findings.matrix.sum(1) == pytest.approx(np.ones(K))


def test_labels_independent_of_the_images_are_found_to_be_so():
    given = add_noise(TRUE, K, "independent", 1.0, 1)
    findings, hypotheses, best = found(given)
    assert best is None and findings.regime == "independent"
    assert findings.rate == pytest.approx(0.9, abs=0.01) and findings.rate_high == 1
    assert "were drawn at random" in summary(findings, N, CLASSES)
    sentences = unknowable(findings, N, CLASSES)
    assert any("90%" in sentence for sentence in sentences) and any(
        f"{N * np.log(K / (K - 1)):,.0f} in all" in sentence for sentence in sentences
    )


def test_labels_too_few_to_show_that_they_are_complementary_are_not_called_independent():
    """Of 62 classes 3,000 labels that exclude one each say less than the names of 62 groups do."""
    rng, classes = np.random.default_rng(0), 62
    given, logits = rng.integers(0, classes, N), rng.normal(size=(N, classes)).astype(np.float32)
    findings = estimate_noise(logits, given, None)
    assert findings.regime == "undecided" and findings.rate_high == 1
    text = summary(findings, N, tuple(str(number) for number in range(classes)))
    assert "too few to show" in text and "any other class" not in text
    for times, regime in ((5, "undecided"), (26, "independent")):  # networks find a part of it only
        more = estimate_noise(np.tile(logits, (times, 1)), np.tile(given, times), None)
        assert more.regime == regime


def test_complementary_labels_that_a_network_often_errs_on_may_all_exclude_the_class():
    """One that is right of one image in eight agrees by chance with labels of which none is right."""
    rng, classes, n = np.random.default_rng(0), 26, 8_000
    true = rng.integers(0, classes, n)
    given = add_noise(true, classes, "complementary", 1.0, 1)
    said = np.where(rng.random(n) < 0.125, true, rng.integers(0, classes, n))
    logits = 3 * np.eye(classes)[said] + rng.normal(scale=0.5, size=(n, classes))
    best = found(add_noise(TRUE, K, "complementary", 1.0, 1))[2]
    counted = estimate_noise(logits.astype(np.float32), given, best)
    assert counted.regime == "complementary" and counted.rate < 0.99 and counted.rate_high == 1


def test_classes_that_look_alike_are_ambiguous_and_not_noise():
    true = TRUE.copy()
    logits = LOGITS.copy()
    alike = np.isin(true, (0, 1))
    lean = np.random.default_rng(5).normal(0, 1.5, alike.sum())
    true[alike] = np.where(
        np.random.default_rng(6).random(alike.sum()) < 1 / (1 + np.exp(-lean)), 0, 1
    )
    logits[alike] -= 8
    logits[alike, 0], logits[alike, 1] = 4 + lean / 2, 4 - lean / 2
    findings, _, best = found(true, logits)
    assert best.name == SYMMETRIC and findings.regime == "clean"
    assert {(a, b) for a, b, _ in findings.ambiguous} == {(0, 1), (1, 0)}
    assert findings.matrix[0, 1] < 0.02
    text = " ".join(unknowable(findings, N, CLASSES))
    assert "0 and 1" in text and "1 and 0" not in text


@pytest.mark.parametrize(("rate", "regime"), [(0.0, "clean"), (0.004, "few errors")])
def test_errors_are_told_from_uncertain_predictions(rate, regime):
    """Networks that are uncertain between ambiguous classes, as EMNIST's are, for every second
    image: 15% of their probability is on another class.
    """
    rng = np.random.default_rng(7)
    true = rng.integers(0, K, 12_000)
    logits = simulated_logits(true, K)
    alike = true < 6
    lean = rng.normal(0, 1.8, alike.sum())
    first = true[alike] // 2 * 2
    true[alike] = first + (rng.random(len(lean)) > 1 / (1 + np.exp(-lean)))
    logits[alike] -= 8
    logits[alike, first], logits[alike, first + 1] = 4 + lean / 2, 4 - lean / 2
    uncertainty = 1 - np.exp(log_softmax(logits)).max(1).mean()
    findings, _, best = found(add_noise(true, K, "rare", rate, 1), logits)
    assert 0.12 < uncertainty < 0.18
    assert (best.name, findings.regime) == (SYMMETRIC, regime)
    assert findings.rate == pytest.approx(rate, abs=0.0015)


def test_noise_in_a_few_classes_only_is_found_in_those():
    given = TRUE.copy()
    rng = np.random.default_rng(3)
    for a, b in ((7, 1), (3, 8)):
        given[(TRUE == a) & (rng.random(N) < 0.4)] = b
    findings, _, best = found(given)
    assert findings.regime == "class-dependent"
    assert findings.matrix[7, 1] == pytest.approx(0.4, abs=0.06) and findings.matrix[
        3, 8
    ] == pytest.approx(0.4, abs=0.06)
    assert findings.matrix[0, 0] > 0.98


def test_sixty_two_uneven_classes_do_not_confuse_it():
    k = 62
    rng = np.random.default_rng(4)
    true = rng.choice(k, 6000, p=rng.dirichlet(np.full(k, 3.0)))
    logits = simulated_logits(true, k)
    for noise, rate, regime in (
        ("clean", 0, "clean"),
        ("symmetric", 0.5, "symmetric"),
        ("pairs", 0.4, "class-dependent"),
    ):
        given = add_noise(true, k, noise, rate, 1)
        findings, _, _ = found(given, logits)
        assert findings.regime == regime
        assert findings.rate == pytest.approx((given != true).mean(), abs=0.03)


@pytest.mark.parametrize(
    "noise", ["clean", "rare", "symmetric", "pairs", "complementary", "independent"]
)
def test_a_diagnosis_reads_as_sentences(noise):
    findings, hypotheses, _ = found(
        add_noise(
            TRUE,
            K,
            noise,
            {"clean": 0, "rare": 0.02, "symmetric": 0.5, "pairs": 0.4}.get(noise, 1.0),
            1,
        )
    )
    sentences = [
        summary(findings, N, CLASSES),
        *evidence(findings, hypotheses, CLASSES),
        *unknowable(findings, N, CLASSES),
    ]
    assert findings.regime in REGIMES and len(sentences) >= 4
    for sentence in sentences:
        assert sentence.endswith(".") and "nan" not in sentence and "  " not in sentence


@pytest.mark.parametrize(
    ("noise", "which"), [("clean", "the first"), ("complementary", "the second")]
)
def test_of_two_hypotheses_that_gain_it_is_said_which_the_larger_gain_is_of(noise, which):
    """A wrong one gains too: on clean labels that each names another class than the image's."""
    findings, hypotheses, _ = found(add_noise(TRUE, K, noise, float(noise != "clean"), 1))
    both = {
        name: dataclasses.replace(hypothesis, gain=max(hypothesis.gain, 0.01), significant=True)
        for name, hypothesis in hypotheses.items()
    }
    [said] = [one for one in evidence(findings, both, CLASSES) if "larger gain decides" in one]
    assert f"which is that of {which}." in said and "does not speak for it" in said
    alone = {name: dataclasses.replace(one, significant=False) for name, one in both.items()}
    assert not any("larger gain" in one for one in evidence(findings, alone, CLASSES))


def test_shares_keep_what_tells_them_from_none_and_all():
    assert [share(x) for x in (0, 1, 0.999, 0.00031, 0.5, 0.051, 0.00002)] == [
        "0%",
        "100%",
        "99.90%",
        "0.03%",
        "50%",
        "5.1%",
        "0.002%",
    ]


@pytest.mark.parametrize("n", [50, 400, 1500, 60_000])
def test_of_no_wrong_label_the_interval_is_that_of_a_count(n):
    """The likelihood's ends at 1.92 / n, where a share of 2 / n leaves none in 14% of samples."""
    findings, _, _ = found(TRUE)
    clean = dataclasses.replace(findings, rate=0.0, rate_low=0.0, rate_high=1.92 / n)
    counted = as_wide_as_counted(clean, n)
    assert counted.rate_low == 0 and counted.regime == clean.regime
    assert (1 - counted.rate_high) ** n < 0.025  # a higher share would have shown one
    all_wrong = dataclasses.replace(findings, rate=1.0, rate_low=1 - 1.92 / n, rate_high=1.0)
    assert as_wide_as_counted(all_wrong, n).rate_low == pytest.approx(1 - counted.rate_high)
    wide = dataclasses.replace(findings, rate=0.5, rate_low=0.2, rate_high=0.9)
    assert as_wide_as_counted(wide, n) == wide
