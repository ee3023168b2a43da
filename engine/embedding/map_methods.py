"""The ways to make a map: one literal table, and the lab's own UMAP among them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.embedding.tsne import lay_out_tsne
from engine.embedding.umap_learn import lay_out_densities, lay_out_plain, lay_out_supervised


def compile_into(compiled: Path | None) -> None:
    """Have numba keep what it compiles in a folder: beside the sources may not be writable."""
    import numba

    if compiled is not None:
        numba.config.CACHE_DIR = str(compiled)  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]


def own_umap(compiled: Path | None) -> Any:
    """The module engine.embedding.umap, imported when it is first needed: it compiles."""
    if "engine.embedding.umap" not in sys.modules:
        compile_into(compiled)
    import engine.embedding.umap

    return engine.embedding.umap


def _umap(begin, index, distance, options, placed, threads, compiled, progress):  # noqa: ANN001 - see project
    layout = own_umap(compiled)
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


class MapMethod(NamedTuple):
    """One way to make a map.

    layout      from neighbours that are known to coordinates (None: the axes of largest variance)
    whole       from embeddings, labels and options to coordinates, by a library that searches for
                neighbours itself (None: `layout` does it)
    neighbours  the default; matters: the options that matter
    """

    layout: Callable[..., tuple[np.ndarray, dict[str, Any]]] | None
    neighbours: int
    matters: tuple[str, ...]
    about: str
    whole: Callable[..., tuple[np.ndarray, dict[str, Any]]] | None = None


_OF_UMAP = ("neighbours", "min_dist", "metric", "epochs", "seed")

MAP_METHODS: dict[str, MapMethod] = {
    "umap": MapMethod(
        _umap,
        15,
        _OF_UMAP,
        "UMAP: keeps neighbourhoods, and more of the large picture than t-SNE (McInnes et al."
        " 2018)",
    ),
    "tsne": MapMethod(
        lay_out_tsne,
        90,
        ("neighbours", "metric", "epochs", "seed"),
        "t-SNE: keeps small neighbourhoods best; distances between clusters mean little (van der"
        " Maaten and Hinton 2008)",
    ),
    "pca": MapMethod(
        None, 15, (), "PCA: the directions of largest variance; nothing is bent, much is hidden"
    ),
    "umap-learn": MapMethod(
        None, 15, _OF_UMAP, "UMAP by umap-learn, its authors' library: to compare", lay_out_plain
    ),
    "densmap": MapMethod(
        None,
        15,
        _OF_UMAP,
        "densMAP by umap-learn: dense regions stay dense (Narayan et al. 2021)",
        lay_out_densities,
    ),
    "umap-supervised": MapMethod(
        None,
        15,
        _OF_UMAP,
        "UMAP by umap-learn, pulled together by labels: it looks parted even if the model is not",
        lay_out_supervised,
    ),
}
