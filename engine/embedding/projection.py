"""Maps of an embedding in two or three dimensions: UMAP, t-SNE and PCA, and how far each can be
trusted.

UMAP and t-SNE start from the exact neighbours of `engine.embedding.neighbours` and from the PCA
map, so that a seed gives the same coordinates again on the same machine. Coordinates are stored all
the same, and never promised across machines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.embedding.neighbours import Neighbours
from engine.errors import DataError, GlyphlabError, unknown
from engine.progress import Progress, no_progress

DISTANCES = {
    "cosine": "1 − cosine similarity",
    "euclidean": "straight line between unit vectors: the same neighbours, far ones closer",
}
JUDGED = 1000  # points that faithfulness is measured at
JUDGED_NEIGHBOURS = 15


@dataclass(frozen=True)
class Options:
    """How to make a map. `neighbours`: what counts as near, by default 15 for UMAP and 90 for
    t-SNE, whose perplexity is a third of it; `min_dist`: how tightly UMAP may pack points, 0 to 1;
    `epochs`: None leaves it to the method."""

    method: str = "umap"
    dims: int = 2
    neighbours: int | None = None
    min_dist: float = 0.1
    metric: str = "cosine"
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in MAP_METHODS:
            raise GlyphlabError(unknown("projection", self.method, MAP_METHODS))
        if self.neighbours is None:
            object.__setattr__(self, "neighbours", MAP_METHODS[self.method].neighbours)
        if self.metric not in DISTANCES:
            raise GlyphlabError(unknown("metric", self.metric, DISTANCES))
        for name, low, high in (
            ("dims", 2, 3),
            ("neighbours", 2, 500),
            ("min_dist", 0, 1),
            ("epochs", 1, 10_000),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise GlyphlabError(
                    f"the map's {name} can't be used", expected=f"{low} to {high}", got=value
                )
        if self.method == "tsne" and self.dims != 2:
            raise GlyphlabError(
                "t-SNE maps have two dimensions here",
                got=self.dims,
                hint="Use umap or pca for three.",
            )

    def used(self) -> dict[str, Any]:
        """Only the choices that matter to the method: what a stored map is found by."""
        matter = ("method", "dims", *MAP_METHODS[self.method].matters)
        return {name: value for name, value in asdict(self).items() if name in matter}


@dataclass(frozen=True)
class Projection:
    """A map. coordinates (N, dims) float32; `faithful` as `faithfulness` returns it; `notes` what
    the method has to say of itself.
    """

    coordinates: np.ndarray
    options: Options
    faithful: dict[str, float]
    notes: dict[str, Any] = field(default_factory=dict)


def project(
    embeddings: np.ndarray,
    options: Options,
    *,
    known: tuple[np.ndarray, np.ndarray] | None = None,
    start: np.ndarray | None = None,
    threads: int = 1,
    compiled: Path | None = None,
    progress: Progress = no_progress,
) -> Projection:
    """A map of embeddings (N, D) float, N at least 4.

    known: similarity and index (N, at least `neighbours`) as from `Neighbours.search_own`, searched
    here if not given. start (N, dims): where UMAP's points begin, for maps that should lie alike;
    the PCA map if not given. compiled: folder for compiled code.
    """
    count = len(embeddings)
    if count < 4:
        raise DataError("a map needs more points", expected="at least 4 embeddings", got=count)
    flat, notes = pca(embeddings, options.dims)
    layout = MAP_METHODS[options.method].layout
    coordinates = flat
    if layout is not None:
        k = min(options.neighbours, count - 1)
        similarity, index = (
            known if known is not None else Neighbours(embeddings).search_own(k, progress)
        )
        distance = _distance(similarity[:, :k], options.metric)
        begin = flat if start is None else start
        coordinates, notes = layout(
            begin, index[:, :k], distance, options, start is not None, threads, compiled, progress
        )
    progress(0, 1, "judging the map")
    faithful = faithfulness(embeddings, coordinates, seed=options.seed)
    progress(1, 1, "judging the map")
    return Projection(coordinates.astype(np.float32), options, faithful, notes)


def transform(
    new: np.ndarray,
    embeddings: np.ndarray,
    projection: Projection,
    *,
    threads: int = 1,
    compiled: Path | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Where new embeddings (n, D) lie on a finished map of `embeddings` (N, D): coordinates (n,
    dims) float32. The map stays as it is.

    PCA: the same axes. t-SNE: among their neighbours. UMAP: among their neighbours, then pulled and
    pushed by the points that stay.
    """
    options = projection.options
    if options.method == "pca":
        mean, axes = _axes(embeddings, options.dims)[:2]
        return ((np.asarray(new, np.float32) - mean) @ axes.T).astype(np.float32)
    similarity, index = Neighbours(embeddings).search(new, options.neighbours)
    layout = _layout(compiled)
    strength = layout.memberships(_distance(similarity, options.metric))
    share = strength / strength.sum(1, keepdims=True)
    begin = (projection.coordinates[index] * share[:, :, None]).sum(1).astype(np.float32)
    if options.method == "tsne":
        return begin
    from scipy.sparse import csr_matrix

    rows = np.arange(0, index.size + 1, index.shape[1])
    graph = csr_matrix((strength.ravel(), index.ravel(), rows), shape=(len(index), len(embeddings)))
    epochs = 100 if len(index) <= 10_000 else 30
    return layout.lay_out(
        begin,
        graph,
        layout.fit_curve(options.min_dist),
        epochs=epochs,
        seed=options.seed,
        threads=threads,
        progress=progress,
        fixed=projection.coordinates,
        rate=0.25,
    )


def aligned(
    series: Sequence[np.ndarray],
    options: Options,
    *,
    threads: int = 1,
    compiled: Path | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Maps of the same n images at several times, each (n, D), on shared axes: coordinates (times,
    n, dims) float32.

    The last is laid out first, the others backwards from it: each begins where its successor's
    points lie and is turned to fit them, so that what moves is the embedding and not the map.
    """
    out: list[np.ndarray] = []
    for place, embeddings in enumerate(reversed(series)):

        def step(done: int, total: int, what: str, place: int = place) -> None:
            progress(
                place * 1000 + round(1000 * done / max(total, 1)),
                len(series) * 1000,
                "laying out the epochs",
            )

        begin = out[-1] if out and options.method != "pca" else None
        found = project(
            embeddings, options, start=begin, threads=threads, compiled=compiled, progress=step
        ).coordinates
        out.append(turned(found, out[-1]) if out else found)
    return np.stack(out[::-1])


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
    mean, axes, shares = _axes(embeddings, dims)
    return ((np.asarray(embeddings, np.float32) - mean) @ axes.T).astype(np.float32), {
        "variance": [float(share) for share in shares]
    }


def faithfulness(
    embeddings: np.ndarray, coordinates: np.ndarray, k: int = JUDGED_NEIGHBOURS, seed: int = 0
) -> dict[str, float]:
    """How far a map can be trusted, at up to 1,000 points against all N; each figure is 1 at best.

    `kept`: share of the k true neighbours that are among the k nearest on the map.
    `trustworthiness` (Venna and Kaski 2001): 1 minus a penalty for each neighbour on the map that
    is none, by how far down the true order it stands; about 0.5 for a random map.
    """
    import torch
    from scipy.spatial import cKDTree

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


def _axes(embeddings: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def _distance(similarity: np.ndarray, metric: str) -> np.ndarray:
    apart = np.maximum(1 - similarity, 0)
    return np.sqrt(2 * apart) if metric == "euclidean" else apart


def _layout(compiled: Path | None) -> Any:
    import numba

    if compiled is not None and "engine.embedding.umap" not in sys.modules:
        numba.config.CACHE_DIR = str(compiled)  # beside the sources may not be writable
    import engine.embedding.umap

    return engine.embedding.umap


def _umap(begin, index, distance, options, placed, threads, compiled, progress):  # noqa: ANN001 - see project
    layout = _layout(compiled)
    progress(0, 1, "building the graph")
    graph = layout.fuzzy_graph(index, distance)
    epochs = options.epochs or (500 if len(index) <= 10_000 else 200)  # as umap-learn
    begin = begin - begin.mean(0)
    begin = begin * (
        10 / (np.abs(begin).max() or 1)
    )  # also from map to map, or parts that do not touch would drift apart for ever
    rate = 0.5 if placed else 1.0  # what is placed already should settle, not start over
    curve = layout.fit_curve(options.min_dist)
    found = layout.lay_out(
        begin,
        graph,
        curve,
        epochs=epochs,
        seed=options.seed,
        threads=threads,
        progress=progress,
        rate=rate,
    )
    return found, {"edges": int(graph.nnz), "epochs": epochs}


def _tsne(begin, index, distance, options, placed, threads, compiled, progress):  # noqa: ANN001 - see project
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = max(1.0, options.neighbours / 3)
    if options.neighbours < 6:
        raise GlyphlabError(
            "t-SNE needs more neighbours", expected="6 or more", got=options.neighbours
        )
    order = np.ascontiguousarray(index), np.ascontiguousarray(distance, dtype=np.float64)
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(*order),
        perplexity=min(perplexity, index.shape[1] / 3),
        n_jobs=threads,
    )
    scale = np.std(begin[:, 0]) or 1
    rounds = ((250, 12, 0.5), ((options.epochs or 500), 1, 0.8))
    total = sum(count for count, _, _ in rounds)
    small = begin.astype(np.float64) / scale * 1e-4
    map_ = TSNEEmbedding(
        small,
        affinities,
        negative_gradient_method="auto",
        n_jobs=threads,
        random_state=options.seed,
    )
    before = 0
    for count, exaggeration, momentum in rounds:

        def step(iteration: int, error: float, found: np.ndarray, before: int = before) -> None:
            progress(before + iteration, total, "laying out the map")

        map_ = map_.optimize(
            count,
            exaggeration=exaggeration,
            momentum=momentum,
            learning_rate="auto",
            callbacks=[step],
            callbacks_every_iters=10,
        )
        before += count
    return np.asarray(map_), {
        "perplexity": perplexity,
        "kl_divergence": float(map_.kl_divergence),
        "epochs": total,
    }


class MapMethod(NamedTuple):
    """One way to make a map: its layout (None: the axes of largest variance), its default
    `neighbours`, the options that matter.
    """

    layout: Callable[..., tuple[np.ndarray, dict[str, Any]]] | None
    neighbours: int
    matters: tuple[str, ...]
    about: str


MAP_METHODS: dict[str, MapMethod] = {
    "umap": MapMethod(
        _umap,
        15,
        ("neighbours", "min_dist", "metric", "epochs", "seed"),
        "UMAP: keeps neighbourhoods, and more of the large picture than t-SNE (McInnes et al."
        " 2018)",
    ),
    "tsne": MapMethod(
        _tsne,
        90,
        ("neighbours", "metric", "epochs", "seed"),
        "t-SNE: keeps small neighbourhoods best; distances between clusters mean little (van der"
        " Maaten and Hinton 2008)",
    ),
    "pca": MapMethod(
        None, 15, (), "PCA: the directions of largest variance; nothing is bent, much is hidden"
    ),
}
