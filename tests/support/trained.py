"""A saved model in milliseconds: a small network with made-up weights, in a run folder like any
other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.runs.run import Run, create_run

DIGITS = tuple("0123456789")


def model_run(
    lab: Lab, classes: Sequence[str] = DIGITS, state: str = "finished", seed: int = 0, **changes
) -> Run:
    """A run of 'quick' with a model for `classes` whose weights were drawn with `seed`. It answers
    differently for different images.
    """
    recipe = lab.recipe("quick", {"model.options": {"width": 4}, **changes})
    run = create_run(lab.home, recipe)
    torch.manual_seed(seed)
    network = build_model("convnet", {"width": 4}, 1, len(classes), 28)
    figures = {"test_accuracy": 0.5, "val_accuracy": 0.25, "test_n": 4}
    save_checkpoint(
        run.best,
        network.state_dict(),
        recipe,
        classes,
        figures,
        style="digit",
        input_size=28,
        temperature=0.5,
    )
    with run.take_lock():
        run.append_metrics(
            {"kind": "step", "epoch": 1, "step": 1, "steps": 2, "loss": 2.5, "lr": 0.001}
        )
        run.append_metrics(
            {
                "kind": "epoch",
                "epoch": 1,
                "epochs": 1,
                "train_loss": 2.0,
                "val_accuracy": 0.25,
                "best": True,
            }
        )
        run.append_metrics({"kind": "final", "epochs": 1, **figures})
        run.end(state, figures=figures)
    return run
