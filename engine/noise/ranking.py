"""Which labels to doubt, and why. numpy only, on arrays.

The ranking works both ways: where labels say what an image is, the wrong ones are suspect; where
they say what it is not and nearly all are wrong, the right ones are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.noise.transition import posterior


class Suspects(NamedTuple):
    """score (N,) float32 in 0..1: label quality, the probability that the given label is right; 1
    is surely right, 0 surely wrong. likely (N,) int64: the likeliest true class; sure (N,) float32:
    its probability, the given label taken into account. order (N,) int64: images, most suspect
    first. odds (N,) float32: the log-odds of `score`, which still tell apart what rounds to 0 or 1.
    """

    score: np.ndarray
    likely: np.ndarray
    sure: np.ndarray
    order: np.ndarray
    odds: np.ndarray


def find_suspects(
    log_p: np.ndarray,
    matrix: np.ndarray,
    given: np.ndarray,
    excludes: bool = False,
    informed: np.ndarray | None = None,
) -> Suspects:
    """From out-of-sample log-probabilities of the true class (N, K), T (K, K) and given labels
    (N,).

    informed (N, K): log-probabilities by networks that may have seen the image's own label. They
    say which class is the likeliest; how far the label is believed is for networks to say that have
    not seen it.

    Most suspect is what goes most against the rule: where labels say what an image is, the least
    likely to be right; where they say what it is not (`excludes`), the likeliest to be right.
    """
    belief = posterior(np.asarray(log_p, np.float32), matrix, given)
    rows = np.arange(len(given))
    own = belief[rows, given]
    others = belief.copy()
    others[rows, given] = -np.inf
    top = others.max(1)
    rest = top + np.log(np.exp(others - top[:, None]).sum(1))
    odds = (own - rest).astype(np.float32)
    score = np.exp(own).astype(np.float32)
    key = -odds if excludes else odds
    said = (
        belief if informed is None else posterior(np.asarray(informed, np.float32), matrix, given)
    )
    return Suspects(
        score,
        said.argmax(1),
        np.exp(said.max(1)).astype(np.float32),
        np.argsort(key, kind="stable"),
        odds,
    )


def expected_wrong(score: np.ndarray) -> float:
    """How many of the labels are wrong, by their scores."""
    return float((1 - score.astype(np.float64)).sum())


def reason(
    given: str,
    likely: str,
    p_given: float,
    p_likely: float,
    votes: tuple[int, int, int],
    excludes: bool,
) -> str:
    """One sentence on a label: what a network that never saw it says of the image (p: probabilities
    0..1), and what its neighbours are.

    votes: how many neighbours read as `likely`, how many as `given`, and how many there are.
    excludes: labels say what an image is not.
    """
    for_likely, for_given, neighbours = votes
    reads = "reads it as" if p_likely >= 0.5 else "makes of it"
    said = f"A network that never saw this label {reads} {likely} ({_percent(p_likely)})"
    near = f"{for_likely} of its {neighbours} nearest images read as {likely}"
    if likely != given:
        return (
            f"{said} and as the given {given} with {_percent(p_given)}; {near}, {for_given} as"
            f" {given}."
        )
    if excludes:
        return (
            f"{said}; {near}. So this label, which should say what the image is not, is right by"
            " accident."
        )
    return f"{said}; {near}."


def _percent(share: float) -> str:
    return (
        f"{100 * share:.0f}%"
        if 0.01 <= share <= 0.99
        else "over 99%"
        if share > 0.99
        else "under 1%"
    )
