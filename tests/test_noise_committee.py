"""The committee: what each of its networks is told, and who is heard in the end."""

from __future__ import annotations

import numpy as np
import pytest

from engine.lab import Lab
from engine.noise import committee
from engine.noise.committee import Committee
from engine.noise.inject import add_noise
from engine.noise.learner import admit
from engine.noise.transition import even, log_softmax
from engine.progress import no_progress

DOUBTFUL = 20  # one image in so many


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


@pytest.fixture
def watched(digits, monkeypatch: pytest.MonkeyPatch):
    """A committee that trains for one epoch a network on real digits; what its networks read is made up, what they did is noted."""
    patient = admit(digits, add_noise(digits.labels, 10, "complementary", 1.0, 0), "cpu")
    index = np.arange(len(digits))
    doubtful = index % DOUBTFUL == 0
    belief = np.full((len(index), 10), 0.001, np.float32)
    belief[index, digits.labels] = 0.991
    belief[doubtful] = 0.1
    rng = np.random.default_rng(0)
    said = [np.log(belief)] + [log_softmax(rng.normal(size=belief.shape).astype(np.float32)) for _ in range(4)]
    said[0][doubtful] = log_softmax(rng.normal(size=(doubtful.sum(), 10)).astype(np.float32))
    notes, real, verdicts = [], committee.train, iter(said)

    def train(patient, index, way, epochs, seed, *rest):
        notes.append({"told": way.beliefs.any(1), "heard": way.heard, "epochs": epochs, "seed": seed})
        return real(patient, index, way, 1, seed, *rest)

    monkeypatch.setattr(committee, "train", train)
    monkeypatch.setattr(committee, "ponder", lambda *_: next(verdicts))

    def decide(members: int) -> np.ndarray:
        counted.clear()
        panel = Committee(patient, index, even(10, 0.0), 3, members, 0, lambda n: counted.append(n) or no_progress, no_progress)
        return panel.decide(belief)

    counted: list[int] = []
    return decide, notes, said, doubtful, counted


def test_the_first_is_told_nothing_of_what_is_doubtful_and_each_other_a_part_of_it(watched) -> None:
    decide, notes, said, doubtful, counted = watched
    np.testing.assert_allclose(decide(4), log_softmax(np.mean(said[:4], 0)), rtol=1e-5)
    assert [note["epochs"] for note in notes] == 4 * [3] and counted == 4 * [3 * len(doubtful)]
    assert len({note["seed"] for note in notes}) == 4 and all(note["heard"].all() for note in notes)
    told = np.array([note["told"] for note in notes])
    np.testing.assert_array_equal(told[0], ~doubtful)
    assert told[:, ~doubtful].all()
    np.testing.assert_array_equal(told[1:, doubtful].sum(0), 1)  # by one of them each
    assert (abs(told[1:, doubtful].mean(1) - 1 / 3) < 0.2).all()


def test_a_committee_of_one_says_what_its_network_says(watched) -> None:
    decide, notes, said, _, _ = watched
    np.testing.assert_allclose(decide(1), log_softmax(said[0]), rtol=1e-5)
    assert len(notes) == 1
