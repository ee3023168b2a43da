"""The Study room: every published experiment beside what this lab got. Figures come from run
folders, shipped checkpoints and bench/records.csv; none is written here."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.compare.statistics import Spread, spread
from engine.errors import GlyphlabError, RecipeError, unknown
from engine.metrics import wilson_interval
from engine.recipe import RECIPES, DataSpec, Recipe, read_recipe, shipped_recipe_names
from engine.runs.run import all_runs

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.store.store import Store


class Part(NamedTuple):
    """One published study: what it was about, and its experiments as recipes, in the order of the
    study.
    """

    title: str
    short: str
    about: str
    recipes: tuple[str, ...]
    question: tuple[str, str] | None = None  # two recipes that answer what the study asked


STUDIES: dict[str, Part] = {
    "A": Part(
        "Metric learning on 62 classes",
        "62 classes",
        "A ZFNet learns an embedding from triplets; a kNN vote and a classifier read it.",
        ("characters-zfnet-triplet", "characters-zfnet-classifier"),
    ),
    "B": Part(
        "Metric learning on MNIST",
        "MNIST",
        "Does the embedding of the characters carry over to digits?",
        ("mnist-zfnet-finetuned", "mnist-zfnet-scratch"),
        ("mnist-zfnet-finetuned", "mnist-zfnet-scratch"),
    ),
    "C": Part(
        "Progressive resizing, transfer, and ruined labels",
        "Resizing and transfer",
        "ResNet18 from random weights: images that grow, pretraining on other hands, and a training"
        " set whose labels defeat it.",
        (
            "characters-resnet18-progressive",
            "digits-resnet18",
            "mnist-resnet18-pretrained",
            "mnist-resnet18-scratch",
            "task3-convnet-onecycle",
            "task3-convnet-flat",
            "task3-resnet18-scratch",
            "task3-resnet18-pretrained-digits",
            "task3-resnet18-pretrained-mnist",
        ),
        ("mnist-resnet18-pretrained", "mnist-resnet18-scratch"),
    ),
    "D": Part(
        "MNIST with fewer than 8,000 parameters",
        "8,000 parameters",
        "99.4% in at most 15 epochs, reached in three steps, each with a target, a result and an"
        " analysis.",
        ("mnist-tiny-step1", "mnist-tiny-step2", "mnist-tiny-step3"),
    ),
    "E": Part(
        "Nature 12K",
        "Nature",
        "Photographs of ten kinds of living things: a CNN from scratch, and ImageNet's features.",
        ("nature-cnn5", "nature-resnet50"),
    ),
}

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


@dataclass(frozen=True)
class Row:
    """One experiment: what was published, what this lab got with the same recipe, and the best it
    gets on the same task.

    ours    the best full-size run; None: it has not been run at full size here
    small   the newest run of the small form, which shows that it runs, not how good it is
    best    the best full-size figure of any recipe on the same images, classes and measure
    needs   recipes without a model here that have to run first
    """

    name: str
    study: str
    title: str
    recipe: Recipe
    metric: str
    published: float | None
    note: str
    source: str
    ours: Result | None
    small: Result | None
    best: Result | None
    needs: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Ours minus published, in fractions."""
        return (
            None
            if self.ours is None or self.published is None
            else self.ours.value - self.published
        )


class Study:
    """The published experiments of the lab."""

    def __init__(self, store: Store, launcher: Launcher) -> None:
        self.store, self.launcher = store, launcher

    def rows(self) -> list[Row]:
        """Every published experiment, in the order of the studies. Recipes that are not shipped are
        left out.
        """
        results = list(self._results())
        there = set(shipped_recipe_names())
        return [
            self._row(letter, name, results)
            for letter, part in STUDIES.items()
            for name in part.recipes
            if name in there
        ]

    def row(self, name: str) -> Row:
        """One experiment. Raises RecipeError, with the nearest name, if it is none of the studies'."""
        letter = next((letter for letter, part in STUDIES.items() if name in part.recipes), None)
        if letter is None:
            raise RecipeError(
                unknown(
                    "published experiment",
                    name,
                    [n for part in STUDIES.values() for n in part.recipes],
                )
            )
        return self._row(letter, name, list(self._results()))

    def runs_of(self, name: str) -> list[str]:
        """Ids of the runs of a recipe that can be compared, full-size ones first, newest first."""
        found = []
        for run in all_runs(self.store.home):
            try:
                if run.status().get("recipe") == name and run.metrics():
                    found.append((_read(run.path / "recipe.yaml").scale != "full", run.id))
            except GlyphlabError:
                continue
        return [id for _, id in sorted(found, key=lambda pair: pair[0])]

    def start(self, name: str, scale: str = "full") -> str:
        """Queue the experiment, and before it whatever it starts from that has no model yet;
        returns the experiment's run id.
        """
        return self.launcher.submit(self.store.recipe(name, {"scale": scale}))

    def _row(self, letter: str, name: str, results: list[Result]) -> Row:
        from engine.store.lineage import untrained_parents

        recipe = _read(RECIPES / f"{name}.yaml")
        published = recipe.published
        metric = METRICS[published.metric]
        own = [result for result in results if result.recipe == name and result.metric == metric]
        full = [result for result in own if result.scale == "full"]
        small = [result for result in own if result.scale == "small"]
        task = _task(recipe.data, recipe.model.name)
        peers = [
            r
            for r in results
            if r.scale == "full" and r.task == task and _comparable(r, name, metric)
        ]
        return Row(
            name=name,
            study=letter,
            title=recipe.title,
            recipe=recipe,
            metric=published.metric,
            published=None if published.value is None else published.value / 100,
            note=published.note,
            source=published.source,
            ours=_best(full),
            small=small[0] if small else None,
            best=max(peers, key=lambda r: r.value, default=None),
            needs=tuple(parent.name for parent in untrained_parents(self.store, recipe)),
        )

    def _results(self) -> Iterator[Result]:
        """Every figure there is: runs newest first, then shipped checkpoints, then records."""
        for run in all_runs(self.store.home):
            try:
                status, final = run.status(), run.final()
                if status.get("state") != "finished" or not final:
                    continue
                recipe = _read(run.path / "recipe.yaml")
            except GlyphlabError:
                continue
            hardware, date = _hardware(status.get("machine") or {}), status.get("finished") or ""
            yield from _figures(
                final,
                recipe.name,
                "run",
                run.id,
                hardware,
                recipe.scale,
                date,
                _task(recipe.data, recipe.model.name),
            )
        for model in self.store.models():
            if model.where == "shipped":
                meta = self.store.model_meta(model.name)
                recipe, hardware = meta["recipe"], _hardware(meta.get("machine") or {})
                scale, task = (
                    recipe.get("scale", "full"),
                    _task(DataSpec.model_validate(recipe["data"]), recipe["model"]["name"]),
                )
                yield from _figures(
                    meta["metrics"],
                    recipe["name"],
                    "shipped",
                    model.name,
                    hardware,
                    scale,
                    model.created,
                    task,
                )
        yield from _records(self.store.records)


def _read(path: Path) -> Recipe:
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except OSError:
        return read_recipe(path)  # says what is wrong


@lru_cache(maxsize=2000)
def _parsed(path: Path, stamp: int) -> Recipe:
    # Reading YAML takes 20 ms a recipe, and the page asks for all of them at every click.
    return read_recipe(path)


def _figures(
    metrics: dict[str, Any],
    recipe: str,
    kind: str,
    ref: str,
    hardware: str,
    scale: str,
    date: str,
    task: tuple[Any, ...],
) -> Iterator[Result]:
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


def _records(path: Path) -> Iterator[Result]:
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
        recipe = _read(RECIPES / f"{name}.yaml") if name in known else None
        task = _task(recipe.data, recipe.model.name) if recipe else ()
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


def _best(results: list[Result]) -> Result | None:
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


def _hardware(machine: dict[str, Any]) -> str:
    name, device = str(machine.get("name") or ""), str(machine.get("device") or "")
    if device == "cpu":
        threads = machine.get("threads")
        return (
            f"CPU {name}, {threads} thread{'' if threads == 1 else 's'}".replace("  ", " ")
            if threads
            else f"CPU {name}".strip()
        )
    return name or device


def _comparable(result: Result, name: str, metric: str) -> bool:
    """Whether a figure may stand as the best for experiment `name`: it is of the same measure, and
    no model was chosen by it. Only an experiment's own runs may count by a validation split, where
    that is what was published."""
    if "knn_accuracy" in (metric, result.metric):
        return metric == result.metric
    return result.metric == "test_accuracy" or (result.recipe == name and result.metric == metric)


def _task(data: DataSpec, model: str) -> tuple[Any, ...]:
    return (
        data.name,
        data.classes,
        data.test_on,
        model.startswith("tiny"),
    )  # below 8,000 parameters is a task of its own
