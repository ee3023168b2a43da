"""Two readings of the same labels, and whether the evidence decides between them.

`diagnosis` fits one hypothesis and puts what it leaves over down to networks that are uncertain.
Here its verdict is held against what clear images show (`separability`). Where clear images
contradict it and show one noise, that noise is the verdict; where both readings remain, the verdict
is 'undecided', with an interval that holds both. numpy only.
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
MOST_GROUPS, MOST_NAMED = 12, 5
FEW_CLEAR = 10  # clear images of a class that tell nothing of its labels


def settled(
    found: Findings,
    logits: np.ndarray,
    given: np.ndarray,
    seen: Separability,
    config: NoiseConfig = CONFIG,
) -> Findings:
    """The diagnosis `found` as far as clear images bear it out.

    logits (n, K): out of sample, of the true class; given (n,).
    """
    found = replace(found, clear=_figures(seen))
    if found.regime not in NAMING:
        return found
    found = _against_clear_images(found, logits, given, seen, config)
    if found.regime == "class-dependent":  # hard images may be wrong more often than clear ones
        found = replace(found, rate_high=max(found.rate_high, seen.apart))
    near = seen.second >= config.second_label * seen.first
    if found.regime == "class-dependent" and (
        (near and seen.first_high < config.agreement_of_pairs) or seen.first_high < config.named
    ):
        return replace(found, rate_high=1.0)  # another label may be the name, or none
    return found


def _against_clear_images(
    found: Findings,
    logits: np.ndarray,
    given: np.ndarray,
    seen: Separability,
    config: NoiseConfig,
) -> Findings:
    contradicts = seen.first_high < config.agreement_of_pairs
    shows = seen.low > 0 and seen.excess > config.unexplained_share
    if contradicts and _names_unknown(seen, found.regime == "symmetric", config):
        return _unnamed(found, seen, logits, given)
    clear = int(seen.clear.sum())
    if found.regime in MILD and not shows:
        looked = clear >= config.clear_images and seen.share >= config.clear_share
        reach = (found.rate_low, max(found.rate_high, seen.apart))
        none = min(seen.apart, seen.unlike / config.unlike_found)
        if seen.unlike > config.unlike_share or (
            found.regime == "clean" and none > config.clean_at_most
        ):
            because = (
                f"{seen.unlike:.1%} of the images look like no class in particular, while"
                f" {seen.share:.0%} are clearly of one; they may belong to no class, and then no label"
                " of theirs is right"
            )
            return _undecided(found, seen, reach, because)
        hard = seen.apart > found.rate_high + config.hard_share
        if looked and not contradicts and not hard:
            return replace(found, rate_high=max(found.rate_high, none))
        because = (
            f"{clear:,} of {len(given):,} images are clearly of one class by their looks, and"
            f" {seen.apart:.0%} of all labels differ from what the other labels foretell: among the"
            " others, images that look alike and wrong labels leave the same trace"
        )
        return _undecided(found, seen, reach, because)
    if not shows:
        return found
    decides = (
        seen.excess > config.mostly_unexplained * seen.differs and seen.share > config.counted_share
    )
    uneven = wrong_labels_agree(_wrong(seen), config)
    too_low = seen.low > found.rate_high
    if decides and (
        too_low
        or (uneven and found.regime in ("few errors", "symmetric"))
        or (found.regime == "class-dependent" and not seen.low <= found.rate <= seen.high)
    ):
        return _counted(found, seen, logits, given, uneven, config)
    reach = (min(found.rate_low, seen.low), max(found.rate_high, seen.high))
    if too_low or found.regime == "clean":
        because = (
            f"labels differ from the prediction in {seen.differs:.1%} of the {clear:,} images that"
            " look clearly like one class; whether those that differ among the others are wrong, or"
            " the images look alike, can't be told"
        )
        reach = (reach[0], max(reach[1], seen.apart))
        return _undecided(found, seen, reach, because)
    if uneven:  # labels of hard images may be wrong more often than those of clear ones
        reach = (reach[0], max(reach[1], seen.apart))
    return replace(found, rate_low=reach[0], rate_high=reach[1])


def _names_unknown(seen: Separability, even: bool, config: NoiseConfig) -> bool:
    """Whether the most frequent label need not be the name of the class: the first is
    no majority, and a second is nearly as frequent or the others are not any class but a few certain ones.
    """
    near = seen.second >= config.second_label * seen.first and seen.first_low < 0.5
    few = seen.first_high < 0.5 and (seen.within > config.within_classes or not even)
    return near or few


def _counted(
    found: Findings,
    seen: Separability,
    logits: np.ndarray,
    given: np.ndarray,
    uneven: bool,
    config: NoiseConfig,
) -> Findings:
    """The noise that is counted on clear images."""
    counts = confident_counts(logits, given)
    matrix = _matrix(transition_of_counts(counts, 1 - seen.rate), seen)
    temperature = fit_temperature(logits, matrix, given)
    prior = np.exp(log_softmax(logits, temperature)).mean(0).astype(float)
    even = "few errors" if seen.rate < config.few_errors_rate else "symmetric"
    return replace(
        found,
        regime="class-dependent" if uneven else even,
        rate=seen.rate,
        rate_low=seen.low,
        rate_high=seen.high,
        matrix=matrix,
        prior=prior,
        temperature=temperature,
        because=(
            f"this was counted on the {int(seen.clear.sum()):,} images that look clearly like one class: the"
            " confusion of their labels is not that of images that look alike"
        ),
        differing=_differing(seen),
    )


def _undecided(
    found: Findings, seen: Separability, reach: tuple[float, float], because: str
) -> Findings:
    """T stays as it was found: what is not decided calls no label wrong."""
    return replace(
        found,
        regime=UNDECIDED,
        rate=min(max(found.rate, reach[0]), reach[1]),
        rate_low=reach[0],
        rate_high=reach[1],
        because=because,
        differing=_differing(seen),
    )


def _unnamed(
    found: Findings, seen: Separability, logits: np.ndarray, given: np.ndarray
) -> Findings:
    """The diagnosis where no label is the name of a group of images for certain."""
    because = (
        f"even the images of which predictions are most certain carry one label in {seen.first:.0%}"
        f" and a second in {seen.second:.0%} of cases: which label names a group of images, or"
        " whether any does, the images can't tell"
    )
    matrix = _matrix(found.matrix, seen) if seen.low > 0 else found.matrix
    return replace(
        _undecided(found, seen, (seen.least, 1.0), because),
        matrix=matrix,
        temperature=fit_temperature(logits, matrix, given),
        groups=_groups(seen, given),
    )


def _wrong(seen: Separability) -> np.ndarray:
    """Counts (K, K) int64 on clear images, without the labels of classes that look alike."""
    return np.where(seen.alike, 0, seen.counts).astype(np.int64)


def _matrix(otherwise: np.ndarray, seen: Separability) -> np.ndarray:
    """T (K, K) counted on clear images; `otherwise` (K, K) for classes of which few are clear."""
    counts = _wrong(seen)
    matrix = transition_of_counts(counts, float(np.trace(counts) / max(counts.sum(), 1)))
    few = counts.sum(1) < FEW_CLEAR
    matrix[few] = otherwise[few]
    return matrix


def _differing(seen: Separability) -> tuple[tuple[int, int, float], ...]:
    images = np.maximum(seen.counts.sum(1), 1)
    at = np.argsort(-seen.unexplained, axis=None)[:MOST_NAMED]
    pairs = [np.unravel_index(place, seen.unexplained.shape) for place in at]
    return tuple(
        (int(a), int(b), float(seen.counts[a, b] / images[a]))
        for a, b in pairs
        if seen.unexplained[a, b] >= 2
    )


def _groups(seen: Separability, given: np.ndarray) -> tuple[Group, ...]:
    """The groups that images are predicted to form, largest first."""
    sizes = np.bincount(seen.predicted, minlength=len(seen.counts))
    out = []
    for number in np.argsort(-sizes, kind="stable")[:MOST_GROUPS]:
        own = np.flatnonzero((seen.predicted == number) & seen.clear)
        own = own if len(own) >= SAMPLES else np.flatnonzero(seen.predicted == number)
        if len(own):
            out.append(Group.of(own, given, SAMPLES))
    return tuple(out)


def _figures(seen: Separability) -> dict[str, float]:
    return {
        "images": float(seen.clear.sum()),
        "share": seen.share,
        "differ": seen.differs,
        "unexplained": seen.excess,
    }
