"""The ensemble: the targets of each of its networks, and how their predictions are combined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.lab import Lab
from engine.noise.config import CONFIG
from engine.noise.ensemble import Ensemble
from engine.noise.inference import predict_with_tta, predictor
from engine.noise.inject import add_noise
from engine.noise.network import (
    HANDWRITING_STRONG,
    large_network,
    noisy_data,
    small_network,
    train,
)
from engine.noise.targets import SoftTargets
from engine.noise.transition import log_posterior, log_softmax, uniform_transition
from engine.progress import no_progress


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


IMAGES = np.arange(64)


def ensemble(digits, one_uncertain_in: int, size: int, counts: list[int]) -> Ensemble:
    """Networks that train for one epoch on a few real digits; `counts`: the views they announce."""
    given = add_noise(digits.labels, 10, "complementary", 1.0, 0)
    targets = np.full((len(IMAGES), 10), 0.001, np.float32)
    targets[IMAGES, digits.labels[IMAGES]] = 0.991
    targets[IMAGES % one_uncertain_in == 0] = 0.1
    return Ensemble(
        data=noisy_data(digits, given, "cpu"),
        index=IMAGES,
        matrix=uniform_transition(10, 0.0),
        targets=targets,
        epochs=1,
        size=size,
        seed=0,
        counted=lambda n: counts.append(n) or no_progress,
        uncounted=no_progress,
    )


def predicted(of: Ensemble, number: int, network: Callable, epochs: int, targets: np.ndarray):
    """Log-probabilities of a network of the ensemble, trained by itself on all given labels and on
    `targets`.
    """
    everywhere = np.zeros((of.data.count, 10), np.float32)
    everywhere[IMAGES] = targets
    labelled = np.arange(of.data.count) < len(IMAGES)
    soft = SoftTargets(everywhere, of.matrix, labelled, CONFIG.label_weight)
    data = replace(of.data, augment=HANDWRITING_STRONG)
    seed = 11 * number + 5
    model, _ = train(data, IMAGES, soft, epochs, seed, no_progress, "", network)
    return predict_with_tta(of.data, predictor(of.data, model), IMAGES, no_progress, "")


def test_where_targets_are_mostly_certain_small_networks_train_for_longer_without_the_others(
    digits,
) -> None:
    few = ensemble(digits, one_uncertain_in=20, size=3, counts=(counts := []))
    certain = few.targets * (IMAGES % 20 != 0)[:, None]
    alone = [predicted(few, number, small_network, 3, certain) for number in range(2)]
    assert np.abs(alone[0] - alone[1]).max() > 0.1
    np.testing.assert_allclose(few.predict(), log_softmax(np.mean(alone, 0)), atol=1e-4)
    assert few.training_images == sum(counts) == 2 * 3 * len(IMAGES)


def test_where_few_targets_are_certain_large_networks_use_all_and_the_first_ones_posteriors(
    digits,
) -> None:
    many = ensemble(digits, one_uncertain_in=9, size=3, counts=(counts := []))
    first = predicted(many, 0, large_network, 1, many.targets)
    given = many.data.given[IMAGES]
    later = (many.targets + np.exp(log_posterior(first, many.matrix, given))) / 2
    alone = [first, *(predicted(many, number, large_network, 1, later) for number in (1, 2))]
    np.testing.assert_allclose(many.predict(), log_softmax(np.mean(alone, 0)), atol=1e-4)
    assert many.training_images == sum(counts) == 3 * len(IMAGES)


@pytest.mark.parametrize(
    ("one_uncertain_in", "network", "epochs"), [(9, large_network, 1), (20, small_network, 3)]
)
def test_an_ensemble_of_one_predicts_what_its_network_predicts(
    digits, one_uncertain_in: int, network: Callable, epochs: int
) -> None:
    one = ensemble(digits, one_uncertain_in, size=1, counts=(counts := []))
    targets = one.targets * (one.targets.max(1) > 0.5)[:, None] if epochs > 1 else one.targets
    np.testing.assert_allclose(
        one.predict(), log_softmax(predicted(one, 0, network, epochs, targets)), atol=1e-4
    )
    assert one.training_images == sum(counts) == epochs * len(IMAGES)


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
