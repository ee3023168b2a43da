"""Shares in words: apart from the rest, so that a page can use it without loading torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.files.documents import LabelDiagnosis

ONE_BY_ONE = (
    "undecided",
    "complementary",
    "independent",
)  # the others' suspicions are of single labels
NOT_ESTIMATED = ("undecided", "independent")  # regimes without a share of wrong labels to quote
LEAST_LABELLED, LEAST_CLASSES = 50, 2  # images with a label, and classes of theirs, for a diagnosis


def share(value: float) -> str:
    """A share 0..1 in percent, with as many digits as it takes to tell it from 0 and from 100%."""
    percent = 100 * value
    if percent in (0, 100):
        return f"{percent:.0f}%"
    edge = min(percent, 100 - percent)
    digits = 0 if edge >= 10 else 1 if edge >= 1 else 2 if edge >= 0.01 else 3
    return f"{percent:.{digits}f}%"


def two_estimates(
    rate: float, low: float, high: float, transition: Sequence[Sequence[float]], regime: str
) -> str:
    """How the estimated share of wrong labels and T differ, where both are shown; '' where they agree
    as they are written, or nothing is estimated. transition: T (K, K), rows the true class; low, high:
    the interval of `rate`.
    """
    if regime in NOT_ESTIMATED:
        return ""
    by_matrix = 1 - sum(row[place] for place, row in enumerate(transition)) / len(transition)
    if share(by_matrix) == share(rate):
        return ""
    inside = low <= by_matrix <= high
    quoted = (
        "The interval holds both: quote it" if inside else f"The estimate to quote is {share(rate)}"
    )
    of = (
        "weigh each class by how many images it has"
        if regime == "class-dependent"
        else "are of the images that are predicted most confidently (where few labels are wrong, of all),"
        " where the networks' own errors count least"
    )
    return (
        f"T has a row for each class; its diagonal comes to {share(by_matrix)} wrong labels on average over"
        f" the classes, {'within' if inside else 'outside'} the 95% interval of {share(low)} to {share(high)}."
        f" The {share(rate)} above {of}. {quoted}."
    )


def two_counts(document: LabelDiagnosis) -> str:
    """Why the estimated share of wrong labels and the sum of the suspicions differ; '' where they agree as
    they are written.
    """
    n, rate, expected = document["n"], document["noise_rate"], document["expected_wrong"]
    if document["regime"] in ONE_BY_ONE or share(rate) == share(expected / n):
        return ""
    how = (
        "estimated from many images together, as T is; the second adds up single images, also those of"
        " which the networks are unsure"
        if document["regime"] == "class-dependent"
        else "of the images that are predicted most confidently; the second counts those too of which the"
        " networks are unsure"
    )
    return (
        f"Two estimates: {share(rate)} wrong labels are {rate * n:,.0f} of the {n:,} images; the suspicions"
        f" of all images add up to {expected:,.0f} ({share(expected / n)}), and the review counts by them."
        f" The first is {how}."
    )
