"""What the images show by their looks: which are clearly of one class, how often these are labelled
otherwise, which occur several times, and whether a class may lie under another's label.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.data.imageset import ImageSet
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.confused_groups import confused_classes
from engine.noise.copies import Copies, at_least_contradicted, copies_of
from engine.noise.diagnosis import diagnose
from engine.noise.findings import MILD, UNDECIDED, Findings
from engine.noise.geometry import describe, look_alikes
from engine.noise.group_readings import of_no_class, one_under_another, with_confused
from engine.noise.hidden_classes import HiddenClass, hidden_class
from engine.noise.hypotheses import Hypothesis
from engine.noise.no_class import NoClass, no_class
from engine.noise.probe import label_probabilities, probe_logits
from engine.noise.ranking import Suspects, hidden_first, most_likely_wrong
from engine.noise.readings import NAMING, settled
from engine.noise.separability import Separability, separability
from engine.progress import Progress, no_progress


class Looks(NamedTuple):
    """vectors (n, D): descriptors of the images; neighbours (n, k): what looks most like each; flat and
    sharp (n, K): out-of-sample probabilities of the label by networks on descriptors, averaged over
    what looks alike again and again, and once.
    """

    vectors: np.ndarray
    neighbours: np.ndarray
    flat: np.ndarray
    sharp: np.ndarray
    separability: Separability
    hidden: HiddenClass | None
    copies: Copies
    none: NoClass | None = None

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
        under the hypothesis `best`, as far as looks bear it out. Images of no class are set aside, the
        others are judged, and then those count as wrong.

        by_fold (F, n, K): logits of all images by each `fold`'s (n,) network, if it was trained on pixels.
        """
        found, seen, kept = diagnose(logits, given, best, config), self, slice(None)
        if found.regime in NAMING and self.none is not None:
            kept = np.flatnonzero(~self.none.images)
            seen = self.only(kept, given, config)
            found = diagnose(logits[kept], given[kept], best, config)
        if found.regime in NAMING and by_fold is not None and fold is not None:
            seen = seen.with_networks(by_fold[:, kept], fold[kept], given[kept], config)
        found = seen.settle(found, logits[kept], given[kept], names, config)
        if self.none is not None and isinstance(kept, np.ndarray):
            groups = tuple(group.among(kept) for group in found.groups)
            apart = seen.separability.apart
            found = of_no_class(replace(found, groups=groups), self.none, given, apart, config)
        return at_least_contradicted(found, self.copies, config)

    def only(self, kept: np.ndarray, given: np.ndarray, config: NoiseConfig = CONFIG) -> Looks:
        """The looks of the images at `kept` (m,), ascending, as if there were no others; given (n,)."""
        place = np.full(len(given), -1)
        place[kept] = np.arange(len(kept))
        near = place[self.neighbours[kept]]
        near = np.where(near < 0, np.arange(len(kept))[:, None], near)
        seen = separability(self.flat[kept], given[kept], near, config, self.sharp[kept])
        return self._replace(
            vectors=self.vectors[kept],
            neighbours=near,
            flat=self.flat[kept],
            sharp=self.sharp[kept],
            separability=seen,
            hidden=None if self.hidden is None else self.hidden.among(place),
            none=None,
        )

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
        return found

    def first(self, suspects: Suspects, found: Findings) -> Suspects:
        """The suspects, with the images of no class, and those of a label under which two classes may
        lie, before all that are likelier right, if that is the diagnosis.
        """
        if self.none is not None and self.none.decided and found.regime in (*NAMING, UNDECIDED):
            suspects = most_likely_wrong(suspects, self.none.images, self.none.right)
        if self.hidden is None or self.hidden.reason not in found.because:
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
    flat, sharp = label_probabilities(by_fold, fold, neighbours, config)
    return looks_by(vectors, neighbours, flat, sharp, given, same, classes, seed, config)


def looks_by(
    vectors: np.ndarray,
    neighbours: np.ndarray,
    flat: np.ndarray,
    sharp: np.ndarray,
    given: np.ndarray,
    same: np.ndarray,
    classes: tuple[str, ...],
    seed: int = 0,
    config: NoiseConfig = CONFIG,
) -> Looks:
    """As `looks_of`, from out-of-sample probabilities of the label (n, K), see `Looks`."""
    return Looks(
        vectors=vectors,
        neighbours=neighbours,
        flat=flat,
        sharp=sharp,
        separability=separability(flat, given, neighbours, config, sharp),
        hidden=hidden_class(vectors, given, classes, seed, config),
        copies=copies_of(same, given),
        none=no_class(sharp, given, neighbours, vectors, config),
    )
