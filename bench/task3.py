"""mnistTask3 from its ruined labels alone: the whole diagnosis at full effort, read once by MNIST's true
labels. It takes about 40 minutes on two cores, and goes on after its last network where it was stopped.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from bench.ablation import true_labels
from bench.records import append_figures

SEED = 0


def main(kept: Path = Path("task3")) -> dict[str, float]:
    """Diagnose, append to records.csv, and return every figure by name. kept: folder of the predictions
    that are there already.
    """
    from engine.lab import Lab
    from engine.noise.pipeline import run_pipeline
    from engine.noise.prediction_cache import PredictionCache

    lab, begun = Lab.open(os.environ), time.perf_counter()
    data = lab.dataset("task3")
    kept.mkdir(parents=True, exist_ok=True)
    result = run_pipeline(data, seed=SEED, cache=PredictionCache(kept))
    seconds = time.perf_counter() - begun
    true = true_labels(np.asarray(data.images[result.index]), lab.dataset("mnist"))
    known, found = true >= 0, result.findings
    figures = {
        "likely classes right": float((result.suspects.likely == true)[known].mean()),
        "wrong labels, true share": float((result.given != true)[known].mean()),
        "wrong labels, found": found.rate,
        "wrong labels, at least": found.rate_low,
        "wrong labels, at most": found.rate_high,
    }
    append_figures("task3", figures, seconds, digits=6, seed=SEED)
    return figures
