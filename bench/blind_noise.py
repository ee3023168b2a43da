"""Diagnoses of noise that nobody chose: the family of `engine/noise/noise_family.py`, its parameters
drawn by seeds that are read once. After a seed that changed the method its rows are development figures.

A row says whether the regime is right, undecided or wrong, whether the interval holds the true share
of wrong labels, and how high wrong labels are ranked (average precision), beside cleanlab's label
quality on the probabilities of a plain network. The table is written to blind_noise.md.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.records import commit, device, versions
from engine.noise.noise_family import BLIND_FROM

SETS: dict[str, int] = {"mnist": 1_500, "emnist62": 3_000}  # training images
SEEDS: dict[str, tuple[int, ...]] = {  # those that were not read: not those in noise_family.READ
    "mnist": (BLIND_FROM + 4, BLIND_FROM + 5),
    "emnist62": (BLIND_FROM + 4,),
}
TABLE = Path(__file__).parent / "blind_noise.md"
HEAD = (
    "data",
    "seed",
    "noise",
    "drawn",
    "true",
    "diagnosis",
    "interval",
    "",
    "AP",
    "cleanlab's AP",
    "CPU s",
)


@dataclass(frozen=True)
class Row:
    """One diagnosis; rates are shares 0..1, ap average precisions of wrong labels."""

    data: str
    seed: int
    noise: str
    about: str
    rate: float
    regime: str
    low: float
    high: float
    verdict: str
    ap: float
    plain_ap: float
    cpu_seconds: float

    @property
    def holds(self) -> bool:
        """Whether the interval holds the true rate, to one label in a thousand."""
        return self.low - 1e-3 <= self.rate <= self.high + 1e-3


def average_precision(suspicion: np.ndarray, wrong: np.ndarray) -> float:
    """Mean share of wrong labels among those up to each wrong one, most suspect first; nan if none
    is wrong. suspicion (N,): larger is more suspect; wrong (N,) bool.
    """
    ordered = wrong[np.argsort(-suspicion, kind="stable")]
    if not ordered.any():
        return float("nan")
    return float((ordered.cumsum() / np.arange(1, len(ordered) + 1))[ordered].mean())


def row_of(name: str, kind: str, seed: int) -> Row:
    """The diagnosis of one noise, drawn by `seed`, on one data set."""
    from engine.data.splits import stratified
    from engine.lab import Lab
    from engine.noise.noise_family import FAMILY, corrupt
    from engine.noise.pipeline import run_pipeline

    data = Lab.open(os.environ).noise.data(name)
    index = data.split("train")
    index = np.sort(index[stratified(data.labels[index], SETS[name], seed)])
    noisy = corrupt(kind, data.images[index], data.labels[index], len(data.classes), seed)
    given = replace(
        data,
        images=noisy.images,
        labels=noisy.given,
        classes=tuple(n for c, n in enumerate(data.classes) if c != noisy.gone),
        files=[str(i) for i in range(len(noisy.given))],
        splits={},
        sources=None,
    )
    begun = time.process_time()
    result = run_pipeline(given, effort="quick", seed=seed)
    seconds = time.process_time() - begun
    found, rank = result.findings, np.empty(len(noisy.given))
    rank[result.suspects.order] = -np.arange(len(rank))
    right = found.regime in FAMILY[kind].regimes
    return Row(
        data=name,
        seed=seed,
        noise=kind,
        about=noisy.about,
        rate=float(noisy.wrong.mean()),
        regime=found.regime,
        low=found.rate_low,
        high=found.rate_high,
        verdict="right" if right else "undecided" if found.regime == "undecided" else "WRONG",
        ap=average_precision(rank, noisy.wrong),
        plain_ap=average_precision(1 - cleanlab_quality(noisy.images, noisy.given), noisy.wrong),
        cpu_seconds=seconds,
    )


def cleanlab_quality(images: np.ndarray, given: np.ndarray) -> np.ndarray:
    """cleanlab's label quality (N,) from logistic regression on pixels, cross-validated: what takes
    as little to set up.
    """
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    present, labels = np.unique(given, return_inverse=True)
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    model = LogisticRegression(C=0.05, max_iter=100)
    p = np.asarray(cross_val_predict(model, pixels, labels, cv=3, method="predict_proba"))
    assert p.shape[1] == len(present)
    return get_label_quality_scores(labels, p)


def table(rows: list[Row]) -> str:
    """The rows as Markdown, with the counts above."""
    from engine.noise.shares import share

    counts = {name: sum(row.verdict == name for row in rows) for name in ("right", "undecided")}
    false_clean = sum(row.regime == "clean" and row.rate > 0.01 for row in rows)
    lines = [
        "# Blind rows",
        "",
        "Noise drawn by seeds that were not read before (`engine/noise/noise_family.py`), on",
        f"{', '.join(f'{count:,} images of {name}' for name, count in SETS.items())}, diagnosed at effort",
        f"quick. {device()}, {versions()}, commit {commit()}.",
        "Written by `python -m bench.blind_noise`.",
        "",
        f"Of {len(rows)} rows the regime is right in {counts['right']}, undecided in"
        f" {counts['undecided']}, wrong in {len(rows) - sum(counts.values())}; the interval holds the"
        f" true share in {sum(row.holds for row in rows)}; *clean* with more than 1% wrong:"
        f" {false_clean}.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---" * len(HEAD) + "|",
    ]
    for row in rows:
        cells = [
            row.data,
            str(row.seed),
            row.noise,
            row.about,
            share(row.rate),
            f"{row.regime}: {row.verdict}",
            f"{share(row.low)} to {share(row.high)}",
            "" if row.holds else "missed",
            *("" if np.isnan(ap) else f"{ap:.3f}" for ap in (row.ap, row.plain_ap)),
            f"{row.cpu_seconds:.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "AP: average precision of wrong labels among suspects. cleanlab's: its label quality on",
        "logistic regression of pixels. A row counts as right by the regimes that",
        "`noise_family.FAMILY` names for its kind.",
    ]
    return "\n".join(lines) + "\n"


def main(sets: list[str]) -> None:
    """Run the rows of these data sets (all, if none is named) and write the table after each."""
    from engine.noise.noise_family import FAMILY

    rows: list[Row] = []
    for name in sets or list(SETS):
        for seed in SEEDS[name]:
            for kind in FAMILY:
                rows.append(row_of(name, kind, seed))
                TABLE.write_text(table(rows), encoding="utf-8")
                print(rows[-1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
