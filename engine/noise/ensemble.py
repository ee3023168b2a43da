"""The committee: networks that settle which class is the likeliest, where labels say what an image
is not.

Such a label can rule a class out but not be learned by heart, so there is no harm in having seen
it, and each network hears the given label of every image. Beside it they are told what is believed
of the images.

Where nearly all of that is sure, they are not told what leaves a doubt: a mistaken belief that a
network has learned by heart it repeats, and most mistakes are among these, so that they are better
read unprompted. They may then train for long, and small ones do as well as large ones. On
mnistTask3, with mistakes counted by MNIST's true labels, one small network leaves 312 of 60,000
after 14 epochs and 270 to 299 after 42; two together leave 264 and 275 from two seeds.

Where much is in doubt, they are told all of it, and a small network takes it over as it is: two
leave 9.2% of 1,442 spoiled digits wrong where 7.5% of what they were told is, three larger ones
6.4%.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.models.recognizer import Recognizer
from engine.noise.network import (
    HANDWRITING,
    PENS,
    Patient,
    Soft,
    expert,
    ponder,
    reader,
    train,
    voice,
)
from engine.noise.transition import log_softmax, posterior
from engine.progress import Progress

# Chosen while developing on mnistTask3, with mistakes counted by MNIST's true labels: 0.95 left
# nearly a tenth fewer than 0 or 0.99.
SURE, MOSTLY = 0.95, 0.9  # probability from which on a belief is sure; how many of them must be


LONGER = 3  # a small network is 2.4 times as fast, and there is one fewer


@dataclass(frozen=True)
class Committee:
    """`members` large networks that train for `epochs` each; or, where nearly all beliefs are sure,
    one fewer, small, for LONGER.

    index (n,): images of `patient`; matrix: T (K, K); belief (n, K): probabilities of the true
    class, the image's own label taken into account; training: the progress of a training that sees
    so many images; still: progress of what takes no part in the count.
    """

    patient: Patient
    index: np.ndarray
    matrix: np.ndarray
    belief: np.ndarray
    epochs: int
    members: int
    seed: int
    training: Callable[[int], Progress]
    still: Progress

    @property
    def settled(self) -> bool:
        """Whether nearly all beliefs are sure."""
        return bool((self.belief.max(1) > SURE).mean() >= MOSTLY)

    @property
    def views(self) -> int:
        """Images that the networks see in training, all together."""
        return self._count * self._epochs * len(self.index)

    def decide(self) -> np.ndarray:
        """Log-probabilities (n, K), the mean of what the networks say."""
        told = self.belief * (self.belief.max(1) > SURE)[:, None] if self.settled else self.belief
        verdicts = [self._read(0, told)]
        if not self.settled:  # what the first has made of its doubts is told to the others
            told = (
                told + np.exp(posterior(verdicts[0], self.matrix, self.patient.given[self.index]))
            ) / 2
        verdicts += [self._read(number, told) for number in range(1, self._count)]
        return log_softmax(np.mean(verdicts, 0))

    @property
    def _count(self) -> int:
        return max(1, self.members - 1) if self.settled else self.members

    @property
    def _epochs(self) -> int:
        return LONGER * self.epochs if self.settled else self.epochs

    def _read(self, number: int, told: np.ndarray) -> np.ndarray:
        """Log-probabilities (n, K) by a network that was `told` (n, K) about the images."""
        beliefs = np.zeros((self.patient.count, self.patient.classes), np.float32)
        beliefs[self.index] = told
        way = Soft(beliefs, self.matrix, np.isin(np.arange(len(beliefs)), self.index))
        patient = (
            replace(self.patient, augment=PENS)
            if self.patient.augment is HANDWRITING
            else self.patient
        )
        network: Callable[[int, int], Recognizer] = reader if self.settled else expert
        tell, what = (
            self.training(self._epochs * len(self.index)),
            f"committee, network {number + 1} of {self._count}",
        )
        model, _ = train(
            patient, self.index, way, self._epochs, self.seed + 11 * number + 5, tell, what, network
        )
        return ponder(
            self.patient,
            voice(self.patient, model),
            self.index,
            self.still,
            f"asking network {number + 1}",
        )
