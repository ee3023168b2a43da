"""Axes of an embedding: principal components, and turning one map onto another."""

from __future__ import annotations

from typing import Any

import numpy as np


def rotation(moving: np.ndarray, still: np.ndarray) -> np.ndarray:
    """The rotation or reflection (dims, dims) float32 after which `moving` (N, dims), times it,
    lies nearest to `still`, both centred.
    """
    left, _, right = np.linalg.svd((moving - moving.mean(0)).T @ (still - still.mean(0)))
    return (left @ right).astype(np.float32)


def turned(moving: np.ndarray, still: np.ndarray) -> np.ndarray:
    """`moving` (N, dims) shifted, turned and mirrored, but not stretched, to lie as near as it can
    to `still` (N, dims).
    """
    return ((moving - moving.mean(0)) @ rotation(moving, still) + still.mean(0)).astype(np.float32)


def pca(embeddings: np.ndarray, dims: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates (N, dims) float32 along the directions of largest variance, and the share of it
    that each holds.
    """
    mean, axes, shares = principal_axes(embeddings, dims)
    return ((np.asarray(embeddings, np.float32) - mean) @ axes.T).astype(np.float32), {
        "variance": [float(share) for share in shares]
    }


def principal_axes(embeddings: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (D,), the `dims` axes of largest variance (dims, D), and the share of it on each (dims,)."""
    import torch

    vectors = torch.from_numpy(np.array(embeddings, np.float32))
    mean = vectors.mean(0)
    values, axes = torch.linalg.eigh(
        ((vectors - mean).T @ (vectors - mean)).double() / len(vectors)
    )
    axes = axes.flip(1).T[:dims].float().numpy()
    axes = (
        axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    )  # the sign of an axis is free: fix it
    if len(axes) < dims:
        axes = np.pad(axes, ((0, dims - len(axes)), (0, 0)))
    shares = (values.flip(0) / values.sum().clamp_min(1e-12)).numpy()[:dims]
    return mean.numpy(), axes.astype(np.float32), shares
