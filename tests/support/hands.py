"""Symbols drawn by simulated hands: pen strokes with a writer's slant, size and width, and a little
trembling each time.
"""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageDraw

Stroke = list[tuple[float, float]]


def _arc(
    x: float, y: float, wide: float, high: float, start: float, stop: float, points: int = 20
) -> Stroke:
    angles = np.radians(np.linspace(start, stop, points))
    return [(x + wide * math.cos(a), y + high * math.sin(a)) for a in angles]


def _heart() -> Stroke:
    out = []
    for t in np.linspace(0, 2 * math.pi, 30):
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        out.append((0.5 + 0.028 * 16 * math.sin(t) ** 3, 0.48 - 0.028 * y))
    return out


# On the unit square, y downwards.
SYMBOLS: dict[str, list[Stroke]] = {
    "♥": [_heart()],
    "→": [[(0, 0.5), (1, 0.5)], [(0.7, 0.25), (1, 0.5), (0.7, 0.75)]],
    "#": [[(0.3, 0), (0.2, 1)], [(0.7, 0), (0.6, 1)], [(0, 0.35), (1, 0.3)], [(0, 0.7), (1, 0.65)]],
    "Ω": [[(0, 1), (0.3, 1), *_arc(0.5, 0.45, 0.4, 0.45, 120, 420), (0.7, 1), (1, 1)]],
    "7": [[(0.1, 0.05), (0.9, 0.05), (0.4, 1)]],
    "0": [_arc(0.5, 0.5, 0.38, 0.5, -90, 270)],
    "1": [[(0.5, 0), (0.5, 1)]],
    "i": [[(0.5, 0.35), (0.5, 1)], [(0.5, 0.02), (0.5, 0.06)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "o": [_arc(0.5, 0.7, 0.3, 0.3, -90, 270)],
    "=": [[(0, 0.35), (1, 0.35)], [(0, 0.65), (1, 0.65)]],
}


def drawn(
    symbol: str, seed: int = 0, writer: int = 0, size: tuple[int, int] = (480, 360)
) -> np.ndarray:
    """Ink (H, W) uint8 of one symbol on a page; the same `writer` draws alike, `seed` is the
    drawing.
    """
    habit = np.random.default_rng(writer).normal(0, 1, 5)
    rng = np.random.default_rng([writer, seed, *map(ord, symbol)])
    slant, turn = 0.1 * habit[0] + rng.normal(0, 0.04), 0.08 * habit[1] + rng.normal(0, 0.05)
    wide, scale = (
        math.exp(0.1 * habit[2] + rng.normal(0, 0.05)),
        0.5 * size[1] * math.exp(0.1 * habit[3] + rng.normal(0, 0.06)),
    )
    width, phase = max(12.0, 22 + 4 * habit[4]), rng.uniform(0, 6, 4)
    shift = rng.uniform(-0.05, 0.05, 2)
    picture = Image.new("L", (2 * size[0], 2 * size[1]))
    pen = ImageDraw.Draw(picture)
    for stroke in SYMBOLS[symbol]:
        path = []
        for (x0, y0), (x1, y1) in zip(stroke, stroke[1:], strict=False):
            steps = max(2, int(12 * math.dist((x0, y0), (x1, y1))))
            path += [
                (x0 + (x1 - x0) * k / steps - 0.5, y0 + (y1 - y0) * k / steps - 0.5)
                for k in range(steps + 1)
            ]
        points = []
        for x, y in path:
            x, y = x + 0.02 * math.sin(5 * y + phase[0]), y + 0.02 * math.sin(5 * x + phase[1])
            x, y = x * wide + slant * y, y / wide
            x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
            points.append(
                (
                    2 * (size[0] * (0.5 + shift[0]) + x * scale),
                    2 * (size[1] * (0.5 + shift[1]) + y * scale),
                )
            )
        pen.line(points, fill=255, width=round(2 * width), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - width, y - width, x + width, y + width), fill=255)
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def png(ink: np.ndarray) -> bytes:
    """Ink as the pad sends it: black on a transparent page."""
    out = io.BytesIO()
    Image.merge("RGBA", [*[Image.new("L", ink.shape[::-1])] * 3, Image.fromarray(ink)]).save(
        out, "PNG"
    )
    return out.getvalue()


def written(word: str, height: int = 120, gap: int = 30, seed: int = 0) -> np.ndarray:
    """Ink of a word on one line, each symbol upright and on the line; a space is a wide gap."""
    width, margin = 14, 30
    parts, x = [], margin
    for symbol in word:
        if symbol == " ":
            x += height
            continue
        strokes = [
            [(x + 0.6 * height * px, 60 + height * py) for px, py in stroke]
            for stroke in SYMBOLS[symbol]
        ]
        left = min(px for stroke in strokes for px, _ in stroke)
        strokes = [[(px - left + x, py) for px, py in stroke] for stroke in strokes]
        parts.append(strokes)
        x = int(max(px for stroke in strokes for px, _ in stroke)) + gap + width
    picture = Image.new("L", (x - gap + margin, height + 120))
    pen = ImageDraw.Draw(picture)
    for strokes in parts:
        for stroke in strokes:
            pen.line(stroke, fill=255, width=width, joint="curve")
            for px, py in (stroke[0], stroke[-1]):
                pen.ellipse(
                    (px - width / 2, py - width / 2, px + width / 2, py + width / 2), fill=255
                )
    return np.asarray(picture)
