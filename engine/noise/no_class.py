"""Images that belong to none of the classes, or whose labels say nothing about them: images that look
like each other, while their labels are as random as those of any images. numpy only.

Networks predict of such an image what its labels are: a bit of every class. That is no proof, as an
image that is hard to read is predicted so, too. What tells the two apart: the nearest neighbours of a hard
image of a class carry that class's label more often than chance; and hard images are unlike anything,
while images of a class that has no name are as much like each other as those of any class.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.config import CONFIG, NoiseConfig


@dataclass(frozen=True)
class NoClass:
    """Images whose prediction is spread over many classes, as that of most of their neighbours is.

    images         (n,) bool
    core           (n,) bool, those whose nearest neighbours all are
    right_at_most  upper 95% bound on the share of their labels that name what the core shows, 0..1
    decided        whether these images belong to no class for all that labels can tell; otherwise they
                   may be hard images of classes
    scattered      whether they are so though they are not like each other: their labels are not even
                   predicted as often as those of hard images are
    """

    images: np.ndarray = field(repr=False)
    core: np.ndarray = field(repr=False)
    right_at_most: float
    decided: bool
    scattered: bool = False

    @property
    def share(self) -> float:
        return float(self.images.mean())


def no_class(
    probabilities: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    vectors: np.ndarray,
    config: NoiseConfig = CONFIG,
) -> NoClass | None:
    """The images of no class, from out-of-sample probabilities of the label (n, K), given labels (n,),
    each image's nearest neighbours (n, k) and the descriptors (n, D) by which they are; None if there
    are few, or if most are of no class, which is noise of another kind.
    """
    alone = is_spread(probabilities, given)
    scattered = _scattered(alone, probabilities.argmax(1), given, neighbours, config)
    images = alone & (alone[neighbours].mean(1) >= config.no_class_neighbours)
    core = alone & alone[neighbours].all(1)
    few = images.sum() < config.no_class_least or images.mean() < config.no_class_share
    if few or images.mean() > config.no_class_at_most:
        return scattered
    right = _right_at_most(core, given, neighbours)
    far = np.mean([np.linalg.norm(vectors - vectors[near], axis=1) for near in neighbours.T], 0)
    decided = (
        probabilities.shape[1] >= config.no_class_classes
        and core.sum() > max(config.no_class_core * images.sum(), config.no_class_images)
        and np.median(far[core]) < config.no_class_distance * np.median(far[~images])
        and right < config.no_class_right
    )
    return scattered if scattered and not decided else NoClass(images, core, right, bool(decided))


def _scattered(
    alone: np.ndarray,
    likeliest: np.ndarray,
    given: np.ndarray,
    neighbours: np.ndarray,
    config: NoiseConfig,
) -> NoClass | None:
    """The spread images `alone` (n,) bool, if their labels are the likeliest class (n,), or those of their
    neighbours (n, k), hardly more often than by chance: of hard images of classes one label in five or
    more is. None if they may be such images, are few, or classes are so few that chance explains much.
    """
    count = int(alone.sum())
    least = max(config.no_class_images, config.no_class_least)
    few = count < least or alone.mean() < config.no_class_share
    if few or alone.mean() > config.no_class_at_most:
        return None
    named = likeliest == given
    high = wilson_interval(int(named[alone].sum()), count)[1]
    frequencies = np.bincount(given, minlength=likeliest.max() + 1) / len(given)
    chance = float(frequencies[likeliest[alone]].mean())
    hard = config.hard_agreement * float(named[~alone].mean())  # noise takes its share there, too
    right = min(1.0, max(0.0, (high - chance) / max(hard, 1e-9)))
    right = max(right, _right_at_most(alone, given, neighbours))
    if chance > config.scattered_chance or right >= config.scattered_right:
        return None
    return NoClass(alone, alone, right, decided=True, scattered=True)


def is_spread(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Which images (n,) bool are predicted as a bit of every class, from probabilities (n, K) and labels
    (n,): the exponential of the prediction's entropy (over how many classes it is spread) is above the
    geometric mean of its median over the images and that of the labels' frequencies.
    """
    over = _classes(probabilities)
    frequencies = np.bincount(given, minlength=probabilities.shape[1]) / len(given)
    return over > np.sqrt(float(np.median(over)) * float(_classes(frequencies[None])[0]))


def _classes(probabilities: np.ndarray) -> np.ndarray:
    """Over how many classes predictions (n, K) are spread: the exponential of their entropy."""
    p = np.maximum(probabilities.astype(np.float64), 1e-9)
    return np.exp(-(p * np.log(p)).sum(1))


def _right_at_most(chosen: np.ndarray, given: np.ndarray, neighbours: np.ndarray) -> float:
    """Upper bound on the share of right labels among the images `chosen` (n,) bool, whose neighbours
    are of one kind with them. If the share a is right, two of them agree beyond chance with a².
    """
    count = int(chosen.sum())
    if not count:
        return 1.0
    pairs = count * neighbours.shape[1] // 2  # most are found from both sides
    agree = float((given[neighbours[chosen]] == given[chosen][:, None]).mean())
    chance = float(((np.bincount(given[chosen]) / count) ** 2).sum())
    high = wilson_interval(round(agree * pairs), pairs)[1]
    return float(np.sqrt(min(max((high - chance) / max(1 - chance, 1e-9), 0.0), 1.0)))
