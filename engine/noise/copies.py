"""Images that occur several times, and what their labels show: of labels that differ among copies of
one image, at most the most frequent can be right. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import UNDECIDED, Findings


@dataclass(frozen=True)
class Copies:
    """What copies show. images: how many are the same as an earlier one; contradicted: images whose
    copies carry different labels; wrong_at_least: labels of these that must be wrong; of: all images.
    """

    images: int = 0
    contradicted: int = 0
    wrong_at_least: int = 0
    of: int = 0


def count_copies(same: np.ndarray, given: np.ndarray) -> Copies:
    """The copies among n images: `same` (n,), position of the first image that is the same, and their
    labels `given` (n,).
    """
    pairs, counts = np.unique(np.stack([same, given], 1), axis=0, return_counts=True)
    size, most = np.zeros(len(same), np.int64), np.zeros(len(same), np.int64)
    np.add.at(size, pairs[:, 0], counts)
    np.maximum.at(most, pairs[:, 0], counts)
    return Copies(
        images=int((same != np.arange(len(same))).sum()),
        contradicted=int(size[size > most].sum()),
        wrong_at_least=int((size - most).sum()),
        of=len(same),
    )


def once_each(same: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One position for each image and label that occur together, ascending (m,), and for each of the
    n images its place among these (n,). A copy with the same label is no evidence of its own.
    """
    _, first, place = np.unique(
        np.stack([same, given], 1), axis=0, return_index=True, return_inverse=True
    )
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.sort(first), rank[place.ravel()]


def at_the_copies_rate(found: Findings, score: np.ndarray, place: np.ndarray) -> Findings:
    """The diagnosis of images without copies as one of all. score (m,): probability that the label of each
    is right; place (n,): which of the m each of the n images is.

    Copies repeat their label, right or wrong, so that the rate among all images differs from that among
    different ones. Where the scores expect wrong labels, these say how many times as high it is; the rate
    and both ends of its interval are multiplied by this ratio. Where they don't, or the diagnosis is
    undecided, any label may be the wrong one: the interval then reaches from that of the images with the
    fewest copies to that of those with the most.
    """
    copies = np.bincount(place, minlength=len(score))
    wrong = 1 - score
    rates = np.array([found.rate, found.rate_low, found.rate_high])
    if found.regime != UNDECIDED and wrong.sum() >= 1:
        ratio = float(wrong @ copies / copies.sum() / wrong.mean())
        rate, low, high = np.minimum(1.0, rates * ratio).tolist()
    else:
        fewest = np.concatenate([[0], np.cumsum(np.sort(copies))])
        number = np.arange(len(fewest))
        of_fewest = np.interp(rates * len(score), number, fewest) / fewest[-1]
        most = fewest[-1] - fewest[::-1]
        of_most = np.interp(rates * len(score), number, most) / fewest[-1]
        low, high = float(of_fewest[1]), float(of_most[2])
        rate = min(max(found.rate, low), high)
    return replace(found, rate=rate, rate_low=low, rate_high=high)


def at_least_contradicted(
    found: Findings, copies: Copies, config: NoiseConfig = CONFIG
) -> Findings:
    """The diagnosis with no lower a rate than the copies' labels prove."""
    least = copies.wrong_at_least / max(copies.of, 1)
    if least <= found.rate_low:
        return found
    found = replace(
        found,
        rate=max(found.rate, least),
        rate_low=least,
        rate_high=max(found.rate_high, least),
    )
    clean = found.regime == "clean" and least > config.clean_rate
    return replace(found, regime="few errors") if clean else found
