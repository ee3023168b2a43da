"""Networks of one hidden layer on descriptors of the images, cross-validated: seconds, where networks on
pixels take minutes. Trained on the given labels as they are, they predict p(given label | image);
trained through a transition matrix, p(true class | image) under a hypothesis about the labels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.metrics import softmax
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.targets import TargetLoss, Targets
from engine.progress import Progress, no_progress

BATCH = 128


def descriptor_logits(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    classes: int,
    seed: int = 0,
    targets: Targets | None = None,
    progress: Progress = no_progress,
    config: NoiseConfig = CONFIG,
) -> np.ndarray:
    """Logits (F, n, K) float32 of all images by each fold's network, which was trained on the others.

    vectors (n, D): descriptors; given (n,) labels; fold (n,); targets: as of the pipeline's networks,
    None: the labels as they are.
    """
    x = torch.from_numpy(np.asarray(vectors / max(float(vectors.std()), 1e-6), np.float32))
    labels, out = np.asarray(given, np.int64), []
    for number in range(int(fold.max()) + 1):
        trained = torch.from_numpy(np.flatnonzero(fold != number))
        network = _trained_network(x, labels, trained, classes, seed + number, targets, config)
        with torch.no_grad():
            out.append(network(x).numpy())
        progress(number + 1, int(fold.max()) + 1, "comparing labels with what images look like")
    return np.stack(out)


def own_fold(by_fold: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Of predictions (F, n, K) those by the network of each image's own fold (n, K): out of sample."""
    return by_fold[fold.astype(np.int64), np.arange(len(fold))]


def propagated_probabilities(
    by_fold: np.ndarray, fold: np.ndarray, neighbours: np.ndarray, config: NoiseConfig = CONFIG
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-sample probabilities (n, K) float32 from logits (F, n, K) of each fold's network, twice:
    propagated among nearest neighbours, and averaged once.

    Each image's are averaged with those of its neighbours (n, k), these with theirs and so on, all
    predicted by the network of the image's own fold, which was trained on none of that fold's labels.
    This is label propagation (Zhou et al. 2004) of predictions: neighbours have one label.
    """
    out = np.empty(by_fold.shape[1:], np.float32)
    averaged_once = np.empty_like(out)
    for number, logits in enumerate(by_fold):
        held, p = np.flatnonzero(fold == number), softmax(logits)
        for turn in range(config.propagation_rounds):
            near = np.zeros_like(p)
            for column in neighbours.T:
                near += p[column] / neighbours.shape[1]
            if turn == 0:
                averaged_once[held] = (p[held] + near[held]) / 2
            p = (1 - config.propagation_weight) * p + config.propagation_weight * near
        out[held] = p[held]
    return out, averaged_once


def _trained_network(
    x: torch.Tensor,
    labels: np.ndarray,
    index: torch.Tensor,
    classes: int,
    seed: int,
    targets: Targets | None,
    config: NoiseConfig,
) -> nn.Module:
    """A network trained on the descriptors x (n, D) at `index` (m,): on their `labels` (n,) by
    cross-entropy, or on `targets` by the loss of the pipeline's networks. AdamW, one cycle of the
    learning rate; weights and order follow from `seed`.
    """
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(x.shape[1], config.descriptor_network_width),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(config.descriptor_network_width, classes),
    )
    epochs = min(
        config.descriptor_network_epochs, max(4, config.descriptor_network_images // len(index))
    )
    steps = epochs * -(-len(index) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3, weight_decay=0.05)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    draws, given = torch.Generator().manual_seed(seed), torch.from_numpy(labels)
    loss_of = TargetLoss(targets, labels, x.device, steps) if targets else None
    for _ in range(epochs):
        for batch in index[torch.randperm(len(index), generator=draws)].split(BATCH):
            logits = network(x[batch])
            loss = loss_of(logits, batch) if loss_of else F.cross_entropy(logits, given[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rates.step()
    return network.eval()
