"""Whether labels tell which class is which: of the images of which predictions are most certain, the label
that most carry may not be their class, but another's, if nearly as many carry a second one. numpy only.
"""

from __future__ import annotations

import numpy as np

from engine.noise.config import NoiseConfig
from engine.noise.separability import Separability


def names_unknown(shown: Separability, even: bool, config: NoiseConfig) -> bool:
    """Whether the most frequent label need not be the name of the class: the first is
    no majority, and a second is nearly as frequent or the others are not any class but a few certain ones:
    the second is more than twice as frequent as even noise leaves it.
    """
    near = shown.top2 >= config.second_label * shown.top1 and shown.top1_low < 0.5
    confident = config.most_confident * len(shown.predicted)
    by_chance = 2 * confident * (1 - shown.top1) / max(len(shown.counts) - 1, 1)
    agree = shown.top2 * confident > by_chance + config.beyond_chance * by_chance**0.5
    certain = agree or shown.within_class_gain > config.within_classes
    return near or (shown.top1_high < 0.5 and (certain or not even))


def labels_wander(shown: Separability, config: NoiseConfig) -> bool:
    """Whether the two labels that groups of images carry go from group to group: that of one is the second
    of another, whose second is a third. Then they depend on the class, whichever is its name. Of classes
    that come in pairs which look alike, each is the second of the other or has no group, and of two
    classes there is no third.
    """
    off = shown.counts * (1 - np.eye(len(shown.counts)))
    groups = np.flatnonzero(off.any(1))
    second = off.argmax(1)
    images = shown.counts.sum(1)[groups]
    third = np.isin(second[groups], groups) & (second[second[groups]] != groups)
    return (
        shown.top1 + shown.top2 >= config.two_labels
        and len(groups) > 2
        and float(images[third].sum()) > config.wandering * float(images.sum())
    )
