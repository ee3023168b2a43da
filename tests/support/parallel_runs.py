"""Runs that train in several processes: a recipe for them, their processes, and their weights compared."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from engine.lab import Lab
from engine.recipes.recipe import Recipe
from engine.runs.run import Run

# Changes of a run that is met in the middle. Three epochs are over in a third of a second; more than
# these add up more rounding, and images of twice the width take more than three times as long.
LONG = {"epochs": 15, "data.size": 64}
ROUNDING = 1e-4  # of a tensor's largest value; see tests/engine/training/test_group.py


def recipe(lab: Lab, **changes: Any) -> Recipe:
    fields = {
        "data.limit": 400,
        "batch_size": 40,
        "epochs": 3,
        "precision": "float32",
        # A smooth network. With ReLU even paper lies on the kink all at once, and a change of the first
        # weights by 3e-7 of them, which is rounding, makes other weights within nine steps.
        "model": {"name": "cnn5", "options": {"num_filters": 6, "filter_size": 1, "dense": 16}},
        "model.options.activation": "GELU",
        "data.size": 32,
        "optimizer": "sgd",
        "lr": 0.05,
        "resources.processes": 2,
    }
    return lab.recipe("quick", {**fields, **changes})


def processes_of(run: Run) -> dict[str, int]:
    """The processes of a run by what they are: 'work', 'ranks', 'rank 0', 'rank 1'. Its own may still
    be ending when it has let go of the run.
    """
    out = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, StopIteration):
            words = Path(f"/proc/{entry}/cmdline").read_text().split("\0")
            if str(run.path) in words and "-m" in words and "torch" not in words:
                kind = words[words.index("engine") + 1].strip("_")
                if kind == "rank":
                    told = Path(f"/proc/{entry}/environ").read_text().split("\0")
                    kind += next(f" {line[5:]}" for line in told if line.startswith("RANK="))
                out[kind] = int(entry)
    return out


def trains(run: Run, epoch: int = 1) -> bool:
    rows = run.metrics()
    return any(row["kind"] == "epoch" and row["epoch"] >= epoch for row in rows)


def weights(run: Run) -> dict[str, torch.Tensor]:
    state = json.loads((run.last / "state.json").read_text())
    return load_file(run.last / state["file"])


def assert_same_weights(run: Run, other: Run, room: float) -> None:
    found, wanted = weights(run), weights(other)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if value.is_floating_point():
            close = {"rtol": 0, "atol": room * max(float(value.abs().max()), 1e-2)}
            torch.testing.assert_close(found[name], value, **close, msg=name)
