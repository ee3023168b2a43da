"""Methods of training on noisy labels that ours is compared with: the same network, optimiser,
augmentation and number of images seen by each network. What a published method is told in its own
experiments (the true share of wrong labels; that labels are complementary) it is told here, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.models.recognizer import Recognizer
from engine.noise.benchmark import by_cleanlab
from engine.noise.config import CONFIG
from engine.noise.network import (
    Learner,
    NoisyData,
    batches,
    predict,
    small_network,
    steps_of,
    train,
)
from engine.noise.targets import EarlyLearning, FixedTransition, LabelLoss, SoftTargets, Targets
from engine.progress import no_progress
from engine.training.noisy_losses import (
    complementary_nn,
    forward,
    generalised,
    scl_nl,
    weighted_complementary,
)

GRADUAL = (
    0.3  # share of the training within which co-teaching comes to its full selection (10 of 200
)
# epochs in the paper, of which there are fewer here)


@dataclass(frozen=True)
class Problem:
    """What a method is given, and what it is scored on.

    data: images with given labels; train, test: positions (n,), (m,); true (N,): classes, -1 for none;
    posterior (N, K): of the class, by our diagnosis; rate: true share of wrong labels in training.
    """

    data: NoisyData
    train: np.ndarray
    test: np.ndarray
    true: np.ndarray
    posterior: np.ndarray
    rate: float
    epochs: int
    seed: int


Method = Callable[[Problem], float | None]


def _score(problem: Problem, model: Recognizer) -> float:
    logits = predict(problem.data, model, problem.test)[0]
    return float((logits.argmax(1) == problem.true[problem.test]).mean())


def _trained(
    targets: Callable[[Problem], Targets], problem: Problem, index: np.ndarray | None = None
) -> float:
    """Accuracy on the test images after training on these targets, of the images at `index`."""
    index = problem.train if index is None else index
    rest = (problem.epochs, problem.seed + 5, no_progress, "")
    return _score(problem, train(problem.data, index, targets(problem), *rest)[0])


def _plain(problem: Problem) -> FixedTransition:
    return FixedTransition(np.eye(problem.data.classes))


def _ours(problem: Problem) -> SoftTargets:
    return SoftTargets(problem.posterior, early=CONFIG.early_learning)


def _truth(problem: Problem) -> SoftTargets:
    """Images of no class have no target."""
    known = problem.true >= 0
    targets = np.eye(problem.data.classes, dtype=np.float32)[np.maximum(problem.true, 0)]
    return SoftTargets(targets * known[:, None])


def _by_label(loss: Callable[[Tensor, Tensor], Tensor], problem: Problem) -> LabelLoss:
    return LabelLoss(lambda logits, given, index: loss(logits, given))


def _early_learning(problem: Problem) -> LabelLoss:
    """ELR (Liu et al. 2020, arXiv 2007.00151), with the weights of the paper."""
    term = EarlyLearning(problem.data.count, problem.data.classes)

    def loss(logits: Tensor, given: Tensor, index: Tensor) -> Tensor:
        return F.cross_entropy(logits, given) + 3.0 * term(logits, index)

    return LabelLoss(loss)


def _cleanlab(problem: Problem) -> float | None:
    kept, _ = by_cleanlab(problem.data, problem.train, problem.epochs, problem.seed, no_progress)
    return None if kept is None else _trained(_plain, problem, kept)


def _co_teaching(problem: Problem) -> float:
    """Co-teaching (Han et al. 2018, arXiv 1804.06872): each of two networks trains on the images that
    fit the other best, up to 1 − rate of a batch. The mean accuracy of the two.
    """
    data, total = problem.data, steps_of(len(problem.train), problem.epochs)[1]
    torch.manual_seed(problem.seed + 5)
    pair = [
        Learner(data, small_network(data.images.data.channels, data.classes), total)
        for _ in range(2)
    ]
    given = torch.from_numpy(data.given)
    for done, (x, position) in enumerate(
        batches(data, problem.train, problem.epochs, problem.seed)
    ):
        left_out = problem.rate * min(1.0, done / max(1.0, GRADUAL * total))
        keep = max(2, round((1 - left_out) * len(position)))
        each = [F.cross_entropy(one.logits(x), given[position], reduction="none") for one in pair]
        fits = [losses.detach().topk(keep, largest=False).indices for losses in each]
        for one, losses, others in zip(pair, each, reversed(fits), strict=True):
            one.step(losses[others].mean())
    return float(np.mean([_score(problem, one.model) for one in pair]))


NAMED: dict[str, Method] = {  # for labels most of which name the class
    "plain": partial(_trained, _plain),
    "cleanlab": _cleanlab,
    "co-teaching": _co_teaching,
    "GCE": partial(_trained, partial(_by_label, generalised)),
    "ELR": partial(_trained, _early_learning),
    "ours": partial(_trained, _ours),
    "true labels": partial(_trained, _truth),
}
EXCLUDING: dict[str, Method] = {  # for labels that name a class that the image is not of
    "forward": partial(_trained, partial(_by_label, partial(forward, right=0.0))),
    "SCL-NL": partial(_trained, partial(_by_label, scl_nl)),
    "NN": partial(_trained, partial(_by_label, partial(complementary_nn, ascent=False))),
    "L-W": partial(_trained, partial(_by_label, weighted_complementary)),
    "ours": partial(_trained, _ours),
    "true labels": partial(_trained, _truth),
}
