"""What a network is trained on: given labels through a transition matrix, or soft targets; and the
loss of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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

    early: weight of `EarlyLearning`, 0 for none.

    Targets repeat the mistakes of the network that made them. Of mistaken targets only one in K - 1
    is contradicted by a complementary label, so that term must weigh more than one that merely
    agrees.
    """

    targets: np.ndarray
    matrix: np.ndarray | None = None
    labelled: np.ndarray | None = None
    label_weight: float = CONFIG.label_weight
    early: float = 0.0


@dataclass(frozen=True)
class LabelLoss:
    """Train on given labels by a loss of logits (B, K), given labels (B,) and positions (B,) among all
    images, for methods that are compared.
    """

    function: Callable[[Tensor, Tensor, Tensor], Tensor]


Targets = UniformTransition | FixedTransition | SoftTargets | LabelLoss


class EarlyLearning:
    """The term of early-learning regularisation (ELR, Liu et al. 2020, arXiv 2007.00151): log(1 − ⟨t, p⟩),
    where t is the running mean of an image's predictions p. It holds a network to what it said before it
    had learned single targets by heart, be they wrong.
    """

    def __init__(self, images: int, classes: int) -> None:
        self.means = torch.zeros(images, classes)

    def __call__(self, logits: Tensor, index: Tensor) -> Tensor:
        """Mean over a batch: logits (B, K) of the images at `index` (B,)."""
        p = F.softmax(logits.float(), 1).clamp(1e-4, 1 - 1e-4)
        said = (p.detach() / p.detach().sum(1, keepdim=True)).cpu()
        self.means[index] = 0.7 * self.means[index] + 0.3 * said  # 0.7: the paper's β
        return (1 - (self.means[index].to(p.device) * p).sum(1)).log().mean()


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
        early = targets.early if soft else 0.0
        self.early = EarlyLearning(*self.soft.shape) if self.soft is not None and early else None
        labelled = targets.labelled if soft else None
        self.labelled = None if labelled is None else torch.from_numpy(labelled)

    def __call__(self, logits: Tensor, index: Tensor) -> Tensor:
        """Mean loss of a batch: logits (B, K) of the images at `index` (B,)."""
        self.step += 1
        given = self.given[index].to(self.device)
        if isinstance(self.how, LabelLoss):
            return self.how.function(logits, given, index)
        if self.soft is not None:
            assert isinstance(self.how, SoftTargets)
            loss = -(self.soft[index].to(self.device) * F.log_softmax(logits, 1)).sum(1).mean()
            if self.early is not None:
                loss = loss + self.how.early * self.early(logits, index)
            labelled = None if self.labelled is None else self.labelled[index].to(self.device)
            if labelled is None or not labelled.any():
                return loss
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
