"""A dot that the pen left by a touch, off a corner of what was drawn: it is no part of the
character, and makes it look smaller.
"""

from __future__ import annotations

import math

import numpy as np

from engine.imaging.ink import STRONG

# Lengths are shares of the diagonal of the other ink's box. Eight of 2,480 tablet drawings have a
# stray dot. Seven of these lie off a corner, 0.10 and more to the side of the box, 0.21 and more
# from the nearest stroke; one stands over an M, as an accent would. The dots of i and j, 73 of them
# parted from their stroke, all stand over it; of 524 in EMNIST, two slanted ones would lose theirs.
BESIDE = 0.08  # from the box to the dot's centre, to the side and up or down, at least
APART = 0.18  # from the nearest stroke to the dot's edge, at least
LARGEST = 0.45  # the dot's longer side, at most
FILLED = 0.6  # of the dot's box, at least: a disc fills 0.785
MOST = 4  # touches that are looked for


def without_stray_dots(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) uint8 without round dots that lie off a corner of the other ink, far from it. The
    same array if there is none.
    """
    for _ in range(MOST):
        kept = _without_one(ink)
        if kept is ink:
            break
        ink = kept
    return ink


def _without_one(ink: np.ndarray) -> np.ndarray:
    strong = ink > STRONG
    edges = np.flatnonzero(np.diff(strong.any(0), prepend=False, append=False)).reshape(
        -1, 2
    )  # inked columns: from, to
    if len(edges) < 2:
        return ink
    left, right = (
        int(edges[0, 1] + edges[1, 0]) // 2,
        int(edges[-2, 1] + edges[-1, 0]) // 2,
    )  # in the middle of the outermost gaps
    for beyond in (slice(0, left), slice(right, None)):
        if _is_stray(strong, beyond):
            ink = ink.copy()
            ink[:, beyond] = 0
            return ink
    return ink


def _is_stray(strong: np.ndarray, beyond: slice) -> bool:
    """Whether what is inked (H, W) in the columns `beyond` is a stray dot."""
    y, x = np.nonzero(strong[:, beyond])
    x += beyond.start
    width, height = np.ptp(x) + 1, np.ptp(y) + 1
    if max(width, height) > 1.5 * min(width, height) or len(x) < FILLED * width * height:
        return False
    rest = strong.copy()
    rest[:, beyond] = False
    rows, columns = np.nonzero(rest)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    diagonal = math.hypot(right - left + 1, bottom - top + 1)
    across, down = x.mean(), y.mean()
    beside = (
        max(left - across, across - right) > BESIDE * diagonal
        and max(top - down, down - bottom) > BESIDE * diagonal
    )
    if not beside or max(width, height) > LARGEST * diagonal:
        return False
    return (
        math.sqrt(((columns - across) ** 2 + (rows - down) ** 2).min()) - max(width, height) / 2
        > APART * diagonal
    )
