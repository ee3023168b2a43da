"""Runs of one recipe as one: what sentences call them, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.compare.statistics import Interval, Spread, spread, widest
from engine.compare.subjects import Subject

IMAGES = "images"
CHANGED = "the data set changed meanwhile"
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
    def scored(self) -> Subject:
        """A member that has a score; any, while none has."""
        known = (one for one in self.members if one.final and one.accuracy is not None)
        return next(known, self.members[0])

    @property
    def interval(self) -> Interval | None:
        """The wider of the interval of the mean over seeds and that of the mean over test images; None
        where neither is known. Every seed is scored on images of the same number, so that seeds which
        happen to agree know no more than these tell.
        """
        return widest(self.spread, self.scored.n) if self.spread else None

    @property
    def same_scores(self) -> bool:
        """Whether there are several seeds and all have one score: then nothing is known of how much
        seeds vary."""
        return len(self.scores) > 1 and min(self.scores) == max(self.scores)

    @property
    def noun(self) -> str:
        """What its runs are to one another: 'seeds', or 'runs' where their images differ too."""
        return "runs" if IMAGES in differ_in(self.members) else "seeds"

    @property
    def pretrained(self) -> str | None:
        """What it starts from, if not from random weights."""
        return self.members[0].recipe.init_from


def seed_group(runs: Sequence[Subject]) -> SeedGroup:
    members, doubles = without_doubles(runs)
    first = members[0]
    noun = "runs" if IMAGES in differ_in(members) else "seeds"
    scores = tuple(s.accuracy for s in members if s.final and s.accuracy is not None)
    label = first.label if len(members) == 1 else f"{_together(members)} ({len(members)} {noun})"
    return SeedGroup(
        label, tuple(members), scores, spread(scores) if scores else None, tuple(doubles)
    )


def without_doubles(members: Sequence[Subject]) -> tuple[list[Subject], list[Subject]]:
    """Runs of one recipe, of which those of the same seed on the same images count once; and their doubles. Of
    several it is the first that has ended with a score.
    """
    same: dict[tuple[object, ...], list[Subject]] = {}
    for one in members:
        key = (one.recipe.seed, one.recipe.data.seed, one.fingerprint)
        same.setdefault(key, []).append(one)
    kept = [
        next((one for one in runs if one.final and one.accuracy is not None), runs[0])
        for runs in same.values()
    ]
    ids = {one.id for one in kept}
    return kept, [one for one in members if one.id not in ids]


def _together(members: Sequence[Subject]) -> str:
    """What several seeds are called: by their name, and where each has its own, not as if all had the
    first one's.
    """
    others = len({one.kind for one in members}) - 1
    return members[0].kind if not others else f"{members[0].kind} and {others} more"


def of_one_recipe(group: SeedGroup) -> str:
    """What several runs of one recipe tell, where there are no others."""
    if len(group.members) == 1:
        return ONE_RUN
    known = group.spread is not None and group.spread.n > 1
    fields = differ_in(group.members)
    several = [", ".join(fields[:-1]), fields[-1]] if len(fields) > 1 else fields
    told = f"These runs differ in their {' and '.join(several)} alone"
    told += f": {CHANGED}" if IMAGES in fields else ""
    return f"{told}. Their spread is {'shown' if known else 'known once two have a score'}."


def differ_in(members: Sequence[Subject]) -> list[str]:
    """In what runs of one recipe differ, none of which repeats another."""
    seeds = {(one.recipe.seed, one.recipe.data.seed) for one in members}
    versions = {one.fingerprint for one in members if one.fingerprint}
    found = {
        "random seed": len({seed for seed, _ in seeds}) > 1,
        "split seed": len({split for _, split in seeds}) > 1,
        IMAGES: len(versions) > 1 or len(seeds) < len(members),
    }
    return [name for name, differs in found.items() if differs]


def mixed(group: SeedGroup) -> str:
    """That runs which are taken together differ in their images too; '' where they do not."""
    if group.noun == "seeds":
        return ""
    return (
        f"The runs of {group.name} differ in their images too, as {CHANGED}: how far their scores differ is"
        " not due to seeds alone."
    )


def mean_of(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def means(first: SeedGroup, second: SeedGroup) -> str:
    """What the figures of a sentence are, where a side has several seeds."""
    several = len(first.members) > 1 or len(second.members) > 1
    return " Of several seeds, these are means." if several else ""


def percent(share: float) -> str:
    return f"{100 * share:.2f}%"
