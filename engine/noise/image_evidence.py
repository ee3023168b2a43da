"""What the images show, by descriptors that no label took part in: which are clearly of one class, how
often these are labelled otherwise, which occur several times, which belong to no class, and whether a
class may lie under another's label.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.confused_groups import confused_classes
from engine.noise.copies import Copies, at_least_contradicted, count_copies
from engine.noise.descriptor_networks import descriptor_logits, propagated_probabilities
from engine.noise.diagnosis import estimate_noise
from engine.noise.findings import MILD, UNDECIDED, Findings
from engine.noise.geometry import descriptor_neighbours, descriptors
from engine.noise.group_verdicts import as_wide_as, of_no_class, one_under_another, with_confused
from engine.noise.hidden_classes import HiddenClass, hidden_class
from engine.noise.hypotheses import Hypothesis
from engine.noise.no_class import NoClass, no_class
from engine.noise.ranking import Suspects, hidden_first, most_likely_wrong
from engine.noise.reconcile import NAMING, clean_for_certain, reconciled
from engine.noise.separability import Separability, separability
from engine.progress import Progress, no_progress


class ImageEvidence(NamedTuple):
    """What n images show.

    vectors        (n, D) descriptors; neighbours (n, k): positions of each image's nearest by these
    propagated     (n, K) out-of-sample probabilities of the label by networks on descriptors, averaged
                   with those of the neighbours `NoiseConfig.propagation_rounds` times (label propagation);
                   averaged_once (n, K): once
    separability   of clear images
    hidden         a label under which two classes may lie, or None
    copies         images that occur several times
    none           images of no class, or None
    of_labels      (F, n, K) logits of the label by each fold's network on descriptors, or None
    """

    vectors: np.ndarray
    neighbours: np.ndarray
    propagated: np.ndarray
    averaged_once: np.ndarray
    separability: Separability
    hidden: HiddenClass | None
    copies: Copies
    none: NoClass | None = None
    of_labels: np.ndarray | None = None

    def verdict(
        self,
        logits: np.ndarray,
        given: np.ndarray,
        best: Hypothesis | None,
        names: tuple[str, ...],
        by_fold: np.ndarray | None = None,
        fold: np.ndarray | None = None,
        config: NoiseConfig = CONFIG,
    ) -> Findings:
        """The diagnosis from out-of-sample logits (n, K) of the true class, by networks that were trained
        under the hypothesis `best`, reconciled with what the images show. Images of no class are set
        aside, the others are diagnosed, and then those count as wrong.

        by_fold (F, n, K): logits of all images by each `fold`'s (n,) network, if it was trained on pixels.
        """
        found, shown, others = estimate_noise(logits, given, best, config), self, slice(None)
        if found.regime in NAMING and self.none is not None:
            others = np.flatnonzero(~self.none.images)
            shown = self.only(others, given, config)
            found = estimate_noise(logits[others], given[others], best, config)
        if found.regime in NAMING and by_fold is not None and fold is not None:
            shown = shown.with_networks(by_fold[:, others], fold[others], given[others], config)
        found = shown.reconcile(found, logits[others], given[others], names, config)
        if self.none is not None and isinstance(others, np.ndarray):
            groups = tuple(group.among(others) for group in found.groups)
            disagreement = shown.separability.disagreement
            found = of_no_class(
                replace(found, groups=groups), self.none, given, disagreement, config
            )
        return at_least_contradicted(clean_for_certain(found, config), self.copies, config)

    def only(
        self, chosen: np.ndarray, given: np.ndarray, config: NoiseConfig = CONFIG
    ) -> ImageEvidence:
        """What the images at `chosen` (m,), ascending, show as if there were no others; given (n,)."""
        place = np.full(len(given), -1)
        place[chosen] = np.arange(len(chosen))
        near = place[self.neighbours[chosen]]
        near = np.where(near < 0, np.arange(len(chosen))[:, None], near)
        propagated, once = self.propagated[chosen], self.averaged_once[chosen]
        return self._replace(
            vectors=self.vectors[chosen],
            neighbours=near,
            propagated=propagated,
            averaged_once=once,
            separability=separability(propagated, given[chosen], near, config, once),
            hidden=None if self.hidden is None else self.hidden.among(place),
            none=None,
        )

    def with_networks(
        self,
        by_fold: np.ndarray,
        fold: np.ndarray,
        given: np.ndarray,
        config: NoiseConfig = CONFIG,
    ) -> ImageEvidence:
        """The same, with classes as networks on pixels predict them: logits (F, n, K) of all images by
        each fold's network.
        """
        near = self.neighbours
        propagated, once = propagated_probabilities(by_fold, fold, near, config)
        shown = separability(propagated, given, near, config, self.averaged_once, once)
        return self._replace(separability=shown)

    def reconcile(
        self,
        found: Findings,
        logits: np.ndarray,
        given: np.ndarray,
        names: tuple[str, ...],
        config: NoiseConfig = CONFIG,
    ) -> Findings:
        """The diagnosis `found`, from logits (n, K) of the true class, as far as what the images show
        bears it out: clear images, then groups of images that labels confuse or hide.
        """
        base, clear = found, self.separability
        found = reconciled(base, logits, given, clear, config)
        if base.regime in NAMING and found.rate_high < 1:
            confused = confused_classes(self.vectors, given, clear, config=config)
            if base.regime in MILD and found.regime in (*MILD, UNDECIDED):
                base = with_confused(base, confused, given, names, config)
                found = as_wide_as(reconciled(base, logits, given, clear, config), found)
            else:
                found = with_confused(found, confused, given, names, config)
        if self.hidden is not None and found.regime in MILD:
            found = one_under_another(found, self.hidden, given)
        return found

    def first(self, suspects: Suspects, found: Findings) -> Suspects:
        """The suspects in their order, but for the images of no class, and those of a label under which
        two classes may lie: these come before all that are likelier right, if that is the diagnosis.
        """
        if self.none is not None and self.none.decided and found.regime in (*NAMING, UNDECIDED):
            suspects = most_likely_wrong(suspects, self.none.images, self.none.right_at_most)
        if self.hidden is None or self.hidden.reason not in found.because:
            return suspects
        return hidden_first(suspects, self.hidden.sides, self.hidden.missing)


def image_evidence_of(
    data: ImageSet,
    index: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    seed: int,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> ImageEvidence:
    """What the images at `index` (n,) show. Each `fold` (n,) is predicted by networks that were trained on
    the others; an image is the same as the one at `same` (n,).
    """
    given = np.asarray(data.labels[index], np.int64)
    vectors = descriptors(data.images[index], config, progress)
    return evidence_of_descriptors(vectors, given, fold, same, data.classes, seed, progress, config)


def evidence_of_descriptors(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    classes: tuple[str, ...],
    seed: int,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> ImageEvidence:
    """As `image_evidence_of`, from descriptors (n, D) of the images."""
    present = len(np.unique(given))
    neighbours = descriptor_neighbours(vectors, present, config, progress)
    by_fold = descriptor_logits(
        vectors, given, fold, len(classes), seed, progress=progress, config=config
    )
    propagated, averaged_once = propagated_probabilities(by_fold, fold, neighbours, config)
    shown = evidence_of_probabilities(
        vectors, neighbours, propagated, averaged_once, given, same, classes, seed, config
    )
    return shown._replace(of_labels=by_fold)


def evidence_of_probabilities(
    vectors: np.ndarray,
    neighbours: np.ndarray,
    propagated: np.ndarray,
    averaged_once: np.ndarray,
    given: np.ndarray,
    same: np.ndarray,
    classes: tuple[str, ...],
    seed: int = 0,
    config: NoiseConfig = CONFIG,
) -> ImageEvidence:
    """As `evidence_of_descriptors`, from out-of-sample probabilities of the label (n, K), see `ImageEvidence`."""
    return ImageEvidence(
        vectors=vectors,
        neighbours=neighbours,
        propagated=propagated,
        averaged_once=averaged_once,
        separability=separability(propagated, given, neighbours, config, averaged_once),
        hidden=hidden_class(vectors, given, classes, seed, config),
        copies=count_copies(same, given),
        none=no_class(averaged_once, given, neighbours, vectors, config),
    )
