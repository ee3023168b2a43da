"""The examination itself, on real digits and with as little training as shows that it works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine.lab import Lab
from engine.noise import network, pipeline
from engine.noise.hypotheses import EXCLUDES, NAMES, better
from engine.noise.inject import add_noise
from engine.noise.network import Soft, admit
from engine.noise.pipeline import Effort, examine
from engine.noise.transition import even
from engine.training.noisy_losses import forward


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


def test_complementary_labels_are_recognised_and_read_by_a_committee(
    digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pipeline.EFFORTS, "full", Effort(8_000, 4_000, 8_000, 2, "little"))
    monkeypatch.setattr(pipeline, "READING_VIEWS", 10_000)
    true = digits.labels
    given = add_noise(true, 10, "complementary", 1.0, 0)
    told = []
    found = examine(
        digits.with_labels(given, "spoiled"),
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    assert found.reading == EXCLUDES and found.findings.regime == "complementary"
    alone = (found.log_p.argmax(1) == true).mean()
    assert alone > 0.3 and (found.suspects.likely == true).mean() > alone + 0.05
    assert (
        found.suspects.sure.shape == (len(digits),)
        and 0.1 <= found.suspects.sure.min() <= found.suspects.sure.max() <= 1
    )
    assert {what for _, _, what in told} >= {
        "committee, network 1 of 2",
        "committee, network 2 of 2",
    }
    ends = [(done, total) for done, total, what in told if what.startswith("committee")]
    assert ends[-1][0] > 0.99 * ends[-1][1] and all(done <= total for done, total in ends)


def test_what_a_first_look_does_not_show_is_found_by_cross_validation_and_examined_as_well(
    digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pipeline.EFFORTS, "full", Effort(10_000, 4_000, 8_000, 1, "little"))
    monkeypatch.setattr(pipeline, "READING_VIEWS", 1_000)
    looks = []
    monkeypatch.setattr(
        pipeline, "better", lambda readings: looks.append(better(readings)) or looks[-1]
    )
    given = add_noise(digits.labels, 10, "complementary", 1.0, 0)
    told = []
    found = examine(
        digits.with_labels(given, "spoiled"),
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    assert [None if look is None else look.name for look in looks] == [None, EXCLUDES]
    assert found.reading == EXCLUDES and found.suspects.sure is not None
    assert told[-1][0] > 0.99 * told[-1][1] and all(done <= total for done, total, _ in told)
    crossing = [done / total for done, total, what in told if what.startswith("cross-validation")]
    assert (
        crossing == sorted(crossing) and crossing[-1] > 0.99
    )  # two readings are counted, and what follows only once it is known


@pytest.mark.parametrize(
    ("classes", "reading", "epochs"), [(10, EXCLUDES, 4), (62, EXCLUDES, 25), (62, NAMES, 4)]
)
def test_labels_that_rule_out_one_of_many_classes_are_gone_through_more_often(
    digits, classes, reading, epochs
) -> None:
    patient = replace(admit(digits, device="cpu"), classes=classes)
    index = np.arange(len(digits))
    kept = len(index) * 4 // 5
    work = pipeline._Work(patient, index, Effort(4 * kept, 0, 0, 0, "little"), 0, lambda *_: None)
    assert work._teacher_epochs(reading) == epochs


def test_beliefs_are_joined_by_the_labels_that_are_heard(digits) -> None:
    patient = admit(digits, add_noise(digits.labels, 10, "complementary", 1.0, 0), "cpu")
    rng = np.random.default_rng(0)
    beliefs = rng.dirichlet(np.ones(10), len(digits)).astype(np.float32)
    heard = np.arange(len(digits)) % 3 == 0
    matrix = even(10, 0.0)
    logits, index = torch.from_numpy(rng.normal(size=(64, 10)).astype(np.float32)), torch.arange(64)
    soft = -(torch.from_numpy(beliefs[:64]) * F.log_softmax(logits, 1)).sum(1).mean()
    judge = network._Judge(Soft(beliefs, matrix, heard), patient, 1)
    given = torch.from_numpy(patient.given[:64][heard[:64]])
    pulled = forward(
        logits[heard[:64]], given, transition=torch.as_tensor(matrix, dtype=torch.float32)
    )
    torch.testing.assert_close(
        judge(logits, index), soft + network.PULL * float(heard[:64].mean()) * pulled
    )
    deaf = network._Judge(Soft(beliefs, matrix, np.zeros(len(digits), bool)), patient, 1)
    torch.testing.assert_close(deaf(logits, index), soft)
    torch.testing.assert_close(network._Judge(Soft(beliefs), patient, 1)(logits, index), soft)
