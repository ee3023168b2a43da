"""The whole pipeline, on real digits and with as little training as shows that it works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from noisy_labels import result_of
from torch.nn import functional as F

from engine.errors import DataError
from engine.lab import Lab
from engine.noise.config import CONFIG, Effort
from engine.noise.cross_validation import CrossValidation
from engine.noise.hypotheses import COMPLEMENTARY, SYMMETRIC
from engine.noise.inject import add_noise
from engine.noise.network import noisy_data
from engine.noise.pipeline import PipelineResult, _with_copies, run_pipeline
from engine.noise.targets import SoftTargets, TargetLoss
from engine.noise.transition import uniform_transition
from engine.recipes.fields import DataSpec
from engine.training.noisy_losses import forward


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    """At 16 pixels networks train three times as fast as at 28."""
    return Lab(tmp_path_factory.mktemp("lab")).dataset(DataSpec(name="digits", size=16))


@pytest.fixture(scope="module")
def four(digits):
    """480 digits of four classes with complementary labels, which carry 0.29 nats each, and the true
    classes: enough to learn from in a few seconds.
    """
    chosen = np.flatnonzero(digits.labels < 4)[:480]
    true = np.asarray(digits.labels)[chosen]
    data = replace(
        digits,
        images=np.asarray(digits.images)[chosen],
        labels=add_noise(true, 4, "complementary", 1.0, 0),
        classes=digits.classes[:4],
        splits={},
        files=[digits.files[i] for i in chosen],
    )
    return data, true


def little(teacher: int, student: int = 0, ensemble: int = 0, size: int = 0) -> Effort:
    """An effort that trains on so many images."""
    return Effort(teacher, student, ensemble, size, "little", 16)


def diagnosed(data, **changes) -> tuple[PipelineResult, list[tuple[int, int, str]]]:
    """The result under a changed configuration, and the progress that was reported."""
    reported: list[tuple[int, int, str]] = []
    found = run_pipeline(
        data,
        progress=lambda done, total, what: reported.append((done, total, what)),
        config=replace(
            CONFIG,
            tta_copies=1,
            folds_by_size=((5_000, 2),),
            descriptor_network_epochs=14,
            **changes,
        ),
    )
    return found, reported


def test_complementary_labels_are_recognised_and_an_ensemble_predicts_the_classes(four) -> None:
    data, true = four
    found, reported = diagnosed(data, efforts={"full": little(2_400, 1_500, 1_500, 2)})
    assert found.hypothesis == COMPLEMENTARY and found.findings.regime == "complementary"
    alone = (found.log_p.argmax(1) == true).mean()
    assert alone > 0.5 and (found.suspects.likely == true).mean() > min(alone + 0.02, 0.97)
    confidence = found.suspects.confidence
    assert confidence.shape == (len(true),)
    assert 0.25 <= confidence.min() <= confidence.max() <= 1
    steps = {what.partition(";")[0] for _, _, what in reported}
    assert any(step.startswith("ensemble, network 1 of ") for step in steps)
    assert not any(step.startswith("comparing hypotheses") for step in steps)  # descriptors decided
    assert any("so far: complementary labels, " in what for _, _, what in reported)
    ends = [(done, total) for done, total, what in reported if what.startswith("ensemble")]
    assert ends[-1][0] > 0.95 * ends[-1][1] and all(done <= total for done, total in ends)


def test_what_a_part_of_the_images_does_not_show_is_found_by_cross_validation_of_all(four) -> None:
    data, _ = four
    found, reported = diagnosed(
        data,
        efforts={"full": little(3_000, 500, 500, 1)},
        hypothesis_training_images=500,
        descriptor_network_images=100,
        descriptor_network_width=4,
        shape_images=0,
    )
    # Both hypotheses are cross-validated, as descriptors and a part of the images decided for neither.
    assert any(what.startswith("comparing hypotheses") for _, _, what in reported)
    first = [done for done, _, what in reported if what.startswith("cross-validation, fold 1 of 2")]
    assert max(first) - min(first) > 3_000
    assert found.hypothesis == COMPLEMENTARY
    assert any(what.startswith("ensemble") for _, _, what in reported)
    assert reported[-1][0] > 0.99 * reported[-1][1] and all(
        done <= total for done, total, _ in reported
    )
    crossing = [
        done / total for done, total, what in reported if what.startswith("cross-validation")
    ]
    assert crossing == sorted(crossing) and crossing[-1] > 0.95


@pytest.mark.parametrize(
    ("classes", "hypothesis", "epochs"),
    [(10, COMPLEMENTARY, 4), (62, COMPLEMENTARY, 25), (62, SYMMETRIC, 4)],
)
def test_teachers_see_complementary_labels_of_many_classes_more_often(
    digits, classes, hypothesis, epochs
) -> None:
    data = replace(noisy_data(digits, device="cpu"), classes=classes)
    index = np.arange(len(digits))
    trained = len(index) * 3 // 4
    work = CrossValidation(data, index, little(4 * trained), 0, lambda *_: None)
    assert work.teacher_epochs(hypothesis) == epochs


def test_the_loss_of_soft_targets_adds_that_of_given_labels_by_its_weight(digits) -> None:
    given = add_noise(digits.labels, 10, "complementary", 1.0, 0)
    rng = np.random.default_rng(0)
    targets = rng.dirichlet(np.ones(10), len(digits)).astype(np.float32)
    labelled = np.arange(len(digits)) % 3 == 0
    matrix = uniform_transition(10, 0.0)
    logits, index = torch.from_numpy(rng.normal(size=(64, 10)).astype(np.float32)), torch.arange(64)

    def loss(how: SoftTargets) -> torch.Tensor:
        return TargetLoss(how, given, torch.device("cpu"), 1)(logits, index)

    soft = -(torch.from_numpy(targets[:64]) * F.log_softmax(logits, 1)).sum(1).mean()
    on_labels = forward(
        logits[labelled[:64]],
        torch.from_numpy(given[:64][labelled[:64]]),
        transition=torch.as_tensor(matrix, dtype=torch.float32),
    )
    share = float(labelled[:64].mean())
    for weight in (CONFIG.label_weight, 2.5):
        torch.testing.assert_close(
            loss(SoftTargets(targets, matrix, labelled, weight)), soft + weight * share * on_labels
        )
    torch.testing.assert_close(
        loss(SoftTargets(targets, matrix, np.zeros(len(digits), bool))), soft
    )
    torch.testing.assert_close(loss(SoftTargets(targets)), soft)


def test_copies_are_judged_by_the_configuration_of_the_run() -> None:
    """Of 400 images one occurs twice, with two labels: one of 401 is wrong."""
    true = np.random.default_rng(0).integers(0, 10, 400)
    once, place = np.arange(400), np.append(np.arange(400), 0)
    same = place.copy()
    given = true.copy()
    given[399] = (true[0] + 1) % 10
    same[399] = 0
    found = result_of(true, true, 10)
    assert found.findings.regime == "clean"
    found = replace(found, given=given)
    regimes = {
        rate: _with_copies(
            found, np.arange(401), once, place, same, replace(CONFIG, clean_rate=rate)
        ).findings.regime
        for rate in (CONFIG.clean_rate, 0.5)
    }
    assert regimes == {CONFIG.clean_rate: "few errors", 0.5: "clean"}


def test_too_few_labels_and_an_unknown_effort_are_errors(digits) -> None:
    few = np.where(np.arange(len(digits)) < 40, digits.labels, -1)
    with pytest.raises(DataError, match="too small to find label noise in"):
        run_pipeline(digits.with_labels(few, "few"))
    with pytest.raises(DataError, match="did you mean 'quick'"):
        run_pipeline(digits, effort="quik")
