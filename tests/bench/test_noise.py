"""The panel of label noise: a small trial of each sort, and what its table says."""

from __future__ import annotations

import numpy as np
import pytest
from factories import shapes

from bench import noise
from bench.noise_methods import EXCLUDING, NAMED
from bench.noise_rows import part


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_each_method_trains_on_labels_of_either_sort(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    symmetric = noise.trial("digits", "symmetric", 0, 300, "brief", 4_000)
    assert list(symmetric["accuracy"]) == list(NAMED)
    assert symmetric["tested"] == 355
    assert all(value > 0.3 for value in symmetric["accuracy"].values())  # chance is 0.1
    excluding = noise.trial("digits", "complementary", 0, 300, "brief", 4_000)
    assert list(excluding["accuracy"]) == list(EXCLUDING) and excluding["rate"] == 1
    text = noise.table([symmetric, excluding])
    assert "Of 2 diagnoses" in text and "| digits | symmetric | 355 |" in text
    assert text.count("| digits |") == 4


def row(ours: float, best: float | None, **more: object) -> dict:
    return {
        "accuracy": {"plain": 0.2, "GCE": best, "ours": ours, "true labels": 1.0},
        "tested": 400,
    }


def test_ours_is_within_the_interval_of_the_best_or_is_not():
    assert noise.best_of_others([row(0.5, 0.9)]) == ("GCE", 0.9)
    assert noise.within([row(0.88, 0.9)]) and not noise.within([row(0.85, 0.9)])
    assert noise.within([row(0.3, None)])  # a method that has given up is not the best


def test_a_part_of_a_set_keeps_images_files_and_splits_together():
    data = shapes(60)
    first, *others = data.classes
    found = part(data, [first.upper(), *("" for _ in others[1:]), first.upper()])
    kept = np.flatnonzero(np.isin(data.labels, [0, len(data.classes) - 1]))
    assert found.classes == (first.upper(),) and len(found) == len(kept) > 0
    assert found.files == [data.files[i] for i in kept]
    for name, rows in data.splits.items():
        assert [found.files[i] for i in found.splits[name]] == [
            data.files[i] for i in rows if i in kept
        ]
