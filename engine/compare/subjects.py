"""What is compared: one run's figures, its predictions on held-out images, and runs that differ by
nothing but their seed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.compare.statistics import setbacks
from engine.errors import RunError
from engine.metrics import first_reached, wilson_interval
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe, compare_recipes
from engine.runs.run_info import PREDICTIONS

if TYPE_CHECKING:
    from engine.runs.run import Run

# In which two seeds of one recipe may differ.
SEED_FIELDS = ("seed", "title", "about", "published", "target", "analysis", "small", "scale")
THRESHOLDS = ("0.98", "0.99", "0.994")  # the study's, for digits
LADDER = ("0.5", "0.8", "0.9", "0.95", *THRESHOLDS, "0.995")


@dataclass(frozen=True)
class Subject:
    """One run as it is compared. Accuracies are fractions in 0..1.

    epochs    its epoch rows, in order, each with `held_accuracy` and `held_loss`: on the validation
              images, or on the test images where the recipe holds none back but follows the test
              through the epochs, as the studies do
    final     its final metrics; empty while it trains
    kind      its name and in what its recipe differs from others of that name among the compared;
              seeds of one recipe share it
    label     kind and seed, or id where that is not enough to tell it apart
    """

    id: str
    kind: str
    label: str
    recipe: Recipe
    state: str
    folder: Path
    epochs: tuple[dict[str, Any], ...]
    final: Mapping[str, Any]
    device: str | None = None
    fingerprint: str | None = None  # of the images it was trained on

    @property
    def split(self) -> str:
        """Which images gave its score: 'test', or 'val' for a data set that keeps none back for the
        test.
        """
        return "test" if self.final.get("test_accuracy") is not None else "val"

    @property
    def scored_on(self) -> str:
        return f"{self.final.get('test_data') or self.recipe.data.name} {self.split}"

    @property
    def accuracy(self) -> float | None:
        """The score on held-out images; None of a run that still trains, whose epochs may have been
        judged on other images than its end will be.
        """
        return self.final.get("test_accuracy", self.final.get("val_accuracy"))

    @property
    def followed(self) -> str:
        """The images that its epochs were judged on, see `epochs`: 'validation' or 'test'."""
        return "test" if any(row.get("held") == "test" for row in self.epochs) else "validation"

    @property
    def is_followed(self) -> bool:
        """Whether its epochs were judged on any images."""
        return any(row.get("held_accuracy") is not None for row in self.epochs)

    @property
    def followed_on(self) -> str:
        """The same with the data set. Epochs of two runs are compared only where it is the same."""
        data = self.recipe.data
        of_test = data.test_on if self.followed == "test" else None
        return f"{of_test or data.name} {self.followed}"

    @property
    def by_knn(self) -> bool:
        """Whether its loss works on embeddings, so that its classifier was never trained and its epochs
        were judged by kNN: their accuracy is no classifier's.
        """
        return any(map(_by_knn, self.epochs))

    @property
    def ends_by_knn(self) -> bool:
        """The same of its last epoch: an earlier stage's loss may have worked on embeddings alone."""
        return any(map(_by_knn, self.epochs[-1:]))

    @property
    def labels_of_own(self) -> str:
        """By which labels its own data set's images count as right: 'the given labels', 'labels mended
        up to journal entry 7'. Two runs are compared only by the same.
        """
        data = self.recipe.data
        if data.labels == "given":
            return "the given labels"
        entries = ", ".join(f"{entry:,}" for entry in data.journal or ())
        return f"labels mended up to journal entry {entries}" if entries else "mended labels"

    @property
    def followed_n(self) -> int | None:
        """How many those images are; None while it trains."""
        return self.final.get("test_n" if self.followed == "test" else "val_n")

    @property
    def n(self) -> int | None:
        return self.final.get(f"{self.split}_n")

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% Wilson interval of the score."""
        return (
            None
            if self.accuracy is None or not self.n
            else wilson_interval(round(self.accuracy * self.n), self.n)
        )

    @property
    def setbacks(self) -> float | None:
        """Share of the held-out loss's movement that went up; see statistics.setbacks."""
        return setbacks([row["held_loss"] for row in self.epochs if row["held_loss"] is not None])

    def reached(self, of: str) -> dict[str, float]:
        """For each threshold of held-out accuracy that it reached, the `epoch` or the `seconds` at
        which it first did.
        """
        return first_reached(self.epochs, of, "held_accuracy")

    def test_spec(self) -> DataSpec:
        """The data specification under which the images of its predictions are found."""
        data = self.recipe.data
        return data.scored_on() if data.test_on and self.split != "val" else data


@dataclass(frozen=True)
class Predictions:
    """What a run said of held-out images. labels (n,) int64; probabilities (n, K) f32; index (n,)
    int64 into the data set `data`.
    """

    data: str
    split: str
    classes: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    index: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(1)

    @property
    def right(self) -> np.ndarray:
        return self.predicted == self.labels


def subject_of(run: Run, kind: str, label: str) -> Subject:
    """The run as it is compared. Raises RunError if it has not finished an epoch yet."""
    rows = run.metrics()
    epochs = tuple(_held_out(row) for row in rows if row.get("kind") == "epoch")
    final = run.final() or {}
    info = run.info()
    if not epochs and not final:
        raise RunError(f"run {run.id} has no epoch to compare yet", got=f"it is {info.state}")
    return Subject(
        run.id, kind, label, run.recipe(), info.state, run.path, epochs, final, info.device,
        run.status().get("fingerprint"),
    )  # fmt: skip


def _held_out(row: Mapping[str, Any]) -> dict[str, Any]:
    held = (
        "val" if row.get("val_accuracy") is not None or row.get("test_accuracy") is None else "test"
    )
    return {
        **row,
        "held": held,
        "held_accuracy": row.get(f"{held}_accuracy"),
        "held_loss": row.get(f"{held}_loss"),
    }


def predictions_of(subject: Subject) -> Predictions:
    """Read `predictions.npz`. Raises RunError if the run kept none."""
    path = subject.folder / PREDICTIONS
    try:
        labels, probabilities, index = _arrays(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        expected, got = "a finished run with held-out images", f"it is {subject.state}"
        raise RunError(
            f"run {subject.id} kept no predictions", expected=expected, got=got
        ) from None
    classes = tuple(row["class"] for row in subject.final.get("per_class") or ())
    data = subject.final.get("test_data") or subject.recipe.data.name
    return Predictions(data, subject.split, classes, labels, probabilities, index)


@lru_cache(maxsize=32)
def _arrays(path: Path, stamp: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return (
            arrays["labels"].astype(np.int64),
            arrays["probabilities"].astype(np.float32),
            arrays["index"].astype(np.int64),
        )


def _by_knn(epoch: Mapping[str, Any]) -> bool:
    return (
        epoch.get("train_accuracy") is None
        and epoch["held_accuracy"] is not None
        and epoch["held_accuracy"] == epoch.get("knn_accuracy")
    )


def kinds(names: Sequence[str], recipes: Sequence[Recipe]) -> list[str]:
    """For each run its name and, where others of that name have another recipe, the first fields in
    which it differs (seeds apart).
    """
    out = []
    for name in names:
        same = {i: recipe for i, recipe in enumerate(recipes) if names[i] == name}
        rows = compare_recipes({str(i): recipe for i, recipe in same.items()})
        rows = [
            row
            for row in rows
            if row["field"].split(".")[0] not in SEED_FIELDS and row["field"] != "data.seed"
        ]
        at = str(len(out))
        different = [
            f"{row['field'].split('.')[-1].replace('_', ' ')} {_short(row[at])}" for row in rows[:3]
        ]
        out.append(
            " · ".join(different if different and len(same) == len(names) else [name, *different])
        )  # a name that all share tells nothing
    return out


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:22]}…"


def same_recipe(subjects: Sequence[Subject]) -> list[list[Subject]]:
    """Groups of subjects whose recipes differ by nothing but the seed, in the order of their first
    members.
    """
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(str(apart_from_seed(subject.recipe)), []).append(subject)
    return list(groups.values())


def name_without_seed(name: str, recipe: Recipe) -> str:
    """A run's name without the seed that the page writes behind it where it starts several."""
    return name.removesuffix(f" seed {recipe.seed}") or name


def apart_from_seed(recipe: Recipe) -> dict[str, Any]:
    """What decides a result, without the seeds and the prose."""
    fields = recipe.model_dump(mode="json", exclude=set(SEED_FIELDS))
    fields["data"].pop("seed")
    return fields


def thresholds_for(subjects: Sequence[Subject]) -> list[str]:
    """The accuracy thresholds that tell these runs apart: 98, 99 and 99.4% where one comes near,
    else the highest three reached.
    """
    rows = [row for subject in subjects for row in subject.epochs]
    best = max(
        (row["held_accuracy"] for row in rows if row["held_accuracy"] is not None), default=0.0
    )
    if best >= 0.98:
        return list(THRESHOLDS)
    return [step for step in LADDER if float(step) <= best][-3:]
