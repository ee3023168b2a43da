"""A diagnosis reconciled with what clear images show.

`diagnosis` fits one hypothesis and puts what it leaves over down to networks that are uncertain.
Here its verdict is held against clear images (`separability`). Where these contradict it and show one
noise, that noise is the verdict; where both explanations remain, the verdict is 'undecided', with an
interval that holds both. numpy only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.noise.ambiguous_classes import wrong_labels_agree
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import MILD, SAMPLES, UNDECIDED, Findings, Group
from engine.noise.separability import Separability
from engine.noise.transition import (
    confident_counts,
    fit_temperature,
    log_softmax,
    transition_of_counts,
)

NAMING = ("clean", "few errors", "symmetric", "class-dependent")  # a label is to name the class
GROUPS_SHOWN, PAIRS_NAMED = 12, 5


def reconciled(
    found: Findings,
    logits: np.ndarray,
    given: np.ndarray,
    shown: Separability,
    config: NoiseConfig = CONFIG,
) -> Findings:
    """The diagnosis `found` as far as clear images bear it out.

    logits (n, K): out of sample, of the true class; given (n,).
    """
    found = replace(found, clear=_figures(shown))
    if found.regime not in NAMING:
        return found
    found = _against_clear_images(found, logits, given, shown, config)
    if found.regime == "class-dependent":  # hard images may be wrong more often than clear ones
        found = replace(found, rate_high=max(found.rate_high, shown.disagreement))
    near = shown.top2 >= config.second_label * shown.top1
    if found.regime == "class-dependent" and (
        (near and shown.top1_high < config.agreement_of_pairs) or shown.top1_high < config.named
    ):
        return replace(found, rate_high=1.0)  # another label may be the name, or none
    return found


def _against_clear_images(
    found: Findings,
    logits: np.ndarray,
    given: np.ndarray,
    shown: Separability,
    config: NoiseConfig,
) -> Findings:
    """The diagnosis after the first of these that holds; docs/label-noise.md has them as a table.

    1. Even the most confident images carry no label in a majority: undecided, names are not known.
    2. The verdict is clean or few errors, and no label of a clear image is unexplained beyond chance: it
       stands, or is undecided where outliers, hard images or too few clear ones leave it open.
    3. Class-dependent noise, whose trace is that of classes that look alike, is not shown by clear images
       nor by groups of images: undecided.
    4. Nothing is unexplained: it stands.
    5. Clear images show more noise than the interval allows, or of another pattern, or any where labels
       are clean and nearly all images clear, and classes that look alike explain little of it: the noise
       is counted on them.
    6. They show more than the interval allows, or any noise where labels are clean: undecided.
    7. Otherwise it stands, and the interval holds what clear images show, too.
    """
    contradicts = shown.top1_high < config.agreement_of_pairs
    shows = shown.low > 0 and shown.unexplained_share > config.unexplained_share
    if contradicts and _names_unknown(shown, found.regime == "symmetric", config):
        return _unnamed(found, shown, logits, given, config)
    clear = int(shown.clear.sum())
    if found.regime in MILD and not shows:
        looked = clear >= config.clear_images and shown.clear_share >= config.clear_share
        reach = (found.rate_low, max(found.rate_high, shown.disagreement))
        none = min(shown.disagreement, shown.outlier_share / config.outliers_found)
        if shown.outlier_share > config.outlier_share or (
            found.regime == "clean" and none > config.clean_at_most
        ):
            because = (
                f"{shown.outlier_share:.1%} of the images look like no class in particular, while"
                f" {shown.clear_share:.0%} are clearly of one; they may belong to no class, and then no label"
                " of theirs is right"
            )
            return _undecided(found, shown, reach, because)
        hard = shown.disagreement > found.rate_high + config.hard_share
        if looked and not contradicts and not hard:
            return replace(found, rate_high=max(found.rate_high, none))
        because = (
            f"{clear:,} of {len(given):,} images are clearly of one class by their descriptors, and"
            f" {shown.disagreement:.0%} of all labels differ from what the other labels predict: among the"
            " others, images that look alike and wrong labels leave the same trace"
        )
        return _undecided(found, shown, reach, because)
    decides = (
        shown.unexplained_share > config.mostly_unexplained * shown.clear_disagreement
        and shown.clear_share > config.counted_share
    )
    by_groups = bool(found.groups)  # of images, whatever labels predict
    if found.regime == "class-dependent" and not by_groups and not (shows and decides):
        because = (
            f"{clear:,} of {len(given):,} images look clearly like one class, and most of their labels that"
            " differ are those of classes that look alike: whether labels are wrong, or the images look"
            " alike, can't be told"
        )
        reach = (0.0, max(found.rate_high, shown.high, shown.disagreement))
        return _undecided(found, shown, reach, because)
    if not shows:
        return found
    uneven = wrong_labels_agree(_wrong(shown), config)
    too_low = shown.low > found.rate_high
    all_clear = found.regime == "clean" and shown.clear_share >= config.nearly_all_clear
    if decides and (
        too_low
        or all_clear
        or (uneven and found.regime in ("few errors", "symmetric"))
        or (found.regime == "class-dependent" and not shown.low <= found.rate <= shown.high)
    ):
        counted = _counted(found, shown, logits, given, uneven, config)
        return (
            replace(counted, rate_high=max(shown.high, found.rate_high)) if all_clear else counted
        )
    reach = (min(found.rate_low, shown.low), max(found.rate_high, shown.high))
    if too_low or found.regime == "clean":
        because = (
            f"labels differ from the prediction in {shown.clear_disagreement:.1%} of the {clear:,} images that"
            " look clearly like one class; whether those that differ among the others are wrong, or the images"
            " look alike, can't be told"
        )
        reach = (reach[0] if decides else 0.0, max(reach[1], shown.disagreement))
        return _undecided(found, shown, reach, because)
    if uneven:  # labels of hard images may be wrong more often than those of clear ones
        reach = (reach[0], max(reach[1], shown.disagreement))
    return replace(found, rate_low=reach[0], rate_high=reach[1])


def clean_for_certain(found: Findings, config: NoiseConfig = CONFIG) -> Findings:
    """The same, but undecided where it is clean and its interval leaves room for many wrong labels."""
    if found.regime != "clean" or found.rate_high <= config.clean_interval:
        return found
    because = (
        "what differs from the predictions may be images that are hard to read, but too few images are"
        " certain to say that hardly any label is wrong: look at the suspects"
    )
    return replace(found, regime=UNDECIDED, because=because)


def _names_unknown(shown: Separability, even: bool, config: NoiseConfig) -> bool:
    """Whether the most frequent label need not be the name of the class: the first is
    no majority, and a second is nearly as frequent or the others are not any class but a few certain ones.
    """
    near = shown.top2 >= config.second_label * shown.top1 and shown.top1_low < 0.5
    few = shown.top1_high < 0.5 and (shown.within_class_gain > config.within_classes or not even)
    return near or few


def _counted(
    found: Findings,
    shown: Separability,
    logits: np.ndarray,
    given: np.ndarray,
    uneven: bool,
    config: NoiseConfig,
) -> Findings:
    """The noise that is counted on clear images."""
    counts = confident_counts(logits, given)
    matrix = _matrix(transition_of_counts(counts, 1 - shown.rate), shown, config)
    temperature = fit_temperature(logits, matrix, given)
    prior = np.exp(log_softmax(logits, temperature)).mean(0).astype(float)
    even = "few errors" if shown.rate < config.few_errors_rate else "symmetric"
    wrong = _wrong(shown)
    return replace(
        found,
        regime="class-dependent" if uneven else even,
        rate=shown.rate,
        rate_low=shown.low,
        rate_high=shown.high,
        matrix=matrix,
        prior=prior,
        temperature=temperature,
        because=(
            f"this was counted on the {int(shown.clear.sum()):,} images that look clearly like one class: the"
            " confusion of their labels is not that of images that look alike"
        ),
        differing=_differing(shown),
        ambiguous=tuple(  # what is counted as wrong is not put down to likeness as well
            pair
            for pair in found.ambiguous
            if not (wrong[pair[0], pair[1]] or wrong[pair[1], pair[0]])
        ),
    )


def _undecided(
    found: Findings, shown: Separability, reach: tuple[float, float], because: str
) -> Findings:
    """T stays as it was found: what is not decided calls no label wrong."""
    return replace(
        found,
        regime=UNDECIDED,
        rate=min(max(found.rate, reach[0]), reach[1]),
        rate_low=reach[0],
        rate_high=reach[1],
        because=because,
        differing=_differing(shown),
    )


def _unnamed(
    found: Findings,
    shown: Separability,
    logits: np.ndarray,
    given: np.ndarray,
    config: NoiseConfig,
) -> Findings:
    """The diagnosis where no label is the name of a group of images for certain."""
    because = (
        f"even the images of which predictions are most certain carry one label in {shown.top1:.0%}"
        f" and a second in {shown.top2:.0%} of cases: which label names a group of images, or"
        " whether any does, the images can't tell"
    )
    matrix = _matrix(found.matrix, shown, config) if shown.low > 0 else found.matrix
    return replace(
        _undecided(found, shown, (shown.rate_at_least, 1.0), because),
        matrix=matrix,
        temperature=fit_temperature(logits, matrix, given),
        groups=_groups(shown, given),
    )


def _wrong(shown: Separability) -> np.ndarray:
    """Counts (K, K) int64 on clear images, without the labels of classes that look alike."""
    return np.where(shown.alike, 0, shown.counts).astype(np.int64)


def _matrix(otherwise: np.ndarray, shown: Separability, config: NoiseConfig) -> np.ndarray:
    """T (K, K) counted on clear images; `otherwise` (K, K) for classes of which few are clear."""
    counts = _wrong(shown)
    matrix = transition_of_counts(counts, float(np.trace(counts) / max(counts.sum(), 1)))
    few = counts.sum(1) < config.counted_images
    matrix[few] = otherwise[few]
    return matrix


def _differing(shown: Separability) -> tuple[tuple[int, int, float], ...]:
    images = np.maximum(shown.counts.sum(1), 1)
    at = np.argsort(-shown.unexplained, axis=None)[:PAIRS_NAMED]
    pairs = [np.unravel_index(place, shown.unexplained.shape) for place in at]
    return tuple(
        (int(a), int(b), float(shown.counts[a, b] / images[a]))
        for a, b in pairs
        if shown.unexplained[a, b] >= 2
    )


def _groups(shown: Separability, given: np.ndarray) -> tuple[Group, ...]:
    """The groups that images are predicted to form, largest first."""
    sizes = np.bincount(shown.predicted, minlength=len(shown.counts))
    out = []
    for number in np.argsort(-sizes, kind="stable")[:GROUPS_SHOWN]:
        own = np.flatnonzero((shown.predicted == number) & shown.clear)
        own = own if len(own) >= SAMPLES else np.flatnonzero(shown.predicted == number)
        if len(own):
            out.append(Group.of(own, given, SAMPLES))
    return tuple(out)


def _figures(shown: Separability) -> dict[str, float]:
    return {
        "images": float(shown.clear.sum()),
        "share": shown.clear_share,
        "differ": shown.clear_disagreement,
        "unexplained": shown.unexplained_share,
    }
