"""How well "none of these" is told: symbols taught by a few examples, and drawings of others of the same
alphabet between those of the symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.recognition.few_shot import Bank

SYMBOLS, EXAMPLES = 5, 3


class Episode(NamedTuple):
    """What is taught and what is asked, all of one alphabet, places (n,) int64 of images.

    taught    (SYMBOLS · EXAMPLES,) by as many people as examples; names: whose they are
    own       (SYMBOLS,) another person's drawing of each symbol
    foreign   (SYMBOLS,) the same person's drawings of characters that were not taught
    """

    taught: np.ndarray
    names: np.ndarray
    own: np.ndarray
    foreign: np.ndarray


class OpenSet(NamedTuple):
    """equal_error: share 0..1 of symbols rejected and of others accepted at the threshold where both are
    alike; right: share of drawings of symbols whose nearest symbol is the right one.
    """

    equal_error: float
    threshold: float
    right: float


def draw_episodes(
    alphabets: np.ndarray, characters: np.ndarray, drawers: np.ndarray, count: int, seed: int = 0
) -> Iterator[Episode]:
    """`count` episodes of every alphabet. alphabets, drawers: (N,) str; characters: (N,) int64."""
    rng = np.random.default_rng(seed)
    place = {key: i for i, key in enumerate(zip(characters.tolist(), drawers, strict=True))}
    for alphabet in np.unique(alphabets):
        own = alphabets == alphabet
        names, people = np.unique(characters[own]), np.unique(drawers[own])
        if len(names) < 2 * SYMBOLS or len(people) <= EXAMPLES:
            continue
        for _ in range(count):
            chosen = rng.choice(names, 2 * SYMBOLS, replace=False)
            *teachers, asker = rng.choice(people, EXAMPLES + 1, replace=False)
            pairs = [(name, who) for name in chosen[:SYMBOLS] for who in teachers]
            asked = [place.get((int(name), asker)) for name in chosen]
            taught = [place.get((int(name), who)) for name, who in pairs]
            if None not in taught + asked:
                whose = np.array([str(name) for name, _ in pairs])
                own_, foreign = np.array(asked[:SYMBOLS]), np.array(asked[SYMBOLS:])
                yield Episode(np.array(taught), whose, own_, foreign)


def measure(
    episodes: list[Episode],
    characters: np.ndarray,
    vectors: np.ndarray,
    score: Callable[[Bank, np.ndarray], tuple[str, float]],
) -> OpenSet:
    """vectors: (N, D). score: from what was taught and a vector to the nearest symbol and how surely
    it is that one, larger is surer.
    """
    own: list[float] = []
    foreign: list[float] = []
    right = 0
    for one in episodes:
        bank = Bank(one.names, vectors[one.taught])
        for place in one.own:
            name, value = score(bank, vectors[place])
            right += name == str(characters[place])
            own.append(value)
        foreign += [score(bank, vectors[place])[1] for place in one.foreign]
    error, threshold = equal_error(np.array(own), np.array(foreign))
    return OpenSet(error, threshold, right / max(len(own), 1))


def equal_error(own: np.ndarray, foreign: np.ndarray) -> tuple[float, float]:
    """The rate 0..1 at which as many of `own` (n,) lie below a threshold as of `foreign` (m,) at or
    above it, and that threshold.
    """
    thresholds = np.unique(np.concatenate([own, foreign]))
    rejected = np.searchsorted(np.sort(own), thresholds) / len(own)
    accepted = 1 - np.searchsorted(np.sort(foreign), thresholds) / len(foreign)
    at = int(np.abs(rejected - accepted).argmin())
    return float((rejected[at] + accepted[at]) / 2), float(thresholds[at])
