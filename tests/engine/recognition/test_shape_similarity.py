"""Likeness: by embedding and by form."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn

from engine.imaging.images import square_of_page
from engine.recognition.shape_similarity import (
    FORM_SIDE,
    FORM_WEIGHT,
    form_vectors,
    likeness_vectors,
)


def squares(*inks: np.ndarray, size: int = 28) -> np.ndarray:
    return np.stack([square_of_page(ink, "digit", size) for ink in inks])


def slow_form(image: np.ndarray) -> np.ndarray:
    """The same by loops: each cell's mean ink, every pixel counted for the share of it that lies in
    the cell.
    """
    side, cells = image.shape[0], np.zeros((FORM_SIDE, FORM_SIDE))
    for row in range(FORM_SIDE):
        for column in range(FORM_SIDE):
            for y in range(side):
                for x in range(side):
                    high = min((row + 1) * side / FORM_SIDE, y + 1) - max(row * side / FORM_SIDE, y)
                    wide = min((column + 1) * side / FORM_SIDE, x + 1) - max(
                        column * side / FORM_SIDE, x
                    )
                    if high > 0 and wide > 0:
                        cells[row, column] += high * wide * image[y, x]
    padded, out = np.pad(cells, 1), np.zeros_like(cells)
    for row in range(FORM_SIDE):
        for column in range(FORM_SIDE):
            out[row, column] = (
                padded[row : row + 3, column : column + 3] * np.outer([1, 2, 1], [1, 2, 1])
            ).sum()
    out -= out.mean()
    return (out / np.linalg.norm(out)).ravel()


@pytest.mark.parametrize("size", [28, 48, 33])
def test_the_form_is_the_blurred_ink(size):
    images = squares(drawn("♥"), drawn("#"), size=size)[:, 0]
    assert np.allclose(form_vectors(images), [slow_form(image) for image in images], atol=2e-4)


def test_a_blank_image_has_no_form():
    assert not form_vectors(np.zeros((2, 28, 28), np.uint8)).any()


def test_likeness_is_one_with_itself_and_weighs_embedding_and_form():
    images = squares(drawn("♥"), drawn("#"))
    embeddings = np.eye(2, 8, dtype=np.float32)
    vectors = likeness_vectors(embeddings, images)
    assert vectors.shape == (2, 8 + FORM_SIDE**2) and vectors.dtype == np.float32
    found = vectors @ vectors.T
    form = form_vectors(images[:, 0])
    assert np.allclose(np.diag(found), 1, atol=1e-5)
    assert found[0, 1] == pytest.approx(
        FORM_WEIGHT * float(form[0] @ form[1]), abs=1e-5
    )  # these embeddings have nothing in common


def test_the_same_symbol_is_more_alike_than_another():
    one, again, other = form_vectors(squares(drawn("♥", 1), drawn("♥", 2), drawn("#", 1))[:, 0])
    assert one @ again > one @ other + 0.2
