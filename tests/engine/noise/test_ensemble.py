"""The committee: what each of its networks is told, and who is heard in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch

from engine.lab import Lab
from engine.noise import ensemble
from engine.noise.ensemble import Committee
from engine.noise.inject import add_noise
from engine.noise.network import GLANCES, admit, expert, ponder, reader
from engine.noise.transition import even, log_softmax, posterior
from engine.progress import no_progress


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


@pytest.fixture
def watched(digits, monkeypatch: pytest.MonkeyPatch):
    """A committee that trains for one epoch a network on real digits; what its networks read is
    made up, what they did is noted.
    """
    patient = admit(digits, add_noise(digits.labels, 10, "complementary", 1.0, 0), "cpu")
    index = np.arange(len(digits))
    rng = np.random.default_rng(0)
    said = [log_softmax(rng.normal(size=(len(index), 10)).astype(np.float32)) for _ in range(4)]
    notes, real, verdicts, counted = [], ensemble.train, iter(said), []

    def train(patient, index, way, epochs, seed, tell, what, network):
        notes.append(Note(way.beliefs[index], way.heard, epochs, seed, what, network))
        return real(patient, index, way, 1, seed, tell, what, network)

    monkeypatch.setattr(ensemble, "train", train)
    monkeypatch.setattr(ensemble, "ponder", lambda *_: next(verdicts))

    def panel(one_doubtful_in: int, members: int) -> Committee:
        belief = np.full((len(index), 10), 0.001, np.float32)
        belief[index, digits.labels] = 0.991
        belief[index % one_doubtful_in == 0] = 0.1
        return Committee(
            patient,
            index,
            even(10, 0.0),
            belief,
            3,
            members,
            0,
            lambda n: counted.append(n) or no_progress,
            no_progress,
        )

    return panel, notes, said, counted


class Note(NamedTuple):
    told: np.ndarray
    heard: np.ndarray
    epochs: int
    seed: int
    what: str
    network: Callable


def test_where_little_is_in_doubt_small_networks_are_not_told_of_it_and_train_for_longer(
    watched,
) -> None:
    panel, notes, said, counted = watched
    few = panel(one_doubtful_in=20, members=3)
    np.testing.assert_allclose(few.decide(), log_softmax(np.mean(said[:2], 0)), rtol=1e-5)
    assert [note.what for note in notes] == [
        "committee, network 1 of 2",
        "committee, network 2 of 2",
    ]
    assert (
        all(note.network is reader and note.epochs == 9 and note.heard.all() for note in notes)
        and notes[0].seed != notes[1].seed
    )
    doubtful = np.arange(len(few.belief)) % 20 == 0
    for note in notes:
        np.testing.assert_array_equal(note.told[~doubtful], few.belief[~doubtful])
        assert not note.told[doubtful].any()
    assert few.views == sum(counted) == 2 * 9 * len(doubtful)


def test_where_much_is_in_doubt_large_networks_are_told_all_of_it_and_what_the_first_makes_of_it(
    watched,
) -> None:
    panel, notes, said, counted = watched
    many = panel(one_doubtful_in=9, members=3)
    np.testing.assert_allclose(many.decide(), log_softmax(np.mean(said[:3], 0)), rtol=1e-5)
    assert len({note.seed for note in notes}) == 3
    assert all(note.network is expert and note.epochs == 3 and note.heard.all() for note in notes)
    np.testing.assert_array_equal(notes[0].told, many.belief)
    first = np.exp(posterior(said[0], many.matrix, many.patient.given))
    for note in notes[1:]:
        np.testing.assert_allclose(note.told, (many.belief + first) / 2, rtol=1e-5)
    assert many.views == sum(counted) == 3 * 3 * len(many.belief)


@pytest.mark.parametrize("one_doubtful_in", [9, 20])
def test_a_committee_of_one_says_what_its_network_says(watched, one_doubtful_in: int) -> None:
    panel, notes, said, _ = watched
    np.testing.assert_allclose(
        panel(one_doubtful_in, members=1).decide(), log_softmax(said[0]), rtol=1e-5
    )
    assert len(notes) == 1


def test_only_images_that_leave_a_doubt_are_looked_at_again(digits) -> None:
    index = np.arange(600)
    ink = torch.from_numpy(np.asarray(digits.images[index])).float().mean((1, 2, 3))
    threshold = float(ink.median())
    seen = []

    def say(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        clear = images.float().mean((1, 2, 3)) > threshold
        p = torch.full((len(images), 10), 1e-5)
        p[:, 3], p[:, 4] = torch.where(clear, 0.9999, 0.9), torch.where(clear, 1e-5, 0.1)
        return p.log()

    answer = ponder(admit(digits, device="cpu"), say, index, no_progress, "looking")
    clear = (ink > threshold).numpy()
    assert seen[0] + seen[GLANCES + 1] == len(index)
    assert sum(seen) == len(index) + GLANCES * (~clear).sum()
    np.testing.assert_allclose(np.exp(answer[clear, 3]), 0.9999, rtol=1e-4)
    assert (answer[~clear, 3] < answer[clear, 3].min()).all() and np.isfinite(answer).all()
