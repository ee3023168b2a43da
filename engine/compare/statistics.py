"""Is a difference real? Tests and summaries on arrays, numpy only.

right (n,) bool: whether an image was read rightly; labels (n,) int in 0..K-1; probabilities (n, K)
in 0..1; rates are fractions in 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.metrics import wilson_interval

# Student's t at 97.5% for 1 to 30 degrees of freedom.
_T = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
    2.120,
    2.110,
    2.101,
    2.093,
    2.086,
    2.080,
    2.074,
    2.069,
    2.064,
    2.060,
    2.056,
    2.052,
    2.048,
    2.045,
    2.042,
)


class McNemar(NamedTuple):
    """Two models on the same images. only_first: read rightly by the first alone; p: of so uneven a
    split if neither were better.
    """

    only_first: int
    only_second: int
    both: int
    neither: int
    p: float


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's test (1947) of `first` (n,) bool against `second` (n,) bool, by the exact binomial
    distribution: only the images on which they disagree say anything.

    Raises ValueError if they are of different lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} images")
    one, two = int((first & ~second).sum()), int((~first & second).sum())
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    return McNemar(one, two, both, neither, _uneven(one, two))


def _uneven(one: int, two: int) -> float:
    """The probability in 0..1 that one + two tosses of a fair coin fall at least as unevenly as
    `one` to `two`, exact to about ten digits however many there are.
    """
    n, less = one + two, min(one, two)
    # The tail is its largest term times a sum of ratios C(n, i) / C(n, less), i = less down to 0.
    # Each ratio is a product of factors of at most 1, so that the sum neither over- nor underflows
    # where C(n, i) and 2**n are far beyond what a float holds.
    below = np.arange(less, 0, -1)
    ratios = 1 + float(np.cumprod(below / (n - below + 1)).sum())
    ways = math.lgamma(n + 1) - math.lgamma(less + 1) - math.lgamma(n - less + 1)  # log C(n, less)
    return min(1.0, 2 * math.exp(ways - n * math.log(2)) * ratios)


class Spread(NamedTuple):
    """Several seeds of one thing: mean, standard deviation (n - 1), and the mean's 95% interval by
    Student's t (None for one).
    """

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread of `values`. Raises ValueError if there are none."""
    n = len(values)
    if not n:
        raise ValueError("no values")
    mean = math.fsum(values) / n
    if n == 1:
        return Spread(mean, None, None, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    t = _T[n - 2] if n - 2 < len(_T) else 1.96 + 2.4 / (n - 1)
    half = t * deviation / math.sqrt(n)
    return Spread(mean, deviation, mean - half, mean + half, n)


class Interval(NamedTuple):
    """A 95% interval in 0..1, and what it is of: `by` 'seeds' (Student's t of their mean) or 'images'
    (Wilson's of the test images that one run is scored on, `n`)."""

    low: float
    high: float
    by: str
    n: int | None


def widest(found: Spread, n: int | None) -> Interval | None:
    """The wider of the interval of the mean over runs, kept within 0..1, and that of as high a share of
    `n` test images; None where neither is known.
    """
    known = []
    if n:
        known.append(Interval(*wilson_interval(round(found.mean * n), n), "images", n))
    if found.low is not None and found.high is not None:
        known.append(Interval(max(found.low, 0.0), min(found.high, 1.0), "seeds", n))
    return max(known, key=lambda one: one.high - one.low, default=None)


def welch(first: Sequence[float], second: Sequence[float]) -> float | None:
    """p of Welch's t-test (1947) that two recipes have the same mean over seeds; None with fewer
    than two seeds of either.
    """
    if len(first) < 2 or len(second) < 2:
        return None
    one, two = np.var(first, ddof=1) / len(first), np.var(second, ddof=1) / len(second)
    gap = abs(float(np.mean(first) - np.mean(second)))
    if one + two == 0:
        return 1.0 if gap == 0 else 0.0
    freedom = (one + two) ** 2 / (one**2 / (len(first) - 1) + two**2 / (len(second) - 1))
    # With x = sqrt(f) tan(a) the density of t is cos(a)^(f - 1): both tails are the share of its
    # integral beyond a.
    angle = np.linspace(0, math.pi / 2, 20_001)
    density = np.cos(angle) ** (freedom - 1)
    pieces = (density[1:] + density[:-1]) / 2
    start = math.atan(gap / math.sqrt(one + two) / math.sqrt(freedom))
    share = np.interp(start, angle, np.concatenate([[0], np.cumsum(pieces)]))
    return float(max(0.0, 1 - share / pieces.sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for having asked several questions (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    out, least = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, p_values[i] * (len(p_values) - rank)))
        out[i] = least
    return out


def setbacks(losses: Sequence[float]) -> float | None:
    """How far from smooth a falling curve is: the share of its whole movement that went up.

    0 for one that only falls, 0.5 for one that ends where it began, 1 for one that only rises; None
    if it does not move. Independent of the loss's scale, so runs with different losses compare.
    """
    steps = np.diff(np.asarray(losses, float))
    moved = float(np.abs(steps).sum())
    return float(steps[steps > 0].sum()) / moved if moved else None


def reliability(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> list[dict[str, float]]:
    """The reliability diagram (Guo et al. 2017): low, high, n, mean confidence and accuracy of each
    equal-width bin that is not empty.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for number in np.unique(which):
        inside = which == number
        rows.append(
            {
                "low": number / bins,
                "high": (number + 1) / bins,
                "n": int(inside.sum()),
                "confidence": float(confidence[inside].mean()),
                "accuracy": float(right[inside].mean()),
            }
        )
    return rows


def by_class(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Where two models differ: for each class its n, both recalls, the images that only one got
    right, and McNemar's p, corrected for the number of classes (Holm)."""
    rows: list[dict[str, Any]] = []
    for label, name in enumerate(classes):
        mine = labels == label
        if not mine.any():
            continue
        test = mcnemar(first[mine], second[mine])
        one, two = float(first[mine].mean()), float(second[mine].mean())
        rows.append(
            {
                "class": name,
                "n": int(mine.sum()),
                "first": one,
                "second": two,
                "difference": two - one,
                "only_first": test.only_first,
                "only_second": test.only_second,
                "p": test.p,
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p"] = p
    return rows


def losses_of(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """−log p of each image's label, (n,) f64 in nats, at most 16 (half-precision probabilities end
    at about 1e-7).
    """
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(chosen, math.exp(-16), 1))
