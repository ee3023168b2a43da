"""Classes whose labels are so mixed up that they predict nothing: to labels they look like classes
that look alike. Images can tell the two apart, without any label: of classes that look alike the images
form one group, or fewer groups than there are classes; of classes whose labels are mixed up they form as
many groups as there are classes, each as large as a class, and labels are mixed within each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.hidden_classes import all_sides, two_groups
from engine.noise.separability import Separability


@dataclass(frozen=True)
class ConfusedClasses:
    """Classes whose images form as many groups as there are classes, with labels mixed within them.

    labels     their numbers; groups: positions of the images of each, in the order of the labels that
               they then are; of those that are named, the images whose prediction agrees
    wrong      labels that are wrong if each group is one of the classes; low, high: 95% bounds on it,
               of which the lower is also that of two groups being one class
    named      the groups are also the predicted classes, so that their names are known
    certain    labels that are wrong of those images whose group and prediction agree; of all, if not named
    cut        normalised-cut ratio between the two groups that are least apart, see `two_groups`
    apart      whether the groups are those of two classes for certain
    """

    labels: tuple[int, ...]
    groups: tuple[np.ndarray, ...] = field(repr=False)
    wrong: int
    low: float
    high: float
    cut: float
    certain: int
    apart: bool
    named: bool = False


def confused_classes(
    vectors: np.ndarray,
    given: np.ndarray,
    shown: Separability,
    seed: int = 0,
    config: NoiseConfig = CONFIG,
) -> tuple[ConfusedClasses, ...]:
    """The sets of classes that labels confuse and images (descriptors (n, D)) don't, most wrong first."""
    found = _pairs(vectors, given, shown, seed, config)
    usual = float(np.median(np.bincount(given)[np.unique(given)]))
    small, large = (size * usual for size in config.confused_group_sizes)
    for classes in _sets(shown, config):
        own = np.flatnonzero(np.isin(given, classes) & np.isin(shown.predicted, classes))
        split = _groups(vectors, own, len(classes), seed, config)
        if split is None:
            continue
        groups, cut = split
        sizes = np.array([len(group) for group in groups])
        if sizes.min() < small or sizes.max() > large:
            continue
        counts = np.array([[int((given[group] == a).sum()) for a in classes] for group in groups])
        best = max(
            permutations(range(len(classes))),
            key=lambda order: sum(counts[place, which] for which, place in enumerate(order)),
        )
        rights = [
            sum(int(counts[place, which]) for which, place in enumerate(order))
            for order in permutations(range(len(classes)))
        ]
        right = max(rights)
        near = min(r for r in rights if r >= config.other_names * right)
        if right == len(own):
            continue  # a group for each label, and none mixed in: that is what right labels show
        if _told_apart_within(groups, given, shown.predicted_once) > config.told_apart_within:
            continue  # groups of another kind, as capital and small letters of both classes
        wrong, most = len(own) - right, len(own) - int(counts.max(1).sum())
        part = int(np.isin(given, classes).sum())
        found.append(
            ConfusedClasses(
                labels=tuple(int(a) for a in classes),
                groups=tuple(groups[place] for place in best),
                wrong=round(wrong / len(own) * part),
                low=wilson_interval(most, len(own))[0] * len(own),
                high=wilson_interval(len(own) - near, len(own))[1] * part,
                cut=cut,
                certain=round(wrong / len(own) * part),
                apart=cut < config.unnamed_groups,
            )
        )
    return tuple(sorted(found, key=lambda classes: -classes.wrong))


def _pairs(
    vectors: np.ndarray, given: np.ndarray, shown: Separability, seed: int, config: NoiseConfig
) -> list[ConfusedClasses]:
    """The pairs of classes that don't look alike, whose images form two groups that are also the
    predicted classes, with labels of the one in the other.
    """
    found, count = [], len(shown.alike)
    counts = np.bincount(shown.predicted_once * count + given, minlength=count**2).reshape(
        count, count
    )
    both = counts + counts.T
    apart, often = ~(shown.alike | shown.alike.T), both >= config.confused_labels
    pairs = sorted(np.argwhere(np.triu(apart, 1) & often), key=lambda pair: -both[tuple(pair)])
    for pair in pairs[: config.confused_pairs]:
        a, b = pair
        own = np.flatnonzero(np.isin(given, pair) & np.isin(shown.predicted_once, pair))
        if both[a, b] < config.confused_share * len(own):
            continue
        split = _groups(vectors, own, 2, seed, config)
        if split is None or split[1] >= config.certain_groups:
            continue
        if _told_apart_within(split[0], given, shown.predicted_once) > config.told_apart_within:
            continue
        groups = sorted(split[0], key=lambda group: (shown.predicted_once[group] == b).mean())
        agreeing = [
            group[shown.predicted_once[group] == c] for group, c in zip(groups, pair, strict=True)
        ]
        size = sum(len(group) for group in agreeing)
        if size < config.aligned_share * len(own):
            continue
        wrong = sum(int((given[g] != c).sum()) for g, c in zip(agreeing, pair, strict=True))
        if wrong >= config.confused_labels:
            most = sum(int((given[g] != c).sum()) for g, c in zip(groups, pair, strict=True))
            found.append(
                ConfusedClasses(
                    labels=(int(a), int(b)),
                    groups=tuple(
                        agreeing
                    ),  # of the others either the group or the prediction is wrong
                    wrong=most,
                    low=wilson_interval(wrong, size)[0] * size,
                    high=wilson_interval(most, len(own))[1] * len(own),
                    cut=split[1],
                    certain=wrong,
                    apart=split[1] < config.named_groups
                    and size >= config.certainly_aligned * len(own),
                    named=True,
                )
            )
    return found


def _told_apart_within(groups: list[np.ndarray], given: np.ndarray, predicted: np.ndarray) -> float:
    """Chance-corrected agreement (Cohen 1960) of labels (n,) with predictions (n,) that were not trained on
    them, within `groups`, each as much as it has images: about 0 where labels are mixed up at random
    within a group, 1 where the image still tells them apart.
    """
    total = corrected = 0.0
    for group in groups:
        labels, named = given[group], predicted[group]
        size = len(group)
        both = np.union1d(labels, named)
        chance = sum(float((labels == c).mean() * (named == c).mean()) for c in both)
        if chance < 1:
            corrected += size * (float((labels == named).mean()) - chance) / (1 - chance)
        total += size
    return corrected / max(total, 1.0)


def _sets(shown: Separability, config: NoiseConfig) -> list[np.ndarray]:
    """The classes that are confused with each other, a few at a time."""
    count = len(shown.alike)
    linked = shown.alike | shown.alike.T | np.eye(count, dtype=bool)
    out, done = [], np.zeros(count, bool)
    for start in range(count):
        if done[start]:
            continue
        group = linked[start]
        while (grown := linked[group].any(0) | group).sum() > group.sum():
            group = grown
        done |= group
        if 1 < group.sum() <= config.confused_classes:
            out.append(np.flatnonzero(group))
    return out


def _groups(
    vectors: np.ndarray, own: np.ndarray, count: int, seed: int, config: NoiseConfig
) -> tuple[list[np.ndarray], float] | None:
    """The images `own` in `count` groups that share few neighbours, with the largest cut between two;
    None if they form fewer.
    """
    rng = np.random.default_rng([seed, 9])
    most = config.cut_images
    some = own if len(own) <= most else np.sort(rng.choice(own, most, replace=False))
    parts, largest = [some], 0.0
    while len(parts) < count:
        missing = count - len(parts)  # groups: one part may hold all of them and its own
        cuts = [
            two_groups(vectors[part], config.smaller_class / missing, config)
            if len(part) > config.uncut_images
            else None
            for part in parts
        ]
        tried = [(cut[0], place) for place, cut in enumerate(cuts) if cut is not None]
        if not tried or min(tried)[0] > config.mixed_groups:
            return None
        cut, place = min(tried)
        part, split = parts.pop(place), cuts[place]
        assert split is not None  # it was tried
        parts += [part[split[1]], part[~split[1]]]
        largest = max(largest, cut)
    if len(some) == len(own):
        return parts, largest
    number = np.empty(len(some), np.int64)
    for place, part in enumerate(parts):
        number[np.searchsorted(some, part)] = place
    number = all_sides(vectors, own, some, number)
    return [own[number == place] for place in range(count)], largest
