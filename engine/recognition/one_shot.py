"""Within-alphabet one-shot classification (Lake, Salakhutdinov, Tenenbaum 2015): how well an embedding
tells characters apart of which it has been shown one drawing each.

A run takes 20 characters of one alphabet and two people who drew them: each of one person's 20
drawings is named by the nearest of the other's, 20 trials each way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

WAY = 20


class Run(NamedTuple):
    """The images of one run: two people's drawings of the same characters, places (WAY,) int64."""

    alphabet: str
    first: np.ndarray
    second: np.ndarray


def draw_runs(
    alphabets: np.ndarray, characters: np.ndarray, drawers: np.ndarray, runs: int, seed: int = 0
) -> Iterator[Run]:
    """`runs` runs of every alphabet that has WAY characters; of each its own draw.

    alphabets, drawers: (N,) str; characters: (N,) int64. Of one person's several drawings of a
    character the last is taken.
    """
    rng = np.random.default_rng(seed)
    for alphabet in np.unique(alphabets):
        own = np.flatnonzero(alphabets == alphabet)
        names, people = np.unique(characters[own]), np.unique(drawers[own])
        if len(names) < WAY or len(people) < 2:
            continue
        place = np.full((len(people), len(names)), -1)
        place[np.searchsorted(people, drawers[own]), np.searchsorted(names, characters[own])] = own
        for _ in range(runs):
            pair = place[rng.choice(len(people), 2, replace=False)]
            both = np.flatnonzero((pair >= 0).all(0))
            if len(both) >= WAY:
                first, second = pair[:, rng.choice(both, WAY, replace=False)]
                yield Run(str(alphabet), first, second)


def errors_of(runs: list[Run], embeddings: np.ndarray) -> np.ndarray:
    """Share of wrong trials 0..1 of each run (R,), both ways. embeddings: (N, D), L2-normalised."""
    out = []
    for run in runs:
        likeness = embeddings[run.first] @ embeddings[run.second].T  # (WAY, WAY)
        right = np.arange(len(likeness))
        wrong = (likeness.argmax(0) != right).sum() + (likeness.argmax(1) != right).sum()
        out.append(wrong / (2 * len(right)))
    return np.array(out)


def interval(errors: np.ndarray, alphabets: list[str], draws: int = 2000) -> tuple[float, float]:
    """95% interval of the mean over alphabets of the error, by bootstrap of the runs within each:
    for these alphabets; of others it says nothing.
    """
    rng = np.random.default_rng(0)
    names = np.array(alphabets)
    means = np.mean(
        [
            rng.choice(errors[names == name], (draws, (names == name).sum())).mean(1)
            for name in np.unique(names)
        ],
        axis=0,
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
