"""Where ink stands on a model's square: centred by mass, filling it, or with its whole page."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from engine.imaging.ink import ink_box, stroke_width, thickened

BOX = 20 / 28  # MNIST: ink fills 20 of 28 pixels
FINE = 4  # strokes are measured and thickened at so many times the final resolution


def placed(ink: np.ndarray, scale: float, x: float, y: float, size: int) -> np.ndarray:
    """The square (size, size) whose centre is the point (x, y) of the ink (H, W), scaled; beyond
    the ink there is paper.

    One resampling, placed to a fraction of a pixel: an area filter when shrinking (every stroke
    keeps its ink), bicubic when growing.
    """
    half = size / 2 / scale
    pad = max(
        0, math.ceil(max(half - x, half - y, x + half - ink.shape[1], y + half - ink.shape[0]))
    )
    ink = np.pad(ink, pad) if pad else ink
    box = (
        max(x - half + pad, 0),
        max(y - half + pad, 0),
        min(x + half + pad, ink.shape[1]),
        min(y + half + pad, ink.shape[0]),
    )
    kernel = Image.Resampling.BOX if scale <= 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(ink).resize((size, size), kernel, box))


def coarse(ink: np.ndarray, side: int) -> np.ndarray:
    """Ink (H, W) no larger than `side`, still with full ink in it: a thin stroke fades as it
    shrinks.
    """
    scale = side / max(ink.shape)
    if scale < 1:
        shape = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
        ink = np.asarray(Image.fromarray(ink).resize(shape, Image.Resampling.BOX))
    return with_full_ink(ink)


def with_full_ink(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) uint8 whose strongest stroke is 255."""
    peak = int(ink.max())
    return (
        ink
        if peak in (0, 255)
        else np.clip(ink.astype(np.float32) * (255 / peak), 0, 255).astype(np.uint8)
    )


def _glyph(ink: np.ndarray, box: int, least: float) -> np.ndarray:
    """The ink alone, cut out, at up to FINE times the `box` pixels it will fill, its strokes wide
    enough for `least` pixels there.
    """
    left, top, right, bottom = ink_box(ink)
    glyph = coarse(ink[top:bottom, left:right], FINE * box)
    return thickened(glyph, least * max(glyph.shape) / box, pad=True)


def centred_by_mass(ink: np.ndarray, size: int) -> np.ndarray:
    """The ink in a 20/28 box, its centre of mass at the centre: (size, size) uint8."""
    box = round(size * BOX)
    glyph = _glyph(ink, box, least=1.6 * size / 28)
    height, width = glyph.shape
    scale = box / max(height, width)
    mass = glyph.astype(np.float64)
    x = float(mass.sum(0) @ (np.arange(width) + 0.5) / mass.sum())
    y = float(mass.sum(1) @ (np.arange(height) + 0.5) / mass.sum())
    half = size / 2 / scale  # the whole glyph stays on the square, however uneven its mass
    return with_full_ink(
        placed(
            glyph, scale, min(max(x, width - half), half), min(max(y, height - half), half), size
        )
    )


def filling(ink: np.ndarray, size: int) -> np.ndarray:
    """The ink alone, filling 0.84 of the square: (size, size) uint8."""
    box = round(size * 0.84)
    glyph = _glyph(ink, box, least=size / 24)
    return placed(glyph, box / max(glyph.shape), glyph.shape[1] / 2, glyph.shape[0] / 2, size)


def whole_page(ink: np.ndarray, size: int) -> np.ndarray:
    """The page with its ink, padded to a square: (size, size) uint8."""
    page = coarse(ink, FINE * size)
    left, top, right, bottom = ink_box(page)
    least = max(page.shape) / 60
    if stroke_width(page[top:bottom, left:right]) < least:
        page = thickened(page, least, pad=False)
    return placed(page, size / max(page.shape), page.shape[1] / 2, page.shape[0] / 2, size)
