"""What groups of images say about a diagnosis where labels predict nothing about them: two classes
under one label, and classes whose labels are mixed up. numpy only.
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

UNNAMED = ", so that which group has which name the images can't tell"


def one_under_another(found: Findings, hidden: HiddenClass, given: np.ndarray) -> Findings:
    """The diagnosis where the images of two classes may lie under one label: which of its two groups
    is the other class the images don't tell, so that the interval holds both.
    """
    n = len(given)
    smaller, larger = (len(side) for side in hidden.sides)
    groups = tuple(Group.of(side, given, SAMPLES) for side in hidden.sides)
    if not hidden.decided:
        return replace(
            found,
            regime=UNDECIDED,
            rate_high=min(1.0, found.rate_high + larger / n),
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
    if not confused:
        return found
    n = len(given)
    certain = [
        classes
        for classes in confused
        if classes.cut < (config.certain_groups if classes.named else config.unnamed_groups)
    ]
    undecided = sum(classes.high for classes in confused if classes not in certain) / n
    if found.regime not in MILD:  # T holds what predictions show
        certain = [classes for classes in certain if not classes.named]
    if not certain and (found.regime not in MILD or undecided < config.unexplained_share):
        return replace(found, rate_high=min(1.0, found.rate_high + undecided))
    shown = certain or confused
    sets = "; ".join(", ".join(names[label] for label in classes.labels) for classes in shown)
    groups = tuple(Group.of(group, given, SAMPLES) for classes in shown for group in classes.groups)
    form = (
        f"the images labelled {sets} form as many groups as they have labels, and labels are mixed"
        " within these groups"
    )
    if not certain:
        return replace(
            found,
            regime=UNDECIDED,
            rate_high=min(1.0, found.rate_high + undecided),
            because=f"{form}; whether they are groups of one class each can't be told",
            groups=groups,
        )
    matrix = found.matrix.copy()
    for classes in certain:
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
        rate=max(found.rate, sum(classes.wrong for classes in certain) / n),
        rate_low=max(found.rate_low, sum(classes.low for classes in certain) / n),
        rate_high=min(
            1.0, max(found.rate_high, sum(classes.high for classes in certain) / n) + undecided
        ),
        matrix=matrix,
        because=form + ("" if all(classes.named for classes in certain) else UNNAMED),
        groups=groups,
    )
