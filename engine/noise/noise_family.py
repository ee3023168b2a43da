"""A family of noise models whose rates, partners and shares are drawn by a seed: what a diagnosis is
developed with (seeds below `BLIND_FROM`, and those in `READ`) and what it is judged by. numpy only.

`inject` holds the fixed models of published comparisons; here a seed draws one that nobody chose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.errors import DataError, unknown

BLIND_FROM = 9_000  # seeds from here on are read once, to judge
READ = tuple(range(9_000, 9_018))  # the method was changed after these: they judge nothing since


class Corrupted(NamedTuple):
    """A data set whose labels were made noisy.

    images  (M, C, H, W) uint8: the N images, with copies appended or foreign ones put in their place
    true    (M,) int64, the class; -1: the image belongs to no class
    given   (M,) int64, the noisy label
    about   the parameters that were drawn, in words
    gone    number of a class that lost its name: labels are numbers among the other K−1; or None
    """

    images: np.ndarray
    true: np.ndarray
    given: np.ndarray
    about: str
    gone: int | None = None

    @property
    def wrong(self) -> np.ndarray:
        """(M,) bool: the label is not the class."""
        return self.given != self.true


def derangement(classes: int, rng: np.random.Generator) -> np.ndarray:
    """A random permutation (K,) that leaves no class where it was."""
    while True:
        order = rng.permutation(classes)
        if (order != np.arange(classes)).all():
            return order


def drawn_labels(true: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels (N,) drawn from the rows of T (K, K) that belong to the classes `true` (N,)."""
    edges = matrix.cumsum(1)[true]  # (N, K)
    return (
        (rng.random(len(true))[:, None] > edges).sum(1).clip(max=len(matrix) - 1).astype(np.int64)
    )


def corrupt(kind: str, images: np.ndarray, true: np.ndarray, classes: int, seed: int) -> Corrupted:
    """A data set with noise of a kind in FAMILY, its parameters drawn by `seed`.

    images (N, C, H, W) uint8; true (N,) int in 0..K-1. Raises DataError for an unknown kind or
    fewer than four classes.
    """
    if kind not in FAMILY:
        raise DataError(unknown("noise model", kind, FAMILY))
    if classes < 4:
        raise DataError("the family of noise models needs classes", expected="4", got=classes)
    rng = np.random.default_rng([seed, list(FAMILY).index(kind)])
    return FAMILY[kind].function(np.asarray(images), np.asarray(true, np.int64), classes, rng)


def _by_matrix(
    images: np.ndarray, true: np.ndarray, matrix: np.ndarray, about: str, rng: np.random.Generator
) -> Corrupted:
    return Corrupted(images, true, drawn_labels(true, matrix, rng), about)


def _clean(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    return Corrupted(images, true, true.copy(), "no errors")


def _uniform(classes: int, rates: np.ndarray) -> np.ndarray:
    """T (K, K) whose class t has the share rates[t] of wrong labels, spread evenly."""
    matrix = np.repeat((rates / (classes - 1))[:, None], classes, 1)
    np.fill_diagonal(matrix, 1 - rates)
    return matrix


def _few(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    rate = rng.uniform(0.005, 0.05)
    return _by_matrix(images, true, _uniform(classes, np.full(classes, rate)), f"{rate:.1%}", rng)


def _symmetric(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    rate = rng.uniform(0.1, 0.7)
    return _by_matrix(images, true, _uniform(classes, np.full(classes, rate)), f"{rate:.0%}", rng)


def _class_rates(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    rates = rng.uniform(0, 0.6, classes)
    about = f"{rates.min():.0%} to {rates.max():.0%}"
    return _by_matrix(images, true, _uniform(classes, rates), about, rng)


def _flips(classes: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    matrix = (1 - rate) * np.eye(classes)
    matrix[np.arange(classes), derangement(classes, rng)] += rate
    return matrix


def _derangement(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    rate = rng.uniform(0.1, 0.45)
    return _by_matrix(images, true, _flips(classes, rate, rng), f"{rate:.0%}", rng)


def _block(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    chosen = rng.choice(classes, rng.integers(2, max(3, min(6, classes // 2 + 1))), replace=False)
    rate = rng.uniform(0.15, 0.45)
    matrix = np.eye(classes)
    for a in chosen:
        matrix[a, chosen] = rate / (len(chosen) - 1)
        matrix[a, a] = 1 - rate
    return _by_matrix(images, true, matrix, f"{rate:.0%} among {sorted(chosen.tolist())}", rng)


def _merged(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    a, b = rng.choice(classes, 2, replace=False)
    return Corrupted(images, true, np.where(true == a, b, true), f"{a} wholly under {b}")


def _complementary(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    return _by_matrix(images, true, _uniform(classes, np.ones(classes)), "uniform", rng)


def _biased(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """Each class has its own few wrong classes; every class is used about equally often."""
    number = int(rng.integers(2, max(3, min(6, classes // 2))))
    matrix, order = np.zeros((classes, classes)), rng.permutation(classes)
    shares = rng.dirichlet(np.full(number, 5.0))
    for step, share in zip(
        rng.choice(np.arange(1, classes), number, replace=False), shares, strict=True
    ):
        matrix[order, np.roll(order, step)] += share
    return _by_matrix(images, true, matrix, f"{number} wrong classes each", rng)


def _mixture(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    even, flip = rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.3)
    matrix = _flips(classes, flip, rng) @ _uniform(classes, np.full(classes, even))
    return _by_matrix(images, true, matrix, f"{even:.0%} even, {flip:.0%} flips", rng)


def _instance(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """Harder images are more often wrong, and carry the label of the class that they resemble.
    Hard: nearer to another class's mean image than to their own.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    means = np.stack(
        [
            flat[true == c].mean(0) if (true == c).any() else np.full(flat.shape[1], 1e6)
            for c in range(classes)
        ]
    )
    far = ((flat**2).sum(1)[:, None] - 2 * flat @ means.T + (means**2).sum(1)) ** 0.5  # (N, K)
    rows = np.arange(len(true))
    own = far[rows, true]
    far[rows, true] = np.inf
    hard = (own / far.min(1)).argsort().argsort() / len(true)  # rank, 0 easy to 1 hard
    rate = rng.uniform(0.08, 0.25)
    wrong = rng.random(len(true)) < np.minimum(rate * 3 * hard**2, 1)
    about = f"{rate:.0%}, harder images more often"
    return Corrupted(images, true, np.where(wrong, far.argmin(1), true), about)


def _annotators(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """Each image is labelled by one of a few people; some guess, some confuse certain classes."""
    people = int(rng.integers(3, 6))
    given, chosen = true.copy(), rng.integers(0, people, len(true))
    for person in range(people):
        rate = rng.uniform(0.02, 0.35)
        even = rng.random() < 0.5
        matrix = _uniform(classes, np.full(classes, rate)) if even else _flips(classes, rate, rng)
        own = chosen == person
        given[own] = drawn_labels(true[own], matrix, rng)
    return Corrupted(images, true, given, f"{people} people")


def _duplicates(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """Some images occur several times, always with the same label, which is wrong more often than
    others' are; or each time with a label of its own.
    """
    again = rng.choice(len(true), round(rng.uniform(0.05, 0.15) * len(true)), replace=False)
    times, rate, same = int(rng.integers(2, 5)), rng.uniform(0.2, 0.8), rng.random() < 0.5
    matrix = _uniform(classes, np.full(classes, rate))
    positions = np.repeat(again, times)
    given = true.copy()
    given[again] = drawn_labels(true[again], matrix, rng)
    more = given[positions] if same else drawn_labels(true[positions], matrix, rng)
    return Corrupted(
        np.concatenate([images, images[positions]]),
        np.concatenate([true, true[positions]]),
        np.concatenate([given, more]),
        f"{len(again)} images {times + 1} times, {rate:.0%} wrong, the label"
        f" {'repeated' if same else 'drawn each time'}",
    )


def _foreign(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """Some images are replaced by ones that show nothing of the classes: quarters of several images,
    put together; their labels are drawn at random.
    """
    share = rng.uniform(0.03, 0.1)
    chosen = rng.choice(len(true), round(share * len(true)), replace=False)
    out, half = images.copy(), images.shape[-1] // 2
    for rows in (slice(0, half), slice(half, None)):
        for columns in (slice(0, half), slice(half, None)):
            source = rng.integers(0, len(images), len(chosen))
            mirrored = images[source][:, :, ::-1, ::-1]
            out[chosen, :, rows, columns] = mirrored[:, :, rows, columns]
    kept, given = true.copy(), true.copy()
    kept[chosen] = -1
    given[chosen] = rng.integers(0, classes, len(chosen))
    return Corrupted(out, kept, given, f"{share:.1%} of the images")


def _nameless(images: np.ndarray, true: np.ndarray, classes: int, rng: np.random.Generator):
    """The images of one class stay, its name goes: their labels are any of the others."""
    gone = int(rng.integers(classes))
    own = true == gone
    kept = np.where(own, -1, true - (true > gone))
    given = np.where(own, rng.integers(0, classes - 1, len(true)), kept)
    return Corrupted(images, kept, given, f"{gone} has no name, {own.mean():.1%}", gone)


class Kind(NamedTuple):
    """A kind of noise, and the regimes that describe it rightly."""

    function: Callable[[np.ndarray, np.ndarray, int, np.random.Generator], Corrupted]
    regimes: tuple[str, ...]
    about: str


_ANY = ("few errors", "symmetric", "class-dependent")
FAMILY: dict[str, Kind] = {
    "clean": Kind(_clean, ("clean",), "no errors"),
    "few": Kind(_few, ("few errors",), "0.5 to 5% of the labels are any other class"),
    "symmetric": Kind(_symmetric, ("symmetric",), "10 to 70% are any other class"),
    "class-rates": Kind(
        _class_rates, ("symmetric", "class-dependent"), "each class has a rate of its own, to 60%"
    ),
    "derangement": Kind(
        _derangement, ("class-dependent",), "10 to 45% of each class carry one other class's label"
    ),
    "block": Kind(_block, ("class-dependent",), "a few classes mislabelled among themselves"),
    "merged": Kind(_merged, ("class-dependent",), "one class wholly under another"),
    "complementary": Kind(_complementary, ("complementary",), "any class but the true one"),
    "biased": Kind(
        _biased, ("complementary", "class-dependent"), "one of a few wrong classes, never the true"
    ),
    "mixture": Kind(_mixture, ("class-dependent", "symmetric"), "uniform noise and flips together"),
    "instance": Kind(_instance, _ANY, "harder images more often, as the class they resemble"),
    "annotators": Kind(_annotators, _ANY, "several people, each with errors of their own"),
    "duplicates": Kind(_duplicates, _ANY, "repeated images, often wrong"),
    "foreign": Kind(_foreign, _ANY, "images of no class, with labels at random"),
    "nameless": Kind(_nameless, _ANY, "a class without a name, its labels at random"),
}
