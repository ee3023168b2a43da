"""What labels are found to be: the regimes, and the figures of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.metrics import wilson_interval

UNDECIDED = "undecided"
MILD = ("clean", "few errors")
SAMPLES = 8  # images of a group that are shown
REGIMES: dict[str, str] = {
    "clean": "clean: no wrong labels were found",
    "few errors": "some wrong labels: most labels are correct",
    "symmetric": "symmetric noise: a share of the labels was replaced by any other class",
    "class-dependent": "class-dependent noise: certain classes carry the label of certain others",
    "complementary": ("complementary labels: each names a class that its image does not belong to"),
    "independent": "labels independent of the images",
    UNDECIDED: "undecided: labels may be wrong, and these images can't tell",
}


def regime_words(regime: str) -> str:
    """A regime as a table or a figure shows it: the first words of what it means."""
    return REGIMES.get(regime, regime).partition(":")[0]


@dataclass(frozen=True)
class Group:
    """Images that look like one class, for a person to name.

    count    images in it
    labels   (label, share) of its most frequent given labels
    samples  positions of some of them among the n images
    alike    False: they look like no class in particular
    """

    count: int
    labels: tuple[tuple[int, float], ...]
    samples: tuple[int, ...]
    alike: bool = True

    @classmethod
    def of(
        cls, positions: np.ndarray, given: np.ndarray, samples: int, alike: bool = True
    ) -> Group:
        """The group of the images at `positions` (m,) with labels `given` (n,)."""
        counts = np.bincount(given[positions])
        frequent = [int(label) for label in np.argsort(-counts, kind="stable")[:3] if counts[label]]
        chosen = positions[
            np.linspace(0, len(positions) - 1, min(samples, len(positions))).astype(int)
        ]
        return cls(
            len(positions),
            tuple((label, float(counts[label] / len(positions))) for label in frequent),
            tuple(int(position) for position in chosen),
            alike,
        )

    def among(self, positions: np.ndarray) -> Group:
        """The same, where images at `positions` (m,) of a larger set were looked at."""
        return replace(self, samples=tuple(int(positions[sample]) for sample in self.samples))


@dataclass(frozen=True)
class Findings:
    """What the labels were found to be.

    regime       a name in REGIMES
    rate         estimated share of wrong labels, 0..1, with its 95% interval rate_low..rate_high;
                 where the regime is undecided the interval holds every reading
    matrix       T (K, K), rows the true class; prior (K,) the estimated shares of the true classes
    temperature  divisor of the logits at which the given labels are likeliest: under T where noise
                 depends on the class or was counted on clear images, otherwise under the uniform T
    ambiguous    (class, class, share) of classes whose images can't be told apart, so that T does
                 not contain their confusion
    figures      numbers that the evidence quotes
    because      why the evidence does not decide, or why clear images decided; empty otherwise
    differing    (class, label, share): where labels of clear images differ most, share of the
                 predicted class's clear images
    groups       groups of images that a person may name, where names can't be told
    clear        numbers of clear images: images, differ, unexplained; empty if none were looked for
    """

    regime: str
    rate: float
    rate_low: float
    rate_high: float
    matrix: np.ndarray
    prior: np.ndarray
    temperature: float
    ambiguous: tuple[tuple[int, int, float], ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    because: str = ""
    differing: tuple[tuple[int, int, float], ...] = ()
    groups: tuple[Group, ...] = ()
    clear: dict[str, float] = field(default_factory=dict)


def as_wide_as_counted(found: Findings, n: int) -> Findings:
    """The diagnosis with an interval that holds Wilson's of as many wrong labels counted among its n
    (Wilson 1927). The likelihood's is narrower where none are wrong, or all: of none it ends at
    1.92 / n, and a share of 2 / n leaves none in 14% of samples.
    """
    low, high = wilson_interval(round(found.rate * n), n)
    return replace(found, rate_low=min(found.rate_low, low), rate_high=max(found.rate_high, high))
