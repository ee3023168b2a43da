"""From figures to sentences: what one recipe against another shows, with the evidence in every
sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.compare.learning import PER_EPOCH, first_epoch, smooth, speed, start
from engine.compare.matched import changed_between
from engine.compare.seeds import SeedGroup, mean_of, means, percent
from engine.compare.statistics import McNemar
from engine.compare.subjects import Subject, apart_from_seed

FEW = 3  # seeds, of which Welch's test has one to four degrees of freedom
REAL = 0.05  # a p below this is called significant
SCORE_TOGETHER = "Score both on the same images by the same labels."
SPLITS = {"test": "test", "val": "validation"}


def answer(
    first: SeedGroup,
    second: SeedGroup,
    pairs: Sequence[McNemar],
    p_seeds: float | None,
    tests: int = 1,
) -> list[str]:
    """Sentences on `second` against `first`: start, end, speed, rising loss, overfitting; and, where
    one is pretrained, the verdict.

    pairs    McNemar's test of every run of one with every run of the other, where they were scored on
             the same images; wanted only where a side has one seed
    p_seeds  of Welch's test of their means, or None where it was not made
    tests    for how many tests the p of `p_seeds`, or else those of `pairs`, are corrected; 1: for none
    """
    test = _only(first, second, pairs)
    facts = [_end(first, second, pairs, p_seeds, tests)]
    one, two = first.members[0], second.members[0]
    if one.followed_on == two.followed_on:
        facts += (
            [_other_measure(first, second)]
            if one.by_knn != two.by_knn
            else [start(first, second), speed(first, second), smooth(first, second)]
            if one.labels_of_own == two.labels_of_own or _elsewhere(one, one.followed)
            else [_other_labels(first, second)]
        )
    facts.append(_gap(first, second))
    lines = [fact for fact in facts if fact]
    verdict = _pretraining(first, second, test, p_seeds)
    return ([verdict] if verdict else []) + lines


def against_the_first(first: SeedGroup, tested: bool) -> list[str]:
    """What the sentences of more than two groups leave out. tested: whether pairs of runs were."""
    table = (
        " The table of McNemar's tests has every pair of runs that were scored on the same images."
    )
    return [
        f"**Each against the first.** Each of these sentences compares one of the others with the one"
        f" that was chosen first, {first.name}; none compares two of the others.{table * tested}"
    ]


def _only(first: SeedGroup, second: SeedGroup, pairs: Sequence[McNemar]) -> McNemar | None:
    """The test of the two runs, where each side has one seed."""
    return pairs[0] if pairs and len(first.scores) == len(second.scores) == 1 else None


def _elsewhere(run: Subject, split: str) -> bool:
    """Whether its `split` images are of another data set than it was trained on, and so by that set's
    given labels.
    """
    return split == "test" and run.recipe.data.test_on is not None


def _by_labels(first: SeedGroup, second: SeedGroup) -> str:
    return (
        f"for {first.name} by {first.members[0].labels_of_own}, for {second.name} by"
        f" {second.members[0].labels_of_own}"
    )


def _other_measure(first: SeedGroup, second: SeedGroup) -> str:
    """Why nothing is said of epochs of which one run's were judged by kNN, the other's by its classifier."""
    knn, other = (first, second) if first.members[0].by_knn else (second, first)
    return (
        f"**First epoch, speed.** Not compared: the accuracy of an epoch is by kNN for {knn.name}, by the"
        f" classifier's outputs for {other.name}."
    )


def _untrained(group: SeedGroup) -> str:
    """What the score of a run is whose loss works on embeddings, and what its embedding comes to; '' of
    any other.
    """
    if not group.members[0].ends_by_knn:
        return ""
    knn = mean_of([one.final.get("knn_accuracy") for one in group.members])
    found = f": by kNN in its embedding it is right on {percent(knn)}" if knn is not None else ""
    made = group.members[0].final.get("classifier")
    if made:
        return f" The loss of {group.name} works on embeddings; its classifier is the {made} there{found}."
    return (
        f" The loss of {group.name} works on embeddings, so that this score is of a classifier that was"
        f" never trained{found}."
    )


def _other_labels(first: SeedGroup, second: SeedGroup) -> str:
    """Why nothing is said of the epochs of runs that were judged by different labels."""
    return (
        f"**First epoch, speed.** Not compared: what is right on the {first.members[0].followed}"
        f" images counts {_by_labels(first, second)}."
    )


def _p(value: float, tests: int, of: str) -> str:
    """p, and for how many tests it is corrected, which are called `of`."""
    said = "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
    return said if tests == 1 else f"{said}, corrected for {tests:,} {of}"


def _end(
    first: SeedGroup,
    second: SeedGroup,
    pairs: Sequence[McNemar],
    p_seeds: float | None,
    tests: int,
) -> str:
    if not first.spread or not second.spread:
        return ""
    test = _only(first, second, pairs)
    where = first.scored.scored_on
    if second.scored.scored_on != where:
        classes = [
            {row["class"] for row in group.scored.final.get("per_class") or ()}
            for group in (first, second)
        ]
        return (
            f"The final scores can't be compared: {first.name} was scored on {where}, {second.name}"
            f" on {second.scored.scored_on}.{f' {SCORE_TOGETHER}' * bool(classes[0] & classes[1])}"
        )
    text = (
        f"**Final accuracy.** On {where}, {first.name} is right on {_score(first)}, {second.name}"
        f" on {_score(second)}.{_untrained(first)}{_untrained(second)}"
    )
    one, two = first.scored, second.scored
    # The test on images was made only where their labels are the same.
    if not pairs and one.labels_of_own != two.labels_of_own and not _elsewhere(one, one.split):
        return (
            f"{text} Whether one is better can't be told: what is right counts"
            f" {_by_labels(first, second)}. {SCORE_TOGETHER}"
        )
    if not pairs and p_seeds is None and changed_between(one, two):
        return (
            f"{text} Whether one is better can't be told: the data set changed between them."
            f" {SCORE_TOGETHER}"
        )
    if p_seeds is not None:
        sure = (
            "differ by more than seeds do"
            if p_seeds < REAL
            else "do not differ by more than seeds do"
        )
        by = f"(Welch's t-test, {_p(p_seeds, tests, 'tests')})"
        return f"{text} Their means {sure} {by}{_not_shown(first, second) * (p_seeds >= REAL)}."
    if test is not None:
        better = first.name if test.only_first > test.only_second else second.name
        if test.only_first + test.only_second == 0:
            return f"{text} They are right and wrong on exactly the same images."
        counts = (
            f"Of the images on which they disagree, {first.name} alone is right on"
            f" {test.only_first:,} and {second.name} alone on {test.only_second:,}"
        )
        by = f"(McNemar's test, {_p(test.p, tests, 'pairs')})"
        if test.p < REAL:
            return f"{text} {counts}: {better} is significantly better on images like these {by}."
        return f"{text} {counts}: that may be chance {by}."
    if first.same_scores and second.same_scores:
        return (
            f"{text} Whether that is more than seeds differ can't be told: the seeds of each have the"
            " same score, so how much seeds vary is not known. Train more of each."
        )
    return f"{text} {_one_seed(first, second, pairs, tests)}"


def _not_shown(first: SeedGroup, second: SeedGroup) -> str:
    """What a test of means that found nothing leaves open, the more so of few seeds."""
    fewest = min(len(first.scores), len(second.scores))
    few = f": of {fewest} seeds only a very large difference stands out" if fewest <= FEW else ""
    return f", which does not show that there is no difference{few}"


def _one_seed(first: SeedGroup, second: SeedGroup, pairs: Sequence[McNemar], tests: int) -> str:
    """What can be told where one side has a single seed: the images tell whether its model is better on
    them, and nothing tells how much its seeds would vary.
    """
    single = first if len(first.scores) == 1 else second
    unknown = f"how much {single.name} would vary over seeds is not known from one seed."
    ahead = {test.only_first > test.only_second for test in pairs}
    largest = max((test.p for test in pairs), default=1.0)
    if len(ahead) == 1 and largest < REAL:
        better = first if ahead.pop() else second
        return (
            f"On these images {better.name} is significantly better, whichever seed is taken (McNemar's"
            f" test of each pair, at the largest {_p(largest, tests, 'pairs')}); {unknown}"
        )
    return f"This may be due to chance, and {unknown}"


def _score(group: SeedGroup) -> str:
    found = group.spread
    if found is None:
        return "no score"
    if found.deviation is not None:
        return (
            f"{percent(found.mean)} on average over {found.n} {group.noun} (standard deviation"
            f" {100 * found.deviation:.2f} points)"
        )
    interval = group.interval
    return (
        f"{percent(found.mean)} (95% interval {percent(interval.low)} to {percent(interval.high)})"
        if interval
        else percent(found.mean)
    )


def _gap(first: SeedGroup, second: SeedGroup) -> str:
    one, two = (
        mean_of([s.final.get("generalisation_gap") for s in group.members])
        for group in (first, second)
    )
    if one is None or two is None:
        return ""
    kinds = [SPLITS[group.scored.split] for group in (first, second)]
    where = f"{kinds[0]} images" if kinds[0] == kinds[1] else "the images of its score"
    points = [
        f"{100 * abs(share):.2f} points {'below' if share < 0 else 'above'} it for {group.name}"
        + ("" if kinds[0] == kinds[1] else f" ({kind} images)")
        for group, share, kind in zip((first, second), (one, two), kinds, strict=True)
    ]
    return (
        f"**Overfitting.** Beside accuracy on {where}, accuracy on training images is at the end"
        f" {points[0]} and {points[1]}.{means(first, second)}"
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
    one, two = first_epoch(pre, "held_accuracy"), first_epoch(fresh, "held_accuracy")
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
    singles = [group.name for group in (pre, fresh) if len(group.members) == 1]
    of_which = "One seed each" if len(singles) == 2 else f"One seed of {''.join(singles)}"
    caution = f" {of_which}: run more to be sure." if singles else ""
    who = f"Against random weights ({fresh.name}), starting from {pre.pretrained} ({pre.name})"
    return f"**Pretrained against scratch.** {who} {summary}.{caution}"
