"""What training minimises: losses on logits and losses on embeddings, by name, and the miner that
picks pairs or triplets.

Every objective maps (Output, labels (B,)) to a scalar; a batch with nothing to learn from has a
loss and a gradient of zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError, unknown
from engine.models.recognizer import Output
from engine.recipes.fields import Stage
from engine.recipes.objective_checks import check_objective
from engine.training.noisy_losses import (
    complementary_nn,
    forward,
    generalised,
    scl_nl,
    small_loss,
    weighted_complementary,
)


def cross_entropy(logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with label smoothing (Szegedy et al. 2015, arXiv 1512.00567)."""
    return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)


def nll(logits: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of log-probabilities; on plain logits it is cross-entropy, since
    log-softmax is idempotent.
    """
    return F.nll_loss(F.log_softmax(logits, 1), labels)


def focal(logits: Tensor, labels: Tensor, *, alpha: float = 1.0, gamma: float = 2.0) -> Tensor:
    """−α (1 − p)^γ log p of the true class (Lin et al. 2017, arXiv 1708.02002)."""
    log_p = F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return (-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()


def triplet(
    embeddings: Tensor, labels: Tensor, *, margin: float = 0.2, mining: str = "semihard"
) -> tuple[Tensor, dict[str, float]]:
    """Triplet margin loss on squared distances with online mining within the batch (Schroff et al.
    2015, arXiv 1503.03832).

    embeddings: (B, D), L2-normalised, so squared distances lie in 0..4. mining: 'semihard' takes
    every negative that is farther than the positive but inside the margin; 'all' every violation;
    'hard' the farthest positive and nearest negative of each anchor. Returns the mean over the
    triplets taken (zero with a zero gradient if there are none) and their number.
    """
    squared = (2 - 2 * embeddings @ embeddings.T).clamp_min(0)
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    if mining == "hard":
        far = squared.masked_fill(~positive, -1).amax(1)
        near = squared.masked_fill(same, 9).amin(1)
        usable = positive.any(1) & ~same.all(1)
        violation = (far - near + margin)[usable].clamp_min(0)
        violation = violation[violation > 0]
    elif mining in ("semihard", "all"):
        anchor, match = positive.nonzero(as_tuple=True)
        to_positive, to_others = squared[anchor, match], squared[anchor]  # (P,), (P, B)
        gap = to_others - to_positive[:, None]
        taken = ~same[anchor] & (gap < margin)
        if mining == "semihard":
            taken &= gap > 0
        violation = (margin - gap)[taken]
    else:
        raise RecipeError(unknown("mining", mining, ("semihard", "all", "hard")))
    loss = violation.mean() if len(violation) else embeddings.sum() * 0
    return loss, {"active_triplets": float(len(violation))}


class CosineSoftmax(nn.Module):
    """Cross-entropy of the cosines between embeddings and a learned direction for each class, with a
    margin that the own class has to be ahead by (Wang et al. 2018, "CosFace", arXiv 1801.09414).

    The directions begin short, so that the optimiser's steps, which are as long for every weight,
    turn them within an epoch: pytorch-metric-learning's begin a hundred times as long.
    """

    def __init__(
        self,
        classes: int,
        embedding: int,
        *,
        scale: float = 16.0,
        margin: float = 0.1,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(classes, embedding) * 0.02)
        self.scale, self.margin, self.label_smoothing = scale, margin, label_smoothing

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """embeddings: (B, D), L2-normalised; labels: (B,) int64 → the mean, a scalar."""
        cosines = embeddings @ F.normalize(self.directions, dim=1).T
        behind = cosines - self.margin * F.one_hot(labels, len(self.directions))
        return F.cross_entropy(self.scale * behind, labels, label_smoothing=self.label_smoothing)


class Loss(NamedTuple):
    reads: str  # 'logits' or 'embeddings'
    function: Callable[..., Any]
    about: str


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss("logits", cross_entropy, "cross-entropy, with label smoothing"),
    "nll": Loss("logits", nll, "negative log-likelihood on log-softmax"),
    "focal": Loss("logits", focal, "focal loss: easy images count less"),
    "forward": Loss(
        "logits",
        forward,
        "forward correction: through a transition matrix, for labels that are wrong in a known way",
    ),
    "scl_nl": Loss("logits", scl_nl, "−log(1 − p of the label), for complementary labels"),
    "complementary_nn": Loss(
        "logits", complementary_nn, "the non-negative unbiased risk of complementary labels"
    ),
    "weighted_complementary": Loss(
        "logits", weighted_complementary, "the weighted loss L-W, for complementary labels"
    ),
    "generalised": Loss(
        "logits", generalised, "generalised cross-entropy, for labels some of which are wrong"
    ),
    "small_loss": Loss(
        "logits", small_loss, "cross-entropy of the images that fit best, for many random labels"
    ),
    "cosine_softmax": Loss(
        "embeddings", CosineSoftmax, "cross-entropy of cosines to a learned direction a class"
    ),
    "triplet": Loss("embeddings", triplet, "triplet margin loss with online mining, as in FaceNet"),
}

# Losses and miners of pytorch-metric-learning that engine/recipes/metric_learning.py lists can be named by their
# class, e.g. `loss: MultiSimilarityLoss`.


class Objective(nn.Module):
    """A loss by name with its options, and its miner; `info` holds what the last call counted
    (active triplets).
    """

    def __init__(self, stage: Stage, classes: int, embedding: int) -> None:
        """classes: K, each of which turned_classes makes four. embedding: D. Raises RecipeError for
        an unknown loss, miner or option.
        """
        super().__init__()
        check_objective("this stage", stage, known_noise=True)
        classes *= 4 if stage.turned_classes else 1
        self.info: dict[str, float] = {}
        self.miner = (
            _metric_learning("miner", stage.miner, stage.miner_options, classes, embedding)
            if stage.miner
            else None
        )
        self.learned: nn.Module | None = None
        if stage.loss in LOSSES:
            entry = LOSSES[stage.loss]
            self.reads, self.function = entry.reads, entry.function
            self.options = dict(stage.loss_options)
            if isinstance(entry.function, type):  # a loss with weights of its own
                self.learned = entry.function(classes, embedding, **self.options)
        else:
            self.learned = _metric_learning(
                "loss", stage.loss, stage.loss_options, classes, embedding
            )
            self.reads, self.function, self.options = "embeddings", self.learned, {}

    def forward(self, output: Output, labels: Tensor) -> Tensor:
        if self.reads == "logits":
            return self.function(output.logits, labels, **self.options)
        if self.learned is None:
            loss, self.info = self.function(output.embeddings, labels, **self.options)
            return loss
        if self.miner is None:
            return self.learned(output.embeddings, labels)
        mined = self.miner(output.embeddings, labels)
        self.info = {"active_triplets" if len(mined) == 3 else "active_pairs": float(len(mined[0]))}
        return self.learned(output.embeddings, labels, mined)


def _metric_learning(
    kind: str, name: str, options: dict[str, Any], classes: int, embedding: int
) -> nn.Module:
    """A class of pytorch-metric-learning by name, built; kind: 'loss' or 'miner'. Raises RecipeError for
    values that it does not take.
    """
    import pytorch_metric_learning.losses  # pyright: ignore[reportMissingTypeStubs]
    import pytorch_metric_learning.miners  # pyright: ignore[reportMissingTypeStubs]

    module = {"loss": pytorch_metric_learning.losses, "miner": pytorch_metric_learning.miners}[kind]
    built = getattr(module, name)
    wanted = {
        parameter
        for parent in inspect.getmro(built)  # CosFaceLoss hands most of its arguments on
        if "__init__" in vars(parent)
        for parameter in inspect.signature(parent.__init__).parameters
    }
    given = {
        key: value
        for key, value in (
            ("num_classes", classes),
            *((name, embedding) for name in ("embedding_size", "descriptors_dim")),
        )
        if key in wanted
    }
    try:
        return built(**{**given, **options})
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"{kind} '{name}' can't be built with {options}", got=str(error)[:160]
        ) from None
