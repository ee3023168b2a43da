"""The ensemble: the targets of each of its networks, and how their predictions are combined."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch

from engine.lab import Lab
from engine.noise import ensemble
from engine.noise.config import CONFIG
from engine.noise.ensemble import Ensemble
from engine.noise.inference import predict_with_tta
from engine.noise.inject import add_noise
from engine.noise.network import large_network, noisy_data, small_network
from engine.noise.transition import log_softmax, posterior, uniform_transition
from engine.progress import no_progress


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


@pytest.fixture
def watched(digits, monkeypatch: pytest.MonkeyPatch):
    """An ensemble that trains each network for one epoch on real digits; their predictions are
    simulated, and what they were trained on is noted.
    """
    data = noisy_data(digits, add_noise(digits.labels, 10, "complementary", 1.0, 0), "cpu")
    index = np.arange(len(digits))
    rng = np.random.default_rng(0)
    log_ps = [log_softmax(rng.normal(size=(len(index), 10)).astype(np.float32)) for _ in range(4)]
    notes, real, predictions, counted = [], ensemble.train, iter(log_ps), []

    def train(data, index, soft, epochs, seed, tell, what, network):
        notes.append(Note(soft.targets[index], soft.labelled, epochs, seed, what, network))
        return real(data, index, soft, 1, seed, tell, what, network)

    monkeypatch.setattr(ensemble, "train", train)
    monkeypatch.setattr(ensemble, "predict_with_tta", lambda *_: next(predictions))

    def make(one_uncertain_in: int, size: int) -> Ensemble:
        targets = np.full((len(index), 10), 0.001, np.float32)
        targets[index, digits.labels] = 0.991
        targets[index % one_uncertain_in == 0] = 0.1
        return Ensemble(
            data=data,
            index=index,
            matrix=uniform_transition(10, 0.0),
            targets=targets,
            epochs=3,
            size=size,
            seed=0,
            counted=lambda n: counted.append(n) or no_progress,
            uncounted=no_progress,
        )

    return make, notes, log_ps, counted


class Note(NamedTuple):
    targets: np.ndarray
    labelled: np.ndarray
    epochs: int
    seed: int
    what: str
    network: Callable


def test_where_targets_are_mostly_certain_small_networks_train_for_longer_without_the_others(
    watched,
) -> None:
    make, notes, log_ps, counted = watched
    few = make(one_uncertain_in=20, size=3)
    np.testing.assert_allclose(few.predict(), log_softmax(np.mean(log_ps[:2], 0)), rtol=1e-5)
    assert [note.what for note in notes] == [
        "ensemble, network 1 of 2",
        "ensemble, network 2 of 2",
    ]
    for note in notes:
        assert note.network is small_network and note.epochs == 9 and note.labelled.all()
    assert notes[0].seed != notes[1].seed
    uncertain = np.arange(len(few.targets)) % 20 == 0
    for note in notes:
        np.testing.assert_array_equal(note.targets[~uncertain], few.targets[~uncertain])
        assert not note.targets[uncertain].any()
    assert few.views == sum(counted) == 2 * 9 * len(uncertain)


def test_where_few_targets_are_certain_large_networks_use_all_and_the_first_ones_posteriors(
    watched,
) -> None:
    make, notes, log_ps, counted = watched
    many = make(one_uncertain_in=9, size=3)
    np.testing.assert_allclose(many.predict(), log_softmax(np.mean(log_ps[:3], 0)), rtol=1e-5)
    assert len({note.seed for note in notes}) == 3
    for note in notes:
        assert note.network is large_network and note.epochs == 3 and note.labelled.all()
    np.testing.assert_array_equal(notes[0].targets, many.targets)
    first = np.exp(posterior(log_ps[0], many.matrix, many.data.given))
    for note in notes[1:]:
        np.testing.assert_allclose(note.targets, (many.targets + first) / 2, rtol=1e-5)
    assert many.views == sum(counted) == 3 * 3 * len(many.targets)


@pytest.mark.parametrize("one_uncertain_in", [9, 20])
def test_an_ensemble_of_one_predicts_what_its_network_predicts(
    watched, one_uncertain_in: int
) -> None:
    make, notes, log_ps, _ = watched
    np.testing.assert_allclose(
        make(one_uncertain_in, size=1).predict(), log_softmax(log_ps[0]), rtol=1e-5
    )
    assert len(notes) == 1


def test_only_images_with_an_uncertain_prediction_are_augmented(digits) -> None:
    index = np.arange(600)
    ink = torch.from_numpy(np.asarray(digits.images[index])).float().mean((1, 2, 3))
    threshold = float(ink.median())
    batches = []

    def predict(images: torch.Tensor) -> torch.Tensor:
        batches.append(len(images))
        certain = images.float().mean((1, 2, 3)) > threshold
        p = torch.full((len(images), 10), 1e-5)
        p[:, 3], p[:, 4] = torch.where(certain, 0.9999, 0.9), torch.where(certain, 1e-5, 0.1)
        return p.log()

    data = noisy_data(digits, device="cpu")
    log_p = predict_with_tta(data, predict, index, no_progress, "predictions")
    certain = (ink > threshold).numpy()
    assert batches[0] + batches[CONFIG.tta_copies + 1] == len(index)
    assert sum(batches) == len(index) + CONFIG.tta_copies * (~certain).sum()
    np.testing.assert_allclose(np.exp(log_p[certain, 3]), 0.9999, rtol=1e-4)
    assert (log_p[~certain, 3] < log_p[certain, 3].min()).all() and np.isfinite(log_p).all()
