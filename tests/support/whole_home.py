"""A small home with two of everything that a lab keeps, made in a second without any training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.embedding.space_files import write_space
from engine.files.atomic import write_arrays, write_json
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.noise.review import EARLIER
from engine.recipes.recipe import make_recipe
from engine.runs.run import create_run
from engine.sweep.claims import claim
from engine.sweep.spec import make_sweep

CLASSES = tuple("0123456789")
MATRIX = np.eye(3).tolist()
DIAGNOSIS = {
    "format": 2,
    "name": "digits",
    "split": "all",
    "effort": "quick",
    "n": 6,
    "classes": ["a", "b", "c"],
    "style": "digit",
    "size": 28,
    "regime": "symmetric",
    "headline": "symmetric noise",
    "summary": "words",
    "noise_rate": 0.2,
    "noise_rate_interval": [0.1, 0.3],
    "transition": MATRIX,
    "likely_given": MATRIX,
    "evidence": ["words"],
    "unknowable": [],
    "hypotheses": [{"name": "symmetric", "gain": 1.0, "gain_error": 0.1, "significant": True}],
    "seconds": 1.0,
    "created": "2026-01-01T00:00:00Z",
}
TRIAL = {
    **{key: DIAGNOSIS[key] for key in ("n", "classes", "regime", "noise_rate", "transition")},
    "noise_rate_interval": [0.1, 0.3],
    "dataset": "digits",
    "noise": "symmetric",
    "rate": 0.2,
    "true_rate": 0.2,
    "likely_right": 0.9,
    "found_first": None,
    "true_transition": MATRIX,
    "methods": [{"name": "plain", "title": "Plain", "accuracy": 0.8, "note": "as it is"}],
    "created": "2026-01-01T00:00:00Z",
}


def whole_home(home: Path) -> Lab:
    """A lab in `home` with two runs, models, recipes, tasks, sweeps, spaces, diagnoses, trials,
    symbols and drawings.
    """
    lab = Lab(home, checkpoints=home / "none")
    picture = Image.new("L", (40, 40), 255)
    ImageDraw.Draw(picture).line((10, 5, 30, 35), fill=0, width=4)
    picture.save(home / "drawn.png")
    for number in range(2):
        _run(lab, number)
        lab.save_recipe(make_recipe({"name": f"kept-{number}"}))
        task = home / "tasks" / f"20260102T03040{number}-load-abcde{number}"
        task.mkdir(parents=True)
        done = {"kind": "load", "arguments": {"name": "digits"}, "state": "finished", "result": {}}
        write_json(task / "status.json", {**done, "created": "2026-01-01T00:00:00Z"})
        fields = {"recipe": "quick", "space": {"lr": [0.1, 0.01]}, "trials": 1}
        lab.sweeps.create(make_sweep({"name": f"sweep-{number}", **fields}))
        store = lab.sweeps.trials_store(f"sweep-{number}")
        trial, lock = claim(store, 1)
        with lock:
            store.trial(trial).report(0.5, 1)
            store.tell(trial, "finished", 0.5, seconds=1.0)
        _space(home / "spaces" / f"space-{number}")
        _diagnosis(home / "noise" / f"abcdef012345678{number}")
        (home / "noise" / "trials").mkdir(exist_ok=True)
        write_json(home / "noise" / "trials" / f"trial-{number}.json", TRIAL)
        lab.taught.add(f"sign {number}", home / "drawn.png")
        lab.drawings.save(home / "drawn.png", str(number))
    (home / "drawn.png").unlink()
    return lab


def _run(lab: Lab, number: int) -> None:
    recipe = make_recipe(
        {"name": f"run-{number}", "data": {"size": 16}, "model": {"options": {"width": 4}}}
    )
    run = create_run(lab.home, recipe)
    run.append_metrics({"kind": "epoch", "epoch": 1, "epochs": 1, "val_accuracy": 0.5, "lr": 0.1})
    run.append_metrics({"kind": "final", "test_accuracy": 0.5, "val_accuracy": 0.5, "epochs": 1})
    run.write_arrays(
        "predictions.npz",
        labels=np.arange(5),
        probabilities=np.full((5, 10), 0.1, np.float32),
        index=np.arange(5),
    )
    save_checkpoint(
        run.best,
        build_model("convnet", {"width": 4}, 1, 10, 16).state_dict(),
        recipe,
        CLASSES,
        {"test_accuracy": 0.5, "test_data": "digits", "test_n": 5},
        style="digit",
        input_size=16,
    )
    run.end("finished", figures={"test_accuracy": 0.5}, machine={"device": "cpu"}, share=1.0)


def _space(folder: Path) -> None:
    about = {"model": "m", "data": "digits", "part": "train", "weights": "0", "n": 4, "width": 3}
    write_space(
        folder,
        {**about, "classes": ["a", "b"], "created": "2026-01-01T00:00:00Z"},
        index=np.arange(4),
        embeddings=np.eye(4, 3),
        predicted=np.zeros(4, int),
        confidence=np.ones(4),
    )


def _diagnosis(folder: Path) -> None:
    whole = {name: np.arange(6) for name in ("index", "given", "likely", "order", "fold")}
    write_arrays(
        folder / "arrays.npz",
        **whole,
        score=np.ones(6),
        confidence=np.ones(6),
        log_odds=np.ones(6),
        log_p=np.zeros((6, 3)),
        neighbours=np.zeros((6, 2), int),
    )
    write_json(folder / "diagnosis.json", DIAGNOSIS)
    line = {"position": 1, "label": "c", "at": "2026-01-01T00:00:00+00:00"}  # as version 0.1.0
    (folder / EARLIER).write_text(json.dumps(line) + "\n", encoding="utf-8")
