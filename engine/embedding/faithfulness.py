"""How far a map can be trusted: how many true neighbours are neighbours on it."""

from __future__ import annotations

import numpy as np

JUDGED = 1000  # points that faithfulness is measured at


JUDGED_NEIGHBOURS = 15


def faithfulness(
    embeddings: np.ndarray, coordinates: np.ndarray, k: int = JUDGED_NEIGHBOURS, seed: int = 0
) -> dict[str, float]:
    """How far a map can be trusted, at up to 1,000 points against all N; each figure is 1 at best.

    `kept`: share of the k true neighbours that are among the k nearest on the map.
    `trustworthiness` (Venna and Kaski 2001): 1 minus a penalty for each neighbour on the map that
    is none, by how far down the true order it stands; about 0.5 for a random map.
    """
    import torch
    from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

    count = len(embeddings)
    k = max(1, min(k, (count - 1) // 2))
    chosen = np.sort(np.random.default_rng(seed).permutation(count)[:JUDGED])
    near = cKDTree(coordinates).query(coordinates[chosen], k + 1)[1]
    vectors = torch.nn.functional.normalize(
        torch.from_numpy(np.array(embeddings, np.float32)), dim=1
    )
    kept, penalty = 0, 0.0
    for start in range(0, len(chosen), 100):
        rows = chosen[start : start + 100]
        others = np.stack(
            [
                _without(found, own, k)
                for found, own in zip(near[start : start + 100], rows, strict=True)
            ]
        )
        similarity = vectors[rows] @ vectors.T
        similarity[torch.arange(len(rows)), torch.from_numpy(rows)] = -2
        at = similarity.gather(1, torch.from_numpy(others))
        rank = np.stack(
            [(similarity > at[:, [column]]).sum(1).numpy() for column in range(k)], 1
        )  # 0 for the nearest
        kept += int((rank < k).sum())
        penalty += float(np.maximum(rank + 1 - k, 0).sum())
    worst = len(chosen) * k * (2 * count - 3 * k - 1) / 2
    return {
        "kept": kept / (len(chosen) * k),
        "trustworthiness": 1 - penalty / worst,
        "neighbours": k,
        "points": len(chosen),
    }


def _without(found: np.ndarray, own: int, k: int) -> np.ndarray:
    others = found[found != own]
    return others[:k]
