"""Groups of images that lie close together on a map, found without their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DamagedError
from engine.files.atomic import write_array
from engine.files.checked import map_array

if TYPE_CHECKING:
    from pathlib import Path

    from engine.embedding.projection import Options
    from engine.embedding.space import Space

NONE = -1  # of an image that is in no cluster
MOST = 10_000  # points that are clustered; of more, so many are drawn and the others join theirs
SHARE = 0.005  # of the images, the least that make a cluster …
LEAST = 5  # … and how many at any rate
NEAR = 10  # neighbours that say how dense it is round a point


def hdbscan(coordinates: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, 2 or 3) float32 → (N,) int64: the cluster of each point, 0 for the largest; NONE where it is in
    none. HDBSCAN (Campello, Moulavi, Sander 2013) as scikit-learn has it, whose time grows with the
    square of the points.
    """
    from sklearn.cluster import HDBSCAN
    from sklearn.neighbors import NearestNeighbors

    count = len(coordinates)
    points = np.asarray(coordinates, np.float64)
    drawn = np.arange(count)
    if count > MOST:
        drawn = np.sort(np.random.default_rng(seed).permutation(count)[:MOST])
    least = max(LEAST, round(SHARE * len(drawn)))
    if len(drawn) < 2 * least:
        return np.full(count, NONE, np.int64)
    method = HDBSCAN(min_cluster_size=least, min_samples=min(NEAR, least))
    method.set_params(copy=True)  # what it is given stays as it is
    found = method.fit_predict(points[drawn])
    if count > MOST:
        near = NearestNeighbors(n_neighbors=1).fit(points[drawn])
        found = found[near.kneighbors(points, return_distance=False)[:, 0]]
    sizes = np.bincount(found[found >= 0])
    rank = np.empty(len(sizes) + 1, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    rank[-1] = NONE  # what -1 counts from the end
    return rank[found]


def clusters_file(space: Space, options: Options) -> Path:
    """Where the clusters of a map are kept."""
    return space.folder / f"clusters-{space.map_name(options)}.npy"


def find_clusters(space: Space, options: Options) -> np.ndarray | None:
    """The clusters (N,) int64 of a map, if they were found before."""
    try:
        kept = map_array(clusters_file(space, options), "")
    except DamagedError:  # or not there
        return None
    return np.asarray(kept, np.int64) if kept.shape == (len(space),) else None


def make_clusters(space: Space, options: Options, coordinates: np.ndarray) -> np.ndarray:
    """The clusters of a map, found now unless they are kept."""
    found = find_clusters(space, options)
    if found is None:
        found = hdbscan(coordinates)
        write_array(clusters_file(space, options), found)
    return found
