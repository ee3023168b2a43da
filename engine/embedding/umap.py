"""UMAP (McInnes, Healy, Melville 2018) on neighbours that are already known: the fuzzy graph, and
the layout that follows it.

Written out rather than taken from umap-learn for three reasons that can be measured
(bench/README.md): a seed gives the same coordinates on any number of threads, an epoch can report
and be stopped, and a cold process compiles one small function instead of dozens. Every point moves
by its own random stream against the positions of the epoch before, so points are independent within
an epoch and the order in which threads reach them decides nothing.

`numba` compiles when this module is imported by `engine.embedding.projection`, which sets the
folder of compiled code first.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.optimize import curve_fit
from scipy.sparse import coo_matrix, csr_matrix

from engine.progress import Progress

NEGATIVES = 5  # repelled points for each attracted one, as in umap-learn
# Positions are refreshed so often in an epoch. With 1 the map keeps 0.3 of a percent fewer
# neighbours, with 4 or 8 no more (MNIST, n = 10,000, 3 seeds).
SWEEPS = 2
TRIES = 64  # bisection steps when a point's reach is found


class Curve(NamedTuple):
    """Similarity at distance d on the map: 1 / (1 + a d^2b)."""

    a: float
    b: float


def fit_curve(min_dist: float, spread: float = 1.0) -> Curve:
    """The curve that stays near 1 up to `min_dist` and then falls by e every `spread`."""
    distance = np.linspace(0, spread * 3, 300)
    wanted = np.where(distance < min_dist, 1.0, np.exp(-(distance - min_dist) / spread))
    (a, b), _ = curve_fit(
        lambda x, a, b: 1 / (1 + a * x ** (2 * b)), distance, wanted, p0=(1.0, 1.0)
    )
    return Curve(float(a), float(b))


def memberships(distance: np.ndarray) -> np.ndarray:
    """How strongly each neighbour belongs, (N, k) float32 in 0..1, from distances (N, k) without
    the point itself, nearest first.

    The nearest at a distance above zero belongs fully; beyond it strength falls exponentially, at a
    reach chosen for each point so that its neighbours' strengths sum to log2(k + 1): dense and
    sparse regions are weighed alike.
    """
    distance = distance.astype(np.float64)
    apart = np.where(distance > 0, distance, np.inf).min(1, keepdims=True)
    beyond = np.maximum(distance - np.where(np.isfinite(apart), apart, 0), 0)
    low, high, reach = (
        np.zeros(len(distance)),
        np.full(len(distance), np.inf),
        np.ones(len(distance)),
    )
    target = np.log2(distance.shape[1] + 1)
    for _ in range(TRIES):
        total = np.exp(-beyond / reach[:, None]).sum(1)
        over = total > target
        high, low = np.where(over, reach, high), np.where(over, low, reach)
        reach = np.where(np.isinf(high), reach * 2, (low + high) / 2)
        if np.all(np.abs(total - target) < 1e-5):
            break
    least = 1e-3 * np.where(np.isfinite(apart[:, 0]), distance.mean(1), distance.mean())
    return np.exp(-beyond / np.maximum(np.maximum(reach, least), 1e-12)[:, None]).astype(np.float32)


def fuzzy_graph(index: np.ndarray, distance: np.ndarray) -> csr_matrix:
    """The symmetric graph (N, N) of memberships in 0..1: p + q - pq, 'i counts j or j counts i'.
    index and distance (N, k).
    """
    count, k = index.shape
    rows = np.repeat(np.arange(count, dtype=np.int32), k)
    one_way = coo_matrix(
        (memberships(distance).ravel(), (rows, index.ravel().astype(np.int32))),
        shape=(count, count),
    ).tocsr()
    other = one_way.T.tocsr()
    graph = (one_way + other - one_way.multiply(other)).tocsr()
    graph.sort_indices()
    return graph


def lay_out(
    start: np.ndarray,
    graph: csr_matrix,
    curve: Curve,
    *,
    epochs: int,
    seed: int,
    threads: int,
    progress: Progress,
    fixed: np.ndarray | None = None,
    rate: float = 1.0,
) -> np.ndarray:
    """Coordinates (N, 2 or 3) float32 after `epochs` of attraction along `graph` and repulsion from
    random points.

    start (N, 2 or 3). With `fixed` (M, 2 or 3), graph is (N, M): points move against ones that
    stay, as new points do on a finished map. `rate` is the step at the first epoch; it falls to
    zero at the last.
    """
    count, width = start.shape
    now = np.zeros(
        (count, 4), np.float32
    )  # padded to 16 bytes; a third axis of zeros adds nothing to a map in the plane
    now[:, :width] = start
    others = now
    if fixed is not None:
        others = np.zeros((len(fixed), 4), np.float32)
        others[:, :width] = fixed
    strength = graph.data.astype(np.float32)
    rates = strength / (strength.max(initial=0) * SWEEPS or 1)
    phases = np.random.default_rng(seed).random(len(rates), dtype=np.float32)
    edges = graph.indptr.astype(np.int64), graph.indices.astype(np.int32), rates, phases
    bounds = _even_shares(graph.indptr, threads)
    shares = list(zip(bounds[:-1], bounds[1:], strict=True))
    pull = np.float32(
        2.0 if fixed is None else 1.0
    )  # an edge of the symmetric graph moves both of its ends
    shape = np.float32(curve.a), np.float32(curve.b), NEGATIVES, fixed is None
    with ThreadPoolExecutor(threads) as pool:
        for sweep in range(epochs * SWEEPS):
            after = np.empty_like(now)
            step = np.float32(rate * (1 - sweep / (epochs * SWEEPS)))
            tasks = [
                pool.submit(
                    _move, now, others, after, *edges, first, last, sweep, step, pull, *shape, seed
                )
                for first, last in shares
            ]
            for task in tasks:
                task.result()
            others = after if fixed is None else others
            now = after
            if sweep % SWEEPS == SWEEPS - 1:
                progress(sweep // SWEEPS + 1, epochs, "laying out the map")
    return now[:, :width].copy()


def _even_shares(indptr: np.ndarray, threads: int) -> list[int]:
    """Boundaries of `threads` runs of rows with about as many edges each."""
    wanted = np.linspace(0, indptr[-1], threads + 1)[1:-1]
    return [0, *np.searchsorted(indptr, wanted).tolist(), len(indptr) - 1]


@njit(cache=True, nogil=True, fastmath=True)
def _move(
    now,
    others,
    after,
    indptr,
    indices,
    rates,
    phases,
    first,
    last,
    sweep,
    step,
    pull,
    a,
    b,
    negatives,
    own,
    seed,
):
    # now (N, 4) and others (M, 4) are read, after (N, 4) is written, all float32. An edge acts in
    # the sweeps in which sweep * rate + phase passes a whole number: as often as in umap-learn's
    # schedule, without anything to keep.
    many = np.uint32(len(others))
    for i in range(first, last):
        x, y, z = now[i, 0], now[i, 1], now[i, 2]
        state = np.uint32(
            (i * 2654435761 + sweep * 40503 + seed * 69069 + 12345) & 0xFFFFFFFF
        ) | np.uint32(1)
        for _ in range(4):
            state ^= np.uint32(state << np.uint32(13))
            state ^= np.uint32(state >> np.uint32(17))
            state ^= np.uint32(state << np.uint32(5))
        for edge in range(indptr[i], indptr[i + 1]):
            if int(np.float32(sweep + 1) * rates[edge] + phases[edge]) == int(
                np.float32(sweep) * rates[edge] + phases[edge]
            ):
                continue
            j = indices[edge]
            dx, dy, dz = x - others[j, 0], y - others[j, 1], z - others[j, 2]
            square = dx * dx + dy * dy + dz * dz
            if square > np.float32(0):
                power = square**b
                force = np.float32(-2) * a * b * power / (square * (a * power + np.float32(1)))
                x += pull * step * min(max(force * dx, np.float32(-4)), np.float32(4))
                y += pull * step * min(max(force * dy, np.float32(-4)), np.float32(4))
                z += pull * step * min(max(force * dz, np.float32(-4)), np.float32(4))
            for _ in range(negatives):
                state ^= np.uint32(state << np.uint32(13))
                state ^= np.uint32(state >> np.uint32(17))
                state ^= np.uint32(state << np.uint32(5))
                other = np.int64(state % many)
                if own and other == i:
                    continue
                dx, dy, dz = x - others[other, 0], y - others[other, 1], z - others[other, 2]
                square = dx * dx + dy * dy + dz * dz
                if square > np.float32(0):
                    force = (
                        np.float32(2)
                        * b
                        / ((np.float32(0.001) + square) * (a * square**b + np.float32(1)))
                    )
                    x += step * min(max(force * dx, np.float32(-4)), np.float32(4))
                    y += step * min(max(force * dy, np.float32(-4)), np.float32(4))
                    z += step * min(max(force * dz, np.float32(-4)), np.float32(4))
        after[i, 0], after[i, 1], after[i, 2], after[i, 3] = x, y, z, np.float32(0)
