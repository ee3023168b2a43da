"""Runs of one recipe as one: what sentences call them, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.compare.statistics import Interval, Spread, spread, widest
from engine.compare.subjects import Subject, without_doubles

SEED_ALONE = "These runs differ in their random seed alone."
ONE_RUN = "These runs have one recipe and one seed: together they tell no more than one."


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one recipe that differ by their seed; often just one. doubles: see `without_doubles`."""

    label: str
    members: tuple[Subject, ...]
    scores: tuple[float, ...]
    spread: Spread | None
    doubles: tuple[Subject, ...] = ()

    @property
    def name(self) -> str:
        """What sentences call it, in italics."""
        return f"*{self.members[0].label if len(self.members) == 1 else _together(self.members)}*"

    @property
    def interval(self) -> Interval | None:
        """The wider of the interval of the mean over seeds and that of the mean over test images; None
        where neither is known. Every seed is scored on images of the same number, so that seeds which
        happen to agree know no more than these tell.
        """
        return widest(self.spread, self.members[0].n) if self.spread else None

    @property
    def same_scores(self) -> bool:
        """Whether there are several seeds and all have one score: then nothing is known of how much
        seeds vary."""
        return len(self.scores) > 1 and min(self.scores) == max(self.scores)

    @property
    def pretrained(self) -> str | None:
        """What it starts from, if not from random weights."""
        return self.members[0].recipe.init_from


def seed_group(runs: Sequence[Subject]) -> SeedGroup:
    members, doubles = without_doubles(runs)
    first = members[0]
    scores = tuple(s.accuracy for s in members if s.final and s.accuracy is not None)
    label = first.label if len(members) == 1 else f"{_together(members)} ({len(members)} seeds)"
    return SeedGroup(
        label, tuple(members), scores, spread(scores) if scores else None, tuple(doubles)
    )


def _together(members: Sequence[Subject]) -> str:
    """What several seeds are called: by their name, and where each has its own, not as if all had the
    first one's.
    """
    others = len({one.kind for one in members}) - 1
    return members[0].kind if not others else f"{members[0].kind} and {others} more"


def mean_of(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def means(first: SeedGroup, second: SeedGroup) -> str:
    """What the figures of a sentence are, where a side has several seeds."""
    several = len(first.members) > 1 or len(second.members) > 1
    return " Of several seeds, these are means." if several else ""


def percent(share: float) -> str:
    return f"{100 * share:.2f}%"
