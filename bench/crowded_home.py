"""A home as years of work leave it, made in a minute: run folders with every file that a run keeps,
written in the lab's own formats, sweeps over some of them, and ended tasks.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine import metrics
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.recipes.recipe import Recipe, shipped_recipe_names
from engine.runs.jsonl import line_of
from engine.runs.run import Run, create_run
from engine.runs.run_info import figures_of
from engine.store.store import CHECKPOINTS

EPOCHS = 50
CLASSES = tuple("0123456789")
ENDS = ("finished",) * 8 + ("stopped", "failed")  # in turn
MODEL = "mnist-tiny-best"  # whose checkpoint every fourth run keeps a copy of
TASKS = ("embed", "project", "diagnose", "sweep", "load")
SPACE = {
    "lr": {"low": 0.0001, "high": 0.1, "log": True},
    "weight_decay": {"low": 0.00001, "high": 0.1, "log": True},
    "model.options.width": [8, 16, 32, 64],
}


def make_home(
    home: Path, runs: int = 1000, points: int = 1000, sweeps: int = 3, tasks: int = 200
) -> list[str]:
    """Fill `home` with `runs` ended runs of `points` rows each; returns their ids, newest first.

    A tenth of the runs are of the label-noise data set, and each sweep has a hundred of the runs
    (all of them, where there are fewer) as its trials.
    """
    lab = Lab(home)
    recipes = [lab.recipe(name) for name in shipped_recipe_names()]
    variants = [_curves(points, np.random.default_rng(seed)) for seed in range(20)]
    made = [
        _ended_run(
            lab, recipes[number % len(recipes)], number, runs - number, *variants[number % 20]
        )
        for number in range(runs)
    ]
    for number in range(sweeps):
        _sweep(lab, f"search-{number}", made[number * 100 : number * 100 + 100] or made[:100])
    for number in range(tasks):
        _task(home, number)
    return [run.id for run in reversed(made)]


def _curves(points: int, rng: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """The text of a metrics.jsonl with `points` rows, and its final row."""
    steps = max(1, points // EPOCHS - 1)
    lines, seconds, height = [], 0.0, rng.uniform(0.9, 0.995)
    for epoch in range(1, EPOCHS + 1):
        for step in range(1, steps + 1):
            seconds += 0.5
            done = epoch - 1 + step / steps
            lines.append(
                {
                    "kind": "step", "stage": 1, "epoch": epoch, "step": step, "steps": steps,
                    "loss": 2 / (1 + done) + rng.uniform(0, 0.05), "lr": 0.001, "seconds": seconds,
                    "images_per_second": 900.0, "images_seen": round(1000 * done),
                }
            )  # fmt: skip
        score = height * (1 - 0.6 / (1 + epoch)) + rng.uniform(-0.003, 0.003)
        lines.append(
            {
                "kind": "epoch", "stage": 1, "epoch": epoch, "epochs": EPOCHS, "lr": 0.001,
                "train_loss": 2 / (1 + epoch), "train_accuracy": score + 0.005, "val_accuracy": score,
                "val_loss": 2.1 / (1 + epoch), "images_per_second": 900.0, "size": 28, "best": True,
                "images_seen": 1000 * epoch, "seconds": seconds,
            }
        )  # fmt: skip
    labels = rng.integers(0, 10, 500)
    scored = metrics.report(labels, _probabilities(labels, height, rng), CLASSES)
    final = {
        **{f"test_{key}": scored[key] for key in ("accuracy", "top3", "n", "loss", "ece")},
        **{"confusion": scored["confusion"], "per_class": scored["per_class"], "val_n": 144},
        **{"val_accuracy": score, "train_accuracy": 1.0, "knn_accuracy": scored["accuracy"]},
        **{"parameters": 147_290, "seconds": seconds, "images_per_second": 900.0, "epochs": EPOCHS},
    }
    return "".join(map(line_of, lines)), final


def _probabilities(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n, K) of a network that is right about a `share` of the images."""
    predicted = np.where(rng.random(len(labels)) < share, labels, (labels + 1) % 10)
    p = rng.random((len(labels), 10)) * 0.02
    p[np.arange(len(labels)), predicted] = rng.uniform(0.6, 0.99, len(labels))
    return p / p.sum(1, keepdims=True)


def _ended_run(
    lab: Lab, recipe: Recipe, number: int, hours: int, curves: str, final: dict[str, Any]
) -> Run:
    """A run that began `hours` ago and has ended."""
    state, created = ENDS[number % len(ENDS)], datetime.now(UTC) - timedelta(hours=hours)
    own = recipe.model_copy(update={"seed": number})
    fresh = create_run(lab.home, own, f"{recipe.name} {number}")
    run = Run(
        fresh.path.rename(fresh.path.with_name(f"{created:%Y%m%dT%H%M%S}{fresh.path.name[15:]}"))
    )
    final = {**final, "test_data": "mnist" if recipe.data.name == "task3" else recipe.data.name}
    if state == "finished":
        curves += line_of({"kind": "final", **final, "test_split": "test"})
    (run.path / "metrics.jsonl").write_text(curves, encoding="utf-8")
    (run.path / "log.txt").write_text("epoch 1 begins\n" * 100, encoding="utf-8")
    (run.path / "lock").touch()
    times = {key: f"{created:%Y-%m-%dT%H:%M:%S}.000Z" for key in ("created", "started")}
    times["finished"] = times["heartbeat"] = (
        f"{created + timedelta(minutes=9):%Y-%m-%dT%H:%M:%S}.000Z"
    )
    run.write_status(
        **times, state=state, epoch=EPOCHS, epochs=EPOCHS, pid=1, host="elsewhere",
        machine={"device": "cpu", "name": "test bench", "threads": 2},
        figures=figures_of(final) if state == "finished" else {},
    )  # fmt: skip
    if number % 4 == 0:
        shutil.copytree(CHECKPOINTS / MODEL, run.best, ignore=shutil.ignore_patterns("*.md"))
    return run


def _sweep(lab: Lab, name: str, trials: list[Run]) -> None:
    """A sweep whose finished trials are these runs."""
    import optuna

    from engine.sweep.space import distributions
    from engine.sweep.spec import make_sweep

    spec = make_sweep({"name": name, "recipe": "quick", "space": SPACE, "trials": len(trials)})
    lab.sweeps.create(spec)
    store, rng = lab.sweeps.trials_store(name), np.random.default_rng(0)
    ranges: dict[str, Any] = dict(distributions(spec))
    frozen: list[optuna.trial.FrozenTrial] = []
    for run in trials:
        shares = np.sort(rng.uniform(0.5, 0.99, EPOCHS)).tolist()
        params = {
            path: one.choices[rng.integers(len(one.choices))]
            if hasattr(one, "choices")
            else one.low
            for path, one in ranges.items()
        }
        frozen.append(
            optuna.create_trial(
                params=params, distributions=ranges, value=shares[-1],
                intermediate_values=dict(enumerate(shares, 1)),
                user_attrs={"run": run.id, "home": str(lab.home), "seconds": 500.0},
            )
        )  # fmt: skip
    store.study.add_trials(frozen)


def _task(home: Path, number: int) -> None:
    created = datetime.now(UTC) - timedelta(hours=number)
    kind = TASKS[number % len(TASKS)]
    folder = home / "tasks" / f"{created:%Y%m%dT%H%M%S}-{kind}-{number:06d}"
    folder.mkdir(parents=True)
    stamp = f"{created:%Y-%m-%dT%H:%M:%S}.000Z"
    write_json(
        folder / "status.json",
        {
            "kind": kind, "arguments": {"dataset": "digits", "number": number}, "state": "finished",
            "created": stamp, "finished": stamp, "result": {"n": number}, "done": 10, "total": 10,
        },
    )  # fmt: skip
    (folder / "lock").touch()
