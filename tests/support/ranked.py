"""Trainers of several small recipes, in one process or in several that torchrun starts.

As a program, started by `trained_by`: trains every case of CASES with the other processes, and saves what
came of it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from factories import shapes
from torch import Tensor

from engine.data.loader import Batch
from engine.recipes.recipe import Recipe, make_recipe
from engine.training.group import ALONE, Group, ProcessGroup
from engine.training.stats import EpochStats
from engine.training.trainer import Trainer

PLAIN = {"name": "cnn5", "options": {"num_filters": 4, "dense": 16, "dropout": 0.0}}
WITH_NORM = {"name": "convnet", "options": {"width": 4, "dropout": 0.0}}
EVERY_CHANGE = {
    "rotate": 10, "translate": 0.1, "zoom": 0.1, "stretch": 0.1, "elastic": 0.02, "thickness": 0.5,
    "noise": 0.05, "erase": 0.3, "brightness": 0.2, "crop": 18,
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "plain": {"model": PLAIN, "size": 96},
    "batch norm": {"model": WITH_NORM},
    "dropout": {"model": {"name": "convnet", "options": {"width": 4}}},
    "everything": {
        "model": WITH_NORM,
        "augment": EVERY_CHANGE,
        "mixup": 0.2,
        "ema": 0.5,
        "clip": 1.0,
        "batch_size": 15,  # parts of 7 and 8
        "data.balance": "class",
    },
    "triplets": {
        "model": WITH_NORM,
        "loss": "triplet",
        "loss_options": {"mining": "all"},
        "samples_per_class": 5,
        "batch_size": 15,
        "augment": {"rotate": 20},
    },
    "hardest triplets": {
        "model": PLAIN,
        "size": 96,
        "loss": "triplet",
        "loss_options": {"mining": "hard"},
    },
    "learned directions": {
        "model": PLAIN,
        "size": 96,
        "loss": "cosine_softmax",
        "turned_classes": True,
    },
}


def recipe(case: str, **changes: Any) -> Recipe:
    """Of a case, on shapes of 16 px: two epochs of six steps or so."""
    fields = {"name": case, "data": {"name": "shapes", "size": 16}, "epochs": 2, "batch_size": 16}
    fields |= {"lr": 0.01, "precision": "float32", "optimizer": "sgd"}
    return make_recipe(fields, {**CASES[case], **changes})


class Watched(Trainer):
    """A trainer that remembers the gradients of its first step and the images that it read."""

    def fit(self, *args: Any) -> Any:
        self.gradients: dict[str, Tensor] = {}
        self.read: list[Tensor] = []
        return super().fit(*args)

    def _changed(self, batch: Batch, *args: Any) -> Any:
        self.read.append(batch.index)
        return super()._changed(batch, *args)

    def _update(self, *args: Any) -> None:
        super()._update(*args)
        for name, value in self.model.named_parameters():
            if value.grad is not None:
                self.gradients.setdefault(name, value.grad.clone())


def train(case: str, group: Group = ALONE) -> dict[str, Any]:
    """What came of a case: weights, validation outputs, rows, the gradients of the first step, and the
    images that this process read.
    """
    trainer = Watched(recipe(case), shapes(160), torch.device("cpu"), group=group)
    rows = [stats for stats in trainer.fit() if isinstance(stats, EpochStats)]
    logits, embeddings = trainer.outputs(trainer.val_index, trainer.input_size)
    return {
        "weights": trainer.judged.state_dict(),
        "best": trainer.best,
        "objective": dict(trainer.objective.state_dict()),
        "gradients": trainer.gradients,
        "rows": [figures(row) for row in rows],
        "logits": logits,
        "embeddings": embeddings,
        "read": trainer.read,
    }


def recover(group: Group, home: Path) -> dict[str, Any]:
    """What training through complementary labels comes to, with pseudo-labels in its second stage."""
    from engine.jobs.rank import Bystander
    from engine.noise.recover import Recovering
    from engine.runs.run import Run, create_run

    fields = {"name": "recovered", "method": "recovered", "data": {"name": "shapes", "size": 16}}
    fields |= {"model": {"name": "convnet", "options": {"width": 8}}, "batch_size": 16, "lr": 0.01}
    fields |= {"precision": "float32", "select": "last"}
    stages = [{"epochs": 20, "loss": "scl_nl"}, {"epochs": 2, "loss": "cross_entropy"}]
    run = group.by_first(lambda: create_run(home, make_recipe({**fields, "stages": stages})).path)
    run = Run(run) if group.leads else Bystander(run)
    data = shapes(600)
    wrong = (data.labels + 1 + np.arange(len(data)) % 2) % 3
    device = torch.device("cpu")
    trainer = Recovering(run.recipe(), data.with_labels(wrong, "x"), device, run, group=group)
    rows = [stats for stats in trainer.fit() if isinstance(stats, EpochStats)]
    logits, _ = trainer.outputs(trainer.val_index, 16)
    right = (logits.argmax(1).numpy() == data.labels[trainer.val_index]).mean()
    return {
        "weights": trainer.model.state_dict(),
        "accuracy": float(right),
        "rows": [figures(row) for row in rows],
        "files": sorted(path.name for path in run.path.glob("*.npz")),
        "log": run.log_tail(20),
    }


def figures(row: EpochStats) -> dict[str, float]:
    """What an epoch came to, but for its time."""
    found = {**vars(row), **row.extra}
    timed = ("seconds", "images_per_second", "extra")
    return {name: value for name, value in found.items() if name not in timed and value is not None}


def trained_by(count: int, folder: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """What came of every case in each of `count` processes, started by torchrun."""
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}",
            "--rdzv-backend=c10d", f"--rdzv-endpoint={folder / 'torchrun'}",
            "--rdzv-conf=store_type=file", "--local-addr=127.0.0.1", f"--log-dir={folder}",
            __file__, str(folder),
        ],
        env={
            **environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": loopback,
            "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        },
        capture_output=True,
        text=True,
        timeout=900,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    group = ProcessGroup(rank, count, folder / "meeting", torch.device("cpu"))
    found = {case: train(case, group) for case in CASES}
    torch.save({**found, "recovered": recover(group, folder)}, folder / f"{rank}.pt")
    group.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
