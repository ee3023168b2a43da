"""Labelling EMNIST's capital letters ten at a time: what each strategy of proposing the next images comes
to, against asking about any.

4,000 training images wait with their labels hidden, seen through `mnist-embedding-best`, which was trained
on MNIST's digits and has seen no letter; 2,000 test images score the linear head after every ten labels.
Three seeds draw the pool's order. The figures are appended to records.csv, the curves drawn in
labelling.svg.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from bench.records import append
from engine.embedding.proposals import STRATEGIES, WORDS, Pool, fit_head
from engine.lab import Lab

MODEL, DATA = "mnist-embedding-best", "emnist62"
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
WAITING, TESTED = 4_000, 2_000
AT_ONCE, MOST, SEEDS = 10, 200, 3
STATED = (50, 100, 200)  # labels at which accuracies are recorded
COLOURS = ("#2f6fd0", "#d1495b", "#2a9d6f", "#8f5fbf", "#8a94a1")
PLOT = Path(__file__).parent / "labelling.svg"


def letters(lab: Lab, split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (count, D) float32 of capital letters and their names (count,)."""
    found = lab.data.samples(DATA, split=split, classes=LETTERS, count=count)
    names = np.array(lab.data.contents(DATA).classes)[found.labels]
    return lab.predictor(MODEL).embed(found.images), names


def curve(
    name: str, pool: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int
) -> tuple[list[float], float]:
    """Accuracy on the test images after every ten labels, and the slowest fit in seconds."""
    (vectors, labels), (test_vectors, test_labels) = pool, test
    rng, labelled, slowest = np.random.default_rng(seed), np.empty(0, np.int64), 0.0
    head, out = None, []
    while len(labelled) < MOST:
        waiting = np.setdiff1d(np.arange(len(vectors)), labelled)
        p = head.probabilities(vectors[waiting]) if head else np.zeros((len(waiting), 0))
        known = Pool(vectors, labelled, waiting, p.astype(np.float32))
        labelled = np.concatenate([labelled, STRATEGIES[name](known, AT_ONCE, rng)])
        begun = time.perf_counter()
        head = fit_head(vectors[labelled], labels[labelled].tolist())
        slowest = max(slowest, time.perf_counter() - begun)
        said = np.array(head.classes)[head.probabilities(test_vectors).argmax(1)] if head else ""
        out.append(float(np.mean(said == test_labels)))
    return out, slowest


def drawn(curves: dict[str, np.ndarray]) -> str:
    """The mean curves (steps,) of strategies as an SVG, each with its band from least to most."""
    width, height, left, bottom = 720, 420, 60, 50
    steps = AT_ONCE * np.arange(1, MOST // AT_ONCE + 1)
    top = max(float(found.max()) for found in curves.values())

    def at(x: float, y: float) -> str:
        across = left + (width - left - 150) * x / MOST
        return f"{across:.1f},{height - bottom - (height - bottom - 20) * y / top:.1f}"

    parts = []
    for number, (name, found) in enumerate(curves.items()):
        colour, mean = COLOURS[number], found.mean(0)
        band = [at(*one) for one in zip(steps.tolist(), found.max(0).tolist(), strict=True)]
        band += [
            at(*one) for one in zip(steps[::-1].tolist(), found.min(0)[::-1].tolist(), strict=True)
        ]
        line = " ".join(at(*one) for one in zip(steps.tolist(), mean.tolist(), strict=True))
        parts.append(f'<polygon points="{" ".join(band)}" fill="{colour}" opacity=".12"/>')
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{width - 140}" y="{40 + 22 * number}" fill="{colour}">{name}'
            f" {100 * mean[-1]:.1f}%</text>"
        )
    for share in np.arange(0, top, 0.1):
        x, y = at(0, share).split(",")
        parts.append(
            f'<path d="M{x} {y}H{width - 150}" stroke="#dde2e9"/>'
            f'<text x="{left - 8}" y="{float(y) + 4}" text-anchor="end">{100 * share:.0f}%</text>'
        )
    for labels in range(0, MOST + 1, 50):
        x, y = at(labels, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 20}" text-anchor="middle">{labels}</text>')
    words = "labels given, of 26 letters; accuracy on 2,000 test images, mean and range of 3 seeds"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="sans-serif" font-size="13" fill="#5b6673">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}'
        f'<text x="{left}" y="{height - 10}">{words}</text></svg>\n'
    )


def main() -> dict[str, float]:
    """Returns figures by name, appended to records.csv too; writes labelling.svg."""
    lab = Lab.open(os.environ)
    pool, test = letters(lab, "train", WAITING), letters(lab, "test", TESTED)
    out: dict[str, float] = {}
    curves: dict[str, np.ndarray] = {}
    slowest = 0.0
    fit_head(pool[0][:10], pool[1][:10].tolist())  # scikit-learn is loaded
    for name in STRATEGIES:
        found = [curve(name, pool, test, seed) for seed in range(SEEDS)]
        curves[name] = np.array([accuracies for accuracies, _ in found])
        slowest = max(slowest, *(seconds for _, seconds in found))
        for labels in STATED:
            scores = curves[name][:, labels // AT_ONCE - 1]
            key = f"{WORDS[name]} ({name}), accuracy after {labels} labels"
            out[f"{key}, mean of {SEEDS}"] = float(scores.mean())
            out[f"{key}, deviation"] = float(scores.std(ddof=1))
    out["slowest fit of the linear head, seconds"] = slowest
    PLOT.write_text(drawn(curves), encoding="utf-8")
    append(
        {"bench_or_recipe": "labelling", "metric": metric, "value": f"{value:.4g}"}
        for metric, value in out.items()
    )
    return out
