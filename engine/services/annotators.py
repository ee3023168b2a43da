"""`lab.annotators`: the labels of several people, how far they agree, and their consensus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.data.sources import names_in
from engine.errors import DataError
from engine.labels.agreement import (
    Chosen,
    Fleiss,
    Pair,
    Votes,
    alpha,
    chosen,
    consensus,
    fleiss,
    pairs,
    votes_of,
)
from engine.labels.votes import CONSENSUS, votes_in

if TYPE_CHECKING:
    from engine.labels.entries import Entry
    from engine.services.labels import Labels


@dataclass(frozen=True)
class Annotator:
    """A person. labels: images that they labelled; shared: those of them that others labelled too;
    right: of these, where a class has a majority, the share that they labelled as the consensus has
    it; error: (consensus, their label, images) of what they do most often otherwise.
    """

    name: str
    labels: int
    shared: int
    right: float | None
    error: tuple[str, str, int] | None


@dataclass(frozen=True)
class Agreed:
    """The consensus about an image that several people labelled. label: the likeliest class that one of
    them gave it; p: its probability by Dawid and Skene's model; votes: person → label; now: the label
    that holds; settled: whether the consensus is taken, which needs a majority of the probability.
    """

    sample: str
    label: str
    p: float
    votes: Mapping[str, str]
    now: str | None
    settled: bool

    @property
    def differs(self) -> bool:
        """Whether taking the consensus changes the label."""
        return self.settled and self.label != self.now

    @property
    def disputed(self) -> bool:
        return len(set(self.votes.values())) > 1


@dataclass(frozen=True)
class Agreement:
    """What several people's labels come to. images: disputed ones first, the least certain in front,
    each that two or more people labelled; alpha: Krippendorff's.
    """

    people: tuple[Annotator, ...]
    pairs: tuple[Pair, ...]
    fleiss: Fleiss
    alpha: float | None
    images: tuple[Agreed, ...]

    @property
    def disputed(self) -> tuple[Agreed, ...]:
        return tuple(one for one in self.images if one.disputed)


class Annotators:
    """The people who labelled a lab's data sets: those in its tables' annotator columns, and those in
    its label journals.
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._held: tuple[tuple[str, ...], Agreement] | None = None

    def votes(self, data: str) -> dict[str, dict[str, str]]:
        """Sample → person → label. What a person decided in the lab counts, and not what a table says
        of theirs. Raises DataError.
        """
        names = names_in(data)
        out: dict[str, dict[str, str]] = {}
        for name in names:
            first = f"{name}/" if len(names) > 1 else ""
            for sample, who, label in self.labels.listing(name).survey.votes:
                out.setdefault(first + sample, {})[who] = label
        for sample, own in votes_in(self.labels.decisions(data).entries()).items():
            out.setdefault(sample, {}).update(own)
        return out

    def agreement(self, data: str) -> Agreement | None:
        """How far people agree about a data set; None unless two of them labelled one image. Raises
        DataError.
        """
        contents = [self.labels.listing(name).content for name in names_in(data)]
        entries = self.labels.decisions(data).entries()
        key = (data, *contents, str(len(entries)), entries[-1].id if entries else "")
        if self._held is None or self._held[0] != key:
            given = self.labels.given(data)  # of an image that is gone there is nothing to show
            found = {name: votes for name, votes in self.votes(data).items() if name in given}
            if not any(len(each) > 1 for each in found.values()):
                return None
            self._held = key, self._agreement(data, found)
        return self._held[1]

    def take_consensus(self, data: str, samples: list[str], *, who: str) -> list[Entry]:
        """Give images the label of their consensus; returns the new entries. Raises DataError for one
        that not two people labelled, or whose consensus has no majority.
        """
        found = self.agreement(data)
        by_name = {one.sample: one for one in found.images} if found else {}
        missing = [sample for sample in samples if sample not in by_name]
        if missing:
            raise DataError("not two people labelled this image", got=repr(missing[0]))
        for one in (by_name[sample] for sample in samples):
            if not one.settled:
                raise DataError(
                    f"no class that somebody gave {one.sample} has a majority",
                    expected="a probability above 50%",
                    got=f"'{one.label}' at {one.p:.1%}",
                    hint="Decide about this image yourself.",
                )
        to = [by_name[sample].label for sample in samples]
        return self.labels.relabel(
            data, samples, to, who=who, why=CONSENSUS, own=False, new_class=True
        )

    def _agreement(self, data: str, found: dict[str, dict[str, str]]) -> Agreement:
        votes = votes_of(found)
        best = chosen(votes, consensus(votes).posterior)
        several = np.flatnonzero(votes.counts.sum(1) > 1)
        order = several[np.lexsort((best.p[several], ~votes.disputed[several]))]
        names = [votes.samples[at] for at in order]
        images = [
            Agreed(
                sample=name,
                label=votes.classes[best.label[at]],
                p=float(best.p[at]),
                votes=found[name],
                now=now,
                settled=bool(best.settled[at]),
            )
            for name, at, now in zip(names, order, self._now(data, names), strict=True)
        ]
        people = tuple(_annotator(votes, at, best) for at in range(len(votes.people)))
        return Agreement(people, tuple(pairs(votes)), fleiss(votes), alpha(votes), tuple(images))

    def _now(self, data: str, samples: list[str]) -> list[str | None]:
        """The labels that hold; None of an image that is not in the data set any more."""
        given = self.labels.given(data)
        there = [sample for sample in samples if sample in given]
        now = dict(zip(there, self.labels.labels_now(data, there), strict=True))
        return [now.get(sample) for sample in samples]


def _annotator(votes: Votes, at: int, best: Chosen) -> Annotator:
    own, likely = votes.labels[:, at], best.label
    labelled = own >= 0
    shared = labelled & (votes.counts.sum(1) > 1)
    judged = shared & best.settled
    wrong = judged & (own != likely)
    error = None
    if wrong.any():
        kinds, counts = np.unique(
            np.stack([likely[wrong], own[wrong]], 1), axis=0, return_counts=True
        )
        true, said = kinds[counts.argmax()].tolist()
        error = (votes.classes[true], votes.classes[said], int(counts.max()))
    right = float((own[judged] == likely[judged]).mean()) if judged.any() else None
    return Annotator(votes.people[at], int(labelled.sum()), int(shared.sum()), right, error)
