"""The ensemble: networks that decide the likeliest class of each image where labels are
complementary.

A complementary label rules out a class but can't be memorised as one, so it does no harm that a
network is trained on the labels of the images that it then predicts: each network is trained on all
given labels, and on soft targets beside them.

Where the soft targets are mostly certain, those that are not are left out: a network reproduces a
mistaken target that it has memorised, and most mistakes are among these, so that they are better
predicted without a target. The networks may then train for long, and small ones do as well as large
ones. On mnistTask3, with mistakes counted by MNIST's true labels, one small network makes 312 in
60,000 after 14 epochs and 270 to 299 after 42; two together make 264 and 275 from two seeds.

Where few targets are certain, all are used, and a small network reproduces them as they are: two
leave 9.2% of 1,442 noisy digits wrong where 7.5% of their targets are, three larger ones 6.4%.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.models.recognizer import Recognizer
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.inference import predict_with_tta, predictor
from engine.noise.network import (
    HANDWRITING,
    HANDWRITING_STRONG,
    NoisyData,
    large_network,
    small_network,
    train,
)
from engine.noise.targets import SoftTargets
from engine.noise.transition import log_posterior, log_softmax
from engine.progress import Progress


@dataclass(frozen=True)
class Ensemble:
    """`size` large networks that train for `epochs` each; where targets are mostly certain, one
    network fewer, small ones, for `config.longer` times the epochs.

    index (n,): positions of the images in `data`; matrix: T (K, K); targets (n, K): probabilities
    of the true class; counted: the progress of a training that sees so many images; uncounted:
    progress of steps that take no part in the count.
    """

    data: NoisyData
    index: np.ndarray
    matrix: np.ndarray
    targets: np.ndarray
    epochs: int
    size: int
    seed: int
    counted: Callable[[int], Progress]
    uncounted: Progress
    config: NoiseConfig = CONFIG

    @property
    def mostly_certain(self) -> bool:
        """Whether nearly all targets are certain."""
        return bool(self._certain.mean() >= self.config.mostly_certain)

    @property
    def training_images(self) -> int:
        """Images that all networks see in training, together and with repetition."""
        return self._count * self._epochs * len(self.index)

    def predict(self) -> np.ndarray:
        """Log-probabilities (n, K), the mean of the networks'."""
        targets = self.targets * self._certain[:, None] if self.mostly_certain else self.targets
        log_ps = [self._member(0, targets)]
        if not self.mostly_certain:  # later networks learn from the first one's predictions, too
            targets = (targets + self._targets_from(log_ps[0])) / 2
        log_ps += [self._member(number, targets) for number in range(1, self._count)]
        return log_softmax(np.mean(log_ps, 0))

    def _targets_from(self, log_p: np.ndarray) -> np.ndarray:
        if not self.config.posterior_targets:
            return np.exp(log_p)
        return np.exp(log_posterior(log_p, self.matrix, self.data.given[self.index]))

    @property
    def _certain(self) -> np.ndarray:
        return self.targets.max(1) > self.config.target_confidence

    @property
    def _count(self) -> int:
        return max(1, self.size - 1) if self.mostly_certain else self.size

    @property
    def _epochs(self) -> int:
        return self.config.longer * self.epochs if self.mostly_certain else self.epochs

    def _member(self, number: int, targets: np.ndarray) -> np.ndarray:
        """Log-probabilities (n, K) by a network trained on `targets` (n, K) and all given labels."""
        everywhere = np.zeros((self.data.count, self.data.classes), np.float32)
        everywhere[self.index] = targets
        soft = SoftTargets(
            everywhere,
            self.matrix,
            np.isin(np.arange(len(everywhere)), self.index),
            self.config.label_weight,
        )
        data = (
            replace(self.data, augment=HANDWRITING_STRONG)
            if self.data.augment is HANDWRITING
            else self.data
        )
        network: Callable[[int, int], Recognizer] = (
            small_network if self.mostly_certain else large_network
        )
        model, _ = train(
            data,
            self.index,
            soft,
            self._epochs,
            self.seed + 11 * number + 5,
            self.counted(self._epochs * len(self.index)),
            f"ensemble, network {number + 1} of {self._count}",
            network,
        )
        return predict_with_tta(
            self.data,
            predictor(self.data, model),
            self.index,
            self.uncounted,
            f"predictions of network {number + 1}",
            self.config,
        )
