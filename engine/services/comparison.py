"""The Compare room: tables, tests and images for any runs of the lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.compare.matched import predictions_of_both
from engine.compare.pairs import PairTest, between, tested_pairs
from engine.compare.seeds import SeedGroup, seed_group
from engine.compare.statistics import (
    McNemar,
    by_class,
    holm,
    losses_of,
    mcnemar,
    reliability,
    welch,
)
from engine.compare.subjects import (
    Predictions,
    Subject,
    kinds,
    name_without_seed,
    predictions_of,
    same_recipe,
    subject_of,
    thresholds_for,
)
from engine.compare.verdicts import against_the_first, answer
from engine.errors import DataError, RunError
from engine.metrics import confusion, images_per_second
from engine.recipes.recipe import compare_recipes

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.store.store import Store


@dataclass(frozen=True)
class Pair:
    """Two runs on the images that both were asked about.

    labels (n,), index (n,) into the data set; first_says, second_says (n, K) probabilities;
    confusions (K, K), rows true; first_only, second_only: positions (m,) in 0..n-1 of the images
    that one got right and the other wrong, the other's surest errors first.
    """

    first: Subject
    second: Subject
    classes: tuple[str, ...]
    labels: np.ndarray
    index: np.ndarray
    first_says: np.ndarray
    second_says: np.ndarray
    test: McNemar
    by_class: list[dict[str, Any]]
    first_confusion: np.ndarray
    second_confusion: np.ndarray
    first_only: np.ndarray
    second_only: np.ndarray


class Compare:
    """Questions about several runs at once. Runs are given by id; what a run lacks is left out or
    said to be missing.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def subjects(self, ids: Sequence[str]) -> list[Subject]:
        """The runs that have anything to compare, labelled so that no two look alike. Raises
        RunError for an id that does not exist.
        """
        runs = [self.store.run(id) for id in ids]
        recipes = [run.recipe() for run in runs]
        given = [run.info().name for run in runs]
        names = [name_without_seed(*one) for one in zip(given, recipes, strict=True)]
        called = kinds(names, recipes)
        seeded = [
            f"{kind} · seed {recipe.seed}" for kind, recipe in zip(called, recipes, strict=True)
        ]
        out = []
        for at, (run, kind, label) in enumerate(zip(runs, called, seeded, strict=True)):
            if called.count(kind) == 1:
                label = kind if names[at] == given[at] else label
            elif seeded.count(label) > 1:
                label = f"{kind} · {run.id}"
            try:
                out.append(subject_of(run, kind, label))
            except RunError:
                continue
        return out

    def left_out(self, ids: Sequence[str], subjects: Sequence[Subject]) -> list[str]:
        """A sentence for each of these runs that is not among the `subjects`, since there is nothing of
        it to compare."""
        compared = {one.id for one in subjects}
        infos = (self.store.run(id).info() for id in dict.fromkeys(ids))
        return [
            f"{info.name} ({info.id}) is {info.state} and has not ended an epoch: it is left out of the"
            " comparison."
            for info in infos
            if info.id not in compared
        ]

    def table(self, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
        """A row a run: score with its interval, the other final figures, and when it reached each
        threshold.
        """
        steps = thresholds_for(subjects)
        rows = []
        for s in subjects:
            low, high = s.interval or (None, None)
            epochs, seconds = s.reached("epoch"), s.reached("seconds")
            rows.append(
                {
                    "run": s.id,
                    "name": s.label,
                    "recipe": s.recipe.name,
                    "state": s.state,
                    "model": s.recipe.model.name,
                    "seed": s.recipe.seed,
                    "scale": s.recipe.scale,
                    "scored_on": s.scored_on,
                    "n": s.n,
                    "accuracy": s.accuracy if s.final else None,
                    "low": low,
                    "high": high,
                    "top3": s.final.get("test_top3"),
                    "validation": s.final.get("val_accuracy"),
                    "knn": s.final.get("knn_accuracy"),
                    "train": s.final.get("train_accuracy"),
                    "gap": s.final.get("generalisation_gap"),
                    "loss": s.final.get(f"{s.split}_loss"),
                    "ece": s.final.get(f"{s.split}_ece"),
                    "setbacks": s.setbacks,
                    "parameters": s.final.get("parameters"),
                    "epochs": len(s.epochs),
                    "seconds": s.epochs[-1]["seconds"] if s.epochs else None,
                    "images_per_second": images_per_second(s.epochs),
                    "device": s.device,
                    **{f"epochs_to_{step}": epochs.get(step) for step in steps},
                    **{f"seconds_to_{step}": seconds.get(step) for step in steps},
                }
            )
        return rows

    def differences(self, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
        """The recipe fields in which the runs differ: rows of `field` and a value for each label."""
        rows = compare_recipes({s.label: s.recipe for s in subjects})
        prose = {"name", "title", "about", "target", "analysis"}
        return [row for row in rows if row["field"].split(".")[0] not in (prose | {"published"})]

    def groups(self, subjects: Sequence[Subject]) -> list[SeedGroup]:
        """Seeds of one recipe as one group each, with the mean and spread of their scores."""
        return [seed_group(members) for members in same_recipe(subjects)]

    def predictions(self, subject: Subject) -> Predictions:
        return predictions_of(subject)

    def pair(self, first: Subject, second: Subject) -> Pair:
        """Both runs on the same images. Raises RunError if they were not asked about the same
        images or classes, OtherLabelsError if about the same by different labels, ChangedImagesError.
        """
        one, two, index, at_one, at_two = predictions_of_both(first, second)
        labels = one.labels[at_one]
        p, q = one.probabilities[at_one], two.probabilities[at_two]
        says_one, says_two = p.argmax(1), q.argmax(1)
        right_one, right_two = says_one == labels, says_two == labels
        classes, k = one.classes, len(one.classes)
        return Pair(
            first,
            second,
            classes,
            labels,
            index,
            p,
            q,
            mcnemar(right_one, right_two),
            by_class(labels, right_one, right_two, classes),
            confusion(labels, says_one, k),
            confusion(labels, says_two, k),
            _surest_first(right_one & ~right_two, q),
            _surest_first(~right_one & right_two, p),
        )

    def tests(self, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
        """McNemar's test of every two runs that were scored on the same images, p corrected for
        their number (Holm).
        """
        return [
            {
                "first": pair.first.label,
                "second": pair.second.label,
                "n": pair.n,
                **pair.test._asdict(),
                "p_corrected": pair.corrected,
            }
            for pair in tested_pairs(subjects)
        ]

    def answers(self, subjects: Sequence[Subject]) -> list[str]:
        """What these runs show, in sentences computed from their figures: every group against the
        first one, which is said where there are more than two. Their p are those of `tests`; of means
        over seeds, corrected for the number of these sentences that test means (Holm).
        """
        groups = self.groups(subjects)
        if len(groups) < 2:
            return []
        first, others = groups[0], groups[1:]
        tested = tested_pairs(subjects)
        means = {
            at: p for at, other in enumerate(others) if (p := _of_means(first, other)) is not None
        }
        corrected = dict(zip(means, holm(list(means.values())), strict=True))
        out: list[str] = []
        for at, other in enumerate(others):
            p = corrected.get(at)
            tests = len(tested) if p is None else len(corrected)
            out += answer(first, other, _paired(tested, first, other), p, tests)
        return against_the_first(first, bool(tested)) + out if out and len(others) > 1 else out

    def reliability(self, subject: Subject, bins: int = 15) -> list[dict[str, float]]:
        found = predictions_of(subject)
        return reliability(found.labels, found.probabilities, bins)

    def mistakes(self, subject: Subject, count: int = 60) -> list[dict[str, Any]]:
        """The images with the highest losses: index, true class, what it was taken for, the
        probability of each, and the loss in nats.
        """
        found = predictions_of(subject)
        losses = losses_of(found.labels, found.probabilities)
        worst = np.argsort(-losses, kind="stable")[:count]
        return [
            {
                "index": int(found.index[i]),
                "true": found.classes[found.labels[i]],
                "predicted": found.classes[found.probabilities[i].argmax()],
                "p_true": float(found.probabilities[i, found.labels[i]]),
                "p_predicted": float(found.probabilities[i].max()),
                "loss": float(losses[i]),
            }
            for i in worst
        ]

    def images(self, subject: Subject, index: Sequence[int]) -> np.ndarray:
        """The images (m, C, H, W) uint8 at `index` of the data set that the run was scored on.
        Raises DataError if it is not available, or has changed since.
        """
        data = self._data(subject)
        return np.asarray(data.images[np.asarray(index, np.int64)])

    def names(self, subject: Subject, index: Sequence[int]) -> list[str]:
        """The names of those images in the data set. Raises DataError as `images` does."""
        files = self._data(subject).files
        return [str(files[int(place)]) for place in index]

    def _data(self, subject: Subject) -> ImageSet:
        """The data set that a run was scored on, whose places are those of its predictions."""
        spec = subject.test_spec()
        data = self.store.dataset(spec)
        own = spec is subject.recipe.data and subject.fingerprint
        if own and own != data.fingerprint:
            raise DataError(f"data set {data.name} has changed since this run")
        return data


def _of_means(first: SeedGroup, second: SeedGroup) -> float | None:
    """p of Welch's test of their means; None where a side has too few seeds, or neither varies: then
    every difference would be certain.
    """
    if first.same_scores and second.same_scores and first.scores[0] != second.scores[0]:
        return None
    return welch(first.scores, second.scores)


def _paired(tested: Sequence[PairTest], first: SeedGroup, second: SeedGroup) -> list[McNemar]:
    """The test of each run of one with each run of the other, where a side has one seed; none where it
    has no score, or where a pair was not scored on the same images.
    """
    if min(len(first.scores), len(second.scores)) != 1:
        return []  # of several seeds the means are tested
    found = [between(tested, one, two) for one, two in product(first.members, second.members)]
    tests = [test for test in found if test is not None]
    return tests if len(tests) == len(found) else []


def _surest_first(chosen: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Positions (m,) where `chosen` (n,) bool holds, highest largest probability first."""
    where = np.flatnonzero(chosen)
    return where[np.argsort(-probabilities[where].max(1), kind="stable")] if len(where) else where
