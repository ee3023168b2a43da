""" "None of these": what is taught and asked in an episode, and the rate at which both mistakes are
equally frequent.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine.recognition.few_shot import Bank, nearest_symbol
from engine.recognition.open_set import EXAMPLES, SYMBOLS, draw_episodes, equal_error, measure

ALPHABETS = np.repeat(["A", "B"], 12 * 5)
CHARACTERS = np.repeat(np.arange(24), 5)
DRAWERS = np.tile([f"{number:02d}" for number in range(5)], 24)


def test_who_asks_did_not_teach_and_foreign_characters_are_of_the_same_alphabet():
    episodes = list(draw_episodes(ALPHABETS, CHARACTERS, DRAWERS, 4))
    assert len(episodes) == 8
    for one in episodes:
        taught = set(CHARACTERS[one.taught])
        assert len(taught) == SYMBOLS and len(one.taught) == SYMBOLS * EXAMPLES
        assert one.names.tolist() == [str(number) for number in CHARACTERS[one.taught]]
        assert set(CHARACTERS[one.own]) == taught and not taught & set(CHARACTERS[one.foreign])
        asker = set(DRAWERS[one.own]) | set(DRAWERS[one.foreign])
        assert len(asker) == 1 and not asker & set(DRAWERS[one.taught])
        assert len(set(ALPHABETS[np.concatenate([one.taught, one.own, one.foreign])])) == 1


def test_a_perfect_embedding_makes_no_mistake_and_a_blind_one_guesses():
    episodes = list(draw_episodes(ALPHABETS, CHARACTERS, DRAWERS, 20))

    def surely(bank: Bank, vector: np.ndarray) -> tuple[str, float]:
        match = nearest_symbol(bank, vector)
        return match.name, match.likeness

    perfect = measure(episodes, CHARACTERS, np.eye(24)[CHARACTERS], surely)
    assert perfect.equal_error == 0 and perfect.right == 1
    blind = np.random.default_rng(0).normal(size=(len(CHARACTERS), 30))
    blind /= np.linalg.norm(blind, axis=1, keepdims=True)
    found = measure(episodes, CHARACTERS, blind, surely)
    assert 0.35 < found.equal_error < 0.65 and 0.1 < found.right < 0.35  # by chance 0.5 and 0.2


def test_the_equal_error_is_where_both_rates_meet():
    rng = np.random.default_rng(3)
    own, foreign = rng.normal(1, 1, 400), rng.normal(-1, 1, 300)
    error, threshold = equal_error(own, foreign)
    assert error == pytest.approx(0.159, abs=0.03)  # of two normal distributions two apart
    rejected, accepted = (own < threshold).mean(), (foreign >= threshold).mean()
    assert abs(rejected - accepted) < 0.01 and error == pytest.approx((rejected + accepted) / 2)
