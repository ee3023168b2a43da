"""The one-shot protocol: who is compared with whom, and how a run is scored."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recognition.one_shot import WAY, draw_runs, errors_of, interval


@pytest.fixture(scope="module")
def omniglot():
    """Two alphabets of 25 characters and one of 10, by four people: arrays (N,)."""
    rows = [
        (alphabet, 100 * number + character, f"{drawer:02d}")
        for number, (alphabet, count) in enumerate((("A", 25), ("B", 25), ("small", 10)))
        for character in range(count)
        for drawer in range(4)
    ]
    alphabets, characters, drawers = map(np.array, zip(*rows, strict=True))
    return alphabets, characters, drawers


def test_a_run_is_two_people_and_the_same_characters_of_one_alphabet(omniglot):
    alphabets, characters, drawers = omniglot
    runs = list(draw_runs(*omniglot, runs=5))
    assert [run.alphabet for run in runs] == ["A"] * 5 + ["B"] * 5  # ten characters are too few
    for run in runs:
        assert (characters[run.first] == characters[run.second]).all()
        assert len(set(characters[run.first])) == WAY and set(alphabets[run.first]) == {
            run.alphabet
        }
        first, second = set(drawers[run.first]), set(drawers[run.second])
        assert len(first) == len(second) == 1 and first != second
    assert not np.array_equal(runs[0].first, runs[1].first)


def test_an_embedding_of_the_character_makes_no_mistake_and_one_of_the_person_all(omniglot):
    _, characters, drawers = omniglot
    runs = list(draw_runs(*omniglot, runs=5))
    by_character = np.eye(400)[characters]
    assert (errors_of(runs, by_character) == 0).all()
    # Moved on by one: every drawing is most like another character.
    swapped = np.eye(400)[characters]
    for run in runs[:1]:
        swapped[run.second] = np.eye(400)[np.roll(characters[run.second], 1)]
        assert errors_of([run], swapped) == [1.0]
    half = by_character.copy()
    half[runs[0].second[0]] = by_character[runs[0].first[1]]  # one of 20 looks like another
    assert errors_of(runs[:1], half) == pytest.approx([2 / 40])


def test_the_interval_holds_the_mean_of_the_alphabets():
    rng = np.random.default_rng(0)
    errors = np.concatenate([rng.uniform(0, 0.1, 200), rng.uniform(0.1, 0.2, 50)])
    low, high = interval(errors, ["A"] * 200 + ["B"] * 50)
    assert low < 0.1 < high and high - low < 0.02
