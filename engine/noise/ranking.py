"""Ranking labels by suspicion, and the reason for each. numpy only, on arrays.

The order depends on the regime: where labels name the class, wrong ones are suspect; where labels
are complementary and nearly all are wrong names, those that name the class by accident are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import Findings
from engine.noise.transition import log_posterior


class Suspects(NamedTuple):
    """Labels with their scores.

    score       (N,) float32 in 0..1, the label quality: probability that the given label is the
                true class
    likely      (N,) int64, the likeliest true class
    confidence  (N,) float32 in 0..1, its posterior probability, given label included
    order       (N,) int64, images, most suspect first
    log_odds    (N,) float32 of `score`: they still rank what rounds to 0 or 1
    """

    score: np.ndarray
    likely: np.ndarray
    confidence: np.ndarray
    order: np.ndarray
    log_odds: np.ndarray


def find_suspects(
    log_p: np.ndarray,
    matrix: np.ndarray,
    given: np.ndarray,
    complementary: bool = False,
    ensemble_log_p: np.ndarray | None = None,
) -> Suspects:
    """Scores and order from out-of-sample log-probabilities of the true class (N, K), T (K, K) and
    given labels (N,).

    ensemble_log_p (N, K): log-probabilities by networks that may have been trained on the image's
    own label. They decide the likely class only; the score comes from `log_p`.

    Most suspect is the label least likely to be the true class, or, if labels are `complementary`,
    the one likeliest to be.
    """
    log_posteriors = log_posterior(np.asarray(log_p, np.float32), matrix, given)
    rows = np.arange(len(given))
    own = log_posteriors[rows, given]
    others = log_posteriors.copy()
    others[rows, given] = -np.inf
    top = others.max(1)
    rest = top + np.log(np.exp(others - top[:, None]).sum(1))
    log_odds = (own - rest).astype(np.float32)
    final = (
        log_posteriors
        if ensemble_log_p is None
        else log_posterior(np.asarray(ensemble_log_p, np.float32), matrix, given)
    )
    return Suspects(
        score=np.exp(own).astype(np.float32),
        likely=final.argmax(1),
        confidence=np.exp(final.max(1)).astype(np.float32),
        order=np.argsort(-log_odds if complementary else log_odds, kind="stable"),
        log_odds=log_odds,
    )


def most_likely_wrong(suspects: Suspects, chosen: np.ndarray, right: float) -> Suspects:
    """The suspects where at most the share `right`, 0..1, of the labels of the images `chosen` (n,) bool
    is right, and no class is likely.
    """
    at_most = float(np.log(max(right, 1e-3) / max(1 - right, 1e-3)))
    log_odds, confidence = suspects.log_odds.copy(), suspects.confidence.copy()
    log_odds[chosen] = np.minimum(log_odds[chosen], at_most)
    confidence[chosen] = np.minimum(confidence[chosen], right)
    return suspects._replace(
        score=(1 / (1 + np.exp(-log_odds))).astype(np.float32),
        confidence=confidence,
        order=np.argsort(log_odds, kind="stable"),
        log_odds=log_odds,
    )


def hidden_first(
    suspects: Suspects, sides: tuple[np.ndarray, np.ndarray], missing: int | None
) -> Suspects:
    """The suspects with the images of two groups under one label (positions, the smaller group first)
    before all whose label is likelier right than wrong: one of the two groups is wrong throughout, if
    they are two classes. missing: the class that the smaller group then likely is.
    """
    log_odds, likely = suspects.log_odds.copy(), suspects.likely.copy()
    for side, at_most in zip(sides, (-0.01, 0.01), strict=True):
        log_odds[side] = np.minimum(log_odds[side], at_most)
    if missing is not None:
        likely[sides[0]] = missing
    confidence = suspects.confidence.copy()
    confidence[np.concatenate(sides)] = np.minimum(confidence[np.concatenate(sides)], 0.5)
    return Suspects(
        score=(1 / (1 + np.exp(-log_odds))).astype(np.float32),
        likely=likely,
        confidence=confidence,
        order=np.argsort(log_odds, kind="stable"),
        log_odds=log_odds,
    )


def expected_wrong(score: np.ndarray) -> float:
    """Expected number of wrong labels, from their scores (N,)."""
    return float((1 - score.astype(np.float64)).sum())


def counted_by_suspects(
    found: Findings, suspects: Suspects, config: NoiseConfig = CONFIG
) -> Findings:
    """The diagnosis of few errors with the rate that the suspects make out together, where they are
    fewer than `NoiseConfig.few_errors_count` and its interval holds that rate: among the most confident
    half of the images one of three wrong labels may be missing.
    """
    wrong = expected_wrong(suspects.score)
    rate = wrong / len(suspects.score)
    few = found.regime == "few errors" and wrong < config.few_errors_count
    held = found.rate_low <= rate <= found.rate_high
    return replace(found, rate=rate) if few and held else found


def reason(
    given: str,
    likely: str,
    p_given: float,
    p_likely: float,
    votes: tuple[int, int, int],
    complementary: bool,
) -> str:
    """One sentence on a label: the out-of-sample prediction for its image (probabilities 0..1), and
    the classes of its neighbours.

    votes: neighbours whose likely class is `likely`, whose likely class is `given`, and all.
    """
    for_likely, for_given, count = votes
    predicts = (
        f"predicts {likely} ({_percent(p_likely)})"
        if p_likely >= 0.5
        else f"gives {likely} a probability of {_percent(p_likely)}"
    )
    text = f"A network that was not trained on this label {predicts}"
    near = f"{for_likely} of the {count} nearest images {'is' if for_likely == 1 else 'are'} likely {likely}"
    if likely != given:
        return (
            f"{text}, and the given {given} with {_percent(p_given)}; {near}, {for_given} likely"
            f" {given}."
        )
    if complementary:
        return (
            f"{text}; {near}. So this label, which should name a class that the image does not"
            " belong to, names its class by accident."
        )
    return f"{text}; {near}."


def _percent(share: float) -> str:
    return (
        f"{100 * share:.0f}%"
        if 0.01 <= share <= 0.99
        else "over 99%"
        if share > 0.99
        else "under 1%"
    )
