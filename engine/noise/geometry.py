"""Descriptors of images, without any of their labels, and nearest neighbours by these.

The descriptor is a histogram of oriented gradients (Dalal & Triggs 2005): stroke directions in a grid
of cells, reduced by principal components. Nothing in it was trained, so it presumes no classes; of
photographs it sees little, which shows in how mixed neighbourhoods are. Beside it, of grey images, stands
the embedding of `character_shapes`, by which hands differ less and characters more.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from engine.embedding.neighbours import Neighbours
from engine.noise.character_shapes import character_shapes
from engine.noise.config import CONFIG, NoiseConfig
from engine.progress import Progress, no_progress

DIRECTIONS = 8
CELLS = 7  # a side
AT_ONCE = 1024


def descriptors(
    images: np.ndarray, config: NoiseConfig = CONFIG, progress: Progress = no_progress
) -> np.ndarray:
    """Descriptors (N, D) float32 of images (N, C, H, W) uint8: gradients and, of grey images, unless there
    are so many that networks on their pixels learn more, the shapes of characters.
    """
    gradients = describe(images, config.descriptor_components)
    if images.shape[1] > 1 or len(images) > config.shape_images:
        return gradients
    shapes = character_shapes(images, progress)
    weighted = config.shape_weight * _of_unit_length(shapes - shapes.mean(0))
    return np.concatenate([_of_unit_length(gradients), weighted], 1)


def _of_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, D), whose mean is 0, at a root mean square length of 1."""
    return vectors / max(float(np.sqrt((vectors**2).sum(1).mean())), 1e-6)


def describe(images: np.ndarray, components: int) -> np.ndarray:
    """Descriptors (N, D) float32, D at most `components`, of images (N, C, H, W) uint8."""
    raw = np.concatenate(
        [_gradients(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
    )
    raw -= raw.mean(0)
    values, axes = np.linalg.eigh(raw.T @ raw / len(raw))
    return raw @ axes[:, np.argsort(-values)[:components]].astype(np.float32)


@torch.no_grad()
def _gradients(images: np.ndarray) -> np.ndarray:
    """Histograms of gradient directions (n, DIRECTIONS · CELLS²) float32, length 1."""
    grey = torch.tensor(np.asarray(images)).float().mean(1, keepdim=True)
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    strength = (across**2 + down**2).sqrt()
    turn = torch.atan2(down, across) / (2 * torch.pi) * DIRECTIONS  # −D/2 … D/2
    lower = turn.floor()
    part = turn - lower
    bins = torch.zeros(len(grey), DIRECTIONS, *grey.shape[2:])
    for number, share in ((lower, 1 - part), (lower + 1, part)):
        bins.scatter_add_(1, number.long() % DIRECTIONS, strength * share)
    cells = _cells(grey.shape[2]) @ bins @ _cells(grey.shape[3]).T
    cells = cells / (cells.sum(1, keepdim=True).mean((2, 3), keepdim=True) + 1e-6)
    vectors = cells.flatten(1).sqrt()
    return (vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-6)).numpy()


def _cells(side: int) -> torch.Tensor:
    """What each cell takes of each pixel along one side (CELLS, side): means of means of five pixels, so
    that cells overlap. As a matrix this takes a twentieth of the time of two poolings.
    """
    means = F.avg_pool1d(F.pad(torch.eye(side), (2, 2)), 5, stride=1)
    return F.adaptive_avg_pool1d(means, CELLS).T


def descriptor_neighbours(
    vectors: np.ndarray,
    classes: int,
    config: NoiseConfig = CONFIG,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Positions (N, k) int64 of each image's nearest neighbours by descriptor (N, D), nearest first, never
    itself; k is a small part of the images of a class.
    """
    of_class = len(vectors) // (config.descriptor_neighbours_of_class * max(classes, 1))
    k = min(config.descriptor_neighbours, max(config.descriptor_neighbours_least, of_class))
    return Neighbours(vectors).search_own(k, progress)[1]
