"""Which taught symbol a drawing shows, by its likeness to a few examples of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST_LIKE = 0.5  # likeness below which nothing is recognised
SLACK = 0.15  # how much further from the examples than they are from one another a drawing may be
WITHOUT_GALLERY = 0.8  # likeness needed where a model has no gallery to compare with
# A drawing must be more like its symbol than like the next by as much as it falls short of SURE. Of
# 160 times five symbols of Balinese and katakana, taught by three people each to glyph-embedding
# before it was trained on these alphabets, 20% of a fourth person's drawings are rejected and 21% of
# their drawings of other characters accepted; without it 12% and 38%. (n = 800 each)
SURE = 0.8
ONE_EXAMPLE = 0.8  # what a symbol with a single example asks for


class Match(NamedTuple):
    """A symbol that a drawing was recognised as. likeness: to its nearest examples (-1..1); asked:
    what was needed.
    """

    name: str
    likeness: float
    least: float


class Bank(NamedTuple):
    """Every example through one model: names (n,) and likeness vectors (n, D + 196) float32."""

    names: np.ndarray
    vectors: np.ndarray


class Measured(NamedTuple):
    """Leave-one-out: each example judged by the others. right of n; rows: (symbol, right, n);
    accuracy None if nothing could be judged.
    """

    right: int
    n: int
    rows: tuple[tuple[str, int, int], ...]

    @property
    def accuracy(self) -> float | None:
        return self.right / self.n if self.n else None


def decide(bank: Bank, vector: np.ndarray, known: float = -1.0) -> Match | None:
    """The symbol of `bank` that a likeness vector shows: the one whose examples are most like it,
    if they are enough so.
    """
    match = nearest_symbol(bank, vector) if len(bank.names) else None
    if match is None or match.likeness < match.least or match.likeness <= known:
        return None
    return match


def nearest_symbol(bank: Bank, vector: np.ndarray) -> Match:
    """The symbol whose examples are most like a likeness vector, whether they are enough so or not.
    The bank is not empty.
    """
    similarity = bank.vectors @ vector
    likeness = {
        str(name): of_nearest_two(similarity[bank.names == name]) for name in np.unique(bank.names)
    }
    best, *others = sorted(likeness, key=likeness.__getitem__, reverse=True)
    least = least_likeness(bank.vectors[bank.names == best])
    if others:  # likeness - (likeness of the next) ≥ SURE - likeness
        least = max(least, (SURE + likeness[others[0]]) / 2)
    return Match(best, likeness[best], least)


def least_likeness(vectors: np.ndarray) -> float:
    """The likeness that a symbol with these examples (n, D + 196) asks for: nearly as much as they
    have among themselves.
    """
    if len(vectors) < 2:
        return ONE_EXAMPLE
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    among = float(
        np.median([of_nearest_two(np.delete(row, place)) for place, row in enumerate(similarity)])
    )
    return max(LEAST_LIKE, among - SLACK)


def of_nearest_two(similarity: np.ndarray) -> float:
    """Mean of the two highest of a symbol's similarities (n,), -1..1, or the only one: one odd drawing
    must not decide alone.
    """
    return float(np.sort(similarity)[-2:].mean())
