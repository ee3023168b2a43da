"""What a network is trained on: given labels through a transition matrix, or soft targets; and the
loss of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.noise.config import CONFIG
from engine.training.noisy_losses import FLOOR, forward


@dataclass(frozen=True)
class UniformTransition:
    """Train on given labels through a uniform T whose diagonal starts at `diagonal` and is
    estimated in training, within low..high.
    """

    diagonal: float
    low: float
    high: float


@dataclass(frozen=True)
class FixedTransition:
    """Train on given labels through this T (K, K)."""

    matrix: np.ndarray


@dataclass(frozen=True)
class SoftTargets:
    """Train on probabilities of the true class, `targets` (N, K) float of all N images, by
    cross-entropy; and, if there is a `matrix` T (K, K), also on the given labels of the images that
    `labelled` (N,) bool selects, by the forward loss with weight `label_weight`.

    Targets repeat the mistakes of the network that made them. Of mistaken targets only one in K - 1
    is contradicted by a complementary label, so that term must weigh more than one that merely
    agrees.
    """

    targets: np.ndarray
    matrix: np.ndarray | None = None
    labelled: np.ndarray | None = None
    label_weight: float = CONFIG.label_weight


Targets = UniformTransition | FixedTransition | SoftTargets


class TargetLoss:
    """The loss of a batch, and for a UniformTransition the running estimate of its diagonal.

    given (N,) int64: labels of all images; steps: batches in the whole training.
    """

    def __init__(
        self, targets: Targets, given: np.ndarray, device: torch.device, steps: int
    ) -> None:
        self.how, self.device, self.steps, self.step = targets, device, steps, 0
        self.given = torch.from_numpy(given)
        uniform = isinstance(targets, UniformTransition)
        self.diagonal = targets.diagonal if uniform else math.nan
        matrix = getattr(targets, "matrix", None)
        self.matrix = (
            None
            if matrix is None
            else torch.as_tensor(matrix, dtype=torch.float32, device=self.device)
        )
        soft = isinstance(targets, SoftTargets)
        self.soft = torch.from_numpy(np.asarray(targets.targets, np.float32)) if soft else None
        labelled = targets.labelled if soft else None
        self.labelled = None if labelled is None else torch.from_numpy(labelled)

    def __call__(self, logits: Tensor, index: Tensor) -> Tensor:
        """Mean loss of a batch: logits (B, K) of the images at `index` (B,)."""
        self.step += 1
        given = self.given[index].to(self.device)
        if self.soft is not None:
            loss = -(self.soft[index].to(self.device) * F.log_softmax(logits, 1)).sum(1).mean()
            labelled = None if self.labelled is None else self.labelled[index].to(self.device)
            if labelled is None or not labelled.any():
                return loss
            assert isinstance(self.how, SoftTargets)
            return loss + self.how.label_weight * labelled.float().mean() * forward(
                logits[labelled], given[labelled], transition=self.matrix
            )
        if self.matrix is not None:
            return forward(logits, given, transition=self.matrix)
        loss = forward(logits, given, right=self.diagonal)
        self._estimate_diagonal(logits.detach(), given)
        return loss

    def _estimate_diagonal(self, logits: Tensor, given: Tensor) -> None:
        """Move the diagonal towards the mean posterior probability of a batch that the given label is
        right: one step of online EM, with a running mean in place of the whole data set.
        """
        assert isinstance(self.how, UniformTransition)  # only these have a diagonal to find
        # Not at once: T would fit a network that predicts nothing yet.
        if self.step < CONFIG.diagonal_from * self.steps:
            return
        label_p = F.softmax(logits, 1).gather(1, given[:, None])[:, 0]
        off_diagonal = (1 - self.diagonal) / (logits.shape[1] - 1)
        correct = float(
            (
                self.diagonal
                * label_p
                / (self.diagonal * label_p + off_diagonal * (1 - label_p)).clamp_min(FLOOR)
            ).mean()
        )
        memory = CONFIG.diagonal_memory
        estimate = memory * self.diagonal + (1 - memory) * correct
        self.diagonal = min(max(estimate, self.how.low), self.how.high)
