"""The colour of each compared run, the same in every chart of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.palette import COLOURS

if TYPE_CHECKING:
    from engine.compare.subjects import Subject


def colours_of(subjects: Sequence[Subject]) -> dict[str, str]:
    """A colour for each run's id, in the order in which they were chosen; several seeds that are
    drawn as one have the colour of the first of them.
    """
    return {subject.id: COLOURS[n % len(COLOURS)] for n, subject in enumerate(subjects)}
