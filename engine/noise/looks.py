"""What the images show by their looks: which are clearly of one class, how often these are labelled
otherwise, which occur several times, and whether a class may lie under another's label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.confused_groups import confused_classes
from engine.noise.copies import Copies, at_least_contradicted, copies_of
from engine.noise.findings import MILD, UNDECIDED, Findings
from engine.noise.geometry import describe, look_alikes
from engine.noise.group_readings import one_under_another, with_confused
from engine.noise.hidden_classes import HiddenClass, hidden_class
from engine.noise.probe import label_probabilities, probe_logits
from engine.noise.ranking import Suspects, hidden_first
from engine.noise.readings import NAMING, settled
from engine.noise.separability import Separability, separability
from engine.progress import Progress, no_progress


class Looks(NamedTuple):
    """vectors (n, D): descriptors of the images; neighbours (n, k): what looks most like each; sharp
    (n, K): out-of-sample probabilities of the label by networks on descriptors.
    """

    vectors: np.ndarray
    neighbours: np.ndarray
    sharp: np.ndarray
    separability: Separability
    hidden: HiddenClass | None
    copies: Copies

    def with_networks(
        self,
        by_fold: np.ndarray,
        fold: np.ndarray,
        given: np.ndarray,
        config: NoiseConfig = CONFIG,
    ) -> Looks:
        """The same, with classes as networks on pixels predict them: logits (F, n, K) of all images by
        each fold's network.
        """
        flat, single = label_probabilities(by_fold, fold, self.neighbours, config)
        seen = separability(flat, given, self.neighbours, config, self.sharp, single)
        return self._replace(separability=seen)

    def settle(
        self,
        found: Findings,
        logits: np.ndarray,
        given: np.ndarray,
        names: tuple[str, ...],
        config: NoiseConfig = CONFIG,
    ) -> Findings:
        """The diagnosis `found`, from logits (n, K) of the true class, as far as looks bear it out."""
        base, seen = found, self.separability
        found = settled(base, logits, given, seen, config)
        if base.regime in NAMING and found.rate_high < 1:
            confused = confused_classes(self.vectors, given, seen, config=config)
            if base.regime in MILD and found.regime in (*MILD, UNDECIDED):
                base = with_confused(base, confused, given, names, config)
                found = settled(base, logits, given, seen, config)
            else:
                found = with_confused(found, confused, given, names, config)
        if self.hidden is not None and found.regime in MILD:
            found = one_under_another(found, self.hidden, given)
        return at_least_contradicted(found, self.copies, config)

    def first(self, suspects: Suspects, found: Findings) -> Suspects:
        """The suspects, with the images of a label under which two classes may lie before all that are
        likelier right, if that is the diagnosis.
        """
        if self.hidden is None or found.because != self.hidden.reason:
            return suspects
        return hidden_first(suspects, self.hidden.sides, self.hidden.missing)


def look_at(
    data: ImageSet,
    index: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    seed: int,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> Looks:
    """The looks of the images at `index` (n,), of which each `fold` (n,) is judged by the others, and
    which are the same as the one at `same` (n,).
    """
    given = np.asarray(data.labels[index], np.int64)
    vectors = describe(data.images[index], config.descriptor_components)
    return looks_of(vectors, given, fold, same, data.classes, seed, progress, config)


def looks_of(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    same: np.ndarray,
    classes: tuple[str, ...],
    seed: int,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> Looks:
    """As `look_at`, from descriptors (n, D) of the images."""
    present = len(np.unique(given))
    neighbours = look_alikes(vectors, present, config, progress)
    by_fold = probe_logits(
        vectors, given, fold, len(classes), seed, progress=progress, config=config
    )
    probabilities, sharp = label_probabilities(by_fold, fold, neighbours, config)
    seen = separability(probabilities, given, neighbours, config, sharp)
    return Looks(
        vectors,
        neighbours,
        sharp,
        seen,
        hidden_class(vectors, given, classes, seed, config),
        copies_of(same, given),
    )
