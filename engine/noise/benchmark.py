"""Noise on purpose: labels that are right are spoiled in a known way, and each method of training
shows what it makes of them.

Every method trains the same small network for the same number of images. The test images keep their
true labels and are read once a method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.data.splits import stratified
from engine.errors import DataError
from engine.noise.hypotheses import EXCLUDES
from engine.noise.inject import add_noise, true_transition
from engine.noise.network import Fixed, Patient, Soft, admit, ask, train
from engine.noise.pipeline import EFFORTS, Examination, examine
from engine.noise.transition import log_softmax, posterior
from engine.progress import Progress, no_progress

FOLDS = 3


class Method(NamedTuple):
    title: str
    about: str


METHODS: dict[str, Method] = {
    "plain": Method("Plain training", "cross-entropy on the given labels as they are"),
    "cleanlab": Method(
        "cleanlab's filter",
        "confident learning finds issues by cross-validation; plain training on the rest",
    ),
    "ours": Method("Ours", "diagnosis, then training on what follows from it"),
    "truth": Method(
        "True labels", "plain training on the labels before they were spoiled: the best to hope for"
    ),
}


@dataclass(frozen=True)
class Trial:
    """What to try: a data set with labels taken as true, a noise model and its rate, and on how
    many training images (None: all).
    """

    dataset: str
    noise: str
    rate: float
    limit: int | None = None
    effort: str = "full"
    seed: int = 0


def run_trial(
    data: ImageSet, trial: Trial, device: str = "auto", progress: Progress = no_progress
) -> dict[str, Any]:
    """Spoil, diagnose, train and score. Returns what JSON can hold: the diagnosis beside the truth,
    and a row a method with its accuracy.

    data: the clean data set. Its test split scores; where it has none, a fifth of the images is
    held out. Raises DataError.
    """
    true = np.asarray(data.labels, np.int64)
    classes = len(data.classes)
    learn, test = _halves(data, trial)
    given = true.copy()
    given[learn] = add_noise(true[learn], classes, trial.noise, trial.rate, trial.seed)
    spoiled = data.with_labels(
        given, f"{data.fingerprint}+{trial.noise}{trial.rate:g}"
    ).with_splits({"train": learn, "test": test})
    patient = admit(spoiled, device=device)
    views = EFFORTS[trial.effort].teacher_views
    epochs = min(30, max(4, round(views / len(learn))))
    steps = _Steps(progress, len(METHODS) + 2)
    found = examine(spoiled, "train", trial.effort, device, trial.seed, steps.next("diagnosis"))
    accuracy: dict[str, float | None] = {}
    notes: dict[str, str] = {}

    def score(way: Fixed | Soft, index: np.ndarray, labels: Patient, what: str) -> float:
        model, _ = train(labels, index, way, epochs, trial.seed + 5, steps.next(what), what)
        return float((ask(labels, model, test)[0].argmax(1) == true[test]).mean())

    accuracy["plain"] = score(Fixed(np.eye(classes)), learn, patient, "plain training")
    kept, notes["cleanlab"] = _by_cleanlab(
        patient, learn, epochs, trial.seed, steps.next("cleanlab's cross-validation")
    )
    accuracy["cleanlab"] = (
        None
        if kept is None
        else score(Fixed(np.eye(classes)), kept, patient, "training on cleanlab's selection")
    )
    accuracy["ours"] = score(
        Soft(_beliefs(found, len(given), classes)),
        learn,
        patient,
        "training on what follows from the diagnosis",
    )
    accuracy["truth"] = score(
        Fixed(np.eye(classes)), learn, admit(spoiled, true, device), "training on the true labels"
    )
    return _result(spoiled, trial, found, true, given, learn, test, accuracy, notes)


def _halves(data: ImageSet, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(data.labels >= 0)
    test = data.splits.get("test", np.empty(0, np.int64))
    if not len(test):
        test = known[
            stratified(data.labels[known], round(0.2 * len(known)), trial.seed, keep_one=True)
        ]
    learn = np.setdiff1d(known, test)
    if trial.limit and trial.limit < len(learn):
        learn = learn[stratified(data.labels[learn], trial.limit, trial.seed)]
    if len(learn) < 50 or not len(test):
        got = f"{len(learn)} and {len(test)}"
        raise DataError(
            f"{data.name} is too small for a trial",
            expected="50 images to learn from and some to test on",
            got=got,
        )
    return learn, test


def _by_cleanlab(
    patient: Patient, learn: np.ndarray, epochs: int, seed: int, progress: Progress
) -> tuple[np.ndarray | None, str]:
    """Images that cleanlab keeps, by out-of-sample probabilities of plainly trained networks; None,
    with the reason, where it gives up.
    """
    from cleanlab.filter import find_label_issues

    fold = np.random.default_rng([seed, 6]).permutation(len(learn)) % FOLDS
    given = patient.given[learn]
    p = np.empty((len(learn), patient.classes), np.float32)
    for number in range(FOLDS):

        def tell(done: int, total: int, what: str, number: int = number) -> None:
            progress(number * total + done, FOLDS * total, what)

        held = fold == number
        way = Fixed(np.eye(patient.classes))
        model, _ = train(
            patient,
            learn[~held],
            way,
            epochs,
            seed + 31 * number,
            tell,
            "cleanlab's cross-validation",
        )
        p[held] = np.exp(log_softmax(ask(patient, model, learn[held])[0]))
    try:
        issues = find_label_issues(given, p, filter_by="prune_by_noise_rate", n_jobs=1)
    except (
        ValueError,
        AssertionError,
        ZeroDivisionError,
    ) as error:  # its assumptions do not hold: trace(T) <= 1, for one
        return None, f"gives up: {str(error).splitlines()[0][:120]}"
    kept = learn[~issues]
    if len(np.unique(patient.given[kept])) < 2:
        return None, "leaves fewer than two classes"
    return kept, f"leaves out {int(issues.sum()):,} of {len(learn):,}"


def _beliefs(found: Examination, n: int, classes: int) -> np.ndarray:
    """What the diagnosis makes of each image, (n, K) float32; zeros, which weigh nothing, where it
    is not known.
    """
    out = np.zeros((n, classes), np.float32)
    out[found.index] = np.exp(
        posterior(found.log_p.astype(np.float32), found.findings.matrix, found.given)
    )
    return out


def _result(
    data: ImageSet,
    trial: Trial,
    found: Examination,
    true: np.ndarray,
    given: np.ndarray,
    learn: np.ndarray,
    test: np.ndarray,
    accuracy: dict[str, float | None],
    notes: dict[str, str],
) -> dict[str, Any]:
    findings = found.findings
    there = true_transition(true[learn], given[learn], len(data.classes))
    wrong = true[found.index] != found.given
    odd = ~wrong if found.reading == EXCLUDES else wrong
    first = int(odd.sum())
    return {
        "dataset": trial.dataset,
        "noise": trial.noise,
        "rate": trial.rate,
        "effort": trial.effort,
        "seed": trial.seed,
        "limit": trial.limit,
        "n": len(learn),
        "n_test": len(test),
        "classes": list(data.classes),
        "regime": findings.regime,
        "true_rate": float(wrong.mean()),
        "noise_rate": findings.rate,
        "noise_rate_interval": [findings.rate_low, findings.rate_high],
        "transition": findings.matrix.tolist(),
        "true_transition": there.tolist(),
        "transition_error": float(np.abs(findings.matrix - there).mean()),
        "likely_right": float((found.suspects.likely == true[found.index]).mean()),
        "found_first": float(odd[found.suspects.order[:first]].mean()) if first else None,
        "methods": [
            {
                "name": name,
                "title": METHODS[name].title,
                "accuracy": accuracy[name],
                "note": notes.get(name, METHODS[name].about),
            }
            for name in METHODS
        ],
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
