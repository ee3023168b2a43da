"""Many images of an embedded data set at once: in what order a person looks at them, what the lab
suggests for each, and how they are labelled now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.embedding.neighbours import Vote, vote

if TYPE_CHECKING:
    from engine.embedding.space import NearestPoints, Space
    from engine.labels.replay import Current
    from engine.services.label_noise import Noise


class Suspects(NamedTuple):
    """n places of a space, most suspect first.

    places   (n,) int64
    quality  (n,) float64 in 0..1, how far each label of now can be trusted; NaN where nobody knows
    likely   n class names, the suggestion for each; '' where there is none
    by       what the order comes from: 'diagnosis' or 'model'
    """

    places: np.ndarray
    quality: np.ndarray
    likely: list[str]
    by: str


class Now(NamedTuple):
    """The labels of a space's N images as they hold now. labels: (N,) int64, places in `classes`, -1
    where there is none or the image is excluded; given: (N,) int64, the labels that they came with;
    wrong: (N,) bool, the model predicts another class; changed: (N,) bool, it is not the given label;
    excluded: (N,) bool.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    given: np.ndarray
    wrong: np.ndarray
    changed: np.ndarray
    excluded: np.ndarray

    def name(self, place: int) -> str:
        """The label now: a class, 'excluded' or 'no label'."""
        return "excluded" if self.excluded[place] else self.label(place) or "no label"

    def label(self, place: int) -> str | None:
        """The class of now; None where there is none, or the image is excluded."""
        label = int(self.labels[place])
        return self.classes[label] if label >= 0 else None

    def given_name(self, place: int) -> str:
        """The label that the image came with: a class, or '' where there was none."""
        label = int(self.given[place])
        return self.classes[label] if label >= 0 else ""

    def vote(self, near: NearestPoints) -> Vote:
        """What the nearest of one image vote for by their labels now; places in `classes`."""
        return vote(self.labels[near.index][None], near.similarity[None], len(self.classes))


def as_now(space: Space, current: Mapping[str, Current]) -> Now:
    """The labels of a space after what was decided about its images. current: by the image's name."""
    labels = space.labels.copy()
    decided = {
        place: found
        for name, found in current.items()
        if (place := space.place_of(name)) is not None
    }
    classes = tuple(
        dict.fromkeys([*space.classes, *(one.label for one in decided.values() if one.label)])
    )
    numbers = {name: number for number, name in enumerate(classes)}
    excluded = np.zeros(len(space), bool)
    for place, one in decided.items():
        if one.excluded:
            labels[place], excluded[place] = -1, True
        elif one.label is not None:
            labels[place] = numbers[one.label]
    predicted = np.array([numbers.get(name, -2) for name in space.model_classes], np.int64)
    wrong = (predicted[space.predicted] != labels) & (labels >= 0)
    changed = labels != space.labels
    return Now(
        classes=classes,
        labels=labels,
        given=space.labels,
        wrong=wrong,
        changed=changed,
        excluded=excluded,
    )


def by_suspicion(noise: Noise, space: Space, places: np.ndarray, now: Now) -> Suspects:
    """Places (n,) of a space, most suspect first by their labels `now`, those of unknown suspicion last: by
    the diagnosis of the data set's labels if it covers any of them, else by what the space's model
    predicts, which may have learned wrong labels.
    """
    from engine.noise.label_quality import label_quality

    sure = space.confidence[places].astype(np.float64)
    quality = np.where(now.wrong[places], 1 - sure, 0.5 + sure / 2)
    quality = np.where(now.labels[places] < 0, np.nan, quality)
    likely, by = [space.model_classes[label] for label in space.predicted[places]], "model"
    names = [str(space.images.files[int(space.index[place])]) for place in places]
    found = noise.find(space.data) if len(places) else None
    there = [at for at, name in enumerate(names) if found is not None and name in found.places]
    if found is not None and there:
        positions = np.array([found.places[names[at]] for at in there], np.int64)
        labels = [now.label(int(places[at])) for at in there]
        quality, by = np.full(len(places), np.nan), "diagnosis"
        quality[there] = label_quality(found, positions, labels)
        for at, label in zip(there, found.arrays["likely"][positions], strict=True):
            likely[at] = found.classes[label]
    unknown = np.isnan(quality)  # of these, what the model is least sure of comes first
    order = np.lexsort((np.where(unknown, sure, 0), np.where(unknown, np.inf, quality)))
    return Suspects(places[order], quality[order], [likely[i] for i in order], by)
