"""The trainings of the pipeline: hypotheses, a teacher and a student a fold, and the ensemble; one
after the other, with the progress of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from engine.data.splits import stratified
from engine.embedding.neighbours import Neighbours
from engine.noise.config import CONFIG, Effort, NoiseConfig
from engine.noise.ensemble import Ensemble
from engine.noise.findings import Findings
from engine.noise.hypotheses import (
    COMPLEMENTARY,
    SYMMETRIC,
    Hypothesis,
    compare_hypotheses,
    compare_on_descriptors,
    select_hypothesis,
    training_transition,
)
from engine.noise.inference import Predict, predict_with_tta
from engine.noise.neighbour_labels import fit_share, neighbour_evidence
from engine.noise.network import NoisyData, predict, small_network, train
from engine.noise.prediction_cache import PredictionCache, Predictions
from engine.noise.targets import SoftTargets
from engine.noise.transition import log_posterior, log_softmax
from engine.progress import Progress


class OutOfSample(NamedTuple):
    """Predictions of one network a fold.

    logits      (n, K) float32: each image by the network of its own fold, out of sample
    by_fold     (F, n, K) float16: all images by each network
    embeddings  (F, n, D) float16: all images by each network
    """

    logits: np.ndarray
    by_fold: np.ndarray
    embeddings: np.ndarray


class CrossValidation:
    """One run's trainings on the images at `index` (n,) of `data`, in the order of its methods.

    fold (n,) int8 is drawn at random and without the labels, so that an image's fold does not
    depend on its own label. Images that are the same, `same` (n,), lie in one fold: a network that
    was trained on an image's copy is no out-of-sample judge of its label. What is in the `cache` is not
    trained again. so_far: the verdict before the next training, which progress shows beside it.
    """

    def __init__(
        self,
        data: NoisyData,
        index: np.ndarray,
        effort: Effort,
        seed: int,
        progress: Progress,
        config: NoiseConfig = CONFIG,
        same: np.ndarray | None = None,
        cache: PredictionCache | None = None,
    ) -> None:
        self.data, self.index, self.effort, self.seed = data, index, effort, seed
        self.progress, self.config, self.cache = progress, config, cache or PredictionCache()
        self.so_far = ""
        self.given, self.classes, n = data.given[index], data.classes, len(index)
        self.folds = config.fold_count(n)
        self.fold = np.empty(n, np.int8)
        self.fold[np.random.default_rng([seed, 3]).permutation(n)] = np.arange(n) % self.folds
        self.same = np.arange(n) if same is None else same
        self.fold = self.fold[self.same]
        tried = max(config.hypothesis_images, config.hypothesis_images_per_class * self.classes)
        chosen = np.arange(n) if n <= tried else stratified(self.given, tried, seed)
        self.tried, self.tried_same = index[chosen], index[self.same[chosen]]
        self.trained = n * (self.folds - 1) // self.folds
        self.hypothesis_epochs = _epochs(
            config.hypothesis_training_images, len(self.tried) * 3 // 4
        )
        self.tried_images = 3 * self.hypothesis_epochs * (len(self.tried) * 3 // 4)
        self.student_epochs = _epochs(effort.student_images, n)
        self.ensemble_epochs = _epochs(effort.ensemble_images, n)
        self.network = partial(small_network, width=effort.width)
        self.complementary, self.done = False, 0
        self.plan(SYMMETRIC, accepted=SYMMETRIC)

    def plan(self, *crossed: str, accepted: str | None = None) -> None:
        """What is still to train: hypotheses to cross-validate, and what follows once one of them
        is `accepted`; an ensemble follows for complementary labels only.
        """
        self.complementary = accepted == COMPLEMENTARY
        self.ensemble_size = self.effort.ensemble_size if self.complementary else 0
        teachers = self.folds * self.trained * sum(self.teacher_epochs(name) for name in crossed)
        students = self.folds * self.student_epochs if accepted else 0
        later = (students + self.ensemble_size * self.ensemble_epochs) * len(self.index)
        self.total = (self.done or self.tried_images) + teachers + later

    def teacher_epochs(self, hypothesis: str) -> int:
        """Epochs of a teacher. A complementary label carries log(K / (K − 1)) nats, less the more
        classes there are, so many such labels are gone through more often.
        """
        often = max(1.0, self.classes / 10) if hypothesis == COMPLEMENTARY else 1.0
        return _epochs(often * self.effort.teacher_images, self.trained)

    def compare(self, vectors: np.ndarray) -> dict[str, Hypothesis]:
        """The hypotheses, fitted on a part of the images: on descriptors (n, D) of how they look, and
        if these show nothing, by networks on the pixels.
        """
        chosen = np.flatnonzero(np.isin(self.index, self.tried))
        hypotheses = compare_on_descriptors(
            vectors[chosen],
            self.given[chosen],
            self.fold[chosen],
            self.classes,
            self.seed,
            self.uncounted,
            self.config,
        )
        if select_hypothesis(hypotheses, self.config) is not None:
            self.tried_images = 0
            return hypotheses
        share = self.tried_images

        def tell(done: int, total: int, what: str) -> None:
            self.progress(round(share * done / max(total, 1)), self.total, what)

        hypotheses = compare_hypotheses(
            self.data,
            self.tried,
            self.hypothesis_epochs,
            self.seed,
            tell,
            self.config,
            self.tried_same,
            self.network,
        )
        self.done = share
        return hypotheses

    def teachers(self, hypothesis: Hypothesis | str) -> OutOfSample:
        """One teacher a fold, trained on the given labels of the other folds through the T of the
        hypothesis.
        """
        transition = training_transition(hypothesis, self.classes)
        name = hypothesis if isinstance(hypothesis, str) else hypothesis.name
        epochs = self.teacher_epochs(name)
        parts = []
        for fold in range(self.folds):
            trained = self.index[self.fold != fold]
            tell = self._counted(epochs * len(trained))

            def teach(
                fold: int = fold, trained: np.ndarray = trained, tell: Progress = tell
            ) -> Predictions:
                model, _ = train(
                    self.data,
                    trained,
                    transition,
                    epochs,
                    self.seed + 11 * fold + 1,
                    tell,
                    f"cross-validation, fold {fold + 1} of {self.folds}",
                    self.network,
                )
                return predict(self.data, model, self.index)

            parts.append(self.cache.get(f"teacher-{name}-{fold}", teach))
        return self._gathered(parts)

    def students(self, teachers: OutOfSample, findings: Findings) -> OutOfSample:
        """One student a fold, trained on all images with its teacher's soft targets.

        The targets of the other folds' images are posteriors that use their given labels; those of
        the held-out fold are predictions alone, in which no label of that fold took part: only T and the
        temperature, about K² numbers, were fitted on all labels.
        Complementary labels of the other folds are trained on directly, too.
        """
        parts = []
        for fold in range(self.folds):
            log_p = log_softmax(teachers.by_fold[fold], findings.temperature)
            held = self.fold == fold
            if self.config.posterior_targets:
                log_p[~held] = log_posterior(log_p[~held], findings.matrix, self.given[~held])
            targets = np.zeros((len(self.data.given), self.classes), np.float32)
            targets[self.index] = np.exp(log_p)
            soft = SoftTargets(targets)
            if self.complementary:
                labelled = np.isin(np.arange(len(targets)), self.index[~held])
                soft = SoftTargets(targets, findings.matrix, labelled, self.config.label_weight)
            tell = self._counted(self.student_epochs * len(self.index))

            def learn(
                fold: int = fold, soft: SoftTargets = soft, tell: Progress = tell
            ) -> Predictions:
                model, _ = train(
                    self.data,
                    self.index,
                    soft,
                    self.student_epochs,
                    self.seed + 11 * fold + 2,
                    tell,
                    f"student, fold {fold + 1} of {self.folds}",
                )
                return predict(self.data, model, self.index)

            parts.append(self.cache.get(f"student-{fold}", learn))
        return self._gathered(parts)

    def ensemble(
        self,
        result: OutOfSample,
        log_p: np.ndarray,
        neighbours: np.ndarray,
        findings: Findings,
        saved_models: Mapping[str, Predict],
    ) -> np.ndarray:
        """Log-probabilities (n, K) by an ensemble. Its targets combine the folds' networks, the
        out-of-sample predictions log_p (n, K), the labels of neighbours (n, k) and the predictions of
        saved models.
        """
        matrix, given, temperature = findings.matrix, self.given, findings.temperature
        share = fit_share(log_p, matrix, given, neighbours, self.config)
        folds = np.mean([log_softmax(logits, temperature) for logits in result.by_fold], 0)
        log_p = log_softmax(
            (folds + log_p) / 2 + neighbour_evidence(matrix, given, neighbours, share)
        )
        others = [
            predict_with_tta(
                self.data, model, self.index, self.uncounted, f"predictions of {name}", self.config
            )
            for name, model in saved_models.items()
        ]
        log_p = np.mean([log_p, *others], 0)
        if self.config.posterior_targets:
            log_p = log_posterior(log_p, matrix, given)
        ensemble = Ensemble(
            data=self.data,
            index=self.index,
            matrix=matrix,
            targets=np.exp(log_p),
            epochs=self.ensemble_epochs,
            size=self.ensemble_size,
            seed=self.seed,
            counted=self._counted,
            uncounted=self.uncounted,
            config=self.config,
        )
        self.total = self.done + ensemble.training_images
        return ensemble.predict()

    def neighbours(self, result: OutOfSample) -> np.ndarray:
        """The nearest images of each image by the network of its own fold: (n, k) int32, never itself."""
        k = min(self.config.neighbours, len(self.index) - 1)
        out = np.empty((len(self.index), k), np.int32)
        for fold in range(self.folds):
            own = np.flatnonzero(self.fold == fold)
            vectors = result.embeddings[fold].astype(np.float32)
            _, found = Neighbours(vectors, device=str(self.data.device)).search(
                vectors[own], k + 1, self.uncounted
            )
            for row, image in enumerate(own):
                others = found[row][found[row] != image]
                out[image] = others[:k]
        return out

    def _gathered(self, parts: list[Predictions]) -> OutOfSample:
        by_fold = np.stack([logits.astype(np.float16) for logits, _ in parts])
        logits = np.empty(by_fold.shape[1:], np.float32)
        for fold, (predicted, _) in enumerate(parts):
            logits[self.fold == fold] = predicted[self.fold == fold]
        embeddings = np.stack([vectors.astype(np.float16) for _, vectors in parts])
        return OutOfSample(logits, by_fold, embeddings)

    def uncounted(self, done: int, total: int, what: str) -> None:
        """Progress of a step that takes no part in the count."""
        self.progress(min(self.done, self.total), self.total, what)

    def _counted(self, images: int) -> Progress:
        """Progress of a training that sees so many images, which count as done from then on."""
        before = self.done
        self.done += images

        def tell(done: int, total: int, what: str) -> None:
            shown = f"{what}; so far: {self.so_far}" if self.so_far else what
            self.progress(min(before + done, self.total), self.total, shown)

        return tell


def _epochs(training_images: float, images: int, most: int = 30) -> int:
    """Epochs in which a network sees about so many images; of many images two are enough to learn from."""
    least = 2 if images > 20_000 else 4
    return min(most, max(least, round(training_images / max(images, 1)))) if training_images else 0
