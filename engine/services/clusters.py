"""What the clusters of a map consist of: how many images, of which class by their labels as they are now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.services.labels import Labels


class Cluster(NamedTuple):
    """number: 0 for the largest. places: (n,) int64 in the space. label: the class that most of its
    images have, or, where none has a label, that most are predicted as (`guessed`); share: how many of
    them have it, 0..1. others: the names of images that have another label or none; excluded ones
    count for nothing.
    """

    number: int
    places: np.ndarray
    label: str
    share: float
    guessed: bool
    others: list[str]


def clusters_of(labels: Labels, space: Space, codes: np.ndarray) -> list[Cluster]:
    """The clusters of a space, those with the most images of another label than the majority first.
    codes: (N,) int64, the cluster of each image, negative for none.
    """
    files = [str(space.images.files[int(number)]) for number in space.index]
    now = labels.labels_now(space.data, files)
    current = labels.current(space.data)
    out: list[Cluster] = []
    for number in range(int(codes.max(initial=-1)) + 1):
        places = np.flatnonzero(codes == number)
        kept = [
            at
            for at in places.tolist()
            if files[at] not in current or not current[files[at]].excluded
        ]
        known = Counter(label for at in kept if (label := now[at]) is not None)
        guessed = not known
        if guessed:
            known = Counter(space.model_classes[space.predicted[at]] for at in kept)
        if not known:
            continue
        label, count = known.most_common(1)[0]
        others = [files[at] for at in kept if now[at] != label]
        out.append(Cluster(number, places, label, count / sum(known.values()), guessed, others))
    return sorted(out, key=lambda one: (-len(one.others), one.number))
