"""Which strokes mattered."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn

from engine.explain.saliency import overlay, saliency
from engine.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.mark.parametrize(("model", "channels"), [("canvas-digits", 1), ("canvas-characters", 2)])
def test_it_lies_on_the_strokes_and_adds_up_to_more_for_the_right_class(lab, model, channels):
    predictor = lab.predictor(model)
    square = predictor.prepare(255 - drawn("7"))
    found = saliency(predictor, square, "7")
    assert (
        found.shape == square.shape == (channels, *square.shape[1:]) and found.dtype == np.float32
    )
    assert np.abs(found).max() == pytest.approx(1)
    near = np.pad(square[0], 1).astype(bool)
    near = near[1:-1, 1:-1] | near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
    assert np.abs(found[0])[near].mean() > 5 * np.abs(found[0])[~near].mean()
    assert found.sum() > 0


def test_the_overlay_shows_for_in_orange_and_against_in_blue():
    ink = np.full((2, 2), 200, np.uint8)
    shown = overlay(ink, np.array([[1, -1], [0, 0]], np.float32))
    assert shown.shape == (2, 2, 3) and shown.dtype == np.uint8
    assert shown[0, 0, 0] > shown[0, 0, 2] and shown[0, 1, 2] > shown[0, 1, 0]
    assert len(set(shown[1, 0].tolist())) == 1
