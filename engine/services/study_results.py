"""Measured figures of the published experiments, from run folders, shipped checkpoints and records."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.compare.statistics import Spread, spread, widest
from engine.device import of_record
from engine.durations import duration
from engine.files.cache import FileCache
from engine.metrics import wilson_interval
from engine.recipes.recipe import (
    RECIPES,
    Recipe,
    compare_recipes,
    read_recipe,
    shipped_recipe_names,
)
from engine.runs.run_info import Facts, facts_of

# What a study measured → the final metric that it is: on the test split where there is one, else on
# the validation split.
STUDY_METRICS: dict[str, str] = {
    "accuracy on the test split": "test_accuracy",
    "accuracy on the MNIST test split": "test_accuracy",
    "accuracy on the validation split": "val_accuracy",
    "kNN accuracy (k = 13) on the test split": "knn_accuracy",
    "kNN accuracy (k = 13) on the validation split": "knn_accuracy",
}
NO_SETTINGS = frozenset(
    "seed title about published target analysis small resources init_from".split()
)
MOST_PARAMETERS = 8_000  # that study D allowed


@dataclass(frozen=True)
class Result:
    """One measured figure and where it comes from. value: fraction in 0..1.

    kind      'run', 'shipped' or 'record'
    ref       the run's id, the checkpoint's name, or the commits of the records, oldest first
    hardware  device and its name, as recorded; all of them, where the records' differ
    date      when it was made; of recorded seeds the newest
    seconds   how long it took; of recorded seeds their mean
    task      what two figures must share to be compared: data set, classes, the set that they were
              tested on, and whether the network is one of those below 8,000 parameters
    spread    of several runs or recorded seeds, where there are several; `value` is the best of the
              runs, or the mean of the seeds
    records   (date, commit) of everything that a record's figure is of, oldest first; else empty
    changed   of a run: the settings in which it differs from the shipped recipe of its name
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
    records: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def recorded(self) -> str:
        """'recorded 2026-11-25 at commit e31a6d4 and 2026-11-30 at commit dddbaef'; '' of no record."""
        found = each_once(f"{date} at commit {commit}" for date, commit in self.records)
        return f"recorded {found}" if found else ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval: Wilson's over the images, where their number is known; of a mean the wider of that
        and Student's t over the runs.
        """
        if self.is_mean and self.spread and (found := widest(self.spread, self.n)):
            return found.low, found.high
        return wilson_interval(round(self.value * self.n), self.n) if self.n else None

    @property
    def interval_of(self) -> str:
        """What the interval is over: '40 images', of a mean also its runs; '' where there is none."""
        images = f"{self.n:,} images" if self.n else ""
        if self.is_mean and self.interval:
            return f"the runs and {images}, the wider of the two" if images else "the runs"
        return images

    @property
    def is_mean(self) -> bool:
        """Whether the figure is the mean of several runs, and not the best of them."""
        return self.spread is not None and abs(self.spread.mean - self.value) < 1e-9

    @property
    def took(self) -> str:
        """Its time in words: '591 s', of a mean '4 min 20 s a run'; '' where it is not known."""
        if self.seconds is None:
            return ""
        return f"{duration(self.seconds)} a run" if self.is_mean else duration(self.seconds)

    @property
    def runs(self) -> str:
        """Of how many runs the figure is, and their standard deviation: 'mean of 5, ± 16.07 points',
        'best of 3, ± 0.08 points', or '1'.
        """
        if self.spread is None:
            return "1"
        which = "mean" if self.is_mean else "best"
        deviation = self.spread.deviation
        by = "" if deviation is None else f", ± {100 * deviation:.2f} points"
        return f"{which} of {self.spread.n}{by}"


def figures_in(
    metrics: Mapping[str, Any], facts: Facts, kind: str, ref: str, hardware: str, date: str
) -> Iterator[Result]:
    """The accuracies among a run's or checkpoint's final metrics, a Result each."""
    held = "test_n" if metrics.get("test_n") else "val_n"
    for key in ("test_accuracy", "val_accuracy", "knn_accuracy"):
        if metrics.get(key) is not None:
            n = metrics.get({"test_accuracy": "test_n", "val_accuracy": "val_n"}.get(key, held))
            yield Result(
                facts.recipe,
                kind,
                ref,
                key,
                metrics[key],
                n,
                hardware,
                metrics.get("seconds"),
                facts.scale,
                date,
                task_of(facts),
            )


def recorded(path: Path) -> list[Result]:
    """Recorded figures: of a recipe's rows of one metric and scale, the newest of each seed are one
    measurement. None if there is no such file.
    """
    try:
        return _records.get(path)
    except OSError:
        return []


def _read_records(path: Path) -> list[Result]:
    out = []
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row.get("metric") in STUDY_METRICS.values():
                key = row["bench_or_recipe"], row["metric"], row["scale"]
                groups.setdefault(key, []).append(row)
    known = set(shipped_recipe_names())
    for (name, metric, scale), all_rows in groups.items():
        rows = newest_of_seeds(all_rows)
        task = task_of(facts_of(read_recipe(RECIPES / f"{name}.yaml"))) if name in known else ()
        # At full size a study's recipe is measured on as many images as the study measured on.
        known_n = _published_n(name, metric) if name in known and scale == "full" else None
        values = [float(row["value"]) for row in rows]
        took = [float(row["seconds"]) for row in rows if row.get("seconds")]
        seconds = sum(took) / len(took) if took else None
        several = spread(values) if len(values) > 1 else None
        mean = sum(values) / len(values)
        out.append(
            Result(
                name,
                "record",
                each_once(row["commit"] for row in rows),
                metric,
                mean,
                known_n,
                each_once(of_record(row["device"]) for row in rows),
                seconds,
                scale,
                max(row["date"] for row in rows),
                task,
                several,
                tuple(dict.fromkeys((row["date"], row["commit"]) for row in rows)),
            )
        )
    return out


def newest_of_seeds(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Of the records of one figure, oldest first, those that count: each seed's of the newest commit that
    measured it. Seeds that were measured later join those before; one that was measured again replaces
    itself.
    """
    newest = {row["seed"]: row["commit"] for row in rows}
    return [row for row in rows if row["commit"] == newest[row["seed"]]]


def each_once(found: Iterable[str]) -> str:
    """What the rows of one figure say, each once: 'e31a6d4 and dddbaef'. A mean of runs of several commits
    or devices is of all of them.
    """
    *most, last = dict.fromkeys(found) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _published_n(name: str, metric: str) -> int | None:
    """On how many images the study of a shipped recipe measured `metric`, where that is known."""
    published = read_recipe(RECIPES / f"{name}.yaml").published
    if published is None or STUDY_METRICS.get(published.metric) != metric:
        return None
    return published.n


_records = FileCache(_read_records, most=4)


def changed_settings(recipe: Recipe) -> tuple[str, ...]:
    """In which settings a recipe differs from the shipped one of its name, at its scale; of one that is
    not shipped in none. Seeds, words, resources and the model that is started from don't count.
    """
    if recipe.name not in shipped_recipe_names():
        return ()
    shipped = read_recipe(RECIPES / f"{recipe.name}.yaml", {"scale": recipe.scale})
    rows = compare_recipes({"run": recipe, "shipped": shipped})
    fields = (row["field"] for row in rows)
    return tuple(field for field in fields if field.split(".")[0] not in NO_SETTINGS)


def best_of(results: list[Result]) -> Result | None:
    """The best of several runs of one recipe, with the spread over all of them where there are
    several. Those with changed settings count only where there is no other.
    """
    results = [one for one in results if not one.changed] or results
    if not results:
        return None
    best = max(results, key=lambda r: r.value)
    runs = [r.value for r in results if r.kind == "run"]
    if best.spread is None and best.kind == "run" and len(runs) > 1:
        return replace(best, spread=spread(runs))
    return best


def hardware_of(machine: dict[str, Any]) -> str:
    """The device as people name it: 'CPU …, 2 threads', or the GPU's name; with the number of
    processes, if there were several.
    """
    if count := machine.get("processes"):
        one = {key: value for key, value in machine.items() if key != "processes"}
        return f"{hardware_of(one)}, {count} processes"
    name, device = str(machine.get("name") or ""), str(machine.get("device") or "")
    if device == "cpu":
        threads = machine.get("threads")
        return (
            f"CPU {name}, {threads} thread{'' if threads == 1 else 's'}".replace("  ", " ")
            if threads
            else f"CPU {name}".strip()
        )
    return name or device


def points_between(ours: float, theirs: float) -> float:
    """One share minus another (0..1) in percentage points, as both are shown: with two digits. 99.185
    and 99.15 are shown as 99.19 and 99.15, so that a difference of 0.03 would look miscounted.
    """
    shown = [float(f"{100 * share:.2f}") for share in (ours, theirs)]
    return round(shown[0] - shown[1], 2) + 0.0  # never -0.0


def comparable(result: Result, name: str, metric: str) -> bool:
    """Whether a figure may stand as the best for experiment `name`: it is of the same measure, and
    no model was chosen by it. Only an experiment's own runs may count by a validation split, where
    that is what was published."""
    if "knn_accuracy" in (metric, result.metric):
        return metric == result.metric
    return result.metric == "test_accuracy" or (result.recipe == name and result.metric == metric)


def task_of(facts: Facts) -> tuple[Any, ...]:
    """What two figures must share to be compared; see Result.task."""
    return facts.data, facts.classes, facts.test_on, is_small(facts.model)


def is_small(network: str) -> bool:
    """Whether a network is one of those with fewer than MOST_PARAMETERS, which study D was about."""
    return network.startswith("tiny")
