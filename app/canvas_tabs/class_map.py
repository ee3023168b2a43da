"""The map of a model's training images beside the pad: points, a label for each class, and how a
drawing is placed among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.palette import SHAPES, class_marks

if TYPE_CHECKING:
    from engine.services.gallery import Gallery

MAP_POINTS = 1200  # more hide one another at 400 pixels
MAP_SIZE = (400, 300)


def map_of(gallery: Gallery) -> dict[str, Any]:
    """The map as the script draws it: points [x, y, class], how each class is drawn [colour, path], a
    label at the middle of each class, and how to place a drawing.
    """
    coordinates = gallery.coordinates
    assert coordinates is not None
    low, high = np.percentile(coordinates, [0.5, 99.5], axis=0)
    margin = np.array([14.0, 14.0])
    scale = (np.array(MAP_SIZE) - 2 * margin) / np.maximum(high - low, 1e-6)
    scale = np.full(2, scale.min())
    shift = (np.array(MAP_SIZE) - (high - low) * scale) / 2
    placed = np.clip((coordinates - low) * scale + shift, 2, np.array(MAP_SIZE) - 2)
    placed[:, 1] = MAP_SIZE[1] - placed[:, 1]
    shown = np.random.default_rng(0).permutation(len(placed))[:MAP_POINTS]
    points = [
        [round(float(x), 1), round(float(y), 1), int(label)]
        for (x, y), label in zip(placed[shown], gallery.labels[shown], strict=True)
    ]
    labels = []
    for number, name in enumerate(gallery.classes):
        members = placed[gallery.labels == number]
        if len(members):
            middle = np.median(members, axis=0)
            x, y = members[
                np.abs(members - middle).sum(1).argmin()
            ]  # where it has members: a class may lie in several places
            labels.append([round(float(x), 1), round(float(y) + 4, 1), name])
    marks, outlines = class_marks(len(gallery.classes)), list(SHAPES.values())
    drawn = [
        [colour, outlines[shape]] for colour, shape in zip(marks.colours, marks.shapes, strict=True)
    ]
    return {
        "points": points,
        "marks": drawn,
        "labels": labels,
        "low": low,
        "scale": scale,
        "shift": shift,
    }
