"""UMAP as its authors' library, umap-learn, makes it, so that a map can be compared with those in
papers: plain (McInnes et al. 2018), keeping densities (densMAP, Narayan et al. 2021), and pulled
together by labels.

The library searches neighbours of its own, approximately where there are more than 4,096 points,
and counts a point as its own first neighbour. With a seed it uses one thread; it reports nothing
and can't be stopped on the way.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.errors import DataError
from engine.progress import Progress


def lay_out_plain(embeddings, labels, options, start, progress):  # noqa: ANN001 - see MapMethod
    """A layout for `engine.embedding.projection.MAP_METHODS`: coordinates (N, dims) and notes."""
    return _fitted(embeddings, options, start, progress)


def lay_out_densities(embeddings, labels, options, start, progress):  # noqa: ANN001 - see MapMethod
    """The same, with the spread of every point's neighbourhood kept."""
    return _fitted(embeddings, options, start, progress, densmap=True)


def lay_out_supervised(embeddings, labels, options, start, progress):  # noqa: ANN001 - see MapMethod
    """The same, with points of one label (N,) int64 pulled together; -1 is a point without one.
    Raises DataError if none has one.
    """
    if labels is None or not (np.asarray(labels) >= 0).any():
        raise DataError("a map by labels needs labels", hint="Choose another projection.")
    return _fitted(embeddings, options, start, progress, labels=np.asarray(labels))


def _fitted(
    embeddings: np.ndarray,
    options: Any,
    start: np.ndarray | None,
    progress: Progress,
    labels: np.ndarray | None = None,
    densmap: bool = False,
) -> tuple[np.ndarray, dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that do not touch, of numba's own future
        from umap import UMAP

        progress(0, 1, "umap-learn lays out the map")
        mapper = UMAP(
            n_components=options.dims,
            n_neighbors=min(options.near, len(embeddings) - 1),
            min_dist=options.min_dist,
            metric=options.metric,
            n_epochs=options.epochs,
            init="spectral" if start is None else start,  # pyright: ignore[reportArgumentType]
            random_state=options.seed,
            n_jobs=1,
            densmap=densmap,
        )
        found = mapper.fit_transform(np.asarray(embeddings, np.float32), labels)
    graph: Any = mapper.graph_
    return np.asarray(found, np.float32), {"edges": int(graph.nnz), "library": "umap-learn"}
