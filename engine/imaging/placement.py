"""Where on its page a model's training drawings stand and how wide their strokes are, and a drawing
that differs made like them.

A model that tells capitals from small letters by size and place has only seen the sizes and places
of its training drawings; where a hand draws elsewhere, they tell it nothing, and mislead it. So
every model of a page keeps where the ink of its training drawings lies. A drawing inside that range
is left as it is; one outside it is judged by its form: put in the middle of the range, unless its
size is typical, in which case that is kept, and the other way round.

Pens count as well: of two drawings of one pen, the one whose strokes are thin for its size is the
larger, so that a thin pen makes capitals of small letters. Strokes thinner than nearly all of the
training drawings' are widened to theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
from PIL import Image

from engine.imaging.ink import ink_box, stroke_width, thickened

Range = tuple[float, float, float]  # low, middle, high
FEWEST = 30  # pages from which a range is worth having
MOST = 2000  # pages that are measured
READ = 20_000  # images among which pages are looked for: of a pooled set, most may have none
PLACE_PERCENT = 5  # of the training drawings beyond each end of the range
SIZE_PERCENT = 2
PEN_PERCENT = 5


class Placement(NamedTuple):
    """Ranges of the ink's centre `x`, `y` (from the middle of the page, right and down), of its
    longer `side` and of the mean width of its strokes (`pen`; None: not known), as shares of the
    page's longer side."""

    x: Range
    y: Range
    side: Range
    pen: Range | None = None


def placement_of(pages: np.ndarray) -> Placement | None:
    """The placement of training pages (N, S, S) uint8; blank ones do not count. None if there are
    too few to tell.
    """
    inked = np.flatnonzero(pages.any((1, 2)))
    if len(inked) < FEWEST:
        return None
    shown = inked[np.linspace(0, len(inked) - 1, min(MOST, len(inked))).astype(int)]
    x, y, side = np.array([_measured(pages[i]) for i in shown]).T
    pens = np.array([_pen(pages[i]) for i in shown])
    return Placement(
        _range(x, PLACE_PERCENT),
        _range(y, PLACE_PERCENT),
        _range(side, SIZE_PERCENT),
        _range(pens, PEN_PERCENT),
    )


def placement_kept(images: np.ndarray, index: np.ndarray, style: str) -> dict[str, Range] | None:
    """The placement of training images (N, C, S, S) uint8 at `index`, as a checkpoint keeps it;
    None for a style without a page.
    """
    if style not in ("page", "duo"):
        return None
    found = placement_of(images[index[:: max(1, len(index) // READ)], -1])
    return found._asdict() if found else None


def read_placement(found: Mapping[str, Any] | None) -> Placement | None:
    """A placement as a checkpoint keeps it, {'x': [low, middle, high], …}; None for none."""
    return (
        Placement(
            **{
                name: cast(Range, tuple(map(float, found[name])))
                for name in Placement._fields
                if name in found
            }
        )
        if found
        else None
    )


def settled(ink: np.ndarray, placement: Placement) -> np.ndarray:
    """Ink on a page (H, W) uint8, whole; on a square page and moved or scaled if it stands where no
    training drawing does.
    """
    x, y, side = _measured(ink)
    fits = placement.side[0] <= side <= placement.side[2]
    stands = _within(x, placement.x) and _within(y, placement.y)
    if fits and stands:
        return ink
    if not stands:
        x, y = placement.x[1], placement.y[1]
    scale = 1.0 if fits else placement.side[1] / side
    long = max(ink.shape)
    left, top, right, bottom = ink_box(ink)
    glyph = Image.fromarray(ink[top:bottom, left:right])
    if scale != 1:
        glyph = glyph.resize(
            (max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale))),
            Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC,
        )
    page = Image.new("L", (long, long))
    corner = round((0.5 + x) * long - glyph.width / 2), round((0.5 + y) * long - glyph.height / 2)
    page.paste(glyph, corner)
    return np.asarray(page)


def with_a_known_pen(ink: np.ndarray, placement: Placement) -> np.ndarray:
    """Ink on a page (H, W) uint8, its strokes widened to the thinnest of the training drawings' if
    they are thinner.
    """
    if placement.pen is None or (width := _pen(ink)) >= placement.pen[0]:
        return ink
    least = placement.pen[0] * max(ink.shape)
    room = math.ceil(least - width * max(ink.shape))
    left, top, right, bottom = ink_box(ink)
    part = slice(max(top - room, 0), bottom + room), slice(max(left - room, 0), right + room)
    out = ink.copy()
    out[part] = thickened(ink[part], least, pad=False)
    return out


def _pen(page: np.ndarray) -> float:
    left, top, right, bottom = ink_box(page)
    return stroke_width(page[top:bottom, left:right]) / max(page.shape)


def _measured(page: np.ndarray) -> tuple[float, float, float]:
    """The ink's centre and longer side, to a fraction of a pixel: training pages are small, and
    half a pixel is a hundredth of them.
    """
    height, width = page.shape
    long = max(height, width)
    left, right = _extent(page.max(0))
    top, bottom = _extent(page.max(1))
    return (
        (left + right - width) / 2 / long,
        (top + bottom - height) / 2 / long,
        max(right - left, bottom - top) / long,
    )


def _extent(profile: np.ndarray) -> tuple[float, float]:
    """Where ink begins and ends along a profile (n,) uint8; a pixel half as dark as the darkest is
    half covered.
    """
    share = profile / max(int(profile.max()), 1)
    inked = np.flatnonzero(share > 0.1)
    return inked[0] + 1 - share[inked[0]], inked[-1] + share[inked[-1]]


def _range(values: np.ndarray, beyond: float) -> Range:
    low, middle, high = (
        round(float(value), 4) for value in np.percentile(values, [beyond, 50, 100 - beyond])
    )
    return low, middle, high


def _within(value: float, bounds: Range) -> bool:
    return bounds[0] <= value <= bounds[2]
