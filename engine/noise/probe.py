"""A second opinion on the labels that needs seconds: a network of one hidden layer on descriptors of
the images, cross-validated. It is trained on the given labels as they are, without a hypothesis about
them, so that its probabilities are those of the *label*, not of the class.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.noise.config import CONFIG, NoiseConfig
from engine.progress import Progress, no_progress

BATCH = 128


def label_probabilities(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    neighbours: np.ndarray,
    classes: int,
    seed: int = 0,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> np.ndarray:
    """Out-of-sample probabilities of the label (n, K) float32.

    vectors (n, D): descriptors; given (n,) labels; fold (n,): each fold is predicted by a network
    that was trained on the others. The mean over the image itself and its neighbours (n, k) is
    taken, all predicted by the network of the image's own fold: what looks alike has one label.
    """
    x = torch.from_numpy(np.asarray(vectors / max(float(vectors.std()), 1e-6), np.float32))
    labels, count = torch.from_numpy(np.asarray(given, np.int64)), int(fold.max()) + 1
    out = np.empty((len(given), classes), np.float32)
    for number in range(count):
        held = np.flatnonzero(fold == number)
        trained = torch.from_numpy(np.flatnonzero(fold != number))
        network = _trained(x, labels, trained, classes, seed + number, config)
        with torch.no_grad():
            p = F.softmax(network(x), 1).numpy()
        near = np.zeros((len(held), classes), np.float32)
        for column in neighbours[held].T:
            near += p[column]
        out[held] = (p[held] + near / neighbours.shape[1]) / 2
        progress(number + 1, count, "comparing labels with what images look like")
    return out


def _trained(
    x: torch.Tensor,
    labels: torch.Tensor,
    index: torch.Tensor,
    classes: int,
    seed: int,
    config: NoiseConfig,
) -> nn.Module:
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(x.shape[1], config.probe_width),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(config.probe_width, classes),
    )
    epochs = min(config.probe_epochs, max(4, config.probe_views // len(index)))
    steps = epochs * -(-len(index) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3, weight_decay=0.05)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in index[torch.randperm(len(index), generator=draws)].split(BATCH):
            loss = F.cross_entropy(network(x[batch]), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rates.step()
    return network.eval()
