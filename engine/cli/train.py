"""`train`: run a recipe here and now, with a progress bar."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli import Ended
from engine.cli.text import KINDS, on_images, percent, table
from engine.durations import duration
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.recipes.recipe import Recipe
    from engine.runs.run import Run

HELP = "run a recipe in the foreground; Ctrl-C stops it and keeps the best model, once an epoch has ended"


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)


def recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """RECIPE, --set and --name, as every command that starts a run takes them."""
    parser.add_argument("recipe", help="a recipe's name, or a YAML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change a field, e.g. data.limit=500; may be repeated",
    )
    parser.add_argument("--name", help="name of the run, if not the recipe's")


def recipe_of(lab: Lab, args: argparse.Namespace) -> Recipe:
    from engine.recipes.recipe import parse_changes

    return lab.recipe(args.recipe, parse_changes(args.set))


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    return outcome(lab.train(recipe_of(lab, args), progress, name=args.name))


def outcome(run: Run) -> dict[str, Any]:
    """What came of a run that has ended. Raises Ended, with the same document, if it failed or was
    stopped.
    """
    info, status = run.info(), run.status()
    document = {
        "run_id": run.id,
        "name": info.name,
        "state": info.state,
        "checkpoint": run.best if info.saved else None,
        "folder": run.path,
        "seconds": info.seconds,
        "metrics": run.final() or {},
        "error": info.error,
        "message": info.message,
    }
    if info.state == "failed":
        raise Ended(
            document, 2 if status.get("mistake") else 1, f"run {run.id} failed: {info.error}"
        )
    if info.state == "stopped":
        raise Ended(document, 130, f"run {run.id}: {info.message}")
    return document


def show(document: Any) -> str:
    metrics = document["metrics"]
    rows = [
        ["run", document["run_id"]],
        ["model", document["checkpoint"]],
        ["time in all", duration(document["seconds"])],
    ]
    for label, key in (
        ("test accuracy", "test_accuracy"),
        ("validation accuracy", "val_accuracy"),
        ("kNN accuracy", "knn_accuracy"),
    ):
        if metrics.get(key) is not None:
            figure = on_images(metrics, key) if key in KINDS else percent(metrics[key])
            rows.append([label, figure])
    return table([[label, str(value)] for label, value in rows if value is not None])
