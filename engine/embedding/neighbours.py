"""Exact nearest neighbours by cosine similarity: the one search that the kNN judge, votes, noise,
maps and the canvas share.

One matrix product and a top-k, a block of queries at a time. A plain top-k of 60,000 similarities
costs more than the product that made them, so each row is first reduced to the maxima of blocks of
64: the k best similarities lie within the k blocks whose maxima are largest, and only those are
sorted. Nothing is approximated.

A few queries need no more than numpy, so that a page answers a click without loading torch. Times:
bench/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.errors import DataError, ModelError
from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    import torch

BLOCK = 64
SCRATCH = 2**25  # similarities held at once (128 MB of float32)
FEW = 8  # queries that numpy answers as fast as torch


class Vote(NamedTuple):
    """What the neighbours say. label (Q,) int64, the class with most votes; share (Q, K) float32,
    rows sum to 1.
    """

    label: np.ndarray
    share: np.ndarray


class Neighbours:
    """A gallery of embeddings to search.

    embeddings (N, D) float, any length: they are normalised here. labels (N,) int64 or None; -1 is
    unlabelled and has no vote. Arrays may be numpy (memory-mapped too) or torch. Raises ModelError
    if an embedding is not finite, as from a model that diverged.
    """

    def __init__(self, embeddings: Any, labels: Any = None, device: str = "cpu") -> None:
        vectors = _unit(embeddings)
        if not len(vectors):
            raise DataError("there is nothing to search", expected="at least one embedding")
        if labels is not None and len(labels) != len(vectors):
            raise DataError(
                "embeddings and labels differ in number",
                expected=f"{len(vectors)} labels",
                got=len(labels),
            )
        self.size = len(vectors)
        # Rows of zeros fill the last block; their similarities are set to -inf before anything is
        # compared.
        self._vectors = (
            np.pad(vectors, ((0, -self.size % BLOCK), (0, 0))) if self.size > BLOCK else vectors
        )
        self._device = device
        self.labels = None if labels is None else np.asarray(labels, dtype=np.int64)

    def __len__(self) -> int:
        return self.size

    def search(
        self, queries: Any, k: int, progress: Progress = no_progress
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest of the gallery: similarity (Q, k) float32 in -1..1, largest first, and
        index (Q, k) int64.

        queries (Q, D) or one (D,). k is cut to the gallery's size. Equal similarities come in any
        order.
        """
        vectors, k = _unit(queries), min(_checked(k), self.size)
        if vectors.shape[1] != self._vectors.shape[1]:
            width = self._vectors.shape[1]
            raise ModelError(
                "queries don't fit the gallery",
                expected=f"embeddings of {width} values",
                got=vectors.shape[1],
            )
        return (
            self._search_few(vectors, k)
            if len(vectors) <= FEW
            else self._search(vectors, k, own=False, progress=progress)
        )

    def search_own(self, k: int, progress: Progress = no_progress) -> tuple[np.ndarray, np.ndarray]:
        """As `search`, for every item of the gallery among the others: an item is never its own
        neighbour. k is cut to N - 1.
        """
        if self.size < 2:
            raise DataError(
                "one embedding has no neighbours", expected="at least 2 embeddings", got=self.size
            )
        return self._search(
            self._vectors[: self.size], min(_checked(k), self.size - 1), own=True, progress=progress
        )

    def vote(self, index: np.ndarray, similarity: np.ndarray, classes: int) -> Vote:
        """One vote a neighbour, as in the studies' kNN; a tie goes to the class whose voters are
        nearer.

        index and similarity (Q, k) as from `search`, classes K. If no neighbour has a label the
        label is -1 and the shares are 0.
        """
        if self.labels is None:
            raise DataError(
                "neighbours without labels can't vote", hint="Give Neighbours the gallery's labels."
            )
        return vote(self.labels[index], similarity, classes)

    def _search_few(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        found = queries @ self._vectors[: self.size].T  # (Q, N)
        index = np.argpartition(found, self.size - k, axis=1)[:, self.size - k :]
        similarity = np.take_along_axis(found, index, 1)
        order = np.argsort(-similarity, axis=1, kind="stable")
        return np.clip(np.take_along_axis(similarity, order, 1), -1, 1), np.take_along_axis(
            index, order, 1
        ).astype(np.int64)

    def _search(
        self, queries: np.ndarray, k: int, own: bool, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray]:
        import torch

        gallery, padded = torch.from_numpy(self._vectors).to(self._device), len(self._vectors)
        rows = max(1, min(512, SCRATCH // padded))
        similarity, index = (
            np.empty((len(queries), k), np.float32),
            np.empty((len(queries), k), np.int64),
        )
        scratch = torch.empty(min(rows, len(queries)), padded, device=self._device)
        with torch.inference_mode():
            for start in range(0, len(queries), rows):
                block = torch.from_numpy(queries[start : start + rows]).to(self._device)
                found = torch.mm(block, gallery.T, out=scratch[: len(block)])  # (rows, padded N)
                found[:, self.size :] = -torch.inf
                if own:
                    found.diagonal(start)[:] = -torch.inf
                values, places = _top(found, k)
                end = start + len(block)
                similarity[start:end], index[start:end] = (
                    values.clamp_(-1, 1).cpu().numpy(),
                    places.cpu().numpy(),
                )
                progress(end, len(queries), "searching neighbours")
        return similarity, index


def vote(labels: np.ndarray, similarity: np.ndarray, classes: int) -> Vote:
    """The vote of neighbours whose labels (Q, k) and similarities (Q, k) are known; see
    `Neighbours.vote`. classes K, 0 where no image of the data set has a label.
    """
    rows = np.repeat(np.arange(len(labels)), labels.shape[1])
    named = labels.ravel() >= 0
    rows, flat, near = rows[named], labels.ravel()[named], similarity.ravel()[named]
    counts = np.zeros((len(labels), classes), np.float32)
    nearness = np.zeros((len(labels), classes), np.float64)
    np.add.at(counts, (rows, flat), 1)
    np.add.at(
        nearness, (rows, flat), near + 1.0
    )  # -1..1 becomes 0..2, so that a vote never counts against its class
    total = counts.sum(1, keepdims=True)
    score = counts + nearness / (2 * labels.shape[1] + 1)  # nearness adds less than one vote
    # Of a data set without labels there is no class, of which argmax would find none.
    label = np.where(total[:, 0] > 0, score.argmax(1), -1) if classes else np.full(len(labels), -1)
    return Vote(label.astype(np.int64), counts / np.maximum(total, 1))


def knn_accuracy(
    gallery: Any, gallery_labels: Any, queries: Any, query_labels: Any, k: int = 13
) -> float:
    """Share (0..1) of queries (Q, D) whose class the k nearest of the gallery (N, D) vote for.
    Labels int64, (N,) and (Q,).
    """
    named, truth = np.asarray(gallery_labels), np.asarray(query_labels)
    if not len(truth):
        raise DataError("kNN accuracy needs queries", expected="at least one labelled query")
    found = Neighbours(gallery, named)
    similarity, index = found.search(queries, k)
    return float(
        (found.vote(index, similarity, int(named.max(initial=0)) + 1).label == truth).mean()
    )


def _top(found: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and places (rows, k) of the k largest in each row of (rows, padded N)."""
    blocks = found.shape[1] // BLOCK
    if found.shape[1] % BLOCK or blocks < 8 * k:
        return found.topk(k, dim=1)
    tiles = found.view(len(found), blocks, BLOCK)
    best = tiles.amax(2).topk(k, dim=1, sorted=False).indices  # (rows, k)
    held = tiles.gather(1, best[:, :, None].expand(-1, -1, BLOCK)).flatten(1)  # (rows, k * BLOCK)
    values, places = held.topk(k, dim=1)
    return values, best.gather(1, places // BLOCK) * BLOCK + places % BLOCK


def _unit(embeddings: Any) -> np.ndarray:
    """Rows of length 1 (N, D) float32, a copy; rows of zeros stay."""
    if hasattr(embeddings, "detach"):  # a torch tensor, which may be half precision and on a GPU
        embeddings = embeddings.detach().float().cpu().numpy()
    vectors = np.array(embeddings, dtype=np.float32, order="C")
    vectors = vectors[None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2:
        raise DataError("embeddings have the wrong shape", expected="(N, D)", got=vectors.shape)
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    if not np.isfinite(length).all():
        raise ModelError(
            "embeddings hold values that are not finite",
            hint="The model diverged: a lower learning rate or clipping helps.",
        )
    vectors /= np.maximum(length, 1e-12)[:, None]
    return vectors


def _checked(k: int) -> int:
    if k < 1:
        raise DataError("neighbours can't be searched", expected="k of at least 1", got=k)
    return int(k)
