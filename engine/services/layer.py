"""`Layer`: one colour for each point of a map, by name or by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNNAMED = "no label"
STEPS = 255


@dataclass(frozen=True)
class Layer:
    """A colour for each of N points.

    kind 'class': codes (N,) are places in `names`, `counts` how many have each; 'value': codes are
    0..255, from `low` to `high`. `palette` says which colours suit: 'classes', 'verdict' (right,
    wrong, unknown), 'rivals' (both, one, other, none), 'change' (all but the last name are
    stressed), 'few' or 'ramp'. `middles`, if given, says where on the map the points of each name
    lie, without the unnamed, so that groups beside one another don't look alike.
    """

    title: str
    kind: str
    codes: np.ndarray
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 1.0
    palette: str = "classes"
    middles: tuple[tuple[float, ...], ...] = ()

    @property
    def low_text(self) -> str:
        return f"{self.low:.2f}"

    @property
    def high_text(self) -> str:
        return f"{self.high:.2f}"


def named(
    title: str,
    codes: np.ndarray,
    names: Sequence[str],
    palette: str = "classes",
    unnamed: str = UNNAMED,
) -> Layer:
    """A layer of names; a code of -1 becomes `unnamed`."""
    codes = np.asarray(codes, np.int64)
    if (codes < 0).any():
        names, codes = (*names, unnamed), np.where(codes < 0, len(names), codes)
    counts = np.bincount(codes, minlength=len(names))
    return Layer(
        title, "class", codes, tuple(names), tuple(int(count) for count in counts), palette=palette
    )


def graded(title: str, values: np.ndarray, least: float | None = None) -> Layer:
    """A layer of numbers, from their smallest, or from `least`, to their largest."""
    values = np.nan_to_num(np.asarray(values, np.float64))
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    low = low if least is None else least
    codes = np.round((values - low) / (high - low) * STEPS) if high > low else np.zeros(len(values))
    return Layer(title, "value", codes.astype(np.int64), low=low, high=high, palette="ramp")
