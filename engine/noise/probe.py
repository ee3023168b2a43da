"""A second opinion on the labels that needs seconds: networks of one hidden layer on descriptors of the
images, cross-validated. Trained on the given labels as they are, their probabilities are those of the
*label*; trained through a transition matrix, those of the class under a hypothesis about the labels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.metrics import softmax
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.findings import Findings
from engine.noise.targets import TargetLoss, Targets
from engine.noise.transition import fit_temperature, log_likelihood, log_softmax
from engine.progress import Progress, no_progress

BATCH = 128


def probe_logits(
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
        network = _trained(x, labels, trained, classes, seed + number, targets, config)
        with torch.no_grad():
            out.append(network(x).numpy())
        progress(number + 1, int(fold.max()) + 1, "comparing labels with what images look like")
    return np.stack(out)


def own_fold(by_fold: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Of predictions (F, n, K) those by the network of each image's own fold (n, K): out of sample."""
    return by_fold[fold.astype(np.int64), np.arange(len(fold))]


def label_probabilities(
    by_fold: np.ndarray, fold: np.ndarray, neighbours: np.ndarray, config: NoiseConfig = CONFIG
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-sample probabilities of the label, twice (n, K) float32, from logits (F, n, K): averaged
    over what looks alike again and again, and once.

    Each image's are averaged with those of its neighbours (n, k), these with theirs and so on, all
    predicted by the network of the image's own fold, which saw none of that fold's labels: what looks
    alike has one label.
    """
    out = np.empty(by_fold.shape[1:], np.float32)
    sharp = np.empty_like(out)
    for number, logits in enumerate(by_fold):
        held, p = np.flatnonzero(fold == number), softmax(logits)
        for turn in range(config.look_alike_rounds):
            near = np.zeros_like(p)
            for column in neighbours.T:
                near += p[column] / neighbours.shape[1]
            if turn == 0:
                sharp[held] = (p[held] + near[held]) / 2
            p = (1 - config.look_alike_share) * p + config.look_alike_share * near
        out[held] = p[held]
    return out, sharp


def best_mixture(
    networks: tuple[np.ndarray, ...],
    fold: np.ndarray,
    neighbours: np.ndarray,
    given: np.ndarray,
    findings: Findings,
    config: NoiseConfig = CONFIG,
) -> np.ndarray:
    """Out-of-sample log-probabilities of the class (n, K) float32 from those of one or two kinds of
    networks, each logits (F, n, K): on pixels, and on descriptors. They are averaged with each other,
    and with those of the images that look alike (n, k). How much each weighs is chosen by the
    likelihood of the given labels (n,), which took no part.
    """
    kinds = [_alone_and_near(logits, fold, neighbours, given, findings) for logits in networks]
    tried = []
    for share in config.look_alike_shares:
        mixed = [(1 - share) * alone + share * near for alone, near in kinds]
        for weight in config.descriptor_shares if len(mixed) > 1 else (0.0,):
            p = (1 - weight) * mixed[0] + weight * mixed[-1]
            tried.append(np.log(np.maximum(p, 1e-12)))
    return max(tried, key=lambda log_p: float(log_likelihood(log_p, findings.matrix, given).mean()))


def _alone_and_near(
    by_fold: np.ndarray,
    fold: np.ndarray,
    neighbours: np.ndarray,
    given: np.ndarray,
    findings: Findings,
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-sample probabilities of the class (n, K) float32, and the mean of those of the images that
    look alike, by the same network.
    """
    own = own_fold(by_fold, fold).astype(np.float32)
    temperature = fit_temperature(own, findings.matrix, given)
    alone, near = np.exp(log_softmax(own, temperature)), np.empty(own.shape, np.float32)
    for number, logits in enumerate(by_fold):
        held = np.flatnonzero(fold == number)
        p = np.exp(log_softmax(logits, temperature))
        near[held] = np.mean([p[column] for column in neighbours[held].T], axis=0)
    return alone, near


def _trained(
    x: torch.Tensor,
    labels: np.ndarray,
    index: torch.Tensor,
    classes: int,
    seed: int,
    targets: Targets | None,
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
