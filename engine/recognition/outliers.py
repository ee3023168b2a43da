"""Drawings that are no characters of any model, made on this machine: what a model's rejection of
foreign drawings is fitted to (outlier exposure: Hendrycks, Mazeika & Dietterich 2019).

Characters of no script, doodles, shapes, blots, textures like those of photographs, and own training
images cut in two and joined to others. Nothing here is a file that somebody drew or took: real
alphabets, real photographs and the scribbles of `bench/foreign.py` are left to judge by. Drawings of
one line or one loop are left out: they are characters of many models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.data.invented import drawn, family

SIDE, FINE = 48, 4  # pixels of a drawing, made at so many times the size
MARGINS = (0.2, 1.4)  # white on all sides of a drawing on its page, in sides of the drawing
PAGE_SIDE = 324
Maker = Callable[[np.random.Generator], np.ndarray]


def outlier_pages(
    squares: np.ndarray, count: int, rng: np.random.Generator
) -> Iterator[Image.Image]:
    """`count` pages, dark on white, in a fixed mixture of kinds. squares: ink (n, S, S) uint8 of the
    model's training images, n at least 2.
    """
    makers: list[Maker] = [*MAKERS.values(), lambda own: _joined(squares, own)]
    shares = np.array([*SHARES, JOINED_SHARE])
    for kind in rng.choice(len(makers), count, p=shares / shares.sum()):
        made = makers[kind](rng)
        if kind == TEXTURE:
            size = (320, 240)
            yield Image.fromarray(made).resize(size, Image.Resampling.BICUBIC)
        else:
            yield page_of(made, rng)


def page_of(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Ink (S, S) uint8 of a glyph → a white page with it near the middle, as large on the page as
    people draw, from a fourth of it to nearly all.
    """
    wide = round(rng.uniform(*MARGINS) * len(ink))
    above, left = rng.integers(-(wide // 4), wide // 4 + 1, 2).tolist()
    room = ((wide + above, wide - above), (wide + left, wide - left))
    page = Image.fromarray(255 - np.pad(ink, room))
    return page.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.BICUBIC)


def invented(rng: np.random.Generator) -> np.ndarray:
    """A character of no script, of two strokes or more: ink (SIDE, SIDE) uint8."""
    while True:
        for character in family(rng)[:2]:
            if len(character) > 1:
                return drawn(character, rng)


def doodle(rng: np.random.Generator) -> np.ndarray:
    """One to three lines that wander: from wide curls to a trembling scrawl."""
    picture, pen, side = _canvas()
    width = int(rng.uniform(0.05, 0.12) * side)
    for _ in range(int(rng.integers(1, 4))):
        angle, place = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.75, 2) * side
        curl, tremble = rng.normal(0, 0.12), float(rng.choice([0.05, 0.25, 0.6]))
        step, line = side * rng.uniform(0.015, 0.05), [tuple(place)]
        for _ in range(int(rng.integers(20, 220))):
            angle += curl + rng.normal(0, tremble)
            place = place + step * np.array([math.cos(angle), math.sin(angle)])
            if np.abs(place / side - 0.5).max() > 0.38:  # back towards the middle
                x, y = side / 2 - place
                angle = math.atan2(y, x) + rng.normal(0, 0.4)
            place = place.clip(0.1 * side, 0.9 * side)
            line.append(tuple(place))
        pen.line(line, fill=255, width=width, joint="curve")
    return np.asarray(picture.reduce(FINE))


def loops(rng: np.random.Generator) -> np.ndarray:
    """A Lissajous figure, or a part of one."""
    picture, pen, side = _canvas()
    t = np.linspace(0, 2 * math.pi * rng.uniform(0.6, 1.5), 300)
    across, down = rng.integers(1, 8), rng.integers(2, 8)
    x = side * (0.5 + 0.36 * rng.uniform(0.5, 1) * np.sin(across * t + rng.uniform(0, 2 * math.pi)))
    y = side * (0.5 + 0.36 * np.sin(down * t))
    width = int(rng.uniform(0.04, 0.12) * side)
    pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=255, width=width, joint="curve")
    return np.asarray(picture.reduce(FINE))


def blots(rng: np.random.Generator) -> np.ndarray:
    """Filled patches: smooth noise above a level, rarer away from the middle."""
    side = SIDE * 2
    noise = Image.fromarray(rng.integers(0, 256, (side, side), dtype=np.uint8))
    smooth = np.asarray(noise.filter(ImageFilter.GaussianBlur(rng.uniform(2, 14))), np.float64)
    y, x = np.mgrid[:side, :side] / side - 0.5
    level = (smooth - smooth.mean()) / max(smooth.std(), 1e-6) + rng.uniform(0, 1.5)
    level -= rng.uniform(4, 24) * (x**2 + y**2)
    ink = (level > min(rng.uniform(0, 0.8), 0.5 * level.max())).astype(np.uint8) * 255
    return np.asarray(Image.fromarray(ink).reduce(2))


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Rectangles, polygons, ellipses, arcs and lines, some filled; of one shape only a rectangle or
    a polygon.
    """
    picture, pen, side = _canvas()
    count = int(rng.choice([1, 2, 3, 5, 8]))
    for _ in range(count):
        width = int(rng.uniform(0.04, 0.12) * side)
        fill = 255 if rng.random() < 0.5 else None
        left, top = (rng.uniform(0.12, 0.6, 2) * side).tolist()
        right, bottom = ((left, top) + rng.uniform(0.05, 0.35, 2) * side).tolist()
        box = (left, top, right, bottom)
        kind = int(rng.integers(2 if count == 1 else 5))
        if kind == 0:
            pen.rectangle(box, outline=255, width=width)
        elif kind == 1:
            points = rng.uniform(0.12, 0.88, (int(rng.integers(3, 6)), 2)) * side
            pen.polygon([*map(tuple, points.tolist())], fill=fill, outline=255, width=width)
        elif kind == 2:
            pen.ellipse(box, fill=fill, outline=255, width=width)
        elif kind == 3:
            start, end = np.sort(rng.uniform(0, 360, 2)).tolist()
            pen.arc(box, start, end, fill=255, width=width)
        else:
            pen.line(box, fill=255, width=width)
    return np.asarray(picture.reduce(FINE))


def texture(rng: np.random.Generator) -> np.ndarray:
    """Grey levels (96, 96) uint8 as of a photograph: noise whose spectrum falls with the frequency,
    with a few edges and discs.
    """
    side = 2 * SIDE
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(rng.normal(size=(side, side))) / frequency ** rng.uniform(0.7, 1.8)
    level = np.fft.ifft2(spectrum).real
    level = (level - level.mean()) / level.std()
    y, x = np.mgrid[:side, :side] / side - 0.5
    for _ in range(int(rng.integers(0, 6))):
        angle = rng.uniform(0, 2 * math.pi)
        beyond = x * math.cos(angle) + y * math.sin(angle) > rng.uniform(-0.3, 0.3)
        left, top = rng.uniform(-0.4, 0.4, 2)
        inside = (x - left) ** 2 + (y - top) ** 2 < rng.uniform(0.02, 0.2) ** 2
        level = level + rng.normal() * beyond + 1.5 * rng.normal() * inside
    level -= level.min()
    return (255 * level / max(level.max(), 1e-6)).astype(np.uint8)


MAKERS: dict[str, Maker] = {
    "invented": invented,
    "doodle": doodle,
    "loops": loops,
    "blots": blots,
    "shapes": shapes,
    "texture": texture,
}
SHARES = (0.5, 0.08, 0.05, 0.05, 0.06, 0.06)  # of MAKERS; characters are the hardest to tell
JOINED_SHARE = 0.2
TEXTURE = list(MAKERS).index("texture")


def _joined(squares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two training images, the second turned or mirrored now and then: one over the other, or a
    part of each on either side of a line. squares: ink (n, S, S) uint8.
    """
    first, second = (squares[place] for place in rng.choice(len(squares), 2, replace=False))
    if rng.random() < 0.5:
        turned = np.rot90(second, int(rng.integers(1, 4)))
        second = turned if rng.random() < 0.6 else second[:, ::-1]
    if rng.random() < 1 / 3:
        return np.maximum(first, second)
    angle = float(rng.choice([0, math.pi / 2, rng.uniform(0, math.pi)]))
    y, x = np.mgrid[: len(first), : len(first)] / len(first) - 0.5
    beyond = x * math.cos(angle) + y * math.sin(angle) > rng.uniform(-0.1, 0.1)
    made = np.where(beyond, first, second)
    return made if made.max() > 192 else np.maximum(first, second)  # nothing fell on either side


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    side = SIDE * FINE
    picture = Image.new("L", (side, side))
    return picture, ImageDraw.Draw(picture), side
