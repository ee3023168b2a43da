"""Identical and nearly identical images are found, and different drawings are not taken for them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.data.duplicates import find_duplicates
from engine.lab import Lab


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return np.asarray(Lab(tmp_path_factory.mktemp("lab")).dataset("digits").images[:300])


def saved_again(image: np.ndarray) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(image[0]).save(out, "JPEG", quality=60)
    return np.asarray(Image.open(out))[None]


def test_copies_are_found_however_they_were_saved(drawings: np.ndarray) -> None:
    darker = (drawings[20:30] * 0.7).astype(np.uint8)
    again = np.stack([saved_again(image) for image in drawings[10:20]])
    found = find_duplicates(np.concatenate([drawings, drawings[:10], again, darker]))
    np.testing.assert_array_equal(found.same[300:], found.same[:30])
    np.testing.assert_array_equal(found.identical[300:310], found.identical[:10])
    assert (found.identical[310:] == np.arange(310, 330)).all()  # nearly is not identical


def test_different_drawings_are_no_copies(drawings: np.ndarray) -> None:
    found = find_duplicates(drawings)
    assert (found.same != np.arange(300)).mean() < 0.01


def test_blank_images_are_compared_with_none() -> None:
    images = np.zeros((4, 1, 28, 28), np.uint8)
    images[3, 0, 4:9, 4:9] = 255
    found = find_duplicates(images)
    assert found.blank.tolist() == [True, True, True, False]
    assert found.same.tolist() == found.identical.tolist() == [0, 1, 2, 3]


def test_a_chain_of_ever_less_similar_images_is_no_group() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 255, (2, 1, 28, 28)).astype(float)
    steps = [(1 - t) * one + t * other for t in np.linspace(0, 1, 41)]
    found = find_duplicates(np.stack(steps).astype(np.uint8))
    assert found.same[1] == 0 and found.same[-1] > 20


def test_no_images_have_no_copies() -> None:
    assert len(find_duplicates(np.zeros((0, 1, 28, 28), np.uint8)).same) == 0
