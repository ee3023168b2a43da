"""A small lab of shapes for faults to hit: made, opened as a server or a command opens it, and looked at
as pages do.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from factories import CLASSES, shapes
from PIL import Image
from trained import model_run

from engine.jobs.executor import LocalExecutor
from engine.jobs.queue import queue_up
from engine.jobs.worker import work_on_run
from engine.lab import Lab
from engine.runs.run import Run

SMALL = {
    "data": {"name": "shapes", "size": 16, "validation": 0.2, "test": 0.2},
    "model": {"options": {"width": 8}},
    "precision": "float32",
    "batch_size": 16,
    "lr": 0.01,
}


class Here(LocalExecutor):
    """An executor that computes a run at once in this process, so that a fault hits it and whoever started it."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.settings)
        self.store = lab.store

    def start(self, run: Run) -> None:
        lock = run.take_lock()
        (run.path / "stop").unlink(missing_ok=True)
        run.write_status(state="queued", message="", error=None, finished=None, pid=None)
        work_on_run(self.store, run, lock, queue_up(self.store.home, "cpu", run.path))

    def stop(self, run: Run, at_once: bool = False) -> None:
        run.ask_to_stop()


def lab_at(home: Path) -> Lab:
    """The lab in a home, as its web server or a command opens it, and training where it is."""
    lab = Lab.open({"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"})
    lab.launcher.executor = Here(lab)
    return lab


def furnish(home: Path) -> Lab:
    """A lab with a data set of 120 shapes, a saved model 'mmmmmm' and a diagnosis, as deeds find it."""
    lab = lab_at(home)
    lab.data.upload("shapes.zip", zipped(120))
    run = model_run(lab, CLASSES)
    run.path.rename(run.path.with_name(f"{run.path.name[:-6]}mmmmmm"))
    return lab


def zipped(count: int, seed: int = 0) -> bytes:
    """A zip of shapes in class folders."""
    data, out = shapes(count, seed=seed), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            picture = io.BytesIO()
            Image.fromarray(255 - image[0]).save(picture, "PNG")
            archive.writestr(f"{CLASSES[label]}/{number:03d}.png", picture.getvalue())
    return out.getvalue()


def drawn(seed: int = 0) -> bytes:
    """A drawing, dark on white, as PNG."""
    page, out = np.full((60, 60), 255, np.uint8), io.BytesIO()
    page[10 : 50 - seed % 9, 20 + seed % 11 : 30 + seed % 11] = 0
    Image.fromarray(page).save(out, "PNG")
    return out.getvalue()


def looked_at(lab: Lab) -> dict[str, int]:
    """Everything that pages list, listed: none of it may fail. Counts by kind."""
    found = {
        "runs": lab.runs(),
        "models": lab.models(),
        "recipes": lab.recipes(),
        "data sets": lab.datasets(),
        "tasks": lab.tasks(),
        "sweeps": lab.sweeps.list(),
        "spaces": lab.spaces.list(),
        "diagnoses": lab.noise.list(),
        "drawings": lab.drawings.all(),
        "symbols": lab.taught.symbols(),
    }
    assert lab.health()["version"]
    for run in lab.runs():
        lab.run(run.id).metrics()
    return {kind: len(list(items)) for kind, items in found.items()}
