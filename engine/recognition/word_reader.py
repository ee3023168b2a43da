"""Read a word or a line: cut into characters, each read by a model, the cut and the names chosen
together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.imaging.pieces import Piece
from engine.imaging.segmentation import Line, best_cut, lines_of, square_in_line
from engine.recognition.confusables import Group, grouped

if TYPE_CHECKING:
    from engine.models.predictor import Predictor


LEAST_SHARE = 0.1  # probability that a name must have before the word it stands in may choose it


class Reading(NamedTuple):
    """One character as it was read. groups: look-alikes, likeliest first; box: left, top, right,
    bottom in pixels; square: (C, S, S) uint8, what the model saw."""

    label: str
    groups: tuple[Group, ...]
    box: tuple[int, int, int, int]
    square: np.ndarray
    after_space: bool


def read_lines(predictor: Predictor, ink: np.ndarray) -> list[list[Reading]]:
    """Read ink (H, W) uint8: the characters of each line, lines from top to bottom. Empty if
    nothing is drawn.
    """
    out = []
    for line in lines_of(ink):
        known: dict[tuple[int, int, int, int], tuple[np.ndarray, np.ndarray]] = {}

        def score(candidates: list[Piece], line: Line = line, known: dict = known) -> list[float]:
            style, size = predictor.checkpoint.style, predictor.checkpoint.size
            squares = np.stack([square_in_line(piece, line, style, size) for piece in candidates])
            probabilities = predictor.squares(squares)
            known.update(
                {
                    piece[:4]: (square, row)
                    for piece, square, row in zip(candidates, squares, probabilities, strict=True)
                }
            )
            return [
                math.log(max(grouped(predictor.classes, row)[0].share, 1e-6))
                for row in probabilities
            ]

        read = []
        for piece, after_space in best_cut(line, score):
            square, row = known[piece[:4]]
            read.append(
                Reading(
                    predictor.classes[int(row.argmax())],
                    grouped(predictor.classes, row),
                    piece[:4],
                    square,
                    after_space,
                )
            )
        out.append(in_context(read))
    return out


def in_context(line: Sequence[Reading]) -> list[Reading]:
    """The same characters, those that may be a digit or a letter named as the others of their word
    are: `2O26` is `2026`.
    """
    out: list[Reading] = []
    for word in _words(line):
        sure = [one.label.isdigit() for one in word if not _either_kind(one)]
        for one in word:
            if sure and _either_kind(one) and 2 * sum(sure) != len(sure):
                digits = 2 * sum(sure) > len(sure)
                fitting = (
                    name
                    for name, share in one.groups[0].members
                    if name.isdigit() == digits and share >= LEAST_SHARE
                )
                one = one._replace(label=next(fitting, one.label))
            out.append(one)
    return out


def text_of(lines: Sequence[Sequence[Reading]]) -> str:
    """What was read, as text."""
    return "\n".join(
        "".join((" " if one.after_space else "") + one.label for one in line) for line in lines
    )


def _words(line: Sequence[Reading]) -> list[list[Reading]]:
    words: list[list[Reading]] = []
    for one in line:
        if one.after_space or not words:
            words.append([])
        words[-1].append(one)
    return words


def _either_kind(one: Reading) -> bool:
    return len({name.isdigit() for name, _ in one.groups[0].members}) == 2
