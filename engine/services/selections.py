"""Many images of an embedded data set at once: in what order a person looks at them, and what the lab
suggests for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.services.label_noise import Noise


class Suspects(NamedTuple):
    """n places of a space, most suspect first.

    places   (n,) int64
    quality  (n,) float64 in 0..1, how far each given label can be trusted
    likely   n class names, the suggestion for each; '' where there is none
    by       what the order comes from: 'diagnosis' or 'model'
    """

    places: np.ndarray
    quality: np.ndarray
    likely: list[str]
    by: str


def by_suspicion(noise: Noise, space: Space, places: np.ndarray) -> Suspects:
    """Places (n,) of a space, most suspect first: by the diagnosis of the data set's labels if it
    covers all of them, else by what the space's model predicts, which may have learned wrong labels.
    """
    names = [str(space.images.files[int(space.index[place])]) for place in places]
    found = noise.find(space.data) if len(places) else None
    if found is not None and all(name in found.places for name in names):
        at = np.array([found.places[name] for name in names], np.int64)
        quality = found.arrays["score"][at].astype(np.float64)
        likely = [found.classes[label] for label in found.arrays["likely"][at]]
        by = "diagnosis"
    else:
        sure = space.confidence[places].astype(np.float64)
        quality = np.where(space.wrong[places], 1 - sure, 0.5 + sure / 2)
        likely = [space.model_classes[label] for label in space.predicted[places]]
        by = "model"
    order = np.argsort(quality, kind="stable")
    return Suspects(places[order], quality[order], [likely[i] for i in order], by)
