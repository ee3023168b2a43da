"""Characters of no script, drawn by simulated hands: classes without end for training an embedding of
characters of any script.

As in Bayesian program learning (Lake, Salakhutdinov, Tenenbaum 2015), a character is a few strokes,
each a curve through a few points, most of them beginning on an earlier stroke; a hand draws it with
every point, every stroke and the whole a little elsewhere. Characters come in families that differ by
a stroke or two, as those of one alphabet do.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from engine.data.idx import GlyphReader
from engine.data.listing import TRAIN, Listing, digest

FAMILIES, RELATIVES, HANDS = 500, 4, 20  # characters are FAMILIES · RELATIVES, images · HANDS
SIDE, FINE = 48, 3  # pixels of a glyph, drawn at so many times the size
BOX = 20 / 28  # of the side that the ink fills, as in MNIST
VERSION = "1"  # of the drawings; any change to how they are drawn counts it up
STEPS = 7  # points drawn between two points of a stroke


class Stroke(NamedTuple):
    """points (p, 2) float64 in about -1..1, down and right positive; sharp: with corners at them,
    otherwise a smooth curve through them.
    """

    points: np.ndarray
    sharp: bool


def list_invented() -> Listing:
    """All invented characters: classes 'invented 0001' …, the same on every machine."""
    count = FAMILIES * RELATIVES
    labels = np.repeat(np.arange(count), HANDS)
    classes = tuple(f"invented {number + 1:04d}" for number in range(count))
    files = [f"{classes[label]}/{place % HANDS + 1:02d}" for place, label in enumerate(labels)]
    content = digest(["invented", VERSION, FAMILIES, RELATIVES, HANDS, SIDE])
    official = np.full(len(labels), TRAIN, np.int8)
    return Listing("digit", files, labels, classes, official, content, GlyphReader(_glyphs))


@lru_cache(maxsize=1)
def _glyphs() -> np.ndarray:
    rng = np.random.default_rng(0)
    characters = [one for _ in range(FAMILIES) for one in family(rng)]
    return np.stack([drawn(one, rng) for one in characters for _ in range(HANDS)])


def family(rng: np.random.Generator) -> list[list[Stroke]]:
    """RELATIVES characters that share most of their strokes."""
    first: list[Stroke] = []
    for _ in range(int(rng.choice([1, 2, 3, 4, 5], p=[0.08, 0.26, 0.3, 0.22, 0.14]))):
        first.append(_stroke(first, rng))
    return [first, *(_relative(first, rng) for _ in range(RELATIVES - 1))]


def drawn(character: list[Stroke], rng: np.random.Generator) -> np.ndarray:
    """One drawing of a character by a hand: (SIDE, SIDE) uint8, ink 255, placed as in MNIST."""
    turn, slant = rng.normal(0, 0.07), rng.normal(0, 0.13)
    aspect = math.exp(rng.normal(0, 0.13))
    whole = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    whole = whole @ np.array([[aspect, 0], [slant, 1 / aspect]])
    care = rng.uniform(0.5, 1.4)  # how far this hand strays
    lines = [_strayed(stroke, care, rng) @ whole for stroke in character]
    return _inked(lines, float(rng.uniform(2.4, 5.2)))


def _stroke(before: list[Stroke], rng: np.random.Generator) -> Stroke:
    """A new stroke, most often beginning on one of those `before` it."""
    start = rng.uniform(-0.9, 0.9, 2)
    if before and rng.random() < 0.7:
        line = _curve(before[int(rng.integers(len(before)))])
        start = line[
            int(rng.choice([0, len(line) // 2, len(line) - 1, int(rng.integers(len(line)))]))
        ]
    if rng.random() < 0.04:  # a dot
        return Stroke(start + np.array([[0, 0], rng.normal(0, 0.06, 2)]), True)
    length = rng.uniform(0.5, 1.9)
    angle = rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.6:  # most strokes of most scripts are upright, level or diagonal
        angle = rng.integers(8) * math.pi / 4 + rng.normal(0, 0.12)
    along = np.array([math.cos(angle), math.sin(angle)])
    if start @ along > 0.5:  # towards the middle rather than away from it
        along = -along
    across = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
    bend = rng.uniform(0.25, 0.9)
    shapes = {  # (along, across) of the points, as shares of the length
        "line": ([(0, 0), (1, 0)], True),
        "arc": ([(0, 0), (0.5, bend / 2), (1, 0)], False),
        "corner": ([(0, 0), (rng.uniform(0.3, 0.9), bend), (rng.uniform(0.6, 1.2), 0)], True),
        "angle": ([(0, 0), (1, 0), (1 + rng.normal(0, 0.15), bend)], True),
        "wave": ([(0, 0), (0.3, bend / 2), (0.7, -bend / 2), (1, 0)], False),
        "hook": ([(0, 0), (0.7, 0), (1, 0.15), (0.9, 0.35 * bend + 0.15)], False),
        "zigzag": ([(0, 0), (0.35, bend), (0.6, -0.1), (1, bend)], True),
        "loop": (
            [
                (0.35 * (1 - math.cos(t)), 0.35 * bend * 1.6 * math.sin(t))
                for t in np.linspace(0, float(rng.choice([2, 1.6, 1.3])) * math.pi, 7).tolist()
            ],
            False,
        ),
    }
    chance = [0.3, 0.2, 0.08, 0.11, 0.06, 0.08, 0.05, 0.12]
    points, sharp = shapes[str(rng.choice(list(shapes), p=chance))]
    return Stroke(start + length * np.array([x * along + y * across for x, y in points]), sharp)


def _relative(first: list[Stroke], rng: np.random.Generator) -> list[Stroke]:
    """A character that differs from `first` by a stroke: one more, one less, another, or moved."""
    out = list(first)
    for _ in range(int(rng.integers(1, 3))):
        place = int(rng.integers(len(out)))
        change = int(rng.integers(5))
        if change == 0 and len(out) > 1:
            del out[place]
        elif change == 1 or (change == 0 and len(out) < 5):
            out.append(_stroke(out, rng))
        elif change == 2:
            rest = out[:place] + out[place + 1 :]
            out[place] = _stroke(rest, rng)
        elif change == 3:
            middle = out[place].points.mean(0)
            flip = np.array([-1, 1] if rng.random() < 0.5 else [1, -1])
            out[place] = out[place]._replace(points=(out[place].points - middle) * flip + middle)
        else:
            shift = rng.choice([-1, 1], 2) * rng.uniform(0.25, 0.7, 2)
            out[place] = out[place]._replace(points=out[place].points + shift)
    return out


def _strayed(stroke: Stroke, care: float, rng: np.random.Generator) -> np.ndarray:
    """The line (n, 2) that a hand draws for a stroke."""
    points: np.ndarray = stroke.points
    sharp, middle = stroke.sharp, points.mean(0)
    size = np.ptp(points, axis=0).max()
    turn = rng.normal(0, 0.09 * care)
    grown = math.exp(rng.normal(0, 0.1 * care))
    c, s = grown * math.cos(turn), grown * math.sin(turn)
    points = (points - middle) @ np.array([[c, s], [-s, c]]) + middle
    points = (
        points + rng.normal(0, 0.055 * care, 2) + rng.normal(0, 0.05 * care * size, points.shape)
    )
    if sharp and len(points) == 2:  # no hand draws a straight line
        bow = rng.normal(0, 0.05 * care, 2) * size
        return _curve(Stroke(np.array([points[0], points.mean(0) + bow, points[1]]), False))
    smooth = sharp and rng.random() < 0.35  # a hasty hand rounds corners
    return _curve(Stroke(points, sharp and not smooth))


def _curve(stroke: Stroke) -> np.ndarray:
    """The line (n, 2) through a stroke's points: straight between them, or Catmull and Rom's
    spline.
    """
    points, sharp = stroke
    if sharp or len(points) < 3:
        return points
    t = (np.arange(STEPS) / STEPS)[:, None]
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    parts = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.concatenate([*parts, points[-1:]])


def _inked(lines: list[np.ndarray], pen: float) -> np.ndarray:
    """Lines drawn by a round pen of `pen` pixels at SIDE, in MNIST's box, its centre of mass in the
    middle as far as it fits.
    """
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    side, wide = SIDE * FINE, pen * FINE
    scale = (side * BOX - wide) / max(float((high - low).max()), 1e-3)
    weights = np.concatenate([np.full(len(line), 1 / len(line)) for line in lines])
    middle = (low + high) / 2
    mass = (points * weights[:, None]).sum(0) / weights.sum()
    room = side * (1 - BOX) / 2 / scale
    centre = middle + np.clip(mass - middle, -room, room)
    picture = Image.new("L", (side, side))
    pencil = ImageDraw.Draw(picture)
    for line in lines:
        placed = [tuple(point) for point in ((line - centre) * scale + side / 2).tolist()]
        pencil.line(placed, fill=255, width=max(1, round(wide)), joint="curve")
        for x, y in (placed[0], placed[-1]):
            pencil.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
    return np.asarray(picture.reduce(FINE))
