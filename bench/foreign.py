"""Drawings that are none of a model's classes: how many the canvas names without "Not sure", by its
present rule and by the softmax alone.

The shipped models' limits were measured on EMNIST's and MNIST's test images at even places, of their
own classes. The figures are of those at odd places and of foreign drawings that no limit was measured
on: letters without look-alikes among the digits, Omniglot's alphabets but Latin and Greek,
scribbles of strokes and blots, photographs. The rule's parts (five neighbours, depth of ink) were
chosen while looking at foreign drawings of the same sources: new sources may do worse.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.records import append
from engine.data.sources import CHARACTERS
from engine.imaging.images import Page
from engine.lab import Lab
from engine.recognition.confusables import UNSURE_BELOW, group_of, grouped
from engine.recognition.shape_similarity import likeness_vectors

MODELS = ("canvas-digits", "canvas-characters")
COUNT, SIDE = 200, 324  # drawings of each kind; pixels of a page made of a glyph
DIGITS = "0123456789"
LIKE_DIGITS = set("".join(map(group_of, DIGITS)))


def glyphs(lab: Lab, classes: set[str], rng: np.random.Generator) -> list:
    """Pages (pictures) of EMNIST's test images of `classes` at odd places: the limits of the shipped
    models were measured on such at even places.
    """
    found = lab.data.samples("emnist62", split="test", count=1_000_000, style="digit", size=28)
    names = lab.data.contents("emnist62").classes
    index = [
        i
        for i, (label, file) in enumerate(zip(found.labels, found.files, strict=True))
        if names[label] in classes and int(file.rpartition("/")[2]) % 2
    ]
    index = rng.permutation(index)[:COUNT]
    pages = [Image.fromarray(255 - np.pad(found.images[i][0], 40)) for i in index]
    return [page.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for page in pages]


def alphabets(archive: Path, rng: np.random.Generator) -> list:
    """Characters of Omniglot, without its Latin and Greek alphabets."""
    with zipfile.ZipFile(archive) as file:
        names = [
            name
            for name in sorted(file.namelist())
            if name.endswith(".png") and not {"Latin", "Greek"} & set(name.split("/"))
        ]
        chosen = [names[i] for i in rng.permutation(len(names))[:COUNT]]
        return [Image.open(io.BytesIO(file.read(name))).convert("L") for name in chosen]


def scribble(rng: np.random.Generator) -> Image.Image:
    """A page with a zigzag, a spiral, a blot, a dot or crossing chords."""
    page = Image.new("L", (480, 360), 255)
    pen, width = ImageDraw.Draw(page), int(rng.integers(10, 30))
    centre, side = rng.uniform((180, 140), (300, 220)), rng.uniform(50, 110)
    kind = rng.integers(5)
    if kind == 0:
        n = rng.integers(5, 12)
        x, y = np.linspace(-side, side, n), 0.7 * side * (-1.0) ** np.arange(n)
        pen.line([*map(tuple, centre + np.stack([x, y], 1))], fill=0, width=width, joint="curve")
    elif kind == 1:
        turn = np.linspace(0, rng.uniform(5, 9) * np.pi, 150)
        line = (side * turn / turn[-1])[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        pen.line([*map(tuple, centre + line)], fill=0, width=width)
    elif kind < 4:
        turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        rough = 1 + 0.25 * rng.uniform(-1, 1, 30) if kind == 2 else np.full(30, 0.15)
        edge = (side * rough)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        pen.polygon([*map(tuple, centre + edge)], fill=0)
    else:
        for _ in range(rng.integers(4, 9)):
            ends = centre + rng.uniform(-side, side, (2, 2))
            pen.line([*map(tuple, ends)], fill=0, width=width)
    return page


def shares(lab: Lab, model: str, pages: list) -> tuple[float, float]:
    """Shares 0..1 of pictures that are named without a doubt: by the canvas, by the softmax alone."""
    predictor, gallery = lab.predictor(model), lab.galleries.get(model)
    assert gallery is not None
    by_canvas, by_softmax = [], []
    for one in predictor.predict([Page(page) for page in pages]):
        vector = likeness_vectors(one.embedding[None], one.square[None])[0]
        sure = grouped(one.classes, one.probabilities)[0].share >= UNSURE_BELOW
        by_softmax.append(sure)
        by_canvas.append(sure and gallery.accepts(vector, one.square))
    return float(np.mean(by_canvas)), float(np.mean(by_softmax))


def main() -> dict[str, float]:
    """Returns figures by name, appended to records.csv too. Raises StopIteration without Omniglot."""
    lab, rng = Lab.open(os.environ), np.random.default_rng(0)
    omniglot = next(
        path
        for folder in lab.settings.data
        for path in folder.glob("omniglot/images_background_small2.zip")
    )
    photographs = sorted(omniglot.parent.parent.glob("hymenoptera_data/val/*/*.jpg"))[:COUNT]
    kinds: dict[str, Callable[[], list]] = {
        "letters": lambda: glyphs(lab, set(CHARACTERS) - LIKE_DIGITS, rng),
        "other alphabets": lambda: alphabets(omniglot, rng),
        "scribbles": lambda: [scribble(rng) for _ in range(COUNT)],
        "photographs": lambda: [Image.open(path).resize((320, 240)) for path in photographs],
    }
    drawings = {kind: make() for kind, make in kinds.items()}
    out: dict[str, float] = {}
    for model in MODELS:
        own = set(DIGITS) if model == "canvas-digits" else set(CHARACTERS)
        asked = {"own classes": glyphs(lab, own, rng), **drawings}
        if model != "canvas-digits":
            del asked["letters"]
        for kind, pages in asked.items():
            canvas, softmax = shares(lab, model, pages)
            out[f"{model}, {kind}, named without a doubt"] = canvas
            out[f"{model}, {kind}, named without a doubt by the softmax alone"] = softmax
    append(
        {"bench_or_recipe": "foreign", "metric": metric, "value": f"{value:.4g}"}
        for metric, value in out.items()
    )
    return out
