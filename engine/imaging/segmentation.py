"""Cut a word or a line into characters, left to right.

Connected strokes first; dots and accents join what they stand over; strokes that touch or nearly
touch are left open, and `best_cut` chooses between the ways to join and split them by how well each
part can be read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np

from engine.imaging import images
from engine.imaging.ink import STRONG, stroke_width
from engine.imaging.pieces import Piece, join, stacked, trimmed

MOST_PIECES = 200  # a picture with more strokes than this is no line of writing
LONGEST_JOIN = 4  # pieces that one character may consist of
JOIN_COST = (
    1.0  # of the logarithm of a probability, for each pen's width of empty paper inside a character
)
WORD_GAP = 0.55  # a gap wider than this share of the line's height parts two words
HEIGHT_ON_PAGE = 0.53  # of the page: a capital's height in the tablet drawings, median of 2,480
SMALLEST_SIDE = 8


class Line(NamedTuple):
    """Pieces from left to right; `stroke` is the width of the pen in pixels. `open_after[i]`:
    pieces i and i + 1 may be one character.
    """

    pieces: list[Piece]
    open_after: list[bool]
    stroke: float

    @property
    def top(self) -> int:
        return min(piece.top for piece in self.pieces)

    @property
    def bottom(self) -> int:
        return max(piece.bottom for piece in self.pieces)


class Character(NamedTuple):
    """One character of a cut: the joined piece, and whether a space stands before it."""

    piece: Piece
    after_space: bool


def lines_of(ink: np.ndarray) -> list[Line]:
    """The lines of writing in ink (H, W) uint8, from top to bottom. Specks are left out; a blank
    picture has none.
    """
    pieces, stroke = _strokes(ink)
    out = []
    for members in _rows(pieces, stroke):
        parts = stacked(members)
        height = max(part.bottom for part in parts) - min(part.top for part in parts)
        parts = [part for whole in parts for part in _split_wide(whole, height, stroke)]
        gaps = [after.left - before.right for before, after in zip(parts, parts[1:], strict=False)]
        out.append(Line(parts, [gap <= max(1.0, 0.6 * stroke) for gap in gaps], stroke))
    return out


def count_strokes(ink: np.ndarray) -> int:
    """How many connected strokes there are in ink (H, W) uint8, specks left out; MOST_PIECES at most."""
    return len(_strokes(ink)[0])


def count_characters(ink: np.ndarray) -> tuple[int, int]:
    """How many characters stand side by side clearly apart, and how many there are if each tall
    part is one. 0, 0 for a blank picture.

    The parts of one character are seldom tall and apart: none of 574 tablet drawings has two.
    """
    pieces, stroke = _strokes(ink)
    if not pieces:
        return 0, 0
    parts = sorted(stacked(pieces), key=lambda piece: piece.left)
    tallest = max(piece.height for piece in parts)
    parts = [piece for piece in parts if piece.height >= 0.5 * tallest]
    count, right = 1, parts[0].right
    for piece in parts[1:]:
        count += piece.left - right > max(1.5 * stroke, 0.12 * tallest)
        right = max(right, piece.right)
    return count, len(parts)


def clearly_several(ink: np.ndarray) -> bool:
    """Whether ink (H, W) uint8 is three or more parts side by side, about equally tall, none as narrow
    as a stroke, and wide apart.

    No single character is: of 2,480 tablet drawings, 20,000 of EMNIST, 10,000 of MNIST and 4,840 of
    Omniglot none has three such parts, nor three of 0.2 and 0.1 of the height.
    """
    pieces, stroke = _strokes(ink)
    parts = sorted(stacked(pieces), key=lambda piece: piece.left)
    tallest = max((piece.height for piece in parts), default=0)
    parts = [piece for piece in parts if piece.height >= 0.7 * tallest]
    gaps = [after.left - before.right for before, after in zip(parts, parts[1:], strict=False)]
    return (
        len(parts) > 2
        and tallest >= 3 * stroke  # dots and dashes are not
        and min(gaps) >= 0.2 * tallest
        and min(piece.width for piece in parts) >= 0.25 * tallest
    )


def best_cut(line: Line, score: Callable[[list[Piece]], Sequence[float]]) -> list[Character]:
    """The best way to join a line's pieces into characters.

    score: for candidates, how well each can be read: the logarithm of a probability, at most 0. A
    candidate of m pieces counts m times, so that joining and splitting are weighed alike, less
    JOIN_COST for each gap it spans; the sum is maximised over all cuts.
    """
    pieces, count = line.pieces, len(line.pieces)
    spans = [
        (start, stop)
        for start in range(count)
        for stop in range(start + 1, min(start + LONGEST_JOIN, count) + 1)
        if all(line.open_after[start : stop - 1])
    ]
    joined = [join(pieces[start:stop]) for start, stop in spans]
    gaps = [
        max(0, after.left - before.right) / line.stroke
        for before, after in zip(pieces, pieces[1:], strict=False)
    ]
    values = dict(zip(spans, score(joined), strict=True))
    found = dict(zip(spans, joined, strict=True))
    best: list[tuple[float, int]] = [(0.0, 0)] + [
        (-math.inf, 0)
    ] * count  # (score, start of the last character) up to each place
    for start, stop in sorted(spans, key=lambda span: span[1]):
        total = (
            best[start][0]
            + (stop - start) * values[start, stop]
            - sum(JOIN_COST * gap for gap in gaps[start : stop - 1])
        )
        if total > best[stop][0]:
            best[stop] = (total, start)
    cut, stop = [], count
    while stop:
        start = best[stop][1]
        cut.append(found[start, stop])
        stop = start
    cut.reverse()
    height = line.bottom - line.top
    before = [0, *(after.left - one.right for one, after in zip(cut, cut[1:], strict=False))]
    return [
        Character(piece, gap > WORD_GAP * height) for piece, gap in zip(cut, before, strict=True)
    ]


def square_in_line(piece: Piece, line: Line, style: str, size: int) -> np.ndarray:
    """The square (C, size, size) uint8 of one character of a line.

    Its page is made up so that the line is as tall as a capital on a page of its own: an `s` among
    taller letters stays small. Where all letters are equally tall, nothing tells capitals from
    small ones, and the page is left unknown.
    """
    heights = sorted(part.height for part in line.pieces)
    height = line.bottom - line.top
    if style == "digit" or (
        len(heights) > 1 and heights[-1] < 1.25 * heights[(len(heights) - 1) // 2]
    ):
        side = max(piece.ink.shape)
        glyph = np.zeros((side, side), np.uint8)
        top, left = (side - piece.height) // 2, (side - piece.width) // 2
        glyph[top : top + piece.height, left : left + piece.width] = piece.ink
        return (
            images.square_of_page(glyph, style, size)
            if style == "digit"
            else images.square_of_glyph(glyph, style, size)
        )
    page_height = max(round(height / HEIGHT_ON_PAGE), SMALLEST_SIDE)
    page_width = max(round(page_height * 4 / 3), piece.width)
    page = np.zeros((page_height, page_width), np.uint8)
    top = min((page_height - height) // 2 + piece.top - line.top, page_height - piece.height)
    left = (page_width - piece.width) // 2
    page[top : top + piece.height, left : left + piece.width] = piece.ink
    return images.square_of_page(page, style, size)


def _strokes(ink: np.ndarray) -> tuple[list[Piece], float]:
    """Connected strokes without specks, and the pen's width in pixels."""
    from scipy.ndimage import find_objects, label

    strong = ink > STRONG
    if not strong.any():
        return [], 0.0
    marks, count = cast("tuple[np.ndarray, int]", label(strong, np.ones((3, 3), int)))
    sizes = np.bincount(marks.ravel(), minlength=count + 1)
    stroke = max(stroke_width(ink), 1.0)
    least = max(4.0, 0.3 * stroke * stroke, 0.004 * float(sizes[1:].max()))
    boxes = find_objects(marks)
    large = [number for number in range(1, count + 1) if sizes[number] >= least]
    large.sort(key=lambda number: -_area(boxes[number - 1]))
    pieces = []
    for number in large[:MOST_PIECES]:
        rows, columns = box = boxes[number - 1]
        own = np.where(marks[box] == number, ink[box], 0).astype(np.uint8)
        pieces.append(Piece(columns.start, rows.start, columns.stop, rows.stop, own))
    return pieces, stroke


def _area(box: tuple[slice, slice]) -> int:
    rows, columns = box
    return int((rows.stop - rows.start) * (columns.stop - columns.start))


def _rows(pieces: list[Piece], stroke: float) -> list[list[Piece]]:
    """Pieces by line of writing. Tall pieces found the lines; dots and bars go to the nearest."""
    if not pieces:
        return []
    tallest = max(piece.height for piece in pieces)
    founders = [
        piece for piece in pieces if piece.height >= max(0.35 * tallest, 1.5 * stroke)
    ] or pieces[:1]
    rows: list[list[float]] = []  # top, bottom
    for piece in sorted(founders, key=lambda one: -one.height):
        middle = (piece.top + piece.bottom) / 2
        if not any(
            top - 0.3 * (bottom - top) <= middle <= bottom + 0.3 * (bottom - top)
            for top, bottom in rows
        ):
            rows.append([piece.top, piece.bottom])
    rows.sort()
    members: list[list[Piece]] = [[] for _ in rows]
    for piece in pieces:
        middle = (piece.top + piece.bottom) / 2
        distances = [max(top - middle, middle - bottom, 0) for top, bottom in rows]
        members[int(np.argmin(distances))].append(piece)
    return [row for row in members if row]


def _split_wide(piece: Piece, line_height: int, stroke: float) -> list[Piece]:
    """A piece that is as wide as two narrow characters, cut where it has least ink; `best_cut`
    joins again what belongs together.
    """
    if piece.width <= 0.85 * line_height or piece.height < 0.3 * line_height:
        return [piece]
    profile = (piece.ink > STRONG).sum(0)
    least = max(3, round(0.3 * line_height))
    cuts: list[int] = []
    for column in np.argsort(profile, kind="stable"):
        if profile[column] > max(1.6 * stroke, 0.5 * line_height) or len(cuts) >= 12:
            break
        if (
            column >= least
            and piece.width - column >= least
            and all(abs(column - cut) >= least for cut in cuts)
        ):
            cuts.append(int(column))
    edges = [0, *sorted(cuts), piece.width]
    return [
        part
        for start, stop in zip(edges, edges[1:], strict=False)
        if (part := trimmed(piece, start, stop)) is not None
    ]
