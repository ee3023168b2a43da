"""The committee: networks that settle which class is the likeliest, where labels say what an image is not.

Such a label can rule a class out but not be learned by heart, so there is no harm in having seen it, and each network hears the given
label of every image. Beside it they are told what is believed of the images, but for those where that leaves a doubt: a mistaken belief
that a network has learned by heart it repeats, and most mistakes are among these, so that they are better read unprompted. But from none
could more be learned. So what the first network has read in them is told to the others, of a part of them to each; the rest they read
unprompted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.noise.beliefs import second_thoughts, without_doubtful
from engine.noise.learner import HANDWRITING, PENS, Patient, Soft, expert, ponder, train, voice
from engine.noise.transition import log_softmax, posterior
from engine.progress import Progress


@dataclass(frozen=True)
class Committee:
    """`members` networks that train for `epochs` each. index (n,): images of `patient`; matrix: T (K, K).

    training: the progress of a training that sees so many images; still: progress of what takes no part in the count.
    """

    patient: Patient
    index: np.ndarray
    matrix: np.ndarray
    epochs: int
    members: int
    seed: int
    training: Callable[[int], Progress]
    still: Progress

    def decide(self, belief: np.ndarray) -> np.ndarray:
        """Log-probabilities (n, K), the mean of what the networks say.

        belief (n, K): probabilities of the true class, the image's own label taken into account.
        """
        part = np.random.default_rng([self.seed, 4]).permutation(len(self.index)) % max(self.members - 1, 1)
        verdicts = [self._read(0, without_doubtful(belief))]
        first = np.exp(posterior(verdicts[0], self.matrix, self.patient.given[self.index]))
        for number in range(1, self.members):
            verdicts.append(self._read(number, second_thoughts(belief, first, part == number - 1)))
        return log_softmax(np.mean(verdicts, 0))

    def _read(self, number: int, told: np.ndarray) -> np.ndarray:
        """Log-probabilities (n, K) by a network that was `told` (n, K) about the images."""
        beliefs = np.zeros((self.patient.count, self.patient.classes), np.float32)
        beliefs[self.index] = told
        way = Soft(beliefs, self.matrix, np.isin(np.arange(len(beliefs)), self.index))
        patient = replace(self.patient, augment=PENS) if self.patient.augment is HANDWRITING else self.patient
        tell, what = self.training(self.epochs * len(self.index)), f"committee, network {number + 1} of {self.members}"
        model, _ = train(patient, self.index, way, self.epochs, self.seed + 11 * number + 5, tell, what, expert)
        return ponder(self.patient, voice(self.patient, model), self.index, self.still, f"asking network {number + 1}")
