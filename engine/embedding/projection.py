"""Maps of an embedding in two or three dimensions: UMAP, t-SNE and PCA, and how far each can be
trusted.

UMAP and t-SNE start from the exact neighbours of `engine.embedding.neighbours` and from the PCA
map, so that a seed gives the same coordinates again on the same machine. Coordinates are stored all
the same, and never promised across machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.embedding.axes import pca, principal_axes, turned
from engine.embedding.faithfulness import faithfulness
from engine.embedding.map_methods import MAP_METHODS, compile_into, own_umap
from engine.embedding.neighbours import Neighbours
from engine.errors import DataError, GlyphlabError, unknown
from engine.progress import Progress, no_progress

DISTANCES = {
    "cosine": "1 − cosine similarity",
    "euclidean": "straight line between unit vectors: the same neighbours, far ones closer",
}


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

    @property
    def near(self) -> int:
        """What counts as near: `neighbours`, or the method's own number."""
        return self.neighbours or MAP_METHODS[self.method].neighbours

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
    labels: np.ndarray | None = None,
    threads: int = 1,
    compiled: Path | None = None,
    progress: Progress = no_progress,
) -> Projection:
    """A map of embeddings (N, D) float, N at least 4.

    known: similarity and index (N, at least `neighbours`) as from `Neighbours.search_own`, searched
    here if not given. start (N, dims): where UMAP's points begin, for maps that should lie alike;
    the PCA map if not given. labels (N,) int64, -1 for none: what a supervised map goes by.
    compiled: folder for compiled code.
    """
    count = len(embeddings)
    if count < 4:
        raise DataError("a map needs more points", expected="at least 4 embeddings", got=count)
    flat, notes = pca(embeddings, options.dims)
    layout, whole = MAP_METHODS[options.method].layout, MAP_METHODS[options.method].whole
    coordinates = flat
    if whole is not None:
        compile_into(compiled)
        coordinates, notes = whole(embeddings, labels, options, start, progress)
    elif layout is not None:
        k = min(options.near, count - 1)
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

    PCA: the same axes. UMAP: among their neighbours, then pulled and pushed by the points that
    stay. Others: among their neighbours.
    """
    options = projection.options
    if options.method == "pca":
        mean, axes = principal_axes(embeddings, options.dims)[:2]
        return ((np.asarray(new, np.float32) - mean) @ axes.T).astype(np.float32)
    similarity, index = Neighbours(embeddings).search(new, options.near)
    layout = own_umap(compiled)
    strength = layout.memberships(_distance(similarity, options.metric))
    share = strength / strength.sum(1, keepdims=True)
    begin = (projection.coordinates[index] * share[:, :, None]).sum(1).astype(np.float32)
    if options.method != "umap":
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


def laid_beside(
    embeddings: np.ndarray,
    still: np.ndarray,
    options: Options,
    *,
    threads: int = 1,
    compiled: Path | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """A map of embeddings (N, D) that lies as near as it can to another map of the same N images,
    `still` (N, dims): coordinates (N, dims) float32.

    UMAP's points begin where those of `still` are and settle gently; every map is then turned and
    mirrored, but not stretched. What still moves of an embedding that has not changed is the layout.
    Of 364 digits it is 0.18 of the map's spread, where points that start over as for a new map
    move by 0.46; both keep as many neighbours of another embedding (0.56; n = 1).
    """
    if options.method != "umap":
        found = project(embeddings, options, threads=threads, compiled=compiled, progress=progress)
        return turned(found.coordinates, still)
    layout = own_umap(compiled)
    similarity, index = Neighbours(embeddings).search_own(
        min(options.near, len(embeddings) - 1), progress
    )
    epochs = min(options.epochs or 200, 200 if len(index) <= 10_000 else 80)
    found = layout.lay_out(
        (still - still.mean(0)).astype(np.float32),
        layout.fuzzy_graph(index, _distance(similarity, options.metric)),
        layout.fit_curve(options.min_dist),
        epochs=epochs,
        seed=options.seed,
        threads=threads,
        progress=progress,
        rate=0.25,
    )
    return turned(found, still)


def _distance(similarity: np.ndarray, metric: str) -> np.ndarray:
    apart = np.maximum(1 - similarity, 0)
    return np.sqrt(2 * apart) if metric == "euclidean" else apart
