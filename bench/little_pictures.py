"""Little pictures as people draw them on a canvas for fun, and tangles: foreign drawings to judge by,
written when the rejection was fixed. No limit was fitted to them and no choice made by them.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

Line = list[tuple[float, float]]  # points in about -1..1, down and right positive
STEPS = 24


def arc(x: float, y: float, wide: float, high: float, start: float = 0, stop: float = 360) -> Line:
    angles = np.radians(np.linspace(start, stop, STEPS))
    return [(x + wide * math.cos(a), y + high * math.sin(a)) for a in angles]


def star(rng: np.random.Generator) -> list[Line]:
    count = int(rng.integers(4, 8))
    turn = np.pi * np.arange(2 * count + 1) / count - np.pi / 2
    reach = np.where(np.arange(2 * count + 1) % 2, rng.uniform(0.3, 0.5), 1)
    return [[*zip((reach * np.cos(turn)).tolist(), (reach * np.sin(turn)).tolist(), strict=True)]]


def face(rng: np.random.Generator) -> list[Line]:
    eye, mouth = rng.uniform(0.25, 0.4), rng.uniform(0.3, 0.6)
    eyes = [arc(side * eye, -0.3, 0.08, 0.1) for side in (-1, 1)]
    return [arc(0, 0, 1, rng.uniform(0.8, 1)), *eyes, arc(0, 0.1, mouth, 0.5, 20, 160)]


def house(rng: np.random.Generator) -> list[Line]:
    wide, eaves = rng.uniform(0.5, 0.8), rng.uniform(-0.3, 0)
    walls = [(-wide, eaves), (-wide, 1), (wide, 1), (wide, eaves), (-wide, eaves)]
    roof = [(-wide, eaves), (0, -1), (wide, eaves)]
    return [walls, roof, [(-0.15, 1), (-0.15, 0.5), (0.15, 0.5), (0.15, 1)]]


def flower(rng: np.random.Generator) -> list[Line]:
    count, reach = int(rng.integers(4, 8)), rng.uniform(0.3, 0.45)
    turns = 2 * np.pi * np.arange(count) / count
    petals = [arc(0.55 * math.cos(a), 0.55 * math.sin(a) - 0.3, reach, reach) for a in turns]
    return [*petals, arc(0, -0.3, 0.2, 0.2), [(0, 0.5), (rng.uniform(-0.2, 0.2), 1.5)]]


def heart(rng: np.random.Generator) -> list[Line]:
    t = np.linspace(0, 2 * np.pi, 2 * STEPS)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    x = rng.uniform(0.9, 1.1) * np.sin(t) ** 3
    return [[*zip(x.tolist(), (-y / 17).tolist(), strict=True)]]


def hatching(rng: np.random.Generator) -> list[Line]:
    count, lean = int(rng.integers(5, 10)), rng.uniform(-0.6, 0.6)
    places = np.linspace(-0.9, 0.9, count).tolist()
    lines: list[Line] = [[(x + lean, -0.8), (x - lean, 0.8)] for x in places]
    return lines + [[(-0.9, y), (0.9, y)] for y in places] if rng.random() < 0.5 else lines


def tangle(rng: np.random.Generator) -> list[Line]:
    """A closed curve of random low frequencies."""
    t = np.linspace(0, 2 * np.pi, 8 * STEPS)[:, None]
    waves = np.arange(1, 7)
    both = [
        (np.sin(t * waves + rng.uniform(0, 2 * np.pi, 6)) * rng.normal(size=6)).sum(1)
        for _ in range(2)
    ]
    x, y = (one / np.abs(one).max() for one in both)
    return [[*zip(x.tolist(), y.tolist(), strict=True)]]


PICTURES = (star, face, house, flower, heart, hatching, tangle)


def little_picture(rng: np.random.Generator) -> Image.Image:
    """A page (480, 360), dark on white, with one of PICTURES, drawn by an unsteady hand."""
    page = Image.new("L", (960, 720), 255)
    pen, width = ImageDraw.Draw(page), int(rng.integers(16, 52))
    size, centre = rng.uniform(100, 220), np.array([480, 360]) + rng.normal(0, 30, 2)
    turn, phase = rng.normal(0, 0.1), rng.uniform(0, 6, 2)
    whole = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    for line in PICTURES[int(rng.integers(len(PICTURES)))](rng):
        points = np.array(line) @ whole
        points = points + 0.04 * np.sin(4 * points[:, ::-1] + phase) + rng.normal(0, 0.02, 2)
        placed = (centre + size * points).tolist()
        pen.line([*map(tuple, placed)], fill=0, width=width, joint="curve")
    return page.resize((480, 360), Image.Resampling.BOX)
