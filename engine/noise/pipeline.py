"""The label-noise pipeline: what is wrong with a data set's labels, from predictions that do not
depend on the label they are compared with.

1. Hypotheses about the labels are compared on a part of the images (`hypotheses`).
2. Cross-validation (`cross_validation`): for each fold a teacher is trained on the given labels of
   the other folds, through the T of the accepted hypothesis.
3. T and the noise rate are estimated from the out-of-sample predictions (`diagnosis`).
   The verdict is reconciled with what the images show without labels (`image_evidence`, `reconcile`).
4. For each fold a student is trained on its teacher's soft targets for all images. It sees the
   images of its fold, but none of their labels. T and the rate are estimated again.
5. For complementary labels an ensemble, trained on all labels, on the students' predictions and on
   the evidence of neighbours' labels, predicts the likeliest class (`neighbour_labels`,
   `ensemble`). The score of a label remains that of networks that were not trained on it.
6. Labels are ranked by the probability that they are correct (`ranking`).

docs/label-noise.md explains the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from engine.data.duplicates import find_duplicates
from engine.data.imageset import ImageSet
from engine.errors import DataError, unknown
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.copies import (
    Copies,
    at_least_contradicted,
    at_the_copies_rate,
    count_copies,
    once_each,
)
from engine.noise.cross_validation import CrossValidation, OutOfSample
from engine.noise.descriptor_networks import descriptor_logits
from engine.noise.findings import Findings, as_wide_as_counted, regime_words
from engine.noise.hypotheses import (
    COMPLEMENTARY,
    HYPOTHESES,
    SYMMETRIC,
    Hypothesis,
    about_names,
    fit_hypothesis,
    select_hypothesis,
    training_transition,
)
from engine.noise.image_evidence import ImageEvidence, image_evidence_of
from engine.noise.inference import Predict
from engine.noise.network import noisy_data
from engine.noise.prediction_cache import PredictionCache
from engine.noise.ranking import Suspects, counted_by_suspects, find_suspects
from engine.noise.scoring import best_mixture, scoring_transition
from engine.noise.shares import LEAST_CLASSES, LEAST_LABELLED, share
from engine.progress import Progress, no_progress


@dataclass(frozen=True)
class PipelineResult:
    """What was found, for n images.

    hypotheses    those that were compared, by name; hypothesis: the accepted one's name, or None
    index         (n,) int64 positions in the data set; given (n,) int64 their labels
    log_p         (n, K) float32, out-of-sample log-probabilities of the true class, calibrated
    fold          (n,) int8; embeddings (F, n, D) float16, L2-normalised: all images by each fold's
                  last network
    neighbours    (n, k) int32 positions among the n, nearest first, by the network of the image's
                  own fold
    saved_models  names of the models whose predictions were part of the ensemble's targets
    copies        images that are the same as another one
    """

    findings: Findings
    hypotheses: dict[str, Hypothesis]
    hypothesis: str | None
    suspects: Suspects
    index: np.ndarray
    given: np.ndarray
    log_p: np.ndarray
    fold: np.ndarray
    embeddings: np.ndarray
    neighbours: np.ndarray
    saved_models: tuple[str, ...] = ()
    copies: Copies = Copies()


def run_pipeline(
    data: ImageSet,
    split: str = "all",
    effort: str = "full",
    device: str = "auto",
    seed: int = 0,
    progress: Progress = no_progress,
    saved_models: Mapping[str, Predict] = MappingProxyType({}),
    config: NoiseConfig = CONFIG,
    cache: PredictionCache | None = None,
) -> PipelineResult:
    """Find what is wrong with the given labels of a split. `progress` may raise to stop.

    saved_models: models that were trained on these given labels and on no others; their predictions
    are part of the ensemble's targets, where an ensemble is trained. cache: predictions of an earlier
    run that was stopped, on the same data at the same effort; those of this run are added.

    Raises DataError if there are fewer than 50 labelled images of two classes, or for an unknown
    effort.
    """
    if effort not in config.efforts:
        raise DataError(unknown("effort", effort, config.efforts))
    index = _labelled(data, split)
    given = np.asarray(data.labels[index], np.int64)
    same = find_duplicates(data.images[index]).same
    once, place = once_each(same, given)
    run = _Run(
        data, index[once], place[same[once]], effort, device, seed, cache or PredictionCache()
    )
    found = _diagnosed(run, progress, saved_models, config)
    if len(once) == len(index):
        return found
    return _with_copies(found, index, once, place, same, config)


class _Run(NamedTuple):
    """What a diagnosis is of. index (m,): positions of the images, each once with each of its labels;
    same (m,): place among them of the first that is the same.
    """

    data: ImageSet
    index: np.ndarray
    same: np.ndarray
    effort: str
    device: str
    seed: int
    cache: PredictionCache


def _diagnosed(
    run: _Run, progress: Progress, saved_models: Mapping[str, Predict], config: NoiseConfig
) -> PipelineResult:
    data, index, same, effort, device, seed, cache = run
    work = CrossValidation(
        noisy_data(data, device=device),
        index,
        config.efforts[effort],
        seed,
        progress,
        config,
        same,
        cache,
    )
    shown = image_evidence_of(data, index, work.fold, same, seed, work.uncounted, config)
    hypotheses, best, result = _cross_validated(work, shown)

    def found_in(result: OutOfSample) -> Findings:
        return shown.verdict(
            result.logits, work.given, best, data.classes, result.by_fold, work.fold, config
        )

    findings = found_in(result)
    low, high = share(findings.rate_low), share(findings.rate_high)
    work.so_far = f"{regime_words(findings.regime)}, {low} to {high} of the labels wrong"
    if best is not None and work.effort.student_images:
        result = work.students(result, findings)
        findings = found_in(result)
    neighbours = ensemble_log_p = None
    if best is None:  # the networks learned nothing: any difference between images is chance
        log_prior = np.log(np.maximum(findings.prior, 1e-9)).astype(np.float32)
        log_p = np.tile(log_prior, (len(index), 1))
    else:
        by_descriptors = descriptor_logits(
            shown.vectors,
            work.given,
            work.fold,
            work.classes,
            seed,
            training_transition(best, work.classes),
            work.uncounted,
            config,
        )
        networks = result.by_fold, by_descriptors
        log_p = best_mixture(
            networks, shown.of_labels, work.fold, shown.neighbours, work.given, findings, config
        )
    if work.ensemble_size:
        neighbours = work.neighbours(result)
        ensemble_log_p = work.ensemble(result, log_p, neighbours, findings, saved_models)
    suspects = find_suspects(
        log_p,
        scoring_transition(findings, log_p, work.given),
        work.given,
        best is not None and best.name == COMPLEMENTARY,
        ensemble_log_p,
    )
    suspects = shown.first(suspects, findings)
    return PipelineResult(
        findings=as_wide_as_counted(counted_by_suspects(findings, suspects, config), len(index)),
        hypotheses=hypotheses,
        hypothesis=best.name if best else None,
        suspects=suspects,
        index=index,
        given=work.given,
        log_p=log_p,
        fold=work.fold,
        embeddings=result.embeddings,
        neighbours=work.neighbours(result) if neighbours is None else neighbours,
        saved_models=() if ensemble_log_p is None else tuple(saved_models),
        copies=shown.copies,
    )


def _with_copies(
    found: PipelineResult,
    index: np.ndarray,
    once: np.ndarray,
    place: np.ndarray,
    same: np.ndarray,
    config: NoiseConfig,
) -> PipelineResult:
    """A result of images that occur once (m,) as one of all n, of which each is at a `place` (n,)
    among these.
    """
    few, given = found.suspects, found.given[place]
    complementary = found.hypothesis == COMPLEMENTARY
    log_odds = few.log_odds[place]
    suspects = Suspects(
        score=few.score[place],
        likely=few.likely[place],
        confidence=few.confidence[place],
        order=np.argsort(-log_odds if complementary else log_odds, kind="stable"),
        log_odds=log_odds,
    )
    findings = at_the_copies_rate(found.findings, few.score, place)
    copies = count_copies(same, given)
    groups = tuple(group.among(once) for group in findings.groups)
    return replace(
        found,
        findings=at_least_contradicted(replace(findings, groups=groups), copies, config),
        suspects=suspects,
        index=index,
        given=given,
        log_p=found.log_p[place],
        fold=found.fold[place],
        embeddings=found.embeddings[:, place],
        neighbours=once[found.neighbours[place]].astype(np.int32),
        copies=copies,
    )


def _labelled(data: ImageSet, split: str) -> np.ndarray:
    """Positions (n,) of a split's labelled images."""
    index = data.split(split)
    index = index[data.labels[index] >= 0]
    present = len(np.unique(data.labels[index]))
    if len(index) < LEAST_LABELLED or present < LEAST_CLASSES:
        raise DataError(
            f"{data.name} is too small to find label noise in",
            expected=f"{LEAST_LABELLED} labelled images or more, of {LEAST_CLASSES} classes or more",
            got=f"{len(index)} images of {present} class{'' if present == 1 else 'es'}",
        )
    return index


def _cross_validated(
    work: CrossValidation, shown: ImageEvidence
) -> tuple[dict[str, Hypothesis], Hypothesis | None, OutOfSample]:
    """The hypotheses, the accepted one, and the teachers' predictions under it. Where a part of the
    images shows nothing, the hypotheses are compared again on cross-validated predictions of all.
    """
    hypotheses = work.compare(shown.vectors)
    best = select_hypothesis(hypotheses, work.config)
    if best is not None:
        work.so_far = f"{HYPOTHESES[best.name]}; about {share(1 - best.diagonal)} are wrong"
        work.plan(best.name, accepted=best.name)
        return hypotheses, best, work.teachers(best)
    names = about_names(work.classes)
    work.plan(*names)
    results = {name: work.teachers(name) for name in names}
    hypotheses = {
        name: fit_hypothesis(name, result.logits, work.given, config=work.config)
        for name, result in results.items()
    }
    best = select_hypothesis(hypotheses, work.config)
    work.plan(accepted=best.name if best else None)
    return hypotheses, best, results[best.name if best else SYMMETRIC]
