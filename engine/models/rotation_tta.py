"""Asking a network twice: the same image, turned a little to either side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.recognizer import Output, Recognizer

PAPER = -1.0  # what `engine.imaging.images.normalise` makes of paper


class Turned(Recognizer):
    """A network that, when it is asked, sees every image turned by `degrees` to the left and to the
    right, and says the mean of both.

    Logits are mean log-probabilities, embeddings the mean of both, L2-normalised. In training it
    sees an image once, as it comes. Two looks err less than one, and both are resampled, as every
    augmented image of training was and an image that is read is not. Averaging over changed copies
    of an image: Krizhevsky et al. 2012.
    """

    def __init__(self, body: Sequence[nn.Module], head: nn.Module, degrees: float) -> None:
        super().__init__(body, head)
        self.degrees = degrees

    def forward(self, x: Tensor) -> Output:
        if self.training:
            return super().forward(x)
        embeddings, logits = super().forward(both_ways(x, self.degrees))
        count = x.shape[0]  # not len, which an export would take for a constant
        log_p = F.log_softmax(logits, 1)
        return Output(
            F.normalize(embeddings[:count] + embeddings[count:], dim=1),
            (log_p[:count] + log_p[count:]) / 2,
        )


def both_ways(x: Tensor, degrees: float) -> Tensor:
    """(B, C, h, w) f32 in -1..1 → (2B, C, h, w): all turned by `degrees` to one side, then all to
    the other, paper in the corners.
    """
    count, channels, height, width = x.shape
    angle = torch.deg2rad(torch.tensor([degrees, -degrees], device=x.device))
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros(2, device=x.device)
    turns = torch.stack(
        [cosine, -sine * height / width, zero, sine * width / height, cosine, zero], 1
    ).view(2, 2, 3)
    grid = F.affine_grid(turns, [2, 1, height, width], align_corners=False)
    flat = (x - PAPER).reshape(1, count * channels, height, width).expand(2, -1, -1, -1)
    return (
        F.grid_sample(flat, grid, align_corners=False).reshape(2 * count, channels, height, width)
        + PAPER
    )
