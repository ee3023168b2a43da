"""Runs with predictions, as training leaves them: written by the run folder's own functions in
milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine import metrics
from engine.lab import Lab
from engine.runs.run import Run, create_run
from engine.runs.run_info import figures_of

CLASSES = tuple("0123456789")


_test: list[tuple[np.ndarray, np.ndarray]] = []  # decoded once for all labs: the same in each


def digits_test(lab: Lab) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and indices (n,) of the test split of the bundled digits, as `quick` sees them."""
    if not _test:
        data = lab.dataset(lab.recipe("quick").data)
        index = data.split("test")
        _test.append((np.array(data.labels[index]), np.array(index)))
    return _test[0]


def predictions(labels: np.ndarray, wrong: Sequence[int], seed: int = 0) -> np.ndarray:
    """Probabilities (n, 10) that name the label everywhere but at the positions in `wrong`, where
    the next digit is named.
    """
    rng = np.random.default_rng(seed)
    said = labels.copy()
    said[list(wrong)] = (said[list(wrong)] + 1) % 10
    p = rng.random((len(labels), 10)) * 0.02
    p[np.arange(len(labels)), said] = rng.uniform(0.6, 0.99, len(labels))
    return p / p.sum(1, keepdims=True)


def compared_run(
    lab: Lab,
    recipe: str = "quick",
    *,
    wrong: Sequence[int] = (),
    curve: Sequence[float] = (0.5, 0.9, 0.985),
    losses: Sequence[float] = (),
    state: str = "finished",
    changes: dict[str, Any] | None = None,
    name: str | None = None,
    figures: dict[str, Any] | None = None,
    held: str = "val",
    by_knn: bool = False,
) -> Run:
    """A finished run of `recipe` whose `held`-out accuracy went along `curve` and which reads the
    digits at `wrong` wrongly. by_knn: its epochs were judged by kNN, as a loss on embeddings has it.
    """
    resolved = lab.recipe(recipe, changes)
    run = create_run(lab.home, resolved, name)
    labels, index = digits_test(lab)
    p = predictions(labels, wrong, resolved.seed)
    losses = list(losses) or [1 / (i + 1) for i in range(len(curve))]
    with run.take_lock():
        run.own()
        for number, (accuracy, loss) in enumerate(zip(curve, losses, strict=True), 1):
            run.append_metrics(
                {
                    "kind": "epoch",
                    "stage": 1,
                    "epoch": number,
                    "epochs": len(curve),
                    "train_loss": loss,
                    "train_accuracy": None if by_knn else accuracy,
                    f"{held}_loss": loss,
                    f"{held}_accuracy": accuracy,
                    "lr": 0.001,
                    "images_seen": 1000 * number,
                    "seconds": 2.0 * number,
                    "best": True,
                    **({"knn_accuracy": accuracy} if by_knn else {}),
                }
            )
        if state == "finished":
            said = metrics.report(labels, p, CLASSES)
            final = {
                **{f"test_{key}": said[key] for key in ("accuracy", "top3", "n", "loss", "ece")},
                "confusion": said["confusion"],
                "per_class": said["per_class"],
                "test_data": "digits",
                "test_split": "test",
                "val_accuracy": curve[-1],
                "val_n": 144,
                "train_accuracy": 1.0,
                "knn_accuracy": said["accuracy"],
                "generalisation_gap": 1 - said["accuracy"],
                "parameters": 1234,
                "epochs": len(curve),
                "seconds": 2.0 * len(curve),
                **(figures or {}),
            }
            run.write_arrays(
                "predictions.npz", labels=labels, probabilities=p.astype(np.float16), index=index
            )
            run.append_metrics({"kind": "final", **final})
            run.write_status(machine={"device": "cpu", "name": "test bench", "threads": 2})
            run.end(state, figures=figures_of(final))
        else:
            run.end(state)
    return run
