import numpy as np
import pytest

from engine import metrics


def probabilities(n: int = 200, k: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k)) + 2 * (labels[:, None] == np.arange(k))
    return labels, metrics.softmax(logits)


def test_top_k_agrees_with_sorting_each_row() -> None:
    labels, p = probabilities()
    for k in (1, 2, 3, 9):
        slow = np.mean(
            [label in np.argsort(-row)[:k] for label, row in zip(labels, p, strict=True)]
        )
        assert metrics.top_k(labels, p, k) == pytest.approx(slow)
    assert metrics.top_k(labels, p, 1) == metrics.accuracy(labels, p)


def test_confusion_counts_rows_by_truth_and_columns_by_prediction() -> None:
    matrix = metrics.confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    precision, recall = metrics.precision_recall(matrix)
    assert precision[:2].tolist() == [0.5, 0.5] and np.isnan(precision[2])
    assert recall.tolist() == [0.5, 1, 0]


def test_calibration_error_agrees_with_a_loop_over_bins() -> None:
    labels, p = probabilities(500)
    confidence, right = p.max(1), p.argmax(1) == labels
    slow = 0.0
    for i in range(15):
        inside = (confidence >= i / 15) & (confidence < (i + 1) / 15)
        if inside.any():
            slow += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert metrics.calibration_error(labels, p) == pytest.approx(slow)


def test_the_fitted_temperature_has_the_least_loss() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 2000)
    logits = rng.normal(size=(2000, 4)) + 1.5 * (labels[:, None] == np.arange(4))
    best = metrics.fit_temperature(labels, 3 * logits)  # three times too sure
    losses = {
        t: metrics.log_loss(labels, metrics.softmax(3 * logits / t))
        for t in np.linspace(0.5, 4.9, 200)
    }
    assert best == pytest.approx(min(losses, key=losses.get), abs=0.05)
    assert metrics.fit_temperature(labels[:5], logits[:5]) == 1  # too few to fit on


def test_the_wilson_interval_solves_its_own_equation() -> None:
    for right, n in ((0, 10), (7, 10), (992, 1000)):
        low, high = metrics.wilson_interval(right, n)
        for p in (low, high):
            if 0 < p < 1:  # |p̂ − p| = z √(p(1−p)/n) at both ends
                assert abs(right / n - p) == pytest.approx(
                    1.96 * np.sqrt(p * (1 - p) / n), rel=1e-6
                )
        assert 0 <= low <= right / n <= high <= 1
    assert metrics.wilson_interval(0, 0) == (0, 1)


def test_thresholds_name_the_first_epoch_that_reached_them() -> None:
    rows = [
        {"epoch": 1, "val_accuracy": 0.6},
        {"epoch": 2, "val_accuracy": 0.93},
        {"epoch": 3, "val_accuracy": 0.91},
        {"epoch": 4, "val_accuracy": None},
    ]
    assert metrics.first_reached(rows, "epoch", "val_accuracy") == {"0.5": 1, "0.8": 2, "0.9": 2}


def test_the_speed_of_a_training_is_that_of_all_its_epochs() -> None:
    rows = [
        {"images_seen": 50, "seconds": 9.0, "images_per_second": 6.0},
        {"images_seen": 100, "seconds": 10.0, "images_per_second": 85.0},
    ]
    assert metrics.images_per_second(rows) == 10.0
    assert metrics.images_per_second([]) is None
    assert metrics.images_per_second([{"seconds": 9.0}]) is None, "of an old run"


def test_a_report_is_plain_json_with_a_row_a_class() -> None:
    import json

    labels, p = probabilities(50)
    labels[labels == 4] = 3  # a class without images
    said = metrics.report(labels, p, list("abcde"))
    assert json.loads(json.dumps(said, allow_nan=False))["n"] == 50
    assert [row["class"] for row in said["per_class"]] == list("abcde") and said["per_class"][4][
        "recall"
    ] is None
