"""A classifier for an embedding that was trained without one: the nearest class mean (Mensink et al. 2013,
doi:10.1109/TPAMI.2013.83; the prototypes of Snell et al. 2017, arXiv:1703.05175).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.recognizer import Recognizer

CLASS_MEANS = "nearest class mean"  # as metrics name it
SHARPNESS = 16.0  # of the cosine in the logits; the temperature that is fitted afterwards mends it


def fit_class_means(model: Recognizer, embeddings: Tensor, labels: Tensor, classes: int) -> bool:
    """Make the logits those of the cosine to the mean of each class, whatever the head held before.

    embeddings (n, D) f32, L2-normalised, and labels (n,) int64 of training images; a class of which there
    is none gets the logit 0. False, and nothing done, where the head has layers of its own to be trained
    before the last: through random ones the means would say little.
    """
    *before, last = _layers(model)
    if not isinstance(last, nn.Linear) or any(list(part.parameters()) for part in before):
        return False
    inputs = nn.Sequential(*before).eval()(embeddings.to(last.weight.device))
    inputs = F.normalize(inputs, dim=1)
    means = torch.zeros(classes, inputs.shape[1], device=inputs.device)
    means.index_add_(0, labels.to(inputs.device), inputs)
    with torch.no_grad():
        last.weight.copy_(F.normalize(means, dim=1))
        if last.bias is not None:
            last.bias.zero_()
    return True


def sharpen(model: Recognizer, logits: Tensor) -> float:
    """Scale the logits (n, K) of a head of `fit_class_means` so that the largest is about `SHARPNESS` on
    average: features may be of any length. The factor.
    """
    last = _layers(model)[-1]
    assert isinstance(last, nn.Linear), "a head of fit_class_means"
    factor = SHARPNESS / max(float(logits.amax(1).mean()), 1e-6)
    with torch.no_grad():
        last.weight.mul_(factor)
    return factor


def _layers(model: Recognizer) -> list[nn.Module]:
    return list(model.head) if isinstance(model.head, nn.Sequential) else [model.head]
