"""A diagnosis of arrays, without a lab."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noisy_labels import simulated_logits

from engine.errors import DataError
from engine.lab import Lab
from engine.metrics import softmax
from engine.noise import arrays
from engine.noise.arrays import diagnose, diagnose_probabilities
from engine.noise.geometry import describe
from engine.noise.hypotheses import about_names
from engine.noise.inject import add_noise
from engine.noise.transition import uniform_transition


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


def test_probabilities_of_any_model_are_diagnosed_and_reported(digits) -> None:
    true = digits.labels
    given = add_noise(true, 10, "symmetric", 0.2, 0)
    found = diagnose_probabilities(
        given,
        softmax(simulated_logits(true, 10)),
        describe(digits.images, 64),
        images=digits.images[:, 0],
    )
    assert found.regime == "symmetric" and found.rate_low < 0.2 < found.rate_high
    table = found.to_pandas()
    assert list(table.columns) == ["index", "given", "likely", "score", "confidence"]
    wrong = (given != true)[table["index"]]
    assert wrong[:300].mean() > 0.9 and table["score"].iloc[0] < 0.01
    page = found.report()
    assert page.count("<img") == 60 and "Symmetric noise" in page and "<script" not in page
    first = int(found.order[0])
    left_open = replace(found, regime="undecided", likely=given).report()
    assert f"<figcaption>{given[first]} ({first})</figcaption>" in left_open and " → " in page
    assert " → " not in left_open.partition("Most suspect")[2]
    assert "Likeliest correct by accident" in replace(found, regime="complementary").report()
    doubted = replace(found, likely=given, score=np.full(len(given), 0.4)).report()
    assert f"{given[first]} → not known ({first})" in doubted
    assert "row" in page.partition("<h2>T")[2][:80], "what T is, is said beside it"


def test_probabilities_of_noisy_labels_are_not_corrected_twice(digits) -> None:
    """A model that was trained on labels of which 40% name the next class predicts these labels."""
    true = digits.labels
    given = add_noise(true, 10, "pairs", 0.4, 0)
    matrix = 0.6 * np.eye(10) + 0.4 * np.roll(np.eye(10), 1, 1)
    of_label = softmax(simulated_logits(true, 10)) @ matrix
    found = diagnose_probabilities(given, of_label, describe(digits.images, 64))
    assert found.regime == "class-dependent"
    assert np.abs(found.transition - matrix).max() < 0.1
    wrong = given != true
    assert found.score[wrong].mean() < 0.1 and found.score[~wrong].mean() > 0.9
    assert (found.likely == true).mean() > 0.95


def test_complementary_labels_take_probabilities_of_the_class(digits) -> None:
    true = digits.labels
    given = add_noise(true, 10, "complementary", 1.0, 0)
    of_class, vectors = softmax(simulated_logits(true, 10)), describe(digits.images, 64)
    assert diagnose_probabilities(given, of_class, vectors, of="class").regime == "complementary"
    of_label = of_class @ uniform_transition(10, 0.0)
    open_to_all = diagnose_probabilities(given, of_label, vectors)
    assert open_to_all.regime == "undecided" and open_to_all.rate_high == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(3, int)}, "labels have the wrong shape"),
        ({"labels": np.zeros(60)}, "labels are numbers of classes"),
        ({"labels": np.arange(60) % 2 - 1}, "leave out images without a label"),
        ({"pred_probs": np.ones((60, 2))}, "rows that sum to 1"),
        ({"pred_probs": np.ones((60, 1))}, "probabilities have the wrong shape"),
        ({"embeddings": np.ones((5, 2))}, "embeddings have the wrong shape"),
        ({"images": np.zeros((60, 8, 8))}, "images have the wrong shape or type"),
        (
            {"images": np.zeros((60, 8, 8, 2), np.uint8)},
            r"or \(N, H, W, C\) with 1 or 3 channels C",
        ),
        ({"classes": ["a"]}, "names of classes are missing"),
        ({"of": "labels"}, "did you mean 'label'"),
    ],
)
def test_arrays_that_do_not_fit_are_errors(change: dict, message: str) -> None:
    fitting = {
        "labels": np.arange(60) % 2,
        "pred_probs": np.full((60, 2), 0.5),
        "embeddings": np.ones((60, 3)),
    }
    with pytest.raises(DataError, match=message):
        diagnose_probabilities(**{**fitting, **change})


def test_images_become_bright_ink_on_dark_squares() -> None:
    page = np.full((60, 40, 30), 250, np.uint8)
    page[:, 10:20, 10:20] = 0
    squares = arrays._squares(page)
    assert squares.shape == (60, 1, 28, 28) and squares.dtype == np.uint8
    assert squares[0, 0, 0, 0] == 5 and squares.max() > 200
    grey = np.repeat(page[..., None], 3, axis=3)
    assert arrays._squares(grey).shape[1] == 1
    small = r"^the set of images is too small to find label noise in: 20 images of 2 classes\. Needed: 50"
    with pytest.raises(DataError, match=small):
        diagnose(page[:20], np.arange(20) % 2)


def test_labels_of_two_classes_are_never_complementary(digits) -> None:
    """A label that excludes one of two classes names the other, up to names that images don't carry."""
    chosen = digits.labels < 2
    true = digits.labels[chosen]
    found = diagnose_probabilities(
        1 - true, softmax(simulated_logits(true, 2)), describe(digits.images[chosen], 64)
    )
    assert found.regime != "complementary"
    assert about_names(2) == ("symmetric",) and "complementary" in about_names(3)
