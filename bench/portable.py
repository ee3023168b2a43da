"""The ONNX package against the lab: 500 tablet drawings read by both, the package's by its own example
in a process that finds nothing but onnxruntime, numpy and Pillow.

Most of these drawings were in the model's training: the accuracies say nothing of the model, their
difference says what the package loses.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from bench.records import append
from engine.data.sources import CHARACTERS
from engine.lab import Lab

NEEDED = "onnxruntime numpy PIL flatbuffers google packaging numpy.libs pillow.libs".split()
MODEL, COUNT, ARCHIVE = "canvas-characters", 500, "trainPart1.zip"


def environment_without_the_lab(folder: Path) -> dict[str, str]:
    """Environment variables with which `python -S` finds onnxruntime, numpy and Pillow, what they
    themselves import, and no other package; `folder` is made for links to them.
    """
    folder.mkdir()
    here = Path(np.__file__).parents[1]
    for name in NEEDED:
        if (here / name).exists():
            (folder / name).symlink_to(here / name)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


def main() -> dict[str, float]:
    """Read the drawings both ways, and append the figures."""
    lab = Lab.open(os.environ)
    archive = next(folder / ARCHIVE for folder in lab.settings.data if (folder / ARCHIVE).exists())
    with tempfile.TemporaryDirectory() as made, zipfile.ZipFile(archive) as source:
        names = sorted(name for name in source.namelist() if name.endswith(".png"))
        chosen = [names[i] for i in np.linspace(0, len(names) - 1, COUNT).astype(int)]
        truth = [
            CHARACTERS[int(Path(name).parent.name.removeprefix("Sample")) - 1] for name in chosen
        ]
        files = [Path(source.extract(name, made)) for name in chosen]
        predictor = lab.predictor(MODEL)
        inside = predictor.predict([Image.open(io.BytesIO(file.read_bytes())) for file in files])
        package = lab.exports.package(MODEL, Path(made) / "package")
        only = environment_without_the_lab(Path(made) / "only")
        done = subprocess.run(
            [sys.executable, "-S", package / "example.py", *files],
            env=only,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    answers = [line.split("\t")[1:] for line in done.stdout.splitlines()]
    own = [(found.label, float(found.probabilities.max())) for found in inside]
    rows = {
        "accuracy in the lab": np.mean([a == b for (a, _), b in zip(own, truth, strict=True)]),
        "accuracy of the package": np.mean(
            [a == b for (a, _), b in zip(answers, truth, strict=True)]
        ),
        "answers that differ": sum(a != b for (a, _), (b, _) in zip(own, answers, strict=True)),
        "largest difference of a probability": max(
            abs(p - float(q)) for (_, p), (_, q) in zip(own, answers, strict=True)
        ),
    }
    figures = {name: float(value) for name, value in rows.items()}
    append(
        {"bench_or_recipe": "portable", "scale": f"n = {COUNT}", "metric": name, "value": value}
        for name, value in figures.items()
    )
    return figures
