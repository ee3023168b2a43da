"""Neighbours and maps of MNIST's 60,000 training images in a shipped model's 128 dimensions,
against scikit-learn and umap-learn.

Exact neighbours: 10,000 test images against 60,000, k = 13, beside scikit-learn's brute force and a
plain product with a top-k. Maps: the first of a process that has compiled nothing yet and its
second, which counts the judging of faithfulness; and plain umap-learn's first and second in the
same run. umap-learn gets no seed, which lets it use all cores; it finds its own approximate
neighbours, we search all of them. Faithfulness is measured alike for both. Each process's clock
starts before its imports.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.records import append

MODEL, K = "canvas-digits", 13
ROOT = Path(__file__).parent.parent

OURS = """
import time; begun = time.perf_counter()
import json, sys, numpy as np
from pathlib import Path
from engine.embedding.projection import Options, project
folder = Path(sys.argv[1])
points = np.load(folder / "train.npy")
found = project(points, Options(), threads=int(sys.argv[2]), compiled=folder / "compiled")
first = time.perf_counter() - begun
begun = time.perf_counter()
project(points, Options(), threads=int(sys.argv[2]), compiled=folder / "compiled")
print(json.dumps({"seconds": first, "warm": time.perf_counter() - begun, **found.faithful}))
"""
THEIRS = """
import time; begun = time.perf_counter()
import json, sys, warnings, numpy as np
from pathlib import Path
warnings.simplefilter("ignore")
import umap
points = np.load(Path(sys.argv[1]) / "train.npy")
umap.UMAP(metric="cosine").fit_transform(points)
first = time.perf_counter() - begun
begun = time.perf_counter()
coordinates = umap.UMAP(metric="cosine").fit_transform(points)
second = time.perf_counter() - begun
from engine.embedding.faithfulness import faithfulness
print(json.dumps({"seconds": first, "warm": second, **faithfulness(points, coordinates)}))
"""


def embeddings(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's training and test images through the model, (60,000, 128) and (10,000, 128)."""
    from engine.lab import Lab

    spaces = Lab.open(os.environ).spaces
    train, test = (
        np.asarray(spaces.embed(MODEL, "mnist", part).embeddings) for part in ("train", "test")
    )
    np.save(folder / "train.npy", train)
    return train, test


def in_a_process(text: str, *arguments: object) -> dict[str, float]:
    """What a fresh Python prints as JSON."""
    answer = subprocess.run(
        [sys.executable, "-c", text, *map(str, arguments)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def seconds(work, times: int = 3) -> float:
    """The median of several runs, after one that is not counted."""
    taken = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])


def neighbours(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Seconds of the three exact searches, taken in turn, and milliseconds of one query."""
    import torch
    from sklearn.neighbors import NearestNeighbors

    from engine.embedding.neighbours import Neighbours

    ours, theirs = (
        Neighbours(train),
        NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(train),
    )
    gallery, queries = torch.tensor(train), torch.tensor(test)

    def plain() -> None:
        for block in queries.split(500):
            (block @ gallery.T).topk(K)

    out = {
        "neighbours: 10,000 queries, seconds": seconds(lambda: ours.search(test, K)),
        "neighbours: plain product and top-k, seconds": seconds(plain),
        "neighbours: scikit-learn brute force, seconds": seconds(
            lambda: theirs.kneighbors(test), 1
        ),
        "neighbours: one query, milliseconds": 1000 * seconds(lambda: ours.search(test[0], K), 50),
    }
    same = ours.search(test[:500], K)[1] == theirs.kneighbors(test[:500], return_distance=False)
    return out | {"neighbours: share equal to scikit-learn's": float(same.mean())}


def main() -> dict[str, float]:
    """Measure, append to records.csv, and return every figure by name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = neighbours(*embeddings(folder))
        ours = in_a_process(OURS, folder, cores)
        theirs = in_a_process(THEIRS, folder)
    found |= {
        "map: ours, first of a process, nothing compiled, seconds": ours["seconds"],
        "map: ours, second of a process, seconds": ours["warm"],
        "map: umap-learn, first fit of a process, seconds": theirs["seconds"],
        "map: umap-learn, second fit, seconds": theirs["warm"],
        "map: ours, neighbours kept": ours["kept"],
        "map: umap-learn, neighbours kept": theirs["kept"],
        "map: ours, trustworthiness": ours["trustworthiness"],
        "map: umap-learn, trustworthiness": theirs["trustworthiness"],
    }
    append(
        {"bench_or_recipe": "space", "metric": metric, "value": value}
        for metric, value in found.items()
    )
    return found
