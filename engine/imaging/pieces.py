"""A connected piece of ink: joined with others to a character, or parted from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.imaging.ink import STRONG


class Piece(NamedTuple):
    """A stroke or a part of one: its box in pixels (right and bottom exclusive) and its ink alone
    (bottom - top, right - left) uint8.
    """

    left: int
    top: int
    right: int
    bottom: int
    ink: np.ndarray

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def join(pieces: Sequence[Piece]) -> Piece:
    """Several pieces as one."""
    if len(pieces) == 1:
        return pieces[0]
    left, top = min(piece.left for piece in pieces), min(piece.top for piece in pieces)
    right, bottom = max(piece.right for piece in pieces), max(piece.bottom for piece in pieces)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for piece in pieces:
        window = ink[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left]
        np.maximum(window, piece.ink, out=window)
    return Piece(left, top, right, bottom, ink)


def stacked(pieces: list[Piece]) -> list[Piece]:
    """Join what stands above one another (i, j, ä, =) or inside one another, sorted from left to
    right.
    """
    parts = sorted(pieces, key=lambda piece: -piece.ink.size)
    joined = True
    while joined:
        joined = False
        for first in range(len(parts)):
            for second in range(first + 1, len(parts)):
                if _stands_over(parts[first], parts[second]):
                    parts[first] = join([parts[first], parts.pop(second)])
                    joined = True
                    break
            if joined:
                break
    return sorted(parts, key=lambda piece: piece.left)


def _stands_over(one: Piece, other: Piece) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    share_across = across / min(one.width, other.width)
    share_down = down / min(one.height, other.height)
    if share_across >= 0.9 and share_down >= 0.9:
        return True
    # A bar of T over the o beside it also overlaps in width, but stands beside it in height.
    return share_across >= 0.5 and share_down <= 0.3


def trimmed(piece: Piece, start: int, stop: int) -> Piece | None:
    ink = piece.ink[:, start:stop]
    rows = np.flatnonzero((ink > STRONG).any(1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    return Piece(
        piece.left + start,
        piece.top + top,
        piece.left + stop,
        piece.top + bottom,
        np.ascontiguousarray(ink[top:bottom]),
    )
