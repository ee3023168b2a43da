"""Drawings that are none of a model's classes: how many the canvas names without "Not sure", by its
present rule, by the rule of galleries without a rejection (distance to the nearest training images),
and by the softmax alone.

The shipped models' rejection is fitted to held-out images of their own classes and to outliers that a
program makes (`engine/recognition/outliers.py`): no real alphabet, photograph or scribble of this file
is among them; the limits are measured by own drawings alone (`bench/limits.py`). Own classes are test
images of EMNIST, brought onto a page, and tablet drawings that were held out from training. Foreign are
letters without look-alikes among the digits; alphabets of Omniglot but Latin and Greek, those by which
the method was chosen apart from those that were kept back; scribbles of strokes and blots; photographs;
little pictures, whose program was written when the method was fixed.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.little_pictures import little_picture
from bench.records import append_figures
from engine.data.sources import CHARACTERS
from engine.imaging.images import Page
from engine.lab import Lab
from engine.recognition.confusables import UNSURE_BELOW, group_of, grouped
from engine.services.model_data import training_images

MODELS = ("canvas-digits", "canvas-characters")
COUNT, OWN_COUNT, SIDE = 200, 1000, 324  # drawings of each kind; pixels of a page made of a glyph
TABLET = "trainPart1.zip"
CHOSEN_BY = ("Balinese", "Early_Aramaic", "Korean")  # alphabets by which the method was chosen
DIGITS = "0123456789"
LIKE_DIGITS = set("".join(map(group_of, DIGITS)))


def glyphs(
    lab: Lab, classes: set[str], count: int, rng: np.random.Generator, odd: bool = True
) -> list:
    """Pages (pictures) of EMNIST's test images of `classes` at odd places: the limits of the shipped
    models are measured by those at even places (`bench/limits.py`).
    """
    found = lab.data.samples("emnist62", split="test", count=1_000_000, style="digit", size=28)
    names = lab.data.contents("emnist62").classes
    index = [
        i
        for i, (label, file) in enumerate(zip(found.labels, found.files, strict=True))
        if names[label] in classes and int(file.rpartition("/")[2]) % 2 == odd
    ]
    index = rng.permutation(index)[:count]
    pages = [Image.fromarray(255 - np.pad(found.images[i][0], 40)) for i in index]
    return [page.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for page in pages]


def alphabets(archive: Path, chosen_by: bool, rng: np.random.Generator) -> list:
    """Characters of Omniglot, of the alphabets in CHOSEN_BY or of the others but Latin and Greek."""
    with zipfile.ZipFile(archive) as file:
        names = [
            name
            for name in sorted(file.namelist())
            if name.endswith(".png")
            and not {"Latin", "Greek"} & set(name.split("/"))
            and bool(set(CHOSEN_BY) & set(name.split("/"))) == chosen_by
        ]
        chosen = [names[i] for i in rng.permutation(len(names))[:COUNT]]
        return [Image.open(io.BytesIO(file.read(name))).convert("L") for name in chosen]


def tablet(lab: Lab, model: str) -> list:
    """The pages of the tablet characters that were held out from a model's training."""
    data = training_images(lab.store, lab.store.model_meta(model))
    assert data.sources is not None
    own = data.source_names.index("characters")
    held = [data.splits[name] for name in ("val", "test") if name in data.splits]
    places = [int(i) for i in np.concatenate(held) if data.sources[i] == own]
    archive = next(folder / TABLET for folder in lab.settings.data if (folder / TABLET).is_file())
    with zipfile.ZipFile(archive) as file:
        names = {name.rpartition("/")[2]: name for name in file.namelist()}
        wanted = [names[data.files[place].rpartition("/")[2]] for place in places]
        return [Image.open(io.BytesIO(file.read(name))).convert("L") for name in wanted]


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


def shares(lab: Lab, model: str, pages: list) -> dict[str, float]:
    """Shares 0..1 of pictures that are named without a doubt, by the name of the rule."""
    predictor, gallery = lab.predictor(model), lab.galleries.get(model)
    assert gallery is not None
    by_distance = replace(gallery, rejection=None)
    found = predictor.predict([Page(page) for page in pages])
    sure = np.array(
        [grouped(one.classes, one.probabilities)[0].share >= UNSURE_BELOW for one in found]
    )
    out = {"": gallery, " by distance alone": by_distance}
    shares = {
        rule: float(np.mean(sure & [asked.accepts(one.embedding, one.square) for one in found]))
        for rule, asked in out.items()
    }
    return {**shares, " by the softmax alone": float(sure.mean())}


def main() -> dict[str, float]:
    """Returns figures by name, appended to records.csv too. Raises StopIteration without Omniglot or
    the tablet characters.
    """
    lab, rng = Lab.open(os.environ), np.random.default_rng(0)
    second = next(
        path
        for folder in lab.settings.data
        for path in folder.glob("omniglot/images_background_small2.zip")
    )
    first = second.with_name("images_background_small1.zip")
    photographs = sorted(second.parent.parent.glob("hymenoptera_data/val/*/*.jpg"))[:COUNT]
    kinds: dict[str, Callable[[], list]] = {
        "letters": lambda: glyphs(lab, set(CHARACTERS) - LIKE_DIGITS, COUNT, rng),
        "other alphabets": lambda: alphabets(second, False, rng),
        "scribbles": lambda: [scribble(rng) for _ in range(COUNT)],
        "photographs": lambda: [Image.open(path).resize((320, 240)) for path in photographs],
        "little pictures": lambda: [little_picture(rng) for _ in range(COUNT)],
        "alphabets it was chosen by": lambda: alphabets(first, True, rng),
    }
    drawings = {kind: make() for kind, make in kinds.items()}
    out: dict[str, float] = {}
    for model in MODELS:
        own = set(DIGITS) if model == "canvas-digits" else set(CHARACTERS)
        asked = {"own classes": glyphs(lab, own, OWN_COUNT, rng), **drawings}
        asked["own classes on a tablet"] = tablet(lab, model)
        if model != "canvas-digits":
            del asked["letters"]
        for kind, pages in asked.items():
            for rule, share in shares(lab, model, pages).items():
                out[f"{model}, {kind}, named without a doubt{rule}"] = share
    append_figures("foreign", out)
    return out
