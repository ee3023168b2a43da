"""A benchmark of training methods on injected label noise: correct labels are corrupted by a known
noise model, and each method trains on the result.

Every method trains the same small network for the same number of images. The test images keep their
true labels and are read once a method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.data.splits import stratified
from engine.errors import DataError, unknown
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.hypotheses import COMPLEMENTARY
from engine.noise.inject import add_noise, true_transition
from engine.noise.network import NoisyData, noisy_data, predict, train
from engine.noise.pipeline import PipelineResult, run_pipeline
from engine.noise.targets import FixedTransition, SoftTargets
from engine.noise.transition import log_posterior, log_softmax
from engine.progress import Progress, no_progress

FOLDS = 3
SHOWN = 30  # suspects that a result keeps


class TrainingMethod(NamedTuple):
    title: str
    about: str


TRAINING_METHODS: dict[str, TrainingMethod] = {
    "plain": TrainingMethod("Plain training", "cross-entropy on the given labels as they are"),
    "cleanlab": TrainingMethod(
        "cleanlab's filter",
        "confident learning finds issues by cross-validation; plain training on the rest",
    ),
    "ours": TrainingMethod(
        "This lab's method",
        "training on the class probabilities that the diagnosis gives, held to early predictions",
    ),
    "truth": TrainingMethod(
        "True labels", "plain training on the labels before noise was injected, for reference"
    ),
}


@dataclass(frozen=True)
class Trial:
    """A data set whose labels are taken as true, a noise model and its rate, the number of training
    images (None: all), and whether the methods are trained as well, which takes most of the time.
    """

    dataset: str
    noise: str
    rate: float
    limit: int | None = None
    effort: str = "full"
    seed: int = 0
    compare: bool = True


def run_trial(
    data: ImageSet,
    trial: Trial,
    device: str = "auto",
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> dict[str, Any]:
    """Inject noise, diagnose, train and score. Returns what JSON can hold: the diagnosis beside the
    truth, the first suspects, and a row a method with its accuracy on test images.

    data: the clean data set; where it has no test split, a fifth of the images is held out. Raises
    DataError for fewer than 50 training images, an unknown noise model, effort or rate.
    """
    if trial.effort not in config.efforts:
        raise DataError(unknown("effort", trial.effort, config.efforts))
    true = np.asarray(data.labels, np.int64)
    classes = len(data.classes)
    train_index, test = _halves(data, trial)
    given = true.copy()
    given[train_index] = add_noise(true[train_index], classes, trial.noise, trial.rate, trial.seed)
    corrupted = data.with_labels(
        given, f"{data.fingerprint}+{trial.noise}{trial.rate:g}"
    ).with_splits({"train": train_index, "test": test})
    steps = _Steps(progress, len(TRAINING_METHODS) + 2 if trial.compare else 1)
    result = run_pipeline(
        corrupted,
        "train",
        trial.effort,
        device,
        trial.seed,
        steps.next("diagnosis"),
        config=config,
    )
    scores = _compared(corrupted, trial, result, true, test, steps, device, config)
    return _document(corrupted, trial, result, true, len(test), scores)


def _compared(
    corrupted: ImageSet,
    trial: Trial,
    result: PipelineResult,
    true: np.ndarray,
    test: np.ndarray,
    steps: _Steps,
    device: str,
    config: NoiseConfig,
) -> list[dict[str, Any]]:
    """A row for each training method, with its accuracy on the test images; none where the trial
    asks for no comparison.
    """
    if not trial.compare:
        return []
    classes, train_index = len(corrupted.classes), corrupted.splits["train"]
    noisy = noisy_data(corrupted, device=device)
    epochs = min(30, max(4, round(config.efforts[trial.effort].teacher_images / len(train_index))))
    accuracy: dict[str, float | None] = {}
    notes: dict[str, str] = {}

    plain = FixedTransition(np.eye(classes))

    def score(
        targets: FixedTransition | SoftTargets, index: np.ndarray, labels: NoisyData, what: str
    ) -> float:
        model, _ = train(labels, index, targets, epochs, trial.seed + 5, steps.next(what), what)
        return float((predict(labels, model, test)[0].argmax(1) == true[test]).mean())

    accuracy["plain"] = score(plain, train_index, noisy, "plain training")
    kept, notes["cleanlab"] = by_cleanlab(
        noisy, train_index, epochs, trial.seed, steps.next("cleanlab's cross-validation")
    )
    accuracy["cleanlab"] = (
        None if kept is None else score(plain, kept, noisy, "training on cleanlab's selection")
    )
    accuracy["ours"] = score(
        SoftTargets(posteriors(result, len(true), classes), early=config.early_learning),
        train_index,
        noisy,
        "training on the diagnosis' class probabilities",
    )
    accuracy["truth"] = score(
        plain, train_index, noisy_data(corrupted, true, device), "training on the true labels"
    )
    return [
        {
            "name": name,
            "title": TRAINING_METHODS[name].title,
            "accuracy": accuracy[name],
            "note": notes.get(name, TRAINING_METHODS[name].about),
        }
        for name in TRAINING_METHODS
    ]


def _halves(data: ImageSet, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training and of the test images."""
    known = np.flatnonzero(data.labels >= 0)
    test = data.splits.get("test", np.empty(0, np.int64))
    if not len(test):
        test = known[
            stratified(data.labels[known], round(0.2 * len(known)), trial.seed, keep_one=True)
        ]
    train_index = np.setdiff1d(known, test)
    if trial.limit and trial.limit < len(train_index):
        train_index = train_index[stratified(data.labels[train_index], trial.limit, trial.seed)]
    if len(train_index) < 50 or not len(test):
        raise DataError(
            f"{data.name} is too small for a trial",
            expected="50 images to train on and some to test on",
            got=f"{len(train_index)} and {len(test)}",
        )
    return train_index, test


def by_cleanlab(
    noisy: NoisyData, train_index: np.ndarray, epochs: int, seed: int, progress: Progress
) -> tuple[np.ndarray | None, str]:
    """Images that cleanlab keeps, by out-of-sample probabilities of plainly trained networks, and a
    note; None, with the reason, where it has none.
    """
    from cleanlab.filter import find_label_issues

    fold = np.random.default_rng([seed, 6]).permutation(len(train_index)) % FOLDS
    given = noisy.given[train_index]
    p = np.empty((len(train_index), noisy.classes), np.float32)
    for number in range(FOLDS):

        def tell(done: int, total: int, what: str, number: int = number) -> None:
            progress(number * total + done, FOLDS * total, what)

        held = fold == number
        model, _ = train(
            noisy,
            train_index[~held],
            FixedTransition(np.eye(noisy.classes)),
            epochs,
            seed + 31 * number,
            tell,
            "cleanlab's cross-validation",
        )
        p[held] = np.exp(log_softmax(predict(noisy, model, train_index[held])[0]))
    try:
        issues = find_label_issues(given, p, filter_by="prune_by_noise_rate", n_jobs=1)
    except (
        ValueError,
        AssertionError,
        ZeroDivisionError,
    ) as error:  # its assumptions do not hold: trace(T) <= 1, for one
        return None, f"no result: {str(error).splitlines()[0][:120]}"
    kept = train_index[~issues]
    if len(np.unique(noisy.given[kept])) < 2:
        return None, "leaves fewer than two classes"
    return kept, f"leaves out {int(issues.sum()):,} of {len(train_index):,}"


def posteriors(result: PipelineResult, n: int, classes: int) -> np.ndarray:
    """Posterior of each image, (n, K) float32; zeros, which add nothing to the loss, for images
    outside the result.
    """
    out = np.zeros((n, classes), np.float32)
    out[result.index] = np.exp(
        log_posterior(result.log_p.astype(np.float32), result.findings.matrix, result.given)
    )
    return out


def _document(
    data: ImageSet,
    trial: Trial,
    result: PipelineResult,
    true: np.ndarray,
    tested: int,
    methods: list[dict[str, Any]],
) -> dict[str, Any]:
    findings, suspects = result.findings, result.suspects
    train_index = data.splits["train"]
    given = np.asarray(data.labels)[train_index]
    actual = true_transition(true[train_index], given, len(data.classes))
    wrong = true[result.index] != result.given
    sought = ~wrong if result.hypothesis == COMPLEMENTARY else wrong
    first = int(sought.sum())
    return {
        "dataset": trial.dataset,
        "noise": trial.noise,
        "rate": trial.rate,
        "effort": trial.effort,
        "seed": trial.seed,
        "limit": trial.limit,
        "n": len(train_index),
        "n_test": tested,
        "classes": list(data.classes),
        "regime": findings.regime,
        "true_rate": float(wrong.mean()),
        "noise_rate": findings.rate,
        "noise_rate_interval": [findings.rate_low, findings.rate_high],
        "transition": findings.matrix.tolist(),
        "true_transition": actual.tolist(),
        "transition_error": float(np.abs(findings.matrix - actual).mean()),
        "likely_right": float((suspects.likely == true[result.index]).mean()),
        "sought": first,
        "found_first": float(sought[suspects.order[:first]].mean()) if first else None,
        "suspects": [
            {
                "image": str(data.files[int(result.index[place])]),
                "given": data.classes[result.given[place]],
                "likely": data.classes[suspects.likely[place]],
                "true": data.classes[true[result.index[place]]],
            }
            for place in suspects.order[:SHOWN]
        ],
        "methods": methods,
    }


class _Steps:
    """Progress over several trainings of about equal length."""

    def __init__(self, progress: Progress, count: int) -> None:
        self.progress, self.count, self.number = progress, count, -1

    def next(self, what: str) -> Progress:
        self.number += 1
        before = self.number

        def tell(done: int, total: int, detail: str) -> None:
            self.progress(
                round(1000 * (before + done / max(total, 1))), 1000 * self.count, detail or what
            )

        return tell
