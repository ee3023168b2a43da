"""The colours of series and classes, on pages and on the canvas alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import dist
from types import MappingProxyType
from typing import NamedTuple

# Any two are at least 11 apart (CIEDE2000) to full sight and to eyes that lack one kind of cones, as
# simulated after Machado, Oliveira & Fernandes 2009, doi:10.1109/TVCG.2009.113. Found by a search of
# sRGB for the ten colours that are farthest apart, among those with a contrast of 2.5:1 to the light
# ground and 3:1 to the dark one.
COLOURS: tuple[str, ...] = (
    "#1058e8",
    "#d67c6a",
    "#46b2a0",
    "#c43458",
    "#d67ce8",
    "#b2a010",
    "#6a8ea0",
    "#8e6a10",
    "#107c6a",
    "#7c588e",
)

# What a point is drawn as, in the order of `outside` in app/scatter/cloud.js: a path in a square from
# -1 to 1, y downwards.
SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "circle": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
        "square": "M-.82-.82H.82V.82H-.82z",
        "triangle": "M0-1L1 .72H-1z",
        "diamond": "M0-1L1 0L0 1L-1 0z",
        "plus": "M-.34-1H.34V-.34H1V.34H.34V1H-.34V.34H-1V-.34H-.34z",
        "triangle down": "M0 1L1-.72H-1z",
        "ring": "M-.98 0a.98.98 0 1 0 1.96 0a.98.98 0 1 0-1.96 0zM-.46 0a.46.46 0 1 0 .92 0a.46.46 0 1 0-.92 0z",
        "cross": "M0-.48L.48-.95L.95-.48L.48 0L.95 .48L.48 .95L0 .48L-.48 .95L-.95 .48L-.48 0L-.95-.48L-.48-.95z",
    }
)


class Marks(NamedTuple):
    """How each code of a layer is drawn: a colour ('#rrggbb'), and a place in SHAPES."""

    colours: list[str]
    shapes: list[int]


def class_marks(count: int) -> Marks:
    """Marks for `count` classes: a colour each, and from the eleventh on another shape with the same
    colours. No two of 80 have both in common; beyond that they repeat.
    """
    numbers = range(count)
    return Marks(
        [COLOURS[number % len(COLOURS)] for number in numbers],
        [number // len(COLOURS) % len(SHAPES) for number in numbers],
    )


def marks_apart(middles: Sequence[Sequence[float]]) -> Marks:
    """Marks for groups of points on a map, by the middle of each, largest group first: the first ten have
    a colour each, and every other takes the colour whose groups all lie farthest from it, in the next
    shape that these have not. As for classes, no two of 80 have colour and shape in common.
    """
    owners: list[list[Sequence[float]]] = [[] for _ in COLOURS]
    colours, shapes = [], []
    for number, middle in enumerate(middles):
        place = number if number < len(COLOURS) else _farthest(owners, middle)
        colours.append(COLOURS[place])
        shapes.append(len(owners[place]) % len(SHAPES))
        owners[place].append(middle)
    return Marks(colours, shapes)


def _farthest(owners: Sequence[Sequence[Sequence[float]]], middle: Sequence[float]) -> int:
    """The colour whose nearest owner is farthest from `middle`, of those that have shapes left, if any
    has.
    """
    free = [place for place, held in enumerate(owners) if len(held) < len(SHAPES)]
    return max(
        free or range(len(owners)),
        key=lambda place: min(dist(middle, other) for other in owners[place]),
    )
