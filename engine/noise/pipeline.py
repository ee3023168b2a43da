"""The examination: cross-validated predictions that no given label can have talked into agreeing
with it.

1. Ways to read the labels are tried on a part of the images (`readings`).
2. Cross-validation: for each fold a teacher learns from the labels of the other folds, through the
T of the best reading. 3. For each fold a student learns from its teacher's beliefs about *all*
images, those of the fold included, weighed by the given labels of
   the other folds only. It has seen the fold's images but nothing of their labels, and is asked
   about the fold.

So what is said of an image never depends on its own label.

Where labels say what an image is *not*, that is true of the label's score alone, and two things are
added. A student also hears the given labels themselves, those of its fold left out
(`learner.Soft`). And a committee of networks, which hear all of them and are told what the students
believe and what the labels around an image rule out (`vicinity`), settles which class is the
likeliest (`committee`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import Tensor

from engine.data.imageset import ImageSet
from engine.data.splits import stratified
from engine.embedding.neighbours import Neighbours
from engine.errors import DataError
from engine.noise.diagnosis import Findings, diagnose
from engine.noise.ensemble import Committee
from engine.noise.hypotheses import (
    EXCLUDES,
    NAMES,
    Reading,
    assess,
    better,
    compare_readings,
    through,
)
from engine.noise.neighbour_labels import fit_share, vicinity
from engine.noise.network import Patient, Soft, admit, ask, ponder, train
from engine.noise.ranking import Suspects, find_suspects
from engine.noise.transition import even, log_softmax, posterior
from engine.progress import Progress, no_progress

NEIGHBOURS = 13


class Effort(NamedTuple):
    """How much work an examination is: images that each network sees in training, 0 for none of its
    kind, and the committee's size.

    What is said of the committee holds where much is in doubt; where nearly nothing is, see
    `committee`.
    """

    teacher_views: int
    student_views: int
    member_views: int
    members: int
    about: str


EFFORTS: dict[str, Effort] = {
    "full": Effort(400_000, 360_000, 840_000, 3, "cross-validated twice, as good as it gets here"),
    "quick": Effort(
        80_000,
        0,
        0,
        0,
        "a fifth of the time or less, cross-validated once: the regime and the rate, rougher"
        " suspects",
    ),
}
READING_VIEWS = 40_000
Opinions = Mapping[
    str, Callable[[Tensor], Tensor]
]  # by name: images (B, C, S, S) in 0..255 to log-probabilities (B, K)


@dataclass(frozen=True)
class Examination:
    """What was found, for n images.

    index        (n,) int64 positions in the data set; given (n,) int64 their labels
    log_p        (n, K) float32, log-probabilities of the true class out of sample, calibrated
                 through T
    fold         (n,) int8; embeddings (F, n, D) float16, L2-normalised: all images as each fold's
                 last network sees them
    neighbours   (n, k) int32 positions among the n, nearest first, as the network of the image's
                 own fold sees them
    opinions     names of those that were asked, beside the committee, which class is the likeliest
    """

    findings: Findings
    readings: dict[str, Reading]
    reading: str | None
    suspects: Suspects
    index: np.ndarray
    given: np.ndarray
    log_p: np.ndarray
    fold: np.ndarray
    embeddings: np.ndarray
    neighbours: np.ndarray
    opinions: tuple[str, ...] = ()


def examine(
    data: ImageSet,
    split: str = "all",
    effort: str = "full",
    device: str = "auto",
    seed: int = 0,
    progress: Progress = no_progress,
    opinions: Opinions = MappingProxyType({}),
) -> Examination:
    """Examine the given labels of a split. `progress` may raise to stop. Raises DataError if there
    is too little to examine.

    opinions: of models that were trained through these labels and by no others; a committee, where
    there is one, is told of them.
    """
    index = data.split(split)
    index = index[data.labels[index] >= 0]
    present = len(np.unique(data.labels[index]))
    if len(index) < 50 or present < 2:
        got = f"{len(index)} of {present}"
        raise DataError(
            f"{data.name} is too small to examine",
            expected="50 labelled images of 2 classes",
            got=got,
        )
    patient = admit(data, device=device)
    work = _Work(patient, index, EFFORTS[effort], seed, progress)
    readings = work.compare()
    best = better(readings)
    if best is None:
        work.plan(NAMES, EXCLUDES)
        crossed = {name: work.cross_validate(name) for name in (NAMES, EXCLUDES)}
        readings = {name: assess(name, crossed[name].logits, work.given) for name in crossed}
        best = better(readings)
        result = crossed[best.name if best else NAMES]
        work.plan(then=best.name if best else None)
    else:
        work.plan(best.name, then=best.name)
        result = work.cross_validate(best)
    findings, near, informed = diagnose(result.logits, work.given, best), None, None
    if best is not None and work.effort.student_views:
        result = work.students(result, findings)
        findings = diagnose(result.logits, work.given, best)
        if work.members:
            near = work.neighbours(result)
            informed = work.committee(result, near, findings, opinions)
    log_p = log_softmax(result.logits, findings.temperature)
    if best is None:  # nothing was learned; whatever the network says of an image is chance
        log_p = np.tile(
            np.log(np.maximum(findings.prior, 1e-9)).astype(np.float32), (len(index), 1)
        )
    suspects = find_suspects(
        log_p, _doubting(findings), work.given, best is not None and best.name == EXCLUDES, informed
    )
    return Examination(
        findings,
        readings,
        best.name if best else None,
        suspects,
        index,
        work.given,
        log_p,
        work.fold,
        result.embeddings,
        work.neighbours(result) if near is None else near,
        () if informed is None else tuple(opinions),
    )


def _doubting(findings: Findings) -> np.ndarray:
    """T (K, K) to score labels by: of clean ones as many may be wrong as their interval allows, or
    every score would be 1.
    """
    return (
        even(len(findings.prior), 1 - findings.rate_high)
        if findings.regime == "clean"
        else findings.matrix
    )


class _Crossed(NamedTuple):
    """logits (n, K) of each image by its own fold's network; everyone (F, n, K) float16 by all of
    them; embeddings (F, n, D) float16.
    """

    logits: np.ndarray
    everyone: np.ndarray
    embeddings: np.ndarray


class _Work:
    """The networks to train, one after the other, and how far they are."""

    def __init__(
        self, patient: Patient, index: np.ndarray, effort: Effort, seed: int, progress: Progress
    ) -> None:
        self.patient, self.index, self.effort, self.seed, self.progress = (
            patient,
            index,
            effort,
            seed,
            progress,
        )
        self.given, self.classes, n = patient.given[index], patient.classes, len(index)
        self.folds = 5 if n < 5_000 else 4 if n < 20_000 else 3
        self.fold = np.empty(n, np.int8)
        # Drawn without a look at the labels, so that an image's fold does not depend on its own.
        self.fold[np.random.default_rng([seed, 3]).permutation(n)] = np.arange(n) % self.folds
        tried = max(12_000, 300 * self.classes)
        self.tried = index if n <= tried else index[stratified(self.given, tried, seed)]
        self.kept = n * (self.folds - 1) // self.folds
        self.reading_epochs = _epochs(READING_VIEWS, len(self.tried) * 3 // 4)
        self.tried_views = 3 * self.reading_epochs * (len(self.tried) * 3 // 4)
        self.student_epochs, self.member_epochs = (
            _epochs(effort.student_views, n),
            _epochs(effort.member_views, n),
        )
        self.done = 0
        self.plan(NAMES, then=NAMES)

    def plan(self, *crossed: str, then: str | None = None) -> None:
        """What is still to do: readings to cross-validate, and what follows if `then` is the right
        one: where labels say what an image is not, they are heard once more, and by a committee."""
        self.members = self.effort.members if then == EXCLUDES else 0
        teachers = self.folds * self.kept * sum(self._teacher_epochs(name) for name in crossed)
        students = self.folds * self.student_epochs if then else 0
        later = (students + self.members * self.member_epochs) * len(self.index)
        self.total = (self.done or self.tried_views) + teachers + later

    def _teacher_epochs(self, name: str) -> int:
        """A label that rules out one of K classes says the less, the more there are: such labels
        are gone through the more often.
        """
        often = max(1.0, self.classes / 10) if name == EXCLUDES else 1.0
        return _epochs(often * self.effort.teacher_views, self.kept)

    def compare(self) -> dict[str, Reading]:
        """The readings on a part of the images."""
        share = self.tried_views

        def tell(done: int, total: int, what: str) -> None:
            self.progress(round(share * done / max(total, 1)), self.total, what)

        readings = compare_readings(self.patient, self.tried, self.reading_epochs, self.seed, tell)
        self.done = share
        return readings

    def cross_validate(self, reading: Reading | str) -> _Crossed:
        """A teacher a fold, trained on the other folds through a reading."""
        way = through(reading, self.classes)
        epochs = self._teacher_epochs(reading if isinstance(reading, str) else reading.name)
        parts = []
        for fold in range(self.folds):
            learned = self.index[self.fold != fold]
            what = f"cross-validation, fold {fold + 1} of {self.folds}"
            model, _ = train(
                self.patient,
                learned,
                way,
                epochs,
                self.seed + 11 * fold + 1,
                self._tell(epochs * len(learned)),
                what,
            )
            parts.append(ask(self.patient, model, self.index))
        return self._gathered(parts)

    def students(self, teachers: _Crossed, findings: Findings) -> _Crossed:
        """A student a fold, trained on its teacher's beliefs about all images."""
        parts = []
        for fold in range(self.folds):
            log_p = log_softmax(teachers.everyone[fold], findings.temperature)
            held = self.fold == fold
            log_p[~held] = posterior(log_p[~held], findings.matrix, self.given[~held])
            beliefs = np.zeros((len(self.patient.given), self.classes), np.float32)
            beliefs[self.index] = np.exp(log_p)
            what = f"second opinion, fold {fold + 1} of {self.folds}"
            way = (
                self._soft(beliefs, findings, self.index[~held]) if self.members else Soft(beliefs)
            )
            tell = self._tell(self.student_epochs * len(self.index))
            model, _ = train(
                self.patient,
                self.index,
                way,
                self.student_epochs,
                self.seed + 11 * fold + 2,
                tell,
                what,
            )
            parts.append(ask(self.patient, model, self.index))
        return self._gathered(parts)

    def committee(
        self, students: _Crossed, near: np.ndarray, findings: Findings, opinions: Opinions
    ) -> np.ndarray:
        """Log-probabilities (n, K) by networks that are told what follows from students, the labels
        around an image and `opinions`.
        """
        matrix, given = findings.matrix, self.given
        share = fit_share(log_softmax(students.logits, findings.temperature), matrix, given, near)
        believed = np.mean(
            [log_softmax(logits, findings.temperature) for logits in students.everyone], 0
        )
        believed = log_softmax(believed + vicinity(matrix, given, near, share))
        said = [
            ponder(self.patient, say, self.index, self._still, f"asking {name}")
            for name, say in opinions.items()
        ]
        belief = np.exp(posterior(np.mean([believed, *said], 0), matrix, given))
        panel = Committee(
            self.patient,
            self.index,
            matrix,
            belief,
            self.member_epochs,
            self.members,
            self.seed,
            self._tell,
            self._still,
        )
        self.total = self.done + panel.views
        return panel.decide()

    def _soft(self, beliefs: np.ndarray, findings: Findings, heard: np.ndarray) -> Soft:
        """Beliefs, and the given labels of the images at `heard` through T."""
        return Soft(beliefs, findings.matrix, np.isin(np.arange(len(beliefs)), heard))

    def neighbours(self, result: _Crossed) -> np.ndarray:
        """The nearest images of each image, as its own fold's network sees them: (n, k) int32,
        never itself.
        """
        k = min(NEIGHBOURS, len(self.index) - 1)
        out = np.empty((len(self.index), k), np.int32)
        for fold in range(self.folds):
            own = np.flatnonzero(self.fold == fold)
            vectors = result.embeddings[fold].astype(np.float32)
            _, found = Neighbours(vectors, device=str(self.patient.device)).search(
                vectors[own], k + 1, self._still
            )
            for row, image in enumerate(own):
                others = found[row][found[row] != image]
                out[image] = others[:k]
        return out

    def _gathered(self, parts: list[tuple[np.ndarray, np.ndarray]]) -> _Crossed:
        everyone = np.stack([logits.astype(np.float16) for logits, _ in parts])
        logits = np.empty(everyone.shape[1:], np.float32)
        for fold, (said, _) in enumerate(parts):
            logits[self.fold == fold] = said[self.fold == fold]
        return _Crossed(
            logits, everyone, np.stack([vectors.astype(np.float16) for _, vectors in parts])
        )

    def _still(self, done: int, total: int, what: str) -> None:
        """Progress of what takes no part in the count."""
        self.progress(min(self.done, self.total), self.total, what)

    def _tell(self, images: int) -> Progress:
        """Progress of a training that sees so many images, which count as done from then on."""
        before = self.done
        self.done += images

        def tell(done: int, total: int, what: str) -> None:
            self.progress(min(before + done, self.total), self.total, what)

        return tell


def _epochs(views: float, images: int, least: int = 4, most: int = 30) -> int:
    return min(most, max(least, round(views / max(images, 1)))) if views else 0
