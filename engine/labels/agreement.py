"""Several people's labels of the same images: how far they agree, and what the label is if each of them
errs in a way of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

MOST_ITERATIONS = 500
SETTLED = 1e-7  # the largest change of a posterior at which the estimate has converged
# The paper's estimate is sure of itself where people labelled few images of a class: of disputed images
# of 8 simulated sets (200 images, 10 classes, four people) 92.9% come out right with or without, at a
# mean probability of 0.974 with one label more, 0.995 without. Chosen on 8 other sets.
SMOOTHING = 1.0
MAJORITY = 0.5  # of the probability: a class with more is likelier than all others together
ROUNDING = 10 * SETTLED  # by which a tie of two classes may seem to be none
LEAST = 1e-12  # a probability of zero would let one label outweigh all others


@dataclass(frozen=True, eq=False)
class Votes:
    """What P people labelled N images as. labels (N, P) int64, a place in `classes` (K of them); -1
    where a person did not label an image.
    """

    samples: tuple[str, ...]
    people: tuple[str, ...]
    classes: tuple[str, ...]
    labels: np.ndarray

    @cached_property
    def counts(self) -> np.ndarray:
        """(N, K) int64: how many people gave an image each label."""
        out = np.zeros((len(self.samples), len(self.classes)), np.int64)
        item, person = np.nonzero(self.labels >= 0)
        np.add.at(out, (item, self.labels[item, person]), 1)
        return out

    @cached_property
    def disputed(self) -> np.ndarray:
        """(N,) bool: two people gave the image different labels."""
        return (self.counts > 0).sum(1) > 1


def votes_of(labels: Mapping[str, Mapping[str, str]]) -> Votes:
    """Votes from sample → person → label."""
    people = sorted({who for each in labels.values() for who in each})
    classes = sorted({label for each in labels.values() for label in each.values()})
    column = {who: at for at, who in enumerate(people)}
    code = {label: at for at, label in enumerate(classes)}
    matrix = np.full((len(labels), len(people)), -1, np.int64)
    for row, each in enumerate(labels.values()):
        for who, label in each.items():
            matrix[row, column[who]] = code[label]
    return Votes(tuple(labels), tuple(people), tuple(classes), matrix)


class Pair(NamedTuple):
    """Two people: the images that both labelled, the share labelled alike, and Cohen's kappa; None
    where both gave nothing but one label, which no agreement by chance can be told from.
    """

    first: str
    second: str
    n: int
    alike: float
    kappa: float | None


def pairs(votes: Votes) -> list[Pair]:
    """Every two people who labelled some of the same images; kappa of Cohen (1960)."""
    from sklearn.metrics import cohen_kappa_score

    out: list[Pair] = []
    for i, first in enumerate(votes.people):
        for j, second in enumerate(votes.people[i + 1 :], i + 1):
            a, b = votes.labels[:, i], votes.labels[:, j]
            both = (a >= 0) & (b >= 0)
            a, b = a[both], b[both]
            if len(a):
                one = len(np.union1d(a, b)) < 2
                kappa = None if one else float(cohen_kappa_score(a, b))
                out.append(Pair(first, second, len(a), float((a == b).mean()), kappa))
    return out


class Fleiss(NamedTuple):
    """Fleiss' kappa of the n images that exactly `raters` people labelled; None where all gave them
    one label, or there are none.
    """

    kappa: float | None
    n: int
    raters: int


def fleiss(votes: Votes) -> Fleiss:
    """Fleiss (1971), which needs as many labels of every image: of those whose number of labels, two
    at least, is the most frequent one.
    """
    given = votes.counts.sum(1)
    several = np.bincount(given[given > 1]) if (given > 1).any() else np.zeros(1, np.int64)
    raters = int(several.argmax())
    counts = votes.counts[given == raters] if raters else votes.counts[:0]
    if not len(counts):
        return Fleiss(None, 0, 0)
    alike = ((counts**2).sum(1) - raters) / (raters * (raters - 1))  # (n,) pairs that agree
    by_chance = float(((counts.sum(0) / counts.sum()) ** 2).sum())
    kappa = None if by_chance == 1 else float((alike.mean() - by_chance) / (1 - by_chance))
    return Fleiss(kappa, len(counts), raters)


def alpha(votes: Votes) -> float | None:
    """Krippendorff's alpha (2004) for names without an order: 1 if all agree, 0 if they do as by
    chance. Any number of people may have labelled an image. None where it is not defined.
    """
    import krippendorff

    several = votes.counts.sum(1) > 1
    if len(np.unique(np.nonzero(votes.counts[several])[1])) < 2:
        return None
    found = krippendorff.alpha(value_counts=votes.counts[several], level_of_measurement="nominal")
    return float(found)


class Consensus(NamedTuple):
    """What Dawid and Skene's model estimates.

    posterior   (N, K): the probability of each class of each image
    confusion   (P, K, K): the probability that a person labels an image of class j as k
    prevalence  (K,): the share of each class
    """

    posterior: np.ndarray
    confusion: np.ndarray
    prevalence: np.ndarray


def consensus(votes: Votes) -> Consensus:
    """Dawid and Skene (1979) of the votes: whoever is often alone with a label counts for less."""
    item, person = np.nonzero(votes.labels >= 0)
    shape = (len(votes.samples), len(votes.people), len(votes.classes))
    return dawid_skene(item, person, votes.labels[item, person], shape)


class Chosen(NamedTuple):
    """The consensus label of each image.

    label    (N,) int64: the likeliest of the classes that somebody gave the image
    p        (N,): its probability among all classes
    settled  (N,) bool: whether that is above MAJORITY; a tie is not
    """

    label: np.ndarray
    p: np.ndarray
    settled: np.ndarray


def chosen(votes: Votes, posterior: np.ndarray) -> Chosen:
    """What the labels of a consensus are. posterior: (N, K), as `consensus` has it.

    Dawid and Skene's model may hold a class for the likeliest that nobody gave the image: two people who
    each often take a 3 for something else outvote themselves. No label is taken from that: only classes
    that were given are chosen from, which is a rule of this lab and not of the paper. The probability is
    not shared out among them anew, so that such an image has no majority and stays disputed.
    """
    p = np.where(votes.counts > 0, posterior, -1.0)  # (N, K)
    label = p.argmax(1)
    best = np.maximum(p.max(1, initial=0.0), 0.0)
    return Chosen(label, best, best > MAJORITY + ROUNDING)


def dawid_skene(
    item: np.ndarray,
    person: np.ndarray,
    label: np.ndarray,
    shape: tuple[int, int, int],
    smoothing: float = SMOOTHING,
) -> Consensus:
    """Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm",
    Applied Statistics 28 (1979).

    item, person, label  (M,) int64 each: M labels that people gave to images; one may label an image
                         more than once
    shape                (N, P, K): numbers of images, people and classes
    smoothing            labels that are added to each person's of each class, spread evenly over all
                         classes; 0: the paper's estimate

    Begins with each image's share of labels, as the paper does. Without smoothing, where a person
    never met a class, their labels of it are taken to be uniform.
    """
    from scipy.sparse import csr_array

    images, people, classes = shape
    given = csr_array(
        (np.ones(len(item)), (person * classes + label, item)), shape=(people * classes, images)
    )  # (P·K, N): how often a person gave an image a label
    posterior = np.zeros((images, classes))
    np.add.at(posterior, (item, label), 1.0)
    posterior /= np.maximum(posterior.sum(1, keepdims=True), 1)
    for _ in range(MOST_ITERATIONS):
        prevalence = posterior.sum(0) / posterior.sum()
        met = (given @ posterior).reshape(people, classes, classes)  # person, label, true class
        seen = met.sum(1, keepdims=True)
        counted = (met + smoothing / classes) / np.maximum(seen + smoothing, LEAST)
        rates = np.where(seen + smoothing > 0, counted, 1 / classes)
        logs = np.log(np.maximum(rates, LEAST)).reshape(people * classes, classes)
        joint = given.T @ logs + np.log(np.maximum(prevalence, LEAST))  # (N, K)
        joint = np.exp(joint - joint.max(1, keepdims=True))
        fresh = joint / joint.sum(1, keepdims=True)
        moved = float(np.abs(fresh - posterior).max(initial=0))
        posterior = fresh
        if moved < SETTLED:
            break
    return Consensus(posterior, rates.transpose(0, 2, 1), prevalence)
