"""Throughput of a run that trains in several processes, against the same run in one.

Each way is a run of its own in a fresh lab, with the same recipe (the default `convnet` at 28 px, batches
of 128), taken in turn so that a busy machine hurts all. On a machine with several GPUs two are compared
with one; elsewhere two processes of half the cores each are compared with one that has all cores, and
with one that has half. A run's figure is the median of its epochs without the first; reported is the
median of the runs. Start, validation and saving stay outside the clock; a start takes some seconds
more with torchrun than without.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bench.records import append_figures

REPEATS, EPOCHS = 3, 5
RECIPE: dict[str, Any] = {
    "name": "bench",
    "seed": 0,
    "model": {"name": "convnet"},
    "batch_size": 128,
    "epochs": EPOCHS,
    "precision": "float32",
    "augment": {"rotate": 10, "translate": 0.08, "zoom": 0.1, "shear": 8},
    "data": {"name": "digits", "style": "digit", "limit_eval": 50},
}


class Way(NamedTuple):
    """threads: of the run together; resources: as the recipe asks for them."""

    threads: int
    resources: dict[str, int]


def ways() -> dict[str, Way]:
    """What is compared here, by name: the ones with one device first, then two."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    if torch.cuda.device_count() > 1:
        return {"one GPU": Way(cores, {"gpus": 1}), "two GPUs": Way(cores, {"gpus": 2})}
    half = max(cores // 2, 1)
    few = f"{half} thread{'s' if half > 1 else ''}"
    return {
        f"one process, {cores} threads": Way(cores, {}),
        f"one process, {few}": Way(half, {}),
        f"two processes, {few} each": Way(2 * half, {"processes": 2}),
    }


def speed_of(home: Path, way: Way, images: int | None, epochs: int) -> float:
    """Images a second of one run. Raises RuntimeError with its error if it failed."""
    from engine.lab import Lab
    from engine.recipes.recipe import make_recipe
    from engine.settings import read_settings

    settings = replace(
        read_settings({**os.environ, "GLYPHLAB_HOME": str(home)}), threads=way.threads
    )
    lab = Lab(home, settings)
    changes = {"data.limit": images, "epochs": epochs}
    changes |= {f"resources.{name}": value for name, value in way.resources.items()}
    id = lab.submit(make_recipe(RECIPE, changes))
    while (info := lab.run(id).info()).alive:
        time.sleep(0.2)
    if info.state != "finished":
        raise RuntimeError(info.error or info.state)
    rows = [row for row in lab.run(id).metrics() if row["kind"] == "epoch"]
    return statistics.median(row["images_per_second"] for row in rows[1:] or rows)


def main(
    images: int | None = None, epochs: int = EPOCHS, repeats: int = REPEATS, record: bool = True
) -> dict[str, float]:
    """Measure, append to records.csv (unless told not to) and return images a second each way and
    their quotients. images: of the training split at most.
    """
    start, compared = time.perf_counter(), ways()
    found: dict[str, list[float]] = {name: [] for name in compared}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(repeats):
            for name, way in compared.items():
                found[name].append(speed_of(Path(home), way, images, epochs))
    speed = {name: statistics.median(values) for name, values in found.items()}
    *ones, two = speed
    result = {f"images per second, {name}": value for name, value in speed.items()}
    result |= {f"{two}, over {one}": speed[two] / speed[one] for one in ones}
    if record:
        append_figures("parallel", result, time.perf_counter() - start, seed=0)
    return result


if __name__ == "__main__":
    for metric, value in main().items():
        print(f"{metric}: {value:,.2f}")
