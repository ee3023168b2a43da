"""Losses for labels that are wrong in a known way. Each maps logits (B, K) f32 and given labels
(B,) int64 to a scalar.

With T, row the true class and column the given one, a network that ought to predict the true class
is trained on given labels by passing its prediction through T first (forward correction).
Complementary labels, each of which names a class that its image does not belong to (Ishida et al.
2017, arXiv 1705.07541), are the T with nothing on its diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.errors import RecipeError

FLOOR = 1e-8  # a T of exact zeros would make a single contradicting label infinitely bad


def forward(
    logits: Tensor,
    labels: Tensor,
    *,
    transition: Sequence[Sequence[float]] | Tensor | None = None,
    right: float = 0.0,
) -> Tensor:
    """Forward correction (Patrini et al. 2017, arXiv 1609.03683): mean of −log p(given label), where
    p(given) is the prediction times T.

    transition  T (K, K), rows summing to 1; None: `right` on the diagonal and the rest spread
                evenly
    """
    log_p = F.log_softmax(logits, 1)
    if transition is None:
        own, classes = log_p.gather(1, labels[:, None])[:, 0].exp(), logits.shape[1]
        return (
            -(right * own + (1 - right) / (classes - 1) * (1 - own)).clamp_min(FLOOR).log().mean()
        )
    matrix = torch.as_tensor(transition, dtype=log_p.dtype, device=log_p.device)
    square = (logits.shape[1], logits.shape[1])
    if matrix.shape != square:
        raise RecipeError(
            "loss 'forward': the transition matrix has the wrong shape",
            expected=square,
            got=tuple(matrix.shape),
        )
    return -torch.logsumexp(log_p + matrix.clamp_min(FLOOR).log().T[labels], 1).mean()


def scl_nl(logits: Tensor, labels: Tensor) -> Tensor:
    """−log(1 − p of the given label): SCL-NL for complementary labels (Chou et al. 2020, arXiv
    2007.02235).

    Up to a constant it is the forward loss of uniform complementary labels (Yu et al. 2018, arXiv
    1711.09535).
    """
    return -_log_not(F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]).mean()


def complementary_nn(logits: Tensor, labels: Tensor, *, ascent: bool = True) -> Tensor:
    """The unbiased risk of complementary labels, kept from going below zero (Ishida et al. 2019,
    arXiv 1810.04327).

    The risk of a class is Σ cross-entropy over all images − (K − 1) · that over the images whose
    label excludes the class. An estimate that has become negative is overfitted: with `ascent` its
    gradient is reversed, without it is set to zero.
    """
    classes = logits.shape[1]
    losses = -F.log_softmax(logits, 1)  # (B, K): the loss of each image if it were of each class
    excluded = F.one_hot(labels, classes).to(losses.dtype)
    risk = (losses * (1 - excluded) - (classes - 2) * losses * excluded).mean(
        0
    )  # (K,): Σ over all, less (K − 1) times the excluded
    if not ascent:
        return risk.clamp_min(0).sum()
    return risk.sum() if bool((risk >= 0).all()) else -risk[risk < 0].sum()


def weighted_complementary(logits: Tensor, labels: Tensor) -> Tensor:
    """L-W for complementary labels (Gao & Zhang 2021, ICML): −log q of the label, where q is the softmax
    of 1 − p, that is of how little each class is predicted; an image weighs up to K/(K − 1), the more,
    the less its label is predicted.
    """
    others = 1 - F.softmax(logits, 1)
    log_q = F.log_softmax(others, 1).gather(1, labels[:, None])[:, 0]
    weight = 1 + others.gather(1, labels[:, None])[:, 0] / (logits.shape[1] - 1)
    return -(weight * log_q).mean()


def generalised(logits: Tensor, labels: Tensor, *, q: float = 0.7) -> Tensor:
    """(1 − p^q)/q of the label: generalised cross-entropy (Zhang & Sabuncu 2018, arXiv 1805.07836),
    between cross-entropy (q → 0) and the mean absolute error (1), which wrong labels move less.
    """
    if not 0 < q <= 1:
        raise RecipeError("loss 'generalised': q is a power", expected="above 0, at most 1", got=q)
    log_p = F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return (-torch.expm1(q * log_p) / q).mean()


def small_loss(logits: Tensor, labels: Tensor, *, keep: float = 0.7) -> Tensor:
    """Cross-entropy of the `keep` share of a batch that fits best: small-loss selection, as each
    network of co-teaching does for the other (Han et al. 2018, arXiv 1804.06872). Correct labels
    are learned before wrong ones, so the selected ones are mostly correct."""
    if not 0 < keep <= 1:
        raise RecipeError(
            "loss 'small_loss': keep is a share", expected="above 0, at most 1", got=keep
        )
    each = F.cross_entropy(logits, labels, reduction="none")
    count = max(1, round(keep * len(each)))
    return each.topk(count, largest=False).values.mean()


def _log_not(log_p: Tensor) -> Tensor:
    """log(1 − p) from log p, finite and with a finite gradient at p = 1."""
    return torch.log1p(-log_p.exp().clamp_max(1 - 1e-6))
