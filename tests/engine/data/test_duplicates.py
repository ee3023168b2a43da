"""Identical and nearly identical images are found, and different drawings are not taken for them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.data.duplicates import copies_of, find_duplicates
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


def coloured(drawings: np.ndarray, red: float, green: float, blue: float) -> np.ndarray:
    """Drawings (n, 1, H, W) in one colour on black, (n, 3, H, W)."""
    return (drawings * np.array([red, green, blue])[:, None, None]).astype(np.uint8)


def test_pictures_of_one_shape_in_other_colours_are_no_copies(drawings: np.ndarray) -> None:
    """In grey all three are the same picture at another brightness."""
    red, green, blue = (coloured(drawings[:1], *one) for one in np.eye(3))
    found = find_duplicates(np.concatenate([red, green, blue]))
    assert found.same.tolist() == [0, 1, 2]
    assert copies_of(np.concatenate([red, green, blue]), 0) == []


def test_copies_in_colour_are_found_however_they_were_saved(drawings: np.ndarray) -> None:
    first = coloured(drawings[:20], 1, 0.4, 0.1)
    paper = np.maximum(first, np.array([60, 50, 20], np.uint8)[:, None, None])
    again = np.stack([in_colour(image) for image in paper])
    darker = (paper * 0.7).astype(np.uint8)
    found = find_duplicates(np.concatenate([paper, again, darker]))
    np.testing.assert_array_equal(found.same, np.tile(found.same[:20], 3))
    assert (found.same[:20] == np.arange(20)).all()
    assert {(20, False), (40, False)} <= set(copies_of(np.concatenate([paper, again, darker]), 0))


def in_colour(image: np.ndarray) -> np.ndarray:
    """A picture (3, H, W), saved enlarged as JPEG and shrunk again, as a file is that was decoded."""
    large = Image.fromarray(image.transpose(1, 2, 0)).resize((112, 112), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    large.save(out, "JPEG", quality=60)
    small = Image.open(out).resize(image.shape[1:], Image.Resampling.BOX)
    return np.asarray(small).transpose(2, 0, 1)


def test_grey_pictures_have_the_same_copies_in_one_channel_and_in_three(
    drawings: np.ndarray,
) -> None:
    images = np.concatenate([drawings[:40], (drawings[:40] * 0.7).astype(np.uint8)])
    one, three = find_duplicates(images), find_duplicates(np.repeat(images, 3, axis=1))
    for found, other in zip(one, three, strict=True):
        np.testing.assert_array_equal(found, other)
