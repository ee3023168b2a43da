"""Drawings that the canvas models can't have seen: their recipes are trained without a fifth of the
tablet characters, and read that fifth as it was drawn and changed as hands, pens and programs
change it.

The models that are shipped learn from nearly all of the tablet characters, so that only a few dozen
are left to test them on. This says more of the recipes than those can. The drawings held back are
taken out of the zip before the lab sees it. A training takes a quarter of an hour on one core.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from bench.changes import CHANGES
from bench.records import append
from engine.data.sources import CHARACTERS
from engine.data.splits import stratified
from engine.lab import Lab
from engine.models.checkpoint import load_checkpoint
from engine.models.predictor import Predictor
from engine.recognition.confusables import merged_label

ROOT = Path(__file__).parent.parent
RECIPES = ("canvas-characters", "canvas-digits")
ARCHIVE = "trainPart1.zip"
HELD, SEED = 0.2, 0
Drawing = tuple[str, Image.Image]  # a character and the page it was drawn on


def hold_back(archive: Path, rest: Path, seed: int = SEED) -> list[Drawing]:
    """A fifth of each character's drawings in `archive`; the others are written to a zip at `rest`."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(rest, "w") as kept:
        names = sorted(name for name in source.namelist() if name.endswith(".png"))
        number = np.array(
            [int(Path(name).parent.name.removeprefix("Sample")) - 1 for name in names]
        )
        held = set(stratified(number, round(HELD * len(names)), seed).tolist())
        drawings = []
        for position, name in enumerate(names):
            content = source.read(name)
            if position in held:
                drawings.append(
                    (CHARACTERS[number[position]], Image.open(io.BytesIO(content)).convert("L"))
                )
            else:
                kept.writestr(name, content)
    return drawings


def trained(recipe: str, data: str, home: Path) -> Predictor:
    """The model of a full-size run of `recipe`, trained by the command line in a home of its own."""
    environ = {
        **os.environ,
        "GLYPHLAB_DATA": data,
        "GLYPHLAB_HOME": str(home),
        "GLYPHLAB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "engine", "train", recipe, "--set", f"seed={SEED}", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True
    )
    return Predictor(load_checkpoint(Path(json.loads(done.stdout)["checkpoint"])))


def scores(predictor: Predictor, drawings: list[Drawing]) -> dict[str, float]:
    """Shares 0..1 read right, right but for look-alikes, and among the first three; of changed
    drawings, the share read right.
    """
    truth, pages = [label for label, _ in drawings], [page for _, page in drawings]
    found = predictor.predict(pages)
    out = {
        "strict": np.mean([one.label == label for one, label in zip(found, truth, strict=True)]),
        "look-alikes merged": np.mean(
            [
                merged_label(one.label) == merged_label(label)
                for one, label in zip(found, truth, strict=True)
            ]
        ),
        "among the first three": np.mean(
            [label in dict(one.top(3)) for one, label in zip(found, truth, strict=True)]
        ),
    }
    for name, change in CHANGES.items():
        changed = predictor.predict([change(page) for page in pages])
        out[f"{name}, strict"] = np.mean(
            [one.label == label for one, label in zip(changed, truth, strict=True)]
        )
    return {name: float(value) for name, value in out.items()}


def main() -> dict[str, float]:
    """Returns figures by name, appended to records.csv too. Raises FileNotFoundError if the data
    folders hold no tablet characters.
    """
    folders = Lab.open(os.environ).settings.data
    archive = next((folder / ARCHIVE for folder in folders if (folder / ARCHIVE).is_file()), None)
    if archive is None:
        raise FileNotFoundError(f"none of the folders of GLYPHLAB_DATA holds {ARCHIVE}")
    out: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        rest = Path(scratch) / "data"
        rest.mkdir()
        drawings = hold_back(archive, rest / ARCHIVE)
        for name in ("emnist62", "mnist"):
            if found := next(
                (folder / name for folder in folders if (folder / name).is_dir()), None
            ):
                (rest / name).symlink_to(found.resolve())
        for recipe in RECIPES:
            predictor = trained(recipe, str(rest), Path(scratch) / "home")
            known = [one for one in drawings if one[0] in predictor.classes]
            print(f"  {recipe}: {len(known)} drawings held back")
            out |= {
                f"{recipe}, {len(known)} tablet drawings, {name}": value
                for name, value in scores(predictor, known).items()
            }
    append(
        {"bench_or_recipe": "drawings", "seed": SEED, "metric": metric, "value": f"{value:.5g}"}
        for metric, value in out.items()
    )
    return out
