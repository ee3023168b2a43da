"""A diagnosis reconciled with what clear images show.

`diagnosis` fits one hypothesis and puts what it leaves over down to networks that are uncertain.
Here its verdict is held against clear images (`separability`). Where these contradict it and show one
noise, that noise is the verdict; where both explanations remain, the verdict is 'undecided', with an
interval that holds both. numpy only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.noise.ambiguous_classes import many_wrong_labels_agree, wrong_labels_agree
from engine.noise.clear_counts import (
    clear_groups,
    clear_matrix,
    differing_most,
    figures_of,
    unexplained_counts,
    wrong_counts,
)
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import MILD, UNDECIDED, Findings
from engine.noise.names import labels_wander, names_unknown
from engine.noise.separability import Separability
from engine.noise.transition import (
    confident_counts,
    fit_temperature,
    log_softmax,
    transition_of_counts,
)

NAMING = ("clean", "few errors", "symmetric", "class-dependent")  # a label is to name the class


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
    found = replace(found, clear=figures_of(shown))
    if found.regime not in NAMING:
        return found
    found = _against_clear_images(found, logits, given, shown, config)
    if found.regime == "class-dependent":  # hard images may be wrong more often than clear ones
        found = replace(found, rate_high=max(found.rate_high, shown.disagreement_high))
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
       nor by groups of images: undecided; or counted on clear images, where what looking alike does not
       explain is wrong for certain.
    4. Nothing is unexplained: it stands.
    5. Clear images show more noise than the interval allows, or of another pattern, or any where labels
       are clean and nearly all images clear, and classes that look alike explain little of it: the noise
       is counted on them.
    6. They show more than the interval allows, or any noise where labels are clean: undecided.
    7. Otherwise it stands, and the interval holds what clear images show, too.
    """
    contradicts = shown.top1_high < config.agreement_of_pairs
    shows = shown.low > 0 and shown.unexplained_share > config.unexplained_share
    if contradicts and names_unknown(shown, found.regime == "symmetric", config):
        return _unnamed(found, shown, logits, given, config)
    clear = int(shown.clear.sum())
    if found.regime in MILD and not shows:
        return _unshown(found, shown, given, contradicts, config)
    decides = (
        shown.unexplained_share > config.mostly_unexplained * shown.clear_disagreement
        and shown.clear_share > config.counted_share
    )
    by_groups = bool(found.groups)  # of images, whatever labels predict
    unexplained = unexplained_counts(shown)
    uneven = wrong_labels_agree(unexplained, config, shown.alike) or (
        shown.rate >= config.few_errors_rate
        and many_wrong_labels_agree(unexplained, config, shown.alike)
    )
    if found.regime == "class-dependent" and not by_groups and not (shows and decides):
        if shows and shown.low > config.certain_wrong and shown.clear_share > config.counted_share:
            counted = _counted(found, shown, logits, given, uneven, config)
            high = max(
                shown.high, shown.disagreement_high
            )  # those of look-alikes may be wrong, too
            return replace(counted, rate_high=high)
        because = (
            f"{clear:,} of {len(given):,} images look clearly like one class, and most of their labels that"
            " differ are those of classes that look alike: whether labels are wrong, or the images look"
            " alike, can't be told"
        )
        low = shown.low if shows and shown.low > config.certain_wrong else 0.0
        reach = (low, max(found.rate_high, shown.high, shown.disagreement_high))
        return _undecided(found, shown, reach, because)
    if not shows:
        return found
    too_low = shown.low > found.rate_high
    all_clear = found.regime == "clean" and shown.clear_share >= config.nearly_all_clear
    if decides and (
        too_low
        or all_clear
        or (uneven and found.regime in ("few errors", "symmetric"))
        or (found.regime == "class-dependent" and not (uneven or by_groups))
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
        reach = (reach[0] if decides else 0.0, max(reach[1], shown.disagreement_high))
        return _undecided(found, shown, reach, because)
    hard = shown.disagreement > reach[1] + config.hard_share
    if uneven or hard:  # labels of hard images may be wrong more often than those of clear ones
        reach = (reach[0], max(reach[1], shown.disagreement_high))
    rate = max(found.rate, shown.rate) if uneven else found.rate
    return replace(found, rate=rate, rate_low=reach[0], rate_high=reach[1])


def _unshown(
    found: Findings,
    shown: Separability,
    given: np.ndarray,
    contradicts: bool,
    config: NoiseConfig,
) -> Findings:
    """A verdict of clean or few errors where clear images show no wrong label. As many errors as clean
    labels leave where classes look alike may be none.
    """
    clear = int(shown.clear.sum())
    looked = clear >= config.clear_images and shown.clear_share >= config.clear_share
    explained = config.unexplained_of_explained * shown.explained_share
    borne_out = looked and found.rate_low > explained
    reach = (
        found.rate_low if borne_out else 0.0,
        max(found.rate_high, shown.disagreement_high),
    )
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
        if found.rate < config.unexplained_share and found.rate_high <= config.clean_at_most:
            found = replace(found, regime="clean", rate_low=0.0)  # clean labels leave as many
        return replace(found, rate_high=max(found.rate_high, none))
    because = (
        f"{clear:,} of {len(given):,} images are clearly of one class by their descriptors, and"
        f" {shown.disagreement:.0%} of all labels differ from what the other labels predict: among the"
        " others, images that look alike and wrong labels leave the same trace"
    )
    return _undecided(found, shown, reach, because)


def clean_for_certain(found: Findings, config: NoiseConfig = CONFIG) -> Findings:
    """The same, but undecided where it is clean and its interval leaves room for many wrong labels."""
    if found.regime != "clean" or found.rate_high <= config.clean_interval:
        return found
    because = (
        "what differs from the predictions may be images that are hard to read, but too few images are"
        " certain to say that hardly any label is wrong: look at the suspects"
    )
    return replace(found, regime=UNDECIDED, because=because)


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
    matrix = clear_matrix(transition_of_counts(counts, 1 - shown.rate), shown, config)
    temperature = fit_temperature(logits, matrix, given)
    prior = np.exp(log_softmax(logits, temperature)).mean(0).astype(float)
    even = "few errors" if shown.rate < config.few_errors_rate else "symmetric"
    wrong = wrong_counts(shown)
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
        differing=differing_most(shown),
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
        differing=differing_most(shown),
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
    matrix = clear_matrix(found.matrix, shown, config) if shown.low > 0 else found.matrix
    undecided = _undecided(found, shown, (shown.rate_at_least, 1.0), because)
    return replace(
        undecided,
        regime="class-dependent" if labels_wander(shown, config) else undecided.regime,
        matrix=matrix,
        temperature=fit_temperature(logits, matrix, given),
        groups=clear_groups(shown, given),
    )
