"""Light and dark paper in one set: whether it goes with the classes, or with the splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from engine.data.listing import SPLITS, Finding

EACH = 3  # pictures of a class, from which its paper is known
MOST_SHOWN = 6  # classes
# Chosen: of the pictures on the rarer paper, how many may be of a class or split on the other one.
STRAYS = 0.25


def doubt_sides(
    sides: Sequence[tuple[int, bool]],
    labels: np.ndarray,
    official: np.ndarray,
    classes: Sequence[str],
) -> list[Finding]:
    """What to say where light and dark paper go with classes or splits.

    sides  (position, whether its paper is light) of some pictures
    labels, official  (N,) of all of them, as in a Listing
    """
    labelled = [(at, light) for at, light in sides if labels[at] >= 0]
    for what, names in (
        ("split", [SPLITS[int(official[at])] for at, _ in labelled]),
        ("class", [classes[int(labels[at])] for at, _ in labelled]),
    ):
        groups = _apart(names, [light for _, light in labelled])
        if groups is not None:
            order = SPLITS if what == "split" else classes
            light, dark = (_some([name for name in order if name in group]) for group in groups)
            text = (
                f"light and dark paper go with the {what}: light in {light}, dark in {dark}. The"
                " pictures seem to be of two sources, and a model may tell these apart instead of the"
                " characters."
            )
            return [Finding("warning", "pixels", text)]
    return []


def _apart(names: Sequence[str], light: Sequence[bool]) -> tuple[set[str], set[str]] | None:
    """The groups on light and those on dark paper; None where the paper does not go with them."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, is_light in zip(names, light, strict=True):
        counts[name][is_light] += 1
    known = {name: each for name, each in counts.items() if sum(each) >= EACH}
    if 2 * sum(sum(each) for each in known.values()) < len(names):
        return None
    strays = sum(min(each) for each in known.values())
    rarer = min(sum(each[side] for each in known.values()) for side in (0, 1))
    groups = {name for name, each in known.items() if each[1] > each[0]}
    rest = set(known) - groups
    return (groups, rest) if groups and rest and strays <= STRAYS * rarer else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (" …" if len(names) > MOST_SHOWN else "")
