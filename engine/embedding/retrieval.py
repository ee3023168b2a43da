"""The numbers of metric learning: how well an embedding brings images of one class together, seen
classes or not.

Retrieval (Musgrave, Belongie, Lim 2020): every image asks, all others answer. Verification
(Schroff, Kalenichenko, Philbin 2015): are two images of the same class, by a threshold on their
similarity? All figures are shares in 0..1, on a stratified sample whose size they carry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.data.splits import stratified
from engine.embedding.neighbours import Neighbours, vote
from engine.embedding.space import Space, short_digest
from engine.errors import DataError
from engine.files.atomic import read_json, write_json
from engine.progress import Progress, no_progress

QUERIES = 10_000  # images that ask and answer in retrieval
PAIRED = 3_000  # images whose every pair is judged in verification: 4.5 million pairs
KS = (1, 3, 5, 7, 9, 13, 17, 25, 35, 51, 75, 101)
FAR = 1e-3  # share of different pairs that may be accepted, as in FaceNet
HARDEST = 24
ROWS = 256  # queries compared at once


def retrieval(
    embeddings: np.ndarray, labels: np.ndarray, progress: Progress = no_progress
) -> dict[str, float]:
    """precision_at_1, r_precision and map_at_r (0..1) when each of N embeddings (N, D) is a query
    to the others; labels (N,) int64, all >= 0.

    R is the number of others of the asker's class: R-precision is the share of that class among the
    R nearest; MAP@R also asks whether it comes first. An image without another of its class does
    not ask; `asked` is how many do.
    """
    import torch

    vectors, classes = _unit(embeddings), torch.from_numpy(labels)
    others = torch.bincount(classes)[classes] - 1  # (N,) R of each asker
    deepest = int(others.max())
    sums = np.zeros(3)
    for start in range(0, len(vectors), ROWS):
        stop = min(start + ROWS, len(vectors))
        similarity = vectors[start:stop] @ vectors.T
        similarity.diagonal(start).fill_(-2)
        nearest = similarity.topk(max(deepest, 1), dim=1).indices  # (rows, deepest)
        depth = others[start:stop, None]
        rank = torch.arange(1, nearest.shape[1] + 1)
        hit = (classes[nearest] == classes[start:stop, None]) & (rank <= depth)
        asks = depth[:, 0] > 0
        precision = hit.cumsum(1) / rank
        share = 1 / depth[:, 0].clamp_min(1)
        sums += [
            float(hit[asks, 0].sum()),
            float((hit.sum(1) * share)[asks].sum()),
            float(((precision * hit).sum(1) * share)[asks].sum()),
        ]
        progress(stop, len(vectors), "ranking")
    queries = int((others > 0).sum())
    if not queries:
        raise DataError("retrieval needs classes of at least two images")
    first, r_precision, average = (float(value) for value in sums / queries)
    return {
        "precision_at_1": first,
        "r_precision": r_precision,
        "map_at_r": average,
        "asked": queries,
    }


def accuracy_against_k(
    embeddings: np.ndarray, labels: np.ndarray, queries: np.ndarray, ks: Sequence[int] = KS
) -> list[dict[str, float]]:
    """kNN accuracy of the images at `asked` (n,), each voted on by its k nearest others of all N,
    for every k below N.
    """
    ks = [k for k in ks if k < len(embeddings)]
    similarity, index = Neighbours(embeddings).search(embeddings[queries], max(ks) + 1)
    own = index == queries[:, None]
    own[~own.any(1), -1] = (
        True  # among more duplicates than k the image itself may be missing: drop the last instead
    )
    rest = ~own
    similarity, index = (array[rest].reshape(len(queries), -1) for array in (similarity, index))
    count = int(labels.max()) + 1
    truth = labels[queries]
    return [
        {
            "k": k,
            "accuracy": float(
                (vote(labels[index[:, :k]], similarity[:, :k], count).label == truth).mean()
            ),
        }
        for k in ks
    ]


def verification(embeddings: np.ndarray, labels: np.ndarray, far: float = FAR) -> dict[str, Any]:
    """Every pair of N embeddings (N, D), N at most a few thousand: same class or not, by a
    threshold on cosine similarity?

    `val` (FaceNet's validation rate) is the share of same pairs accepted at the threshold that
    accepts `far` of the different ones; `auc` and `eer` (where both errors are equal) sum up all
    thresholds; `roc` is rows of (far, val). Also the histograms of Euclidean distances, 0 to 2,
    within and between classes: `edges` (81), `same` and `different` (80), as shares of their pairs.
    """
    import torch

    vectors, classes = _unit(embeddings), torch.from_numpy(labels)
    first, second = torch.triu_indices(len(vectors), len(vectors), 1)
    similarity = (vectors @ vectors.T)[first, second].numpy()
    alike = (classes[first] == classes[second]).numpy()
    same, different = np.sort(similarity[alike]), np.sort(similarity[~alike])
    if not len(same) or not len(different):
        raise DataError("verification needs pairs of the same class and of different classes")
    rates = np.unique(np.concatenate([[0], np.logspace(-5, 0, 61), [far]]))
    thresholds = np.array([_threshold(different, rate) for rate in rates])
    accepted = 1 - np.searchsorted(same, thresholds, side="right") / len(same)
    places = np.searchsorted(different, same, side="left") + np.searchsorted(
        different, same, side="right"
    )
    grid = np.quantile(similarity, np.linspace(0, 1, 2001))
    rejected, let_in = (
        np.searchsorted(same, grid) / len(same),
        1 - np.searchsorted(different, grid) / len(different),
    )
    equal = int(np.abs(rejected - let_in).argmin())
    edges = np.linspace(0, 2, 81)
    shares = [
        np.histogram(np.sqrt(np.maximum(2 - 2 * kind, 0)), edges)[0] / len(kind)
        for kind in (same, different)
    ]
    return {
        "far": far,
        "val": float(accepted[np.searchsorted(rates, far)]),
        "threshold": float(_threshold(different, far)),
        "auc": float(places.mean() / 2 / len(different)),
        "eer": float((rejected[equal] + let_in[equal]) / 2),
        "same_pairs": len(same),
        "different_pairs": len(different),
        "images": len(vectors),
        "roc": [[float(rate), float(value)] for rate, value in zip(rates, accepted, strict=True)],
        "edges": edges.tolist(),
        "same": shares[0].tolist(),
        "different": shares[1].tolist(),
    }


def hardest(
    embeddings: np.ndarray, labels: np.ndarray, count: int = HARDEST
) -> dict[str, list[dict[str, Any]]]:
    """Where N embeddings (N, D) fail most: `alike` (nearest pairs of different classes), `apart`
    (farthest pairs of one class) and `triplets` (anchor, its farthest positive, its nearest
    negative, by how much farther the positive is, in squared distance)."""
    import torch

    vectors, classes = _unit(embeddings), torch.from_numpy(labels)
    parts: list[list[torch.Tensor]] = [[], [], [], []]
    for start in range(0, len(vectors), ROWS):
        similarity = vectors[start : start + ROWS] @ vectors.T
        same = classes[start : start + ROWS, None] == classes
        near = similarity.masked_fill(same, -2).max(1)
        same.diagonal(start).fill_(False)
        far = similarity.masked_fill_(~same, 2).min(1)
        for part, value in zip(
            parts, (near.values, near.indices, far.values, far.indices), strict=True
        ):
            part.append(value)
    near, negative, far, positive = (torch.cat(part).numpy() for part in parts)
    usable = (near > -2) & (far < 2)
    violation = np.where(usable, 2 * (near - far), -np.inf)  # squared distance is 2 - 2 s
    order = np.argsort(-violation, kind="stable")[:count]
    return {
        "alike": _pairs(np.argsort(-near, kind="stable"), negative, near, near > -2, count),
        "apart": _pairs(np.argsort(far, kind="stable"), positive, far, far < 2, count),
        "triplets": [
            {
                "anchor": int(i),
                "positive": int(positive[i]),
                "negative": int(negative[i]),
                "violation": float(violation[i]),
            }
            for i in order
            if usable[i]
        ],
    }


def measure(
    space: Space, only: Sequence[str] | None = None, seed: int = 0, progress: Progress = no_progress
) -> dict[str, Any]:
    """All figures of a space, or of its images of the classes `only`. Places of images are the
    space's. Kept on disk.

    Raises DataError if fewer than two classes have two images.
    """
    file = space.folder / f"figures-{short_digest(only, seed, QUERIES, PAIRED)}.json"
    stored = read_json(file)
    if isinstance(stored, dict) and stored:
        return stored
    wanted = [number for number, name in enumerate(space.classes) if only is None or name in only]
    members = np.flatnonzero(np.isin(space.labels, wanted))
    labels = space.labels[members]
    if (np.bincount(labels, minlength=1) > 1).sum() < 2:
        raise DataError(
            "the figures of an embedding need two classes of at least two images",
            got=", ".join(only or space.classes),
        )
    sample = members[stratified(labels, QUERIES, seed)]
    pairs = members[stratified(labels, PAIRED, seed)]
    vectors, named = np.asarray(space.embeddings[sample]), space.labels[sample]
    progress(0, 4, "measuring")
    figures: dict[str, Any] = {
        "classes": [space.classes[number] for number in wanted],
        "images": len(members),
        "sample": len(sample),
    }
    figures |= retrieval(vectors, named)
    progress(1, 4, "measuring")
    places = np.searchsorted(members, pairs)
    figures["knn"] = accuracy_against_k(np.asarray(space.embeddings[members]), labels, places)
    progress(2, 4, "measuring")
    figures["verification"] = verification(np.asarray(space.embeddings[pairs]), space.labels[pairs])
    progress(3, 4, "measuring")
    figures["hardest"] = {
        kind: [
            {
                name: int(sample[value]) if isinstance(value, int) else value
                for name, value in row.items()
            }
            for row in rows
        ]
        for kind, rows in hardest(vectors, named).items()
    }
    progress(4, 4, "measuring")
    write_json(file, figures)
    return figures


def unseen_classes(space: Space) -> list[str]:
    """The data's classes that the model was not trained on."""
    return [name for name in space.classes if name not in space.model_classes]


def measure_beside_untrained(
    embed: Callable[[str], Space], model: str, progress: Progress
) -> list[dict[str, Any]]:
    """A model's figures beside those of the same network untrained, on all classes, and on seen and
    unseen ones apart; kept beside the model's space as `measured.json`.

    embed  from a model's name, or 'untrained:' and a name, to its space
    """
    out = []
    for name in (model, f"untrained:{model}"):
        space = embed(name)
        unseen = unseen_classes(space)
        seen = [label for label in space.classes if label not in unseen]
        groups: dict[str, list[str] | None] = {"all": None}
        groups |= {
            group: names
            for group, names in (("seen", seen), ("unseen", unseen))
            if unseen and len(names) > 1
        }
        out += [
            {"model": name, "group": group, **measure(space, names, progress=progress)}
            for group, names in groups.items()
        ]
    write_json(embed(model).folder / "measured.json", out)
    return out


def _threshold(different: np.ndarray, rate: float) -> float:
    """The smallest similarity (of `different`, ascending) above which at most `rate` of them lie."""
    passed = int(rate * len(different))
    return float(different[len(different) - 1 - passed]) if passed < len(different) else -2.0


def _pairs(
    order: np.ndarray, partner: np.ndarray, similarity: np.ndarray, usable: np.ndarray, count: int
) -> list[dict[str, Any]]:
    out, seen = [], set()
    for i in order:
        pair = tuple(sorted((int(i), int(partner[i]))))
        if usable[i] and pair not in seen:
            seen.add(pair)
            out.append({"first": pair[0], "second": pair[1], "similarity": float(similarity[i])})
        if len(out) == count:
            break
    return out


def _unit(embeddings: np.ndarray) -> Any:
    import torch

    return torch.nn.functional.normalize(torch.from_numpy(np.array(embeddings, np.float32)), dim=1)
