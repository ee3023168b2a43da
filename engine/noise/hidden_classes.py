"""A class whose images lie wholly under the label of another: labels alone can't show it, as all of
them are predicted well. What may show it: a class that has a name but no image, or a label with far
more images than any other, whose images form two groups. By itself neither decides whether these are
two classes or one class in two forms (a 7 with and without a bar), and a person is asked. Where one
label has the images of two classes where all others are even, in two groups of which each is as large as
a class, and one name has no image or the groups hardly share a neighbour, three things would have to
coincide for anything but two classes under one name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.embedding.neighbours import Neighbours
from engine.noise.config import CONFIG, NoiseConfig


@dataclass(frozen=True)
class HiddenClass:
    """A label under which two classes may lie.

    label     its number
    sides     positions of the two groups' images, the smaller first; either may be the other class
    decided   whether the two groups are two classes; missing: the one that has a name and no image
    reason    in words
    """

    label: int
    sides: tuple[np.ndarray, np.ndarray] = field(repr=False)
    decided: bool
    missing: int | None
    reason: str

    def among(self, place: np.ndarray) -> HiddenClass:
        """The same, of some of the images: `place` (n,) is an image's position among these, or -1."""
        a, b = (place[side] for side in self.sides)
        return replace(self, sides=(a[a >= 0], b[b >= 0]))


def hidden_class(
    vectors: np.ndarray,
    given: np.ndarray,
    names: tuple[str, ...],
    seed: int = 0,
    config: NoiseConfig = CONFIG,
) -> HiddenClass | None:
    """The label whose images (descriptors (n, D)) fall most clearly into two groups, where something
    suggests that a class lies under another's label; None if nothing does.
    """
    counts = np.bincount(given, minlength=len(names))
    missing = np.flatnonzero(counts == 0)
    usual, rng = float(np.median(counts[counts > 0])), np.random.default_rng([seed, 8])
    found: list[tuple[bool, int, int, float, np.ndarray, np.ndarray]] = []
    most = config.cut_images
    for label in np.flatnonzero(counts > config.uncut_images):
        large = _outsized(counts, int(label), usual, config)
        doubled = large and len(missing) > 0  # suspect, however its images look
        if not doubled and (counts[label] < config.cut_images_least or not (large or len(missing))):
            continue
        own = np.flatnonzero(given == label)
        some = own if len(own) <= most else np.sort(rng.choice(own, most, replace=False))
        smaller = config.smaller_class if large else config.smaller_group
        cut, side = two_groups(vectors[some], smaller, config)
        if cut < config.two_groups or doubled:
            side = all_sides(vectors, own, some, side)
            a, b = sorted((own[side], own[~side]), key=len)
            found.append((large, len(a), int(label), cut, a, b))
    if not found:
        return None
    large, _, label, cut, a, b = max(found, key=lambda entry: entry[:2])
    hint = (
        f"{', '.join(repr(names[m]) for m in missing[:5])} {'has' if len(missing) == 1 else 'have'} no"
        " image"
        if len(missing)
        else f"{names[label]!r} has {counts[label] / usual:.1f} times the images of the usual class"
    )
    groups = (
        f"the images labelled {names[label]!r} form two groups, the smaller of"
        f" {len(a) / (len(a) + len(b)):.0%}"
    )
    least, largest = (size * usual for size in config.hidden_group_sizes)
    like_classes = large and len(a) > least and len(b) < largest and cut < config.two_groups
    if like_classes and len(missing) == 1:
        reason = (
            f"{hint}, and {groups}, each as large as a class: one of them is {names[missing[0]]!r}"
        )
        return HiddenClass(label, (a, b), True, int(missing[0]), reason)
    if like_classes and not len(missing) and cut < config.two_classes_cut:
        reason = f"{hint}, and {groups}, each as large as a class: they are two classes"
        return HiddenClass(label, (a, b), True, None, reason)
    if cut >= config.two_groups:
        reason = (
            f"{hint}, and {names[label]!r} has {counts[label] / usual:.1f} times the images of the usual"
            " class: another class may lie under its label, only a person can tell"
        )
        return HiddenClass(label, (a, b), False, None, reason)
    reason = (
        f"{hint}, and {groups}: one class in two forms, or another class under its label, only a"
    )
    return HiddenClass(label, (a, b), False, None, f"{reason} person can tell")


def all_sides(
    vectors: np.ndarray, own: np.ndarray, some: np.ndarray, side: np.ndarray
) -> np.ndarray:
    """The side (m,) of all images `own` (m,), by the nearest of `some` (s,), whose side (s,) is known."""
    if len(some) == len(own):
        return side
    near = Neighbours(vectors[some]).search(vectors[own], 1)[1][:, 0]
    return side[near]


def _outsized(counts: np.ndarray, label: int, usual: float, config: NoiseConfig) -> bool:
    """Whether a label has far more images than any other, in a data set of even classes."""
    others = np.delete(counts[counts > 0], np.searchsorted(np.flatnonzero(counts > 0), label))
    even = len(others) > 2 and others.max() < config.even_classes * usual
    return bool(even and counts[label] > config.two_classes_large * usual)


def two_groups(
    vectors: np.ndarray, smaller: float, config: NoiseConfig = CONFIG
) -> tuple[float, np.ndarray]:
    """The best cut of images (m, D) into two groups, of which each has at least the share `smaller`: its
    normalised-cut ratio, and which images (m,) bool are on one side.

    Spectral bipartition of the neighbourhood graph by normalised cut (Shi & Malik 2000). The ratio is
    the weight of the edges between the groups over that expected if the same degrees were joined at
    random: 0 for groups that share no neighbours, 1 for random ones.
    """
    m = len(vectors)
    near = Neighbours(vectors).search_own(config.cut_neighbours)[1]
    graph = np.zeros((m, m))
    graph[np.repeat(np.arange(m), near.shape[1]), near.ravel()] = 1
    graph = (graph + graph.T) / 2
    degree = graph.sum(1)
    _, axes = np.linalg.eigh(graph / np.sqrt(degree[:, None] * degree))
    order = np.argsort(axes[:, -2] / np.sqrt(degree), kind="stable")
    volume = degree[order].cumsum()
    inside = np.array([2 * graph[order[i], order[:i]].sum() for i in range(m)]).cumsum()
    cut = (volume - inside) * volume[-1] / (volume * np.maximum(volume[-1] - volume, 1e-9))
    least = max(int(smaller * m), 1)
    at = least - 1 + int(np.argmin(cut[least - 1 : m - least]))
    side = np.zeros(m, bool)
    side[order[: at + 1]] = True
    return float(cut[at]), side
