"""Measured figures of the published experiments, from run folders, shipped checkpoints and records."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.compare.statistics import Spread, spread
from engine.metrics import wilson_interval
from engine.recipe import RECIPES, DataSpec, Recipe, read_recipe, shipped_recipe_names

if TYPE_CHECKING:
    pass


# What a study measured → the final metric that it is: on the test split where there is one, else on
# the validation split.
METRICS: dict[str, str] = {
    "accuracy on the test split": "test_accuracy",
    "accuracy on the MNIST test split": "test_accuracy",
    "accuracy on the validation split": "val_accuracy",
    "kNN accuracy (k = 13) on the test split": "knn_accuracy",
    "kNN accuracy (k = 13) on the validation split": "knn_accuracy",
}


@dataclass(frozen=True)
class Result:
    """One measured figure and where it comes from. value: fraction in 0..1.

    kind      'run', 'shipped' or 'record'
    ref       the run's id, the checkpoint's name, or the record's commit
    hardware  device and its name, as recorded
    task      what two figures must share to be compared: data set, classes, the set that they were
              tested on, and whether the network is one of those below 8,000 parameters
    spread    of several runs or recorded seeds, where there are several; `value` is the best of the
              runs, or the mean of the seeds
    """

    recipe: str
    kind: str
    ref: str
    metric: str
    value: float
    n: int | None
    hardware: str
    seconds: float | None
    scale: str
    date: str
    task: tuple[Any, ...] = ()
    spread: Spread | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% Wilson interval over the images, where their number is known."""
        return wilson_interval(round(self.value * self.n), self.n) if self.n else None


def read_cached(path: Path) -> Recipe:
    """A recipe file, parsed once as long as it does not change. Raises RecipeError."""
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except OSError:
        return read_recipe(path)  # says what is wrong


@lru_cache(maxsize=2000)
def _parsed(path: Path, stamp: int) -> Recipe:
    # Reading YAML takes 20 ms a recipe, and the page asks for all of them at every click.
    return read_recipe(path)


def figures_in(
    metrics: dict[str, Any],
    recipe: str,
    kind: str,
    ref: str,
    hardware: str,
    scale: str,
    date: str,
    task: tuple[Any, ...],
) -> Iterator[Result]:
    """The accuracies among a run's or checkpoint's final metrics, a Result each."""
    held = "test_n" if metrics.get("test_n") else "val_n"
    for key in ("test_accuracy", "val_accuracy", "knn_accuracy"):
        if metrics.get(key) is not None:
            n = metrics.get({"test_accuracy": "test_n", "val_accuracy": "val_n"}.get(key, held))
            yield Result(
                recipe,
                kind,
                ref,
                key,
                metrics[key],
                n,
                hardware,
                metrics.get("seconds"),
                scale,
                date,
                task,
            )


def recorded(path: Path) -> Iterator[Result]:
    """Recorded figures: of a recipe's rows of one metric and scale, those of the newest commit are
    seeds of one measurement.
    """
    if not path.exists():
        return
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row.get("metric") in METRICS.values():
                rows = groups.setdefault((row["bench_or_recipe"], row["metric"], row["scale"]), [])
                if rows and rows[-1]["commit"] != row["commit"]:
                    rows.clear()
                rows.append(row)
    known = set(shipped_recipe_names())
    for (name, metric, scale), rows in groups.items():
        recipe = read_cached(RECIPES / f"{name}.yaml") if name in known else None
        task = task_of(recipe.data, recipe.model.name) if recipe else ()
        values, last = [float(row["value"]) for row in rows], rows[-1]
        seconds = float(last["seconds"]) if last.get("seconds") else None
        several = spread(values) if len(values) > 1 else None
        mean = sum(values) / len(values)
        yield Result(
            name,
            "record",
            last["commit"],
            metric,
            mean,
            None,
            last["device"],
            seconds,
            scale,
            last["date"],
            task,
            several,
        )


def best_of(results: list[Result]) -> Result | None:
    """The best of several runs of one recipe, with the spread over all of them where there are
    several.
    """
    if not results:
        return None
    best = max(results, key=lambda r: r.value)
    runs = [r.value for r in results if r.kind == "run"]
    if best.spread is None and best.kind == "run" and len(runs) > 1:
        return replace(best, spread=spread(runs))
    return best


def hardware_of(machine: dict[str, Any]) -> str:
    """The device as people name it: 'CPU …, 2 threads', or the GPU's name."""
    name, device = str(machine.get("name") or ""), str(machine.get("device") or "")
    if device == "cpu":
        threads = machine.get("threads")
        return (
            f"CPU {name}, {threads} thread{'' if threads == 1 else 's'}".replace("  ", " ")
            if threads
            else f"CPU {name}".strip()
        )
    return name or device


def comparable(result: Result, name: str, metric: str) -> bool:
    """Whether a figure may stand as the best for experiment `name`: it is of the same measure, and
    no model was chosen by it. Only an experiment's own runs may count by a validation split, where
    that is what was published."""
    if "knn_accuracy" in (metric, result.metric):
        return metric == result.metric
    return result.metric == "test_accuracy" or (result.recipe == name and result.metric == metric)


def task_of(data: DataSpec, model: str) -> tuple[Any, ...]:
    """What two figures must share to be compared; see Result.task."""
    return (
        data.name,
        data.classes,
        data.test_on,
        model.startswith("tiny"),
    )  # below 8,000 parameters is a task of its own
