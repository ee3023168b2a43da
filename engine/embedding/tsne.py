"""t-SNE (van der Maaten and Hinton 2008) on neighbours that are already known, by openTSNE."""

from __future__ import annotations

import numpy as np

from engine.errors import GlyphlabError


def lay_out_tsne(begin, index, distance, options, placed, threads, compiled, progress):  # noqa: ANN001 - see project
    """A layout for `engine.embedding.projection.MAP_METHODS`: coordinates (N, dims) and what to note."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = max(1.0, options.near / 3)
    if options.near < 6:
        raise GlyphlabError("t-SNE needs more neighbours", expected="6 or more", got=options.near)
    order = np.ascontiguousarray(index), np.ascontiguousarray(distance, dtype=np.float64)
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(*order),
        perplexity=min(perplexity, index.shape[1] / 3),  # pyright: ignore[reportArgumentType]
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
