"""Sentences on how two recipes learn, from the figures of their epochs: start, speed, rising loss."""

from __future__ import annotations

from statistics import fmean

from engine.compare.seeds import SeedGroup, mean_of, means, percent
from engine.compare.subjects import thresholds_for
from engine.durations import duration
from engine.metrics import wilson_interval

# accuracies within 0.2 points of each other are called equal where there is no test for them
PER_EPOCH = 0.002


def first_epoch(group: SeedGroup, key: str) -> float | None:
    found = [
        s.epochs[0][key] for s in group.members if s.epochs and s.epochs[0].get(key) is not None
    ]
    return fmean(found) if found else None


def _followed(group: SeedGroup, other: SeedGroup) -> str:
    """What the epochs of both were judged on, with their number where it is known and the same: '144
    validation images'.
    """
    run = group.members[0]
    same = run.followed_n == other.members[0].followed_n
    count = f"{run.followed_n:,} " if run.followed_n and same else ""
    return f"{count}{run.followed} images{' (by kNN)' if run.by_knn else ''}"


def _is_followed(group: SeedGroup) -> bool:
    """Whether its epochs were judged on images held out; a recipe may hold none out."""
    return any(run.is_followed for run in group.members)


def start(first: SeedGroup, second: SeedGroup) -> str:
    """Who begins better, by the mean accuracy after the first epoch; '' where that is not known."""
    one, two = first_epoch(first, "held_accuracy"), first_epoch(second, "held_accuracy")
    if one is None or two is None:
        return ""
    where = f"the {_followed(first, second)}"
    if abs(one - two) < PER_EPOCH:
        return (
            f"**First epoch.** After it both are right on about {percent((one + two) / 2)} of"
            f" {where}.{means(first, second)}"
        )
    ahead, gap = (first, one - two) if one > two else (second, two - one)
    return (
        f"**First epoch.** After it {first.name} is right on {percent(one)} of {where}"
        f" and {second.name} on {percent(two)}: {ahead.name} is {100 * gap:.2f} points"
        f" ahead{_few(first, second, one, two)}.{means(first, second)}"
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


def speed(first: SeedGroup, second: SeedGroup) -> str:
    """After how many epochs, and seconds, each reached what a run of it reached; '' without epochs."""
    if not all(any(s.epochs for s in group.members) for group in (first, second)):
        return ""
    unfollowed = [group.name for group in (first, second) if not _is_followed(group)]
    if len(unfollowed) == 1:
        return (
            f"**Speed.** Not compared: {unfollowed[0]} held no images out to follow its accuracy on through"
            " the epochs."
        )
    # Each was reached by a run at least, but for those of the study.
    thresholds = thresholds_for([*first.members, *second.members])
    reached = [
        step
        for step in reversed(thresholds)
        if any(step in s.reached("epoch") for group in (first, second) for s in group.members)
    ][:2]
    if not reached:
        return ""
    sentences = [f"{_when(first, step)}, {_when(second, step)}." for step in reached]
    named = ", ".join(f"{100 * float(step):g}" for step in thresholds)
    which = f"Of the thresholds {named}% these are the two highest that a run reached. "
    which *= len(sentences) == 2
    counts = [[_count(group, step) for step in reached] for group in (first, second)]
    if any(max(each) > 1 and len(set(each)) > 1 for each in counts):
        which += (
            "A mean is over the seeds that reached that accuracy: where these are fewer, it may come"
            " before the mean of a lower one, which slower seeds reached too. "
        )
    where = f"Accuracy on the {_followed(first, second)}:"
    said = " ".join(["**Speed.**", where, *sentences])
    return f"{said} {which}Times depend on what else the machine did.{_of_seeds(first, second, counts)}"


def _of_seeds(first: SeedGroup, second: SeedGroup, counts: list[list[int]]) -> str:
    """What the epochs and seconds are where a side has several seeds. counts: how many runs of each
    side reached each threshold; one alone is no mean.
    """
    several = [
        count
        for group, each in zip((first, second), counts, strict=True)
        for count in each
        if len(group.members) > 1
    ]
    if 1 not in several:
        return means(first, second)
    if max(several) > 1:
        return " Where several seeds reached an accuracy, the figure is the mean of those that did."
    return ""


def _when(group: SeedGroup, step: str) -> str:
    """When a recipe's runs reached a threshold: the mean over those that did, with their number of
    how many.
    """
    goal = f"{100 * float(step):g}%"
    epochs = [s.reached("epoch")[step] for s in group.members if step in s.reached("epoch")]
    if not epochs:
        return f"{group.name} has not reached {goal}"
    seconds = [s.reached("seconds")[step] for s in group.members if step in s.reached("seconds")]
    part = (
        f" with {len(epochs)} of {len(group.members)} {group.noun}"
        if len(group.members) > 1
        else ""
    )
    return (
        f"{group.name} reached {goal}{part} after {_whole(fmean(epochs))}"
        f" ({duration(fmean(seconds) if seconds else None)})"
    )


def _count(group: SeedGroup, step: str) -> int:
    """How many of a recipe's runs reached a threshold."""
    return sum(step in s.reached("epoch") for s in group.members)


def _whole(epochs: float) -> str:
    return f"{epochs:.3g} epoch{'' if epochs == 1 else 's'}"


def _rough(group: SeedGroup) -> float | None:
    return mean_of([s.setbacks for s in group.members if len(s.epochs) > 2])


def _risen(group: SeedGroup, share: float) -> str:
    """How much of the change of its loss went up, in the same words for one run and for several."""
    loss = f"the {group.members[0].followed} loss of {group.name}"
    if share == 0:
        return f"{loss} never rose"
    if share < 0.005:  # 0% in whole percents
        return f"less than 0.5% of the change in {loss} was upwards"
    return f"{100 * share:.0f}% of the change in {loss} was upwards"


def smooth(first: SeedGroup, second: SeedGroup) -> str:
    """Whose validation loss rose more between epochs; '' where that is not known."""
    one, two = _rough(first), _rough(second)
    if one is None or two is None:
        return ""
    said = [_risen(first, one), _risen(second, two)]
    text = f"**Rising loss.** From epoch to epoch, {said[0]} and {said[1]}."
    if len(first.members) > 1 or len(second.members) > 1:
        return f"{text}{means(first, second)}"
    return (
        f"{text} That is of one run each, and neither better nor worse in itself: where accuracy is"
        " high from the start, the loss has little way left to go down."
    )
