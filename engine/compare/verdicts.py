"""From figures to sentences: what one recipe against another shows, with the evidence in every
sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from engine.compare.statistics import McNemar, Spread, spread
from engine.compare.subjects import Subject, apart_from_seed, thresholds_for, without_doubles
from engine.durations import duration
from engine.metrics import wilson_interval

REAL = 0.05  # a p below this is called significant
# accuracies within 0.2 points of each other are called equal where there is no test for them
PER_EPOCH = 0.002
SPLITS = {"test": "test", "val": "validation"}


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
        return f"*{self.members[0].label if len(self.members) == 1 else self.members[0].kind}*"

    @property
    def pretrained(self) -> str | None:
        """What it starts from, if not from random weights."""
        return self.members[0].recipe.init_from


def seed_group(runs: Sequence[Subject]) -> SeedGroup:
    members, doubles = without_doubles(runs)
    first = members[0]
    scores = tuple(s.accuracy for s in members if s.final and s.accuracy is not None)
    label = first.label if len(members) == 1 else f"{first.kind} ({len(members)} seeds)"
    return SeedGroup(
        label, tuple(members), scores, spread(scores) if scores else None, tuple(doubles)
    )


def answer(
    first: SeedGroup, second: SeedGroup, test: McNemar | None, p_seeds: float | None
) -> list[str]:
    """Sentences on `second` against `first`: start, end, speed, rising loss, overfitting; and, where
    one is pretrained, the verdict.
    """
    facts = [_end(first, second, test, p_seeds)]
    if first.members[0].followed_on == second.members[0].followed_on:
        facts += [_start(first, second), _speed(first, second), _smooth(first, second)]
    facts.append(_gap(first, second))
    lines = [fact for fact in facts if fact]
    verdict = _pretraining(first, second, test, p_seeds)
    return ([verdict] if verdict else []) + lines


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _end(first: SeedGroup, second: SeedGroup, test: McNemar | None, p_seeds: float | None) -> str:
    if not first.spread or not second.spread:
        return ""
    where = first.members[0].scored_on
    if second.members[0].scored_on != where:
        return (
            f"The final scores can't be compared: {first.name} was scored on {where}, {second.name}"
            f" on {second.members[0].scored_on}."
        )
    text = (
        f"**Final accuracy.** On {where}, {first.name} is right on {_score(first)}, {second.name}"
        f" on {_score(second)}."
    )
    if p_seeds is not None:
        sure = (
            "differ by more than seeds do"
            if p_seeds < REAL
            else "do not differ by more than seeds do"
        )
        return f"{text} Their means {sure} (Welch's t-test, {_p(p_seeds)})."
    if test is not None:
        better = first.name if test.only_first > test.only_second else second.name
        if test.only_first + test.only_second == 0:
            return f"{text} They are right and wrong on exactly the same images."
        counts = (
            f"Of the images on which they disagree, {first.name} alone is right on"
            f" {test.only_first:,} and {second.name} alone on {test.only_second:,}"
        )
        if test.p < REAL:
            return (
                f"{text} {counts}: {better} is significantly better on images like these (McNemar's"
                f" test, {_p(test.p)})."
            )
        return f"{text} {counts}: that may be chance (McNemar's test, {_p(test.p)})."
    return f"{text} With a single seed on one side, this may be due to chance."


def _score(group: SeedGroup) -> str:
    found = group.spread
    if found is None:
        return "no score"
    if found.deviation is not None:
        return (
            f"{_percent(found.mean)} on average over {found.n} seeds (standard deviation"
            f" {100 * found.deviation:.2f} points)"
        )
    interval = group.members[0].interval
    return (
        f"{_percent(found.mean)} (95% interval {_percent(interval[0])} to {_percent(interval[1])})"
        if interval
        else _percent(found.mean)
    )


def _first_epoch(group: SeedGroup, key: str) -> float | None:
    found = [
        s.epochs[0][key] for s in group.members if s.epochs and s.epochs[0].get(key) is not None
    ]
    return fmean(found) if found else None


def _followed(group: SeedGroup) -> str:
    """What its epochs were judged on, with their number where it is known: '144 validation images'."""
    run = group.members[0]
    return (
        f"{run.followed_n:,} {run.followed} images" if run.followed_n else f"{run.followed} images"
    )


def _start(first: SeedGroup, second: SeedGroup) -> str:
    one, two = _first_epoch(first, "held_accuracy"), _first_epoch(second, "held_accuracy")
    if one is None or two is None:
        return ""
    where = f"the {_followed(first)}"
    if abs(one - two) < PER_EPOCH:
        return (
            f"**First epoch.** After it both are right on about {_percent((one + two) / 2)} of"
            f" {where}."
        )
    ahead, gap = (first, one - two) if one > two else (second, two - one)
    return (
        f"**First epoch.** After it {first.name} is right on {_percent(one)} of {where}"
        f" and {second.name} on {_percent(two)}: {ahead.name} is {100 * gap:.2f} points"
        f" ahead{_few(first, second, one, two)}."
    )


def _few(first: SeedGroup, second: SeedGroup, one: float, two: float) -> str:
    """A warning where so few images were looked at that the two shares may differ by chance: where
    their 95% Wilson intervals overlap.
    """
    sizes = [group.members[0].followed_n for group in (first, second)]
    if len(first.members) > 1 or len(second.members) > 1 or not all(sizes):
        return ""
    (low, high), (low_2, high_2) = (
        wilson_interval(round(share * n), n)
        for share, n in zip((one, two), sizes, strict=True)
        if n
    )
    return ", which may be chance" if low <= high_2 and low_2 <= high else ""


def _speed(first: SeedGroup, second: SeedGroup) -> str:
    if not all(any(s.epochs for s in group.members) for group in (first, second)):
        return ""
    sentences = []
    for step in reversed(thresholds_for([*first.members, *second.members])):
        goal, times, reached = f"{100 * float(step):g}%", [], False
        for group in (first, second):
            epochs = [s.reached("epoch").get(step) for s in group.members]
            seconds = [s.reached("seconds").get(step) for s in group.members]
            got = [epoch for epoch in epochs if epoch is not None]
            if len(got) * 2 > len(group.members):
                reached = True
                times.append(
                    f"{group.name} reached {goal} after {_whole(median(got))}"
                    f" ({duration(median(t for t in seconds if t is not None))})"
                )
            else:
                times.append(f"{group.name} never reached {goal}")
        if reached:
            sentences.append(f"{times[0]}, {times[1]}.")
        if len(sentences) == 2:
            break
    which = ["(The two highest of the thresholds that were reached.)"] * (len(sentences) == 2)
    where = f"Accuracy on the {_followed(first)}:"
    return " ".join(["**Speed.**", where, *sentences, *which]) if sentences else ""


def _whole(epochs: float) -> str:
    return f"{epochs:g} epoch{'' if epochs == 1 else 's'}"


def _mean_of(group: SeedGroup, values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _rough(group: SeedGroup) -> float | None:
    return _mean_of(group, [s.setbacks for s in group.members if len(s.epochs) > 2])


def _smooth(first: SeedGroup, second: SeedGroup) -> str:
    one, two = _rough(first), _rough(second)
    if one is None or two is None:
        return ""
    said = [
        f"the {group.members[0].followed} loss of {group.name} never rose"
        if share == 0
        else f"{100 * share:.0f}% of the change in the {group.members[0].followed} loss of"
        f" {group.name} was upwards"
        for group, share in ((first, one), (second, two))
    ]
    text = f"**Rising loss.** From epoch to epoch, {said[0]} and {said[1]}."
    if len(first.members) > 1 and len(second.members) > 1:
        return text
    return (
        f"{text} That is of one run each, and neither better nor worse in itself: where accuracy is"
        " high from the start, the loss has little way left to go down."
    )


def _gap(first: SeedGroup, second: SeedGroup) -> str:
    one, two = (
        _mean_of(group, [s.final.get("generalisation_gap") for s in group.members])
        for group in (first, second)
    )
    if one is None or two is None:
        return ""
    kinds = [SPLITS[group.members[0].split] for group in (first, second)]
    where = f"{kinds[0]} images" if kinds[0] == kinds[1] else "the images of its score"
    points = [
        f"{100 * abs(share):.2f} points {'below' if share < 0 else 'above'} it for {group.name}"
        + ("" if kinds[0] == kinds[1] else f" ({kind} images)")
        for group, share, kind in zip((first, second), (one, two), kinds, strict=True)
    ]
    return (
        f"**Overfitting.** Beside accuracy on {where}, accuracy on training images is at the end"
        f" {points[0]} and {points[1]}."
    )


def _pretraining(
    first: SeedGroup, second: SeedGroup, test: McNemar | None, p_seeds: float | None
) -> str:
    """The published question: does pretraining start lower and end higher? Only where the two differ
    by their start alone. How smoothly they learn is left to the sentence on rising loss.
    """
    one, two = (
        apart_from_seed(group.members[0].recipe) | {"name": "", "init_from": ""}
        for group in (first, second)
    )
    if bool(first.pretrained) == bool(second.pretrained) or one != two:
        return ""
    if not all(run.final for group in (first, second) for run in group.members):
        return ""  # one still trains: it is no verdict yet
    pre, fresh = (first, second) if first.pretrained else (second, first)
    parts = []
    one, two = _first_epoch(pre, "held_accuracy"), _first_epoch(fresh, "held_accuracy")
    if one is not None and two is not None:
        parts.append(
            "starts higher"
            if one > two + PER_EPOCH
            else "starts lower"
            if one < two - PER_EPOCH
            else "starts level"
        )
    p = p_seeds if p_seeds is not None else test.p if test else None
    if pre.spread and fresh.spread:
        gap = pre.spread.mean - fresh.spread.mean
        if gap == 0:
            parts.append("ends level")
        else:
            sure = "" if p is None else " (significant)" if p < REAL else " (this may be chance)"
            parts.append(
                f"ends {abs(100 * gap):.2f} points {'higher' if gap > 0 else 'lower'}{sure}"
            )
    if not parts:
        return ""
    summary = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    seeds = min(len(pre.members), len(fresh.members))
    caution = " One seed each: run more to be sure." if seeds == 1 else ""
    who = f"Against random weights ({fresh.name}), starting from {pre.pretrained} ({pre.name})"
    return f"**Pretrained against scratch.** {who} {summary}.{caution}"
