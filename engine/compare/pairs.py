"""McNemar's test of every pair of compared runs, as one family of tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from engine.compare.matched import predictions_of_both
from engine.compare.statistics import McNemar, holm, mcnemar
from engine.compare.subjects import Subject
from engine.errors import RunError


class PairTest(NamedTuple):
    """Two runs on the n images that both were scored on. corrected: p by Holm over all pairs that are
    tested with this one.
    """

    first: Subject
    second: Subject
    n: int
    test: McNemar
    corrected: float


def tested_pairs(subjects: Sequence[Subject]) -> list[PairTest]:
    """The test of every two of these runs that were scored on the same images by the same labels."""
    found: list[tuple[Subject, Subject, int, McNemar]] = []
    for first, second in combinations(subjects, 2):
        try:
            one, two, index, at_one, at_two = predictions_of_both(first, second)
        except RunError:
            continue
        test = mcnemar(one.right[at_one], two.right[at_two])
        found.append((first, second, len(index), test))
    corrected = holm([test.p for *_, test in found])
    return [PairTest(*row, p) for row, p in zip(found, corrected, strict=True)]


def between(pairs: Sequence[PairTest], first: Subject, second: Subject) -> McNemar | None:
    """The test of `first` against `second` among `pairs`, with the corrected p; None: not tested."""
    for pair in pairs:
        ids = (pair.first.id, pair.second.id)
        if ids == (first.id, second.id):
            return pair.test._replace(p=pair.corrected)
        if ids == (second.id, first.id):
            one, two = pair.test.only_second, pair.test.only_first
            return pair.test._replace(only_first=one, only_second=two, p=pair.corrected)
    return None
