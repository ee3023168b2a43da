"""A diagnosis and groups of images about which labels predict nothing: two classes under one label,
classes whose labels are mixed up, and images of no class. numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.confused_groups import ConfusedClasses
from engine.noise.findings import MILD, SAMPLES, UNDECIDED, Findings, Group
from engine.noise.hidden_classes import HiddenClass
from engine.noise.no_class import NoClass

UNNAMED = ", so that which group has which name the images can't tell"


def one_under_another(found: Findings, hidden: HiddenClass, given: np.ndarray) -> Findings:
    """The diagnosis where the images of two classes may lie under one label: which of its two groups
    is the other class the images don't tell, so that the interval holds both.
    """
    n = len(given)
    smaller, larger = (len(side) for side in hidden.sides)
    groups = tuple(Group.of(side, given, SAMPLES) for side in hidden.sides)
    if not hidden.decided:
        usual = n / max(len(np.unique(given)), 1)  # images of a class that may lie under any label
        return replace(
            found,
            regime=UNDECIDED,
            rate_high=min(1.0, found.rate_high + max(larger, usual) / n),
            because=hidden.reason,
            groups=groups,
        )
    matrix, prior, share = found.matrix.copy(), found.prior.copy(), (smaller + larger) / 2 / n
    if hidden.missing is not None:
        matrix[hidden.missing] = matrix[hidden.label]
        prior[hidden.label] = max(prior[hidden.label] - share, 0.0)
        prior[hidden.missing] = share
    return replace(
        found,
        regime="class-dependent",
        rate=min(1.0, found.rate + share),
        rate_low=found.rate_low + wilson_interval(smaller, n)[0],
        rate_high=min(1.0, found.rate_high + wilson_interval(larger, n)[1]),
        matrix=matrix,
        prior=prior,
        because=hidden.reason,
        groups=groups,
    )


def with_confused(
    found: Findings,
    confused: Sequence[ConfusedClasses],
    given: np.ndarray,
    names: Sequence[str],
    config: NoiseConfig = CONFIG,
) -> Findings:
    """The diagnosis where labels of some classes are mixed within groups that the images form: counted
    as wrong where the groups are certain; otherwise only the interval holds it.
    """
    confused = [
        classes
        for classes in confused
        if found.regime not in MILD or _beyond_uniform(classes, found, config)
    ]
    if not confused:
        return found
    n = len(given)
    decided = [classes for classes in confused if classes.apart]
    undecided = sum(classes.high for classes in confused if classes not in decided) / n
    if sum(classes.certain for classes in decided) < config.unexplained_share * n:
        decided = []  # as few are found among clean labels, too
    if found.regime == "clean" and sum(c.low for c in decided) < config.clean_at_most * n:
        # Nothing else speaks of wrong labels: so few may be of classes that look alike.
        undecided += sum(classes.high for classes in decided) / n
        decided = []
    if found.regime not in MILD:  # T holds what predictions show
        decided = [classes for classes in decided if not classes.named]
    # Some labels are wrong for certain: fewer that may be, too, don't change what is found.
    minor = undecided < max(config.unexplained_share, found.rate_low)
    if not decided and (found.regime not in MILD or minor):
        return replace(found, rate_high=min(1.0, found.rate_high + undecided))
    shown = decided or confused
    sets = "; ".join(", ".join(names[label] for label in classes.labels) for classes in shown)
    groups = tuple(Group.of(group, given, SAMPLES) for classes in shown for group in classes.groups)
    form = (
        f"the images labelled {sets} form as many groups as they have labels, and labels are mixed"
        " within these groups"
    )
    if not decided:
        return replace(
            found,
            regime=UNDECIDED,
            rate_high=min(1.0, found.rate_high + undecided),
            because=f"{form}; whether they are groups of one class each can't be told",
            groups=groups,
        )
    matrix = found.matrix.copy()
    for classes in decided:
        for label, group in zip(classes.labels, classes.groups, strict=True):
            others = np.setdiff1d(classes.labels, label)
            shares = np.bincount(given[group], minlength=len(matrix))[others] / len(group)
            matrix[label, others] = np.maximum(matrix[label, others], shares)
            matrix[label, label] = 0.0
            matrix[label] *= min(1.0, 1 / max(matrix[label].sum(), 1e-9))
            matrix[label, label] = 1 - matrix[label].sum()
    return replace(
        found,
        regime="class-dependent" if found.regime in MILD else found.regime,
        rate=max(found.rate, sum(classes.wrong for classes in decided) / n),
        rate_low=max(found.rate_low, sum(classes.low for classes in decided) / n),
        rate_high=min(
            1.0, max(found.rate_high, sum(classes.high for classes in decided) / n) + undecided
        ),
        matrix=matrix,
        because=form + ("" if all(classes.named for classes in decided) else UNNAMED),
        groups=groups,
    )


def as_wide_as(found: Findings, other: Findings) -> Findings:
    """The diagnosis, if it is undecided with an interval that holds that of the `other`, too: what keeps it
    open are some classes, and the other is of all.
    """
    if found.regime != UNDECIDED:
        return found
    return replace(
        found,
        rate_low=min(found.rate_low, other.rate_low),
        rate_high=max(found.rate_high, other.rate_high),
    )


def _beyond_uniform(classes: ConfusedClasses, found: Findings, config: NoiseConfig) -> bool:
    """Whether more labels are mixed within these groups than by chance if the few errors that were found
    are spread over all classes; a class of which more are wrong spreads as many over the others.
    """
    count, labels = len(found.prior), list(classes.labels)
    elsewhere = np.setdiff1d(np.arange(count), labels)
    even = found.rate_high / max(count - 1, 1)
    by_chance = 0.0
    for label, group in zip(labels, classes.groups, strict=True):
        own = float(found.matrix[label, elsewhere].mean()) if len(elsewhere) else 0.0
        by_chance += len(group) * (len(labels) - 1) * max(even, own)
    return classes.certain > by_chance + config.beyond_chance * np.sqrt(by_chance)


def of_no_class(
    found: Findings,
    none: NoClass,
    given: np.ndarray,
    disagreement: float,
    config: NoiseConfig = CONFIG,
) -> Findings:
    """The diagnosis `found` of the other images, and of those of no class. These count as wrong if they
    are of no class for all that labels can tell; otherwise the interval holds it.

    disagreement: share of the others whose label differs from the prediction; some of them may be of no
    class, too.
    """
    n, rest = len(given), 1 - none.share
    core = int(none.core.sum())
    high = min(1.0, rest * max(found.rate_high, disagreement) + none.share)
    chosen = np.flatnonzero(none.core if core else none.images)
    group = Group.of(chosen, given, SAMPLES, alike=False)
    what = f"{int(none.images.sum()):,} images ({none.share:.1%}) look like no class in particular"
    if not none.decided:
        because = (
            f"{what}: they may belong to no class, and then no label of theirs is right, or be hard to"
            " read"
        )
        return replace(
            found,
            # Only clean labels are another finding if these images' labels are wrong.
            regime=UNDECIDED if found.regime == "clean" else found.regime,
            rate=min(found.rate, high),
            rate_low=rest * found.rate_low,
            rate_high=high,
            because="; ".join(filter(None, (found.because, because))),
            groups=(*found.groups, group),
        )
    random = (
        "and what each looks most like is its label hardly more often than by chance"
        if none.scattered
        else "but like each other, and labels are as random among those that look alike as among any"
    )
    because = (
        f"{what}, {random}: they belong to none of the classes, or their labels say nothing about them,"
        " and count as wrong"
    )
    rate = min(rest * found.rate + none.share, high)
    even = "few errors" if rate < config.few_errors_rate else "symmetric"
    # What is not decided of the others does not matter where fewer of their labels can be wrong.
    minor = found.regime == UNDECIDED and rest * found.rate_high < none.share
    return replace(
        found,
        regime=even if minor or found.regime in (*MILD, "symmetric") else found.regime,
        rate=rate,
        rate_low=rest * found.rate_low + wilson_interval(core, n)[0] * (1 - none.right_at_most),
        rate_high=high,
        because="; ".join(filter(None, (found.because, because))),
        groups=(*found.groups, group),
    )
